//! The programs that a session sends.

use piton_board::literal::py_str;

use super::Request;
use crate::device::frame::{Framing, Sums, crc32};
use crate::device::source::Source;

/// device/session.py, as `cargo xtask codegen` minifies it.
const PROGRAM: &str = include_str!("../../../device/minified/session.py");

/// device/session_small.py, likewise.
const SMALL_PROGRAM: &str = include_str!("../../../device/minified/session_small.py");

/// The program of a call.
pub(super) fn program(framing: &Framing, number: u32, request: Request<'_>) -> String {
    let code = request.source.map(Source::text).unwrap_or_default();
    let sum = framing.check(number, &[request.expression.as_bytes(), code.as_bytes()]);
    let expression = py_str(request.expression);
    match request.source {
        None => format!("_piton_call({number},{sum},{expression})"),
        Some(_) => format!("_piton_call({number},{sum},{expression},{})", py_str(code)),
    }
}

/// The program that puts the session's program on the board, if it arrives undamaged.
pub(super) fn installer(framing: &Framing) -> String {
    let call = format!("_piton_call({})", py_str(framing.mark()));
    if framing.sums() == Sums::Two {
        // Firmware without raw-paste gets it in pieces, which are checked.
        return format!("{SMALL_PROGRAM}_piton_call={call}");
    }
    let call = format!("_piton_call,_piton_loop={call}");
    let text = format!("{PROGRAM}{call}");
    let sum = crc32(0, &[text.as_bytes()]);
    format!(
        "_piton_call=r\"\"\"{text}\"\"\"\nif __import__(\"binascii\").crc32(_piton_call)=={sum}:exec(_piton_call)"
    )
}
