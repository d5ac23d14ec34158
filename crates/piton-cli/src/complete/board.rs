//! Asks a board for its files during a completion: quickly, and only a board that is idle.

use std::time::Duration;

use piton::deadline::{Deadline, scaled, set_timeout_factor};
use piton::fs::listing::{Kind, Sizes};
use piton::path::BoardPath;
use piton::selector::BoardSelector;
use piton::transport::webrepl::Password;
use piton::{Session, SessionOptions};

use super::position::Situation;
use crate::config::Config;
use crate::environment::WEBREPL_PASSWORD;

/// Timeout of a completion, [`scaled`].
const TIME: Duration = Duration::from_secs(1);

/// Timeout of the prompt of an idle board, [`scaled`].
const PROMPT_TIME: Duration = Duration::from_millis(300);

/// The most names that are offered.
const MAX_NAMES: usize = 1000;

/// A question about the board, for a completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question<'q> {
    /// The names in this folder, with a slash after those of folders.
    Folder(&'q str),
    /// The names of the packages that `mip` has installed.
    Packages,
}

/// Returns the answer of the line's board; empty if the board cannot be queried.
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
        | BoardSelector::Telnet { .. }
        | BoardSelector::WebRepl { .. } => {}
        // A completion must not run the command of an `exec:` board; a new virtual board has no files to show.
        _ => return None,
    }
    set_timeout_factor(situation.options.timeout_factor().unwrap_or(1.0));
    let deadline = Deadline::after(TIME);
    let mut options = SessionOptions::default();
    options.reconnects = false;
    let connect = &mut options.connect;
    connect.open = situation.options.open.clone();
    connect.open.connect_timeout = TIME / 2;
    if connect.open.password.is_none() {
        connect.open.password = std::env::var(WEBREPL_PASSWORD).ok().map(Password::new);
    }
    let mut session = Session::connect(selector, options).ok()?;
    let prompt_deadline = deadline.sooner(PROMPT_TIME);
    if !session.board().ok()?.is_idle(prompt_deadline).ok()? {
        return None;
    }
    // The library's deadlines are longer than a completion may take, so the answer is given up here. The session still
    // leaves the board at its prompt.
    let cancel = session.cancel().clone();
    std::thread::spawn(move || {
        std::thread::sleep(scaled(TIME));
        cancel.cancel();
    });
    session.resume();
    match question {
        Question::Folder(folder) => folder_names(&mut session, folder, deadline),
        Question::Packages => package_names(&mut session),
    }
}

fn folder_names(session: &mut Session, folder: &str, deadline: Deadline) -> Option<Vec<String>> {
    let path = folder.parse::<BoardPath>().ok()?;
    let entries = session.with_fs(|fs| fs.list(&path, Sizes::AsListed, deadline));
    let names = entries.ok()?.into_iter().map(|entry| match entry.kind {
        Kind::Directory => format!("{}/", entry.name),
        Kind::File => entry.name,
    });
    Some(names.collect())
}

fn package_names(session: &mut Session) -> Option<Vec<String>> {
    let packages = session.packages(None).ok()?.list().ok()?;
    Some(packages.into_iter().map(|package| package.name).collect())
}
