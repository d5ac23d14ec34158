//! The two threads of the REPL: one writes the board's output to the screen, one sends keys to the board.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use piton::Board;
use piton::deadline::{Cancel, Deadline};
use piton::session::output::{PromptWatch, RestartWatch};
use piton::times::KEY_TIME;

use super::letters::Letters;
use super::screen::Screen;
use crate::compatibility::Compatibility;
use crate::error::CommandError;
use crate::terminal::{self, Keys};

/// How often each thread checks whether the other one has ended.
const SLICE: Duration = Duration::from_millis(50);

/// After this silence a hint says how to get a prompt. An idle board prints none by itself, and any byte sent to find
/// out could disturb a running program that reads its input.
const SILENCE: Duration = Duration::from_millis(400);

/// After the end of piped input: the silence after which the board's answer counts as complete.
const QUIET: Duration = Duration::from_millis(300);

// Keys of the keyboard with an effect here; all others are sent to the board.
const CTRL_C: u8 = 0x03;
const CTRL_J: u8 = 0x0a;
const CTRL_K: u8 = 0x0b;
const CTRL_X: u8 = 0x18;
const CTRL_RIGHT_BRACKET: u8 = 0x1d;

/// The end of a talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The user left, or piped input ended.
    Left,
    /// The board is gone.
    Lost,
    /// A signal requested the end of the program.
    Signal,
    /// Ctrl-K: the file is to be run.
    InjectFile,
    /// The board soft-reset, so its mounts are gone; `at_prompt`: it is at its prompt again.
    Restarted { at_prompt: bool },
}

/// The meanings of Ctrl-J and Ctrl-K.
pub(super) struct Injections<'a> {
    /// The bytes that Ctrl-J types.
    pub(super) code: Option<&'a [u8]>,
    /// Whether there is a file for Ctrl-K to run.
    pub(super) has_file: bool,
}

/// The keys of the keyboard, or the bytes of a pipe.
pub(super) struct Keyboard {
    interactive: bool,
    /// Escapes the letters that the board's line editor drops; `None` where they are sent unchanged.
    letters: Option<Letters>,
    /// Keys that were typed while no talk was running.
    ahead: VecDeque<u8>,
}

impl Keyboard {
    /// Returns a keyboard; without `interactive`, stdin is a pipe or a file.
    pub(super) fn new(interactive: bool, compatibility: &Compatibility) -> Keyboard {
        Keyboard {
            interactive,
            letters: compatibility.extended_repl.then(Letters::default),
            ahead: VecDeque::new(),
        }
    }

    /// Returns the next keys that arrive within a slice.
    fn next(&mut self) -> Result<Keys, CommandError> {
        if !self.ahead.is_empty() {
            return Ok(Keys::Bytes(self.ahead.drain(..).collect()));
        }
        terminal::read_keys(SLICE).map_err(CommandError::Terminal)
    }

    /// Returns whether a key arrived within a slice that ends the wait: Ctrl-], Ctrl-X, Ctrl-C, or the end of the
    /// input. Other keys are dropped: there is no board to send them to.
    pub(super) fn wants_out(&mut self) -> bool {
        let leaves = |byte: &u8| matches!(*byte, CTRL_C | CTRL_X | CTRL_RIGHT_BRACKET);
        match self.next() {
            Ok(Keys::Bytes(bytes)) => bytes.iter().any(leaves),
            Ok(Keys::Nothing) => false,
            Ok(Keys::End) | Err(_) => true,
        }
    }

    /// Watches for Ctrl-C while a program is followed; other keys wait for its end.
    pub(super) fn watch_for_interrupt(&mut self, ended: &AtomicBool, cancel: &Cancel) {
        while self.interactive && !ended.load(Ordering::SeqCst) {
            match terminal::read_keys(SLICE) {
                Ok(Keys::Bytes(bytes)) if bytes.contains(&CTRL_C) => {
                    self.ahead.clear();
                    cancel.cancel();
                }
                Ok(Keys::Bytes(bytes)) => self.ahead.extend(bytes),
                Ok(Keys::Nothing) => {}
                Ok(Keys::End) | Err(_) => return,
            }
        }
    }
}

