//! The project's own tasks: set-up of the pinned test programs, house rules, the checks that CI runs,
//! and the demonstration. `cargo xtask help` lists them.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal: it reports what it does"
)]

mod bench;
mod changelog;
mod codegen;
mod corpus;
mod demo;
mod dependencies;
mod dist;
mod figures;
mod help;
mod man;
mod metadata;
mod platforms;
mod processes;
mod python;
mod recording;
mod repository;
mod served_board;
mod setup;
mod site;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tasks of the Piton source tree
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    Setup(setup::Args),
    Test(test::Args),
    Tidy(tidy::Args),
    Demo(demo::Args),
    Site(site::Args),
    Recording(recording::Args),
    Dist(dist::Args),
    Bench(bench::Args),
    Corpus(corpus::Args),
    Codegen(codegen::Args),
    Platforms(platforms::Args),
    Changelog(changelog::Args),
    Figures(figures::Args),
    Repository(repository::Args),
}

fn main() -> ExitCode {
    let done = match Args::parse().task {
        Task::Setup(args) => setup::run(&args),
        Task::Test(args) => test::run(&args),
        Task::Tidy(args) => tidy::run(&args),
        Task::Demo(args) => demo::run(&args),
        Task::Site(args) => site::run(&args),
        Task::Recording(args) => recording::run(&args),
        Task::Dist(args) => dist::run(&args),
        Task::Bench(args) => bench::run(&args),
        Task::Corpus(args) => corpus::run(&args),
        Task::Codegen(args) => codegen::run(&args),
        Task::Platforms(args) => platforms::run(&args),
        Task::Changelog(args) => changelog::run(&args),
        Task::Figures(args) => figures::run(&args),
        Task::Repository(args) => repository::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
