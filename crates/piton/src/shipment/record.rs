//! The record of the last deployment on a board or a drive: it keeps an old build, although it is signed, from
//! replacing a newer one.
//!
//! The record is a JSON file beside the others. It is written only where a signature was demanded: an unsigned build
//! must neither raise nor lower it. It does not protect against those who can change the board's files, because they
//! can remove it too.

use std::cmp::Ordering;
use std::io;
use std::path::Path;
use std::time::Duration;

use piton_board::deadline::Deadline;
use piton_fs::error::Error as FsError;
use piton_fs::listing::Kind;
use piton_fs::remote::RemoteFs;
use piton_path::BoardPath;
use piton_path::PortablePath;
use piton_shipment::manifest::Manifest;
use piton_shipment::version;
use serde::{Deserialize, Serialize};

use super::Shipment;
use crate::regular::{self, Links};
use crate::spool::Spool;

/// The name of the record, at the top of the board's files.
pub const FILE_NAME: &str = ".piton-deployed";

/// Maximum size of a record in bytes.
pub const MAXIMUM_SIZE: u64 = 4096;

/// Timeout of reading or writing the record.
const TIME: Duration = Duration::from_secs(30);

/// The last deployed build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The version of the build.
    pub version: String,
    /// The time of its sources.
    pub build_timestamp: String,
}

/// The rule for a build that is older than the last one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DowngradeRule {
    /// It is deployed, and reported: without a signature any build is accepted.
    #[default]
    Report,
    /// It is refused, and so is any build if the record cannot be read.
    Refuse,
}

/// Why a build is not deployed over the last one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DowngradeError {
    /// It is older.
    #[error(
        "version {} of {} is older than {} of {}, which was deployed last: nothing was copied",
        new.version, new.build_timestamp, last.version, last.build_timestamp
    )]
    Older {
        /// The last deployed build.
        last: Record,
        /// The build.
        new: Record,
    },
    /// The record of the last one cannot be read.
    #[error("`{FILE_NAME}` there does not say which version was deployed last: nothing was copied")]
    LastUnknown,
}

/// The record of the last deployment on a board or a drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Last {
    /// There is no record.
    Nothing,
    /// The content of the record.
    Known(Record),
    /// The file is not a valid record.
    Unreadable,
}

impl Last {
    /// Reads a record.
    pub fn parse(bytes: &[u8]) -> Last {
        if bytes.len() as u64 > MAXIMUM_SIZE {
            return Last::Unreadable;
        }
        let Ok(record) = serde_json::from_slice::<Record>(bytes) else {
            return Last::Unreadable;
        };
        let texts = [&record.version, &record.build_timestamp];
        match texts.iter().any(|text| text.contains(char::is_control)) {
            true => Last::Unreadable,
            false => Last::Known(record),
        }
    }

    /// Compares the record with a build. Returns the last build if it is newer and the rule accepts that.
    ///
    /// # Errors
    ///
    /// [`DowngradeError`] under [`DowngradeRule::Refuse`].
    pub fn check(
        &self,
        new: &Record,
        rule: DowngradeRule,
    ) -> Result<Option<Record>, DowngradeError> {
        match (self, rule) {
            (Last::Unreadable, DowngradeRule::Refuse) => Err(DowngradeError::LastUnknown),
            (Last::Known(last), rule) if new.is_older_than(last) => match rule {
                DowngradeRule::Refuse => Err(DowngradeError::Older {
                    last: last.clone(),
                    new: new.clone(),
                }),
                DowngradeRule::Report => Ok(Some(last.clone())),
            },
            _ => Ok(None),
        }
    }

