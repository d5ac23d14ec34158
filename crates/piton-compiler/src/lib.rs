//! Compiles Python source to MicroPython bytecode, byte for byte what the official compiler
//! `mpy-cross` 1.29 writes.
//!
//! [`compile`] is a pure function: it reads no files, no clock and no environment, and it uses no
//! recursion, so that deeply nested source can't overflow the stack.
//!
//! ```
//! let options = piton_compiler::Options::new("main.py");
//! let module = piton_compiler::compile(b"print('hello')\n", &options)?;
//! let mpy = piton_mpy::writer::write(&module)?;
//! assert_eq!(mpy[..4], [b'M', 6, 0, 31]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Layout
//! `piton_syntax` makes the parse tree. From there in the order the data flows: `compile` walks the tree scope by scope
//! and writes instructions, `scope` decides what names mean, `emit` makes code of the instructions (native code on a `machine`), and `module` puts
//! the code of all scopes together.

mod compile;
mod emit;
mod machine;
mod module;
mod options;
mod scope;

use piton_mpy::header::{Arch, VERSION};
use piton_mpy::module::Module;

pub use options::{Emitter, Optimisation, Options};
pub use piton_syntax::{Diagnostic, DiagnosticCode, ErrorType, Location, Target};

/// Returns whether machine code for a processor can be made for a firmware: the release knows the processor, and the
/// compiler the release's interface.
#[must_use]
pub fn makes_machine_code(target: Target, arch: Arch) -> bool {
    // The compilers of CircuitPython 7 and 8 were not compared with.
    let is_compared = target.mpy_version() == VERSION || !target.is_circuitpython();
    is_compared && arch != Arch::Rv64Imc && knows_processor(target, arch)
}

/// Returns whether the official compiler of a release has a name for a processor.
#[must_use]
pub fn knows_processor(target: Target, arch: Arch) -> bool {
    let rules = &target.rules().native;
    match arch {
        Arch::ArmV6M => rules.has_armv6m,
        Arch::Rv32Imc | Arch::Debug => rules.has_riscv,
        Arch::Rv64Imc => rules.has_arch_flags,
        _ => true,
    }
}

/// Returns the extensions of a processor that the official compiler of a release has flags for, as (bit, name).
#[must_use]
pub fn processor_flags(target: Target, arch: Arch) -> Vec<(u32, &'static str)> {
    let known = target.rules().native.riscv_flags;
    let flags = arch.flag_names().iter().copied();
    flags.filter(|(bit, _)| known & bit != 0).collect()
}

/// Compiles a source to a module.
///
/// # Errors
/// A [`Diagnostic`] with the official compiler's words if the source is not accepted.
pub fn compile(source: &[u8], options: &Options) -> Result<Module, Diagnostic> {
    compile_with_listing(source, options, &mut Vec::new())
}

/// Compiles a source to a module. For the architecture [`piton_mpy::header::Arch::Debug`], which is none,
/// the operations of native code are added to `listing`, one a line; also those of the functions in front of an error.
///
/// # Errors
/// As [`compile`].
pub fn compile_with_listing(
    source: &[u8],
    options: &Options,
    listing: &mut Vec<u8>,
) -> Result<Module, Diagnostic> {
    module::compile_module(source, options, listing)
}
