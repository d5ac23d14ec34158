//! What installing changes: which files are put, which go, and what is said about each.

use std::borrow::Cow;
use std::collections::BTreeSet;

use piton_board::deadline::Deadline;
use piton_fs::remote::RemoteFs;
use piton_fs::transfer::SurveyEntry;
use piton_path::PortablePath;
use piton_project::mip::INDEX;
use piton_project::mip::record::{FILE_NAME, Installed, Record};
use piton_project::mip::source::Source;

use super::apply::{Line, Planned};
use super::change::{Change, Found, Stale};
use super::fetch::Content;
use super::install::Job;
use super::library::is_same;
use super::{Fetched, MipError, RecordUse};
use crate::times::CONTENT_TIME;

/// Plans the change for the packages of `job` on a board that has `found` at their places, and `old` on record. Nothing is changed.
///
/// # Errors
///
/// [`MipError::Gone`]; [`MipError::Fs`] for a file that cannot be compared.
pub(super) fn plan<'j>(
    job: &Job<'j>,
    remote: &mut RemoteFs<'_, '_>,
    mut found: Found,
    old: Option<Record>,
) -> Result<Planned<'j>, MipError> {
    let keeps_record = old.is_some() || job.record_use == RecordUse::Keep;
    let old = old.unwrap_or_default();
    let mut new = old.clone();
    for fetched in job.fetched {
        put_on_record(&mut new, fetched);
    }
    let new_files = || new.packages.iter().flat_map(|package| &package.files);
    let mut wanted: BTreeSet<&PortablePath> = new_files().map(|(path, _)| path).collect();
    // What is not fetched since the board has it is not to go before its own turn.
    let on_board = job.all.iter().flat_map(Fetched::files);
    let on_board = on_board.filter(|(_, content)| matches!(content, Content::OnBoard { .. }));
    wanted.extend(on_board.map(|(file, _)| &file.path));
    let old_files = old.packages.iter().flat_map(|package| &package.files);
    let stale = Stale::of(old_files, wanted.into_iter());
    let stale_places = stale.wanted(job.library)?;
    if !stale_places.is_empty() {
        found.extend(remote.look(&stale_places, Deadline::after(CONTENT_TIME))?);
    }
    let mut change = Change::new(job.library);
    let (lines, written) = put_missing(job, &mut change, remote, &found)?;
    if keeps_record && new != old {
        let text = new.to_text().map_err(|source| {
            let path = job.library.record_path().unwrap_or_default();
            MipError::Record { path, source }
        })?;
        change.put(FILE_NAME, Cow::Owned(text.into_bytes()))?;
    }
    change.make_missing_folders(&found);
    change.remove(remote, &stale, &found)?;
    Ok(Planned {
        job: *job,
        change,
        lines,
        written,
        old,
    })
}

/// Puts the files that the board lacks into the change. Returns what there is to announce, and how many files each
/// request brings.
fn put_missing<'j>(
    job: &Job<'j>,
    change: &mut Change<'j>,
    remote: &mut RemoteFs<'_, '_>,
    found: &Found,
) -> Result<(Vec<Line<'j>>, Vec<usize>), MipError> {
    let mut lines = Vec::new();
    let mut written = Vec::new();
    let mut settled = BTreeSet::new();
    for (number, fetched) in job.fetched.iter().enumerate() {
        let before = change.written();
        lines.push(Line::Request(job.first + number));
        for visit in &fetched.resolution.visits {
            let Some(package) = fetched.packages().get(visit.package) else {
                continue;
            };
            lines.push(Line::Package(visit, package));
            let contents = fetched.contents.get(visit.package);
            for (file, content) in package.files.iter().zip(contents.into_iter().flatten()) {
                let path = file.path.as_str();
                let mut index = None;
                if settled.insert(&file.path) && !has(job, remote, found, path, content)? {
                    let Content::Fetched { bytes, .. } = content else {
                        let path = job.library.place(path)?;
                        return Err(MipError::Gone { path });
                    };
                    index = Some(change.written());
                    change.put(path, Cow::Borrowed(bytes))?;
                }
                lines.push(Line::File {
                    shown: job.library.shown(path),
                    hashed: file.hash.is_some(),
                    index,
                });
            }
        }
        lines.push(Line::EndOfRequest);
        written.push(change.written() - before);
    }
    Ok((lines, written))
}

/// Whether the board has this file already.
fn has(
    job: &Job<'_>,
    remote: &mut RemoteFs<'_, '_>,
    found: &Found,
    path: &str,
    content: &Content,
) -> Result<bool, MipError> {
    let may_be_same = |entry: &&SurveyEntry| match content {
        Content::Fetched { bytes, .. } => entry.size == bytes.len() as u64,
        Content::OnBoard { .. } => true,
    };
    match found.get(&job.library.place(path)?).filter(may_be_same) {
        Some(entry) => is_same(remote, entry, content.sha256()),
        None => Ok(false),
    }
}

/// Puts what was fetched on the record.
fn put_on_record(record: &mut Record, fetched: &Fetched) {
    for (index, (package, contents)) in fetched.packages().iter().zip(&fetched.contents).enumerate()
    {
        let files = package.files.iter().zip(contents);
        record.put(Installed {
            name: package.source.name(),
            version: package.version.clone(),
            source: package.source.to_string(),
            index: match package.source {
                Source::Index { .. } => Some(fetched.index.clone()).filter(|index| index != INDEX),
                _ => None,
            },
            mpy: fetched.mpy,
            requested: index == 0,
            needs: package.needs.clone(),
            files: files
                .map(|(file, content)| (file.path.clone(), content.sha256().to_owned()))
                .collect(),
            project: None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mip::tests::{fetched, hash, installed, path};

    fn recorded(record: &Record) -> Vec<(&str, bool, Option<&str>)> {
        let packages = record.packages.iter();
        packages
            .map(|package| (&*package.name, package.requested, package.index.as_deref()))
            .collect()
    }

    #[test]
    fn the_package_that_was_asked_for_is_recorded_as_requested_and_its_needs_are_not() {
        let mut record = Record::default();
        put_on_record(
            &mut record,
            &fetched(&[("a", &["a.py=1"]), ("b", &["b.py=2"])]),
        );
        let index = Some("http://index");
        assert_eq!(recorded(&record), [("a", true, index), ("b", false, index)]);
        assert_eq!(record.packages[1].files, [(path("b.py"), hash("2"))]);
        assert_eq!(record.packages[0].version.as_deref(), Some("2"));
    }

    #[test]
    fn the_official_index_and_sources_elsewhere_are_recorded_without_an_index() {
        let mut record = Record::default();
        let mut official = fetched(&[("a", &[])]);
        official.index = INDEX.to_owned();
        put_on_record(&mut record, &official);
        put_on_record(&mut record, &fetched(&[("github:o/r", &[])]));
        assert_eq!(
            recorded(&record),
            [("a", true, None), ("github:o/r", true, None)]
        );
    }

    #[test]
    fn a_package_that_a_person_asked_for_stays_requested_when_another_one_needs_it() {
        let mut record = Record {
            packages: vec![installed("b", &["old.py=1"], None)],
            projects: Vec::new(),
        };
        put_on_record(&mut record, &fetched(&[("a", &[]), ("b", &["b.py=2"])]));
        assert_eq!(
            recorded(&record),
            [
                ("b", true, Some("http://index")),
                ("a", true, Some("http://index"))
            ]
        );
        assert_eq!(record.packages[0].files, [(path("b.py"), hash("2"))]);
    }
}
