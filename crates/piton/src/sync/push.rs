//! Syncing from this computer to a board.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use piton_board::deadline::Deadline;
use piton_board::stop::Stop;
use piton_fs::plan::{self, Action, Node, Plan, Protection, plan};
use piton_fs::remote::RemoteFs;
use piton_fs::transfer::{Outgoing, SendOptions, Step, TransferEvent};
use piton_path::BoardPath;
use piton_path::RelativePath;
use tracing::debug;

use super::board_side::{Root, folders_to, note_equal_files, sizes, survey};
use super::{
    Content, Error, HostTree, Options, SyncEvent, has_reserved_name, log_plan, make, walk,
};
use crate::times::CONTENT_TIME;

/// The planned sync of a folder of this computer to a board.
#[derive(Debug)]
pub struct Push {
    plan: Plan,
    root: BoardPath,
    /// The missing parent folders of the root.
    folders: Vec<BoardPath>,
    contents: BTreeMap<RelativePath, Content>,
    /// The temporary files of interrupted transfers, which are not needed any more.
    leftovers: Vec<BoardPath>,
    dangling: Vec<PathBuf>,
    private: Vec<PathBuf>,
    reserved: Vec<PathBuf>,
    foreign_journals: Vec<BoardPath>,
    /// Sizes of the board's files.
    sizes: BTreeMap<RelativePath, u64>,
    verify: bool,
    /// Whether all new files fit into the space that was free, beside the old ones.
    fits: bool,
}

/// Compares `folder` with the folder `root` of the board, and plans the steps. Nothing is
/// changed, except by [`Options::settle`].
///
/// The empty path is the board's current folder. The content of `folder` is copied into `root`, which is created if it
/// is missing.
///
/// # Errors
///
/// [`Error::Read`] and other errors of [`walk`]; [`Error::NotCompiled`]; [`Error::NotAFolder`],
/// [`Error::InTheWay`] for entries of the board; [`Error::Fs`].
pub fn push(
    remote: &mut RemoteFs<'_, '_>,
    folder: &Path,
    root: &BoardPath,
    options: &Options,
) -> Result<Push, Error> {
    let mut host = walk(folder, &options.ignore, options.links)?;
    host.remove(&options.unsent);
    let superseded = make::make(&mut host, &options.make)?;
    push_tree(remote, host, &superseded, root, options)
}

/// As [`push`], for the files of `host`, which need not be files of this computer. Files of the board at `superseded`
/// are removed.
///
/// # Errors
///
/// As for [`push`].
pub fn push_tree(
    remote: &mut RemoteFs<'_, '_>,
    mut host: HostTree,
    superseded: &BTreeSet<RelativePath>,
    root: &BoardPath,
    options: &Options,
) -> Result<Push, Error> {
    let mut survey = survey(remote, root, &sizes(&host.tree), options)?;
    if survey.root == Root::Other {
        return Err(Error::NotAFolder { path: root.clone() });
    }
    note_equal_files(&mut host.tree, &host.contents, &mut survey)?;
    let HostTree {
        tree,
        contents,
        ignored,
        dangling,
        private,
        reserved,
    } = host;
    let protection = |path: &RelativePath, node: &Node| {
        if has_reserved_name(path) || ignored.covers(path.as_str(), node.is_folder()) {
            Protection::Ignored
        } else if options.keep.covers(path.as_str(), node.is_folder()) {
            Protection::Kept
        } else {
            Protection::None
        }
    };
    let mut plan_options = plan::Options {
        delete: options.delete,
        protection: Some(&protection),
        superseded: Some(superseded),
        ..plan::Options::default()
    };
    let decide = |plan_options: &plan::Options<'_>| {
        plan(&tree, &survey.tree, plan_options).map_err(|conflicts| Error::InTheWay { conflicts })
    };
    let mut plan = decide(&plan_options)?;
    let fits = survey
        .space
        .map(|space| needed(&plan, space.block) <= space.free);
    if fits == Some(false) {
        // Files that are replaced keep their space until the new ones are complete.
        debug!("the board has too little space for old and new files, so files are removed first");
        plan_options.delete_first = true;
        plan = decide(&plan_options)?;
    }
    log_plan(&plan);
    let leftovers = survey
        .leftovers
        .iter()
        .filter(|(path, _)| options.delete || matches!(tree.get(path), Some(Node::File { .. })));
    let leftovers = leftovers.map(|(_, leftover)| leftover.clone()).collect();
    Ok(Push {
        plan,
        folders: match survey.root {
            Root::Missing => folders_to(root),
            Root::Folder | Root::Other => Vec::new(),
        },
        root: root.clone(),
        contents,
        leftovers,
        dangling,
        private,
        reserved,
        foreign_journals: survey.foreign_journals,
        sizes: sizes(&survey.tree),
        verify: options.verify,
        fits: fits == Some(true),
    })
}

/// Returns the space that the files of a plan take, in whole blocks.
fn needed(plan: &Plan, block: u64) -> u64 {
    let sizes = plan.steps.iter().filter_map(|step| step.size);
    let rooms = sizes.map(|size| size.div_ceil(block.max(1)).saturating_mul(block.max(1)));
    rooms.fold(0, u64::saturating_add)
}

impl Push {
    /// Returns the plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Sorts the files that `order` names into this order. Folders and removals keep their positions.
    pub fn arrange(&mut self, order: &[RelativePath]) {
        let ranks = order.iter().enumerate();
        let ranks = ranks
            .map(|(rank, path)| (path, rank))
            .collect::<BTreeMap<&RelativePath, usize>>();
        let is_file = |step: &plan::Step| matches!(step.action, Action::Create | Action::Replace);
        let steps = &mut self.plan.steps;
        let files = steps.iter().filter(|step| is_file(step));
        let mut files = files.cloned().collect::<Vec<_>>();
        files.sort_by_key(|step| ranks.get(&step.path).copied());
        let places = steps.iter_mut().filter(|step| is_file(step));
        for (place, file) in places.zip(files) {
            *place = file;
        }
    }

