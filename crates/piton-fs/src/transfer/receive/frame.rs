//! The frames in which a board sends files: docs/transfer.md describes them.

use crate::wire::crc32;

/// Bytes of a frame besides its payload.
pub(super) const FRAME_OVERHEAD: usize = 9;

/// Maximum length of a payload, as in device/receive.py.
pub(super) const LONGEST: usize = 4096;

/// Returns kind and number of the frame at the start of `bytes`, if it is complete and undamaged.
pub(super) fn whole_frame(bytes: &[u8]) -> Option<(u8, u16)> {
    let &[kind, number_low, number_high, length_low, length_high, ..] = bytes else {
        return None;
    };
    let length = usize::from(u16::from_le_bytes([length_low, length_high]));
    if !b"FBHQ".contains(&kind) || length > LONGEST {
        return None;
    }
    let (frame, crc) = bytes
        .get(..length + FRAME_OVERHEAD)?
        .split_last_chunk::<4>()?;
    let is_whole = crc32(&[frame]) == u32::from_le_bytes(*crc);
    is_whole.then(|| (kind, u16::from_le_bytes([number_low, number_high])))
}
