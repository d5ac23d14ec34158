//! The commands for a board.

use std::path::Path;
use std::time::Duration;

use piton::cache_folder::compiled_folder;
use piton::deadline::Deadline;
use piton::device::startup_code;
use piton::error::BoardError;
use piton::fs::remote::RemoteFs;
use piton::path::{BoardPath, RelativePath};
use piton::program::Code;
use piton::sync::{self, Keep, Options, Push, belay_options, push_file};

use super::line::{BoardArgs, ExecArgs, LatencyArgs, RunArgs, SyncArgs};
use crate::commands::connect::{self, Args as ConnectArgs};
use crate::commands::exec::{Task, WatchArgs, execute};
use crate::commands::help::dedent;
use crate::commands::latency::{measure, statistics, write_csv};
use crate::commands::repl;
use crate::commands::select::{Specifier, firmware};
use crate::commands::sync::{carry_out_quietly, note_left_out, shown_error};
use crate::context::Context;
use crate::error::{CommandError, FileError};
use crate::local_file;
use crate::ui::Ui;

/// How long the board may take for the first imports.
const STARTUP_TIME: Duration = Duration::from_secs(30);

/// Connects to the board.
pub(super) fn connect(args: &BoardArgs, ctx: &mut Context) -> Result<(), CommandError> {
    let device = match args.port.as_str() {
        json if json.trim_start().starts_with('{') => {
            format!("port:{}", Specifier::from_json(json)?.find()?)
        }
        // The name of a port here, and no command.
        "list" => "port:list".to_owned(),
        address if is_address(address) => format!("telnet://{address}"),
        port => port.to_owned(),
    };
    connect::run(&ConnectArgs { device }, ctx)
}

/// Whether a text is an IPv4 address, with or without a port: that of a board with a telnet server.
fn is_address(text: &str) -> bool {
    text.parse::<std::net::Ipv4Addr>().is_ok() || text.parse::<std::net::SocketAddrV4>().is_ok()
}

