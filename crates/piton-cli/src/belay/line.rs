//! The words of belay's command line: commands, options, and positional arguments that may be named as options.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

/// The release of belay whose command line this is.
pub(super) const VERSION: &str = "0.30.1";

/// A line: one command.
#[derive(Debug, Parser)]
#[command(
    name = "belay",
    about = "Belay's command line, by Piton",
    version = VERSION,
    disable_help_subcommand = true,
    disable_version_flag = true,
    arg_required_else_help = true
)]
pub(super) struct Line {
    /// Print the version, and exit
    #[arg(short = 'v', long, action = ArgAction::Version)]
    version: Option<bool>,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a new MicroPython project
    #[command(visible_alias = "init")]
    New(NewArgs),
    /// Add a package to the project
    Add(AddArgs),
    /// Fetch new versions of the project's packages
    Update(UpdateArgs),
    /// Remove packages that the project does not name any more
    Clean,
    /// Copy the project and its packages to the board
    Install(InstallArgs),
    /// Execute a Python statement on the board
    Exec(ExecArgs),
    /// Run a script on the board, or a program of this computer with the project's packages
    #[command(
        after_help = "If PORT is a program of this computer, the line is run with the packages of all groups in MICROPYPATH: \
                            `belay run micropython -m unittest`."
    )]
    Run(RunArgs),
    /// Make a folder of the board equal to a folder of this computer
    Sync(SyncArgs),
    /// Print what firmware a board has
    Info(BoardArgs),
    /// Measure how long a call to the board takes
    Latency(LatencyArgs),
    /// Talk to the board's prompt; Ctrl-] leaves
    Terminal(BoardArgs),
    /// Find out which USB board is which
    Select,
    /// Print what is in the cache of downloads, or clear it
    #[command(arg_required_else_help = true, disable_help_subcommand = true)]
    Cache {
        #[command(subcommand)]
        command: CacheCommand,
    },
}

/// A board.
#[derive(Debug, Args)]
pub(super) struct BoardArgs {
    /// Port (such as /dev/ttyUSB0) of the board, address of its WebREPL (ws://192.168.1.100), or any board of `piton connect`
    pub(super) port: String,
    /// Password of a board that asks for one (WebREPL, telnet)
    #[arg(
        long,
        value_name = "WORD",
        default_value = "",
        hide_default_value = true
    )]
    pub(super) password: String,
}

/// Arguments of `new`.
#[derive(Debug, Args)]
pub(super) struct NewArgs {
    /// Folder of the project
    #[arg(default_value = ".")]
    pub(super) path: PathBuf,
}

/// Arguments of `add`.
#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// Name of the package, or its source if there is no URI
    pub(super) name_or_uri: String,
    /// Source of the package: a path, an address, `github:ORG/REPO`, or a name and version of the index
    pub(super) uri: Option<String>,
    /// Group of the package
    #[arg(long, value_name = "NAME", default_value = "main")]
    pub(super) group: String,
    /// Copy the source anew for each installation; for paths
    #[arg(long, overrides_with = "no_develop")]
    pub(super) develop: bool,
    #[arg(long, hide = true, overrides_with = "develop")]
    no_develop: bool,
    /// Make a single module the `__init__` of the package (default)
    #[arg(long, overrides_with = "no_rename_to_init")]
    rename_to_init: bool,
    /// Keep the name of a single module
    #[arg(long, overrides_with = "rename_to_init")]
    no_rename_to_init: bool,
}

/// Arguments of `update`.
#[derive(Debug, Args)]
pub(super) struct UpdateArgs {
    /// The packages to update (default: all)
    pub(super) packages: Vec<String>,
}

