//! Choosing one version of each package, so that every package gets what it needs.
//!
//! [`solve()`] reads a [`Catalog`] of what is known. Where something is missing, it says what, and the caller reads it and
//! solves again: nothing here opens a connection.
//!
//! # Layout
//!
//! - [`Catalog`] is what is known, with names; `solve/model.rs` makes facts over numbers of it.
//! - `solve/search.rs` finds versions by conflict-driven clause learning, as solvers of Boolean formulas do, or the facts that
//!   contradict each other. Not `pubgrub`: for an index of 2,000 packages with conflicts it needs 10^5 to 10^6 decisions
//!   (minutes), as it knows only of one set of versions for each package; this search knows of each set that somebody accepts
//!   and needs 2,000 (0.1 s).
//! - `solve/explain.rs` puts those facts in words.
//!
//! ```
//! use std::collections::BTreeMap;
//! use piton_project::solve::{Catalog, Need, SolveError, solve};
//!
//! let needs = [Need::new("menu", "^1".parse()?)];
//! let mut catalog = Catalog::default();
//! let Err(SolveError::Missing(wanted)) = solve(&needs, &catalog, &BTreeMap::new(), &|| true) else { panic!() };
//! assert_eq!(wanted[0].package(), "menu");
//! catalog.add_versions("menu", ["1.0".parse()?, "1.1".parse()?, "2.0".parse()?]);
//! catalog.add_needs("menu", &"1.1".parse()?, Vec::new());
//! let solution = solve(&needs, &catalog, &BTreeMap::new(), &|| true)?;
//! assert_eq!(solution["menu"].as_str(), "1.1");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::version::{Version, VersionRange};

mod explain;
mod model;
mod search;

use model::Model;
use search::Outcome;

/// Maximum number of packages of one project.
pub const PACKAGE_LIMIT: usize = 4096;

/// Maximum number of different needs, each a package and a range, that are followed: 64 for a package.
const NEED_LIMIT: usize = if cfg!(test) { 8 } else { 64 } * PACKAGE_LIMIT;

/// Maximum number of times that the packages of a search may contradict each other.
const CONTRADICTION_LIMIT: usize = 20_000;

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
    /// The versions of each package, the highest first.
    packages: BTreeMap<String, Vec<Candidate>>,
    /// The packages of which a range of a package names an early version.
    named_early: BTreeSet<String>,
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
        candidates.extend(versions.into_iter().map(|version| Candidate {
            version,
            needs: Known::NotYet,
        }));
        // The order of the same versions stays, so the known one is kept.
        candidates.sort_by(|one, other| other.version.cmp(&one.version));
        candidates.dedup_by(|later, first| later.version == first.version);
    }

    /// Sets what a version of a package needs.
    pub fn add_needs(&mut self, package: &str, version: &Version, needs: Vec<Need>) {
        let early = needs.iter().filter(|need| need.range.names_early());
        let early: Vec<String> = early.map(|need| need.package.clone()).collect();
        self.named_early.extend(early);
        self.set(package, version, Known::Needs(needs));
    }

    /// Marks a version of a package as one that cannot be used, with the reason as a clause.
    pub fn add_unusable(&mut self, package: &str, version: &Version, reason: String) {
        self.set(package, version, Known::Unusable(reason));
    }

    fn set(&mut self, package: &str, version: &Version, known: Known) {
        let candidates = self.packages.entry(package.to_owned()).or_default();
        match candidates.binary_search_by(|one| version.cmp(&one.version)) {
            Ok(place) => {
                if let Some(candidate) = candidates.get_mut(place) {
                    candidate.needs = known;
                }
            }
            Err(place) => candidates.insert(
                place,
                Candidate {
                    version: version.clone(),
                    needs: known,
                },
            ),
        }
    }

    /// Returns the versions of a package, the highest first; `None` if they are not known.
    pub fn versions(&self, package: &str) -> Option<impl Iterator<Item = &Version>> {
        let candidates = self.packages.get(package)?;
        Some(candidates.iter().map(|candidate| &candidate.version))
    }
}

/// In which order versions are tried.
struct Order<'a> {
    catalog: &'a Catalog,
    preferred: &'a BTreeMap<String, Version>,
    /// The packages of which a range of the project names an early version.
    named_early: BTreeSet<&'a str>,
}

impl<'a> Order<'a> {
    fn new(
        needs: &'a [Need],
        catalog: &'a Catalog,
        preferred: &'a BTreeMap<String, Version>,
    ) -> Order<'a> {
        let early = needs.iter().filter(|need| need.range.names_early());
        Order {
            catalog,
            preferred,
            named_early: early.map(|need| need.package.as_str()).collect(),
        }
    }

    /// Returns the versions of a package that may be chosen: the preferred one, then the others, the highest first. Early ones
    /// only if a range names one, or the package has no others.
    fn candidates(&self, package: &str) -> Vec<&'a Candidate> {
        let all = self.catalog.packages.get(package).into_iter().flatten();
        let mut candidates: Vec<&Candidate> = all.collect();
        let with_early = self.named_early.contains(package)
            || self.catalog.named_early.contains(package)
            || candidates.iter().all(|one| one.version.is_early());
        candidates.retain(|one| with_early || !one.version.is_early());
        if let Some(preferred) = self.preferred.get(package) {
            candidates.sort_by_key(|one| Reverse(one.version == *preferred));
        }
        candidates
    }
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
    /// The packages need each other in too many ways.
    #[error(
        "the needs of the packages are too many: at most {NEED_LIMIT} different ones are followed"
    )]
    TooManyNeeds,
    /// The search was given up.
    #[error(
        "the packages contradict each other in too many ways: no versions that fit together were found in {CONTRADICTION_LIMIT} tries"
    )]
    TooHard,
    /// The caller wanted no more.
    #[error("interrupted")]
    Cancelled,
}

