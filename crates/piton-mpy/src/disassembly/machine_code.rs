//! The instructions of machine code: x86 by iced-x86, ARM and Thumb by yaxpeax-arm, Xtensa and RISC-V by tables of our own, as no crate
//! has all of them. Code for 64-bit RISC-V stays a listing of bytes.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "registers and operands of other crates: hundreds of variants"
)]

mod patterns;
mod rv32;
mod xtensa;

use std::collections::BTreeMap;

use iced_x86::{Decoder, DecoderOptions, FastFormatter, Instruction, MemorySize, OpKind, Register};
use yaxpeax_arch::{Decoder as _, U8Reader};
use yaxpeax_arm::armv7::{self, InstDecoder, Operand};

use super::{Disassembly, MachineInstruction};
use crate::fun_table;
use crate::header::{Arch, FORMER_VERSION, SUB_VERSION};
use crate::hexdump::hex;
use crate::module::{Module, Qstr};
use crate::raw_code::{Code, Relocation, Section, StringLink, Target};
use crate::show;

/// Adds the instructions of all machine code to a listing, where a disassembler knows the processor.
///
/// What an instruction refers to is noted beside it: the function of the firmware, the string of the module, or what the board fills
/// in. In code of the compiler that follows from the registers that it keeps tables in, in linked code from the relocations. Constants
/// between instructions are shown as the instructions that they would be.
pub fn add_instructions(listing: &mut Disassembly, module: &Module) {
    let Some(arch) = module.header.arch else {
        return;
    };
    for (entry, raw_code) in listing.raw_codes.iter_mut().zip(&module.raw_codes) {
        let Some(machine_code) = &mut entry.machine_code else {
            continue;
        };
        let links: &[StringLink] = match &raw_code.code {
            Code::Native(native) => native
                .links
                .as_ref()
                .map_or(&[], |links| &links.own.strings),
            Code::Viper(viper) => viper.links.as_ref().map_or(&[], |links| &links.strings),
            Code::Bytecode(_) | Code::Asm(_) => &[],
        };
        let (code, meaning) = match &raw_code.code {
            Code::Bytecode(_) => continue,
            Code::Native(native) => {
                let code = native.code.get(..native.prelude_offset as usize);
                let code = code.unwrap_or(&native.code);
                (code, Meaning::compiled(module))
            }
            Code::Viper(viper) => match &viper.relocations {
                Some(list) => {
                    // A sub-version of version 5 says something else.
                    let former = module.header.version == FORMER_VERSION;
                    let sub_version = if former { 0 } else { module.header.sub_version };
                    let meaning = Meaning::linked(arch, sub_version, list);
                    (viper.code.as_slice(), meaning)
                }
                None => (viper.code.as_slice(), Meaning::compiled(module)),
            },
            Code::Asm(asm) => (asm.code.as_slice(), Meaning::Unknown),
        };
        machine_code.instructions = match arch {
            Arch::X86 => x86(code, 32, &meaning),
            Arch::X64 => x86(code, 64, &meaning),
            Arch::ArmV6 => arm(code, &InstDecoder::default(), &meaning),
            Arch::ArmV6M | Arch::ArmV7M | Arch::ArmV7EM | Arch::ArmV7EMSP | Arch::ArmV7EMDP => {
                arm(code, &InstDecoder::default_thumb(), &meaning)
            }
            Arch::Xtensa => xtensa::CALL0.list(code, &meaning),
            Arch::XtensaWin => xtensa::WINDOWED.list(code, &meaning),
            Arch::Rv32Imc => rv32::RV32.list(code, &meaning),
            Arch::Rv64Imc | Arch::Debug => Vec::new(),
        };
        note_links(&mut machine_code.instructions, links, &module.qstrs);
    }
}

/// Names the strings that a board puts into instructions.
fn note_links(instructions: &mut [MachineInstruction], links: &[StringLink], qstrs: &[Qstr]) {
    for link in links {
        // The instruction that the place is in.
        let behind = instructions.partition_point(|found| found.offset <= link.offset);
        let found = behind
            .checked_sub(1)
            .and_then(|at| instructions.get_mut(at));
        if let Some(instruction) = found {
            instruction.note = Some(show::qstr(qstrs, link.string));
        }
    }
}

