//! Patches the code: what an object says that the linker has to fill in.

use std::collections::HashMap;

use object::elf::{self, RelocationType, STB_LOCAL, STT_SECTION};
use piton_mpy::raw_code::{Section as Part, Target};

use super::got::{Literal, address_of, no_symbol, part};
use super::image::{Image, Patch, Relocation, SectionId, Symbol};
use super::{Detail, LinkError, Report, riscv};

/// The upper parts of addresses, by section and place: the instructions with the lower parts refer to them.
pub(super) type UpperParts = HashMap<(SectionId, i64), i64>;

/// What one relocation did, for the report.
pub(super) struct Done {
    /// The name that is reported in place of the symbol's.
    pub(super) name: Option<String>,
    pub(super) value: Reported,
}

/// The number that is reported for a relocation.
pub(super) enum Reported {
    Address(i64),
    Value(i64),
    /// The relocation has nothing to do, or was reported already.
    Nothing,
}

/// A relocation and what it is in.
pub(super) struct Place<'a> {
    pub(super) section: SectionId,
    pub(super) relocation: &'a Relocation,
    pub(super) symbol: &'a Symbol,
    /// Where in the module's code.
    pub(super) offset: i64,
}

impl Place<'_> {
    pub(super) fn unsupported(&self, what: &str) -> LinkError {
        LinkError::Unsupported {
            file: self.symbol.file.clone(),
            what: format!(
                "{what}: relocation {} at {:#x} for symbol `{}`",
                self.relocation.kind.0, self.relocation.offset, self.symbol.name
            ),
        }
    }
}

/// Patches all sections.
pub(super) fn apply(image: &mut Image<'_>, report: &mut Report<'_>) -> Result<(), LinkError> {
    let mut upper_parts = UpperParts::new();
    let mut text = std::mem::take(&mut image.text);
    let mut rodata = std::mem::take(&mut image.rodata);
    let mut patches = Vec::new();
    let image_ref = &*image;
    let mut linker = Linker {
        image: image_ref,
        text: &mut text,
        rodata: &mut rodata,
        patches: &mut patches,
        upper_parts: &mut upper_parts,
    };
    for id in &image_ref.order {
        linker.section(*id, report)?;
    }
    image.text = text;
    image.rodata = rodata;
    image.patches.extend(patches);
    Ok(())
}

struct Linker<'i, 'a> {
    image: &'i Image<'a>,
    text: &'i mut Vec<u8>,
    rodata: &'i mut Vec<u8>,
    patches: &'i mut Vec<Patch>,
    upper_parts: &'i mut UpperParts,
}

impl Linker<'_, '_> {
    fn section(&mut self, id: SectionId, report: &mut Report<'_>) -> Result<(), LinkError> {
        let Some(section) = self.image.sections.get(id) else {
            return Ok(());
        };
        if section.relocations.is_empty() && section.function.is_none() {
            return Ok(());
        }
        let (file, name, from) = (&section.file, &section.name, &section.relocations_name);
        report(
            Detail::Relocations,
            &format!("{file}: {name} relocations via {from}:"),
        );
        if let Some((offset, function)) = section.function {
            self.patches.push(Patch {
                part: Part::Text,
                offset: section.address + i64::try_from(offset).unwrap_or(i64::MAX),
                target: Target::Fun(function),
            });
            return Ok(());
        }
        for relocation in &section.relocations {
            let Some(symbol) = self.image.symbols.get(relocation.symbol) else {
                return Err(no_symbol(section, relocation.offset));
            };
            let place = Place {
                section: id,
                relocation,
                symbol,
                offset: relocation.offset.saturating_add(section.address),
            };
            if section.is(&[".text", ".rodata"]) {
                self.code(&place, report)?;
            } else if section.is(&[".data.rel.ro"]) {
                self.data(&place, report)?;
            } else {
                return Err(place.unsupported("a section that cannot be patched"));
            }
        }
        Ok(())
    }

