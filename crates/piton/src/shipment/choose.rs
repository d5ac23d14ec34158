//! Chooses among the targets of a build: which of its shipments a board gets.

use std::path::{Path, PathBuf};

use tracing::debug;

use super::download::{fetch, is_url};
use super::{Demands, Finding, FindingKind, Reading, Shipment, ShipmentError, read};
use crate::board_format::BoardFormat;
use crate::http::Client;

/// Why no shipment of a build is chosen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChooseError {
    /// No shipment is for the requested target.
    #[error("there is no target `{name}`")]
    NoSuchTarget {
        /// The requested target.
        name: String,
        /// The targets that there are.
        targets: Vec<String>,
    },
    /// There are several shipments, and the format of the drive's board is unknown.
    #[error("no `boot_out.txt` in `{}` says which target its board is", drive.display())]
    UnknownBoard {
        /// The drive.
        drive: PathBuf,
        /// The targets that there are.
        targets: Vec<String>,
    },
    /// Every shipment has findings.
    #[error("{} problem{}", findings.len(), if findings.len() == 1 { "" } else { "s" })]
    Rejected {
        /// The findings, target by target; see [`distinct`].
        findings: Vec<Finding>,
    },
}

/// Reads the shipments of a build at `path`, which may also be an address on a web server.
///
/// # Errors
///
/// [`ShipmentError`]: there is nothing that could be checked.
pub fn load(
    path: &Path,
    reading: &Reading<'_>,
    client: &Client,
) -> Result<Vec<Shipment>, ShipmentError> {
    match is_url(path) {
        None => read(path, reading),
        Some(url) => fetch(url, reading, client),
    }
}

/// Returns the names of the shipments' targets.
pub fn targets(shipments: &[Shipment]) -> Vec<String> {
    let names = shipments.iter().map(|shipment| &shipment.manifest.target);
    names.flatten().cloned().collect()
}

/// Returns the shipments that are for the target called `name`.
///
/// # Errors
///
/// [`ChooseError::NoSuchTarget`].
pub fn of_target(shipments: Vec<Shipment>, name: &str) -> Result<Vec<Shipment>, ChooseError> {
    let (chosen, others): (Vec<Shipment>, Vec<Shipment>) = shipments
        .into_iter()
        .partition(|shipment| shipment.manifest.target.as_deref() == Some(name));
    match chosen.is_empty() {
        true => Err(ChooseError::NoSuchTarget {
            name: name.to_owned(),
            targets: targets(&others),
        }),
        false => Ok(chosen),
    }
}

/// Returns the format of a mounted drive's board; `None` if it is unknown and there is only one shipment to choose.
///
/// # Errors
///
/// [`ChooseError::UnknownBoard`]: there are several shipments, and the board is unknown.
pub fn drive_format(
    drive: &Path,
    shipments: &[Shipment],
) -> Result<Option<BoardFormat>, ChooseError> {
    let format = BoardFormat::of_drive(drive);
    // A drive that is not a folder has its own error when the copy is planned.
    if format.is_none() && drive.is_dir() && shipments.len() > 1 {
        return Err(ChooseError::UnknownBoard {
            drive: drive.to_owned(),
            targets: targets(shipments),
        });
    }
    Ok(format)
}

/// Returns the first shipment without findings.
///
/// # Errors
///
/// [`ChooseError::Rejected`] with the findings of all shipments.
pub fn choose(shipments: Vec<Shipment>, demands: &Demands<'_>) -> Result<Shipment, ChooseError> {
    let mut findings = Vec::new();
    for shipment in shipments {
        let found = shipment.check(demands);
        debug!(version = %shipment.manifest.version, build_target = shipment.manifest.target, findings = found.len(), "a target was checked");
        if found.is_empty() {
            return Ok(shipment);
        }
        findings.extend(found);
    }
    Err(ChooseError::Rejected { findings })
}

/// Returns the findings without duplicates: all targets of a list have the findings of the list.
pub fn distinct<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<&'a Finding> {
    let mut distinct = Vec::new();
    for finding in findings {
        if !(finding.kind.is_of_index() && distinct.contains(&finding)) {
            distinct.push(finding);
        }
    }
    distinct
}

/// Returns the problem of the list of targets that the user can solve, if any.
pub fn index_problem(findings: &[&Finding]) -> Option<FindingKind> {
    let mut kinds = findings.iter().map(|finding| &finding.kind);
    kinds
        .find(|kind| matches!(kind, FindingKind::OldIndex | FindingKind::NoIndex))
        .cloned()
}
