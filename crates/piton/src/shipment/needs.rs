//! Finds imports of modules that are not in the build since their sources did not compile.

use std::collections::BTreeMap;

use piton_path::PortablePath;
use piton_shipment::manifest::Manifest;

use super::order::{imports_of, modules_of};
use super::{Finding, FindingKind, Items};
use crate::spool::Spooled;

/// Returns each file that needs a module whose source did not compile.
///
/// An import in a `try` with `except`, in a branch or in a loop may be one that this board never runs: it is not
/// reported.
pub(super) fn check(manifest: &Manifest, files: &Items) -> Vec<Finding> {
    let left_out = manifest.left_out.iter();
    let left_out = left_out
        .map(|module| (module.path.as_str(), &module.source))
        .collect::<BTreeMap<&str, &PortablePath>>();
    if left_out.is_empty() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (path, item) in files {
        let content = item.content.as_ref().map(Spooled::read);
        let Some(Ok(content)) = content else {
            continue;
        };
        let mut missing = Vec::new();
        let imports = imports_of(path, &content).into_iter();
        for import in imports.filter(|import| !import.optional) {
            for module in modules_of(path, &import) {
                let is_there = module
                    .files()
                    .any(|file| file.parse().is_ok_and(|file| files.contains_key(&file)));
                let source = module.files().find_map(|file| left_out.get(file.as_str()));
                missing.extend(source.filter(|_| !is_there).copied());
            }
        }
        missing.sort();
        missing.dedup();
        findings.extend(missing.into_iter().map(|source| Finding {
            path: Some(path.clone()),
            kind: FindingKind::LeftOut {
                source: source.clone(),
            },
        }));
    }
    findings
}
