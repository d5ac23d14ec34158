//! Choosing one version of each package, so that every package gets what it needs.
//!
//! [`solve()`] reads a [`Catalog`] of what is known. Where something is missing, it says what, and the caller reads it and
//! solves again: nothing here opens a connection. The work is done by `pubgrub`, the solver of uv.
//!
//! ```
//! use std::collections::BTreeMap;
//! use piton_project::solve::{Catalog, Need, SolveError, solve};
//!
//! let needs = [Need::new("menu", "^1".parse()?)];
//! let mut catalog = Catalog::default();
//! let Err(SolveError::Missing(wanted)) = solve(&needs, &catalog, &BTreeMap::new()) else { panic!() };
//! assert_eq!(wanted[0].package(), "menu");
//! catalog.add_versions("menu", ["1.0".parse()?, "1.1".parse()?, "2.0".parse()?]);
//! catalog.add_needs("menu", &"1.1".parse()?, Vec::new());
//! let solution = solve(&needs, &catalog, &BTreeMap::new())?;
//! assert_eq!(solution["menu"].as_str(), "1.1");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use pubgrub::{
    Dependencies, DependencyConstraints, DependencyProvider, PackageResolutionStatistics,
    PubGrubError, Ranges,
};

use crate::version::{Version, VersionRange};

mod explain;

/// Maximum number of packages of one project.
pub const PACKAGE_LIMIT: usize = 4096;

/// Maximum number of different needs, each a package and a range, that are followed: 64 for a package.
const NEED_LIMIT: usize = 64 * PACKAGE_LIMIT;

/// A package that is needed, and which of its versions will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Its name.
    pub package: String,
    /// The accepted versions.
    pub range: VersionRange,
}

impl Need {
    /// Returns the need for a package.
    pub fn new(package: impl Into<String>, range: VersionRange) -> Need {
        Need {
            package: package.into(),
            range,
        }
    }
}

/// What is known about packages.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    packages: BTreeMap<String, Vec<Candidate>>,
}

#[derive(Clone, Debug)]
struct Candidate {
    version: Version,
    needs: Known,
}

#[derive(Clone, Debug)]
enum Known {
    NotYet,
    Needs(Vec<Need>),
    /// The version cannot be used, for this reason.
    Unusable(String),
}

impl Catalog {
    /// Sets the versions of a package, in any order. What was known of a version stays known. No versions: the package
    /// does not exist.
    pub fn add_versions(&mut self, package: &str, versions: impl IntoIterator<Item = Version>) {
        let candidates = self.packages.entry(package.to_owned()).or_default();
        for version in versions {
            if !candidates.iter().any(|known| known.version == version) {
                candidates.push(Candidate {
                    version,
                    needs: Known::NotYet,
                });
            }
        }
        candidates.sort_by(|one, other| other.version.cmp(&one.version));
    }

    /// Sets what a version of a package needs.
    pub fn add_needs(&mut self, package: &str, version: &Version, needs: Vec<Need>) {
        self.set(package, version, Known::Needs(needs));
    }

    /// Marks a version of a package as one that cannot be used, with the reason as a clause.
    pub fn add_unusable(&mut self, package: &str, version: &Version, reason: String) {
        self.set(package, version, Known::Unusable(reason));
    }

    fn set(&mut self, package: &str, version: &Version, known: Known) {
        self.add_versions(package, [version.clone()]);
        let candidates = self.packages.get_mut(package).into_iter().flatten();
        for candidate in candidates.filter(|candidate| candidate.version == *version) {
            candidate.needs = known.clone();
        }
    }

    /// Returns the versions of a package, the highest first; `None` if they are not known.
    pub fn versions(&self, package: &str) -> Option<impl Iterator<Item = &Version>> {
        let candidates = self.packages.get(package)?;
        Some(candidates.iter().map(|candidate| &candidate.version))
    }

    /// Returns the version to try first: the preferred one, else the highest. An early one only if it is named, or the package
    /// has no others.
    fn best(
        &self,
        package: &str,
        ranges: &Ranges<Version>,
        preferred: &BTreeMap<String, Version>,
    ) -> Option<&Candidate> {
        let candidates = self.packages.get(package)?;
        let with_early = names_early(ranges) || candidates.iter().all(|one| one.version.is_early());
        let fits = || {
            let fits = candidates.iter();
            fits.filter(|one| ranges.contains(&one.version))
                .filter(|one| with_early || !one.version.is_early())
        };
        let wanted = preferred.get(package);
        let preferred = fits().find(|one| Some(&one.version) == wanted);
        preferred.or_else(|| fits().next())
    }
}

