//! Finding the files of a package and of all packages that it needs.

use piton_path::PortablePath;

use super::package::{PackageError, PackageJson, ShortHash};
use super::source::{Location, Source, SourceError};

/// Maximum number of packages that a package may need.
const PACKAGE_LIMIT: usize = 256;

/// Maximum number of files of all these packages.
const FILE_LIMIT: usize = 4096;

/// Options of a resolution.
#[derive(Clone, Debug)]
pub struct ResolveOptions {
    /// Address of the index.
    pub index: String,
    /// The version of the `.mpy` files that the board loads; `None` requests sources.
    pub mpy: Option<u8>,
}

/// Why a package cannot be installed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// A name or an address is invalid.
    #[error("{0}")]
    Source(#[from] SourceError),
    /// A description cannot be used.
    #[error("the package at {location} cannot be used: {source}")]
    Package {
        /// Where the description is.
        location: Location,
        /// The cause.
        source: PackageError,
    },
    /// A package lists something that cannot be fetched.
    #[error("the package at {location} cannot be used: {source}")]
    Entry {
        /// Where the description is.
        location: Location,
        /// The cause.
        source: SourceError,
    },
    /// A package needs itself, directly or through others.
    #[error("the packages need each other: {}", names.join(" -> "))]
    Cycle {
        /// The names from the requested package to the one that repeats.
        names: Vec<String>,
    },
    /// The same package is needed in two versions.
    #[error(
        "{name} is needed in two versions: {} by {}, {} by {}",
        first.1, first.0, second.1, second.0
    )]
    Versions {
        /// The package.
        name: String,
        /// The version, and the package that needs it.
        first: (String, String),
        /// The other version, and the package that needs it.
        second: (String, String),
    },
    /// More packages or files than the limit.
    #[error("it takes more than {limit} {unit}")]
    TooMany {
        /// `packages` or `files`.
        unit: &'static str,
        /// The limit.
        limit: usize,
    },
}

/// A package to install.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The package as it was requested.
    pub source: Source,
    /// The location of its description, or of its only file.
    pub location: Location,
    /// The version in its description.
    pub version: Option<String>,
    /// Its files, in their order.
    pub files: Vec<File>,
    /// The names of the packages that it needs.
    pub needs: Vec<String>,
}

/// A file of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path below the target folder.
    pub path: PortablePath,
    /// Its location on a server or on this computer.
    pub location: Location,
    /// Its hash, if the package states one.
    pub hash: Option<ShortHash>,
}

/// One step through the packages, in mpremote's order: a package, then those that it needs, one by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// The index of the package.
    pub package: usize,
    /// The package as it was requested in this step.
    pub source: Source,
    /// Whether the package was visited before, so that nothing is left to do for it.
    pub again: bool,
}

/// All packages and files that are needed for one package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolution {
    /// The packages; the first is the requested one.
    pub packages: Vec<Package>,
    /// The steps through the packages.
    pub visits: Vec<Visit>,
}

/// Finds all that a package needs, one document at a time. The caller fetches the documents.
///
/// ```
/// use piton_project::mip::resolve::{ResolveOptions, Resolver};
///
/// let options = ResolveOptions { index: "http://index".into(), mpy: Some(6) };
/// let mut resolver = Resolver::new("hello".parse()?, options);
/// while let Some(location) = resolver.wanted()? {
///     assert_eq!(location.to_string(), "http://index/package/6/hello/latest.json");
///     resolver.answer(br#"{"hashes": [["hello.mpy", "01234567"]]}"#)?;
/// }
/// assert_eq!(resolver.finish().packages[0].files[0].path.as_str(), "hello.mpy");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Resolver {
    options: ResolveOptions,
    /// The requests that are still to be visited; the next one is last.
    pending: Vec<Wanted>,
    resolution: Resolution,
    /// For each package, the name of the package that needed it first.
    asked_by: Vec<String>,
    files: usize,
}

#[derive(Debug)]
struct Wanted {
    source: Source,
    /// The names of the packages from the requested one to this.
    chain: Vec<String>,
}

