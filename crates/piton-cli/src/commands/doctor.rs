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

/// Reports on this computer, and on the board if the line connects to one: that interrupts its program.
pub(super) fn run(ctx: &mut Context) -> Result<(), CommandError> {
    let mut findings = computer_findings(ctx);
    let mut failure = None;
    if ctx.session.is_connected() {
        match board_findings(ctx) {
            Ok(found) => findings.extend(found),
            Err(error) => failure = Some(error),
        }
    }
    let problems = report(&findings, failure.is_none(), ctx)?;
    match (failure, problems) {
        (Some(failure), _) => Err(failure),
        (None, 0) => Ok(()),
        (None, problems) => Err(CommandError::Problems(problems)),
    }
}

/// Reports on this computer where the `connect` before a `doctor` failed: this is when the report is needed most.
pub(crate) fn run_without_board(ctx: &mut Context) -> Result<(), CommandError> {
    let findings = computer_findings(ctx);
    report(&findings, false, ctx)?;
    Ok(())
}

fn computer_findings(ctx: &Context) -> Vec<Finding> {
    let vm = ctx.session.connect_options().vm.clone();
    let mut findings = Vec::new();
    if let Ok(program) = std::env::current_exe() {
        let path = std::env::var_os(environment::PATH).unwrap_or_default();
        findings.extend(program::findings(&program, &path));
    }
    findings.extend(examine_computer(vm.as_deref()));
    findings.extend(completions::finding());
    findings
}

/// Prints the findings, and returns how many are problems. `says_how` is whether the command that examines a board is printed.
fn report(findings: &[Finding], says_how: bool, ctx: &Context) -> Result<usize, CommandError> {
    let problems = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Problem);
    let problems = problems.count();
    if ctx.ui.json() {
        ctx.ui.json_line(&Report { problems, findings })?;
    } else {
        print(findings, says_how, ctx)?;
    }
    Ok(problems)
}

fn board_findings(ctx: &mut Context) -> Result<Vec<Finding>, CommandError> {
    let device = ctx.session.board()?.device_name().to_owned();
    let facts = ctx.session.facts()?;
    let mut raw = ctx.session.raw_repl()?;
    // Old boards can't report it: that is not a finding.
    let spaces = RemoteFs::new(&mut raw)
        .disk_free(Deadline::after(ANSWER_TIME))
        .unwrap_or_default();
    Ok(examine_board(&device, &facts, &spaces))
}

fn print(findings: &[Finding], says_how: bool, ctx: &Context) -> Result<(), CommandError> {
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
    let has_board = findings
        .iter()
        .any(|finding| finding.topic == Topic::Firmware);
    if says_how && !has_board {
        ctx.ui.note(
            "boards themselves were not examined, because that stops their programs: `piton connect PORT doctor` examines one",
        );
    }
    Ok(())
}
