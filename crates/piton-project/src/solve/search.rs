//! The search for versions that fit together, over numbers: conflict-driven clause learning.
//!
//! Each version of a package is a variable, true where it is chosen; so is each set of versions that somebody accepts, true
//! where one of its versions must be chosen. A decision chooses the first version of a package that is needed; what follows from
//! it is propagated; what contradicts itself becomes a clause that excludes the reason, and the decisions behind it are undone.
//! Clauses keep which facts they follow from, so that a contradiction without any decision has its facts.

#![expect(
    clippy::indexing_slicing,
    reason = "all numbers are made here; those of callers are places in what they have added"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

mod learn;
mod queue;

use queue::Queue;

/// Maximum number of literals of all clauses that contradictions become.
const LEARNED_LIMIT: usize = 1 << 25;

/// The number of decisions between two looks at whether the search is to go on.
const DECISIONS_BETWEEN_LOOKS: usize = 256;

/// The number of contradictions after which the search begins again for the first time.
const RESTART: usize = 100;

/// A reason that makes this literal true, which is false; or a clause whose literals are all false.
type Conflict = (Reason, Option<Literal>);

/// A variable, or the negation of one: the lowest bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Literal(u32);

impl Literal {
    fn yes(variable: usize) -> Literal {
        Literal((variable as u32) << 1)
    }

    fn no(variable: usize) -> Literal {
        Literal((variable as u32) << 1 | 1)
    }

    fn not(self) -> Literal {
        Literal(self.0 ^ 1)
    }

    fn is_yes(self) -> bool {
        self.0 & 1 == 0
    }

    fn variable(self) -> usize {
        (self.0 >> 1) as usize
    }

    fn index(self) -> usize {
        self.0 as usize
    }
}

/// A set of versions of a package that somebody accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SetId(usize);

/// Why a literal is true, or what contradicts itself.
#[derive(Clone, Copy, Debug)]
enum Reason {
    /// It was decided, or is without a value.
    Decision,
    /// No version is in the set.
    Empty,
    /// A fact by itself.
    Fact(usize),
    /// Another literal and a fact.
    Implied(Literal, usize),
    /// Another literal: a package has one version.
    Excluded(Literal),
    /// All other literals of the clause are false.
    Clause(usize),
}

/// What a clause follows from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Fact(usize),
    Clause(usize),
    /// What made this variable true or false before any decision.
    Variable(usize),
}

#[derive(Debug)]
struct Clause {
    /// The first two are watched.
    literals: Vec<Literal>,
    sources: Vec<Source>,
}

#[derive(Debug)]
struct Package {
    /// The variables of its versions, the one to try first at the beginning.
    versions: Range<usize>,
    /// The sets of its versions: the variable, and for each version whether it is in it.
    sets: Vec<(usize, Vec<bool>)>,
    set_ids: BTreeMap<Vec<bool>, usize>,
    /// The number of its sets that are true.
    asked: usize,
    is_chosen: bool,
    activity: f64,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Version,
    /// The place of the set in its package.
    Set(usize),
}

/// What the search found.
#[derive(Debug)]
pub(super) enum Outcome {
    /// For each package, the place of its version.
    Fits(Vec<Option<usize>>),
    /// These facts contradict each other.
    Contradiction(BTreeSet<usize>),
    /// These versions, each a package and a place, are chosen so far, and their needs are not known.
    Open(Vec<(usize, usize)>),
    /// There were too many contradictions.
    TooHard,
    /// The caller wants no more.
    Cancelled,
}

