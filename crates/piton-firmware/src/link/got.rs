//! The table of addresses (GOT) and, for an Xtensa, the constants that code loads.

use std::collections::HashMap;

use object::elf::{EM_XTENSA, STB_GLOBAL, STB_WEAK, STT_FUNC, STT_NOTYPE, STT_OBJECT, STT_SECTION};
use piton_mpy::raw_code::{Section as Part, Target};

use super::image::{Image, Patch, RODATA, Section, SectionId, Symbol, SymbolId, begins, signed};
use super::symbols::library_function;
use super::{Detail, LinkError, Report};

/// The table of addresses.
#[derive(Debug, Default)]
pub(super) struct Got {
    pub(super) section: SectionId,
    entries: Vec<Entry>,
    by_name: HashMap<String, usize>,
}

#[derive(Debug, Clone)]
struct Entry {
    name: String,
    symbol: SymbolId,
    /// In bytes from the table's start.
    offset: i64,
    section_name: String,
    address: i64,
}

impl Got {
    /// Returns where in the table the address of a symbol is.
    pub(super) fn offset(&self, name: &str) -> Option<i64> {
        let entry = self.by_name.get(name)?;
        self.entries.get(*entry).map(|entry| entry.offset)
    }

    /// Returns the number of entries.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn add(&mut self, name: String, symbol: SymbolId, address: i64) {
        if self.by_name.contains_key(&name) {
            return;
        }
        self.by_name.insert(name.clone(), self.entries.len());
        self.entries.push(Entry {
            name,
            symbol,
            offset: 0,
            section_name: String::new(),
            address,
        });
    }
}

/// What code of an Xtensa loads from sections named `.literal`.
#[derive(Debug, Default)]
pub(super) struct Literals {
    pub(super) section: SectionId,
    /// The different constants, in order.
    values: Vec<u32>,
    /// By the object and the place in its section.
    meanings: HashMap<(String, i64), Literal>,
}

/// What is at a place in a section named `.literal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Literal {
    /// An address, by the name of its entry in the table.
    Address(String),
    /// A constant.
    Value(u32),
}

impl Literals {
    /// Returns what is at a place.
    pub(super) fn meaning(&self, file: &str, offset: i64) -> Option<&Literal> {
        self.meanings.get(&(file.to_owned(), offset))
    }

    /// Returns where a constant is, in bytes from the start of all constants.
    pub(super) fn offset(&self, value: u32) -> Option<i64> {
        let place = self.values.iter().position(|known| *known == value)?;
        Some(signed(place) * 4)
    }
}

/// Finds what has to be in the tables, and gives them their sections.
pub(super) fn collect(image: &mut Image<'_>) -> Result<(), LinkError> {
    let word = u64::from(image.machine.word_size);
    let is_xtensa = image.machine.elf == EM_XTENSA;
    if is_xtensa {
        collect_literals(image)?;
    } else {
        collect_symbols(image)?;
    }
    let table = |name: &str, entries: usize| Section {
        name: name.to_owned(),
        data: vec![0; entries * usize::from(image.machine.word_size)],
        alignment: word,
        ..Section::default()
    };
    let (got, literals) = (
        table("GOT", image.got.len()),
        table("LIT", image.literals.values.len()),
    );
    let got = image.add(got);
    image.got.section = got;
    if is_xtensa {
        let literals = image.add(literals);
        image.literals.section = literals;
        image.order.splice(0..0, [got, literals]);
    } else {
        image.order.push(got);
    }
    Ok(())
}

fn collect_symbols(image: &mut Image<'_>) -> Result<(), LinkError> {
    for section in &image.order {
        let Some(section) = image.sections.get(*section) else {
            continue;
        };
        for relocation in &section.relocations {
            let Some(symbol) = image.symbols.get(relocation.symbol) else {
                return Err(no_symbol(section, relocation.offset));
            };
            let is_global = symbol.bind == STB_GLOBAL || symbol.bind == STB_WEAK;
            if !is_global || !image.machine.got.contains(&relocation.kind) {
                continue;
            }
            check_kind(symbol, false)?;
            image.got.add(symbol.name.clone(), relocation.symbol, 0);
        }
    }
    Ok(())
}

