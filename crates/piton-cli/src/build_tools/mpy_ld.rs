//! tools/mpy_ld.py

use std::path::Path;

use piton::firmware::link::{Detail, Input, LinkError, Request, is_archive, link, sources};
use piton::mpy::header::Arch;

use super::arguments::{Given, Known, parse, refused};
use super::{BuildTool, End, print};

const OPTIONS: &[Known] = &[
    Known {
        names: &["--verbose", "-v"],
        value: None,
        help: "increase verbosity",
    },
    Known {
        names: &["--arch"],
        value: Some("ARCH"),
        help: "architecture",
    },
    Known {
        names: &["--arch-flags"],
        value: Some("ARCH_FLAGS"),
        help: "optional architecture flags",
    },
    Known {
        names: &["--source-name"],
        value: Some("SOURCE_NAME"),
        help: "override the file name written to the .mpy file",
    },
    Known {
        names: &["--preprocess"],
        value: None,
        help: "preprocess source files",
    },
    Known {
        names: &["--qstrs"],
        value: Some("QSTRS"),
        help: "file defining additional qstrs",
    },
    Known {
        names: &["--libs", "-l"],
        value: Some("LIBS"),
        help: "static .a libraries to link",
    },
    Known {
        names: &["--output", "-o"],
        value: Some("OUTPUT"),
        help: "output .mpy file (default to input with .o->.mpy)",
    },
    Known {
        names: &["--externs", "-e"],
        value: Some("EXTERNS"),
        help: "linkerscript providing fixed-address symbols to augment symbol resolution",
    },
];

pub(super) fn run(words: &[String]) -> Result<(), End> {
    let given = parse(BuildTool::MpyLd, OPTIONS, words)?;
    let externs = match given.value("--externs") {
        None => None,
        Some(path) => Some(read_text(path).map_err(|error| {
            let message = format!("argument --externs/-e: can't open '{path}': {error}");
            refused(BuildTool::MpyLd, OPTIONS, &message)
        })?),
    };
    let name = given.value("--arch").unwrap_or("x64");
    let flags = arch_flags(name, given.value("--arch-flags"))?;
    if given.has("--preprocess") {
        return preprocess(&given);
    }
    let arch = Arch::from_name(name).ok_or_else(|| failed(&unknown_arch(name)))?;
    let fixed_addresses = match &externs {
        Some(script) => sources::fixed_addresses(script).map_err(ended)?,
        None => Vec::new(),
    };
    link_files(&given, arch, flags, &fixed_addresses)
}

fn link_files(
    given: &Given,
    arch: Arch,
    arch_flags: u32,
    fixed_addresses: &[(String, u32)],
) -> Result<(), End> {
    let output = output_of(given, ".o", ".mpy")?;
    let qstrs = match given.value("--qstrs") {
        Some(path) => sources::strings_of_header(&text(path)?),
        None => Vec::new(),
    };
    let detail = match given.values("--verbose").len() {
        0 => Detail::Summary,
        1 => Detail::Layout,
        _ => Detail::Relocations,
    };
    if detail >= Detail::Layout {
        print(&format!("qstr vals: {}\n", qstrs.join(", ")));
    }
    let objects = read_all(&given.files)?;
    let archives = read_all(&archive_names(&given.values("--libs"))?)?;
    let file_name = Path::new(&output).file_name().unwrap_or_default();
    let file_name = file_name.to_string_lossy();
    let source_name = given.value("--source-name").filter(|name| !name.is_empty());
    let request = Request {
        arch,
        arch_flags,
        source_name: source_name.unwrap_or(&file_name),
        qstrs: &qstrs,
        fixed_addresses,
        objects: &inputs(&objects),
        archives: &inputs(&archives),
    };
    let module = link(&request, &mut |level, line| {
        if level <= detail {
            print(&format!("{}\n", printable::line(line)));
        }
    });
    write(&output, &module.map_err(ended)?)
}

/// Writes the header with the strings of C sources.
fn preprocess(given: &Given) -> Result<(), End> {
    let output = output_of(given, ".c", ".config.h")?;
    let mut texts = Vec::new();
    for path in &given.files {
        texts.push(text(path)?);
    }
    let header = sources::config_header(texts.iter().map(String::as_str));
    write(&output, header.as_bytes())
}