/// What addresses in an instruction mean.
enum Meaning<'m> {
    /// Nothing is known.
    Unknown,
    /// The compiler keeps tables in registers. The strings are those of the module.
    Compiled(&'m [Qstr]),
    /// The compiler of version 5 keeps the table of functions in a register.
    Former,
    /// What the board adds to words of the code, by their places.
    Linked(BTreeMap<u64, String>),
}

impl<'m> Meaning<'m> {
    /// Files of other sub-versions have other tables.
    fn compiled(module: &'m Module) -> Meaning<'m> {
        if module.header.version == FORMER_VERSION {
            Meaning::Former
        } else if module.header.sub_version == SUB_VERSION {
            Meaning::Compiled(&module.qstrs)
        } else {
            Meaning::Unknown
        }
    }

    fn linked(arch: Arch, sub_version: u8, relocations: &[Relocation]) -> Meaning<'m> {
        let word = u64::from(arch.word_size());
        let mut words = BTreeMap::new();
        let mut next = 0;
        for relocation in relocations {
            let in_text = match relocation.place {
                Some(place) => {
                    next = u64::from(place.word);
                    place.section == Section::Text
                }
                None => true,
            };
            // A damaged file can ask for more words than there are.
            for _ in 0..relocation.count.unwrap_or(1).min(1 << 16) {
                if in_text {
                    words.insert(next * word, target(relocation.target, sub_version));
                }
                next += 1;
            }
        }
        Meaning::Linked(words)
    }

    /// Returns what a load from a table means: of functions by the word, of strings by the half word.
    fn of_load(&self, table: Table, displacement: u64, word: u64) -> Option<String> {
        let (qstrs, name): (_, fn(_) -> _) = match self {
            Meaning::Compiled(qstrs) => (*qstrs, fun_table::name),
            Meaning::Former => (&[], former_function),
            Meaning::Unknown | Meaning::Linked(_) => return None,
        };
        match table {
            Table::Functions if displacement.is_multiple_of(word) => {
                let number = usize::try_from(displacement / word).ok()?;
                name(number).map(str::to_owned)
            }
            Table::Strings if displacement.is_multiple_of(2) => {
                let number = u32::try_from(displacement / 2).ok()?;
                qstrs.get(number as usize)?;
                Some(show::qstr(qstrs, number))
            }
            Table::Functions | Table::Strings => None,
        }
    }

    /// Returns what the board adds to the word at an address.
    fn of_address(&self, address: u64) -> Option<String> {
        match self {
            Meaning::Linked(words) => words.get(&address).cloned(),
            Meaning::Unknown | Meaning::Compiled(_) | Meaning::Former => None,
        }
    }
}

/// The tables that the compiler keeps in registers.
#[derive(Clone, Copy)]
enum Table {
    Functions,
    Strings,
}

fn x86(code: &[u8], bits: u32, meaning: &Meaning<'_>) -> Vec<MachineInstruction> {
    let mut decoder = Decoder::with_ip(bits, code, 0, DecoderOptions::NONE);
    let mut formatter = FastFormatter::new();
    formatter.options_mut().set_use_hex_prefix(true);
    formatter.options_mut().set_uppercase_hex(false);
    let mut listed = Vec::new();
    let mut instruction = Instruction::default();
    while decoder.can_decode() {
        if let Some((length, word)) = filled_in(code, decoder.ip(), bits, meaning) {
            let end = decoder.position() + length;
            listed.push(word);
            if decoder.set_position(end).is_err() {
                break;
            }
            decoder.set_ip(end as u64);
            continue;
        }
        decoder.decode_out(&mut instruction);
        let mut text = String::new();
        formatter.format(&instruction, &mut text);
        let start = usize::try_from(instruction.ip()).unwrap_or(usize::MAX);
        let bytes = code.get(start..start.saturating_add(instruction.len()));
        listed.push(MachineInstruction {
            offset: u32::try_from(start).unwrap_or(u32::MAX),
            bytes: hex(bytes.unwrap_or_default()),
            text,
            note: x86_note(&instruction, bits, meaning),
        });
    }
    listed
}

