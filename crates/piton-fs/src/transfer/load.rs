//! Programs to the board as bytecode, in two stages: docs/transfer.md describes them.

use std::time::{Duration, Instant};

use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_board::repl::{Conversation, RawRepl, Repl};
use tracing::debug;

use super::END_TIME;
use super::agent::{Start, is_end, is_lack};
use crate::device::Program;
use crate::wire::crc32;

/// The first stage: asks for bytes with 0x06, takes them, says 0x06, and runs those that are the second stage. A pair of letters
/// that the host chose stands for 0x03, which is Ctrl-C. Where memory is short, that shows before anything is sent. It fits the two windows that raw-paste has at first: 256 bytes.
const FIRST_STAGE: &str = "exec(\"import sys,ubinascii\\nbytearray(NEED)\\nprint(end='\\6')\\ns=sys.stdin.buffer.read(LENGTH)\\n\
    print(end='\\6')\\ns=s.replace(b'PAIR',b'\\3')\\nif ubinascii.crc32(s)!=SUM:raise ValueError\\n\
    exec(s[:END],{'s':s})\",{})";

/// The same for a line that loses or damages bytes: it says 0x06 and how much it has, and takes the next piece, which has its
/// CRC-32 behind it, in hexadecimal. A piece that came damaged is asked for again, and so is one whose end was lost when an
/// interrupt tells of it. The fourth interrupt in a row is somebody else's.
const FIRST_STAGE_IN_PIECES: &str = "exec(\"import sys\\nbytearray(NEED)\\nfrom ubinascii import crc32\\ns=b''\\nk=0\\nwhile 1:\\n try:\\n  \
    print(end='\\6%d '%len(s))\\n  if len(s)==LENGTH:break\\n  p=sys.stdin.buffer.read(min(PIECE,LENGTH-len(s))+8)\\n  \
    if crc32(p[:-8])==int(p[-8:],16):s+=p[:-8];k=0\\n except ValueError:pass\\n except KeyboardInterrupt:\\n  k+=1\\n  \
    if k>3:raise\\ns=s.replace(b'PAIR',b'\\3')\\nif crc32(s)!=SUM:raise ValueError\\nexec(s[:END],{'s':s})\",{})";

/// Such pieces, from the second try on: the smallest receive rings of boards that load bytecode hold the first; fewer bytes are
/// less often damaged.
const PIECES: [usize; 2] = [232, 64];

/// The second stage: imports the bytecode behind it from a file system of one file, and calls it. It says 0x06 again when the
/// import is done. Nothing of it stays: neither the module nor the file system.
const SECOND_STAGE: &str = "import sys,io,os\nclass V:\n mount=umount=lambda*a:0\n \
    stat=lambda s,p:{'/x.mpy':[0]*10}[p]\n open=lambda*a:io.BytesIO(s[END:])\nos.mount(V(),'/_p')\n\
    try:x=__import__('/_p/x')\nfinally:os.umount('/_p')\ndel sys.modules['/_p/x']\ns=V=print(end='\\6')\n";

/// Takes what came behind the bytecode, for the program to have.
const TAKE_DATA: &str = "d=s[FROM:]\n";

/// Keeps a module under a name of our own.
const KEEP: &str = "sys.modules['_piton_NAME']=x\n";

/// Calls a module that was kept: it says 0x06 when it has found it.
const CALL_KEPT: &str = "exec(\"import sys\\nx=sys.modules['_piton_NAME']\\nprint(end='\\6')\\nx._piton(ARGUMENTS)\",{})";

/// Removes the modules that were kept.
const FORGET: &[u8] = b"exec(\"import sys\\nfor x in list(sys.modules):\\n if x[:7]=='_piton_':del sys.modules[x]\",{})";

/// The board asks for more of a program, or has it.
const MORE: u8 = 0x06;

/// How long a board may be silent while it takes a program, before an interrupt makes it begin again; twice as long each
/// time. A kilobyte takes 90 ms at 115200 baud.
pub(crate) const LOAD_TIME: Duration = Duration::from_millis(1200);

/// How long a board may take to load a program that it has.
pub(crate) const RUN_TIME: Duration = Duration::from_secs(14);

/// What is written then, one after the other: an interrupt; where that is a byte like others, it completes what was lost.
const LOAD_PROBES: [usize; 3] = [1, 64, 8192];

