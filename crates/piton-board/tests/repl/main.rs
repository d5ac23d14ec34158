//! The REPL on real MicroPython: the virtual board (1.29), the micro:bit under QEMU (1.9.2), an emulated Pico W (1.27), and the
//! unix port (1.29).

#[cfg(test)]
mod entry;
#[cfg(test)]
mod exec;
#[cfg(test)]
mod microbit;
#[cfg(all(test, unix))]
mod pico;
#[cfg(all(test, unix))]
mod strangers;
#[cfg(test)]
mod support;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[cfg(test)]
mod unix_current;
