//! `micropython`: runs a program on this computer, with the VM of the virtual board, as MicroPython's unix port does.

mod input;

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;
use std::time::Duration;

use piton::interpreter::{self, Access, Ending, HEAP, Invocation, Layout, Output, Run};
use piton::virtual_board::Program;

use crate::context::Context;
use crate::error::{CommandError, ProgramError};
use crate::{interrupt, local_file, terminal, ui};

/// Interrupts that a program has not taken, with which it is ended.
const IGNORED_INTERRUPTS: usize = 3;

/// Longer than any wait of the main thread, which is woken by the end of the program.
const LONG: Duration = Duration::from_secs(3600);

/// Arguments of `micropython`.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("what").args(["code", "module", "file"]),
    after_help = "Without FILE, `-c` and `-m`: the prompt on a terminal, else the program on stdin. What follows FILE, \
                  CODE or MODULE is the program's `sys.argv`."
)]
pub(crate) struct Args {
    /// Run this code
    #[arg(short = 'c', value_name = "CODE")]
    code: Option<String>,
    /// Run this module, or the `__main__` of this package, which is found in `sys.path`
    #[arg(short = 'm', value_name = "MODULE")]
    module: Option<String>,
    /// Continue with the prompt
    #[arg(short = 'i')]
    inspect: bool,
    /// `heapsize=N`, with K or M for larger units: the heap in bytes (default: 1024M)
    #[arg(short = 'X', value_name = "OPTION", value_parser = heap_size)]
    heap: Option<usize>,
    /// Let the program change the files of the current folder
    #[arg(long)]
    write: bool,
    /// Version of MicroPython, such as 1.27 (default: that of the virtual board)
    #[arg(long, value_name = "VERSION")]
    firmware: Option<String>,
    /// Script to run; `-` reads it from stdin
    file: Option<String>,
    /// The program's own arguments
    #[arg(skip)]
    pub(super) arguments: Vec<String>,
}

/// Parses the only `-X` option of the unix port that has a meaning here.
fn heap_size(text: &str) -> Result<usize, String> {
    let expected = || "expected `heapsize=N`, `heapsize=NK` or `heapsize=NM`".to_owned();
    let size = text.strip_prefix("heapsize=").ok_or_else(expected)?;
    let (digits, unit) = match size.as_bytes().last() {
        Some(b'k' | b'K') => (size.get(..size.len() - 1), 1 << 10),
        Some(b'm' | b'M') => (size.get(..size.len() - 1), 1 << 20),
        _ => (Some(size), 1),
    };
    let number = digits.and_then(|digits| digits.parse::<usize>().ok());
    number
        .and_then(|number| number.checked_mul(unit))
        .ok_or_else(expected)
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let is_prompt = args.inspect || (args.names_nothing() && std::io::stdin().is_terminal());
    let image = interpreter::image(args.firmware.as_deref(), ctx.session.connect_options())?;
    let invocation = args.invocation(is_prompt)?;
    let program = interpreter::start(&image, invocation, Box::new(print))?;
    let console = program.console().clone();
    interrupt::forward({
        let console = console.clone();
        move || console.interrupt() < IGNORED_INTERRUPTS
    });
    input::serve(console);
    let ending = wait(program);
    terminal::restore();
    finish(ctx, ending)
}

impl Args {
    /// Returns whether there is no program on the command line.
    fn names_nothing(&self) -> bool {
        self.code.is_none() && self.module.is_none() && self.file.is_none()
    }

    /// Returns the program to run, with its files.
    fn invocation(&self, is_prompt: bool) -> Result<Invocation, CommandError> {
        let current =
            std::env::current_dir().map_err(|error| local_file::not_read(Path::new("."), error))?;
        let access = match self.write {
            true => Access::Write,
            false => Access::Read,
        };
        let file = self.file.as_deref().filter(|file| *file != "-");
        let layout =
            Layout::new(&current, file.map(Path::new), access).map_err(piton::Error::from)?;
        let (run, name) = match (&self.code, &self.module, file) {
            (Some(code), ..) => (Run::Source(code.clone()), Some("-c")),
            (_, Some(module), _) => (Run::Module(module.clone()), Some(module.as_str())),
            (.., Some(file)) => {
                // An error of the file is that of a command: the program does not begin.
                local_file::read(Path::new(file))?;
                let opened = layout.script().unwrap_or(file);
                (Run::File(opened.to_owned()), Some(file))
            }
            _ if is_prompt => (Run::Source(String::new()), None),
            _ => (Run::Source(read_stdin()?), None),
        };
        let name = name.map(str::to_owned).into_iter();
        Ok(Invocation {
            run,
            arguments: name.chain(self.arguments.iter().cloned()).collect(),
            inspect: is_prompt,
            layout,
            heap: self.heap.unwrap_or(HEAP),
        })
    }
}

/// Reads the program on stdin.
fn read_stdin() -> Result<String, CommandError> {
    let mut source = Vec::new();
    let read = std::io::stdin().lock().read_to_end(&mut source);
    read.map_err(|error| local_file::not_read(Path::new("-"), error))?;
    Ok(String::from_utf8_lossy(&source).into_owned())
}

/// Prints the output of the program; in the program's thread.
fn print(output: Output<'_>) -> std::io::Result<()> {
    match output {
        Output::Stdout(bytes) => ui::raw_stdout(bytes),
        Output::Stderr(bytes) => ui::program_stderr(bytes),
        Output::Prompt => {
            input::begin_keys();
            Ok(())
        }
    }
}

/// Waits for the end of the program.
fn wait(mut program: Program) -> Ending {
    loop {
        if let Some(ending) = program.wait(LONG) {
            return ending;
        }
    }
}

/// Turns the end of the program into that of the command.
fn finish(ctx: &Context, ending: Ending) -> Result<(), CommandError> {
    let remark = match ending {
        Ending::Exited(0) | Ending::Reset => return Ok(()),
        Ending::Exited(code) => return Err(ProgramError::Exited { code }.into()),
        // Its output has no reader any more.
        Ending::Stopped => return Ok(()),
        Ending::Unresponsive => "the program did not react to Ctrl-C, and was ended".to_owned(),
        Ending::Crashed(cause) => format!("the firmware crashed: {cause}"),
    };
    ctx.ui.note(&remark);
    Err(ProgramError::Exited { code: 1 }.into())
}

#[cfg(test)]
mod tests {
    use super::heap_size;

    #[test]
    fn heap_sizes_have_the_units_of_the_unix_port() {
        for (text, expected) in [
            ("heapsize=100000", Some(100_000)),
            ("heapsize=64k", Some(64 << 10)),
            ("heapsize=2M", Some(2 << 20)),
            ("heapsize=", None),
            ("heapsize=M", None),
            ("heapsize=99999999999999999999M", None),
            ("emit=native", None),
        ] {
            assert_eq!(heap_size(text).ok(), expected, "{text}");
        }
    }
}
