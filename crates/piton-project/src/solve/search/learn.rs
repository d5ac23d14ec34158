//! What a contradiction teaches: a clause that excludes its reason, or the facts behind it.

#![expect(
    clippy::indexing_slicing,
    reason = "all numbers are made by the search"
)]

use std::collections::BTreeSet;

use super::{Conflict, Literal, Problem, Reason, Source};

/// What a contradiction counts, compared with the next one.
const DECAY: f64 = 0.95;

impl Problem {
    /// Calls `each` with the true literals that a reason needs to make `literal` true, or to be a contradiction.
    fn causes(&self, (reason, literal): Conflict, each: &mut dyn FnMut(Literal)) {
        match reason {
            Reason::Decision | Reason::Empty | Reason::Fact(_) => {}
            Reason::Implied(cause, _) | Reason::Excluded(cause) => each(cause),
            Reason::Clause(clause) => {
                let literals = self.clauses[clause].literals.iter();
                let others = literals.filter(|other| Some(**other) != literal);
                others.for_each(|other| each(other.not()));
            }
        }
    }

    /// Makes a clause of the reason of a contradiction, and undoes the decisions that it contradicts.
    pub(super) fn learn(&mut self, conflict: Conflict) {
        let level = self.decisions.len() as u32;
        let mut literals = vec![Literal(0)];
        let mut sources = Vec::new();
        let mut seen = Vec::new();
        let mut open = 0;
        let mut causes = Vec::new();
        sources.extend(source(conflict.0));
        self.causes(conflict, &mut |cause| causes.push(cause));
        causes.extend(conflict.1.map(Literal::not));
        let mut at = self.trail.len();
        loop {
            for cause in causes.drain(..) {
                let variable = cause.variable();
                if std::mem::replace(&mut self.is_seen[variable], true) {
                    continue;
                }
                seen.push(variable);
                self.bump(variable);
                match self.levels[variable] {
                    0 => sources.push(Source::Variable(variable)),
                    of if of == level => open += 1,
                    _ => literals.push(cause.not()),
                }
            }
            // The last one that was assigned.
            let last = loop {
                at -= 1;
                let literal = self.trail[at];
                if self.is_seen[literal.variable()] {
                    break literal;
                }
            };
            open -= 1;
            if open == 0 {
                literals[0] = last.not();
                break;
            }
            let reason = self.reasons[last.variable()];
            sources.extend(source(reason));
            self.causes((reason, Some(last)), &mut |cause| causes.push(cause));
        }
        for variable in seen {
            self.is_seen[variable] = false;
        }
        let level_of = |literal: &Literal| self.levels[literal.variable()];
        let others = literals.iter().enumerate().skip(1);
        let back = others
            .max_by_key(|(_, literal)| level_of(literal))
            .map(|(at, literal)| (at, level_of(literal)));
        self.undo(back.map_or(0, |(_, level)| level as usize));
        if let Some((at, _)) = back {
            literals.swap(1, at);
        }
        self.activity_step *= 1.0 / DECAY;
        let first = literals[0];
        self.learned += literals.len() + sources.len();
        let clause = self.clauses.len();
        self.clause(literals, sources);
        self.assign(first, Reason::Clause(clause));
    }

    /// Notes that the package of a variable is part of a contradiction.
    fn bump(&mut self, variable: usize) {
        let (package, _) = self.kinds[variable];
        self.packages[package].activity += self.activity_step;
        if self.packages[package].activity > 1e100 {
            for package in &mut self.packages {
                package.activity *= 1e-100;
            }
            self.activity_step *= 1e-100;
        }
        self.queue.rise(package, &self.packages);
    }

    /// Returns the facts behind a contradiction without decisions.
    pub(super) fn facts_of(&self, conflict: Conflict) -> BTreeSet<usize> {
        let mut facts = BTreeSet::new();
        let mut clauses = BTreeSet::new();
        let mut variables = BTreeSet::new();
        let mut open: Vec<Source> = Vec::new();
        let add = |(reason, literal): Conflict, open: &mut Vec<Source>| {
            open.extend(source(reason));
            self.causes((reason, literal), &mut |cause| {
                open.push(Source::Variable(cause.variable()));
            });
        };
        add(conflict, &mut open);
        open.extend(
            conflict
                .1
                .map(|literal| Source::Variable(literal.variable())),
        );
        while let Some(source) = open.pop() {
            match source {
                Source::Fact(fact) => {
                    facts.insert(fact);
                }
                Source::Clause(clause) => {
                    if clauses.insert(clause) {
                        open.extend(&self.clauses[clause].sources);
                    }
                }
                Source::Variable(variable) => {
                    if variables.insert(variable) {
                        let literal = match self.values[variable] {
                            Some(true) => Literal::yes(variable),
                            _ => Literal::no(variable),
                        };
                        add((self.reasons[variable], Some(literal)), &mut open);
                    }
                }
            }
        }
        facts
    }
}

/// Returns what a reason follows from, besides other literals.
fn source(reason: Reason) -> Option<Source> {
    match reason {
        Reason::Fact(fact) | Reason::Implied(_, fact) => Some(Source::Fact(fact)),
        Reason::Clause(clause) => Some(Source::Clause(clause)),
        Reason::Decision | Reason::Empty | Reason::Excluded(_) => None,
    }
}
