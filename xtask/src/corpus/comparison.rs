//! One source, both compilers.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use piton_compiler::{Options, Target};

use super::option_set::OptionSet;

/// What the official compiler says, with exit code 1, when it has no handler left for an error of its own.
const UNCAUGHT: &[u8] = b"FATAL: uncaught NLR";

/// It never ends for some sources that no person wrote; real ones of megabytes take it a minute.
const OFFICIAL_DEADLINE: Duration = Duration::from_secs(120);

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
    /// The official compiler ended by a signal or an error of its own, or never: there is nothing to compare
    /// with.
    OfficialCrashed,
    /// Anything else.
    Different {
        /// The first bytes that differ, or what each said; several lines.
        how: String,
    },
}

impl Comparison {
    /// Compiles with both. Errors: the official compiler can't be run.
    pub(super) fn of(
        path: &Path,
        source: &[u8],
        set: &OptionSet,
        official: &Official,
    ) -> anyhow::Result<Comparison> {
        let Some(official) = official.outcome(path, set)? else {
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

/// The compiler to compare with.
#[derive(Debug)]
pub(super) enum Official {
    /// The pinned one.
    Newest,
    /// One of the archive, of this release.
    Archived(String),
    /// Any other.
    Program(PathBuf),
}

impl Official {
    /// Returns the compiler of a release: the given program, or that of the archive.
    pub(super) fn of(target: Option<Target>, program: Option<PathBuf>) -> anyhow::Result<Official> {
        let release = match (target, program) {
            (_, Some(program)) => return Ok(Official::Program(program)),
            (None, None) => return Ok(Official::Newest),
            (Some(target), None) => target.name().strip_prefix("micropython-"),
        };
        release
            .filter(|release| test_programs::ARCHIVED_MPY_CROSS.contains(release))
            .map(|release| Official::Archived(release.to_owned()))
            .context("the archive does not have the compiler of this release")
    }

    fn command(&self) -> Command {
        match self {
            Official::Newest => test_programs::mpy_cross(),
            Official::Archived(release) => test_programs::archived_mpy_cross(release),
            Official::Program(program) => Command::new(program),
        }
    }

    /// Returns what it makes of a source; none if it crashed, or did not end in time.
    fn outcome(&self, path: &Path, set: &OptionSet) -> anyhow::Result<Option<Outcome>> {
        // Files, not pipes: nothing needs to read them while it runs. The older ones write to no stdout.
        let (output, mut stderr) = (tempfile::NamedTempFile::new()?, tempfile::tempfile()?);
        let mut child = self
            .command()
            // Some files of thousands of lines need more than the default 2 MiB.
            .args(["-X", "heapsize=64m"])
            .args(&set.arguments)
            .arg("-o")
            .arg(output.path())
            .arg(path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr.try_clone()?)
            .spawn()
            .context("cannot run the official compiler")?;
        let Some(status) = end_of(&mut child, Instant::now() + OFFICIAL_DEADLINE)? else {
            return Ok(None);
        };
        Ok(match status.code() {
            Some(0) => Some(Outcome::Accepted(fs_err::read(output.path())?)),
            Some(code) => Some(Outcome::Rejected(all_of(&mut stderr)?, code))
                .filter(|outcome| !is_uncaught(outcome)),
            None => None,
        })
    }
}

/// Waits for a process; ends it when the time is over, and returns none.
fn end_of(child: &mut Child, deadline: Instant) -> anyhow::Result<Option<ExitStatus>> {
    let mut pause = Duration::from_micros(200);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

fn all_of(file: &mut File) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn is_uncaught(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Rejected(text, _) if text.starts_with(UNCAUGHT))
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
    // The official compiler prints its listing of native code, if there is one, in front of the module.
    let mut bytes = Vec::new();
    let module = piton_compiler::compile_with_listing(source, &options, &mut bytes);
    Ok(match module {
        Ok(module) => {
            bytes.append(&mut piton_mpy::writer::write(&module)?);
            Outcome::Accepted(bytes)
        }
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

/// Returns the length of the module, and a few bytes from there on.
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

    #[cfg(unix)]
    #[test]
    fn a_process_that_never_ends_is_ended() {
        let mut child = std::process::Command::new("sleep")
            .arg("1000")
            .spawn()
            .unwrap();
        assert_eq!(end_of(&mut child, Instant::now()).unwrap(), None);
        assert!(child.try_wait().unwrap().is_some());
    }

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
