//! Words of other tools for what Piton does, and the hints for a user who types one of them here.
//!
//! Such a word never runs anything: the hint is the command to type, with the arguments that were given.

use super::{nearest, quoted};

/// Words of other tools, and their hint.
struct Entry {
    words: &'static [&'static str],
    hints: &'static [&'static str],
}

const fn entry(words: &'static [&'static str], hints: &'static [&'static str]) -> Entry {
    Entry { words, hints }
}

/// The hint for flashing, for which Piton has no command.
const NO_FLASHING: &str = "Piton does not flash firmware yet: an RP2040 or RP2350 takes a `.uf2` file by its drive, \
                           an ESP32 needs `esptool`";
const BOOTLOADER: &str =
    "`{piton} bootloader` makes a board that runs MicroPython enter its boot loader";

/// The table. In a hint `{piton}` stands for the line up to the word, `{args}` for what follows it, `{NAME}` for the
/// same with NAME where nothing follows, `{up}` and `{down}` for the arguments of a copy to the board and from it.
const ENTRIES: &[Entry] = &[
    entry(
        &["pip", "upip"],
        &[
            "`{piton} mip install {PACKAGE}` installs packages on the board",
            "`{piton} add {PACKAGE}` adds packages to a project",
        ],
    ),
    entry(
        &["uninstall"],
        &["`{piton} mip uninstall {PACKAGE}` removes packages from the board"],
    ),
    entry(
        &["upgrade"],
        &[
            "`{piton} mip update {args}` updates the packages on the board",
            "`{piton} update {args}` updates those of a project",
        ],
    ),
    entry(
        &["packages"],
        &[
            "`{piton} mip list` lists the packages on the board",
            "`{piton} list` lists those of a project",
        ],
    ),
    entry(
        &["show"],
        &[
            "`{piton} search {WORD}` searches for packages",
            "`{piton} mip list` lists those on the board",
        ],
    ),
    entry(
        &["upload", "put", "push", "send", "write", "load", "save"],
        &["`{piton} cp {up}` copies files to the board"],
    ),
    entry(
        &["get", "download", "pull", "fetch", "read", "receive"],
        &["`{piton} cp {down}` copies files from the board"],
    ),
    entry(
        &["copy", "scp"],
        &["`{piton} cp {SOURCE DESTINATION}` copies; a `:` marks a path on the board"],
    ),
    entry(
        &["rsync", "mirror"],
        &["`{piton} sync {FOLDER}` makes the board like a folder here: only what changed is sent"],
    ),
    entry(
        &["watch", "live", "dev"],
        &["`{piton} sync --watch --follow {FOLDER}` sends what changes, and runs it, until Ctrl-C"],
    ),
    entry(
        &["backup", "dump"],
        &["`{piton} sync : backup` copies all files of the board into the folder `backup` here"],
    ),
    entry(
        &["delete", "del", "unlink", "erase"],
        &["`{piton} rm {FILE}` removes files of the board, `rm -r` folders"],
    ),
    entry(
        &["move", "rename", "ren"],
        &["`{piton} mv {SOURCE DESTINATION}` renames or moves files of the board"],
    ),
    entry(
        &["dir", "files", "ll"],
        &["`{piton} ls {args}` lists a folder of the board"],
    ),
    entry(
        &["type", "more", "less", "print", "view"],
        &["`{piton} cat {FILE}` prints files of the board"],
    ),
    entry(
        &["md", "makedir"],
        &["`{piton} mkdir {FOLDER}` makes folders on the board"],
    ),
    entry(
        &["rd"],
        &["`{piton} rmdir {FOLDER}` removes empty folders of the board"],
    ),
    entry(
        &["cd", "chdir", "pwd"],
        &[
            "each line begins in the root folder of the board: put the folder in front of the name, as in `{piton} ls \
           lib`",
        ],
    ),
    entry(
        &["hash", "checksum", "sha256"],
        &["`{piton} sha256sum {FILE}` prints the SHA-256 of files of the board"],
    ),
    entry(
        &["du", "free", "space", "storage"],
        &["`{piton} df` prints used and free space, `{piton} info` the free memory"],
    ),
    entry(
        &["vi", "vim", "nano", "open"],
        &["`{piton} edit {FILE}` opens files of the board in your editor (EDITOR)"],
    ),
    entry(
        &[
            "devices", "device", "ports", "port", "boards", "board", "scan", "discover", "lsusb",
        ],
        &["`{piton} devs` lists the boards"],
    ),
    entry(
        &["attach", "open-port"],
        &["`{piton} connect {PORT}` names the board for the commands after it"],
    ),
    entry(
        &["close", "detach"],
        &["`{piton} disconnect` leaves the board; the end of a line does so, too"],
    ),
    entry(
        &[
            "monitor", "shell", "terminal", "console", "term", "serial", "miniterm", "screen",
            "picocom", "minicom", "prompt", "interact",
        ],
        &["`{piton} repl` shows what the board prints and talks to its prompt; Ctrl-] leaves"],
    ),
    entry(
        &["log", "logs"],
        &["`{piton} repl --capture FILE` saves what the board prints"],
    ),
    entry(
        &["reboot", "restart", "hard-reset", "power-cycle", "reload"],
        &["`{piton} reset` restarts the board, `{piton} soft-reset` only MicroPython"],
    ),
    entry(
        &["stop", "interrupt", "kill", "break"],
        &["`{piton} soft-reset` stops the program on the board"],
    ),
    entry(
        &["start", "execfile", "script"],
        &["`{piton} run {FILE}` runs a script of this computer on the board"],
    ),
    entry(
        &["python", "python3", "upython", "interpreter"],
        &["`{piton} micropython {FILE}` runs a script on this computer with MicroPython"],
    ),
    entry(
        &["import"],
        &["`{piton} exec \"import {NAME}\"` imports a module of the board"],
    ),
    entry(
        &["status", "about", "facts", "memory", "mem", "uname"],
        &["`{piton} info` prints what kind of board this is"],
    ),
    entry(
        &["date", "time", "clock", "settime", "ntp"],
        &["`{piton} rtc` prints the board's clock, `{piton} rtc --set` sets it"],
    ),
    entry(
        &["unmount"],
        &["`{piton} umount` takes the mounted folder away from the board"],
    ),
    entry(
        &["mpy", "cross-compile"],
        &["`{piton} compile {FILE}` compiles Python sources to `.mpy` files"],
    ),
    entry(
        &["disassemble", "dis", "mpy-tool", "mpy_tool"],
        &["`{piton} inspect {FILE.mpy}` shows what is in `.mpy` files"],
    ),
    entry(
        &["simulator", "simulate", "emulator", "emulate", "sim"],
        &["`{piton} connect virtual` is a board that needs no hardware"],
    ),
    entry(
        &["publish", "release", "package", "pack", "make"],
        &["`{piton} build` makes files to ship, `{piton} deploy` copies them to a board"],
    ),
    entry(
        &["init", "create"],
        &["`{piton} new {FOLDER}` makes the files of a project"],
    ),
    entry(
        &["tests", "pytest", "unittest"],
        &["`{piton} test {FOLDER}` runs unit tests on virtual boards, `--device` on a real one"],
    ),
    entry(
        &["frozen"],
        &[
            "`{piton} freeze manifest.py` freezes what a manifest lists; `{piton} romfs build FOLDER` makes an image whose \
             modules run from flash",
        ],
    ),
    entry(
        &["format", "mkfs", "wipe"],
        &["Piton does not format; `{piton} rm -r :/` removes all files of the board"],
    ),
    entry(
        &[
            "flash",
            "firmware",
            "uf2",
            "dfu",
            "esptool",
            "erase-flash",
            "erase_flash",
            "write-flash",
            "write_flash",
            "read-flash",
            "read_flash",
            "verify-flash",
            "verify_flash",
            "flash-id",
            "flash_id",
            "chip-id",
            "chip_id",
            "read-mac",
            "read_mac",
            "picotool",
        ],
        &[NO_FLASHING, BOOTLOADER],
    ),
    entry(
        &["rshell", "ampy", "mpytool", "circup", "mpr"],
        &[
            "Piton has commands of its own: `{piton} ls`, `{piton} cp main.py :`, `{piton} mip install PACKAGE`",
        ],
    ),
    entry(
        &["ver"],
        &["`{piton} version` prints Piton's version, `{piton} info` that of the board"],
    ),
];

