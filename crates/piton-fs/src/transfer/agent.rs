//! How a program with a stream of its own gets to the board, and what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_board::repl::{Conversation, RawRepl, Repl};

use crate::device::Program;
use crate::error::Error;

/// What is known of the board on this connection, found out by trying.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// The board loads programs as bytecode, from memory.
    loads: Option<bool>,
    /// The board can run programs that stream: it reads bytes from `sys.stdin`.
    pub(crate) streams: Option<bool>,
    /// The longest that has arrived at once, in bytes.
    pub(crate) burst: usize,
    /// How long each byte of a program took to arrive, in seconds; 0 if none has.
    pub(crate) pace: f64,
    /// The programs that were loaded, by the sum of their sources; and those that were kept, for their second use and later
    /// ones, with the number of soft resets before.
    loaded: BTreeSet<u32>,
    kept: BTreeMap<u32, u64>,
}

/// What is known of the board so far.
pub(crate) fn known(raw_repl: &RawRepl<'_>) -> Known {
    raw_repl.note().unwrap_or_default()
}

/// Makes bytecode of the programs that this crate sends to boards: `.mpy` of version 6 without native code, as MicroPython 1.19
/// and later load it; `None` where it can't.
///
/// A board compiles a line of Python in the time in which it loads thirty of bytecode: 149 ms against 7 ms for the longest program
/// on an RP2040.
pub type Compile = fn(source: &str) -> Option<Vec<u8>>;

/// Have programs go to the board as bytecode, for as long as this connection lasts. Without it they go as source.
pub fn use_bytecode(repl: &mut Repl, compile: Compile) {
    repl.set_note(Bytecode(compile));
}

/// The note of [`use_bytecode`].
#[derive(Clone, Copy)]
struct Bytecode(Compile);

/// The first stage: asks for bytes with 0x06, takes them, says 0x06, and runs those that are the second stage. A pair of letters
/// that the host chose stands for 0x03, which is Ctrl-C. It fits the two windows that raw-paste has at first: 256 bytes.
const FIRST_STAGE: &str = "exec(\"import sys,ubinascii\\nprint(end='\\6')\\ns=sys.stdin.buffer.read(LENGTH)\\n\
    print(end='\\6')\\ns=s.replace(b'PAIR',b'\\3')\\nif ubinascii.crc32(s)!=SUM:raise ValueError\\n\
    exec(s[:END],{'s':s})\",{})";

/// The same for a line that has lost bytes: it asks for each piece.
const FIRST_STAGE_IN_PIECES: &str = "exec(\"import sys,ubinascii\\ns=b''\\nwhile 1:\\n print(end='\\6')\\n \
    if len(s)==LENGTH:break\\n s+=sys.stdin.buffer.read(min(PIECE,LENGTH-len(s)))\\ns=s.replace(b'PAIR',b'\\3')\\n\
    if ubinascii.crc32(s)!=SUM:raise ValueError\\nexec(s[:END],{'s':s})\",{})";

/// Such a piece: the smallest receive rings of boards that load bytecode hold it.
const PIECE: usize = 240;

/// The second stage: imports the bytecode behind it from a file system of one file, and calls it. It says 0x06 again when the
/// import is done. Nothing of it stays: neither the module nor the file system.
const SECOND_STAGE: &str = "import sys,io,os\nclass V:\n mount=umount=lambda*a:0\n \
    stat=lambda s,p:{'/x.mpy':[0]*10}[p]\n open=lambda*a:io.BytesIO(s[END:])\nos.mount(V(),'/_p')\n\
    try:x=__import__('/_p/x')\nfinally:os.umount('/_p')\ndel sys.modules['/_p/x']\ns=V=print(end='\\6')\n";

/// Keeps a module under a name of our own.
const KEEP: &str = "sys.modules['_piton_NAME']=x\n";

