//! The programs that a session sends.

use piton_board::literal::py_str;

use super::Prepared;
use crate::device::frame::{Framing, Sums, crc32};
use crate::device::source::Source;

/// device/session.py, as `cargo xtask codegen` minifies it.
const PROGRAM: &str = include_str!("../../../device/minified/session.py");

/// device/session_small.py, likewise.
const SMALL_PROGRAM: &str = include_str!("../../../device/minified/session_small.py");

/// device/serve.py, likewise.
pub(super) const SERVER: &str = include_str!("../../../device/minified/serve.py");

/// Imports bytecode from a file system of one file, and returns its function `_piton`. Nothing of it stays: neither the module nor
/// the file system. The class is mounted itself, an object of it is not needed.
const LOADER: &str = "def _piton_load(s,c):\n import io,os,sys\n from binascii import crc32\n if crc32(s)!=c:raise ValueError\n class V:\n  \
    mount=umount=lambda*a:0\n  stat=lambda p:{'/x.mpy':[0]*10}[p]\n  open=lambda*a:io.BytesIO(s)\n os.mount(V,'/_p')\n \
    try:x=__import__('/_p/x')\n finally:os.umount('/_p')\n del sys.modules['/_p/x']\n return x._piton\n";

/// Raises a NameError on a board that was reset: what was declared has to be restored first.
const REQUIRE: &str = "_piton_call\n";

/// The program of a call.
pub(super) fn program(framing: &Framing, number: u32, call: &Prepared<'_>) -> String {
    let code = call.source.map(Source::text).unwrap_or_default();
    let sum = framing.check(number, &[call.text.as_bytes(), code.as_bytes()]);
    let expression = py_str(&call.text);
    match call.source {
        None => format!("_piton_call({number},{sum},{expression})"),
        Some(_) => format!("_piton_call({number},{sum},{expression},{})", py_str(code)),
    }
}

/// The program that puts the session's program on the board, if it arrives undamaged.
pub(super) fn installer(framing: &Framing) -> String {
    let call = format!("_piton_call=_piton_call({})", py_str(framing.mark()));
    if framing.sums() == Sums::Two {
        // Firmware without raw-paste gets it in pieces, which are checked.
        return format!("{SMALL_PROGRAM}{call}");
    }
    executed("_piton_call", &format!("{PROGRAM}{call}"))
}

/// The program that puts device/serve.py in its place: as bytecode, if there is some.
pub(super) fn server(framing: &Framing, bytecode: Option<&[u8]>) -> Vec<u8> {
    let call = format!("(globals(),{})", py_str(framing.mark()));
    let Some(bytecode) = bytecode else {
        let text = format!("{SERVER}_piton{call}\ndel _piton");
        return format!("{REQUIRE}{}", executed("_piton", &text)).into_bytes();
    };
    let mut program = [REQUIRE, LOADER].concat().into_bytes();
    program.extend(b"try:_piton_load(b'");
    push_bytes(&mut program, bytecode);
    let sum = crc32(0, &[bytecode]);
    program.extend(format!("',{sum}){call}\nfinally:del _piton_load").into_bytes());
    program
}

/// Returns whether the board inflates, where that program said so at its end.
pub(super) fn acknowledged(framing: &Framing, output: &[u8]) -> Option<bool> {
    [(b"+True".as_slice(), true), (b"+False", false)]
        .into_iter()
        .find(|(end, _)| {
            let acknowledgement = [framing.mark().as_bytes(), end].concat();
            let mut windows = output.windows(acknowledgement.len());
            windows.any(|window| window == acknowledgement)
        })
        .map(|(_, inflates)| inflates)
}

/// A program that executes `text` if that arrives undamaged. Until then it stands under a name that it defines itself.
fn executed(name: &str, text: &str) -> String {
    let sum = crc32(0, &[text.as_bytes()]);
    format!(
        "{name}=r\"\"\"{text}\"\"\"\nif __import__(\"binascii\").crc32({name})=={sum}:exec({name})"
    )
}

/// Adds the content of a bytes literal in single quotes: as it is, but for what the lexer or the REPL takes for something else.
fn push_bytes(program: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        match *byte {
            b'\n' => program.extend(b"\\n"),
            b'\r' => program.extend(b"\\r"),
            b'\\' | b'\'' => program.extend([b'\\', *byte]),
            byte @ 0..=5 => program.extend(format!("\\x{byte:02x}").into_bytes()),
            byte => program.push(byte),
        }
    }
}
