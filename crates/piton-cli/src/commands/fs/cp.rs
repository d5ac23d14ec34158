//! `fs cp`: copies files from, to and on the board. [`piton::copy`] decides what is copied and how; this module
//! announces it.

use std::ops::ControlFlow;

use piton::copy::{self, CopyEvent, Place};
use piton::error::FsError;
use piton::events::BoardEvent;
use piton::left_out::{self, Reason};
use piton::path::BoardPath;
use piton::patterns::Patterns;

use super::files::Files;
use super::missing::{hint_for_board, hint_for_destination, hint_for_host};
use super::paths::places;
use super::refused::{ENOENT, error_text, local_error, refused};
use crate::commands::reserved::note_reserved;
use crate::error::{CommandError, FileError};
use crate::output_sink::OutputSink;

/// The most names that a line lists.
const LONGEST_LIST: usize = 5;

pub(super) fn run(files: &mut Files<'_, '_, '_>) -> Result<(), CommandError> {
    let places = places(files)?;
    let Some((destination, sources)) = places.split_last().filter(|(_, rest)| !rest.is_empty())
    else {
        return Err(does_not_fit("missing destination path"));
    };
    if files.compatibility.extended_files && !places.iter().any(Place::is_on_board) {
        let sources = sources.iter().map(shown).collect::<Vec<String>>();
        files.ui.note(&format!(
            "nothing of this is on the board: a path there begins with `:`, as in `cp {} :`",
            sources.join(" ")
        ));
    }
    let mut options = copy::Options::default();
    options.recursive = files.args.recursive;
    options.force = files.args.force;
    options.ignore = match files.compatibility.extended_files && !files.args.no_ignore {
        true => left_out::patterns(),
        false => Patterns::new(),
    };
    let plan = copy::plan(&mut files.remote, sources, destination, &options)
        .map_err(|error| command_error(files, destination, error))?;
    for place in plan.reserved() {
        note_reserved(files.ui, &shown_below_current_folder(place));
    }
    let left_out = left_out_line(plan.left_out());
    let copied = apply(files, plan, sources, destination);
    if let Some(line) = left_out {
        files.ui.note(&line);
    }
    copied
}

/// Carries out the plan and announces each source.
fn apply(
    files: &mut Files<'_, '_, '_>,
    plan: copy::Plan,
    sources: &[Place],
    destination: &Place,
) -> Result<(), CommandError> {
    let (ui, args, board) = (files.ui, files.args, files.device_name);
    let mut progress = None;
    let mut output = OutputSink::default();
    let mut report = |event: CopyEvent<'_>| {
        ui.event(&BoardEvent { board, event });
        let line = match event {
            CopyEvent::Source { index } if !args.no_verbose => {
                let source = sources.get(index).map(shown).unwrap_or_default();
                Some(format!("cp {source} {}", shown(destination)))
            }
            CopyEvent::Unchanged { path } => {
                let path = shown_at_destination(path, destination);
                Some(format!("Up to date: {path}"))
            }
            CopyEvent::Begin { of } => {
                progress = Some(ui.transfer(of));
                None
            }
            CopyEvent::Moved { bytes, of } => {
                if let Some(progress) = &progress {
                    progress.expect(of);
                    progress.at(bytes);
                }
                None
            }
            CopyEvent::End => {
                progress = None;
                None
            }
            _ => None,
        };
        let Some(line) = line else {
            return ControlFlow::Continue(());
        };
        output.flow(match &progress {
            Some(progress) => progress.aside(|| ui.step(&line)),
            None => ui.step(&line),
        })
    };
    let applied = copy::apply(plan, &mut files.remote, &mut report);
    output.check()?;
    applied.map_err(|error| command_error(files, destination, error))
}

/// Returns the error of a copy, in mpremote's words where it has some. A folder that is missing is named in a hint.
fn command_error(
    files: &mut Files<'_, '_, '_>,
    destination: &Place,
    error: copy::Error,
) -> CommandError {
    let problem = match error {
        copy::Error::NoDestination => "destination does not exist",
        copy::Error::DestinationNotAFolder => "destination is not a directory",
        copy::Error::IsAFolder => "-r not specified; omitting directory",
        copy::Error::ReadHost { path, source } => {
            return local_error("cp", &path.to_string_lossy(), &source);
        }
        copy::Error::WriteHost { path, source } => {
            let hint = hint_for_host(files, &path, &source);
            let error = local_error("cp", &path.to_string_lossy(), &source);
            return error.with_detail(hint);
        }
        copy::Error::ReadBoard(error) => {
            let path = error.path().cloned().unwrap_or_default();
            return files.refused(&path, error);
        }
        copy::Error::WriteBoard(error) => {
            let hint = match &error {
                FsError::NotFound { path } => hint_for_board(files, path),
                _ => None,
            };
            let path = error.path().cloned().unwrap_or_default();
            let path = shown_at_destination(&path, destination);
            return refused("cp", &path, error).with_detail(hint);
        }
        error => return CommandError::from(FileError::Copy(error)),
    };
    // Several sources, a folder, or a slash at the end: the destination itself is the folder that is missing.
    match hint_for_destination(files, destination) {
        Some(hint) => CommandError::from(FileError::Failed {
            command: "cp".to_owned(),
            path: shown(destination),
            reason: error_text(ENOENT),
            detail: Some(hint),
        }),
        None => does_not_fit(problem),
    }
}

fn does_not_fit(problem: &'static str) -> CommandError {
    CommandError::from(FileError::Arguments {
        command: "cp",
        problem,
    })
}

/// Returns a place in the form of the command line.
fn shown(place: &Place) -> String {
    match place {
        Place::Board(path) => format!(":{path}"),
        Place::Host(path) => path.display().to_string(),
    }
}

/// Returns a path at the destination, as mpremote shows it: with `./` in the current folder.
fn shown_at_destination(path: &BoardPath, destination: &Place) -> String {
    match destination {
        Place::Board(folder) if matches!(folder.as_str(), "" | ".") => format!("./{path}"),
        Place::Board(folder) if folder.as_str().starts_with("./") => format!("./{path}"),
        _ => path.to_string(),
    }
}

/// Returns a place as mpremote shows it: with `./` if it is in the board's current folder.
fn shown_below_current_folder(place: &Place) -> String {
    match place {
        Place::Board(path) if !path.as_str().contains('/') => format!(":./{path}"),
        place => shown(place),
    }
}

/// Returns the line about paths that were left out; `None` if none were. Names that may hold a secret come first: a
/// program on the board may need them.
fn left_out_line(left_out: &[String]) -> Option<String> {
    let mut names = left_out.iter().collect::<Vec<_>>();
    names.sort_by_key(|name| {
        let is_private = left_out::reason(name, false) == Some(Reason::Private);
        (!is_private, *name)
    });
    let listed = names
        .iter()
        .take(LONGEST_LIST)
        .map(|name| format!("`{name}`"));
    let listed = listed.collect::<Vec<String>>().join(", ");
    match names.len() {
        0 => None,
        count if count > LONGEST_LIST => Some(format!(
            "left out: {listed} and {} more; `--no-ignore` copies them",
            count - LONGEST_LIST
        )),
        _ => Some(format!("left out: {listed}; `--no-ignore` copies them")),
    }
}
