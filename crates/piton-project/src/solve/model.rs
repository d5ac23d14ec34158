//! What is known about packages, as facts over numbers for the search.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::search::{Outcome, Problem, SetId};
use super::{Candidate, Known, Need, Order, SolveError};
use crate::version::Version;

/// Maximum number of facts.
const FACT_LIMIT: usize = 1 << 20;

/// Maximum number of versions in all sets of versions.
const MEMBER_LIMIT: usize = 1 << 25;

/// Maximum number of facts of a contradiction that are left out one by one to find those that it needs.
const TRIED_LIMIT: usize = 200;

/// Maximum number of contradictions of a search among the facts of a contradiction.
const SHORT: usize = 500;

/// Something that is known.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fact<'a> {
    /// The project, or a version of a package, needs a package.
    Need {
        by: Option<(&'a str, &'a Candidate)>,
        need: &'a Need,
    },
    /// A version cannot be used.
    Unusable {
        package: &'a str,
        version: &'a Version,
        reason: &'a str,
    },
}

impl<'a> Fact<'a> {
    /// Returns the package that the fact is about; none for the project.
    pub(super) fn subject(&self) -> Option<&'a str> {
        match self {
            Fact::Need { by, .. } => by.map(|(name, _)| name),
            Fact::Unusable { package, .. } => Some(package),
        }
    }
}

/// A package of the catalog.
#[derive(Debug)]
struct Package<'a> {
    name: &'a str,
    /// Those that may be chosen, the one to try first at the beginning.
    candidates: Vec<&'a Candidate>,
}

/// A fact with the numbers of its packages and versions.
#[derive(Clone, Copy, Debug)]
struct Numbered<'a> {
    fact: Fact<'a>,
    /// The package and the place of the version that the fact is about; none for the project.
    subject: Option<(usize, usize)>,
    /// The number of the needed package.
    needed: Option<usize>,
}

/// The packages that may be needed, and all facts about them, in the order in which they are reached from the project.
#[derive(Debug)]
pub(super) struct Model<'a> {
    packages: Vec<Package<'a>>,
    facts: Vec<Numbered<'a>>,
    /// The versions, each a package and a place, whose needs are not known or lead to packages that are not.
    open: Vec<(usize, usize)>,
}

