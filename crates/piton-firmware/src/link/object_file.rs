//! Reads the objects of a C compiler.

use std::collections::HashMap;

use object::Endianness;
use object::elf::{
    FileHeader32, FileHeader64, SHN_UNDEF, SHT_NOBITS, SHT_PROGBITS, SHT_REL, SHT_RELA, SHT_SYMTAB,
    STB_GLOBAL, STB_WEAK,
};
use object::read::elf::{FileHeader, Rel, Rela, SectionHeader, SectionTable, Sym};

use super::LinkError;
use super::image::{Image, Relocation, Section, SectionId, Symbol};

/// The largest section that is taken, in bytes. Boards have less memory.
const MAX_SIZE: u64 = 1 << 26;
/// The largest alignment that is taken, in bytes.
const MAX_ALIGNMENT: u64 = 1 << 16;

/// Adds an object.
pub(super) fn load(image: &mut Image<'_>, name: &str, bytes: &[u8]) -> Result<(), LinkError> {
    if is_64_bit(bytes) {
        Reader::<FileHeader64<Endianness>>::of(name, bytes)?.load(image)
    } else {
        Reader::<FileHeader32<Endianness>>::of(name, bytes)?.load(image)
    }
}

/// A global symbol of an object in an archive.
pub(super) struct Name {
    pub(super) name: String,
    pub(super) is_defined: bool,
    pub(super) is_weak: bool,
}

/// Returns the global symbols of an object, in order.
pub(super) fn global_symbols(name: &str, bytes: &[u8]) -> Result<Vec<Name>, LinkError> {
    if is_64_bit(bytes) {
        Reader::<FileHeader64<Endianness>>::of(name, bytes)?.global_symbols()
    } else {
        Reader::<FileHeader32<Endianness>>::of(name, bytes)?.global_symbols()
    }
}

fn is_64_bit(bytes: &[u8]) -> bool {
    bytes.get(4) == Some(&2)
}

/// An ELF file of one of the two classes.
struct Reader<'b, Elf: FileHeader<Endian = Endianness>> {
    name: &'b str,
    bytes: &'b [u8],
    header: &'b Elf,
    endian: Endianness,
    sections: SectionTable<'b, Elf>,
}

