//! One source, both compilers.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context;
use piton_compiler::Options;

use super::option_set::OptionSet;

/// What the official compiler says, with exit code 1, when it has no handler left for an error of its own.
const UNCAUGHT: &[u8] = b"FATAL: uncaught NLR";

/// What a compiler made of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// The bytes of the module; exit code 0.
    Accepted(Vec<u8>),
    /// The text on stderr, and the exit code.
    Rejected(Vec<u8>, i32),
}

/// How the two outcomes compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// The same bytes.
    Accepted,
    /// The same text and exit code.
    Rejected,
    /// The official compiler ended by a signal or an error of its own: there is nothing to compare with.
    OfficialCrashed,
    /// Anything else.
    Different {
        /// The first bytes that differ, or what each said; several lines.
        how: String,
    },
}

impl Comparison {
    /// Compiles with both. Errors: the official compiler can't be run.
    pub(super) fn of(path: &Path, source: &[u8], set: &OptionSet) -> anyhow::Result<Comparison> {
        let Some(official) = official(path, set)? else {
            return Ok(Comparison::OfficialCrashed);
        };
        Ok(match (ours(path, source, set)?, official) {
            (ours, official) if ours != official => Comparison::Different {
                how: how_they_differ(&ours, &official),
            },
            (Outcome::Accepted(_), _) => Comparison::Accepted,
            (Outcome::Rejected(..), _) => Comparison::Rejected,
        })
    }
}

/// None if it crashed.
fn official(path: &Path, set: &OptionSet) -> anyhow::Result<Option<Outcome>> {
    let output = test_programs::mpy_cross()
        // Some files of thousands of lines need more than the default 2 MiB.
        .args(["-X", "heapsize=64m"])
        .args(&set.arguments)
        .args(["-o", "-", "--"])
        .arg(path)
        .stdin(Stdio::null())
        .output()
        .context("cannot run the official compiler")?;
    Ok(match output.status.code() {
        Some(0) => Some(Outcome::Accepted(output.stdout)),
        Some(_) if output.stderr.starts_with(UNCAUGHT) => None,
        Some(code) => Some(Outcome::Rejected(output.stderr, code)),
        None => None,
    })
}

fn ours(path: &Path, source: &[u8], set: &OptionSet) -> anyhow::Result<Outcome> {
    // The official compiler embeds paths with `/` on every system.
    let name = path.as_os_str().as_encoded_bytes();
    let options = Options {
        input_name: name
            .iter()
            .map(|&byte| if byte == b'\\' { b'/' } else { byte })
            .collect(),
        ..set.options.clone()
    };
    Ok(match piton_compiler::compile(source, &options) {
        Ok(module) => Outcome::Accepted(piton_mpy::writer::write(&module)?),
        Err(diagnostic) => Outcome::Rejected(diagnostic.traceback(), 1),
    })
}

fn how_they_differ(ours: &Outcome, official: &Outcome) -> String {
    if let (Outcome::Accepted(ours), Outcome::Accepted(official)) = (ours, official) {
        let at = ours
            .iter()
            .zip(official)
            .take_while(|(ours, official)| ours == official)
            .count();
        return format!(
            "the modules differ from byte {at} (0x{at:x}) on\n  ours:     {}\n  official: {}",
            extract(ours, at),
            extract(official, at)
        );
    }
    format!(
        "  ours:     {}\n  official: {}",
        in_words(ours),
        in_words(official)
    )
}

/// The length of the module, and a few bytes from there on.
fn extract(module: &[u8], at: usize) -> String {
    let bytes: Vec<String> = module
        .iter()
        .skip(at)
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{} of {} bytes", bytes.join(" "), module.len())
}

fn in_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted(module) => format!("accepted, {} bytes", module.len()),
        Outcome::Rejected(text, code) => {
            let text = String::from_utf8_lossy(text);
            let text = text.trim_end().replace('\n', "\n            ");
            format!("exit code {code}, {text}")
        }
    }
}

/// A file that the two disagree about.
pub(super) struct Difference {
    /// Number of the file in the list of all.
    pub(super) file_index: usize,
    pub(super) path: PathBuf,
    pub(super) options: String,
    /// See [`Comparison::Different`].
    pub(super) how: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, options {}\n{}",
            self.path.display(),
            self.options,
            self.how
        )
    }
}

/// How many files came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) accepted: usize,
    pub(super) rejected: usize,
    pub(super) different: usize,
    pub(super) official_crashed: usize,
}

impl Tally {
    pub(super) fn count(&mut self, comparison: &Comparison) {
        match comparison {
            Comparison::Accepted => self.accepted += 1,
            Comparison::Rejected => self.rejected += 1,
            Comparison::Different { .. } => self.different += 1,
            Comparison::OfficialCrashed => self.official_crashed += 1,
        }
    }

    pub(super) fn add(&mut self, more: &Tally) {
        self.accepted += more.accepted;
        self.rejected += more.rejected;
        self.different += more.different;
        self.official_crashed += more.official_crashed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_the_bytes_or_the_words() {
        let module = |bytes: &[u8]| Outcome::Accepted(bytes.to_vec());
        assert_eq!(
            how_they_differ(&module(b"M\x06\x00"), &module(b"M\x07\x00\x01")),
            "the modules differ from byte 1 (0x1) on\n  ours:     06 00 of 3 bytes\n  official: 07 00 01 of 4 bytes"
        );
        let rejected = Outcome::Rejected(b"SyntaxError: invalid syntax\n".to_vec(), 1);
        assert_eq!(
            how_they_differ(&rejected, &module(b"M")),
            "  ours:     exit code 1, SyntaxError: invalid syntax\n  official: accepted, 1 bytes"
        );
    }
}
