//! From this computer to a board.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use piton_board::deadline::Deadline;
use piton_fs::error::Error as FsError;
use piton_fs::hash::HashAlgorithm;
use piton_fs::path::BoardPath;
use piton_fs::plan::{self, Action, Node, Plan, Protection, TreePath, plan};
use piton_fs::remote::RemoteFs;

use super::board_side::{Reach, Root, folders_to, settle_digests, sizes, survey};
use super::{CONTENT_TIME, Content, Error, Event, HostTree, Options, STEP_TIME, make, walk};

/// What a folder of a board lacks to be like one of this computer.
#[derive(Debug)]
pub struct Push {
    plan: Plan,
    root: BoardPath,
    /// Folders that lead to the root, if it is not there.
    folders: Vec<BoardPath>,
    contents: BTreeMap<TreePath, Content>,
    dangling: Vec<PathBuf>,
    verify: bool,
}

/// Compare `folder` with the folder `root` of the board, and decide what to do. Nothing is changed.
///
/// The board's current folder is the empty path. What is in `folder` goes into `root`, which is made if it is missing.
///
/// # Errors
///
/// [`Error::Read`] and what [`walk`] says of the folder; [`Error::NotCompiled`]; [`Error::NotAFolder`],
/// [`Error::InTheWay`] for what is on the board; [`Error::Fs`].
pub fn push(
    remote: &mut RemoteFs<'_, '_>,
    folder: &Path,
    root: &BoardPath,
    options: &Options,
) -> Result<Push, Error> {
    let mut host = walk(folder, &options.ignore, options.links)?;
    let superseded = make::make(&mut host, &options.make)?;
    let reach = match options.delete {
        // What is on another file system is not removed by mistake.
        true => Reach::OneFileSystem,
        false => Reach::All,
    };
    let mut survey = survey(remote, root, &sizes(&host.tree), reach)?;
    if survey.root == Root::Other {
        return Err(Error::NotAFolder { path: root.clone() });
    }
    settle_digests(&mut host.tree, &host.contents, &mut survey)?;
    let HostTree {
        tree,
        contents,
        ignored,
        dangling,
    } = host;
    let protection = |path: &TreePath, node: &Node| {
        if ignored.covers(path.as_str(), node.is_folder()) {
            Protection::Ignored
        } else if options.keep.covers(path.as_str(), node.is_folder()) {
            Protection::Kept
        } else {
            Protection::None
        }
    };
    let mut how = plan::Options {
        delete: options.delete,
        protection: Some(&protection),
        superseded: Some(&superseded),
        ..plan::Options::default()
    };
    let decide = |how: &plan::Options<'_>| {
        plan(&tree, &survey.tree, how).map_err(|conflicts| Error::InTheWay { conflicts })
    };
    let mut plan = decide(&how)?;
    // Files that are replaced keep their space until the new ones are complete.
    if survey.free.is_some_and(|free| plan.bytes() > free) {
        how.delete_first = true;
        plan = decide(&how)?;
    }
    Ok(Push {
        plan,
        folders: match survey.root {
            Root::Missing => folders_to(root),
            Root::Folder | Root::Other => Vec::new(),
        },
        root: root.clone(),
        contents,
        dangling,
        verify: options.verify,
    })
}

impl Push {
    /// What will be done.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Symbolic links in the folder that name nothing. They are left out.
    pub fn dangling(&self) -> &[PathBuf] {
        &self.dangling
    }

    /// Do it.
    ///
    /// # Errors
    ///
    /// [`Error::Fs`] for what the board refuses, [`Error::Read`] for a file that is gone by now. What was told as
    /// done is done; each other file is as it was.
    pub fn apply(
        &self,
        remote: &mut RemoteFs<'_, '_>,
        events: &mut dyn FnMut(Event),
    ) -> Result<(), Error> {
        let deadline = || Deadline::after(STEP_TIME);
        for folder in &self.folders {
            if !remote.is_dir(folder, deadline())? {
                remote.make_dir(folder, deadline())?;
            }
        }
        for (index, step) in self.plan.steps.iter().enumerate() {
            let path = step.path.below(&self.root);
            match step.action {
                Action::MakeFolder => remote.make_dir(&path, deadline())?,
                Action::Delete => remote.remove_file(&path, deadline())?,
                Action::DeleteFolder => remote.remove_dir(&path, deadline())?,
                Action::Create | Action::Replace => {
                    let Some(content) = self.contents.get(&step.path) else {
                        continue;
                    };
                    let mut moved = |event| {
                        if let piton_fs::Event::Wrote { bytes, .. } = event {
                            events(Event::Moved { step: index, bytes });
                        }
                    };
                    let bytes = content.read()?;
                    let deadline = Deadline::after(CONTENT_TIME);
                    remote.write(&path, &bytes, &mut moved, deadline)?;
                    if self.verify {
                        verify(remote, &path, &bytes)?;
                    }
                }
            }
            events(Event::Done { step: index });
        }
        Ok(())
    }
}

/// Have the board hash what it has written.
fn verify(remote: &mut RemoteFs<'_, '_>, path: &BoardPath, bytes: &[u8]) -> Result<(), Error> {
    let algorithm = HashAlgorithm::Sha256;
    let found = remote.hash(path, algorithm, Deadline::after(CONTENT_TIME))?;
    let expected = algorithm.digest(bytes);
    if found == expected {
        return Ok(());
    }
    let text = |digest: &[u8]| format!("SHA-256 {}", super::record::hex(digest));
    Err(Error::Fs(FsError::Damaged {
        path: path.clone(),
        expected: text(&expected),
        found: text(&found),
    }))
}
