//! Sending programs to the board as bytecode, in two stages. docs/transfer.md describes them.

use std::time::{Duration, Instant};

use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_board::exception::BoardException;
use piton_board::literal::py_bytes;
use piton_board::repl::{Conversation, RawRepl, Repl};
use tracing::debug;

use super::END_TIME;
use super::agent::{StartError, is_end};
use crate::device::Program;
use crate::wire::crc32;

/// The first stage. It allocates the memory that it needs, so that a board with too little memory fails before the
/// host sends anything. It requests the bytes with 0x06, reads them, confirms them with 0x06, and runs those that are
/// the second stage. The host replaces each 0x03 (Ctrl-C) by a pair of letters; the first stage reverts this. The
/// program fits the first two windows of raw-paste, 256 bytes. It is one expression: a text for `exec` would be longer, and
/// compiled twice.
const FIRST_STAGE: &str = "(lambda s:exec(s[:END],{'s':s})if __import__('ubinascii').crc32(s)==SUM else 1//0)((bytearray(NEED),\
    print(end='\\6'),__import__('sys').stdin.buffer.read(LENGTH),print(end='\\6'))[2].replace(b'PAIR',b'\\3'))";

/// The first stage for a line that loses or damages bytes. It sends 0x06 and the number of bytes that it has, and reads
/// the next piece, which is followed by its CRC-32 in hexadecimal. It requests a damaged piece again, and after an
/// interrupt also an incomplete one. The fourth interrupt in a row comes from another program or a person, and ends it.
const FIRST_STAGE_IN_PIECES: &str = "exec(\"import sys\\nbytearray(NEED)\\nfrom ubinascii import crc32\\ns=b''\\nk=0\\nwhile 1:\\n try:\\n  \
    print(end='\\6%d '%len(s))\\n  if len(s)==LENGTH:break\\n  p=sys.stdin.buffer.read(min(PIECE,LENGTH-len(s))+8)\\n  \
    if crc32(p[:-8])==int(p[-8:],16):s+=p[:-8];k=0\\n except ValueError:pass\\n except KeyboardInterrupt:\\n  k+=1\\n  \
    if k>3:raise\\ns=s.replace(b'PAIR',b'\\3')\\nif crc32(s)!=SUM:raise ValueError\\nexec(s[:END],{'s':s})\",{})";

/// Lengths of these pieces in bytes, the second one for later attempts. The first fits the smallest receive ring of
/// the boards that load bytecode (256 bytes). A shorter piece is less often damaged.
const PIECES: [usize; 2] = [232, 64];

/// The second stage. It mounts a file system whose only file is the bytecode, imports this file, and unmounts the file
/// system. Then it removes the module from `sys.modules`, sends 0x06, and calls the function of the module.
const SECOND_STAGE: &str = "import sys,io,os\nclass V:\n mount=umount=lambda*a:0\n \
    stat=lambda s,p:{'/x.mpy':[0]*10}[p]\n open=lambda*a:io.BytesIO(s[END:])\nos.mount(V(),'/_p')\n\
    try:x=__import__('/_p/x')\nfinally:os.umount('/_p')\ndel sys.modules['/_p/x']\ns=V=print(end='\\6')\n";

/// Assigns the data behind the bytecode to a variable for the program.
const TAKE_DATA: &str = "d=s[FROM:]\n";

/// Keeps the module in `sys.modules`, so that later calls need no transfer.
const KEEP: &str = "sys.modules['_piton_NAME']=x\n";

/// Calls a kept module. It sends 0x06 if the module exists.
const CALL_KEPT: &str = "exec(\"import sys\\nx=sys.modules['_piton_NAME']\\nprint(end='\\6')\\nx._piton(ARGUMENTS)\",{})";

/// Removes the kept modules.
const FORGET: &[u8] = b"exec(\"import sys\\nfor x in list(sys.modules):\\n if x[:7]=='_piton_':del sys.modules[x]\",{})";

/// The prompt of the raw REPL, behind the end of a program that may be damaged.
const PROMPT: &[u8] = b"\x04>";

/// Sent by the board: it requests the next bytes of a program, or confirms that it has the program.
pub(super) const MORE: u8 = 0x06;

