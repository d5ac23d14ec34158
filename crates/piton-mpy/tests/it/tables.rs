//! The tables and small codecs, held against the rules they come from and against official output.

use piton_mpy::instruction::instructions;
use piton_mpy::line_info::{LineInfo, Skip};
use piton_mpy::module::Qstr;
use piton_mpy::opcode::{OPCODES, Opcode, OpcodeRow, OperandKind, StackEffect};
use piton_mpy::prelude::{Prelude, Signature, push_sizes};
use piton_mpy::qstr::StaticQstr;
use piton_mpy::raw_code::Code;
use piton_mpy::{reader, vuint};

use crate::official::{compile, compile_text};

/// The general rules of py/bc0.h: `MP_BC_FORMAT` and `MP_BC_MASK_EXTRA_BYTE`.
#[test]
fn opcode_rows_follow_the_format_rules() {
    for row in OPCODES {
        for byte in row.first..=row.last {
            let format = 0x0000_03a4_u32 >> (2 * (byte >> 4)) & 3;
            let expected = match row.operand {
                OperandKind::Qstr => 1,
                OperandKind::Object
                | OperandKind::Local
                | OperandKind::Count
                | OperandKind::Child
                | OperandKind::Closure
                | OperandKind::Call
                | OperandKind::UnpackEx
                | OperandKind::Comprehension
                | OperandKind::SmallInt => 2,
                OperandKind::SignedOffset | OperandKind::UnsignedOffset | OperandKind::Unwind => 3,
                OperandKind::None
                | OperandKind::SmallIntInOpcode
                | OperandKind::LocalInOpcode
                | OperandKind::UnaryOp
                | OperandKind::BinaryOp => 0,
            };
            assert_eq!(format, expected, "{}", row.name);
            let has_extra = matches!(row.operand, OperandKind::Closure | OperandKind::Unwind);
            assert_eq!(byte & 0x9e == 0, has_extra, "{}", row.name);
        }
    }
}

/// The instructions of a group carry their operand in the byte: the first and the last are in the group's row, the next
/// byte is not.
#[test]
fn an_opcode_with_an_operand_stays_in_its_group() {
    for (group, count) in [
        (Opcode::LOAD_CONST_SMALL_INT_MULTI, 64),
        (Opcode::LOAD_FAST_MULTI, 16),
        (Opcode::STORE_FAST_MULTI, 16),
        (Opcode::UNARY_OP_MULTI, 4),
        (Opcode::BINARY_OP_MULTI, 35),
    ] {
        let row = group.row();
        let row_with = |operand| OpcodeRow::of(group.with_operand(operand));
        assert_eq!(row_with(0), row);
        assert_eq!(row_with(count - 1), row);
        assert_ne!(row_with(count), row);
    }
    for row in OPCODES {
        let is_group = row.first != row.last;
        assert_eq!(is_group, row.name.ends_with("_MULTI"), "{}", row.name);
    }
}

#[test]
fn every_opcode_byte_has_at_most_one_row() {
    for pair in OPCODES.windows(2) {
        assert!(
            pair[0].last < pair[1].first,
            "{} {}",
            pair[0].name,
            pair[1].name
        );
    }
    assert_eq!(
        OpcodeRow::of(Opcode::POP_TOP.byte()).map(|row| row.name),
        Some("POP_TOP")
    );
    assert_eq!(
        OpcodeRow::of(0xaf).map(|row| row.name),
        Some("LOAD_CONST_SMALL_INT_MULTI")
    );
    assert_eq!(OpcodeRow::of(0x41), None);
    assert_eq!(OpcodeRow::of(0xff), None);
    assert_eq!(
        (0..=255)
            .filter(|&byte| OpcodeRow::of(byte).is_some())
            .count(),
        207
    );
}

/// In a function without jumps the value stack must be empty at the end and fit into the state.
#[test]
fn stack_effects_add_up() {
    let mut straight = 0;
    for name in ["instructions.py", "objects.py", "lines.py"] {
        for raw_code in reader::read(&compile(name, &[])).unwrap().raw_codes {
            let Code::Bytecode(bytecode) = raw_code.code else {
                continue;
            };
            let found: Vec<_> = instructions(&bytecode.opcodes)
                .map(|found| found.unwrap())
                .collect();
            if found.iter().any(|found| found.target().is_some()) {
                continue;
            }
            straight += 1;
            let mut height = 0;
            for found in &found {
                let start = found.offset as usize;
                let bytes = &bytecode.opcodes[start..start + found.length as usize];
                height += effect(found.opcode, bytes);
                assert!(height >= 0 && height <= i64::from(bytecode.prelude.signature.n_state));
            }
            assert_eq!(height, 0, "{name}: {found:?}");
        }
    }
    assert!(straight >= 15, "{straight}");
}

