//! Sources with functions that ask for machine code.

use piton_compiler::{Diagnostic, DiagnosticCode, Options};

/// The decorators that ask for machine code (`compile_built_in_decorator`, py/compile.c).
const DECORATORS: [&str; 5] = ["native", "viper", "asm_thumb", "asm_xtensa", "asm_rv32"];

/// Returns whether machine code is all that keeps this source from being compiled.
///
/// `diagnostic` is why it was rejected. The board compiles such a source itself, if it has the processor for it.
pub(crate) fn needs_native(source: &[u8], options: &Options, diagnostic: &Diagnostic) -> bool {
    let asks = matches!(
        diagnostic.code,
        DiagnosticCode::InvalidArchitecture | DiagnosticCode::NativeCode
    );
    // Not by `compile_cached`: what is compiled here is not the source, only the question whether the rest of it compiles.
    asks && without_native(source)
        .is_some_and(|bytecode| piton_compiler::compile(&bytecode, options).is_ok())
}

/// Returns the source without the decorators that ask for machine code, in the same lines; `None` if it has none.
///
/// The bodies of such functions are Python as the parser sees it, those in assembler too.
pub(crate) fn without_native(source: &[u8]) -> Option<Vec<u8>> {
    let mut found = false;
    let mut bytecode = Vec::with_capacity(source.len());
    for line in source.split_inclusive(|byte| *byte == b'\n') {
        if is_decorator(line) {
            found = true;
            bytecode.extend(line.ends_with(b"\n").then_some(b'\n'));
        } else {
            bytecode.extend_from_slice(line);
        }
    }
    found.then_some(bytecode)
}

/// Returns the number of the first line that asks for machine code, from 1.
pub(crate) fn first_line(source: &[u8]) -> Option<u32> {
    first_with(source, is_decorator)
}

/// Returns the number of the first line that asks for machine code of Python, not of assembler.
pub(crate) fn first_native_line(source: &[u8]) -> Option<u32> {
    first_with(source, |line| {
        decorator(line).is_some_and(|name| name == "native" || name == "viper")
    })
}

fn first_with(source: &[u8], is_wanted: impl Fn(&[u8]) -> bool) -> Option<u32> {
    let mut lines = source.split(|byte| *byte == b'\n');
    let index = lines.position(is_wanted)?;
    u32::try_from(index + 1).ok()
}

fn is_decorator(line: &[u8]) -> bool {
    decorator(line).is_some()
}

/// Returns which of the decorators a line has.
fn decorator(line: &[u8]) -> Option<&'static str> {
    let rest = line.trim_ascii_start().strip_prefix(b"@")?;
    let code = rest.split(|byte| matches!(byte, b'(' | b'#')).next();
    let text = String::from_utf8_lossy(code.unwrap_or_default());
    let (module, name) = text.split_once('.')?;
    let found = DECORATORS.into_iter().find(|known| *known == name.trim());
    found.filter(|_| module.trim() == "micropython")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str) -> bool {
        let options = Options::new("a.py");
        let diagnostic = piton_compiler::compile(source.as_bytes(), &options).unwrap_err();
        needs_native(source.as_bytes(), &options, &diagnostic)
    }

    #[test]
    fn only_machine_code_is_missing() {
        for decorator in [
            "@micropython.native",
            "@micropython.viper  # fast",
            "@micropython.asm_thumb",
            "@ micropython . asm_xtensa",
            "@micropython.asm_rv32()",
        ] {
            let source = format!("import micropython\n{decorator}\ndef f(r0):\n    mov(r0, 1)\n");
            assert!(check(&source), "{source}");
            assert_eq!(first_line(source.as_bytes()), Some(2));
        }
        assert!(!check("@micropython.native\ndef f():\n    x = {**a}\n"));
        assert!(!check("@micropython.navite\ndef f(): pass\n"));
        assert!(!check("x = {**a}\n"));
    }

    #[test]
    fn lines_keep_their_numbers() {
        let source = b"a\r\n  @micropython.viper\r\n  def f(): pass";
        let expected = b"a\r\n\n  def f(): pass".to_vec();
        assert_eq!(without_native(source), Some(expected));
        assert_eq!(without_native(b"@micropython.bytecode\n@native\n"), None);
    }
}
