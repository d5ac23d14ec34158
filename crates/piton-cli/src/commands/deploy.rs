//! `deploy`: the files of a build to a board, or to the drive of one.

use std::path::{Path, PathBuf};

use piton::fs::remote::RemoteFs;
use piton::path::BoardPath;
use piton::shipment::deploy::{Action, DeployError, Plan, apply, board_of_drive, plan};
use piton::shipment::record::{FILE_NAME, Last, Record};
use piton::shipment::{BoardFormat, Demands, Places, Purpose, Shipment};
use piton::sync::{Options, push_tree};
use serde::Serialize;

use super::fs::refused;
use super::sync::carry_out;
use super::verify::{
    board_format, distinct, index_problem, ordered_version, public_key, shipments,
};
use crate::context::Context;
use crate::error::{CommandError, ShipError};
use crate::interrupt;

/// Arguments of `deploy`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder or archive that `build` made, its manifest, or the address of one of these
    #[arg(default_value = "build")]
    place: PathBuf,
    /// Copy to this folder, such as the drive of a CircuitPython board, instead of the connected board
    #[arg(long, value_name = "FOLDER", alias = "copy-to-circuitpy")]
    to: Option<PathBuf>,
    /// Of a build for several targets, the one to take (default: the one that the board can load)
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// Ask for a signature by this public key: a file, or the key itself
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Ask for this version or a later one
    #[arg(long, value_name = "VERSION", value_parser = ordered_version)]
    min_version: Option<String>,
    /// With `--key`, also take what is older than what was deployed there with `--key` last
    #[arg(long)]
    allow_downgrade: bool,
    /// Print what would be done
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let key = args.key.as_deref().map(public_key).transpose()?;
    let places = Places::default();
    let mut shipments = shipments(&args.place, &places, Purpose::Copy, ctx)?;
    interrupt::install(&ctx.cancel);
    if let Some(name) = &args.target {
        let there = targets(&shipments);
        shipments.retain(|shipment| shipment.manifest.target.as_ref() == Some(name));
        if shipments.is_empty() {
            return Err(ShipError::NoSuchTarget {
                place: args.place.clone(),
                name: name.clone(),
                there,
            }
            .into());
        }
    }
    let board = match &args.to {
        Some(drive) => known_board(drive, &shipments, ctx)?,
        None => Some(board_format(ctx)?),
    };
    let demands = Demands {
        key: key.as_ref(),
        board: board.as_ref(),
        min_version: args.min_version.as_deref(),
    };
    let mut problems = Vec::new();
    let mut chosen = None;
    for shipment in shipments {
        let findings = shipment.check(&demands);
        if findings.is_empty() {
            chosen = Some(shipment);
            break;
        }
        problems.extend(findings);
    }
    let Some(shipment) = chosen else {
        let problems = distinct(problems.iter());
        for finding in &problems {
            ctx.ui.failure(&format!("{finding}\n"));
        }
        return Err(ShipError::NotDeployed {
            place: args.place.clone(),
            index: index_problem(&problems),
        }
        .into());
    };
    let floor = Floor {
        is_signed: key.is_some(),
        allow_downgrade: args.allow_downgrade,
    };
    match &args.to {
        Some(drive) => to_drive(shipment, drive, &floor, args.dry_run, ctx),
        None => to_board(&shipment, &floor, args.dry_run, ctx),
    }
}

/// What is done about a build that is older than the last one.
struct Floor {
    /// Whether a signature was asked for.
    is_signed: bool,
    allow_downgrade: bool,
}

impl Floor {
    /// Compare with what was deployed last. What is signed is refused where it is older; what is not signed is only told:
    /// whoever takes that takes any.
    fn check(&self, shipment: &Shipment, last: &Last, ctx: &Context) -> Result<(), CommandError> {
        let new = Record::of(&shipment.manifest);
        let is_strict = self.is_signed && !self.allow_downgrade;
        match last {
            Last::Unreadable if is_strict => return Err(ShipError::LastUnknown.into()),
            Last::Known(last) if new.is_older_than(last) => {
                if is_strict {
                    let last = last.clone();
                    return Err(ShipError::Downgrade { last, new }.into());
                }
                ctx.ui.note(&format!(
                    "version {} of {} is older than {} of {}, which was deployed last with `--key`",
                    new.version, new.build_timestamp, last.version, last.build_timestamp
                ));
            }
            _ => {}
        }
        Ok(())
    }
}

