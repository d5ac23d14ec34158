//! The facts that leave no solution, in words.

use version_ranges::Ranges;

use super::model::Fact;
use super::{Candidate, Need, Order};
use crate::version::{Version, VersionRange};

/// Maximum number of facts in an explanation.
const MOST: usize = 30;

/// Maximum number of versions that are listed.
const LISTED: usize = 6;

/// Returns the facts as sentences, each once, from the project on.
pub(super) fn in_words(facts: &[Fact<'_>], order: &Order<'_>) -> Vec<String> {
    let mut sentences = Vec::new();
    let mut open = facts.to_vec();
    let mut reached: Vec<&str> = Vec::new();
    while !open.is_empty() {
        // A fact is understood when the package that it begins with was spoken of.
        let next = open.iter().position(|fact| match fact.subject() {
            None => true,
            Some(name) => reached.contains(&name),
        });
        let fact = open.remove(next.unwrap_or(0));
        match fact {
            Fact::Need { by, need } => {
                let mut same = vec![fact];
                same.extend(open.extract_if(.., |other| is_same(other, &fact)));
                let by = by.map(|(name, _)| with_versions(name, &same, order));
                let by = by.as_deref().unwrap_or("your project");
                sentences.push(format!("{by} needs {}", needed(need)));
                if !reached.contains(&need.package.as_str()) {
                    reached.push(&need.package);
                }
            }
            Fact::Unusable {
                package,
                version,
                reason,
            } => sentences.push(format!("{package} {version} cannot be used: {reason}")),
        }
    }
    let rest = sentences.len().saturating_sub(MOST);
    sentences.truncate(MOST);
    match rest {
        0 => {}
        1 => sentences.push("... and 1 more fact".to_owned()),
        rest => sentences.push(format!("... and {rest} more facts")),
    }
    for name in reached {
        sentences.extend(what_there_is(name, facts, order));
    }
    sentences
}

/// Returns whether two facts differ at most in the version that needs something.
fn is_same(one: &Fact<'_>, other: &Fact<'_>) -> bool {
    match (one, other) {
        (Fact::Need { need: first, .. }, Fact::Need { need: second, .. }) => {
            first == second && one.subject() == other.subject()
        }
        _ => false,
    }
}

fn needed(need: &Need) -> String {
    match need.range.is_any() {
        true => need.package.clone(),
        false => format!("{} {}", need.package, need.range),
    }
}

/// Returns a package with the versions of these facts, where they are not all that may be chosen.
fn with_versions(name: &str, facts: &[Fact<'_>], order: &Order<'_>) -> String {
    let versions = facts.iter().filter_map(|fact| match fact {
        Fact::Need { by, .. } => by.map(|(_, one)| &one.version),
        Fact::Unusable { .. } => None,
    });
    let versions: Vec<&Version> = versions.collect();
    match versions.len() == order.candidates(name).len() {
        true => name.to_owned(),
        false => format!("{name} {}", listed(versions)),
    }
}

/// Returns which versions of a package there are, if none of them is in a range that the facts need, or in all of them.
fn what_there_is(name: &str, facts: &[Fact<'_>], order: &Order<'_>) -> Option<String> {
    let candidates = order.candidates(name);
    let ranges = facts.iter().filter_map(|fact| match fact {
        Fact::Need { need, .. } if need.package == name => Some(&need.range),
        _ => None,
    });
    let ranges: Vec<&VersionRange> = ranges.collect();
    if candidates.is_empty() {
        return Some(format!("there is no package {name}"));
    }
    let has = |range: &Ranges<Version>| candidates.iter().any(|one| range.contains(&one.version));
    let empty = ranges.iter().find(|range| !has(range.ranges()));
    let all = ranges.iter().fold(Ranges::full(), |all, range| {
        all.intersection(range.ranges())
    });
    let what = match empty {
        Some(range) => format!("there is no {name} {range}"),
        None if all != Ranges::empty() && !has(&all) => {
            format!("there is no {name} that is in all of these ranges")
        }
        None => return None,
    };
    let is = match candidates.len() {
        1 => "is",
        _ => "are",
    };
    let range = empty.map_or(&all, |range| range.ranges());
    let early = early(name, range, order);
    let early = early.map_or_else(String::new, |version| {
        format!("; {version} comes before a release, and is chosen only where a range names such a version")
    });
    let versions = candidates.iter().map(|one| &one.version);
    Some(format!(
        "{what} (there {is} only {}{early})",
        listed(versions.collect())
    ))
}

/// Returns the highest version in a range that is left out as it comes before a release.
fn early<'a>(name: &str, range: &Ranges<Version>, order: &Order<'a>) -> Option<&'a Version> {
    let mut all = order.catalog.versions(name)?;
    let candidates = order.candidates(name);
    let is_left_out = |version: &Version| {
        let mut candidates = candidates.iter();
        !candidates.any(|one: &&Candidate| one.version == *version)
    };
    all.find(|version| range.contains(version) && is_left_out(version))
}

/// Returns versions as a list, the highest first.
fn listed(mut versions: Vec<&Version>) -> String {
    versions.sort_by(|one, other| other.cmp(one));
    let rest = versions.len().saturating_sub(LISTED);
    versions.truncate(LISTED);
    let mut texts: Vec<String> = versions.iter().map(|one| one.to_string()).collect();
    if rest > 0 {
        texts.push(format!("{rest} more"));
    }
    match texts.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}
