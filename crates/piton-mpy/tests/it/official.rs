//! The official compiler, and sources to compile.

use std::io::Write;
use std::process::Stdio;

/// Sources of this folder, by name.
pub(crate) const SOURCES: &[(&str, &str)] = &[
    ("empty.py", include_str!("sources/empty.py")),
    ("small.py", include_str!("sources/small.py")),
    ("instructions.py", include_str!("sources/instructions.py")),
    ("objects.py", include_str!("sources/objects.py")),
    ("lines.py", include_str!("sources/lines.py")),
    ("far.py", include_str!("sources/far.py")),
    ("machine_code.py", include_str!("sources/machine_code.py")),
    ("asm_thumb.py", include_str!("sources/asm_thumb.py")),
    ("asm_xtensa.py", include_str!("sources/asm_xtensa.py")),
    ("asm_rv32.py", include_str!("sources/asm_rv32.py")),
];

/// What the official compiler makes of a source, given by its name in [`SOURCES`]. `None` if it
/// refuses it, which it may do only for assembler of another architecture, and for a bare `raise` or
/// `raise ... from` in machine code.
pub(crate) fn try_compile(name: &str, args: &[&str]) -> Option<Vec<u8>> {
    let source = SOURCES.iter().find(|(known, _)| *known == name).unwrap().1;
    match compile_text(name, source, args) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            let known = ["invalid arch", "must be registers", "native raise"];
            assert!(
                known.iter().any(|known| error.contains(known)),
                "{name} {args:?}: {error}"
            );
            None
        }
    }
}

/// As [`try_compile`] for what must compile.
pub(crate) fn compile(name: &str, args: &[&str]) -> Vec<u8> {
    try_compile(name, args).unwrap()
}

/// Compiles a source text; the error is what the compiler says.
pub(crate) fn compile_text(name: &str, source: &str, args: &[&str]) -> Result<Vec<u8>, String> {
    let mut child = test_programs::mpy_cross()
        .args(["-s", name, "-o", "-"])
        .args(args)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // All input is taken before any output is given.
    child
        .stdin
        .take()
        .unwrap()
        .write_all(source.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    if output.status.success() && output.stderr.is_empty() {
        Ok(output.stdout)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into())
    }
}

/// The architectures that the official compiler writes machine code for. `debug` prints a listing
/// instead, `rv64imc` has no emitter.
pub(crate) const NATIVE_ARCHES: &[&str] = &[
    "x86",
    "x64",
    "armv6",
    "armv6m",
    "armv7m",
    "armv7em",
    "armv7emsp",
    "armv7emdp",
    "xtensa",
    "xtensawin",
    "rv32imc",
];