/// Returns the name of the output: that of the first file, with another ending, unless it is given.
fn output_of(given: &Given, ending: &str, new: &str) -> Result<String, End> {
    if let Some(output) = given.value("--output") {
        return Ok(output.to_owned());
    }
    let first = given.files.first().map(String::as_str).unwrap_or_default();
    match first.strip_suffix(ending) {
        Some(stem) => Ok(format!("{stem}{new}")),
        None => Err(failed(&format!(
            "`{first}` does not end with `{ending}`: name the output with `-o`"
        ))),
    }
}

/// Returns the value of the flags for the header of the module, by number or by names.
fn arch_flags(arch: &str, flags: Option<&str>) -> Result<u32, End> {
    let Some(flags) = flags else {
        return Ok(0);
    };
    let value_error = |message: String| End::failed(format!("ValueError: {message}\n"));
    if arch != "rv32imc" {
        return Err(value_error(format!(
            "Architecture \"{arch}\" does not support extra flags"
        )));
    }
    let radix = match flags.get(..2) {
        Some("0b" | "0B") => 2,
        Some("0x" | "0X") => 16,
        _ => 10,
    };
    if !flags.is_empty() && (radix != 10 || flags.chars().all(|digit| digit.is_ascii_digit())) {
        let digits = if radix == 10 {
            flags
        } else {
            flags.get(2..).unwrap_or_default()
        };
        return u32::from_str_radix(digits, radix).map_err(|_| {
            value_error(format!(
                "invalid literal for int() with base {radix}: '{flags}'"
            ))
        });
    }
    let mut value = 0;
    for flag in flags.to_lowercase().split(',') {
        let known = Arch::Rv32Imc.flag_names();
        match known.iter().find(|(_, name)| *name == flag) {
            Some((bit, _)) => value |= bit,
            None => {
                return Err(value_error(format!(
                    "Invalid architecture flags value \"{flag}\""
                )));
            }
        }
    }
    Ok(value)
}

/// Returns the names of the archives: a script for linkers stands for those that it lists.
fn archive_names(given: &[&str]) -> Result<Vec<String>, End> {
    let mut names = Vec::new();
    for path in given {
        let bytes = read(path)?;
        if is_archive(&bytes) {
            names.push((*path).to_owned());
        } else {
            let script = String::from_utf8_lossy(&bytes);
            names.extend(sources::archives_of_script(&script).map_err(ended)?);
        }
    }
    Ok(names)
}

fn inputs(files: &[(String, Vec<u8>)]) -> Vec<Input<'_>> {
    files
        .iter()
        .map(|(name, bytes)| Input { name, bytes })
        .collect()
}

fn read_all(paths: &[String]) -> Result<Vec<(String, Vec<u8>)>, End> {
    paths
        .iter()
        .map(|path| Ok((path.clone(), read(path)?)))
        .collect()
}

fn read(path: &str) -> Result<Vec<u8>, End> {
    std::fs::read(path).map_err(|error| failed(&format!("{path}: {error}")))
}

fn text(path: &str) -> Result<String, End> {
    read_text(path).map_err(|error| failed(&format!("{path}: {error}")))
}

fn read_text(path: &str) -> std::io::Result<String> {
    Ok(String::from_utf8_lossy(&std::fs::read(path)?).into_owned())
}

fn write(path: &str, bytes: &[u8]) -> Result<(), End> {
    piton::host_file::write(Path::new(path), bytes)
        .map_err(|error| failed(&format!("{path}: {error}")))
}

fn unknown_arch(name: &str) -> String {
    let names = Arch::ALL
        .into_iter()
        .filter(|arch| piton::firmware::link::is_known(*arch))
        .map(Arch::name);
    let names: Vec<&str> = names.collect();
    format!(
        "no objects are linked for `{name}`: expected one of {}",
        names.join(", ")
    )
}

/// Returns the end for a problem of the inputs: on stdout where the original knows it, as there.
fn ended(error: LinkError) -> End {
    let message = error.to_string();
    let message = printable::lines(&message);
    if error.is_refusal() {
        return End {
            stdout: format!("LinkError: {message}\n"),
            code: 1,
            ..End::default()
        };
    }
    failed(&message)
}

fn failed(message: &str) -> End {
    End::failed(format!("mpy_ld.py: {message}\n"))
}
