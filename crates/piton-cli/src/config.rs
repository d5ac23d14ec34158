//! The configuration for every line: mpremote's `config.py`, and our own `config.toml`.
//!
//! `config.py` is a Python program to mpremote. Here it is read and never run: literals are taken, and a remark names
//! each line that was not read. Such a line is right for mpremote, so it is an error only when its shortcut is used.
//! `config.toml` is ours alone, and every mistake in it is an error.

mod places;
mod python;
mod toml;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use piton::board_names::{BoardNames, config_toml, read_config};

use crate::compatibility::Compatibility;

/// The hint for a line of `config.py` that is not read.
pub(crate) const UNREAD_HINT: &str = "piton reads config.py without running it: write a literal there, or set the shortcut up in piton's config.toml";

/// A user's configuration.
#[derive(Debug, Default)]
pub(crate) struct Config {
    /// The user's shortcuts.
    pub(crate) shortcuts: Vec<UserShortcut>,
    /// Names for boards, and the board to connect to when the line names none.
    pub(crate) boards: BoardNames,
    /// The places that were not read, which may not matter.
    pub(crate) remarks: Vec<Remark>,
}

/// A user's shortcut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserShortcut {
    /// The word on the command line.
    pub(crate) name: String,
    /// Its parameters.
    pub(crate) parameters: Vec<Parameter>,
    /// The words that replace it, or why they are unknown.
    pub(crate) words: Result<Vec<String>, Remark>,
    /// Its text in the list of commands; may be empty.
    pub(crate) help: String,
}

/// A parameter of a shortcut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parameter {
    /// The variable on the board.
    pub(crate) name: String,
    /// Its value when none is given; without a default, a value is required.
    pub(crate) default: Option<String>,
}

/// A place in a configuration file that was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remark {
    /// The file.
    pub(crate) file: PathBuf,
    /// Line in it, from 1.
    pub(crate) line: usize,
    /// The reason.
    pub(crate) reason: String,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Remark { file, line, reason } = self;
        write!(f, "{}, line {line}: {reason}", file.display())
    }
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// A file exists but cannot be read.
    #[error("could not read `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// `config.toml` is not valid.
    #[error("{0}")]
    Invalid(Remark),
}

impl Config {
    /// Reads the configuration files that the rules allow.
    pub(crate) fn load(compatibility: &Compatibility) -> Result<Config, ConfigError> {
        let mut config = Config::default();
        if let Some(path) = places::config_py()
            && let Some(text) = read(&path)?
        {
            python::read(&path, &text, &mut config);
        }
        if compatibility.config_toml
            && let Some(path) = config_toml()
            && let Some(text) = read(&path)?
        {
            toml::read(&path, &text, &mut config).map_err(ConfigError::Invalid)?;
        }
        Ok(config)
    }

    /// Returns the configuration of one `config.py`.
    #[cfg(test)]
    pub(crate) fn from_python(text: &str) -> Config {
        let mut config = Config::default();
        python::read(Path::new("config.py"), text, &mut config);
        config
    }

    /// Returns the shortcut called `name`.
    pub(crate) fn shortcut(&self, name: &str) -> Option<&UserShortcut> {
        self.shortcuts.iter().find(|shortcut| shortcut.name == name)
    }

    /// Adds a shortcut; it replaces one of the same name.
    fn put(&mut self, shortcut: UserShortcut) {
        match self
            .shortcuts
            .iter_mut()
            .find(|old| old.name == shortcut.name)
        {
            Some(old) => *old = shortcut,
            None => self.shortcuts.push(shortcut),
        }
    }
}

impl UserShortcut {
    /// Returns a shortcut by its name with parameters, `double x=4`; `None` if there is no name.
    fn new(
        signature: &str,
        words: Result<Vec<String>, Remark>,
        help: &str,
    ) -> Option<UserShortcut> {
        let mut parts = signature.split_whitespace();
        Some(UserShortcut {
            name: parts.next()?.to_owned(),
            parameters: parts.map(Parameter::new).collect(),
            words,
            help: help.to_owned(),
        })
    }

    /// Returns name and parameters as they were written.
    pub(crate) fn signature(&self) -> String {
        let parameters = self.parameters.iter().map(ToString::to_string);
        std::iter::once(self.name.clone())
            .chain(parameters)
            .collect::<Vec<String>>()
            .join(" ")
    }
}

impl Parameter {
    fn new(text: &str) -> Parameter {
        match text.split_once('=') {
            Some((name, default)) => Parameter {
                name: name.to_owned(),
                default: Some(default.to_owned()),
            },
            None => Parameter {
                name: text.to_owned(),
                default: None,
            },
        }
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.default {
            Some(default) => write!(f, "={default}"),
            None => Ok(()),
        }
    }
}

/// Returns the words of a command that is written as one string: in mpremote, quotes have no effect here.
fn split(command: &str) -> Vec<String> {
    command.split_whitespace().map(ToOwned::to_owned).collect()
}

/// Returns which line of `text` the byte at `at` is on, from 1.
fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

/// Returns the text of a file; `None` if it is not there.
fn read(path: &Path) -> Result<Option<String>, ConfigError> {
    read_config(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })
}
