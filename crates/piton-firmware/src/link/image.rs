//! What is linked: sections and symbols of all objects, and the code as it grows.

use std::collections::HashMap;

use object::elf::{RelocationType, SymbolBind, SymbolType};
use piton_mpy::raw_code::{Section as Part, Target};

use super::got::{Got, Literals};
use super::machine::Machine;
use super::{Detail, LinkError, Report};

/// A section, by its place in [`Image::sections`].
pub(super) type SectionId = usize;
/// A symbol, by its place in [`Image::symbols`].
pub(super) type SymbolId = usize;

/// A section of an object, or one that the linker makes.
#[derive(Debug, Default)]
pub(super) struct Section {
    pub(super) file: String,
    pub(super) name: String,
    pub(super) data: Vec<u8>,
    pub(super) alignment: u64,
    /// Where it begins in the part of the module that it is in.
    pub(super) address: i64,
    pub(super) relocations: Vec<Relocation>,
    /// The name of the section that the relocations are from.
    pub(super) relocations_name: String,
    /// A place in it that gets the address of a function of the firmware.
    pub(super) function: Option<(u64, u8)>,
}

impl Section {
    /// Returns whether the name is one of these, or begins with one.
    pub(super) fn is(&self, names: &[&str]) -> bool {
        begins(&self.name, names)
    }
}

/// Returns whether a name is one of these, or begins with one.
pub(super) fn begins(name: &str, names: &[&str]) -> bool {
    names.iter().any(|begin| name.starts_with(begin))
}

/// Constants, and constants with addresses in them.
pub(super) const RODATA: &[&str] = &[".rodata", ".data.rel.ro"];

/// A relocation of an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Relocation {
    /// Where in the section.
    pub(super) offset: i64,
    pub(super) kind: RelocationType,
    pub(super) symbol: SymbolId,
    /// 0 where the object has it in the code.
    pub(super) addend: i64,
}

/// A symbol of an object.
#[derive(Debug)]
pub(super) struct Symbol {
    pub(super) name: String,
    pub(super) file: String,
    pub(super) value: i64,
    pub(super) bind: SymbolBind,
    pub(super) kind: SymbolType,
    pub(super) section: Option<SectionId>,
    /// The symbol of another object that defines it.
    pub(super) resolved: Option<SymbolId>,
    /// The entry of the firmware's table that it stands for.
    pub(super) function: Option<u8>,
}

/// A place that the board patches when it loads the module.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patch {
    pub(super) part: Part,
    /// In bytes.
    pub(super) offset: i64,
    pub(super) target: Target,
}

/// All that is linked.
pub(super) struct Image<'a> {
    pub(super) machine: &'static Machine,
    pub(super) fixed_addresses: &'a [(String, u32)],
    pub(super) sections: Vec<Section>,
    /// The sections of the module, in order.
    pub(super) order: Vec<SectionId>,
    /// Sections with constants that code of an Xtensa loads.
    pub(super) literal_sections: Vec<SectionId>,
    pub(super) symbols: Vec<Symbol>,
    /// Global symbols that are defined.
    pub(super) known: HashMap<String, SymbolId>,
    /// Global symbols that are not.
    pub(super) unresolved: Vec<SymbolId>,
    pub(super) got: Got,
    pub(super) literals: Literals,
    pub(super) text: Vec<u8>,
    pub(super) rodata: Vec<u8>,
    pub(super) bss_size: usize,
    pub(super) patches: Vec<Patch>,
    /// The length of the jump to the first function.
    jump_length: usize,
}