/// Imports on the board of the session what code for Belay takes for granted. The first time its interpreter starts afresh.
pub(super) fn begin(ctx: &mut Context) -> Result<(), CommandError> {
    let mut raw = ctx.session.raw_repl()?;
    let deadline = Deadline::after(STARTUP_TIME);
    let implementation: String = raw.eval("__import__('sys').implementation.name", deadline)?;
    let Some(code) = startup_code(&implementation) else {
        return Ok(());
    };
    match raw.run(code.as_bytes(), deadline) {
        // A board without one of the modules: the code of the user may not need it.
        Ok(_) | Err(BoardError::Exception(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn exec(args: &ExecArgs, ctx: &mut Context) -> Result<(), CommandError> {
    connect(&args.board, ctx)?;
    begin(ctx)?;
    let statement = dedent(&args.statement);
    let code = Code::Source(statement.as_bytes());
    let task = Task::new(
        code,
        &WatchArgs::default(),
        "<stdin>",
        "-c",
        ctx.compatibility,
    );
    execute(ctx, &task)
}

pub(super) fn run(args: &RunArgs, ctx: &mut Context) -> Result<(), CommandError> {
    // A file that is not there is said before anything happens to the board.
    local_file::read(&args.file)?;
    connect(&args.board, ctx)?;
    begin(ctx)?;
    run_script(&args.file, ctx)
}

/// Runs a script on the board of the session.
pub(super) fn run_script(script: &Path, ctx: &mut Context) -> Result<(), CommandError> {
    let source = local_file::read(script)?;
    let name = script.display().to_string();
    let code = Code::Source(&source);
    let task = Task::new(code, &WatchArgs::default(), &name, &name, ctx.compatibility);
    execute(ctx, &task)
}

pub(super) fn info(args: &BoardArgs, ctx: &mut Context) -> Result<(), CommandError> {
    connect(args, ctx)?;
    let facts = ctx.session.facts()?;
    ctx.ui.line(&firmware(&facts))
}

pub(super) fn latency(args: &LatencyArgs, ctx: &mut Context) -> Result<(), CommandError> {
    connect(&args.board, ctx)?;
    if args.verbose {
        ctx.ui.line(&format!(
            "Measuring latency with {} iterations...",
            args.count
        ))?;
    }
    let mut number = 0;
    let mut lines = String::new();
    let latency = measure(ctx, args.count, &mut |time| {
        number += 1;
        lines.push_str(&format!("  {number:2}: {time:6.2} ms\n"));
    })?;
    if args.verbose {
        ctx.ui.text(&lines)?;
        ctx.ui.line("")?;
    }
    ctx.ui.text(&statistics(&latency))?;
    match &args.output {
        Some(file) => write_csv(file, &latency),
        None => Ok(()),
    }
}

pub(super) fn terminal(args: &BoardArgs, ctx: &mut Context) -> Result<(), CommandError> {
    connect(args, ctx)?;
    begin(ctx)?;
    repl::run(&repl::Args::default(), ctx)
}

pub(super) fn sync(args: &SyncArgs, ctx: &mut Context) -> Result<(), CommandError> {
    let root = folder_of_board(&args.dst)?;
    // What is not there is said before anything happens to the board.
    let facts = std::fs::metadata(&args.folder)
        .map_err(|source| local_file::not_read(&args.folder, source))?;
    connect(&args.board, ctx)?;
    let mut options = match facts.is_file() {
        true => belay_options(&root, Keep::Everything, Some(&[])),
        false => {
            let keep = args.keep().map_or(Keep::Usual, Keep::Paths);
            belay_options(&root, keep, args.ignore())
        }
    };
    let compiles = args.compile.mpy_cross_binary.is_some();
    convert(&mut options, compiles, ctx)?;
    push(&args.folder, &root, &options, ctx)?;
    ctx.ui.line("Complete.")
}

/// Returns a folder of the board; its path begins at the root.
fn folder_of_board(path: &str) -> Result<BoardPath, CommandError> {
    let absolute = Some(path).filter(|path| path.starts_with('/'));
    absolute.and_then(|path| path.parse().ok()).ok_or_else(|| {
        CommandError::from(FileError::Failed {
            command: "sync".to_owned(),
            path: path.to_owned(),
            reason: "Invalid argument".to_owned(),
            detail: Some("expected a folder of the board that begins with `/`".to_owned()),
        })
    })
}

/// Has sources compiled for the board, or else minified.
pub(super) fn convert(
    options: &mut Options,
    compiles: bool,
    ctx: &mut Context,
) -> Result<(), CommandError> {
    options.make.cache = compiled_folder().ok();
    match compiles {
        true => options.make.compile = Some(sync::compiler_options(&ctx.session.facts()?)?),
        false => options.make.minify = true,
    }
    Ok(())
}

/// Copies a file or a folder into a folder of the board.
pub(super) fn push(
    source: &Path,
    root: &BoardPath,
    options: &Options,
    ctx: &mut Context,
) -> Result<(), CommandError> {
    let Context { session, ui, .. } = ctx;
    let mut raw = session.raw_repl()?;
    let mut remote = RemoteFs::new(&mut raw);
    let planned = match source.is_file() {
        true => push_file(&mut remote, source, &name_of(source)?, root, options),
        false => sync::push(&mut remote, source, root, options),
    };
    let push = planned.map_err(|error| shown_error(ui, error))?;
    carry_out(ui, &push, &mut remote)
}

/// Carries out a sync, with a line of progress.
pub(super) fn carry_out(
    ui: &Ui,
    push: &Push,
    remote: &mut RemoteFs<'_, '_>,
) -> Result<(), CommandError> {
    note_left_out(ui, push.dangling(), push.private(), push.reserved());
    carry_out_quietly(ui, push.plan(), |events| push.apply(remote, events))
}

fn name_of(file: &Path) -> Result<RelativePath, CommandError> {
    let name = file.file_name().and_then(|name| name.to_str());
    name.and_then(|name| name.parse().ok()).ok_or_else(|| {
        CommandError::from(sync::Error::NotText {
            path: file.to_owned(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_telnet_servers() {
        for (text, expected) in [
            ("192.168.4.1", true),
            ("192.168.4.1:23", true),
            ("ws://192.168.4.1", false),
            ("/dev/ttyACM0", false),
            ("a0", false),
            ("1.2.3", false),
        ] {
            assert_eq!(is_address(text), expected, "{text}");
        }
    }
}
