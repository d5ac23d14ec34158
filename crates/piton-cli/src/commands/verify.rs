//! `verify`: whether the files of a build are those that its manifest names.

use std::path::{Path, PathBuf};

use piton::http::{Client, ClientOptions, HttpError};
use piton::shipment::download::{fetch, is_url};
use piton::shipment::signature::PublicKey;
use piton::shipment::version;
use piton::shipment::{
    BoardFormat, Demands, Finding, Places, Purpose, Reading, Shipment, ShipmentError, What, read,
};
use serde::Serialize;

use crate::context::Context;
use crate::error::{CommandError, ShipError};
use crate::interrupt;

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder or archive that `build` made, its manifest, or the address of one of these
    #[arg(default_value = "build")]
    place: PathBuf,
    /// The manifest, where it is not `manifest.json` in there
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// The folder with the files, where it is not `mpy` beside the manifest
    #[arg(long, value_name = "FOLDER", alias = "output-dir")]
    files: Option<PathBuf>,
    /// Ask for a signature by this public key: a file, or the key itself
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Ask for this version or a later one
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
    let shipments = shipments(&args.place, &places, Purpose::Check, ctx)?;
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
    let found = distinct(reports.iter().flat_map(|(_, findings)| findings));
    if ctx.ui.json() {
        let reports = reports
            .iter()
            .map(|(shipment, findings)| Report::of(shipment, findings));
        ctx.ui.json_line(&reports.collect::<Vec<_>>())?;
    } else {
        for finding in &found {
            ctx.ui.line(&finding.to_string())?;
        }
        for (shipment, findings) in &reports {
            tell(ctx, shipment, findings);
        }
    }
    match found.len() {
        0 => Ok(()),
        count => Err(ShipError::NotVerified {
            place: args.place.clone(),
            count,
            index: index_problem(&found),
        }
        .into()),
    }
}

/// The findings, what several targets have of their list once.
pub(super) fn distinct<'a>(findings: impl Iterator<Item = &'a Finding>) -> Vec<&'a Finding> {
    let mut found = Vec::new();
    for finding in findings {
        if !(finding.what.is_of_index() && found.contains(&finding)) {
            found.push(finding);
        }
    }
    found
}

/// What is wrong with the list of targets so that something can be done about it.
pub(super) fn index_problem(findings: &[&Finding]) -> Option<What> {
    let mut whats = findings.iter().map(|finding| &finding.what);
    let found = whats.find(|what| matches!(what, What::OldIndex | What::NoIndex));
    found.cloned()
}

/// A version that others can be older than.
pub(super) fn ordered_version(text: &str) -> Result<String, String> {
    match version::is_ordered(text) {
        true => Ok(text.to_owned()),
        false => Err("expected a version that begins with a number".to_owned()),
    }
}

/// The files of a build, here or on a server. Until a server or a board is asked, a signal ends the program as it ends
/// any other: nothing has to be put in order.
pub(super) fn shipments(
    place: &Path,
    places: &Places,
    purpose: Purpose,
    ctx: &Context,
) -> Result<Vec<Shipment>, CommandError> {
    let reading = Reading {
        places,
        purpose,
        cancel: &ctx.cancel,
    };
    let shipments = match is_url(place) {
        None => read(place, &reading),
        Some(url) => {
            interrupt::install(&ctx.cancel);
            fetch(url, &reading, &Client::new(&ClientOptions::default()))
        }
    };
    match shipments {
        Err(ShipmentError::Interrupted | ShipmentError::Http(HttpError::Cancelled)) => {
            Err(CommandError::Interrupted)
        }
        other => Ok(other?),
    }
}

/// What the connected board loads.
pub(super) fn board_format(ctx: &mut Context) -> Result<BoardFormat, CommandError> {
    Ok(BoardFormat::from(&ctx.session.facts()?))
}

/// A key given as a file or as itself.
pub(super) fn public_key(text: &str) -> Result<PublicKey, CommandError> {
    let path = Path::new(text);
    let content = if path.is_file() {
        std::fs::read_to_string(path).map_err(|source| CommandError::ReadFile {
            path: text.to_owned(),
            source,
        })?
    } else {
        text.to_owned()
    };
    PublicKey::parse(&content).map_err(|source| CommandError::Key {
        path: path.to_owned(),
        source,
    })
}

fn tell(ctx: &Context, shipment: &Shipment, findings: &[Finding]) {
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

/// What `--json` prints of each target.
#[derive(Serialize)]
struct Report<'a> {
    target: Option<&'a str>,
    version: &'a str,
    build_timestamp: &'a str,
    files: usize,
    ok: bool,
    findings: Vec<FindingReport>,
}

#[derive(Serialize)]
struct FindingReport {
    problem: &'static str,
    path: Option<String>,
    message: String,
}

impl<'a> Report<'a> {
    fn of(shipment: &'a Shipment, findings: &[Finding]) -> Report<'a> {
        Report {
            target: shipment.manifest.target.as_deref(),
            version: &shipment.manifest.version,
            build_timestamp: &shipment.manifest.build_timestamp,
            files: shipment.manifest.files.len(),
            ok: findings.is_empty(),
            findings: findings
                .iter()
                .map(|finding| FindingReport {
                    problem: finding.what.name(),
                    path: finding.path.as_ref().map(ToString::to_string),
                    message: finding.to_string(),
                })
                .collect(),
        }
    }
}
