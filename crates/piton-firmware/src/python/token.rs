//! From text to tokens, by CPython's rules and with its words for what is wrong.

use super::literal;
use super::syntax_error::SyntaxError;

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TokenKind {
    /// A name or a keyword.
    Name(String),
    /// A number, as it is written.
    Number(String),
    /// A string literal, with its prefix and quotes.
    Text(String),
    /// An operator or a delimiter.
    Operator(&'static str),
    /// The end of a logical line.
    Newline,
    /// A block begins.
    Indent,
    /// A block ends.
    Dedent,
    /// The end of the source.
    End,
    /// What no token can begin with.
    Error(SyntaxError),
}

/// A token and where it begins and ends.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    /// The line that it begins in, from 1.
    pub(crate) line: u32,
    /// How many brackets are open after it.
    pub(crate) depth: usize,
}

/// The operators and delimiters, longest first.
const OPERATORS: [&str; 48] = [
    "**=", "//=", ">>=", "<<=", "...", "!=", "==", "<=", ">=", "->", ":=", "+=", "-=", "*=", "/=",
    "%=", "&=", "|=", "^=", "@=", "**", "//", "<<", ">>", "<>", "+", "-", "*", "/", "%", "&", "|",
    "^", "~", "<", ">", "(", ")", "[", "]", "{", "}", ",", ":", ".", ";", "=", "@",
];

