//! `doctor`: looks for what keeps boards from being reached, and says what to do about it.

mod program;

use std::time::Duration;

use piton::deadline::Deadline;
use piton::doctor::{Finding, Severity, Topic, examine_board, examine_computer};
use piton::fs::remote::RemoteFs;
use serde::Serialize;

use super::completions;
use crate::context::Context;
use crate::environment;
use crate::error::CommandError;

/// How long a board may take to count its free space, as for `df`.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    /// How many of the findings are problems.
    problems: usize,
    findings: &'a [Finding],
}

pub(super) fn run(ctx: &mut Context) -> Result<(), CommandError> {
    let vm = ctx.session.connect_options().vm.clone();
    let mut findings = Vec::new();
    if let Ok(program) = std::env::current_exe() {
        let path = std::env::var_os(environment::PATH).unwrap_or_default();
        findings.extend(program::findings(&program, &path));
    }
    findings.extend(examine_computer(vm.as_deref()));
    findings.extend(completions::finding());
    // A board is looked at only if the line connects to one: that interrupts its program.
    if ctx.session.is_connected() {
        findings.extend(board_findings(ctx)?);
    }
    let problems = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Problem);
    let problems = problems.count();
    if ctx.ui.json() {
        ctx.ui.json_line(&Report {
            problems,
            findings: &findings,
        })?;
    } else {
        print(&findings, ctx)?;
    }
    match problems {
        0 => Ok(()),
        problems => Err(CommandError::Problems(problems)),
    }
}

fn board_findings(ctx: &mut Context) -> Result<Vec<Finding>, CommandError> {
    let device = ctx.session.board()?.device_name().to_owned();
    let facts = ctx.session.facts()?;
    let mut raw = ctx.session.raw_repl()?;
    // Old boards can't report it: that is no finding.
    let spaces = RemoteFs::new(&mut raw)
        .disk_free(Deadline::after(ANSWER_TIME))
        .unwrap_or_default();
    Ok(examine_board(&device, &facts, &spaces))
}

fn print(findings: &[Finding], ctx: &Context) -> Result<(), CommandError> {
    for finding in findings {
        let mark = match finding.severity {
            Severity::Fine => "ok",
            Severity::Note => "note",
            Severity::Problem => "problem",
        };
        ctx.ui
            .line(&format!("{mark:<8} {}", printable::line(&finding.message)))?;
        if let Some(remedy) = &finding.remedy {
            ctx.ui
                .line(&format!("{:<8} -> {}", "", printable::line(remedy)))?;
        }
    }
    if !findings
        .iter()
        .any(|finding| finding.topic == Topic::Firmware)
    {
        ctx.ui.note(
            "boards themselves were not looked at, since that stops their programs: `piton connect PORT doctor` does",
        );
    }
    Ok(())
}