/// Packages, sets of their versions, and facts about them.
#[derive(Debug, Default)]
pub(super) struct Problem {
    packages: Vec<Package>,
    kinds: Vec<(usize, Kind)>,
    is_open: Vec<bool>,
    clauses: Vec<Clause>,
    /// For each literal, the clauses to look at when it becomes false.
    watches: Vec<Vec<usize>>,
    /// For each literal, what follows from it.
    implied: Vec<Vec<(Literal, usize)>>,
    /// Literals that are facts by themselves.
    units: Vec<(Literal, Reason)>,
    values: Vec<Option<bool>>,
    levels: Vec<u32>,
    reasons: Vec<Reason>,
    trail: Vec<Literal>,
    /// Where in the trail each decision is.
    decisions: Vec<usize>,
    propagated: usize,
    queue: Queue,
    activity_step: f64,
    is_seen: Vec<bool>,
    /// The number of versions that are chosen and whose needs are not known.
    open: usize,
    /// The number of literals of the clauses that contradictions became.
    learned: usize,
}

impl Problem {
    /// Returns a problem with packages that have so many versions.
    pub(super) fn new(counts: &[usize]) -> Problem {
        let mut problem = Problem {
            activity_step: 1.0,
            ..Problem::default()
        };
        for (package, count) in counts.iter().enumerate() {
            let first = problem.kinds.len();
            for _ in 0..*count {
                problem.variable(package, Kind::Version);
            }
            problem.packages.push(Package {
                versions: first..first + count,
                sets: Vec::new(),
                set_ids: BTreeMap::new(),
                asked: 0,
                is_chosen: false,
                activity: 0.0,
            });
        }
        problem.queue.places = vec![None; counts.len()];
        problem
    }

    fn variable(&mut self, package: usize, kind: Kind) -> usize {
        let variable = self.kinds.len();
        self.kinds.push((package, kind));
        self.is_open.push(false);
        self.values.push(None);
        self.levels.push(0);
        self.reasons.push(Reason::Decision);
        self.is_seen.push(false);
        for _ in 0..2 {
            self.watches.push(Vec::new());
            self.implied.push(Vec::new());
        }
        variable
    }

    /// Returns the set of these versions of a package.
    pub(super) fn set(&mut self, package: usize, members: Vec<bool>) -> SetId {
        if let Some(known) = self.packages[package].set_ids.get(&members) {
            return SetId(*known);
        }
        let place = self.packages[package].sets.len();
        let variable = self.variable(package, Kind::Set(place));
        let versions = self.packages[package].versions.clone();
        let mut literals = vec![Literal::no(variable)];
        let inside = versions.zip(&members).filter(|(_, is_inside)| **is_inside);
        literals.extend(inside.map(|(version, _)| Literal::yes(version)));
        match literals.len() {
            1 => self.units.push((Literal::no(variable), Reason::Empty)),
            _ => self.clause(literals, Vec::new()),
        }
        self.packages[package]
            .set_ids
            .insert(members.clone(), variable);
        self.packages[package].sets.push((variable, members));
        SetId(variable)
    }

    /// Adds the fact that one of the versions of a set is needed.
    pub(super) fn require(&mut self, fact: usize, set: SetId) {
        self.units.push((Literal::yes(set.0), Reason::Fact(fact)));
    }

    /// Adds the fact that a version of a package needs one of the versions of a set.
    pub(super) fn need(&mut self, fact: usize, package: usize, place: usize, set: SetId) {
        let version = Literal::yes(self.packages[package].versions.start + place);
        let set = Literal::yes(set.0);
        self.implied[version.index()].push((set, fact));
        self.implied[set.not().index()].push((version.not(), fact));
    }

    /// Adds the fact that a version of a package cannot be used.
    pub(super) fn exclude(&mut self, fact: usize, package: usize, place: usize) {
        let version = Literal::no(self.packages[package].versions.start + place);
        self.units.push((version, Reason::Fact(fact)));
    }

    /// Marks a version whose needs are not known.
    pub(super) fn leave_open(&mut self, package: usize, place: usize) {
        let version = self.packages[package].versions.start + place;
        self.is_open[version] = true;
    }

    fn clause(&mut self, literals: Vec<Literal>, sources: Vec<Source>) {
        for literal in literals.iter().take(2) {
            self.watches[literal.index()].push(self.clauses.len());
        }
        self.clauses.push(Clause { literals, sources });
    }

