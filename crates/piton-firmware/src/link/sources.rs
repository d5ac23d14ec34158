//! Text that linking reads: C sources, the header with their strings, and scripts for linkers.

use std::collections::BTreeSet;

use piton_mpy::qstr::StaticQstr;

use super::LinkError;
use crate::frozen::escape;

/// Returns the header that C sources of a module include: the numbers of all strings that they name as `MP_QSTR_...`.
pub fn config_header<'t>(sources: impl IntoIterator<Item = &'t str>) -> String {
    let fixed: Vec<String> = (1..)
        .map_while(StaticQstr::from_number)
        .map(|qstr| format!("MP_QSTR_{}", escape(qstr.text())))
        .collect();
    let mut own: BTreeSet<&str> = BTreeSet::new();
    for source in sources {
        for (start, prefix) in source.match_indices("MP_QSTR_") {
            let rest = source.get(start + prefix.len()..).unwrap_or_default();
            let end = rest
                .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
                .unwrap_or(rest.len());
            own.extend(source.get(start..start + prefix.len() + end));
        }
    }
    let mut header = "#include <stdint.h>\ntypedef uintptr_t mp_off_t;\n".to_owned();
    for (number, name) in (1..).zip(&fixed) {
        header.push_str(&format!("#define {name} ({number})\n"));
    }
    let own = own
        .into_iter()
        .filter(|name| !fixed.iter().any(|fixed| fixed == name));
    for (number, name) in (1..).zip(own) {
        header.push_str(&format!(
            "#define {name} (mp_native_qstr_table[{number}])\n"
        ));
    }
    header.push_str("extern const uint16_t mp_native_qstr_table[];\nextern const uintptr_t mp_native_obj_table[];\n");
    header
}

/// Returns the strings of a header that [`config_header`] made, in their order.
pub fn strings_of_header(header: &str) -> Vec<String> {
    let name = |line: &str| {
        let (name, rest) = line.strip_prefix("#define MP_QSTR_")?.split_once(' ')?;
        let is_name = name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        (is_name && rest.starts_with("(mp_native_")).then(|| name.to_owned())
    };
    header.lines().filter_map(name).collect()
}

/// Returns the symbols with addresses in a script for linkers: lines `NAME = 0xADDRESS;` and `PROVIDE(NAME = 0xADDRESS);`. All other
/// lines are ignored.
///
/// # Errors
///
/// [`LinkError::FixedAddress`] if a symbol has two addresses, or none.
pub fn fixed_addresses(script: &str) -> Result<Vec<(String, u32)>, LinkError> {
    let mut symbols: Vec<(String, u32)> = Vec::new();
    let mut in_comment = false;
    for line in script.lines().map(str::trim) {
        if in_comment {
            in_comment = !line.ends_with("*/");
            continue;
        }
        if line.starts_with("/*") {
            in_comment = !line.ends_with("*/");
            continue;
        }
        if line.starts_with("//") {
            continue;
        }
        let line: String = line.split_whitespace().collect();
        let Some((name, digits)) = assignment(&line) else {
            continue;
        };
        if symbols.iter().any(|(known, _)| known == name) {
            return Err(LinkError::FixedAddress {
                what: format!("Symbol {name} already defined"),
            });
        }
        // Of more than 8 digits the official linker takes the last group of 8.
        let start = digits.len().saturating_sub(1) / 8 * 8;
        let address = digits.get(start..).unwrap_or_default();
        let address = u32::from_str_radix(address, 16).map_err(|_| LinkError::FixedAddress {
            what: format!("Symbol {name} has no address"),
        })?;
        symbols.push((name.to_owned(), address));
    }
    Ok(symbols)
}

/// Returns the name and the digits of a line without blanks.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let inner = match line.strip_prefix("PROVIDE(") {
        Some(inner) => inner.strip_suffix(");")?,
        None => line.strip_suffix(';')?,
    };
    let (name, digits) = inner.split_once("=0x")?;
    let is_name = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    let is_number = digits.chars().all(|digit| digit.is_ascii_hexdigit());
    (is_name && is_number).then_some((name, digits))
}

/// Returns the files that a script for linkers lists in its `GROUP`s.
///
/// # Errors
///
/// [`LinkError::Script`] if it has more than `GROUP`, `OUTPUT_FORMAT` and comments.
pub fn archives_of_script(script: &str) -> Result<Vec<String>, LinkError> {
    let mut text = script.to_owned();
    while let Some(start) = text.find("/*") {
        let Some(end) = text.get(start..).and_then(|rest| rest.find("*/")) else {
            break;
        };
        text.replace_range(start..start + end + 2, "");
    }
    let mut files = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let invalid = || LinkError::Script {
            text: rest.to_owned(),
        };
        let (word, after) = rest.split_once('(').ok_or_else(invalid)?;
        let (arguments, after) = after.split_once(')').ok_or_else(invalid)?;
        match word.trim() {
            "GROUP" => files.extend(
                arguments
                    .split(|letter: char| letter == ',' || letter.is_whitespace())
                    .filter(|file| !file.is_empty())
                    .map(str::to_owned),
            ),
            "OUTPUT_FORMAT" => {}
            _ => return Err(invalid()),
        }
        rest = after.trim();
    }
    Ok(files)
}