/// Silence of a board that reads a program, after which the host completes a read that may lack bytes. A kilobyte takes 90 ms
/// at 115200 baud.
pub(crate) const LOAD_TIME: Duration = Duration::from_millis(1200);

/// Silence of a board that reads one of the pieces in which the program is sent after a damage, after which the host asks it
/// by an interrupt for the bytes that it has. Also the silence behind a damaged request.
const PIECE_TIME: Duration = Duration::from_millis(600);

/// Timeout of the request for the bytes of a program: the board compiles the first stage, which has 250 bytes, or the line
/// pauses. Without it the stage is given up.
const REQUEST_TIME: Duration = Duration::from_secs(8);

/// Timeout of loading a program that has arrived.
const RUN_TIME: Duration = Duration::from_secs(14);

/// Timeout of stopping a program that was damaged on its way.
const STOP_TIME: Duration = Duration::from_secs(4);

/// Numbers of bytes that complete a read which lacks some: of damaged bytes, of a full receive ring, of the whole program.
/// They are harmless if the line is only late: the board has confirmed the program when they come, and no program takes
/// them for its input.
const PADDINGS: [usize; 3] = [8, 64, 8192];

/// Maximum number of requests for one piece of a program. More of them show that the stage itself is damaged.
const PIECE_TRIES: u32 = 24;

/// Number of attempts to send a program as bytecode. After these it is sent as source.
const LOAD_TRIES: u32 = 10;

/// Sends a program as bytecode and starts it. Returns false if the board does not load bytecode; then nothing runs.
/// `data`, unless it is empty, is sent with the program and is its first argument.
///
/// # Errors
///
/// [`StartError::Unable`] if the board has too little memory for the data.
pub(super) fn load(
    raw_repl: &mut RawRepl<'_>,
    program: Program,
    data: &[u8],
    arguments: &[&str],
    deadline: Deadline,
) -> Result<bool, StartError> {
    // Firmware without raw-paste (before MicroPython 1.14) loads only older versions of the `.mpy` format.
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
        if lost > 0 {
            raw_repl.learned_mut().damages = true;
        }
        let piece = lost
            .checked_sub(1)
            .map(|lost| PIECES.get(lost / 2).unwrap_or(&64));
        let loaded = match piece {
            None => load_at_once(raw_repl, &program, deadline),
            Some(length) => load_in_pieces(raw_repl, &program, *length, deadline),
        };
        let error = match loaded {
            Ok(took) => {
                let burst = if lost > 0 { 0 } else { program.blob.len() };
                remember(raw_repl, &program, name, keep, burst, took);
                return Ok(true);
            }
            Err(error) => error,
        };
        match error {
            BoardError::Exception(exception)
                if exception.type_name == "MemoryError" && !data.is_empty() =>
            {
                return Err(StartError::Unable);
            }
            // The board cannot load our bytecode: `os.mount` is missing where the firmware has no file systems in
            // Python, and other versions raise `ValueError: incompatible .mpy file`. One damaged byte on the line can
            // raise the same exception once, so the firmware is to blame only if the same traceback comes twice.
            BoardError::Exception(exception) if shows_lack(&exception) => {
                if lack.as_ref() == Some(&exception.traceback) {
                    break;
                }
                lack = Some(exception.traceback);
            }
            BoardError::Exception(_) => lost += 1,
            // A part of the board's answers was damaged. A board that is gone does not answer the interrupt either.
            error @ (BoardError::Timeout { .. }
            | BoardError::Unexpected { .. }
            | BoardError::NotAtPrompt)
                if !deadline.has_passed() =>
            {
                lost += 1;
                stop_damaged(raw_repl, error, deadline)?;
            }
            error => return Err(StartError::Failed(error)),
        }
    }
    debug!("the board does not load bytecode, programs go as source");
    raw_repl.learned_mut().loads_bytecode = Some(false);
    Ok(false)
}

/// Returns whether an exception may mean that the board does not load our bytecode. A damaged program raises other ones: the
/// text of two `SyntaxError` is often the same.
fn shows_lack(exception: &BoardException) -> bool {
    let name = exception.type_name.as_str();
    matches!(name, "ImportError" | "AttributeError" | "MemoryError")
        || exception.message.contains(".mpy")
}

