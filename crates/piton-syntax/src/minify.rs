//! Smaller source that means the same, line for line.

mod brackets;

use crate::diagnostic::{Diagnostic, DiagnosticCode, Failure};
use crate::lexer::{is_name_part, normalise, operator};
use crate::token::Token;

use crate::scan::{Kind, Piece, Scanner};
pub use brackets::{UnclosedBracket, unclosed_bracket};

/// How a source is made smaller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MinifyOptions {
    /// Name of the source in the [`Diagnostic`].
    pub input_name: Vec<u8>,
    /// Whether docstrings stay. They stay in any case if the source says `__doc__`.
    pub keep_docstrings: bool,
    /// Whether line ends that are not needed are removed too. Lines then have other numbers.
    pub join_lines: bool,
}

/// What docstrings are looked up by.
const DOC: &[u8] = b"__doc__";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Takes comments, docstrings and white space out of a source.
///
/// Each token that stays keeps its line (but see [`MinifyOptions::join_lines`]) and its bytes: names, numbers and
/// strings are never touched. So tracebacks name the right lines, and what is left compiles to the same code. It works
/// on any source that MicroPython or CPython 3.11 takes, and on later f-strings; grammar is not checked.
///
/// A docstring here is any statement that is nothing but strings without prefix, or with `r` or `u`: it has no effect,
/// wherever it stands. In a body with nothing else a `0` takes its place. Line ends become newlines. A comment that
/// declares an encoding stays if there is anything to decode.
///
/// # Errors
/// A [`Diagnostic`] for a source that is no Python: a string or bracket without end, a byte that begins no token, an
/// indent or unindent to nowhere; and for indentation with a form feed or a backslash inside, where MicroPython and
/// CPython disagree.
pub fn minify(source: &[u8], options: &MinifyOptions) -> Result<Vec<u8>, Diagnostic> {
    minify_source(source, options).map_err(|failure| failure.in_source(&options.input_name))
}

fn minify_source(source: &[u8], options: &MinifyOptions) -> Result<Vec<u8>, Failure> {
    let source = normalise(source);
    let keep_docstrings =
        options.keep_docstrings || source.windows(DOC.len()).any(|window| window == DOC);
    let mut writer = Writer::new(source.len(), options.join_lines);
    let mut at = 0;
    if source.starts_with(BYTE_ORDER_MARK) {
        at = BYTE_ORDER_MARK.len();
        writer.out.extend_from_slice(BYTE_ORDER_MARK);
    }
    if !source.is_ascii() {
        writer.encoding(&source);
    }
    let mut scanner = Scanner::new(&source, at);
    let mut strings = Vec::new();
    // Whether the last logical line asks for a block.
    let (mut opens, mut after_colon) = (false, false);
    loop {
        let piece = scanner.next()?;
        if let Some(column) = piece.indent.filter(|_| piece.kind != Kind::End) {
            writer.begin_line(column, opens, piece.line)?;
        }
        match piece.kind {
            Kind::LineEnd => opens = after_colon,
            kind => after_colon = kind == Kind::Operator(Token::DelColon),
        }
        if piece.kind == Kind::Text && !keep_docstrings && writer.at_statement {
            strings.push(piece);
            continue;
        }
        if piece.kind == Kind::Operator(Token::DelSemicolon)
            && writer.at_statement
            && strings.is_empty()
        {
            // It would go, and with it the error that it is.
            return Err(Failure::in_line(DiagnosticCode::InvalidSyntax, piece.line));
        }
        let ends = matches!(
            piece.kind,
            Kind::LineEnd | Kind::End | Kind::Operator(Token::DelSemicolon)
        );
        if !ends {
            for string in &strings {
                writer.piece(string);
            }
        } else if let Some(string) = strings.first() {
            writer.dropped(string.line);
        }
        strings.clear();
        match piece.kind {
            Kind::End => return Ok(writer.finish()),
            Kind::LineEnd => writer.end_line(),
            Kind::Operator(Token::DelSemicolon) => writer.at_statement = true,
            _ => writer.piece(&piece),
        }
    }
}

/// An indented block, or the module.
#[derive(Clone, Copy, Debug)]
struct Block {
    column: usize,
    /// Whether it has a statement.
    written: bool,
    /// The line of a string that was taken out of it.
    dropped: u32,
}

/// What the current logical line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// Not begun.
    Empty,
    /// Statements.
    Simple,
    /// Up to the colon of `if`, `def` and the like.
    Header,
    /// After that colon, where nothing is written yet.
    Body,
}

