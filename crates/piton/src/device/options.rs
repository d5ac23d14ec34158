//! How a session is opened, and how a call is made.

use std::time::Duration;

use piton_board::deadline::Deadline;
use piton_board::reopen::BoardIdentity;
use piton_board::selector::BoardSelector;

use super::arguments::Arguments;
use crate::board::{Board, ConnectOptions};
use crate::error::Error;

/// Opens the connection of a session, and opens it again when it was lost.
pub type Connector = Box<dyn FnMut() -> Result<Board, Error> + Send>;

/// Returns a connector to the board that `selector` names at first, and to the same board later: the port may have another name
/// then, and `auto` could name another board.
pub(super) fn reconnecting(selector: BoardSelector, connection: ConnectOptions) -> Connector {
    let mut identity: Option<BoardIdentity> = None;
    Box::new(move || {
        let known = identity.as_ref().map(BoardIdentity::find).transpose()?;
        let board = Board::connect(known.as_ref().unwrap_or(&selector), &connection)?;
        if identity.is_none() {
            identity = BoardIdentity::of(&selector, board.device_name());
        }
        Ok(board)
    })
}

/// Hears what the code on the board prints, as it comes.
pub type OutputSink = Box<dyn FnMut(&[u8]) + Send>;

/// How a session behaves. `DeviceOptions::default()` will do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeviceOptions {
    /// Whether the board keeps its variables when the session begins or connects again; otherwise it starts afresh (10 s at most).
    /// Over a WebREPL it always does: a soft reset ends the connection.
    pub keep_state: bool,
    /// How often a session whose connection was lost tries to connect before a call fails, with a second between two
    /// tries. 0: never.
    pub reconnect_attempts: u32,
    /// Whether the imports of [`startup_code`](super::startup_code) are executed before the first call, and declared.
    pub usual_imports: bool,
    /// How long the board may take to come to its prompt.
    pub step_time: Duration,
    /// How long each declared part may take when the state of a reset board is restored.
    pub restore_time: Duration,
}

impl Default for DeviceOptions {
    fn default() -> DeviceOptions {
        DeviceOptions {
            keep_state: false,
            reconnect_attempts: 10,
            usual_imports: false,
            step_time: Duration::from_secs(10),
            restore_time: Duration::from_secs(30),
        }
    }
}

/// How code is executed. `ExecOptions::default()` declares it as state, without globals and without a deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExecOptions {
    /// Whether the code is executed again when the board was reset.
    pub declare: bool,
    /// A Python dict, as code: names and values that become globals before. Empty for none.
    pub globals: Arguments,
    /// How the call is made.
    pub call: CallOptions,
}

impl Default for ExecOptions {
    fn default() -> ExecOptions {
        ExecOptions {
            declare: true,
            globals: Arguments::new(),
            call: CallOptions::default(),
        }
    }
}

/// How one call is made. `CallOptions::default()` has no deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallOptions {
    /// How long the call may take before the code on the board is stopped.
    pub time_limit: Option<Duration>,
}

impl CallOptions {
    /// The options of a call that may take so long.
    pub fn within(time_limit: Duration) -> CallOptions {
        CallOptions {
            time_limit: Some(time_limit),
        }
    }

    /// The limit of a caller is exact: the factor of timeouts is for the default ones.
    pub(super) fn deadline(&self) -> Deadline {
        self.time_limit
            .map_or(Deadline::NEVER, |limit| Deadline::NEVER.slice(limit))
    }
}
