//! The `piton` command for MicroPython boards, with mpremote's commands and chains.
//!
//! # Layout
//!
//! - The line: [`args`] parses `argv`, with the shortcuts of [`config`], into a chain of [`commands`].
//!   [`compatibility`] holds what differs under mpremote's name. [`usage`] is what can be wrong with a line,
//!   [`suggest`] finds what may have been meant, [`complete`] lists the next words for a shell.
//! - Running: [`context`] holds what commands share: the session with a board, the [`ui`], the flag that [`interrupt`]
//!   raises on Ctrl-C. [`password`] and [`signing`] get the passwords of boards and keys.
//! - Output: [`ui`] alone prints, with the lines of [`progress`] and the log of [`verbosity`]; [`output_sink`] ends an
//!   operation when its output cannot be printed. [`error`] alone knows the message, hints and exit code of each
//!   failure.
//! - The system: [`terminal`] alone changes the terminal's modes, through `windows_console` on Windows. [`environment`]
//!   has the names of the environment variables. [`local_file`] reads and writes files of this computer whole.
//!
//! Under the name `belay`, or after that word, [`belay`] has the command line of Belay, for the same commands.
//!
//! Under the name `mpy-cross` nothing of this starts but [`piton_mpy_cross`], and [`build_tools`] has the command lines of
//! `makemanifest.py`, `mpy-tool.py` and `mpy_ld.py`; [`firmware`] is what they share with the commands for manifests.
//!
//! # Architecture invariants
//!
//! The protocol of boards is in the `piton` library, not here. Only [`ui`] prints. Results go to stdout,
//! messages to stderr.

mod args;
mod belay;
mod build_tools;
mod commands;
mod compatibility;
mod complete;
mod config;
mod context;
mod environment;
mod error;
mod firmware;
mod interrupt;
mod local_file;
mod output_sink;
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
    if let Some((tool, words)) = build_tools::find(&argv) {
        return build_tools::main(tool, words);
    }
    if let Some(words) = belay::find(&argv) {
        return belay::main(words);
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
    // A line with an error is not parsed to its end, but the error must be reported as JSON if the line asks for that.
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

/// Runs a chain from end to end. Whatever happens, the board is left at its friendly prompt.
fn run(chain: Chain, ctx: &mut Context) -> Result<(), CommandError> {
    let end = match chain.end {
        End::Invalid(error) if ctx.compatibility.checks_whole_line => {
            return Err(CommandError::Usage(error));
        }
        end => end,
    };
    let result = run_commands(&chain.commands, end, ctx);
    ctx.session.disconnect();
    let printed = ctx.ui.flush_late();
    result.and(printed)
}

fn run_commands(
    commands: &[commands::Command],
    end: End,
    ctx: &mut Context,
) -> Result<(), CommandError> {
    for (index, command) in commands.iter().enumerate() {
        if let Err(error) = command.run(ctx) {
            if command.precedes_doctor(commands.get(index + 1)) {
                commands::doctor::run_without_board(ctx)?;
            }
            return Err(error);
        }
    }
    match end {
        End::Complete if commands.iter().any(commands::Command::is_action) => Ok(()),
        End::Complete => commands::repl::run_at_end(ctx),
        End::Help(text) => ctx.ui.help(&text),
        End::MpremoteHelp(text) => ctx.ui.text(&text),
        End::Invalid(error) => Err(CommandError::Usage(error)),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_layout_names_each_module() {
        let source = include_str!("main.rs");
        let (docs, rest) = source.split_once("mod args;").unwrap();
        let modules = rest.lines().map_while(|line| {
            let is_listed = line.is_empty() || line.starts_with("mod ") || line.starts_with("#[");
            is_listed.then(|| line.strip_prefix("mod ").unwrap_or_default())
        });
        for name in modules.filter_map(|module| module.strip_suffix(';')) {
            assert!(docs.contains(&format!("`{name}`")), "{name}");
        }
    }
}
