//! From a project's settings to the files of all packages: what is needed is described, the solver chooses versions, and what it
//! lacks is described in turn.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use piton_path::PortablePath;
use piton_project::dependency::{DependencySource, PathKind};
use piton_project::mip::package::ShortHash;
use piton_project::project::{Dependency, Part, Project};
use piton_project::solve::{Catalog, Need, SolveError, Wanted, solve};
use piton_project::version::{Version, VersionRange};

use super::checkout::Checkout;
use super::fetcher::{Events, Fetcher};
use super::index::{BUNDLE, Indices};
use super::sources::{Described, Found, Sources};
use super::{PackageError, PackageEvent};

/// Maximum number of steps from the project to a package whose needs were not known before.
const DEEPEST: usize = 256;

/// A file of a package, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WantedFile {
    /// Its path below the folder for packages.
    pub(super) path: PortablePath,
    pub(super) place: FilePlace,
    /// Its hash, if the package states one.
    pub(super) hash: Option<ShortHash>,
}

/// Where a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FilePlace {
    /// On a server.
    Remote { url: String, is_fixed: bool },
    /// On this computer, in a folder that it must not be outside of. `url` is what the lock says.
    Disk {
        path: PathBuf,
        within: PathBuf,
        url: String,
    },
}

/// What became of a project's dependencies.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// For each dependency of the settings, in their order, the names of its packages.
    pub(super) dependencies: Vec<Vec<String>>,
    /// The packages by name.
    pub(super) packages: BTreeMap<String, Chosen>,
    /// The repositories that files are read from.
    pub(super) checkouts: Vec<Checkout>,
}

/// A package that is needed.
#[derive(Clone, Debug, Default)]
pub(super) struct Chosen {
    pub(super) version: Option<String>,
    pub(super) source: String,
    pub(super) commit: Option<String>,
    pub(super) needs: Vec<String>,
    pub(super) files: Vec<WantedFile>,
}

/// Finds all packages of a project. A version in `preferred` stays where it fits.
pub(super) fn gather(
    project: &Project,
    root: &Path,
    preferred: &BTreeMap<String, Version>,
    fetcher: &Fetcher,
    events: &mut Events<'_>,
) -> Result<Gathered, PackageError> {
    let mut gatherer = Gatherer {
        fetcher,
        indices: Indices::new(&project.package_indices, project.mpy_version),
        sources: Sources::new(fetcher, root, &project.package_indices),
        catalog: Catalog::default(),
        pinned: BTreeMap::new(),
        described: BTreeMap::new(),
        replaced: replaced(project),
    };
    let mut gathered = Gathered::default();
    let mut needs = Vec::new();
    for (_, dependency) in project.dependencies() {
        let (names, own) = gatherer.dependency(dependency, &mut needs, events)?;
        gathered.dependencies.push(names);
        if let Some(own) = own {
            add_own(&mut gathered.packages, &dependency.name, own)?;
        }
    }
    let solution = gatherer.solve(&needs, preferred, events)?;
    for (name, version) in &solution {
        let known = gatherer.described.get(&(name.clone(), version.clone()));
        let described = known.cloned().unwrap_or_default();
        let needs = described.needs.iter().map(|need| need.package.clone());
        let chosen = Chosen {
            needs: needs.collect(),
            version: described.version,
            source: described.source,
            commit: described.commit,
            files: described.files,
        };
        if gathered.packages.insert(name.clone(), chosen).is_some() {
            return Err(PackageError::Name { name: name.clone() });
        }
    }
    gathered.checkouts = gatherer.sources.checkouts.into_folders();
    Ok(gathered)
}

/// Returns the dependencies that stand for the index's package of their name, wherever that is needed: those of the settings
/// that come from elsewhere. With each the names of its packages.
fn replaced(project: &Project) -> BTreeMap<String, Vec<String>> {
    let from_elsewhere = |dependency: &Dependency| {
        let mut parts = dependency.parts.iter();
        parts.all(|part| !matches!(part.source, DependencySource::Index { .. }))
    };
    let dependencies = project.dependencies().map(|(_, dependency)| dependency);
    dependencies
        .filter(|dependency| from_elsewhere(dependency))
        .map(|dependency| (dependency.name.clone(), Vec::new()))
        .collect()
}