    /// Patches code or a constant.
    fn code(&mut self, place: &Place<'_>, report: &mut Report<'_>) -> Result<(), LinkError> {
        let is_absolute = place.relocation.kind == elf::R_ARM_ABS32;
        if self.image.machine.elf == elf::EM_ARM && is_absolute {
            return self.data(place, report);
        }
        let done = if self.image.machine.elf == elf::EM_RISCV {
            riscv::apply(self.image, place, self.text, self.upper_parts)?
        } else {
            self.word(place)?
        };
        let symbol = place.symbol;
        let name = match done.name {
            Some(name) => name,
            None if symbol.kind == STT_SECTION => self.image.section_of(symbol)?.name.clone(),
            None => symbol.name.clone(),
        };
        let offset = place.offset;
        match done.value {
            Reported::Address(address) => report(
                Detail::Relocations,
                &format!("  {offset:08x} {name} -> {address:08x}"),
            ),
            Reported::Value(value) => report(
                Detail::Relocations,
                &format!("  {offset:08x} {name} == {value:08x}"),
            ),
            Reported::Nothing => {}
        }
        Ok(())
    }

    /// Patches a word of any architecture but RISC-V.
    fn word(&mut self, place: &Place<'_>) -> Result<Done, LinkError> {
        let machine = self.image.machine.elf;
        let (kind, symbol) = (place.relocation.kind, place.symbol);
        let got = address_of(self.image, self.image.got.section);
        let addend = place.relocation.addend;
        let address = match Rule::of(machine, kind, symbol.bind == STB_LOCAL) {
            Rule::Distance => self.distance(place)?,
            Rule::Table => got,
            Rule::TableEntry => {
                let offset = self.image.got.offset(&symbol.name);
                let offset = offset.ok_or_else(|| place.unsupported("not in the table"))?;
                add_word(self.text, place, offset)?;
                return Ok(reported(offset));
            }
            Rule::DistanceToEntry => {
                let offset = self.image.got.offset(&symbol.name);
                got + offset.ok_or_else(|| place.unsupported("not in the table"))?
            }
            Rule::FromTable => {
                let address = self.image.section_of(symbol)?.address + symbol.value;
                add_word(self.text, place, address - got + addend)?;
                return Ok(reported(address));
            }
            Rule::Literal => return self.literal(place),
            Rule::Relaxation => {
                let section = symbol.section.and_then(|id| self.image.sections.get(id));
                return match section {
                    Some(section) if !section.is(&[".text"]) => {
                        Err(place.unsupported("a relaxation outside of code"))
                    }
                    _ => Ok(nothing()),
                };
            }
            Rule::Unknown => return Err(place.unsupported("an unknown relocation")),
        };
        let distance = address - place.offset + addend;
        let is_branch = kind == elf::R_ARM_THM_PC22 || kind == elf::R_ARM_THM_JUMP24;
        if machine == elf::EM_ARM && is_branch {
            thumb_branch(self.text, place, distance)?;
        } else {
            add_word(self.text, place, distance)?;
        }
        Ok(reported(address))
    }

    /// Returns the address of a symbol that is referred to by its distance.
    fn distance(&self, place: &Place<'_>) -> Result<i64, LinkError> {
        let symbol = self.image.definition(place.symbol);
        let section = self.image.section_of(symbol)?;
        let file = symbol.file.clone();
        if self.image.machine.separate_rodata && section.is(&[".rodata"]) {
            Err(LinkError::FixedToRodata)
        } else if section.is(&[".bss"]) {
            Err(LinkError::FixedToBss { file })
        } else if section.is(&[".external"]) {
            Err(LinkError::FixedToExternal {
                file,
                name: symbol.name.clone(),
            })
        } else {
            Ok(section.address + symbol.value)
        }
    }

