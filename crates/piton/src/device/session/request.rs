//! What a session is asked for, and what it keeps for its caller.

use std::sync::{Arc, Mutex};

use crate::device::payload::Payload;
use crate::device::source::Source;

/// What one call asks of the board.
#[derive(Clone, Copy)]
pub(in crate::device) struct Request<'r> {
    /// An expression, evaluated first. Its value is the answer.
    pub(in crate::device) expression: &'r str,
    /// What `_d` holds while it is evaluated.
    pub(in crate::device) data: &'r [Vec<u8>],
    /// Whether the session made it: then it may use the names of device/serve.py.
    pub(in crate::device) is_own: bool,
    /// Code that is executed after it.
    pub(in crate::device) source: Option<&'r Source>,
    /// Where the frames of an exception may be, when the expression is the session's own.
    pub(in crate::device) called: Option<&'r Source>,
    /// The code of `expression`, when a user wrote it.
    pub(in crate::device) written: Option<&'r Source>,
}

impl<'r> Request<'r> {
    /// Evaluates an expression that the session has made.
    pub(in crate::device) fn evaluate(expression: &'r str) -> Request<'r> {
        Request {
            expression,
            data: &[],
            is_own: true,
            source: None,
            called: None,
            written: None,
        }
    }

    /// Evaluates an expression of a user. One with an object that the session keeps is in part the session's own.
    pub(in crate::device) fn of_user(expression: &'r str) -> Request<'r> {
        Request {
            is_own: expression.contains("_o["),
            ..Request::evaluate(expression)
        }
    }
}

impl Request<'_> {
    /// Whether an object that the board keeps by its number is a part of it. After a reset the number says nothing.
    pub(super) fn needs_object(&self) -> bool {
        let mut places = self.expression.split("_o[").skip(1);
        let by_number = places.any(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
        // What gets the number as an argument: items that are made ahead, and streams.
        let call = self.expression.trim_start_matches('(');
        by_number
            || ["_a(", "_piton_stream("]
                .iter()
                .any(|name| call.starts_with(name))
    }
}

/// A call in the form in which it crosses the line.
#[derive(Debug)]
pub(super) struct Prepared<'r> {
    pub(super) text: String,
    pub(super) source: Option<&'r Source>,
    pub(super) payload: Option<Payload>,
}

/// A part of the state of the board's interpreter that the session restores after a reset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::device) struct Declared {
    pub(in crate::device) expression: String,
    /// What `_d` holds while it is evaluated.
    pub(in crate::device) data: Vec<Vec<u8>>,
    /// Whether the session made the expression.
    pub(in crate::device) is_own: bool,
    pub(in crate::device) source: Option<Source>,
}

impl Declared {
    /// Code that is executed after `expression` was evaluated.
    pub(in crate::device) fn code(expression: &str, source: Source) -> Declared {
        Declared {
            expression: expression.to_owned(),
            data: Vec::new(),
            is_own: false,
            source: Some(source),
        }
    }

    /// An expression that is evaluated.
    pub(in crate::device) fn expression(expression: &str, is_own: bool) -> Declared {
        Declared {
            expression: expression.to_owned(),
            data: Vec::new(),
            is_own,
            source: None,
        }
    }

    pub(in crate::device) fn request(&self) -> Request<'_> {
        Request {
            data: &self.data,
            is_own: self.is_own,
            source: self.source.as_ref(),
            ..Request::evaluate(&self.expression)
        }
    }
}

/// An object that the board keeps for the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::device) struct Handle {
    pub(in crate::device) number: u32,
    /// [`Session::epoch`] when the board began to keep it.
    pub(in crate::device) epoch: u64,
    /// Whether the board closes the object before it lets go of it.
    pub(in crate::device) closes: bool,
}

/// The expression that closes a generator, or another iterator, and lets go of it. The board may have done that before.
pub(in crate::device) fn closing(handle: Handle) -> String {
    format!("getattr(_o.pop({},0),'close',int)()", handle.number)
}

/// Objects on the board that the host has let go of. Apart from the session, which may be busy when the host does.
pub(in crate::device) type Released = Arc<Mutex<Vec<Handle>>>;
