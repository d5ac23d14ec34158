//! `verify`: whether the files of a build are those that its manifest names.

use std::path::{Path, PathBuf};

use piton::http::{Client, ClientOptions, HttpError};
use piton::project::signature::PublicKey;
use piton::shipment::download::{fetch, is_url};
use piton::shipment::{BoardFormat, Finding, Places, Shipment, ShipmentError, read};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
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
    interrupt::install(&ctx.cancel);
    let shipments = shipments(&args.place, &places, ctx)?;
    let board = if args.board {
        Some(board_format(ctx)?)
    } else {
        None
    };
    let mut reports = Vec::new();
    let mut wrong = 0;
    for shipment in &shipments {
        let findings = shipment.check(key.as_ref(), board.as_ref());
        wrong += findings.len();
        reports.push((shipment, findings));
    }
    if ctx.ui.json() {
        let reports = reports
            .iter()
            .map(|(shipment, findings)| Report::of(shipment, findings));
        ctx.ui.json_line(&reports.collect::<Vec<_>>())?;
    } else {
        for (shipment, findings) in &reports {
            tell(ctx, shipment, findings)?;
        }
    }
    match wrong {
        0 => Ok(()),
        count => Err(CommandError::NotVerified {
            place: args.place.clone(),
            count,
        }),
    }
}

/// The files of a build, here or on a server.
pub(super) fn shipments(
    place: &Path,
    places: &Places,
    ctx: &Context,
) -> Result<Vec<Shipment>, CommandError> {
    let Some(url) = is_url(place) else {
        return Ok(read(place, places)?);
    };
    let client = Client::new(&ClientOptions::default());
    match fetch(url, places, &client, &ctx.cancel) {
        Err(ShipmentError::Http(HttpError::Cancelled)) => Err(CommandError::Interrupted),
        other => Ok(other?),
    }
}

/// What the connected board loads.
pub(super) fn board_format(ctx: &mut Context) -> Result<BoardFormat, CommandError> {
    Ok(BoardFormat::from(&super::info::facts(&mut ctx.session)?))
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

fn tell(ctx: &Context, shipment: &Shipment, findings: &[Finding]) -> Result<(), CommandError> {
    let manifest = &shipment.manifest;
    let target = manifest.target.as_deref().unwrap_or("unknown target");
    for finding in findings {
        ctx.ui.line(&finding.to_string())?;
    }
    if findings.is_empty() {
        ctx.ui.note(&format!(
            "{target}: version {} of {}, {} file{}, all right",
            manifest.version,
            manifest.build_timestamp,
            manifest.files.len(),
            if manifest.files.len() == 1 { "" } else { "s" },
        ));
    }
    Ok(())
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
