//! The facts that leave no solution, in words.

use std::collections::{BTreeSet, HashSet};

use pubgrub::{DerivationTree, External, Ranges};

use super::{Catalog, Known, Node};
use crate::version::Version;

/// Maximum number of facts in an explanation.
const MOST: usize = 30;

/// Maximum number of versions that are listed.
const LISTED: usize = 6;

type Tree = DerivationTree<Node, Ranges<Version>, String>;
type Fact = External<Node, Ranges<Version>, String>;

/// Returns the facts at the leaves of the derivation, each once, from the project on.
pub(super) fn facts(tree: &Tree, catalog: &Catalog) -> Vec<String> {
    let mut leaves: Vec<&Fact> = Vec::new();
    // A list, no recursion: a derivation may be thousands of steps deep.
    let mut stack = vec![tree];
    let mut seen = HashSet::new();
    while let Some(tree) = stack.pop() {
        match tree {
            DerivationTree::External(fact) => leaves.push(fact),
            DerivationTree::Derived(derived) => {
                for cause in [&derived.cause1, &derived.cause2] {
                    if seen.insert(std::sync::Arc::as_ptr(cause)) {
                        stack.push(cause);
                    }
                }
            }
        }
    }
    let accepted: Vec<&Ranges<Version>> = leaves.iter().filter_map(|fact| accepted(fact)).collect();
    leaves.retain(|fact| is_news(fact, &accepted, catalog));
    let mut named = BTreeSet::new();
    let mut facts = Vec::new();
    let mut reached: HashSet<&Node> = HashSet::from([&Node::Project]);
    while !leaves.is_empty() {
        // A fact is understood when the package that it begins with was spoken of.
        let next = leaves
            .iter()
            .position(|fact| begins_with(fact).is_none_or(|node| reached.contains(node)));
        let fact = leaves.remove(next.unwrap_or(0));
        if let External::FromDependencyOf(_, _, node, _) = fact {
            reached.insert(node);
        }
        if let Some(text) = in_words(fact, catalog)
            && named.insert(text.clone())
        {
            facts.push(text);
        }
    }
    if facts.len() > MOST {
        let rest = facts.len() - MOST;
        facts.truncate(MOST);
        facts.push(format!("... and {rest} facts more"));
    }
    facts
}

fn accepted(fact: &Fact) -> Option<&Ranges<Version>> {
    match fact {
        External::FromDependencyOf(_, _, _, accepted) => Some(accepted),
        _ => None,
    }
}

/// Returns whether a fact says more than that there are no versions besides those that were named.
fn is_news(fact: &Fact, accepted: &[&Ranges<Version>], catalog: &Catalog) -> bool {
    let External::NoVersions(Node::Package(name), ranges) = fact else {
        return true;
    };
    let is_unknown = catalog
        .versions(name)
        .is_none_or(|mut all| all.next().is_none());
    is_unknown || accepted.contains(&ranges)
}

fn begins_with(fact: &Fact) -> Option<&Node> {
    match fact {
        External::FromDependencyOf(node, ..)
        | External::NoVersions(node, _)
        | External::Custom(node, ..) => Some(node),
        External::NotRoot(..) => None,
    }
}

fn in_words(fact: &Fact, catalog: &Catalog) -> Option<String> {
    match fact {
        External::NotRoot(..) => None,
        External::FromDependencyOf(node, ranges, needed, accepted) => {
            let node = with_versions(node, ranges, catalog);
            let accepted = match *accepted == Ranges::full() {
                true => needed.to_string(),
                false => format!("{needed} {}", shown(accepted)),
            };
            Some(format!("{node} needs {accepted}"))
        }
        External::NoVersions(node, ranges) => {
            let versions: Vec<String> = match node {
                Node::Project => Vec::new(),
                Node::Package(name) => catalog
                    .versions(name)
                    .into_iter()
                    .flatten()
                    .map(Version::to_string)
                    .collect(),
            };
            let listed = versions.iter().take(LISTED).cloned().collect::<Vec<_>>();
            let listed = listed.join(", ");
            Some(match versions.len() {
                0 => format!("there is no package {node}"),
                count if count > LISTED => format!(
                    "there is no {node} {} (there are {listed} and {} more)",
                    shown(ranges),
                    count - LISTED
                ),
                _ => format!("there is no {node} {} (there is {listed})", shown(ranges)),
            })
        }
        External::Custom(node, ranges, reason) => Some(format!(
            "{} cannot be used: {reason}",
            with_versions(node, ranges, catalog)
        )),
    }
}

/// Returns a package with its versions in these ranges, where not all of them are.
fn with_versions(node: &Node, ranges: &Ranges<Version>, catalog: &Catalog) -> String {
    let Node::Package(name) = node else {
        return node.to_string();
    };
    let candidates = catalog.packages.get(&**name).into_iter().flatten();
    let (inside, outside): (Vec<_>, Vec<_>) =
        candidates.partition(|one| ranges.contains(&one.version));
    let is_known = |known: &&super::Candidate| !matches!(known.needs, Known::NotYet);
    match inside.as_slice() {
        _ if outside.is_empty() => name.to_string(),
        [] => format!("{name} {}", shown(ranges)),
        [one] => format!("{name} {}", one.version),
        inside => {
            let known = inside.iter().copied().filter(is_known);
            let known = known.map(|one| one.version.to_string()).collect::<Vec<_>>();
            match known.len() {
                1..=3 => format!("{name} {}", known.join(" and ")),
                _ => format!("{name} {}", shown(ranges)),
            }
        }
    }
}

/// Returns the text of ranges, without spaces inside of one.
fn shown(ranges: &Ranges<Version>) -> String {
    ranges.to_string().replace(", ", ",")
}
