//! Loads and stores, and the addresses of elements.

use super::code::{fits, split};
use super::{Rv32, ZBA, encode, is_in_window};

impl Rv32 {
    /// Loads `log2_bytes` from an offset in bytes.
    pub(super) fn load(&mut self, log2_bytes: u8, rd: u32, base: u32, offset: u32) {
        let funct3 = match log2_bytes {
            0 => 4,
            1 => 5,
            _ => 2,
        };
        if log2_bytes == 2 && is_in_window(rd) && is_in_window(base) && offset < 0x40 {
            self.half(encode::c_word(2, rd, base, offset));
        } else if fits(offset, 12) {
            self.word(encode::i(3, funct3, rd, base, offset));
        } else {
            let (upper, lower) = split(offset);
            self.load_upper_of(rd, upper, base);
            self.word(encode::i(3, funct3, rd, rd, lower));
        }
    }

    /// Stores `log2_bytes` to an offset in bytes.
    pub(super) fn store(&mut self, log2_bytes: u8, rs: u32, base: u32, offset: u32) {
        let funct3 = log2_bytes.into();
        let is_compressed = self.rules.riscv_compressed_stores
            && log2_bytes == 2
            && is_in_window(rs)
            && is_in_window(base)
            && offset < 0x40;
        if is_compressed {
            self.half(encode::c_word(6, rs, base, offset));
        } else if fits(offset, 12) {
            self.word(encode::s(funct3, base, rs, offset));
        } else {
            let (upper, lower) = split(offset);
            let temporary = self.temporary(2);
            self.load_upper_of(temporary, upper, base);
            self.word(encode::s(funct3, temporary, rs, lower));
        }
    }

    /// Loads the address of an element whose number is in a register. Returns its register.
    pub(super) fn load_element_address(&mut self, log2_bytes: u8, base: u32, index: u32) -> u32 {
        if !self.rules.riscv_keeps_index {
            self.replace_by_element_address(log2_bytes, base, index);
            return base;
        }
        let rd = self.temporary(2);
        if log2_bytes == 0 {
            self.word(encode::add(rd, base, index));
        } else if self.flags & ZBA != 0 {
            // `sh1add` or `sh2add`
            self.word(encode::r(1 << log2_bytes, 0x10, rd, index, base));
        } else {
            // `slli`
            self.word(encode::i(0x13, 1, rd, index, log2_bytes.into()));
            self.half(encode::c_add(rd, base));
        }
        rd
    }

    /// Replaces the base of an array by the address of an element, and its number by the distance.
    fn replace_by_element_address(&mut self, log2_bytes: u8, base: u32, index: u32) {
        let bits = u32::from(log2_bytes);
        if bits != 0 && self.rules.riscv_short_scaling && self.flags & ZBA != 0 {
            self.word(encode::r(1_u32 << bits, 0x10, base, index, base));
            return;
        }
        match (bits, self.rules.riscv_short_scaling) {
            (0, _) => {}
            // `c.slli`
            (_, true) => self.half(0x0002 | index << 7 | bits << 2),
            (_, false) => self.word(encode::i(0x13, 1, index, index, bits)),
        }
        self.half(encode::c_add(base, index));
    }

    /// Adds an index, counted in words, to a base, in releases before [`Elements::Any`].
    pub(super) fn add_words(&mut self, base: u32, index: u32) {
        let temporary = self.temporary(2);
        self.word(encode::i(0x13, 1, temporary, index, 2));
        self.half(encode::c_add(base, temporary));
    }
}
