//! Parsing text to nodes: a flat list in the order of the text, from which [`Value`]s and serde read.

use std::borrow::Cow;

use super::error::LiteralError;
use super::int::Int;
use super::value::Value;
use super::{number, string};

/// Maximum depth of nested brackets: much more than a board prints, and much less than the stack of a thread allows.
pub const DEPTH_LIMIT: usize = 256;

/// Reads one Python literal. White space around it is skipped.
///
/// # Errors
///
/// [`LiteralError`] has the offset of the first byte that no literal has there, and what was expected.
pub fn parse(text: &[u8]) -> Result<Value, LiteralError> {
    Value::from_nodes(&mut nodes(text)?.into_iter())
}

/// A part of the text and its meaning.
#[derive(Debug)]
pub(super) struct Node<'a> {
    /// Offset of its first byte.
    pub(super) at: usize,
    /// Offset after its last byte.
    pub(super) end: usize,
    pub(super) token: Token<'a>,
}

#[derive(Debug)]
pub(super) enum Token<'a> {
    None,
    Ellipsis,
    Bool(bool),
    Int(Int),
    Float(f64),
    Complex {
        real: f64,
        imaginary: f64,
    },
    Str(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
    ByteArray(Cow<'a, [u8]>),
    /// A bracket. `items` items follow: in a dict two nodes each, key and value; in an attribute tuple the name as a `Str`,
    /// and the value.
    Open {
        shape: Shape,
        items: usize,
    },
    /// Parentheses without a meaning around one value, which follows.
    Group,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Tuple,
    NamedTuple,
    List,
    Dict,
    Set,
    FrozenSet,
    /// An `array.array`, with its type code.
    Array(u8),
}

/// Parses the whole `text` to nodes. They are well formed: each `Open` and `Group` is followed by its items.
pub(super) fn nodes(text: &[u8]) -> Result<Vec<Node<'_>>, LiteralError> {
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
        nodes: Vec::new(),
    };
    parser.value()?;
    parser.skip_space();
    match parser.at == text.len() {
        true => Ok(parser.nodes),
        false => Err(parser.expected("the end")),
    }
}

pub(super) struct Parser<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
    depth: usize,
    nodes: Vec<Node<'a>>,
}

