//! The command line of belay 0.30.1: `piton belay ...`, or a link to `piton` named `belay`. Commands, options, files, exit codes and
//! the texts that scripts read are Belay's; docs/belay.md lists what differs.

mod board;
mod cache;
mod line;
mod project;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::error::ErrorKind;
use piton::new_project;
use piton::transport::webrepl::Password;

use crate::args::GlobalOptions;
use crate::commands::select;
use crate::compatibility::Compatibility;
use crate::config::Config;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::Ui;
use crate::usage::UsageError;
use line::Command;

/// Returns the words of the line if `argv` asks for Belay's command line.
pub(crate) fn find(argv: &[OsString]) -> Option<&[OsString]> {
    let (program, words) = argv.split_first()?;
    if Path::new(program).file_stem()? == "belay" {
        return Some(words);
    }
    let (first, words) = words.split_first()?;
    let called_mpremote = Path::new(program).file_stem()? == "mpremote";
    (first == "belay" && !called_mpremote).then_some(words)
}

/// Returns the commands and their options, for completion.
pub(crate) fn command_line() -> clap::Command {
    use clap::CommandFactory as _;
    line::Line::command()
}

/// Runs a line.
pub(crate) fn main(words: &[OsString]) -> ExitCode {
    let mut options = GlobalOptions::default();
    if let [command, program, arguments @ ..] = words
        && command == "run"
        && project::runs_here(program)
    {
        return end(&options, |ctx| {
            project::run_program(program, arguments, ctx)
        });
    }
    let result = parse(words, &mut options);
    let ui = Ui::new(Compatibility::BELAY, &options);
    let command = match result {
        Ok(command) => command,
        Err(CommandError::Usage(UsageError::Arguments(error))) => match answer(&ui, &error) {
            Some(Ok(())) => return ExitCode::SUCCESS,
            Some(Err(error)) => return ui.report(&error),
            None => return ui.report(&CommandError::Usage(UsageError::Arguments(error))),
        },
        Err(error) => return ui.report(&error),
    };
    end(&options, |ctx| run(&command, ctx))
}

/// Runs a command to the end of the program.
fn end(
    options: &GlobalOptions,
    command: impl FnOnce(&mut Context) -> Result<(), CommandError>,
) -> ExitCode {
    let result = start(options).and_then(|mut ctx| {
        let result = command(&mut ctx);
        ctx.session.disconnect();
        result
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => Ui::new(Compatibility::BELAY, options).report(&error),
    }
}

/// Parses the line, and puts the password that it has into the options.
fn parse(words: &[OsString], options: &mut GlobalOptions) -> Result<Command, CommandError> {
    let words: Vec<String> = words
        .iter()
        .map(|word| word.to_str().map(str::to_owned))
        .zip(words)
        .map(|(text, word)| text.ok_or_else(|| CommandError::NotText { word: word.clone() }))
        .collect::<Result<_, _>>()?;
    let line = line::parse(&words).map_err(UsageError::Arguments)?;
    let password = line.command.password().filter(|word| !word.is_empty());
    options.open.password = password.map(Password::new);
    Ok(line.command)
}

/// Prints what the line asks for, if it is a text of ours and no mistake.
fn answer(ui: &Ui, error: &clap::Error) -> Option<Result<(), CommandError>> {
    match error.kind() {
        ErrorKind::DisplayVersion => Some(ui.line(line::VERSION)),
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Some(ui.help(error))
        }
        _ => None,
    }
}

/// Returns the context of a line.
fn start(options: &GlobalOptions) -> Result<Context, CommandError> {
    piton::deadline::set_timeout_factor(options.timeout_factor()?);
    let config = Config::load(Compatibility::BELAY).map_err(CommandError::Config)?;
    Ok(Context::new(Compatibility::BELAY, options, config))
}

fn run(command: &Command, ctx: &mut Context) -> Result<(), CommandError> {
    match command {
        Command::New(args) => {
            new_project::create_as_belay(&args.path)?;
            Ok(())
        }
        Command::Add(args) => project::add(args, ctx),
        Command::Update(args) => project::update(args, ctx),
        Command::Clean => project::clean(),
        Command::Install(args) => project::install(args, ctx),
        Command::Exec(args) => board::exec(args, ctx),
        Command::Run(args) => board::run(args, ctx),
        Command::Sync(args) => board::sync(args, ctx),
        Command::Info(args) => board::info(args, ctx),
        Command::Latency(args) => board::latency(args, ctx),
        Command::Terminal(args) => board::terminal(args, ctx),
        Command::Select => select::run_as_belay(ctx),
        Command::Cache { command } => cache::run(command, ctx),
    }
}

/// Returns whether the words are a line that can be run.
#[cfg(test)]
pub(crate) fn understands(words: &[String]) -> bool {
    let runs_here = match words {
        [command, program, ..] => command == "run" && project::runs_here(program.as_ref()),
        _ => false,
    };
    runs_here || line::parse(words).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_program_or_the_first_word_asks_for_it() {
        let words = |argv: &[&str]| {
            let argv: Vec<OsString> = argv.iter().map(OsString::from).collect();
            find(&argv).map(<[OsString]>::len)
        };
        assert_eq!(words(&["/usr/bin/belay", "info", "a0"]), Some(2));
        assert_eq!(words(&["belay.exe"]), Some(0));
        assert_eq!(words(&["piton", "belay", "info"]), Some(1));
        assert_eq!(words(&["piton", "info", "belay"]), None);
        assert_eq!(words(&["mpremote", "belay"]), None);
        assert_eq!(words(&["piton"]), None);
    }
}