    /// Returns the files of the folder that are left out because they usually hold passwords or secret keys.
    pub fn private(&self) -> &[PathBuf] {
        &self.private
    }

    /// Returns the symbolic links in the folder without a target. They are left out.
    pub fn dangling(&self) -> &[PathBuf] {
        &self.dangling
    }

    /// Returns the files of the folder with a [reserved](piton_path::is_reserved) name. They are left out.
    pub fn reserved(&self) -> &[PathBuf] {
        &self.reserved
    }

    /// Returns the files of the board with the name of a journal that are not journals: see [`FsError::NotAJournal`].
    /// They stay.
    ///
    /// [`FsError::NotAJournal`]: piton_fs::error::Error::NotAJournal
    pub fn foreign_journals(&self) -> &[BoardPath] {
        &self.foreign_journals
    }

    /// Carries the plan out.
    ///
    /// # Errors
    ///
    /// [`Error::Fs`] if the board refuses a file, [`Error::Read`] for a file that was removed meanwhile; that of an
    /// interruption when `events` breaks. The reported steps are carried out; each other file is unchanged.
    pub fn apply(
        &self,
        remote: &mut RemoteFs<'_, '_>,
        events: &mut dyn FnMut(SyncEvent) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let mut stop = Stop::new(remote.cancel());
        let events = &mut |event| stop.report(|| events(event));
        let folders = self.folders.iter().cloned().map(Step::MakeDir);
        let mut steps = folders.collect::<Vec<Step<'_>>>();
        let first = steps.len();
        for step in &self.plan.steps {
            let path = step.path.below(&self.root);
            steps.push(match step.action {
                Action::MakeFolder => Step::MakeDir(path),
                Action::Delete => Step::Remove(path),
                Action::DeleteFolder => Step::RemoveDir(path),
                Action::Create | Action::Replace => {
                    let content = self.contents.get(&step.path);
                    Step::Write(Outgoing {
                        path,
                        size: step.size.unwrap_or_default(),
                        replaces: match step.action {
                            Action::Create => Some(0),
                            _ => self.sizes.get(&step.path).copied(),
                        },
                        in_place: false,
                        open: Box::new(move || match content {
                            Some(content) => content.open(),
                            None => Err(io::ErrorKind::NotFound.into()),
                        }),
                    })
                }
            });
        }
        steps.extend(self.leftovers.iter().cloned().map(Step::Remove));
        let mut options = SendOptions::default();
        options.verify = self.verify;
        options.fits = self.fits;
        let mut report = |event| match event {
            TransferEvent::Moved { step, bytes, .. } if step >= first => events(SyncEvent::Moved {
                step: step - first,
                bytes,
            }),
            TransferEvent::Done { step } if step >= first => {
                events(SyncEvent::Done { step: step - first });
            }
            _ => {}
        };
        remote.send(steps, &options, &mut report, Deadline::after(CONTENT_TIME))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan_of(steps: &[(Action, &str, Option<u64>)]) -> Plan {
        let steps = steps.iter().map(|(action, path, size)| plan::Step {
            action: *action,
            path: path.parse().unwrap(),
            size: *size,
        });
        Plan {
            steps: steps.collect(),
            ..Plan::default()
        }
    }

    #[test]
    fn each_file_takes_whole_blocks() {
        let plan = plan_of(&[
            (Action::Create, "a", Some(1)),
            (Action::Replace, "b", Some(4096)),
            (Action::Create, "c", Some(4097)),
            (Action::Create, "empty", Some(0)),
            (Action::MakeFolder, "d", None),
            (Action::Delete, "e", None),
        ]);
        assert_eq!(needed(&plan, 4096), 4096 + 4096 + 8192);
        // A board that says nothing of its blocks, and one that says nonsense.
        assert_eq!(needed(&plan, 0), 1 + 4096 + 4097);
        assert_eq!(needed(&plan, u64::MAX), u64::MAX);
        assert_eq!(needed(&Plan::default(), 512), 0);
    }

    #[test]
    fn files_are_arranged_among_themselves_and_other_steps_stay() {
        let mut push = Push {
            plan: plan_of(&[
                (Action::MakeFolder, "lib", None),
                (Action::Create, "a", None),
                (Action::Replace, "lib/b", None),
                (Action::DeleteFolder, "old", None),
                (Action::Create, "main.py", None),
                (Action::Create, "c", None),
            ]),
            root: BoardPath::root(),
            folders: Vec::new(),
            contents: BTreeMap::new(),
            leftovers: Vec::new(),
            dangling: Vec::new(),
            private: Vec::new(),
            reserved: Vec::new(),
            foreign_journals: Vec::new(),
            sizes: BTreeMap::new(),
            verify: false,
            fits: true,
        };
        let order = ["lib/b", "c", "main.py"].map(|path| path.parse().unwrap());
        push.arrange(&order);
        let paths: Vec<&str> = push
            .plan()
            .steps
            .iter()
            .map(|step| step.path.as_str())
            .collect();
        // A file that the order does not name comes first: nothing that runs depends on it.
        assert_eq!(paths, ["lib", "a", "lib/b", "old", "c", "main.py"]);
        assert!(push.dangling().is_empty() && push.private().is_empty());
        assert!(push.reserved().is_empty() && push.foreign_journals().is_empty());
    }
}
