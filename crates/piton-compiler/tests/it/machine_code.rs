//! Machine code runs, on the processor of this computer. MicroPython's unix port compiles the source itself, and loads what
//! our compiler made of it.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use piton_compiler::{Emitter, Options};
use piton_mpy::header::Arch;

use super::support::{import_both, import_both_with, import_compiled};

fn native(default_emitter: Emitter) -> Options {
    Options {
        arch: Some(Arch::X64),
        default_emitter,
        ..Options::new("module.py")
    }
}

#[test]
fn native_functions_have_the_values_of_bytecode() {
    let source = include_str!("../native_run/values.py");
    let values = import_both_with(source, &native(Emitter::Bytecode));
    assert!(values.lines().count() > 30, "{values}");
    assert!(values.ends_with("done 6\n"), "{values}");
    let bytecode = source.replace("@micropython.native\n", "");
    assert_eq!(import_both(&bytecode), values);
    // All of the module, its classes and comprehensions too.
    assert_eq!(
        import_both_with(&bytecode, &native(Emitter::Native)),
        values
    );
}

/// Not compared with the port's own compiler: its first value is -71, where Python says -70.
#[test]
fn viper_functions_have_the_values_that_their_types_say() {
    let source = include_str!("../native_run/viper.py");
    let values = import_compiled(source, &native(Emitter::Bytecode));
    insta::assert_snapshot!(values);
}
