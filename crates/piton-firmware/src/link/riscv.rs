//! The relocations of RISC-V. None makes code shorter.

use object::elf::{self, RelocationType};

use super::LinkError;
use super::got::address_of;
use super::image::{Image, Symbol};
use super::machine::compressed_jump;
use super::relocation::{Done, Place, Reported, UpperParts, chunk, low_word, nothing};

/// Returns the 20 upper bits of an address for `auipc` or `lui`, and the 12 lower ones, which the next instruction adds with their sign.
pub(super) fn split(address: i64) -> (u32, u32) {
    let word = u32::from_le_bytes(low_word(address));
    if (-2047..0).contains(&address) {
        return (0, word & 0xfff);
    }
    let (upper, lower) = (word & 0xffff_f000, word & 0xfff);
    if lower & 0x800 == 0 {
        (upper, lower)
    } else {
        (upper.wrapping_add(0x1000), lower)
    }
}

/// Patches code or a constant.
pub(super) fn apply(
    image: &Image<'_>,
    place: &Place<'_>,
    text: &mut [u8],
    upper_parts: &mut UpperParts,
) -> Result<Done, LinkError> {
    let kind = place.relocation.kind;
    if let Some(kind) = refused(kind) {
        return Err(LinkError::Riscv {
            file: place.symbol.file.clone(),
            kind,
            name: place.symbol.name.clone(),
        });
    }
    if kind == elf::R_RISCV_RELAX || kind == elf::R_RISCV_ALIGN {
        return Ok(nothing());
    }
    if kind == elf::R_RISCV_GOT_HI20 {
        let offset = image.got.offset(&place.symbol.name);
        let offset = offset.ok_or_else(|| place.unsupported("not in the table"))?;
        let address = address_of(image, image.got.section) + offset;
        return upper_part(
            place,
            text,
            upper_parts,
            address,
            address - place.offset + place.relocation.addend,
        );
    }
    let symbol = image.definition(place.symbol);
    let address = image.section_of(symbol)?.address + symbol.value;
    let target = address + place.relocation.addend;
    let distance = target - place.offset;
    match kind {
        elf::R_RISCV_PCREL_HI20 => {
            return upper_part(place, text, upper_parts, address, distance);
        }
        elf::R_RISCV_HI20 => return upper_part(place, text, upper_parts, address, target),
        elf::R_RISCV_PCREL_LO12_I
        | elf::R_RISCV_LO12_I
        | elf::R_RISCV_PCREL_LO12_S
        | elf::R_RISCV_LO12_S => {
            lower_part(place, symbol, text, upper_parts)?;
        }
        elf::R_RISCV_CALL | elf::R_RISCV_CALL_PLT => {
            let (upper, lower) = split(distance);
            let bytes: &mut [u8; 8] = chunk(text, place)?;
            let pair = u64::from_le_bytes(*bytes) & 0x000f_ffff_0000_0fff;
            *bytes = (pair | u64::from(upper) | u64::from(lower) << 52).to_le_bytes();
        }
        elf::R_RISCV_RVC_BRANCH => half(text, place, 0xe383, compressed_branch(distance))?,
        elf::R_RISCV_RVC_JUMP => half(text, place, 0xe003, compressed_jump(distance))?,
        elf::R_RISCV_BRANCH => word(text, place, 0x01ff_f07f, branch(distance))?,
        elf::R_RISCV_JAL => word(text, place, 0xfff, jump(distance))?,
        elf::R_RISCV_32_PCREL | elf::R_RISCV_PLT32 => {
            *chunk(text, place)? = low_word(distance);
        }
        other => {
            let (bits, sum) =
                arithmetic(other).ok_or_else(|| place.unsupported("an unknown relocation"))?;
            let value = combine(text, place, bits, sum, target)?;
            return Ok(Done {
                name: None,
                value: Reported::Value(value),
            });
        }
    }
    Ok(Done {
        name: None,
        value: Reported::Address(address),
    })
}

/// Returns what a relocation is that no module can have.
fn refused(kind: RelocationType) -> Option<&'static str> {
    match kind {
        elf::R_RISCV_TLS_GD_HI20
        | elf::R_RISCV_TLSDESC_HI20
        | elf::R_RISCV_TLSDESC_LOAD_LO12
        | elf::R_RISCV_TLSDESC_ADD_LO12
        | elf::R_RISCV_TLSDESC_CALL => Some("TLS"),
        elf::R_RISCV_TPREL_HI20
        | elf::R_RISCV_TPREL_LO12_I
        | elf::R_RISCV_TPREL_LO12_S
        | elf::R_RISCV_TPREL_ADD => Some("TP-relative"),
        elf::R_RISCV_SET_ULEB128 | elf::R_RISCV_SUB_ULEB128 => Some("ULEB128"),
        _ => None,
    }
}

/// Patches the upper part of an address, and keeps the address for the lower one.
fn upper_part(
    place: &Place<'_>,
    text: &mut [u8],
    upper_parts: &mut UpperParts,
    address: i64,
    value: i64,
) -> Result<Done, LinkError> {
    upper_parts
        .entry((place.section, place.relocation.offset))
        .or_insert(value);
    let (upper, _) = split(value);
    word(text, place, 0xfff, upper)?;
    Ok(Done {
        name: None,
        value: Reported::Address(address),
    })
}