fn collect_literals(image: &mut Image<'_>) -> Result<(), LinkError> {
    for section in &image.literal_sections {
        let Some(section) = image.sections.get(*section) else {
            continue;
        };
        let unsupported = |offset: i64, what: &str| LinkError::Unsupported {
            file: section.file.clone(),
            what: format!("{what} at {offset:#x} of section `{}`", section.name),
        };
        if section.data.len() % 4 != 0 {
            return Err(unsupported(signed(section.data.len()), "half a literal"));
        }
        for relocation in &section.relocations {
            let Some(symbol) = image.symbols.get(relocation.symbol) else {
                return Err(no_symbol(section, relocation.offset));
            };
            check_kind(symbol, true)?;
            let existing = literal(section, relocation.offset);
            let Some(existing) = existing.filter(|_| image.machine.got.contains(&relocation.kind))
            else {
                return Err(unsupported(relocation.offset, "an unknown relocation"));
            };
            let addend = relocation.addend;
            let name = if symbol.kind == STT_SECTION && addend == 0 {
                format!("{}+0x{existing:x}", image.section_of(symbol)?.name)
            } else if symbol.kind == STT_SECTION || existing != 0 {
                return Err(unsupported(relocation.offset, "an address in two parts"));
            } else if addend == 0 {
                symbol.name.clone()
            } else if addend < 0 {
                format!("{}+-0x{:x}", symbol.name, addend.unsigned_abs())
            } else {
                format!("{}+0x{addend:x}", symbol.name)
            };
            image.literals.meanings.insert(
                (section.file.clone(), relocation.offset),
                Literal::Address(name.clone()),
            );
            image.got.add(name, relocation.symbol, i64::from(existing));
        }
        for offset in (0..signed(section.data.len())).step_by(4) {
            let place = (section.file.clone(), offset);
            let Some(value) = literal(section, offset) else {
                continue;
            };
            if image.literals.meanings.contains_key(&place) {
                continue;
            }
            image.literals.meanings.insert(place, Literal::Value(value));
            if !image.literals.values.contains(&value) {
                image.literals.values.push(value);
            }
        }
    }
    Ok(())
}

/// Returns the word at an offset that is a multiple of 4.
fn literal(section: &Section, offset: i64) -> Option<u32> {
    let start = usize::try_from(offset).ok()?;
    let bytes = section.data.get(start..)?.first_chunk()?;
    (start % 4 == 0).then(|| u32::from_le_bytes(*bytes))
}

fn check_kind(symbol: &Symbol, may_be_section: bool) -> Result<(), LinkError> {
    let is_section = symbol.kind == STT_SECTION && may_be_section;
    let is_known = [STT_NOTYPE, STT_FUNC, STT_OBJECT].contains(&symbol.kind);
    if is_section || is_known && !symbol.name.is_empty() {
        return Ok(());
    }
    Err(LinkError::Unsupported {
        file: symbol.file.clone(),
        what: format!("symbol `{}` is of kind {}", symbol.name, symbol.kind.0),
    })
}

/// The error for a relocation that names no symbol of its object.
pub(super) fn no_symbol(section: &Section, offset: i64) -> LinkError {
    LinkError::Damaged {
        file: section.file.clone(),
        what: format!(
            "the relocation at {offset:#x} of section `{}` names no symbol",
            section.name
        ),
    }
}

/// Writes the tables into the code, and what the board has to add to them.
pub(super) fn fill(image: &mut Image<'_>, report: &mut Report<'_>) -> Result<(), LinkError> {
    let mut entries = image.got.entries.clone();
    for entry in &mut entries {
        place(image, entry)?;
    }
    // Sorted by what they refer to, so that few records say what the board patches.
    entries.sort_by_key(|entry| match entry.section_name.as_str() {
        name if name.starts_with(".external") => 1,
        name if name.starts_with(".text") => 2,
        name if begins(name, RODATA) => 3,
        name if name.starts_with(".bss") => 4,
        _ => 0,
    });
    let word = usize::from(image.machine.word_size);
    let start = address_of(image, image.got.section);
    for (index, entry) in entries.iter_mut().enumerate() {
        entry.offset = signed(index * word);
        let bytes = entry.address.to_le_bytes();
        let bytes = bytes.get(..word).unwrap_or(&bytes);
        write(&mut image.text, start + entry.offset, bytes);
    }
    for entry in &entries {
        if let Some(target) = target(image, entry)? {
            image.patches.push(Patch {
                part: Part::Text,
                offset: start + entry.offset,
                target,
            });
        }
    }
    report(Detail::Layout, &format!("GOT: {start:08x}"));
    for entry in &entries {
        let (offset, name, address) = (entry.offset, &entry.name, entry.address);
        let section = &entry.section_name;
        report(
            Detail::Layout,
            &format!("  {offset:08x} {name} -> {section}+{address:08x}"),
        );
    }
    image.got.by_name = entries
        .iter()
        .enumerate()
        .map(|(index, entry)| (entry.name.clone(), index))
        .collect();
    image.got.entries = entries;
    if image.machine.elf == EM_XTENSA {
        fill_literals(image, report);
    }
    Ok(())
}