/// How often a program is sent as bytecode before it goes as source.
const LOAD_TRIES: u32 = 10;

/// Sends a program as bytecode, where the board loads it. When this returns true it runs. If there is `data`, it goes with it, and is
/// the first argument.
///
/// # Errors
///
/// [`Start::Unable`]: the board has too little memory for the data.
pub(super) fn load(
    raw_repl: &mut RawRepl<'_>,
    program: Program,
    data: &[u8],
    arguments: &[&str],
    deadline: Deadline,
) -> Result<bool, Start> {
    // Firmware from before raw-paste loads older formats.
    if raw_repl.learned().loads_bytecode == Some(false) || raw_repl.raw_paste() == Some(false) {
        return Ok(false);
    }
    let Some(compile) = raw_repl.learned().compile else {
        return Ok(false);
    };
    let name = crc32(&[program.source().as_bytes()]);
    if data.is_empty() && call_kept(raw_repl, name, arguments, deadline)? {
        return Ok(true);
    }
    let Some(mpy) = compile(program.source()) else {
        return Ok(false);
    };
    let keep = Some(name)
        .filter(|name| data.is_empty() && raw_repl.learned().loaded_programs.contains(name));
    let program = Staged::new(&mpy, data, arguments, keep);
    let mut lack = None;
    let mut lost = {
        let learned = raw_repl.learned();
        usize::from(learned.loads_bytecode.is_some() && learned.longest_burst == 0)
    };
    for _ in 0..LOAD_TRIES {
        let piece = lost
            .checked_sub(1)
            .map(|lost| PIECES.get(lost / 2).unwrap_or(&64));
        let loaded = match piece {
            None => load_at_once(raw_repl, &program, deadline),
            Some(length) => load_in_pieces(raw_repl, &program, *length, deadline),
        };
        let error = match loaded {
            Ok(took) => {
                let length = program.blob.len();
                let soft_resets = raw_repl.soft_resets();
                let learned = raw_repl.learned_mut();
                learned.loads_bytecode = Some(true);
                learned.streams = learned.streams.or(Some(true));
                let burst = if lost > 0 { 0 } else { length };
                learned.longest_burst = learned.longest_burst.max(burst);
                learned.seconds_per_byte = took.as_secs_f64() / length.max(1) as f64;
                learned.loaded_programs.insert(name);
                let kept = keep.map(|name| (name, soft_resets));
                learned.kept_programs.extend(kept);
                return Ok(true);
            }
            Err(error) => error,
        };
        match error {
            BoardError::Exception(exception)
                if exception.type_name == "MemoryError" && !data.is_empty() =>
            {
                return Err(Start::Unable);
            }
            // A damaged byte can look like this once, but not twice in the same words. MicroPython without file systems in
            // Python has no `os.mount`, older versions and other systems have other bytecode: `ValueError: incompatible
            // .mpy file`.
            BoardError::Exception(exception)
                if is_lack(&exception.type_name) || exception.message.contains(".mpy") =>
            {
                if lack.as_ref() == Some(&exception.traceback) {
                    break;
                }
                lack = Some(exception.traceback);
            }
            BoardError::Exception(_) => lost += 1,
            error => return Err(Start::Failed(error)),
        }
    }
    debug!("the board does not load bytecode, programs go as source");
    raw_repl.learned_mut().loads_bytecode = Some(false);
    Ok(false)
}

/// Calls a program that was kept on the board. Returns false if none was kept, or it is gone.
fn call_kept(
    raw_repl: &mut RawRepl<'_>,
    name: u32,
    arguments: &[&str],
    deadline: Deadline,
) -> Result<bool, Start> {
    if !raw_repl.learned().keeps(name, raw_repl.soft_resets()) {
        return Ok(false);
    }
    // The arguments stand in a string.
    let arguments = arguments
        .join(",")
        .replace('\\', "\\\\")
        .replace('"', "\\\"");
    let source = CALL_KEPT
        .replace("NAME", &name.to_string())
        .replace("ARGUMENTS", &arguments);
    let mut conversation = raw_repl
        .converse(source.as_bytes(), deadline)
        .map_err(Start::Failed)?;
    if is_asked(&mut conversation, RUN_TIME, deadline).map_err(Start::Failed)? {
        return Ok(true);
    }
    match conversation.finish(&mut |_| {}, deadline.sooner(END_TIME)) {
        // Somebody has removed it.
        Ok(()) | Err(BoardError::Exception(_)) => {
            raw_repl.learned_mut().kept_programs.remove(&name);
            Ok(false)
        }
        Err(error) => Err(Start::Failed(error)),
    }
}

