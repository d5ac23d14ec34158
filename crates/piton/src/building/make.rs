//! Compiling the sources, and replacing the results.

use std::collections::HashMap;
use std::fs;

use piton_board::deadline::Cancel;
use piton_compiler::{Diagnostic, Options};
use piton_path::Sha256Hex;
use piton_shipment::manifest::{Compiler, FileKind, Manifest, ManifestFile};
use piton_shipment::signature::KeyFile;
use piton_shipment::timestamp::Timestamp;
use tracing::{debug, trace};

use super::place::{self, Made, MadeFile, Origin, Output, Target};
use super::scan::{Input, InputKind, Scanned, scan};
use super::{
    BuildError, BuildEvent, BuildTarget, FILES, Failure, NativeSource, Refusal, Report, Settings,
    Written, age, swap,
};
use crate::compile::{CompileError, compile_cached, native};
use crate::workers;

/// Makes the build of these settings.
///
/// Sources that do not compile are in the report. [`Report::written`] says whether the results were written in spite
/// of them.
///
/// # Errors
///
/// [`BuildError`]. The folder of the results is then unchanged.
pub fn build(
    settings: &Settings,
    cancel: &Cancel,
    events: &(dyn Fn(BuildEvent) + Sync),
) -> Result<Report, BuildError> {
    let Scanned { inputs, other, .. } = scan_sources(settings, events)?;
    let age = age::age(settings, &inputs, events)?;
    let _lock = swap::lock(&settings.out)?;
    let plans = settings
        .targets
        .iter()
        .map(|target| Plan::new(settings, *target))
        .collect::<Vec<Plan>>();
    let done = make_all(settings, &plans, &inputs, cancel, events)?;
    let Sorted {
        targets,
        failures,
        native,
    } = sort(settings, &plans, &inputs, &done, &age);
    let refusal = refusal(settings, &targets, &failures);
    let output = Output::new(settings, &targets, Timestamp::from_seconds(age.seconds))?;
    let written = match refusal {
        Some(refusal) => Written::Refused(refusal),
        None if cancel.is_cancelled() => return Err(cancelled(settings)),
        None if output.is_up_to_date(settings) => {
            swap::tidy(settings, &output);
            Written::Unchanged
        }
        None => {
            swap::replace(settings, &output)?;
            Written::Replaced
        }
    };
    let targets = targets
        .iter()
        .map(|target| target.report(settings))
        .collect::<Vec<_>>();
    let index = place::index_path(settings);
    let signed = targets.iter().map(|target| &target.manifest).chain(&index);
    Ok(Report {
        written,
        signatures: match settings.key {
            Some(_) => signed.map(|path| place::signature_path(path)).collect(),
            None => Vec::new(),
        },
        targets,
        index,
        version: place::version(settings, &age),
        failures,
        native,
        data: inputs
            .iter()
            .filter(|input| input.kind == InputKind::Data)
            .map(|input| input.path.clone())
            .collect(),
        other: other.into_iter().collect(),
        timestamp: age.seconds,
    })
}

/// Checks the settings, and scans the sources.
fn scan_sources(settings: &Settings, events: &dyn Fn(BuildEvent)) -> Result<Scanned, BuildError> {
    swap::check(settings)?;
    if let Some(version) = &settings.version
        && version.contains(char::is_control)
    {
        let version = version.clone();
        return Err(BuildError::Version { version });
    }
    let mut scanned = scan(settings)?;
    for (path, why) in scanned.remarks.drain(..) {
        events(BuildEvent::LeftOut { path, why });
    }
    let mut inputs = scanned.inputs.iter();
    match inputs.any(|input| input.kind != InputKind::Data) {
        true => Ok(scanned),
        false => Err(BuildError::NoFiles {
            path: settings.source.clone(),
        }),
    }
}

/// The results by target, and the sources that have none.
struct Sorted<'a> {
    targets: Vec<Target<'a>>,
    failures: Vec<Failure>,
    native: Vec<NativeSource>,
}

fn sort<'a>(
    settings: &Settings,
    plans: &'a [Plan],
    inputs: &[Input],
    done: &'a [Made],
    age: &age::Age,
) -> Sorted<'a> {
    let mut sorted = Sorted {
        targets: Vec::new(),
        failures: Vec::new(),
        native: Vec::new(),
    };
    for (number, plan) in plans.iter().enumerate() {
        let mut target = Target::new(plan, settings, age);
        for (input, made) in inputs.iter().zip(done) {
            match made.results.get(number) {
                Some(Ok(file)) => {
                    target.add(input, made, file);
                    let native = native_source(settings, plan, input, made, file);
                    sorted.native.extend(native);
                }
                Some(Err(diagnostic)) => {
                    target.leave_out(input);
                    let failure = failure(settings, plan, input, made, diagnostic);
                    sorted.failures.push(failure);
                }
                None => {}
            }
        }
        sorted.targets.push(target);
    }
    sorted
}

