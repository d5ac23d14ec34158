//! Compiles one file, for comparisons with the official compilers: reads options like `mpy-cross`
//! (`-O0` to `-O3`, `-s NAME`, `-march=ARCH`, `-msmall-int-bits=N`, `-X no-source-lines`, `-X emit=EMITTER`) and `--target RELEASE`,
//! writes to `-o FILE` or prints the error.
#![expect(
    clippy::disallowed_methods,
    reason = "an example is a program, which does IO"
)]
#![expect(clippy::print_stderr, reason = "an example is a program, which prints")]

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use piton_compiler::{Emitter, Optimisation, Options, Target, compile};
use piton_mpy::header::Arch;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut options = Options::new("");
    let (mut input, mut output) = (String::new(), None);
    while let Some(argument) = arguments.next() {
        if let Some(level) = argument.strip_prefix("-O") {
            options.optimisation = Optimisation::from_level(level.parse()?);
        } else if let Some(bits) = argument.strip_prefix("-msmall-int-bits=") {
            options.small_int_bits = bits.parse()?;
        } else if argument == "-s" {
            options.embedded_name = arguments.next().map(String::into_bytes);
        } else if argument == "-o" {
            output = arguments.next();
        } else if argument == "-X" {
            match arguments.next().as_deref() {
                Some("no-source-lines") => options.source_lines = false,
                Some("emit=native") => options.default_emitter = Emitter::Native,
                Some("emit=viper") => options.default_emitter = Emitter::Viper,
                _ => {}
            }
        } else if let Some(name) = argument.strip_prefix("-march=") {
            options.arch = Arch::from_name(name);
        } else if argument == "--target" {
            let name = arguments.next().unwrap_or_default();
            options.target = Target::from_name(&name).ok_or("no such target")?;
        } else {
            input = argument;
        }
    }
    options.input_name = input.clone().into_bytes();
    let source = std::fs::read(&input)?;
    let module = match compile(&source, &options) {
        Ok(module) => module,
        Err(diagnostic) => {
            std::io::stderr().write_all(&diagnostic.traceback())?;
            return Ok(ExitCode::FAILURE);
        }
    };
    let Some(output) = output else {
        eprintln!("-o FILE is missing");
        return Ok(ExitCode::FAILURE);
    };
    std::fs::write(output, piton_mpy::writer::write(&module)?)?;
    Ok(ExitCode::SUCCESS)
}
