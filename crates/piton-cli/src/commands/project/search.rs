//! `search`: finds packages in the indexes.

use piton::workspace::{Workspace, search};

use super::{NetworkArgs, shown};
use crate::context::Context;
use crate::error::CommandError;

/// Arguments of `search`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address of the index (default: those of the project, else micropython-lib's)
    #[arg(long)]
    index: Option<String>,
    #[command(flatten)]
    network: NetworkArgs,
    /// Words in the name or description (default: all packages)
    words: Vec<String>,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let ui = &ctx.ui;
    let indices = match &args.index {
        Some(index) => vec![index.trim_end_matches('/').to_owned()],
        None => match Workspace::open(std::path::Path::new(".")) {
            Ok(workspace) => workspace.project().package_indices.clone(),
            // No project, then the usual index.
            Err(_) => vec![piton::mip::INDEX.to_owned()],
        },
    };
    let settings = args.network.settings();
    let found = search(
        &indices,
        &args.words,
        &settings,
        &ctx.cancel,
        &mut shown(ui),
    );
    ui.clear_progress();
    let found = found?;
    if ui.json() {
        return ui.json_line(&found);
    }
    for package in &found {
        let description = match package.description.is_empty() {
            true => String::new(),
            false => format!("  {}", package.description),
        };
        ui.line(&format!(
            "{} {}{description}",
            package.name, package.version
        ))?;
    }
    if found.is_empty() {
        ui.note("no package has these words in its name or description");
    }
    Ok(())
}
