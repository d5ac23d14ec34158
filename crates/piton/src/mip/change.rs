//! A change of a library, which is carried out as a whole or not at all.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use piton_board::deadline::Deadline;
use piton_fs::error::Error as FsError;
use piton_fs::remote::RemoteFs;
use piton_fs::swap::Swap;
use piton_fs::transfer::{Hashing, Outgoing, SendOptions, Step, SurveyEntry, TransferEvent};
use piton_path::BoardPath;
use piton_path::PortablePath;
use piton_project::mip::record::FILE_NAME;

use super::library::{is_same, name};
use super::{Library, MipError, MipEvent};
use crate::times::{CONTENT_TIME, STEP_TIME};

/// The existing entries on the board, by path.
pub(super) type Found = BTreeMap<BoardPath, SurveyEntry>;

/// Files of a package to remove, with the hash of each in the record.
#[derive(Debug, Default)]
pub(super) struct Stale<'s>(BTreeMap<&'s PortablePath, &'s str>);

impl<'s> Stale<'s> {
    /// Returns those of these files that are not `wanted` any more.
    ///
    /// Names that differ only in their case are one file on FAT. A package whose new version renames `Foo.py` to `foo.py`
    /// would lose the new file there, because files are removed after the new ones are in their places. So such a file
    /// stays; a board that distinguishes the case keeps both.
    pub(super) fn of<'w>(
        files: impl Iterator<Item = &'s (PortablePath, String)>,
        wanted: impl Iterator<Item = &'w PortablePath>,
    ) -> Stale<'s> {
        let wanted: BTreeSet<String> = wanted.map(|path| path.as_str().to_lowercase()).collect();
        let is_wanted = |path: &PortablePath| wanted.contains(&path.as_str().to_lowercase());
        let files = files.filter(|(path, _)| !is_wanted(path));
        Stale(files.map(|(path, hash)| (path, &**hash)).collect())
    }

    /// Returns the files to look up on the board.
    pub(super) fn wanted(&self, library: &Library) -> Result<Vec<(BoardPath, Hashing)>, MipError> {
        let places = self.0.keys().map(|path| library.place(path.as_str()));
        places.map(|place| Ok((place?, Hashing::Always))).collect()
    }
}

/// Progress of the new files, by their number in the order in which they were put.
pub(super) enum FileEvent {
    /// Content went over the wire.
    Moved { index: usize, bytes: u64, of: u64 },
    /// A file is written.
    Done { index: usize },
}

/// Changes of a library that are carried out together.
pub(super) struct Change<'c> {
    library: &'c Library,
    swap: Swap,
    /// Folders that are missing.
    folders: BTreeSet<BoardPath>,
    /// New files, where they are written first.
    files: Vec<(BoardPath, Cow<'c, [u8]>)>,
    removed: Vec<PortablePath>,
    changed: Vec<PortablePath>,
}

