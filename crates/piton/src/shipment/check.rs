//! Checking a shipment.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use piton_path::Sha256Hex;
use piton_shipment::manifest::{FileKind, ManifestFile, Problem, compare};
use piton_shipment::signature::PublicKey;
use piton_shipment::version;

use super::{BoardFormat, Finding, Shipment, What, needs};
use crate::building::FILES;

/// What a shipment has to be besides whole.
#[derive(Clone, Copy, Debug, Default)]
pub struct Demands<'a> {
    /// Signed by this key.
    pub key: Option<&'a PublicKey>,
    /// Such that this board can load it.
    pub board: Option<&'a BoardFormat>,
    /// Of this version or a later one ([`version::compare`]).
    pub min_version: Option<&'a str>,
}

impl Shipment {
    /// Everything that is wrong: files that are missing, changed, or extra; headers; a manifest that is not the one of
    /// its list of targets; and what `demands` ask for, with a key the signatures of the manifest and of that list.
    pub fn check(&self, demands: &Demands<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Some(key) = demands.key {
            findings.extend(self.check_signatures(key));
        }
        if let Some(listed) = &self.listed
            && listed.sha256.as_ref() != Some(&Sha256Hex::of(&self.manifest_bytes))
        {
            findings.push(What::Index);
        }
        findings.extend(self.check_version(demands.min_version));
        let mut findings = findings
            .into_iter()
            .map(|what| Finding { path: None, what })
            .collect::<Vec<Finding>>();
        let found = self.files.iter();
        let found = found.map(|(path, item)| (path.clone(), item.found.clone()));
        let problems = compare(&self.manifest, &found.collect::<BTreeMap<_, _>>());
        findings.extend(problems.into_iter().map(|(path, problem)| Finding {
            path: Some(path),
            what: What::File(problem),
        }));
        for path in &self.beside {
            findings.push(Finding {
                path: Some(path.clone()),
                what: What::File(Problem::Extra),
            });
        }
        for file in &self.manifest.files {
            let whats = self.check_file(file, demands.board).into_iter();
            findings.extend(whats.map(|what| Finding {
                path: Some(file.path.clone()),
                what,
            }));
        }
        findings.extend(needs::check(&self.manifest, &self.files));
        findings
    }

    fn check_file(&self, file: &ManifestFile, board: Option<&BoardFormat>) -> Vec<What> {
        let mut whats = Vec::new();
        let expected = format!("{FILES}/{}", file.path);
        if self.is_laid_out && file.download_path.as_str() != expected {
            whats.push(What::DownloadPath {
                expected,
                found: file.download_path.clone(),
            });
        }
        let is_mpy = match file.kind {
            Some(kind) => kind == FileKind::Mpy,
            // A manifest of the workflow that ours follows.
            None => file.path.extension() == Some("mpy"),
        };
        if let Some(item) = self.files.get(&file.path).filter(|_| is_mpy)
            && let Some(head) = &item.head
        {
            let expected = file.mpy.as_ref().map(|mpy| mpy.header.as_str());
            whats.extend(check_mpy(head, expected, board));
        }
        whats
    }

    fn check_version(&self, minimum: Option<&str>) -> Option<What> {
        let (minimum, found) = (minimum?, &self.manifest.version);
        let is_older = version::compare(found, minimum).is_lt() || !version::is_ordered(found);
        is_older.then(|| What::Version {
            found: found.clone(),
            minimum: minimum.to_owned(),
        })
    }

    /// The manifest binds the files, and the list of targets the manifests: an old target among new ones is not signed
    /// wrongly, only out of place.
    fn check_signatures(&self, key: &PublicKey) -> Vec<What> {
        let mut whats = Vec::new();
        match &self.signature {
            None => whats.push(What::NotSigned),
            Some(signature) => {
                let checked = key.check(&self.manifest_bytes, signature);
                whats.extend(
                    checked
                        .err()
                        .map(|error| What::Signature(error.to_string())),
                );
            }
        }
        let Some(listed) = &self.listed else {
            let is_one_of_several = self.manifest.targets.is_some();
            whats.extend(is_one_of_several.then_some(What::NoIndex));
            return whats;
        };
        match &listed.index.signature {
            None => whats.push(What::IndexNotSigned),
            Some(signature) => {
                let checked = key.check(&listed.index.bytes, signature);
                whats.extend(
                    checked
                        .err()
                        .map(|error| What::IndexSignature(error.to_string())),
                );
            }
        }
        if !listed.index.index.is_missed() {
            whats.push(What::OldIndex);
        }
        whats
    }
}

fn check_mpy(content: &[u8], expected: Option<&str>, board: Option<&BoardFormat>) -> Option<What> {
    let header = match piton_mpy::reader::header(content) {
        Ok(header) => header,
        Err(error) => return Some(What::NotMpy(error.to_string())),
    };
    let found = HEXLOWER.encode(content.get(..4).unwrap_or_default());
    if let Some(expected) = expected
        && expected != found
    {
        return Some(What::Header {
            expected: expected.to_owned(),
            found,
        });
    }
    let mismatch = board?.accepts(&header).err()?;
    Some(What::Board(mismatch.to_string()))
}
