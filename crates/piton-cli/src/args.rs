//! From `argv` to a chain of commands: the rules (of `piton` or `mpremote`), the global options, and the commands.

pub(crate) mod argparse;
pub(crate) mod chain;
mod shape;
pub(crate) mod shortcuts;
mod split;
pub(crate) mod subcommands;
pub(crate) mod wrong;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use piton::open::OpenOptions;
use piton::transport::LineState;
use piton::transport::webrepl::Password;

use crate::compatibility::Compatibility;
use crate::environment;
use crate::usage::UsageError;
use crate::verbosity::Verbosity;

/// The options that hold for the whole line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GlobalOptions {
    /// `--json`: facts as JSON on stdout.
    pub(crate) json: bool,
    /// `--verbose`, `-v`: decisions on stderr; given twice, the wire log too.
    pub(crate) verbosity: Verbosity,
    /// `--quiet`: results only.
    pub(crate) quiet: bool,
    /// `--vm FILE`: the VM file of the virtual board.
    pub(crate) vm: Option<PathBuf>,
    /// `--timeout FACTOR`: the factor of the timeouts of a board, in hundredths.
    pub(crate) timeout: Option<u32>,
    /// How to open the board.
    pub(crate) open: OpenOptions,
    /// `--reset-on-connect`: reset the board through the control lines first.
    pub(crate) reset_on_connect: bool,
    /// `--no-reconnect`: a lost connection ends the program.
    pub(crate) no_reconnect: bool,
}

/// A global option.
pub(crate) struct GlobalOption {
    /// The word on the command line.
    pub(crate) name: &'static str,
    /// The name of its value, if it has one.
    pub(crate) value: Option<&'static str>,
    /// What it does.
    pub(crate) help: &'static str,
}

const fn option(
    name: &'static str,
    value: Option<&'static str>,
    help: &'static str,
) -> GlobalOption {
    GlobalOption { name, value, help }
}

/// The global options.
pub(crate) const GLOBAL_OPTIONS: &[GlobalOption] = &[
    option("--json", None, "print facts and errors as JSON"),
    option(
        "--verbose",
        None,
        "show decisions on stderr; twice (`-vv`): also every byte on the wire",
    ),
    option("--quiet", None, "print results only"),
    option(
        "--baud",
        Some("N"),
        "bits per second of a serial port (default: 115200)",
    ),
    option(
        "--timeout",
        Some("FACTOR"),
        "factor of all timeouts of a board (default: $PITON_TIMEOUT, else 1)",
    ),
    option(
        "--dtr",
        Some("STATE"),
        "state of the control line DTR: `on`, `off` or `keep` (default: on)",
    ),
    option(
        "--rts",
        Some("STATE"),
        "the same for RTS; `--dtr off --rts off` is for boards that are reset by them",
    ),
    option(
        "--reset-on-connect",
        None,
        "reset the board through DTR and RTS first, if it is wired for that",
    ),
    option(
        "--no-reconnect",
        None,
        "end when the connection is lost, instead of waiting for the board",
    ),
    option(
        "--password",
        Some("WORD"),
        "the password of a WebREPL (default: $PITON_WEBREPL_PASSWORD, else asked for)",
    ),
    option(
        "--vm",
        Some("FILE"),
        "the VM file of the virtual board (default: $PITON_VM, else the cache, else fetched once)",
    ),
];

const FACTOR_EXPECTED: &str = "a number between 0.1 and 1000, such as 3";

/// Returns a factor in hundredths.
fn percent(text: &str) -> Option<u32> {
    let factor: f64 = text.parse().ok()?;
    (0.1..=1000.0)
        .contains(&factor)
        .then_some((factor * 100.0) as u32)
}

impl GlobalOptions {
    /// Returns the factor for all deadlines: the one of `--timeout`, else the one of the environment.
    ///
    /// # Errors
    ///
    /// The environment's value is not a valid factor.
    pub(crate) fn timeout_factor(&self) -> Result<f64, UsageError> {
        let from_environment = || match std::env::var(environment::TIMEOUT) {
            Ok(text) if !text.is_empty() => match percent(&text) {
                Some(percent) => Ok(percent),
                None => Err(UsageError::BadValue {
                    option: environment::TIMEOUT.to_owned(),
                    value: text,
                    expected: FACTOR_EXPECTED,
                }),
            },
            _ => Ok(100),
        };
        let percent = self.timeout.map_or_else(from_environment, Ok)?;
        Ok(f64::from(percent) / 100.0)
    }

