//! The record of the packages that are installed on a board: a JSON file beside them.

use piton_path::PortablePath;
use serde::{Deserialize, Serialize};

/// Name of the file, in the folder that packages are installed into.
pub const FILE_NAME: &str = ".piton-mip.json";

/// Maximum size of the file, in bytes.
pub const SIZE_LIMIT: u64 = 1 << 20;

/// The version of the format.
const VERSION: u32 = 1;

/// The packages that are installed in one folder of a board.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The packages, in the order of installation.
    pub packages: Vec<Installed>,
    /// Projects whose own code is installed.
    pub projects: Vec<ProjectFiles>,
}

/// The files of a project's own code on a board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectFiles {
    /// The name of the project.
    pub name: String,
    /// Its files: path below the folder that the folder of packages is in, and SHA-256 in hexadecimal.
    pub files: Vec<(PortablePath, String)>,
}

/// A package on a board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// Its name: `name`, `github:org/repo`.
    pub name: String,
    /// The version in its description.
    pub version: Option<String>,
    /// The source as it was requested: `name@1.2`.
    pub source: String,
    /// The index that it came from; `None` for [`super::INDEX`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// Whether compiled files were requested.
    pub mpy: bool,
    /// Whether a person requested it. If not, another package needed it.
    pub requested: bool,
    /// The names of the packages that it needs.
    pub needs: Vec<String>,
    /// Its files: path below the folder, and SHA-256 in hexadecimal.
    pub files: Vec<(PortablePath, String)>,
    /// The name of the project that it was installed for; `None` if mip installed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
}

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It is not JSON of this form.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// It has a later version.
    #[error("it has version {found}, and this piton reads version {VERSION}")]
    Version {
        /// The version in the record.
        found: u32,
    },
}

#[derive(Serialize, Deserialize)]
struct File<P, F> {
    v: u32,
    packages: P,
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    projects: Option<F>,
}

impl Record {
    /// Reads a record.
    ///
    /// # Errors
    ///
    /// The text is damaged, or has a later version.
    pub fn parse(text: &[u8]) -> Result<Record, RecordError> {
        let file: File<serde_json::Value, serde_json::Value> = serde_json::from_slice(text)?;
        match file.v {
            VERSION => Ok(Record {
                packages: serde_json::from_value(file.packages)?,
                projects: match file.projects {
                    Some(projects) => serde_json::from_value(projects)?,
                    None => Vec::new(),
                },
            }),
            found => Err(RecordError::Version { found }),
        }
    }

    /// Returns the record as text.
    ///
    /// # Errors
    ///
    /// None known: every record can be written as JSON.
    pub fn to_text(&self) -> Result<String, RecordError> {
        let file = File {
            v: VERSION,
            packages: &self.packages,
            projects: Some(&self.projects).filter(|projects| !projects.is_empty()),
        };
        Ok(serde_json::to_string(&file)? + "\n")
    }

    /// Returns the package called `name`; without one, the only package whose name ends with `/name`.
    pub fn find(&self, name: &str) -> Option<&Installed> {
        let named = self.packages.iter().find(|package| package.name == name);
        named.or_else(|| {
            let mut ending = self.packages.iter().filter(|package| {
                let last = package
                    .name
                    .trim_end_matches(".json")
                    .rsplit(['/', '\\'])
                    .next();
                package.name.contains(['/', '\\']) && last == Some(name)
            });
            let found = ending.next()?;
            ending.next().is_none().then_some(found)
        })
    }

    /// Adds a package, in place of that with the same name. If a person requested the old one, the new one counts as
    /// requested.
    pub fn put(&mut self, mut package: Installed) {
        match self
            .packages
            .iter_mut()
            .find(|old| old.name == package.name)
        {
            Some(old) => {
                package.requested |= old.requested;
                *old = package;
            }
            None => self.packages.push(package),
        }
    }

    /// Removes a package.
    pub fn remove(&mut self, name: &str) {
        self.packages.retain(|package| package.name != name);
    }

    /// Returns the packages that need `name`.
    pub fn needed_by(&self, name: &str) -> Vec<&str> {
        let packages = self.packages.iter();
        packages
            .filter(|package| package.name != name && package.needs.iter().any(|need| need == name))
            .map(|package| package.name.as_str())
            .collect()
    }

