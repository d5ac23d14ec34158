//! File operations on real MicroPython: the virtual board in all its versions, a micro:bit under QEMU.

#[cfg(test)]
mod faults;
#[cfg(test)]
mod microbit;
#[cfg(test)]
mod mount;
#[cfg(test)]
mod operations;
#[cfg(unix)]
#[cfg(test)]
mod peers;
#[cfg(test)]
mod rename;
#[cfg(test)]
mod slow;
#[cfg(test)]
mod support;
#[cfg(test)]
mod swap;
#[cfg(test)]
mod sweep;
#[cfg(test)]
mod transfer;
#[cfg(test)]
mod wire;
