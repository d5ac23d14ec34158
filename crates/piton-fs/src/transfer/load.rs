//! Sending programs to the board as bytecode, in two stages. docs/transfer.md describes them.

mod staged;

use std::time::{Duration, Instant};

use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_board::exception::BoardException;
use piton_board::repl::{Conversation, RawRepl, Repl};
use tracing::debug;

use super::END_TIME;
use super::agent::{StartError, is_end};
use crate::device::Program;
use crate::wire::crc32;
use staged::{FIRST_STAGE, FIRST_STAGE_IN_PIECES, Staged};
pub(crate) use staged::{checked, without_interrupts};

/// Lengths of these pieces in bytes, the second one for later attempts. The first fits the smallest receive ring of
/// the boards that load bytecode (256 bytes). A shorter piece is less often damaged.
const PIECES: [usize; 2] = [232, 64];

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
            note_loss(raw_repl);
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

/// Records that the line has lost or damaged a program.
fn note_loss(raw_repl: &mut RawRepl<'_>) {
    // The stage may have ended before its bytes came: then they are at the prompt.
    raw_repl.expect_stray_input();
    raw_repl.learned_mut().damages = true;
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
            // A damaged stage may end behind its request.
            [MORE, rest @ ..] if is_end(rest) => {
                conversation.consume(1);
                return Ok(false);
            }
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

/// What the host waits for, in the message of a timeout.
const PROGRAM_TRANSFER: &str = "the board to receive a program";

/// Ctrl-C.
const CTRL_C: u8 = 0x03;
