//! Copying folders to the board of a session.

use std::ops::ControlFlow::Continue;
use std::path::Path;

use piton::Board;
use piton::deadline::Deadline;
use piton::device::DeviceError;
use piton::error::BoardError;
use piton::facts::board_facts;
use piton::fs::remote::RemoteFs;
use piton::path::BoardPath;
use piton::repl::Entry;
use piton::sync::{self, Keep, Options, SyncEvent, belay_options};
use piton::times::{ENTRY_TIME, FACTS_TIME};
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::failure::{exception, message_with_causes, of_package};

/// What a folder is copied with.
pub(crate) struct Sync {
    pub(crate) target: BoardPath,
    pub(crate) options: Options,
    /// Whether Python sources are compiled for this board.
    pub(crate) compile: bool,
}

impl Sync {
    /// Reads what a script gives. `keep` has paths of the board or of the folder; `Keep::Usual` and `ignore` of `None` are Belay's own
    /// rules.
    ///
    /// # Errors
    ///
    /// `ValueError` for a path that no board takes, or a form of files that is not known.
    pub(crate) fn new(
        target: &str,
        keep: Keep<'_>,
        ignore: Option<&[String]>,
        form: &str,
    ) -> PyResult<Sync> {
        let target: BoardPath = target
            .parse()
            .map_err(|error| PyValueError::new_err(format!("{error}")))?;
        let mut options = belay_options(&target, keep, ignore);
        let compile = match form {
            "as-is" => false,
            "minified" => {
                options.make.minify = true;
                false
            }
            "mpy" => true,
            other => return Err(PyValueError::new_err(format!("unknown form `{other}`"))),
        };
        Ok(Sync {
            target,
            options,
            compile,
        })
    }

    /// Makes the board's folder equal to `source`. `report` hears how many files there are, then each that is done.
    pub(crate) fn run(
        mut self,
        board: &mut Board,
        source: &Path,
        report: &mut dyn FnMut(Progress),
    ) -> Result<(), Failure> {
        let mut raw = board.raw_repl(Entry::KeepState, Deadline::after(ENTRY_TIME))?;
        if self.compile {
            let facts = board_facts(&mut raw, Deadline::after(FACTS_TIME));
            let facts = facts.map_err(piton::Error::from)?;
            self.options.make.compile = Some(sync::compiler_options(&facts)?);
        }
        let mut remote = RemoteFs::new(&mut raw);
        let push = sync::push(&mut remote, source, &self.target, &self.options)?;
        report(Progress::Total(push.plan().steps.len()));
        push.apply(&mut remote, &mut |event| {
            if let SyncEvent::Done { .. } = event {
                report(Progress::Done);
            }
            Continue(())
        })?;
        Ok(())
    }
}

/// How far a copy is.
pub(crate) enum Progress {
    /// Changes in all.
    Total(usize),
    /// One change is done.
    Done,
}

impl Progress {
    /// Calls `progress_update` of a script: with `total` and `description`, or `advance`.
    ///
    /// # Errors
    ///
    /// What the script's function raises.
    pub(crate) fn report(&self, py: Python<'_>, update: &Py<PyAny>) -> PyResult<()> {
        let arguments = PyDict::new(py);
        match self {
            Progress::Total(count) => {
                arguments.set_item("description", "Syncing...")?;
                arguments.set_item("total", count)?;
            }
            Progress::Done => arguments.set_item("advance", 1)?,
        }
        update.call(py, (), Some(&arguments)).map(drop)
    }
}

/// Why a folder was not copied.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Piton(#[from] piton::Error),
}

impl From<sync::Error> for Failure {
    fn from(error: sync::Error) -> Failure {
        Failure::Piton(error.into())
    }
}

impl Failure {
    /// Returns the exception that a script catches.
    pub(crate) fn exception(self, py: Python<'_>) -> PyErr {
        let error = match self {
            Failure::Device(error) => return exception(py, error),
            Failure::Piton(error) => error,
        };
        let message = message_with_causes(&error);
        match (error.board(), &error) {
            (Some(error), _) => of_board(py, error),
            (None, piton::Error::Sync(sync::Error::Read { source, .. })) => {
                PyOSError::new_err((source.raw_os_error(), message))
            }
            (None, piton::Error::Sync(_)) => PyOSError::new_err(message),
            (None, _) => of_package(py, "PyboardError", &message),
        }
    }
}

fn of_board(py: Python<'_>, error: &BoardError) -> PyErr {
    let name = match error {
        BoardError::Disconnected { .. } => "ConnectionLost",
        _ => "PyboardError",
    };
    of_package(py, name, &message_with_causes(error))
}
