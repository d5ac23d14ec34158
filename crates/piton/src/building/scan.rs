//! Finding the files to build.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use piton_path::PortablePath;

use super::{BuildError, LeftOut, NamedFile, Settings};
use crate::host_tree::{self, Entry, Kind, Links, Rules};
use crate::left_out::{self, Reason};
use crate::patterns::Patterns;

/// Files for other programs than those of boards: firmware, parts to print, circuits, Arduino
/// sketches. They are left out even if all data is included.
const FOR_OTHERS: &str = "\
*.uf2
*.elf
*.ino
*.c
*.cpp
*.h
*.stl
*.step
*.stp
*.3mf
*.f3d
*.f3z
*.dxf
*.scad
*.fzz
*.zip
";

/// A file below the folder of the sources.
#[derive(Debug)]
pub(super) struct Input {
    /// Path below that folder.
    pub(super) path: PortablePath,
    /// Path on the board, before a compiled file gets its ending.
    pub(super) place: PortablePath,
    /// The kind of its result.
    pub(super) kind: InputKind,
}

/// The kind of a file's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InputKind {
    /// It is compiled.
    Module,
    /// It stays source, as boards run it by name.
    Entry,
    /// It is included unchanged.
    Data,
}

impl Input {
    /// Returns the path of the result below the folder of the files.
    pub(super) fn output(&self) -> PortablePath {
        match self.kind {
            InputKind::Module => self.place.with_extension("mpy"),
            InputKind::Entry | InputKind::Data => self.place.clone(),
        }
    }
}

/// The content of the folder of the sources.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    /// The files to build, by path.
    pub(super) inputs: Vec<Input>,
    /// Entries that are left out although they look like sources, or like folders of sources.
    pub(super) remarks: Vec<(PathBuf, LeftOut)>,
    /// Files that no pattern includes.
    pub(super) other: BTreeSet<PortablePath>,
}

/// Scans the sources. Names that begin with a dot and those of [`left_out`] are left out, and links to folders are not
/// followed.
pub(super) fn scan(settings: &Settings) -> Result<Scanned, BuildError> {
    let root = &settings.source;
    if !root.is_dir() {
        return Err(BuildError::NoSource { path: root.clone() });
    }
    let mut scanned = match &settings.files {
        Some(files) => scan_named(settings, files)?,
        None => scan_folder(settings)?,
    };
    scanned
        .inputs
        .sort_by(|one, other| (&one.path, &one.place).cmp(&(&other.path, &other.place)));
    scanned.remarks.sort_by(|one, other| one.0.cmp(&other.0));
    if settings.all_data {
        drop_hidden_modules(settings, &mut scanned);
    }
    check(settings, &scanned.inputs)?;
    Ok(scanned)
}

/// Adds the files that a list names.
fn scan_named(settings: &Settings, files: &[NamedFile]) -> Result<Scanned, BuildError> {
    let mut scanned = Scanned::default();
    let mut known = HashSet::new();
    for file in files {
        let text = file.source.as_str();
        if settings.exclude.covers(text, false) || !known.insert(file) {
            continue;
        }
        let path = settings.path_of(&file.source.to_path());
        if !path.is_file() {
            return Err(BuildError::NoNamedFile { path });
        }
        let place = &file.place;
        let kind = match kind_of(settings, place.as_str()) {
            Some(kind) => kind,
            None => InputKind::Data,
        };
        scanned.inputs.push(Input {
            path: file.source.clone(),
            place: place.clone(),
            kind,
        });
    }
    Ok(scanned)
}

fn scan_folder(settings: &Settings) -> Result<Scanned, BuildError> {
    let root = &settings.source;
    // The folder of the results may be among the sources.
    let out = settings.out.canonicalize().ok();
    let mut scanned = Scanned::default();
    let rules = Rules {
        links: Links::FollowToFiles,
        ..Rules::default()
    };
    let mut entries = host_tree::walk(root, rules);
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(|error| {
            let (path, source) = error.into_io();
            BuildError::Read { path, source }
        })?;
        let text = entry.lossy_text();
        let is_folder = matches!(entry.kind, Kind::Folder);
        if settings.exclude.covers(&text, is_folder) {
            entries.skip_folder();
            continue;
        }
        if !is_folder {
            take_file(settings, &entry, &text, &mut scanned)?;
            continue;
        }
        let is_out = || out.is_some() && entry.path.canonicalize().ok() == out;
        if entry.is_hidden()
            || left_out::reason(&text, true).is_some()
            || is_environment(&entry.path)
            || is_out()
        {
            entries.skip_folder();
        }
    }
    Ok(scanned)
}

/// Returns whether a folder is a virtual environment of Python (PEP 405), by its content.
pub(super) fn is_environment(folder: &Path) -> bool {
    folder.join("pyvenv.cfg").is_file()
}