/// The names of the targets.
fn targets(shipments: &[Shipment]) -> Vec<String> {
    let names = shipments.iter().map(|shipment| &shipment.manifest.target);
    names.flatten().cloned().collect()
}

/// What the board of a drive loads, if that is known. If it is not, nothing is chosen for it.
fn known_board(
    drive: &Path,
    shipments: &[Shipment],
    ctx: &Context,
) -> Result<Option<BoardFormat>, CommandError> {
    let board = board_of_drive(drive);
    if board.is_none() && drive.is_dir() {
        if let [_, _, ..] = shipments {
            return Err(ShipError::WhichTarget {
                drive: drive.to_owned(),
                there: targets(shipments),
            }
            .into());
        }
        ctx.ui.note(&format!(
            "no `boot_out.txt` in `{}` tells what its board can load: that is not checked",
            drive.display()
        ));
    }
    Ok(board)
}

fn to_board(
    shipment: &Shipment,
    floor: &Floor,
    dry_run: bool,
    ctx: &mut Context,
) -> Result<(), CommandError> {
    let last = {
        let mut raw = ctx.session.raw_repl()?;
        let mut remote = RemoteFs::new(&mut raw);
        Last::of_board(&mut remote, &BoardPath::root())
            .map_err(|error| refused("deploy", FILE_NAME, error))?
    };
    floor.check(shipment, &last, ctx)?;
    let Context { session, ui, .. } = ctx;
    let (host, superseded) = shipment.tree();
    let mut raw = session.raw_repl()?;
    let mut remote = RemoteFs::new(&mut raw);
    let mut options = Options::default();
    options.verify = true;
    options.settle = !dry_run;
    let mut push = push_tree(&mut remote, host, &superseded, &BoardPath::root(), &options)?;
    push.arrange(&shipment.order());
    carry_out(dry_run, ui, push.plan(), |events| {
        push.apply(&mut remote, events)
    })?;
    if floor.is_signed && !dry_run {
        Record::of(&shipment.manifest)
            .write(&mut remote, &BoardPath::root(), &last)
            .map_err(|error| refused("deploy", FILE_NAME, error))?;
    }
    Ok(())
}

fn to_drive(
    mut shipment: Shipment,
    drive: &Path,
    floor: &Floor,
    dry_run: bool,
    ctx: &Context,
) -> Result<(), CommandError> {
    floor.check(&shipment, &Last::of_drive(drive), ctx)?;
    if floor.is_signed {
        shipment.with_record();
    }
    let plan = plan(&shipment, drive)?;
    show(&plan, dry_run, ctx)?;
    if dry_run {
        return Ok(());
    }
    match apply(&plan, &shipment, drive, &ctx.cancel, &mut |_, _| {}) {
        Err(DeployError::Cancelled) => return Err(CommandError::Interrupted),
        other => other?,
    }
    tell(&plan, &shipment, ctx);
    Ok(())
}

/// One step, as `--json` prints it.
#[derive(Serialize)]
struct StepReport<'a> {
    path: &'a str,
    action: &'static str,
}

/// Print the plan: with `--dry-run` that is all, and `--json` always wants it.
fn show(plan: &Plan, dry_run: bool, ctx: &Context) -> Result<(), CommandError> {
    if ctx.ui.json() {
        let steps = plan.steps.iter().map(|(path, action)| StepReport {
            path: path.as_str(),
            action: action.name(),
        });
        return ctx.ui.json_line(&steps.collect::<Vec<_>>());
    }
    if dry_run {
        for (path, action) in &plan.steps {
            ctx.ui.line(&format!("{:<8} {path}", action.name()))?;
        }
    }
    Ok(())
}

fn tell(plan: &Plan, shipment: &Shipment, ctx: &Context) {
    let count = |wanted: Action| {
        let steps = plan.steps.iter();
        steps.filter(|(_, action)| *action == wanted).count()
    };
    ctx.ui.note(&format!(
        "version {}: {} created, {} replaced, {} removed, {} unchanged",
        shipment.manifest.version,
        count(Action::Create),
        count(Action::Replace),
        count(Action::Remove),
        count(Action::Keep),
    ));
}
