//! What a call takes along as bytes, and the pieces in which it crosses the line: device/serve.py has the board's end.

use flate2::{Compress, Compression, FlushCompress, Status};

/// The lengths of pieces that are tried, in bytes: the first where nothing is lost, the others behind a UART's receive ring of
/// 256 bytes whose reader comes late, and on a line that damages bytes.
pub(super) const PIECES: [usize; 3] = [4096, 200, 64];

/// Fewer bytes are not worth inflating.
const WORTHWHILE: usize = 128;

/// The window for inflating, in bits: 4 KiB, of which any board has some.
const WINDOW_BITS: u32 = 12;

/// Ctrl-C, which no piece contains.
const CTRL_C: u8 = 0x03;

/// The expression of a call, its source, and bytes objects.
#[derive(Debug)]
pub(super) struct Payload {
    /// Maybe deflated.
    bytes: Vec<u8>,
    /// The window for inflating; 0 for bytes as they are.
    bits: u32,
    sizes: Vec<usize>,
    /// Three letters that stand for Ctrl-C and do not occur otherwise.
    escape: [u8; 3],
}

impl Payload {
    /// `parts` are the expression, the source, and what `_d` holds. `None`: there is too much to find an escape.
    pub(super) fn new(parts: &[&[u8]], inflates: bool) -> Option<Payload> {
        let plain = parts.concat();
        let deflated = match inflates && plain.len() >= WORTHWHILE {
            true => deflate(&plain),
            false => None,
        };
        let deflated = deflated.filter(|deflated| deflated.len() < plain.len() / 4 * 3);
        let bits = match deflated {
            Some(_) => plain
                .len()
                .next_power_of_two()
                .ilog2()
                .clamp(8, WINDOW_BITS),
            None => 0,
        };
        let bytes = deflated.unwrap_or(plain);
        Some(Payload {
            escape: escape_for(&bytes)?,
            bytes,
            bits,
            sizes: parts.iter().map(|part| part.len()).collect(),
        })
    }

    /// The text of the call.
    pub(super) fn text(&self) -> String {
        let escape = String::from_utf8_lossy(&self.escape);
        let mut text = format!("?{escape},{},{}", self.bits, self.bytes.len());
        for size in &self.sizes {
            text.push_str(&format!(",{size}"));
        }
        text
    }

    /// How many bytes there are, without escapes.
    pub(super) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// The piece of at most `length` bytes that begins at `at`, as it is sent; `None` after the end.
    pub(super) fn piece(&self, at: usize, length: usize) -> Option<Vec<u8>> {
        let rest = self.bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let piece = rest.get(..length).unwrap_or(rest);
        let mut escaped = Vec::with_capacity(piece.len() + piece.len() / 64);
        for byte in piece {
            match *byte {
                CTRL_C => escaped.extend(self.escape),
                byte => escaped.push(byte),
            }
        }
        let mut hasher = crc32fast::Hasher::new_with_initial(u32::try_from(at).ok()?);
        hasher.update(piece);
        let head = format!("{:04x}{:08x}", escaped.len(), hasher.finalize());
        Some([head.as_bytes(), &escaped].concat())
    }
}

/// Three different letters that are nowhere in `bytes`, one after the other: so no pair of places that they replace makes another one.
fn escape_for(bytes: &[u8]) -> Option<[u8; 3]> {
    let index = |letters: &[u8]| {
        letters.iter().try_fold(0, |index, letter| {
            letter
                .is_ascii_uppercase()
                .then(|| index * 26 + usize::from(letter - b'A'))
        })
    };
    let mut occurs = vec![false; 26 * 26 * 26];
    for letters in bytes.windows(3) {
        if let Some(occurs) = index(letters).and_then(|index| occurs.get_mut(index)) {
            *occurs = true;
        }
    }
    let free = |escape: &[u8; 3]| index(escape).and_then(|index| occurs.get(index)) == Some(&false);
    let letters = || b'A'..=b'Z';
    letters()
        .flat_map(|first| letters().map(move |second| (first, second)))
        .flat_map(|(first, second)| letters().map(move |third| [first, second, third]))
        .filter(|[first, second, third]| first != second && first != third && second != third)
        .find(free)
}

/// A deflate stream without a header that needs a window of [`WINDOW_BITS`]: blocks that know nothing of one another.
fn deflate(plain: &[u8]) -> Option<Vec<u8>> {
    let mut deflated = Vec::new();
    let mut blocks = plain.chunks(1 << WINDOW_BITS).peekable();
    while let Some(block) = blocks.next() {
        let flush = match blocks.peek() {
            Some(_) => FlushCompress::Sync,
            None => FlushCompress::Finish,
        };
        deflated.reserve(block.len() + 64);
        let mut compress = Compress::new(Compression::best(), false);
        let status = compress.compress_vec(block, &mut deflated, flush).ok()?;
        let is_whole = usize::try_from(compress.total_in()) == Ok(block.len())
            && (status == Status::StreamEnd) == (flush == FlushCompress::Finish);
        if !is_whole {
            return None;
        }
    }
    Some(deflated)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    /// What the board makes of the pieces.
    fn received(payload: &Payload, length: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while let Some(piece) = payload.piece(bytes.len(), length) {
            assert!(!piece.contains(&CTRL_C));
            let (head, escaped) = piece.split_at(12);
            let head = std::str::from_utf8(head).unwrap();
            assert_eq!(
                usize::from_str_radix(&head[..4], 16).unwrap(),
                escaped.len()
            );
            let mut rest = escaped;
            while let Some((byte, after)) = rest.split_first() {
                if let Some(after) = rest.strip_prefix(&payload.escape) {
                    bytes.push(CTRL_C);
                    rest = after;
                } else {
                    bytes.push(*byte);
                    rest = after;
                }
            }
        }
        bytes
    }

    #[test]
    fn pieces_make_the_whole_and_hold_no_interrupt() {
        let random: Vec<u8> = (0..40_000_u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        let interrupts = b"\x03\x03ABC\x03AB\x03ABABC\x03BC".repeat(50);
        for bytes in [random, interrupts, Vec::new(), vec![3; 300]] {
            for length in PIECES {
                let payload = Payload::new(&[b"f(_d[0])", b"", &bytes], false).unwrap();
                let expected = [b"f(_d[0])", bytes.as_slice()].concat();
                assert_eq!(received(&payload, length), expected);
                let sizes = format!(",0,{},8,0,{}", expected.len(), bytes.len());
                assert!(payload.text().ends_with(&sizes), "{}", payload.text());
            }
        }
    }

    #[test]
    fn text_is_deflated_with_a_small_window() {
        let text = "temperature = machine.ADC(4)\n".repeat(1000);
        let payload = Payload::new(&[text.as_bytes(), b""], true).unwrap();
        assert!(payload.length() < text.len() / 10);
        assert!(payload.text().contains(",12,"), "{}", payload.text());
        let stream = received(&payload, 4096);
        let mut inflated = String::new();
        flate2::read::DeflateDecoder::new(stream.as_slice())
            .read_to_string(&mut inflated)
            .unwrap();
        assert_eq!(inflated, text);
        let short = Payload::new(&[&text.as_bytes()[..300]], true).unwrap();
        assert!(short.text().contains(",9,"), "{}", short.text());
    }
}
