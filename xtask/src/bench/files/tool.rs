//! The tools, and the command of each for a job.

use std::path::Path;
use std::process::Command;

use super::job::{Direction, Job};

/// A tool that copies files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Tool {
    /// mpremote
    Mpremote,
    /// mpytool
    Mpytool,
    /// Piton
    Piton,
}

impl Tool {
    pub(super) const ALL: [Tool; 3] = [Tool::Mpremote, Tool::Mpytool, Tool::Piton];

    pub(super) fn name(self) -> &'static str {
        match self {
            Tool::Mpremote => "mpremote",
            Tool::Mpytool => "mpytool",
            Tool::Piton => "Piton",
        }
    }

    /// Returns the command that does a job; it runs where the sources are. None of them soft-resets the board:
    /// mpytool does not do so, the others get an option against it.
    pub(super) fn command(self, piton: &Path, port: &Path, job: Job, down: &Path) -> Command {
        let mut command = match self {
            Tool::Mpremote => test_programs::mpremote(),
            Tool::Mpytool => test_programs::mpytool(),
            Tool::Piton => Command::new(piton),
        };
        match self {
            Tool::Mpremote | Tool::Piton => command.arg("connect").arg(port).arg("resume"),
            Tool::Mpytool => command.arg("-p").arg(port),
        };
        match job.direction() {
            Direction::Up => self.copy(&mut command, job).args([job.source(), ":/"]),
            Direction::Down if job.is_folder() && self == Tool::Mpytool => {
                // Given the folder itself, it would put it into one of the same name. So: its content.
                let into = down.join(job.source()).join("");
                self.copy(&mut command, job)
                    .arg(format!(":/{}/", job.source()))
                    .arg(into)
            }
            Direction::Down => self
                .copy(&mut command, job)
                .arg(format!(":/{}", job.source()))
                .arg(down),
            Direction::Import(module) => {
                command.args(["mount", job.source()]);
                if self == Tool::Mpytool {
                    command.arg("--");
                }
                command.arg("exec").arg(format!("import {module}"))
            }
        };
        command
    }

    /// Returns the command `cp`, without source and destination.
    fn copy(self, command: &mut Command, job: Job) -> &mut Command {
        command.arg("cp");
        if job.is_folder() && self != Tool::Mpytool {
            command.arg("-r");
        }
        command
    }
}