/// Calls a module that was kept: it says 0x06 when it has found it.
const CALL_KEPT: &str = "exec(\"import sys\\nx=sys.modules['_piton_NAME']\\nprint(end='\\6')\\nx._piton(ARGUMENTS)\",{})";

/// Removes the modules that were kept.
const FORGET: &[u8] = b"exec(\"import sys\\nfor x in list(sys.modules):\\n if x[:7]=='_piton_':del sys.modules[x]\",{})";

/// Imports what programs that stream need.
const NEEDS: &[u8] = b"import sys\nfrom micropython import kbd_intr\nfrom ubinascii import crc32\n\
    sys.stdin.buffer\ndel sys,kbd_intr,crc32";

/// What a stream needs and the oldest boards lack, in names that they have to read anyway.
const OLD_NEEDS: &[u8] = b"import os\nos.rename";

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
const LOAD_TRIES: u32 = 3;

/// One message of the board: a letter and a number of 24 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) kind: u8,
    pub(crate) value: u32,
}

impl Message {
    /// Length on the wire: letter, value with the lowest byte first, check.
    const LENGTH: usize = 5;

    fn parse(bytes: &[u8]) -> Option<Message> {
        let &[kind, low, middle, high, check] = bytes.first_chunk::<{ Message::LENGTH }>()?;
        let sum = [kind, low, middle, high]
            .iter()
            .fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        let is_whole = kind.is_ascii_uppercase() && sum ^ 90 == check;
        is_whole.then(|| Message {
            kind,
            value: u32::from_le_bytes([low, middle, high, 0]),
        })
    }
}

/// What comes next from a running program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A message.
    Message(Message),
    /// The program has ended: [`Conversation::finish`] tells how.
    End,
    /// Nothing, up to the time given.
    Silence,
    /// A board's start: it was reset.
    Reset,
}

/// Listens to a running program.
#[derive(Debug, Default)]
pub(crate) struct Listener {
    /// The last bytes that made no sense: output of background code, damage, a board's start.
    dropped: Vec<u8>,
}

impl Listener {
    /// The next message, or the end.
    pub(crate) fn hear(
        &mut self,
        conversation: &mut Conversation<'_>,
        limit: Deadline,
    ) -> Result<Heard, BoardError> {
        loop {
            let pending = conversation.pending();
            if let Some(message) = Message::parse(pending) {
                conversation.consume(Message::LENGTH);
                self.dropped.clear();
                return Ok(Heard::Message(message));
            }
            match pending {
                _ if is_end(pending) => return Ok(Heard::End),
                [] | [0x04] => {}
                _ if pending.len() < Message::LENGTH && could_grow(pending) => {}
                [first, ..] => {
                    self.dropped.push(*first);
                    conversation.consume(1);
                    continue;
                }
            }
            if !conversation.poll("what the board says about the files", limit)?
                && limit.has_passed()
            {
                return Ok(if self.is_start() {
                    Heard::Reset
                } else {
                    Heard::Silence
                });
            }
        }
    }

    /// Whether what was dropped is how a board starts: banner and friendly prompt.
    fn is_start(&self) -> bool {
        let from = self.dropped.len().saturating_sub(512);
        let last = self.dropped.get(from..).unwrap_or_default();
        let has = |text: &[u8]| last.windows(text.len()).any(|window| window == text);
        last.ends_with(b">>> ") && (has(b"MicroPython v") || has(b"Adafruit CircuitPython"))
    }
}

/// Whether this is how the output of a program ends: with an exception, or without.
pub(crate) fn is_end(pending: &[u8]) -> bool {
    matches!(pending, [0x04, 0x04 | b'T' | b'\r' | b'\n', ..])
}

/// Whether this may be the beginning of a message.
fn could_grow(pending: &[u8]) -> bool {
    pending.first().is_some_and(u8::is_ascii_uppercase)
}

/// Why a program that streams does not run.
#[derive(Debug)]
pub(crate) enum Start {
    /// The board can't, or has too little memory.
    Unable,
    /// The exchange failed.
    Failed(BoardError),
    /// It ran, and what it sent was refused. The program is stopped.
    Refused(Error),
}