fn refusal(settings: &Settings, targets: &[Target], failures: &[Failure]) -> Option<Refusal> {
    if targets.iter().any(Target::has_nothing_but_failures) {
        return Some(Refusal::Nothing);
    }
    let strict = settings.strict && failures.iter().any(|failure| !failure.allowed);
    strict.then_some(Refusal::Strict)
}

fn failure(
    settings: &Settings,
    plan: &Plan,
    input: &Input,
    made: &Made,
    diagnostic: &Diagnostic,
) -> Failure {
    Failure {
        target: plan.target.to_string(),
        source: input.path.clone(),
        path: settings.path_of(&input.path.to_path()),
        diagnostic: diagnostic.clone(),
        content: made.content.clone(),
        allowed: settings.allow_fail.covers(input.path.as_str(), false),
    }
}

/// Returns the report of a module that stays source; `None` for other modules.
fn native_source(
    settings: &Settings,
    plan: &Plan,
    input: &Input,
    made: &Made,
    file: &MadeFile,
) -> Option<NativeSource> {
    let is_native = input.kind == InputKind::Module && file.kind == FileKind::Source;
    is_native.then(|| NativeSource {
        target: plan.target.to_string(),
        source: input.path.clone(),
        path: settings.path_of(&input.path.to_path()),
        line: native::first_line(&made.content),
    })
}

fn cancelled(settings: &Settings) -> BuildError {
    BuildError::Cancelled {
        path: settings.out.clone(),
    }
}

/// A target before the sources are compiled.
pub(super) struct Plan {
    pub(super) target: BuildTarget,
    /// Folder below that of the results; empty where there is one target.
    pub(super) folder: String,
    pub(super) options: Options,
    pub(super) compiler: Compiler,
    /// The files of the last build that the same compiler made, by path of the source.
    last: HashMap<String, ManifestFile>,
}

impl Plan {
    fn new(settings: &Settings, target: BuildTarget) -> Plan {
        let folder = match settings.targets.as_slice() {
            [_] => String::new(),
            _ => target.folder(),
        };
        let compiler = Compiler {
            name: "piton".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            options: target.spelled(settings),
        };
        let manifest = place::manifest_path(settings, &folder);
        let last = fs::read(manifest)
            .ok()
            .and_then(|bytes| Manifest::parse(&bytes).ok())
            .filter(|last| {
                last.compiler.as_ref() == Some(&compiler)
                    && last.target.as_deref() == Some(target.to_string().as_str())
            });
        let files = last.map(|last| last.files).unwrap_or_default();
        debug!(%target, files = files.len(), "results of the last build with the same compiler and options");
        let by_source = files
            .into_iter()
            .filter_map(|file| Some((file.source.as_ref()?.to_string(), file)));
        Plan {
            target,
            folder,
            options: target.options(settings),
            compiler,
            last: by_source.collect(),
        }
    }

    /// Returns the result of the last build, if it was made from this source and is unchanged.
    fn kept(&self, settings: &Settings, input: &Input, source: &Sha256Hex) -> Option<Vec<u8>> {
        let last = self.last.get(input.path.as_str())?;
        // A module that stayed source is not among these, because this compiler may be able to compile it.
        if last.source_sha256.as_ref() != Some(source) || last.path != input.output() {
            trace!(path = %input.path, "the source is not that of the last build");
            return None;
        }
        let path = place::folder(settings, &self.folder).join(FILES);
        let bytes = fs::read(path.join(last.path.to_path())).ok()?;
        if Sha256Hex::of(&bytes) != last.sha256 {
            debug!(path = %input.path, "the result of the last build was changed since, so it is made again");
            return None;
        }
        trace!(path = %input.path, "the result of the last build is reused");
        Some(bytes)
    }
}

/// Makes the results of all inputs for all targets, several inputs at a time.
fn make_all(
    settings: &Settings,
    plans: &[Plan],
    inputs: &[Input],
    cancel: &Cancel,
    events: &(dyn Fn(BuildEvent) + Sync),
) -> Result<Vec<Made>, BuildError> {
    let work = |input: &Input| make(settings, plans, input);
    let report = |done| {
        let of = inputs.len();
        events(BuildEvent::Done { done, of });
    };
    let made = workers::each(inputs, settings.jobs, cancel, work, report);
    let made = made.into_iter().collect::<Option<Vec<_>>>();
    let made = made.ok_or_else(|| cancelled(settings))?;
    made.into_iter().collect()
}

