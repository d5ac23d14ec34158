//! The official compiler's command line, for build scripts: `piton mpy-cross`, a link to `piton` named `mpy-cross`, and
//! the program `mpy-cross`.
//!
//! Options, texts, exit codes and output bytes are those of mpy-cross 1.29, and of the releases that `-c` and `-b` choose.

mod bytes;
mod compat;
mod errno;
mod in_place;
mod options;
mod usage;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use piton_compiler::{Diagnostic, Options, Target};

use compat::Release;
use options::{Invocation, Parsed};

/// Returns what `--version` prints. Build scripts look for the second half.
fn version(release: Option<Release>) -> String {
    let (name, bytecode) = release.map_or(("v1.29.0", "6.3"), |release| {
        (release.name, release.bytecode)
    });
    let own = env!("CARGO_PKG_VERSION");
    format!(
        "Piton v{own}, compatible with MicroPython {name}; mpy-cross emitting mpy v{bytecode}\n"
    )
}

/// The longest name that a qstr can hold (`MICROPY_QSTR_BYTES_IN_LEN` is 1), and with it the longest path.
const LONGEST_NAME: usize = 255;

/// What ends a run early.
enum Failure {
    /// The source was rejected.
    Rejected(Diagnostic),
    /// A path is longer than a qstr can be.
    NameTooLong,
    /// A file cannot be opened.
    Open { path: Vec<u8>, source: io::Error },
    /// A file that is open cannot be read, or stdout not be written.
    Transfer(io::Error),
}

/// Does what `mpy-cross` does with these words; `program` is its name in the usage text, `talk` writes to stderr.
pub fn main(program: OsString, words: &[OsString], talk: fn(&[u8])) -> ExitCode {
    if run(program, words, talk) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Returns the release that `-c` of the first argument chooses, or `-b` of the second if the first is empty.
///
/// # Errors
///
/// The line for stderr, without its end, if there is none.
pub fn release(compat: &str, bytecode: &str) -> Result<&'static str, String> {
    match compat::release(compat.as_bytes(), bytecode.as_bytes()) {
        Ok(release) => Ok(release.name),
        Err(message) => Err(message.trim_end().to_owned()),
    }
}

/// Does what [`main`] does. Returns whether it ends well.
pub fn run(program: OsString, words: &[OsString], talk: fn(&[u8])) -> bool {
    let words = words
        .iter()
        .cloned()
        .map(bytes::of_word)
        .collect::<Vec<_>>();
    let choice = match compat::choose(&words) {
        Ok(choice) => choice,
        Err(message) => {
            talk(message.as_bytes());
            return false;
        }
    };
    let target = choice.release.map(|release| release.target);
    let is_help = |word: &Vec<u8>| [&b"-h"[..], b"--help"].contains(&word.as_slice());
    if choice.words.iter().any(is_help) {
        let help = usage::help(&bytes::of_word(program), target.unwrap_or_default());
        return printed(&help, true);
    }
    let parsed = options::parse(&choice.words, target);
    let invocation = match parsed {
        Parsed::Compile(invocation) => invocation,
        Parsed::Version => {
            return printed(version(choice.release).as_bytes(), true);
        }
        Parsed::Usage => {
            let usage = usage::usage(&bytes::of_word(program), target.unwrap_or_default());
            return printed(&usage, false);
        }
        Parsed::Refused(message) => {
            talk(message.as_bytes());
            return false;
        }
    };
    match compile(&invocation) {
        Ok(()) => true,
        Err(failure) => {
            talk(&failure.text(target.unwrap_or_default()));
            false
        }
    }
}

/// Returns the compiler's options that these words ask for. The last word is the input.
///
/// # Errors
/// What `mpy-cross` prints when it cannot use the words.
pub fn compiler_options(words: &[OsString]) -> Result<Options, String> {
    let words = words
        .iter()
        .cloned()
        .map(bytes::of_word)
        .collect::<Vec<_>>();
    let choice = compat::choose(&words).map_err(|message| message.trim_end().to_owned())?;
    match options::parse(&choice.words, choice.release.map(|release| release.target)) {
        Parsed::Compile(invocation) => Ok(Options {
            input_name: invocation.input.clone(),
            ..invocation.options
        }),
        Parsed::Refused(message) => Err(message.trim_end().to_owned()),
        Parsed::Version | Parsed::Usage => Err("an option is not known".to_owned()),
    }
}

fn printed(text: &[u8], is_success: bool) -> bool {
    // A reader that has gone away changes nothing: the exit code is the result.
    let _ = print(text);
    is_success
}

fn print(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush())
}

fn compile(invocation: &Invocation) -> Result<(), Failure> {
    let input = &invocation.input;
    let (name, source) = if input == b"-" {
        let mut source = Vec::new();
        io::stdin()
            .lock()
            .read_to_end(&mut source)
            .map_err(Failure::Transfer)?;
        (b"<stdin>".to_vec(), source)
    } else {
        check_name(input)?;
        (input.clone(), read(input)?)
    };
    let options = Options {
        input_name: name,
        ..invocation.options.clone()
    };
    // The official program lists native code for `-march=debug` while it makes it, an error or not.
    let mut listing = Vec::new();
    let module = piton_compiler::compile_with_listing(&source, &options, &mut listing);
    print(&listing).map_err(Failure::Transfer)?;
    let module = module.map_err(Failure::Rejected)?;
    let mpy = match piton_mpy::writer::write(&module) {
        Ok(mpy) => mpy,
        Err(error) => return Err(Failure::Transfer(io::Error::other(error))),
    };
    match invocation.output_name() {
        None => print(&mpy).map_err(Failure::Transfer),
        Some(output) => {
            check_name(&output)?;
            // As the official program does: build scripts read the result through a handle that they opened before.
            in_place::write(&bytes::to_path(&output), &mpy).map_err(|source| Failure::Open {
                path: output,
                source,
            })
        }
    }
}

fn check_name(name: &[u8]) -> Result<(), Failure> {
    if name.len() > LONGEST_NAME {
        return Err(Failure::NameTooLong);
    }
    Ok(())
}

fn read(path: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut file = File::open(bytes::to_path(path)).map_err(|source| Failure::Open {
        path: path.to_vec(),
        source,
    })?;
    let mut source = Vec::new();
    file.read_to_end(&mut source).map_err(Failure::Transfer)?;
    Ok(source)
}

impl Failure {
    /// Returns the official program's words: those of the exception that ended it.
    fn text(&self, target: Target) -> Vec<u8> {
        match self {
            Failure::Rejected(diagnostic) => diagnostic.traceback(),
            Failure::NameTooLong => b"RuntimeError: name too long\n".to_vec(),
            // Up to 1.19 the path is not named.
            Failure::Open { source, .. } if target < Target::MicroPython1_20 => {
                format!("OSError: {}\n", errno::of(source)).into_bytes()
            }
            Failure::Open { path, source } => [
                format!("OSError: ({}, \"can't open ", errno::of(source)).as_bytes(),
                path,
                b"\")\n",
            ]
            .concat(),
            // The reader of our output has closed it.
            Failure::Transfer(error) if error.kind() == io::ErrorKind::BrokenPipe => Vec::new(),
            Failure::Transfer(error) => format!("OSError: {}\n", errno::of(error)).into_bytes(),
        }
    }
}
