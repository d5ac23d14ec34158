//! The firmware's memory, read and written with its bounds checked.

use super::stop::{Stop, stop};

/// A view of the firmware's memory. All numbers in it are little-endian.
pub(crate) struct Guest<'a> {
    bytes: &'a mut [u8],
}

fn bad_address() -> wasmi::Error {
    stop(Stop::BadAddress)
}

/// Returns a 32-bit value of the interpreter as an address or length.
pub(crate) fn unsigned(value: i32) -> u32 {
    value.cast_unsigned()
}

fn index(address: u32) -> usize {
    // Every supported host has pointers of at least 32 bits.
    address as usize
}

impl<'a> Guest<'a> {
    pub(crate) fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes }
    }

    pub(crate) fn bytes(&self, address: u32, len: u32) -> Result<&[u8], wasmi::Error> {
        let start = index(address);
        let end = start.checked_add(index(len)).ok_or_else(bad_address)?;
        self.bytes.get(start..end).ok_or_else(bad_address)
    }

    pub(crate) fn bytes_mut(&mut self, address: u32, len: u32) -> Result<&mut [u8], wasmi::Error> {
        let start = index(address);
        let end = start.checked_add(index(len)).ok_or_else(bad_address)?;
        self.bytes.get_mut(start..end).ok_or_else(bad_address)
    }

    pub(crate) fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), wasmi::Error> {
        let len = u32::try_from(bytes.len()).map_err(|_| bad_address())?;
        self.bytes_mut(address, len)?.copy_from_slice(bytes);
        Ok(())
    }

    pub(crate) fn u32(&self, address: u32) -> Result<u32, wasmi::Error> {
        let bytes = self.bytes(address, 4)?;
        let bytes = bytes.try_into().map_err(|_| bad_address())?;
        Ok(u32::from_le_bytes(bytes))
    }

    pub(crate) fn u16(&self, address: u32) -> Result<u16, wasmi::Error> {
        let bytes = self.bytes(address, 2)?;
        let bytes = bytes.try_into().map_err(|_| bad_address())?;
        Ok(u16::from_le_bytes(bytes))
    }

    pub(crate) fn set_u64(&mut self, address: u32, value: u64) -> Result<(), wasmi::Error> {
        self.write(address, &value.to_le_bytes())
    }

    pub(crate) fn set_u32(&mut self, address: u32, value: u32) -> Result<(), wasmi::Error> {
        self.write(address, &value.to_le_bytes())
    }

    pub(crate) fn set_u16(&mut self, address: u32, value: u16) -> Result<(), wasmi::Error> {
        self.write(address, &value.to_le_bytes())
    }

    /// Returns the text at `address` up to its NUL; `None` if it is not UTF-8.
    pub(crate) fn text(&self, address: u32) -> Result<Option<String>, wasmi::Error> {
        let rest = self.bytes.get(index(address)..).ok_or_else(bad_address)?;
        let end = rest.iter().position(|&byte| byte == 0);
        let text = rest.get(..end.ok_or_else(bad_address)?);
        let text = text.ok_or_else(bad_address)?;
        Ok(std::str::from_utf8(text).ok().map(str::to_owned))
    }
}