/// Patches the lower part of an address, whose upper part is in the instruction that the symbol names.
fn lower_part(
    place: &Place<'_>,
    symbol: &Symbol,
    text: &mut [u8],
    upper_parts: &UpperParts,
) -> Result<(), LinkError> {
    let upper = symbol
        .section
        .and_then(|section| upper_parts.get(&(section, symbol.value)));
    let (_, lower) = split(*upper.ok_or_else(|| place.unsupported("no upper part"))?);
    let kind = place.relocation.kind;
    if kind == elf::R_RISCV_PCREL_LO12_I || kind == elf::R_RISCV_LO12_I {
        word(text, place, 0xf_ffff, lower << 20)
    } else {
        let bits = (lower & 0xfe0) << 20 | (lower & 0x1f) << 7;
        word(text, place, 0xfe00_0f80, bits)
    }
}

/// How a number changes by a value.
#[derive(Clone, Copy)]
enum Sum {
    Add,
    Subtract,
    Set,
}

/// Returns the width in bits of a number in the debug data or the constants, and what is done to it.
fn arithmetic(kind: RelocationType) -> Option<(u32, Sum)> {
    Some(match kind {
        elf::R_RISCV_ADD8 => (8, Sum::Add),
        elf::R_RISCV_ADD16 => (16, Sum::Add),
        elf::R_RISCV_ADD32 => (32, Sum::Add),
        elf::R_RISCV_ADD64 => (64, Sum::Add),
        elf::R_RISCV_SUB6 => (6, Sum::Subtract),
        elf::R_RISCV_SUB8 => (8, Sum::Subtract),
        elf::R_RISCV_SUB16 => (16, Sum::Subtract),
        elf::R_RISCV_SUB32 => (32, Sum::Subtract),
        elf::R_RISCV_SUB64 => (64, Sum::Subtract),
        elf::R_RISCV_SET6 => (6, Sum::Set),
        elf::R_RISCV_SET8 => (8, Sum::Set),
        elf::R_RISCV_SET16 => (16, Sum::Set),
        elf::R_RISCV_SET32 => (32, Sum::Set),
        _ => return None,
    })
}

/// Changes a number of 6 to 64 bits. Returns the number that the report shows.
fn combine(
    text: &mut [u8],
    place: &Place<'_>,
    bits: u32,
    sum: Sum,
    value: i64,
) -> Result<i64, LinkError> {
    let change = |old: u64| -> (u64, i64) {
        let mask = u64::MAX >> (64 - bits);
        let kept = i128::from(old & mask);
        let result = match sum {
            Sum::Add => kept + i128::from(value),
            Sum::Subtract => kept - i128::from(value),
            Sum::Set => i128::from(value),
        };
        let wrapped = if result < 0 && !matches!(sum, Sum::Set) {
            result + (1 << bits)
        } else {
            result
        };
        let [a, b, c, d, e, f, g, h, ..] = wrapped.to_le_bytes();
        let low = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        (
            old & !mask | low & mask,
            i64::try_from(wrapped).unwrap_or(i64::MAX),
        )
    };
    match bits {
        0..=8 => {
            let bytes: &mut [u8; 1] = chunk(text, place)?;
            let (new, shown) = change(u64::from(u8::from_le_bytes(*bytes)));
            let [a, ..] = new.to_le_bytes();
            *bytes = [a];
            Ok(shown)
        }
        9..=16 => {
            let bytes: &mut [u8; 2] = chunk(text, place)?;
            let (new, shown) = change(u64::from(u16::from_le_bytes(*bytes)));
            let [a, b, ..] = new.to_le_bytes();
            *bytes = [a, b];
            Ok(shown)
        }
        17..=32 => {
            let bytes: &mut [u8; 4] = chunk(text, place)?;
            let (new, shown) = change(u64::from(u32::from_le_bytes(*bytes)));
            let [a, b, c, d, ..] = new.to_le_bytes();
            *bytes = [a, b, c, d];
            Ok(shown)
        }
        _ => {
            let bytes: &mut [u8; 8] = chunk(text, place)?;
            let (new, shown) = change(u64::from_le_bytes(*bytes));
            *bytes = new.to_le_bytes();
            Ok(shown)
        }
    }
}

fn word(text: &mut [u8], place: &Place<'_>, kept: u32, bits: u32) -> Result<(), LinkError> {
    let bytes: &mut [u8; 4] = chunk(text, place)?;
    *bytes = (u32::from_le_bytes(*bytes) & kept | bits).to_le_bytes();
    Ok(())
}

fn half(text: &mut [u8], place: &Place<'_>, kept: u16, bits: u16) -> Result<(), LinkError> {
    let bytes: &mut [u8; 2] = chunk(text, place)?;
    *bytes = (u16::from_le_bytes(*bytes) & kept | bits).to_le_bytes();
    Ok(())
}

/// Returns the distance of a `c.beqz` in its bits.
fn compressed_branch(distance: i64) -> u16 {
    let bits = (distance & 0x100) << 4
        | (distance & 0xc0) >> 1
        | (distance & 0x20) >> 3
        | (distance & 0x18) << 7
        | (distance & 0x06) << 2;
    super::machine::field(bits, 0, 0xffff)
}

/// Returns the distance of a conditional branch in its bits.
fn branch(distance: i64) -> u32 {
    let bits = (distance & 0x1000) << 19
        | (distance & 0x800) >> 4
        | (distance & 0x7e0) << 20
        | (distance & 0x1e) << 7;
    u32::from_le_bytes(low_word(bits))
}

/// Returns the distance of a `jal` in its bits.
fn jump(distance: i64) -> u32 {
    let bits = (distance & 0x10_0000) << 11
        | (distance & 0xf_f000)
        | (distance & 0x800) << 9
        | (distance & 0x7fe) << 20;
    u32::from_le_bytes(low_word(bits))
}
