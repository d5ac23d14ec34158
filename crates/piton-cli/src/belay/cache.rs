//! `cache`: what is kept of downloads.

use std::path::Path;

use piton::workspace::cache::{self, Item};

use super::line::{CacheCommand, ClearArgs};
use crate::commands::select::ask;
use crate::context::Context;
use crate::error::{CommandError, SelectError};
use crate::local_file;

/// Bytes of the unit of sizes.
const MEGABYTE: f64 = 1_048_576.0;

pub(super) fn run(command: &CacheCommand, ctx: &Context) -> Result<(), CommandError> {
    let folder = cache::folder()?;
    let found = cache::items(&folder).map_err(|source| local_file::not_read(&folder, source))?;
    match command {
        CacheCommand::Info => {
            let bytes: u64 = found.iter().map(|element| element.bytes).sum();
            ctx.ui.text(&format!(
                "Location: {}\nElements: {}\nTotal Size: {}MB\n",
                folder.display(),
                found.len(),
                three_digits(bytes as f64 / MEGABYTE)
            ))
        }
        CacheCommand::List => {
            for element in &found {
                ctx.ui.line(&element.name)?;
            }
            Ok(())
        }
        CacheCommand::Clear(args) => clear(args, &folder, found, ctx),
    }
}

fn clear(
    args: &ClearArgs,
    folder: &Path,
    mut found: Vec<Item>,
    ctx: &Context,
) -> Result<(), CommandError> {
    if args.prefix.is_empty() != args.all {
        ctx.ui
            .line("Either provide a prefix OR set the \"--all\" flag.")?;
        return Err(CommandError::Printed);
    }
    found.retain(|element| element.name.starts_with(&args.prefix));
    if found.is_empty() {
        ctx.ui.line(&format!(
            "No caches found starting with \"{}*\"",
            args.prefix
        ))?;
        return Err(CommandError::Printed);
    }
    if !args.yes {
        ctx.ui.line("Found caches:")?;
        for element in &found {
            ctx.ui.line(&format!("  \u{2022} {}", element.name))?;
        }
        let answer = match ask(ctx, "Clear these caches? [y/N]: ") {
            Err(CommandError::Select(SelectError::NoAnswer)) => return Err(CommandError::Printed),
            answer => answer?.to_lowercase(),
        };
        if !matches!(answer.as_str(), "y" | "yes") {
            return Err(CommandError::Printed);
        }
    }
    cache::clear(folder, &args.prefix, false)
        .map(drop)
        .map_err(|source| local_file::not_written(folder, source))
}

/// Formats a number with three digits: `0.0`, `0.0123`, `3.84`, `123`.
fn three_digits(number: f64) -> String {
    if number == 0.0 {
        return "0.0".to_owned();
    }
    let places = (2.0 - number.abs().log10().floor()).clamp(0.0, 9.0) as usize;
    let text = format!("{number:.places$}");
    match text.contains('.') {
        true => {
            let text = text.trim_end_matches('0');
            if text.ends_with('.') {
                format!("{text}0")
            } else {
                text.to_owned()
            }
        }
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits() {
        for (number, text) in [
            (0.0, "0.0"),
            (3.8412, "3.84"),
            (12.0, "12.0"),
            (0.001_234, "0.00123"),
            (123.4, "123"),
            (2048.0, "2048"),
        ] {
            assert_eq!(three_digits(number), text);
        }
    }
}