/// The names of sub-commands in other tools: command, word, name here.
const SUB_WORDS: &[(&str, &str, &str)] = &[
    ("fs", "copy", "cp"),
    ("fs", "del", "rm"),
    ("fs", "delete", "rm"),
    ("fs", "dir", "ls"),
    ("fs", "get", "cp"),
    ("fs", "list", "ls"),
    ("fs", "move", "mv"),
    ("fs", "put", "cp"),
    ("fs", "remove", "rm"),
    ("fs", "rename", "mv"),
    ("fs", "type", "cat"),
    ("mip", "add", "install"),
    ("mip", "delete", "uninstall"),
    ("mip", "download", "install"),
    ("mip", "freeze", "list"),
    ("mip", "get", "install"),
    ("mip", "ls", "list"),
    ("mip", "remove", "uninstall"),
    ("mip", "rm", "uninstall"),
    ("mip", "show", "list"),
    ("mip", "upgrade", "update"),
    ("romfs", "create", "build"),
    ("romfs", "flash", "deploy"),
    ("romfs", "info", "query"),
    ("romfs", "list", "query"),
    ("romfs", "make", "build"),
    ("romfs", "upload", "deploy"),
    ("romfs", "write", "deploy"),
    ("virtual", "run", "serve"),
    ("virtual", "start", "serve"),
];

