//! Exceptions that code of a session raised on the board, with their frames as places on the host.

use std::fmt;

use piton_board::exception::{BoardException, Frame};

use super::source::Source;

/// What MicroPython calls code that came through `exec` and `eval`.
const EXECUTED: &str = "<string>";

/// What MicroPython calls code that came through the REPL: in a session that is the session's own.
const FROM_REPL: &str = "<stdin>";

/// How the names of the session's own functions begin.
const OWN: &str = "_piton";

/// An exception that ended a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raised {
    /// The exception as the board printed it.
    pub exception: BoardException,
    /// Where it happened, outermost call first. The session's own frames are left out.
    pub frames: Vec<HostFrame>,
}

/// A line of a traceback, as a place on the host where it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFrame {
    /// The file on the host, or the file on the board for code that the host did not send.
    pub file: String,
    /// Line number in that file, from 1.
    pub line: u32,
    /// The function's name, or `<module>`; a syntax error has none.
    pub scope: Option<String>,
    /// The text of the line, where the host has it.
    pub source_line: Option<String>,
}

/// The code that a traceback may name.
pub(super) struct Code<'s> {
    /// What the call executes or evaluates itself; `None` when that is an expression of the session's own.
    pub(super) current: Option<&'s Source>,
    /// The code that the call calls first.
    pub(super) called: Option<&'s Source>,
    /// What was declared before, oldest first.
    pub(super) declared: &'s [Source],
}

impl Raised {
    /// Reads the text of a traceback.
    pub(super) fn read(traceback: &str, code: &Code<'_>) -> Raised {
        let exception = BoardException::parse(traceback.as_bytes());
        let mut enclosing = code.current.or(code.called);
        let mut frames = Vec::with_capacity(exception.frames.len());
        for frame in &exception.frames {
            if is_session_frame(frame, code) {
                continue;
            }
            let source = code.find(frame, enclosing);
            enclosing = source.or(enclosing);
            frames.push(HostFrame::new(frame, source));
        }
        Raised { exception, frames }
    }

    /// The traceback as CPython prints it, with places on the host.
    pub fn traceback(&self) -> String {
        let mut text = String::new();
        if !self.frames.is_empty() {
            text.push_str("Traceback (most recent call last):\n");
        }
        for frame in &self.frames {
            text.push_str(&format!("  File \"{}\", line {}", frame.file, frame.line));
            if let Some(scope) = &frame.scope {
                text.push_str(&format!(", in {scope}"));
            }
            text.push('\n');
            let line = frame.source_line.as_deref().map(str::trim);
            if let Some(line) = line.filter(|line| !line.is_empty()) {
                text.push_str(&format!("    {line}\n"));
            }
        }
        text.push_str(&self.exception.type_name);
        if !self.exception.message.is_empty() {
            text.push_str(": ");
            text.push_str(&self.exception.message);
        }
        text.push('\n');
        text
    }
}

impl fmt::Display for Raised {
    /// `ValueError: too big, blink.py line 3 in check`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.frames.last().map(|frame| Frame {
            file: frame.file.clone(),
            line: frame.line,
            scope: frame.scope.clone(),
        });
        // The exception writes its own text, with the place on the host for that on the board.
        BoardException {
            frames: place.into_iter().collect(),
            ..self.exception.clone()
        }
        .fmt(f)
    }
}

impl std::error::Error for Raised {}

fn is_session_frame(frame: &Frame, code: &Code<'_>) -> bool {
    let scope = frame.scope.as_deref();
    let is_module = scope == Some("<module>");
    if scope.is_some_and(|scope| scope.starts_with(OWN)) {
        return true;
    }
    match frame.file.as_str() {
        FROM_REPL => is_module,
        // The expression of a call, such as `f(1, 2)`.
        EXECUTED => is_module && code.current.is_none(),
        _ => false,
    }
}

impl<'s> Code<'s> {
    /// The source that a frame is a line of. It is found by the name of its function; where several sources have the name and the
    /// line, the one that calls comes first, then the newest.
    fn find(&self, frame: &Frame, enclosing: Option<&'s Source>) -> Option<&'s Source> {
        if frame.file != EXECUTED {
            return None;
        }
        let newest_first = || enclosing.into_iter().chain(self.declared.iter().rev());
        match frame.scope.as_deref() {
            // A syntax error: it may be after the last line, where a bracket is open.
            None => self.current,
            Some("<module>") => self.current.filter(|source| source.has_line(frame.line)),
            // Lambdas and comprehensions have no names of their own: they are most often where they are called.
            Some(scope) if scope.starts_with('<') => {
                enclosing.filter(|source| source.has_line(frame.line))
            }
            Some(scope) => newest_first().find(|source| source.has_function_at(scope, frame.line)),
        }
    }
}

impl HostFrame {
    fn new(frame: &Frame, source: Option<&Source>) -> HostFrame {
        HostFrame {
            file: source
                .and_then(Source::file)
                .unwrap_or(&frame.file)
                .to_owned(),
            line: source.map_or(frame.line, |source| source.host_line(frame.line)),
            scope: frame.scope.clone(),
            source_line: source
                .and_then(|source| source.line(frame.line))
                .map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_has_its_place_on_the_host() {
        let declared = [
            Source::in_file("def outer(x):\n    return inner(x)\n", "a.py", 5),
            Source::in_file("def inner(x):\n\n    return 1 / x\n", "b.py", 20),
        ];
        let code = Code {
            current: None,
            called: None,
            declared: &declared,
        };
        let traceback = "Traceback (most recent call last):\n  File \"<string>\", line 20, in _piton_run\n  File \
                         \"<string>\", line 1, in <module>\n  File \"<string>\", line 2, in outer\n  File \"lib.py\", \
                         line 3, in call\n  File \"<string>\", line 3, in inner\nZeroDivisionError: divide by zero\n";
        let raised = Raised::read(traceback, &code);
        assert_eq!(
            raised.traceback(),
            "Traceback (most recent call last):\n  File \"a.py\", line 6, in outer\n    return inner(x)\n  File \
             \"lib.py\", line 3, in call\n  File \"b.py\", line 22, in inner\n    return 1 / x\nZeroDivisionError: \
             divide by zero\n"
        );
        assert_eq!(
            raised.to_string(),
            "ZeroDivisionError: divide by zero, b.py line 22 in inner"
        );
    }

    #[test]
    fn code_that_is_executed_has_its_own_lines() {
        let current = Source::in_file("x = 1\ny = x / 0\n", "setup.py", 8);
        let code = Code {
            current: Some(&current),
            called: None,
            declared: &[],
        };
        let traceback = "Traceback (most recent call last):\n  File \"<string>\", line 20, in _piton_run\n  File \
                         \"<string>\", line 2, in <module>\nZeroDivisionError: divide by zero\n";
        let frames = Raised::read(traceback, &code).frames;
        assert_eq!(frames.len(), 1);
        assert_eq!((frames[0].file.as_str(), frames[0].line), ("setup.py", 9));
    }
}
