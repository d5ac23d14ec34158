//! The tools, and the command of each for a job.

use std::path::Path;
use std::process::Command;

use super::index::PACKAGES;
use super::job::Job;

/// A tool that talks to boards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Tool {
    /// mpremote
    Mpremote,
    /// mpytool
    Mpytool,
    /// Piton
    Piton,
}

/// Where a tool works.
pub(super) struct Place<'a> {
    /// The program of Piton.
    pub(super) piton: &'a Path,
    /// The board's port.
    pub(super) port: &'a Path,
    /// The folder on the board that folders are copied into.
    pub(super) top: &'a str,
    /// The folder for what is copied from the board.
    pub(super) down: &'a Path,
    /// Address of the package index.
    pub(super) index: &'a str,
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

    /// Returns the command that does a job, for a tool that can; it runs where the sources are. None of them
    /// soft-resets the board: mpytool does not do so, the others get an option against it.
    pub(super) fn command(self, place: &Place, job: Job) -> Option<Command> {
        let mut command = self.connected(place);
        let source = job.source();
        match job {
            Job::Eval if self == Tool::Mpytool => return None,
            Job::Eval => command.args(["eval", "6*7"]),
            Job::Exec => command.args(["exec", "print(6*7)"]),
            Job::Ls => command.args(["ls", &format!(":{source}")]),
            Job::Down10k => command
                .arg("cp")
                .arg(format!(":{source}"))
                .arg(place.down.join(source)),
            Job::Mount2k | Job::Mount20k => {
                command.args(["mount", source]);
                if self == Tool::Mpytool {
                    command.arg("--");
                }
                command.args(["exec", &format!("import {}", job.module())])
            }
            Job::Mip if self == Tool::Mpytool => return None,
            Job::Mip => command
                .args(["mip", "install", "--target", "lib", "--index", place.index])
                .args(PACKAGES),
            Job::Sync if self == Tool::Piton => {
                command.args(["sync", source, &format!(":{source}")])
            }
            Job::Tree | Job::Again | Job::Sync => {
                command.arg("cp");
                if self != Tool::Mpytool {
                    command.arg("-r");
                }
                command.args([source, place.top])
            }
            Job::Up300 | Job::Up10k | Job::Up100k | Job::Source10k | Job::Source100k => {
                command.args(["cp", source, &format!(":{source}")])
            }
            Job::Floor => return None,
        };
        Some(command)
    }

    /// Returns the command that copies one file to or from the board; `:` marks the path on the board.
    pub(super) fn copy(self, place: &Place, from: &str, to: &str) -> Command {
        let mut command = self.connected(place);
        command.args(["cp", from, to]);
        command
    }

    fn connected(self, place: &Place) -> Command {
        let mut command = match self {
            Tool::Mpremote => test_programs::mpremote(),
            Tool::Mpytool => test_programs::mpytool(),
            Tool::Piton => Command::new(place.piton),
        };
        match self {
            Tool::Mpremote | Tool::Piton => command.arg("connect").arg(place.port).arg("resume"),
            Tool::Mpytool => command.arg("-p").arg(place.port),
        };
        command
    }
}