/// Arguments of `install`.
#[derive(Debug, Args)]
pub(super) struct InstallArgs {
    #[command(flatten)]
    pub(super) board: BoardArgs,
    #[command(flatten)]
    pub(super) compile: CompileArgs,
    /// Run this script on the board afterwards, without copying it
    #[arg(long, value_name = "FILE")]
    pub(super) run: Option<PathBuf>,
    /// Copy this script to /main.py
    #[arg(long, value_name = "FILE")]
    pub(super) main: Option<PathBuf>,
    /// Install this optional group too; may be repeated
    #[arg(long, value_name = "GROUP", action = ArgAction::Append)]
    with: Vec<String>,
    #[arg(long, hide = true)]
    empty_with: bool,
    /// Show what the board prints afterwards
    #[arg(short, long, overrides_with = "no_follow")]
    pub(super) follow: bool,
    #[arg(long, hide = true, overrides_with = "follow")]
    no_follow: bool,
}

/// Arguments of `exec`.
#[derive(Debug, Args)]
pub(super) struct ExecArgs {
    #[command(flatten)]
    pub(super) board: BoardArgs,
    /// Statement to execute
    pub(super) statement: String,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) board: BoardArgs,
    /// Script of this computer
    pub(super) file: PathBuf,
}

/// Arguments of `sync`.
#[derive(Debug, Args)]
pub(super) struct SyncArgs {
    #[command(flatten)]
    pub(super) board: BoardArgs,
    /// File or folder of this computer
    pub(super) folder: PathBuf,
    /// Folder of the board
    #[arg(long, value_name = "FOLDER", default_value = "/")]
    pub(super) dst: String,
    /// What stays on the board though the folder does not have it; may be repeated (default for `/`: boot.py webrepl_cfg.py lib)
    #[arg(long, value_name = "PATH", action = ArgAction::Append)]
    keep: Vec<String>,
    /// Remove everything that the folder does not have
    #[arg(long)]
    empty_keep: bool,
    /// Pattern of what is not sent; may be repeated (default: *.pyc __pycache__ .DS_Store .pytest_cache)
    #[arg(long, value_name = "PATTERN", action = ArgAction::Append)]
    ignore: Vec<String>,
    /// Send everything
    #[arg(long)]
    empty_ignore: bool,
    #[command(flatten)]
    pub(super) compile: CompileArgs,
}

/// Whether Python sources are compiled.
#[derive(Debug, Args)]
pub(super) struct CompileArgs {
    /// Compile the sources, with Piton's own compiler whatever the path
    #[arg(long, value_name = "PATH")]
    pub(super) mpy_cross_binary: Option<PathBuf>,
}

/// Arguments of `latency`.
#[derive(Debug, Args)]
pub(super) struct LatencyArgs {
    #[command(flatten)]
    pub(super) board: BoardArgs,
    /// How many calls to measure
    #[arg(short, long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) count: u32,
    /// Print each measurement
    #[arg(short, long, overrides_with = "no_verbose", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", default_value = "false", hide_default_value = true,
          hide_possible_values = true, value_parser = BoolishValueParser::new(), action = ArgAction::Set)]
    pub(super) verbose: bool,
    #[arg(long, hide = true, overrides_with = "verbose")]
    no_verbose: bool,
    /// Write the measurements to this file, as CSV
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Ask for the time of the board in each call (default)
    #[arg(short = 't', long, overrides_with = "without_timing")]
    with_timing: bool,
    /// Do not ask for the time of the board
    #[arg(long, alias = "no-with-timing", overrides_with = "with_timing")]
    pub(super) without_timing: bool,
}

/// What to do with the cache.
#[derive(Debug, Subcommand)]
pub(super) enum CacheCommand {
    /// Remove elements
    Clear(ClearArgs),
    /// Print where the cache is, and its size
    Info,
    /// Print the elements
    List,
}

/// Arguments of `cache clear`.
#[derive(Debug, Args)]
pub(super) struct ClearArgs {
    /// Remove the elements whose names begin with this
    #[arg(default_value = "", hide_default_value = true)]
    pub(super) prefix: String,
    /// Do not ask
    #[arg(short, long, overrides_with = "no_yes")]
    pub(super) yes: bool,
    #[arg(long, hide = true, overrides_with = "yes")]
    no_yes: bool,
    /// Remove all elements
    #[arg(short, long, overrides_with = "no_all")]
    pub(super) all: bool,
    #[arg(long, hide = true, overrides_with = "all")]
    no_all: bool,
}

