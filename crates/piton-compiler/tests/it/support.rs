//! The official compiler, MicroPython, and modules as text.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use piton_compiler::{Options, compile};
use piton_mpy::instruction::{Operand, instructions};
use piton_mpy::module::Module;
use piton_mpy::raw_code::{Bytecode, Code};

/// Runs a program with `input`, and waits for its end.
fn run(mut command: Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // The program may end before it has read everything, so a failed write is not a failure here.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

/// Returns the module that the official compiler makes of a source, or the text of its error.
pub(crate) fn official(source: &[u8]) -> Result<Vec<u8>, String> {
    let mut command = test_programs::mpy_cross();
    command.args(["-X", "heapsize=64m", "-o", "-", "-"]);
    let output = run(command, source);
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// Compiles a source, and checks that the official compiler makes the same bytes.
#[track_caller]
pub(crate) fn module(source: &str) -> Module {
    let module = compile(source.as_bytes(), &Options::new("<stdin>"));
    let module = module.unwrap_or_else(|diagnostic| panic!("{diagnostic}: {source}"));
    let bytes = piton_mpy::writer::write(&module).unwrap();
    assert!(
        official(source.as_bytes()) == Ok(bytes),
        "other bytes: {source}"
    );
    module
}

/// Returns the bytecode of a module's raw code.
pub(crate) fn bytecode(module: &Module, index: usize) -> &Bytecode {
    match &module.raw_codes[index].code {
        Code::Bytecode(bytecode) => bytecode,
        _ => panic!("raw code {index} is machine code"),
    }
}

/// Returns the bytecode of the function or class with this name; the last one, if there are several.
#[track_caller]
pub(crate) fn function<'m>(module: &'m Module, name: &str) -> &'m Bytecode {
    let named = (0..module.raw_codes.len())
        .rev()
        .map(|index| bytecode(module, index));
    let mut named = named.filter(|code| {
        let simple_name = &module.qstrs[code.prelude.simple_name as usize];
        simple_name.bytes() == name.as_bytes()
    });
    named
        .next()
        .unwrap_or_else(|| panic!("there is no function {name}"))
}

/// Returns the instructions of a function, one after the other, with names instead of their numbers.
pub(crate) fn listing(module: &Module, code: &Bytecode) -> String {
    let words = instructions(&code.opcodes).map(|instruction| {
        let instruction = instruction.unwrap();
        let name = instruction.opcode.mnemonic();
        match instruction.operand {
            Operand::Qstr(index) => {
                let text = String::from_utf8_lossy(module.qstrs[index as usize].bytes());
                format!("{name} {text}")
            }
            Operand::Local(number) => format!("{name} {number}"),
            Operand::SmallInt(number) => format!("{name} {number}"),
            Operand::Count(count) => format!("{name} {count}"),
            Operand::Closure { closed, .. } => format!("{name} {closed}"),
            Operand::Call {
                positional,
                keyword,
            } => format!("{name} {positional}+{keyword}"),
            Operand::UnaryOperator(operator) | Operand::BinaryOperator(operator) => {
                format!("{name} {operator}")
            }
            _ => name.to_owned(),
        }
    });
    words.collect::<Vec<String>>().join("; ")
}

/// Runs a program on MicroPython's unix port, in `folder`. Returns what it prints to both outputs, with the same line ends
/// everywhere.
pub(crate) fn micropython(folder: &Path, program: &str) -> String {
    let mut command = test_programs::micropython_unix_current();
    command.current_dir(folder).args(["-c", program]);
    let output = run(command, b"");
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).replace("\r\n", "\n")
}

/// Imports a module as source and as the `.mpy` that the compiler makes of it. Returns what both print, after a check that
/// it is the same.
#[track_caller]
pub(crate) fn import_both(source: &str) -> String {
    import_both_with(source, &Options::new("module.py"))
}

/// As [`import_both`], with these options for our compiler.
#[track_caller]
pub(crate) fn import_both_with(source: &str, options: &Options) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("module.py");
    std::fs::write(&path, source).unwrap();
    let interpreted = micropython(folder.path(), IMPORT);
    assert_eq!(import_compiled(source, options), interpreted, "{source}");
    interpreted
}

/// Imports the module. A traceback shows its path, which is relative to the current folder.
const IMPORT: &str = "import sys\ntry:\n import module\nexcept Exception as error:\n sys.print_exception(error, sys.stdout)";

/// Imports what the compiler makes of a module. Returns what that prints.
#[track_caller]
pub(crate) fn import_compiled(source: &str, options: &Options) -> String {
    let folder = tempfile::tempdir().unwrap();
    let module = compile(source.as_bytes(), options);
    let module = module.unwrap_or_else(|diagnostic| panic!("{diagnostic}: {source}"));
    let bytes = piton_mpy::writer::write(&module).unwrap();
    std::fs::write(folder.path().join("module.mpy"), bytes).unwrap();
    micropython(folder.path(), IMPORT)
}
