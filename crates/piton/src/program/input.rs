//! The host's input for a program that calls `input()`.
//!
//! MicroPython's own `input()` edits a line on the board: it echoes characters that a terminal has echoed already,
//! accepts no letters outside ASCII, and loses bytes that arrive while it does not read, because a board has a buffer
//! of 64 to 256 bytes and no flow control. So a program that calls `input()` gets a replacement, which requests its
//! input: it prints a mark, the mark is removed from the output, and the host answers with one line of its input, in
//! parts that fit the smallest buffer. Nothing is sent, and nothing is read from the host's input, before the program
//! requests it.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};

use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_board::literal::{py_bytes, py_str};
use piton_board::repl::RawRepl;

/// The replacement of `input()` on the board.
const PROGRAM: &str = include_str!("../../device/minified/input.py");

/// The name of the function that replaces `input`. Its frames are not part of the program.
pub(super) const FUNCTION: &str = "_piton_input";

/// Maximum length of the literal for a part of a line. With its line end it fits a buffer of 64 bytes.
const PART: usize = 50;

/// The input of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A line, without its end.
    Text(Vec<u8>),
    /// The end of the input: `input()` raises `EOFError`.
    End,
}

/// Returns whether a program, as a source or a `.mpy` file, contains the word `input`.
pub fn reads_input(program: &[u8]) -> bool {
    const WORD: &[u8] = b"input";
    let is_part_of_a_word =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    (0..program.len()).any(|at| {
        let rest = program.get(at..).unwrap_or_default();
        // In a `.mpy` file a name has its length in front, which may look like a letter.
        rest.starts_with(WORD)
            && !is_part_of_a_word(rest.get(WORD.len()))
            && (at == 0 || !is_part_of_a_word(program.get(at - 1)))
    })
}

/// The connection between the replacement of `input()` on a board and the host's input.
#[derive(Debug)]
pub struct Input {
    mark: Vec<u8>,
    /// The end of the output that may be the beginning of a mark.
    held: Vec<u8>,
    /// Whether the program waits for a part of a line.
    is_asked: bool,
    /// The remaining parts of the current line, in the form of the wire.
    parts: VecDeque<Vec<u8>>,
}

