//! Words that stand for other words: `ls` for `fs ls`, `devs` for `connect list`, `a0` for `connect /dev/ttyACM0`.

/// One shortcut: its name, the words it stands for, and its help.
pub(crate) struct Shortcut {
    /// The word on the command line.
    pub(crate) name: &'static str,
    /// What takes its place.
    pub(crate) words: &'static [&'static str],
    /// One line for the list of commands; empty for those that the list puts together.
    pub(crate) help: &'static str,
}

const fn shortcut(
    name: &'static str,
    words: &'static [&'static str],
    help: &'static str,
) -> Shortcut {
    Shortcut { name, words, help }
}

/// mpremote's built-in shortcuts, by its `main.py`; `df`, `reset` and `bootloader` are commands here.
pub(crate) const SHORTCUTS: &[Shortcut] = &[
    shortcut("devs", &["connect", "list"], "list the serial ports"),
    shortcut("cat", &["fs", "cat"], "print files of the board"),
    shortcut("cp", &["fs", "cp"], "copy files from, to or on the board"),
    shortcut("ls", &["fs", "ls"], "list a folder of the board"),
    shortcut("mkdir", &["fs", "mkdir"], "make folders on the board"),
    shortcut("rm", &["fs", "rm"], "remove files of the board"),
    shortcut(
        "rmdir",
        &["fs", "rmdir"],
        "remove empty folders of the board",
    ),
    shortcut(
        "sha256sum",
        &["fs", "sha256sum"],
        "print the SHA-256 of files of the board",
    ),
    shortcut("touch", &["fs", "touch"], "make empty files on the board"),
    shortcut(
        "tree",
        &["fs", "tree"],
        "draw the tree of a folder of the board",
    ),
    shortcut("--help", &["help"], ""),
    shortcut("--version", &["version"], ""),
    shortcut("a0", &["connect", "/dev/ttyACM0"], ""),
    shortcut("a1", &["connect", "/dev/ttyACM1"], ""),
    shortcut("a2", &["connect", "/dev/ttyACM2"], ""),
    shortcut("a3", &["connect", "/dev/ttyACM3"], ""),
    shortcut("u0", &["connect", "/dev/ttyUSB0"], ""),
    shortcut("u1", &["connect", "/dev/ttyUSB1"], ""),
    shortcut("u2", &["connect", "/dev/ttyUSB2"], ""),
    shortcut("u3", &["connect", "/dev/ttyUSB3"], ""),
    shortcut("c0", &["connect", "COM0"], ""),
    shortcut("c1", &["connect", "COM1"], ""),
    shortcut("c2", &["connect", "COM2"], ""),
    shortcut("c3", &["connect", "COM3"], ""),
];

/// The words that `name` stands for.
pub(crate) fn expansion(name: &str) -> Option<&'static [&'static str]> {
    SHORTCUTS
        .iter()
        .find(|shortcut| shortcut.name == name)
        .map(|shortcut| shortcut.words)
}