impl Wanted {
    fn asked_by(&self) -> String {
        self.chain.last().map_or("you", String::as_str).to_owned()
    }

    fn version(&self) -> String {
        self.source.version().unwrap_or("latest").to_owned()
    }
}

impl Resolver {
    /// Returns a resolver for what a person requested.
    pub fn new(source: Source, options: ResolveOptions) -> Resolver {
        Resolver {
            options,
            pending: vec![Wanted {
                source,
                chain: Vec::new(),
            }],
            resolution: Resolution::default(),
            asked_by: Vec::new(),
            files: 0,
        }
    }

    /// Returns the location of the next description to read; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`ResolveError::Cycle`], [`ResolveError::TooMany`].
    pub fn wanted(&mut self) -> Result<Option<Location>, ResolveError> {
        while let Some(wanted) = self.pending.last() {
            let name = wanted.source.name();
            if wanted.chain.contains(&name) {
                let mut names = wanted.chain.clone();
                names.push(name);
                return Err(ResolveError::Cycle { names });
            }
            let known = self.known(&wanted.source);
            let is_same = known.is_some_and(|known| {
                self.resolution
                    .packages
                    .get(known)
                    .is_some_and(|package| package.source == wanted.source)
            });
            let source = wanted.source.clone();
            let location = source.location(&self.options.index, self.options.mpy);
            if let (true, Some(package)) = (is_same, known) {
                self.pending.pop();
                self.visit(package, source, true);
            } else if source.is_file() {
                self.pending.pop();
                self.add_file(source, location)?;
            } else {
                return Ok(Some(location));
            }
        }
        Ok(None)
    }

    /// Returns the request whose description is wanted now.
    pub fn asked_for(&self) -> Option<&Source> {
        self.pending.last().map(|wanted| &wanted.source)
    }

    /// Takes the description that [`Resolver::wanted`] named.
    ///
    /// # Errors
    ///
    /// The description cannot be used.
    pub fn answer(&mut self, description: &[u8]) -> Result<(), ResolveError> {
        let Some(wanted) = self.pending.last() else {
            return Ok(());
        };
        let location = wanted
            .source
            .location(&self.options.index, self.options.mpy);
        match PackageJson::parse(description) {
            Ok(json) => self.answer_as(location, json, Vec::new()),
            Err(source) => Err(ResolveError::Package { location, source }),
        }
    }

    /// Takes the wanted description when it comes from another location and in another form. `local` are packages of
    /// this computer that it needs besides those that `json` names; a description from a server has none of these.
    ///
    /// # Errors
    ///
    /// The description cannot be used.
    pub fn answer_as(
        &mut self,
        location: Location,
        json: PackageJson,
        local: Vec<Source>,
    ) -> Result<(), ResolveError> {
        let Some(wanted) = self.pending.pop() else {
            return Ok(());
        };
        let (mut package, mut deps) = self.package(&wanted.source, location, json)?;
        package.needs.extend(local.iter().map(Source::name));
        deps.extend(local);
        if let Some(known) = self.known(&wanted.source) {
            return self.again(known, &wanted, &package);
        }
        let mut chain = wanted.chain.clone();
        chain.push(wanted.source.name());
        let asked_by = wanted.asked_by();
        self.add(package, asked_by)?;
        // Reversed, since the last one of `pending` is visited next.
        for source in deps.into_iter().rev() {
            let chain = chain.clone();
            self.pending.push(Wanted { source, chain });
        }
        if self.pending.len() > FILE_LIMIT {
            return Err(too_many_packages());
        }
        Ok(())
    }

    /// Returns the result.
    pub fn finish(self) -> Resolution {
        self.resolution
    }

    /// Returns the package of this name, whatever its version.
    fn known(&self, source: &Source) -> Option<usize> {
        let name = source.name();
        let mut packages = self.resolution.packages.iter();
        packages.position(|package| package.source.name() == name)
    }

    fn visit(&mut self, package: usize, source: Source, again: bool) {
        self.resolution.visits.push(Visit {
            package,
            source,
            again,
        });
    }

