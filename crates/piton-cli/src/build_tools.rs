//! The command lines of MicroPython's build tools: `piton makemanifest`, `piton mpy-tool` and `piton mpy-ld`, or links to `piton`
//! named `makemanifest.py`, `mpy-tool.py` and `mpy_ld.py`. Options, output and exit codes are those of the tools of MicroPython 1.29.
//!
//! A link named `piton-python3` is for ports that are built with CMake, which start `tools/makemanifest.py` by its path with the Python that
//! is configured: it does what that script does, and has the system's Python do everything else.

mod arguments;
mod makemanifest;
mod mpy_ld;
mod mpy_tool;
mod python;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// A tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BuildTool {
    /// tools/makemanifest.py
    MakeManifest,
    /// tools/mpy-tool.py
    MpyTool,
    /// tools/mpy_ld.py
    MpyLd,
    /// Python, for CMake
    Python,
}

impl BuildTool {
    fn named(name: &str) -> Option<BuildTool> {
        match name {
            "makemanifest" | "makemanifest.py" => Some(BuildTool::MakeManifest),
            "mpy-tool" | "mpy-tool.py" => Some(BuildTool::MpyTool),
            "mpy-ld" | "mpy_ld" | "mpy_ld.py" => Some(BuildTool::MpyLd),
            "piton-python3" | "piton-python3.exe" => Some(BuildTool::Python),
            _ => None,
        }
    }

    fn file(self) -> &'static str {
        match self {
            BuildTool::MakeManifest => "makemanifest.py",
            BuildTool::MpyTool => "mpy-tool.py",
            BuildTool::MpyLd => "mpy_ld.py",
            BuildTool::Python => "piton-python3",
        }
    }
}

/// Returns the tool that `argv` asks for, and its words.
pub(crate) fn find(argv: &[OsString]) -> Option<(BuildTool, &[OsString])> {
    let (program, words) = argv.split_first()?;
    let name = Path::new(program).file_name()?.to_str()?;
    if let Some(tool) = BuildTool::named(name) {
        return Some((tool, words));
    }
    let (first, words) = words.split_first()?;
    if Path::new(program).file_stem()? == "mpremote" {
        return None;
    }
    Some((BuildTool::named(first.to_str()?)?, words))
}

/// Runs a tool.
pub(crate) fn main(tool: BuildTool, words: &[OsString]) -> ExitCode {
    let texts: Vec<String> = words
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let result = match tool {
        BuildTool::MakeManifest => makemanifest::run(&texts),
        BuildTool::MpyTool => mpy_tool::run(&texts),
        BuildTool::MpyLd => mpy_ld::run(&texts),
        BuildTool::Python => return python::run(words),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(end) => {
            crate::ui::raw_stderr(end.stderr.as_bytes());
            // The exit code reports the failure even if stdout is closed.
            let _ = crate::ui::raw_stdout(end.stdout.as_bytes());
            ExitCode::from(end.code)
        }
    }
}

/// The end of a run that is not its goal: help, or a failure.
#[derive(Debug, Default, PartialEq, Eq)]
struct End {
    stdout: String,
    stderr: String,
    code: u8,
}

impl End {
    fn failed(stderr: String) -> End {
        End {
            stderr,
            code: 1,
            ..End::default()
        }
    }
}

/// Prints on stdout. A reader that has gone away changes nothing.
fn print(text: &str) {
    let _ = crate::ui::raw_stdout(text.as_bytes());
}
