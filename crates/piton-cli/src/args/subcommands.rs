//! The commands that have sub-commands: `mip install` and the like.

/// The sub-commands of a command, each with its help.
pub(crate) struct SubCommands {
    /// The command.
    pub(crate) command: &'static str,
    /// Name and help of each sub-command.
    pub(crate) own: &'static [(&'static str, &'static str)],
}

const SUB_COMMANDS: &[SubCommands] = &[
    SubCommands {
        command: "fs",
        own: &[
            ("cat", "print files of the board"),
            ("cp", "copy files from, to or on the board"),
            ("ls", "list a folder of the board"),
            ("md5sum", "print the MD5 of files of the board"),
            ("mkdir", "make folders on the board"),
            ("mv", "rename or move files of the board"),
            ("rm", "remove files of the board"),
            ("rmdir", "remove empty folders of the board"),
            ("sha1sum", "print the SHA-1 of files of the board"),
            ("sha256sum", "print the SHA-256 of files of the board"),
            ("sha384sum", "print the SHA-384 of files of the board"),
            ("sha512sum", "print the SHA-512 of files of the board"),
            ("touch", "make empty files on the board"),
            ("tree", "draw the tree of a folder of the board"),
        ],
    },
    SubCommands {
        command: "mip",
        own: &[
            ("install", "install packages on the board"),
            ("list", "list the packages on the board"),
            ("uninstall", "remove packages from the board"),
            ("update", "update the packages on the board"),
        ],
    },
    SubCommands {
        command: "romfs",
        own: &[
            ("build", "make an image file of a folder"),
            ("cat", "print a file of an image"),
            ("deploy", "write an image to a partition of the board"),
            ("diff", "compare the files of two images"),
            ("extract", "write the files of an image to a folder"),
            ("ls", "list the files of an image"),
            ("query", "list the partitions of the board"),
            ("verify", "check an image file"),
        ],
    },
    SubCommands {
        command: "self",
        own: &[("check", "look for a newer release of this program")],
    },
    SubCommands {
        command: "virtual",
        own: &[("serve", "serve a virtual board to other programs")],
    },
];

/// Returns the sub-commands of `command`; `None` for a command without any.
pub(crate) fn sub_commands(command: &str) -> Option<&'static SubCommands> {
    SUB_COMMANDS.iter().find(|row| row.command == command)
}

impl SubCommands {
    /// Returns their names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.own.iter().map(|(name, _)| *name)
    }

    /// Returns whether `word` is one of them.
    pub(crate) fn has(&self, word: &str) -> bool {
        self.names().any(|name| name == word)
    }
}
