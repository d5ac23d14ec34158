//! `romfs`: makes and deploys images of the read-only file system that a board mounts at `/rom`.

pub(crate) mod images;
mod making;

use std::ops::ControlFlow::Continue;
use std::path::Path;
use std::time::Duration;

use piton::board_format::BoardFormat;
use piton::building::BuildTarget;
use piton::compiler::Options;
use piton::deadline::Deadline;
use piton::events::BoardEvent;
use piton::fs::rom::{self, Deployment, Partition, RomError, RomEvent};
use piton::romfs::{Entry, files, header_size, image_size, read};
use piton::times::CONTENT_TIME;

use super::manifest::ManifestArgs;
use crate::compatibility::Compatibility;
use crate::context::Context;
use crate::error::{CommandError, FileError, ProgramError, RomfsError};
use crate::local_file;
use crate::output_sink::OutputSink;
use crate::ui::Ui;
use crate::usage::UsageError;

/// Timeout of the list of partitions.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// Arguments of `romfs`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The partition on the board (default: `deploy` 0, `query` all)
    #[arg(short, long, value_name = "N")]
    pub(crate) partition: Option<u32>,
    /// Compile `.py` files to `.mpy` (default)
    #[arg(short, long, conflicts_with = "no_mpy")]
    mpy: bool,
    /// Take `.py` files as they are
    #[arg(long)]
    pub(crate) no_mpy: bool,
    /// The firmware that sources are compiled for, as `compile --target` names it (default: the newest MicroPython; for `deploy` and
    /// machine code, the board's)
    #[arg(long, value_name = "NAME", conflicts_with = "no_mpy")]
    target: Option<BuildTarget>,
    /// The image file (default: the folder's name and `.romfs`)
    #[arg(short, long)]
    pub(crate) output: Option<String>,
    /// Another folder whose content goes into the image
    #[arg(long, value_name = "FOLDER")]
    add: Vec<String>,
    /// Leave out what this pattern fits, as in a `.gitignore`
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// Name sources in tracebacks by their path in the image: the image is then the same wherever the folder is
    #[arg(long)]
    relative: bool,
    /// Store equal files once
    #[arg(long)]
    share: bool,
    /// Begin the content of each file at a multiple of this many bytes
    #[arg(long, value_name = "BYTES", default_value_t = 1)]
    align: usize,
    /// Put the SHA-256 of each file into the image, for `romfs verify`
    #[arg(long)]
    hashes: bool,
    /// Fail if the image has more bytes
    #[arg(long, value_name = "BYTES")]
    max_size: Option<u64>,
    /// Fail if the image does not fit into the board's partition
    #[arg(long)]
    fit: bool,
    /// Write all blocks, also those that are the same
    #[arg(long)]
    all: bool,
    /// The files that this `manifest.py` lists go into the image
    #[arg(long, value_name = "MANIFEST")]
    manifest: Option<String>,
    #[command(flatten)]
    manifests: ManifestArgs,
    /// `build`: make an image file of a folder; `deploy`: write an image to a partition; `query`: look at the board's
    /// partitions; `ls`, `cat IMAGE PATH`, `extract`, `verify`, `diff IMAGE IMAGE`: look at image files, or with `:` at the image in the
    /// board's partition
    pub(crate) command: String,
    /// The folder; for `deploy` also a `.romfs` or `.img` file; else an image file, or `:` for the board's partition
    pub(crate) path: Option<String>,
    /// For `cat` the path in the image, for `diff` the other image.
    #[arg(hide = true)]
    more: Vec<String>,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    if !ctx.compatibility.extended_romfs && args.command == "deploy" {
        // mpremote connects before it checks the arguments.
        ctx.session.raw_repl()?;
    }
    match (args.command.as_str(), &args.path) {
        ("query", _) => query(args.partition, ctx),
        ("build", path) if path.is_some() || args.manifest.is_some() => build_file(args, ctx),
        ("build", _) => Err(FileError::Arguments {
            command: "romfs build",
            problem: "source path not given",
        }
        .into()),
        ("deploy", path) if path.is_some() || args.manifest.is_some() => deploy(args, ctx),
        ("deploy", _) => Err(FileError::Arguments {
            command: "romfs deploy",
            problem: "source path not given",
        }
        .into()),
        (word, Some(image)) if images::COMMANDS.contains(&word) => images::run(args, image, ctx),
        (word, None) if images::COMMANDS.contains(&word) => Err(FileError::Arguments {
            command: "romfs",
            problem: "image file not given",
        }
        .into()),
        (word, _) => Err(CommandError::Usage(UsageError::NotARomfsCommand {
            word: word.to_owned(),
        })),
    }
}

