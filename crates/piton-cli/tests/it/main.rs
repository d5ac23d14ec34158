//! The `piton` command from the outside: on the virtual board, on a micro:bit, and beside mpremote.

#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod connect;
#[cfg(all(test, unix))]
mod differential;
#[cfg(test)]
mod exec;
#[cfg(test)]
mod fs;
#[cfg(test)]
mod help;
#[cfg(all(test, unix))]
mod interrupt;
#[cfg(all(test, unix))]
mod microbit;
#[cfg(all(test, unix))]
mod repl;
#[cfg(test)]
mod support;
#[cfg(all(test, unix))]
mod terminal;
#[cfg(all(test, unix))]
mod virtual_serve;
#[cfg(test)]
mod vm_file;
