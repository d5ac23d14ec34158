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
            Err(CompileError::Rejected(diagnostic))
                if make.keep_native && native::needs_native(&source, &options, &diagnostic) =>
            {
                return Ok((path.clone(), None));
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a tree of files: `PATH=CONTENT`.
    fn tree(files: &[&str]) -> HostTree {
        let mut host = HostTree::default();
        for file in files {
            let (path, content) = file.split_once('=').unwrap();
            let path: RelativePath = path.parse().unwrap();
            if let Some((folder, _)) = path.as_str().rsplit_once('/') {
                let _ = host.tree.insert(folder.parse().unwrap(), Node::Folder);
            }
            let node = Node::File {
                size: None,
                digest: None,
            };
            host.tree.insert(path.clone(), node).unwrap();
            let content = Content::Made(content.as_bytes().to_vec());
            host.contents.insert(path, content);
        }
        host
    }

    fn compiling() -> Make {
        Make {
            compile: Some(CompilerOptions::new("")),
            ..Make::default()
        }
    }

    /// Returns the files of the tree after it was made for a board, and those that they supersede.
    fn made(files: &[&str], make_as: &Make) -> (String, String) {
        let mut host = tree(files);
        let superseded = make(&mut host, make_as).unwrap();
        let names = |paths: Vec<&RelativePath>| {
            let paths = paths.into_iter().map(|path| path.as_str());
            paths.collect::<Vec<_>>().join(" ")
        };
        let files = host.tree.iter().filter(|(_, node)| !node.is_folder());
        let files = files.map(|(path, _)| path).collect();
        (names(files), names(superseded.iter().collect()))
    }

    #[test]
    fn without_a_conversion_everything_stays_as_it_is() {
        assert_eq!(
            made(&["a.py=x = = 1", "b.txt=1"], &Make::default()),
            ("a.py b.txt".to_owned(), String::new())
        );
    }

    #[test]
    fn sources_are_compiled_except_those_that_boards_start_with() {
        let files = [
            "boot.py=1",
            "lib/a.py=1",
            "lib/main.py=1",
            "main.py=1",
            "x.txt=1",
        ];
        assert_eq!(
            made(&files, &compiling()),
            (
                "boot.py lib/a.mpy lib/main.mpy main.py x.txt".to_owned(),
                "lib/a.py lib/main.py".to_owned()
            )
        );
    }

    #[test]
    fn a_compiled_module_beside_its_source_is_made_from_the_source() {
        let mut host = tree(&["a.mpy=old", "a.py=x = 1", "b.mpy=kept"]);
        make(&mut host, &compiling()).unwrap();
        let content = |path: &str| host.contents[&path.parse().unwrap()].read().unwrap();
        assert_eq!(content("a.mpy")[0], b'M');
        assert_eq!(content("b.mpy"), b"kept");
        let size = content("a.mpy").len() as u64;
        assert_eq!(
            host.tree.get(&"a.mpy".parse().unwrap()),
            Some(&Node::File {
                size: Some(size),
                digest: None
            })
        );
        // A start file stays source, so a compiled one beside it is another file.
        assert_eq!(
            made(&["main.mpy=1", "main.py=1"], &compiling()).0,
            "main.mpy main.py"
        );
    }

    #[test]
    fn all_sources_with_errors_are_reported_and_the_tree_stays() {
        let files = ["a.py=x = = 1", "b.py=1", "c.py=return"];
        let mut host = tree(&files);
        let Err(Error::NotCompiled { rejected }) = make(&mut host, &compiling()) else {
            panic!("two do not compile")
        };
        assert_eq!(rejected.len(), 2);
        assert_eq!(host.tree.iter().count(), 3);
        assert!(host.tree.get(&"b.py".parse().unwrap()).is_some());
    }

    #[test]
    fn what_stays_source_is_minified() {
        let make_as = Make {
            minify: true,
            ..Make::default()
        };
        let mut host = tree(&["a.py=x  =  1  # why\n", "b.txt=x  =  1  # why\n"]);
        assert!(make(&mut host, &make_as).unwrap().is_empty());
        let content = |path: &str| {
            let bytes = host.contents[&path.parse().unwrap()].read().unwrap();
            String::from_utf8(bytes).unwrap()
        };
        assert_eq!(content("a.py"), "x=1\n");
        assert_eq!(content("b.txt"), "x  =  1  # why\n");
        let both = Make {
            minify: true,
            ..compiling()
        };
        let mut host = tree(&["a.py=x = 1", "main.py=x  =  1\n"]);
        make(&mut host, &both).unwrap();
        let main = host.contents[&"main.py".parse().unwrap()].read().unwrap();
        assert_eq!(main, b"x=1\n");
    }
}
