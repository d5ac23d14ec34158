//! The workflows of the library, on the virtual board.

// Helpers of tests may unwrap and index as tests may: clippy takes only what is behind `cfg(test)` for a test.
#![cfg(test)]

mod copy;
mod device;
mod mip;
mod mount;
mod package_index;
mod romfs;
mod shipment;
mod vm_pin;
