//! Choosing the part of a file for one answer: as much as the line carries at once, deflated if that helps.

use crate::wire::deflate;

/// The longest piece, before deflating. The board inflates with a window of 2 KiB (`wbits` 11 in device/mount.py).
pub(super) const LONGEST_PIECE: usize = 2000;

/// Bytes that deflating must save, since inflating takes memory and time of the board.
const WORTH_IT: usize = 16;

/// The content of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// The bytes on the wire.
    pub(super) content: Vec<u8>,
    /// Whether it is deflated.
    pub(super) packed: bool,
    /// The number of offered bytes that it holds.
    pub(super) used: usize,
}

/// Returns `prefix`, followed by as much of `offered` as fits into `room` bytes.
pub(super) fn pack(prefix: &[u8], offered: &[u8], room: usize, inflates: bool) -> Piece {
    let plain = offered.len().min(room.saturating_sub(prefix.len()));
    let mut count = offered.len().min(LONGEST_PIECE);
    // Each round estimates what fits from the ratio of the round before.
    while inflates && count > 0 {
        let content = [prefix, offered.get(..count).unwrap_or_default()].concat();
        let packed = deflate(&content);
        let saves = packed.len() + WORTH_IT <= content.len();
        if !saves || (packed.len() > room && count <= plain) {
            break;
        }
        if packed.len() <= room {
            if count >= plain {
                return Piece {
                    content: packed,
                    packed: true,
                    used: count,
                };
            }
            break;
        }
        count = (count * room / packed.len()).min(count - 1);
        count -= count / 32;
    }
    Piece {
        content: [prefix, offered.get(..plain).unwrap_or_default()].concat(),
        packed: false,
        used: plain,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn check(offered: &[u8], room: usize, inflates: bool, expect: std::ops::RangeInclusive<usize>) {
        let piece = pack(b"p", offered, room, inflates);
        assert!(
            piece.content.len() <= room,
            "{} of {room}",
            piece.content.len()
        );
        assert!(expect.contains(&piece.used), "used {}", piece.used);
        let mut content = piece.content;
        if piece.packed {
            assert!(inflates);
            let mut plain = Vec::new();
            flate2::read::DeflateDecoder::new(content.as_slice())
                .read_to_end(&mut plain)
                .unwrap();
            content = plain;
        }
        assert_eq!(content, [b"p", &offered[..piece.used]].concat());
    }

    #[test]
    fn pieces_fill_the_room() {
        let text = b"def function(argument):\n    return argument + 1\n\n".repeat(100);
        let noise = (0..3000_u32)
            .map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect::<Vec<_>>();
        check(&text, 244, true, 2000..=2000);
        check(&text, 44, true, 43..=2000);
        check(&text, 244, false, 243..=243);
        check(&noise, 244, true, 243..=243);
        check(&noise, 4000, false, 3000..=3000);
        check(b"short", 244, true, 5..=5);
        check(b"", 244, true, 0..=0);
    }
}
