//! What the operations become on each machine: the bytes, and what a disassembler reads in them.

use std::fmt::Write;

use insta::assert_snapshot;
use piton_mpy::disassembly::{add_instructions, disassemble};
use piton_mpy::header::Header;
use piton_mpy::module::Module;
use piton_mpy::raw_code::{AsmCode, Code, RawCode};
use piton_syntax::Target;

use super::*;

/// An operation on a machine with these registers.
type Operation = fn(&mut dyn Machine, &Description);

/// Returns the instructions of an operation: all passes, as the emitter makes them.
fn instructions(arch: Arch, operation: Operation) -> String {
    let mut machine = machine(arch, 0, &Target::NEWEST.rules().native).unwrap();
    let description = machine.description();
    for pass in [Pass::Compute, Pass::Compute, Pass::Emit] {
        machine.assembler().start_pass(pass);
        operation(machine.as_mut(), description);
        machine.end_pass();
    }
    assert_eq!(machine.assembler().error(), None);
    let code = machine.assembler().take_code().unwrap();
    let module = Module {
        header: Header::native(arch),
        qstrs: Vec::new(),
        objects: Vec::new(),
        raw_codes: vec![RawCode {
            code: Code::Asm(AsmCode {
                code,
                n_pos_args: 0,
                return_type: 0,
            }),
            children: Vec::new(),
        }],
    };
    let mut listing = disassemble(&module);
    add_instructions(&mut listing, &module);
    let machine_code = listing.raw_codes[0].machine_code.take().unwrap();
    let lines = machine_code.instructions.iter();
    lines.fold(String::new(), |mut text, line| {
        writeln!(text, "    {:24} {}", line.bytes, line.text).unwrap();
        text
    })
}

/// The operations, by name. Registers are those that the emitter uses.
const OPERATIONS: &[(&str, Operation)] = &[
    ("load 0", |m, d| m.load_immediate(d.temporaries[0], 0)),
    ("load 95", |m, d| m.load_immediate(d.temporaries[0], 95)),
    ("load -1", |m, d| m.load_immediate(d.locals[0], -1)),
    ("load 1000", |m, d| m.load_immediate(d.temporaries[1], 1000)),
    ("copy", |m, d| m.copy(d.locals[1], d.arguments[2])),
    ("clear", |m, d| m.clear(d.temporaries[1])),
    ("not, where there is one", |m, d| {
        if d.has_not {
            m.not(d.temporaries[1]);
        }
    }),
    ("negate", |m, d| m.negate(d.temporaries[1])),
    ("shift left", |m, d| {
        m.shift(
            Shift::Left,
            d.result,
            d.shift_count.unwrap_or(d.arguments[1]),
        );
    }),
    ("shift right, with the sign", |m, d| {
        m.shift(
            Shift::RightArithmetic,
            d.result,
            d.shift_count.unwrap_or(d.arguments[1]),
        );
    }),
    ("add", |m, d| {
        m.arithmetic(Arithmetic::Add, d.arguments[1], d.arguments[2])
    }),
    ("subtract", |m, d| {
        m.arithmetic(Arithmetic::Subtract, d.arguments[1], d.arguments[2]);
    }),
    ("multiply", |m, d| {
        m.arithmetic(Arithmetic::Multiply, d.arguments[1], d.arguments[2]);
    }),
    ("and", |m, d| {
        m.arithmetic(Arithmetic::And, d.arguments[1], d.arguments[2])
    }),
    ("less, signed", |m, d| {
        m.compare(Comparison::Less, false, d.arguments[1], d.arguments[2]);
    }),
    ("more or equal, unsigned", |m, d| {
        m.compare(
            Comparison::MoreOrEqual,
            true,
            d.arguments[1],
            d.arguments[2],
        );
    }),
    ("equal", |m, d| {
        m.compare(Comparison::Equal, false, d.arguments[1], d.arguments[2])
    }),
    ("load the first word", |m, d| {
        m.load_word(d.temporaries[0], d.locals[2], 0)
    }),
    ("load word 20", |m, d| {
        m.load_word(d.temporaries[0], d.locals[2], 20)
    }),
    ("store word 3", |m, d| {
        m.store_word(d.temporaries[0], d.locals[2], 3)
    }),
    ("load byte 5", |m, d| {
        if d.loads_any_element[0] {
            m.load_element(Width::Bits8, d.result, d.arguments[1], 5);
        }
    }),
    ("load half word 0", |m, d| {
        m.load_element(Width::Bits16, d.result, d.arguments[1], 0)
    }),
    ("store byte 0", |m, d| {
        m.store_element(Width::Bits8, d.arguments[2], d.arguments[1], 0);
    }),
    ("load local 2", |m, d| m.load_local(d.temporaries[1], 2)),
    ("store local 40", |m, d| m.store_local(40, d.temporaries[1])),
    ("address of local 1", |m, d| {
        m.load_local_address(d.temporaries[1], 1)
    }),
    ("call load_global", |m, _| m.call(Fun::LoadGlobal)),
    ("jump to a register", |m, d| m.jump_to(d.result)),
    ("entry and exit with 3 locals", |m, _| {
        m.entry(3, b"f");
        m.exit();
    }),
];

/// Returns the listing of all operations.
fn listing(arch: Arch) -> String {
    let parts = OPERATIONS.iter();
    parts
        .map(|(name, operation)| format!("{name}\n{}", instructions(arch, *operation)))
        .collect()
}

#[test]
fn operations_on_every_machine() {
    for arch in [
        Arch::X86,
        Arch::X64,
        Arch::ArmV6,
        Arch::ArmV6M,
        Arch::ArmV7M,
        Arch::Xtensa,
        Arch::XtensaWin,
        Arch::Rv32Imc,
    ] {
        assert_snapshot!(arch.name(), listing(arch));
    }
}

/// A jump back is as short as its distance allows, a jump ahead is long where the machine has to decide before it is there.
#[test]
fn jumps_grow_with_their_distance() {
    /// Returns the bytes of a jump back over so many copies of a register.
    fn back(arch: Arch, copies: usize) -> usize {
        let mut machine = machine(arch, 0, &Target::NEWEST.rules().native).unwrap();
        let description = machine.description();
        let mut size = 0;
        for pass in [Pass::Compute, Pass::Compute, Pass::Emit] {
            machine.assembler().start_pass(pass);
            machine.assign(Label(0));
            for _ in 0..copies {
                machine.copy(description.locals[0], description.arguments[1]);
            }
            let before = machine.assembler().offset();
            machine.jump(Label(0));
            size = machine.assembler().offset() - before;
            machine.end_pass();
        }
        assert_eq!(machine.assembler().error(), None, "{arch:?} {copies}");
        size
    }
    let sizes = [
        Arch::X86,
        Arch::X64,
        Arch::ArmV6,
        Arch::ArmV6M,
        Arch::ArmV7M,
        Arch::Xtensa,
        Arch::Rv32Imc,
    ]
    .map(|arch| {
        let sizes = [1, 60, 700, 2000].map(|copies| back(arch, copies));
        format!("{}: {sizes:?}", arch.name())
    });
    assert_snapshot!(sizes.join("\n"));
}
