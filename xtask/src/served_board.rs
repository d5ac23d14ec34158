//! A virtual board on a pty, served by a process of its own.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A virtual board on a pty; it ends with this.
pub(crate) struct ServedBoard {
    server: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// Path of the pty.
    pub(crate) port: String,
}

/// What went over the line of a board.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) struct Traffic {
    #[serde(rename = "bytes_to_board")]
    pub(crate) to_board: u64,
    #[serde(rename = "bytes_to_host")]
    pub(crate) to_host: u64,
    /// How often something came back after something was sent.
    pub(crate) turns: u64,
}

/// The first line of the server.
#[derive(Deserialize)]
struct Served {
    name: String,
}

impl ServedBoard {
    /// Starts a server with more arguments than `virtual serve --pty`.
    pub(crate) fn start<A: AsRef<std::ffi::OsStr>>(
        piton: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> anyhow::Result<ServedBoard> {
        let mut server = Command::new(piton)
            .args(["--json", "virtual", "serve", "--pty"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start `piton virtual serve --pty`")?;
        let stdout = server.stdout.take().context("the server has no stdout")?;
        let mut board = ServedBoard {
            server,
            lines: BufReader::new(stdout).lines(),
            port: String::new(),
        };
        let served: Served = board.next_line().context(
            "`piton virtual serve --pty` named no port; is the VM file there? run `cargo xtask setup vm`",
        )?;
        board.port = served.name;
        Ok(board)
    }

    /// Ends the board. Returns the traffic on its line.
    pub(crate) fn finish(mut self) -> anyhow::Result<Traffic> {
        interrupt(&self.server)?;
        let traffic = self.next_line()?;
        let status = self.server.wait()?;
        ensure!(status.success(), "`piton virtual serve` failed ({status})");
        Ok(traffic)
    }

    fn next_line<T: DeserializeOwned>(&mut self) -> anyhow::Result<T> {
        let line = self.lines.next().context("the server has ended")??;
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for ServedBoard {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing to be done about it here.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Ctrl-C, for one process.
#[cfg(unix)]
fn interrupt(process: &Child) -> anyhow::Result<()> {
    use rustix::process::{Pid, Signal, kill_process};

    kill_process(Pid::from_child(process), Signal::INT).context("cannot stop the server")
}

#[cfg(not(unix))]
fn interrupt(_: &Child) -> anyhow::Result<()> {
    anyhow::bail!("the board is served on a pty, which this system does not have")
}