    /// Patches an instruction of an Xtensa that loads an address or a constant (`l32r`).
    fn literal(&mut self, place: &Place<'_>) -> Result<Done, LinkError> {
        let section = self.image.section_of(place.symbol)?;
        if section.is(&[".text"]) {
            // The assembler has filled it in.
            return Ok(nothing());
        }
        let image = self.image;
        let meaning = section
            .is(&[".literal"])
            .then(|| {
                image
                    .literals
                    .meaning(&section.file, place.relocation.addend)
            })
            .flatten();
        let (name, address) = match meaning {
            Some(Literal::Address(name)) => (
                format!("GOT {name}"),
                image
                    .got
                    .offset(name)
                    .map(|offset| address_of(image, image.got.section) + offset),
            ),
            Some(Literal::Value(value)) => (
                "LIT".to_owned(),
                image
                    .literals
                    .offset(*value)
                    .map(|offset| address_of(image, image.literals.section) + offset),
            ),
            None => (String::new(), None),
        };
        let address = address.ok_or_else(|| place.unsupported("no literal"))?;
        let distance = address - place.offset;
        let bytes: &mut [u8; 3] = chunk(self.text, place)?;
        let [low, middle, high] = *bytes;
        if low & 0xf != 1 {
            return Err(place.unsupported("not an `l32r` instruction"));
        }
        let existing = i64::from(u16::from_le_bytes([middle, high]));
        let [middle, high, ..] = ((existing + distance) >> 2).to_le_bytes();
        *bytes = [low, middle, high];
        Ok(Done {
            name: Some(name),
            value: Reported::Address(address),
        })
    }

    /// Patches an address in a constant: the board adds where it has loaded the module.
    fn data(&mut self, place: &Place<'_>, report: &mut Report<'_>) -> Result<(), LinkError> {
        let (machine, kind) = (self.image.machine, place.relocation.kind);
        let is_address = match machine.elf {
            elf::EM_386 => kind == elf::R_386_32,
            elf::EM_X86_64 => kind == elf::R_X86_64_64,
            elf::EM_ARM => kind == elf::R_ARM_ABS32,
            elf::EM_XTENSA => kind == elf::R_XTENSA_32,
            _ => kind == elf::R_RISCV_32 || kind == elf::R_RISCV_64,
        };
        if !is_address {
            return Err(place.unsupported("an unknown relocation"));
        }
        let symbol = self.image.definition(place.symbol);
        let section = self.image.section_of(symbol)?;
        let address = section.address + symbol.value + place.relocation.addend;
        let name = if place.symbol.kind == STT_SECTION {
            &section.name
        } else {
            &symbol.name
        };
        let offset = place.offset;
        report(
            Detail::Relocations,
            &format!("  {offset:08x} -> {name} {address:08x}"),
        );
        let (part_name, bytes) = if machine.separate_rodata {
            (Part::Rodata, &mut *self.rodata)
        } else {
            (Part::Text, &mut *self.text)
        };
        let target = if section.name == ".external.mp_fun_table" {
            symbol.function.map(Target::Fun)
        } else {
            let target = part(self.image, &section.name);
            if target.is_some() {
                add_address(bytes, place, machine.word_size, address)?;
            }
            target
        };
        self.patches.push(Patch {
            part: part_name,
            offset,
            target: target.ok_or_else(|| place.unsupported("an address of the firmware"))?,
        });
        Ok(())
    }
}

/// What a relocation means.
enum Rule {
    /// The distance from the place to the symbol.
    Distance,
    /// The distance from the place to the table of addresses.
    Table,
    /// The symbol's place in the table.
    TableEntry,
    /// The distance from the place to the symbol's entry in the table.
    DistanceToEntry,
    /// The distance from the table to the symbol.
    FromTable,
    /// An instruction that loads a literal.
    Literal,
    /// A note for linkers that make code shorter.
    Relaxation,
    Unknown,
}