fn make(settings: &Settings, plans: &[Plan], input: &Input) -> Result<Made, BuildError> {
    let path = settings.path_of(&input.path.to_path());
    let content = fs::read(&path).map_err(|source| BuildError::Read {
        path: path.clone(),
        source,
    })?;
    if input.kind == InputKind::Data && is_secret_key(&content) {
        return Err(BuildError::SecretKey { path });
    }
    let sha256 = Sha256Hex::of(&content);
    let kind = match input.kind {
        InputKind::Module => FileKind::Mpy,
        InputKind::Entry => FileKind::Source,
        InputKind::Data if is_mpy(input, &content) => FileKind::Mpy,
        InputKind::Data => FileKind::Data,
    };
    let mut results = Vec::with_capacity(plans.len());
    for plan in plans {
        if let Some(bytes) = plan.kept(settings, input, &sha256) {
            results.push(Ok(MadeFile::new(bytes, kind, Origin::LastBuild)));
            continue;
        }
        if input.kind != InputKind::Module {
            results.push(Ok(MadeFile::new(content.clone(), kind, Origin::Copied)));
            continue;
        }
        let options = Options {
            input_name: input.path.as_str().as_bytes().to_vec(),
            ..plan.options.clone()
        };
        match compile_cached(&content, &options, settings.cache.as_ref()) {
            Ok(compiled) => {
                let origin = match compiled.cached {
                    true => Origin::Copied,
                    false => Origin::Compiled,
                };
                results.push(Ok(MadeFile::new(compiled.mpy, kind, origin)));
            }
            // The board compiles this module when it imports it.
            Err(CompileError::Rejected(diagnostic))
                if native::needs_native(&content, &options, &diagnostic) =>
            {
                let source = MadeFile::new(content.clone(), FileKind::Source, Origin::Copied);
                results.push(Ok(source));
            }
            Err(CompileError::Rejected(diagnostic)) => results.push(Err(diagnostic)),
            Err(CompileError::Unwritable(error)) => {
                return Err(BuildError::Write {
                    path,
                    source: std::io::Error::other(error),
                });
            }
        }
    }
    Ok(Made {
        content,
        sha256,
        results,
    })
}

/// Returns whether the file is a compiled module, such as a library of CircuitPython.
fn is_mpy(input: &Input, content: &[u8]) -> bool {
    input.place.extension() == Some("mpy") && piton_mpy::reader::header(content).is_ok()
}

/// Returns whether the content is that of a secret key for builds, with or without a password.
fn is_secret_key(content: &[u8]) -> bool {
    const LONGEST: usize = 4096;
    let text = (content.len() <= LONGEST).then(|| std::str::from_utf8(content).ok());
    text.flatten()
        .is_some_and(|text| KeyFile::parse(text).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use piton_shipment::signature::{Password, SecretKey};

    fn input(place: &str) -> Input {
        Input {
            path: place.parse().unwrap(),
            place: place.parse().unwrap(),
            kind: InputKind::Data,
        }
    }

    #[test]
    fn a_compiled_module_is_known_by_its_name_and_its_header() {
        let module = piton_compiler::compile(b"x = 1", &Options::new("a.py")).unwrap();
        let mpy = piton_mpy::writer::write(&module).unwrap();
        assert!(is_mpy(&input("lib/a.mpy"), &mpy));
        assert!(!is_mpy(&input("lib/a.bin"), &mpy));
        assert!(!is_mpy(&input("lib/a.mpy"), b"text"));
        assert!(!is_mpy(&input("lib/a.mpy"), b""));
    }

    #[test]
    fn a_secret_key_is_never_a_part_of_a_build() {
        let key = SecretKey::generate().unwrap();
        assert!(is_secret_key(key.to_text().as_bytes()));
        let protected = key.protect(&Password::new("x".to_owned())).unwrap();
        assert!(is_secret_key(protected.as_bytes()));
        // The public one may go along.
        assert!(!is_secret_key(key.public_text().as_bytes()));
        assert!(!is_secret_key(b""));
        assert!(!is_secret_key(b"\xff\xfe"));
        assert!(!is_secret_key(&[b'R'; 5000]));
    }

    fn refused(data: &str, strict: bool, allowed: &str) -> Option<Refusal> {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("src");
        fs::create_dir(&source).unwrap();
        fs::write(source.join("bad.py"), "x = = 1").unwrap();
        if !data.is_empty() {
            fs::write(source.join(data), "x = 1").unwrap();
        }
        let mut settings = Settings::new(&source, folder.path().join("out"));
        settings.strict = strict;
        settings.allow_fail.add(allowed);
        settings.data.add("*.txt");
        match build(&settings, &Cancel::new(), &|_| {}).unwrap().written {
            Written::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    #[test]
    fn a_build_is_refused_if_a_source_fails_that_must_not_or_if_nothing_is_left() {
        assert_eq!(refused("good.py", false, ""), None);
        assert_eq!(refused("good.py", true, ""), Some(Refusal::Strict));
        assert_eq!(refused("good.py", true, "bad.py"), None);
        // Data alone is not a program.
        assert_eq!(refused("notes.txt", false, ""), Some(Refusal::Nothing));
        assert_eq!(refused("", false, "bad.py"), Some(Refusal::Nothing));
        // Nor is an entry file without the modules that it starts.
        assert_eq!(refused("main.py", false, ""), Some(Refusal::Nothing));
    }
}
