//! Tracebacks with the path of the source and its lines.

use piton_board::exception::BoardException;

use super::input;

/// The start of a frame of a program that was sent to the REPL.
const FRAME: &str = "  File \"<stdin>\", line ";

/// Returns the traceback of a program that was sent to the REPL in the form of CPython: with `name` for `<stdin>`, and
/// each frame's line of `source` below it. Frames of other files are not changed, and neither are those of functions
/// that the source does not have, which an earlier program has left in the board's memory.
pub fn located(exception: &BoardException, name: &str, source: &[u8]) -> Vec<u8> {
    let mut located = Vec::with_capacity(exception.traceback.len() * 2);
    for line in exception.traceback.split_inclusive(|byte| *byte == b'\n') {
        match Frame::parse(line) {
            Some(frame) if frame.scope == Some(input::FUNCTION) => {}
            Some(frame) if frame.is_of(source) => frame.write(name, source, &mut located),
            _ => located.extend_from_slice(line),
        }
    }
    located
}

/// A line of a traceback.
struct Frame<'a> {
    number: usize,
    scope: Option<&'a str>,
    /// The text after the number.
    rest: &'a str,
    /// The line's end.
    end: &'a str,
}

impl<'a> Frame<'a> {
    fn parse(line: &'a [u8]) -> Option<Frame<'a>> {
        let line = std::str::from_utf8(line).ok()?;
        let place = line.strip_prefix(FRAME)?;
        let text = place.trim_end_matches(['\r', '\n']);
        let end = place.get(text.len()..)?;
        let digits = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (number, rest) = text.split_at(digits);
        Some(Frame {
            number: number.parse().ok()?,
            scope: rest.strip_prefix(", in "),
            rest,
            end,
        })
    }

    /// Returns whether the source has such a function.
    fn is_of(&self, source: &[u8]) -> bool {
        match self.scope {
            None => true,
            Some(scope) if scope.starts_with('<') => true,
            Some(scope) => {
                let source = String::from_utf8_lossy(source);
                let mut words = source.split(|c: char| !(c.is_alphanumeric() || c == '_'));
                // A class body is a scope as well.
                words.any(|word| word == scope)
            }
        }
    }

    fn write(&self, name: &str, source: &[u8], out: &mut Vec<u8>) {
        let Frame {
            number, rest, end, ..
        } = self;
        out.extend_from_slice(format!("  File \"{name}\", line {number}{rest}{end}").as_bytes());
        let line = super::guard::lines(source).nth(number.wrapping_sub(1));
        if let Some(line) = line.map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()) {
            out.extend_from_slice(b"    ");
            out.extend_from_slice(line);
            out.extend_from_slice(end.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(traceback: &str, source: &str) -> String {
        let exception = BoardException::parse(traceback.as_bytes());
        String::from_utf8(located(&exception, "dir/err.py", source.as_bytes())).unwrap()
    }

    #[test]
    fn frames_of_the_program_have_its_path_and_lines() {
        let traceback = "Traceback (most recent call last):\r\n  File \"<stdin>\", line 4, in <module>\r\n  \
                         File \"lib.py\", line 9, in call\r\n  File \"<stdin>\", line 2, in inner\r\n\
                         ValueError: File \"<stdin>\", line 1\r\n";
        let source = "def inner():\r\n\tboom()\r\n\r\n inner()  # here\r\n";
        assert_eq!(
            shown(traceback, source),
            "Traceback (most recent call last):\r\n  File \"dir/err.py\", line 4, in <module>\r\n    inner()  # \
             here\r\n  File \"lib.py\", line 9, in call\r\n  File \"dir/err.py\", line 2, in inner\r\n    \
             boom()\r\nValueError: File \"<stdin>\", line 1\r\n"
        );
    }

    #[test]
    fn a_syntax_error_has_a_line_and_no_scope() {
        let traceback = "Traceback (most recent call last):\r\n  File \"<stdin>\", line 1\r\nSyntaxError: invalid syntax\r\n";
        assert!(
            shown(traceback, "print 1")
                .contains("\"dir/err.py\", line 1\r\n    print 1\r\nSyntaxError")
        );
        // The end of the file, where a bracket was not closed.
        assert!(shown(traceback, "").contains("\"dir/err.py\", line 1\r\nSyntaxError"));
    }

    #[test]
    fn frames_of_earlier_programs_and_of_ours_are_not_the_programs() {
        let earlier = "  File \"<stdin>\", line 1, in before\r\nValueError: \r\n";
        assert_eq!(shown(earlier, "x = 1"), earlier);
        let ours = "  File \"<stdin>\", line 1, in _piton_input\r\nEOFError: \r\n";
        assert_eq!(shown(ours, "x = input()"), "EOFError: \r\n");
    }
}
