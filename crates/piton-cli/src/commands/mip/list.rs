//! `mip list`: lists the installed packages from the record on the board.

use super::Args;
use crate::context::Context;
use crate::error::CommandError;

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let Context { session, ui, .. } = ctx;
    let mut on_board = session.packages(args.target.as_deref())?;
    let mut packages = on_board.list()?;
    if !args.packages.is_empty() {
        packages.retain(|package| args.packages.contains(&package.name));
    }
    if ui.json() {
        return ui.json_line(&packages);
    }
    if packages.is_empty() {
        ui.note(&format!(
            "no package is on record in {}",
            on_board.library().target()
        ));
    }
    let width = packages.iter().map(|package| package.name.len()).max();
    for package in &packages {
        let version = package.version.as_deref().unwrap_or("-");
        let needed = if package.requested { "" } else { "  (needed)" };
        ui.line(format!("{:1$} {version}{needed}", package.name, width.unwrap_or(0)).trim_end())?;
    }
    Ok(())
}
