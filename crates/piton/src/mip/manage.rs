//! What is installed, by the record on the board.

use piton_board::deadline::Deadline;
use piton_board::repl::RawRepl;
use piton_fs::remote::RemoteFs;
use piton_project::mip::record::{Installed, Record};

use super::install::remove_unchanged;
use super::library::STEP_TIME;
use super::{Library, MipError, MipEvent};

/// What uninstalling changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// How many files were removed.
    pub removed: usize,
    /// Packages that came because the removed one needed them, and that nothing needs now.
    pub orphans: Vec<String>,
}

/// The packages on record, in the order in which they came.
///
/// # Errors
///
/// [`MipError::Record`], [`MipError::Fs`].
pub fn list(repl: &mut RawRepl<'_>, library: &Library) -> Result<Vec<Installed>, MipError> {
    let record = library.record(&mut RemoteFs::new(repl))?;
    Ok(record.unwrap_or_default().packages)
}

/// Remove a package's files. One that somebody changed since stays, and so does one that another package has too.
///
/// # Errors
///
/// [`MipError::NotInstalled`], [`MipError::Needed`], [`MipError::Record`], [`MipError::Fs`].
pub fn uninstall(
    repl: &mut RawRepl<'_>,
    library: &Library,
    name: &str,
    events: &mut dyn FnMut(MipEvent<'_>),
) -> Result<Removal, MipError> {
    let mut remote = RemoteFs::new(repl);
    let mut record = library.record(&mut remote)?.unwrap_or_default();
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
    let mut removed = 0;
    for (path, hash) in &package.files {
        if !record.is_shared(path, &package.name)
            && remove_unchanged(&mut remote, library, path, hash, events)?
        {
            removed += 1;
        }
    }
    // Last: until here the same command can be given again.
    record.remove(&package.name);
    write_record(&mut remote, library, &record)?;
    let orphans = record.orphans().into_iter().map(ToOwned::to_owned);
    Ok(Removal {
        removed,
        orphans: orphans.collect(),
    })
}

fn names(record: &Record) -> Vec<String> {
    let packages = record.packages.iter();
    packages.map(|package| package.name.clone()).collect()
}

/// Write the record, or remove it with its last package.
fn write_record(
    remote: &mut RemoteFs<'_, '_>,
    library: &Library,
    record: &Record,
) -> Result<(), MipError> {
    let path = library.record_path()?;
    let deadline = Deadline::after(STEP_TIME);
    if record.packages.is_empty() {
        return Ok(remote.remove_file(&path, deadline)?);
    }
    let text = record.to_text().map_err(|source| MipError::Record {
        path: path.clone(),
        source,
    })?;
    Ok(remote.write(&path, text.as_bytes(), &mut |_| {}, deadline)?)
}
