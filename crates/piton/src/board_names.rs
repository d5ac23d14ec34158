//! Names for boards: what a person's `config.toml` says about them, for every program that connects to boards.
//!
//! docs/config.md describes the file. Its shortcuts belong to the command line, which reads them itself.

use std::env;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use piton_board::error::Error as BoardError;
use piton_board::selector::BoardSelector;
use toml_edit::{Document, Item, Table, TableLike, Value};

use crate::environment;

/// The most bytes of a configuration file: no person writes a longer one.
const SIZE_LIMIT: u64 = 1 << 20;

/// Names with another meaning to `connect`.
const RESERVED: &[&str] = &["auto", "list", "virtual"];

/// A board, after the word that names it.
pub type NamedBoard = (String, BoardSelector);

/// The boards that have names, and the one to connect to when none is named.
#[derive(Clone, Debug, Default)]
pub struct BoardNames {
    boards: Vec<NamedBoard>,
    groups: Vec<(String, Vec<NamedBoard>)>,
    default: Option<BoardSelector>,
}

/// Why the names of boards are not known.
#[derive(Debug, thiserror::Error)]
pub enum BoardNamesError {
    /// The file exists but cannot be read.
    #[error("could not read `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is not valid.
    #[error("{}, line {line}: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Line in it, from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
}

impl BoardNames {
    /// Reads the user's `config.toml`, if there is one.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is not TOML, or what it says about boards is not valid.
    pub fn load() -> Result<BoardNames, BoardNamesError> {
        let Some(path) = config_toml() else {
            return Ok(BoardNames::default());
        };
        match read_config(&path) {
            Ok(Some(text)) => BoardNames::parse(&path, &text),
            Ok(None) => Ok(BoardNames::default()),
            Err(source) => Err(BoardNamesError::Read { path, source }),
        }
    }

    /// Reads the text of a `config.toml`. `path` is for messages. What does not concern boards is ignored.
    ///
    /// # Errors
    ///
    /// The first place that is not valid.
    pub fn parse(path: &Path, text: &str) -> Result<BoardNames, BoardNamesError> {
        let file = File { path, text };
        let document = Document::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            file.invalid(at, error.message().to_owned())
        })?;
        let table: &Table = document.as_table();
        let mut names = BoardNames::default();
        if let Some(item) = table.get("boards") {
            names.boards = file.boards(item)?;
        }
        if let Some(item) = table.get("groups") {
            names.groups = file.groups(item, &names)?;
        }
        // Read last, since it may name one of the boards.
        if let Some(item) = table.get("board") {
            let selector = names.selector(file.text_of(item, "`board`")?);
            names.default = Some(selector.map_err(|error| file.at(item, error.to_string()))?);
        }
        Ok(names)
    }

    /// Returns the selector of the board that `word` names.
    ///
    /// # Errors
    ///
    /// As for `BoardSelector`'s `FromStr`, for a word that is not a name.
    pub fn selector(&self, word: &str) -> Result<BoardSelector, BoardError> {
        match self.boards.iter().find(|(name, _)| name == word) {
            Some((_, selector)) => Ok(selector.clone()),
            None => word.parse(),
        }
    }

    /// Returns the boards that these words name, each with its word: a group stands for its boards, and a board that is named
    /// twice counts once.
    ///
    /// # Errors
    ///
    /// As [`BoardNames::selector`].
    pub fn each(&self, words: &[String]) -> Result<Vec<NamedBoard>, BoardError> {
        let mut boards: Vec<NamedBoard> = Vec::new();
        for word in words {
            let named = match self.group(word) {
                Some(members) => members.to_vec(),
                None => vec![(word.clone(), self.selector(word)?)],
            };
            for (name, selector) in named {
                if boards.iter().all(|(_, known)| *known != selector) {
                    boards.push((name, selector));
                }
            }
        }
        Ok(boards)
    }

    /// Returns the boards of a group, each with the word that names it in the file.
    pub fn group(&self, name: &str) -> Option<&[NamedBoard]> {
        let mut groups = self.groups.iter();
        let (_, members) = groups.find(|(known, _)| known == name)?;
        Some(members)
    }

    /// Returns the names of the groups, in the order of the file.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().map(|(name, _)| name.as_str())
    }

    /// Returns the boards with their names, in the order of the file.
    pub fn boards(&self) -> &[NamedBoard] {
        &self.boards
    }

    /// Returns the board to connect to when none is named, if the file says one.
    pub fn default_board(&self) -> Option<&BoardSelector> {
        self.default.as_ref()
    }
}

