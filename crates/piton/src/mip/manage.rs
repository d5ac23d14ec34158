//! Listing and removing installed packages, by the record on the board.

use std::borrow::Cow;
use std::ops::ControlFlow;

use piton_board::deadline::Deadline;
use piton_board::stop::Stop;
use piton_fs::remote::RemoteFs;
use piton_project::mip::record::{FILE_NAME, Installed, Record};

use super::change::{Change, Stale};
use super::{MipError, MipEvent, Packages};
use crate::times::CONTENT_TIME;

/// The changes of uninstalling.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Removal {
    /// The number of removed files.
    pub removed: usize,
    /// Packages that were installed as dependencies of the removed one, and that no package needs now.
    pub orphans: Vec<String>,
}

impl Packages<'_> {
    /// Returns the packages on record, in the order in which they came.
    ///
    /// # Errors
    ///
    /// [`MipError::Record`], [`MipError::Fs`].
    pub fn list(&mut self) -> Result<Vec<Installed>, MipError> {
        let record = self.library.record(&mut RemoteFs::new(&mut self.repl))?;
        Ok(record.unwrap_or_default().packages)
    }

    /// Removes a package's files: all, or none. One that somebody changed since stays, and so does one that another package
    /// has too. A change of this library that was cut off is finished first.
    ///
    /// # Errors
    ///
    /// [`MipError::NotInstalled`], [`MipError::Needed`], [`MipError::Record`], [`MipError::Fs`].
    pub fn uninstall(
        &mut self,
        name: &str,
        events: &mut dyn FnMut(MipEvent<'_>) -> ControlFlow<()>,
    ) -> Result<Removal, MipError> {
        let Packages { repl, library } = self;
        let mut stop = Stop::new(repl.cancel());
        let events = &mut |event: MipEvent<'_>| stop.report(|| events(event));
        let mut remote = RemoteFs::new(repl);
        let record = library.settled_record(&mut remote, events)?;
        let mut record = record.unwrap_or_default();
        let Some(package) = record.find(name).cloned() else {
            return Err(MipError::NotInstalled {
                name: name.to_owned(),
                installed: names(&record),
            });
        };
        let by = record.needed_by(&package.name);
        if !by.is_empty() {
            return Err(MipError::Needed {
                by: by.into_iter().map(ToOwned::to_owned).collect(),
                name: package.name,
            });
        }
        let others = record.packages.iter();
        let others = others.filter(|other| other.name != package.name);
        let shared = others.flat_map(|other| other.files.iter().map(|(path, _)| path));
        let stale = Stale::of(package.files.iter(), shared);
        record.remove(&package.name);
        let text = record.to_text().map_err(|source| MipError::Record {
            path: library.record_path().unwrap_or_default(),
            source,
        })?;
        let found = remote.look(&stale.wanted(library)?, Deadline::after(CONTENT_TIME))?;
        let mut change = Change::new(library);
        // The record goes with its last package.
        match record.packages.is_empty() && record.projects.is_empty() {
            true => change.remove_record()?,
            false => change.put(FILE_NAME, Cow::Borrowed(text.as_bytes()))?,
        }
        change.remove(&mut remote, &stale, &found)?;
        change.carry_out(&mut remote, &mut |_| {})?;
        let removed = change.report(&|_| true, events);
        let orphans = record.orphans().into_iter().map(ToOwned::to_owned);
        Ok(Removal {
            removed,
            orphans: orphans.collect(),
        })
    }
}

fn names(record: &Record) -> Vec<String> {
    let packages = record.packages.iter();
    packages.map(|package| package.name.clone()).collect()
}
