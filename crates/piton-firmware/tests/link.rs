//! Linking: the objects of one C module for each architecture, beside what the official linker made of them, and a module that
//! MicroPython really imports.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

use std::collections::BTreeMap;

use object::Endianness;
use object::build::elf::{Builder, Relocation, SectionData, SectionId, SymbolId};
use object::elf::{self, RelocationType};
use piton_firmware::link::{Detail, Input, LinkError, Request, is_known, link, sources};
use piton_mpy::header::Arch;

const CASES: [(Arch, &str); 8] = [
    (Arch::X86, include_str!("link/x86.txt")),
    (Arch::X64, include_str!("link/x64.txt")),
    (Arch::ArmV6M, include_str!("link/armv6m.txt")),
    (Arch::ArmV7M, include_str!("link/armv7m.txt")),
    (Arch::Xtensa, include_str!("link/xtensa.txt")),
    (Arch::XtensaWin, include_str!("link/xtensawin.txt")),
    (Arch::Rv32Imc, include_str!("link/rv32imc.txt")),
    (Arch::Rv64Imc, include_str!("link/rv64imc.txt")),
];

/// One file of `tests/link`.
struct Case {
    objects: Vec<(String, Vec<u8>)>,
    module: Vec<u8>,
    report: String,
}

/// What [`Builder`] calls the parts of an object.
#[derive(Default)]
struct Parts {
    sections: BTreeMap<String, SectionId>,
    symbols: Vec<SymbolId>,
}

impl Case {
    fn of(arch: Arch, text: &str) -> Case {
        let mut case = Case {
            objects: Vec::new(),
            module: Vec::new(),
            report: String::new(),
        };
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let mut block = Vec::new();
            while let Some(inner) =
                lines.next_if(|line| !line.starts_with("object ") && line.starts_with("  "))
            {
                block.push(inner.strip_prefix("  ").unwrap());
            }
            match line.split_once(' ') {
                Some(("object", name)) => {
                    let mut items = Vec::new();
                    while let Some(line) = lines.next_if(|line| !is_part(line)) {
                        items.push(line);
                    }
                    case.objects.push((name.to_owned(), object(arch, &items)));
                }
                None if line == "module" => case.module = bytes(&block),
                None if line == "report" => case.report = block.join("\n") + "\n",
                _ => panic!("{line}"),
            }
        }
        case
    }

    /// Links the objects: the module and the report.
    fn link(&self, arch: Arch) -> (Result<Vec<u8>, LinkError>, String) {
        let qstrs = ["add", "fill", "kind", "name"].map(str::to_owned);
        let mut report = format!("qstr vals: {}\n", qstrs.join(", "));
        let objects: Vec<Input<'_>> = self
            .objects
            .iter()
            .map(|(name, bytes)| Input { name, bytes })
            .collect();
        let request = Request {
            arch,
            arch_flags: 0,
            source_name: "module.mpy",
            qstrs: &qstrs,
            fixed_addresses: &[],
            objects: &objects,
            archives: &[],
        };
        let module = link(&request, &mut |detail, line| {
            assert!(detail <= Detail::Relocations);
            report.push_str(line);
            report.push('\n');
        });
        (module, report)
    }
}

fn is_part(line: &str) -> bool {
    line.starts_with("object ") || line == "module" || line == "report"
}

fn bytes(lines: &[&str]) -> Vec<u8> {
    let digits: String = lines.concat();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

fn number(text: &str) -> u64 {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).unwrap(),
        None => text.parse().unwrap(),
    }
}

fn machine(arch: Arch) -> elf::Machine {
    match arch {
        Arch::X86 => elf::EM_386,
        Arch::X64 => elf::EM_X86_64,
        Arch::Xtensa | Arch::XtensaWin => elf::EM_XTENSA,
        Arch::Rv32Imc | Arch::Rv64Imc => elf::EM_RISCV,
        _ => elf::EM_ARM,
    }
}

