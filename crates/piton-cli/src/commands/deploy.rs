//! `deploy`: copies the files of a build to a board, or to its drive.

use std::path::{Path, PathBuf};

use piton::board_format::BoardFormat;
use piton::events::BoardEvent;
use piton::fs::remote::RemoteFs;
use piton::path::{BoardPath, PortablePath};
use piton::shipment::choose::{self, ChooseError};
use piton::shipment::record::{DowngradeError, DowngradeRule, FILE_NAME, Last, Record};
use piton::shipment::to_board::{self, ToBoardError};
use piton::shipment::to_drive::{DriveAction, DrivePlan, DriveStep, ToDriveError, apply, plan};
use piton::shipment::{Demands, Places, Purpose, Shipment};
use piton::sync::SyncEvent;

use super::fs::refused;
use super::shipments::{board_format, ordered_version, public_key, shipments};
use super::sync::carry_out;
use crate::context::Context;
use crate::error::{CommandError, ShipError};
use crate::interrupt;
use crate::ui::Ui;

/// Arguments of `deploy`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder or archive that `build` made, its manifest, or the address of one of these
    #[arg(value_name = "PLACE", default_value = "build")]
    build: PathBuf,
    /// Copy to this folder, such as the drive of a CircuitPython board, instead of the connected board
    #[arg(long, value_name = "FOLDER", alias = "copy-to-circuitpy")]
    to: Option<PathBuf>,
    /// The target of a build for several targets (default: the one that the board can load)
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// Require a signature by this public key: a file, or the key itself
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Require this version or a later one
    #[arg(long, value_name = "VERSION", value_parser = ordered_version)]
    min_version: Option<String>,
    /// With `--key`, also accept a build that is older than the last one that was deployed there with `--key`
    #[arg(long)]
    allow_downgrade: bool,
    /// Print what would be done
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let key = args.key.as_deref().map(public_key).transpose()?;
    let mut shipments = shipments(&args.build, &Places::default(), Purpose::Copy, ctx)?;
    interrupt::install(&ctx.cancel);
    let refuse = |error| not_chosen(error, &args.build, &ctx.ui);
    if let Some(name) = &args.target {
        shipments = choose::of_target(shipments, name).map_err(refuse)?;
    }
    let board = match &args.to {
        Some(drive) => {
            let format = choose::drive_format(drive, &shipments).map_err(refuse)?;
            note_unknown_format(format.as_ref(), drive, &ctx.ui);
            format
        }
        None => Some(board_format(ctx)?),
    };
    let demands = Demands {
        key: key.as_ref(),
        board: board.as_ref(),
        min_version: args.min_version.as_deref(),
    };
    let shipment = choose::choose(shipments, &demands)
        .map_err(|error| not_chosen(error, &args.build, &ctx.ui))?;
    let settings = to_board::Settings {
        is_signed: key.is_some(),
        downgrade: match key.is_some() && !args.allow_downgrade {
            true => DowngradeRule::Refuse,
            false => DowngradeRule::Report,
        },
        settle: !args.dry_run,
    };
    match &args.to {
        Some(drive) => to_drive(shipment, drive, settings, args.dry_run, ctx),
        None => to_board(&shipment, settings, args.dry_run, ctx),
    }
}

/// Prints what is wrong with all shipments, and returns the error for it.
fn not_chosen(error: ChooseError, build: &Path, ui: &Ui) -> CommandError {
    let build = build.to_owned();
    let error = match error {
        ChooseError::NoSuchTarget { name, targets } => ShipError::NoSuchTarget {
            build,
            name,
            targets,
        },
        ChooseError::Rejected { findings } => {
            let findings = choose::distinct(&findings);
            for finding in &findings {
                ui.failure(&format!("{finding}\n"));
            }
            ShipError::NotDeployed {
                build,
                index: choose::index_problem(&findings),
            }
        }
        error => ShipError::Choose(error),
    };
    error.into()
}