/// Cuts `source` into tokens. An error is the last token.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let mut lexer = Lexer {
        text: source,
        at: 0,
        line: 1,
        brackets: Vec::new(),
        indents: vec![(0, 0)],
        tokens: Vec::new(),
    };
    if let Err(error) = lexer.run() {
        lexer.push(TokenKind::Error(error));
    }
    lexer.tokens
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    /// The open brackets and their lines.
    brackets: Vec<(char, u32)>,
    /// The columns of the open blocks, with tabs of eight columns and of one.
    indents: Vec<(usize, usize)>,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn run(&mut self) -> Result<(), SyntaxError> {
        let mut line_start = true;
        loop {
            if line_start && self.brackets.is_empty() {
                self.indentation()?;
            }
            line_start = false;
            self.skip_space();
            let Some(character) = self.peek(0) else { break };
            match character {
                '\n' => {
                    self.at += 1;
                    let newline = self.brackets.is_empty() && self.has_line();
                    if newline {
                        self.push(TokenKind::Newline);
                    }
                    self.line += 1;
                    line_start = true;
                }
                '\\' => self.continuation()?,
                _ => self.token(character)?,
            }
        }
        self.finish()
    }

    fn finish(&mut self) -> Result<(), SyntaxError> {
        if let Some(&(bracket, line)) = self.brackets.last() {
            return Err(SyntaxError::unclosed(bracket, line));
        }
        if self.has_line() {
            self.push(TokenKind::Newline);
        }
        // The end of the source is in its last line.
        if self.text.ends_with('\n') {
            self.line = self.line.saturating_sub(1).max(1);
        }
        for _ in 1..self.indents.len() {
            self.push(TokenKind::Dedent);
        }
        self.push(TokenKind::End);
        Ok(())
    }

    /// Returns whether the current logical line has tokens.
    fn has_line(&self) -> bool {
        self.tokens.last().is_some_and(|token| {
            !matches!(
                token.kind,
                TokenKind::Newline | TokenKind::Indent | TokenKind::Dedent
            )
        })
    }

    fn push(&mut self, kind: TokenKind) {
        self.tokens.push(Token {
            kind,
            line: self.line,
            depth: self.brackets.len(),
        });
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.rest().chars().nth(ahead)
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\x0c']).len();
        self.at += blanks;
        if self.peek(0) == Some('#') {
            let length = self.rest().find('\n').unwrap_or(self.rest().len());
            self.at += length;
        }
    }

    /// Reads the white space at the beginning of a line, and opens or closes blocks.
    fn indentation(&mut self) -> Result<(), SyntaxError> {
        let (mut wide, mut narrow) = (0, 0);
        loop {
            match self.peek(0) {
                Some(' ') => (wide, narrow) = (wide + 1, narrow + 1),
                Some('\t') => (wide, narrow) = ((wide / 8 + 1) * 8, narrow + 1),
                Some('\x0c') => (wide, narrow) = (0, 0),
                _ => break,
            }
            self.at += 1;
        }
        if matches!(self.peek(0), None | Some('\n' | '#')) {
            return Ok(());
        }
        let (top_wide, top_narrow) = self.indents.last().copied().unwrap_or_default();
        if wide == top_wide {
            if narrow != top_narrow {
                return Err(SyntaxError::tabs(self.line));
            }
        } else if wide > top_wide {
            if narrow <= top_narrow {
                return Err(SyntaxError::tabs(self.line));
            }
            self.indents.push((wide, narrow));
            self.push(TokenKind::Indent);
        } else {
            while self
                .indents
                .last()
                .is_some_and(|&(column, _)| column > wide)
            {
                self.indents.pop();
                self.push(TokenKind::Dedent);
            }
            let (top_wide, top_narrow) = self.indents.last().copied().unwrap_or_default();
            if wide != top_wide {
                return Err(SyntaxError::indentation(
                    "unindent does not match any outer indentation level",
                    self.line,
                ));
            }
            if narrow != top_narrow {
                return Err(SyntaxError::tabs(self.line));
            }
        }
        Ok(())
    }

    fn continuation(&mut self) -> Result<(), SyntaxError> {
        if self.peek(1) == Some('\n') {
            self.at += 2;
            if self.rest().is_empty() {
                return Err(SyntaxError::new("unexpected EOF while parsing", self.line));
            }
            self.line += 1;
            return Ok(());
        }
        Err(if self.peek(1).is_none() {
            SyntaxError::new("unexpected EOF while parsing", self.line)
        } else {
            SyntaxError::new(
                "unexpected character after line continuation character",
                self.line,
            )
        })
    }

    fn token(&mut self, character: char) -> Result<(), SyntaxError> {
        if let Some(quote) = string_start(self.rest()) {
            return self.string(quote);
        }
        if is_name_start(character) {
            return self.name();
        }
        if character.is_ascii_digit()
            || (character == '.' && self.peek(1).is_some_and(|next| next.is_ascii_digit()))
        {
            let length = literal::number_length(self.rest())
                .map_err(|message| SyntaxError::new(&message, self.line))?;
            let text = self.rest().get(..length).unwrap_or_default().to_owned();
            self.push(TokenKind::Number(text));
            self.at += length;
            return Ok(());
        }
        if let Some(operator) = OPERATORS
            .into_iter()
            .find(|operator| self.rest().starts_with(operator))
        {
            return self.operator(operator);
        }
        Err(self.bad_character(character))
    }

    fn bad_character(&self, character: char) -> SyntaxError {
        let code = u32::from(character);
        if character == '$' || character == '?' || character == '!' || character == '`' {
            return SyntaxError::new("invalid syntax", self.line);
        }
        if character.is_control() || code == 0xa0 || super::text::is_unprintable(character) {
            return SyntaxError::new(
                &format!("invalid non-printable character U+{code:04X}"),
                self.line,
            );
        }
        SyntaxError::new(
            &format!("invalid character '{character}' (U+{code:04X})"),
            self.line,
        )
    }

    fn name(&mut self) -> Result<(), SyntaxError> {
        let rest = self.rest();
        let length = rest
            .find(|character| !is_name_part(character))
            .unwrap_or(rest.len());
        let text = rest.get(..length).unwrap_or_default().to_owned();
        if let Some(bad) = text
            .chars()
            .find(|&character| !character.is_ascii() && !character.is_alphanumeric())
        {
            return Err(self.bad_character(bad));
        }
        self.push(TokenKind::Name(text));
        self.at += length;
        Ok(())
    }

    fn operator(&mut self, operator: &'static str) -> Result<(), SyntaxError> {
        match operator {
            "(" | "[" | "{" => self
                .brackets
                .push((operator.chars().next().unwrap_or('('), self.line)),
            ")" | "]" | "}" => {
                let Some((open, line)) = self.brackets.pop() else {
                    return Err(SyntaxError::new(
                        &format!("unmatched '{operator}'"),
                        self.line,
                    ));
                };
                let fits = matches!((open, operator), ('(', ")") | ('[', "]") | ('{', "}"));
                if !fits {
                    let place = if line == self.line {
                        String::new()
                    } else {
                        format!(" on line {line}")
                    };
                    let message = format!(
                        "closing parenthesis '{operator}' does not match opening parenthesis '{open}'{place}"
                    );
                    return Err(SyntaxError::new(&message, self.line));
                }
            }
            _ => {}
        }
        self.push(TokenKind::Operator(operator));
        self.at += operator.len();
        Ok(())
    }

    /// Reads a string literal whose prefix has `prefix` bytes.
    fn string(&mut self, prefix: usize) -> Result<(), SyntaxError> {
        let start = self.at;
        let rest = self.rest();
        let body = rest.get(prefix..).unwrap_or_default();
        let quote = body.chars().next().unwrap_or('"');
        let triple = body.starts_with(&quote.to_string().repeat(3));
        let closing = quote.to_string().repeat(if triple { 3 } else { 1 });
        let mut position = prefix + closing.len();
        let mut lines = 0;
        loop {
            let tail = rest.get(position..).unwrap_or_default();
            if tail.starts_with(&closing) {
                position += closing.len();
                break;
            }
            match tail.chars().next() {
                Some('\\') => {
                    let escaped = tail.chars().nth(1);
                    lines += u32::from(escaped == Some('\n'));
                    position += 1 + escaped.map_or(0, char::len_utf8);
                }
                Some('\n') if !triple => return Err(self.unterminated(false, lines)),
                Some(character) => {
                    lines += u32::from(character == '\n');
                    position += character.len_utf8();
                }
                None => return Err(self.unterminated(triple, lines)),
            }
        }
        let text = rest.get(..position).unwrap_or_default().to_owned();
        self.push(TokenKind::Text(text));
        self.at = start + position;
        self.line += lines;
        Ok(())
    }

    fn unterminated(&self, triple: bool, lines: u32) -> SyntaxError {
        let name = if triple {
            "triple-quoted string literal"
        } else {
            "string literal"
        };
        // CPython counts a line that the source ends with, as it adds a newline to a source without one.
        let end = self.line + lines;
        let end = if triple && self.text.ends_with('\n') {
            end - u32::from(lines > 0)
        } else {
            end
        };
        SyntaxError::new(
            &format!("unterminated {name} (detected at line {end})"),
            self.line,
        )
    }
}

/// Returns how long the prefix of the string literal is that `text` begins with.
fn string_start(text: &str) -> Option<usize> {
    let prefix = text
        .bytes()
        .take(3)
        .position(|byte| matches!(byte, b'"' | b'\''))?;
    let letters = text.get(..prefix)?.to_ascii_lowercase();
    matches!(
        letters.as_str(),
        "" | "r" | "u" | "b" | "f" | "br" | "rb" | "fr" | "rf"
    )
    .then_some(prefix)
}

pub(crate) fn is_name_start(character: char) -> bool {
    character == '_' || character.is_ascii_alphabetic() || u32::from(character) >= 0x80
}

fn is_name_part(character: char) -> bool {
    is_name_start(character) || character.is_ascii_digit()
}