/// Stops what the board runs after a damage, and returns `error` if it does not answer.
fn stop_damaged(
    raw_repl: &mut RawRepl<'_>,
    error: BoardError,
    deadline: Deadline,
) -> Result<(), StartError> {
    debug!(%error, "the program was damaged on its way, it is sent again");
    match raw_repl.interrupt(&mut |_| {}, deadline.sooner(STOP_TIME)) {
        Ok(()) | Err(BoardError::Exception(_)) => Ok(()),
        Err(_) => Err(StartError::Failed(error)),
    }
}

/// Stores what the transfer of a program has shown about the board and the line. `burst` is the number of bytes that it carried
/// at once.
fn remember(
    raw_repl: &mut RawRepl<'_>,
    program: &Staged,
    name: u32,
    keep: Option<u32>,
    burst: usize,
    took: Duration,
) {
    let soft_resets = raw_repl.soft_resets();
    let learned = raw_repl.learned_mut();
    learned.loads_bytecode = Some(true);
    learned.streams = learned.streams.or(Some(true));
    learned.longest_burst = learned.longest_burst.max(burst);
    learned.seconds_per_byte = took.as_secs_f64() / program.blob.len().max(1) as f64;
    learned.loaded_programs.insert(name);
    learned
        .kept_programs
        .extend(keep.map(|name| (name, soft_resets)));
}

/// Calls a program that was kept on the board. Returns false if it was not kept, or is not there any more.
fn call_kept(
    raw_repl: &mut RawRepl<'_>,
    name: u32,
    arguments: &[&str],
    deadline: Deadline,
) -> Result<bool, StartError> {
    if !raw_repl.learned().keeps(name, raw_repl.soft_resets()) {
        return Ok(false);
    }
    // The arguments are part of a string literal in the call.
    let arguments = arguments
        .join(",")
        .replace('\\', "\\\\")
        .replace('"', "\\\"");
    let source = CALL_KEPT
        .replace("NAME", &name.to_string())
        .replace("ARGUMENTS", &arguments);
    let mut conversation = raw_repl
        .converse(source.as_bytes(), deadline)
        .map_err(StartError::Failed)?;
    if wait_for_start(&mut conversation, deadline).map_err(StartError::Failed)? {
        return Ok(true);
    }
    match conversation.finish_probed(&mut |_| {}, deadline.sooner(END_TIME)) {
        // The module is missing in `sys.modules`: a program of the user has removed it.
        Ok(()) | Err(BoardError::Exception(_)) => {
            raw_repl.learned_mut().kept_programs.remove(&name);
            Ok(false)
        }
        Err(error) => Err(StartError::Failed(error)),
    }
}

/// Removes the programs that are kept on the board for the rest of the connection. Sends nothing if there are none.
///
/// # Errors
///
/// The board's error.
pub fn forget_programs(raw_repl: &mut RawRepl<'_>, deadline: Deadline) -> Result<(), BoardError> {
    if !raw_repl.learned().keeps_any(raw_repl.soft_resets()) {
        return Ok(());
    }
    raw_repl.learned_mut().kept_programs.clear();
    raw_repl.run(FORGET, deadline).map(|_| ())
}

/// Returns whether programs are kept on the board, which [`forget_programs`] removes.
pub fn keeps_programs(repl: &Repl) -> bool {
    repl.learned().keeps_any(repl.soft_resets())
}

/// A program in the form in which the two stages transfer it.
struct Staged {
    /// The bytes that the first stage reads: the second stage with the call, the bytecode, and the program's data.
    blob: Vec<u8>,
    /// The letters that replace each 0x03 in `blob`.
    pair: [u8; 2],
    /// CRC-32 of the bytes before this replacement.
    sum: u32,
    /// Length of the second stage in bytes.
    end: usize,
}

