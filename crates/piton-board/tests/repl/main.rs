//! The REPL on real MicroPython: the virtual board (1.29) and the micro:bit under QEMU (1.9.2).

mod microbit;
mod support;
