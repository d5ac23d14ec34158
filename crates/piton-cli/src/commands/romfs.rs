//! `romfs`: makes and deploys images of the read-only file system that a board mounts at `/rom`.

use std::ops::ControlFlow::Continue;
use std::path::Path;
use std::time::Duration;

use piton::board_format::BoardFormat;
use piton::cache_folder::compiled_modules;
use piton::compiler::Options;
use piton::deadline::Deadline;
use piton::events::BoardEvent;
use piton::fs::rom::{self, Partition, RomError, RomEvent};
use piton::romfs::{
    Content, Entry, asks_for_machine_code, build, compile_sources, header_size, image_size, read,
    read_folder,
};
use piton::times::CONTENT_TIME;

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
    /// The image file (default: the folder's name and `.romfs`)
    #[arg(short, long)]
    pub(crate) output: Option<String>,
    /// `query`: look at the board's partitions; `build`: make an image file of a folder; `deploy`: write an image to a
    /// partition
    pub(crate) command: String,
    /// The folder; for `deploy` also a `.romfs` or `.img` file
    pub(crate) path: Option<String>,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    if !ctx.compatibility.extended_romfs && args.command == "deploy" {
        // mpremote connects before it checks the arguments.
        ctx.session.raw_repl()?;
    }
    match (args.command.as_str(), &args.path) {
        ("query", _) => query(args.partition, ctx),
        ("build", Some(path)) => build_file(args, path, ctx),
        ("build", None) => Err(FileError::Arguments {
            command: "romfs build",
            problem: "source path not given",
        }
        .into()),
        ("deploy", Some(path)) => deploy(args, path, ctx),
        ("deploy", None) => Err(FileError::Arguments {
            command: "romfs deploy",
            problem: "source path not given",
        }
        .into()),
        (word, _) => Err(CommandError::Usage(UsageError::NotARomfsCommand {
            word: word.to_owned(),
        })),
    }
}

fn build_file(args: &Args, path: &str, ctx: &mut Context) -> Result<(), CommandError> {
    let image = make(path, !args.no_mpy, ctx, |_| Ok(Options::new("")))?;
    let output = match &args.output {
        Some(output) => output.clone(),
        None => format!("{}.romfs", stem(path, ctx.compatibility)),
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

fn deploy(args: &Args, path: &str, ctx: &mut Context) -> Result<(), CommandError> {
    let is_image = [".romfs", ".img"].iter().any(|end| path.ends_with(end));
    let image = if is_image && Path::new(path).is_file() {
        local_file::read(Path::new(path))?
    } else {
        // Only machine code depends on the processor: for bytecode the board is not asked.
        make(path, !args.no_mpy, ctx, |ctx| {
            let format = BoardFormat::from(&ctx.session.facts()?);
            Ok(format
                .compiler_options("")
                .unwrap_or_else(|_| Options::new("")))
        })?
    };
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
        let path = path.to_owned();
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
            let deployed = rom::deploy(&mut raw, number, &partition, &image, &mut events, deadline);
            bar.end();
            deployed?;
        }
        false => {
            let mut output = OutputSink::default();
            let mut steps = MpremoteSteps::default();
            let mut events = |event| output.flow(steps.show(event, ui));
            let deployed = rom::deploy(&mut raw, number, &partition, &image, &mut events, deadline);
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

/// Makes the image of a folder, and shows its content as mpremote does. `options` says how machine code is compiled, if a
/// source has any.
fn make(
    path: &str,
    mpy: bool,
    ctx: &mut Context,
    options: impl FnOnce(&mut Context) -> Result<Options, CommandError>,
) -> Result<Vec<u8>, CommandError> {
    let folder = if path.ends_with('/') {
        path.to_owned()
    } else {
        format!("{path}/")
    };
    ctx.ui.step(&format!(
        "Building romfs filesystem, source directory: {folder}"
    ))?;
    ctx.ui.step("/")?;
    let mut entries = read_folder(Path::new(&folder)).map_err(RomfsError::Folder)?;
    if mpy {
        let options = match asks_for_machine_code(&entries) {
            true => options(ctx)?,
            false => Options::new(""),
        };
        // Tracebacks on the board show the sources' paths as they were given.
        compile_sources(&mut entries, &folder, &options, compiled_modules().as_ref())
            .map_err(RomfsError::Compile)?;
    }
    draw(&entries, "", ctx)?;
    Ok(build(&entries).map_err(RomfsError::Build)?)
}

fn draw(entries: &[Entry], before: &str, ctx: &Context) -> Result<(), CommandError> {
    for (index, entry) in entries.iter().enumerate() {
        let (branch, below) = if index + 1 == entries.len() {
            ("\\--", "    ")
        } else {
            ("|--", "|   ")
        };
        match (&entry.content, &entry.compiled_from) {
            (Content::Folder(inside), _) => {
                ctx.ui.step(&format!("{before}{branch} {}/", entry.name))?;
                draw(inside, &format!("{before}{below}"), ctx)?;
            }
            (Content::File(_), Some(source)) => {
                ctx.ui.step(&format!("{before}{branch} {source} -> .mpy"))?;
            }
            (Content::File(_), None) => ctx.ui.step(&format!("{before}{branch} {}", entry.name))?,
        }
    }
    Ok(())
}
