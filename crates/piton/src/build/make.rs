//! The build itself: compile, decide, replace.

use std::collections::HashMap;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use piton_board::deadline::Cancel;
use piton_compiler::{Diagnostic, Options};
use piton_project::manifest::{Compiler, Manifest, ManifestFile, Sha256Hex};
use piton_project::timestamp::Timestamp;

use super::place::{self, Made, MadeFile, Origin, Output, Target};
use super::scan::{Input, InputKind, scan};
use super::{
    BuildError, BuildTarget, Event, FILES, Failure, Refusal, Report, Settings, Written, age, swap,
};
use crate::compile::{CompileError, compile_cached};

/// Build what `settings` say.
///
/// Sources that do not compile are in the report; whether anything was written although there are such sources is
/// [`Report::written`].
///
/// # Errors
///
/// [`BuildError`]. The folder of the results is then as it was.
pub fn build(
    settings: &Settings,
    cancel: &Cancel,
    events: &(dyn Fn(Event) + Sync),
) -> Result<Report, BuildError> {
    swap::check(settings)?;
    if let Some(version) = &settings.version
        && version.contains(char::is_control)
    {
        let version = version.clone();
        return Err(BuildError::Version { version });
    }
    let (inputs, left_out) = scan(settings)?;
    for (path, why) in left_out {
        events(Event::LeftOut { path, why });
    }
    if !inputs.iter().any(|input| input.kind == InputKind::Module) {
        return Err(BuildError::NoFiles {
            path: settings.source.clone(),
        });
    }
    let age = age::age(settings, &inputs, events)?;
    let _lock = swap::lock(&settings.out)?;
    let plans = settings
        .targets
        .iter()
        .map(|target| Plan::new(settings, *target))
        .collect::<Vec<Plan>>();
    let done = make_all(settings, &plans, &inputs, cancel, events)?;
    let mut failures = Vec::new();
    let mut targets = Vec::new();
    for (number, plan) in plans.iter().enumerate() {
        let mut target = Target::new(plan, settings, &age);
        for (input, made) in inputs.iter().zip(&done) {
            match made.results.get(number) {
                Some(Ok(file)) => target.add(input, made, file),
                Some(Err(diagnostic)) => {
                    failures.push(failure(settings, plan, input, made, diagnostic));
                }
                None => {}
            }
        }
        targets.push(target);
    }
    let refusal = refusal(settings, &targets, &failures);
    let output = Output::new(settings, &targets, Timestamp::from_seconds(age.seconds))?;
    let written = match refusal {
        Some(refusal) => Written::Refused(refusal),
        None if cancel.is_cancelled() => return Err(cancelled(settings)),
        None if output.is_there(settings) => {
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
        timestamp: age.seconds,
    })
}

fn refusal(settings: &Settings, targets: &[Target], failures: &[Failure]) -> Option<Refusal> {
    if targets.is_empty() || targets.iter().any(|target| target.modules() == 0) {
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
        path: settings.source.join(input.path.to_path()),
        diagnostic: diagnostic.clone(),
        content: made.content.clone(),
        allowed: settings.allow_fail.covers(input.path.as_str(), false),
    }
}

fn cancelled(settings: &Settings) -> BuildError {
    BuildError::Cancelled {
        path: settings.out.clone(),
    }
}

/// What is known of a target before anything is compiled.
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

    /// The result of the last build, if this source made it and it is whole.
    fn kept(&self, settings: &Settings, input: &Input, source: &Sha256Hex) -> Option<Vec<u8>> {
        let last = self.last.get(input.path.as_str())?;
        if last.source_sha256.as_ref() != Some(source) || last.path != input.output() {
            return None;
        }
        let path = place::folder(settings, &self.folder).join(FILES);
        let bytes = fs::read(path.join(last.path.to_path())).ok()?;
        (Sha256Hex::of(&bytes) == last.sha256).then_some(bytes)
    }
}

/// Make the results of all inputs for all targets, several inputs at a time.
fn make_all(
    settings: &Settings,
    plans: &[Plan],
    inputs: &[Input],
    cancel: &Cancel,
    events: &(dyn Fn(Event) + Sync),
) -> Result<Vec<Made>, BuildError> {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let results = Mutex::new(Vec::with_capacity(inputs.len()));
    let work = || {
        let mut own = Vec::new();
        while !cancel.is_cancelled() {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(input) = inputs.get(number) else {
                break;
            };
            own.push((number, make(settings, plans, input)));
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            events(Event::Done {
                done,
                of: inputs.len(),
            });
        }
        let mut results = results
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        results.extend(own);
    };
    thread::scope(|scope| {
        for _ in 1..settings.jobs.get().min(inputs.len()) {
            scope.spawn(work);
        }
        work();
    });
    let mut results = results
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if results.len() < inputs.len() {
        return Err(cancelled(settings));
    }
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, made)| made).collect()
}

fn make(settings: &Settings, plans: &[Plan], input: &Input) -> Result<Made, BuildError> {
    let path = settings.source.join(input.path.to_path());
    let content = fs::read(&path).map_err(|source| BuildError::Read {
        path: path.clone(),
        source,
    })?;
    let sha256 = Sha256Hex::of(&content);
    let mut results = Vec::with_capacity(plans.len());
    for plan in plans {
        if let Some(bytes) = plan.kept(settings, input, &sha256) {
            results.push(Ok(MadeFile::new(bytes, Origin::There)));
            continue;
        }
        if input.kind != InputKind::Module {
            results.push(Ok(MadeFile::new(content.clone(), Origin::Copied)));
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
                results.push(Ok(MadeFile::new(compiled.mpy, origin)));
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
