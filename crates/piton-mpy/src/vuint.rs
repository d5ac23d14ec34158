//! The variable-length integers of the format.
//!
//! Seven bits a byte, most significant first, bit 7 set on all but the last byte.

/// Appends `value`, in as few bytes as it fits (`mp_print_uint`, py/persistentcode.c).
pub fn push(out: &mut Vec<u8>, value: u32) {
    for shift in [28, 21, 14, 7] {
        if value >> shift != 0 {
            out.push(0x80 | (value >> shift) as u8 & 0x7f);
        }
    }
    out.push(value as u8 & 0x7f);
}

/// Returns how many bytes [`push`] appends, 1 to 5.
pub fn len(value: u32) -> usize {
    match value {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        0x20_0000..0x1000_0000 => 4,
        0x1000_0000.. => 5,
    }
}

/// Appends the operand of `LOAD_CONST_SMALL_INT`: two's complement, bit 6 of the first byte is the
/// sign (`emit_write_bytecode_byte_int`, py/emitbc.c). At most 10 bytes.
pub fn push_signed(out: &mut Vec<u8>, value: i64) {
    let mut groups = 1;
    while groups < 10 && !fits_signed(value, groups) {
        groups += 1;
    }
    for group in (1..groups).rev() {
        out.push(0x80 | (value >> (7 * group).min(63)) as u8 & 0x7f);
    }
    out.push(value as u8 & 0x7f);
}

fn fits_signed(value: i64, groups: u32) -> bool {
    let rest = value >> (7 * groups - 1).min(63);
    rest == 0 || rest == -1
}
