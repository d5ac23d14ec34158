//! tools/mpy-tool.py

use piton::firmware::frozen::{Listing, LongIntegers, Modules, Target};
use piton::mpy::{merge, reader, writer};

use super::arguments::{Given, Known, parse, refused};
use super::{BuildTool, End, print};

const OPTIONS: &[Known] = &[
    Known {
        names: &["-x", "--hexdump"],
        value: None,
        help: "output an annotated hex dump of files",
    },
    Known {
        names: &["-d", "--disassemble"],
        value: None,
        help: "output disassembled contents of files",
    },
    Known {
        names: &["-f", "--freeze"],
        value: None,
        help: "freeze files",
    },
    Known {
        names: &["-j", "--json"],
        value: None,
        help: "output hexdump, disassembly, and frozen code as JSON with extra metadata",
    },
    Known {
        names: &["--merge"],
        value: None,
        help: "merge multiple .mpy files into one",
    },
    Known {
        names: &["-e", "--extract"],
        value: Some("BASE"),
        help: "write segments into separate files",
    },
    Known {
        names: &["--extract-only"],
        value: Some("KIND[,...]"),
        help: "extract only segments of the given type (meta, qstr, obj, code)",
    },
    Known {
        names: &["-q", "--qstr-header"],
        value: Some("QSTR_HEADER"),
        help: "qstr header file to freeze against",
    },
    Known {
        names: &["-mlongint-impl"],
        value: Some("{none,longlong,mpz}"),
        help: "long-int implementation used by target (default mpz)",
    },
    Known {
        names: &["-mmpz-dig-size"],
        value: Some("N"),
        help: "mpz digit size used by target (default 16)",
    },
    Known {
        names: &["-march-flags"],
        value: Some("F"),
        help: "architecture flags value to set in the output file",
    },
    Known {
        names: &["-o", "--output"],
        value: Some("OUTPUT"),
        help: "output file",
    },
];

pub(super) fn run(words: &[String]) -> Result<(), End> {
    let given = parse(BuildTool::MpyTool, OPTIONS, words)?;
    let mut target = target_of(&given)?;
    if let Some(header) = given.value("-q") {
        read_header(&mut target, header)?;
    }
    let mut files = Vec::new();
    for path in &given.files {
        let bytes = std::fs::read(path)
            .map_err(|error| End::failed(format!("mpy-tool.py: {path}: {error}\n")))?;
        files.push((path.as_str(), bytes));
    }
    let modules = Modules::read(files.iter().map(|(path, bytes)| (*path, bytes.as_slice())))
        .map_err(|error| End::failed(format!("{error}\n")))?;
    show(&given, &modules, &target)?;
    if given.has("--merge") {
        join(&given, &files)?;
    }
    if let Some(base) = given.value("-e") {
        extract(&modules, base, given.value("--extract-only"))?;
    }
    Ok(())
}

/// Prints what `-x`, `-d` and `-f` ask for, as text, or as JSON with the text on stderr.
fn show(given: &Given, modules: &Modules, target: &Target) -> Result<(), End> {
    let mut listing = Listing::default();
    if given.has("-x") {
        listing.append(modules.hexdump());
    }
    if given.has("-d") {
        if given.has("-x") {
            listing.append(Listing::of_text("\n"));
        }
        listing.append(modules.disassembly());
    }
    let mut frozen = Ok(());
    if given.has("-f") {
        match modules.to_c(target) {
            Ok(text) => listing.append(Listing::of_text(&text)),
            Err(error) => frozen = Err(End::failed(format!("{error}\n"))),
        }
    }
    let text = listing.to_string();
    if !given.has("-j") {
        print(&text);
        return frozen;
    }
    crate::ui::raw_stderr(text.as_bytes());
    let language = match (given.has("-f"), given.has("-x")) {
        (true, _) => "c",
        (false, true) => "stderr",
        (false, false) => "mpy",
    };
    print(&listing.to_json(language));
    frozen
}

/// Returns what the flags for mpy-tool say of the firmware.
pub(super) fn target(flags: &str) -> Result<Target, End> {
    let mut words: Vec<String> = flags.split_whitespace().map(str::to_owned).collect();
    words.push("-".to_owned());
    target_of(&parse(BuildTool::MpyTool, OPTIONS, &words)?)
}