/// Start a program that streams, with these arguments.
pub(crate) fn start<'r>(
    raw_repl: &'r mut RawRepl<'_>,
    program: Program,
    arguments: &[&str],
    deadline: Deadline,
) -> Result<Conversation<'r>, Start> {
    let known = known(raw_repl);
    if known.streams == Some(false) {
        return Err(Start::Unable);
    }
    if raw_repl.raw_paste() == Some(false) && known.streams.is_none() {
        needs(raw_repl, OLD_NEEDS, deadline)?;
    }
    if load(raw_repl, program, arguments, deadline)? {
        return Ok(raw_repl.conversation());
    }
    let known = self::known(raw_repl);
    if known.streams.is_none() {
        needs(raw_repl, NEEDS, deadline)?;
        raw_repl.set_note(Known {
            streams: Some(true),
            ..known
        });
    }
    let source = program.call(arguments);
    raw_repl.converse(&source, deadline).map_err(Start::Failed)
}

/// Run a program that takes nothing from the host; `output` hears what it prints. False: the board does not load bytecode.
pub(crate) fn run(
    raw_repl: &mut RawRepl<'_>,
    program: Program,
    arguments: &[&str],
    output: &mut dyn FnMut(&[u8]),
    deadline: Deadline,
) -> Result<bool, BoardError> {
    match load(raw_repl, program, arguments, deadline) {
        Ok(false) | Err(Start::Unable | Start::Refused(_)) => Ok(false),
        Ok(true) => {
            raw_repl.conversation().finish(output, deadline)?;
            Ok(true)
        }
        Err(Start::Failed(error)) => Err(error),
    }
}

/// Send a program as bytecode, where the board loads it. When this returns true it runs.
fn load(
    raw_repl: &mut RawRepl<'_>,
    program: Program,
    arguments: &[&str],
    deadline: Deadline,
) -> Result<bool, Start> {
    let known = known(raw_repl);
    // Firmware from before raw-paste loads older formats.
    if known.loads == Some(false) || raw_repl.raw_paste() == Some(false) {
        return Ok(false);
    }
    let Some(Bytecode(compile)) = raw_repl.note() else {
        return Ok(false);
    };
    let Some(mpy) = compile(program.source()) else {
        return Ok(false);
    };
    let name = crc(program.source().as_bytes());
    if call_kept(raw_repl, name, arguments, deadline)? {
        return Ok(true);
    }
    let keep = known.loaded.contains(&name).then_some(name);
    let program = Staged::new(&mpy, arguments, keep);
    let mut lacks = 0;
    let mut lost = 0;
    for _ in 0..LOAD_TRIES {
        let pieces = lost > 0 || known.loads.is_some() && known.burst == 0;
        let loaded = load_once(
            raw_repl,
            &program,
            pieces,
            LOAD_TIME * (1 << lost),
            deadline,
        );
        let error = match loaded {
            Ok(took) => {
                let length = program.blob.len();
                let burst = if pieces { 0 } else { length };
                let soft_resets = raw_repl.soft_resets();
                let mut known = known;
                known.loads = Some(true);
                known.streams = known.streams.or(Some(true));
                known.burst = known.burst.max(burst);
                known.pace = took.as_secs_f64() / length.max(1) as f64;
                known.loaded.insert(name);
                known.kept.extend(keep.map(|name| (name, soft_resets)));
                raw_repl.set_note(known);
                return Ok(true);
            }
            Err(error) => error,
        };
        match &error {
            // A damaged byte can look like this once. MicroPython without file systems in Python has no `os.mount`, older
            // versions and other systems have other bytecode: `ValueError: incompatible .mpy file`.
            BoardError::Exception(exception)
                if is_lack(&exception.type_name) || exception.message.contains(".mpy") =>
            {
                lacks += 1;
                if lacks == 2 {
                    break;
                }
            }
            BoardError::Exception(_) => lost += 1,
            _ => return Err(Start::Failed(error)),
        }
    }
    let known = self::known(raw_repl);
    raw_repl.set_note(Known {
        loads: Some(false),
        ..known
    });
    Ok(false)
}

