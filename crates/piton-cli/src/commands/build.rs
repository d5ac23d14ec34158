//! `build`: makes files that can be shipped from a folder of sources.

mod conclusions;
mod github;
mod settings;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use piton::building::{
    BuildEvent, BuildReport, Failure, LeftOut, NativeSource, Refusal, Report, Written, build,
};
use piton::shipment::keys::OpenedKey;

use super::compile::excerpt;
use crate::context::Context;
use crate::error::CommandError;
use crate::interrupt;

pub(crate) use settings::Args;
use settings::Read;

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    interrupt::install(&ctx.cancel);
    let mut opened = None;
    if args.watch {
        let read = settings::read(args, &mut opened)?;
        return watch(args, read, opened, ctx);
    }
    let result = settings::read(args, &mut opened).and_then(|read| once(&read, ctx));
    if let Err(error) = &result {
        github::report_error(error, ctx);
    }
    result
}

/// Builds, and builds again whenever a source or a setting changes, until Ctrl-C.
fn watch(
    args: &Args,
    mut read: Read,
    mut opened: Option<OpenedKey>,
    ctx: &mut Context,
) -> Result<(), CommandError> {
    let mut seen = None;
    // The last error of the settings, which is printed once.
    let mut unread = String::new();
    while !ctx.cancel.is_cancelled() {
        let now = piton::building::fingerprint(&read.settings);
        if seen != Some(now) {
            seen = Some(now);
            match once(&read, ctx) {
                Err(CommandError::Interrupted) => break,
                // The error is printed; the next change may mend it.
                Ok(()) | Err(CommandError::NotBuilt) => {}
                Err(error) => ctx
                    .ui
                    .failure(&error.message(ctx.compatibility).unwrap_or_default()),
            }
            ctx.ui.note("watching for changes; Ctrl-C ends this");
        }
        std::thread::sleep(piton::building::WATCH_INTERVAL);
        // Read again, since the settings themselves may have changed.
        match settings::read(args, &mut opened) {
            Ok(again) => (read, unread) = (again, String::new()),
            Err(error) => {
                let message = error.message(ctx.compatibility).unwrap_or_default();
                if message != unread {
                    ctx.ui.failure(&message);
                }
                unread = message;
                // Settings that are valid again are built even if they are the old ones: the last message must be about
                // a build.
                seen = None;
            }
        }
    }
    Ok(())
}

fn once(read: &Read, ctx: &mut Context) -> Result<(), CommandError> {
    let (settings, ui) = (&read.settings, &ctx.ui);
    let for_others = Mutex::new(Vec::new());
    let events = |event: BuildEvent| {
        ui.event(&event);
        match event {
            _ if ui.prints_events() => {}
            BuildEvent::Done { done, of } => ui.count(done, of),
            BuildEvent::NoCommitTime { why } => ui.note(&format!(
                "using the time of the newest source, because git has no commit: {why}"
            )),
            BuildEvent::LeftOut {
                path,
                why: LeftOut::ForOthers,
            } => {
                let mut paths = for_others.lock().unwrap_or_else(PoisonError::into_inner);
                paths.push(path);
            }
            BuildEvent::LeftOut { path, why } => {
                ui.note(&format!(
                    "`{}` is left out: {}",
                    path.display(),
                    conclusions::reason(why)
                ));
            }
            _ => {}
        }
    };
    let report = build(settings, &ctx.cancel, &events);
    ui.clear_progress();
    let for_others = for_others
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    let report = match report {
        Err(piton::building::BuildError::Cancelled { .. }) => {
            return Err(CommandError::Interrupted);
        }
        other => other?,
    };
    if ui.json() {
        ui.json_line(&BuildReport::new(&report, &read.project))?;
    } else {
        for line in conclusions::lines(read) {
            ui.note(&line);
        }
        for failure in &report.failures {
            ui.failure(&format!(
                "{}\n",
                excerpt::of_source(&failure.path, &failure.diagnostic, &failure.content)
            ));
        }
        for line in conclusions::native_lines(&report)
            .into_iter()
            .chain(lines(&report))
            .chain(conclusions::data_lines(read, &report))
            .chain(conclusions::for_others_line(&for_others))
            .chain(conclusions::missing_lines(settings, &report))
        {
            ui.note(&line);
        }
    }
    github::report(settings, &report, ui)?;
    match report.written {
        Written::Refused(_) => Err(CommandError::NotBuilt),
        Written::Replaced | Written::Unchanged => Ok(()),
    }
}

/// Returns the sources with machine code by path: they are the same for every target.
fn native_by_source(report: &Report) -> BTreeMap<&str, &NativeSource> {
    let sources = report.native.iter();
    sources
        .map(|native| (native.source.as_str(), native))
        .collect()
}

/// Returns the failures of a report by source: most sources fail for every target, and for one reason.
fn by_source(failures: &[Failure]) -> BTreeMap<&str, &Failure> {
    let pairs = failures.iter().rev();
    pairs
        .map(|failure| (failure.source.as_str(), failure))
        .collect()
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Returns the lines that sum up a build.
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
