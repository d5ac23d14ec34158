//! Checking a shipment: files, headers, signatures, versions.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use piton_path::Sha256Hex;
use piton_shipment::manifest::{FileKind, ManifestFile, Problem, compare};
use piton_shipment::signature::PublicKey;
use piton_shipment::version;

use super::{Finding, FindingKind, Shipment, needs};
use crate::board_format::BoardFormat;
use crate::building::FILES;

/// The demands on a shipment besides being whole.
#[derive(Clone, Copy, Debug, Default)]
pub struct Demands<'a> {
    /// The public key of the required signature.
    pub key: Option<&'a PublicKey>,
    /// The format of the board that must be able to load it.
    pub board: Option<&'a BoardFormat>,
    /// The oldest accepted version ([`version::compare`]).
    pub min_version: Option<&'a str>,
}

impl Shipment {
    /// Returns all findings: files that are missing, changed or extra; headers; a manifest that is not the one of its
    /// list of targets; and what `demands` ask for, with a key the signatures of the manifest and of that list.
    pub fn check(&self, demands: &Demands<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Some(key) = demands.key {
            findings.extend(self.check_signatures(key));
        }
        if let Some(listed) = &self.listed
            && listed.sha256.as_ref() != Some(&Sha256Hex::of(&self.manifest_bytes))
        {
            findings.push(FindingKind::Index);
        }
        findings.extend(self.check_version(demands.min_version));
        let mut findings = findings
            .into_iter()
            .map(|kind| Finding { path: None, kind })
            .collect::<Vec<Finding>>();
        let found = self.files.iter();
        let found = found.map(|(path, item)| (path.clone(), item.found.clone()));
        let problems = compare(&self.manifest, &found.collect::<BTreeMap<_, _>>());
        findings.extend(problems.into_iter().map(|(path, problem)| Finding {
            path: Some(path),
            kind: FindingKind::File(problem),
        }));
        for path in &self.beside {
            findings.push(Finding {
                path: Some(path.clone()),
                kind: FindingKind::File(Problem::Extra),
            });
        }
        for file in &self.manifest.files {
            let kinds = self.check_file(file, demands.board).into_iter();
            findings.extend(kinds.map(|kind| Finding {
                path: Some(file.path.clone()),
                kind,
            }));
        }
        findings.extend(needs::check(&self.manifest, &self.files));
        findings
    }

    fn check_file(&self, file: &ManifestFile, board: Option<&BoardFormat>) -> Vec<FindingKind> {
        let mut kinds = Vec::new();
        let expected = format!("{FILES}/{}", file.path);
        if self.is_laid_out && file.download_path.as_str() != expected {
            kinds.push(FindingKind::DownloadPath {
                expected,
                found: file.download_path.clone(),
            });
        }
        let is_mpy = match file.kind {
            Some(kind) => kind == FileKind::Mpy,
            // A manifest of the GitHub workflow that wrote this format first.
            None => file.path.extension() == Some("mpy"),
        };
        if let Some(item) = self.files.get(&file.path).filter(|_| is_mpy)
            && let Some(head) = &item.head
        {
            let expected = file.mpy.as_ref().map(|mpy| mpy.header.as_str());
            kinds.extend(check_mpy(head, expected, board));
        }
        kinds.extend(board.and_then(|board| self.check_source(file, board)));
        kinds
    }

    /// Finds a source that the board cannot compile, as it has no compiler for machine code.
    fn check_source(&self, file: &ManifestFile, board: &BoardFormat) -> Option<FindingKind> {
        if file.path.extension() != Some("py") {
            return None;
        }
        let content = self.files.get(&file.path)?.content.as_ref()?;
        let content = content.read().ok()?;
        let unusable = board.check_file(file.path.as_str(), &content).err()?;
        Some(FindingKind::Board(unusable.to_string()))
    }

    fn check_version(&self, minimum: Option<&str>) -> Option<FindingKind> {
        let (minimum, found) = (minimum?, &self.manifest.version);
        let is_older = version::compare(found, minimum).is_lt() || !version::is_ordered(found);
        is_older.then(|| FindingKind::Version {
            found: found.clone(),
            minimum: minimum.to_owned(),
        })
    }

    /// Checks the signatures of the manifest and of the list of targets. The manifest binds the files, the list binds the
    /// manifests: an old target among new ones has a valid signature of its own, and only the list shows that it is old.
    fn check_signatures(&self, key: &PublicKey) -> Vec<FindingKind> {
        let mut kinds = Vec::new();
        match &self.signature {
            None => kinds.push(FindingKind::NotSigned),
            Some(signature) => {
                let checked = key.check(&self.manifest_bytes, signature);
                kinds.extend(
                    checked
                        .err()
                        .map(|error| FindingKind::Signature(error.to_string())),
                );
            }
        }
        let Some(listed) = &self.listed else {
            let is_one_of_several = self.manifest.targets.is_some();
            kinds.extend(is_one_of_several.then_some(FindingKind::NoIndex));
            return kinds;
        };
        match &listed.index.signature {
            None => kinds.push(FindingKind::IndexNotSigned),
            Some(signature) => {
                let checked = key.check(&listed.index.bytes, signature);
                kinds.extend(
                    checked
                        .err()
                        .map(|error| FindingKind::IndexSignature(error.to_string())),
                );
            }
        }
        if !listed.index.index.is_missed() {
            kinds.push(FindingKind::OldIndex);
        }
        kinds
    }
}

fn check_mpy(
    content: &[u8],
    expected: Option<&str>,
    board: Option<&BoardFormat>,
) -> Option<FindingKind> {
    if let Err(error) = piton_mpy::reader::header(content) {
        return Some(FindingKind::NotMpy(error.to_string()));
    }
    let found = HEXLOWER.encode(content.get(..4).unwrap_or_default());
    if let Some(expected) = expected
        && expected != found
    {
        return Some(FindingKind::Header {
            expected: expected.to_owned(),
            found,
        });
    }
    let unusable = board?.check_file("a.mpy", content).err()?;
    Some(FindingKind::Board(unusable.to_string()))
}
