//! What becomes of Python sources on their way to a board.

use std::collections::BTreeSet;
use std::path::Path;

use piton_board::facts::BoardFacts;
use piton_compiler::{ErrorType, Options as CompilerOptions};
use piton_fs::plan::{Node, Tree};
use piton_path::RelativePath;
use piton_syntax::MinifyOptions;

use super::{Content, Error, HostTree, Make, Options, Rejected, walk};
use crate::board_format::BoardFormat;
use crate::compile::native;

/// The sources that a board looks for by name when it starts: a `.mpy` file in their place would not run.
const START_FILES: &[&str] = &["boot.py", "main.py", "code.py"];

/// Returns how sources are compiled for this board.
///
/// # Errors
///
/// [`Error::NoMpy`] if it loads no `.mpy` files that the compiler makes.
pub fn compiler_options(facts: &BoardFacts) -> Result<CompilerOptions, Error> {
    Ok(BoardFormat::from(facts).compiler_options("")?)
}

/// The sources of a folder that break the rules of the language, with their paths in the folder: a board would refuse
/// them at the import. Machine code (`@micropython.native`) and what else only the compiler itself cannot do is left to the board.
///
/// # Errors
///
/// As for [`super::walk`].
pub fn check(
    folder: &Path,
    options: &Options,
    compiler: &CompilerOptions,
) -> Result<Vec<(RelativePath, Rejected)>, Error> {
    let host = walk(folder, &options.ignore, options.links)?;
    let mut rejected = Vec::new();
    for (tree_path, content) in &host.contents {
        let Content::File { path, .. } = content else {
            continue;
        };
        if !tree_path.file_name().ends_with(".py") {
            continue;
        }
        let source = content.read()?;
        let options = CompilerOptions {
            input_name: tree_path.as_str().as_bytes().to_vec(),
            ..compiler.clone()
        };
        if let Err(diagnostic) = piton_compiler::compile(&source, &options)
            && matches!(
                diagnostic.error_type(),
                ErrorType::SyntaxError | ErrorType::IndentationError
            )
            // Without a processor to compile for, a decorator that asks for machine code is a syntax error ("invalid
            // arch"). The board compiles such a source itself.
            && !native::needs_native(&source, &options, &diagnostic)
        {
            let rejection = Rejected {
                path: path.clone(),
                diagnostic,
                source,
            };
            rejected.push((tree_path.clone(), rejection));
        }
    }
    Ok(rejected)
}

/// Replace the sources of a tree by what is made from them. Gives the paths of files that are superseded by it,
/// wherever they are: on a board `foo.py` would be imported before `foo.mpy`.
pub(super) fn make(host: &mut HostTree, how: &Make) -> Result<BTreeSet<RelativePath>, Error> {
    let mut superseded = BTreeSet::new();
    let mut rejected = Vec::new();
    let mut tree = Tree::new();
    for (path, node) in host.tree.iter() {
        let source = path.with_end(".mpy", ".py");
        if how.compile.is_some()
            && source
                .is_some_and(|source| !is_start(&source) && host.contents.contains_key(&source))
        {
            // Compiled from that source, here or earlier.
            continue;
        }
        let (to, made) = match host.contents.get(path) {
            Some(content) if path.file_name().ends_with(".py") => make_one(path, content, how)?,
            _ => (path.clone(), None),
        };
        let node = match made {
            None => node.clone(),
            Some(Ok(bytes)) => {
                let size = Some(bytes.len() as u64);
                host.contents.insert(to.clone(), Content::Made(bytes));
                Node::File { size, digest: None }
            }
            Some(Err(failure)) => {
                rejected.push(failure);
                continue;
            }
        };
        if to != *path {
            superseded.insert(path.clone());
        }
        let again = to.clone();
        let added = tree.insert(to, node);
        added.map_err(|error| Error::Unwritable {
            path: again,
            reason: error.to_string(),
        })?;
    }
    if !rejected.is_empty() {
        return Err(Error::NotCompiled { rejected });
    }
    host.tree = tree;
    Ok(superseded)
}

pub(super) fn is_start(path: &RelativePath) -> bool {
    path.depth() == 0 && START_FILES.contains(&path.file_name())
}

/// What a source becomes, and under which path; `None` if it stays as it is.
type Made = (RelativePath, Option<Result<Vec<u8>, Rejected>>);

fn make_one(path: &RelativePath, content: &Content, how: &Make) -> Result<Made, Error> {
    let compiled = path.with_end(".py", ".mpy").filter(|_| !is_start(path));
    let input_name = path.as_str().as_bytes().to_vec();
    let (to, source, made) = match (&how.compile, compiled) {
        (Some(options), Some(to)) => {
            let source = content.read()?;
            let options = CompilerOptions {
                input_name,
                ..options.clone()
            };
            let module = piton_compiler::compile(&source, &options);
            let made = module.map(|module| piton_mpy::writer::write(&module));
            (to, source, made)
        }
        _ if how.minify => {
            let source = content.read()?;
            let options = MinifyOptions {
                input_name,
                ..MinifyOptions::default()
            };
            let made = piton_syntax::minify(&source, &options);
            (path.clone(), source, made.map(Ok))
        }
        _ => return Ok((path.clone(), None)),
    };
    match made {
        Ok(Ok(bytes)) => Ok((to, Some(Ok(bytes)))),
        Ok(Err(error)) => Err(Error::Unwritable {
            path: path.clone(),
            reason: error.to_string(),
        }),
        Err(diagnostic) => {
            let rejected = Rejected {
                path: match content {
                    Content::File { path, .. } => path.clone(),
                    Content::Made(_) => path.as_str().into(),
                },
                diagnostic,
                source,
            };
            Ok((to, Some(Err(rejected))))
        }
    }
}