impl<'c> Change<'c> {
    pub(super) fn new(library: &'c Library) -> Change<'c> {
        Change {
            library,
            swap: Swap::new(library.folder().clone()),
            folders: BTreeSet::new(),
            files: Vec::new(),
            removed: Vec::new(),
            changed: Vec::new(),
        }
    }

    /// Returns the number of files to write.
    pub(super) fn written(&self) -> usize {
        self.files.len()
    }

    /// Adds a file with this content.
    pub(super) fn put(&mut self, path: &str, content: Cow<'c, [u8]>) -> Result<(), MipError> {
        self.files.push((self.swap.put(&name(path)?)?, content));
        Ok(())
    }

    /// Adds the missing folders of the files.
    pub(super) fn make_missing_folders(&mut self, found: &Found) {
        for (file, _) in &self.files {
            let folders = self.library.folders(file).into_iter();
            self.folders
                .extend(folders.filter(|folder| !found.contains_key(folder)));
        }
    }

    /// Adds the removal of the record.
    pub(super) fn remove_record(&mut self) -> Result<(), MipError> {
        Ok(self.swap.remove(&name(FILE_NAME)?)?)
    }

    /// Adds the removal of files, except changed ones, and of folders that become empty.
    pub(super) fn remove(
        &mut self,
        remote: &mut RemoteFs<'_, '_>,
        stale: &Stale<'_>,
        found: &Found,
    ) -> Result<(), MipError> {
        let mut folders = BTreeSet::new();
        for (path, hash) in &stale.0 {
            let Some(entry) = found.get(&self.library.place(path.as_str())?) else {
                continue;
            };
            if !is_same(remote, entry, hash)? {
                self.changed.push((*path).clone());
                continue;
            }
            self.swap.remove(&name(path.as_str())?)?;
            self.removed.push((*path).clone());
            let mut folder = path.parent();
            while let Some(path) = folder {
                folder = path.parent();
                folders.insert(path);
            }
        }
        // The contents of a folder sort after the folder.
        for folder in folders.iter().rev() {
            self.swap.remove_folder(&name(folder.as_str())?)?;
        }
        Ok(())
    }

    /// Carries the change out. After an error the board's packages are unchanged. If the connection was lost in the
    /// middle, the journal has the remaining steps, and [`Library::settled_record`] completes them.
    pub(super) fn carry_out(
        &self,
        remote: &mut RemoteFs<'_, '_>,
        sent: &mut dyn FnMut(FileEvent),
    ) -> Result<(), MipError> {
        if self.swap.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.send(remote, sent) {
            self.give_up(remote);
            return Err(error.into());
        }
        let folder = self.library.folder();
        let swapped = remote.swap(folder, Deadline::after(CONTENT_TIME));
        swapped.map_err(|error| {
            // The board has restored the old files as far as it could. Its journal has the rest.
            match error {
                FsError::Unsupported { .. } => self.give_up(remote),
                _ => self.remove_folders(remote),
            }
            error.into()
        })
    }

    /// Returns for each new file how many bytes it and those before it have.
    pub(super) fn ends(&self) -> Vec<u64> {
        let mut end = 0;
        let sizes = self.files.iter().map(|(_, content)| content.len() as u64);
        sizes
            .map(|size| {
                end += size;
                end
            })
            .collect()
    }

    /// Removes the written files. If the connection is lost, they stay under their temporary names, which the journal
    /// lists.
    fn give_up(&self, remote: &mut RemoteFs<'_, '_>) {
        let _ = remote.settle_swap(self.library.folder(), Deadline::after(STEP_TIME));
        self.remove_folders(remote);
    }

    /// Writes the journal, and then all new files under temporary names, in one stream.
    fn send(
        &self,
        remote: &mut RemoteFs<'_, '_>,
        sent: &mut dyn FnMut(FileEvent),
    ) -> Result<(), FsError> {
        // A folder sorts before its contents.
        let folders = self.folders.iter().cloned().map(Step::MakeDir);
        let mut steps: Vec<Step<'_>> = folders.collect();
        let first_file = steps.len() + 1;
        let (journal, entries) = self.swap.journal();
        let files = self.files.iter();
        let files = files.map(|(path, content)| (path.clone(), content.as_ref()));
        steps.extend(
            std::iter::once((journal, entries))
                .chain(files)
                .map(|(path, content)| {
                    let mut file = Outgoing::from_bytes(path, content);
                    file.replaces = Some(0);
                    // Names that only the journal gives a meaning to.
                    file.in_place = true;
                    Step::Write(file)
                }),
        );
        let mut report = |event| {
            let (step, of_file) = match event {
                TransferEvent::Moved { step, bytes, of } => (step, Some((bytes, of))),
                TransferEvent::Done { step } => (step, None),
                _ => return,
            };
            if let Some(index) = step.checked_sub(first_file) {
                sent(match of_file {
                    Some((bytes, of)) => FileEvent::Moved { index, bytes, of },
                    None => FileEvent::Done { index },
                });
            }
        };
        let deadline = Deadline::after(CONTENT_TIME);
        remote.send(steps, &SendOptions::default(), &mut report, deadline)?;
        Ok(())
    }

    /// Removes the created folders that are empty, after a failure.
    fn remove_folders(&self, remote: &mut RemoteFs<'_, '_>) {
        for folder in self.folders.iter().rev() {
            // They stay if the connection is lost.
            let _ = remote.remove_dir(folder, Deadline::after(STEP_TIME));
        }
    }

    /// Reports the files that were removed, and those that stay because they were changed. Returns the number of
    /// removed files.
    pub(super) fn report(
        &self,
        concerns: &dyn Fn(&PortablePath) -> bool,
        events: &mut dyn FnMut(MipEvent<'_>),
    ) -> usize {
        for path in self.changed.iter().filter(|path| concerns(path)) {
            let path = &self.library.shown(path.as_str());
            events(MipEvent::Changed { path });
        }
        let mut removed = 0;
        for path in self.removed.iter().filter(|path| concerns(path)) {
            let path = &self.library.shown(path.as_str());
            events(MipEvent::Removed { path });
            removed += 1;
        }
        removed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stale(files: &[&str], wanted: &[&str]) -> String {
        let files: Vec<(PortablePath, String)> = files
            .iter()
            .map(|path| (path.parse().unwrap(), format!("hash of {path}")))
            .collect();
        let wanted: Vec<PortablePath> = wanted.iter().map(|path| path.parse().unwrap()).collect();
        let stale = Stale::of(files.iter(), wanted.iter()).0;
        for (path, hash) in &stale {
            assert_eq!(*hash, format!("hash of {path}"));
        }
        let paths = stale.keys().map(|path| path.as_str());
        paths.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn files_that_a_package_has_no_more_are_stale() {
        assert_eq!(
            stale(&["b.py", "a/c.py", "a/b.py"], &["b.py"]),
            "a/b.py a/c.py"
        );
        assert_eq!(stale(&["a.py"], &["a.py", "b.py"]), "");
        assert_eq!(stale(&["a/b.py"], &["a.py", "b.py"]), "a/b.py");
        assert_eq!(stale(&[], &["a.py"]), "");
    }

    #[test]
    fn a_file_that_changes_only_the_case_of_its_name_is_not_removed() {
        // On FAT the removal of the old name would remove the new file.
        assert_eq!(stale(&["Foo.py", "bar.py"], &["foo.py"]), "bar.py");
        assert_eq!(stale(&["Pack/a.py"], &["pack/A.py"]), "");
        assert_eq!(stale(&["\u{c4}.py"], &["\u{e4}.py"]), "");
    }
}
