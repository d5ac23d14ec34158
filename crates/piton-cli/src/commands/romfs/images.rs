//! `romfs ls`, `cat`, `extract`, `verify`, `diff`: looks at image files. No board is needed.

use std::path::{Path, PathBuf};

use piton::path::Sha256Hex;
use piton::romfs::{
    Content, Difference, Entry, HashCheck, check_hashes, differences, extract, files, image_size,
    read,
};
use serde_json::json;

use super::Args;
use crate::context::Context;
use crate::error::{CommandError, FileError, ProgramError, RomfsError};
use crate::local_file;

/// The words for these.
pub(crate) const COMMANDS: [&str; 5] = ["ls", "cat", "extract", "verify", "diff"];

pub(super) fn run(args: &Args, image: &str, ctx: &Context) -> Result<(), CommandError> {
    let more: Vec<&str> = args.more.iter().map(String::as_str).collect();
    match (args.command.as_str(), more.as_slice()) {
        ("ls", []) => list(image, ctx),
        ("cat", [path]) => print(image, path, ctx),
        ("extract", []) => unpack(args, image, ctx),
        ("verify", []) => verify(image, ctx),
        ("diff", [other]) => compare(image, other, ctx),
        ("cat", _) => Err(arguments(
            "romfs cat",
            "an image and a path in it are expected",
        )),
        ("diff", _) => Err(arguments("romfs diff", "two images are expected")),
        _ => Err(arguments("romfs", "one image is expected")),
    }
}

fn arguments(command: &'static str, problem: &'static str) -> CommandError {
    FileError::Arguments { command, problem }.into()
}

/// Reads an image file and its entries.
fn open(path: &str) -> Result<(Vec<u8>, Vec<Entry>), CommandError> {
    let image = local_file::read(Path::new(path))?;
    let entries = read(&image).map_err(|source| RomfsError::Image {
        path: path.to_owned(),
        source,
    })?;
    Ok((image, entries))
}

fn list(image: &str, ctx: &Context) -> Result<(), CommandError> {
    let (_, entries) = open(image)?;
    let files = files(&entries);
    if ctx.ui.json() {
        let rows: Vec<_> = files
            .iter()
            .map(|(path, content)| json!({"path": path, "size": content.len(), "sha256": Sha256Hex::of(content).as_str()}))
            .collect();
        return ctx.ui.json_line(&rows);
    }
    let lines: String = files
        .iter()
        .map(|(path, content)| format!("{:>8} {path}\n", content.len()))
        .collect();
    ctx.ui.text(&lines)
}

fn print(image: &str, wanted: &str, ctx: &Context) -> Result<(), CommandError> {
    let (_, entries) = open(image)?;
    let wanted = wanted.trim_start_matches("/rom/").trim_start_matches('/');
    let found = files(&entries).into_iter().find(|(path, _)| path == wanted);
    match found {
        Some((_, content)) => ctx.ui.bytes(content),
        None => Err(RomfsError::NoFile {
            image: image.to_owned(),
            path: wanted.to_owned(),
        }
        .into()),
    }
}

fn unpack(args: &Args, image: &str, ctx: &Context) -> Result<(), CommandError> {
    let (_, entries) = open(image)?;
    let folder = match &args.output {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(image).with_extension(""),
    };
    let count = extract(&entries, &folder).map_err(RomfsError::Extract)?;
    ctx.ui
        .step(&format!("{count} files in {}", folder.display()))
}

fn verify(path: &str, ctx: &Context) -> Result<(), CommandError> {
    let (image, entries) = open(path)?;
    let count = files(&entries).len();
    let check = check_hashes(&image).map_err(|source| RomfsError::Image {
        path: path.to_owned(),
        source,
    })?;
    let mut remarks = Vec::new();
    let behind = (image.len() as u64).saturating_sub(image_size(&image).unwrap_or_default());
    if behind > 0 {
        remarks.push(format!(
            "{behind} bytes behind the image, which boards do not read"
        ));
    }
    hidden(&entries, "", &mut remarks);
    let (is_good, result) = match &check {
        HashCheck::Absent => (
            true,
            format!("{count} files, complete; the image has no hashes"),
        ),
        HashCheck::Good => (
            true,
            format!("{count} files, all as the hashes in the image say"),
        ),
        HashCheck::Changed(paths) => (false, format!("changed: {}", paths.join(", "))),
        HashCheck::OtherFiles => (false, "the hashes are of other files".to_owned()),
    };
    if ctx.ui.json() {
        let checked = !matches!(check, HashCheck::Absent);
        ctx.ui.json_line(&json!({"files": count, "good": is_good, "hashes": checked, "result": result, "remarks": remarks}))?;
    } else {
        ctx.ui.line(&format!("{path}: {result}"))?;
        for remark in remarks {
            ctx.ui.note(&format!("{path}: {remark}"));
        }
    }
    match is_good {
        true => Ok(()),
        false => Err(ProgramError::Exited { code: 1 }.into()),
    }
}

/// Lists entries that boards do not see, because an earlier one has their name.
fn hidden(entries: &[Entry], above: &str, remarks: &mut Vec<String>) {
    let mut seen = std::collections::BTreeSet::new();
    for entry in entries {
        let path = format!("{above}{}", entry.name);
        if !seen.insert(&entry.name) {
            remarks.push(format!("`{path}` is there twice; boards see the first"));
        }
        if let Content::Folder(inside) = &entry.content {
            hidden(inside, &format!("{path}/"), remarks);
        }
    }
}

fn compare(one: &str, two: &str, ctx: &Context) -> Result<(), CommandError> {
    let ((_, first), (_, second)) = (open(one)?, open(two)?);
    let found = differences(&first, &second);
    if ctx.ui.json() {
        ctx.ui.json_line(&found)?;
    } else {
        let lines: String = found
            .iter()
            .map(|(path, difference)| {
                let word = match difference {
                    Difference::Added => "added",
                    Difference::Removed => "removed",
                    Difference::Changed => "changed",
                };
                format!("{word:7} {path}\n")
            })
            .collect();
        ctx.ui.text(&lines)?;
    }
    match found.is_empty() {
        true => Ok(()),
        false => Err(ProgramError::Exited { code: 1 }.into()),
    }
}