    /// Handles a package that is needed again. An error if another version of it is needed.
    fn again(
        &mut self,
        known: usize,
        wanted: &Wanted,
        package: &Package,
    ) -> Result<(), ResolveError> {
        let first = self.resolution.packages.get(known);
        let is_same = first.is_some_and(|first| {
            first.version == package.version
                && first.needs == package.needs
                && first.files == package.files
        });
        if is_same {
            self.visit(known, wanted.source.clone(), true);
            return Ok(());
        }
        let first_version = first.and_then(|first| first.source.version());
        Err(ResolveError::Versions {
            name: wanted.source.name(),
            first: (
                self.asked_by.get(known).cloned().unwrap_or_default(),
                first_version.unwrap_or("latest").to_owned(),
            ),
            second: (wanted.asked_by(), wanted.version()),
        })
    }

    /// Converts a description to a package. Returns it with the packages that it needs.
    fn package(
        &self,
        source: &Source,
        location: Location,
        json: PackageJson,
    ) -> Result<(Package, Vec<Source>), ResolveError> {
        let entry = |error| ResolveError::Entry {
            location: location.clone(),
            source: error,
        };
        let hashes = json.hashes.into_iter().map(|(path, hash)| {
            let url = hash.url(&self.options.index);
            Ok(File {
                path,
                location: Location::Remote {
                    shown: url.clone(),
                    url,
                },
                hash: Some(hash),
            })
        });
        let urls = json.urls.into_iter().map(|(path, url)| {
            Ok(File {
                path,
                location: source.file(&location, &url)?,
                hash: None,
            })
        });
        let files = hashes
            .chain(urls)
            .collect::<Result<Vec<File>, SourceError>>()
            .map_err(entry)?;
        let deps = json
            .deps
            .iter()
            .map(|(name, version)| Source::dependency(name, version.as_deref()))
            .collect::<Result<Vec<Source>, SourceError>>()
            .map_err(entry)?;
        let package = Package {
            source: source.clone(),
            version: json.version,
            files,
            needs: deps.iter().map(Source::name).collect(),
            location,
        };
        Ok((package, deps))
    }

    fn add_file(&mut self, source: Source, location: Location) -> Result<(), ResolveError> {
        let name = match &location {
            Location::Remote { shown, .. } => shown.rsplit('/').next().unwrap_or_default().into(),
            Location::Local { file, .. } => file
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
        };
        let path = name.parse().map_err(|error| ResolveError::Package {
            location: location.clone(),
            source: PackageError::Path(error),
        })?;
        let package = Package {
            files: vec![File {
                path,
                location: location.clone(),
                hash: None,
            }],
            source,
            location,
            version: None,
            needs: Vec::new(),
        };
        self.add(package, "you".to_owned())
    }

    fn add(&mut self, package: Package, asked_by: String) -> Result<(), ResolveError> {
        self.files += package.files.len();
        if self.files > FILE_LIMIT {
            return Err(ResolveError::TooMany {
                unit: "files",
                limit: FILE_LIMIT,
            });
        }
        if self.resolution.packages.len() == PACKAGE_LIMIT {
            return Err(too_many_packages());
        }
        let source = package.source.clone();
        self.resolution.packages.push(package);
        self.asked_by.push(asked_by);
        self.visit(self.resolution.packages.len() - 1, source, false);
        Ok(())
    }
}