impl Staged {
    /// Prepares a program. With `keep` it stays on the board under this name.
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

/// Sends the two stages, the second one in one write. Returns the time that its bytes took to arrive. The program runs
/// then.
fn load_at_once(
    raw_repl: &mut RawRepl<'_>,
    program: &Staged,
    deadline: Deadline,
) -> Result<Duration, BoardError> {
    let first_stage = program.first_stage(FIRST_STAGE, 0);
    let before = Instant::now();
    let mut conversation = raw_repl.converse(first_stage.as_bytes(), deadline)?;
    // The time that the first stage took shows the pace of the line. The second stage may be three times slower.
    let seconds_per_byte = before.elapsed().as_secs_f64() / first_stage.len() as f64;
    let expected = Duration::from_secs_f64(seconds_per_byte * program.blob.len() as f64 * 3.0);
    let timeout = LOAD_TIME.max(expected.min(RUN_TIME));
    if wait_for_request(&mut conversation, deadline)? {
        let before = Instant::now();
        conversation.write(&program.blob, deadline)?;
        if wait_for_confirmation(&mut conversation, timeout, deadline)? {
            let took = before.elapsed();
            if wait_for_start(&mut conversation, deadline)? {
                return Ok(took);
            }
        }
    }
    Err(early_end(conversation, deadline))
}

/// Sends the program in pieces of `length` bytes, each of which the board checks. Returns the time that they would have taken if
/// none had been damaged: the pace of the line.
fn load_in_pieces(
    raw_repl: &mut RawRepl<'_>,
    program: &Staged,
    length: usize,
    deadline: Deadline,
) -> Result<Duration, BoardError> {
    let first_stage = program.first_stage(FIRST_STAGE_IN_PIECES, length);
    let first_stage = checked(first_stage.as_bytes());
    let mut conversation = raw_repl.converse(&first_stage, deadline)?;
    let mut written_at = None;
    let mut taken = 0;
    let mut took = Duration::ZERO;
    let mut requested = (0, 0);
    while let Some(offset) = wait_for_offset(&mut conversation, program.blob.len(), deadline)? {
        let answered = written_at.take().map(|at: Instant| at.elapsed());
        // A longer time contains the silence before an interrupt.
        if let Some(time) = answered.filter(|time| *time < PIECE_TIME) {
            taken += length;
            took += time;
        }
        requested = match requested {
            (before, tries) if before == offset => (offset, tries + 1),
            _ => (offset, 1),
        };
        if requested.1 > PIECE_TRIES {
            return Err(BoardError::Unexpected {
                expected: "a request for another piece of the program",
                received: offset.to_string().into_bytes(),
            });
        }
        match program.blob.get(offset..) {
            Some(rest @ [_, ..]) => {
                let piece = rest.get(..length).unwrap_or(rest);
                let burst = [piece, format!("{:08x}", crc32(&[piece])).as_bytes()].concat();
                written_at = Some(Instant::now());
                conversation.write(&burst, deadline)?;
            }
            Some([]) => {
                let whole = program.blob.len() as f64 / taken.max(1) as f64;
                let took = took.mul_f64(whole);
                match wait_for_start(&mut conversation, deadline)? {
                    true => return Ok(took),
                    false => break,
                }
            }
            // The number was damaged on the line. The board repeats it after the next interrupt.
            None => {}
        }
    }
    Err(early_end(conversation, deadline))
}

/// Returns the error for a stage that has ended too early.
fn early_end(conversation: Conversation<'_>, deadline: Deadline) -> BoardError {
    match conversation.finish_probed(&mut |_| {}, deadline.sooner(END_TIME)) {
        Err(error) => error,
        Ok(()) => BoardError::Unexpected {
            expected: "the board to run a program",
            received: Vec::new(),
        },
    }
}

/// Waits for the number of bytes of the program that the board has, of `length`. Returns `None` if the stage has ended. Asks
/// a silent board by an interrupt, at most three times.
fn wait_for_offset(
    conversation: &mut Conversation<'_>,
    length: usize,
    deadline: Deadline,
) -> Result<Option<usize>, BoardError> {
    let mut limit = deadline.sooner(PIECE_TIME);
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
                    // Of several requests only the last one is answered: a piece for each would make the board send more.
                    let is_request = |two: &[u8]| matches!(two, [MORE, b'0'..=b'9']);
                    let is_last = !conversation.pending().windows(2).any(is_request);
                    let answers = |offset: &usize| is_whole && (is_last || *offset == length);
                    if let Some(offset) = offset.filter(answers) {
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
        if conversation.poll(PROGRAM_TRANSFER, limit)? || !limit.has_passed() {
            continue;
        }
        probes += 1;
        if probes > 3 || deadline.has_passed() {
            return Err(BoardError::Timeout {
                waiting_for: PROGRAM_TRANSFER,
                received: Vec::new(),
            });
        }
        conversation.write(&[CTRL_C], deadline)?;
        limit = deadline.sooner(LOAD_TIME * (1 << probes));
    }
}

/// Waits until a loaded program starts. Returns false if the loader has ended instead.
fn wait_for_start(
    conversation: &mut Conversation<'_>,
    deadline: Deadline,
) -> Result<bool, BoardError> {
    let mut quiet_at = Instant::now();
    let limit = deadline.sooner(RUN_TIME);
    loop {
        let pending = conversation.pending();
        if let Some(at) = pending.iter().position(|&byte| byte == MORE) {
            conversation.consume(at + 1);
            return Ok(true);
        }
        let ends = |at: &usize| pending.get(*at..).is_some_and(is_end);
        if let Some(at) = (0..pending.len()).find(ends) {
            conversation.consume(at);
            return Ok(false);
        }
        if conversation.poll(PROGRAM_TRANSFER, limit)? {
            quiet_at = Instant::now();
        } else if conversation.pending().ends_with(PROMPT) {
            debug!("the end of the loader was damaged");
            return Ok(false);
        } else if quiet_at.elapsed() >= LOAD_TIME && !conversation.pending().is_empty() {
            debug!("the program prints, its confirmation was damaged");
            return Ok(true);
        } else if limit.has_passed() {
            return Err(lost_program());
        }
    }
}

/// Waits until the board requests the bytes of a program. Returns false if the program has ended instead.
pub(crate) fn wait_for_request(
    conversation: &mut Conversation<'_>,
    deadline: Deadline,
) -> Result<bool, BoardError> {
    let mut limit = deadline.sooner(REQUEST_TIME);
    let mut is_interrupted = false;
    loop {
        match conversation.pending() {
            [MORE, ..] => {
                conversation.consume(1);
                return Ok(true);
            }
            pending if is_end(pending) || pending.ends_with(PROMPT) => return Ok(false),
            [] | [0x04] => {
                if conversation.poll(PROGRAM_TRANSFER, limit)? || !limit.has_passed() {
                    continue;
                }
                if is_interrupted || deadline.has_passed() {
                    return Err(lost_program());
                }
                // The interrupt ends the stage, and the next attempt sends the program again.
                is_interrupted = true;
                conversation.write(&[CTRL_C], deadline)?;
                limit = deadline.sooner(END_TIME / 2);
            }
            // Another byte in place of the request: it was damaged. Or it is output of background code.
            _ => {
                conversation.consume(1);
                if !is_interrupted {
                    limit = limit.sooner(PIECE_TIME);
                }
            }
        }
    }
}

/// Waits until the board confirms the bytes of a program. Returns false if the program has ended instead. `timeout` is the
/// silence after which a read that lacks bytes is completed: see [`PADDINGS`].
pub(crate) fn wait_for_confirmation(
    conversation: &mut Conversation<'_>,
    timeout: Duration,
    deadline: Deadline,
) -> Result<bool, BoardError> {
    let mut paddings = PADDINGS.iter();
    let mut limit = deadline.sooner(timeout);
    let mut is_interrupted = false;
    loop {
        match conversation.pending() {
            [MORE, ..] => {
                conversation.consume(1);
                return Ok(true);
            }
            pending if is_end(pending) || pending.ends_with(PROMPT) => return Ok(false),
            [] | [0x04] => {
                if conversation.poll(PROGRAM_TRANSFER, limit)? || !limit.has_passed() {
                    continue;
                }
                if is_interrupted || deadline.has_passed() {
                    return Err(lost_program());
                }
                match paddings.next() {
                    Some(count) => conversation.write_padding(*count, deadline)?,
                    None => {
                        is_interrupted = true;
                        conversation.write(&[CTRL_C], deadline)?;
                    }
                }
                // Thousands of bytes take a second on a slow line.
                limit = deadline.sooner(timeout.max(END_TIME / 4));
            }
            _ => conversation.consume(1),
        }
    }
}

/// Returns the error for a board that reads no program.
fn lost_program() -> BoardError {
    BoardError::Timeout {
        waiting_for: PROGRAM_TRANSFER,
        received: Vec::new(),
    }
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

/// What the host waits for, in the message of a timeout.
const PROGRAM_TRANSFER: &str = "the board to receive a program";

/// Ctrl-C.
const CTRL_C: u8 = 0x03;

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