impl Command {
    /// Returns the password for the board, which may be empty; `None` for a command that needs no board.
    pub(super) fn password(&self) -> Option<&str> {
        let board = match self {
            Command::Exec(args) => &args.board,
            Command::Run(args) => &args.board,
            Command::Sync(args) => &args.board,
            Command::Info(args) | Command::Terminal(args) => args,
            Command::Latency(args) => &args.board,
            Command::Install(args) => &args.board,
            Command::New(_)
            | Command::Add(_)
            | Command::Update(_)
            | Command::Clean
            | Command::Select
            | Command::Cache { .. } => return None,
        };
        Some(&board.password)
    }
}

impl AddArgs {
    /// Returns whether a single module becomes the `__init__` of the package.
    pub(super) fn renames_to_init(&self) -> bool {
        !self.no_rename_to_init
    }
}

impl InstallArgs {
    /// Returns the optional groups to install.
    pub(super) fn with(&self) -> &[String] {
        &self.with
    }
}

impl SyncArgs {
    /// Returns what stays on the board; `None` for belay's defaults.
    pub(super) fn keep(&self) -> Option<&[String]> {
        given(&self.keep, self.empty_keep)
    }

    /// Returns the patterns of what is not sent; `None` for belay's defaults.
    pub(super) fn ignore(&self) -> Option<&[String]> {
        given(&self.ignore, self.empty_ignore)
    }
}

fn given(values: &[String], empty: bool) -> Option<&[String]> {
    (empty || !values.is_empty()).then_some(values)
}

/// Parses the words of a line.
///
/// # Errors
///
/// What `clap` says, which is the help or the version if the line asks for one of them.
pub(super) fn parse(words: &[String]) -> Result<Line, clap::Error> {
    let mut definition = Line::command().mut_subcommands(|command| {
        command
            .args_override_self(true)
            .mut_subcommands(|command| command.args_override_self(true))
    });
    definition.build();
    let words = in_order(&definition, words);
    let matches =
        definition.try_get_matches_from(std::iter::once("belay".to_owned()).chain(words))?;
    Line::from_arg_matches(&matches)
}

/// Returns the words with the options of a command before its positional arguments, and positional arguments that were named as
/// options (`--port a0`) in their places.
fn in_order(definition: &clap::Command, words: &[String]) -> Vec<String> {
    let mut command = definition;
    let mut ordered = Vec::new();
    let mut words = words.iter();
    // The names of the command, and of its sub-command.
    while command.has_subcommands() {
        let Some(word) = words.next() else {
            return ordered;
        };
        ordered.push(word.clone());
        match command.find_subcommand(word) {
            Some(found) => command = found,
            None => {
                ordered.extend(words.cloned());
                return ordered;
            }
        }
    }
    let mut given = Given::default();
    while let Some(word) = words.next() {
        match Word::of(command, word) {
            Word::Positional => given.unnamed.push(word.clone()),
            Word::Rest => given.unnamed.extend(words.by_ref().cloned()),
            Word::Named { name, value } => match value.or_else(|| words.next().cloned()) {
                Some(value) => given.named.push((name, value)),
                // The value is missing: `clap` says so.
                None => ordered.push(word.clone()),
            },
            Word::Option { has_value } => {
                ordered.push(word.clone());
                if !has_value {
                    ordered.extend(words.next().cloned());
                }
            }
        }
    }
    ordered.push("--".to_owned());
    ordered.extend(given.positionals(command));
    ordered
}

/// The positional arguments of a line.
#[derive(Default)]
struct Given {
    /// With the names of those that were named, in order.
    named: Vec<(String, String)>,
    unnamed: Vec<String>,
}

impl Given {
    /// Returns them in the order of the command. Nothing is returned for a command of which one is missing before a named one.
    fn positionals(self, command: &clap::Command) -> Vec<String> {
        let mut unnamed = self.unnamed.into_iter();
        let mut found = Vec::new();
        for argument in command.get_positionals() {
            let id = argument.get_id().as_str();
            let named = self.named.iter().rev().find(|(name, _)| name == id);
            let value = named.map(|(_, value)| value.clone());
            found.push(value.or_else(|| unnamed.next()));
        }
        let missing = found.iter().position(Option::is_none);
        let last = found.iter().rposition(Option::is_some);
        if let (Some(missing), Some(last)) = (missing, last)
            && missing < last
        {
            return Vec::new();
        }
        found.into_iter().flatten().chain(unnamed).collect()
    }
}