fn fill_literals(image: &mut Image<'_>, report: &mut Report<'_>) {
    let start = address_of(image, image.literals.section);
    report(Detail::Layout, &format!("LIT: {start:08x}"));
    for (index, value) in image.literals.values.iter().enumerate() {
        let offset = signed(index * 4);
        report(Detail::Layout, &format!("  {offset:08x} = {value:08x}"));
        write(&mut image.text, start + offset, &value.to_le_bytes());
    }
}

/// Finds the section and the address of an entry.
fn place(image: &Image<'_>, entry: &mut Entry) -> Result<(), LinkError> {
    let Some(symbol) = image.symbols.get(entry.symbol) else {
        return Ok(());
    };
    let symbol = image.definition(symbol);
    if let Some(address) = image.fixed_address(&symbol.name) {
        entry.section_name = ".external.fixed_addr".to_owned();
        entry.address = i64::from(address);
    } else if library_function(&symbol.name).is_some() {
        entry.section_name = format!(".external.{}", symbol.name);
        entry.address = 0;
    } else {
        let section = image.section_of(symbol)?;
        entry.section_name.clone_from(&section.name);
        entry.address += section.address + symbol.value;
    }
    Ok(())
}

/// Returns what the board has to add to an entry; nothing for an address in ROM.
fn target(image: &Image<'_>, entry: &Entry) -> Result<Option<Target>, LinkError> {
    let symbol = image.symbols.get(entry.symbol);
    let unsupported = || LinkError::Unsupported {
        file: symbol.map(|symbol| symbol.file.clone()).unwrap_or_default(),
        what: format!(
            "`{}` in section `{}` cannot be in the table of addresses",
            entry.name, entry.section_name
        ),
    };
    if let Some(target) = table(&entry.name) {
        return Ok(Some(target));
    }
    if let Some(offset) = entry.name.strip_prefix("mp_fun_table+0x") {
        let offset = u32::from_str_radix(offset, 16).map_err(|_| unsupported())?;
        let number = offset / u32::from(image.machine.word_size);
        let number = u8::try_from(number).map_err(|_| unsupported())?;
        return Ok(Some(Target::Fun(number)));
    }
    match entry.section_name.as_str() {
        ".external.mp_fun_table" => symbol
            .and_then(|symbol| symbol.function)
            .map(|function| Some(Target::Fun(function)))
            .ok_or_else(unsupported),
        ".external.fixed_addr" => Ok(None),
        name if name.starts_with(".external.mem") => {
            let function = name.strip_prefix(".external.").and_then(library_function);
            function
                .map(|function| Some(Target::Fun(function)))
                .ok_or_else(unsupported)
        }
        name => part(image, name).map(Some).ok_or_else(unsupported),
    }
}

fn table(name: &str) -> Option<Target> {
    match name {
        "mp_native_qstr_table" => Some(Target::QstrTable),
        "mp_native_obj_table" => Some(Target::ObjectTable),
        "mp_fun_table" => Some(Target::FunTable),
        _ => None,
    }
}

/// Returns the part of the module that a section is in.
pub(super) fn part(image: &Image<'_>, section: &str) -> Option<Target> {
    if section.starts_with(".text") {
        Some(Target::Text)
    } else if begins(section, RODATA) {
        Some(if image.machine.separate_rodata {
            Target::Rodata
        } else {
            Target::Text
        })
    } else {
        section.starts_with(".bss").then_some(Target::Bss)
    }
}

/// Returns where a section begins.
pub(super) fn address_of(image: &Image<'_>, section: SectionId) -> i64 {
    image
        .sections
        .get(section)
        .map_or(0, |section| section.address)
}

/// Writes bytes at an address that has room for them.
fn write(text: &mut [u8], address: i64, bytes: &[u8]) {
    let room = usize::try_from(address)
        .ok()
        .and_then(|start| text.get_mut(start..)?.get_mut(..bytes.len()));
    if let Some(room) = room {
        room.copy_from_slice(bytes);
    }
}
