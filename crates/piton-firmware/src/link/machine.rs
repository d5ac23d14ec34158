//! What differs between architectures (`ARCH_DATA` of mpy_ld.py), and the few instructions that the linker writes itself.

use object::elf::{self, RelocationType};
use piton_mpy::header::Arch;

use super::LinkError;
use super::riscv::split;

/// An architecture.
pub(super) struct Machine {
    /// The word in ELF files.
    pub(super) elf: elf::Machine,
    /// Its name in the report.
    pub(super) name: &'static str,
    /// Bytes of an address.
    pub(super) word_size: u8,
    /// Relocations that refer to a global symbol by the table of addresses.
    pub(super) got: &'static [RelocationType],
    /// The alignments of `.text` that are known to work.
    pub(super) alignments: &'static [u64],
    /// Returns a jump from byte 0 to this byte.
    pub(super) jump: fn(i64) -> Result<Vec<u8>, LinkError>,
    /// A jump to an address that the board fills in, and where in it.
    pub(super) absolute_jump: Option<(&'static [u8], u64)>,
    /// Whether constants are not in the code.
    pub(super) separate_rodata: bool,
    /// Whether tables are before the code, so that the place of the first function is known only after the layout.
    pub(super) delayed_entry: bool,
}

const X86: Machine = Machine {
    elf: elf::EM_386,
    name: "EM_386",
    word_size: 4,
    got: &[elf::R_386_PC32, elf::R_386_GOT32, elf::R_386_GOT32X],
    alignments: &[1, 4],
    jump: jump_x86,
    // nop; nop; nop; mov eax, ADDRESS; jmp eax
    absolute_jump: Some((b"\x90\x90\x90\xb8\0\0\0\0\xff\xe0", 4)),
    separate_rodata: false,
    delayed_entry: false,
};

const X64: Machine = Machine {
    elf: elf::EM_X86_64,
    name: "EM_X86_64",
    word_size: 8,
    got: &[elf::R_X86_64_GOTPCREL, elf::R_X86_64_REX_GOTPCRELX],
    // six nop; mov rax, ADDRESS; jmp rax
    absolute_jump: Some((
        b"\x90\x90\x90\x90\x90\x90\x48\xb8\0\0\0\0\0\0\0\0\xff\xe0",
        8,
    )),
    ..X86
};

const THUMB: Machine = Machine {
    elf: elf::EM_ARM,
    name: "EM_ARM",
    word_size: 4,
    got: &[elf::R_ARM_GOT32, elf::R_ARM_GOT_PREL],
    alignments: &[4],
    jump: jump_thumb2,
    // ldr r3, [pc, #0]; bx r3; ADDRESS
    absolute_jump: Some((b"\x00\x4b\x18\x47\0\0\0\0", 4)),
    separate_rodata: false,
    delayed_entry: false,
};

const THUMB1: Machine = Machine {
    jump: jump_thumb1,
    ..THUMB
};

const XTENSA: Machine = Machine {
    elf: elf::EM_XTENSA,
    name: "EM_XTENSA",
    word_size: 4,
    got: &[elf::R_XTENSA_32, elf::R_XTENSA_PLT],
    alignments: &[4],
    jump: jump_xtensa,
    absolute_jump: None,
    separate_rodata: false,
    delayed_entry: true,
};

const XTENSA_WINDOWED: Machine = Machine {
    separate_rodata: true,
    ..XTENSA
};

const RISCV32: Machine = Machine {
    elf: elf::EM_RISCV,
    name: "EM_RISCV",
    word_size: 4,
    got: &[
        elf::R_RISCV_32,
        elf::R_RISCV_GOT_HI20,
        elf::R_RISCV_GOT32_PCREL,
    ],
    alignments: &[2],
    jump: jump_riscv,
    // auipc a3, 0; c.lw a3, 8(a3); c.jr a3; ADDRESS
    absolute_jump: Some((b"\x97\x06\x00\x00\x94\x46\x82\x86\0\0\0\0", 8)),
    separate_rodata: false,
    delayed_entry: false,
};

const RISCV64: Machine = Machine {
    word_size: 8,
    got: &[
        elf::R_RISCV_64,
        elf::R_RISCV_GOT_HI20,
        elf::R_RISCV_GOT32_PCREL,
    ],
    // auipc a3, 0; c.ld a3, 8(a3); c.jr a3; ADDRESS
    absolute_jump: Some((b"\x97\x06\x00\x00\x94\x66\x82\x86\0\0\0\0\0\0\0\0", 8)),
    ..RISCV32
};

/// Returns the data of an architecture; `None` for those that no objects are linked for.
pub(super) fn of(arch: Arch) -> Option<&'static Machine> {
    match arch {
        Arch::X86 => Some(&X86),
        Arch::X64 => Some(&X64),
        Arch::ArmV6M => Some(&THUMB1),
        Arch::ArmV7M | Arch::ArmV7EMSP | Arch::ArmV7EMDP => Some(&THUMB),
        Arch::Xtensa => Some(&XTENSA),
        Arch::XtensaWin => Some(&XTENSA_WINDOWED),
        Arch::Rv32Imc => Some(&RISCV32),
        Arch::Rv64Imc => Some(&RISCV64),
        Arch::ArmV6 | Arch::ArmV7EM | Arch::Debug => None,
    }
}

/// Returns whether a value is within ±2^`bits`.
fn fits(bits: u32, value: i64) -> bool {
    matches!(value >> bits, 0 | -1)
}

fn jump_x86(entry: i64) -> Result<Vec<u8>, LinkError> {
    if let Ok(distance) = i8::try_from(entry - 2) {
        return Ok(vec![0xeb, distance.to_le_bytes()[0]]);
    }
    let Ok(distance) = i32::try_from(entry - 5) else {
        return Err(LinkError::JumpTooFar { limit: "2GiB" });
    };
    let mut code = vec![0xe9];
    code.extend(distance.to_le_bytes());
    Ok(code)
}