/// Returns whether an end of the ranges is an early version.
fn names_early(ranges: &Ranges<Version>) -> bool {
    let is_early = |bound: &Bound<Version>| match bound {
        Bound::Included(version) | Bound::Excluded(version) => version.is_early(),
        Bound::Unbounded => false,
    };
    ranges
        .iter()
        .any(|(start, end)| is_early(start) || is_early(end))
}

/// Something that must be known before there is a solution.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// The versions of a package: [`Catalog::add_versions`].
    Versions(String),
    /// What a version of a package needs: [`Catalog::add_needs`].
    Needs(String, Version),
}

impl Wanted {
    /// Returns the name of the package.
    pub fn package(&self) -> &str {
        match self {
            Wanted::Versions(package) | Wanted::Needs(package, _) => package,
        }
    }
}

/// Why there is no solution.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SolveError {
    /// Something must be read first.
    #[error("{} facts about packages are missing", .0.len())]
    Missing(Vec<Wanted>),
    /// No versions fit together.
    #[error("no versions of the packages fit together:\n{}", facts.iter().map(|fact| format!("  {fact}")).collect::<Vec<_>>().join("\n"))]
    NoSolution {
        /// The facts that exclude each other, each a sentence, from the project on.
        facts: Vec<String>,
    },
    /// There are more packages than [`PACKAGE_LIMIT`].
    #[error("the project needs more than {PACKAGE_LIMIT} packages")]
    TooMany,
}

/// The version of each package, by its name.
pub type Solution = BTreeMap<String, Version>;

/// Chooses a version of each package that `needs` and the packages themselves need. A version in `preferred` is chosen
/// where it fits, else the highest that fits. An early version (`1.0rc1`) is chosen only if a range names one, or the package has
/// no others. The result depends on nothing else.
///
/// # Errors
///
/// [`SolveError`].
pub fn solve(
    needs: &[Need],
    catalog: &Catalog,
    preferred: &BTreeMap<String, Version>,
) -> Result<Solution, SolveError> {
    let wanted = frontier(needs, catalog, preferred)?;
    if !wanted.is_empty() {
        return Err(SolveError::Missing(wanted.into_iter().collect()));
    }
    let provider = Provider {
        needs,
        catalog,
        preferred,
        wanted: RefCell::default(),
    };
    let root = "0".parse::<Version>().map_err(|_| SolveError::TooMany)?;
    match pubgrub::resolve(&provider, Node::Project, root) {
        Ok(selected) => Ok(selected
            .into_iter()
            .filter_map(|(node, version)| match node {
                Node::Project => None,
                Node::Package(name) => Some((name.to_string(), version)),
            })
            .collect()),
        Err(PubGrubError::NoSolution(tree)) => Err(SolveError::NoSolution {
            facts: explain::facts(&tree, catalog),
        }),
        // The provider's only error: something is missing.
        Err(_) => Err(SolveError::Missing(
            provider.wanted.into_inner().into_iter().collect(),
        )),
    }
}

/// Returns what is missing on the way that the solver would take if no two packages disagreed: most of it at once, so that
/// the caller reads many documents at a time.
fn frontier(
    needs: &[Need],
    catalog: &Catalog,
    preferred: &BTreeMap<String, Version>,
) -> Result<BTreeSet<Wanted>, SolveError> {
    let mut wanted = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut queue: Vec<&Need> = needs.iter().collect();
    while let Some(need) = queue.pop() {
        if !seen.insert((&need.package, need.range.as_str())) {
            continue;
        }
        if seen.len() > NEED_LIMIT || wanted.len() > PACKAGE_LIMIT {
            return Err(SolveError::TooMany);
        }
        if !catalog.packages.contains_key(&need.package) {
            wanted.insert(Wanted::Versions(need.package.clone()));
            continue;
        }
        let Some(best) = catalog.best(&need.package, need.range.ranges(), preferred) else {
            continue;
        };
        match &best.needs {
            Known::NotYet => {
                wanted.insert(Wanted::Needs(need.package.clone(), best.version.clone()));
            }
            Known::Needs(needs) => queue.extend(needs),
            Known::Unusable(_) => {}
        }
    }
    let packages: BTreeSet<&String> = seen.iter().map(|(package, _)| *package).collect();
    match packages.len() > PACKAGE_LIMIT {
        true => Err(SolveError::TooMany),
        false => Ok(wanted),
    }
}

