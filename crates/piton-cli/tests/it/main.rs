//! The `piton` command from the outside: on the virtual board, on a micro:bit, and beside mpremote.

mod support;
#[cfg(unix)]
mod terminal;

mod bad_input;
mod connect;
#[cfg(unix)]
mod differential;
mod exec;
mod help;
#[cfg(unix)]
mod interrupt;
#[cfg(unix)]
mod microbit;
#[cfg(unix)]
mod repl;
#[cfg(unix)]
mod virtual_serve;
mod vm_file;
