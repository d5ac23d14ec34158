//! mpremote's `config.py`, read without running it.
//!
//! Assignments of literals are understood: `commands = {...}` and `commands["name"] = ...`, with comments, adjacent
//! strings, any quotes and prefixes, trailing commas. An entry of `commands` that is no literal costs that entry only.

mod scan;

use std::ops::Range;
use std::path::Path;

use piton::literal::{self, LiteralError, Value};

use self::scan::{Source, Statement};
use super::{Config, Remark, UserShortcut, line_of, split};

/// Words that begin a statement which only Python can run.
const KEYWORDS: &[&str] = &[
    "assert", "async", "class", "def", "del", "elif", "else", "except", "finally", "for", "from",
    "global", "if", "import", "match", "raise", "return", "try", "while", "with",
];

/// Add what the file says to `config`: its shortcuts, and a remark for each place that is not understood.
pub(super) fn read(path: &Path, text: &str, config: &mut Config) {
    let source = scan::scan(text);
    let mut reader = Reader {
        path,
        text,
        source: &source,
        shortcuts: Vec::new(),
        remarks: Vec::new(),
    };
    for (at, what) in &source.errors {
        reader.remark(*at, (*what).to_owned());
    }
    let mut in_block = false;
    for statement in &source.statements {
        match (statement.indented, in_block) {
            // Said already, where the block begins.
            (true, true) => {}
            (true, false) => reader.remark(statement.at.start, "unexpected indentation".to_owned()),
            (false, _) => in_block = !reader.statement(statement),
        }
    }
    let Reader {
        shortcuts, remarks, ..
    } = reader;
    for shortcut in shortcuts {
        config.put(shortcut);
    }
    config.remarks.extend(remarks);
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    source: &'a Source,
    shortcuts: Vec<UserShortcut>,
    remarks: Vec<Remark>,
}

/// Why something is not taken: where, and the reason.
type Refusal = (usize, String);

