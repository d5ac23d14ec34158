//! `compile`: compiles Python sources to `.mpy` files, many at a time.

pub(super) mod excerpt;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use piton::building::BuildTarget;
use piton::cache_folder::compiled_modules;
use piton::compile::{
    CompileEvent, CompileReport, Output, Settings, plan, run as run_plan, sources,
};
use piton::compiler::{Emitter, Optimisation, Options, processor_flags};
use piton::mpy::header::Arch;

use crate::context::Context;
use crate::error::CommandError;
use crate::interrupt;

/// Arguments of `compile`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write the `.mpy` files into this folder, in the tree that the sources have (default: beside each source)
    #[arg(long, value_name = "FOLDER", conflicts_with = "output")]
    out_dir: Option<PathBuf>,
    /// Write the `.mpy` file of the only source here
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How many files to compile at the same time (default: one for each processor)
    #[arg(short, long, value_name = "COUNT")]
    jobs: Option<NonZeroUsize>,
    /// The firmware that will run the files, and after a `:` the processor: `micropython:armv7m`
    #[arg(long, value_name = "TARGET", default_value = "micropython")]
    target: BuildTarget,
    /// Optimisation level: from 1 without `assert`, from 3 without line numbers
    #[arg(short = 'O', long, value_name = "LEVEL", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=3))]
    optimise: u32,
    /// Processor of the board, as `mpy-cross -march` names it; the same as after the `:` of the target
    #[arg(long, value_name = "ARCH", value_parser = arch_named)]
    march: Option<Arch>,
    /// Extensions of the processor, separated by commas, as `mpy-cross -march-flags` names them
    #[arg(long, value_name = "FLAGS")]
    march_flags: Option<String>,
    /// What functions without a decorator of their own become; `native` and `viper` need a processor
    #[arg(long, value_name = "KIND", value_enum, default_value_t)]
    emit: Emit,
    /// Bits of a small integer on the board
    #[arg(long, value_name = "BITS", default_value_t = 31, value_parser = clap::value_parser!(u8).range(2..=64))]
    small_int_bits: u8,
    /// Leave line numbers out
    #[arg(long)]
    no_source_lines: bool,
    /// Name of the only source in tracebacks on the board (default: its path below the folder given)
    #[arg(long, value_name = "NAME")]
    embed_name: Option<String>,
    /// Files, and folders whose `.py` files to compile
    #[arg(required = true)]
    paths: Vec<PathBuf>,
}

/// What functions become.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Emit {
    /// Bytecode for the virtual machine
    #[default]
    Bytecode,
    /// Machine code that does the same, as `@micropython.native`
    Native,
    /// Machine code with the types of viper, as `@micropython.viper`
    Viper,
}

fn arch_named(name: &str) -> Result<Arch, String> {
    Arch::from_name(name).ok_or_else(|| {
        let names = Arch::ALL.map(Arch::name).join(", ");
        format!("expected one of {names}")
    })
}

impl Args {
    /// Returns the options of the compiler.
    ///
    /// # Errors
    ///
    /// [`CommandError::NeedsProcessor`], [`CommandError::TwoProcessors`], [`CommandError::NoSuchExtension`].
    fn options(&self) -> Result<Options, CommandError> {
        if let (Some(option), Some(target)) = (self.march, self.target.arch())
            && option != target
        {
            return Err(CommandError::TwoProcessors { option, target });
        }
        if !matches!(self.emit, Emit::Bytecode) && self.arch().is_none() {
            return Err(CommandError::NeedsProcessor);
        }
        let arch_flags = self.arch_flags()?;
        Ok(Options {
            embedded_name: self.embed_name.clone().map(String::into_bytes),
            optimisation: Optimisation::from_level(self.optimise),
            small_int_bits: self.small_int_bits,
            source_lines: !self.no_source_lines,
            arch: self.arch(),
            arch_flags,
            default_emitter: match self.emit {
                Emit::Bytecode => Emitter::Bytecode,
                Emit::Native => Emitter::Native,
                Emit::Viper => Emitter::Viper,
            },
            target: self.target.firmware(),
            ..Options::new("")
        })
    }

    fn arch(&self) -> Option<Arch> {
        self.march.or(self.target.arch())
    }

    /// Returns the extensions of the processor as the format numbers them.
    fn arch_flags(&self) -> Result<u32, CommandError> {
        let Some(text) = &self.march_flags else {
            return Ok(0);
        };
        let target = self.target.firmware();
        let arch = self.arch();
        let known = arch.map_or_else(Vec::new, |arch| processor_flags(target, arch));
        text.split(',').try_fold(0, |flags, name| {
            let flag = known.iter().find(|(_, known)| *known == name);
            let (flag, _) = flag.ok_or_else(|| CommandError::NoSuchExtension {
                name: name.to_owned(),
                arch,
                target,
            })?;
            Ok(flags | flag)
        })
    }

    fn destination(&self) -> Output {
        match (&self.out_dir, &self.output) {
            (Some(folder), _) => Output::Folder(folder.clone()),
            (None, Some(file)) => Output::File(file.clone()),
            (None, None) => Output::Beside,
        }
    }
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let plan = plan(&sources(&args.paths)?, &args.destination())?;
    if args.embed_name.is_some() && plan.jobs.len() != 1 {
        return Err(CommandError::OneNameForMany {
            count: plan.jobs.len(),
        });
    }
    let options = args.options()?;
    interrupt::install(&ctx.cancel);
    let mut settings = Settings::new(options);
    settings.threads = args.jobs.unwrap_or(settings.threads);
    settings.cache = compiled_modules();
    let ui = &ctx.ui;
    let events = |event: CompileEvent| {
        ui.event(&event);
        if let CompileEvent::Done { done, of } = event {
            ui.count(done, of);
        }
    };
    let outcomes = run_plan(&plan, &settings, &ctx.cancel, &events);
    ui.clear_progress();
    let report = CompileReport::new(&plan, &outcomes);
    if ui.json() {
        ui.json_line(&report)?;
    } else {
        for outcome in &outcomes {
            let job = plan.jobs.get(outcome.job);
            if let Some(text) = job.and_then(|job| excerpt::of_failure(job, &outcome.status)) {
                ui.failure(&format!("{text}\n"));
            }
        }
        ui.note(&summary(&report));
    }
    if ctx.cancel.is_cancelled() {
        return Err(CommandError::Interrupted);
    }
    if report.failed > 0 {
        return Err(CommandError::NotCompiled);
    }
    Ok(())
}

/// Returns the line that sums up a run.
fn summary(report: &CompileReport) -> String {
    let plural = if report.compiled == 1 { "" } else { "s" };
    let mut line = format!(
        "compiled {} file{plural}, {} bytes",
        report.compiled, report.size
    );
    if report.unchanged > 0 {
        line.push_str(&format!("; {} unchanged", report.unchanged));
    }
    if report.failed > 0 {
        line.push_str(&format!("; {} failed", report.failed));
    }
    line
}