fn effect(opcode: &OpcodeRow, bytes: &[u8]) -> i64 {
    let number = bytes[1..]
        .iter()
        .fold(0, |sum, byte| sum << 7 | u32::from(byte & 0x7f));
    let (operand, extra) = match opcode.operand {
        OperandKind::Closure => (u32::from(bytes[1]), bytes[2]),
        _ => (number, 0),
    };
    opcode.stack.of(operand, extra)
}

#[test]
fn stack_effects_of_variable_instructions() {
    assert_eq!(StackEffect::MinusCount(1).of(3, 0), -2);
    assert_eq!(StackEffect::PlusCount(-1).of(3, 0), 2);
    assert_eq!(StackEffect::MinusClosed(-1).of(7, 2), -3);
    assert_eq!(StackEffect::MinusArguments(-2).of(1 << 8 | 3, 0), -7);
    assert_eq!(StackEffect::UnpackEx.of(2 << 8 | 1, 0), 3);
    assert_eq!(StackEffect::Comprehension.of(5 << 2 | 1, 0), -2);
    assert_eq!(StackEffect::Comprehension.of(5 << 2 | 2, 0), -1);
}

/// The official compiler writes a static qstr wherever it knows one.
#[test]
fn static_qstrs_are_the_official_ones() {
    let names = (1..=165)
        .filter_map(StaticQstr::from_number)
        .map(StaticQstr::text);
    let identifiers: Vec<_> = names
        .filter(|name| {
            name.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
        .filter(|name| !name.is_empty() && name.as_bytes() != b"const")
        .collect();
    assert_eq!(identifiers.len(), 157);
    let source: String = identifiers
        .iter()
        .map(|name| format!("a.{name}\n"))
        .collect();
    let module = reader::read(&compile_text("x.py", &source, &[]).unwrap()).unwrap();
    for name in identifiers {
        let expected = Qstr::Static(StaticQstr::find(name.as_bytes()).unwrap());
        assert!(module.qstrs.contains(&expected), "{name}");
        assert_eq!(Qstr::of(name.as_bytes()), expected);
    }
    assert_eq!(StaticQstr::from_number(0), None);
    assert_eq!(StaticQstr::from_number(166), None);
    assert_eq!(StaticQstr::find(b"no static qstr"), None);
    assert_eq!(StaticQstr::find(b"").map(StaticQstr::number), Some(1));
    assert_eq!(StaticQstr::find(b"zip").map(StaticQstr::number), Some(165));
}

#[test]
fn vuint_edges() {
    for (value, expected) in [
        (0, &[0][..]),
        (0x7f, &[0x7f]),
        (0x80, &[0x81, 0]),
        (0x3fff, &[0xff, 0x7f]),
        (0x4000, &[0x81, 0x80, 0]),
        (0x1f_ffff, &[0xff, 0xff, 0x7f]),
        (0x20_0000, &[0x81, 0x80, 0x80, 0]),
        (0x1000_0000, &[0x81, 0x80, 0x80, 0x80, 0]),
        (u32::MAX, &[0x8f, 0xff, 0xff, 0xff, 0x7f]),
    ] {
        let mut out = Vec::new();
        vuint::push(&mut out, value);
        assert_eq!(out, expected, "{value:#x}");
        assert_eq!(vuint::len(value), expected.len(), "{value:#x}");
    }
}

/// Small ints of every length, as the official compiler writes them at the widest setting.
#[test]
fn small_ints_are_the_official_ones() {
    let mut values = vec![i64::MIN >> 2, i64::MAX >> 2];
    for bits in 4..62 {
        let power = 1_i64 << bits;
        values.extend([power - 1, power, power + 1, -power - 1, -power, 1 - power]);
    }
    values.retain(|value| !(-16..48).contains(value) && *value >= -(1 << 62));
    let source: String = values.iter().map(|value| format!("f({value})\n")).collect();
    let bytes = compile_text("x.py", &source, &["-msmall-int-bits=63"]).unwrap();
    let module = reader::read(&bytes).unwrap();
    let Code::Bytecode(bytecode) = &module.raw_codes[0].code else {
        panic!("no bytecode")
    };
    let mut left = values.iter();
    for found in instructions(&bytecode.opcodes).map(|found| found.unwrap()) {
        if found.byte != Opcode::LOAD_CONST_SMALL_INT.byte() {
            continue;
        }
        let value = *left.next().unwrap();
        let mut encoded = vec![Opcode::LOAD_CONST_SMALL_INT.byte()];
        vuint::push_signed(&mut encoded, value);
        let start = found.offset as usize;
        assert_eq!(
            encoded,
            bytecode.opcodes[start..start + found.length as usize],
            "{value}"
        );
        assert_eq!(
            found.operand,
            piton_mpy::instruction::Operand::SmallInt(value)
        );
    }
    assert_eq!(left.next(), None);
}

#[test]
fn small_ints_of_64_bits() {
    for value in [i64::MIN, i64::MIN + 1, i64::MAX] {
        let mut opcodes = vec![Opcode::LOAD_CONST_SMALL_INT.byte()];
        vuint::push_signed(&mut opcodes, value);
        let found = instructions(&opcodes).next().unwrap().unwrap();
        assert_eq!(
            found.operand,
            piton_mpy::instruction::Operand::SmallInt(value)
        );
    }
    let mut too_wide = vec![Opcode::LOAD_CONST_SMALL_INT.byte(), 0x81];
    too_wide.extend([0x80; 9]);
    too_wide.push(0);
    let error = instructions(&too_wide).next().unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "byte 0x1: small int: expected a number of 64 bits, found a larger one"
    );
}

/// The line table that official code has is what our encoder makes of the same steps.
#[test]
fn line_tables_are_the_official_ones() {
    let source: String = (0..40)
        .map(|gap| format!("f({}){}", "a,".repeat(gap), "\n".repeat(gap * gap + 1)))
        .collect();
    let module = reader::read(&compile_text("x.py", &source, &[]).unwrap()).unwrap();
    let Code::Bytecode(bytecode) = &module.raw_codes[0].code else {
        panic!("no bytecode")
    };
    let official = &bytecode.prelude.line_info;
    // Each statement's first instruction loads `f`.
    let mut ours = LineInfo::new();
    let (mut last_offset, mut line, mut gap) = (0, 1, 0);
    for found in instructions(&bytecode.opcodes).map(|found| found.unwrap()) {
        let is_f = piton_mpy::instruction::Operand::Qstr(2) == found.operand;
        if found.byte == Opcode::LOAD_NAME.byte() && is_f {
            if gap > 0 {
                ours.push(found.offset - last_offset, line);
            }
            assert_eq!(
                official.line_at(found.offset),
                1 + (0..gap).map(|n| n * n + 1).sum::<u32>()
            );
            (last_offset, line) = (found.offset, gap * gap + 1);
            gap += 1;
        }
    }
    assert_eq!(gap, 40);
    assert_eq!(ours.encoded(), official.encoded());
}

#[test]
fn line_table_forms() {
    let encoded = |bytes, lines| {
        let mut table = LineInfo::new();
        table.push(bytes, lines);
        table.encoded().to_vec()
    };
    assert_eq!(encoded(31, 3), [0x7f]);
    assert_eq!(encoded(15, 6), [0x6f, 0x60]);
    assert_eq!(encoded(15, 7), [0x8f, 7]);
    assert_eq!(encoded(15, 2047), [0xff, 0xff]);
    assert_eq!(encoded(16, 7), [0x70, 0x60, 0x20]);
    assert_eq!(encoded(0, 2048), [0xf0, 0xff, 0x20]);
    assert_eq!(encoded(63, 0), [0x1f, 0x1f, 1]);
    let table = LineInfo::from_encoded(&[0xf5, 0xff, 0x23]).unwrap();
    let skips: Vec<_> = table.skips().collect();
    assert_eq!(
        skips,
        [
            Skip {
                bytes: 5,
                lines: 2047
            },
            Skip { bytes: 3, lines: 1 }
        ]
    );
    let lines: Vec<_> = [0, 4, 5, 7, 8, 100]
        .map(|offset| table.line_at(offset))
        .into();
    assert_eq!(lines, [1, 1, 2048, 2048, 2049, 2049]);
    assert_eq!(LineInfo::from_encoded(&[0x80]), None);
}

#[test]
fn preludes_of_any_size_are_read_back() {
    for big in [0, 1, 3, 4, 15, 16, 17, 255, 256, 0x3fff] {
        let prelude = Prelude {
            signature: Signature {
                n_state: 1 + 5 * big,
                n_exc_stack: big,
                scope_flags: big & 0x1f,
                n_pos_args: big,
                n_kwonly_args: big & 0xff,
                n_def_pos_args: big,
            },
            simple_name: big,
            arg_names: (0..big + (big & 0xff)).collect(),
            line_info: LineInfo::from_encoded(&vec![1; big as usize]).unwrap(),
            cells: vec![7; big as usize & 0xff],
        };
        let mut bytes = Vec::new();
        prelude.push(&mut bytes);
        bytes.push(Opcode::RETURN_VALUE.byte());
        assert_eq!(Prelude::decode(&bytes), Ok((prelude, bytes.len() - 1)));
    }
}

#[test]
fn prelude_sizes() {
    let encoded = |n_info, n_cell| {
        let mut out = Vec::new();
        push_sizes(&mut out, n_info, n_cell);
        out
    };
    assert_eq!(encoded(1, 0), [0x02]);
    assert_eq!(encoded(63, 1), [0x7f]);
    assert_eq!(encoded(64, 0), [0x80, 0x02]);
    assert_eq!(encoded(1, 2), [0x82, 0x01]);
}
