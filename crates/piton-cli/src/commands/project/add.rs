//! `add` and `remove`: changes the dependencies in `pyproject.toml`.

use piton::workspace::{AddOptions, LockOptions};

use super::{NetworkArgs, lock_and_print, open};
use crate::context::Context;
use crate::error::CommandError;

/// Arguments of `add`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A SOURCE is `NAME`, `NAME==1.2`, `NAME^1.2` of the index; `github:ORG/REPO[/PATH][@REF]`, also `gitlab:` \
                  and `codeberg:`, or the address of a page of these; `git+https://...`; `circuitpython:NAME`; an address; \
                  a file or folder with a `/`. `NAME=SOURCE` gives the dependency another name."
)]
pub(crate) struct Args {
    /// Add it to this group
    #[arg(long, default_value = "main")]
    group: String,
    /// Read the file or folder again for each installation, instead of locking it
    #[arg(long)]
    develop: bool,
    /// Keep the name of a single module, instead of making it the `__init__.py` of a package
    #[arg(long)]
    no_rename_to_init: bool,
    /// Only print what would be changed
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    network: NetworkArgs,
    /// The packages
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<String>,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let mut options = AddOptions::default();
    options.group.clone_from(&args.group);
    options.develop = args.develop;
    options.rename_to_init = !args.no_rename_to_init;
    options.replace = true;
    let mut workspace = open()?;
    for source in &args.sources {
        let (name, source) = name_and_source(source);
        (workspace, _) = workspace.with_dependency(name, source, &options)?;
    }
    let lock = LockOptions::default();
    lock_and_print(&mut workspace, &lock, args.network, args.dry_run, ctx)
}

/// Splits `NAME=SOURCE`; an address may have a `=` too, and `NAME==1.2` is a version.
fn name_and_source(text: &str) -> (Option<&str>, &str) {
    match text.split_once('=') {
        Some((name, source))
            if piton::project::dependency::is_identifier(name) && !source.starts_with('=') =>
        {
            (Some(name), source)
        }
        _ => (None, text),
    }
}

/// Arguments of `remove`.
#[derive(Debug, clap::Args)]
pub(crate) struct RemoveArgs {
    /// Remove it from this group only
    #[arg(long)]
    group: Option<String>,
    /// Only print what would be changed
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    network: NetworkArgs,
    /// The names of the dependencies in `pyproject.toml`
    #[arg(required = true)]
    names: Vec<String>,
}

pub(super) fn remove(args: &RemoveArgs, ctx: &mut Context) -> Result<(), CommandError> {
    let mut workspace = open()?;
    for name in &args.names {
        workspace = workspace.without_dependency(name, args.group.as_deref())?;
    }
    let lock = LockOptions::default();
    lock_and_print(&mut workspace, &lock, args.network, args.dry_run, ctx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_be_before_the_source() {
        for (text, expected) in [
            ("a", (None, "a")),
            ("a==1.2", (None, "a==1.2")),
            ("a=github:o/r", (Some("a"), "github:o/r")),
            ("https://h/x.py?a=b", (None, "https://h/x.py?a=b")),
            ("a>=1", (None, "a>=1")),
        ] {
            assert_eq!(name_and_source(text), expected);
        }
    }
}
