//! How the native emitters and the assemblers of the releases differ.

/// How viper reads and writes an element of a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Elements {
    /// Up to 1.24: the index is added to the base, but for small known ones on Thumb and RV32, and stores on ARM.
    Added,
    /// 1.25: Xtensa has instructions with a small known index, and with the index in a register.
    Small,
    /// From 1.26 on: each machine has its own way.
    Any,
}

/// What the compilers of the releases do differently in machine code. Each switch says which releases it is on for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NativeRules {
    /// Up to 1.18: each function has a table of its own, with its constants and children, and strings are numbers in its
    /// code, for which a loader puts in its own. So no register has a table of names, and another local is in one.
    pub function_tables: bool,
    /// How far the number of a string is shifted in an object: 2 bits in 1.12, then 3.
    pub string_object_shift: u8,
    /// 1.12: what stands for "no exception" is `None`. From then on it is 0.
    pub none_is_no_exception: bool,
    /// From 1.13 on: viper computes with `uint` as it does with `int`. Before, only with two `int`.
    pub unsigned_integers: bool,
    /// 1.12: after a `yield` the address of each active handler is stored, the outermost last. From then on only the
    /// innermost one's.
    pub stores_all_handlers: bool,
    /// From 1.13 on: calls on 32-bit x86 align the stack to four words. Before, frames are aligned to two.
    pub aligns_x86_calls: bool,
    /// From 1.13 on: Thumb compares by each condition. Before, some are the opposite of others.
    pub all_thumb_conditions: bool,
    /// From 1.14 on: the offset of the prelude is loaded by instructions of one size.
    pub fixed_prelude_offset: bool,
    /// From 1.14 on: too many locals are an error on Thumb. Before, only the low eight bits of their places count.
    pub checks_thumb_locals: bool,
    /// From 1.16 on: 64-bit x86 loads narrow elements through any register. Before, the compiler stops with an assertion.
    pub loads_x64_elements: bool,
    /// From 1.16 on: 64-bit x86 stores elements from one register only, as 32-bit x86 does.
    pub x64_stores_from_argument_3: bool,
    /// From 1.17 on: numbers go to the stack through the second temporary register. Before, through the first.
    pub settles_through_second: bool,
    /// From 1.18 on: what is in the register of results is stored before an element is loaded into it.
    pub frees_element_register: bool,
    /// From 1.19 on: addresses of labels on Thumb are extended from 16 bits with their sign.
    pub signed_thumb_labels: bool,
    /// From 1.19 on: what the inline assembler for Thumb takes depends on the processor. Before, it takes all.
    pub thumb_by_processor: bool,
    /// From 1.19 on: Xtensa loads and stores words at any offset that instructions of 24 bits have. Before, only the low
    /// four bits of the offset count.
    pub long_xtensa_offsets: bool,
    /// From 1.19 on: ARMv6-M is a processor of its own.
    pub has_armv6m: bool,
    /// From 1.24 on: RISC-V, and listings instead of machine code.
    pub has_riscv: bool,
    /// From 1.27 on: flags for extensions of the processor, and 64-bit RISC-V, for which there is no machine code.
    pub has_arch_flags: bool,
    /// The extensions of RISC-V among the flags, by their bits: Zba (1) from 1.27 on, Zcmp (2) from 1.28 on.
    pub riscv_flags: u32,
    /// From 1.28 on: an inline assembler for Xtensa with windowed registers.
    pub windowed_assembler: bool,
    /// From 1.26 on: all instructions of the LX3 in the inline assembler for Xtensa. Before, only some.
    pub all_xtensa_instructions: bool,
    /// From 1.20 on: `data()` in an inline assembler takes any integers. Before, small ones only.
    pub any_assembler_data: bool,
    /// From 1.20 on: outside of viper a local is an object before something is stored in it. Before, it has no type, and
    /// to load it is an error.
    pub locals_are_objects: bool,
    /// From 1.20 on: viper converts a value that is stored in an attribute. Before, the compiler stops with an assertion.
    pub converts_attributes: bool,
    /// From 1.20 on: a value in the register that gets the address of an element is stored first. Before, it is lost.
    pub keeps_index_register: bool,
    /// From 1.23 on: each native function begins with the place of its prelude. Before, only generators do, and the
    /// others store the address of the prelude in their code state themselves.
    pub prelude_in_front: bool,
    /// Up to 1.22: the flags of a viper function are in the file. From then on they are 0.
    pub keeps_viper_flags: bool,
    /// From 1.23 on: viper negates and inverts integers. Before, that is an error.
    pub unary_integers: bool,
    /// From 1.29 on: the result of a unary operator is in the result register. Before, it is where the operand was, which
    /// changes a local in a register.
    pub unary_in_result: bool,
    /// From 1.24 on: what is thrown into a generator has a word of its own in the frame. Before, it shares that of the
    /// exception that is handled, and is raised again by the next `yield`.
    pub thrown_word: bool,
    /// From 1.24 on: `finally` keeps its value on the stack to its end, and begins without an exception. Before, `async
    /// with` stops the compiler with an assertion.
    pub finally_keeps_value: bool,
    /// From 1.28 on: a register is set to 0 by the machine's shortest instruction. Before, it is combined with itself by an
    /// exclusive or, or loaded with the number.
    pub short_clear: bool,
    /// How elements of pointers are read and written.
    pub elements: Elements,
    /// From 1.28 on: Thumb keeps the register of an index. Before, 16- and 32-bit accesses shift it in place.
    pub thumb_keeps_index: bool,
    /// From 1.26 on: loads and stores with any offset, on all machines. Before, offsets that are too large for an
    /// instruction run into its other fields, or are an error on Xtensa.
    pub any_offset: bool,
    /// From 1.26 on: jumps over any distance on ARMv6-M, before 2048 bytes.
    pub far_thumb_jumps: bool,
    /// From 1.27 on: conditional jumps on ARMv7-M reach as far as the instruction can. Before, the high bits of longer
    /// distances are wrong.
    pub wide_thumb_branches: bool,
    /// From 1.25 on: frames of any size on ARM. Before, only the low eight bits of the size are in the instructions.
    pub any_arm_frame: bool,
    /// From 1.25 on: names are loaded on ARM without a change of the table's register. Before, that instruction writes it
    /// back.
    pub plain_arm_names: bool,
    /// From 1.23 on: Xtensa loads numbers from -32 to 95 by an instruction of 16 bits.
    pub narrow_xtensa_numbers: bool,
    /// From 1.26 on: conditional jumps over any distance on Xtensa. Before, they reach 128 or 2048 bytes, and those that
    /// are farther only print a warning.
    pub far_xtensa_branches: bool,
    /// From 1.26 on: a function for Xtensa without constants has no jump over their table.
    pub omits_xtensa_table: bool,
    /// From 1.28 on: the same where registers are windowed.
    pub omits_windowed_table: bool,
    /// From 1.25 on: RISC-V clears words from the register that is always 0. Before, it clears another register first.
    pub riscv_zero: bool,
    /// From 1.27 on: the words of exceptions, too.
    pub riscv_zero_exceptions: bool,
    /// Up to 1.24: each function for RISC-V saves s0, and small negative parts of numbers are added by a compressed
    /// instruction.
    pub riscv_first: bool,
    /// From 1.26 on: RISC-V stores words by compressed instructions, where they can.
    pub riscv_compressed_stores: bool,
    /// From 1.27 on: comparisons on RISC-V have no branches.
    pub riscv_straight_comparisons: bool,
    /// From 1.27 on: RISC-V scales an index by a compressed instruction, or by one of Zba.
    pub riscv_short_scaling: bool,
    /// From 1.28 on: RISC-V keeps the registers of a base and an index, and locals are in s3, s2 and s4. Before, the
    /// element's address replaces them, and locals are in s3, s4 and s5.
    pub riscv_keeps_index: bool,
    /// From 1.29 on: temporary registers of RISC-V are a4, a5 and a6, before t1, t2 and t3.
    pub riscv_argument_temporaries: bool,
}