/// Reports that nothing is known of the board of a drive.
fn note_unknown_format(format: Option<&BoardFormat>, drive: &Path, ui: &Ui) {
    if format.is_none() && drive.is_dir() {
        ui.note(&format!(
            "there is no `boot_out.txt` in `{}`, so it is not checked what the board can load",
            drive.display()
        ));
    }
}

/// Reports that a newer version is replaced.
fn note_downgrade(new: &Record, newer: Option<&Record>, ui: &Ui) {
    if let Some(last) = newer {
        ui.note(&format!(
            "version {} of {} is older than {} of {}, which was deployed last with `--key`",
            new.version, new.build_timestamp, last.version, last.build_timestamp
        ));
    }
}

fn to_board(
    shipment: &Shipment,
    settings: to_board::Settings,
    dry_run: bool,
    ctx: &mut Context,
) -> Result<(), CommandError> {
    let Context { session, ui, .. } = ctx;
    let board = session.board()?.device_name().to_owned();
    let mut raw = session.raw_repl()?;
    let mut remote = RemoteFs::new(&mut raw);
    // A unix port's root folder is the computer's, and a board may have its files in `/flash`.
    let current = BoardPath::default();
    let deployment =
        to_board::plan(shipment, &mut remote, &current, settings).map_err(not_deployed)?;
    note_downgrade(&Record::of(&shipment.manifest), deployment.newer(), ui);
    carry_out(dry_run, ui, &board, deployment.plan(), |events| {
        deployment.apply(&mut remote, events).map_err(not_deployed)
    })
}

fn not_deployed(error: ToBoardError) -> CommandError {
    match error {
        ToBoardError::Downgrade(error) => refused_downgrade(error),
        ToBoardError::Record(error) => refused("deploy", FILE_NAME, error),
        ToBoardError::Sync(error) => error.into(),
        error => error.into(),
    }
}

fn refused_downgrade(error: DowngradeError) -> CommandError {
    ShipError::Downgrade(error).into()
}

fn to_drive(
    mut shipment: Shipment,
    drive: &Path,
    settings: to_board::Settings,
    dry_run: bool,
    ctx: &Context,
) -> Result<(), CommandError> {
    let new = Record::of(&shipment.manifest);
    let newer = Last::of_drive(drive).check(&new, settings.downgrade);
    note_downgrade(&new, newer.map_err(refused_downgrade)?.as_ref(), &ctx.ui);
    if settings.is_signed {
        shipment.with_record().map_err(ToDriveError::Spool)?;
    }
    let plan = plan(&shipment, drive)?;
    print_plan(&plan, dry_run, ctx)?;
    if dry_run {
        return Ok(());
    }
    let board = &drive.display().to_string();
    let mut step = 0;
    let mut done = |_: &PortablePath, _| {
        let event = SyncEvent::Done { step };
        ctx.ui.event(&BoardEvent { board, event });
        step += 1;
    };
    match apply(&plan, &shipment, drive, &ctx.cancel, &mut done) {
        Err(ToDriveError::Cancelled) => return Err(CommandError::Interrupted),
        other => other?,
    }
    if !ctx.ui.json() {
        note_changes(&plan, &shipment, ctx);
    }
    Ok(())
}

/// Prints the plan for `--dry-run` or `--json`.
fn print_plan(plan: &DrivePlan, dry_run: bool, ctx: &Context) -> Result<(), CommandError> {
    if ctx.ui.json() {
        return ctx.ui.json_line(plan);
    }
    if dry_run {
        for DriveStep { path, action } in &plan.steps {
            ctx.ui.line(&format!("{:<8} {path}", action.name()))?;
        }
    }
    Ok(())
}

/// Reports how many files were changed.
fn note_changes(plan: &DrivePlan, shipment: &Shipment, ctx: &Context) {
    ctx.ui.note(&format!(
        "version {}: {} created, {} replaced, {} removed, {} unchanged",
        shipment.manifest.version,
        plan.count(DriveAction::Create),
        plan.count(DriveAction::Replace),
        plan.count(DriveAction::Remove),
        plan.count(DriveAction::Keep),
    ));
}
