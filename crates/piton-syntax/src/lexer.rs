//! From bytes to tokens, by the rules of MicroPython's `py/lexer.c`.
//!
//! It works on bytes and never looks at UTF-8: every byte from 0x80 on is a letter. Numbers are
//! taken as any run of letters, digits and dots. The bracket counter is not checked for matching.

mod input;
mod string;

pub(crate) use input::normalise;
use input::{END, Input};

use crate::diagnostic::Failure;
use crate::target::{Rules, Target};
use crate::token::{self, Token};

/// Columns between tab stops.
const TAB_SIZE: usize = 8;

/// What the lexer must know of the compiler's options.
#[derive(Clone, Copy, Debug)]
pub struct LexerOptions {
    /// The value of `__debug__`.
    pub debug: bool,
    /// The release whose rules hold.
    pub target: Target,
}

/// The lexer. It holds one token and moves to the next on request.
#[derive(Debug)]
pub struct Lexer<'a> {
    input: Input<'a>,
    options: LexerOptions,
    rules: &'static Rules,
    line: u32,
    /// Column of the current character, from 1; kept only where white space is skipped.
    column: usize,
    /// Columns of the open indentations; the C lexer keeps 16 bits of each.
    indents: Vec<u16>,
    /// INDENT (positive) or DEDENT (negative) tokens still to give.
    pending_dents: i64,
    bracket_level: i64,
    token: Token,
    token_line: u32,
    /// Where the token begins in the source; `None` in text of an f-string.
    token_position: Option<usize>,
    text: Vec<u8>,
    /// Argument text of an f-string or t-string, to be inserted after it.
    format_arguments: Vec<u8>,
}

