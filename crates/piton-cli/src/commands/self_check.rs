//! `self check`: compares this program with the newest release. No other command asks for it.

use std::cmp::Ordering;

use piton::http::{Client, ClientOptions, HttpError};
use piton::shipment::version;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::environment::{BUILT_RELEASE_URL, RELEASE_URL};
use crate::error::{CommandError, ReleaseError};
use crate::interrupt;

/// Most bytes of the description of a release, which has a few lines for each file.
const MOST_BYTES: u64 = 1 << 20;
/// Most bytes of a version.
const MOST_VERSION_BYTES: usize = 64;

const OWN: &str = env!("CARGO_PKG_VERSION");

/// Arguments of `self`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to do
    action: Action,
    /// Address of the description of the newest release (default: $PITON_RELEASE_URL, else the one that was set when the
    /// program was built)
    #[arg(long, value_name = "URL")]
    from: Option<String>,
}

/// What to do with this program.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Action {
    /// Look for a newer release; nothing is installed.
    Check,
}

/// The part of a release's `release.json` (`cargo xtask dist` writes it) that is read.
#[derive(Deserialize)]
struct Release {
    version: String,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    version: &'a str,
    newest: &'a str,
    is_newest: bool,
}

pub(super) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    let Action::Check = args.action;
    let newest = newest(&address(args)?, ctx)?;
    let order = version::compare(OWN, &newest);
    if ctx.ui.json() {
        return ctx.ui.json_line(&Report {
            version: OWN,
            newest: &newest,
            is_newest: order != Ordering::Less,
        });
    }
    ctx.ui.line(&match order {
        Ordering::Equal => format!("piton {OWN} is the newest release"),
        Ordering::Greater => format!("piton {OWN} is newer than the newest release, {newest}"),
        Ordering::Less => {
            format!("piton {newest} is out; this is {OWN}. Update it the way it was installed")
        }
    })
}

fn address(args: &Args) -> Result<String, ReleaseError> {
    let named = std::env::var(RELEASE_URL).ok();
    let named = named.filter(|address| !address.is_empty());
    let address = args.from.clone().or(named);
    let address = address.or_else(|| BUILT_RELEASE_URL.map(ToOwned::to_owned));
    address.ok_or(ReleaseError::NoAddress)
}

/// Asks for the newest version.
fn newest(url: &str, ctx: &Context) -> Result<String, CommandError> {
    interrupt::install(&ctx.cancel);
    let client = Client::new(&ClientOptions::default());
    let limits = (MOST_BYTES, MOST_BYTES);
    let answer = client.get_all(&[url.to_owned()], limits, &ctx.cancel, &mut |_| {});
    let answer = match answer {
        Err(HttpError::Cancelled) => return Err(CommandError::Interrupted),
        other => other.map_err(ReleaseError::Http)?,
    };
    let text = answer.first().map(Vec::as_slice).unwrap_or_default();
    let release: Release =
        serde_json::from_slice(text).map_err(|error| ReleaseError::NotARelease {
            url: url.to_owned(),
            reason: error.to_string(),
        })?;
    let version = release.version;
    let is_plain = version.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_plain || version.len() > MOST_VERSION_BYTES || !version::is_ordered(&version) {
        return Err(CommandError::Release(ReleaseError::NotARelease {
            url: url.to_owned(),
            reason: format!("`{}` is not a version", printable::line(&version)),
        }));
    }
    Ok(version)
}