/// Writes an ELF object.
fn object(arch: Arch, items: &[&str]) -> Vec<u8> {
    let mut builder = Builder::new(Endianness::Little, arch.word_size() == 8);
    builder.header.e_type = elf::ET_REL;
    builder.header.e_machine = machine(arch);
    let mut parts = Parts::default();
    let mut items = items.iter().peekable();
    let mut relocations = Vec::new();
    while let Some(item) = items.next() {
        let mut block = Vec::new();
        while let Some(line) = items.next_if(|line| line.starts_with("  ")) {
            block.push(line.trim());
        }
        // Names of symbols can have blanks.
        let words: Vec<&str> = item.splitn(6, ' ').collect();
        match words[..] {
            ["section", name, "align", alignment, kind, size] => {
                let section = builder.sections.add();
                section.name = name.as_bytes().to_vec().into();
                section.sh_flags = elf::SHF_ALLOC;
                section.sh_addralign = number(alignment);
                if kind == "zeroed" {
                    section.sh_type = elf::SHT_NOBITS;
                    section.data = SectionData::UninitializedData(number(size));
                } else {
                    section.sh_type = elf::SHT_PROGBITS;
                    section.data = SectionData::Data(bytes(&block).into());
                }
                parts.sections.insert(name.to_owned(), section.id());
            }
            ["symbol", bind, kind, section, value, ref name @ ..] => {
                let symbol = builder.symbols.add();
                symbol.name = name.concat().into_bytes().into();
                symbol.section = parts.sections.get(section).copied();
                symbol.st_value = number(value);
                symbol.set_st_info(
                    match bind {
                        "global" => elf::STB_GLOBAL,
                        "weak" => elf::STB_WEAK,
                        _ => elf::STB_LOCAL,
                    },
                    match kind {
                        "func" => elf::STT_FUNC,
                        "object" => elf::STT_OBJECT,
                        "section" => elf::STT_SECTION,
                        _ => elf::STT_NOTYPE,
                    },
                );
                parts.symbols.push(symbol.id());
            }
            ["relocations", section, kind] => {
                relocations.push((section.to_owned(), kind == "rela", block));
            }
            _ => panic!("{item}"),
        }
    }
    let table = add_tables(&mut builder);
    for (section, has_addends, lines) in relocations {
        add_relocations(&mut builder, &parts, table, &section, has_addends, &lines);
    }
    builder.set_section_sizes();
    let mut file = Vec::new();
    builder.write(&mut file).unwrap();
    file
}

/// Adds the table of symbols, and those of strings.
fn add_tables(builder: &mut Builder<'_>) -> SectionId {
    for (name, data) in [
        (".shstrtab", SectionData::SectionString),
        (".strtab", SectionData::String),
    ] {
        let section = builder.sections.add();
        section.name = name.as_bytes().into();
        section.sh_type = elf::SHT_STRTAB;
        section.sh_addralign = 1;
        section.data = data;
    }
    let section = builder.sections.add();
    section.name = b".symtab"[..].into();
    section.sh_type = elf::SHT_SYMTAB;
    section.sh_addralign = 8;
    section.data = SectionData::Symbol;
    section.id()
}

fn add_relocations(
    builder: &mut Builder<'_>,
    parts: &Parts,
    table: SectionId,
    name: &str,
    has_addends: bool,
    lines: &[&str],
) {
    let list = lines.iter().map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        let [offset, "type", kind, "symbol", symbol, "addend", addend] = words[..] else {
            panic!("{line}");
        };
        Relocation {
            r_offset: number(offset),
            symbol: Some(parts.symbols[symbol.parse::<usize>().unwrap()]),
            r_type: RelocationType(kind.parse().unwrap()),
            r_addend: addend.parse().unwrap(),
        }
    });
    let (kind, prefix) = if has_addends {
        (elf::SHT_RELA, ".rela")
    } else {
        (elf::SHT_REL, ".rel")
    };
    let section = builder.sections.add();
    section.name = format!("{prefix}{name}").into_bytes().into();
    section.sh_type = kind;
    section.sh_link_section = Some(table);
    section.sh_info_section = Some(parts.sections[name]);
    section.sh_addralign = 4;
    section.data = SectionData::Relocation(list.collect());
}

#[test]
fn modules_and_reports_are_those_of_the_official_linker() {
    for (arch, text) in CASES {
        let case = Case::of(arch, text);
        assert_eq!(case.objects.len(), 2);
        let (module, report) = case.link(arch);
        assert_eq!(report, case.report, "{}", arch.name());
        assert_eq!(module.unwrap(), case.module, "{}", arch.name());
    }
}

/// MicroPython 1.25 loads the module and runs its code.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn micropython_imports_a_linked_module() {
    let (arch, text) = CASES[1];
    let (module, _) = Case::of(arch, text).link(arch);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("linked.mpy"), module.unwrap()).unwrap();
    let script = "import linked\n\
        print(linked.add(40, 1), linked.add(-2, 3), linked.count())\n\
        print([linked.name(i) for i in range(4)], linked.fill(3), linked.kind)\n";
    let mut command = test_programs::micropython_unix();
    command
        .env("MICROPYPATH", folder.path())
        .args(["-c", script]);
    let outcome = command.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&outcome.stderr), "");
    assert_eq!(
        String::from_utf8_lossy(&outcome.stdout),
        "42 4 2\n['nil', 'one', 'two', 'six'] b'xxxx' <class 'str'>\n"
    );
}

/// Links one object for x64.
fn link_one(items: &[&str]) -> Result<Vec<u8>, LinkError> {
    let case = Case {
        objects: vec![("a.o".to_owned(), object(Arch::X64, items))],
        module: Vec::new(),
        report: String::new(),
    };
    case.link(Arch::X64).0
}

const ENTRY: [&str; 3] = [
    "section .text align 1 data 8",
    "  90488d05000000000000",
    "symbol global func .text 0x0 mpy_init",
];

