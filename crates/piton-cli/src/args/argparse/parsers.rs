//! The arguments of each command of mpremote 1.29, as its own parsers have them: `main.py`, the functions `argparse_*`.
//!
//! Usage and help are an interface that scripts and people read, so names, order and texts are mpremote's.
//! The options themselves are parsed by `clap`; a differential test compares this table with the real program.

/// The parser of one command.
pub(crate) struct Parser {
    /// The command.
    pub(crate) name: &'static str,
    /// One line for the list of commands.
    pub(crate) description: &'static str,
    /// Its options, in order. At most one option of each group may be given.
    pub(super) groups: &'static [&'static [Flag]],
    /// Its arguments, in order, without the next command.
    pub(super) positionals: &'static [Positional],
}

/// An option.
pub(super) struct Flag {
    /// Its names, the one that the usage shows first.
    pub(super) names: &'static [&'static str],
    /// The name of its value in the usage, if it has one.
    pub(super) value: Option<&'static str>,
    /// What it does; may be empty.
    pub(super) help: &'static str,
}

/// An argument.
pub(super) struct Positional {
    /// What the usage calls it.
    pub(super) name: &'static str,
    /// The number of its words.
    pub(super) count: Count,
    /// What it is.
    pub(super) help: &'static str,
}

/// The number of words of an argument.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// Exactly one.
    One,
    /// One or none.
    Optional,
    /// One or more.
    Many,
    /// All remaining words.
    Rest,
}

/// The argument that ends each command: the rest of the line.
pub(super) const NEXT_COMMAND: Positional =
    positional("next_command", Count::Rest, "Next mpremote command");

const HELP: &[Flag] = &[flag(&["-h", "--help"], "show this help message and exit")];

const fn flag(names: &'static [&'static str], help: &'static str) -> Flag {
    Flag {
        names,
        value: None,
        help,
    }
}

const fn option(names: &'static [&'static str], value: &'static str, help: &'static str) -> Flag {
    Flag {
        names,
        value: Some(value),
        help,
    }
}

const fn positional(name: &'static str, count: Count, help: &'static str) -> Positional {
    Positional { name, count, help }
}

const fn parser(
    name: &'static str,
    description: &'static str,
    groups: &'static [&'static [Flag]],
    positionals: &'static [Positional],
) -> Parser {
    Parser {
        name,
        description,
        groups,
        positionals,
    }
}

/// All commands, by name.
pub(crate) const PARSERS: &[Parser] = &[
    parser(
        "connect",
        "connect to given device",
        &[HELP],
        &[positional(
            "device",
            Count::One,
            "Either list, auto, id:x, port:x, or any valid device name/path",
        )],
    ),
    parser("disconnect", "disconnect current device", &[HELP], &[]),
    parser(
        "edit",
        "edit files on the device",
        &[HELP],
        &[positional("files", Count::Many, "list of remote paths")],
    ),
    parser(
        "eval",
        "evaluate and print the string",
        &[HELP],
        &[positional("expr", Count::One, "expression to execute")],
    ),
    parser(
        "exec",
        "execute the string",
        &[
            HELP,
            &[
                flag(
                    &["--follow", "-f"],
                    "follow output until the expression completes (default)",
                ),
                flag(&["--no-follow"], ""),
            ],
        ],
        &[positional("expr", Count::One, "expression to execute")],
    ),
    FS,
    parser("help", "print help and exit", &[HELP], &[]),
    MIP,
    parser(
        "mount",
        "mount local directory on device",
        &[
            HELP,
            &[
                flag(
                    &["--unsafe-links", "-l"],
                    "follow symbolic links pointing outside of local directory",
                ),
                flag(&["--no-unsafe-links"], ""),
            ],
        ],
        &[positional("path", Count::One, "local path to mount")],
    ),
    REPL,
    parser(
        "resume",
        "resume a previous mpremote session (will not auto soft-reset)",
        &[HELP],
        &[],
    ),
    ROMFS,
    parser(
        "rtc",
        "get (default) or set the device RTC",
        &[
            HELP,
            &[
                flag(&["--set", "-s"], "set the RTC to the current local time"),
                flag(&["--no-set"], ""),
            ],
        ],
        &[],
    ),
    parser(
        "run",
        "run the given local script",
        &[
            HELP,
            &[
                flag(
                    &["--follow", "-f"],
                    "follow output until the script completes (default)",
                ),
                flag(&["--no-follow"], ""),
            ],
        ],
        &[positional("path", Count::One, "path to script to execute")],
    ),
    parser(
        "sleep",
        "sleep before executing next command",
        &[HELP],
        // The value is in seconds; the text is mpremote's.
        &[positional("ms", Count::One, "milliseconds to sleep for")],
    ),
    parser(
        "soft-reset",
        "perform a soft-reset of the device",
        &[HELP],
        &[],
    ),
    parser("umount", "unmount the local directory", &[HELP], &[]),
    parser("version", "print version and exit", &[HELP], &[]),
];

