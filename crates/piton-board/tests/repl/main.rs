//! The REPL on real MicroPython: the virtual board (1.29) and the micro:bit under QEMU (1.9.2).

#[cfg(test)]
mod entry;
#[cfg(test)]
mod exec;
#[cfg(test)]
mod microbit;
#[cfg(all(test, unix))]
mod strangers;
#[cfg(test)]
mod support;
