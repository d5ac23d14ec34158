//! `romfs ls`, `cat`, `extract`, `verify`, `diff`: looks at image files, and at the images in partitions of the board.

use std::ops::ControlFlow::Continue;
use std::path::{Path, PathBuf};

use piton::deadline::Deadline;
use piton::events::BoardEvent;
use piton::fs::rom::{self, RomEvent};
use piton::path::Sha256Hex;
use piton::romfs::{
    Content, Difference, Entry, HashCheck, check_hashes, differences, extract, files, image_size,
    read,
};
use piton::times::CONTENT_TIME;
use serde_json::json;

use super::Args;
use crate::context::Context;
use crate::error::{CommandError, FileError, ProgramError, RomfsError};
use crate::local_file;

/// The words for these.
pub(crate) const COMMANDS: [&str; 5] = ["ls", "cat", "extract", "verify", "diff"];

pub(super) fn run(args: &Args, image: &str, ctx: &mut Context) -> Result<(), CommandError> {
    let more: Vec<&str> = args.more.iter().map(String::as_str).collect();
    match (args.command.as_str(), more.as_slice()) {
        ("ls", []) => list(&open(image, args, ctx)?, ctx),
        ("cat", [path]) => print(&open(image, args, ctx)?, path, ctx),
        ("extract", []) => unpack(args, &open(image, args, ctx)?, ctx),
        ("verify", []) => verify(&open(image, args, ctx)?, ctx),
        ("diff", [other]) => {
            let (one, two) = (open(image, args, ctx)?, open(other, args, ctx)?);
            compare(&one, &two, ctx)
        }
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

/// The largest image that is read from a board, in bytes: its size is what the image says.
const LARGEST: u64 = 64 << 20;

/// An image, its entries, and how messages name it.
struct Image {
    name: String,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

/// Reads an image and its entries: from a file, or for `:` and `:N` from a partition of the board.
fn open(path: &str, args: &Args, ctx: &mut Context) -> Result<Image, CommandError> {
    let number = match path.strip_prefix(':') {
        Some("") => Some(args.partition.unwrap_or(0)),
        Some(number) => number.parse().ok(),
        None => None,
    };
    let (name, bytes) = match number {
        Some(number) => (format!("ROMFS{number}"), from_board(number, ctx)?),
        None => (path.to_owned(), local_file::read(Path::new(path))?),
    };
    let entries = read(&bytes).map_err(|source| RomfsError::Image {
        path: name.clone(),
        source,
    })?;
    Ok(Image {
        name,
        bytes,
        entries,
    })
}

/// Returns the image in a partition of the board; or the partition's first bytes, if they do not begin an image.
fn from_board(number: u32, ctx: &mut Context) -> Result<Vec<u8>, CommandError> {
    let partition = super::partition(number, ctx)?;
    let Some(size) = image_size(&partition.head) else {
        return Ok(partition.head);
    };
    let size = size.min(partition.size).min(LARGEST);
    let board = ctx.session.board()?.device_name().to_owned();
    let Context { session, ui, .. } = ctx;
    let bar = ui.transfer(size);
    let mut events = |event| {
        ui.event(&BoardEvent {
            board: board.as_str(),
            event,
        });
        if let RomEvent::Read { bytes, .. } = event {
            bar.at(bytes);
        }
        Continue(())
    };
    let deadline = Deadline::after(CONTENT_TIME);
    let image = rom::read(
        &mut session.raw_repl()?,
        number,
        size,
        &mut events,
        deadline,
    );
    bar.end();
    Ok(image?)
}

fn list(image: &Image, ctx: &Context) -> Result<(), CommandError> {
    let files = files(&image.entries);
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

fn print(image: &Image, wanted: &str, ctx: &Context) -> Result<(), CommandError> {
    let wanted = wanted.trim_start_matches("/rom/").trim_start_matches('/');
    let found = files(&image.entries)
        .into_iter()
        .find(|(path, _)| path == wanted);
    match found {
        Some((_, content)) => ctx.ui.bytes(content),
        None => Err(RomfsError::NoFile {
            image: image.name.clone(),
            path: wanted.to_owned(),
        }
        .into()),
    }
}

fn unpack(args: &Args, image: &Image, ctx: &Context) -> Result<(), CommandError> {
    let folder = match &args.output {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(&image.name).with_extension(""),
    };
    let count = extract(&image.entries, &folder).map_err(RomfsError::Extract)?;
    ctx.ui
        .step(&format!("{count} files in {}", folder.display()))
}

fn verify(image: &Image, ctx: &Context) -> Result<(), CommandError> {
    let Image {
        name: path,
        bytes,
        entries,
    } = image;
    let count = files(entries).len();
    let check = check_hashes(bytes).map_err(|source| RomfsError::Image {
        path: path.clone(),
        source,
    })?;
    let mut remarks = Vec::new();
    let behind = (bytes.len() as u64).saturating_sub(image_size(bytes).unwrap_or_default());
    if behind > 0 {
        remarks.push(format!(
            "{behind} bytes behind the image, which boards do not read"
        ));
    }
    hidden(entries, "", &mut remarks);
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

fn compare(one: &Image, two: &Image, ctx: &Context) -> Result<(), CommandError> {
    let found = differences(&one.entries, &two.entries);
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