impl NativeRules {
    /// Returns the rules of a compiler made from this release of MicroPython 1.
    pub(super) const fn of(base: u8) -> NativeRules {
        NativeRules {
            function_tables: base <= 18,
            string_object_shift: if base <= 12 { 2 } else { 3 },
            none_is_no_exception: base <= 12,
            unsigned_integers: base >= 13,
            stores_all_handlers: base <= 12,
            aligns_x86_calls: base >= 13,
            all_thumb_conditions: base >= 13,
            fixed_prelude_offset: base >= 14,
            checks_thumb_locals: base >= 14,
            loads_x64_elements: base >= 16,
            x64_stores_from_argument_3: base >= 16,
            settles_through_second: base >= 17,
            frees_element_register: base >= 18,
            signed_thumb_labels: base >= 19,
            thumb_by_processor: base >= 19,
            long_xtensa_offsets: base >= 19,
            has_armv6m: base >= 19,
            has_riscv: base >= 24,
            has_arch_flags: base >= 27,
            riscv_flags: match base {
                ..=26 => 0,
                27 => 1,
                _ => 3,
            },
            windowed_assembler: base >= 28,
            all_xtensa_instructions: base >= 26,
            any_assembler_data: base >= 20,
            locals_are_objects: base >= 20,
            converts_attributes: base >= 20,
            keeps_index_register: base >= 20,
            prelude_in_front: base >= 23,
            keeps_viper_flags: base <= 22,
            unary_integers: base >= 23,
            unary_in_result: base >= 29,
            thrown_word: base >= 24,
            finally_keeps_value: base >= 24,
            short_clear: base >= 28,
            elements: match base {
                ..=24 => Elements::Added,
                25 => Elements::Small,
                _ => Elements::Any,
            },
            thumb_keeps_index: base >= 28,
            any_offset: base >= 26,
            far_thumb_jumps: base >= 26,
            wide_thumb_branches: base >= 27,
            any_arm_frame: base >= 25,
            plain_arm_names: base >= 25,
            narrow_xtensa_numbers: base >= 23,
            far_xtensa_branches: base >= 26,
            omits_xtensa_table: base >= 26,
            omits_windowed_table: base >= 28,
            riscv_zero: base >= 25,
            riscv_zero_exceptions: base >= 27,
            riscv_first: base <= 24,
            riscv_compressed_stores: base >= 26,
            riscv_straight_comparisons: base >= 27,
            riscv_short_scaling: base >= 27,
            riscv_keeps_index: base >= 28,
            riscv_argument_temporaries: base >= 29,
        }
    }
}
