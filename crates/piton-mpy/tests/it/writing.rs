//! What the writer refuses, and headers that the official compiler does not write.

use piton_mpy::error::Error;
use piton_mpy::header::{Arch, Dialect, Header, VERSION};
use piton_mpy::module::Module;
use piton_mpy::prelude::Prelude;
use piton_mpy::raw_code::{Code, Kind, Place, RawCode, Relocation, Section, Target, ViperCode};
use piton_mpy::{reader, writer};

use crate::official::compile_text;

fn compiled(source: &str) -> Module {
    reader::read(&compile_text("a.py", source, &[]).unwrap()).unwrap()
}

#[test]
fn every_header_is_read_back() {
    for dialect in [Dialect::MicroPython, Dialect::CircuitPython] {
        for arch in Arch::ALL.into_iter().map(Some).chain([None]) {
            for arch_flags in [None, Some(0), Some(3), Some(u32::MAX)] {
                let header = Header {
                    dialect,
                    version: VERSION,
                    sub_version: 1,
                    arch,
                    arch_flags,
                    small_int_bits: 63,
                };
                let module = Module {
                    header,
                    ..compiled("x = 1\n")
                };
                let bytes = writer::write(&module).unwrap();
                assert_eq!(bytes[0], dialect.letter());
                assert_eq!(reader::read(&bytes), Ok(module));
            }
        }
    }
    let names = Arch::ALL.map(|arch| {
        (
            Arch::from_name(arch.name()),
            Arch::from_number(arch.number()),
        )
    });
    assert_eq!(names, Arch::ALL.map(|arch| (Some(arch), Some(arch))));
    assert_eq!(
        (
            Arch::from_name("arm"),
            Arch::from_number(0),
            Arch::from_number(14)
        ),
        (None, None, None)
    );
}

/// The module of `x = 1` after `change`, written.
fn write_changed(change: impl FnOnce(&mut Module)) -> String {
    let mut module = compiled("x = 1\n");
    change(&mut module);
    writer::write(&module).unwrap_err().to_string()
}

fn with_prelude(change: impl FnOnce(&mut Prelude)) -> String {
    write_changed(|module| match &mut module.raw_codes[0].code {
        Code::Bytecode(bytecode) => change(&mut bytecode.prelude),
        Code::Native(_) | Code::Viper(_) | Code::Asm(_) => panic!("no bytecode"),
    })
}

fn with_relocation(
    place: Option<Place>,
    target: Target,
    count: Option<u32>,
) -> Result<Module, Error> {
    let mut module = compiled("x = 1\n");
    module.raw_codes[0].code = Code::Viper(ViperCode {
        links: None,
        code: vec![0; 8],
        scope_flags: 0,
        rodata: None,
        bss_size: None,
        relocations: Some(vec![Relocation {
            place,
            target,
            count,
        }]),
    });
    writer::write(&module).map(|bytes| reader::read(&bytes).unwrap())
}

#[test]
fn modules_that_exceed_the_format_are_refused() {
    assert_eq!(
        write_changed(|module| module.header.sub_version = 4),
        "sub-version is 4: expected at most 3"
    );
    assert_eq!(
        with_prelude(|prelude| prelude.signature.n_state = 0),
        "raw code 0: n_state: expected at least 1, found 0"
    );
    assert_eq!(
        with_prelude(|prelude| prelude.signature.n_kwonly_args = 2),
        "raw code 0: argument names: expected 2 as in the signature, found 0"
    );
    assert_eq!(
        with_prelude(|prelude| prelude.signature.n_exc_stack = 1 << 15),
        "n_exc_stack is 32768: expected at most 32767"
    );
    assert_eq!(
        with_prelude(|prelude| prelude.cells = vec![0; 512]),
        "number of cells is 512: expected at most 511"
    );
}

#[test]
fn relocations_that_exceed_the_format_are_refused() {
    let place = Some(Place {
        section: Section::Text,
        word: 0,
    });
    let error = |place, target, count| {
        with_relocation(place, target, count)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(None, Target::FunTable, Some(2)),
        "raw code 0: relocation count: expected none for a table, found 2"
    );
    assert_eq!(
        error(place, Target::Fun(118), None),
        "relocation function is 118: expected at most 117"
    );
    assert_eq!(
        error(
            Some(Place {
                section: Section::Text,
                word: 1 << 31
            }),
            Target::Bss,
            None
        ),
        "relocation place is 2147483648: expected at most 2147483647"
    );
    assert_eq!(
        with_relocation(place, Target::Fun(117), None)
            .unwrap()
            .raw_codes
            .len(),
        1
    );
}

/// Relocations follow the children.
#[test]
fn viper_code_with_relocations_and_children() {
    let mut module = compiled("f = lambda: 0\n");
    module.raw_codes[0].code = Code::Viper(ViperCode {
        links: None,
        code: vec![0; 8],
        scope_flags: 0,
        rodata: None,
        bss_size: Some(4),
        relocations: Some(vec![Relocation {
            place: None,
            target: Target::Bss,
            count: None,
        }]),
    });
    let bytes = writer::write(&module).unwrap();
    assert_eq!(bytes[bytes.len() - 2..], [0x08, 0xff]);
    let read = reader::read(&bytes).unwrap();
    let kinds: Vec<_> = read
        .raw_codes
        .iter()
        .map(|raw: &RawCode| raw.code.kind())
        .collect();
    assert_eq!(kinds, [Kind::Viper, Kind::Bytecode]);
    assert_eq!(read, module);
}

#[test]
fn modules_whose_functions_are_not_a_tree_are_refused() {
    let module = compiled("f = lambda: lambda: 0\n");
    assert_eq!(module.raw_codes.len(), 3);
    let with_children = |children: [&[usize]; 3]| {
        let mut module = module.clone();
        for (raw_code, children) in module.raw_codes.iter_mut().zip(children) {
            raw_code.children = children.to_vec();
        }
        writer::write(&module).map(|bytes| reader::read(&bytes).unwrap().raw_codes.len())
    };
    let no_tree = |raw_code, problem| Err(Error::NotATree { raw_code, problem });
    assert_eq!(with_children([&[1], &[2], &[]]), Ok(3));
    assert_eq!(with_children([&[2], &[], &[1]]), Ok(3));
    assert_eq!(with_children([&[1, 2], &[], &[]]), Ok(3));
    assert_eq!(
        with_children([&[1], &[2], &[0]]),
        no_tree(0, "reached twice")
    );
    assert_eq!(
        with_children([&[1, 2], &[2], &[]]),
        no_tree(2, "reached twice")
    );
    assert_eq!(with_children([&[1], &[], &[]]), no_tree(2, "not reached"));
    assert_eq!(with_children([&[1], &[3], &[]]), no_tree(3, "missing"));
    let none = Module {
        raw_codes: Vec::new(),
        ..module
    };
    assert_eq!(
        writer::write(&none),
        Err(Error::NotATree {
            raw_code: 0,
            problem: "missing"
        })
    );
}