    /// Searches, until there is an outcome, or there were more contradictions than `limit`, or `go_on` returns false.
    pub(super) fn solve(&mut self, limit: usize, go_on: &dyn Fn() -> bool) -> Outcome {
        for (literal, reason) in std::mem::take(&mut self.units) {
            if let Err(conflict) = self.follow(literal, reason) {
                return Outcome::Contradiction(self.facts_of(conflict));
            }
        }
        let mut contradictions = 0;
        let mut restarts = 1;
        let mut restart_at = RESTART;
        for step in 1_usize.. {
            let result = self.propagate();
            if (result.is_err() || step.is_multiple_of(DECISIONS_BETWEEN_LOOKS)) && !go_on() {
                return Outcome::Cancelled;
            }
            if let Err(conflict) = result {
                if self.decisions.is_empty() {
                    return Outcome::Contradiction(self.facts_of(conflict));
                }
                contradictions += 1;
                self.learn(conflict);
                if contradictions == restart_at {
                    restarts += 1;
                    restart_at += RESTART * luby(restarts);
                    self.undo(0);
                }
                if contradictions > limit || self.learned > LEARNED_LIMIT {
                    return Outcome::TooHard;
                }
                continue;
            }
            if self.open > 0 {
                return Outcome::Open(self.open());
            }
            let Some(version) = self.next() else {
                break;
            };
            self.decisions.push(self.trail.len());
            self.assign(Literal::yes(version), Reason::Decision);
        }
        Outcome::Fits(self.chosen())
    }

    fn value(&self, literal: Literal) -> Option<bool> {
        self.values[literal.variable()].map(|value| value == literal.is_yes())
    }

    fn assign(&mut self, literal: Literal, reason: Reason) {
        let variable = literal.variable();
        self.values[variable] = Some(literal.is_yes());
        self.levels[variable] = self.decisions.len() as u32;
        self.reasons[variable] = reason;
        self.trail.push(literal);
        if literal.is_yes() {
            let (package, kind) = self.kinds[variable];
            match kind {
                Kind::Version => {
                    self.packages[package].is_chosen = true;
                    self.open += usize::from(self.is_open[variable]);
                }
                Kind::Set(_) => {
                    self.packages[package].asked += 1;
                    self.queue.insert(package, &self.packages);
                }
            }
        }
    }

    /// Undoes all decisions above a level.
    fn undo(&mut self, level: usize) {
        let Some(start) = self.decisions.get(level).copied() else {
            return;
        };
        self.decisions.truncate(level);
        for literal in self.trail.drain(start..) {
            let variable = literal.variable();
            self.values[variable] = None;
            if literal.is_yes() {
                let (package, kind) = self.kinds[variable];
                match kind {
                    Kind::Version => {
                        self.packages[package].is_chosen = false;
                        self.open -= usize::from(self.is_open[variable]);
                    }
                    Kind::Set(_) => self.packages[package].asked -= 1,
                }
                self.queue.insert(package, &self.packages);
            }
        }
        self.propagated = start;
    }

    /// Returns the versions that are chosen and whose needs are not known.
    fn open(&self) -> Vec<(usize, usize)> {
        let yes = self.trail.iter().filter(|literal| literal.is_yes());
        let open = yes.filter(|literal| self.is_open[literal.variable()]);
        open.map(|literal| {
            let (package, _) = self.kinds[literal.variable()];
            (
                package,
                literal.variable() - self.packages[package].versions.start,
            )
        })
        .collect()
    }

    /// Returns the version to try next; none if every package that is needed has one.
    fn next(&mut self) -> Option<usize> {
        while let Some(package) = self.queue.pop(&self.packages) {
            let package = &self.packages[package];
            if package.asked > 0 && !package.is_chosen {
                let mut versions = package.versions.clone();
                return versions.find(|version| self.values[*version].is_none());
            }
        }
        None
    }

