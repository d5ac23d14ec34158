//! What an installation or a removal changed, as data: what `piton mip install`, `update` and `uninstall` print with `--json`.

use serde::Serialize;

use super::{Installation, Library, Removal};

/// What an installation changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct InstallReport {
    /// The folder on the board, as it was named.
    pub target: String,
    /// The package that was asked for, then those that it needs.
    pub packages: Vec<InstalledPackage>,
    /// How many files were written.
    pub files_written: usize,
    /// How many files of earlier versions were removed.
    pub files_removed: usize,
}

/// One package of an installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct InstalledPackage {
    /// Its name.
    pub name: String,
    /// The version that was on record before; `None` for a new package, and for one without versions.
    pub version_before: Option<String>,
    /// Its version now; `None` for a package without versions.
    pub version: Option<String>,
}

impl InstallReport {
    /// Returns the report of an installation into `library`.
    pub fn new(library: &Library, installation: &Installation) -> InstallReport {
        let packages = installation.packages.iter();
        let packages = packages.map(|(name, before, version)| InstalledPackage {
            name: name.clone(),
            version_before: before.clone(),
            version: version.clone(),
        });
        InstallReport {
            target: library.target().to_owned(),
            packages: packages.collect(),
            files_written: installation.written,
            files_removed: installation.removed,
        }
    }
}

/// What a removal changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UninstallReport {
    /// The folder on the board, as it was named.
    pub target: String,
    /// The name of the package.
    pub name: String,
    /// How many files were removed.
    pub files_removed: usize,
    /// Packages that came because this one needed them, and that nothing needs now.
    pub orphans: Vec<String>,
}

impl UninstallReport {
    /// Returns the report of the removal of the package `name` from `library`.
    pub fn new(library: &Library, name: &str, removal: &Removal) -> UninstallReport {
        UninstallReport {
            target: library.target().to_owned(),
            name: name.to_owned(),
            files_removed: removal.removed,
            orphans: removal.orphans.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mip::tests::library;

    #[test]
    fn an_installation_and_a_removal_are_reported_with_the_folder() {
        let installation = Installation {
            written: 2,
            removed: 1,
            packages: vec![
                ("a".to_owned(), Some("1".to_owned()), Some("2".to_owned())),
                ("b".to_owned(), None, None),
            ],
        };
        let report = InstallReport::new(&library(), &installation);
        assert_eq!(
            serde_json::to_value(report).unwrap(),
            serde_json::json!({
                "target": "/lib",
                "packages": [
                    {"name": "a", "version_before": "1", "version": "2"},
                    {"name": "b", "version_before": null, "version": null}
                ],
                "files_written": 2, "files_removed": 1,
            })
        );
        let removal = Removal {
            removed: 3,
            orphans: vec!["c".to_owned()],
        };
        assert_eq!(
            serde_json::to_value(UninstallReport::new(&library(), "a", &removal)).unwrap(),
            serde_json::json!({"target": "/lib", "name": "a", "files_removed": 3, "orphans": ["c"]})
        );
    }
}