fn build_file(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let image = making::make(args, ctx, &|_| Ok(Options::new("")))?;
    if args.fit {
        let number = args.partition.unwrap_or(0);
        let room = partition(number, ctx)?.size;
        let entries = read(&image).unwrap_or_default();
        making::fits(&image, &entries, room)?;
    }
    let output = match (&args.output, &args.path, &args.manifest) {
        (Some(output), ..) => output.clone(),
        (None, Some(path), _) => format!("{}.romfs", stem(path, ctx.compatibility)),
        (None, None, Some(manifest)) if manifest.ends_with(".py") => {
            format!("{}.romfs", manifest.trim_end_matches(".py"))
        }
        (None, None, _) => "manifest.romfs".to_owned(),
    };
    ctx.ui.step(&format!(
        "Writing {} bytes to output file {output}",
        image.len()
    ))?;
    local_file::write(Path::new(&output), &image)
}

/// A partition in JSON.
#[derive(serde::Serialize)]
struct Row {
    number: u32,
    size: u64,
    block_size: u64,
    /// Size of the image in it, in bytes.
    image_size: Option<u64>,
}

fn query(wanted: Option<u32>, ctx: &mut Context) -> Result<(), CommandError> {
    let Context {
        session,
        ui,
        compatibility,
        ..
    } = ctx;
    let mut raw = session.raw_repl()?;
    // mpremote parses the option, and shows all partitions.
    let wanted = wanted.filter(|_| compatibility.extended_romfs);
    let partitions = match rom::partitions(&mut raw, Deadline::after(ANSWER_TIME)) {
        // Not a failure, and in mpremote's words: scripts search for them.
        Err(RomError::NotEnabled) if !ui.json() => {
            return ui.line("ROMFS is not enabled on this device");
        }
        partitions => partitions?,
    };
    if partitions.is_empty() && wanted.is_none() && !ui.json() {
        return ui.line("No ROMFS partitions available");
    }
    let mut rows = Vec::new();
    for (number, partition) in (0..).zip(&partitions) {
        if wanted.is_some_and(|wanted| wanted != number) {
            continue;
        }
        let partition = partition.as_ref().ok_or(RomError::NoPartition { number })?;
        let image_size = image_size(&partition.head);
        rows.push(Row {
            number,
            size: partition.size,
            block_size: partition.block_size,
            image_size,
        });
        if ui.json() {
            continue;
        }
        ui.line(&headline(number, partition))?;
        let bytes = partition.head.iter().map(|byte| format!("{byte:02x}"));
        let bytes = bytes.collect::<Vec<_>>().join(":");
        ui.line(&format!("  Raw contents: {bytes} ..."))?;
        match image_size {
            Some(size) => {
                // mpremote's size does not include the header.
                let uncounted = match compatibility.extended_romfs {
                    true => 0,
                    false => header_size(&partition.head).unwrap_or_default(),
                };
                let size = size.saturating_sub(uncounted);
                ui.line(&format!("  ROMFS image size: {size}"))?;
            }
            None => ui.line("  Not a valid ROMFS")?,
        }
    }
    if let (Some(number), true) = (wanted, rows.is_empty()) {
        return Err(RomError::NoPartition { number }.into());
    }
    match ui.json() {
        true => ui.json_line(&rows),
        false => Ok(()),
    }
}

fn headline(number: u32, partition: &Partition) -> String {
    let Partition {
        size, block_size, ..
    } = partition;
    let blocks = size.checked_div(*block_size).unwrap_or(0);
    format!(
        "ROMFS{number} partition has size {size} bytes ({blocks} blocks of {block_size} bytes each)"
    )
}

/// Returns a partition of the board.
fn partition(number: u32, ctx: &mut Context) -> Result<Partition, CommandError> {
    let mut raw = ctx.session.raw_repl()?;
    let partitions = rom::partitions(&mut raw, Deadline::after(ANSWER_TIME))?;
    let partition = usize::try_from(number)
        .ok()
        .and_then(|index| partitions.into_iter().nth(index).flatten());
    Ok(partition.ok_or(RomError::NoPartition { number })?)
}

