//! The workflows of the library, on the virtual board.

#[cfg(test)]
mod device;
#[cfg(test)]
mod mount;
#[cfg(test)]
mod shipment;
#[cfg(test)]
mod vm_pin;
