//! The commands for the packages of a project: `add`, `lock`, `install` and the like. None but `install` needs a board.

mod add;
mod cache;
pub(crate) mod install;
mod list;
mod lock;
mod search;
mod vendor;

use std::ops::ControlFlow::{self, Continue};
use std::path::Path;

use piton::deadline::Cancel;
use piton::workspace::{
    Change, FetchSettings, LockOptions, PackageError, PackageEvent, Resolved, Workspace, Written,
};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::ui::Ui;

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Add packages to the project
    Add(add::Args),
    /// Remove packages from the project
    Remove(add::RemoveArgs),
    /// Choose the versions of the project's packages, and write them down
    Lock(lock::Args),
    /// Update the project's packages
    Update(lock::UpdateArgs),
    /// Install the project and its packages on boards
    Install(Box<install::Args>),
    /// List the project's packages
    List(list::Args),
    /// Show why the project has a package
    Why(list::WhyArgs),
    /// List the project's packages of which there are newer versions
    Outdated(list::OutdatedArgs),
    /// Search the index for packages
    Search(search::Args),
    /// Copy the files of the project's packages into a folder
    Vendor(vendor::Args),
    /// Remove what the project does not need from the folder of its packages
    Clean(vendor::CleanArgs),
    /// Show or clear the cache of packages
    Cache(cache::Args),
}

impl Command {
    pub(super) fn run(&self, ctx: &mut Context) -> Result<(), CommandError> {
        match self {
            Command::Add(args) => add::run(args, ctx),
            Command::Remove(args) => add::remove(args, ctx),
            Command::Lock(args) => lock::run(args, ctx),
            Command::Update(args) => lock::update(args, ctx),
            Command::Install(args) => install::run(args, ctx),
            Command::List(args) => list::run(args, ctx),
            Command::Why(args) => list::why(args, ctx),
            Command::Outdated(args) => list::outdated(args, ctx),
            Command::Search(args) => search::run(args, ctx),
            Command::Vendor(args) => vendor::run(args, ctx),
            Command::Clean(args) => vendor::clean(args, ctx),
            Command::Cache(args) => cache::run(args, ctx),
        }
    }
}

/// Whether servers are asked.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct NetworkArgs {
    /// Ask no server: take everything from the cache
    #[arg(long)]
    offline: bool,
}

impl NetworkArgs {
    fn settings(self) -> FetchSettings {
        let mut settings = FetchSettings::of_user();
        settings.offline = self.offline;
        settings
    }
}

/// What a change of the project's packages did, for `--json`.
#[derive(Serialize)]
struct Report<'r> {
    /// What differs between the locks.
    changes: &'r [Change],
    #[serde(flatten)]
    written: Option<Written>,
}

fn open() -> Result<Workspace, CommandError> {
    let workspace = Workspace::open(Path::new("."))?;
    Ok(workspace)
}

/// Prints the keys of the settings that are not known.
fn note_unknown(workspace: &Workspace, ui: &Ui) {
    for (key, line) in &workspace.project().unknown {
        ui.note(&format!(
            "`pyproject.toml`, line {line}: `{key}` is not known and has no effect; the keys are {}",
            piton::project::project::KEYS.join(", ")
        ));
    }
}

/// Returns a closure that shows events.
fn shown(ui: &Ui) -> impl FnMut(PackageEvent<'_>) -> ControlFlow<()> {
    |event| {
        ui.event(&event);
        match event {
            PackageEvent::Fetched { done, of, .. } => ui.fetched(done, of),
            PackageEvent::Retrying { url, .. } if !ui.prints_events() => {
                ui.clear_progress();
                ui.note(&format!("{url} does not answer well, asking again"));
            }
            _ => {}
        }
        Continue(())
    }
}

/// Decides which packages there are, and writes the lock and the folder of the dependencies.
pub(crate) fn bring(
    workspace: &mut Workspace,
    options: &LockOptions,
    network: NetworkArgs,
    dry_run: bool,
    (ui, cancel): (&Ui, &Cancel),
) -> Result<(Resolved, Option<Written>), CommandError> {
    note_unknown(workspace, ui);
    let settings = network.settings();
    let resolved = workspace.resolve(options, &settings, cancel, &mut shown(ui));
    ui.clear_progress();
    let resolved = resolved?;
    if dry_run {
        return Ok((resolved, None));
    }
    let written = match workspace.write(&resolved) {
        // The lock is right, but the folder lacks files.
        Err(PackageError::Different { .. }) if resolved.changes.is_empty() => {
            let locked = workspace.fetch_locked(&settings, cancel, &mut shown(ui));
            ui.clear_progress();
            workspace.write(&locked?)?
        }
        written => written?,
    };
    Ok((resolved, Some(written)))
}

/// Does the same, and prints what was changed.
fn lock_and_print(
    workspace: &mut Workspace,
    options: &LockOptions,
    network: NetworkArgs,
    dry_run: bool,
    ctx: &Context,
) -> Result<(), CommandError> {
    let ui = &ctx.ui;
    let (resolved, written) = bring(workspace, options, network, dry_run, (ui, &ctx.cancel))?;
    if ui.json() {
        return ui.json_line(&Report {
            changes: &resolved.changes,
            written,
        });
    }
    print_changes(&resolved.changes, ui)?;
    if let Some(written) = written
        && resolved.changes.is_empty()
        && !written.files.is_empty()
    {
        let count = written.files.len();
        ui.note(&format!("{count} files of the dependencies were restored"));
    }
    let count = resolved.lock.packages.len();
    let noun = if count == 1 { "package" } else { "packages" };
    ui.note(&format!("the project has {count} {noun}"));
    Ok(())
}

/// Prints one line for each change.
fn print_changes(changes: &[Change], ui: &Ui) -> Result<(), CommandError> {
    let with = |name: &str, version: &Option<String>| match version {
        Some(version) => format!("{name} {version}"),
        None => name.to_owned(),
    };
    for change in changes {
        ui.step(&match change {
            Change::Added { name, version } => format!("+ {}", with(name, version)),
            Change::Removed { name, version } => format!("- {}", with(name, version)),
            Change::Updated {
                name,
                before,
                version,
            } if before == version => format!("~ {}: other files", with(name, version)),
            Change::Updated {
                name,
                before,
                version,
            } => format!(
                "~ {} -> {}",
                with(name, before),
                version.as_deref().unwrap_or("no version")
            ),
            _ => continue,
        })?;
    }
    Ok(())
}