/// Returns the word at an address if the board fills it in.
fn filled_in(
    code: &[u8],
    address: u64,
    bits: u32,
    meaning: &Meaning<'_>,
) -> Option<(usize, MachineInstruction)> {
    let note = meaning.of_address(address)?;
    let start = usize::try_from(address).ok()?;
    let length = bits as usize / 8;
    let bytes = code.get(start..)?.get(..length)?;
    let instruction = MachineInstruction {
        offset: u32::try_from(start).ok()?,
        bytes: hex(bytes),
        text: "(address)".to_owned(),
        note: Some(note),
    };
    Some((length, instruction))
}

fn x86_note(instruction: &Instruction, bits: u32, meaning: &Meaning<'_>) -> Option<String> {
    if instruction.is_ip_rel_memory_operand() {
        return meaning.of_address(instruction.ip_rel_memory_address());
    }
    let has_memory =
        (0..instruction.op_count()).any(|operand| instruction.op_kind(operand) == OpKind::Memory);
    if !has_memory || instruction.memory_index() != Register::None {
        return None;
    }
    let is_half = matches!(instruction.memory_size(), MemorySize::UInt16);
    // The registers of the compiler: the fields `fun_table` and `locals` of its descriptions.
    let table = match instruction.memory_base() {
        Register::RBP | Register::EBP if !is_half => Table::Functions,
        Register::R13 | Register::EDI if is_half => Table::Strings,
        _ => return None,
    };
    meaning.of_load(
        table,
        instruction.memory_displacement64(),
        u64::from(bits) / 8,
    )
}

fn arm(code: &[u8], decoder: &InstDecoder, meaning: &Meaning<'_>) -> Vec<MachineInstruction> {
    let mut listed = Vec::new();
    let mut offset = 0;
    while let Some(rest) = code.get(offset..).filter(|rest| !rest.is_empty()) {
        let length = arm_length(rest, decoder.in_thumb_mode()).min(rest.len());
        let bytes = rest.get(..length).unwrap_or(rest);
        let (text, note) = match decoder.decode(&mut U8Reader::new(bytes)) {
            Ok(instruction) => (instruction.to_string(), arm_note(&instruction, meaning)),
            Err(_) => ("(bad)".to_owned(), None),
        };
        listed.push(MachineInstruction {
            offset: u32::try_from(offset).unwrap_or(u32::MAX),
            bytes: hex(bytes),
            text,
            note,
        });
        offset += length;
    }
    listed
}

/// Returns the bytes of an instruction. The five upper bits distinguish those of Thumb with 32 bits.
fn arm_length(code: &[u8], is_thumb: bool) -> usize {
    match code.get(1) {
        Some(high) if is_thumb && high >> 3 < 0b1_1101 => 2,
        _ => 4,
    }
}

fn arm_note(instruction: &armv7::Instruction, meaning: &Meaning<'_>) -> Option<String> {
    let [_, address, ..] = instruction.operands;
    let (base, displacement) = match address {
        Operand::RegDeref(base) => (base, 0),
        Operand::RegDerefPreindexOffset(base, displacement, true, false) => (base, displacement),
        _ => return None,
    };
    // The registers of the compiler, as above.
    let table = match (base.number(), instruction.opcode) {
        (7, armv7::Opcode::LDR) => Table::Functions,
        (6, armv7::Opcode::LDRH) => Table::Strings,
        _ => return None,
    };
    meaning.of_load(table, displacement.into(), 4)
}

/// Returns what a relocation adds, in words.
fn target(target: Target, sub_version: u8) -> String {
    let name = match target {
        Target::Fun(number) if sub_version == SUB_VERSION => fun_table::name(number.into()),
        _ => None,
    };
    name.map_or_else(|| show::target(target), str::to_owned)
}

