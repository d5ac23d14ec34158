//! Which files there are to build from.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use piton_project::relative_path::RelativePath;

use super::{BuildError, LeftOut, Settings};

/// A file below the folder of the sources.
#[derive(Debug)]
pub(super) struct Input {
    /// Path below that folder.
    pub(super) path: RelativePath,
    /// What is made of it.
    pub(super) kind: InputKind,
}

/// What is made of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InputKind {
    /// It is compiled.
    Module,
    /// It stays source, as boards run it by name.
    Entry,
    /// It is taken along.
    Data,
}

impl Input {
    /// Path of the result below the folder of the files.
    pub(super) fn output(&self) -> RelativePath {
        match self.kind {
            InputKind::Module => self.path.with_extension("mpy"),
            InputKind::Entry | InputKind::Data => self.path.clone(),
        }
    }
}

/// What is left out although it looks like a source, or like a folder of them.
type Remarks = Vec<(PathBuf, LeftOut)>;

/// The files, by path. Names that begin with a dot and `__pycache__` are left out, and links to folders not followed.
pub(super) fn scan(settings: &Settings) -> Result<(Vec<Input>, Remarks), BuildError> {
    let root = &settings.source;
    if !root.is_dir() {
        return Err(BuildError::NoSource { path: root.clone() });
    }
    // Results inside of the sources are no sources.
    let out = settings.out.canonicalize().ok();
    let mut inputs = Vec::new();
    let mut left_out = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let path = root.join(&folder);
        let unreadable = |source| BuildError::Read {
            path: path.clone(),
            source,
        };
        for entry in path.read_dir().map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(b".") || name == "__pycache__" {
                continue;
            }
            let below = folder.join(&name);
            let file_type = entry.file_type().map_err(unreadable)?;
            let is_folder = file_type.is_dir();
            let text = slashed(&below);
            if settings.exclude.covers(&text, is_folder) {
                continue;
            }
            if is_folder {
                let is_out = out.is_some() && entry.path().canonicalize().ok() == out;
                if !is_out {
                    folders.push(below);
                }
                continue;
            }
            let path = entry.path();
            let there = match file_type.is_symlink() {
                true => path.metadata().ok().map(|there| there.file_type()),
                false => Some(file_type),
            };
            match (kind_of(settings, &below, &text), there) {
                (_, Some(there)) if there.is_dir() => left_out.push((path, LeftOut::FolderLink)),
                (Some(kind), Some(there)) if there.is_file() => inputs.push(Input {
                    path: relative(&path, &below)?,
                    kind,
                }),
                (Some(_), Some(_)) => left_out.push((path, LeftOut::Special)),
                (Some(_), None) => left_out.push((path, LeftOut::DanglingLink)),
                (None, _) => {}
            }
        }
    }
    inputs.sort_by(|one, other| one.path.cmp(&other.path));
    left_out.sort_by(|one, other| one.0.cmp(&other.0));
    check(settings, &inputs)?;
    Ok((inputs, left_out))
}

/// A number that changes when a source comes, goes or changes, or when the settings do: for a build that watches.
///
/// It goes by size and time of change, and tells nothing about another run of the program.
pub fn fingerprint(settings: &Settings) -> u64 {
    let mut hasher = DefaultHasher::new();
    for input in scan(settings).unwrap_or_default().0 {
        input.path.hash(&mut hasher);
        let metadata = settings.source.join(input.path.to_path()).metadata();
        let state = metadata.map(|metadata| (metadata.len(), metadata.modified().ok()));
        state.ok().hash(&mut hasher);
    }
    let how = (
        (&settings.targets, &settings.data, &settings.exclude),
        (&settings.allow_fail, &settings.entry, &settings.version),
        (
            settings.optimise,
            settings.small_int_bits,
            settings.source_lines,
        ),
        (
            settings.strict,
            settings.archives,
            &settings.key,
            &settings.out,
        ),
    );
    format!("{how:?}").hash(&mut hasher);
    hasher.finish()
}

fn kind_of(settings: &Settings, below: &Path, text: &str) -> Option<InputKind> {
    if settings.entry.iter().any(|entry| entry == text) {
        return Some(InputKind::Entry);
    }
    if below.extension().is_some_and(|ending| ending == "py") {
        return Some(InputKind::Module);
    }
    settings.data.covers(text, false).then_some(InputKind::Data)
}

fn slashed(path: &Path) -> String {
    let parts = path.iter().map(|part| part.to_string_lossy());
    parts.collect::<Vec<_>>().join("/")
}

fn relative(path: &Path, below: &Path) -> Result<RelativePath, BuildError> {
    // A name that is not UTF-8 holds the replacement character, and would not be found again.
    slashed(below).parse().map_err(|source| BuildError::Name {
        path: path.to_owned(),
        source,
    })
}

/// No two files may become one.
fn check(settings: &Settings, inputs: &[Input]) -> Result<(), BuildError> {
    let ignores_case = settings.targets.iter().any(|target| target.ignores_case());
    let mut outputs = HashMap::new();
    for input in inputs {
        let output = input.output();
        let key = if ignores_case {
            output.as_str().to_lowercase()
        } else {
            output.to_string()
        };
        if let Some((first, other)) = outputs.insert(key, (input.path.clone(), output.clone())) {
            return Err(BuildError::SameOutput {
                first,
                second: input.path.clone(),
                case_only: other != output,
                output,
            });
        }
    }
    Ok(())
}
