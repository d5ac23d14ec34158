//! `version`.

use crate::args::Face;
use crate::context::Context;
use crate::error::CommandError;

/// The release of mpremote whose behaviour the drop-in face follows.
const MPREMOTE_VERSION: &str = "1.29.0";

pub(super) fn run(ctx: &Context) -> Result<(), CommandError> {
    let version = match ctx.face {
        Face::Piton => env!("CARGO_PKG_VERSION"),
        Face::Mpremote => MPREMOTE_VERSION,
    };
    if ctx.ui.json() {
        return ctx.ui.json_line(&serde_json::json!({ "version": version }));
    }
    ctx.ui.line(&format!("{} {version}", ctx.face.name()))
}
