//! Changing several files together: all of the changes are made, or none.

use piton_board::deadline::Deadline;
use piton_board::literal::{from_literal, py_str};
use piton_path::BoardPath;

use crate::device;
use crate::error::Error;
use crate::remote::{RemoteFs, quoted};

/// The suffix of a new file until it is renamed.
pub const NEXT_SUFFIX: &str = ".piton-next";

/// Name of the journal.
pub(crate) const JOURNAL: &str = ".piton-swap";

/// The first bytes of every journal. They distinguish a journal from another file of the same name.
const START: &str = "piton swap 1\0";

/// Ends each entry of the journal. No path contains this character.
const SEPARATOR: char = '\0';

/// The last byte of every journal. A journal without it is incomplete and is ignored.
const END: char = '.';

/// Changes below a folder that belong together: new and replaced files, removed files and folders.
///
/// First the [`Swap::journal`] is written, then the new files under temporary names, which [`Swap::put`] returns.
/// Then [`RemoteFs::swap`] makes the changes. After an interruption, also by a power cut, [`RemoteFs::settle_swap`]
/// restores a consistent state: before `swap` nothing has changed, and the temporary files are removed; later all new
/// files exist, and the changes are completed.
///
/// A journal names only paths inside of its folder. This is checked here, and again on the board before a journal is
/// carried out, since any program can make a file of that name.
#[derive(Clone, Debug)]
pub struct Swap {
    folder: BoardPath,
    journal: String,
}

impl Swap {
    /// Returns an empty set of changes below this folder.
    pub fn new(folder: BoardPath) -> Swap {
        Swap {
            folder,
            journal: format!("{START}{END}"),
        }
    }

    /// Adds a file that gets new content. `name` is its path from the folder on. Returns the path that the content is
    /// to be written to.
    ///
    /// # Errors
    ///
    /// [`Error::Outside`] if the name leads out of the folder, or is the name of a journal. Nothing is added then.
    pub fn put(&mut self, name: &BoardPath) -> Result<BoardPath, Error> {
        self.add('+', name)?;
        Ok(self.folder.join(name).with_suffix(NEXT_SUFFIX))
    }

    /// Adds the removal of a file, which is carried out after all new files are renamed.
    ///
    /// # Errors
    ///
    /// As for [`Swap::put`].
    pub fn remove(&mut self, name: &BoardPath) -> Result<(), Error> {
        self.add('-', name)
    }

    /// Adds the removal of a folder, which is carried out if the folder is empty in the end.
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

    /// Returns whether there are no changes.
    pub fn is_empty(&self) -> bool {
        self.journal.len() == START.len() + END.len_utf8()
    }

    /// Returns path and content of the journal, which is written before all other files.
    pub fn journal(&self) -> (BoardPath, &[u8]) {
        let [_, draft] = journals_of(&self.folder);
        (draft, self.journal.as_bytes())
    }
}

/// Returns the paths of the journals of changes below `folder`: of changes that were begun, and of changes that were
/// not. If one of them exists, the folder must be [settled](RemoteFs::settle_swap).
pub fn journals_of(folder: &BoardPath) -> [BoardPath; 2] {
    let text = match folder.is_empty() {
        true => "",
        false => &format!("{}/", folder.as_str().trim_end_matches('/')),
    };
    // A path stays valid when a name is appended.
    let journal: BoardPath = format!("{text}{JOURNAL}").parse().unwrap_or_default();
    let draft = journal.with_suffix(NEXT_SUFFIX);
    [journal, draft]
}

/// Returns whether a path below a folder stays inside of it and is not a journal. FAT treats `\` as `/`.
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
    /// Makes the changes below a folder: all of them, or none if a file cannot be renamed or the board is stopped.
    /// Journal and new files must be on the board: see [`Swap`]. Old files stay in the same folders, with the suffix
    /// `.piton-old`, until all changes are made. One exchange.
    ///
    /// # Errors
    ///
    /// [`Error::IsADirectory`], [`Error::ReadOnly`], [`Error::Unsupported`] (a board that cannot rename), and other
    /// errors of the board, with the path that could not be replaced. Then nothing has changed, and journal and new
    /// files are removed, as far as the board can; [`RemoteFs::settle_swap`] does the rest. [`Error::NotAJournal`] if
    /// the board reads back something else than [`Swap::journal`].
    pub fn swap(&mut self, folder: &BoardPath, deadline: Deadline) -> Result<(), Error> {
        self.run_swap(folder, "True", deadline).map(|_| ())
    }

    /// Restores a consistent state below a folder that has one of the journals: see [`Swap`]. Returns whether changes
    /// were completed. One exchange.
    ///
    /// An incomplete draft of a journal is removed: no change was begun.
    ///
    /// # Errors
    ///
    /// [`Error::NotAJournal`] if the file is not a journal of piton, or leads out of the folder: it is not
    /// carried out, and stays. [`Error::NotFound`] if there is no journal; else as for [`RemoteFs::swap`].
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
                let failed_path = from_literal::<String>(&printed).ok();
                let failed_path = failed_path.and_then(|path| path.parse().ok());
                Err(Error::new(&failed_path.unwrap_or(journal), error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_names_only_paths_inside_of_its_folder() {
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
