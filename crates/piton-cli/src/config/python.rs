//! mpremote's `config.py`, read without running it.
//!
//! Assignments of literals are understood: `commands = {...}` and `commands["name"] = ...`, and names of other literals in
//! them. An entry of `commands` that only Python can evaluate costs that entry only.

use std::path::Path;

use piton::syntax::script::{
    self, Expression, ExpressionKind, Names, Statement, StatementKind, Value,
};

use super::{Config, Remark, UserShortcut, split};

/// Adds the file's shortcuts to `config`, and a remark for each place that is not read.
pub(super) fn read(path: &Path, text: &str, config: &mut Config) {
    let mut reader = Reader {
        path,
        names: Names::new(),
        shortcuts: Vec::new(),
        remarks: Vec::new(),
    };
    for statement in script::read(text.as_bytes()) {
        if let Err(refusal) = reader.statement(&statement) {
            // A statement that is not read may assign to any name.
            reader.names.clear();
            reader.remark(refusal);
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
    /// The names with a known value.
    names: Names,
    shortcuts: Vec<UserShortcut>,
    remarks: Vec<Remark>,
}

/// Why a statement is not read: the line, and the reason.
type Refusal = (u32, String);

impl Reader<'_> {
    fn remark(&mut self, refusal: Refusal) {
        let remark = self.at(refusal);
        self.remarks.push(remark);
    }

    fn at(&self, (line, reason): Refusal) -> Remark {
        Remark {
            file: self.path.to_owned(),
            line: usize::try_from(line).unwrap_or(usize::MAX),
            reason,
        }
    }

    /// Reads an assignment, or a statement without effect.
    fn statement(&mut self, statement: &Statement) -> Result<(), Refusal> {
        match &statement.kind {
            StatementKind::Nothing => Ok(()),
            StatementKind::Assignment { targets, value } => targets
                .iter()
                .try_for_each(|target| self.assignment(target, value)),
            // A docstring, most likely.
            StatementKind::Expression(expression) => self.value(expression).map(|_| ()),
            StatementKind::Keyword(keyword) => {
                Err((statement.line, format!("`{keyword}` needs Python")))
            }
            StatementKind::Decorator => {
                Err((statement.line, "a decorator needs Python".to_owned()))
            }
            StatementKind::Unreadable(problem) => Err((problem.line, problem.kind.to_string())),
        }
    }

    fn assignment(&mut self, target: &Expression, value: &Expression) -> Result<(), Refusal> {
        match &target.kind {
            ExpressionKind::Name(name) if name == "commands" => {
                self.shortcuts.clear();
                self.commands(value)
            }
            ExpressionKind::Subscript(base, key) if base.as_name() == Some("commands") => {
                self.entry(key, value);
                Ok(())
            }
            ExpressionKind::Name(name) => {
                let value = self.value(value)?;
                self.names.insert(name.clone(), value);
                Ok(())
            }
            _ => Err((target.line, "expected a name before `=`".to_owned())),
        }
    }

    /// Reads the dict of commands, entry by entry.
    fn commands(&mut self, commands: &Expression) -> Result<(), Refusal> {
        let expected = || "expected `\"name\": command` in `commands`".to_owned();
        match &commands.kind {
            ExpressionKind::Dict(items) => {
                for item in items {
                    match &item.value {
                        Some(value) => self.entry(&item.key, value),
                        None => self.remark((item.key.line, expected())),
                    }
                }
            }
            ExpressionKind::Set(items) => {
                for item in items {
                    self.remark((item.line, expected()));
                }
            }
            _ => {
                let reason =
                    "`commands` is not a dict literal: piton reads this file without Python";
                return Err((commands.line, reason.to_owned()));
            }
        }
        Ok(())
    }

    /// Reads one command.
    fn entry(&mut self, key: &Expression, value: &Expression) {
        let signature = match self.value(key) {
            Ok(Value::Text(signature)) => signature,
            Ok(_) => {
                return self.remark((key.line, "the name of a command must be a string".into()));
            }
            Err(refusal) => return self.remark(refusal),
        };
        let meaning = self.value(value).and_then(|meaning| {
            meaning_of(meaning).map_err(|reason| (value.line, reason.to_owned()))
        });
        let (words, help) = match meaning {
            Ok((words, help)) => (Ok(words), help),
            Err((line, reason)) => {
                let remark = self.at((line, format!("command `{signature}`: {reason}")));
                self.remarks.push(remark.clone());
                (Err(remark), String::new())
            }
        };
        let Some(shortcut) = UserShortcut::new(&signature, words, &help) else {
            return self.remark((key.line, "a command needs a name".to_owned()));
        };
        self.shortcuts.retain(|old| old.name != shortcut.name);
        self.shortcuts.push(shortcut);
    }

    fn value(&self, expression: &Expression) -> Result<Value, Refusal> {
        let value = expression.value(&self.names);
        value.map_err(|problem| (problem.line, problem.kind.to_string()))
    }
}

/// Returns the words and the help of an entry of `commands`.
fn meaning_of(value: Value) -> Result<(Vec<String>, String), &'static str> {
    let Value::Dict(items) = value else {
        return Ok((words_of(value)?, String::new()));
    };
    let mut words = None;
    let mut help = String::new();
    for (key, value) in items {
        match (key, value) {
            (Value::Text(key), value) if key == "command" => words = Some(words_of(value)?),
            (Value::Text(key), Value::Text(text)) if key == "help" => help = text,
            (Value::Text(key), _) if key == "help" => return Err("its `help` must be a string"),
            // mpremote ignores other keys.
            _ => {}
        }
    }
    Ok((words.ok_or("its dict has no `command`")?, help))
}

fn words_of(value: Value) -> Result<Vec<String>, &'static str> {
    const EXPECTED: &str =
        "expected a string, a list of strings, or a dict with `command` and `help`";
    match value {
        Value::Text(command) => Ok(split(&command)),
        Value::List(words) | Value::Tuple(words) => words
            .into_iter()
            .map(|word| match word {
                Value::Text(word) => Ok(word),
                _ => Err(EXPECTED),
            })
            .collect(),
        _ => Err(EXPECTED),
    }
}

#[cfg(test)]
mod tests;