/// Adds the package of a dependency's own files. Two groups may have the same one.
fn add_own(
    packages: &mut BTreeMap<String, Chosen>,
    name: &str,
    own: Chosen,
) -> Result<(), PackageError> {
    let known = packages
        .entry(name.to_owned())
        .or_insert_with(|| own.clone());
    match known.files == own.files && known.source == own.source {
        true => Ok(()),
        false => Err(PackageError::Name {
            name: name.to_owned(),
        }),
    }
}

/// The name of an index's package as a key of the settings.
fn as_key(name: &str) -> String {
    name.replace(['-', '.'], "_")
}

struct Gatherer<'g> {
    fetcher: &'g Fetcher,
    indices: Indices,
    sources: Sources<'g>,
    catalog: Catalog,
    /// The sources of packages that do not come from an index, with who asked first.
    pinned: BTreeMap<String, (DependencySource, String)>,
    described: BTreeMap<(String, Version), Described>,
    replaced: BTreeMap<String, Vec<String>>,
}

impl Gatherer<'_> {
    /// Reads a dependency of the settings. Returns the names of its packages, and its own files, if it has any.
    fn dependency(
        &mut self,
        dependency: &Dependency,
        needs: &mut Vec<Need>,
        events: &mut Events<'_>,
    ) -> Result<(Vec<String>, Option<Chosen>), PackageError> {
        let name = &dependency.name;
        let mut names = Vec::new();
        let mut own: Option<Chosen> = None;
        for part in &dependency.parts {
            if part.develop {
                let before = needs.len();
                self.in_development(name, part, needs, events)?;
                names.extend(needs.iter().skip(before).map(|need| need.package.clone()));
            }
            let files = match part.develop {
                true => Some(Vec::new()),
                false => self.own_files(name, part, events)?,
            };
            let Some(files) = files else {
                let need = self.need(&part.source, name)?;
                if let Some(need) = need {
                    names.push(need.package.clone());
                    needs.push(need);
                }
                continue;
            };
            let chosen = own.get_or_insert_with(|| {
                names.push(name.clone());
                Chosen::default()
            });
            if !chosen.source.is_empty() {
                chosen.source.push_str(" | ");
            }
            chosen.source.push_str(&part.source.to_string());
            chosen.files.extend(files);
        }
        if let Some(replacing) = self.replaced.get_mut(name) {
            replacing.clone_from(&names);
        }
        Ok((names, own))
    }

    /// Adds what a package in development needs. Its files are read for each installation.
    fn in_development(
        &mut self,
        name: &str,
        part: &Part,
        needs: &mut Vec<Need>,
        events: &mut Events<'_>,
    ) -> Result<(), PackageError> {
        if let Found::Package(described) = self.sources.find(name, part, events)? {
            needs.extend(self.needs(name, &described.sources)?);
        }
        Ok(())
    }

    /// Returns the files of a source that is a file or a plain folder; `None` for a package.
    fn own_files(
        &mut self,
        name: &str,
        part: &Part,
        events: &mut Events<'_>,
    ) -> Result<Option<Vec<WantedFile>>, PackageError> {
        match self.sources.find(name, part, events)? {
            Found::Files(files) => Ok(Some(files)),
            Found::Named => Ok(None),
            Found::Package(described) => {
                // The package was read to learn that it is one.
                self.add_described(&id_of(&part.source), *described)?;
                Ok(None)
            }
        }
    }

    /// Returns the need for a source; `None` where the settings have the package themselves.
    fn need(&mut self, source: &DependencySource, by: &str) -> Result<Option<Need>, PackageError> {
        let id = id_of(source);
        match source {
            DependencySource::Index { range, .. } | DependencySource::Bundle { range, .. } => {
                Ok(Some(Need::new(id, range.clone())))
            }
            source => {
                let asked = || (source.clone(), by.to_owned());
                let (known, first) = self.pinned.entry(id.clone()).or_insert_with(asked);
                if known != source && known.to_string() != source.to_string() {
                    return Err(PackageError::References {
                        first: format!("{known} by {first}"),
                        second: format!("{source} by {by}"),
                    });
                }
                Ok(Some(Need::new(id, VersionRange::any())))
            }
        }
    }

    /// Returns what a package needs, with the settings' own packages in place of the index's.
    fn needs(&mut self, id: &str, sources: &[DependencySource]) -> Result<Vec<Need>, PackageError> {
        let mut needs = Vec::new();
        for source in sources {
            if let DependencySource::Index { name, .. } = source
                && let Some(replacing) = self.replaced.get(&as_key(name))
            {
                // A dependency of its own files needs no version; a package does.
                let packages = replacing
                    .iter()
                    .filter(|name| self.pinned.contains_key(*name));
                needs.extend(packages.map(|name| Need::new(name, VersionRange::any())));
                continue;
            }
            needs.extend(self.need(source, id)?);
        }
        Ok(needs)
    }

    fn add_described(&mut self, id: &str, mut described: Described) -> Result<(), PackageError> {
        described.needs = self.needs(id, &described.sources)?;
        let version = described.version.as_deref().unwrap_or("0");
        let version = version.parse().unwrap_or_else(|_| zero());
        self.catalog
            .add_needs(id, &version, described.needs.clone());
        self.described.insert((id.to_owned(), version), described);
        Ok(())
    }

    fn solve(
        &mut self,
        needs: &[Need],
        preferred: &BTreeMap<String, Version>,
        events: &mut Events<'_>,
    ) -> Result<BTreeMap<String, Version>, PackageError> {
        for _ in 0..DEEPEST {
            let go_on = || !self.fetcher.is_cancelled();
            match solve(needs, &self.catalog, preferred, &go_on) {
                Ok(solution) => return Ok(solution),
                Err(SolveError::Missing(wanted)) => self.read(wanted, events)?,
                Err(SolveError::Cancelled) => return Err(crate::http::HttpError::Cancelled.into()),
                Err(error) => return Err(error.into()),
            }
        }
        Err(PackageError::TooDeep { limit: DEEPEST })
    }

    /// Reads what the solver lacks.
    fn read(&mut self, wanted: Vec<Wanted>, events: &mut Events<'_>) -> Result<(), PackageError> {
        let mut descriptions = Vec::new();
        for wanted in wanted {
            let id = wanted.package().to_owned();
            if events(PackageEvent::Reading { package: &id }).is_break() {
                return Err(crate::http::HttpError::Cancelled.into());
            }
            if let Some((source, _)) = self.pinned.get(&id) {
                let source = source.clone();
                let described = self.sources.describe(&source, events)?;
                self.add_described(&id, described)?;
                continue;
            }
            match wanted {
                Wanted::Versions(_) => {
                    let versions = self.indices.versions(&id, self.fetcher, events)?;
                    self.catalog.add_versions(&id, versions);
                }
                Wanted::Needs(_, version) => descriptions.push((id, version)),
            }
        }
        let described = self.indices.describe(&descriptions, self.fetcher, events)?;
        for ((id, version), described) in descriptions.into_iter().zip(described) {
            match described {
                Ok(mut described) => {
                    described.needs = self.needs(&id, &described.sources)?;
                    let needs = described.needs.clone();
                    self.catalog.add_needs(&id, &version, needs);
                    self.described.insert((id, version), described);
                }
                Err(reason) => self.catalog.add_unusable(&id, &version, reason),
            }
        }
        Ok(())
    }
}

