//! Finding the end of a program's output: a pure scanner over the answer of the raw REPL.
//!
//! pyexec.c ends the output with 0x04, then prints the exception's text if there is one, then 0x04, and the raw REPL
//! prompts with `>`. A `SystemExit` prints no text and no prompt: the port announces its soft reset instead. The output
//! is not escaped, so only the bytes that follow distinguish a 0x04 in the output from its end.

use super::protocol::SOFT_REBOOT;

/// Maximum length of an exception's text. A longer text after a 0x04 is output.
const LONGEST_EXCEPTION: usize = 64 * 1024;

/// Maximum length of the first line of an exception's text.
const LONGEST_HEADING: usize = 1024;

/// The start of MicroPython's traceback: py/obj.c, `mp_obj_print_exception`.
const TRACEBACK: &[u8] = b"Traceback (most recent call last):";

const END: u8 = super::protocol::CTRL_D;

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The board is at its prompt again.
    Prompt {
        /// The exception's text as sent, empty if there was none.
        exception: Vec<u8>,
    },
    /// The program ended by `SystemExit`: the board makes a soft reset.
    SoftReset,
}

/// Divides the stream of a running program into output and end.
#[derive(Clone, Debug, Default)]
pub(super) struct Scanner {
    /// Empty, or a 0x04 and the bytes after it, which are output or an end.
    held: Vec<u8>,
    /// Whether one 0x04 in the output is the late acknowledgement of the program, which is dropped.
    pub(super) awaits_acknowledgement: bool,
}

/// The meaning of the held bytes.
enum Verdict {
    /// More bytes are needed.
    Open,
    /// The first byte is output.
    Output,
    /// The end, with the number of held bytes that belong to it.
    End(End, usize),
}

impl Scanner {
    /// Passes on the output in `bytes`. At the end of the program it returns how the program ended, and how many of
    /// `bytes` were used. Otherwise it uses all of them.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        output: &mut dyn FnMut(&[u8]),
    ) -> Option<(End, usize)> {
        if self.held.is_empty() {
            let at = position(bytes).unwrap_or(bytes.len());
            let (before, rest) = bytes.split_at(at);
            emit(before, output);
            self.held.extend_from_slice(rest);
        } else {
            self.held.extend_from_slice(bytes);
        }
        while !self.held.is_empty() {
            match judge(&self.held) {
                Verdict::Open => break,
                Verdict::Output => {
                    let rest = self.held.get(1..).unwrap_or_default();
                    let count = 1 + position(rest).unwrap_or(rest.len());
                    let from = usize::from(std::mem::take(&mut self.awaits_acknowledgement));
                    emit(self.held.get(from..count).unwrap_or_default(), output);
                    self.held.drain(..count);
                }
                Verdict::End(end, count) => {
                    let unused = self.held.len() - count;
                    self.held.clear();
                    // The unused bytes came in this call, because the end was not complete before.
                    return Some((end, bytes.len().saturating_sub(unused)));
                }
            }
        }
        None
    }

    /// Returns whether the received bytes show an end without an exception, which may still be output.
    pub(super) fn is_at_empty_end(&self) -> bool {
        self.held == [END, END]
    }

    /// Returns the end that is held back as possible output, when the board is silent.
    ///
    /// Output that looks like the beginning of an exception's text contains the end in this case.
    pub(super) fn end_here(&mut self, output: &mut dyn FnMut(&[u8])) -> Option<End> {
        let body = self.held.strip_suffix(&[END, b'>'])?;
        let at = body.iter().rposition(|&byte| byte == END)?;
        let (before, exception) = body.split_at(at);
        emit(before, output);
        let exception = exception.get(1..).unwrap_or_default().to_vec();
        self.held.clear();
        Some(End::Prompt { exception })
    }

    /// Passes on the held bytes as output, when no more bytes can come.
    pub(super) fn flush(&mut self, output: &mut dyn FnMut(&[u8])) {
        emit(&self.held, output);
        self.held.clear();
    }
}