    /// Sets the option called `name`.
    ///
    /// # Errors
    ///
    /// What a valid value is, if `value` is not valid.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        match name {
            "--json" => self.json = true,
            "--verbose" => self.verbosity = self.verbosity.raised(),
            "--quiet" => self.quiet = true,
            "--baud" => {
                let rate = value.parse().ok().filter(|rate| *rate > 0);
                self.open.baud_rate = rate.ok_or("a number of bits per second")?;
            }
            "--timeout" => {
                self.timeout = Some(percent(value).ok_or(FACTOR_EXPECTED)?);
            }
            "--dtr" => self.open.lines.dtr = line_state(value)?,
            "--rts" => self.open.lines.rts = line_state(value)?,
            "--reset-on-connect" => self.reset_on_connect = true,
            "--no-reconnect" => self.no_reconnect = true,
            "--password" => self.open.password = Some(Password::new(value)),
            _ => self.vm = Some(PathBuf::from(value)),
        }
        Ok(())
    }
}

fn line_state(text: &str) -> Result<LineState, &'static str> {
    match text {
        "on" => Ok(LineState::On),
        "off" => Ok(LineState::Off),
        "keep" => Ok(LineState::Keep),
        _ => Err("`on`, `off` or `keep`"),
    }
}

/// Returns the program's name and its arguments if `argv` asks for the command line of the official compiler.
///
/// That command line has file names of any bytes and its own options, and must start fast.
pub(crate) fn mpy_cross(argv: &[OsString]) -> Option<(OsString, &[OsString])> {
    let (program, words) = argv.split_first()?;
    if Path::new(program).file_stem()? == "mpy-cross" {
        return Some((program.clone(), words));
    }
    let (first, words) = words.split_first()?;
    let called_mpremote = Path::new(program).file_stem()? == "mpremote";
    (first == "mpy-cross" && !called_mpremote).then(|| {
        let mut name = program.clone();
        name.push(" mpy-cross");
        (name, words)
    })
}

/// Returns the words that a shell passes if `argv` asks for the completions of a line.
pub(crate) fn completion(argv: &[OsString]) -> Option<Vec<String>> {
    let [_, word, rest @ ..] = argv else {
        return None;
    };
    if word != "__complete" {
        return None;
    }
    let rest = rest.iter().map(|word| word.to_string_lossy().into_owned());
    Some(rest.collect())
}

/// Chooses the rules by the program's name. Returns them with the words that follow it.
///
/// # Errors
///
/// The first word that is not UTF-8.
pub(crate) fn compatibility_and_words(
    argv: impl IntoIterator<Item = OsString>,
) -> Result<(&'static Compatibility, Vec<String>), OsString> {
    let mut argv = argv.into_iter();
    let program = argv.next().unwrap_or_default();
    let mut words = argv
        .map(OsString::into_string)
        .collect::<Result<Vec<String>, OsString>>()?;
    let called_mpremote = Path::new(&program)
        .file_stem()
        .is_some_and(|stem| stem == "mpremote");
    if called_mpremote {
        return Ok((Compatibility::MPREMOTE, words));
    }
    if words.first().is_some_and(|word| word == "mpremote") {
        words.remove(0);
        return Ok((Compatibility::MPREMOTE, words));
    }
    Ok((Compatibility::PITON, words))
}

/// Returns whether `--json` is among the words that are not a program's own arguments.
pub(crate) fn asks_for_json(words: &[String]) -> bool {
    let mut own = words.iter().take_while(|word| *word != "--");
    own.any(|word| word == "--json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(argv: &[&str], compatibility: &Compatibility, words: &[&str]) {
        let found = compatibility_and_words(argv.iter().map(OsString::from)).unwrap();
        assert_eq!(
            found,
            (
                compatibility,
                words.iter().map(ToString::to_string).collect()
            )
        );
    }

    #[test]
    fn the_name_of_the_program_decides_the_rules() {
        check(&["piton", "ls"], Compatibility::PITON, &["ls"]);
        check(
            &["/usr/bin/mpremote", "ls"],
            Compatibility::MPREMOTE,
            &["ls"],
        );
        check(&["mpremote.exe"], Compatibility::MPREMOTE, &[]);
        check(
            &["piton", "mpremote", "ls"],
            Compatibility::MPREMOTE,
            &["ls"],
        );
        check(
            &["piton", "ls", "mpremote"],
            Compatibility::PITON,
            &["ls", "mpremote"],
        );
    }
}
