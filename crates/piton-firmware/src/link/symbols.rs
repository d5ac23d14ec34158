//! Decides what each undefined symbol stands for.

use piton_mpy::fun_table;

use super::image::{Image, Section, SymbolId};
use super::{Detail, LinkError, Report};

/// Returns the entry of the firmware's table for a function of C's library.
pub(super) fn library_function(name: &str) -> Option<u8> {
    match name {
        "memset" => fun_table::number(name),
        "memcpy" | "memmove" => fun_table::number("memmove"),
        _ => None,
    }
}

/// Returns the entry of the firmware's table that a symbol stands for. Only those from the first type on are symbols: modules call
/// the others through the table.
fn table_entry(name: &str) -> Option<u8> {
    fun_table::number(name).filter(|&number| Some(number) >= fun_table::number("mp_type_type"))
}

/// The sections for symbols of the firmware; none has a place in the module.
struct Outside {
    qstr_table: usize,
    object_table: usize,
    functions: usize,
}

/// Gives each undefined symbol what it stands for.
pub(super) fn resolve(
    image: &mut Image<'_>,
    qstr_count: usize,
    report: &mut Report<'_>,
) -> Result<(), LinkError> {
    let section = |name: &str, size: usize, alignment: u64| Section {
        name: name.to_owned(),
        data: vec![0; size],
        alignment,
        ..Section::default()
    };
    let word = u64::from(image.machine.word_size);
    let outside = Outside {
        qstr_table: image.add(section(".external.qstr_table", qstr_count * 2, 2)),
        object_table: image.add(section(".external.obj_table", 0, word)),
        functions: image.add(section(".external.mp_fun_table", 0, 1)),
    };
    let mut undefined = Vec::new();
    for id in image.unresolved.clone() {
        if let Some(missing) = resolve_one(image, id, &outside)? {
            undefined.push(missing);
        }
    }
    for (name, address) in image.fixed_addresses {
        if image.known.contains_key(name) {
            report(
                Detail::Summary,
                &format!(
                    "Symbol {name} is a fixed-address symbol at {address:08x} and is also provided from an object file"
                ),
            );
        }
    }
    if undefined.is_empty() {
        Ok(())
    } else {
        Err(LinkError::UndefinedSymbols { symbols: undefined })
    }
}

/// Returns the object and the name of a symbol that nothing defines.
fn resolve_one(
    image: &mut Image<'_>,
    id: SymbolId,
    outside: &Outside,
) -> Result<Option<(String, String)>, LinkError> {
    let Some(symbol) = image.symbols.get(id) else {
        return Ok(None);
    };
    let (name, file) = (symbol.name.clone(), symbol.file.clone());
    if symbol.value != 0 {
        return Err(LinkError::Unsupported {
            file,
            what: format!("symbol `{name}` has a value, though nothing defines it"),
        });
    }
    let mut resolved = None;
    let mut function = None;
    let section = match name.as_str() {
        "_GLOBAL_OFFSET_TABLE_" => return Ok(None),
        "mp_fun_table" => Some(image.add(Section {
            name: ".external".to_owned(),
            alignment: 1,
            ..Section::default()
        })),
        "mp_native_qstr_table" => Some(outside.qstr_table),
        "mp_native_obj_table" => Some(outside.object_table),
        other if image.known.contains_key(other) => {
            resolved = image.known.get(other).copied();
            None
        }
        other if image.fixed_address(other).is_some() => return Ok(None),
        other => {
            if let Some(entry) = table_entry(other) {
                function = Some(entry);
                Some(outside.functions)
            } else if let Some(entry) = library_function(other) {
                jump_section(image, entry)
            } else {
                return Ok(Some((file, name)));
            }
        }
    };
    if let Some(symbol) = image.symbols.get_mut(id) {
        symbol.section = section;
        symbol.resolved = resolved;
        symbol.function = function;
    }
    Ok(None)
}

/// Returns the section with the jump to a function of the firmware, which is made when it is needed first. On an Xtensa there is none:
/// calls go by the table of addresses.
fn jump_section(image: &mut Image<'_>, entry: u8) -> Option<usize> {
    let name = if fun_table::name(entry.into()) == Some("memset") {
        ".internal.memset"
    } else {
        ".internal.memmove"
    };
    let exists = |id: &usize| {
        image
            .sections
            .get(*id)
            .is_some_and(|section| section.name == name)
    };
    if let Some(id) = image.order.iter().copied().find(exists) {
        return Some(id);
    }
    let (code, place) = image.machine.absolute_jump?;
    let id = image.add(Section {
        file: "<internal>".to_owned(),
        name: name.to_owned(),
        data: code.to_vec(),
        alignment: u64::from(image.machine.word_size),
        relocations_name: "unknown".to_owned(),
        function: Some((place, entry)),
        ..Section::default()
    });
    image.order.insert(image.order.len().min(1), id);
    Some(id)
}
