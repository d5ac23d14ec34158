//! Freezes what a manifest lists: `frozen_content.c`, as tools/makemanifest.py makes it.
//!
//! Here content decides what is made again, and not times: a module that left the manifest, another level of optimization or other flags
//! change the result at once, and what is equal is not written.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use piton_compiler::Options;
use piton_firmware::frozen::{self, FreezeError, Modules, Target};
use piton_firmware::manifest::{Data, Evaluation, File, Kind};

use crate::host_file;

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

/// Makes the compiler's options for one file: its path on the board, the path of the `.mpy` file, and the level of optimization that the
/// manifest asks for.
pub type OptionsOf<'a> = dyn Fn(&str, &str, Option<&str>) -> Result<Options, String> + 'a;

/// Freezes files.
///
/// # Errors
/// [`MakeError`]. The C file is only written when all else is done.
pub fn freeze(
    evaluation: &Evaluation,
    options: &FreezeOptions,
    options_of: &OptionsOf<'_>,
    events: &mut dyn FnMut(FreezeEvent),
) -> Result<(), MakeError> {
    check(&evaluation.files)?;
    let mut sources: Vec<(&str, Vec<u8>)> = Vec::new();
    let mut compiled: Vec<(String, Vec<u8>)> = Vec::new();
    for file in &evaluation.files {
        match file.kind {
            Kind::FreezeAsStr => {
                let source = read(&file.source)?;
                if source.is_empty() {
                    return Err(MakeError::EmptySource {
                        target: file.target.clone(),
                    });
                }
                sources.push((&file.target, source));
            }
            Kind::FreezeMpy => compiled.push((file.source.clone(), read(&file.source)?)),
            Kind::FreezeAsMpy | Kind::CompileAsMpy => {
                let (path, mpy) = compile(file, &options.build_folder, options_of)?;
                let changed = !fs::read(&path).is_ok_and(|old| old == mpy);
                if changed {
                    write(Path::new(&path), &mpy)?;
                }
                if changed {
                    events(FreezeEvent::Compiled {
                        target: file.target.clone(),
                    });
                }
                compiled.push((path, mpy));
            }
            Kind::Auto | Kind::FreezeAuto => {
                return Err(MakeError::Kind {
                    source_path: file.source.clone(),
                });
            }
        }
    }
    let modules = if compiled.is_empty() {
        frozen::NO_MODULES.to_owned()
    } else {
        Modules::read(
            compiled
                .iter()
                .map(|(path, bytes)| (path.as_str(), bytes.as_slice())),
        )?
        .to_c(&options.target)?
    };
    let strings = frozen::frozen_strings(
        sources
            .iter()
            .map(|(target, source)| (*target, source.as_slice())),
    );
    let content = frozen::frozen_content(&strings, &modules);
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

/// Compiles what a manifest lists, without writing anything; returns the path and the bytes of each `.mpy` file.
///
/// # Errors
/// What the compiler does not accept, and what cannot be read.
pub fn compile_all(
    evaluation: &Evaluation,
    build_folder: &str,
    options_of: &OptionsOf<'_>,
) -> Result<Vec<(String, Vec<u8>)>, MakeError> {
    let mut compiled = Vec::new();
    for file in &evaluation.files {
        match file.kind {
            Kind::FreezeAsMpy | Kind::CompileAsMpy => {
                compiled.push(compile(file, build_folder, options_of)?);
            }
            Kind::FreezeMpy => compiled.push((file.source.clone(), read(&file.source)?)),
            Kind::FreezeAsStr | Kind::Auto | Kind::FreezeAuto => {}
        }
    }
    Ok(compiled)
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
fn check(files: &[File]) -> Result<(), MakeError> {
    let mut seen: std::collections::BTreeMap<&str, &str> = std::collections::BTreeMap::new();
    for file in files {
        let escapes =
            file.target.starts_with('/') || file.target.split('/').any(|part| part == "..");
        if escapes && file.kind == Kind::FreezeAsMpy {
            return Err(MakeError::Escapes {
                target: file.target.clone(),
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

/// Compiles a file; returns the path that its `.mpy` file gets, and its bytes.
fn compile(
    file: &File,
    build_folder: &str,
    options_of: &OptionsOf<'_>,
) -> Result<(String, Vec<u8>), MakeError> {
    let target = &file.target;
    let stem: String = {
        let kept = target.chars().count().saturating_sub(3);
        target.chars().take(kept).collect()
    };
    let path = format!("{build_folder}/frozen_mpy/{stem}.mpy");
    let bytes = read(&file.source)?;
    let text = String::from_utf8(bytes).map_err(|_| MakeError::NotText {
        path: file.source.clone(),
    })?;
    let text = if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        text
    };
    let version = match &file.metadata.version {
        Data::Text(version) if !version.is_empty() => Some(version.as_str()),
        _ => None,
    };
    let source = frozen::tagged_source(&text, version);
    let level = level(&file.opt);
    let compiler_options =
        options_of(target, &path, level.as_deref()).map_err(|text| MakeError::Flags {
            target: target.clone(),
            text,
        })?;
    let module =
        piton_compiler::compile(source.as_bytes(), &compiler_options).map_err(|diagnostic| {
            MakeError::Rejected {
                target: target.clone(),
                text: String::from_utf8_lossy(&diagnostic.traceback()).into_owned(),
            }
        })?;
    let mpy = piton_mpy::writer::write(&module).map_err(|error| MakeError::Rejected {
        target: target.clone(),
        text: error.to_string(),
    })?;
    Ok((path, mpy))
}

/// Returns the level of optimization as Python prints it.
fn level(opt: &Data) -> Option<String> {
    Some(match opt {
        Data::None => return None,
        Data::Bool(true) => "True".to_owned(),
        Data::Bool(false) => "False".to_owned(),
        Data::Integer(level) => level.to_string(),
        Data::Float(level) => level.to_string(),
        Data::Text(text) | Data::Other(text) => text.clone(),
        Data::Sequence(_) | Data::Mapping(_) => "?".to_owned(),
    })
}

fn read(path: &str) -> Result<Vec<u8>, MakeError> {
    fs::read(path).map_err(|source| MakeError::Read {
        path: path.to_owned(),
        source,
    })
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
