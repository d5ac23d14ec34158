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

#[cfg(test)]
mod tests {
    use piton_shipment::manifest::Manifest;

    use super::*;
    use crate::shipment::Items;

    /// Returns a shipment without files for each target.
    fn shipments(targets: &[Option<&str>]) -> Vec<Shipment> {
        let shipment = |target: &Option<&str>| {
            let json = serde_json::json!({
                "version": "1.0",
                "build_timestamp": "2026-01-01T00:00:00Z",
                "files": [],
                "target": target,
            });
            let manifest = Manifest::parse(json.to_string().as_bytes()).unwrap();
            Shipment::new(manifest, Vec::new(), None, Items::new())
        };
        targets.iter().map(shipment).collect()
    }

    fn finding(path: Option<&str>, kind: FindingKind) -> Finding {
        Finding {
            path: path.map(|path| path.parse().unwrap()),
            kind,
        }
    }

    #[test]
    fn a_target_is_chosen_by_its_name_and_an_unknown_one_lists_what_there_is() {
        let all = || shipments(&[Some("micropython"), None, Some("circuitpython:10")]);
        assert_eq!(targets(&all()), ["micropython", "circuitpython:10"]);
        let chosen = of_target(all(), "circuitpython:10").unwrap();
        assert_eq!(targets(&chosen), ["circuitpython:10"]);
        let error = of_target(all(), "micro").unwrap_err();
        assert_eq!(error.to_string(), "there is no target `micro`");
        assert!(
            matches!(&error, ChooseError::NoSuchTarget { targets, .. } if targets.len() == 2),
            "{error:?}"
        );
        assert!(of_target(Vec::new(), "micropython").is_err());
    }

    #[test]
    fn the_first_shipment_without_findings_is_chosen() {
        let demands = Demands {
            min_version: Some("1.1"),
            ..Demands::default()
        };
        assert!(choose(shipments(&[None]), &Demands::default()).is_ok());
        let error = choose(shipments(&[Some("a"), Some("b")]), &demands).unwrap_err();
        assert_eq!(error.to_string(), "2 problems");
        let ChooseError::Rejected { findings } = error else {
            panic!("both are too old")
        };
        assert!(
            findings
                .iter()
                .all(|finding| finding.kind.name() == "version")
        );
        let error = choose(shipments(&[None]), &demands).unwrap_err();
        assert_eq!(error.to_string(), "1 problem");
        // Nothing to choose from is not a shipment.
        assert!(choose(Vec::new(), &Demands::default()).is_err());
    }

    #[test]
    fn a_drive_without_a_known_board_takes_the_only_shipment_and_none_of_several() {
        let drive = tempfile::tempdir().unwrap();
        let format = |targets: &[Option<&str>]| drive_format(drive.path(), &shipments(targets));
        assert!(matches!(format(&[Some("micropython")]), Ok(None)));
        let error = format(&[Some("micropython"), Some("circuitpython:10")]).unwrap_err();
        assert!(
            matches!(&error, ChooseError::UnknownBoard { targets, .. } if targets.len() == 2),
            "{error}"
        );
        let nowhere = drive.path().join("nowhere");
        let several = shipments(&[Some("micropython"), Some("circuitpython:10")]);
        // The copy itself reports that there is no such drive.
        assert!(matches!(drive_format(&nowhere, &several), Ok(None)));
        let text = "Adafruit CircuitPython 10.0.3 on 2025-10-01; X with y\n";
        std::fs::write(drive.path().join("boot_out.txt"), text).unwrap();
        assert!(matches!(drive_format(drive.path(), &several), Ok(Some(_))));
    }

    #[test]
    fn findings_of_the_list_of_targets_are_shown_once() {
        let all = [
            finding(None, FindingKind::OldIndex),
            finding(None, FindingKind::NotSigned),
            finding(Some("a"), FindingKind::NotSigned),
            finding(None, FindingKind::OldIndex),
            finding(None, FindingKind::NotSigned),
            finding(None, FindingKind::IndexNotSigned),
        ];
        let names: Vec<&str> = distinct(&all)
            .iter()
            .map(|finding| finding.kind.name())
            .collect();
        // Those of the manifests are of different targets.
        assert_eq!(
            names,
            [
                "old-index",
                "not-signed",
                "not-signed",
                "not-signed",
                "index-not-signed"
            ]
        );
    }

    #[test]
    fn only_an_old_or_missing_list_can_be_solved_by_the_user() {
        let problem = |kinds: &[FindingKind]| {
            let all: Vec<Finding> = kinds
                .iter()
                .map(|kind| finding(None, kind.clone()))
                .collect();
            let all: Vec<&Finding> = all.iter().collect();
            index_problem(&all).map(|kind| kind.name())
        };
        assert_eq!(problem(&[]), None);
        assert_eq!(
            problem(&[FindingKind::IndexNotSigned, FindingKind::Index]),
            None
        );
        assert_eq!(
            problem(&[
                FindingKind::NotSigned,
                FindingKind::NoIndex,
                FindingKind::OldIndex
            ]),
            Some("no-index")
        );
    }
}
