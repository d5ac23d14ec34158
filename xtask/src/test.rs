//! `cargo xtask test`: every check that a change must pass, in the order in which they fail fastest.
//!
//! All of them run, whichever fails: one run shows everything that is wrong.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::ValueEnum;

use crate::processes::output_of;
use crate::workspace::{Profile, build_piton, cargo};
use crate::{platforms, python, recording, setup, site, tidy};

/// Set up the test programs and run all checks
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these steps, in their usual order
    steps: Vec<Step>,
}

/// A check, named as on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Step {
    /// Bring the pinned test programs into the cache folder
    Setup,
    /// The formatter's check
    Fmt,
    /// Crate edges, sizes and the other house rules
    Tidy,
    /// Lints, as errors
    Clippy,
    /// The tests
    Nextest,
    /// The examples in the documentation
    Doctest,
    /// The documentation, warnings as errors
    Doc,
    /// The site: its links, the pages of the program's help, and the picture of a session
    Site,
    /// The Python package: its wheel, its tests, its types
    Python,
    /// Lints for the systems that the tests do not run on
    Platforms,
}

impl Step {
    fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn run(self) -> anyhow::Result<()> {
        match self {
            Step::Setup => setup::run(&setup::Args::default()),
            Step::Tidy => tidy::run(&tidy::Args {}),
            Step::Fmt => run_cargo(cargo().args(["fmt", "--all", "--check"])),
            Step::Clippy => run_cargo(
                cargo()
                    .args(["clippy", "--workspace", "--all-targets"])
                    .args(["--", "-D", "warnings"]),
            ),
            Step::Platforms => platforms::run(&platforms::Args {}),
            Step::Nextest => nextest(),
            Step::Doctest => run_cargo(cargo().args(["test", "--doc", "--workspace"])),
            Step::Doc => run_cargo(
                // The library `piton` and the program `piton` would write the same pages.
                cargo()
                    .args(["doc", "--workspace", "--no-deps", "--lib"])
                    .env("RUSTDOCFLAGS", "-D warnings"),
            ),
            Step::Site => {
                recording::check(&build_piton(Profile::Dev)?)?;
                site::run(&site::Args::default())
            }
            Step::Python => python::check(),
        }
    }

    /// Looks for the tool that a step needs besides cargo.
    /// Errors: it is not installed, and how to install it.
    fn find_tool(self) -> anyhow::Result<()> {
        let (tool, how) = match self {
            Step::Fmt => ("fmt", "rustup component add rustfmt"),
            Step::Clippy => ("clippy", "rustup component add clippy"),
            Step::Nextest => ("nextest", "cargo install --locked cargo-nextest"),
            Step::Setup
            | Step::Tidy
            | Step::Doctest
            | Step::Doc
            | Step::Site
            | Step::Python
            | Step::Platforms => return Ok(()),
        };
        match output_of(cargo().args([tool, "--version"])) {
            Ok(_) => Ok(()),
            Err(_) => bail!("`cargo {tool}` is not installed\n\nhint: run `{how}`"),
        }
    }
}

/// The tests that run a User Mode Linux.
const GUEST_TESTS: &str = "test(/^fat::/) | test(/^vfat::/)";

/// Runs the tests: all that can run on this processor.
fn nextest() -> anyhow::Result<()> {
    let mut nextest = cargo();
    let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = test_threads(processors).to_string();
    nextest.args(["nextest", "run", "--workspace", "--test-threads", &threads]);
    let processor = fs_err::read_to_string("/proc/cpuinfo").unwrap_or_default();
    if has_large_state(&processor) {
        println!(
            "notice: the tests of FAT drives are left out: User Mode Linux 6.1 can't start on a processor with AMX"
        );
        nextest.args(["-E", &format!("not ({GUEST_TESTS})")]);
    }
    run_cargo(&mut nextest)
}

/// Returns how many tests run at a time: more than there are processors, since many tests wait for a board or for a deadline most of
/// their time.
fn test_threads(processors: usize) -> usize {
    processors + processors.div_ceil(2)
}

/// Returns whether a processor has AMX, by the text of `/proc/cpuinfo`. The state of its registers does not fit the buffer that User
/// Mode Linux 6.1 has for it (`HOST_FP_SIZE`): the guest ends with `ptrace set fp regs failed, errno = 14`.
fn has_large_state(processor: &str) -> bool {
    processor.split_whitespace().any(|flag| flag == "amx_tile")
}

