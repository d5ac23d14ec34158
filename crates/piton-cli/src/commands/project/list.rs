//! `list`, `why` and `outdated`: what the project has, and why.

use std::collections::BTreeSet;

use piton::workspace::lock::{Lock, LockedPackage};
use piton::workspace::{Outdated, PackageError, Workspace};
use serde::Serialize;

use super::{NetworkArgs, open, shown};
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::Ui;

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "`piton mip list` lists the packages on a board, `piton tree` draws a folder of a board."
)]
pub(crate) struct Args {
    /// Draw which package needs which
    #[arg(long)]
    tree: bool,
}

/// A package, for `--json`.
#[derive(Serialize)]
struct Listed<'p> {
    name: &'p str,
    version: Option<&'p str>,
    source: &'p str,
    commit: Option<&'p str>,
    needs: &'p [String],
    groups: Vec<&'p str>,
    files: usize,
    bytes: u64,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let workspace = open()?;
    let lock = lock_of(&workspace)?;
    let ui = &ctx.ui;
    if ui.json() {
        let listed: Vec<Listed<'_>> = lock.packages.iter().map(|one| listed(one, lock)).collect();
        return ui.json_line(&listed);
    }
    if args.tree {
        return draw(lock, ui);
    }
    for package in &lock.packages {
        ui.line(&title(package))?;
    }
    Ok(())
}

fn lock_of(workspace: &Workspace) -> Result<&Lock, PackageError> {
    workspace.lock().ok_or(PackageError::NotLocked)
}

fn listed<'p>(package: &'p LockedPackage, lock: &'p Lock) -> Listed<'p> {
    let groups: BTreeSet<&str> = lock
        .dependencies
        .iter()
        .map(|one| one.group.as_str())
        .collect();
    let has = |group: &&str| {
        let packages = lock.of_groups(|name| name == *group);
        packages.iter().any(|one| one.name == package.name)
    };
    Listed {
        name: &package.name,
        version: package.version.as_deref(),
        source: &package.source,
        commit: package.commit.as_deref(),
        needs: &package.needs,
        groups: groups.into_iter().filter(has).collect(),
        files: package.files.len(),
        bytes: package.files.iter().map(|file| file.size).sum(),
    }
}

fn title(package: &LockedPackage) -> String {
    let short = |commit: &String| commit.chars().take(10).collect::<String>();
    let version = package.version.clone();
    match version.or_else(|| package.commit.as_ref().map(short)) {
        Some(version) => format!("{} {version}", package.name),
        None => package.name.clone(),
    }
}

/// Draws the packages below the dependencies that need them. A package is drawn with what it needs once.
fn draw(lock: &Lock, ui: &Ui) -> Result<(), CommandError> {
    let mut drawn = BTreeSet::new();
    for dependency in &lock.dependencies {
        ui.line(&format!("{} ({})", dependency.name, dependency.group))?;
        // Name and depth of what is still to be drawn; the next one is last.
        let mut stack: Vec<(&str, usize)> = Vec::new();
        stack.extend(
            dependency
                .packages
                .iter()
                .rev()
                .map(|name| (name.as_str(), 1)),
        );
        while let Some((name, depth)) = stack.pop() {
            let Some(package) = lock.package(name) else {
                continue;
            };
            let is_new = drawn.insert(name);
            let again = if is_new || package.needs.is_empty() {
                ""
            } else {
                " (see above)"
            };
            ui.line(&format!("{}{}{again}", "  ".repeat(depth), title(package)))?;
            if is_new {
                let needs = package.needs.iter().rev();
                stack.extend(needs.map(|name| (name.as_str(), depth + 1)));
            }
        }
    }
    Ok(())
}

/// Arguments of `why`.
#[derive(Debug, clap::Args)]
pub(crate) struct WhyArgs {
    /// The name of the package
    name: String,
}

pub(super) fn why(args: &WhyArgs, ctx: &mut Context) -> Result<(), CommandError> {
    let workspace = open()?;
    let lock = lock_of(&workspace)?;
    if lock.package(&args.name).is_none() {
        return Err(PackageError::Unknown {
            kind: "package",
            name: args.name.clone(),
            known: lock.packages.iter().map(|one| one.name.clone()).collect(),
        }
        .into());
    }
    let ways = lock.ways_to(&args.name);
    if ctx.ui.json() {
        return ctx.ui.json_line(&ways);
    }
    for way in &ways {
        let (first, rest) = way.split_first().unwrap_or((&"", &[]));
        // A package of the dependency's own name is not printed twice.
        let rest = match rest.split_first() {
            Some((second, rest)) if second == first => rest,
            _ => rest,
        };
        let way = std::iter::once(first)
            .chain(rest)
            .copied()
            .collect::<Vec<_>>();
        ctx.ui.line(&format!(
            "your project needs {}",
            way.join(", which needs ")
        ))?;
    }
    Ok(())
}

/// Arguments of `outdated`.
#[derive(Debug, clap::Args)]
pub(crate) struct OutdatedArgs {
    #[command(flatten)]
    network: NetworkArgs,
}

pub(super) fn outdated(args: &OutdatedArgs, ctx: &mut Context) -> Result<(), CommandError> {
    let workspace = open()?;
    let ui = &ctx.ui;
    let settings = args.network.settings();
    let outdated = workspace.outdated(&settings, &ctx.cancel, &mut shown(ui));
    ui.clear_progress();
    let outdated = outdated?;
    if ui.json() {
        return ui.json_line(&outdated);
    }
    for Outdated {
        name,
        locked,
        fitting,
        newest,
        ..
    } in &outdated
    {
        let text = |version: &Option<String>| version.clone().unwrap_or_else(|| "-".to_owned());
        let held = match fitting == newest {
            true => String::new(),
            false => format!("; `update` takes {}", text(fitting)),
        };
        ui.line(&format!(
            "{name} {} -> {}{held}",
            text(locked),
            text(newest)
        ))?;
    }
    if outdated.is_empty() {
        ui.note("all packages are the newest ones");
    }
    Ok(())
}
