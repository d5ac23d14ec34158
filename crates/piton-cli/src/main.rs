//! The `piton` command: talks to MicroPython boards, with mpremote's words and chains.
//!
//! # Layout
//!
//! [`args`] turns `argv`, with what a person has set up in [`config`], into a chain of [`commands`]; [`context`] holds
//! what they share: the [`session`] with a board, the [`ui`] that prints, the flag that Ctrl-C raises. [`error`] alone
//! knows prefix, hint and exit code of each failure, [`terminal`] alone touches the terminal's modes. Under the name
//! `mpy-cross` nothing of this starts but [`piton_mpy_cross`].
//!
//! # Architecture invariants
//!
//! Nothing here knows the protocol of a board: that is the `piton` library. Only [`ui`] prints. stdout is data,
//! stderr is talk.

mod args;
mod commands;
mod compatibility;
mod complete;
mod config;
mod context;
mod environment;
mod error;
mod interrupt;
mod password;
mod progress;
mod signing;
mod suggest;
mod terminal;
mod ui;
mod usage;
mod verbosity;
#[cfg(windows)]
mod windows_console;

use std::process::ExitCode;

use args::chain::{Chain, End};
use compatibility::Compatibility;
use config::Config;
use context::Context;
use error::CommandError;

fn main() -> ExitCode {
    let argv = std::env::args_os().collect::<Vec<_>>();
    if let Some((program, words)) = args::mpy_cross(&argv) {
        return piton_mpy_cross::main(program, words, ui::raw_stderr);
    }
    if let Some(line) = args::completion(&argv) {
        complete::main(&line);
        return ExitCode::SUCCESS;
    }
    let (compatibility, words) = match args::compatibility_and_words(argv) {
        Ok(found) => found,
        Err(word) => {
            let error = CommandError::NotText { word };
            return ui::Ui::new(Compatibility::PITON, &args::GlobalOptions::default())
                .report(&error);
        }
    };
    // A line that makes no sense is not read to its end, and must be complained about in the right form all the same.
    let asks_for_json = compatibility.global_options && args::asks_for_json(&words);
    let config = match Config::load(compatibility) {
        Ok(config) => config,
        Err(error) => {
            let options = args::GlobalOptions {
                json: asks_for_json,
                ..args::GlobalOptions::default()
            };
            let ui = ui::Ui::new(compatibility, &options);
            return ui.report(&CommandError::Config(error));
        }
    };
    let mut chain = args::chain::parse(&words, compatibility, &config);
    chain.options.json |= asks_for_json && matches!(chain.end, End::Invalid(_));
    verbosity::install(chain.options.verbosity);
    let timeout_factor = chain.options.timeout_factor();
    let mut ctx = Context::new(compatibility, &chain.options, config);
    match timeout_factor {
        Ok(factor) => piton::deadline::set_timeout_factor(factor),
        Err(error) => return ctx.ui.report(&CommandError::Usage(error)),
    }
    ctx.ui.remarks(&ctx.config.remarks);
    match run(chain, &mut ctx) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ctx.ui.report(&error),
    }
}

/// Run a chain from end to end. Whatever happens, the board is left at its friendly prompt.
fn run(chain: Chain, ctx: &mut Context) -> Result<(), CommandError> {
    let end = match chain.end {
        End::Invalid(error) if ctx.compatibility.checks_whole_line => {
            return Err(CommandError::Usage(error));
        }
        end => end,
    };
    let done = run_commands(&chain.commands, end, ctx);
    ctx.session.disconnect();
    let printed = ctx.ui.flush_late();
    done.and(printed)
}

fn run_commands(
    commands: &[commands::Command],
    end: End,
    ctx: &mut Context,
) -> Result<(), CommandError> {
    for command in commands {
        command.run(ctx)?;
    }
    match end {
        End::Complete if commands.iter().any(commands::Command::is_action) => Ok(()),
        End::Complete => commands::repl::run_at_end(ctx),
        End::Help(text) => ctx.ui.help(&text),
        End::MpremoteHelp(text) => ctx.ui.text(&text),
        End::Invalid(error) => Err(CommandError::Usage(error)),
    }
}
