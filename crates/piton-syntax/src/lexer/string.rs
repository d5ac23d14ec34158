//! String tokens: prefixes, escapes, f-strings and t-strings.
//!
//! An f-string is not parsed. Its text becomes the string `"...{}..."`, and the expressions are
//! collected into `.format((a),(b),)`, which is inserted into the stream after the string and then
//! read as ordinary tokens. A t-string is rewritten to a call of `__template__` in the same way.

use super::input::END;
use super::{Lexer, Token};
use crate::diagnostic::{DiagnosticCode, Failure};

/// The most interpolations a t-string can pass as plain arguments: 4 each, and the strings.
const MAXIMUM_TEMPLATE_ARGUMENTS: usize = 255;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Plain,
    Format,
    Template,
}

/// The prefix before the first quote.
#[derive(Clone, Copy, Debug)]
struct Prefix {
    length: usize,
    token: Token,
    raw: bool,
    style: Style,
}

/// One literal while it is read.
#[derive(Debug)]
struct Literal {
    quote: u8,
    /// 1, or 3 for a triple-quoted literal.
    quotes: usize,
    raw: bool,
    style: Style,
    /// How many quotes in a row have been seen.
    closing: usize,
    template: Template,
}

/// Where a t-string is.
#[derive(Debug, Default)]
struct Template {
    interpolations: usize,
    /// Open braces in the format specification, counting its own; 0 outside.
    braces: usize,
    /// Length of the token text where the format specification began.
    specification: usize,
    nested: bool,
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'\'' | b'"')
}