/// What a word of a command is.
enum Word {
    Positional,
    /// `--`: what follows is positional.
    Rest,
    /// A positional argument that is named, with a joined value.
    Named {
        name: String,
        value: Option<String>,
    },
    /// An option; `has_value` unless the next word is its value.
    Option {
        has_value: bool,
    },
}

impl Word {
    fn of(command: &clap::Command, word: &str) -> Word {
        if word == "--" {
            return Word::Rest;
        }
        // A negative number is not an option.
        if !word.starts_with('-') || word == "-" || word.parse::<f64>().is_ok() {
            return Word::Positional;
        }
        let takes_value = |option: &clap::Arg| {
            option.get_action().takes_values() && !option.is_require_equals_set()
        };
        let Some(long) = word.strip_prefix("--") else {
            let mut letters = word.chars().skip(1);
            let letter = letters.next();
            let option = command
                .get_opts()
                .find(|option| letter.is_some() && option.get_short() == letter);
            return Word::Option {
                has_value: letters.next().is_some() || !option.is_some_and(takes_value),
            };
        };
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (long, None),
        };
        let id = name.replace('-', "_");
        if command.get_positionals().any(|known| known.get_id() == &id) {
            return Word::Named { name: id, value };
        }
        let option = command
            .get_opts()
            .find(|option| option.get_long() == Some(name));
        Word::Option {
            has_value: value.is_some() || !option.is_some_and(takes_value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str) -> String {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        match parse(&words) {
            Ok(line) => format!("{:?}", line.command),
            Err(error) => format!("{:?}", error.kind()),
        }
    }

    #[test]
    fn positional_arguments_may_be_named() {
        let expected = check("exec a0 x=1");
        assert!(expected.starts_with("Exec("), "{expected}");
        for line in [
            "exec --port a0 --statement x=1",
            "exec --statement=x=1 a0",
            "exec a0 --statement x=1",
            "exec --port=a0 x=1",
            "exec -- a0 x=1",
        ] {
            assert_eq!(check(line), expected, "{line}");
        }
        assert_eq!(
            check("sync a0 src --dst /lib"),
            check("sync --dst=/lib --folder src a0")
        );
        assert_eq!(
            check("cache clear git -y"),
            check("cache clear --yes --prefix git")
        );
        assert_eq!(check("init x"), check("new --path x"));
    }

    #[test]
    fn wrong_lines_are_refused() {
        for (line, kind) in [
            ("exec a0", "MissingRequiredArgument"),
            ("exec --statement x", "MissingRequiredArgument"),
            ("info", "MissingRequiredArgument"),
            ("info --port", "UnknownArgument"),
            ("info a0 b0", "UnknownArgument"),
            ("info --prot a0", "UnknownArgument"),
            ("latency a0 -c x", "ValueValidation"),
            ("latency a0 -c 0", "ValueValidation"),
            ("foo", "InvalidSubcommand"),
            ("cache", "DisplayHelpOnMissingArgumentOrSubcommand"),
            ("info --help", "DisplayHelp"),
            ("-v", "DisplayVersion"),
            ("--version", "DisplayVersion"),
        ] {
            assert_eq!(check(line), kind, "{line}");
        }
    }

    #[test]
    fn the_last_of_opposite_options_counts() {
        let flags =
            |line: &str| match parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>()) {
                Ok(Line {
                    command: Command::Latency(args),
                    ..
                }) => (args.verbose, args.without_timing),
                other => panic!("{other:?}"),
            };
        assert_eq!(flags("latency a0"), (false, false));
        assert_eq!(flags("latency -v --without-timing a0"), (true, true));
        assert_eq!(flags("latency a0 -v --no-verbose -t"), (false, false));
        assert_eq!(
            flags("latency a0 --verbose=true --no-with-timing --with-timing"),
            (true, false)
        );
    }
}
