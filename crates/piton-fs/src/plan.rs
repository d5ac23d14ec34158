//! Deciding the steps that make one tree of files like another, without touching a file.
//!
//! [`plan`] compares two [`Tree`]s and returns a [`Plan`]: the steps in order, which can be printed before they are
//! carried out. It works in both directions, to a board and from it.

mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use piton_path::RelativePath;

use crate::start_files;

pub use tree::{Node, Tree, TreeError};

/// Options of a plan.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// Remove entries that the source does not have. Without it only [`Options::superseded`] are removed.
    pub delete: bool,
    /// Send files even if they are unchanged.
    pub force: bool,
    /// Remove entries before files are written, to make space. After an interruption the old program may then lack a file
    /// that it needs.
    pub delete_first: bool,
    /// Which entries of the destination are protected; `None` for no protection.
    pub protection: Option<&'a Protect<'a>>,
    /// Files of the destination that are replaced by a file of the source with another name: they are removed even
    /// without [`Options::delete`].
    pub superseded: Option<&'a BTreeSet<RelativePath>>,
}

/// A function that returns the protection of an entry at the destination.
pub type Protect<'a> = dyn Fn(&RelativePath, &Node) -> Protection + 'a;

/// The protection of an entry at the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Not at all.
    None,
    /// Neither removed nor replaced; the plan mentions it.
    Kept,
    /// Treated as missing, and never removed. The plan does not mention it.
    Ignored,
}

/// The action of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Make a folder.
    MakeFolder,
    /// Write a new file.
    Create,
    /// Replace a file that has other content.
    Replace,
    /// Remove a file.
    Delete,
    /// Remove a folder, which is empty at that point.
    DeleteFolder,
}

impl Action {
    /// Returns the action's word in a printed plan.
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

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Step {
    /// The action.
    pub action: Action,
    /// The path at the destination.
    pub path: RelativePath,
    /// Size in bytes of the file to be written, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// The steps in order, and the paths without a step.
///
/// Displayed, it is one line for each step and each kept path: the word, and the path.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Plan {
    /// The steps, in this order: removals of entries that are in the way; new folders, outermost first; files, innermost
    /// first, with the files that a board starts with (`boot.py`, then `main.py` and `code.py`) at the end; removals of
    /// entries that the source does not have. After an interruption the board still has the files that its old or its
    /// new program needs.
    pub steps: Vec<Step>,
    /// Paths that differ from the source or are missing there, and stay because they are [`Protection::Kept`].
    pub kept: Vec<RelativePath>,
    /// Files that are the same at source and destination.
    pub unchanged: Vec<RelativePath>,
}

/// An entry that is in the way and may not be removed.
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
    /// A kept, ignored or foreign entry where something else is wanted.
    #[error("`{path}` at the destination is protected and in the way")]
    ProtectedInTheWay {
        /// The path.
        path: RelativePath,
    },
}

/// Returns the plan that makes `destination` like `source`.
///
/// Files are the same if their sizes and their hashes are equal. If a hash is unknown, the file is sent.
///
/// # Errors
///
/// All entries that are in the way and may not be removed.
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
    /// The entries that [`Planner::clearing`] removes.
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

    /// Plans the removal of an entry that is in the way, with everything below it. Returns false if a part of it is
    /// protected.
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

    /// Returns the removals of entries that the source does not have: contents of a folder before the folder.
    fn deletions(&mut self) -> Vec<Step> {
        let mut deletions = Vec::new();
        // Folders that still have an entry afterwards.
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
        // A case-insensitive file system (FAT) has one file for `A.py` and `a.py`: the old name must be removed
        // before the new one is written, or the removal would delete the new file.
        let written = self.writes.iter().chain(&self.folders);
        let written = written
            .map(|step| step.path.as_str().to_lowercase())
            .collect::<BTreeSet<String>>();
        let clashes = |step: &Step| written.contains(&step.path.as_str().to_lowercase());
        let (sooner, later): (Vec<Step>, Vec<Step>) = match self.options.delete_first {
            true => (std::mem::take(&mut deletions), Vec::new()),
            // A folder is removed with its contents, whose names clash by the name of this folder.
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
        // The contents of a kept folder are not listed.
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
            // All empty files have the same content.
            *size == Some(0) && *existing == Some(0)
        }
        _ => false,
    }
}

impl Plan {
    /// Returns whether there are no steps.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Returns the bytes of all files to be written, as far as their sizes are known.
    pub fn bytes(&self) -> u64 {
        self.steps.iter().filter_map(|step| step.size).sum()
    }

    /// Returns the number of steps for each action.
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