fn emit(bytes: &[u8], output: &mut dyn FnMut(&[u8])) {
    if !bytes.is_empty() {
        output(bytes);
    }
}

fn position(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|&byte| byte == END)
}

/// Classifies bytes that begin with a 0x04.
fn judge(held: &[u8]) -> Verdict {
    let text = held.get(1..).unwrap_or_default();
    match text {
        [] => Verdict::Open,
        [END] => Verdict::Open,
        [END, b'>', ..] => Verdict::End(
            End::Prompt {
                exception: Vec::new(),
            },
            3,
        ),
        [END, rest @ ..] => match announces_soft_reset(rest) {
            Some(true) => Verdict::End(End::SoftReset, 2),
            Some(false) => Verdict::Output,
            None => Verdict::Open,
        },
        _ => judge_exception(text),
    }
}

/// Classifies the bytes after a 0x04, if they do not begin with another one.
fn judge_exception(text: &[u8]) -> Verdict {
    if !could_be_exception(text) {
        return Verdict::Output;
    }
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(position).map(|at| from + at) {
        let ends_line = text.get(..at).is_some_and(|text| text.ends_with(b"\n"));
        match text.get(at + 1) {
            None if ends_line => return Verdict::Open,
            Some(b'>') if ends_line => {
                let exception = text.get(..at).unwrap_or_default().to_vec();
                return Verdict::End(End::Prompt { exception }, at + 3);
            }
            // A message may contain a 0x04 itself. Without the first line of a traceback all of this is more likely
            // output.
            _ if text.starts_with(TRACEBACK) => from = at + 1,
            _ => return Verdict::Output,
        }
    }
    if text.len() > LONGEST_EXCEPTION {
        return Verdict::Output;
    }
    Verdict::Open
}

/// Returns whether `text` can be the beginning of an exception's text.
///
/// The first line is the heading of a traceback, which CircuitPython translates, or without a traceback the exception
/// itself: `Name: message`.
fn could_be_exception(text: &[u8]) -> bool {
    let start = text
        .iter()
        .position(|byte| !matches!(byte, b'\r' | b'\n'))
        .unwrap_or(text.len());
    let text = text.get(start.min(2)..).unwrap_or_default();
    let end = text.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    let line = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
    if line.starts_with(TRACEBACK) || TRACEBACK.starts_with(line) {
        return true;
    }
    if line.len() > LONGEST_HEADING || line.iter().any(|&byte| byte < b' ' && byte != b'\t') {
        return false;
    }
    if !line.first().is_some_and(|&byte| is_name(byte)) {
        return false;
    }
    // A translated heading looks like the line of an exception until the line is complete.
    end.is_none() || line.ends_with(b":") || is_exception_line(line)
}

fn is_exception_line(line: &[u8]) -> bool {
    let name = line
        .iter()
        .position(|&byte| !is_name(byte) && byte != b'.')
        .unwrap_or(line.len());
    matches!(line.get(name..), Some([] | [b':', ..]))
}

/// Returns whether a byte belongs to a Python name; bytes from 0x80 on are parts of letters in UTF-8.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Returns whether `text` is the line that announces a soft reset; `None` if more bytes are needed.
fn announces_soft_reset(text: &[u8]) -> Option<bool> {
    let start = text
        .iter()
        .position(|byte| !matches!(byte, b'\r' | b'\n'))?;
    let line = text.get(start..).unwrap_or_default();
    // `MPY: `: up to four capital letters, a colon, a space.
    let name = line
        .iter()
        .take(4)
        .take_while(|byte| byte.is_ascii_uppercase())
        .count();
    let rest = line.get(name..).unwrap_or_default();
    let rest = if name == 0 {
        rest
    } else {
        match rest {
            [] | [b':'] => return None,
            [b':', b' ', rest @ ..] => rest,
            _ => return Some(false),
        }
    };
    if rest.len() < SOFT_REBOOT.len() {
        return if SOFT_REBOOT.starts_with(rest) {
            None
        } else {
            Some(false)
        };
    }
    Some(rest.starts_with(SOFT_REBOOT))
}

#[cfg(test)]
mod tests;