#[test]
fn what_cannot_be_linked_is_refused_with_the_official_words() {
    let message = |items: &[&str]| {
        let error = link_one(items).unwrap_err();
        format!("{}: {error}", error.is_refusal())
    };
    assert_eq!(message(&ENTRY[..2]), "true: unknown symbol: mpy_init");
    let with = |items: &[&str]| message(&[&ENTRY, items].concat());
    assert_eq!(
        with(&[
            "symbol global notype - 0x0 puts",
            "symbol global notype - 0x0 exit"
        ]),
        "true: a.o: undefined symbol: puts\na.o: undefined symbol: exit"
    );
    assert_eq!(
        message(&[&["section .data align 4 data 4", "  00000000"], &ENTRY[..]].concat()),
        "true: a.o: .data non-empty"
    );
    assert_eq!(
        with(&["symbol weak func .text 0x1 mpy_init"]),
        "true: duplicate symbol: mpy_init"
    );
    assert_eq!(
        with(&[
            "section .bss align 4 zeroed 4",
            "symbol global object .bss 0x0 x",
            "relocations .text rela",
            "  0x4 type 2 symbol 1 addend -4",
        ]),
        "true: a.o: fixed relocation to bss (bss variables can't be static)"
    );
    assert_eq!(
        with(&[
            "symbol global notype - 0x0 mp_fun_table",
            "relocations .text rela",
            "  0x4 type 2 symbol 1 addend -4",
        ]),
        "true: a.o: fixed relocation to external symbol: mp_fun_table"
    );
    assert_eq!(
        with(&[
            "symbol global notype .text 0x0 x",
            "relocations .text rela",
            "  0x4 type 200 symbol 1 addend 0",
        ]),
        "false: a.o: an unknown relocation: relocation 200 at 0x4 for symbol `x`"
    );
    assert_eq!(
        with(&[
            "symbol global notype .text 0x0 x",
            "relocations .text rela",
            "  0x100 type 2 symbol 1 addend 0",
        ]),
        "false: a.o: outside of the code: relocation 2 at 0x100 for symbol `x`"
    );
}

#[test]
fn objects_of_another_processor_and_damaged_ones_are_refused() {
    let case = Case::of(CASES[0].0, CASES[0].1);
    let (module, _) = case.link(Arch::ArmV7M);
    assert_eq!(module.unwrap_err().to_string(), "incompatible arch");
    assert!(!is_known(Arch::ArmV6));
    let (module, _) = case.link(Arch::ArmV6);
    assert_eq!(
        module.unwrap_err().to_string(),
        "no objects are linked for `armv6`"
    );
    // Whatever is cut off: an error, never a panic, never a module.
    let (name, whole) = &case.objects[0];
    for length in (0..whole.len()).step_by(7) {
        let objects = [(name.clone(), whole[..length].to_vec())].to_vec();
        let cut = Case {
            objects,
            module: Vec::new(),
            report: String::new(),
        };
        assert!(cut.link(Arch::X86).0.is_err(), "{length}");
    }
}

#[test]
fn strings_of_sources_have_the_numbers_of_the_official_header() {
    let header = sources::config_header(["f(MP_QSTR_b, MP_QSTR_append);", "MP_QSTR_a MP_QSTR_b\n"]);
    assert!(
        header.starts_with(
            "#include <stdint.h>\ntypedef uintptr_t mp_off_t;\n#define MP_QSTR_ (1)\n"
        )
    );
    assert!(header.contains("#define MP_QSTR__0x0a_ (3)\n"));
    assert!(header.ends_with(
        "#define MP_QSTR_zip (165)\n#define MP_QSTR_a (mp_native_qstr_table[1])\n\
         #define MP_QSTR_b (mp_native_qstr_table[2])\n\
         extern const uint16_t mp_native_qstr_table[];\nextern const uintptr_t mp_native_obj_table[];\n"
    ));
    assert_eq!(sources::strings_of_header(&header), ["a", "b"]);
}

#[test]
fn scripts_for_linkers_give_addresses_and_archives() {
    let script = "/* ROM\n x = 0x1; */\n// y = 0x2;\nmemcpy = 0x4000dc94;\nPROVIDE ( memset = 0x4000DE50 );\nSECTIONS {\n";
    let found = sources::fixed_addresses(script).unwrap();
    let expected = [("memcpy", 0x4000_dc94), ("memset", 0x4000_de50)];
    assert_eq!(
        found,
        expected.map(|(name, address)| (name.to_owned(), address))
    );
    let twice = sources::fixed_addresses("a = 0x1;\na = 0x2;\n").unwrap_err();
    assert_eq!(twice.to_string(), "Symbol a already defined");
    let group = "/* GNU ld script */\nOUTPUT_FORMAT(elf32-i386)\nGROUP ( /lib/a.a, /lib/b.a )\n";
    let files = sources::archives_of_script(group).unwrap();
    assert_eq!(files, ["/lib/a.a", "/lib/b.a"]);
    let other = sources::archives_of_script("INPUT(a.o)").unwrap_err();
    assert_eq!(
        other.to_string(),
        "Invalid instruction found in the ld script:INPUT(a.o)"
    );
}