/// Reads the image to deploy, or makes it.
fn image_of(args: &Args, ctx: &mut Context) -> Result<Vec<u8>, CommandError> {
    if let Some(path) = &args.path
        && [".romfs", ".img"].iter().any(|end| path.ends_with(end))
        && Path::new(path).is_file()
    {
        return local_file::read(Path::new(path));
    }
    // Only machine code depends on the processor: for bytecode the board is not asked.
    making::make(args, ctx, &|ctx| {
        let format = BoardFormat::from(&ctx.session.facts()?);
        Ok(format
            .compiler_options("")
            .unwrap_or_else(|_| Options::new("")))
    })
}

/// Checks that the board can use the files of an image that was not made for it.
fn check_files(entries: &[Entry], ctx: &mut Context) -> Result<(), CommandError> {
    let files = files(entries);
    if files.iter().any(|(path, _)| path.ends_with(".mpy")) {
        let format = BoardFormat::from(&ctx.session.facts()?);
        for (path, content) in files {
            let checked = format.check_file(&path, content);
            checked.map_err(|source| RomfsError::Unusable { path, source })?;
        }
    }
    Ok(())
}

fn deploy(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let image = image_of(args, ctx)?;
    if ctx.compatibility.extended_romfs
        && let Ok(entries) = read(&image)
    {
        check_files(&entries, ctx)?;
    }
    let Context {
        session,
        ui,
        compatibility,
        ..
    } = ctx;
    ui.step(&format!("Image size is {} bytes", image.len()))?;
    let number = args.partition.unwrap_or(0);
    let board = session.board()?.device_name().to_owned();
    let board = board.as_str();
    let mut raw = session.raw_repl()?;
    let partitions = rom::partitions(&mut raw, Deadline::after(ANSWER_TIME))?;
    let partition = usize::try_from(number)
        .ok()
        .and_then(|index| partitions.into_iter().nth(index).flatten())
        .ok_or(RomError::NoPartition { number })?;
    ui.step(&headline(number, &partition))?;
    let room = partition.size;
    let size = image.len() as u64;
    if size > room {
        if !compatibility.extended_romfs {
            ui.step("ROMFS image is too big for the target partition")?;
            return Err(ProgramError::Exited { code: 1 }.into());
        }
        return Err(RomError::TooBig { number, size, room }.into());
    }
    if let Err(source) = read(&image) {
        if !compatibility.extended_romfs {
            ui.step("Invalid ROMFS image")?;
            return Err(ProgramError::Exited { code: 1 }.into());
        }
        let path = args.path.clone().unwrap_or_default();
        return Err(RomfsError::Image { path, source }.into());
    }
    let deadline = Deadline::after(CONTENT_TIME);
    match compatibility.extended_romfs {
        true => {
            let bar = ui.transfer(size);
            let mut events = |event| {
                ui.event(&BoardEvent { board, event });
                if let RomEvent::Write { bytes, .. } = event {
                    bar.at(bytes);
                }
                Continue(())
            };
            let job = Deployment {
                number,
                partition: &partition,
                image: &image,
                only_changes: !args.all,
            };
            let deployed = rom::deploy(&mut raw, &job, &mut events, deadline);
            bar.end();
            deployed?;
        }
        false => {
            let mut output = OutputSink::default();
            let mut steps = MpremoteSteps::default();
            let mut events = |event| output.flow(steps.show(event, ui));
            let job = Deployment {
                number,
                partition: &partition,
                image: &image,
                only_changes: false,
            };
            let deployed = rom::deploy(&mut raw, &job, &mut events, deadline);
            let ended = ui.text("\n");
            output.finish(deployed)?;
            ended?;
        }
    }
    ui.step("ROMFS image deployed")
}

/// Shows the steps of a deployment as mpremote does: each overwrites the previous one.
#[derive(Default)]
struct MpremoteSteps {
    writes: bool,
}

impl MpremoteSteps {
    fn show(&mut self, event: RomEvent, ui: &Ui) -> Result<(), CommandError> {
        let line = match event {
            RomEvent::Erase { offset } => format!("\rPreparing at offset {offset}"),
            RomEvent::Write { bytes, .. } => {
                let end = match std::mem::replace(&mut self.writes, true) {
                    true => "",
                    false => "\n",
                };
                format!("{end}\rWriting at offset {bytes}")
            }
            _ => return Ok(()),
        };
        ui.bytes(line.as_bytes())
    }
}

/// Returns the path of the image file without its ending. mpremote puts the image of `folder/` into the folder.
fn stem<'p>(path: &'p str, compatibility: &Compatibility) -> &'p str {
    match path.trim_end_matches(std::path::is_separator) {
        "" => path,
        _ if !compatibility.extended_romfs => path,
        trimmed => trimmed,
    }
}
