//! `config.toml`: shortcuts as in mpremote's file, and names for boards.

use std::path::Path;

use toml_edit::{Document, Item, Table, TableLike, TomlError, Value};

use piton::board_names::{BoardNames, BoardNamesError};

use super::{Config, Parameter, Remark, UserShortcut, line_of, split};

/// Adds the file's settings to `config`.
///
/// # Errors
///
/// The first place that is not valid.
pub(super) fn read(path: &Path, text: &str, config: &mut Config) -> Result<(), Remark> {
    let file = File { path, text };
    config.boards = BoardNames::parse(path, text).map_err(remark_of)?;
    let document = Document::parse(text).map_err(|error| file.syntax(&error))?;
    let table = document.as_table();
    for (key, item) in table {
        match key {
            "commands" => file.commands(item, config)?,
            "board" | "boards" | "groups" => {}
            _ => {
                let reason = format!(
                    "`{key}` is not a setting; expected `board`, `boards`, `groups` or `commands`"
                );
                return Err(file.at_key(table, key, reason));
            }
        }
    }
    Ok(())
}

/// Returns what is said about names of boards as all of the file is.
fn remark_of(error: BoardNamesError) -> Remark {
    match error {
        BoardNamesError::Invalid { path, line, reason } => Remark {
            file: path,
            line,
            reason,
        },
        // The text was read before.
        BoardNamesError::Read { path, source } => Remark {
            file: path,
            line: 1,
            reason: source.to_string(),
        },
    }
}

struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    fn commands(&self, item: &Item, config: &mut Config) -> Result<(), Remark> {
        let table = self.table(item, "`commands`")?;
        for (signature, item) in table.iter() {
            let subject = format!("command `{signature}`");
            let mut shortcut = UserShortcut::new(signature, Ok(Vec::new()), "")
                .ok_or_else(|| self.at(item, "a command needs a name".to_owned()))?;
            shortcut.words = Ok(match item.as_table_like() {
                Some(table) => {
                    for (key, _) in table.iter() {
                        if !["command", "help", "params"].contains(&key) {
                            let reason = format!(
                                "{subject}: `{key}` is not a setting; expected `command`, `help` or `params`"
                            );
                            return Err(self.at(item, reason));
                        }
                    }
                    if let Some(help) = table.get("help") {
                        self.text_of(help, &format!("`help` of {subject}"))?
                            .clone_into(&mut shortcut.help);
                    }
                    if let Some(parameters) = table.get("params") {
                        let subject = format!("`params` of {subject}");
                        let parameters = self.words(parameters, &subject)?;
                        shortcut
                            .parameters
                            .extend(parameters.iter().map(|text| Parameter::new(text)));
                    }
                    let command = table
                        .get("command")
                        .ok_or_else(|| self.at(item, format!("{subject} lacks `command`")))?;
                    self.words(command, &subject)?
                }
                None => self.words(item, &subject)?,
            });
            config.put(shortcut);
        }
        Ok(())
    }

    /// Returns a string of words, or an array of them.
    fn words(&self, item: &Item, subject: &str) -> Result<Vec<String>, Remark> {
        if let Some(text) = item.as_str() {
            return Ok(split(text));
        }
        let words = item.as_array().and_then(|array| {
            let words = array
                .iter()
                .map(|word| word.as_str().map(ToOwned::to_owned));
            words.collect::<Option<Vec<String>>>()
        });
        words.ok_or_else(|| {
            self.at(
                item,
                format!("{subject} must be a string or an array of strings"),
            )
        })
    }

    fn table<'i>(&self, item: &'i Item, subject: &str) -> Result<&'i dyn TableLike, Remark> {
        item.as_table_like()
            .ok_or_else(|| self.at(item, format!("{subject} must be a table")))
    }

    fn text_of<'i>(&self, item: &'i Item, subject: &str) -> Result<&'i str, Remark> {
        item.as_str()
            .ok_or_else(|| self.at(item, format!("{subject} must be a string")))
    }

    fn at(&self, item: &Item, reason: String) -> Remark {
        let span = item
            .span()
            .or_else(|| item.as_value().and_then(Value::span));
        self.remark(span.map_or(0, |span| span.start), reason)
    }

    fn at_key(&self, table: &Table, key: &str, reason: String) -> Remark {
        let span = table.get_key_value(key).and_then(|(key, _)| key.span());
        self.remark(span.map_or(0, |span| span.start), reason)
    }

    fn syntax(&self, error: &TomlError) -> Remark {
        let at = error.span().map_or(0, |span| span.start);
        self.remark(at, error.message().to_owned())
    }

    fn remark(&self, at: usize, reason: String) -> Remark {
        Remark {
            file: self.path.to_owned(),
            line: line_of(self.text, at),
            reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> String {
        let mut config = Config::default();
        match read(Path::new("config.toml"), text, &mut config) {
            Err(remark) => remark.to_string(),
            Ok(()) => {
                let mut lines: Vec<String> = config
                    .shortcuts
                    .iter()
                    .map(|shortcut| {
                        let words = shortcut.words.as_ref().unwrap();
                        format!("{}: {words:?} # {}", shortcut.signature(), shortcut.help)
                    })
                    .collect();
                let boards = config.boards.boards().iter();
                lines.extend(boards.map(|(name, board)| format!("{name} -> {board}")));
                lines.extend(
                    config
                        .boards
                        .default_board()
                        .iter()
                        .map(|board| format!("default {board}")),
                );
                lines.join("\n")
            }
        }
    }

    #[test]
    fn all_that_can_be_set() {
        insta::assert_snapshot!(check(r#"
board = "bench"
[boards]
kitchen = "id:334D335C3138"
bench = "rfc2217://10.0.0.7:2217"
[commands]
blink = "run blink.py"
"go n=1" = ["exec", "print('a b', n)"]
[commands.double]
command = "eval x*2"
params = ["x=4", "y"]
help = "Twice x"
"#), @"
        blink: [\"run\", \"blink.py\"] # 
        go n=1: [\"exec\", \"print('a b', n)\"] # 
        double x=4 y: [\"eval\", \"x*2\"] # Twice x
        kitchen -> id:334D335C3138
        bench -> rfc2217://10.0.0.7:2217
        default rfc2217://10.0.0.7:2217
        ");
        assert_eq!(check(""), "");
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (text, expected) in [
            (
                "a =",
                "line 1: string values must be quoted, expected literal string",
            ),
            (
                "\nbord = 'a0'",
                "line 2: `bord` is not a setting; expected `board`, `boards`, `groups` or `commands`",
            ),
            ("board = 1", "line 1: `board` must be a string"),
            ("boards = 1", "line 1: `boards` must be a table"),
            (
                "[boards]\nlist = 'a0'",
                "line 2: `list` can't be the name of a board",
            ),
            (
                "[boards]\n\nx = 'socket://'",
                "line 3: `socket://` does not name a board: expected `socket://HOST:PORT`",
            ),
            (
                "[commands]\nx = 1",
                "line 2: command `x` must be a string or an array of strings",
            ),
            (
                "[commands]\nx = ['a', 1]",
                "line 2: command `x` must be a string or an array of strings",
            ),
            ("[commands]\n'' = 'a'", "line 2: a command needs a name"),
            (
                "[commands.x]\nhelp = 'a'",
                "line 1: command `x` lacks `command`",
            ),
            (
                "[commands.x]\ncommand = 'a'\nhelp = 1",
                "line 3: `help` of command `x` must be a string",
            ),
            (
                "[commands.x]\ncommand = 'a'\nparam = 1",
                "line 1: command `x`: `param` is not a setting; expected `command`, `help` or `params`",
            ),
            (
                "[commands.x]\ncommand = 'a'\nparams = 1",
                "line 3: `params` of command `x` must be a string or an array of strings",
            ),
        ] {
            assert_eq!(check(text), format!("config.toml, {expected}"), "{text}");
        }
    }
}
