//! `new`: makes the files of a project.

use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use piton::new_project::{self, Created, Stubs};

use crate::context::Context;
use crate::error::CommandError;

/// Arguments of `new`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "If there is a pyproject.toml in the folder, it gets the tables that packages need, and nothing else is written. Files that exist \
                  are never changed otherwise."
)]
pub(crate) struct Args {
    /// The board whose modules the editor shall know: names the stubs in the group `dev`
    #[arg(long = "for", value_name = "PORT", default_value = "rp2", value_parser = stubs())]
    stubs: Stubs,
    /// The folder to make; its name becomes that of the package
    path: PathBuf,
}

/// Returns the parser of the ports that have stubs.
fn stubs() -> impl TypedValueParser<Value = Stubs> {
    PossibleValuesParser::new(Stubs::ALL.map(Stubs::name)).try_map(|name| name.parse::<Stubs>())
}

pub(super) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    let created = new_project::create(&args.path, args.stubs)?;
    if ctx.ui.json() {
        return ctx.ui.json_line(&created);
    }
    let Created { files, kept, .. } = &created;
    // Names in a project have `/` on every system: by its components a path is shown with this system's separator.
    let shown = |file: &Path| args.path.join(file).components().collect::<PathBuf>();
    for file in files {
        ctx.ui
            .step(&format!("create   {}", shown(file).display()))?;
    }
    for file in kept {
        ctx.ui
            .step(&format!("keep     {}", shown(file).display()))?;
    }
    if files.len() > 1 {
        ctx.ui.note(&format!(
            "try it without a board: cd {} && piton connect virtual mount . run main.py",
            args.path.display()
        ));
    }
    Ok(())
}