/// Adds an entry that is not a folder.
fn take_file(
    settings: &Settings,
    entry: &Entry,
    text: &str,
    scanned: &mut Scanned,
) -> Result<(), BuildError> {
    let below = entry.relative();
    let path = settings.path_of(&below);
    // A link without a target counts as a file.
    let is_file = matches!(entry.kind, Kind::File | Kind::Broken(_));
    // A pattern with the full name of such a file includes it.
    if is_file && !settings.data.names_file(text) {
        let reason = left_out::reason(text, false);
        let is_wanted = settings.all_data || settings.data.covers(text, false);
        match reason {
            Some(Reason::Private) if is_wanted && is_certificate(&path) => {}
            Some(Reason::Private) if is_wanted => {
                scanned.remarks.push((path, LeftOut::Private));
                return Ok(());
            }
            None if !entry.is_hidden() => {}
            _ => return Ok(()),
        }
        if settings.all_data && is_for_others(text) && !settings.data.covers(text, false) {
            scanned.remarks.push((path, LeftOut::ForOthers));
            return Ok(());
        }
    }
    if !is_file && (entry.is_hidden() || left_out::reason(text, true).is_some()) {
        return Ok(());
    }
    match (&entry.kind, kind_of(settings, text)) {
        (Kind::FolderLink, _) => scanned.remarks.push((path, LeftOut::FolderLink)),
        (Kind::File, Some(kind)) => {
            let place = relative(&path, &below)?;
            scanned.inputs.push(Input {
                path: place.clone(),
                place,
                kind,
            });
        }
        (Kind::File, None) => scanned.other.extend(text.parse()),
        (Kind::Broken(_), Some(_)) => scanned.remarks.push((path, LeftOut::DanglingLink)),
        (_, Some(_)) => scanned.remarks.push((path, LeftOut::Special)),
        (_, None) => {}
    }
    Ok(())
}

/// Returns whether a file with a name of secret keys has only certificates or public keys (RFC 7468): programs need
/// these to verify a server.
fn is_certificate(path: &Path) -> bool {
    const LONGEST: u64 = 1 << 20;
    let is_short = path
        .metadata()
        .is_ok_and(|metadata| metadata.len() <= LONGEST);
    let text = is_short.then(|| fs::read_to_string(path).ok()).flatten();
    text.is_some_and(|text| {
        let mut labels = text.split("-----BEGIN ").skip(1).peekable();
        let is_public = |label: &str| {
            [
                "CERTIFICATE-----",
                "TRUSTED CERTIFICATE-----",
                "PUBLIC KEY-----",
            ]
            .iter()
            .any(|public| label.starts_with(public))
        };
        labels.peek().is_some() && labels.all(is_public)
    })
}

fn is_for_others(text: &str) -> bool {
    static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
        let mut patterns = Patterns::new();
        patterns.add_lines(FOR_OTHERS);
        patterns
    });
    PATTERNS.covers(text, false)
}

/// Removes compiled modules whose source is in the same folder. If all data is included, both are scanned, but a board
/// imports the source.
fn drop_hidden_modules(settings: &Settings, scanned: &mut Scanned) {
    let modules = scanned.inputs.iter();
    let compiled = modules
        .filter(|input| input.kind == InputKind::Module)
        .map(Input::output)
        .collect::<HashSet<PortablePath>>();
    scanned.inputs.retain(|input| {
        let is_hidden = input.kind == InputKind::Data && compiled.contains(&input.place);
        if is_hidden {
            let path = settings.path_of(&input.path.to_path());
            scanned.remarks.push((path, LeftOut::HasSource));
        }
        !is_hidden
    });
}

/// Returns a number that changes when a source is added, removed or changed, or when the settings change.
///
/// It is made from size and time of change, and is not comparable between runs of the program.
pub fn fingerprint(settings: &Settings) -> u64 {
    let mut hasher = DefaultHasher::new();
    for input in scan(settings).unwrap_or_default().inputs {
        input.path.hash(&mut hasher);
        let metadata = settings.path_of(&input.path.to_path()).metadata();
        let state = metadata.map(|metadata| (metadata.len(), metadata.modified().ok()));
        state.ok().hash(&mut hasher);
    }
    let choices = (
        (
            &settings.targets,
            &settings.data,
            &settings.exclude,
            settings.all_data,
            &settings.files,
        ),
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
    format!("{choices:?}").hash(&mut hasher);
    hasher.finish()
}

/// Returns the kind of the result of a file with this path; `None` if it is left out.
fn kind_of(settings: &Settings, text: &str) -> Option<InputKind> {
    if settings.entry.iter().any(|entry| entry == text) {
        return Some(InputKind::Entry);
    }
    if Path::new(text)
        .extension()
        .is_some_and(|ending| ending == "py")
    {
        return Some(InputKind::Module);
    }
    let is_taken = settings.all_data || settings.data.covers(text, false);
    is_taken.then_some(InputKind::Data)
}

fn slashed(path: &Path) -> String {
    let parts = path.iter().map(|part| part.to_string_lossy());
    parts.collect::<Vec<_>>().join("/")
}

fn relative(path: &Path, below: &Path) -> Result<PortablePath, BuildError> {
    // A name that is not UTF-8 would contain the replacement character, and the file would not be found.
    slashed(below).parse().map_err(|source| BuildError::Name {
        path: path.to_owned(),
        source,
    })
}

/// Checks that no two files become one.
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
