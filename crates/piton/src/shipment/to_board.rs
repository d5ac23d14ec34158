//! Copies a shipment to a connected board.
//!
//! Equal files stay untouched; a module is written after those that it imports, and the files that start the program
//! last. Where a signature was demanded, the board keeps a [record](super::record) of the build.

use std::ops::ControlFlow;

use piton_board::error::{Error as BoardError, ErrorKind};
use piton_fs::error::Error as FsError;
use piton_fs::plan::Plan;
use piton_fs::remote::RemoteFs;
use piton_path::BoardPath;

use super::Shipment;
use super::record::{DowngradeError, DowngradeRule, FILE_NAME, Last, Record};
use crate::sync::{self, Push, SyncEvent, push_tree};

/// The settings of a deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Whether a signature was demanded: only then is the build recorded on the board.
    pub is_signed: bool,
    /// The rule for a board that has a newer build.
    pub downgrade: DowngradeRule,
    /// Whether an interrupted change of packages is finished first. Without this, planning changes nothing.
    pub settle: bool,
}

/// Why a deployment to a board failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToBoardError {
    /// The board has a newer build.
    #[error(transparent)]
    Downgrade(#[from] DowngradeError),
    /// The record of the last deployment cannot be read or written.
    #[error("`{FILE_NAME}`: {0}")]
    Record(#[source] FsError),
    /// The files could not be compared or copied.
    #[error(transparent)]
    Sync(#[from] sync::Error),
}

impl ToBoardError {
    /// Returns the kind of the failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            ToBoardError::Downgrade(_) => ErrorKind::Refused,
            ToBoardError::Record(error) => error.kind(),
            ToBoardError::Sync(error) => error.kind(),
        }
    }

    /// Returns the error of the exchange with the board, if this one stems from it.
    pub fn board(&self) -> Option<&BoardError> {
        match self {
            ToBoardError::Downgrade(_) => None,
            ToBoardError::Record(error) => error.board(),
            ToBoardError::Sync(error) => error.board(),
        }
    }

    /// Returns the error of the board's files, if this one stems from it.
    pub fn fs(&self) -> Option<&FsError> {
        match self {
            ToBoardError::Downgrade(_) => None,
            ToBoardError::Record(error) => Some(error),
            ToBoardError::Sync(error) => error.fs(),
        }
    }
}

/// A planned deployment.
#[derive(Debug)]
pub struct Deployment {
    push: Push,
    root: BoardPath,
    last: Last,
    newer: Option<Record>,
    /// The record to write.
    record: Option<Record>,
}

/// Compares a shipment with the folder `root` of a board and plans the deployment. The empty path is the board's current
/// folder: after a reset, that is where the board finds its start files, also where it is not `/`.
///
/// # Errors
///
/// [`ToBoardError`]. Nothing was changed, except by [`Settings::settle`].
pub fn plan(
    shipment: &Shipment,
    remote: &mut RemoteFs<'_, '_>,
    root: &BoardPath,
    settings: Settings,
) -> Result<Deployment, ToBoardError> {
    let last = Last::of_board(remote, root).map_err(ToBoardError::Record)?;
    let record = Record::of(&shipment.manifest);
    let newer = last.check(&record, settings.downgrade)?;
    let (host, superseded) = shipment.tree();
    let options = sync::Options {
        verify: true,
        settle: settings.settle,
        ..sync::Options::default()
    };
    let mut push = push_tree(remote, host, &superseded, root, &options)?;
    push.arrange(&shipment.order());
    Ok(Deployment {
        push,
        root: root.clone(),
        last,
        newer,
        record: settings.is_signed.then_some(record),
    })
}

impl Deployment {
    /// Returns the plan for the files.
    pub fn plan(&self) -> &Plan {
        self.push.plan()
    }

    /// Returns the last build, if it is newer than this one and the rule accepts that.
    pub fn newer(&self) -> Option<&Record> {
        self.newer.as_ref()
    }

    /// Copies the files, and then writes the record.
    ///
    /// # Errors
    ///
    /// [`ToBoardError::Sync`]: each file is then old or new, and deploying again completes it.
    /// [`ToBoardError::Record`]: all files are copied.
    pub fn apply(
        &self,
        remote: &mut RemoteFs<'_, '_>,
        events: &mut dyn FnMut(SyncEvent) -> ControlFlow<()>,
    ) -> Result<(), ToBoardError> {
        self.push.apply(remote, events)?;
        match &self.record {
            Some(record) => record
                .write(remote, &self.root, &self.last)
                .map_err(ToBoardError::Record),
            None => Ok(()),
        }
    }
}