#[derive(Debug)]
struct Writer {
    join_lines: bool,
    out: Vec<u8>,
    /// The line that the end of `out` is in.
    line: u32,
    blocks: Vec<Block>,
    state: Line,
    /// Whether a statement can begin here.
    at_statement: bool,
    /// Whether the next piece needs a `;` before it.
    separate: bool,
    /// The last piece, if it is in this logical line.
    last: Option<(Kind, Last)>,
    /// The line of a string that was removed after a colon.
    dropped: Option<u32>,
}

/// What decides whether a space must follow.
#[derive(Clone, Copy, Debug)]
struct Last {
    first: u8,
    second: u8,
    end: u8,
    length: usize,
}

impl Writer {
    fn new(capacity: usize, join_lines: bool) -> Writer {
        Writer {
            join_lines,
            out: Vec::with_capacity(capacity),
            line: 1,
            blocks: vec![Block {
                column: 0,
                // A module may be empty.
                written: true,
                dropped: 0,
            }],
            state: Line::Empty,
            at_statement: true,
            separate: false,
            last: None,
            dropped: None,
        }
    }

    /// Keeps the comment that says how the bytes of the source are to be read (PEP 263), unless it says UTF-8.
    fn encoding(&mut self, source: &[u8]) {
        for (line, number) in source.split(|&byte| byte == b'\n').zip(1..=2) {
            let line = line.trim_ascii();
            if !line.is_empty() && !line.starts_with(b"#") {
                return;
            }
            // PEP 263: the word is in small letters, the name of the encoding in any.
            let lower = line.to_ascii_lowercase();
            let has =
                |line: &[u8], text: &[u8]| line.windows(text.len()).any(|window| window == text);
            let declares = has(line, b"coding:") || has(line, b"coding=");
            if declares && !has(&lower, b"utf-8") && !has(&lower, b"utf8") {
                self.next_line(number);
                self.out.extend_from_slice(line);
                return;
            }
        }
    }

    /// Moves down to `line` between two logical lines.
    fn next_line(&mut self, line: u32) {
        if !self.join_lines {
            self.down(line, b"\n");
        } else if !self.out.is_empty()
            && (self.out.as_slice() != BYTE_ORDER_MARK || line > self.line)
        {
            // For MicroPython the mark is a letter, and a separate line if a line consists of it.
            self.out.push(b'\n');
        }
    }

    /// Moves down to `line` within a logical line.
    fn break_line(&mut self, line: u32, in_brackets: bool) {
        if !self.join_lines {
            self.down(line, if in_brackets { b"\n" } else { b"\\\n" });
        }
    }

    fn down(&mut self, line: u32, line_end: &[u8]) {
        while self.line < line {
            self.out.extend_from_slice(line_end);
            self.line += 1;
        }
    }

    /// Begins a logical line in this column. `opens` says that the line before asks for a block.
    fn begin_line(&mut self, column: usize, opens: bool, line: u32) -> Result<(), Failure> {
        let innermost = |blocks: &[Block]| blocks.last().map_or(0, |block| block.column);
        if column > innermost(&self.blocks) {
            if !opens {
                // The line before may be a string that goes, and the error would go with it.
                return Err(Failure::in_line(DiagnosticCode::UnexpectedIndent, line));
            }
            self.blocks.push(Block {
                column,
                written: false,
                dropped: 0,
            });
        }
        while column < innermost(&self.blocks) {
            self.end_block();
        }
        if column != innermost(&self.blocks) {
            return Err(Failure::in_line(DiagnosticCode::UnmatchedUnindent, line));
        }
        self.state = Line::Empty;
        self.at_statement = true;
        Ok(())
    }

    /// Writes `0` into a block that nothing is left of.
    fn end_block(&mut self) {
        let Some(block) = self.blocks.last().copied() else {
            return;
        };
        if !block.written {
            self.next_line(block.dropped);
            self.indent();
            self.out.push(b'0');
        }
        self.blocks.pop();
    }

    fn indent(&mut self) {
        let levels = self.blocks.len().saturating_sub(1);
        self.out.extend(std::iter::repeat_n(b' ', levels));
    }

