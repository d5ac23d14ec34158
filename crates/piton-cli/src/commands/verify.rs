//! `verify`: checks that the files of a build are those that its manifest names.

use std::path::PathBuf;

use piton::reports::VerifyReport;
use piton::shipment::choose;
use piton::shipment::{Demands, Finding, Places, Purpose, Shipment};

use super::shipments::{board_format, ordered_version, public_key, shipments};
use crate::context::Context;
use crate::error::{CommandError, ShipError};
use crate::interrupt;

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder or archive that `build` made, its manifest, or the address of one of these
    #[arg(value_name = "PLACE", default_value = "build")]
    build: PathBuf,
    /// The manifest, where it is not `manifest.json` in there
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// The folder with the files, where it is not `mpy` beside the manifest
    #[arg(long, value_name = "FOLDER", alias = "output-dir")]
    files: Option<PathBuf>,
    /// Require a signature by this public key: a file, or the key itself
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Require this version or a later one
    #[arg(long, value_name = "VERSION", value_parser = ordered_version)]
    min_version: Option<String>,
    /// Ask the connected board whether it can load the files
    #[arg(long)]
    board: bool,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let places = Places {
        manifest: args.manifest.clone(),
        files: args.files.clone(),
    };
    let key = args.key.as_deref().map(public_key).transpose()?;
    let shipments = shipments(&args.build, &places, Purpose::Check, ctx)?;
    let board = if args.board {
        interrupt::install(&ctx.cancel);
        Some(board_format(ctx)?)
    } else {
        None
    };
    let demands = Demands {
        key: key.as_ref(),
        board: board.as_ref(),
        min_version: args.min_version.as_deref(),
    };
    let reports = shipments
        .iter()
        .map(|shipment| (shipment, shipment.check(&demands)))
        .collect::<Vec<(&Shipment, Vec<Finding>)>>();
    let findings = choose::distinct(reports.iter().flat_map(|(_, findings)| findings));
    if ctx.ui.json() {
        let reports = reports.iter();
        let reports =
            reports.map(|(shipment, findings)| VerifyReport::new(shipment, findings.clone()));
        ctx.ui.json_line(&reports.collect::<Vec<_>>())?;
    } else {
        for finding in &findings {
            ctx.ui.line(&finding.to_string())?;
        }
        for (shipment, findings) in &reports {
            note_result(ctx, shipment, findings);
        }
    }
    match findings.len() {
        0 => Ok(()),
        count => Err(ShipError::NotVerified {
            build: args.build.clone(),
            count,
            index: choose::index_problem(&findings),
        }
        .into()),
    }
}

/// Prints the line for a target without findings.
fn note_result(ctx: &Context, shipment: &Shipment, findings: &[Finding]) {
    let manifest = &shipment.manifest;
    let target = manifest.target.as_deref().unwrap_or("unknown target");
    if findings.is_empty() {
        ctx.ui.note(&format!(
            "{target}: version {} of {}, {} file{}, all right",
            manifest.version,
            manifest.build_timestamp,
            manifest.files.len(),
            if manifest.files.len() == 1 { "" } else { "s" },
        ));
    }
}