/// Replaces the bare name of a port, `ttyACM0`, by its path if there is such a device.
pub fn in_dev(selector: BoardSelector) -> BoardSelector {
    if let BoardSelector::Port(name) = &selector
        && cfg!(unix)
        && !name.contains('/')
        && !Path::new(name).exists()
    {
        let path = format!("/dev/{name}");
        if Path::new(&path).exists() {
            return BoardSelector::Port(path);
        }
    }
    selector
}

/// Returns the path of the user's `config.toml`: the value of `PITON_CONFIG`, else `$XDG_CONFIG_HOME/piton/config.toml`, else
/// below `~/.config`, on Windows below `%APPDATA%`. `None` if there is to be no file.
pub fn config_toml() -> Option<PathBuf> {
    if let Some(file) = env::var_os(environment::CONFIG) {
        // A variable that is set and empty means that there is no file.
        return (!file.is_empty()).then(|| PathBuf::from(file));
    }
    let (variable, home) = match cfg!(windows) {
        true => (environment::APPDATA, "AppData/Roaming"),
        false => (environment::XDG_CONFIG_HOME, ".config"),
    };
    // A relative folder does not count, by the XDG rules.
    let folder = env::var_os(variable)
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .or_else(|| Some(env::home_dir()?.join(home)))?;
    Some(folder.join("piton").join("config.toml"))
}

/// Returns the text of a configuration file; `None` if it is not there.
///
/// # Errors
///
/// The file cannot be read, is not UTF-8, or is longer than 1 MiB.
pub fn read_config(path: &Path) -> io::Result<Option<String>> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    file.take(SIZE_LIMIT + 1).read_to_string(&mut text)?;
    if text.len() as u64 > SIZE_LIMIT {
        return Err(io::Error::other("it is longer than 1 MiB"));
    }
    Ok(Some(text))
}

struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    fn boards(&self, item: &Item) -> Result<Vec<NamedBoard>, BoardNamesError> {
        let table: &dyn TableLike = item
            .as_table_like()
            .ok_or_else(|| self.at(item, "`boards` must be a table".to_owned()))?;
        let mut boards = Vec::new();
        for (name, item) in table.iter() {
            if name.is_empty() || RESERVED.contains(&name) {
                return Err(self.at(item, format!("`{name}` can't be the name of a board")));
            }
            let selector = self
                .text_of(item, &format!("board `{name}`"))?
                .parse()
                .map_err(|error: BoardError| self.at(item, error.to_string()))?;
            boards.push((name.to_owned(), selector));
        }
        Ok(boards)
    }

    /// Reads the groups of boards.
    fn groups(
        &self,
        item: &Item,
        names: &BoardNames,
    ) -> Result<Vec<(String, Vec<NamedBoard>)>, BoardNamesError> {
        let table: &dyn TableLike = item
            .as_table_like()
            .ok_or_else(|| self.at(item, "`groups` must be a table".to_owned()))?;
        let is_board = |name: &str| names.boards.iter().any(|(board, _)| board == name);
        let mut groups = Vec::new();
        for (name, item) in table.iter() {
            if name.is_empty() || RESERVED.contains(&name) || is_board(name) {
                return Err(self.at(item, format!("`{name}` can't be the name of a group")));
            }
            let words = item.as_array().and_then(|array| {
                let words = array.iter().map(Value::as_str);
                words.collect::<Option<Vec<&str>>>()
            });
            let words = words.filter(|words| !words.is_empty()).ok_or_else(|| {
                self.at(item, format!("group `{name}` must be an array of boards"))
            })?;
            let mut members = Vec::new();
            for word in words {
                if table.contains_key(word) {
                    let reason = format!("group `{name}` has the group `{word}`: name its boards");
                    return Err(self.at(item, reason));
                }
                let selector = names.selector(word);
                let selector = selector.map_err(|error| self.at(item, error.to_string()))?;
                members.push((word.to_owned(), selector));
            }
            groups.push((name.to_owned(), members));
        }
        Ok(groups)
    }

    fn text_of<'i>(&self, item: &'i Item, subject: &str) -> Result<&'i str, BoardNamesError> {
        item.as_str()
            .ok_or_else(|| self.at(item, format!("{subject} must be a string")))
    }

    fn at(&self, item: &Item, reason: String) -> BoardNamesError {
        let span = item
            .span()
            .or_else(|| item.as_value().and_then(Value::span));
        self.invalid(span.map_or(0, |span| span.start), reason)
    }

    fn invalid(&self, at: usize, reason: String) -> BoardNamesError {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        BoardNamesError::Invalid {
            path: self.path.to_owned(),
            line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
            reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Result<BoardNames, String> {
        BoardNames::parse(Path::new("config.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_name_stands_for_its_board_and_other_words_for_themselves() {
        let text =
            "board = 'desk'\ncommands = 1\n[boards]\ndesk = 'virtual'\na0 = 'socket://host:1'\n";
        let names = names(text).unwrap();
        let selector = |word: &str| names.selector(word).unwrap().to_string();
        assert_eq!(selector("desk"), "virtual");
        assert_eq!(selector("a0"), "socket://host:1");
        assert_eq!(selector("/dev/ttyACM1"), "/dev/ttyACM1");
        assert_eq!(names.default_board().unwrap().to_string(), "virtual");
        assert_eq!(names.boards().len(), 2);
        assert!(names.selector("socket://").is_err());
    }

    #[test]
    fn a_group_stands_for_its_boards_and_a_board_counts_once() {
        let text = "[groups]\nall = ['desk', 'socket://host:1']\n[boards]\ndesk = 'virtual'\n";
        let names = names(text).unwrap();
        let each = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            let boards = names.each(&words).unwrap().into_iter();
            boards.map(|(name, _)| name).collect::<Vec<String>>()
        };
        assert_eq!(each(&["all"]), ["desk", "socket://host:1"]);
        assert_eq!(
            each(&["virtual", "all", "a1"]),
            ["virtual", "socket://host:1", "a1"]
        );
        assert_eq!(names.groups().collect::<Vec<_>>(), ["all"]);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (text, expected) in [
            ("groups = 1", "line 1: `groups` must be a table"),
            (
                "[groups]\nx = []",
                "line 2: group `x` must be an array of boards",
            ),
            (
                "[groups]\nx = ['a', 1]",
                "line 2: group `x` must be an array of boards",
            ),
            (
                "[groups]\nx = ['y']\ny = ['a']",
                "line 2: group `x` has the group `y`: name its boards",
            ),
            (
                "[boards]\nx = 'a0'\n[groups]\nx = ['a0']",
                "line 4: `x` can't be the name of a group",
            ),
            (
                "[groups]\nx = ['socket://']",
                "line 2: `socket://` does not name a board: expected `socket://HOST:PORT`",
            ),
            ("\nboard = 1", "line 2: `board` must be a string"),
            ("boards = 1", "line 1: `boards` must be a table"),
            (
                "[boards]\nauto = 'a0'",
                "line 2: `auto` can't be the name of a board",
            ),
            ("[boards]\nx = 1", "line 2: board `x` must be a string"),
            ("a = 1\na = 2", "line 2: duplicate key"),
        ] {
            let expected = format!("config.toml, {expected}");
            assert_eq!(names(text).unwrap_err(), expected, "{text}");
        }
    }
}
