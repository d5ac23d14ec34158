//! The help of each sub-command of `fs`: what it does, and which of the options are its own.

use crate::args::shortcuts::SHORTCUTS;
use crate::commands::examples::section;

/// What the help of a sub-command says beyond the options.
struct Topic {
    name: &'static str,
    usage: &'static str,
    about: &'static str,
    /// The options that mean something to it, by their long names.
    options: &'static [&'static str],
}

const TOPICS: &[Topic] = &[
    Topic {
        name: "cat",
        usage: "cat [-v] PATH...",
        about: "Print the unchanged bytes of files of the board",
        options: &["verbose"],
    },
    Topic {
        name: "cp",
        usage: "cp [-r] [-f] [--no-ignore] SOURCE... DESTINATION",
        about: "Copy files from, to or on the board\n\n\
                A `:` marks a path on the board; `:` alone is its current folder. A file goes into an existing folder \
                under its own name; several files need one. A `/` at the end of a destination on the board says that \
                it must be a folder. A file that the board has already is not sent again. A pattern such as `'*.py'` or \
                `':lib/*.mpy'` stands for the files that fit it. With `-r`, `.git`, `__pycache__`, `.env` and the like stay \
                here, unless they are named themselves.",
        options: &["recursive", "force", "no-ignore", "no-verbose"],
    },
    Topic {
        name: "ls",
        usage: "ls [-l] [-a] [-h] [PATH...]",
        about: "List folders of the board: size and name\n\n\
                `-l` and `-a` have no effect: size and name of every file are shown in any case. `-h` \
                shows sizes in K and M together with `-l`; alone it prints this help.",
        options: &["long", "all", "human", "no-verbose"],
    },
    Topic {
        name: "md5sum",
        usage: "md5sum PATH...",
        about: "Print the MD5 of files of the board",
        options: &["no-verbose"],
    },
    Topic {
        name: "mkdir",
        usage: "mkdir [-p] PATH...",
        about: "Make folders on the board",
        options: &["parents", "no-verbose"],
    },
    Topic {
        name: "mv",
        usage: "mv SOURCE... DESTINATION",
        about: "Rename or move files and folders of the board\n\n\
                All paths are the board's. An existing folder gets what is moved under its own name; a file in the way \
                is replaced.",
        options: &["no-verbose"],
    },
    Topic {
        name: "rm",
        usage: "rm [-r] [-f] [-v] PATH...",
        about: "Remove files of the board; with `-r` folders and all that is in them\n\n\
                `rm -r :` empties the current folder, `rm -r :/` the whole board, mounted file systems with it.",
        options: &["recursive", "force", "verbose", "no-verbose"],
    },
    Topic {
        name: "rmdir",
        usage: "rmdir PATH...",
        about: "Remove empty folders of the board",
        options: &["no-verbose"],
    },
    Topic {
        name: "sha1sum",
        usage: "sha1sum PATH...",
        about: "Print the SHA-1 of files of the board",
        options: &["no-verbose"],
    },
    Topic {
        name: "sha256sum",
        usage: "sha256sum PATH...",
        about: "Print the SHA-256 of files of the board",
        options: &["no-verbose"],
    },
    Topic {
        name: "sha384sum",
        usage: "sha384sum PATH...",
        about: "Print the SHA-384 of files of the board",
        options: &["no-verbose"],
    },
    Topic {
        name: "sha512sum",
        usage: "sha512sum PATH...",
        about: "Print the SHA-512 of files of the board",
        options: &["no-verbose"],
    },
    Topic {
        name: "touch",
        usage: "touch PATH...",
        about: "Make empty files on the board; existing files are not changed",
        options: &["no-verbose"],
    },
    Topic {
        name: "tree",
        usage: "tree [-s|-h] [-v] [PATH...]",
        about: "Draw the tree of a folder of the board",
        options: &["size", "human", "verbose", "no-verbose"],
    },
];

/// Returns the help of the sub-command `name`, made of `fs`, the whole command as `clap` knows it.
pub(crate) fn command(fs: &clap::Command, name: &str, program: &str) -> Option<clap::Command> {
    let topic = TOPICS.iter().find(|topic| topic.name == name)?;
    let (about, more) = topic.about.split_once("\n\n").unwrap_or((topic.about, ""));
    let examples = section(name);
    let more = [more, &examples]
        .into_iter()
        .filter(|part| !part.is_empty());
    let more = more.collect::<Vec<&str>>().join("\n\n");
    let prefix = match SHORTCUTS.iter().any(|shortcut| shortcut.name == name) {
        true => program.to_owned(),
        false => format!("{program} fs"),
    };
    let command = fs
        .clone()
        .about(about)
        .long_about(None)
        .after_help(more)
        .override_usage(format!("{prefix} {}", topic.usage));
    Some(command.mut_args(|argument| {
        let shown = argument
            .get_long()
            .is_some_and(|long| long == "help" || topic.options.contains(&long));
        let help = topic_help(name, argument.get_long().unwrap_or_default());
        let argument = match help {
            Some(help) => argument.help(help),
            None => argument,
        };
        argument.hide(!shown)
    }))
}

/// Returns what an option that means several things means to this sub-command.
fn topic_help(name: &str, option: &str) -> Option<&'static str> {
    Some(match (name, option) {
        ("cp", "recursive") => "Copy folders with their contents",
        ("rm", "recursive") => "Remove folders with their contents",
        ("cp", "force") => "Copy even if the file on the board is the same",
        ("rm", "force") => "Ignore missing files",
        ("cat", "verbose") => "Print the name of each file before it",
        ("tree", "verbose") => "Print which board it is",
        ("rm", "verbose") => "Print each name that is removed",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::command_line;
    use crate::compatibility::Compatibility;

    #[test]
    fn each_sub_command_has_help_for_options_that_exist() {
        let line = command_line(Compatibility::PITON);
        let fs = line.find_subcommand("fs").unwrap();
        for (name, _) in crate::commands::fs::ACTIONS {
            assert!(command(fs, name, "piton").is_some(), "{name}");
        }
        for option in TOPICS.iter().flat_map(|topic| topic.options) {
            let exists = fs
                .get_arguments()
                .any(|argument| argument.get_long() == Some(*option));
            assert!(exists, "{option}");
        }
    }
}