impl<'a> Model<'a> {
    /// Collects what the project's needs lead to.
    pub(super) fn new(needs: &'a [Need], order: &Order<'a>) -> Result<Model<'a>, SolveError> {
        let mut model = Model {
            packages: Vec::new(),
            facts: Vec::new(),
            open: Vec::new(),
        };
        let mut numbers: HashMap<&'a str, usize> = HashMap::new();
        model.add_needs(None, needs, order, &mut numbers);
        let mut package = 0;
        while let Some(one) = model.packages.get(package) {
            let name = one.name;
            for (place, candidate) in one.candidates.clone().into_iter().enumerate() {
                let subject = (package, place);
                match &candidate.needs {
                    Known::NotYet => model.open.push(subject),
                    Known::Needs(needs) => {
                        let by = (name, candidate, subject);
                        model.add_needs(Some(by), needs, order, &mut numbers);
                    }
                    Known::Unusable(reason) => model.facts.push(Numbered {
                        fact: Fact::Unusable {
                            package: name,
                            version: &candidate.version,
                            reason,
                        },
                        subject: Some(subject),
                        needed: None,
                    }),
                }
            }
            if model.facts.len() > FACT_LIMIT {
                return Err(SolveError::TooManyNeeds);
            }
            package += 1;
        }
        Ok(model)
    }

    fn add_needs(
        &mut self,
        by: Option<(&'a str, &'a Candidate, (usize, usize))>,
        needs: &'a [Need],
        order: &Order<'a>,
        numbers: &mut HashMap<&'a str, usize>,
    ) {
        let subject = by.map(|(_, _, subject)| subject);
        for need in needs {
            if !order.catalog.packages.contains_key(&need.package) {
                self.open.extend(subject);
                continue;
            }
            let needed = *numbers.entry(&need.package).or_insert_with(|| {
                self.packages.push(Package {
                    name: &need.package,
                    candidates: order.candidates(&need.package),
                });
                self.packages.len() - 1
            });
            self.facts.push(Numbered {
                fact: Fact::Need {
                    by: by.map(|(name, candidate, _)| (name, candidate)),
                    need,
                },
                subject,
                needed: Some(needed),
            });
        }
    }

    /// Returns the version of a package at a place.
    pub(super) fn candidate(&self, package: usize, place: usize) -> Option<(&'a str, &'a Version)> {
        let package = self.packages.get(package)?;
        let candidate = package.candidates.get(place)?;
        Some((package.name, &candidate.version))
    }

    /// Returns the versions of a package from this place on whose needs are not known, as many as are known already.
    pub(super) fn next_unknown(&self, package: usize, place: usize) -> Vec<&'a Version> {
        let candidates = self.packages.get(package).map(|one| &*one.candidates);
        let (unknown, known): (Vec<_>, Vec<_>) = candidates
            .unwrap_or_default()
            .iter()
            .enumerate()
            .partition(|(_, one)| matches!(one.needs, Known::NotYet));
        let next = unknown.into_iter().filter(|(at, _)| *at >= place);
        let next = next.take(known.len().max(1));
        next.map(|(_, one)| &one.version).collect()
    }

    /// Searches versions that fit, with this maximum number of contradictions.
    pub(super) fn solve(
        &self,
        limit: usize,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Outcome, SolveError> {
        let all: Vec<usize> = (0..self.facts.len()).collect();
        let (mut problem, numbers) = self.problem(&all)?;
        for (package, place) in &self.open {
            if let Some(number) = numbers.get(package) {
                problem.leave_open(*number, *place);
            }
        }
        Ok(problem.solve(limit, go_on))
    }

    /// Returns the problem of some facts, with the numbers of the packages in it.
    fn problem(&self, facts: &[usize]) -> Result<(Problem, HashMap<usize, usize>), SolveError> {
        let mut numbers: HashMap<usize, usize> = HashMap::new();
        let mut counts = Vec::new();
        let facts: Vec<(usize, &Numbered<'_>)> = facts
            .iter()
            .filter_map(|fact| Some((*fact, self.facts.get(*fact)?)))
            .collect();
        for (_, fact) in &facts {
            for package in fact.subject.map(|one| one.0).into_iter().chain(fact.needed) {
                numbers.entry(package).or_insert_with(|| {
                    let one = self.packages.get(package);
                    counts.push(one.map_or(0, |one| one.candidates.len()));
                    counts.len() - 1
                });
            }
        }
        let number = |package: usize| numbers.get(&package).copied().unwrap_or_default();
        let mut problem = Problem::new(&counts);
        let mut sets: HashMap<(usize, &str), SetId> = HashMap::new();
        let mut members = 0;
        for (id, fact) in facts {
            let set = match (fact.fact, fact.needed) {
                (Fact::Need { need, .. }, Some(needed)) => {
                    let key = (needed, need.range.as_str());
                    Some(*sets.entry(key).or_insert_with(|| {
                        let package = self.packages.get(needed).into_iter();
                        let candidates = package.flat_map(|package| &package.candidates);
                        let inside = candidates.map(|one| need.range.contains(&one.version));
                        let inside: Vec<bool> = inside.collect();
                        members += inside.len();
                        problem.set(number(needed), inside)
                    }))
                }
                _ => None,
            };
            match (fact.subject, set) {
                (None, Some(set)) => problem.require(id, set),
                (Some((package, place)), Some(set)) => {
                    problem.need(id, number(package), place, set);
                }
                (Some((package, place)), None) => problem.exclude(id, number(package), place),
                (None, None) => {}
            }
            if members > MEMBER_LIMIT {
                return Err(SolveError::TooManyNeeds);
            }
        }
        Ok((problem, numbers))
    }

    /// Returns as few of these facts as contradict each other.
    pub(super) fn reason(&self, facts: BTreeSet<usize>, go_on: &dyn Fn() -> bool) -> Vec<Fact<'a>> {
        let mut facts: Vec<usize> = facts.into_iter().collect();
        let contradiction = |facts: &[usize]| {
            let outcome = self
                .problem(facts)
                .map(|(mut all, _)| all.solve(SHORT, go_on));
            match outcome {
                Ok(Outcome::Contradiction(facts)) => Some(facts.into_iter().collect::<Vec<_>>()),
                _ => None,
            }
        };
        while let Some(fewer) = contradiction(&facts).filter(|fewer| fewer.len() < facts.len()) {
            facts = fewer;
        }
        let mut needed: HashSet<usize> = HashSet::new();
        while let Some(tried) = facts.iter().rposition(|fact| !needed.contains(fact))
            && facts.len() <= TRIED_LIMIT
        {
            let mut without = facts.clone();
            let fact = without.remove(tried);
            match contradiction(&without) {
                Some(fewer) => facts = fewer,
                None => {
                    needed.insert(fact);
                }
            }
        }
        let facts = facts.iter().filter_map(|fact| self.facts.get(*fact));
        facts.map(|fact| fact.fact).collect()
    }
}
