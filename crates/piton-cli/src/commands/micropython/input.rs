//! The input of a program: stdin, read when the program reads, so that what it does not read stays for others.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use piton::interpreter::Console;

use crate::terminal::{self, Keys, RawMode};

/// How long to wait for keys before looking whether the prompt has begun.
const SLICE: Duration = Duration::from_millis(50);

/// Whether the input is keys, which are sent at once: the program's own Ctrl-C is among them.
static KEYS: AtomicBool = AtomicBool::new(false);

/// The prompt begins: a terminal becomes raw until the end of the program.
pub(super) fn begin_keys() {
    if std::io::stdin().is_terminal()
        && let Ok(raw) = RawMode::enter()
    {
        // `terminal::restore` ends it: this thread is the program's, and does not outlive it.
        std::mem::forget(raw);
    }
    KEYS.store(true, Ordering::SeqCst);
}

/// Passes stdin to the program in a thread of its own, which ends with the process.
pub(super) fn serve(console: Console) {
    let at_once = console.clone();
    let pass = move || {
        while console.wait_wanted() {
            if !pass_on(&console) {
                return console.end();
            }
        }
    };
    // Without the thread there is no input: the program would wait for ever.
    if thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(pass)
        .is_err()
    {
        at_once.end();
    }
}

/// Passes on one piece of input; all of it from when it is keys. Returns false at its end.
fn pass_on(console: &Console) -> bool {
    loop {
        match terminal::read_keys(SLICE) {
            Ok(Keys::Bytes(bytes)) => {
                console.send(&bytes);
                if !KEYS.load(Ordering::SeqCst) {
                    return true;
                }
            }
            Ok(Keys::Nothing) => {}
            Ok(Keys::End) | Err(_) => return false,
        }
    }
}
