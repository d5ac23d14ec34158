//! Changes of several files that belong together: all, or none.

use piton_board::deadline::Deadline;
use piton_board::literal::{from_literal, py_str};
use piton_path::BoardPath;

use crate::device;
use crate::error::Error;
use crate::remote::{RemoteFs, quoted};

/// What the name of a new file ends with until it takes its place.
pub const NEXT_SUFFIX: &str = ".piton-next";

/// Name of the journal.
pub(crate) const JOURNAL: &str = ".piton-swap";

/// What every journal begins with, so that no other file of its name is taken for one.
const START: &str = "piton swap 1\0";

/// Behind each entry of the journal: the one character that no path has.
const SEPARATOR: char = '\0';

/// The end of every journal: one without it was cut off, and is ignored.
const END: char = '.';

/// Changes below a folder that belong together: files that are new or replaced, files that go.
///
/// First the [`Swap::journal`] is written, then the new files, all of them beside their places ([`Swap::put`] says
/// where); then [`RemoteFs::swap`] makes the changes. Whatever cuts that off, a power cut too, [`RemoteFs::settle_swap`]
/// puts right: before `swap` nothing has changed, and the rest is removed; from then on all is there that the changes
/// need, and they are finished.
///
/// A journal names nothing outside of its folder. That is checked here, and again by the board when it carries a journal
/// out, for a file of that name may be anybody's.
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
            journal: format!("{START}{END}"),
        }
    }

    /// Adds a file that gets new content. `name` is its path from the folder on. Returns the path that the content is to be written to.
    ///
    /// # Errors
    ///
    /// [`Error::Outside`] if the name leads out of the folder, or is that of a journal. Nothing is added then.
    pub fn put(&mut self, name: &BoardPath) -> Result<BoardPath, Error> {
        self.add('+', name)?;
        Ok(self.folder.join(name).with_suffix(NEXT_SUFFIX))
    }

    /// Adds the removal of a file, which is done when all new ones are in their places.
    ///
    /// # Errors
    ///
    /// As for [`Swap::put`].
    pub fn remove(&mut self, name: &BoardPath) -> Result<(), Error> {
        self.add('-', name)
    }

    /// Adds the removal of a folder, which is done if it is empty in the end.
    ///
    /// # Errors
    ///
    /// As for [`Swap::put`].
    pub fn remove_folder(&mut self, name: &BoardPath) -> Result<(), Error> {
        self.add('/', name)
    }

    fn add(&mut self, kind: char, name: &BoardPath) -> Result<(), Error> {
        if !is_inside(name) {
            return Err(Error::Outside {
                path: name.clone(),
                folder: self.folder.clone(),
            });
        }
        self.journal.pop();
        self.journal.push(kind);
        self.journal.push_str(name.as_str());
        self.journal.extend([SEPARATOR, END]);
        Ok(())
    }

    /// Returns whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.journal.len() == START.len() + END.len_utf8()
    }

    /// Returns the file that is written before all others: its path and content.
    pub fn journal(&self) -> (BoardPath, &[u8]) {
        let [_, draft] = journals_of(&self.folder);
        (draft, self.journal.as_bytes())
    }
}

/// Returns where the journal of changes below `folder` is: that of changes that were begun, and that of those that were not. If
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

/// Returns whether a path names something inside of the folder that it continues, which is no journal. FAT takes `\` for `/`.
fn is_inside(path: &BoardPath) -> bool {
    let mut names = path.as_str().split('/');
    names.all(|name| {
        let leads_out = matches!(name, "" | "." | "..") || name.contains('\\');
        !leads_out && !name.to_ascii_lowercase().starts_with(JOURNAL)
    })
}

/// Returns whether a file of this name is a journal.
pub(crate) fn is_journal(name: &str) -> bool {
    name.strip_suffix(NEXT_SUFFIX).unwrap_or(name) == JOURNAL
}

impl RemoteFs<'_, '_> {
    /// Makes the changes below a folder: all of them, or, when a file cannot be renamed or the board is stopped, none.
    /// Journal and new files are on the board: see [`Swap`]. Old files wait in the same folders, under names with
    /// `.piton-old` behind, until all is done. One exchange.
    ///
    /// # Errors
    ///
    /// [`Error::IsADirectory`], [`Error::ReadOnly`], [`Error::Unsupported`] (a board that cannot rename), and what else
    /// the board says, with the name that could not be replaced. Then nothing has changed, and journal and new files are
    /// removed, as far as the board can; the rest is for [`RemoteFs::settle_swap`]. [`Error::NotAJournal`] if the board
    /// reads back something else than [`Swap::journal`].
    pub fn swap(&mut self, folder: &BoardPath, deadline: Deadline) -> Result<(), Error> {
        self.run_swap(folder, "True", deadline).map(|_| ())
    }

    /// Puts right what was cut off below a folder that has one of the journals: see [`Swap`]. Whether changes were
    /// finished. One exchange.
    ///
    /// A draft of a journal that is not whole is removed: nothing was begun.
    ///
    /// # Errors
    ///
    /// [`Error::NotAJournal`] if the journal is somebody else's file, or leads out of the folder: nothing of it is
    /// carried out, and it stays. [`Error::NotFound`] if there is no journal; else as for [`RemoteFs::swap`].
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
            Ok(()) => self
                .read_answer::<Option<bool>>(&journal, &printed)?
                .ok_or(Error::NotAJournal { path: journal }),
            Err(error) => {
                let place = from_literal::<String>(&printed).ok();
                let place = place.and_then(|place| place.parse().ok());
                Err(Error::new(&place.unwrap_or(journal), error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_names_only_what_is_inside() {
        for name in [
            "",
            "/",
            "/main.py",
            "..",
            "../main.py",
            "a/../../main.py",
            "a/..",
            ".",
            "./a",
            "a//b",
            "a/",
            "a\\..\\..\\main.py",
            ".piton-swap",
            ".PITON-SWAP.piton-next",
            "a/.piton-swap",
        ] {
            let path: BoardPath = name.parse().unwrap();
            let mut swap = Swap::new(BoardPath::root());
            assert!(
                matches!(swap.put(&path), Err(Error::Outside { .. })),
                "{name}"
            );
            assert!(swap.remove(&path).is_err() && swap.remove_folder(&path).is_err());
            assert!(swap.is_empty());
        }
        let mut swap = Swap::new(BoardPath::root());
        for name in ["a", ".piton-mip.json", "a/b..c"] {
            swap.put(&name.parse().unwrap()).unwrap();
        }
        let (_, journal) = swap.journal();
        assert_eq!(journal, b"piton swap 1\0+a\0+.piton-mip.json\0+a/b..c\0.");
    }
}