/// Call a program that was kept on the board. False: there is none, or it is gone.
fn call_kept(
    raw_repl: &mut RawRepl<'_>,
    name: u32,
    arguments: &[&str],
    deadline: Deadline,
) -> Result<bool, Start> {
    let mut known = known(raw_repl);
    if known.kept.get(&name) != Some(&raw_repl.soft_resets()) {
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
            known.kept.remove(&name);
            raw_repl.set_note(known);
            Ok(false)
        }
        Err(error) => Err(Start::Failed(error)),
    }
}

/// Remove the programs that were kept on the board for the rest of the connection, if any were.
///
/// # Errors
///
/// What the board says. Nothing is sent where nothing was kept.
pub fn forget_programs(raw_repl: &mut RawRepl<'_>, deadline: Deadline) -> Result<(), BoardError> {
    let mut known = known(raw_repl);
    let soft_resets = raw_repl.soft_resets();
    if !known.kept.values().any(|before| *before == soft_resets) {
        return Ok(());
    }
    known.kept.clear();
    raw_repl.set_note(known);
    raw_repl.run(FORGET, deadline).map(|_| ())
}

/// Whether programs were kept on the board: see [`forget_programs`].
pub fn keeps_programs(repl: &Repl) -> bool {
    let known: Option<Known> = repl.note();
    known.is_some_and(|known| {
        known
            .kept
            .values()
            .any(|before| *before == repl.soft_resets())
    })
}

/// A program on its way to a board.
struct Staged {
    /// What the first stage takes: the second stage with the call, and the bytecode.
    blob: Vec<u8>,
    /// What stands for 0x03 in it.
    pair: [u8; 2],
    sum: u32,
    /// How long the second stage is.
    end: usize,
}

impl Staged {
    /// `keep`: the name under which it stays on the board.
    fn new(mpy: &[u8], arguments: &[&str], keep: Option<u32>) -> Staged {
        let keep = keep.map_or_else(String::new, |name| KEEP.replace("NAME", &name.to_string()));
        let call = format!("{keep}x._piton({})\n", arguments.join(","));
        let second_stage = |end: usize| SECOND_STAGE.replace("END", &end.to_string()) + &call;
        // The length is in the text itself.
        let mut end = second_stage(0).len();
        while second_stage(end).len() != end {
            end = second_stage(end).len();
        }
        let plain = [second_stage(end).as_bytes(), mpy].concat();
        let sum = crc(&plain);
        let (blob, pair) = without_interrupts(&plain);
        Staged {
            blob,
            pair,
            sum,
            end,
        }
    }

