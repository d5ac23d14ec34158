//! The head of a bytecode function: signature, sizes and line numbers (`py/bc.h`, `py/emitbc.c`).

use crate::scope::Scope;

/// Appends the signature: sizes of state and exception stack, flags and numbers of arguments,
/// their bits spread over as many bytes as they need.
pub(super) fn push_signature(out: &mut Vec<u8>, scope: &Scope, flags_mask: u8) {
    let state = u32::from(scope.locals) + u32::from(scope.stack_size);
    let mut state = state.max(1) - 1;
    let mut exceptions = scope.exception_stack_size;
    let mut flags = scope.flags & flags_mask;
    let mut arguments = scope.positional_arguments;
    let mut keyword_only = scope.keyword_only_arguments;
    let mut defaults = scope.default_arguments;

    let bits = |value: u32, mask: u32, shift: u32| (value & mask) << shift;
    // xSSSSEAA
    let mut byte = bits(state, 0xf, 3) | bits(exceptions.into(), 1, 2) | bits(arguments.into(), 3, 0);
    state >>= 4;
    exceptions >>= 1;
    arguments >>= 2;
    while state != 0
        || (exceptions | arguments | keyword_only | defaults) != 0
        || flags != 0
    {
        push_byte(out, byte | 0x80);
        // xFSSKAED
        byte = bits(flags.into(), 1, 6)
            | bits(state, 3, 4)
            | bits(keyword_only.into(), 1, 3)
            | bits(arguments.into(), 1, 2)
            | bits(exceptions.into(), 1, 1)
            | bits(defaults.into(), 1, 0);
        state >>= 2;
        exceptions >>= 1;
        flags >>= 1;
        arguments >>= 1;
        keyword_only >>= 1;
        defaults >>= 1;
    }
    push_byte(out, byte);
}

/// Appends the sizes: bytes of names and line numbers, and the number of cells.
pub(super) fn push_sizes(out: &mut Vec<u8>, info: u32, cells: u32) {
    let (mut info, mut cells) = (info, cells);
    loop {
        // xIIIIIIC
        let byte = (info & 0x3f) << 1 | cells & 1;
        info >>= 6;
        cells >>= 1;
        if info == 0 && cells == 0 {
            push_byte(out, byte);
            return;
        }
        push_byte(out, byte | 0x80);
    }
}

/// Appends the step from one line and bytecode offset to the next.
pub(super) fn push_line_step(out: &mut Vec<u8>, bytes: u32, lines: u32) {
    let (mut bytes, mut lines) = (bytes, lines);
    while bytes > 0 || lines > 0 {
        if lines <= 6 || bytes > 0xf {
            // 0LLBBBBB; no lines until all bytes are skipped.
            let byte_step = bytes.min(0x1f);
            let line_step = if byte_step < bytes { 0 } else { lines.min(3) };
            push_byte(out, byte_step | line_step << 5);
            bytes -= byte_step;
            lines -= line_step;
        } else {
            // 1LLLBBBB LLLLLLLL
            let line_step = lines.min(0x7ff);
            push_byte(out, 0x80 | bytes | (line_step >> 4 & 0x70));
            push_byte(out, line_step & 0xff);
            bytes = 0;
            lines -= line_step;
        }
    }
}

fn push_byte(out: &mut Vec<u8>, value: u32) {
    out.push(value.to_le_bytes()[0]);
}

/// Appends a number in base 128, most significant group first.
pub(super) fn push_vuint(out: &mut Vec<u8>, value: u32) {
    for shift in [28, 21, 14, 7] {
        if value >> shift != 0 {
            push_byte(out, value >> shift & 0x7f | 0x80);
        }
    }
    push_byte(out, value & 0x7f);
}

/// Appends a signed number in base 128; the sign is bit 6 of the first byte.
pub(super) fn push_signed(out: &mut Vec<u8>, value: i64) {
    let mut groups = 1;
    while groups < 10 && !(-0x40..0x40).contains(&(value >> (7 * (groups - 1)))) {
        groups += 1;
    }
    for group in (0..groups).rev() {
        let more = if group > 0 { 0x80 } else { 0 };
        out.push((value >> (7 * group)).to_le_bytes()[0] & 0x7f | more);
    }
}
