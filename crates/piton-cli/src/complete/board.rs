//! Asking a board for its files while somebody waits for a completion: quickly, and only one that has nothing to do.

use std::io;
use std::time::Duration;

use piton::deadline::Deadline;
use piton::fs::listing::{Kind, Sizes};
use piton::fs::remote::RemoteFs;
use piton::mip::Library;
use piton::path::BoardPath;
use piton::repl::{Entry, RawRepl};
use piton::selector::BoardSelector;
use piton::transport::Transport;
use piton::transport::webrepl::Password;
use piton::{Board, ConnectOptions};

use super::place::Situation;
use crate::config::Config;
use crate::password::VARIABLE;

/// How long somebody waits for a completion.
const TIME: Duration = Duration::from_secs(1);

/// How long an idle board may take to show its prompt.
const PROMPT_TIME: Duration = Duration::from_millis(300);

/// More names than this are of no use to anybody.
const MAX_NAMES: usize = 1000;

/// What somebody who completes a line wants to know of the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question<'q> {
    /// The names in this folder, with a slash behind those of folders.
    Folder(&'q str),
    /// The names of the packages that `mip` has installed.
    Packages,
}

/// The answer of the board that the line is about. Nothing, when the board cannot be asked.
pub(super) fn ask(situation: &Situation, config: &Config, question: Question<'_>) -> Vec<String> {
    let Some(selector) = super::selector(situation, config) else {
        return Vec::new();
    };
    let names = answer(&selector, situation, question).unwrap_or_default();
    let names = names.into_iter().take(MAX_NAMES);
    names
        .filter(|name| !name.contains(char::is_control))
        .collect()
}

fn answer(
    selector: &BoardSelector,
    situation: &Situation,
    question: Question<'_>,
) -> Option<Vec<String>> {
    match selector {
        BoardSelector::Auto
        | BoardSelector::Id(_)
        | BoardSelector::Port(_)
        | BoardSelector::Socket { .. }
        | BoardSelector::Rfc2217 { .. }
        | BoardSelector::WebRepl { .. } => {}
        // A key that asks for a completion must not run a command; a new virtual board has nothing to show.
        _ => return None,
    }
    let deadline = Deadline::after(TIME);
    let mut options = ConnectOptions::default();
    options.open = situation.options.open.clone();
    options.open.connect_timeout = TIME / 2;
    if options.open.password.is_none() {
        options.open.password = std::env::var(VARIABLE).ok().map(Password::new);
    }
    let mut board = Board::connect(selector, &options).ok()?;
    if !is_idle(board.transport(), deadline.slice(PROMPT_TIME)) {
        return None;
    }
    // What the library does at its own pace ends in time, too.
    let cancel = options.cancel.clone();
    let watch = cancel.clone();
    std::thread::spawn(move || {
        std::thread::sleep(TIME);
        watch.cancel();
    });
    let mut raw = board.raw_repl(Entry::KeepState, deadline).ok()?;
    let names = match question {
        Question::Folder(folder) => folder_names(&mut raw, folder, deadline),
        Question::Packages => package_names(&mut raw),
    };
    // The prompt must be back whatever became of the question.
    cancel.take();
    let _ = board.friendly(Deadline::after(TIME));
    names
}

fn folder_names(raw: &mut RawRepl<'_>, folder: &str, deadline: Deadline) -> Option<Vec<String>> {
    let path = folder.parse::<BoardPath>().ok()?;
    let entries = RemoteFs::new(raw).list(&path, Sizes::AsListed, deadline);
    let names = entries.ok()?.into_iter().map(|entry| match entry.kind {
        Kind::Directory => format!("{}/", entry.name),
        Kind::File => entry.name,
    });
    Some(names.collect())
}

fn package_names(raw: &mut RawRepl<'_>) -> Option<Vec<String>> {
    let library = Library::find(raw, None).ok()?;
    let packages = piton::mip::list(raw, &library).ok()?;
    Some(packages.into_iter().map(|package| package.name).collect())
}

/// Whether the board is at its friendly prompt.
///
/// A Ctrl-B has it print its greeting and the prompt again (shared/runtime/pyexec.c). To a program that reads a line it
/// is "cursor to the left", and one that does not read takes no notice: nothing that runs is disturbed.
fn is_idle(transport: &dyn Transport, deadline: Deadline) -> bool {
    if transport.write_all(b"\x02", deadline).is_err() {
        return false;
    }
    let mut received = Vec::new();
    let mut buffer = [0; 1024];
    while !received.ends_with(b"\r\n>>> ") {
        match transport.read(&mut buffer, deadline) {
            Ok(count) => received.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return false,
        }
        // A program that prints and prints.
        if received.len() > 16 * 1024 || deadline.has_passed() {
            return false;
        }
    }
    true
}