    /// Notes that a statement of nothing but strings, which begins in this line, was left out.
    fn dropped(&mut self, line: u32) {
        match self.state {
            Line::Body => self.dropped = self.dropped.or(Some(line)),
            Line::Empty => {
                if let Some(block) = self.blocks.last_mut().filter(|block| block.dropped == 0) {
                    block.dropped = line;
                }
            }
            Line::Simple | Line::Header => {}
        }
    }

    fn piece(&mut self, piece: &Piece) {
        if self.state == Line::Empty {
            self.next_line(piece.line);
            self.indent();
            if let Some(block) = self.blocks.last_mut() {
                block.written = true;
            }
            self.state = if is_compound(piece.text) {
                Line::Header
            } else {
                Line::Simple
            };
        } else {
            self.separator(piece);
            if self.state == Line::Body {
                self.state = Line::Simple;
            }
        }
        self.out.extend_from_slice(piece.text);
        self.line = piece.last_line;
        self.last = Some((piece.kind, Last::of(piece.text)));
        self.separate = false;
        self.at_statement = false;
        if self.state == Line::Header && piece.depth == 0 {
            if piece.kind == Kind::Operator(Token::DelColon) {
                self.state = Line::Body;
                self.at_statement = true;
                self.dropped = None;
            } else if piece.text == b"lambda" {
                // The next colon belongs to it. A body in the same line is not changed.
                self.state = Line::Simple;
            }
        }
    }

    /// Writes the text that is required between the last piece and this one.
    fn separator(&mut self, piece: &Piece) {
        if self.at_statement && self.state != Line::Body {
            self.out.push(b';');
            self.break_line(piece.line, false);
        } else if piece.line > self.line && !self.join_lines {
            self.break_line(piece.line, piece.depth > 0);
        } else if piece.spaced
            && self
                .last
                .is_some_and(|(kind, last)| needs_space(kind, last, piece))
        {
            self.out.push(b' ');
        }
    }

    fn end_line(&mut self) {
        if self.state == Line::Body
            && let Some(line) = self.dropped.take()
        {
            self.break_line(line, false);
            self.out.push(b'0');
        }
        self.state = Line::Empty;
        self.at_statement = true;
    }

    fn finish(mut self) -> Vec<u8> {
        while self.blocks.len() > 1 {
            self.end_block();
        }
        if !self.out.is_empty() && self.out.as_slice() != BYTE_ORDER_MARK {
            self.out.push(b'\n');
        }
        self.out
    }
}

impl Last {
    fn of(text: &[u8]) -> Last {
        let byte = |index: usize| text.get(index).copied().unwrap_or(0);
        Last {
            first: byte(0),
            second: byte(1),
            end: text.last().copied().unwrap_or(0),
            length: text.len(),
        }
    }
}

/// Returns whether a statement that begins with this word has a body.
fn is_compound(word: &[u8]) -> bool {
    matches!(
        word,
        b"if"
            | b"elif"
            | b"else"
            | b"while"
            | b"for"
            | b"try"
            | b"except"
            | b"finally"
            | b"with"
            | b"class"
            | b"def"
            | b"async"
    )
}

/// Returns whether white space between two pieces of one line keeps them apart.
fn needs_space(kind: Kind, last: Last, piece: &Piece) -> bool {
    let next = Last::of(piece.text);
    match (kind, piece.kind) {
        (Kind::Name, Kind::Text | Kind::Literal) => {
            // A prefix of the string, or one that other versions of Python know.
            is_name_part(next.first) || last.length <= 2 && last.first != b'i' && last.first != b'o'
        }
        // The dot would be taken for a part of the number, and so would a sign after `e`.
        (Kind::Number, Kind::Operator(_)) => {
            let exponent = matches!(last.end, b'e' | b'E') && !matches!(last.second, b'x' | b'X');
            next.first == b'.' || exponent && matches!(next.first, b'+' | b'-')
        }
        // Three quotes in a row mean something else.
        (Kind::Text | Kind::Literal, Kind::Text | Kind::Literal) => !is_name_part(next.first),
        (Kind::Number, _) => true,
        (Kind::Name, Kind::Name | Kind::Number) => true,
        (Kind::Operator(token), Kind::Operator(_)) => {
            let joined = [
                last.first,
                if last.length > 1 {
                    last.second
                } else {
                    next.first
                },
                if last.length > 1 {
                    next.first
                } else {
                    next.second
                },
            ];
            operator(joined).1 > last.length || token == Token::DelPeriod && next.first == b'.'
        }
        (Kind::Operator(token), Kind::Number) => token == Token::DelPeriod,
        _ => false,
    }
}
