//! `mip`: manages packages on the board. Each sub-command that is more than one call has its own file.

mod install;
mod list;
mod update;

use piton::events::BoardEvent;
use piton::mip::source::Source;
use piton::mip::{FetchOptions, MipEvent};
use piton::reports::UninstallReport;

use crate::context::Context;
use crate::error::CommandError;
use crate::output_sink::OutputSink;
use crate::ui::Ui;
use crate::usage::UsageError;

/// Arguments of `mip`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Install compiled `.mpy` files, if the board loads them (default)
    #[arg(short, long, conflicts_with = "no_mpy")]
    pub(crate) mpy: bool,
    /// Install sources
    #[arg(long)]
    pub(crate) no_mpy: bool,
    /// The folder on the board (default: the first of its `sys.path` that ends in `/lib`)
    #[arg(long)]
    pub(crate) target: Option<String>,
    /// Address of the index that names are looked up in (default: micropython-lib's)
    #[arg(long)]
    pub(crate) index: Option<String>,
    /// `install`, `list`, `uninstall` or `update`
    pub(crate) command: String,
    /// `NAME`, `NAME@VERSION`, `github:ORG/REPO[/PATH][@REF]` (also `gitlab:`, `codeberg:`), an address, or a folder,
    /// `package.json` or module of this computer
    #[arg(
        num_args = 1..,
        required_if_eq_any([("command", "install"), ("command", "uninstall")])
    )]
    pub(crate) packages: Vec<String>,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    match args.command.as_str() {
        "install" => install::run(args, ctx),
        "list" => list::run(args, ctx),
        "uninstall" => uninstall(args, ctx),
        "update" => update::run(args, ctx),
        word => Err(CommandError::Usage(UsageError::NotAMipCommand {
            word: word.to_owned(),
        })),
    }
}

impl Args {
    fn fetch_options(&self) -> FetchOptions {
        let mut options = FetchOptions::default();
        if let Some(index) = &self.index {
            index.trim_end_matches('/').clone_into(&mut options.index);
        }
        options.mpy = !self.no_mpy;
        options
    }
}

fn uninstall(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let Context { session, ui, .. } = ctx;
    let board = session.board()?.device_name().to_owned();
    let mut packages = session.packages(args.target.as_deref())?;
    for name in &args.packages {
        let mut output = OutputSink::default();
        let removed = packages.uninstall(name, &mut |event| {
            ui.event(&BoardEvent {
                board: &board,
                event,
            });
            output.flow(show_removal(ui, event))
        });
        let removal = output.finish(removed)?;
        if ui.json() {
            ui.json_line(&UninstallReport::new(packages.library(), name, &removal))?;
            continue;
        }
        ui.step(&format!("Uninstalled {name}"))?;
        if !removal.orphans.is_empty() {
            ui.note(&format!(
                "nothing needs these any more: {}",
                removal.orphans.join(", ")
            ));
        }
    }
    Ok(())
}

/// Shows that a file is removed, or that it is kept because it was changed.
fn show_removal(ui: &Ui, event: MipEvent<'_>) -> Result<(), CommandError> {
    match event {
        _ if ui.prints_events() => Ok(()),
        MipEvent::Finished { folder } => {
            ui.note(&format!("completed an interrupted change in {folder}"));
            Ok(())
        }
        MipEvent::Removed { path } => ui.step(&format!("Removed: {path}")),
        MipEvent::Changed { path } => {
            ui.note(&format!(
                "{path} was changed since its installation and is kept"
            ));
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Parses all packages before any of them is fetched.
fn sources(packages: &[String]) -> Result<Vec<Source>, CommandError> {
    let sources = packages.iter().map(|text| {
        text.parse::<Source>().map_err(|error| {
            CommandError::from(piton::mip::MipError::from(
                piton::mip::resolve::ResolveError::from(error),
            ))
        })
    });
    sources.collect()
}