impl<'a> Parser<'a> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Returns the remaining text.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Skips the next byte if it is `wanted`. Returns whether it was.
    pub(super) fn take(&mut self, wanted: u8) -> bool {
        let is_next = self.peek() == Some(wanted);
        self.at += usize::from(is_next);
        is_next
    }

    /// Skips the bytes of one kind and returns them.
    pub(super) fn take_while(&mut self, kind: fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().take_while(|byte| kind(**byte)).count();
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    pub(super) fn skip_space(&mut self) {
        self.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x0c));
    }

    /// Returns the error for the current offset.
    pub(super) fn expected(&self, expected: &'static str) -> LiteralError {
        const EXCERPT: usize = 20;
        let rest = self.rest();
        LiteralError::Syntax {
            at: self.at,
            expected,
            found: match rest.get(..EXCERPT).unwrap_or(rest) {
                [] => "the end".to_owned(),
                excerpt => format!("`{}`", excerpt.escape_ascii()),
            },
        }
    }

    fn push(&mut self, at: usize, token: Token<'a>) {
        let end = self.at;
        self.nodes.push(Node { at, end, token });
    }

    /// Parses any value, with white space in front.
    fn value(&mut self) -> Result<(), LiteralError> {
        self.skip_space();
        let at = self.at;
        match self.peek() {
            Some(b'(') => self.nested(Parser::parentheses),
            Some(b'[') => self.nested(|parser| {
                let open = parser.open(Shape::List);
                let items = parser.items(0, b']', Parser::value)?;
                parser.close(open, Shape::List, items);
                Ok(())
            }),
            Some(b'{') => self.nested(Parser::braces),
            Some(b'\'' | b'"') => self.strings(),
            Some(b'0'..=b'9' | b'+' | b'-') => self.number(),
            Some(b'.') if self.rest().starts_with(b"...") => {
                self.at += 3;
                self.push(at, Token::Ellipsis);
                Ok(())
            }
            Some(b'.') => self.number(),
            Some(byte) if is_name(byte) || byte >= 0x80 => self.name(),
            _ => Err(self.expected("a value")),
        }
    }

    /// Runs `inside` one level deeper.
    fn nested(
        &mut self,
        inside: impl FnOnce(&mut Parser<'a>) -> Result<(), LiteralError>,
    ) -> Result<(), LiteralError> {
        if self.depth == DEPTH_LIMIT {
            return Err(LiteralError::TooDeep {
                at: self.at,
                limit: DEPTH_LIMIT,
            });
        }
        self.depth += 1;
        inside(self)?;
        self.depth -= 1;
        Ok(())
    }

    /// Skips the opening bracket and adds a node for it. Returns the node's index.
    fn open(&mut self, shape: Shape) -> usize {
        let at = self.at;
        self.at += 1;
        self.push(at, Token::Open { shape, items: 0 });
        self.nodes.len() - 1
    }

    /// Sets the final shape, number of items and end of the node at index `open`.
    fn close(&mut self, open: usize, shape: Shape, items: usize) {
        self.finish(open, Token::Open { shape, items });
    }

    fn finish(&mut self, open: usize, token: Token<'a>) {
        let end = self.at;
        if let Some(node) = self.nodes.get_mut(open) {
            node.token = token;
            node.end = end;
        }
    }

    /// Parses items up to `closing`, which is skipped too. `seen` items are parsed already. A comma may follow the last
    /// item.
    fn items(
        &mut self,
        seen: usize,
        closing: u8,
        item: fn(&mut Parser<'a>) -> Result<(), LiteralError>,
    ) -> Result<usize, LiteralError> {
        let mut items = seen;
        loop {
            self.skip_space();
            if items > 0 {
                let comma = self.take(b',');
                self.skip_space();
                if !comma && self.peek() != Some(closing) {
                    return Err(self.expected(match closing {
                        b')' => "`,` or `)`",
                        b']' => "`,` or `]`",
                        _ => "`,` or `}`",
                    }));
                }
            }
            if self.take(closing) {
                return Ok(items);
            }
            item(self)?;
            items += 1;
        }
    }

    /// Parses a tuple, an attribute tuple, or one value in parentheses.
    fn parentheses(&mut self) -> Result<(), LiteralError> {
        let open = self.open(Shape::Tuple);
        self.skip_space();
        if self.take(b')') {
            self.close(open, Shape::Tuple, 0);
            return Ok(());
        }
        if self.at_field() {
            return self.fields(open);
        }
        self.value()?;
        self.skip_space();
        if self.take(b')') {
            self.finish(open, Token::Group);
            return Ok(());
        }
        let items = self.items(1, b')', Parser::value)?;
        self.close(open, Shape::Tuple, items);
        Ok(())
    }

    /// Returns whether the next characters are `name=`.
    fn at_field(&self) -> bool {
        let rest = self.rest();
        let name = rest.iter().take_while(|byte| is_name(**byte)).count();
        name > 0 && rest.get(name) == Some(&b'=')
    }

    /// Parses `name=value` items, as MicroPython prints its attribute tuples and named tuples.
    fn fields(&mut self, open: usize) -> Result<(), LiteralError> {
        let items = self.items(0, b')', |parser| {
            let at = parser.at;
            let name = parser.take_while(is_name);
            if name.is_empty() || parser.peek() != Some(b'=') {
                parser.at = at;
                return Err(parser.expected("a field's name and `=`"));
            }
            // The names consist of ASCII letters, digits and underscores.
            let name = std::str::from_utf8(name).unwrap_or_default();
            parser.push(at, Token::Str(Cow::Borrowed(name)));
            parser.at += 1;
            parser.value()
        })?;
        self.close(open, Shape::NamedTuple, items);
        Ok(())
    }

    /// Parses a dict or a set.
    fn braces(&mut self) -> Result<(), LiteralError> {
        let open = self.open(Shape::Dict);
        self.skip_space();
        if self.take(b'}') {
            self.close(open, Shape::Dict, 0);
            return Ok(());
        }
        self.value()?;
        self.skip_space();
        if self.take(b':') {
            self.value()?;
            let items = self.items(1, b'}', |parser| {
                parser.value()?;
                parser.skip_space();
                match parser.take(b':') {
                    true => parser.value(),
                    false => Err(parser.expected("`:`")),
                }
            })?;
            self.close(open, Shape::Dict, items);
        } else {
            let items = self.items(1, b'}', Parser::value)?;
            self.close(open, Shape::Set, items);
        }
        Ok(())
    }

    /// Parses a number, or the sum of a real and an imaginary number.
    fn number(&mut self) -> Result<(), LiteralError> {
        let at = self.at;
        let first = number::signed(self)?;
        let behind_first = self.at;
        self.skip_space();
        if !first.imaginary && matches!(self.peek(), Some(b'+' | b'-')) {
            let at_sign = self.at;
            let second = number::signed(self)?;
            if !second.imaginary {
                self.at = at_sign;
                return Err(self.expected("an imaginary number"));
            }
            let real = first.to_f64();
            let imaginary = second.to_f64();
            self.push(at, Token::Complex { real, imaginary });
            return Ok(());
        }
        self.at = behind_first;
        self.push(at, first.into_token());
        Ok(())
    }

    /// Parses one string, or adjacent strings, which are one value.
    fn strings(&mut self) -> Result<(), LiteralError> {
        let at = self.at;
        let mut token = string::string(self)?;
        let mut end = self.at;
        loop {
            self.skip_space();
            if !string::starts_here(self) {
                break;
            }
            let at_next = self.at;
            match (&mut token, string::string(self)?) {
                (Token::Str(left), Token::Str(right)) => left.to_mut().push_str(&right),
                (Token::Bytes(left), Token::Bytes(right)) => {
                    left.to_mut().extend_from_slice(&right);
                }
                _ => {
                    self.at = at_next;
                    return Err(self.expected("a string of the same kind"));
                }
            }
            end = self.at;
        }
        self.at = end;
        self.push(at, token);
        Ok(())
    }

    /// Parses a constant, a call such as `set()`, or a string with a prefix.
    fn name(&mut self) -> Result<(), LiteralError> {
        if string::starts_here(self) {
            return self.strings();
        }
        let at = self.at;
        let token = match self.take_while(is_name) {
            b"None" => Token::None,
            b"True" => Token::Bool(true),
            b"False" => Token::Bool(false),
            b"Ellipsis" => Token::Ellipsis,
            b"inf" | b"nan" | b"infj" | b"nanj" => {
                self.at = at;
                return self.number();
            }
            name => {
                let name_end = self.at;
                self.skip_space();
                if self.peek() != Some(b'(') || name.is_empty() {
                    self.at = at;
                    return Err(self.expected("a value"));
                }
                // `float(...)` may be the first half of a complex number.
                if name == b"float" {
                    self.at = at;
                    return self.number();
                }
                self.at = name_end;
                return self.nested(|parser| parser.call(at, name));
            }
        };
        self.push(at, token);
        Ok(())
    }

    /// Parses `name(...)`, for the few calls that represent values.
    fn call(&mut self, at: usize, name: &[u8]) -> Result<(), LiteralError> {
        self.skip_space();
        let open = self.open(Shape::Tuple);
        self.skip_space();
        if self.at_field() {
            return self.fields(open);
        }
        const KNOWN: [&[u8]; 9] = [
            b"set",
            b"frozenset",
            b"bytearray",
            b"OrderedDict",
            b"complex",
            b"array",
            b"dict_keys",
            b"dict_values",
            b"dict_items",
        ];
        if !KNOWN.contains(&name) {
            self.at = at;
            return Err(self.expected("a value"));
        }
        let items = self.items(0, b')', Parser::value)?;
        let known = match (name, items) {
            (b"set", 0) => Some(Token::Open {
                shape: Shape::Set,
                items: 0,
            }),
            (b"frozenset", 0) => Some(Token::Open {
                shape: Shape::FrozenSet,
                items: 0,
            }),
            (b"bytearray", 0) => Some(Token::ByteArray(Cow::Borrowed(b""))),
            (b"array", 1 | 2) => self.array(open, items),
            (_, 1) => {
                self.nodes.remove(open);
                self.converted(open, name)
            }
            (b"complex", 2) => self.complex(open),
            _ => None,
        };
        match known {
            Some(token) => {
                self.finish(open, token);
                if let Some(node) = self.nodes.get_mut(open) {
                    node.at = at;
                }
                Ok(())
            }
            None => {
                self.at = at;
                Err(self.expected("a value"))
            }
        }
    }

    /// Returns the token for a call of `name` with one argument, the node at index `place`.
    fn converted(&mut self, place: usize, name: &[u8]) -> Option<Token<'a>> {
        let argument = std::mem::replace(&mut self.nodes.get_mut(place)?.token, Token::None);
        match (name, argument) {
            (b"bytearray", Token::Bytes(bytes)) => Some(Token::ByteArray(bytes)),
            (
                b"set" | b"frozenset",
                Token::Open {
                    shape: Shape::Set | Shape::List | Shape::Tuple,
                    items,
                },
            ) => Some(Token::Open {
                shape: match name {
                    b"set" => Shape::Set,
                    _ => Shape::FrozenSet,
                },
                items,
            }),
            (
                b"dict_keys" | b"dict_values" | b"dict_items",
                Token::Open {
                    shape: Shape::List,
                    items,
                },
            ) => Some(Token::Open {
                shape: Shape::List,
                items,
            }),
            (
                b"OrderedDict",
                Token::Open {
                    shape: Shape::Dict,
                    items,
                },
            ) => Some(Token::Open {
                shape: Shape::Dict,
                items,
            }),
            _ => None,
        }
    }

    /// Returns the array of the nodes after index `open`: a type code, and a list if there is one.
    fn array(&mut self, open: usize, arguments: usize) -> Option<Token<'a>> {
        let typecode = match &self.nodes.get(open + 1)?.token {
            Token::Str(text) => match text.as_bytes() {
                [typecode] if typecode.is_ascii_alphabetic() => *typecode,
                _ => return None,
            },
            _ => return None,
        };
        let items = match self.nodes.get(open + 2).map(|node| &node.token) {
            None if arguments == 1 => 0,
            Some(Token::Open {
                shape: Shape::List,
                items,
            }) if arguments == 2 => *items,
            _ => return None,
        };
        // The type code becomes part of the shape, and the node of the call replaces that of the list.
        self.nodes.drain(open + 1..open + 1 + arguments);
        Some(Token::Open {
            shape: Shape::Array(typecode),
            items,
        })
    }

    /// Removes the two numbers after the node at index `open`, and returns them as one complex number.
    fn complex(&mut self, open: usize) -> Option<Token<'a>> {
        let part = |node: Option<&Node<'a>>| match node.map(|node| &node.token) {
            Some(Token::Float(number)) => Some(*number),
            Some(Token::Int(number)) => Some(number.to_f64()),
            _ => None,
        };
        if self.nodes.len() != open + 3 {
            return None;
        }
        let real = part(self.nodes.get(open + 1))?;
        let imaginary = part(self.nodes.get(open + 2))?;
        self.nodes.truncate(open + 1);
        Some(Token::Complex { real, imaginary })
    }
}

pub(super) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
