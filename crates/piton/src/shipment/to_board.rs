//! Copying a shipment to a connected board.
//!
//! Files that the board has already stay untouched; a module is written after those that it imports, and what starts the
//! program last. Where a signature was asked for, the board keeps a [record](super::record) of what it got.

use std::ops::ControlFlow;

use piton_fs::error::Error as FsError;
use piton_fs::plan::Plan;
use piton_fs::remote::RemoteFs;
use piton_path::BoardPath;

use super::Shipment;
use super::record::{DowngradeError, DowngradeRule, FILE_NAME, Last, Record};
use crate::sync::{self, Push, SyncEvent, push_tree};

/// How to deploy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Whether a signature was asked for: only then is the shipment recorded on the board.
    pub is_signed: bool,
    /// What to do if the board has a newer version.
    pub downgrade: DowngradeRule,
    /// Whether an interrupted change of packages is finished first. Without this, planning changes nothing.
    pub settle: bool,
}

/// Why a deployment to a board failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToBoardError {
    /// The board has something newer.
    #[error(transparent)]
    Downgrade(#[from] DowngradeError),
    /// The record of the last deployment cannot be read or written.
    #[error("`{FILE_NAME}`: {0}")]
    Record(#[source] FsError),
    /// The files could not be compared or copied.
    #[error(transparent)]
    Sync(#[from] sync::Error),
}

/// A deployment that is planned and can be carried out.
#[derive(Debug)]
pub struct Deployment {
    push: Push,
    root: BoardPath,
    last: Last,
    newer: Option<Record>,
    /// The record to write.
    record: Option<Record>,
}

/// Compares a shipment with the folder `root` of a board, and decides what to do.
///
/// # Errors
///
/// [`ToBoardError`]. Nothing was changed, but for [`Settings::settle`].
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
    /// Returns what will be done to the files.
    pub fn plan(&self) -> &Plan {
        self.push.plan()
    }

    /// Returns what was deployed last, if the shipment is older than that and deployed all the same.
    pub fn newer(&self) -> Option<&Record> {
        self.newer.as_ref()
    }

    /// Copies the files, and then records the shipment.
    ///
    /// # Errors
    ///
    /// [`ToBoardError::Sync`]: each file is then the old one or the new one, and doing it again finishes it.
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