/// The version of each package, by its name.
pub type Solution = BTreeMap<String, Version>;

/// Chooses a version of each package that `needs` and the packages themselves need. A version in `preferred` is chosen
/// where it fits, else the highest that fits. An early version (`1.0rc1`) is chosen only if a range names one, or the package has
/// no others. The result depends on nothing else. `go_on` is asked again and again: it ends the search by returning false.
///
/// # Errors
///
/// [`SolveError`].
pub fn solve(
    needs: &[Need],
    catalog: &Catalog,
    preferred: &BTreeMap<String, Version>,
    go_on: &dyn Fn() -> bool,
) -> Result<Solution, SolveError> {
    let order = Order::new(needs, catalog, preferred);
    let wanted = frontier(needs, &order)?;
    if !wanted.is_empty() {
        return Err(SolveError::Missing(wanted.into_iter().collect()));
    }
    let model = Model::new(needs, &order)?;
    match model.solve(CONTRADICTION_LIMIT, go_on)? {
        Outcome::Fits(places) => {
            let places = places.into_iter().enumerate();
            let chosen = places.filter_map(|(package, place)| model.candidate(package, place?));
            let solution: Solution = chosen
                .map(|(name, version)| (name.to_owned(), version.clone()))
                .collect();
            match solution.len() > PACKAGE_LIMIT {
                true => Err(SolveError::TooMany),
                false => Ok(solution),
            }
        }
        Outcome::Open(open) => Err(SolveError::Missing(missing(&model, catalog, &open))),
        Outcome::Contradiction(facts) => {
            let facts = explain::in_words(&model.reason(facts, go_on), &order);
            match go_on() {
                true => Err(SolveError::NoSolution { facts }),
                false => Err(SolveError::Cancelled),
            }
        }
        Outcome::TooHard => Err(SolveError::TooHard),
        Outcome::Cancelled => Err(SolveError::Cancelled),
    }
}

/// Returns what is missing to go on with these versions, each a package and a place. The more versions of a package were of no
/// use, the more of the next ones are named with it, so that the caller need not read them one by one.
fn missing(model: &Model<'_>, catalog: &Catalog, open: &[(usize, usize)]) -> Vec<Wanted> {
    let mut wanted = BTreeSet::new();
    for (package, place) in open {
        let Some((name, version)) = model.candidate(*package, *place) else {
            continue;
        };
        let candidates = catalog.packages.get(name).into_iter().flatten();
        let needs = candidates
            .filter(|one| one.version == *version)
            .find_map(|one| match &one.needs {
                Known::Needs(needs) => Some(needs),
                _ => None,
            });
        match needs {
            Some(needs) => {
                let unknown = needs
                    .iter()
                    .filter(|need| !catalog.packages.contains_key(&need.package));
                wanted.extend(unknown.map(|need| Wanted::Versions(need.package.clone())));
            }
            None => {
                let next = model.next_unknown(*package, *place).into_iter();
                wanted.extend(next.map(|next| Wanted::Needs(name.to_owned(), next.clone())));
            }
        }
    }
    wanted.into_iter().collect()
}

/// Returns what is missing on the way that the solver would take if no two packages disagreed: most of it at once, so that
/// the caller reads many documents at a time.
fn frontier(needs: &[Need], order: &Order<'_>) -> Result<BTreeSet<Wanted>, SolveError> {
    let mut wanted = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut candidates: BTreeMap<&str, Vec<&Candidate>> = BTreeMap::new();
    let mut queue: Vec<&Need> = needs.iter().collect();
    while let Some(need) = queue.pop() {
        if !seen.insert((&need.package, need.range.as_str())) {
            continue;
        }
        if seen.len() > NEED_LIMIT {
            return Err(SolveError::TooManyNeeds);
        }
        let candidates = candidates
            .entry(&need.package)
            .or_insert_with(|| order.candidates(&need.package));
        if !order.catalog.packages.contains_key(&need.package) {
            wanted.insert(Wanted::Versions(need.package.clone()));
            continue;
        }
        let mut fits = candidates.iter();
        let Some(best) = fits.find(|one| need.range.contains(&one.version)) else {
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
    match candidates.len() > PACKAGE_LIMIT {
        true => Err(SolveError::TooMany),
        false => Ok(wanted),
    }
}

#[cfg(test)]
mod tests;
