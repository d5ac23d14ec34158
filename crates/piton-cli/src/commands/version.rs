//! `version`: prints the version of piton, or the release of mpremote that it follows.

use crate::context::Context;
use crate::error::CommandError;

pub(super) fn run(ctx: &Context) -> Result<(), CommandError> {
    let version = ctx.compatibility.version;
    if ctx.ui.json() {
        return ctx.ui.json_line(&serde_json::json!({ "version": version }));
    }
    ctx.ui
        .line(&format!("{} {version}", ctx.compatibility.program))
}
