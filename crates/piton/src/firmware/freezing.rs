//! Freezes what a manifest lists: `frozen_content.c`, as tools/makemanifest.py makes it.
//!
//! Here content decides what is made again, and not times: a module that left the manifest, another level of optimization or other flags
//! change the result at once, and what is equal is not written.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use piton_firmware::frozen::{self, FreezeError, Modules, Target};
use piton_firmware::manifest::{Evaluation, File, Kind};
use piton_project::cache::Key;
use sha2::{Digest, Sha256};

use super::compiling::{Compiling, mpy_path, read};
use crate::host_file;

/// The version of the C file's form: it changes when the same modules give another file.
const CONTENT_VERSION: &[u8] = b"1";

/// What is frozen, and where it goes.
#[derive(Clone, Debug)]
pub struct FreezeOptions {
    /// The C file.
    pub output: PathBuf,
    /// The folder of the build, for compiled modules; as it is shown in the C file.
    pub build_folder: String,
    /// What is known of the firmware.
    pub target: Target,
}

/// A step that changed something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FreezeEvent {
    /// A module was compiled.
    Compiled {
        /// Its path on the board.
        target: String,
    },
    /// A module goes in as its source.
    Source {
        /// Its path on the board.
        target: String,
    },
    /// The C file was written.
    Written {
        /// Its path.
        output: PathBuf,
    },
}

/// Why nothing was frozen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MakeError {
    /// The compiler does not accept a module.
    #[error("error compiling {target}:\n{text}")]
    Rejected {
        /// Its path on the board.
        target: String,
        /// What is wrong, as the compiler says it.
        text: String,
    },
    /// The flags for the compiler are wrong.
    #[error("the flags for {target} are not known to the compiler: {text}")]
    Flags {
        /// The path of the module on the board.
        target: String,
        /// What the compiler's command line says.
        text: String,
    },
    /// Two files have the same path on the board: the C compiler would find two modules of one name.
    #[error("`{target}` is listed twice: by `{first}` and by `{second}`")]
    Duplicate {
        /// Their path.
        target: String,
        /// The source of one.
        first: String,
        /// The source of the other.
        second: String,
    },
    /// A path leads out of the folder of the build.
    #[error("`{target}` would be compiled to a file outside of the build's folder")]
    Escapes {
        /// The path on the board.
        target: String,
    },
    /// An empty file as source ends the list of the firmware early: all that follow are read wrongly, or crash.
    #[error("`{target}` is empty, and firmware cannot hold an empty module as source")]
    EmptySource {
        /// Its path.
        target: String,
    },
    /// A file that is neither Python nor `.mpy`.
    #[error("`{source_path}` is neither a `.py` nor a `.mpy` file")]
    Kind {
        /// Its path.
        source_path: String,
    },
    /// A file is not text.
    #[error("`{path}` is not UTF-8 text")]
    NotText {
        /// Its path.
        path: String,
    },
    /// A file cannot be read.
    #[error("`{path}` cannot be read: {source}")]
    Read {
        /// Its path.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("`{path}` cannot be written: {source}")]
    Write {
        /// Its path.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The modules cannot be put into a C file.
    #[error("error freezing mpy: {0}")]
    Freeze(#[from] FreezeError),
}

/// Freezes files.
///
/// # Errors
/// [`MakeError`]. The C file is only written when all else is done.
pub fn freeze(
    evaluation: &Evaluation,
    options: &FreezeOptions,
    compiling: Compiling<'_>,
    events: &mut dyn FnMut(FreezeEvent),
) -> Result<(), MakeError> {
    check(&evaluation.files)?;
    let mut sources: Vec<(&str, Vec<u8>)> = Vec::new();
    for file in &evaluation.files {
        if file.kind != Kind::FreezeAsStr {
            continue;
        }
        let source = read(&file.source)?;
        if source.is_empty() {
            return Err(MakeError::EmptySource {
                target: file.target.clone(),
            });
        }
        sources.push((&file.target, source));
    }
    let compiled = modules(evaluation, &options.build_folder, compiling)?;
    for module in &compiled {
        let Some(target) = module.target else {
            continue;
        };
        if !fs::read(&module.path).is_ok_and(|old| old == module.mpy) {
            write(Path::new(&module.path), &module.mpy)?;
            events(FreezeEvent::Compiled {
                target: target.to_owned(),
            });
        }
    }
    let key = content_key(options, &sources, &compiled);
    let known = compiling.cache.and_then(|cache| cache.get(&key));
    if let Some(known) = known
        && fs::read(&options.output).is_ok_and(|old| Sha256::digest(&old).as_slice() == known)
    {
        return Ok(());
    }
    let modules = if compiled.is_empty() {
        frozen::NO_MODULES.to_owned()
    } else {
        Modules::read(
            compiled
                .iter()
                .map(|module| (module.path.as_str(), module.mpy.as_slice())),
        )?
        .to_c(&options.target)?
    };
    let strings = frozen::frozen_strings(
        sources
            .iter()
            .map(|(target, source)| (*target, source.as_slice())),
    );
    let content = frozen::frozen_content(&strings, &modules);
    if let Some(cache) = compiling.cache {
        // Without the entry the next run takes longer, and does the same.
        let _ = cache.put(&key, &Sha256::digest(&content));
    }
    if fs::read(&options.output).is_ok_and(|old| old == content) {
        return Ok(());
    }
    for (target, _) in &sources {
        events(FreezeEvent::Source {
            target: (*target).to_owned(),
        });
    }
    events(FreezeEvent::Written {
        output: options.output.clone(),
    });
    write(&options.output, &content)
}

/// Returns the key of the hash of the C file in the cache: everything that the file is made of.
fn content_key(
    options: &FreezeOptions,
    sources: &[(&str, Vec<u8>)],
    compiled: &[Module<'_>],
) -> Key {
    let mut key = Key::new("frozen content")
        .with(CONTENT_VERSION)
        .with(env!("CARGO_PKG_VERSION").as_bytes())
        .with(format!("{:?}", options.target).as_bytes())
        .with(&sources.len().to_le_bytes());
    for (target, source) in sources {
        key = key.with(target.as_bytes()).with(source);
    }
    for module in compiled {
        key = key.with(module.path.as_bytes()).with(&module.mpy);
    }
    key
}

/// Compiles what a manifest lists, without writing anything; returns the path and the bytes of each `.mpy` file.
///
/// # Errors
/// What the compiler does not accept, and what cannot be read.
pub fn compile_all(
    evaluation: &Evaluation,
    build_folder: &str,
    compiling: Compiling<'_>,
) -> Result<Vec<(String, Vec<u8>)>, MakeError> {
    let compiled = modules(evaluation, build_folder, compiling)?;
    Ok(compiled
        .into_iter()
        .map(|module| (module.path, module.mpy))
        .collect())
}

/// A module that is frozen as bytecode.
struct Module<'a> {
    /// The path of its `.mpy` file.
    path: String,
    /// The content of that.
    mpy: Vec<u8>,
    /// Its path on the board, if it was compiled here.
    target: Option<&'a str>,
}

/// Compiles what a manifest lists, in the order of the list.
fn modules<'a>(
    evaluation: &'a Evaluation,
    build_folder: &str,
    compiling: Compiling<'_>,
) -> Result<Vec<Module<'a>>, MakeError> {
    let is_compiled = |file: &&File| matches!(file.kind, Kind::FreezeAsMpy | Kind::CompileAsMpy);
    let jobs: Vec<(&File, String)> = evaluation
        .files
        .iter()
        .filter(is_compiled)
        .map(|file| (file, mpy_path(file, build_folder)))
        .collect();
    let mut compiled = compiling.each(&jobs)?.into_iter().zip(&jobs);
    let mut modules = Vec::new();
    for file in &evaluation.files {
        if file.kind == Kind::FreezeMpy {
            modules.push(Module {
                path: file.source.clone(),
                mpy: read(&file.source)?,
                target: None,
            });
        } else if is_compiled(&file)
            && let Some((done, (_, path))) = compiled.next()
        {
            modules.push(Module {
                path: path.clone(),
                mpy: done.mpy,
                target: Some(&file.target),
            });
        }
    }
    Ok(modules)
}

