//! `cargo xtask bench`: Piton against its peers, in one run, as ratios.
//!
//! Times on a shared machine drift. So each comparison runs the two commands in turn, and what counts is the
//! ratio of the medians, never a single time.

#[cfg(unix)]
mod boards;
mod build;
mod compile;
mod content;
#[cfg(unix)]
mod device;
mod files;
mod measure;
mod start;

/// Compare Piton with its peers on this machine
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    Start(start::Args),
    Build(build::Args),
    Compile(compile::Args),
    Files(files::Args),
    #[cfg(unix)]
    Boards(boards::Args),
    #[cfg(unix)]
    Device(device::Args),
    #[command(hide = true)]
    PeakMemory(measure::Args),
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    match &args.what {
        What::Start(args) => start::run(args),
        What::Build(args) => build::run(args),
        What::Compile(args) => compile::run(args),
        What::Files(args) => files::run(args),
        #[cfg(unix)]
        What::Boards(args) => boards::run(args),
        #[cfg(unix)]
        What::Device(args) => device::run(args),
        What::PeakMemory(args) => measure::run(args),
    }
}
