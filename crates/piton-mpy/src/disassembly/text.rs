//! The listing.

use std::fmt;

use super::{
    Disassembly, InstructionEntry, MachineCodeEntry, MachineInstruction, PreludeEntry, RawCodeEntry,
};
use crate::header::{FORMER_VERSION, Header};
use crate::show;

impl fmt::Display for Disassembly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {}",
            self.source_name,
            header(&self.header, self.version)
        )?;
        writeln!(f, "\nqstrs: {}", self.qstrs.len())?;
        for (index, qstr) in self.qstrs.iter().enumerate() {
            write!(f, "{index:5}  {}", show::text(qstr.text.as_bytes()))?;
            match qstr.r#static {
                Some(number) => writeln!(f, " (static {number})")?,
                None => writeln!(f)?,
            }
        }
        writeln!(f, "\nobjects: {}", self.objects.len())?;
        for (index, object) in self.objects.iter().enumerate() {
            writeln!(f, "{index:5}  {} {}", object.r#type.name(), object.value)?;
        }
        self.raw_codes
            .iter()
            .try_for_each(|raw_code| raw_code.fmt(f))
    }
}

fn header(header: &Header, version: u8) -> String {
    let mut shown = format!(
        "{} .mpy version {version}, {}-bit small ints, ",
        header.dialect.name(),
        header.small_int_bits
    );
    match header.arch {
        Some(arch) => {
            shown.push_str(&format!("{} code", arch.name()));
            if version != FORMER_VERSION {
                shown.push_str(&format!(" of sub-version {}", header.sub_version));
            }
        }
        None => shown.push_str("no machine code"),
    }
    if version == FORMER_VERSION {
        shown.push_str(&format!(", {}", show::features(header.sub_version)));
    }
    if let Some(flags) = header.arch_flags {
        shown.push_str(&format!(
            ", architecture flags {}",
            show::arch_flags(header.arch, flags)
        ));
    }
    shown
}

impl fmt::Display for RawCodeEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\nraw code {}", self.index)?;
        if let Some(name) = &self.name {
            write!(f, " {name}")?;
        }
        write!(f, ": {}, {} bytes", self.kind.name(), self.code_size)?;
        if let Some(parent) = self.parent {
            write!(f, ", in raw code {parent}")?;
        }
        writeln!(f)?;
        if let Some(prelude) = &self.prelude {
            prelude.fmt(f)?;
        }
        if let Some(machine_code) = &self.machine_code {
            machine_code.fmt(f)?;
        }
        let mut line = None;
        for instruction in &self.instructions {
            if instruction.line != line {
                line = instruction.line;
                writeln!(f, "  line {}", line.unwrap_or_default())?;
            }
            instruction.fmt(f)?;
        }
        match &self.error {
            Some(error) => writeln!(f, "  error: {error}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for MachineCodeEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(n_pos_args) = self.n_pos_args {
            writeln!(f, "  arguments: {n_pos_args}")?;
        }
        if let Some(return_type) = self.return_type {
            writeln!(f, "  return type: {}", show::return_type(return_type))?;
        }
        if self.instructions.is_empty() {
            hex_lines(f, &self.code)?;
        }
        for instruction in &self.instructions {
            let MachineInstruction {
                offset,
                bytes,
                text,
                note,
            } = instruction;
            let note = note
                .as_deref()
                .map(|note| format!("  ; {note}"))
                .unwrap_or_default();
            writeln!(f, "  {offset:04x}  {bytes:23}  {text}{note}")?;
        }
        if let Some(rodata) = &self.rodata {
            writeln!(f, "  read-only data:")?;
            hex_lines(f, rodata)?;
        }
        if let Some(bss_size) = self.bss_size {
            writeln!(f, "  zeroed data: {bss_size} bytes")?;
        }
        for relocation in self.relocations.iter().flatten() {
            writeln!(f, "  relocation: {}", show::relocation(relocation))?;
        }
        Ok(())
    }
}

/// Writes bytes, given as two digits and a space each, 16 on a line.
fn hex_lines(f: &mut fmt::Formatter<'_>, mut digits: &str) -> fmt::Result {
    let mut offset = 0;
    while !digits.is_empty() {
        let (line, after) = digits.split_at_checked(16 * 3).unwrap_or((digits, ""));
        writeln!(f, "  {offset:04x}  {}", line.trim_end())?;
        offset += 16;
        digits = after;
    }
    Ok(())
}

impl fmt::Display for PreludeEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "  state {}, exception stack {}",
            self.n_state, self.n_exc_stack
        )?;
        if !self.flags.is_empty() {
            write!(f, ", {}", self.flags.join(", "))?;
        }
        writeln!(f)?;
        if !self.arg_names.is_empty() {
            writeln!(
                f,
                "  arguments: {} ({} positional, {} of them with default, {} keyword-only)",
                self.arg_names.join(", "),
                self.n_pos_args,
                self.n_def_pos_args,
                self.n_kwonly_args
            )?;
        }
        if !self.cells.is_empty() {
            let cells: Vec<_> = self.cells.iter().map(ToString::to_string).collect();
            writeln!(f, "  cells: locals {}", cells.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for InstructionEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(label) = &self.label {
            writeln!(f, "{label}:")?;
        }
        let line = format!(
            "  {:04x}  {:15} {} {}",
            self.offset, self.bytes, self.name, self.operand
        );
        writeln!(f, "{}", line.trim_end())
    }
}