/// Returns the name of an entry of the table for files of version 5, as far as machine code of the compiler uses it.
fn former_function(number: usize) -> Option<&'static str> {
    match number {
        26 => Some("mp_make_function_from_raw_code"),
        43 => Some("mp_make_closure_from_raw_code"),
        45 => Some("mp_setup_code_state"),
        ..50 => fun_table::name(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disassembly::disassemble;
    use crate::header::Header;
    use crate::raw_code::{Place, RawCode, ViperCode};

    /// Lists a function of machine code in a module with the strings `a.py` and `abs`.
    fn list(arch: Arch, code: &[u8], relocations: Option<Vec<Relocation>>) -> String {
        let viper = ViperCode {
            code: code.to_vec(),
            scope_flags: 0,
            rodata: None,
            bss_size: None,
            relocations,
            links: None,
        };
        let module = Module {
            header: Header::native(arch),
            qstrs: [b"a.py".as_slice(), b"abs"].map(Qstr::of).to_vec(),
            objects: Vec::new(),
            raw_codes: vec![RawCode {
                code: Code::Viper(viper),
                children: Vec::new(),
            }],
        };
        let mut listing = disassemble(&module);
        add_instructions(&mut listing, &module);
        let text = listing.to_string();
        let (_, code) = text.split_once("raw code 0").unwrap();
        code.to_owned()
    }

    #[test]
    fn functions_and_strings_are_named_in_code_of_the_compiler() {
        let compiled = |arch, code: &[u8]| list(arch, code, None);
        let listings = [
            // movzx edi, word [r13+2]; mov rax, [rbp+0x38]; call rax
            compiled(Arch::X64, b"\x41\x0f\xb7\x7d\x02\x48\x8b\x45\x38\xff\xd0"),
            // movzx eax, word [edi+2]; mov eax, [ebp+0x1c]
            compiled(Arch::X86, b"\x0f\xb7\x47\x02\x8b\x45\x1c"),
            // ldrh r0, [r6, #2]; ldr r3, [r7, #28]; blx r3; bl to itself
            compiled(Arch::ArmV7M, b"\x70\x88\xfb\x69\x98\x47\xff\xf7\xfe\xff"),
            // ldrh r0, [r6, #2]; ldr r3, [r7, #28]; half an instruction
            compiled(Arch::ArmV6, b"\xb2\x00\xd6\xe1\x1c\x30\x97\xe5\x01\x02"),
            // lhu a0, 2(s4); lw a5, 28(s1); jalr a5; push {ra, s0-s1}; half an instruction
            compiled(
                Arch::Rv32Imc,
                b"\x03\x55\x2a\x00\x83\xa7\xc4\x01\x82\x97\x62\xb8\x03\x55",
            ),
            // l16ui a2, a14, 2; l32i a3, a15, 28; callx0 a3; l32r from the start; ret.n; no instruction
            compiled(
                Arch::Xtensa,
                b"\x22\x1e\x01\x32\x2f\x07\xc0\x03\x00\x41\xfd\xff\x0d\xf0\x0e\xff",
            ),
            // entry a1, 32; l16ui a10, a6, 2; l32i.n a8, a7, 28; callx8 a8
            compiled(
                Arch::XtensaWin,
                b"\x36\x41\x00\xa2\x16\x01\x88\x77\xe0\x08\x00",
            ),
            // No disassembler: the bytes.
            compiled(Arch::Rv64Imc, b"\x82\x80"),
        ];
        insta::assert_snapshot!(listings.concat());
    }

    #[test]
    fn what_the_board_fills_in_is_named_in_linked_code() {
        let relocation = |word, target| Relocation {
            place: Some(Place {
                section: Section::Text,
                word,
            }),
            target,
            count: None,
        };
        // mov rax, [rip+1]; ret; the words that are filled in
        let code = b"\x48\x8b\x05\x01\x00\x00\x00\xc3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
        let relocations = vec![
            relocation(1, Target::FunTable),
            relocation(2, Target::Fun(50)),
        ];
        insta::assert_snapshot!(list(Arch::X64, code, Some(relocations)));
    }
}
