//! The sizes of jumps: one byte for a near target, two for a far one, and an error beyond that.

use piton_compiler::{DiagnosticCode, Options, compile};
use piton_mpy::instruction::{Instruction, Operand, instructions};

use super::support::{bytecode, module};

/// Distances of jumps with one byte, for jumps that may go back. One byte can express 63 as well, but the first pass of the
/// compiler makes long jumps, and a jump becomes short if its distance from two bytes after its start is at most 63.
const NEAR: std::ops::RangeInclusive<i64> = -64..=62;

/// The same for jumps that only go forward.
const NEAR_FORWARD: std::ops::RangeInclusive<i64> = 0..=126;

/// Returns statements whose code has this number of bytes: `a` has three, `f()` five.
fn body(length: usize, indent: &str) -> String {
    let calls = (0..3)
        .find(|calls| (length - calls * 5).is_multiple_of(3))
        .unwrap();
    let names = (length - calls * 5) / 3;
    format!("{indent}f()\n").repeat(calls) + &format!("{indent}a\n").repeat(names)
}

/// Returns the jumps of a module's own code: each with the distance from its end to its target.
fn jumps(source: &str) -> Vec<(Instruction, i64)> {
    let module = module(source);
    let all = instructions(&bytecode(&module, 0).opcodes).map(|one| one.unwrap());
    all.filter_map(|instruction| {
        let target = instruction.target()?;
        let end = i64::from(instruction.offset + instruction.length);
        Some((instruction, target - end))
    })
    .collect()
}

/// Returns whether the distance of this jump can be negative.
fn is_signed(instruction: &Instruction) -> bool {
    // UNWIND_JUMP to POP_JUMP_IF_FALSE; the others only go forward.
    (0x40..=0x44).contains(&instruction.byte)
}

/// Checks that each jump has the smallest size for its distance. Returns the distances.
#[track_caller]
fn check(source: &str) -> Vec<i64> {
    let jumps = jumps(source);
    for (instruction, distance) in &jumps {
        let extra = u32::from(matches!(instruction.operand, Operand::Unwind { .. }));
        let is_near = match is_signed(instruction) {
            true => NEAR.contains(distance),
            false => NEAR_FORWARD.contains(distance),
        };
        let size = if is_near { 2 } else { 3 };
        let name = instruction.opcode.mnemonic();
        assert_eq!(
            instruction.length - extra,
            size,
            "{name} by {distance}: {source}"
        );
    }
    jumps.into_iter().map(|(_, distance)| distance).collect()
}

#[test]
fn an_if_jumps_over_its_body() {
    let mut seen = Vec::new();
    for length in (8..80).chain(120..140) {
        seen.extend(check(&format!("if x:\n{}", body(length, " "))));
    }
    for limit in [*NEAR.end(), NEAR.end() + 1, 127, 128] {
        assert!(seen.contains(&limit), "no jump by {limit}");
    }
}

#[test]
fn an_else_is_jumped_over_at_the_end_of_the_body() {
    for length in 55..75 {
        let (short, long) = (body(8, " "), body(length, " "));
        check(&format!("if x:\n{short}else:\n{long}"));
        check(&format!("if x:\n{long}else:\n{short}"));
        check(&format!("if x:\n{long}elif y:\n{long}else:\n{long}"));
    }
}

#[test]
fn a_loop_jumps_back_to_its_start() {
    let mut seen = Vec::new();
    for length in 40..75 {
        seen.extend(check(&format!("while x:\n{}", body(length, " "))));
        seen.extend(check(&format!("while True:\n{}", body(length, " "))));
    }
    for limit in [*NEAR.start(), NEAR.start() - 2] {
        assert!(seen.contains(&limit), "no jump by {limit}");
    }
}

#[test]
fn forward_jumps_of_blocks_have_seven_bits() {
    let mut seen = Vec::new();
    for length in 100..140 {
        let body = body(length, " ");
        for source in [
            format!("for i in x:\n{body}"),
            format!("try:\n{body}except: pass\n"),
            format!("try:\n{body}finally: pass\n"),
            format!("with x:\n{body}"),
            format!("try:\n pass\nexcept A:\n{body}except B:\n{body}"),
        ] {
            seen.extend(check(&source));
        }
    }
    assert!(seen.contains(&126) && seen.contains(&127));
}

#[test]
fn operators_jump_over_their_second_operand() {
    for count in 1..70 {
        let attributes = ".b".repeat(count);
        check(&format!("x = a and b{attributes}\n"));
        check(&format!("x = a or b{attributes}\n"));
        check(&format!("x = a < b{attributes} < c\n"));
        check(&format!("x = b{attributes} if a else c{attributes}\n"));
        check(&format!("x = not (a and b{attributes}) or c\n"));
    }
}

#[test]
fn break_and_continue_jump_out_of_blocks() {
    for length in 45..75 {
        for word in ["break", "continue"] {
            let body = body(length, "  ");
            check(&format!("while x:\n if a: {word}\n if b:\n{body}"));
            check(&format!(
                "for i in x:\n try:\n  {word}\n{body} finally: pass\n"
            ));
            check(&format!("while x:\n with a:\n{body}  {word}\n"));
        }
    }
}

/// A jump that grows pushes the target of another one away, which grows in turn.
#[test]
fn jumps_that_depend_on_each_other_have_their_smallest_sizes() {
    for length in 40..70 {
        let inner = body(length, "   ");
        let source =
            format!("while a:\n while b:\n  if c:\n{inner}   break\n  else:\n   continue\n");
        check(&source);
        let nested = format!("if a:\n if b:\n  if c:\n{inner}x\n");
        check(&nested);
    }
}

#[test]
fn a_jump_beyond_fifteen_bits_is_an_error() {
    let outcome = |source: &str| {
        let result = compile(source.as_bytes(), &Options::new("<stdin>"));
        result.map(|_| ()).map_err(|diagnostic| diagnostic.code)
    };
    // The condition jumps forward by the body: at most 16,383 bytes, since this jump is signed.
    for (length, expected) in [
        (16_380, Ok(())),
        (16_383, Ok(())),
        (16_384, Err(DiagnosticCode::JumpTooFar)),
        (16_400, Err(DiagnosticCode::JumpTooFar)),
        (40_000, Err(DiagnosticCode::JumpTooFar)),
    ] {
        let source = format!("if x:\n{}", body(length, " "));
        assert_eq!(outcome(&source), expected, "{length}");
        let official = super::support::official(source.as_bytes());
        assert_eq!(official.is_ok(), expected.is_ok(), "{length}");
    }
    // The jump over a `with` block is unsigned: at most 32,767 bytes.
    for (length, expected) in [(32_700, Ok(())), (32_800, Err(DiagnosticCode::JumpTooFar))] {
        let source = format!("with x:\n{}", body(length, " "));
        assert_eq!(outcome(&source), expected, "{length}");
        let official = super::support::official(source.as_bytes());
        assert_eq!(official.is_ok(), expected.is_ok(), "{length}");
    }
}
