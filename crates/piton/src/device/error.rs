//! Why a call on a device failed.

use piton_board::error::Error as BoardError;
use piton_board::literal::LiteralError;

use super::raised::Raised;
use crate::error::Error;

/// Why an operation of a [`Device`](super::Device) failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The code on the board raised an exception.
    #[error("{0}")]
    Raised(#[source] Box<Raised>),
    /// The session was closed by [`Device::close`](super::Device::close).
    #[error("the device is closed")]
    Closed,
    /// The connection to the board is gone. The call may have been carried out.
    #[error("lost the connection to the board: {0}")]
    Lost(#[source] Box<Error>),
    /// The board was reset during the call: its variables are gone. The next call restores what was declared.
    #[error("the board was reset during the call")]
    BoardReset,
    /// The session needs a connection, and none could be made.
    #[error("no connection to the board: {0}")]
    NotConnected(#[source] Box<Error>),
    /// The deadline of the call passed. The code on the board was stopped.
    #[error("the call did not end within its deadline")]
    Timeout,
    /// The caller raised the cancel flag. The code on the board was stopped.
    #[error("interrupted")]
    Interrupted,
    /// The board answered in a way that no retry mends.
    #[error("the line damages what it carries: {0}")]
    Damaged(&'static str),
    /// The value on the board has no form as a literal.
    #[error("the value on the board can't be read: {source}")]
    Value {
        /// What the board's `repr()` gave.
        text: String,
        /// Why it can't be read.
        source: LiteralError,
    },
    /// An argument has no form as a literal.
    #[error("an argument can't be sent: {0}")]
    Argument(#[source] LiteralError),
    /// The board cannot do what was asked for.
    #[error("the board has no {feature}")]
    Unavailable {
        /// What it lacks.
        feature: &'static str,
    },
    /// The source does not define the function that it is declared for.
    #[error("the source does not define the function `{name}`")]
    NoSuchFunction {
        /// The function's name.
        name: String,
    },
    /// The name belongs to the session.
    #[error("the name `{name}` is reserved")]
    ReservedName {
        /// The name.
        name: String,
    },
    /// The object was on the board when it was reset.
    #[error("the object is gone: the board was reset")]
    ObjectLost,
    /// The generator on the board has run ahead of the iteration, which [`Generator::ahead`](super::Generator::ahead) allows: it does not
    /// wait at the `yield` that the value is for.
    #[error("a value can't be sent to a generator that has run ahead")]
    RanAhead,
    /// The time was asked for before it was synchronized.
    #[error("the time of the board is not synchronized")]
    NotSynchronized,
}

impl DeviceError {
    /// The exception that the code on the board raised.
    pub fn raised(&self) -> Option<&Raised> {
        match self {
            DeviceError::Raised(raised) => Some(raised),
            _ => None,
        }
    }

    /// Returns the error of the connection below, where that is the cause.
    pub fn connection(&self) -> Option<&Error> {
        match self {
            DeviceError::Lost(error) | DeviceError::NotConnected(error) => Some(error),
            _ => None,
        }
    }

    pub(super) fn lost(error: BoardError) -> DeviceError {
        DeviceError::Lost(Box::new(Error::Board(error)))
    }
}
