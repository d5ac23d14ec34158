//! Takes objects out of archives as symbols need them (tools/ar_util.py).

use std::collections::{HashMap, HashSet, VecDeque};

use object::read::archive::ArchiveFile;

use super::image::Image;
use super::object_file::{self, Name, PC_THUNK};
use super::{Detail, Input, LinkError, Report};

/// The first bytes of an archive.
pub(super) const MAGIC: &[u8] = b"!<arch>\n";

/// An archive and what its objects define.
struct Archive<'a> {
    name: &'a str,
    members: Vec<Member<'a>>,
    /// Which member defines a symbol: the last one.
    defined: HashMap<String, usize>,
}

struct Member<'a> {
    name: String,
    bytes: &'a [u8],
    symbols: Vec<Name>,
}

/// Returns the objects that the undefined symbols need, and those that these need, each with the name `ARCHIVE:OBJECT`.
///
/// The order is that of the first use. (The official linker's changes from run to run.)
pub(super) fn select<'a>(
    image: &Image<'_>,
    archives: &[Input<'a>],
    report: &mut Report<'_>,
) -> Result<Vec<(String, &'a [u8])>, LinkError> {
    let mut loaded = Vec::new();
    for archive in archives {
        report(Detail::Summary, &format!("Loading {}", archive.name));
        loaded.push(read(archive)?);
    }
    let undefined = image
        .unresolved
        .iter()
        .filter_map(|id| image.symbols.get(*id));
    let mut wanted: VecDeque<String> = undefined.map(|symbol| symbol.name.clone()).collect();
    let mut provided: HashSet<String> = HashSet::new();
    let mut selected = Vec::new();
    let mut seen = HashSet::new();
    while let Some(name) = wanted.pop_front() {
        if provided.contains(&name) {
            continue;
        }
        let found = loaded.iter().enumerate().find_map(|(number, archive)| {
            let member = *archive.defined.get(&name)?;
            Some((number, archive, member))
        });
        let Some((number, archive, index)) = found else {
            continue;
        };
        let Some(member) = archive.members.get(index) else {
            continue;
        };
        if !seen.insert((number, index)) {
            continue;
        }
        selected.push((format!("{}:{}", archive.name, member.name), member.bytes));
        take(member, &mut provided, &mut wanted, report)?;
    }
    Ok(selected)
}

/// Notes what an object defines, and what it needs.
fn take(
    member: &Member<'_>,
    provided: &mut HashSet<String>,
    wanted: &mut VecDeque<String>,
    report: &mut Report<'_>,
) -> Result<(), LinkError> {
    let weak: HashSet<&str> = member
        .symbols
        .iter()
        .filter(|symbol| symbol.is_weak)
        .map(|symbol| symbol.name.as_str())
        .collect();
    for symbol in member.symbols.iter().filter(|symbol| symbol.is_defined) {
        let is_new = provided.insert(symbol.name.clone());
        if !is_new && !symbol.name.starts_with(PC_THUNK) && !weak.contains(symbol.name.as_str()) {
            return Err(LinkError::MultipleDefinitions {
                name: symbol.name.clone(),
            });
        }
    }
    for symbol in member.symbols.iter().filter(|symbol| !symbol.is_defined) {
        if weak.contains(symbol.name.as_str()) {
            let line = format!("Skippping weak dependency: {}", symbol.name);
            report(Detail::Summary, &line);
        } else if !provided.contains(&symbol.name) {
            wanted.push_back(symbol.name.clone());
        }
    }
    Ok(())
}

fn read<'a>(input: &Input<'a>) -> Result<Archive<'a>, LinkError> {
    let damaged = |error: object::read::Error| LinkError::Damaged {
        file: input.name.to_owned(),
        what: format!("not an archive that can be read: {error}"),
    };
    let file = ArchiveFile::parse(input.bytes).map_err(damaged)?;
    let mut archive = Archive {
        name: input.name,
        members: Vec::new(),
        defined: HashMap::new(),
    };
    for member in file.members() {
        let member = member.map_err(damaged)?;
        let bytes = member.data(input.bytes).map_err(damaged)?;
        let name = String::from_utf8_lossy(member.name()).into_owned();
        let symbols = object_file::global_symbols(&format!("{}:{name}", input.name), bytes)?;
        let index = archive.members.len();
        for symbol in symbols.iter().filter(|symbol| symbol.is_defined) {
            archive.defined.insert(symbol.name.clone(), index);
        }
        archive.members.push(Member {
            name,
            bytes,
            symbols,
        });
    }
    Ok(archive)
}