/// What became of a step.
struct Outcome {
    step: Step,
    took: Duration,
    result: anyhow::Result<()>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let steps = selected(&args.steps);
    let outcomes = run_each(&steps, |step| {
        // A missing tool costs its own step only.
        step.find_tool()?;
        step.run()
    });
    print!("\n{}", summary(&outcomes));
    let failed = outcomes
        .iter()
        .filter(|outcome| outcome.result.is_err())
        .map(|outcome| outcome.step.name())
        .collect::<Vec<_>>();
    if failed.is_empty() {
        println!("All checks passed");
        return Ok(());
    }
    bail!(
        "{} of {} steps failed\n\nhint: `cargo xtask test {}` runs them alone",
        failed.len(),
        steps.len(),
        failed.join(" ")
    );
}

/// Runs every step with `check`, whatever became of the ones before: a failure hides no result of a later step.
fn run_each(steps: &[Step], check: impl Fn(Step) -> anyhow::Result<()>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for (index, step) in steps.iter().copied().enumerate() {
        println!("\n==> {} ({} of {})", step.name(), index + 1, steps.len());
        let start = Instant::now();
        let result = check(step);
        if let Err(error) = &result {
            // Beside the output of the step; the summary repeats its first line only.
            println!("\nerror: {error:#}");
        }
        outcomes.push(Outcome {
            step,
            took: start.elapsed(),
            result,
        });
    }
    outcomes
}

/// Returns all steps for no names, else the named ones; in their usual order, each once.
fn selected(named: &[Step]) -> Vec<Step> {
    let wanted = |step: &Step| named.is_empty() || named.contains(step);
    Step::value_variants()
        .iter()
        .copied()
        .filter(wanted)
        .collect()
}

/// Returns one line for each step: `passed` or `failed`, the seconds, and the first line of the error.
fn summary(outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    for outcome in outcomes {
        let (word, reason) = match &outcome.result {
            Ok(()) => ("passed", String::new()),
            Err(error) => {
                let error = format!("{error:#}");
                let line = error.lines().next().unwrap_or_default();
                ("failed", format!(": {line}"))
            }
        };
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "  {:<9} {word} in {:.1} s{reason}",
            outcome.step.name(),
            outcome.took.as_secs_f64()
        );
    }
    text
}

/// Runs cargo with the terminal as its own.
fn run_cargo(command: &mut Command) -> anyhow::Result<()> {
    let arguments: Vec<_> = command
        .get_args()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let line = format!("cargo {}", arguments.join(" "));
    println!("$ {line}");
    let status = command
        .status()
        .with_context(|| format!("cannot run `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_with_amx_is_recognised() {
        assert!(has_large_state("flags\t\t: fpu xsaves amx_bf16 amx_tile"));
        assert!(!has_large_state("flags\t\t: fpu xsaves avx512f"));
        assert!(!has_large_state(""));
    }

    #[test]
    fn set_up_comes_first_and_all_steps_run_unless_some_are_named() {
        assert_eq!(selected(&[]).first(), Some(&Step::Setup));
        assert_eq!(selected(&[]).len(), Step::value_variants().len());
    }

    #[test]
    fn named_steps_keep_the_usual_order() {
        assert_eq!(
            selected(&[Step::Clippy, Step::Fmt, Step::Clippy]),
            [Step::Fmt, Step::Clippy]
        );
    }

    #[test]
    fn later_steps_run_after_a_failed_one() {
        let steps = [Step::Setup, Step::Fmt, Step::Tidy];
        let outcomes = run_each(&steps, |step| match step {
            Step::Setup => bail!("test programs are missing\n\nvm 1.27.0: offline"),
            Step::Fmt | Step::Tidy => Ok(()),
            other => bail!("{} was not selected", other.name()),
        });
        let text = summary(&outcomes);
        let words = text
            .lines()
            .map(|line| {
                line.split_whitespace()
                    .take(2)
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect::<Vec<_>>();
        assert_eq!(words, ["setup failed", "fmt passed", "tidy passed"]);
        assert!(text.contains(" s: test programs are missing\n"), "{text}");
    }

    #[test]
    fn a_failing_cargo_command_is_an_error_that_shows_it() {
        let error = run_cargo(cargo().args(["metadata", "--no-such-option"])).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("`cargo metadata --no-such-option` failed"),
            "{error}"
        );
    }
}
