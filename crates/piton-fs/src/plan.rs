//! What has to be done so that one tree of files becomes like another: decided here, without touching a file.
//!
//! [`plan`] compares two [`Tree`]s and gives a [`Plan`]: what to print before anything is done, and what to do, in
//! order. It holds for both directions, to a board and from it.

mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use piton_path::RelativePath;

use crate::start_files;

pub use tree::{Node, Tree, TreeError};

/// How to make one tree like another.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// Remove what the source does not have. Without it nothing is removed but [`Options::superseded`].
    pub delete: bool,
    /// Send files even if they are there already.
    pub force: bool,
    /// Remove before anything is written: to make space. What this gives away: after an interruption the old
    /// program may lack a file that it needs.
    pub delete_first: bool,
    /// What of the destination is not to be touched; `None` for nothing.
    pub protection: Option<&'a Protect<'a>>,
    /// Files of the destination that something in the source takes the place of under another name: they are
    /// removed even without [`Options::delete`].
    pub superseded: Option<&'a BTreeSet<RelativePath>>,
}

/// Says how something at the destination is protected.
pub type Protect<'a> = dyn Fn(&RelativePath, &Node) -> Protection + 'a;

/// How something at the destination is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Not at all.
    None,
    /// Neither removed nor replaced; the plan mentions it.
    Kept,
    /// As if it were not there, but never removed. The plan does not mention it.
    Ignored,
}

/// What to do to one path of the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Make a folder.
    MakeFolder,
    /// Write a file that is not there.
    Create,
    /// Write a file that is there with another content.
    Replace,
    /// Remove a file.
    Delete,
    /// Remove a folder, which is empty by then.
    DeleteFolder,
}

impl Action {
    /// Returns the word for it in a printed plan.
    pub fn word(self) -> &'static str {
        match self {
            Action::MakeFolder => "mkdir",
            Action::Create => "create",
            Action::Replace => "replace",
            Action::Delete => "delete",
            Action::DeleteFolder => "rmdir",
        }
    }

    /// Returns whether a file is written.
    pub fn writes(self) -> bool {
        matches!(self, Action::Create | Action::Replace)
    }
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Step {
    /// What.
    pub action: Action,
    /// To which path of the destination.
    pub path: RelativePath,
    /// Size in bytes of the file to be written, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// What to do, in order, and what not.
///
/// Displayed, it is one line for each step and each kept path: the word, and the path.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Plan {
    /// What to do, in this order: what is in the way goes first; then come folders, outermost first; then files,
    /// innermost first, and last of all those that a board starts with (`boot.py`, then `main.py` and `code.py`); then
    /// what the source does not have is removed. An interruption leaves a board that still has what its old or
    /// its new program needs.
    pub steps: Vec<Step>,
    /// What stays although the source has it otherwise or not at all, because it is [`Protection::Kept`].
    pub kept: Vec<RelativePath>,
    /// Files that are the same already.
    pub unchanged: Vec<RelativePath>,
}

/// Why there is no plan: something is in the way, and was not allowed to go.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// A file where a folder is wanted.
    #[error("`{path}` is a file at the destination, and a folder at the source")]
    FileInTheWay {
        /// The path of both.
        path: RelativePath,
    },
    /// A folder where a file is wanted.
    #[error("`{path}` is a folder at the destination, and a file at the source")]
    FolderInTheWay {
        /// The path of both.
        path: RelativePath,
    },
    /// Something kept, ignored or foreign where something else is wanted.
    #[error("`{path}` at the destination is not to be touched, but is in the way")]
    ProtectedInTheWay {
        /// The path.
        path: RelativePath,
    },
}

/// Decides how `destination` becomes like `source`.
///
/// Files are the same if their sizes are, and their hashes: where one hash is not known, the file is sent.
///
/// # Errors
///
/// Everything that is in the way and may not be removed.
pub fn plan(
    source: &Tree,
    destination: &Tree,
    options: &Options<'_>,
) -> Result<Plan, Vec<Conflict>> {
    let mut planner = Planner {
        source,
        destination,
        options,
        plan: Plan::default(),
        cleared: BTreeSet::new(),
        clearing: Vec::new(),
        folders: Vec::new(),
        writes: Vec::new(),
        conflicts: Vec::new(),
    };
    for (path, node) in source.iter() {
        planner.take(path, node);
    }
    let deletions = planner.deletions();
    planner.finish(deletions)
}