/// Removes the programs that were kept on the board for the rest of the connection, if any were.
///
/// # Errors
///
/// What the board says. Nothing is sent where nothing was kept.
pub fn forget_programs(raw_repl: &mut RawRepl<'_>, deadline: Deadline) -> Result<(), BoardError> {
    if !raw_repl.learned().keeps_any(raw_repl.soft_resets()) {
        return Ok(());
    }
    raw_repl.learned_mut().kept_programs.clear();
    raw_repl.run(FORGET, deadline).map(|_| ())
}

/// Returns whether programs were kept on the board: see [`forget_programs`].
pub fn keeps_programs(repl: &Repl) -> bool {
    repl.learned().keeps_any(repl.soft_resets())
}

/// A program on its way to a board.
struct Staged {
    /// What the first stage takes: the second stage with the call, the bytecode, and data for the program.
    blob: Vec<u8>,
    /// What stands for 0x03 in it.
    pair: [u8; 2],
    sum: u32,
    /// How long the second stage is.
    end: usize,
}

impl Staged {
    /// `keep`: the name under which it stays on the board.
    fn new(mpy: &[u8], data: &[u8], arguments: &[&str], keep: Option<u32>) -> Staged {
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
        // The length is in the text itself.
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

    fn first_stage(&self, stage: &str, piece: usize) -> String {
        stage
            .replace("LENGTH", &self.blob.len().to_string())
            .replace("NEED", &(self.blob.len() * 2).to_string())
            .replace("PIECE", &piece.to_string())
            .replace("PAIR", &String::from_utf8_lossy(&self.pair))
            .replace("SUM", &self.sum.to_string())
            .replace("END", &self.end.to_string())
    }
}

/// `bytes` with two letters for each 0x03, and the letters.
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

/// Two letters that can stand for 0x03 in `blob`: they are not in it, and do not arise at the edges of what they stand in.
fn pair_for(blob: &[u8]) -> [u8; 2] {
    let letters = b'A'..=b'Z';
    let pairs = letters
        .clone()
        .flat_map(|first| letters.clone().map(move |second| [first, second]));
    // Neither letter beside a 0x03, so that no other pair arises; different ones, so that a row of pairs has one reading.
    let touches = |letter: u8| {
        blob.windows(2)
            .any(|two| two.contains(&3) && two.contains(&letter))
    };
    pairs
        .filter(|[first, second]| first != second)
        .find(|pair| {
            !blob.windows(2).any(|two| two == pair) && !pair.iter().any(|letter| touches(*letter))
        })
        // There are 650 pairs, and a program has some thousand bytes.
        .unwrap_or(*b"Zz")
}

/// Sends the two stages, the second one in one go. When this returns the program runs. Gives how long the bytes took to arrive.
fn load_at_once(
    raw_repl: &mut RawRepl<'_>,
    program: &Staged,
    deadline: Deadline,
) -> Result<Duration, BoardError> {
    let first_stage = program.first_stage(FIRST_STAGE, 0);
    let before = Instant::now();
    let mut conversation = raw_repl.converse(first_stage.as_bytes(), deadline)?;
    // As slow as the board has been so far, and three times that.
    let shown = before.elapsed().as_secs_f64() / first_stage.len() as f64;
    let shown = Duration::from_secs_f64(shown * program.blob.len() as f64 * 3.0);
    let timeout = LOAD_TIME.max(shown.min(RUN_TIME));
    if is_asked(&mut conversation, RUN_TIME, deadline)? {
        let before = Instant::now();
        conversation.write(&program.blob, deadline)?;
        if is_asked(&mut conversation, timeout, deadline)? {
            let took = before.elapsed();
            if is_asked(&mut conversation, RUN_TIME, deadline)? {
                return Ok(took);
            }
        }
    }
    Err(ended(conversation, deadline))
}

/// Sends the program in pieces of this length, each of which the board checks.
fn load_in_pieces(
    raw_repl: &mut RawRepl<'_>,
    program: &Staged,
    length: usize,
    deadline: Deadline,
) -> Result<Duration, BoardError> {
    let first_stage = program.first_stage(FIRST_STAGE_IN_PIECES, length);
    let mut conversation = raw_repl.converse(first_stage.as_bytes(), deadline)?;
    let before = Instant::now();
    while let Some(offset) = hear_offset(&mut conversation, deadline)? {
        match program.blob.get(offset..) {
            Some(rest @ [_, ..]) => {
                let piece = rest.get(..length).unwrap_or(rest);
                let burst = [piece, format!("{:08x}", crc32(&[piece])).as_bytes()].concat();
                conversation.write(&burst, deadline)?;
            }
            Some([]) => {
                let took = before.elapsed();
                match is_asked(&mut conversation, RUN_TIME, deadline)? {
                    true => return Ok(took),
                    false => break,
                }
            }
            // A damaged number: the board says it again when it is interrupted.
            None => {}
        }
    }
    Err(ended(conversation, deadline))
}

/// Returns how the first or the second stage has ended, which should have gone on.
fn ended(conversation: Conversation<'_>, deadline: Deadline) -> BoardError {
    match conversation.finish(&mut |_| {}, deadline.sooner(END_TIME)) {
        Err(error) => error,
        Ok(()) => BoardError::Unexpected {
            expected: "the board to run a program",
            received: Vec::new(),
        },
    }
}

/// Returns how much of the program the board has; `None`: the stage has ended. A board that is silent is interrupted, at most three
/// times.
fn hear_offset(
    conversation: &mut Conversation<'_>,
    deadline: Deadline,
) -> Result<Option<usize>, BoardError> {
    let mut limit = deadline.sooner(LOAD_TIME);
    let mut probes = 0;
    loop {
        match conversation.pending() {
            pending if is_end(pending) => return Ok(None),
            [MORE, digits @ ..] => {
                let end = digits.iter().position(|byte| !byte.is_ascii_digit());
                if let Some(end) = end {
                    let number = digits.get(..end).unwrap_or_default();
                    let is_whole = digits.get(end) == Some(&b' ');
                    let offset = std::str::from_utf8(number)
                        .ok()
                        .and_then(|text| text.parse().ok());
                    conversation.consume(end + 1);
                    if let Some(offset) = offset.filter(|_| is_whole) {
                        return Ok(Some(offset));
                    }
                    continue;
                }
            }
            [] | [0x04] => {}
            _ => {
                conversation.consume(1);
                continue;
            }
        }
        if conversation.poll(TAKING, limit)? || !limit.has_passed() {
            continue;
        }
        probes += 1;
        if probes > 3 || deadline.has_passed() {
            return Err(BoardError::Timeout {
                waiting_for: TAKING,
                received: Vec::new(),
            });
        }
        conversation.write(&[CTRL_C], deadline)?;
        limit = deadline.sooner(LOAD_TIME * (1 << probes));
    }
}

/// Waits until the board asks for more of a program, or says that it has it. False: the program has ended instead.
pub(crate) fn is_asked(
    conversation: &mut Conversation<'_>,
    timeout: Duration,
    deadline: Deadline,
) -> Result<bool, BoardError> {
    let mut probes = LOAD_PROBES.iter();
    let mut limit = deadline.sooner(timeout);
    loop {
        match conversation.pending() {
            [MORE, ..] => {
                conversation.consume(1);
                return Ok(true);
            }
            pending if is_end(pending) => return Ok(false),
            [] | [0x04] => {
                if conversation.poll(TAKING, limit)? || !limit.has_passed() {
                    continue;
                }
                let probe = probes.next().filter(|_| !deadline.has_passed());
                let Some(count) = probe else {
                    return Err(BoardError::Timeout {
                        waiting_for: TAKING,
                        received: Vec::new(),
                    });
                };
                // Its end may be lost: the interrupt makes the program end, and it goes again.
                conversation.write(&vec![CTRL_C; *count], deadline)?;
                limit = deadline.sooner(timeout.max(END_TIME / 2));
            }
            _ => conversation.consume(1),
        }
    }
}

/// What is waited for.
const TAKING: &str = "the board to take a program";

/// Ctrl-C.
const CTRL_C: u8 = 0x03;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_hold_the_program_and_no_interrupt() {
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
