//! The result of a check as data: what `piton verify --json` prints for each target.

use serde::Serialize;

use super::{Finding, Shipment};

/// The result of checking one target of a build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct VerifyReport {
    /// The name of the target; `None` for a manifest that names none.
    pub target: Option<String>,
    /// The version of the build.
    pub version: String,
    /// When its sources were current, as the manifest has it.
    pub build_timestamp: String,
    /// How many files the manifest lists.
    pub files: usize,
    /// Whether there are no findings.
    pub ok: bool,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

impl VerifyReport {
    /// Returns the report of what [`Shipment::check`] returned for `shipment`.
    pub fn new(shipment: &Shipment, findings: Vec<Finding>) -> VerifyReport {
        let manifest = &shipment.manifest;
        VerifyReport {
            target: manifest.target.clone(),
            version: manifest.version.clone(),
            build_timestamp: manifest.build_timestamp.clone(),
            files: manifest.files.len(),
            ok: findings.is_empty(),
            findings,
        }
    }
}