impl<'a> Image<'a> {
    pub(super) fn new(
        machine: &'static Machine,
        fixed_addresses: &'a [(String, u32)],
    ) -> Image<'a> {
        Image {
            machine,
            fixed_addresses,
            sections: Vec::new(),
            order: Vec::new(),
            literal_sections: Vec::new(),
            symbols: Vec::new(),
            known: HashMap::new(),
            unresolved: Vec::new(),
            got: Got::default(),
            literals: Literals::default(),
            text: Vec::new(),
            rodata: Vec::new(),
            bss_size: 0,
            patches: Vec::new(),
            jump_length: 0,
        }
    }

    /// Adds a section that the linker made. It has no place in the module yet.
    pub(super) fn add(&mut self, section: Section) -> SectionId {
        self.sections.push(section);
        self.sections.len() - 1
    }

    /// Returns the address of a symbol in the board's ROM.
    pub(super) fn fixed_address(&self, name: &str) -> Option<u32> {
        self.fixed_addresses
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, address)| *address)
    }

    /// Returns the section that a symbol is in.
    pub(super) fn section_of(&self, symbol: &Symbol) -> Result<&Section, LinkError> {
        symbol
            .section
            .and_then(|section| self.sections.get(section))
            .ok_or_else(|| LinkError::Unsupported {
                file: symbol.file.clone(),
                what: format!("symbol `{}` is in no section of the module", symbol.name),
            })
    }

    /// Returns a symbol, or the one that defines it.
    pub(super) fn definition<'s>(&'s self, symbol: &'s Symbol) -> &'s Symbol {
        symbol
            .resolved
            .and_then(|resolved| self.symbols.get(resolved))
            .unwrap_or(symbol)
    }

    /// Puts the sections one after the other, after a jump to the first function.
    pub(super) fn lay_out(&mut self, report: &mut Report<'_>) -> Result<(), LinkError> {
        let entry = self.symbol("mpy_init")?;
        let alignment = self.section_of(entry)?.alignment;
        if !self.machine.alignments.contains(&alignment) {
            let name = self.machine.name;
            report(
                Detail::Summary,
                &format!(
                    "A .text section with an alignment of {alignment} bytes for {name} is not tested and may not work"
                ),
            );
        }
        self.text = self.entry_jump(report)?;
        self.jump_length = self.text.len();
        for index in &self.order {
            let Some(section) = self.sections.get_mut(*index) else {
                continue;
            };
            if section.is(&[".bss"]) {
                let start = align(self.bss_size, section.alignment);
                section.address = signed(start);
                self.bss_size = start + section.data.len();
                continue;
            }
            let part = if self.machine.separate_rodata && section.is(RODATA) {
                &mut self.rodata
            } else {
                &mut self.text
            };
            let start = align(part.len(), section.alignment);
            section.address = signed(start);
            part.resize(start, 0);
            part.extend(&section.data);
        }
        report(Detail::Layout, "sections:");
        for section in self
            .order
            .iter()
            .filter_map(|index| self.sections.get(*index))
        {
            let (address, name, size) = (section.address, &section.name, section.data.len());
            report(
                Detail::Layout,
                &format!("  {address:08x} {name} size={size}"),
            );
        }
        Ok(())
    }

    /// Writes the jump to the first function again, where its place was not known at first.
    pub(super) fn finish_entry_jump(&mut self, report: &mut Report<'_>) -> Result<(), LinkError> {
        if !self.machine.delayed_entry {
            return Ok(());
        }
        let jump = self.entry_jump(report)?;
        let room = self.text.get_mut(..jump.len());
        match room {
            Some(room) if jump.len() == self.jump_length => room.copy_from_slice(&jump),
            _ => {
                return Err(LinkError::Unsupported {
                    file: self.symbol("mpy_init")?.file.clone(),
                    what: "there is no room for the jump to `mpy_init`: put another function before it".to_owned(),
                });
            }
        }
        Ok(())
    }

    fn symbol(&self, name: &str) -> Result<&Symbol, LinkError> {
        let known = self.known.get(name);
        known
            .and_then(|known| self.symbols.get(*known))
            .ok_or_else(|| LinkError::UnknownSymbol {
                name: name.to_owned(),
            })
    }

    /// Returns a jump to the first function, as long as the alignment asks; nothing if that function is the first byte.
    fn entry_jump(&self, report: &mut Report<'_>) -> Result<Vec<u8>, LinkError> {
        let entry = self.symbol("mpy_init")?;
        let section = self.section_of(entry)?;
        let address = section.address.saturating_add(entry.value);
        if address == 0 {
            report(
                Detail::Layout,
                "mpy_init is the first symbol in the .text segment, do not emit trampoline",
            );
            return Ok(Vec::new());
        }
        let step = usize::try_from(section.alignment.max(1)).unwrap_or(usize::MAX);
        let mut room = step;
        loop {
            let target = address.saturating_add(signed(room));
            report(
                Detail::Layout,
                &format!(
                    "Generating trampoline jumping to mpy_init at address {target:08x} to fit in {room} byte(s)"
                ),
            );
            let mut jump = (self.machine.jump)(target)?;
            if jump.len() <= room {
                jump.resize(room, 0);
                return Ok(jump);
            }
            room = room.saturating_add(step);
        }
    }
}

/// Returns the next multiple.
fn align(value: usize, alignment: u64) -> usize {
    let alignment = usize::try_from(alignment.max(1)).unwrap_or(1);
    value.next_multiple_of(alignment)
}

/// Returns a length as an address.
pub(super) fn signed(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