/// Returns the hints for a word of the table, between the words `before` and `after`. Empty for any other word.
pub(crate) fn exact(word: &str, before: &[String], after: &[String]) -> Vec<String> {
    hints(&word.to_ascii_lowercase(), before, after)
}

/// Returns the hints for a word that is near to one of the table.
pub(crate) fn near(word: &str, before: &[String], after: &[String]) -> Vec<String> {
    let words = ENTRIES.iter().flat_map(|entry| entry.words);
    nearest(&word.to_ascii_lowercase(), words)
        .map(|word| hints(&word, before, after))
        .unwrap_or_default()
}

fn hints(word: &str, before: &[String], after: &[String]) -> Vec<String> {
    let mut entries = ENTRIES.iter();
    let Some(entry) = entries.find(|entry| entry.words.contains(&word)) else {
        return Vec::new();
    };
    let end = after.iter().position(|word| word == "+");
    let after = after.get(..end.unwrap_or(after.len())).unwrap_or(after);
    let hints = entry.hints.iter();
    hints.map(|hint| fill(hint, before, after)).collect()
}

/// Returns the name of the sub-command that other tools call `word`.
pub(crate) fn sub_word(command: &str, word: &str) -> Option<&'static str> {
    let mut rows = SUB_WORDS.iter();
    let row = rows.find(|(of, other, _)| *of == command && other.eq_ignore_ascii_case(word));
    row.map(|(_, _, name)| *name)
}

/// Returns a command line as it is typed: the program's name and its words.
pub(crate) fn line<'w>(words: impl IntoIterator<Item = &'w String>) -> String {
    let words = words.into_iter().map(|word| quoted(word));
    std::iter::once("piton".to_owned())
        .chain(words)
        .collect::<Vec<String>>()
        .join(" ")
}

/// Fills the words of the line into a hint.
fn fill(hint: &str, before: &[String], after: &[String]) -> String {
    let mut text = String::new();
    let mut rest = hint;
    while let Some((plain, open)) = rest.split_once('{') {
        let (name, behind) = open.split_once('}').unwrap_or((open, ""));
        text.push_str(plain);
        rest = behind;
        match name {
            "piton" => text.push_str(&line(before)),
            "args" if after.is_empty() => {
                // Nothing follows: the space before the quote that ends the command is removed too.
                text.truncate(text.trim_end().len());
            }
            "up" => text.push_str(&joined(&to_board(after))),
            "down" => text.push_str(&joined(&from_board(after))),
            name if after.is_empty() => text.push_str(name),
            _ => text.push_str(&joined(after)),
        }
    }
    text.push_str(rest);
    text
}