impl Lexer<'_> {
    /// Returns whether a string begins at the current character.
    pub(super) fn at_string(&self) -> bool {
        match self.input.peek(0) {
            b'"' | b'\'' => true,
            b'b' | b'f' | b'r' | b't' | b'u' => self.prefix().is_some(),
            _ => false,
        }
    }

    /// Returns the prefix of the string that begins at the current character, if one does.
    fn prefix(&self) -> Option<Prefix> {
        let first = self.input.peek(0);
        let plain = Prefix {
            length: 0,
            token: Token::String,
            raw: false,
            style: Style::Plain,
        };
        if is_quote(first) {
            return Some(plain);
        }
        let second = self.input.peek(1);
        let rules = self.rules;
        let templates = rules.template_strings;
        let bytes = Prefix {
            token: Token::Bytes,
            ..plain
        };
        let format = Prefix {
            style: Style::Format,
            ..plain
        };
        let template = Prefix {
            style: Style::Template,
            ..plain
        };
        let prefix = match (first, second) {
            (b'r', b'b') | (b'b', b'r') => Prefix {
                length: 2,
                raw: true,
                ..bytes
            },
            (b'r', b'f') | (b'f', b'r') if rules.format_strings => Prefix {
                length: 2,
                raw: true,
                ..format
            },
            (b'r', b't') | (b't', b'r') if templates => Prefix {
                length: 2,
                raw: true,
                ..template
            },
            (b'r', _) => Prefix {
                length: 1,
                raw: true,
                ..plain
            },
            (b'u', _) => Prefix { length: 1, ..plain },
            (b'b', _) => Prefix { length: 1, ..bytes },
            (b'f', _) if rules.format_strings => Prefix {
                length: 1,
                ..format
            },
            (b't', _) if templates => Prefix {
                length: 1,
                ..template
            },
            _ => return None,
        };
        is_quote(self.input.peek(prefix.length)).then_some(prefix)
    }

    /// Reads one or more adjacent literals and joins them.
    pub(super) fn string_token(&mut self) -> Result<(), Failure> {
        self.token = Token::End;
        let mut had_template = false;
        while let Some(prefix) = self.prefix() {
            had_template |= prefix.style == Style::Template;
            if self.token == Token::End {
                self.token = prefix.token;
            } else if self.token != prefix.token {
                // Text and bytes do not join; the second is the next token, which no rule takes.
                break;
            }
            let raw_format = prefix.raw && prefix.style == Style::Format;
            if raw_format && !self.rules.joined_format_strings {
                self.token = Token::RawFstring;
                // The compilers up to 1.23 stop before the literal and give this token for ever: their parser ends here.
                // The rest of the source is skipped, so that every reader of tokens comes to an end.
                self.input.skip_all();
                break;
            }
            for _ in 0..prefix.length {
                self.step();
            }
            self.literal(prefix)?;
            self.skip_space(true);
        }
        if had_template {
            self.finish_template();
        }
        if !self.format_arguments.is_empty() {
            self.format_arguments.push(b')');
            if self.input.peek(0) == END && self.rules.nested_format_strings {
                // Text that ends at the end of the source gets a line end, as the source did: one
                // line too many, as their errors show.
                self.format_arguments.push(b'\n');
            }
            self.input.insert(&self.format_arguments);
            self.format_arguments.clear();
        }
        Ok(())
    }

    /// Makes the strings of the t-string the first argument of the call.
    fn finish_template(&mut self) {
        self.text.extend_from_slice(b",),");
        self.format_arguments
            .splice(0..0, self.text.iter().copied());
        if self.token as u8 > Token::MalformedFstring as u8 {
            self.token = Token::Name;
            self.text.clear();
            self.text.extend_from_slice(b"__template__");
        }
    }

    fn literal(&mut self, prefix: Prefix) -> Result<(), Failure> {
        let quote = self.input.peek(0);
        self.step();
        let triple = self.input.peek(0) == quote && self.input.peek(1) == quote;
        if triple {
            self.step();
            self.step();
        }
        let mut literal = Literal {
            quote,
            quotes: if triple { 3 } else { 1 },
            raw: prefix.raw,
            style: prefix.style,
            closing: 0,
            template: Template::default(),
        };
        // Up to 1.23 each of the adjacent f-strings begins a call, which no rule takes.
        let joined = self.rules.joined_format_strings || literal.style != Style::Format;
        let is_first = self.format_arguments.is_empty() && !self.input.is_inserted();
        if is_first || !joined {
            match literal.style {
                Style::Plain => {}
                Style::Format => {
                    self.format_arguments.extend_from_slice(b".format(");
                    self.pass_arguments_on();
                }
                Style::Template => {
                    self.text.extend_from_slice(b"((");
                    self.push_quotes(&literal);
                }
            }
        }
        while literal.closing < literal.quotes {
            match self.input.peek(0) {
                END => break,
                b'\n' if literal.quotes == 1 => break,
                byte => self.literal_part(&mut literal, byte)?,
            }
        }
        self.finish_literal(&literal);
        Ok(())
    }

    fn finish_literal(&mut self, literal: &Literal) {
        if literal.closing < literal.quotes {
            self.token = Token::LonelyStringOpen;
        }
        if literal.style == Style::Template {
            if literal.template.braces > 0 {
                self.token = Token::MalformedFstring;
            }
            if 1 + literal.template.interpolations * 4 > MAXIMUM_TEMPLATE_ARGUMENTS {
                self.format_arguments.insert(0, b'(');
                self.format_arguments.push(b')');
            }
        } else {
            let length = self.text.len().saturating_sub(literal.closing);
            self.text.truncate(length);
        }
    }

    fn push_quotes(&mut self, literal: &Literal) {
        for _ in 0..literal.quotes {
            self.text.push(literal.quote);
        }
    }

    /// Reads a character of the literal, or all that belongs to it.
    fn literal_part(&mut self, literal: &mut Literal, byte: u8) -> Result<(), Failure> {
        let template = literal.style == Style::Template;
        if byte == literal.quote {
            literal.closing += 1;
            self.text.push(byte);
        } else if template && byte == b'\n' {
            self.text.extend_from_slice(b"\\n");
        } else {
            literal.closing = 0;
            if self.plain_run(literal.quote) {
                return Ok(());
            }
            let mut byte = byte;
            if byte == b'{' && literal.style != Style::Plain {
                if literal.template.braces > 0 {
                    literal.template.braces += 1;
                } else if self.rules.nested_format_strings {
                    self.open_brace(literal);
                    return Ok(());
                } else {
                    // Up to 1.27 what comes after braces is part of the string, whatever it is: after `{{` that can
                    // be the closing quote.
                    while self.input.peek(0) == b'{' {
                        self.open_brace(literal);
                    }
                    byte = self.input.peek(0);
                    if byte == END {
                        return Ok(());
                    }
                }
            }
            match byte {
                b'\\' if template => self.template_escape(literal.raw),
                b'\\' => self.escape(literal.raw)?,
                b'}' if template => self.template_close_brace(literal),
                // Bytes are copied: source text is not checked for UTF-8.
                _ => self.text.push(byte),
            }
        }
        self.step();
        Ok(())
    }

    /// Takes a run of characters that mean nothing special in any literal.
    fn plain_run(&mut self, quote: u8) -> bool {
        let Some(rest) = self.input.rest() else {
            return false;
        };
        let special = |&byte: &u8| byte == quote || matches!(byte, b'\\' | b'\n' | b'{' | b'}');
        let length = rest.iter().position(special).unwrap_or(rest.len());
        self.text
            .extend_from_slice(rest.get(..length).unwrap_or_default());
        self.input.skip(length);
        length > 0
    }

    /// Reads `{` in an f-string or t-string: doubled, or the start of an expression.
    fn open_brace(&mut self, literal: &mut Literal) {
        self.step();
        if self.input.peek(0) == b'{' {
            // `str.format` understands the doubled brace; a t-string keeps one.
            if literal.style == Style::Format {
                self.text.push(b'{');
            }
            self.step();
        } else {
            self.interpolation(literal);
        }
        self.text.push(b'{');
    }

    /// Collects an expression up to its conversion, format specification or closing brace.
    fn interpolation(&mut self, literal: &mut Literal) {
        let parentheses = self.rules.parenthesised_expressions;
        if parentheses {
            self.format_arguments.push(b'(');
        }
        let start = self.format_arguments.len();
        self.interpolation_expression();

        let debug = self.format_arguments.last() == Some(&b'=');
        if debug {
            let expression = self.format_arguments.get(start..).unwrap_or_default();
            self.text.extend_from_slice(expression);
            self.format_arguments.pop();
        }
        if literal.style == Style::Template {
            while self
                .format_arguments
                .last()
                .is_some_and(|&byte| is_space(byte))
            {
                self.format_arguments.pop();
            }
        }
        if self.format_arguments.len() == start && self.rules.nested_format_strings {
            self.token = Token::MalformedFstring;
        }
        let end = self.format_arguments.len();
        let close: &[u8] = if parentheses { b")," } else { b"," };
        self.format_arguments.extend_from_slice(close);
        if literal.style == Style::Template {
            self.template_interpolation(literal, start..end, debug);
        }
        self.pass_arguments_on();
    }

    /// Puts the arguments of an f-string that stands in the arguments of another after those, as the compilers up to 1.27
    /// do.
    fn pass_arguments_on(&mut self) {
        if self.input.is_inserted() {
            self.input.append(&self.format_arguments);
            self.format_arguments.clear();
        }
    }

    /// Copies the characters of an expression. Only square and curly brackets are counted; quotes
    /// mean nothing here.
    fn interpolation_expression(&mut self) {
        let counts = self.rules.counted_brackets;
        let mut level = 0_u32;
        loop {
            let byte = self.input.peek(0);
            let ends = match byte {
                END => true,
                b':' | b'}' => level == 0,
                b'!' => {
                    level == 0
                        && self.rules.conversions
                        && matches!(self.input.peek(1), b'r' | b's')
                        && matches!(self.input.peek(2), b':' | b'}')
                }
                _ => false,
            };
            if ends {
                return;
            }
            match byte {
                b'[' | b'{' if counts => level = level.wrapping_add(1),
                b']' | b'}' if counts => level = level.wrapping_sub(1),
                _ => {}
            }
            self.format_arguments.push(byte);
            self.step();
        }
    }

    /// Adds the further arguments of an interpolation: expression text and conversion.
    fn template_interpolation(
        &mut self,
        literal: &mut Literal,
        expression: std::ops::Range<usize>,
        debug: bool,
    ) {
        let quote = literal.quote;
        let expression = self
            .format_arguments
            .get(expression)
            .unwrap_or_default()
            .to_vec();
        self.format_arguments.push(quote);
        for byte in expression {
            if byte == quote || byte == b'\\' {
                self.format_arguments.push(b'\\');
            }
            self.format_arguments.push(byte);
        }
        self.format_arguments.extend_from_slice(&[quote, b',']);

        self.push_quotes(literal);
        self.text.push(b',');
        self.push_quotes(literal);

        if self.input.peek(0) == b'!' {
            self.step();
            let conversion = self.input.peek(0);
            self.step();
            self.format_arguments
                .extend_from_slice(&[quote, conversion, quote, b',']);
        } else if debug && self.input.peek(0) != b':' {
            self.format_arguments.extend_from_slice(b"'r',");
        } else {
            self.format_arguments.extend_from_slice(b"None,");
        }
        if self.input.peek(0) == b':' {
            self.step();
        }
        literal.template.braces = 1;
        literal.template.specification = self.text.len();
    }

    /// Keeps a backslash in a t-string: the text is read as a string again later.
    fn template_escape(&mut self, raw: bool) {
        self.text.push(b'\\');
        if raw {
            self.text.push(b'\\');
        } else {
            self.step();
            self.text.push(self.input.peek(0));
        }
    }

    /// Reads `}` in a t-string: the end of a format specification, doubled, or out of place.
    fn template_close_brace(&mut self, literal: &mut Literal) {
        let template = &mut literal.template;
        if template.braces == 0 {
            self.text.push(b'}');
            if self.input.peek(1) == b'}' {
                self.step();
            } else {
                self.token = Token::MalformedFstring;
            }
            return;
        }
        template.braces -= 1;
        if template.braces > 0 {
            template.nested = true;
            self.text.push(b'}');
            return;
        }
        template.interpolations += 1;
        if std::mem::take(&mut template.nested) {
            self.format_arguments.push(b'f');
        }
        self.format_arguments.push(literal.quote);
        // The specification follows the `{` that every interpolation puts into the text.
        let specification = self
            .text
            .get(template.specification + 1..)
            .unwrap_or_default();
        self.format_arguments.extend_from_slice(specification);
        self.text.truncate(template.specification);
        self.format_arguments
            .extend_from_slice(&[literal.quote, b',']);
    }

    /// Reads a backslash escape. Stands on its last character afterwards.
    fn escape(&mut self, raw: bool) -> Result<(), Failure> {
        self.step();
        let byte = self.input.peek(0);
        let mut character = u32::from(byte);
        if raw {
            self.text.push(b'\\');
        } else {
            match byte {
                b'\n' => return Ok(()),
                b'\\' | b'\'' | b'"' => {}
                b'a' => character = 0x07,
                b'b' => character = 0x08,
                b't' => character = 0x09,
                b'n' => character = 0x0a,
                b'v' => character = 0x0b,
                b'f' => character = 0x0c,
                b'r' => character = 0x0d,
                b'u' | b'U' if self.token == Token::Bytes => self.text.push(b'\\'),
                b'x' => character = self.hexadecimal(2),
                b'u' => character = self.hexadecimal(4),
                b'U' => character = self.hexadecimal(8),
                b'N' => return Err(Failure::nowhere(DiagnosticCode::UnicodeNameEscape)),
                b'0'..=b'7' => character = self.octal(byte),
                // An unknown escape keeps its backslash.
                _ => self.text.push(b'\\'),
            }
        }
        match (self.token, u8::try_from(character)) {
            (Token::String, _) if character < 0x11_0000 => self.push_utf8(character),
            (Token::Bytes, Ok(byte)) => self.text.push(byte),
            _ => self.token = Token::Invalid,
        }
        Ok(())
    }

    fn hexadecimal(&mut self, digits: usize) -> u32 {
        let mut number = 0;
        for _ in 0..digits {
            self.step();
            let Some(digit) = char::from(self.input.peek(0)).to_digit(16) else {
                self.token = Token::Invalid;
                return 0;
            };
            number = number << 4 | digit;
        }
        number
    }

    fn octal(&mut self, first: u8) -> u32 {
        let mut number = u32::from(first - b'0');
        for _ in 0..2 {
            let next = self.input.peek(1);
            if !matches!(next, b'0'..=b'7') {
                break;
            }
            self.step();
            number = number * 8 + u32::from(next - b'0');
        }
        number
    }

    /// Adds a code point as UTF-8, surrogates like any other.
    fn push_utf8(&mut self, character: u32) {
        let [_, high, middle, low] = character.to_be_bytes();
        let tail = |bits: u8| 0x80 | (bits & 0x3f);
        let second = tail(middle << 2 | low >> 6);
        match character {
            0..0x80 => self.text.push(low),
            0x80..0x800 => self
                .text
                .extend_from_slice(&[0xc0 | middle << 2 | low >> 6, tail(low)]),
            0x800..0x1_0000 => {
                self.text
                    .extend_from_slice(&[0xe0 | middle >> 4, second, tail(low)]);
            }
            _ => {
                let third = tail(high << 4 | middle >> 4);
                self.text
                    .extend_from_slice(&[0xf0 | high >> 2, third, second, tail(low)]);
            }
        }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}
