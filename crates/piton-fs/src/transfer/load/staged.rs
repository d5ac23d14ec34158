//! A program in the form in which the two stages transfer it: docs/transfer.md describes them.

use piton_board::literal::py_bytes;
use piton_board::repl::protocol::CTRL_C;

use crate::wire::crc32;

/// The first stage. It looks for `sys.stdin.buffer` and allocates the memory that it needs, so that a board without the one (the
/// micro:bit) or with too little of the other fails before the host sends anything: what is sent after a failure is input of the
/// prompt. It requests the bytes with 0x06, reads them, confirms them with 0x06, and runs those that are the second
/// stage. The host replaces each 0x03 (Ctrl-C) by a pair of letters; the first stage reverts this. The
/// program fits the first two windows of raw-paste, 256 bytes. It is one expression: a text for `exec` would be longer, and
/// compiled twice.
pub(super) const FIRST_STAGE: &str = "(lambda s:exec(s[:END],{'s':s})if __import__('ubinascii').crc32(s)==SUM else 1//0)(((__import__('sys').stdin.buffer.read,\
    bytearray(NEED),print(end='\\6'))[0](LENGTH),print(end='\\6'))[0].replace(b'PAIR',b'\\3'))";

/// The first stage for a line that loses or damages bytes. It sends 0x06 and the number of bytes that it has, and reads
/// the next piece, which is followed by its CRC-32 in hexadecimal. It requests a damaged piece again, and after an
/// interrupt also an incomplete one. The fourth interrupt in a row comes from another program or a person, and ends it.
pub(super) const FIRST_STAGE_IN_PIECES: &str = "exec(\"import sys\\nr=sys.stdin.buffer.read\\nbytearray(NEED)\\nfrom ubinascii import crc32\\ns=b''\\nk=0\\nwhile 1:\\n try:\\n  \
    print(end='\\6%d '%len(s))\\n  if len(s)==LENGTH:break\\n  p=r(min(PIECE,LENGTH-len(s))+8)\\n  \
    if crc32(p[:-8])==int(p[-8:],16):s+=p[:-8];k=0\\n except ValueError:pass\\n except KeyboardInterrupt:\\n  k+=1\\n  \
    if k>3:raise\\ns=s.replace(b'PAIR',b'\\3')\\nif crc32(s)!=SUM:raise ValueError\\nexec(s[:END],{'s':s})\",{})";

/// The second stage. It mounts a file system whose only file is the bytecode, imports this file, and unmounts the file
/// system. Then it removes the module from `sys.modules`, sends 0x06, and calls the function of the module.
const SECOND_STAGE: &str = "import sys,io,os\nclass V:\n mount=umount=lambda*a:0\n \
    stat=lambda s,p:{'/x.mpy':[0]*10}[p]\n open=lambda*a:io.BytesIO(s[END:])\nos.mount(V(),'/_p')\n\
    try:x=__import__('/_p/x')\nfinally:os.umount('/_p')\ndel sys.modules['/_p/x']\ns=V=print(end='\\6')\n";

/// Assigns the data behind the bytecode to a variable for the program.
const TAKE_DATA: &str = "d=s[FROM:]\n";

/// Keeps the module in `sys.modules`, so that later calls need no transfer.
const KEEP: &str = "sys.modules['_piton_NAME']=x\n";

/// A program in the form in which the two stages transfer it.
pub(super) struct Staged {
    /// The bytes that the first stage reads: the second stage with the call, the bytecode, and the program's data.
    pub(super) blob: Vec<u8>,
    /// The letters that replace each 0x03 in `blob`.
    pair: [u8; 2],
    /// CRC-32 of the bytes before this replacement.
    sum: u32,
    /// Length of the second stage in bytes.
    end: usize,
}