/// Carries bytes between keyboard and board until one of them leaves.
pub(super) fn talk(
    board: &Board,
    screen: &Screen<'_>,
    keyboard: &mut Keyboard,
    injections: &Injections<'_>,
    restart: Option<RestartWatch>,
    cancel: &Cancel,
) -> Result<Outcome, CommandError> {
    let pump = Pump {
        restart: Mutex::new(restart),
        ended: AtomicBool::new(false),
        last_output: Mutex::new(Instant::now()),
        hint_silence: keyboard.interactive,
        leaves_raw: keyboard.letters.is_some(),
        prompt: Mutex::default(),
    };
    thread::scope(|scope| {
        let reader = scope.spawn(|| pump.run(board, screen));
        let keys = send_keys(board, keyboard, injections, cancel, (&pump, screen));
        pump.ended.store(true, Ordering::SeqCst);
        let read = match reader.join() {
            Ok(read) => read,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        match (read?, keys?) {
            (Some(outcome), _) => Ok(outcome),
            (None, outcome) => Ok(outcome),
        }
    })
}

/// The reading thread.
struct Pump {
    /// Watches for a soft reset, if one matters.
    restart: Mutex<Option<RestartWatch>>,
    ended: AtomicBool,
    last_output: Mutex<Instant>,
    hint_silence: bool,
    /// Whether a raw REPL at the end of a program is left for the friendly one.
    leaves_raw: bool,
    prompt: Mutex<PromptWatch>,
}

impl Pump {
    /// Writes output to the screen until the talk ends (`None`) or the board is gone.
    fn run(&self, board: &Board, screen: &Screen<'_>) -> Result<Option<Outcome>, CommandError> {
        let mut buffer = [0; 4096];
        let start = Instant::now();
        let mut hint = self.hint_silence;
        while !self.ended.load(Ordering::SeqCst) {
            match board.read_output(&mut buffer, SLICE) {
                Ok(bytes @ [_, ..]) => {
                    hint = false;
                    if let Ok(mut last) = self.last_output.lock() {
                        *last = Instant::now();
                    }
                    let written = screen.write(bytes);
                    if written.is_err() {
                        self.ended.store(true, Ordering::SeqCst);
                        return written.map(|()| None);
                    }
                    if let Ok(mut prompt) = self.prompt.lock() {
                        prompt.take(bytes);
                    }
                    if let Ok(Some(restart)) = self.restart.lock().as_deref_mut() {
                        restart.take(bytes);
                    }
                }
                Ok([]) => {
                    if self.leaves_raw && self.take_raw_prompt() {
                        // A program that was left running has ended in the raw REPL. The Ctrl-B that was sent when it
                        // was left may be lost: boards empty their receive ring at a Ctrl-C. If the board takes none
                        // now, the read above notices.
                        let _ = board.ask_for_prompt();
                    }
                    if let Ok(Some(restart)) = self.restart.lock().as_deref_mut()
                        && restart.is_over()
                    {
                        self.ended.store(true, Ordering::SeqCst);
                        let at_prompt = restart.at_prompt();
                        return Ok(Some(Outcome::Restarted { at_prompt }));
                    }
                    if hint && start.elapsed() > SILENCE {
                        hint = false;
                        screen.remark(
                            "quiet so far: Enter shows the prompt, Ctrl-C stops a running program",
                        );
                    }
                }
                Err(_) => {
                    self.ended.store(true, Ordering::SeqCst);
                    return Ok(Some(Outcome::Lost));
                }
            }
        }
        Ok(None)
    }

    /// Returns whether the output ends with the raw REPL's prompt; once for each prompt.
    fn take_raw_prompt(&self) -> bool {
        let prompt = self.prompt.lock();
        prompt.is_ok_and(|mut prompt| prompt.take_raw_prompt())
    }

    /// Returns whether the board is at its prompt.
    fn is_at_prompt(&self) -> bool {
        let prompt = self.prompt.lock();
        prompt.is_ok_and(|prompt| prompt.is_at_prompt())
    }

    fn is_quiet(&self) -> bool {
        match self.last_output.lock() {
            Ok(last) => last.elapsed() > QUIET,
            Err(_) => true,
        }
    }
}

/// Sends keys to the board until the talk ends.
fn send_keys(
    board: &Board,
    keyboard: &mut Keyboard,
    injections: &Injections<'_>,
    cancel: &Cancel,
    (pump, screen): (&Pump, &Screen<'_>),
) -> Result<Outcome, CommandError> {
    while !pump.ended.load(Ordering::SeqCst) {
        if cancel.is_cancelled() {
            return Ok(Outcome::Signal);
        }
        let bytes = match keyboard.next()? {
            Keys::Nothing => continue,
            Keys::End => {
                while !pump.is_quiet() && !pump.ended.load(Ordering::SeqCst) {
                    thread::sleep(SLICE);
                }
                return Ok(Outcome::Left);
            }
            Keys::Bytes(bytes) => match &mut keyboard.letters {
                Some(letters) => {
                    letters.take(&bytes, pump.is_at_prompt(), |text| screen.remark(text))
                }
                None => bytes,
            },
        };
        let mut out = Vec::new();
        let mut bytes = bytes.into_iter();
        while let Some(byte) = bytes.next() {
            let outcome = match (byte, injections.code) {
                (CTRL_RIGHT_BRACKET | CTRL_X, _) => Some(Outcome::Left),
                (CTRL_K, _) if injections.has_file => Some(Outcome::InjectFile),
                (CTRL_J, Some(code)) => {
                    out.extend_from_slice(code);
                    None
                }
                // The board's Enter is CR, and a file's line ends are LF.
                (CTRL_J, None) if !keyboard.interactive => {
                    out.push(b'\r');
                    None
                }
                _ => {
                    out.push(byte);
                    None
                }
            };
            if let Some(outcome) = outcome {
                keyboard.ahead.extend(bytes);
                write(board, &out, pump);
                return Ok(outcome);
            }
        }
        write(board, &out, pump);
    }
    Ok(Outcome::Left)
}

/// Sends keys. Keys that the board does not take for [`KEY_TIME`] are dropped; the reading thread notices if it is
/// gone.
fn write(board: &Board, bytes: &[u8], pump: &Pump) {
    if bytes.is_empty() || pump.ended.load(Ordering::SeqCst) {
        return;
    }
    let _ = board.type_keys(bytes, Deadline::after(KEY_TIME));
}
