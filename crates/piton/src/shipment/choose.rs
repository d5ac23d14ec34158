//! Choosing among the targets of a build: which of its shipments a board takes.

use std::path::{Path, PathBuf};

use super::download::{fetch, is_url};
use super::{Demands, Finding, FindingKind, Reading, Shipment, ShipmentError, read};
use crate::board_format::BoardFormat;
use crate::http::Client;

/// Why no shipment of a build is chosen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChooseError {
    /// None is for the target that was asked for.
    #[error("there is no target `{name}`")]
    NoSuchTarget {
        /// The target that was asked for.
        name: String,
        /// The targets that there are.
        targets: Vec<String>,
    },
    /// There are several, and the drive does not say what its board loads.
    #[error("no `boot_out.txt` in `{}` tells which target its board is", drive.display())]
    UnknownBoard {
        /// The drive.
        drive: PathBuf,
        /// The targets that there are.
        targets: Vec<String>,
    },
    /// Each has something wrong with it.
    #[error("{} problem{}", findings.len(), if findings.len() == 1 { "" } else { "s" })]
    Rejected {
        /// What is wrong, target by target; see [`distinct`].
        findings: Vec<Finding>,
    },
}

/// Reads the shipments of a build at `place`: a path, or the address of a web server.
///
/// # Errors
///
/// [`ShipmentError`]: there is nothing that could be checked.
pub fn load(
    place: &Path,
    reading: &Reading<'_>,
    client: &Client,
) -> Result<Vec<Shipment>, ShipmentError> {
    match is_url(place) {
        None => read(place, reading),
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

/// Returns what the board of a mounted drive loads; `None` if the drive does not say that, and there is only one shipment
/// that it could get.
///
/// # Errors
///
/// [`ChooseError::UnknownBoard`]: nothing is chosen for a board that is not known.
pub fn drive_format(
    drive: &Path,
    shipments: &[Shipment],
) -> Result<Option<BoardFormat>, ChooseError> {
    let format = BoardFormat::of_drive(drive);
    // What is not a folder has its own error when the copy is planned.
    if format.is_none() && drive.is_dir() && shipments.len() > 1 {
        return Err(ChooseError::UnknownBoard {
            drive: drive.to_owned(),
            targets: targets(shipments),
        });
    }
    Ok(format)
}

/// Returns the first shipment that has nothing wrong with it.
///
/// # Errors
///
/// [`ChooseError::Rejected`] with what is wrong with all of them.
pub fn choose(shipments: Vec<Shipment>, demands: &Demands<'_>) -> Result<Shipment, ChooseError> {
    let mut findings = Vec::new();
    for shipment in shipments {
        let found = shipment.check(demands);
        if found.is_empty() {
            return Ok(shipment);
        }
        findings.extend(found);
    }
    Err(ChooseError::Rejected { findings })
}

/// Returns the findings, with those of a list of targets, which all of its targets have, once.
pub fn distinct<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<&'a Finding> {
    let mut distinct = Vec::new();
    for finding in findings {
        if !(finding.kind.is_of_index() && distinct.contains(&finding)) {
            distinct.push(finding);
        }
    }
    distinct
}

/// Returns the problem of the list of targets that a person can do something about, if there is one.
pub fn index_problem(findings: &[&Finding]) -> Option<FindingKind> {
    let mut kinds = findings.iter().map(|finding| &finding.kind);
    kinds
        .find(|kind| matches!(kind, FindingKind::OldIndex | FindingKind::NoIndex))
        .cloned()
}