/// A package as the solver sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Node {
    Project,
    Package(Arc<str>),
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Project => f.write_str("your project"),
            Node::Package(name) => f.write_str(name),
        }
    }
}

/// Something is missing in the catalog.
#[derive(Debug, thiserror::Error)]
#[error("a fact about a package is missing")]
struct Missing;

struct Provider<'a> {
    needs: &'a [Need],
    catalog: &'a Catalog,
    preferred: &'a BTreeMap<String, Version>,
    wanted: RefCell<BTreeSet<Wanted>>,
}

impl Provider<'_> {
    fn missing(&self, wanted: Wanted) -> Missing {
        self.wanted.borrow_mut().insert(wanted);
        Missing
    }
}

/// Returns the constraints of these needs, several of one package joined.
fn constraints(needs: &[Need]) -> DependencyConstraints<Node, Ranges<Version>> {
    let mut joined: BTreeMap<&str, Ranges<Version>> = BTreeMap::new();
    for need in needs {
        let ranges = joined.entry(&need.package).or_insert_with(Ranges::full);
        *ranges = ranges.intersection(need.range.ranges());
    }
    let joined = joined.into_iter();
    joined
        .map(|(name, ranges)| (Node::Package(name.into()), ranges))
        .collect()
}

impl DependencyProvider for Provider<'_> {
    type P = Node;
    type V = Version;
    type VS = Ranges<Version>;
    type M = String;
    type Priority = (u32, std::cmp::Reverse<usize>);
    type Err = Missing;

    /// Packages that were in the way of others first, then those with the fewest versions.
    fn prioritize(
        &self,
        package: &Node,
        ranges: &Ranges<Version>,
        statistics: &PackageResolutionStatistics,
    ) -> Self::Priority {
        let count = match package {
            Node::Project => 0,
            Node::Package(name) => {
                let candidates = self.catalog.packages.get(&**name).into_iter().flatten();
                candidates
                    .filter(|one| ranges.contains(&one.version))
                    .count()
            }
        };
        match count {
            0 => (u32::MAX, std::cmp::Reverse(0)),
            count => (statistics.conflict_count(), std::cmp::Reverse(count)),
        }
    }

    fn choose_version(
        &self,
        package: &Node,
        ranges: &Ranges<Version>,
    ) -> Result<Option<Version>, Missing> {
        let Node::Package(name) = package else {
            return Ok(ranges.as_singleton().cloned());
        };
        if !self.catalog.packages.contains_key(&**name) {
            return Err(self.missing(Wanted::Versions(name.to_string())));
        }
        let best = self.catalog.best(name, ranges, self.preferred);
        Ok(best.map(|candidate| candidate.version.clone()))
    }

    fn get_dependencies(
        &self,
        package: &Node,
        version: &Version,
    ) -> Result<Dependencies<Node, Ranges<Version>, String>, Missing> {
        let Node::Package(name) = package else {
            return Ok(Dependencies::Available(constraints(self.needs)));
        };
        let candidates = self.catalog.packages.get(&**name);
        let candidate = candidates.and_then(|all| all.iter().find(|one| one.version == *version));
        match candidate.map(|candidate| &candidate.needs) {
            Some(Known::Needs(needs)) => {
                // The solver expects that no package needs itself.
                let (own, needs): (Vec<Need>, Vec<Need>) = needs
                    .iter()
                    .cloned()
                    .partition(|need| *need.package == **name);
                match own.iter().all(|need| need.range.contains(version)) {
                    true => Ok(Dependencies::Available(constraints(&needs))),
                    false => Ok(Dependencies::Unavailable(
                        "it needs another version of itself".to_owned(),
                    )),
                }
            }
            Some(Known::Unusable(reason)) => Ok(Dependencies::Unavailable(reason.clone())),
            _ => {
                let wanted = Wanted::Needs(name.to_string(), version.clone());
                Err(self.missing(wanted))
            }
        }
    }
}

#[cfg(test)]
mod tests;