impl Reader<'_> {
    fn remark(&mut self, at: usize, what: String) {
        let remark = self.at(at, what);
        self.remarks.push(remark);
    }

    fn at(&self, at: usize, what: String) -> Remark {
        Remark {
            file: self.path.to_owned(),
            line: line_of(self.text, at),
            what,
        }
    }

    /// Take a statement; `false` if it is one that a block may belong to.
    fn statement(&mut self, statement: &Statement) -> bool {
        let shape = self.source.shape(&statement.at);
        let word = shape
            .split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
            .next()
            .unwrap_or_default();
        let keyword = KEYWORDS.iter().find(|keyword| keyword.as_bytes() == word);
        if let Some(keyword) = keyword {
            self.remark(statement.at.start, format!("`{keyword}` needs Python"));
            return false;
        }
        if shape.starts_with(b"@") {
            self.remark(statement.at.start, "a decorator needs Python".to_owned());
            return false;
        }
        if let Err((at, what)) = self.simple(&statement.at) {
            self.remark(at, what);
        }
        true
    }

    /// Take an assignment, or a statement that does nothing.
    fn simple(&mut self, at: &Range<usize>) -> Result<(), Refusal> {
        let shape = self.source.shape(at);
        if shape == b"pass" {
            return Ok(());
        }
        let mut parts = self.source.split_at_equals(at);
        let Some(value) = parts.pop() else {
            return Ok(());
        };
        if parts.is_empty() {
            // A text that describes the file, most likely.
            return self.value(&value).map(|_| ());
        }
        for target in parts {
            // `name: type = value`
            let target = self.source.before_colon(&target);
            let name = self.source.shape(&target);
            if name == b"commands" {
                self.shortcuts.clear();
                self.commands(&value)?;
            } else if let Some(key) = self.source.subscript(&target, b"commands") {
                self.entry(&key, &value);
            } else if is_name(name) {
                self.value(&value)?;
            } else {
                return Err((target.start, "expected a name before `=`".to_owned()));
            }
        }
        Ok(())
    }

    /// Take the dict of commands, entry by entry.
    fn commands(&mut self, at: &Range<usize>) -> Result<(), Refusal> {
        let Some(inside) = self.source.braces(at) else {
            let what = "`commands` is no dict literal: piton reads this file without Python";
            return Err((at.start, what.to_owned()));
        };
        for entry in self.source.split_at_commas(&inside) {
            match self.source.split_at_colon(&entry) {
                Some((key, value)) => self.entry(&key, &value),
                None => self.remark(
                    entry.start,
                    "expected `\"name\": command` in `commands`".to_owned(),
                ),
            }
        }
        Ok(())
    }

    /// Take one command.
    fn entry(&mut self, key: &Range<usize>, value: &Range<usize>) {
        let signature = match self.value(key) {
            Ok(Value::Str(signature)) => signature,
            Ok(_) => {
                return self.remark(key.start, "the name of a command must be a string".into());
            }
            Err((at, what)) => return self.remark(at, what),
        };
        let meaning = self
            .value(value)
            .and_then(|meaning| meaning_of(meaning).map_err(|what| (value.start, what.to_owned())));
        let (words, help) = match meaning {
            Ok((words, help)) => (Ok(words), help),
            Err((at, what)) => {
                let remark = self.at(at, format!("command `{signature}`: {what}"));
                self.remarks.push(remark.clone());
                (Err(remark), String::new())
            }
        };
        let Some(shortcut) = UserShortcut::new(&signature, words, &help) else {
            return self.remark(key.start, "a command needs a name".to_owned());
        };
        self.shortcuts.retain(|old| old.name != shortcut.name);
        self.shortcuts.push(shortcut);
    }

    /// What stands at a place, as far as it helps to find it.
    fn excerpt(&self, at: usize, end: usize) -> String {
        const LENGTH: usize = 40;
        let rest = String::from_utf8_lossy(self.source.text(&(at..end)));
        let line = rest.lines().next().unwrap_or_default();
        match line.trim() {
            "" => "the end".to_owned(),
            line => format!("`{}`", line.chars().take(LENGTH).collect::<String>()),
        }
    }

    /// The value of a literal.
    fn value(&self, at: &Range<usize>) -> Result<Value, Refusal> {
        if let Some((at, what)) = self.source.unreadable_in(at) {
            return Err((at, what.to_owned()));
        }
        literal::parse(self.source.text(at)).map_err(|error| match error {
            LiteralError::Syntax {
                at: inside,
                expected,
                ..
            } => {
                let expected = match expected {
                    "the end" => "nothing more after the literal",
                    other => other,
                };
                let place = at.start + inside;
                let what = format!("expected {expected}, found {}", self.excerpt(place, at.end));
                (place, what)
            }
            LiteralError::TooDeep { at: inside, .. } | LiteralError::NotText { at: inside } => {
                (at.start + inside, error.to_string())
            }
            _ => (at.start, error.to_string()),
        })
    }
}

/// The words and the help of an entry of `commands`.
fn meaning_of(value: Value) -> Result<(Vec<String>, String), &'static str> {
    let Value::Dict(items) = value else {
        return Ok((words_of(value)?, String::new()));
    };
    let mut words = None;
    let mut help = String::new();
    for (key, value) in items {
        match (key, value) {
            (Value::Str(key), value) if key == "command" => words = Some(words_of(value)?),
            (Value::Str(key), Value::Str(text)) if key == "help" => help = text,
            (Value::Str(key), _) if key == "help" => return Err("its `help` must be a string"),
            // mpremote looks at no other keys.
            _ => {}
        }
    }
    Ok((words.ok_or("its dict lacks `command`")?, help))
}

fn words_of(value: Value) -> Result<Vec<String>, &'static str> {
    const EXPECTED: &str =
        "expected a string, a list of strings, or a dict with `command` and `help`";
    match value {
        Value::Str(command) => Ok(split(&command)),
        Value::List(words) | Value::Tuple(words) => words
            .into_iter()
            .map(|word| match word {
                Value::Str(word) => Ok(word),
                _ => Err(EXPECTED),
            })
            .collect(),
        _ => Err(EXPECTED),
    }
}

fn is_name(text: &[u8]) -> bool {
    let letters = text
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80);
    letters && text.first().is_some_and(|byte| !byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