impl Input {
    /// Defines the replacement on the board. Returns `None` if the board has no `sys.stdin` or too little
    /// memory.
    ///
    /// # Errors
    ///
    /// As for [`RawRepl::exec`], except exceptions.
    pub fn install(raw: &mut RawRepl<'_>, deadline: Deadline) -> Result<Option<Input>, BoardError> {
        // A terminal does not show such a sequence (application program command). The number is different in each run.
        let number = RandomState::new().hash_one(0);
        let mark = format!("\x1b_piton input {number:016x}\x1b\\");
        let source = format!("{PROGRAM}\n{FUNCTION}={FUNCTION}({})\n", py_str(&mark));
        match raw.run(source.as_bytes(), deadline) {
            Ok(_) => Ok(Some(Input {
                mark: mark.into_bytes(),
                held: Vec::new(),
                is_asked: false,
                parts: VecDeque::new(),
            })),
            Err(BoardError::Exception(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Restores the board's own `input()`. A board that has restarted has it already.
    ///
    /// # Errors
    ///
    /// As for [`RawRepl::exec`], except exceptions.
    pub fn remove(raw: &mut RawRepl<'_>, deadline: Deadline) -> Result<(), BoardError> {
        match raw.run(format!("{FUNCTION}()").as_bytes(), deadline) {
            Ok(_) | Err(BoardError::Exception(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Takes output of the program, and passes it on without the marks.
    pub fn take(&mut self, bytes: &[u8], output: &mut dyn FnMut(&[u8])) {
        self.held.extend_from_slice(bytes);
        while let Some(at) = position(&self.held, &self.mark) {
            pass_on(self.held.get(..at), output);
            self.held.drain(..at + self.mark.len());
            self.is_asked = true;
        }
        let kept = (1..self.mark.len())
            .rev()
            .find(|&count| {
                self.mark
                    .get(..count)
                    .is_some_and(|start| self.held.ends_with(start))
            })
            .unwrap_or(0);
        let passed = self.held.len() - kept;
        pass_on(self.held.get(..passed), output);
        self.held.drain(..passed);
    }

    /// Passes on the held bytes, at the end of the program.
    pub fn flush(&mut self, output: &mut dyn FnMut(&[u8])) {
        pass_on(Some(&self.held), output);
        self.held.clear();
    }

    /// Returns what to write to the program now. `next_line` is called when it waits for a line, and returns `None` as
    /// long as there is none.
    pub fn reply(&mut self, next_line: impl FnOnce() -> Option<Line>) -> Vec<u8> {
        if !self.is_asked {
            return Vec::new();
        }
        if self.parts.is_empty() {
            match next_line() {
                None => return Vec::new(),
                Some(Line::Text(line)) => self.parts = parts(&line),
                Some(Line::End) => self.parts.push_back(b"None\n".to_vec()),
            }
        }
        self.is_asked = false;
        self.parts.pop_front().unwrap_or_default()
    }
}

/// Returns a line in the form of the wire: literals, each on its own line.
fn parts(line: &[u8]) -> VecDeque<Vec<u8>> {
    let mut literals = Vec::new();
    let mut rest = line;
    loop {
        // Each byte has at most four characters in the literal.
        let mut count = rest.len().min(PART / 4);
        while count < rest.len()
            && rest
                .get(..=count)
                .is_some_and(|more| py_bytes(more).len() <= PART)
        {
            count += 1;
        }
        let (part, after) = rest.split_at(count);
        literals.push(py_bytes(part));
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    let last = literals.len() - 1;
    let out = literals.into_iter().enumerate().map(|(index, literal)| {
        let text = match index == last {
            true => format!("({literal},)\n"),
            false => format!("{literal}\n"),
        };
        text.into_bytes()
    });
    out.collect()
}

fn pass_on(bytes: Option<&[u8]>, output: &mut dyn FnMut(&[u8])) {
    if let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) {
        output(bytes);
    }
}

fn position(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    bytes.windows(mark.len()).position(|window| window == mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> Input {
        Input {
            mark: b"\x1b_mark\x1b\\".to_vec(),
            held: Vec::new(),
            is_asked: false,
            parts: VecDeque::new(),
        }
    }

    #[test]
    fn a_mark_is_removed_wherever_it_is_divided() {
        let stream = b"a\x1b_mark\x1b\\b\x1b_mar\x1b";
        for cut in 0..stream.len() {
            let mut input = input();
            let mut shown = Vec::new();
            for piece in [&stream[..cut], &stream[cut..]] {
                input.take(piece, &mut |bytes| shown.extend_from_slice(bytes));
            }
            assert!(input.is_asked);
            input.flush(&mut |bytes| shown.extend_from_slice(bytes));
            assert_eq!(shown, b"ab\x1b_mar\x1b");
        }
    }

    #[test]
    fn nothing_is_read_from_the_host_before_the_program_requests_it() {
        let mut input = input();
        assert_eq!(input.reply(|| unreachable!()), b"");
        input.take(b"\x1b_mark\x1b\\", &mut |_| {});
        assert_eq!(input.reply(|| None), b"");
        assert_eq!(
            input.reply(|| Some(Line::Text(b"ab".to_vec()))),
            b"(b'ab',)\n"
        );
        assert_eq!(input.reply(|| unreachable!()), b"");
        input.take(b"\x1b_mark\x1b\\", &mut |_| {});
        assert_eq!(input.reply(|| Some(Line::End)), b"None\n");
    }

    #[test]
    fn a_long_line_is_sent_in_parts_that_fit_a_buffer_of_64_bytes() {
        for line in [
            vec![0xc3; 100],
            vec![b'x'; 1000],
            vec![b'\''; 77],
            Vec::new(),
        ] {
            let parts = parts(&line);
            assert!(parts.iter().all(|part| part.len() < 64));
            assert!(
                parts
                    .iter()
                    .rev()
                    .skip(1)
                    .all(|part| part.starts_with(b"b"))
            );
            assert!(parts.back().unwrap().starts_with(b"("));
        }
        // No byte that a board acts on.
        let parts = parts(b"a\x03\x04\x01b");
        assert_eq!(parts, [b"(b'a\\x03\\x04\\x01b',)\n"]);
    }

    #[test]
    fn input_is_found_as_a_word() {
        for (program, reads) in [
            ("n = input('? ')", true),
            ("input", true),
            ("inputs = 1", false),
            ("my_input()", false),
            ("print(1)", false),
        ] {
            assert_eq!(reads_input(program.as_bytes()), reads, "{program}");
        }
    }
}