/// Returns the rule for make that the C file is made of these manifests and sources.
#[must_use]
pub fn depfile(evaluation: &Evaluation, output: &Path) -> String {
    let escaped = |path: &str| {
        path.replace('$', "$$")
            .replace(' ', "\\ ")
            .replace('#', "\\#")
    };
    let sources = evaluation.files.iter().map(|file| &file.source);
    let mut rule = format!("{}:", escaped(&output.display().to_string()));
    for path in evaluation.manifests.iter().chain(sources) {
        rule.push_str(" \\\n  ");
        rule.push_str(&escaped(path));
    }
    rule.push('\n');
    rule
}

/// Looks for what the C compiler, or the board, would stumble over.
pub(super) fn check(files: &[File]) -> Result<(), MakeError> {
    let mut seen: std::collections::BTreeMap<&str, &str> = std::collections::BTreeMap::new();
    for file in files {
        let escapes =
            file.target.starts_with('/') || file.target.split('/').any(|part| part == "..");
        if escapes && file.kind != Kind::FreezeMpy {
            return Err(MakeError::Escapes {
                target: file.target.clone(),
            });
        }
        if matches!(file.kind, Kind::Auto | Kind::FreezeAuto) {
            return Err(MakeError::Kind {
                source_path: file.source.clone(),
            });
        }
        if file.kind == Kind::FreezeMpy {
            // Such a file keeps the name that it was compiled under.
            continue;
        }
        if let Some(first) = seen.insert(&file.target, &file.source) {
            return Err(MakeError::Duplicate {
                target: file.target.clone(),
                first: first.to_owned(),
                second: file.source.clone(),
            });
        }
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), MakeError> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let made = folder.map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| host_file::write(path, bytes))
        .map_err(|source| MakeError::Write {
            path: path.display().to_string(),
            source,
        })
}