    /// Reads the record on a drive.
    pub fn of_drive(drive: &Path) -> Last {
        match regular::read(&drive.join(FILE_NAME), Links::Refuse, MAXIMUM_SIZE) {
            Ok(bytes) => Last::parse(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Last::Nothing,
            Err(_) => Last::Unreadable,
        }
    }

    /// Reads the record on a board, below its folder `root`. A folder of that name, or a file that is too long, is not
    /// read.
    ///
    /// # Errors
    ///
    /// [`FsError::Board`], and other errors of a file that exists.
    pub fn of_board(remote: &mut RemoteFs<'_, '_>, root: &BoardPath) -> Result<Last, FsError> {
        let path = path_below(root);
        let metadata = match remote.stat(&path, Deadline::after(TIME)) {
            Err(FsError::NotFound { .. }) => return Ok(Last::Nothing),
            metadata => metadata?,
        };
        if metadata.kind != Kind::File || metadata.size > MAXIMUM_SIZE {
            return Ok(Last::Unreadable);
        }
        let bytes = remote.read(&path, &mut |_| {}, Deadline::after(TIME))?;
        Ok(Last::parse(&bytes))
    }
}

impl Record {
    /// Returns the record of a manifest's build.
    pub fn of(manifest: &Manifest) -> Record {
        Record {
            version: manifest.version.clone(),
            build_timestamp: manifest.build_timestamp.clone(),
        }
    }

    /// Returns whether this build is older than `other`: by version if both begin with a number and differ, else by
    /// time.
    pub fn is_older_than(&self, other: &Record) -> bool {
        let versions = [&self.version, &other.version];
        let by_version = match versions.iter().all(|text| version::is_ordered(text)) {
            true => version::compare(&self.version, &other.version),
            false => Ordering::Equal,
        };
        // The format of the times sorts as text.
        let by_time = || self.build_timestamp.cmp(&other.build_timestamp);
        by_version.then_with(by_time).is_lt()
    }

    /// Writes the record to a board, below its folder `root`, unless it is equal to `last`.
    ///
    /// # Errors
    ///
    /// Those of [`RemoteFs::write`].
    pub fn write(
        &self,
        remote: &mut RemoteFs<'_, '_>,
        root: &BoardPath,
        last: &Last,
    ) -> Result<(), FsError> {
        match last {
            Last::Known(last) if last == self => Ok(()),
            _ => {
                let deadline = Deadline::after(TIME);
                remote.write(&path_below(root), &self.to_json(), &mut |_| {}, deadline)
            }
        }
    }

    fn to_json(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

/// Returns the record of a board.
fn path_below(root: &BoardPath) -> BoardPath {
    match FILE_NAME.parse() {
        Ok(name) => root.join(&name),
        // Only a name with a NUL byte is not valid.
        Err(_) => root.clone(),
    }
}

impl Shipment {
    /// Adds the record to the files of the shipment: it is copied after all modules, before the files that start the
    /// new program.
    ///
    /// # Errors
    ///
    /// The temporary file cannot be written.
    pub fn with_record(&mut self) -> io::Result<()> {
        let mut content = Spool::new().begin()?;
        content.push(&Record::of(&self.manifest).to_json())?;
        self.record = Some((PortablePath::of_record(FILE_NAME), content));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_builds_are_recognized() {
        let record = |version: &str, day: u32| Record {
            version: version.to_owned(),
            build_timestamp: format!("2026-02-{day:02}T10:46:02Z"),
        };
        let older = [
            (record("1.9", 9), record("1.10", 1)),
            (record("1.0-rc1", 9), record("1.0", 1)),
            (record("1.0.0", 1), record("1.0", 2)),
            (record("0.0.0", 1), record("0.0.0", 2)),
            (record("vega", 1), record("altair", 2)),
            (record("altair", 1), record("9", 2)),
        ];
        for (old, new) in older {
            assert!(old.is_older_than(&new), "{old:?} {new:?}");
            assert!(!new.is_older_than(&old), "{old:?} {new:?}");
            assert!(!old.is_older_than(&old), "{old:?}");
        }
    }

    #[test]
    fn invalid_records_are_unreadable() {
        let record = Record {
            version: "1".to_owned(),
            build_timestamp: "2026-02-06T10:46:02Z".to_owned(),
        };
        assert_eq!(Last::parse(&record.to_json()), Last::Known(record));
        let long = format!(
            r#"{{"version":"{}","build_timestamp":""}}"#,
            "1".repeat(4096)
        );
        for text in [
            "",
            "{",
            "[]",
            r#"{"version":"1"}"#,
            r#"{"version":"\u001b[2J","build_timestamp":""}"#,
            r#"{"version":"1","version":"2","build_timestamp":""}"#,
            &long,
        ] {
            assert_eq!(Last::parse(text.as_bytes()), Last::Unreadable, "{text}");
        }
    }
}