    /// Returns the packages that no person requested and no package needs.
    pub fn orphans(&self) -> Vec<&str> {
        let packages = self.packages.iter();
        packages
            .filter(|package| !package.requested && self.needed_by(&package.name).is_empty())
            .map(|package| package.name.as_str())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, requested: bool, needs: &[&str]) -> Installed {
        Installed {
            name: name.to_owned(),
            version: Some("1".to_owned()),
            source: name.to_owned(),
            index: None,
            mpy: true,
            requested,
            needs: needs.iter().map(ToString::to_string).collect(),
            files: vec![(
                format!("{}.py", name.len()).parse().unwrap(),
                "00".to_owned(),
            )],
            project: None,
        }
    }

    #[test]
    fn a_record_reads_back() {
        let mut record = Record::default();
        record.put(package("a", true, &["b"]));
        record.put(package("b", false, &[]));
        let text = record.to_text().unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"v":1,"packages":[{"name":"a","version":"1","source":"a","mpy":true,"requested":true,"needs":["b"],"#,
                r#""files":[["1.py","00"]]},{"name":"b","version":"1","source":"b","mpy":true,"requested":false,"needs":[],"#,
                r#""files":[["1.py","00"]]}]}"#,
                "\n"
            )
        );
        assert_eq!(Record::parse(text.as_bytes()).unwrap(), record);
    }

    #[test]
    fn dependents_of_a_package_are_found() {
        let mut record = Record::default();
        record.put(package("a", true, &["b"]));
        record.put(package("b", false, &[]));
        record.put(package("github:o/rep", false, &[]));
        assert_eq!(record.needed_by("b"), ["a"]);
        assert_eq!(record.orphans(), ["github:o/rep"]);
        assert_eq!(record.find("rep").unwrap().name, "github:o/rep");
        assert_eq!(record.find("o"), None);
        record.put(package("a", false, &[]));
        assert!(record.find("a").unwrap().requested);
        record.remove("b");
        assert_eq!(record.needed_by("b"), Vec::<&str>::new());
    }

    #[test]
    fn invalid_records_are_refused() {
        for (text, expected) in [
            ("", "EOF while parsing a value at line 1 column 0"),
            (
                "{\"v\": 2, \"packages\": 7}",
                "it has version 2, and this piton reads version 1",
            ),
            (
                r#"{"v":1,"packages":[{"name":"a","version":null,"source":"a","mpy":true,"requested":true,"needs":[],"files":[["../x",""]]}]}"#,
                "`../x` is not a path below a folder: it has a part of dots only",
            ),
        ] {
            assert_eq!(
                Record::parse(text.as_bytes()).unwrap_err().to_string(),
                expected
            );
        }
    }

    #[test]
    fn a_short_name_matches_at_most_one_package() {
        let mut record = Record::default();
        record.put(package("github:o/rep", true, &[]));
        record.put(package("https://h/p/rep.json", true, &[]));
        record.put(package("https://h/p/one.json", true, &[]));
        assert_eq!(record.find("rep"), None, "there are two");
        assert_eq!(record.find("one").unwrap().name, "https://h/p/one.json");
        record.put(package("rep", true, &[]));
        assert_eq!(
            record.find("rep").unwrap().name,
            "rep",
            "its own name goes first"
        );
    }

    #[test]
    fn the_index_of_a_package_is_kept_and_its_order_stays() {
        let mut record = Record::default();
        record.put(package("a", true, &[]));
        record.put(package("b", true, &[]));
        let mut other = package("a", false, &["b"]);
        other.index = Some("https://h/pi".to_owned());
        record.put(other);
        let again = Record::parse(record.to_text().unwrap().as_bytes()).unwrap();
        assert_eq!(again, record);
        let names = again.packages.iter().map(|package| package.name.as_str());
        assert_eq!(names.collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(again.packages[0].index.as_deref(), Some("https://h/pi"));
        assert!(again.orphans().is_empty());
    }

    #[test]
    fn a_record_of_any_bytes_is_read_or_refused() {
        let mut record = Record::default();
        record.put(package("a", true, &["b"]));
        let text = record.to_text().unwrap().into_bytes();
        for end in 0..text.len() - 1 {
            assert!(Record::parse(&text[..end]).is_err(), "cut at {end}");
        }
        for at in 0..text.len() {
            let mut damaged = text.clone();
            damaged[at] ^= 0x20;
            // What is read after all can be written and read again.
            if let Ok(read) = Record::parse(&damaged) {
                assert_eq!(
                    Record::parse(read.to_text().unwrap().as_bytes()).unwrap(),
                    read
                );
            }
        }
    }
}
