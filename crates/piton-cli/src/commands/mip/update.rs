//! `mip update`: fetches installed packages again from their sources, and installs what has changed.

use piton::mip::record::Installed;
use piton::mip::source::Source;
use piton::mip::{Fetched, Installation, MipError, MipEvent};

use super::install::{Job, Ready, Request};
use super::{Args, sources};
use crate::context::Context;
use crate::error::CommandError;

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let Context {
        session,
        ui,
        cancel,
        compatibility,
        ..
    } = ctx;
    let board = session.board()?.device_name().to_owned();
    let mut on_board = session.packages(args.target.as_deref())?;
    let library = on_board.library().clone();
    let installed = on_board.list()?;
    let mut packages = Vec::new();
    let mut requests = Vec::new();
    for package in wanted(args, &installed)? {
        if let Some(project) = &package.project {
            let name = &package.name;
            ui.note(&format!(
                "{name} belongs to the project `{project}`: `piton install` updates it"
            ));
            continue;
        }
        let source = sources(std::slice::from_ref(&package.source))?;
        let Some(source) = source.into_iter().next() else {
            continue;
        };
        if matches!(source, Source::Local(_)) {
            // The record on the board names this file. A board must not choose files of this computer.
            ui.note(&format!(
                "{} came from this computer: `mip install` it again to update it",
                package.name
            ));
            continue;
        }
        let mut options = args.fetch_options();
        options.mpy = args.mpy || (package.mpy && !args.no_mpy);
        if let (None, Some(index)) = (&args.index, &package.index) {
            options.index.clone_from(index);
        }
        requests.push(Request { source, options });
        packages.push(package);
    }
    let job = Job {
        requests: &requests,
        library: &library,
        board: &board,
        ui,
        compatibility,
        names_same: false,
    };
    let Ready {
        fetched,
        looked,
        failure,
    } = job.fetch(&mut on_board, cancel)?;
    job.install(&mut on_board, &fetched, looked, &mut |event| {
        let MipEvent::Installed {
            index,
            installation,
        } = event
        else {
            return Ok(());
        };
        if let (Some(package), Some(fetched)) = (packages.get(index), fetched.get(index)) {
            ui.step(&outcome(package, fetched, installation))?;
        }
        job.report(installation)
    })?;
    match failure {
        None => Ok(()),
        Some(failure) => {
            for line in &failure.lines {
                ui.step(line)?;
            }
            Err(failure.error)
        }
    }
}

/// Returns the line about an updated package.
fn outcome(package: &Installed, fetched: &Fetched, updated: &Installation) -> String {
    let now = fetched.packages().first();
    let now = now.and_then(|package| package.version.as_deref());
    match (package.version.as_deref(), now) {
        _ if updated.written + updated.removed == 0 => {
            format!("{} is up to date", package.name)
        }
        (Some(before), Some(now)) if before != now => {
            format!("{}: {before} -> {now}", package.name)
        }
        _ => format!("{}: updated", package.name),
    }
}

/// Returns the named packages; without a name, those that the user has requested.
fn wanted(args: &Args, installed: &[Installed]) -> Result<Vec<Installed>, CommandError> {
    if args.packages.is_empty() {
        let requested = installed.iter().filter(|package| package.requested);
        return Ok(requested.cloned().collect());
    }
    let named = args.packages.iter().map(|name| {
        let package = installed.iter().find(|package| package.name == *name);
        package.cloned().ok_or_else(|| {
            CommandError::from(MipError::NotInstalled {
                name: name.clone(),
                installed: installed
                    .iter()
                    .map(|package| package.name.clone())
                    .collect(),
            })
        })
    });
    named.collect()
}
