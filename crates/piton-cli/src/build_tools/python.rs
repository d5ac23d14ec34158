//! `piton-python3`: Python for builds with CMake, but for the one script whose place Piton takes.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

use super::BuildTool;

/// The Python of the system.
const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };

/// Does what Python does with these words.
pub(super) fn run(words: &[OsString]) -> ExitCode {
    if let Some((script, rest)) = words.split_first()
        && is_makemanifest(Path::new(script))
    {
        return super::main(BuildTool::MakeManifest, rest);
    }
    let mut command = Command::new(PYTHON);
    command.args(words);
    let error = match start(&mut command) {
        Ok(code) => return code,
        Err(error) => error,
    };
    crate::ui::raw_stderr(format!("piton-python3: cannot start `{PYTHON}`: {error}\n").as_bytes());
    ExitCode::FAILURE
}

/// Returns whether a script is tools/makemanifest.py of MicroPython.
fn is_makemanifest(script: &Path) -> bool {
    script.ends_with("tools/makemanifest.py")
}

/// Becomes another program, so that signals reach it.
#[cfg(unix)]
fn start(command: &mut Command) -> std::io::Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec())
}

#[cfg(not(unix))]
fn start(command: &mut Command) -> std::io::Result<ExitCode> {
    let code = command.status()?.code();
    Ok(code
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from))
}