impl Rule {
    fn of(machine: elf::Machine, kind: RelocationType, is_local: bool) -> Rule {
        match (machine, kind) {
            (elf::EM_386, elf::R_386_PC32 | elf::R_386_PLT32)
            | (elf::EM_X86_64, elf::R_X86_64_PC32 | elf::R_X86_64_PLT32)
            | (elf::EM_ARM, elf::R_ARM_REL32 | elf::R_ARM_THM_PC22 | elf::R_ARM_THM_JUMP24) => {
                Rule::Distance
            }
            (elf::EM_XTENSA, elf::R_XTENSA_32) if is_local => Rule::Distance,
            (elf::EM_386, elf::R_386_GOTPC) | (elf::EM_ARM, elf::R_ARM_GOTPC) => Rule::Table,
            (elf::EM_386, elf::R_386_GOT32 | elf::R_386_GOT32X)
            | (elf::EM_ARM, elf::R_ARM_GOT32) => Rule::TableEntry,
            (elf::EM_X86_64, elf::R_X86_64_GOTPCREL | elf::R_X86_64_REX_GOTPCRELX)
            | (elf::EM_ARM, elf::R_ARM_GOT_PREL) => Rule::DistanceToEntry,
            (elf::EM_386, elf::R_386_GOTOFF) => Rule::FromTable,
            (elf::EM_XTENSA, elf::R_XTENSA_SLOT0_OP) => Rule::Literal,
            (
                elf::EM_XTENSA,
                elf::R_XTENSA_DIFF32
                | elf::R_XTENSA_PDIFF32
                | elf::R_XTENSA_NDIFF32
                | elf::R_XTENSA_ASM_EXPAND,
            ) => Rule::Relaxation,
            _ => Rule::Unknown,
        }
    }
}

fn reported(address: i64) -> Done {
    Done {
        name: None,
        value: Reported::Address(address),
    }
}

/// Returns that there was nothing to do.
pub(super) fn nothing() -> Done {
    Done {
        name: None,
        value: Reported::Nothing,
    }
}

/// Returns the bytes at a place.
pub(super) fn chunk<'t, const N: usize>(
    text: &'t mut [u8],
    place: &Place<'_>,
) -> Result<&'t mut [u8; N], LinkError> {
    usize::try_from(place.offset)
        .ok()
        .and_then(|start| text.get_mut(start..)?.first_chunk_mut())
        .ok_or_else(|| place.unsupported("outside of the code"))
}

fn add_word(text: &mut [u8], place: &Place<'_>, value: i64) -> Result<(), LinkError> {
    let bytes: &mut [u8; 4] = chunk(text, place)?;
    let sum = i64::from(u32::from_le_bytes(*bytes)).wrapping_add(value);
    *bytes = low_word(sum);
    Ok(())
}

/// Returns the low 32 bits, in the order of the boards.
pub(super) fn low_word(value: i64) -> [u8; 4] {
    let [a, b, c, d, ..] = value.to_le_bytes();
    [a, b, c, d]
}

fn add_address(
    bytes: &mut [u8],
    place: &Place<'_>,
    word_size: u8,
    address: i64,
) -> Result<(), LinkError> {
    let too_large = || place.unsupported("an address that is too large");
    if word_size == 8 {
        let word: &mut [u8; 8] = chunk(bytes, place)?;
        let sum = i64::from_le_bytes(*word).checked_add(address);
        *word = sum.ok_or_else(too_large)?.to_le_bytes();
        return Ok(());
    }
    let word: &mut [u8; 4] = chunk(bytes, place)?;
    let sum = i64::from(i32::from_le_bytes(*word)).wrapping_add(address);
    *word = i32::try_from(sum).map_err(|_| too_large())?.to_le_bytes();
    Ok(())
}

/// Adds a distance to that of `bl` or `b.w`.
fn thumb_branch(text: &mut [u8], place: &Place<'_>, distance: i64) -> Result<(), LinkError> {
    let bytes: &mut [u8; 4] = chunk(text, place)?;
    let [a, b, c, d] = *bytes;
    let (first, second) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
    let mut existing = i64::from(first & 0x7ff) << 12 | i64::from(second & 0x7ff) << 1;
    if existing >= 0x40_0000 {
        existing -= 0x80_0000;
    }
    let new = existing + distance;
    let half = |old: u16, shift: u32| (old & 0xf800) | super::machine::field(new, shift, 0x7ff);
    let ([a, b], [c, d]) = (half(first, 12).to_le_bytes(), half(second, 1).to_le_bytes());
    *bytes = [a, b, c, d];
    Ok(())
}
