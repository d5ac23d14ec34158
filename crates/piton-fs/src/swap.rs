//! Changes of several files that belong together: all, or none.

use piton_board::deadline::Deadline;
use piton_board::literal::{from_literal, py_str};

use crate::device;
use crate::error::Error;
use crate::path::BoardPath;
use crate::remote::{RemoteFs, quoted};

/// What the name of a new file ends with until it takes its place.
pub const NEXT_SUFFIX: &str = ".piton-next";

/// Name of the journal.
pub(crate) const JOURNAL: &str = ".piton-swap";

/// Between the entries of the journal: the one character that no path has.
const BETWEEN: char = '\0';

/// Changes below a folder that belong together: files that are new or replaced, files that go.
///
/// First the [`Swap::journal`] is written, then the new files, all of them beside their places ([`Swap::put`] says
/// where); then [`RemoteFs::swap`] makes the changes. Whatever cuts that off, a power cut too, [`RemoteFs::settle_swap`]
/// puts right: before `swap` nothing has changed, and the rest is removed; from then on all is there that the changes
/// need, and they are finished.
#[derive(Clone, Debug)]
pub struct Swap {
    folder: BoardPath,
    journal: String,
}

impl Swap {
    /// No changes below this folder.
    pub fn new(folder: BoardPath) -> Swap {
        Swap {
            folder,
            journal: String::new(),
        }
    }

    /// A file gets new content. `name` continues the folder. Gives the path that the content is to be written to.
    pub fn put(&mut self, name: &BoardPath) -> BoardPath {
        self.add('+', name);
        self.folder.join(name).with_suffix(NEXT_SUFFIX)
    }

    /// A file goes, when all new ones are in their places.
    pub fn remove(&mut self, name: &BoardPath) {
        self.add('-', name);
    }

    /// A folder goes, if it is empty in the end.
    pub fn remove_folder(&mut self, name: &BoardPath) {
        self.add('/', name);
    }

    fn add(&mut self, kind: char, name: &BoardPath) {
        if !self.journal.is_empty() {
            self.journal.push(BETWEEN);
        }
        self.journal.push(kind);
        self.journal.push_str(name.as_str());
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.journal.is_empty()
    }

    /// The file that is written before all others: its path and content.
    pub fn journal(&self) -> (BoardPath, &[u8]) {
        let [_, draft] = journals_of(&self.folder);
        (draft, self.journal.as_bytes())
    }
}

/// Where the journal of changes below `folder` is: that of changes that were begun, and that of those that were not. If
/// one of them exists, there is something to [settle](RemoteFs::settle_swap).
pub fn journals_of(folder: &BoardPath) -> [BoardPath; 2] {
    let text = match folder.is_empty() {
        true => "",
        false => &format!("{}/", folder.as_str().trim_end_matches('/')),
    };
    // A path with a name behind it is one.
    let journal: BoardPath = format!("{text}{JOURNAL}").parse().unwrap_or_default();
    let draft = journal.with_suffix(NEXT_SUFFIX);
    [journal, draft]
}

/// Whether a file of this name is a journal.
pub(crate) fn is_journal(name: &str) -> bool {
    name.strip_suffix(NEXT_SUFFIX).unwrap_or(name) == JOURNAL
}

impl RemoteFs<'_, '_> {
    /// Make the changes below a folder: all of them, or, when a file cannot be renamed or the board is stopped, none.
    /// Journal and new files are on the board: see [`Swap`]. Old files wait in the same folders, under names with
    /// `.piton-old` behind, until all is done. One exchange.
    ///
    /// # Errors
    ///
    /// [`Error::IsADirectory`], [`Error::ReadOnly`], [`Error::Unsupported`] (a board that cannot rename), and what else
    /// the board says, with the name that could not be replaced. Then nothing has changed, and journal and new files are
    /// removed, as far as the board can; the rest is for [`RemoteFs::settle_swap`].
    pub fn swap(&mut self, folder: &BoardPath, deadline: Deadline) -> Result<(), Error> {
        self.run_swap(folder, "True", deadline).map(|_| ())
    }

    /// Put right what was cut off below a folder that has one of the journals: see [`Swap`]. Whether changes were
    /// finished. One exchange.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no journal; else as for [`RemoteFs::swap`].
    pub fn settle_swap(&mut self, folder: &BoardPath, deadline: Deadline) -> Result<bool, Error> {
        self.run_swap(folder, "False", deadline)
    }

    fn run_swap(
        &mut self,
        folder: &BoardPath,
        begin: &str,
        deadline: Deadline,
    ) -> Result<bool, Error> {
        let [journal, _] = journals_of(folder);
        let before = journal.as_str().strip_suffix(JOURNAL).unwrap_or_default();
        let arguments = [&*py_str(before), &quoted(&journal), begin];
        let mut printed = Vec::new();
        let mut output = |bytes: &[u8]| printed.extend_from_slice(bytes);
        let done = self.exec_program(device::SWAP, &arguments, &mut output, deadline);
        match done {
            Ok(()) => self.read_answer(&journal, &printed),
            Err(error) => {
                let place = from_literal::<String>(&printed).ok();
                let place = place.and_then(|place| place.parse().ok());
                Err(Error::new(&place.unwrap_or(journal), error))
            }
        }
    }
}
