//! The packages of others that Piton depends on, on all platforms that it is made for.

pub(crate) mod expression;
pub(crate) mod texts;

use std::collections::{BTreeMap, BTreeSet};

use crate::metadata::{self, DependencyKind, Graph, LockedPackage};

/// The platforms: those of `deny.toml`.
pub(crate) const PLATFORMS: [&str; 3] = [
    "x86_64-unknown-linux-gnu",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
];

/// The package that is passed on.
const PRODUCT: &str = "piton-cli";

/// Packages of others, by name and version.
pub(crate) struct Dependencies {
    /// All: of tests and of building, too.
    pub(crate) all: Vec<LockedPackage>,
    /// Those whose code is part of the program.
    pub(crate) shipped: Vec<LockedPackage>,
}

/// Asks cargo for them.
/// Errors: the sources of one are not on this computer.
pub(crate) fn read() -> anyhow::Result<Dependencies> {
    let mut all = BTreeMap::new();
    let mut shipped = BTreeSet::new();
    for platform in PLATFORMS {
        let graph = metadata::graph(platform)?;
        shipped.extend(reached(&graph));
        for package in graph.packages {
            if package.source.is_some() {
                let key = (package.name.clone(), package.version.clone());
                all.insert(key, package);
            }
        }
    }
    let all: Vec<LockedPackage> = all.into_values().collect();
    let shipped = all.iter().filter(|package| shipped.contains(&package.id));
    Ok(Dependencies {
        shipped: shipped.cloned().collect(),
        all,
    })
}

/// Returns the packages whose code is part of the product.
fn reached(graph: &Graph) -> BTreeSet<String> {
    let nodes = graph.resolve.nodes.iter();
    let nodes: BTreeMap<&str, _> = nodes.map(|node| (node.id.as_str(), &node.deps)).collect();
    let product = graph
        .packages
        .iter()
        .find(|package| package.name == PRODUCT);
    let mut pending: Vec<&str> = product.iter().map(|package| package.id.as_str()).collect();
    let mut reached = BTreeSet::new();
    while let Some(id) = pending.pop() {
        if !reached.insert(id.to_owned()) {
            continue;
        }
        for dependency in nodes.get(id).into_iter().flat_map(|deps| deps.iter()) {
            let kinds = &dependency.dep_kinds;
            let is_code = |kind: Option<DependencyKind>| kind.is_none();
            if kinds.iter().any(|kind| is_code(kind.kind)) {
                pending.push(&dependency.pkg);
            }
        }
    }
    reached
}
