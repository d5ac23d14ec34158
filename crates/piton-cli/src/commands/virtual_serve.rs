//! `virtual serve`: serves a virtual board to other programs, on a pty or a TCP port.

mod line;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use piton::virtual_board::{Flash, Traffic, VirtualBoard, serve};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::interrupt;
use line::LineArgs;

/// How often the server checks for Ctrl-C.
const SLICE: Duration = Duration::from_millis(50);

/// Arguments of `virtual`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("place").required(true).args(["pty", "tcp"]))]
pub(crate) struct Args {
    /// Serve on a pty, and print its path
    #[arg(long)]
    pty: bool,
    /// Serve on a TCP address such as `127.0.0.1:2217` (port 0: any free one), and print it
    #[arg(long, value_name = "ADDRESS")]
    tcp: Option<String>,
    #[command(flatten)]
    line: LineArgs,
    /// What to do
    action: Action,
    /// Host folder that holds the board's files (default: in memory)
    directory: Option<PathBuf>,
}

/// What to do with a virtual board.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Action {
    /// Serve it until Ctrl-C.
    Serve,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let Action::Serve = args.action;
    let mut options = args.line.board();
    if let Some(directory) = &args.directory {
        options.flash = Flash::Directory(directory.clone());
    }
    let board = Arc::new(piton::start_virtual(
        options,
        ctx.session.connect_options(),
    )?);
    match &args.tcp {
        Some(address) => {
            let server =
                serve::tcp(Arc::clone(&board), address).map_err(|source| CommandError::Serve {
                    address: format!("`{address}`"),
                    source,
                })?;
            let name = format!("socket://{}", server.local_addr());
            until_interrupted(&board, ctx, &name)
        }
        None => serve_pty(board, ctx),
    }
}

#[cfg(unix)]
fn serve_pty(board: Arc<VirtualBoard>, ctx: &Context) -> Result<(), CommandError> {
    let server = serve::pty(Arc::clone(&board)).map_err(|source| CommandError::Serve {
        address: "a pty".to_owned(),
        source,
    })?;
    until_interrupted(&board, ctx, &server.path().display().to_string())
}

#[cfg(not(unix))]
fn serve_pty(_: Arc<VirtualBoard>, _: &Context) -> Result<(), CommandError> {
    Err(CommandError::Serve {
        address: "a pty".to_owned(),
        source: std::io::Error::new(
            std::io::ErrorKind::Unsupported,
            "this system has none; use `--tcp`",
        ),
    })
}

/// The address of a served board, as JSON.
#[derive(Serialize)]
struct Served<'a> {
    name: &'a str,
}

/// The traffic on its line, as JSON.
#[derive(Serialize)]
struct Counts {
    bytes_to_board: u64,
    bytes_to_host: u64,
    turns: u64,
}

/// Prints the board's address, and serves it until Ctrl-C, which is its normal end. Then the traffic on the line is
/// printed.
fn until_interrupted(board: &VirtualBoard, ctx: &Context, name: &str) -> Result<(), CommandError> {
    interrupt::install(&ctx.cancel);
    if ctx.ui.json() {
        ctx.ui.json_line(&Served { name })?;
    } else {
        ctx.ui.line(name)?;
    }
    ctx.ui.note("serving a virtual board until Ctrl-C");
    while !ctx.cancel.is_cancelled() {
        std::thread::sleep(SLICE);
    }
    let Traffic {
        to_board,
        to_host,
        turns,
    } = board.traffic();
    if ctx.ui.json() {
        return ctx.ui.json_line(&Counts {
            bytes_to_board: to_board,
            bytes_to_host: to_host,
            turns,
        });
    }
    ctx.ui.note(&format!(
        "the board received {to_board} bytes and sent {to_host}, in {turns} turns"
    ));
    Ok(())
}