struct Planner<'a> {
    source: &'a Tree,
    destination: &'a Tree,
    options: &'a Options<'a>,
    plan: Plan,
    /// What is gone by [`Planner::clearing`].
    cleared: BTreeSet<RelativePath>,
    clearing: Vec<Step>,
    folders: Vec<Step>,
    writes: Vec<Step>,
    conflicts: Vec<Conflict>,
}

impl Planner<'_> {
    fn take(&mut self, path: &RelativePath, node: &Node) {
        let existing = match self.cleared.contains(path) {
            true => None,
            false => self.destination.get(path),
        };
        match (node, existing) {
            (Node::Foreign, _) | (Node::Folder, Some(Node::Folder)) => {}
            (Node::Folder, None) => self.folders.push(step(Action::MakeFolder, path)),
            (Node::File { .. }, None) => self.write(Action::Create, path, node),
            (Node::File { .. }, Some(existing @ Node::File { .. })) => {
                if !self.options.force && is_same(node, existing) {
                    self.plan.unchanged.push(path.clone());
                } else if self.protection(path, existing) == Protection::None {
                    self.write(Action::Replace, path, node);
                } else {
                    self.plan.kept.push(path.clone());
                }
            }
            (Node::Folder, Some(existing @ Node::File { .. })) => {
                if self.clear(path, existing) {
                    self.folders.push(step(Action::MakeFolder, path));
                } else if self.options.delete {
                    self.refuse(Conflict::ProtectedInTheWay { path: path.clone() });
                } else {
                    self.refuse(Conflict::FileInTheWay { path: path.clone() });
                }
            }
            (Node::File { .. }, Some(existing @ Node::Folder)) => {
                if self.clear(path, existing) {
                    self.write(Action::Create, path, node);
                } else if self.options.delete {
                    self.refuse(Conflict::ProtectedInTheWay { path: path.clone() });
                } else {
                    self.refuse(Conflict::FolderInTheWay { path: path.clone() });
                }
            }
            (_, Some(Node::Foreign)) => {
                self.refuse(Conflict::ProtectedInTheWay { path: path.clone() });
            }
        }
    }

    fn write(&mut self, action: Action, path: &RelativePath, node: &Node) {
        let size = match node {
            Node::File { size, .. } => *size,
            Node::Folder | Node::Foreign => None,
        };
        self.writes.push(Step {
            size,
            ..step(action, path)
        });
    }

    /// Takes out of the way what has this path, and all below it, if all of it may go.
    fn clear(&mut self, path: &RelativePath, existing: &Node) -> bool {
        let below = self.destination.below(path);
        let all = std::iter::once((path, existing)).chain(below);
        let all = all.collect::<Vec<(&RelativePath, &Node)>>();
        let may_go = |(path, node): &(&RelativePath, &Node)| {
            **node != Node::Foreign && self.protection(path, node) == Protection::None
        };
        if !self.options.delete || !all.iter().all(may_go) {
            return false;
        }
        for (path, node) in all.into_iter().rev() {
            self.clearing.push(removal(path, node));
            self.cleared.insert(path.clone());
        }
        true
    }

    fn refuse(&mut self, conflict: Conflict) {
        self.conflicts.push(conflict);
    }

    fn protection(&self, path: &RelativePath, node: &Node) -> Protection {
        let protection = self.options.protection;
        protection.map_or(Protection::None, |protection| protection(path, node))
    }

    /// Removes what the source does not have: what is in a folder before the folder.
    fn deletions(&mut self) -> Vec<Step> {
        let mut deletions = Vec::new();
        // Folders that something stays in.
        let mut occupied = BTreeSet::new();
        for (path, node) in self.destination.iter().rev() {
            if self.cleared.contains(path) {
                continue;
            }
            let superseded = self.options.superseded;
            let superseded = superseded.is_some_and(|paths| paths.contains(path));
            let unwanted = self.source.get(path).is_none() && (self.options.delete || superseded);
            let protection = self.protection(path, node);
            let goes = unwanted
                && protection == Protection::None
                && *node != Node::Foreign
                && !occupied.contains(path);
            if goes {
                deletions.push(removal(path, node));
                continue;
            }
            if unwanted && protection == Protection::Kept {
                self.plan.kept.push(path.clone());
            }
            occupied.extend(path.parent());
        }
        deletions
    }

    fn finish(mut self, mut deletions: Vec<Step>) -> Result<Plan, Vec<Conflict>> {
        if !self.conflicts.is_empty() {
            return Err(self.conflicts);
        }
        // On a file system that takes upper and lower case for the same, the old name must go before the new one
        // comes, or the new file would be removed.
        let written = self.writes.iter().chain(&self.folders);
        let written = written
            .map(|step| step.path.as_str().to_lowercase())
            .collect::<BTreeSet<String>>();
        let clashes = |step: &Step| written.contains(&step.path.as_str().to_lowercase());
        let (sooner, later): (Vec<Step>, Vec<Step>) = match self.options.delete_first {
            true => (std::mem::take(&mut deletions), Vec::new()),
            // A folder among them goes with all that is in it, which clashes by its folder's name.
            false => {
                let folders = deletions
                    .iter()
                    .filter(|step| step.action == Action::DeleteFolder && clashes(step));
                let folders = folders
                    .map(|step| step.path.clone())
                    .collect::<BTreeSet<RelativePath>>();
                let goes_with_folder = |path: &RelativePath| {
                    let above = std::iter::successors(path.parent(), RelativePath::parent);
                    above.into_iter().any(|folder| folders.contains(&folder))
                };
                std::mem::take(&mut deletions)
                    .into_iter()
                    .partition(|step| clashes(step) || goes_with_folder(&step.path))
            }
        };
        self.writes.sort_by(|one, other| {
            let key = |step: &Step| {
                (
                    start_files::rank(step.path.as_str()),
                    usize::MAX - step.path.depth(),
                )
            };
            key(one)
                .cmp(&key(other))
                .then_with(|| one.path.cmp(&other.path))
        });
        self.plan.kept.sort();
        // What is in a kept folder goes without saying.
        self.plan
            .kept
            .dedup_by(|path, before| path.is_below(before));
        self.plan.steps = self.clearing;
        self.plan.steps.extend(sooner);
        self.plan.steps.extend(self.folders);
        self.plan.steps.extend(self.writes);
        self.plan.steps.extend(later);
        Ok(self.plan)
    }
}