fn target_of(given: &Given) -> Result<Target, End> {
    let mut target = Target::default();
    target.long_integers = match given.value("-mlongint-impl") {
        None | Some("mpz") => LongIntegers::Mpz,
        Some("none") => LongIntegers::None,
        Some("longlong") => LongIntegers::LongLong,
        Some(other) => {
            let message = format!(
                "argument -mlongint-impl: invalid choice: '{other}' (choose from 'none', 'longlong', 'mpz')"
            );
            return Err(refused(BuildTool::MpyTool, OPTIONS, &message));
        }
    };
    if let Some(size) = given.value("-mmpz-dig-size") {
        target.mpz_digit_size = size.parse().map_err(|_| {
            let message = format!("argument -mmpz-dig-size: invalid int value: '{size}'");
            refused(BuildTool::MpyTool, OPTIONS, &message)
        })?;
    }
    Ok(target)
}

/// Takes in the interned strings of the firmware.
pub(super) fn read_header(target: &mut Target, path: &str) -> Result<(), End> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| End::failed(format!("mpy-tool.py: {path}: {error}\n")))?;
    target.read_qstr_header(&text).map_err(|_| {
        End::failed("ERROR: Empty preprocessor output - check for errors above\n".to_owned())
    })
}

/// Returns the flags of the processor for the merged file, if they are given.
fn march_flags(given: &Given) -> Result<Option<u32>, End> {
    let Some(text) = given.value("-march-flags") else {
        return Ok(None);
    };
    let flags = text.parse().map_err(|_| {
        let message = format!("argument -march-flags: invalid int value: '{text}'");
        refused(BuildTool::MpyTool, OPTIONS, &message)
    })?;
    Ok(Some(flags))
}

fn join(given: &Given, files: &[(&str, Vec<u8>)]) -> Result<(), End> {
    let merged = match files {
        [(_, only)] => only.clone(),
        _ => {
            let mut modules = Vec::new();
            for (path, bytes) in files {
                modules.push(
                    reader::read(bytes)
                        .map_err(|error| End::failed(format!("{path}: {error}\n")))?,
                );
            }
            let flags = march_flags(given)?;
            let joined = merge::merge(&modules).and_then(|mut module| {
                if let (Some(flags), Some(_)) = (flags, module.header.arch) {
                    module.header.arch_flags = (flags != 0).then_some(flags);
                }
                writer::write(&module)
            });
            joined.map_err(|error| End::failed(format!("mpy-tool.py: {error}\n")))?
        }
    };
    match given.value("-o") {
        Some(output) => write(output, &merged),
        None => {
            let _ = crate::ui::raw_stdout(&merged);
            Ok(())
        }
    }
}

fn extract(modules: &Modules, base: &str, kinds: Option<&str>) -> Result<(), End> {
    let kinds: Vec<String> = kinds
        .map(|kinds| kinds.to_uppercase().split(',').map(str::to_owned).collect())
        .unwrap_or_default();
    if let Some(unknown) = kinds
        .iter()
        .find(|kind| !["META", "QSTR", "OBJ", "CODE"].contains(&kind.as_str()))
    {
        return Err(End::failed(format!(
            "mpy-tool.py: unknown segment kind \"{unknown}\"\n"
        )));
    }
    let segments: Vec<_> = modules
        .segments()
        .into_iter()
        .filter(|segment| kinds.is_empty() || kinds.iter().any(|kind| kind == segment.kind))
        .collect();
    let width = segments.len().to_string().len();
    let plain = |text: &str| -> String {
        text.chars()
            .map(|letter| {
                if letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-') {
                    letter
                } else {
                    '_'
                }
            })
            .collect()
    };
    for (number, segment) in segments.iter().enumerate() {
        let (source, kind, name) = (plain(segment.source), segment.kind, plain(segment.name));
        write(
            &format!("{base}_{number:0width$}_{source}_{kind}_{name}.bin"),
            segment.bytes,
        )?;
    }
    Ok(())
}

fn write(path: &str, bytes: &[u8]) -> Result<(), End> {
    piton::host_file::write(std::path::Path::new(path), bytes)
        .map_err(|error| End::failed(format!("mpy-tool.py: {path}: {error}\n")))
}
