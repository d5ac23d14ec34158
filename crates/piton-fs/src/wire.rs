//! Shared parts of the wire formats: a checksum, numbers and a compression.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// Returns the CRC-32 of the concatenated parts, the same as `binascii.crc32` on the board.
pub(crate) fn crc32(parts: &[&[u8]]) -> u32 {
    let mut crc = flate2::Crc::new();
    for part in parts {
        crc.update(part);
    }
    crc.sum()
}

/// A bit that is set in each byte of a number on the wire, so that no byte is Ctrl-C or a typed letter.
pub(crate) const MARK: u8 = 0x80;

/// Returns a number of at most 14 bits as two bytes, the lower one first.
pub(crate) fn seven_bits(number: usize) -> [u8; 2] {
    let bits = |shift: usize| MARK | (number >> shift & 0x7f) as u8;
    [bits(0), bits(7)]
}

/// Returns a deflate stream without a header.
pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail. If it did, the caller would use the uncompressed bytes.
    match encoder.write_all(bytes).and_then(|()| encoder.finish()) {
        Ok(deflated) => deflated,
        Err(_) => bytes.to_vec(),
    }
}