fn too_many_packages() -> ResolveError {
    ResolveError::TooMany {
        unit: "packages",
        limit: PACKAGE_LIMIT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what comes of a package, with this index: name, version, description.
    fn check(source: &str, index: &[(&str, &str, &str)]) -> String {
        let options = ResolveOptions {
            index: "http://i".to_owned(),
            mpy: None,
        };
        let mut resolver = Resolver::new(source.parse().unwrap(), options);
        loop {
            let location = match resolver.wanted() {
                Err(error) => return error.to_string(),
                Ok(None) => break,
                Ok(Some(location)) => location.to_string(),
            };
            let entry = index.iter().find(|(name, version, _)| {
                location == format!("http://i/package/py/{name}/{version}.json")
                    || location == *name
            });
            let (_, _, description) = entry.unwrap_or_else(|| panic!("{location}"));
            if let Err(error) = resolver.answer(description.as_bytes()) {
                return error.to_string();
            }
        }
        let resolution = resolver.finish();
        let visits = resolution.visits.iter().map(|visit| {
            let package = &resolution.packages[visit.package];
            let files: Vec<&str> = package
                .files
                .iter()
                .map(|file| file.path.as_str())
                .collect();
            let again = if visit.again { " again" } else { "" };
            format!("{}{again} {}", visit.source, files.join(","))
        });
        visits.collect::<Vec<String>>().join("; ")
    }

    fn with_deps(file: &str, deps: &[(&str, &str)]) -> String {
        serde_json::json!({"hashes": [[file, "01234567"]], "version": "1", "deps": deps})
            .to_string()
    }

    #[test]
    fn packages_are_visited_as_mpremote_does() {
        let a = with_deps("a", &[("b", "latest"), ("c", "latest")]);
        let b = with_deps("b", &[("c", "latest"), ("d", "1")]);
        let c = with_deps("c", &[("d", "1")]);
        let d = with_deps("d", &[]);
        assert_eq!(
            check(
                "a",
                &[
                    ("a", "latest", &a),
                    ("b", "latest", &b),
                    ("c", "latest", &c),
                    ("d", "1", &d),
                ]
            ),
            "a a; b@latest b; c@latest c; d@1 d; d@1 again d; c@latest again c"
        );
        assert_eq!(check("http://h/x.py", &[]), "http://h/x.py x.py");
    }

    #[test]
    fn conflicting_versions_are_refused() {
        let a = with_deps("a", &[("b", "latest"), ("b", "1")]);
        let b = with_deps("b", &[]);
        let other = with_deps("x", &[]);
        assert_eq!(
            check(
                "a",
                &[("a", "latest", &a), ("b", "latest", &b), ("b", "1", &b)]
            ),
            "a a; b@latest b; b@1 again b"
        );
        assert_eq!(
            check(
                "a",
                &[("a", "latest", &a), ("b", "latest", &b), ("b", "1", &other)]
            ),
            "b is needed in two versions: latest by a, 1 by a"
        );
    }

    #[test]
    fn cyclic_dependencies_are_refused() {
        let a = with_deps("a", &[("b", "latest")]);
        let b = with_deps("b", &[("a", "latest")]);
        assert_eq!(
            check("a", &[("a", "latest", &a), ("b", "latest", &b)]),
            "the packages need each other: a -> b -> a"
        );
        let own = with_deps("a", &[("a", "2")]);
        assert_eq!(
            check("a", &[("a", "latest", &own)]),
            "the packages need each other: a -> a"
        );
    }

    #[test]
    fn invalid_dependencies_are_refused() {
        let location = "the package at http://i/package/py/a/latest.json cannot be used";
        for (dep, problem) in [
            ("../x", "a name has letters, digits, `-`, `_` and `.`"),
            ("x.json/", "a name has letters, digits, `-`, `_` and `.`"),
            ("file:///x", "a name has letters, digits, `-`, `_` and `.`"),
            ("github:x", "expected ORGANISATION/REPOSITORY"),
        ] {
            let a = with_deps("a", &[(dep, "1")]);
            assert_eq!(
                check("a", &[("a", "latest", &a)]),
                format!("{location}: `{dep}`: {problem}")
            );
        }
        let many: Vec<(String, &str)> = (0..300).map(|n| (format!("p{n}"), "1")).collect();
        let many: Vec<(&str, &str)> = many
            .iter()
            .map(|(name, version)| (&**name, *version))
            .collect();
        let a = with_deps("a", &many);
        let leaf = with_deps("b", &[]);
        let index: Vec<(&str, &str, &str)> = many
            .iter()
            .map(|(name, version)| (*name, *version, &*leaf))
            .chain([("a", "latest", &*a)])
            .collect();
        assert_eq!(check("a", &index), "it takes more than 256 packages");
    }
}
