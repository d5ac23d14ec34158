//! What differs between `piton` and `mpremote`, as one value that is chosen by the name of the program.
//!
//! The commands are the same under both names. Whatever a script written for mpremote depends on is a field of
//! [`Compatibility`]: code asks for the property it needs (`compatibility.global_options`), never for the name. The
//! texts that differ are in [`crate::error`] and in the helps, by [`Wording`].

/// The rules that one name of the program follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Compatibility {
    /// The name that messages begin with.
    pub(crate) program: &'static str,
    /// The version that `version` prints: of piton, or the release of mpremote whose behavior is followed.
    pub(crate) version: &'static str,
    /// Whose sentences, helps and tables are printed.
    pub(crate) wording: Wording,
    /// Whether a missing connection has an exit code of its own (3), and every usage error the code 2.
    pub(crate) own_exit_codes: bool,

    /// Whether the line may have global options (`--json`) and letters (`-h`, `-V`, `-v`).
    pub(crate) global_options: bool,
    /// Whether nothing runs if any part of the line is wrong. mpremote reads its line command by command, and a script
    /// may depend on what ran before the mistake.
    pub(crate) checks_whole_line: bool,
    /// Whether `devs` is a command of its own. In mpremote it is a shortcut for `connect list`.
    pub(crate) has_devs_command: bool,
    /// Whether `df`, `reset` and `bootloader` take arguments. In mpremote they are macros that take none.
    pub(crate) macros_take_arguments: bool,
    /// Whether the words after a `--` are the arguments of the program that `exec` or `run` starts.
    pub(crate) program_arguments: bool,
    /// Whether the parameters of a user's shortcut get their defaults in front of a `+`. In mpremote a `+` ends them:
    /// none gets its default, and none is reported as missing.
    pub(crate) defaults_before_plus: bool,
    /// Whether `config.toml` is read besides mpremote's `config.py`.
    pub(crate) config_toml: bool,

    /// Whether announcements on a stdout that is not a terminal are printed at once. mpremote's stay in Python's
    /// buffer, and the output of a program overtakes them.
    pub(crate) unbuffered_steps: bool,
    /// Whether control characters are escaped even on a stderr that is not a terminal.
    pub(crate) escapes_piped_stderr: bool,

    /// Whether a lost board is waited for. A script written for mpremote depends on its end.
    pub(crate) reconnects: bool,
    /// Whether Ctrl-C stops the program on the board, unless an option says otherwise. mpremote stops only watching it.
    pub(crate) interrupts_programs: bool,
    /// Whether a program can read our stdin, and whether its `sys.exit()` decides our exit code.
    pub(crate) extended_programs: bool,
    /// Whether the REPL sends whole letters of UTF-8 only, and starts a piped session at a prompt.
    pub(crate) extended_repl: bool,

    /// Whether file commands have patterns, ignored files, measured sizes and the options that mpremote's lack.
    pub(crate) extended_files: bool,
    /// Whether `edit` reports an editor that failed, and creates no file that was not saved.
    pub(crate) strict_edit: bool,
    /// Whether `romfs` checks its arguments first, uses only the requested partition, and draws a bar.
    pub(crate) extended_romfs: bool,
    /// Whether `mip` records the installed packages, and does not write equal files.
    pub(crate) extended_mip: bool,
}

/// Whose sentences, helps and tables are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wording {
    /// Piton's.
    Piton,
    /// mpremote's, word for word: scripts look for them.
    Mpremote,
}

impl Compatibility {
    /// The rules of `piton`.
    pub(crate) const PITON: &Compatibility = &Compatibility {
        program: "piton",
        version: env!("CARGO_PKG_VERSION"),
        wording: Wording::Piton,
        own_exit_codes: true,
        global_options: true,
        checks_whole_line: true,
        has_devs_command: true,
        macros_take_arguments: true,
        program_arguments: true,
        defaults_before_plus: true,
        config_toml: true,
        unbuffered_steps: true,
        escapes_piped_stderr: true,
        reconnects: true,
        interrupts_programs: true,
        extended_programs: true,
        extended_repl: true,
        extended_files: true,
        strict_edit: true,
        extended_romfs: true,
        extended_mip: true,
    };

    /// The rules of `piton belay ...`, or of a link named `belay`, whose lines [`crate::belay`] parses. Sentences are Piton's, and they name
    /// `piton`: Belay has none but Python's tracebacks.
    pub(crate) const BELAY: &Compatibility = &Compatibility {
        own_exit_codes: false,
        ..*Compatibility::PITON
    };

    /// The rules of `piton mpremote ...`, or of a link named `mpremote`.
    pub(crate) const MPREMOTE: &Compatibility = &Compatibility {
        program: "mpremote",
        version: "1.29.0",
        wording: Wording::Mpremote,
        own_exit_codes: false,
        global_options: false,
        checks_whole_line: false,
        has_devs_command: false,
        macros_take_arguments: false,
        program_arguments: false,
        defaults_before_plus: false,
        config_toml: false,
        unbuffered_steps: false,
        escapes_piped_stderr: false,
        reconnects: false,
        interrupts_programs: false,
        extended_programs: false,
        extended_repl: false,
        extended_files: false,
        strict_edit: false,
        extended_romfs: false,
        extended_mip: false,
    };

    /// Whether sentences, helps and tables are mpremote's.
    pub(crate) fn speaks_mpremote(&self) -> bool {
        self.wording == Wording::Mpremote
    }
}
