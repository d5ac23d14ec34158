//! Linking objects of a C compiler to a native `.mpy` file, as MicroPython's tools/mpy_ld.py does (facts from version 1.29).
//!
//! # Layout
//!
//! [`link`] does the steps in order: `object_file` and `archive` read ELF files, `symbols` decides what each name stands for, `got`
//! lays out the table of addresses, `relocation` (with `riscv`) patches the code, and `output` makes the module. `machine` has what
//! differs between architectures. [`sources`] reads C sources, the header that [`sources::config_header`] makes of them, and scripts
//! for linkers.

mod archive;
mod error;
mod got;
mod image;
mod machine;
mod object_file;
mod output;
mod relocation;
mod riscv;
pub mod sources;
mod symbols;

use piton_mpy::header::Arch;

pub use error::LinkError;
use image::Image;

/// An input file.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Its name, for messages.
    pub name: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
}

/// What to link.
#[derive(Debug)]
pub struct Request<'a> {
    /// The architecture of the objects, and of the module.
    pub arch: Arch,
    /// Extensions of the architecture that a board must have: the bits of [`Arch::flag_names`]; 0 for none.
    pub arch_flags: u32,
    /// The name of the source in the module.
    pub source_name: &'a str,
    /// The strings of the module's table, in the order in which the C code numbers them (from 1).
    pub qstrs: &'a [String],
    /// Symbols with an address in the board's ROM.
    pub fixed_addresses: &'a [(String, u32)],
    /// The objects, in order.
    pub objects: &'a [Input<'a>],
    /// The archives that objects are taken from as symbols need them, in order.
    pub archives: &'a [Input<'a>],
}

/// The level of detail of the linker's report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Sizes, and what is unusual: always printed.
    Summary,
    /// Where sections and entries of tables are.
    Layout,
    /// Each relocation.
    Relocations,
}

/// Takes the lines of the report, without ends of lines.
pub type Report<'a> = dyn FnMut(Detail, &str) + 'a;

/// Returns whether a file is an archive. Anything else in its place is a script for linkers, which lists archives
/// ([`sources::archives_of_script`]).
pub fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(archive::MAGIC)
}

/// Returns whether objects can be linked for an architecture.
pub fn is_known(arch: Arch) -> bool {
    machine::of(arch).is_some()
}

/// Links objects to the bytes of a `.mpy` file.
///
/// # Errors
///
/// [`LinkError`]: what the official linker refuses, with its words, and files that cannot be read.
pub fn link(request: &Request<'_>, report: &mut Report<'_>) -> Result<Vec<u8>, LinkError> {
    let machine = machine::of(request.arch).ok_or(LinkError::UnknownArch { arch: request.arch })?;
    let mut image = Image::new(machine, request.fixed_addresses);
    for object in request.objects {
        object_file::load(&mut image, object.name, object.bytes)?;
    }
    if !request.archives.is_empty() {
        for (name, bytes) in archive::select(&image, request.archives, report)? {
            report(Detail::Layout, &format!("using {name}"));
            object_file::load(&mut image, &name, bytes)?;
        }
    }
    got::collect(&mut image)?;
    symbols::resolve(&mut image, request.qstrs.len(), report)?;
    image.lay_out(report)?;
    got::fill(&mut image, report)?;
    relocation::apply(&mut image, report)?;
    output::module(&mut image, request, report)
}
