//! Running other programs.

use std::ffi::OsStr;
use std::io;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, bail};

/// How many of the last lines of a failed program's output an error carries.
const REPORTED_LINES: usize = 12;

/// Runs a program to its end and returns what it wrote to stdout.
/// Errors: the program is not installed, or failed; the error then carries the end of its output.
pub(crate) fn output_of(command: &mut Command) -> anyhow::Result<String> {
    let name = command.get_program().to_owned();
    let output = finished(command.stdin(Stdio::null()).output(), &name)?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        bail!(
            "`{}` failed ({})\n{}",
            name.display(),
            output.status,
            last_lines(&said)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn finished(output: io::Result<Output>, name: &OsStr) -> anyhow::Result<Output> {
    match output {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            bail!("`{}` is not installed", name.display())
        }
        other => other.with_context(|| format!("cannot run `{}`", name.display())),
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let first = lines.len().saturating_sub(REPORTED_LINES);
    let tail: Vec<String> = lines
        .iter()
        .skip(first)
        .map(|line| format!("    {line}"))
        .collect();
    tail.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named() {
        let error = output_of(&mut Command::new("no-such-program-anywhere")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`no-such-program-anywhere` is not installed"
        );
    }

    #[test]
    fn only_the_end_of_a_long_output_is_reported() {
        let text: String = (1..=20).map(|number| format!("line {number}\n")).collect();
        let tail = last_lines(&text);
        assert_eq!(tail.lines().count(), REPORTED_LINES);
        assert!(
            tail.starts_with("    line 9\n") && tail.ends_with("    line 20"),
            "{tail}"
        );
    }
}