fn joined(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    words.join(" ")
}

/// Returns a path on the board, with its `:`.
fn on_board(path: &str) -> String {
    match path.starts_with(':') {
        true => path.to_owned(),
        false => format!(":{path}"),
    }
}

/// Returns the arguments of `cp` for `put LOCAL [REMOTE]`.
fn to_board(words: &[String]) -> Vec<String> {
    match words {
        [] => vec!["FILE".to_owned(), ":".to_owned()],
        [local, remote] => vec![local.clone(), on_board(remote)],
        many if many.last().is_some_and(|last| last.starts_with(':')) => many.to_vec(),
        many => many.iter().cloned().chain([":".to_owned()]).collect(),
    }
}

/// Returns the arguments of `cp` for `get REMOTE [LOCAL]`.
fn from_board(words: &[String]) -> Vec<String> {
    match words {
        [] => vec![":FILE".to_owned(), ".".to_owned()],
        [remote, local] => vec![on_board(remote), local.clone()],
        many => {
            let paths = many.iter().map(|path| on_board(path));
            paths.chain([".".to_owned()]).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::args::shortcuts::expansion;
    use crate::args::subcommands::sub_commands;
    use crate::commands::command_line;
    use crate::compatibility::Compatibility;

    fn hints_for(line: &str) -> String {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let at = words.iter().position(|word| word == "|").unwrap();
        let after = words.get(at + 2..).unwrap();
        let (word, before) = (&words[at + 1], &words[..at]);
        let hints = exact(word, before, after);
        match hints.is_empty() {
            true => near(word, before, after).join("\n"),
            false => hints.join("\n"),
        }
    }

    #[test]
    fn the_line_to_type_has_the_words_of_the_line() {
        for (line, hint) in [
            (
                "| upip aioble",
                "`piton mip install aioble` installs packages on the board\n`piton add aioble` adds packages to a project",
            ),
            (
                "| packags",
                "`piton mip list` lists the packages on the board\n`piton list` lists those of a project",
            ),
            (
                "a0 | put main.py + repl",
                "`piton a0 cp main.py :` copies files to the board",
            ),
            (
                "| Upload main.py lib/main.py",
                "`piton cp main.py :lib/main.py` copies files to the board",
            ),
            (
                "| get main.py",
                "`piton cp :main.py .` copies files from the board",
            ),
            ("| dir", "`piton ls` lists a folder of the board"),
            ("| dir lib", "`piton ls lib` lists a folder of the board"),
            ("| frobnicate", ""),
        ] {
            assert_eq!(hints_for(line), hint, "{line}");
        }
    }

    #[test]
    fn no_word_of_the_table_is_a_command_or_stands_there_twice() {
        let line = command_line(Compatibility::PITON);
        let mut seen = BTreeSet::new();
        for word in ENTRIES.iter().flat_map(|entry| entry.words) {
            assert!(line.find_subcommand(word).is_none(), "{word} is a command");
            assert!(expansion(word).is_none(), "{word} is a shortcut");
            assert!(seen.insert(word), "{word} is there twice");
        }
        for (command, word, name) in SUB_WORDS {
            let own = sub_commands(command).unwrap();
            assert!(own.has(name) && !own.has(word), "{command} {word} {name}");
        }
    }

    /// Each command in the backticks of a hint can be parsed, with its arguments.
    #[test]
    fn every_command_of_a_hint_is_understood() {
        let config = crate::config::Config::default();
        for hint in ENTRIES.iter().flat_map(|entry| entry.hints) {
            let hint = fill(hint, &[], &[]);
            for code in hint.split('`').skip(1).step_by(2) {
                let Some(line) = code.strip_prefix("piton ") else {
                    continue;
                };
                let words: Vec<String> = line
                    .replace("\"import NAME\"", "import_NAME")
                    .split(' ')
                    .map(str::to_owned)
                    .collect();
                let chain = crate::args::chain::parse(&words, Compatibility::PITON, &config);
                assert!(
                    matches!(chain.end, crate::args::chain::End::Complete),
                    "{code}: {:?}",
                    chain.end
                );
            }
        }
    }
}