impl Staged {
    /// Prepares a program. With `keep` it stays on the board under this name.
    pub(super) fn new(mpy: &[u8], data: &[u8], arguments: &[&str], keep: Option<u32>) -> Staged {
        let keep = keep.map_or_else(String::new, |name| KEEP.replace("NAME", &name.to_string()));
        let mut arguments = arguments.to_vec();
        if !data.is_empty() {
            arguments.insert(0, "d");
        }
        let call = format!("{keep}x._piton({})\n", arguments.join(","));
        let second_stage = |end: usize| {
            let take = match data {
                [] => String::new(),
                _ => TAKE_DATA.replace("FROM", &(end + mpy.len()).to_string()),
            };
            take + &SECOND_STAGE.replace("END", &end.to_string()) + &call
        };
        // The text contains its own length, so the length is found by iteration.
        let mut end = second_stage(0).len();
        while second_stage(end).len() != end {
            end = second_stage(end).len();
        }
        let plain = [second_stage(end).as_bytes(), mpy, data].concat();
        let sum = crc32(&[&plain]);
        let (blob, pair) = without_interrupts(&plain);
        Staged {
            blob,
            pair,
            sum,
            end,
        }
    }

    pub(super) fn first_stage(&self, stage: &str, piece: usize) -> String {
        stage
            .replace("LENGTH", &self.blob.len().to_string())
            .replace("NEED", &(self.blob.len() * 2).to_string())
            .replace("PIECE", &piece.to_string())
            .replace("PAIR", &String::from_utf8_lossy(&self.pair))
            .replace("SUM", &self.sum.to_string())
            .replace("END", &self.end.to_string())
    }
}

/// Returns `bytes` with each 0x03 replaced by two letters, and these letters.
pub(crate) fn without_interrupts(bytes: &[u8]) -> (Vec<u8>, [u8; 2]) {
    let pair = pair_for(bytes);
    let mut replaced = Vec::with_capacity(bytes.len() + bytes.len() / 64);
    for byte in bytes {
        match *byte {
            CTRL_C => replaced.extend(pair),
            byte => replaced.push(byte),
        }
    }
    (replaced, pair)
}

/// Returns two letters that can replace each 0x03 in `blob` without ambiguity.
fn pair_for(blob: &[u8]) -> [u8; 2] {
    let letters = b'A'..=b'Z';
    let pairs = letters
        .clone()
        .flat_map(|first| letters.clone().map(move |second| [first, second]));
    // No letter of the pair is next to a 0x03, so that the replacement makes no other such pair. The letters differ, so
    // that consecutive pairs can be read in one way only.
    let touches = |letter: u8| {
        blob.windows(2)
            .any(|two| two.contains(&3) && two.contains(&letter))
    };
    pairs
        .filter(|[first, second]| first != second)
        .find(|pair| {
            !blob.windows(2).any(|two| two == pair) && !pair.iter().any(|letter| touches(*letter))
        })
        // A program of a few thousand bytes does not contain all 650 pairs.
        .unwrap_or(*b"Zz")
}

/// Returns a program with a checksum, for a line that damages bytes: a damaged one raises an exception instead of running.
/// It leaves no names in the globals.
pub(crate) fn checked(source: &[u8]) -> Vec<u8> {
    let sum = crc32(&[source]);
    let source = py_bytes(source);
    format!(
        "(lambda s,c:exec(s,{{}})if __import__('ubinascii').crc32(s)==c else 1//0)({source},{sum})"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stages_contain_the_whole_program_and_no_interrupt() {
        let mpy: Vec<u8> = (0..4000_u32)
            .map(|number| ((number * 7) >> 2) as u8)
            .collect();
        let program = Staged::new(&mpy, b"", &["'a'", "1"], None);
        let at_once = program.first_stage(FIRST_STAGE, 0);
        assert!(at_once.len() <= 253, "{} bytes", at_once.len());
        for first_stage in [at_once, program.first_stage(FIRST_STAGE_IN_PIECES, 64)] {
            assert!(
                first_stage.contains(&format!("s[:{}]", program.end)),
                "{first_stage}"
            );
        }
        assert!(!program.blob.contains(&3));
        let mut blob = Vec::new();
        let mut rest = program.blob.as_slice();
        while let Some((byte, after)) = rest.split_first() {
            if let Some(after) = rest.strip_prefix(&program.pair) {
                blob.push(3);
                rest = after;
            } else {
                blob.push(*byte);
                rest = after;
            }
        }
        let (text, loaded) = blob.split_at(program.end);
        assert_eq!(loaded, mpy);
        let text = std::str::from_utf8(text).unwrap();
        assert!(text.ends_with("\nx._piton('a',1)\n"), "{text}");
        assert!(text.contains(&format!("s[{}:]", program.end)), "{text}");
    }
}