const FS: Parser = parser(
    "fs",
    "execute filesystem commands on the device",
    &[
        // `-h` shows sizes for people, so it cannot ask for help.
        &[flag(&["--help"], "show this help message and exit")],
        &[
            flag(&["--recursive", "-r"], "recursive (for cp and rm commands)"),
            flag(&["--no-recursive"], ""),
        ],
        &[
            flag(
                &["--force", "-f"],
                "force copy even if file is unchanged (for cp command only)",
            ),
            flag(&["--no-force"], ""),
        ],
        &[
            flag(
                &["--verbose", "-v"],
                "enable verbose output (defaults to True for all commands except cat)",
            ),
            flag(&["--no-verbose"], ""),
        ],
        &[
            flag(
                &["--size", "-s"],
                "show file size in bytes(tree command only)",
            ),
            flag(
                &["--human", "-h"],
                "show file size in a more human readable way (tree command only)",
            ),
        ],
    ],
    &[
        positional(
            "command",
            Count::One,
            "filesystem command (e.g. cat, cp, sha256sum, ls, rm, rmdir, touch, tree)",
        ),
        positional("path", Count::Many, "local and remote paths"),
    ],
);

const MIP: Parser = parser(
    "mip",
    "install packages from micropython-lib or third-party sources",
    &[
        HELP,
        &[
            flag(
                &["--mpy", "-m"],
                "download as compiled .mpy files (default)",
            ),
            flag(&["--no-mpy"], ""),
        ],
        &[option(
            &["--target"],
            "TARGET",
            "destination direction on the device",
        )],
        &[option(
            &["--index"],
            "INDEX",
            "package index to use (defaults to micropython-lib)",
        )],
    ],
    &[
        positional("command", Count::One, "mip command (e.g. install)"),
        positional(
            "packages",
            Count::Many,
            "list package specifications, e.g. name, name@version, github:org/repo, github:org/repo@branch, \
             gitlab:org/repo, gitlab:org/repo@branch, codeberg:org/repo, codeberg:org/repo@branch",
        ),
    ],
);

const REPL: Parser = parser(
    "repl",
    "connect to given device",
    &[
        HELP,
        &[
            flag(
                &["--escape-non-printable", "-e"],
                "escape non-printable characters",
            ),
            flag(&["--no-escape-non-printable"], ""),
        ],
        &[option(
            &["--capture"],
            "CAPTURE",
            "saves a copy of the REPL session to the specified path",
        )],
        &[option(
            &["--inject-code"],
            "INJECT_CODE",
            "code to be run when Ctrl-J is pressed",
        )],
        &[option(
            &["--inject-file"],
            "INJECT_FILE",
            "path to file to be run when Ctrl-K is pressed",
        )],
    ],
    &[],
);

const ROMFS: Parser = parser(
    "romfs",
    "manage ROM partitions",
    &[
        HELP,
        &[
            flag(
                &["--mpy", "-m"],
                "automatically compile .py files to .mpy when building the ROMFS image (default)",
            ),
            flag(&["--no-mpy"], ""),
        ],
        &[option(
            &["--partition", "-p"],
            "PARTITION",
            "ROMFS partition to use",
        )],
        &[option(&["--output", "-o"], "OUTPUT", "output file")],
    ],
    &[
        positional(
            "command",
            Count::One,
            "romfs command, one of: query, build, deploy",
        ),
        positional("path", Count::Optional, "path to directory to deploy"),
    ],
);
