//! `json`: reading.

use std::rc::Rc;

use super::super::interpreter::Interpreter;
use super::super::value::{Arguments, Dict, Module, Native, Outcome, Throw, Value};

static FUNCTIONS: &[Native] = &[
    Native {
        name: "loads",
        call: |_, arguments| loads(arguments),
    },
    Native {
        name: "load",
        call: load,
    },
];

pub(super) fn make() -> Rc<Module> {
    super::module("json", false, super::functions(FUNCTIONS))
}

fn load(interpreter: &mut Interpreter, arguments: Arguments) -> Outcome {
    let [file] = arguments.bind("load", ["fp"], 1)?;
    let read = interpreter.attribute(&file.unwrap_or(Value::None), "read")?;
    let text = interpreter.call(&read, Arguments::default())?;
    loads(Arguments::of(vec![text]))
}

fn loads(arguments: Arguments) -> Outcome {
    let [text] = arguments.bind("loads", ["s"], 1)?;
    let Some(Value::Text(text)) = text else {
        return Err(Throw::unsupported("json.loads of bytes"));
    };
    let mut reader = Reader {
        text: &text,
        at: 0,
        depth: 0,
    };
    reader.space();
    let value = reader.value()?;
    reader.space();
    if reader.at < text.len() {
        return Err(reader.error("Extra data", reader.at));
    }
    Ok(value)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    fn error(&self, message: &str, at: usize) -> Throw {
        let before = self.text.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before
            .chars()
            .rev()
            .take_while(|character| *character != '\n')
            .count()
            + 1;
        let characters = before.chars().count();
        Throw::new(
            "JSONDecodeError",
            format!("{message}: line {line} column {column} (char {characters})"),
        )
    }

    fn value(&mut self) -> Outcome {
        self.depth += 1;
        if self.depth > 200 {
            return Err(Throw::new(
                "RecursionError",
                "maximum recursion depth exceeded",
            ));
        }
        let value = self.any();
        self.depth -= 1;
        value
    }

    fn any(&mut self) -> Outcome {
        for (word, value) in [
            ("null", Value::None),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
        ] {
            if self.take(word) {
                return Ok(value);
            }
        }
        let start = self.at;
        match self.rest().chars().next() {
            Some('"') => self.string().map(Value::text),
            Some('[') => self.array(),
            Some('{') => self.object(),
            Some('-' | '0'..='9') => {
                let rest = self.rest();
                let length = rest
                    .find(|character: char| {
                        !character.is_ascii_digit()
                            && !matches!(character, '-' | '+' | '.' | 'e' | 'E')
                    })
                    .unwrap_or(rest.len());
                let text = rest.get(..length).unwrap_or_default().to_owned();
                self.at += length;
                let number = if text.contains(['.', 'e', 'E']) {
                    text.parse().map(Value::Float).ok()
                } else {
                    text.parse().map(Value::Int).ok()
                };
                number.ok_or_else(|| Throw::unsupported("a number of JSON"))
            }
            _ => Err(self.error("Expecting value", start)),
        }
    }

    fn array(&mut self) -> Outcome {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.take("]") {
            return Ok(Value::list(items));
        }
        loop {
            self.space();
            items.push(self.value()?);
            self.space();
            if self.take("]") {
                return Ok(Value::list(items));
            }
            if !self.take(",") {
                return Err(self.error("Expecting ',' delimiter", self.at));
            }
        }
    }

    fn object(&mut self) -> Outcome {
        self.at += 1;
        let mut dict = Dict::default();
        self.space();
        if self.take("}") {
            return Ok(Value::dict(dict));
        }
        loop {
            self.space();
            if !self.rest().starts_with('"') {
                return Err(
                    self.error("Expecting property name enclosed in double quotes", self.at)
                );
            }
            let key = self.string()?;
            self.space();
            if !self.take(":") {
                return Err(self.error("Expecting ':' delimiter", self.at));
            }
            self.space();
            let value = self.value()?;
            dict.insert(Value::text(key), value)?;
            self.space();
            if self.take("}") {
                return Ok(Value::dict(dict));
            }
            if !self.take(",") {
                return Err(self.error("Expecting ',' delimiter", self.at));
            }
        }
    }

    fn string(&mut self) -> Result<String, Throw> {
        let start = self.at;
        self.at += 1;
        let mut output = String::new();
        loop {
            let Some(character) = self.rest().chars().next() else {
                return Err(self.error("Unterminated string starting at", start));
            };
            self.at += character.len_utf8();
            match character {
                '"' => return Ok(output),
                '\\' => {
                    let escape = self.rest().chars().next().unwrap_or('"');
                    self.at += escape.len_utf8();
                    output.push(match escape {
                        'n' => '\n',
                        't' => '\t',
                        'r' => '\r',
                        'b' => '\x08',
                        'f' => '\x0c',
                        'u' => {
                            let digits = self.rest().get(..4).unwrap_or_default();
                            let code = u32::from_str_radix(digits, 16)
                                .ok()
                                .and_then(char::from_u32);
                            self.at += digits.len();
                            code.ok_or_else(|| Throw::unsupported("an escape of JSON"))?
                        }
                        other => other,
                    });
                }
                other if other < ' ' => {
                    return Err(self.error("Invalid control character at", self.at - 1));
                }
                other => output.push(other),
            }
        }
    }
}
