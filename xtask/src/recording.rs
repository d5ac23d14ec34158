//! `cargo xtask recording`: the picture of a session in the README, from a real run on the virtual board.
//!
//! It is an SVG whose lines appear one after the other. Readers that show no animation show all lines. The outputs are those of the
//! program, the pauses are not: the same outputs give the same picture, so the checks can compare it.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::ensure;

use crate::setup;
use crate::workspace::{Profile, build_piton, root};

/// Record the session that the README shows
#[derive(clap::Args)]
pub(crate) struct Args {}

const RECORDING: &str = "docs/recording.svg";

/// The files of the session.
const FILES: [(&str, &str); 3] = [
    ("app/main.py", "import leds\n\nleds.show(3)\n"),
    (
        "app/leds.py",
        "def show(count):\n    for led in range(count):\n        print(\"led\", led, \"on\")\n",
    ),
    ("check.py", "import sys\n\nsys.exit(3)\n"),
];

/// The lines of the session: a remark, the words of `piton`, and what the shell does afterwards.
const LINES: [(&str, &[&str], &str); 6] = [
    (
        "a real MicroPython is inside: no board needed",
        &["connect", "virtual", "eval", "6 * 7"],
        "",
    ),
    (
        "copy a folder: one stream, only what changed",
        &["connect", "virtual:board", "sync", "app"],
        "",
    ),
    ("", &["connect", "virtual:board", "sync", "app"], ""),
    (
        "run what is there",
        &["connect", "virtual:board", "exec", "import main"],
        "",
    ),
    (
        "the exit code is the program's",
        &["connect", "virtual", "run", "check.py"],
        "; echo $?",
    ),
    (
        "compile for a release: no mpy-cross needed",
        &[
            "compile",
            "--target",
            "micropython-1.22",
            "app",
            "--out-dir",
            "build",
        ],
        "",
    ),
];

/// A line of the terminal.
struct Row {
    text: String,
    kind: Kind,
    /// When it appears, in milliseconds since the start.
    time: u64,
}

/// What a line is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Remark,
    Typed,
    Output,
}

pub(crate) fn run(_args: &Args) -> anyhow::Result<()> {
    setup::set_up(&[test_programs::program("vm")?])?;
    let rows = record(&build_piton(Profile::Dev)?)?;
    fs_err::write(root().join(RECORDING), svg(&rows))?;
    println!("{RECORDING} has {} lines", rows.len());
    Ok(())
}

/// Checks that the picture shows what a `piton` prints.
pub(crate) fn check(piton: &Path) -> anyhow::Result<()> {
    let shown = fs_err::read_to_string(root().join(RECORDING))?;
    ensure!(
        shown.replace("\r\n", "\n") == svg(&record(piton)?),
        "`{RECORDING}` does not show what piton prints\n\nhint: run `cargo xtask recording`, and look at it"
    );
    Ok(())
}

/// Runs the session.
fn record(piton: &Path) -> anyhow::Result<Vec<Row>> {
    let folder = tempfile::Builder::new()
        .prefix("piton-recording-")
        .tempdir()?;
    for name in ["app", "board"] {
        fs_err::create_dir(folder.path().join(name))?;
    }
    for (path, text) in FILES {
        fs_err::write(folder.path().join(path), text)?;
    }
    let mut rows = Vec::new();
    let mut time = 400;
    for (remark, words, shell) in LINES {
        if !remark.is_empty() {
            rows.push(Row::new(&format!("# {remark}"), Kind::Remark, time));
            time += 700;
        }
        let typed = words.iter().map(|word| match word.contains(' ') {
            true => format!("\"{word}\""),
            false => (*word).to_owned(),
        });
        let typed = typed.collect::<Vec<_>>().join(" ");
        rows.push(Row::new(
            &format!("$ piton {typed}{shell}"),
            Kind::Typed,
            time,
        ));
        time += typing_time(&typed);
        let mut command = Command::new(piton);
        command
            .args(words)
            .current_dir(folder.path())
            .env("PITON_CONFIG", "")
            .stdin(Stdio::null());
        let output = command.output()?;
        time += RUNNING;
        let code = output.status.code();
        ensure!(
            code == Some(0) || !shell.is_empty(),
            "`piton {typed}` failed"
        );
        let said = [output.stdout, output.stderr].concat();
        let mut said = String::from_utf8_lossy(&said).replace('\r', "");
        if !shell.is_empty() {
            let _ = writeln!(said, "{}", code.unwrap_or_default());
        }
        rows.extend(said.lines().map(|line| Row::new(line, Kind::Output, time)));
        time += 1200;
    }
    Ok(rows)
}

/// How long a command seems to run, in milliseconds.
const RUNNING: u64 = 200;

/// Returns how long a person needs for a line.
fn typing_time(line: &str) -> u64 {
    200 + 25 * line.len() as u64
}

impl Row {
    fn new(text: &str, kind: Kind, time: u64) -> Row {
        Row {
            text: text.to_owned(),
            kind,
            time,
        }
    }
}

/// Height of a line, in the units of the picture.
const LINE: usize = 20;

/// Returns the picture. Each line has its own animation of the whole time, so that all begin again together.
fn svg(rows: &[Row]) -> String {
    let height = rows.len() * LINE + 30;
    let total = rows.last().map_or(0, |row| row.time) + 6000;
    let mut styles = String::new();
    let mut lines = String::new();
    for (index, row) in rows.iter().enumerate() {
        let percent = row.time as f64 * 100.0 / total as f64;
        // Writing to a string can't fail.
        let _ = writeln!(
            styles,
            "@keyframes r{index} {{ 0%, {percent:.2}% {{ opacity: 0 }} {:.2}%, 100% {{ opacity: 1 }} }}",
            percent + 0.01
        );
        let class = match row.kind {
            Kind::Remark => "remark",
            Kind::Typed => "typed",
            Kind::Output => "output",
        };
        let y = index * LINE + 30;
        let text = row.text.replace('&', "&amp;").replace('<', "&lt;");
        let _ = writeln!(
            lines,
            "<text class=\"{class}\" x=\"16\" y=\"{y}\" style=\"animation: r{index} {total}ms infinite\" xml:space=\"preserve\">{text}</text>"
        );
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"720\" height=\"{height}\" viewBox=\"0 0 720 {height}\">\n\
         <title>A session with piton on the virtual board</title>\n\
         <style>\n\
         text {{ font: 14px ui-monospace, Menlo, Consolas, \"DejaVu Sans Mono\", monospace }}\n\
         .remark {{ fill: #8b93a1 }} .typed {{ fill: #ffffff }} .output {{ fill: #a5d6a7 }}\n\
         @media (prefers-reduced-motion: reduce) {{ text {{ animation: none !important }} }}\n\
         {styles}</style>\n\
         <rect width=\"720\" height=\"{height}\" rx=\"8\" fill=\"#1d2026\"/>\n{lines}</svg>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_appears_at_its_time() {
        let rows = [
            Row::new("$ piton eval \"1 < 2\"", Kind::Typed, 0),
            Row::new("True", Kind::Output, 2000),
        ];
        let svg = svg(&rows);
        for part in [
            "@keyframes r1 { 0%, 25.00% { opacity: 0 }",
            "animation: r1 8000ms infinite",
            "piton eval \"1 &lt; 2\"</text>",
            "height=\"70\"",
        ] {
            assert!(svg.contains(part), "{part}\n{svg}");
        }
    }
}
