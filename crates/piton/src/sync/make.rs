//! Compiling or minifying Python sources for a board.

use std::collections::BTreeSet;
use std::path::Path;

use piton_board::facts::BoardFacts;
use piton_compiler::{ErrorType, Options as CompilerOptions};
use piton_fs::plan::{Node, Tree};
use piton_fs::start_files;
use piton_path::RelativePath;
use piton_project::cache::Cache;
use piton_syntax::MinifyOptions;

use super::{Content, Error, HostTree, Make, Options, Rejected, walk};
use crate::board_format::BoardFormat;
use crate::compile::{CompileError, compile_cached, native};

/// Returns the compiler's options for this board.
///
/// # Errors
///
/// [`Error::NoMpy`] if it does not load the compiler's `.mpy` files.
pub fn compiler_options(facts: &BoardFacts) -> Result<CompilerOptions, Error> {
    Ok(BoardFormat::from(facts).compiler_options("")?)
}

/// Returns the sources of a folder with errors, with their paths in the folder. A board would refuse to import them.
/// Machine code (`@micropython.native`) and other features that only this compiler does not have are left to the board.
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
    let cache = options.make.open_cache();
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
        if let Err(CompileError::Rejected(diagnostic)) =
                compile_cached(&source, &options, cache.as_ref())
            && matches!(
                diagnostic.error_type(),
                ErrorType::SyntaxError | ErrorType::IndentationError
            )
            // Without an architecture, a decorator for machine code is a syntax error ("invalid
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

/// Replaces the sources of a tree by their results. Returns the paths of files that the results supersede,
/// on both sides: a board would import `foo.py` instead of `foo.mpy`.
pub(crate) fn make(host: &mut HostTree, make: &Make) -> Result<BTreeSet<RelativePath>, Error> {
    let cache = make.open_cache();
    let mut superseded = BTreeSet::new();
    let mut rejected = Vec::new();
    let mut tree = Tree::new();
    for (path, node) in host.tree.iter() {
        let source = path.with_end(".mpy", ".py");
        if let (Some(options), Some(source)) = (&make.compile, source)
            && !is_start(&source, options)
            && host.contents.contains_key(&source)
        {
            // The module was compiled from this source before.
            continue;
        }
        let (to, made) = match host.contents.get(path) {
            Some(content) if path.file_name().ends_with(".py") => {
                make_one(path, content, make, cache.as_ref())?
            }
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

/// Returns whether a board with this firmware runs the source by its name. It would not run a `.mpy` file.
fn is_start(path: &RelativePath, options: &CompilerOptions) -> bool {
    let mut names = start_files::sources(options.target.is_circuitpython());
    names.any(|name| name == path.as_str())
}

/// The result of a source, and its path; `None` if the source stays unchanged.
type Made = (RelativePath, Option<Result<Vec<u8>, Rejected>>);

fn make_one(
    path: &RelativePath,
    content: &Content,
    make: &Make,
    cache: Option<&Cache>,
) -> Result<Made, Error> {
    let input_name = path.as_str().as_bytes().to_vec();
    let compiled = make
        .compile
        .as_ref()
        .filter(|options| !is_start(path, options));
    let compiled = compiled.zip(path.with_end(".py", ".mpy"));
    let (to, source, made) = if let Some((options, to)) = compiled {
        let source = content.read()?;
        let options = CompilerOptions {
            input_name,
            ..options.clone()
        };
        let made = match compile_cached(&source, &options, cache) {
            Ok(compiled) => Ok(compiled.mpy),
            Err(CompileError::Rejected(diagnostic)) => Err(diagnostic),
            Err(CompileError::Unwritable(error)) => {
                return Err(Error::Unwritable {
                    path: path.clone(),
                    reason: error.to_string(),
                });
            }
        };
        (to, source, made)
    } else if make.minify {
        let source = content.read()?;
        let options = MinifyOptions {
            input_name,
            ..MinifyOptions::default()
        };
        let made = piton_syntax::minify(&source, &options);
        (path.clone(), source, made)
    } else {
        return Ok((path.clone(), None));
    };
    let made = made.map_err(|diagnostic| Rejected {
        path: match content {
            Content::File { path, .. } => path.clone(),
            Content::Made(_) | Content::Spooled(_) => path.as_str().into(),
        },
        diagnostic,
        source,
    });
    Ok((to, Some(made)))
}