fn step(action: Action, path: &RelativePath) -> Step {
    Step {
        action,
        path: path.clone(),
        size: None,
    }
}

fn removal(path: &RelativePath, node: &Node) -> Step {
    match node {
        Node::Folder => step(Action::DeleteFolder, path),
        Node::File { .. } | Node::Foreign => step(Action::Delete, path),
    }
}

fn is_same(source: &Node, destination: &Node) -> bool {
    match (source, destination) {
        (
            Node::File {
                size: Some(size),
                digest: Some(digest),
            },
            Node::File {
                size: Some(existing),
                digest: Some(existing_digest),
            },
        ) => size == existing && digest == existing_digest,
        (Node::File { size, .. }, Node::File { size: existing, .. }) => {
            // An empty file has one content only.
            *size == Some(0) && *existing == Some(0)
        }
        _ => false,
    }
}

impl Plan {
    /// Returns whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Bytes of all files to be written, as far as their sizes are known.
    pub fn bytes(&self) -> u64 {
        self.steps.iter().filter_map(|step| step.size).sum()
    }

    /// Returns how many steps there are of each kind.
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for step in &self.steps {
            *counts.entry(step.action.word()).or_default() += 1;
        }
        counts
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "{step}")?;
        }
        for path in &self.kept {
            writeln!(f, "{:<8} {path}", "keep")?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = match self.action {
            Action::MakeFolder | Action::DeleteFolder => "/",
            Action::Create | Action::Replace | Action::Delete => "",
        };
        write!(f, "{:<8} {}{slash}", self.action.word(), self.path)
    }
}

#[cfg(test)]
mod tests;
