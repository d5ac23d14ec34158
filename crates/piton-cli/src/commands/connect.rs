//! `connect`: choose a board, or list what is plugged in.

use piton::board_names::in_dev;
use piton::discovery::{SerialPortFacts, list_serial_ports};
use piton::error::BoardError;

use crate::context::Context;
use crate::error::CommandError;
use crate::suggest::places;

/// Arguments of `connect`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which board: `list` (print the serial ports), `auto` (the first USB serial port), `id:SERIAL`, `port:PATH`
    /// or a bare path, `exec:COMMAND`, `socket://HOST:PORT`, `rfc2217://HOST:PORT`, `telnet://HOST`, `ws://HOST`, `virtual` or
    /// `virtual:DIR`, or a name from config.toml
    pub(crate) device: String,
}

impl Args {
    /// Whether this prints the ports instead of connecting.
    pub(super) fn is_list(&self) -> bool {
        self.device == "list"
    }
}

pub(crate) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    if args.is_list() {
        // As in mpremote, `connect` leaves the previous board first, even if the new one cannot be opened.
        ctx.session.disconnect();
        return list(ctx);
    }
    if ctx.compatibility.speaks_mpremote() {
        let selector = ctx.config.boards.selector(&args.device)?;
        return Ok(ctx.session.connect_to(&selector)?);
    }
    let connected = ctx
        .config
        .boards
        .selector(&args.device)
        .map_err(CommandError::from)
        .and_then(|selector| Ok(ctx.session.connect_to(&in_dev(selector))?));
    connected.map_err(|error| wrong_place(error, &args.device, ctx))
}

/// Adds hints about what may have been meant to the error for an unknown board.
fn wrong_place(error: CommandError, word: &str, ctx: &Context) -> CommandError {
    match error {
        CommandError::Piton(piton::Error::Board(
            error @ (BoardError::NoSuchPort { .. } | BoardError::Selector { .. }),
        )) => {
            let names = ctx
                .config
                .boards
                .boards()
                .iter()
                .map(|(name, _)| name.as_str());
            let is_port = matches!(error, BoardError::NoSuchPort { .. });
            if let Some(boards) = ctx.config.boards.group(word) {
                let names: Vec<&str> = boards.iter().map(|(name, _)| name.as_str()).collect();
                let hint = format!(
                    "`{word}` is the group of {}: a line is for one board; `piton install --device {word}` is for all of them",
                    names.join(", ")
                );
                return CommandError::WrongPlace {
                    error,
                    hints: vec![hint],
                };
            }
            let hints = places::hints(
                word,
                is_port,
                &names.collect::<Vec<&str>>(),
                &list_serial_ports(),
            );
            CommandError::WrongPlace { error, hints }
        }
        error => error,
    }
}

fn list(ctx: &Context) -> Result<(), CommandError> {
    let mut ports = list_serial_ports();
    ports.sort_by(|one, other| one.path.cmp(&other.path));
    if ctx.ui.json() {
        return ctx.ui.json_line(&ports);
    }
    for port in &ports {
        ctx.ui.line(&line(port))?;
    }
    Ok(())
}

/// Formats one port as mpremote prints it, with `None` for unknown facts.
fn line(port: &SerialPortFacts) -> String {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "None".to_owned());
    format!(
        "{} {} {:04x}:{:04x} {} {}",
        port.path,
        or_none(&port.serial_number),
        port.vid.unwrap_or(0),
        port.pid.unwrap_or(0),
        or_none(&port.manufacturer),
        or_none(&port.product),
    )
}