    fn first_stage(&self, pieces: bool) -> String {
        let stage = match pieces {
            true => FIRST_STAGE_IN_PIECES,
            false => FIRST_STAGE,
        };
        stage
            .replace("LENGTH", &self.blob.len().to_string())
            .replace("PIECE", &PIECE.to_string())
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

/// The CRC-32 of `bytes`.
fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Send the two stages. When this returns the program runs. Gives how long the bytes took to arrive.
fn load_once(
    raw_repl: &mut RawRepl<'_>,
    program: &Staged,
    pieces: bool,
    patience: Duration,
    deadline: Deadline,
) -> Result<Duration, BoardError> {
    let first_stage = program.first_stage(pieces);
    let before = Instant::now();
    let mut conversation = raw_repl.converse(first_stage.as_bytes(), deadline)?;
    let length = if pieces { PIECE } else { program.blob.len() };
    // As slow as the board has been so far, and three times that.
    let shown = before.elapsed().as_secs_f64() / first_stage.len() as f64;
    let shown = Duration::from_secs_f64(shown * length as f64 * 3.0);
    let patience = patience.max(shown.min(RUN_TIME));
    let mut has_all = is_asked(&mut conversation, RUN_TIME, deadline)?;
    let before = Instant::now();
    for piece in program.blob.chunks(length.max(1)) {
        if has_all {
            conversation.write(piece, deadline)?;
            has_all = is_asked(&mut conversation, patience, deadline)?;
        }
    }
    let took = before.elapsed();
    if has_all && is_asked(&mut conversation, RUN_TIME, deadline)? {
        return Ok(took);
    }
    conversation.finish(&mut |_| {}, deadline.sooner(END_TIME))?;
    Err(BoardError::Unexpected {
        expected: "the board to run a program",
        received: Vec::new(),
    })
}

/// Find out whether the board has what a program of imports needs.
fn needs(raw_repl: &mut RawRepl<'_>, imports: &[u8], deadline: Deadline) -> Result<(), Start> {
    match twice(raw_repl, imports, deadline) {
        Ok(()) => Ok(()),
        Err(BoardError::Exception(_)) => {
            note_unable(raw_repl);
            Err(Start::Unable)
        }
        Err(error) => Err(Start::Failed(error)),
    }
}

/// Run a program, and again when it raises: one exception may come from a damaged byte.
fn twice(raw_repl: &mut RawRepl<'_>, source: &[u8], deadline: Deadline) -> Result<(), BoardError> {
    match raw_repl.run(source, deadline) {
        Err(BoardError::Exception(_)) => raw_repl.run(source, deadline).map(|_| ()),
        other => other.map(|_| ()),
    }
}

/// Whether an exception says that the firmware lacks something.
pub(crate) fn is_lack(type_name: &str) -> bool {
    matches!(
        type_name,
        "ImportError" | "AttributeError" | "NameError" | "SyntaxError" | "MemoryError"
    )
}

/// Remember that programs that stream do not run on this board.
pub(crate) fn note_unable(raw_repl: &mut RawRepl<'_>) {
    let known = known(raw_repl);
    raw_repl.set_note(Known {
        streams: Some(false),
        ..known
    });
}

/// Wait until the board asks for more of a program, or says that it has it. False: the program has ended instead.
pub(crate) fn is_asked(
    conversation: &mut Conversation<'_>,
    patience: Duration,
    deadline: Deadline,
) -> Result<bool, BoardError> {
    let waiting_for = "the board to take a program";
    let mut probes = LOAD_PROBES.iter();
    let mut limit = deadline.sooner(patience);
    loop {
        match conversation.pending() {
            [MORE, ..] => {
                conversation.consume(1);
                return Ok(true);
            }
            pending if is_end(pending) => return Ok(false),
            [] | [0x04] => {
                if conversation.poll(waiting_for, limit)? || !limit.has_passed() {
                    continue;
                }
                let probe = probes.next().filter(|_| !deadline.has_passed());
                let Some(count) = probe else {
                    return Err(BoardError::Timeout {
                        waiting_for,
                        received: Vec::new(),
                    });
                };
                // Its end may be lost: the interrupt makes the program end, and it goes again.
                conversation.write(&vec![CTRL_C; *count], deadline)?;
                limit = deadline.sooner(patience.max(END_TIME / 2));
            }
            _ => conversation.consume(1),
        }
    }
}

/// Ctrl-C.
const CTRL_C: u8 = 0x03;

/// How long the end of a program may take.
const END_TIME: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_hold_the_program_and_no_interrupt() {
        let mpy: Vec<u8> = (0..4000_u32)
            .map(|number| ((number * 7) >> 2) as u8)
            .collect();
        let program = Staged::new(&mpy, &["'a'", "1"], None);
        for pieces in [false, true] {
            let first_stage = program.first_stage(pieces);
            let fits = first_stage.len() <= 253;
            assert!(fits || pieces, "{} bytes", first_stage.len());
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
