//! `build`: a folder of sources to files that can be shipped.

mod github;
mod settings;

use std::collections::BTreeMap;
use std::path::PathBuf;

use piton::build::{Event, Failure, LeftOut, Refusal, Report, Settings, Written, build};
use serde::Serialize;

use super::compile::excerpt;
use crate::context::Context;
use crate::error::CommandError;
use crate::interrupt;
use crate::signing::Opened;

pub(crate) use settings::Args;

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    interrupt::install(&ctx.cancel);
    let mut opened = None;
    if args.watch {
        let settings = settings::read(args, &mut opened)?;
        return watch(args, settings, opened, ctx);
    }
    let done = settings::read(args, &mut opened).and_then(|settings| once(&settings, ctx));
    if let Err(error) = &done {
        github::tell_error(error, ctx);
    }
    done
}

/// Build, and build again whenever a source or a setting has changed, until Ctrl-C.
fn watch(
    args: &Args,
    mut settings: Settings,
    mut opened: Option<Opened>,
    ctx: &mut Context,
) -> Result<(), CommandError> {
    let mut seen = None;
    // What is wrong with the settings, which is told once.
    let mut unread = String::new();
    while !ctx.cancel.is_cancelled() {
        let now = piton::build::fingerprint(&settings);
        if seen != Some(now) {
            seen = Some(now);
            match once(&settings, ctx) {
                Err(CommandError::Interrupted) => break,
                // Told already, or told here; the next change may mend it.
                Ok(()) | Err(CommandError::NotBuilt) => {}
                Err(error) => ctx.ui.failure(&error.message(ctx.face).unwrap_or_default()),
            }
            ctx.ui.note("watching for changes; Ctrl-C ends this");
        }
        std::thread::sleep(piton::build::WATCH_INTERVAL);
        // The settings may be what changed.
        match settings::read(args, &mut opened) {
            Ok(read) => (settings, unread) = (read, String::new()),
            Err(error) => {
                let message = error.message(ctx.face).unwrap_or_default();
                if message != unread {
                    ctx.ui.failure(&message);
                }
                unread = message;
            }
        }
    }
    Ok(())
}

fn once(settings: &Settings, ctx: &mut Context) -> Result<(), CommandError> {
    let ui = &ctx.ui;
    let events = |event: Event| match event {
        Event::Done { done, of } => ui.count(done, of),
        Event::NoCommitTime { why } => ui.note(&format!(
            "taking the time of the newest source, as git has no commit to ask: {why}"
        )),
        Event::LeftOut { path, why } => ui.note(&format!(
            "`{}` is left out: {}",
            path.display(),
            match why {
                LeftOut::FolderLink => "links to folders are not followed",
                LeftOut::DanglingLink => "it is a link that names nothing",
                LeftOut::Special => "it is no file",
            }
        )),
        _ => {}
    };
    let report = build(settings, &ctx.cancel, &events);
    ui.clear_progress();
    let report = match report {
        Err(piton::build::BuildError::Cancelled { .. }) => return Err(CommandError::Interrupted),
        other => other?,
    };
    if ui.json() {
        ui.json_line(&Summary::of(&report))?;
    } else {
        for failure in &report.failures {
            ui.failure(&format!(
                "{}\n",
                excerpt::of_source(&failure.path, &failure.diagnostic, &failure.content)
            ));
        }
        for line in lines(&report) {
            ui.note(&line);
        }
    }
    github::tell(settings, &report, ui)?;
    match report.written {
        Written::Refused(_) => Err(CommandError::NotBuilt),
        Written::Replaced | Written::Unchanged => Ok(()),
    }
}

/// The failures of a report by source: most sources fail for every target, and for one reason.
fn by_source(failures: &[Failure]) -> BTreeMap<&str, &Failure> {
    let pairs = failures.iter().rev();
    pairs
        .map(|failure| (failure.source.as_str(), failure))
        .collect()
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// What a person is told at the end.
fn lines(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for target in &report.targets {
        lines.push(format!(
            "{}: {} file{}, {} bytes, {} compiled",
            target.name,
            target.files,
            plural(target.files),
            target.size,
            target.compiled,
        ));
    }
    let failed = by_source(&report.failures).len();
    let left_out = format!("{failed} source{} did not compile", plural(failed));
    lines.push(match report.written {
        Written::Replaced if failed > 0 => format!("built; {left_out}, left out"),
        Written::Unchanged if failed > 0 => format!("unchanged; {left_out}, left out"),
        Written::Replaced => "built".to_owned(),
        Written::Unchanged => "unchanged".to_owned(),
        Written::Refused(Refusal::Nothing) => {
            format!("nothing written: no source compiled for one of the targets; {left_out}")
        }
        Written::Refused(Refusal::Strict) => format!(
            "nothing written: {left_out}\n\nhint: `--keep-going` leaves them out, `--allow-fail PATTERN` some of them"
        ),
    });
    lines
}

fn shown(paths: &[PathBuf]) -> Vec<String> {
    paths
        .iter()
        .map(|path| path.display().to_string())
        .collect()
}

/// What `--json` prints.
#[derive(Serialize)]
struct Summary<'a> {
    written: &'static str,
    version: &'a str,
    timestamp: u64,
    targets: Vec<TargetSummary<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    signatures: Vec<String>,
    failures: Vec<FailureSummary<'a>>,
}

#[derive(Serialize)]
struct TargetSummary<'a> {
    target: &'a str,
    folder: String,
    manifest: String,
    archives: Vec<String>,
    files: usize,
    modules: usize,
    compiled: usize,
    size: u64,
}

#[derive(Serialize)]
struct FailureSummary<'a> {
    target: &'a str,
    source: &'a str,
    r#type: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'static str>,
    allowed: bool,
}

impl Summary<'_> {
    fn of(report: &Report) -> Summary<'_> {
        let targets = report.targets.iter().map(|target| TargetSummary {
            target: &target.name,
            folder: target.folder.display().to_string(),
            manifest: target.manifest.display().to_string(),
            archives: shown(&target.archives),
            files: target.files,
            modules: target.modules,
            compiled: target.compiled,
            size: target.size,
        });
        let failures = report.failures.iter().map(|failure| FailureSummary {
            target: &failure.target,
            source: failure.source.as_str(),
            r#type: failure.diagnostic.error_type.name(),
            message: failure.diagnostic.message.to_string(),
            line: failure.diagnostic.location.as_ref().map(|place| place.line),
            hint: excerpt::hint_for(&failure.diagnostic, &failure.content),
            allowed: failure.allowed,
        });
        Summary {
            written: match report.written {
                Written::Replaced => "replaced",
                Written::Unchanged => "unchanged",
                Written::Refused(_) => "refused",
            },
            version: &report.version,
            timestamp: report.timestamp,
            targets: targets.collect(),
            index: report.index.as_ref().map(|path| path.display().to_string()),
            signatures: shown(&report.signatures),
            failures: failures.collect(),
        }
    }
}
