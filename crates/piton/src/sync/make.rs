//! What becomes of Python sources on their way to a board.

use std::collections::BTreeSet;

use piton_board::facts::BoardFacts;
use piton_compiler::{Options as CompilerOptions, Target};
use piton_fs::plan::{Node, Tree, TreePath};
use piton_mpy::header::Arch;

use super::{Content, Error, HostTree, Make, Rejected};

/// The version of the `.mpy` format that the compiler writes.
const MPY_VERSION: u8 = 6;

/// The sources that a board looks for by name when it starts: a `.mpy` file in their place would not run.
const START_FILES: &[&str] = &["boot.py", "main.py", "code.py"];

impl Make {
    /// `.mpy` files as this board loads them.
    ///
    /// # Errors
    ///
    /// [`Error::NoMpy`] if it loads none, or of another version only.
    pub fn compile_for(facts: &BoardFacts) -> Result<Make, Error> {
        let mpy = facts.mpy.as_ref();
        let version = mpy.map(|mpy| mpy.version);
        let Some(mpy) = mpy.filter(|mpy| mpy.version == MPY_VERSION) else {
            return Err(Error::NoMpy { version });
        };
        let release = facts.release.as_deref().unwrap_or_default();
        let target = match facts.implementation.as_deref() {
            Some("circuitpython") if release.starts_with("9.") => Target::CircuitPython9,
            Some("circuitpython") if release.starts_with("10.") => Target::CircuitPython10,
            Some("circuitpython") => return Err(Error::NoMpy { version }),
            _ => Target::MicroPython,
        };
        Ok(Make::Compile(CompilerOptions {
            arch: mpy.arch.and_then(Arch::from_name),
            target,
            ..CompilerOptions::new("")
        }))
    }
}

/// Replace the sources of a tree by what is made from them. Gives the paths of files that are superseded by it,
/// wherever they are: on a board `foo.py` would be imported before `foo.mpy`.
pub(super) fn make(host: &mut HostTree, make: &Make) -> Result<BTreeSet<TreePath>, Error> {
    let Make::Compile(options) = make;
    let mut superseded = BTreeSet::new();
    let mut rejected = Vec::new();
    let mut tree = Tree::new();
    let mut add = |path: TreePath, node: Node| {
        let again = path.clone();
        tree.insert(path, node).map_err(|error| Error::Unwritable {
            path: again,
            reason: error.to_string(),
        })
    };
    for (path, node) in host.tree.iter() {
        let source = path.with_end(".mpy", ".py");
        if source.is_some_and(|source| !is_start(&source) && host.contents.contains_key(&source)) {
            // Compiled from that source, here or earlier.
            continue;
        }
        let made = path.with_end(".py", ".mpy").filter(|_| !is_start(path));
        let content = host.contents.get(path);
        let (Some(made), Some(content)) = (made, content) else {
            add(path.clone(), node.clone())?;
            continue;
        };
        match compile(path, content, options)? {
            Ok(bytes) => {
                let node = Node::File {
                    size: Some(bytes.len() as u64),
                    digest: None,
                };
                add(made.clone(), node)?;
                superseded.insert(path.clone());
                host.contents.insert(made, Content::Made(bytes));
            }
            Err(failure) => rejected.push(failure),
        }
    }
    if !rejected.is_empty() {
        return Err(Error::NotCompiled { rejected });
    }
    host.tree = tree;
    Ok(superseded)
}

fn is_start(path: &TreePath) -> bool {
    path.depth() == 0 && START_FILES.contains(&path.name())
}

fn compile(
    path: &TreePath,
    content: &Content,
    options: &CompilerOptions,
) -> Result<Result<Vec<u8>, Rejected>, Error> {
    let source = content.read()?;
    let options = CompilerOptions {
        input_name: path.as_str().as_bytes().to_vec(),
        ..options.clone()
    };
    match piton_compiler::compile(&source, &options) {
        Ok(module) => match piton_mpy::writer::write(&module) {
            Ok(bytes) => Ok(Ok(bytes)),
            Err(error) => Err(Error::Unwritable {
                path: path.clone(),
                reason: error.to_string(),
            }),
        },
        Err(diagnostic) => Ok(Err(Rejected {
            path: match content {
                Content::File { path, .. } => path.clone(),
                Content::Made(_) => path.as_str().into(),
            },
            diagnostic,
            source,
        })),
    }
}
