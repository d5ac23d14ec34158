//! Calls with literals, of Python's grammar: no names, no operators, nothing that has to be run.

use std::iter::Peekable;
use std::str::Chars;

use super::ManifestPyError;

/// How deep lists may be in lists.
const DEEPEST: usize = 16;

/// A call that stands by itself.
#[derive(Debug)]
pub(super) struct Call {
    /// Its line, from 1 on.
    pub(super) line: usize,
    pub(super) function: String,
    pub(super) positional: Vec<Literal>,
    pub(super) named: Vec<(String, Literal)>,
}

/// What an argument can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Literal {
    Text(String),
    /// A tuple or a list.
    Sequence(Vec<Literal>),
    None,
    /// `True`, `False`, or a number: nothing that decides here.
    Other,
}

/// Reads all calls of a text that is nothing else, but for comments and a docstring.
pub(super) fn calls(text: &str) -> Result<Vec<Call>, ManifestPyError> {
    let mut reader = Reader {
        letters: text.chars().peekable(),
        line: 1,
    };
    let mut calls = Vec::new();
    loop {
        reader.skip(true);
        match reader.peek() {
            None => return Ok(calls),
            Some(';') => {
                reader.next();
                continue;
            }
            // A docstring says nothing to us.
            Some('"' | '\'') => drop(reader.text(false)?),
            Some(_) => calls.push(reader.call()?),
        }
        reader.skip(false);
        if !matches!(reader.peek(), None | Some('\n' | ';')) {
            return Err(reader.error("expected the end of the line"));
        }
    }
}

struct Reader<'t> {
    letters: Peekable<Chars<'t>>,
    line: usize,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<char> {
        self.letters.peek().copied()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.letters.next();
        self.line += usize::from(letter == Some('\n'));
        letter
    }

    fn take(&mut self, wanted: char) -> bool {
        let is_next = self.peek() == Some(wanted);
        if is_next {
            self.next();
        }
        is_next
    }

    fn error(&self, problem: &str) -> ManifestPyError {
        ManifestPyError {
            line: self.line,
            problem: problem.to_owned(),
        }
    }

    /// Passes over spaces and comments, and over ends of lines where these do not count.
    fn skip(&mut self, lines: bool) {
        while let Some(letter) = self.peek() {
            match letter {
                '#' => {
                    while self.peek().is_some_and(|letter| letter != '\n') {
                        self.next();
                    }
                }
                ' ' | '\t' | '\r' | '\u{c}' | '\u{feff}' => drop(self.next()),
                '\n' if lines => drop(self.next()),
                _ => break,
            }
        }
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(letter) = self.peek() {
            if !letter.is_alphanumeric() && letter != '_' {
                break;
            }
            word.push(letter);
            self.next();
        }
        word
    }

    fn call(&mut self) -> Result<Call, ManifestPyError> {
        let start = self.error("expected a call such as `module(\"NAME.py\")`");
        let function = self.word();
        self.skip(false);
        if function.is_empty() || !self.take('(') {
            return Err(start);
        }
        let mut call = Call {
            line: start.line,
            function,
            positional: Vec::new(),
            named: Vec::new(),
        };
        loop {
            self.skip(true);
            if self.take(')') {
                return Ok(call);
            }
            let begin = (self.letters.clone(), self.line);
            let name = self.word();
            self.skip(true);
            if !name.is_empty() && self.take('=') {
                self.skip(true);
                let value = self.literal(0)?;
                call.named.push((name, value));
            } else {
                (self.letters, self.line) = begin;
                let value = self.literal(0)?;
                call.positional.push(value);
            }
            self.skip(true);
            match self.peek() {
                Some(',') => drop(self.next()),
                Some(')') => {}
                None => return Err(self.error("the call has no end")),
                Some(_) => return Err(self.error("expected `,` or `)`")),
            }
        }
    }

    fn literal(&mut self, depth: usize) -> Result<Literal, ManifestPyError> {
        let expected =
            self.error("expected a literal: a text, a number, a list, `True`, `False` or `None`");
        match self.peek() {
            Some('"' | '\'') => self.texts(),
            Some('(') => self.sequence(')', depth),
            Some('[') => self.sequence(']', depth),
            Some('0'..='9' | '-') => {
                self.next();
                while self
                    .peek()
                    .is_some_and(|letter| letter.is_alphanumeric() || matches!(letter, '.' | '_'))
                {
                    self.next();
                }
                Ok(Literal::Other)
            }
            Some(_) => match self.word().as_str() {
                "None" => Ok(Literal::None),
                "True" | "False" => Ok(Literal::Other),
                "r" | "R" if matches!(self.peek(), Some('"' | '\'')) => {
                    Ok(Literal::Text(self.text(true)?))
                }
                _ => Err(expected),
            },
            None => Err(self.error("the call has no end")),
        }
    }

    /// A tuple or a list; one in brackets without a comma is what is in them.
    fn sequence(&mut self, end: char, depth: usize) -> Result<Literal, ManifestPyError> {
        if depth >= DEEPEST {
            return Err(self.error("there are too many brackets in brackets"));
        }
        self.next();
        let mut items = Vec::new();
        let mut has_comma = end == ']';
        loop {
            self.skip(true);
            if self.take(end) {
                break;
            }
            items.push(self.literal(depth + 1)?);
            self.skip(true);
            if self.take(',') {
                has_comma = true;
            } else if self.peek() != Some(end) {
                return Err(self.error("expected `,` or the end of the list"));
            }
        }
        match (has_comma, items.pop()) {
            (false, Some(only)) => Ok(only),
            (_, last) => {
                items.extend(last);
                Ok(Literal::Sequence(items))
            }
        }
    }

    /// Texts that follow each other are one.
    fn texts(&mut self) -> Result<Literal, ManifestPyError> {
        let mut whole = String::new();
        while matches!(self.peek(), Some('"' | '\'')) {
            whole.push_str(&self.text(false)?);
            self.skip(true);
        }
        Ok(Literal::Text(whole))
    }

    fn text(&mut self, raw: bool) -> Result<String, ManifestPyError> {
        let no_end = self.error("a text has no end");
        let Some(quote) = self.next() else {
            return Err(no_end);
        };
        let mut triple = false;
        if self.take(quote) {
            if !self.take(quote) {
                return Ok(String::new());
            }
            triple = true;
        }
        let mut text = String::new();
        loop {
            match self.next() {
                None => return Err(no_end),
                Some('\n') if !triple => return Err(no_end),
                Some('\\') if raw => {
                    text.push('\\');
                    text.extend(self.next());
                }
                Some('\\') => match self.next() {
                    Some('\n') => {}
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some(letter @ ('\\' | '\'' | '"')) => text.push(letter),
                    Some(letter) => {
                        let problem = format!("`\\{letter}` in a text is not understood here");
                        return Err(self.error(&problem));
                    }
                    None => return Err(no_end),
                },
                Some(letter) if letter == quote && !triple => return Ok(text),
                Some(letter) if letter == quote => {
                    // Three of them, the last ones before something else.
                    let rest: String = self.letters.clone().take(2).collect();
                    if rest.chars().filter(|next| *next == quote).count() == 2 {
                        self.next();
                        self.next();
                        return Ok(text);
                    }
                    text.push(letter);
                }
                Some(letter) => text.push(letter),
            }
        }
    }
}