impl<'b, Elf: FileHeader<Endian = Endianness>> Reader<'b, Elf> {
    fn of(name: &'b str, bytes: &'b [u8]) -> Result<Reader<'b, Elf>, LinkError> {
        let read = || {
            let header = Elf::parse(bytes)?;
            let endian = header.endian()?;
            let sections = header.sections(endian, bytes)?;
            Ok(Reader {
                name,
                bytes,
                header,
                endian,
                sections,
            })
        };
        read().map_err(|error: object::read::Error| damaged(name, &error.to_string()))
    }

    fn damaged(&self, error: impl ToString) -> LinkError {
        damaged(self.name, &error.to_string())
    }

    fn load(&self, image: &mut Image<'_>) -> Result<(), LinkError> {
        if self.header.e_machine(self.endian) != image.machine.elf {
            return Err(LinkError::IncompatibleArch {
                file: self.name.to_owned(),
            });
        }
        let first_symbol = image.symbols.len();
        let mut places: HashMap<usize, SectionId> = HashMap::new();
        for (index, header) in self.sections.iter().enumerate() {
            let kind = header.sh_type(self.endian);
            if kind == SHT_PROGBITS || kind == SHT_NOBITS {
                if let Some(id) = self.section(image, header)? {
                    places.insert(index, id);
                }
                continue;
            }
            let target = usize::try_from(header.sh_info(self.endian)).unwrap_or(usize::MAX);
            let Some(section) = places
                .get(&target)
                .and_then(|id| image.sections.get_mut(*id))
            else {
                continue;
            };
            if let Some(relocations) = self.relocations(header, first_symbol)? {
                section.relocations = relocations;
                section.relocations_name = self.section_name(header)?;
            }
        }
        self.symbols(image, &places)
    }

    fn section_name(&self, header: &Elf::SectionHeader) -> Result<String, LinkError> {
        let name = self
            .sections
            .section_name(self.endian, header)
            .map_err(|error| self.damaged(error))?;
        Ok(String::from_utf8_lossy(name).into_owned())
    }

    /// Adds a section if it is one that modules have.
    fn section(
        &self,
        image: &mut Image<'_>,
        header: &Elf::SectionHeader,
    ) -> Result<Option<SectionId>, LinkError> {
        let size: u64 = header.sh_size(self.endian).into();
        let alignment: u64 = header.sh_addralign(self.endian).into();
        if size == 0 {
            return Ok(None);
        }
        let name = self.section_name(header)?;
        let is_literal = name.starts_with(".literal");
        if !is_literal
            && ![".text", ".rodata", ".data.rel.ro", ".bss"]
                .iter()
                .any(|begin| name.starts_with(begin))
        {
            if name.starts_with(".data") {
                return Err(LinkError::WritableData {
                    file: self.name.to_owned(),
                    section: name,
                });
            }
            return Ok(None);
        }
        if size > MAX_SIZE || alignment > MAX_ALIGNMENT {
            return Err(self.damaged(format!(
                "section `{name}` has {size} bytes at an alignment of {alignment}: no board has room for it"
            )));
        }
        let data = if header.sh_type(self.endian) == SHT_NOBITS {
            vec![0; usize::try_from(size).unwrap_or(0)]
        } else {
            let data = header
                .data(self.endian, self.bytes)
                .map_err(|error| self.damaged(error))?;
            data.to_vec()
        };
        let id = image.add(Section {
            file: self.name.to_owned(),
            name,
            data,
            alignment,
            ..Section::default()
        });
        if is_literal {
            image.literal_sections.push(id);
        } else {
            image.order.push(id);
        }
        Ok(Some(id))
    }

    /// Returns the relocations of a section that has any.
    fn relocations(
        &self,
        header: &Elf::SectionHeader,
        first_symbol: usize,
    ) -> Result<Option<Vec<Relocation>>, LinkError> {
        let endian = self.endian;
        let symbol =
            |index: u32| first_symbol.saturating_add(usize::try_from(index).unwrap_or(usize::MAX));
        let offset = |offset: u64| i64::try_from(offset).unwrap_or(i64::MAX);
        let kind = header.sh_type(endian);
        if kind == SHT_REL {
            let found = header
                .rel(endian, self.bytes)
                .map_err(|error| self.damaged(error))?;
            return Ok(found.map(|(list, _)| {
                list.iter()
                    .map(|entry| Relocation {
                        offset: offset(entry.r_offset(endian).into()),
                        kind: entry.r_type(endian),
                        symbol: symbol(entry.r_sym(endian)),
                        addend: 0,
                    })
                    .collect()
            }));
        }
        if kind == SHT_RELA {
            let found = header
                .rela(endian, self.bytes)
                .map_err(|error| self.damaged(error))?;
            return Ok(found.map(|(list, _)| {
                list.iter()
                    .map(|entry| Relocation {
                        offset: offset(entry.r_offset(endian).into()),
                        kind: entry.r_type(endian, false),
                        symbol: symbol(entry.r_sym(endian, false)),
                        addend: entry.r_addend(endian).into(),
                    })
                    .collect()
            }));
        }
        Ok(None)
    }

    fn symbols(
        &self,
        image: &mut Image<'_>,
        places: &HashMap<usize, SectionId>,
    ) -> Result<(), LinkError> {
        let table = self
            .sections
            .symbols(self.endian, self.bytes, SHT_SYMTAB)
            .map_err(|error| self.damaged(error))?;
        let mut duplicates = Vec::new();
        for symbol in table.iter() {
            let name = table
                .symbol_name(self.endian, symbol)
                .map_err(|error| self.damaged(error))?;
            let name = String::from_utf8_lossy(name).into_owned();
            let section_index = symbol.st_shndx(self.endian);
            let bind = symbol.st_bind();
            let section = places.get(&usize::from(section_index.0)).copied();
            let id = image.symbols.len();
            if section.is_some() {
                if bind == STB_GLOBAL || bind == STB_WEAK {
                    if image.known.contains_key(&name) && !name.starts_with(PC_THUNK) {
                        duplicates.push(name.clone());
                    }
                    image.known.insert(name.clone(), id);
                }
            } else if section_index == SHN_UNDEF && bind == STB_GLOBAL {
                image.unresolved.push(id);
            }
            let value: u64 = symbol.st_value(self.endian).into();
            image.symbols.push(Symbol {
                name,
                file: self.name.to_owned(),
                value: i64::try_from(value).unwrap_or(i64::MAX),
                bind,
                kind: symbol.st_type(),
                section,
                resolved: None,
                function: None,
            });
        }
        if duplicates.is_empty() {
            Ok(())
        } else {
            Err(LinkError::DuplicateSymbols { names: duplicates })
        }
    }

    fn global_symbols(&self) -> Result<Vec<Name>, LinkError> {
        let table = self
            .sections
            .symbols(self.endian, self.bytes, SHT_SYMTAB)
            .map_err(|error| self.damaged(error))?;
        let mut names = Vec::new();
        for symbol in table.iter() {
            let bind = symbol.st_bind();
            if bind != STB_GLOBAL && bind != STB_WEAK {
                continue;
            }
            let name = table
                .symbol_name(self.endian, symbol)
                .map_err(|error| self.damaged(error))?;
            names.push(Name {
                name: String::from_utf8_lossy(name).into_owned(),
                is_defined: symbol.st_shndx(self.endian) != SHN_UNDEF,
                is_weak: bind == STB_WEAK,
            });
        }
        Ok(names)
    }
}

/// Each object that GCC makes for x86 may have these functions.
pub(super) const PC_THUNK: &str = "__x86.get_pc_thunk.";

fn damaged(file: &str, error: &str) -> LinkError {
    LinkError::Damaged {
        file: file.to_owned(),
        what: format!("not an ELF object that can be linked: {error}"),
    }
}