impl<'a> Lexer<'a> {
    /// Returns a lexer at the first token.
    ///
    /// # Errors
    /// A [`Failure`] if the first token is a string with an escape that is not accepted.
    pub fn new(source: &'a [u8], options: LexerOptions) -> Result<Lexer<'a>, Failure> {
        let rules = options.target.rules();
        let mut lexer = Lexer {
            input: Input::new(source, rules.nested_format_strings),
            options,
            rules,
            line: 1,
            column: 1,
            indents: vec![0],
            pending_dents: 0,
            bracket_level: 0,
            token: Token::End,
            token_line: 1,
            token_position: None,
            text: Vec::with_capacity(64),
            format_arguments: Vec::new(),
        };
        let column = lexer.next()?;
        // The first token must be in the first column.
        if column != 1 && (lexer.token != Token::Newline || !rules.newline_in_its_line) {
            lexer.token = Token::Indent;
        }
        Ok(lexer)
    }

    /// Returns the kind of the current token.
    pub fn token(&self) -> Token {
        self.token
    }

    /// Returns the line of the current token, from 1.
    pub fn token_line(&self) -> u32 {
        self.token_line
    }

    /// Returns the column of the current token in characters, from 1; `None` in the text of an f-string, whose place is lost.
    pub fn token_column(&self) -> Option<u32> {
        self.input.column(self.token_position?)
    }

    /// Returns the text of the current token: a name, the digits of a number, the value of a string.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Moves to the next token.
    ///
    /// # Errors
    /// A [`Failure`] if the token is a string with an escape that is not accepted.
    pub fn advance(&mut self) -> Result<(), Failure> {
        self.next().map(|_| ())
    }

    /// Moves to the next token and returns the column it begins in.
    fn next(&mut self) -> Result<usize, Failure> {
        self.text.clear();
        // NEWLINE, INDENT and DEDENT get the place of the end of the line before.
        let at_newline = self.skip_space(self.rules.newline_in_its_line);
        self.token_line = self.line;
        self.token_position = self.input.position();
        let column = self.column;

        if self.pending_dents < 0 {
            self.token = Token::Dedent;
            self.pending_dents += 1;
        } else if self.pending_dents > 0 {
            self.token = Token::Indent;
            self.pending_dents -= 1;
        } else if at_newline && self.bracket_level == 0 {
            self.skip_space(false);
            self.token = self.indentation();
        } else {
            self.significant_token()?;
        }
        Ok(column)
    }

    fn significant_token(&mut self) -> Result<(), Failure> {
        let first = self.input.peek(0);
        if first == END {
            self.token = Token::End;
        } else if self.at_string() {
            self.string_token()?;
        } else if is_name_start(first) {
            self.name();
        } else if first.is_ascii_digit() || (first == b'.' && self.input.peek(1).is_ascii_digit()) {
            self.number();
        } else {
            self.operator();
        }
        Ok(())
    }

    /// Skips white space, comments and joined lines. With `stop_at_newline`, stops before a line end
    /// outside brackets. Returns whether there was a line end, or is one.
    fn skip_space(&mut self, stop_at_newline: bool) -> bool {
        let mut passed = false;
        loop {
            match self.input.peek(0) {
                b'\n' => {
                    if stop_at_newline && self.bracket_level == 0 {
                        return true;
                    }
                    passed |= !stop_at_newline;
                    self.step();
                }
                b' ' => self.skip_blanks(),
                b'\t' | b'\x0b' | b'\x0c' => self.step(),
                b'#' => self.skip_comment(),
                b'\\' if self.input.peek(1) == b'\n' => {
                    self.step();
                    self.step();
                }
                _ => return passed,
            }
        }
    }

    /// Skips a blank and those after it.
    fn skip_blanks(&mut self) {
        match self.input.rest() {
            Some(rest) => {
                let count = rest.iter().take_while(|&&byte| byte == b' ').count();
                self.input.skip(count);
                self.column += count;
            }
            None => self.step(),
        }
    }

    fn skip_comment(&mut self) {
        if let Some(rest) = self.input.rest() {
            let length = rest
                .iter()
                .position(|&byte| byte == b'\n')
                .unwrap_or(rest.len());
            self.input.skip(length);
        } else {
            while !matches!(self.input.peek(0), b'\n' | END) {
                self.step();
            }
        }
    }

    /// Steps over one character and counts lines and columns.
    fn step(&mut self) {
        match self.input.peek(0) {
            b'\n' => {
                self.line = self.line.saturating_add(1);
                self.column = 1;
            }
            b'\t' => self.column = (self.column - 1 + TAB_SIZE) / TAB_SIZE * TAB_SIZE + 1,
            _ => self.column += 1,
        }
        self.input.advance();
    }

    /// Compares the column after a line end with the open indentations.
    fn indentation(&mut self) -> Token {
        let spaces = self.column - 1;
        let innermost = self.indents.last().map_or(0, |&indent| usize::from(indent));
        if spaces > innermost {
            #[expect(clippy::cast_possible_truncation, reason = "the C lexer keeps 16 bits")]
            self.indents.push(spaces as u16);
            self.pending_dents += 1;
        } else if spaces < innermost {
            let mut outer = innermost;
            while spaces < outer {
                self.indents.pop();
                self.pending_dents -= 1;
                outer = self.indents.last().map_or(0, |&indent| usize::from(indent));
            }
            if spaces != outer {
                return Token::DedentMismatch;
            }
        }
        Token::Newline
    }

    fn name(&mut self) {
        if let Some(rest) = self.input.rest() {
            let length = rest
                .iter()
                .position(|&byte| !is_name_part(byte))
                .unwrap_or(rest.len());
            self.text
                .extend_from_slice(rest.get(..length).unwrap_or_default());
            self.input.skip(length);
        } else {
            while is_name_part(self.input.peek(0)) {
                self.take();
            }
        }
        self.token = match token::keyword(&self.text) {
            Some(Token::KwDebug) if self.options.debug => Token::KwTrue,
            Some(Token::KwDebug) => Token::KwFalse,
            Some(keyword) => keyword,
            None => Token::Name,
        };
    }

    /// Moves the current character into the token's text.
    fn take(&mut self) {
        self.text.push(self.input.peek(0));
        self.step();
    }

    fn number(&mut self) {
        let first = self.input.peek(0);
        let prefixed = first == b'0' && matches!(self.input.peek(1) | 0x20, b'b' | b'o' | b'x');
        self.token = if first == b'.' {
            Token::FloatOrImag
        } else {
            Token::Integer
        };
        self.take();
        loop {
            match self.input.peek(0) {
                b'e' | b'E' if !prefixed => {
                    self.token = Token::FloatOrImag;
                    self.text.push(b'e');
                    self.step();
                    if matches!(self.input.peek(0), b'+' | b'-') {
                        self.take();
                    }
                }
                byte @ (b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z') => {
                    if matches!(byte, b'.' | b'j' | b'J') {
                        self.token = Token::FloatOrImag;
                    }
                    self.take();
                }
                b'_' => self.step(),
                _ => return,
            }
        }
    }

    /// Takes the longest delimiter or operator that fits.
    fn operator(&mut self) {
        let text = [self.input.peek(0), self.input.peek(1), self.input.peek(2)];
        let (token, length) = match operator(text) {
            (Token::OpAssign, _) if !self.rules.since_1_13 => (Token::DelColon, 1),
            found => found,
        };
        for _ in 0..length {
            self.step();
        }
        match token {
            Token::DelParenOpen | Token::DelBracketOpen | Token::DelBraceOpen => {
                self.bracket_level += 1;
            }
            Token::DelParenClose | Token::DelBracketClose | Token::DelBraceClose => {
                self.bracket_level -= 1;
            }
            _ => {}
        }
        self.token = token;
    }
}

/// Returns the operator that begins with these characters, and its length; one invalid character otherwise.
pub(crate) fn operator(text: [u8; 3]) -> (Token, usize) {
    let single = match text[0] {
        b'(' => Token::DelParenOpen,
        b')' => Token::DelParenClose,
        b'[' => Token::DelBracketOpen,
        b']' => Token::DelBracketClose,
        b'{' => Token::DelBraceOpen,
        b'}' => Token::DelBraceClose,
        b',' => Token::DelComma,
        b';' => Token::DelSemicolon,
        b'~' => Token::OpTilde,
        b'.' if text == *b"..." => return (Token::Ellipsis, 3),
        b'.' => Token::DelPeriod,
        _ => return operator_with_assignment(text),
    };
    (single, 1)
}

/// Operators that `=` or a second character can extend.
fn operator_with_assignment(text: [u8; 3]) -> (Token, usize) {
    let [first, second, third] = text;
    // (once, once with `=`, doubled, doubled with `=`)
    let (once, assigned, twice) = match first {
        b':' => (Token::DelColon, Token::OpAssign, None),
        b'<' => (
            Token::OpLess,
            Token::OpLessEqual,
            Some((Token::OpDblLess, Token::DelDblLessEqual)),
        ),
        b'>' => (
            Token::OpMore,
            Token::OpMoreEqual,
            Some((Token::OpDblMore, Token::DelDblMoreEqual)),
        ),
        b'*' => (
            Token::OpStar,
            Token::DelStarEqual,
            Some((Token::OpDblStar, Token::DelDblStarEqual)),
        ),
        b'/' => (
            Token::OpSlash,
            Token::DelSlashEqual,
            Some((Token::OpDblSlash, Token::DelDblSlashEqual)),
        ),
        b'-' if second == b'>' => return (Token::DelMinusMore, 2),
        b'+' => (Token::OpPlus, Token::DelPlusEqual, None),
        b'-' => (Token::OpMinus, Token::DelMinusEqual, None),
        b'&' => (Token::OpAmpersand, Token::DelAmpersandEqual, None),
        b'|' => (Token::OpPipe, Token::DelPipeEqual, None),
        b'%' => (Token::OpPercent, Token::DelPercentEqual, None),
        b'^' => (Token::OpCaret, Token::DelCaretEqual, None),
        b'@' => (Token::OpAt, Token::DelAtEqual, None),
        b'=' => (Token::DelEqual, Token::OpDblEqual, None),
        // `!` alone is no operator.
        b'!' => (Token::Invalid, Token::OpNotEqual, None),
        _ => return (Token::Invalid, 1),
    };
    match twice {
        _ if second == b'=' => (assigned, 2),
        Some((_, twice_assigned)) if second == first && third == b'=' => (twice_assigned, 3),
        Some((twice, _)) if second == first => (twice, 2),
        _ => (once, 1),
    }
}

pub(crate) const fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

pub(crate) fn is_name_part(byte: u8) -> bool {
    NAME_PARTS.get(usize::from(byte)).copied().unwrap_or(false)
}

/// Which bytes a name can have after the first.
#[expect(
    clippy::indexing_slicing,
    reason = "runs when this program is built, and fails then"
)]
static NAME_PARTS: [bool; 256] = {
    let mut parts = [false; 256];
    let mut byte = 0;
    while byte < parts.len() {
        let part = byte as u8;
        parts[byte] = part.is_ascii_digit() || is_name_start(part);
        byte += 1;
    }
    parts
};
