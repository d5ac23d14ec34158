//! Building the packets of the stream to the board.
//!
//! A packet is `head (4 bytes), payload, CRC-32 (4 bytes), places (2 bytes each)`. No byte of it is 0x03, which is
//! always Ctrl-C for the board: a 0x03 of the payload is sent as 0x83, and one of the places names its position. The
//! bytes of the head have the highest bit set, which distinguishes them from the keys of a person or another program.

use crate::wire::{MARK, crc32, seven_bits};

/// Ctrl-C.
const INTERRUPT: u8 = 3;

/// Sent instead of [`INTERRUPT`] in a payload.
const STAND_IN: u8 = 0x83;

/// Bit in the first byte of the head: the payload is a deflate stream.
const DEFLATED: u8 = 0x40;

/// Modulus of the packets' numbers.
pub(crate) const NUMBERS: u8 = 32;

/// Never the first byte of a packet. The board skips it between packets.
pub(crate) const PADDING: u8 = 0xff;

/// Bytes of the head.
const HEAD: usize = 4;

/// Maximum number of places, which has seven bits in the head.
const PLACES: usize = 127;

/// Returns the packet of this number with this payload; `None` if the payload has too many 0x03 for one packet.
///
/// `payload` has at most 8,192 bytes.
pub(crate) fn packet(number: u8, is_deflated: bool, payload: &[u8]) -> Option<Vec<u8>> {
    let [low, high] = seven_bits(payload.len());
    let first = MARK | if is_deflated { DEFLATED } else { 0 } | (number % NUMBERS);
    let places: Vec<usize> = payload
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == INTERRUPT)
        .map(|(at, _)| HEAD + at)
        .collect();
    // The CRC must not contain 0x03 either. It covers the number of places, so additional places change it. A place
    // that names itself has no effect: the board goes from the last to the first and has read it by then.
    for idle in 0..=PLACES.checked_sub(places.len())? {
        let count = u8::try_from(places.len() + idle).ok()?;
        let head = [first, low, high, MARK | count];
        let crc = crc32(&[&head, payload]).to_le_bytes();
        if crc.contains(&INTERRUPT) {
            continue;
        }
        let mut bytes = Vec::with_capacity(HEAD + payload.len() + 4 + 2 * usize::from(count));
        bytes.extend(head);
        bytes.extend(payload.iter().map(|byte| match *byte {
            INTERRUPT => STAND_IN,
            byte => byte,
        }));
        bytes.extend(crc);
        let end = bytes.len();
        let all = (0..idle).map(|at| end + 2 * at).chain(places);
        bytes.extend(all.flat_map(seven_bits));
        return Some(bytes);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what device/send.py makes of a packet.
    fn open(bytes: &[u8]) -> Option<(u8, bool, Vec<u8>)> {
        let number = |view: &[u8], at: usize| {
            usize::from(view[at] & 0x7f) | usize::from(view[at + 1] & 0x7f) << 7
        };
        let size = number(bytes, 1);
        let end = size + 8;
        let mut view = bytes.to_vec();
        let mut last = end + usize::from(bytes[3] & 0x7f) * 2;
        assert_eq!(last, bytes.len());
        while last > end {
            last -= 2;
            let place = number(&view, last);
            view[place] = 3;
        }
        let mut crc = flate2::Crc::new();
        crc.update(&view[..size + 4]);
        (crc.sum().to_le_bytes() == view[size + 4..end]).then(|| {
            (
                bytes[0] & 63,
                bytes[0] & 64 != 0,
                view[4..size + 4].to_vec(),
            )
        })
    }

    #[test]
    fn packets_contain_their_payload_and_no_interrupt() {
        let mut state = 1_u32;
        for length in (0..=8192).step_by(37) {
            let payload: Vec<u8> = (0..length)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                })
                .collect();
            let bytes = packet(length as u8, length % 2 == 1, &payload).unwrap();
            assert!(!bytes.contains(&3));
            assert!(bytes[..4].iter().all(|byte| *byte >= 0x80));
            let expected = (length as u8 % 32, length % 2 == 1, payload);
            assert_eq!(open(&bytes), Some(expected));
        }
    }

    #[test]
    fn a_checksum_with_interrupts_is_changed_until_it_has_none() {
        let mut most = 0;
        for seed in 0..200_000_u32 {
            let payload = seed.to_le_bytes().map(|byte| byte | 4);
            let bytes = packet(0, false, &payload).unwrap();
            most = most.max(bytes[3] & 0x7f);
            if bytes[3] & 0x7f > 1 {
                assert_eq!(open(&bytes), Some((0, false, payload.to_vec())), "{seed}");
            }
        }
        assert!(most > 1, "{most}");
    }

    #[test]
    fn a_payload_with_too_many_interrupts_is_refused() {
        assert!(packet(0, false, &[3; 100]).is_some());
        assert!(packet(0, false, &[3; 128]).is_none());
    }
}