/// `b`, or `push {r0, lr}`, `bl`, `pop {r0, pc}`: ARMv6-M has no far jump.
fn jump_thumb1(entry: i64) -> Result<Vec<u8>, LinkError> {
    let distance = entry - 4;
    if fits(11, distance) {
        return Ok(halves(&[0xe000 | field(distance, 1, 0x7ff)]));
    }
    let distance = distance - 2;
    Ok(halves(&[
        0xb501,
        0xf000 | field(distance, 12, 0x7ff),
        0xf800 | field(distance, 1, 0x7ff),
        0xbd01,
    ]))
}

/// `b` or `b.w`.
fn jump_thumb2(entry: i64) -> Result<Vec<u8>, LinkError> {
    let distance = entry - 4;
    if fits(11, distance) {
        return Ok(halves(&[0xe000 | field(distance, 1, 0x7ff)]));
    }
    Ok(halves(&[
        0xf000 | field(distance, 12, 0x7ff),
        0xb800 | field(distance, 1, 0x7ff),
    ]))
}

/// `j`.
fn jump_xtensa(entry: i64) -> Result<Vec<u8>, LinkError> {
    let distance = entry - 8;
    if !fits(17, distance) {
        return Err(LinkError::JumpTooFar { limit: "128KiB" });
    }
    let [low, middle, high, ..] = (distance << 6 | 6).to_le_bytes();
    Ok(vec![low, middle, high])
}

/// `c.j`, or `auipc t6` and `jalr zero, t6`.
fn jump_riscv(entry: i64) -> Result<Vec<u8>, LinkError> {
    if fits(11, entry) {
        return Ok(halves(&[0xa001 | compressed_jump(entry)]));
    }
    if !fits(31, entry - 8) {
        return Err(LinkError::JumpTooFar { limit: "2GiB" });
    }
    let (upper, lower) = split(entry);
    let mut code = (upper | 0xf97).to_le_bytes().to_vec();
    code.extend((lower << 20 | 0xf8067).to_le_bytes());
    Ok(code)
}

/// Returns the distance of a `c.j` in its bits.
pub(super) fn compressed_jump(distance: i64) -> u16 {
    let bits = (distance & 0x800) << 1
        | (distance & 0x400) >> 2
        | (distance & 0x300) << 1
        | (distance & 0x80) >> 1
        | (distance & 0x40) << 1
        | (distance & 0x20) >> 3
        | (distance & 0x10) << 7
        | (distance & 0x0e) << 2;
    field(bits, 0, 0xffff)
}

/// Returns some bits of a number.
pub(super) fn field(value: i64, shift: u32, mask: u16) -> u16 {
    let [low, high, ..] = (value >> shift).to_le_bytes();
    u16::from_le_bytes([low, high]) & mask
}

fn halves(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes are those of mpy_ld.py's functions for the same places.
    #[test]
    fn jumps_to_the_first_function_are_as_short_as_their_distance_lets_them_be() {
        let cases: [(Arch, i64, &[u8]); 16] = [
            (Arch::X64, 0x02, b"\xeb\x00"),
            (Arch::X64, 0x81, b"\xeb\x7f"),
            (Arch::X64, 0x82, b"\xe9\x7d\0\0\0"),
            (Arch::X86, 0x1000, b"\xe9\xfb\x0f\0\0"),
            (Arch::ArmV6M, 0x08, b"\x02\xe0"),
            (Arch::ArmV6M, 0x803, b"\xff\xe3"),
            // push {r0, lr}; bl; pop {r0, pc}
            (Arch::ArmV6M, 0x804, b"\x01\xb5\x00\xf0\xff\xfb\x01\xbd"),
            (Arch::ArmV6M, 0x1_2345, b"\x01\xb5\x12\xf0\x9f\xf9\x01\xbd"),
            (Arch::ArmV7M, 0x803, b"\xff\xe3"),
            (Arch::ArmV7M, 0x1_2345, b"\x12\xf0\xa0\xb9"),
            (Arch::Xtensa, 0x10, b"\x06\x02\x00"),
            (Arch::XtensaWin, 0x2_0007, b"\xc6\xff\x7f"),
            (Arch::Rv32Imc, 0x02, b"\x09\xa0"),
            (Arch::Rv32Imc, 0x7ff, b"\xfd\xaf"),
            // auipc t6; jalr zero, t6
            (Arch::Rv64Imc, 0x800, b"\x97\x1f\0\0\x67\x80\x0f\x80"),
            (Arch::Rv64Imc, 0x1_2ffe, b"\x97\x3f\x01\0\x67\x80\xef\xff"),
        ];
        for (arch, entry, code) in cases {
            let machine = of(arch).unwrap();
            let jump = (machine.jump)(entry);
            assert_eq!(jump.as_deref(), Ok(code), "{} {entry:#x}", arch.name());
        }
        let far = (XTENSA.jump)(0x2_0008).unwrap_err();
        assert_eq!(
            far.to_string(),
            "jumps larger than 128KiB are not supported"
        );
    }

    #[test]
    fn addresses_of_riscv_split_so_that_their_parts_add_up() {
        for (address, parts) in [
            (0x7ff, (0, 0x7ff)),
            (0x800, (0x1000, 0x800)),
            (0x1234_5fff, (0x1234_6000, 0xfff)),
            (-1, (0, 0xfff)),
            (-2048, (0, 0x800)),
            (-4096, (0xffff_f000, 0)),
        ] {
            assert_eq!(split(address), parts, "{address}");
        }
    }
}