    fn chosen(&self) -> Vec<Option<usize>> {
        let packages = self.packages.iter();
        packages
            .map(|package| {
                let mut versions = package.versions.clone();
                versions.position(|version| self.values[version] == Some(true))
            })
            .collect()
    }

    /// Makes a literal true for a reason.
    fn follow(&mut self, literal: Literal, reason: Reason) -> Result<(), Conflict> {
        match self.value(literal) {
            Some(true) => Ok(()),
            Some(false) => Err((reason, Some(literal))),
            None => {
                self.assign(literal, reason);
                Ok(())
            }
        }
    }

    /// Assigns all that follows from what was assigned.
    fn propagate(&mut self) -> Result<(), Conflict> {
        while let Some(literal) = self.trail.get(self.propagated).copied() {
            self.propagated += 1;
            for at in 0..self.implied[literal.index()].len() {
                let (implied, fact) = self.implied[literal.index()][at];
                self.follow(implied, Reason::Implied(literal, fact))?;
            }
            if literal.is_yes() {
                self.exclude_others(literal)?;
            }
            self.look_at_clauses(literal.not())?;
        }
        Ok(())
    }

    /// Assigns what a chosen version, or a set that is needed, excludes in its package.
    fn exclude_others(&mut self, literal: Literal) -> Result<(), Conflict> {
        let variable = literal.variable();
        let (package, kind) = self.kinds[variable];
        let versions = self.packages[package].versions.clone();
        let reason = Reason::Excluded(literal);
        match kind {
            Kind::Set(set) => {
                for version in versions.clone() {
                    if !self.packages[package].sets[set].1[version - versions.start] {
                        self.follow(Literal::no(version), reason)?;
                    }
                }
            }
            Kind::Version => {
                for version in versions.clone().filter(|version| *version != variable) {
                    self.follow(Literal::no(version), reason)?;
                }
                for set in 0..self.packages[package].sets.len() {
                    let (set, members) = &self.packages[package].sets[set];
                    if !members[variable - versions.start] {
                        self.follow(Literal::no(*set), reason)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Looks at the clauses that watch a literal, which has become false.
    fn look_at_clauses(&mut self, literal: Literal) -> Result<(), Conflict> {
        let mut watching = std::mem::take(&mut self.watches[literal.index()]);
        let mut result = Ok(());
        let mut kept = 0;
        for at in 0..watching.len() {
            let clause = watching[at];
            if result.is_ok() && self.watch_another(clause, literal) {
                continue;
            }
            watching[kept] = clause;
            kept += 1;
            if result.is_ok() {
                let first = self.clauses[clause].literals[0];
                result = match self.value(first) {
                    Some(false) => Err((Reason::Clause(clause), None)),
                    _ => self.follow(first, Reason::Clause(clause)),
                };
            }
        }
        watching.truncate(kept);
        self.watches[literal.index()] = watching;
        result
    }

    /// Watches another literal of a clause than this one, which is false. Returns whether there is one; else the first
    /// literal must be true.
    fn watch_another(&mut self, clause: usize, literal: Literal) -> bool {
        let values = &self.values;
        let literals = &mut self.clauses[clause].literals;
        if literals[0] == literal {
            literals.swap(0, 1);
        }
        let is_true = |literal: Literal| values[literal.variable()] == Some(literal.is_yes());
        let is_false = |literal: Literal| values[literal.variable()] == Some(!literal.is_yes());
        if is_true(literals[0]) {
            return false;
        }
        let other = (2..literals.len()).find(|at| !is_false(literals[*at]));
        if let Some(other) = other {
            literals.swap(1, other);
            self.watches[literals[1].index()].push(clause);
        }
        other.is_some()
    }
}

/// Returns the `number`th number of 1, 1, 2, 1, 1, 2, 4, ...: Luby's sequence.
fn luby(mut number: usize) -> usize {
    loop {
        let next = (number + 1).next_power_of_two();
        if next == number + 1 {
            return next / 2;
        }
        number = number + 1 - next / 2;
    }
}