/// The version of a package that names none.
fn zero() -> Version {
    "0".parse()
        .unwrap_or_else(|_| unreachable!("a number is a version"))
}

/// Returns the name under which a source's package is known: that of the index, or the address without a reference.
pub(super) fn id_of(source: &DependencySource) -> String {
    match source {
        DependencySource::Index { name, .. } => name.clone(),
        DependencySource::Bundle { name, .. } => format!("{BUNDLE}{name}"),
        DependencySource::Repository(repository) => {
            let id = repository.without_reference();
            match repository.kind {
                PathKind::Description => id.strip_suffix("/package.json").unwrap_or(&id).to_owned(),
                _ => id,
            }
        }
        DependencySource::Git { url, path, .. } => match path.as_str() {
            "" => format!("git+{url}"),
            path => format!("git+{url}#{path}"),
        },
        DependencySource::Url(url) => {
            let url = url.strip_suffix("/package.json").unwrap_or(url);
            url.trim_end_matches('/').to_owned()
        }
        DependencySource::Local(path) => path.trim_end_matches('/').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_known_by_its_name_or_its_address_without_a_reference() {
        for (source, id) in [
            ("aiohttp", "aiohttp"),
            ("aiohttp^1.0", "aiohttp"),
            ("circuitpython:neopixel", "circuitpython:neopixel"),
            ("github:o/r", "github:o/r"),
            ("github:o/r@v1", "github:o/r"),
            ("github:o/r/lib@v1", "github:o/r/lib"),
            ("github:o/r/lib/package.json@v1", "github:o/r/lib"),
            ("git+https://x.org/r.git@v1", "git+https://x.org/r.git"),
            (
                "git+https://x.org/r.git@v1#lib",
                "git+https://x.org/r.git#lib",
            ),
            ("https://x.org/p/package.json", "https://x.org/p"),
            ("https://x.org/p/", "https://x.org/p"),
            ("./lib/", "./lib"),
        ] {
            let source: DependencySource = match source.parse() {
                Ok(source) => source,
                Err(error) => panic!("{source}: {error}"),
            };
            assert_eq!(id_of(&source), id, "{source}");
        }
        assert_eq!(as_key("umqtt.simple-x"), "umqtt_simple_x");
        assert_eq!(zero().to_string(), "0");
    }

    fn dependency(name: &str, sources: &[&str]) -> Dependency {
        let parts = sources.iter().map(|source| Part {
            source: source.parse().unwrap(),
            develop: false,
            rename_to_init: true,
        });
        Dependency {
            name: name.to_owned(),
            parts: parts.collect(),
            line: 1,
        }
    }

    #[test]
    fn dependencies_from_elsewhere_stand_for_the_indexs_package_of_their_name() {
        let mut project = Project::parse("[tool.belay]\n").unwrap();
        project.groups.push(piton_project::project::Group {
            name: "main".to_owned(),
            optional: false,
            dependencies: vec![
                dependency("a", &["./a"]),
                dependency("b", &["b"]),
                dependency("c", &["github:o/c", "./c.py"]),
                // A part of it is the index's own package.
                dependency("d", &["./d", "d"]),
            ],
        });
        let names: Vec<String> = replaced(&project).into_keys().collect();
        assert_eq!(names, ["a", "c"]);
    }

    #[test]
    fn two_groups_may_have_one_dependency_but_not_two_of_one_name() {
        let chosen = |source: &str, file: &str| Chosen {
            source: source.to_owned(),
            files: vec![WantedFile {
                path: file.parse().unwrap(),
                place: FilePlace::Remote {
                    url: file.to_owned(),
                    is_fixed: true,
                },
                hash: None,
            }],
            ..Chosen::default()
        };
        let mut packages = BTreeMap::new();
        assert!(add_own(&mut packages, "a", chosen("./a", "a.py")).is_ok());
        assert!(add_own(&mut packages, "a", chosen("./a", "a.py")).is_ok());
        assert!(add_own(&mut packages, "b", chosen("./b", "a.py")).is_ok());
        for other in [chosen("./other", "a.py"), chosen("./a", "b.py")] {
            let error = add_own(&mut packages, "a", other).unwrap_err();
            assert!(matches!(error, PackageError::Name { name } if name == "a"));
        }
        assert_eq!(packages.len(), 2);
    }
}
