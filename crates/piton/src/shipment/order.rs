//! The order in which files are written to a board that may restart at any moment: a module after the modules that it
//! imports.

use std::collections::BTreeMap;

use piton_compiler::Options;
use piton_fs::start_files;
use piton_mpy::imports::{Import, imports};
use piton_mpy::reader;
use piton_path::PortablePath;

use super::Shipment;
use super::record::FILE_NAME;
use crate::compile::{compile_cached, native};
use crate::spool::Spooled;

/// The folders where a board looks for modules besides its root (`sys.path` of MicroPython and CircuitPython).
const LIBRARY: &str = "lib";

/// Returns the files of a shipment: those that are not modules, then each module after those that it imports;
/// `boot.py`, `main.py` and `code.py` last.
///
/// Modules that import each other are ordered by their imports at the top, else by path. Imports by machine code or
/// `__import__` are unknown.
pub(super) fn order(shipment: &Shipment) -> Vec<(&PortablePath, &Spooled)> {
    let mut files = shipment.files().collect::<Vec<_>>();
    files.sort_by_key(|(path, _)| (is_module(path), *path));
    let numbers = files
        .iter()
        .enumerate()
        .map(|(number, (path, _))| (path.as_str(), number))
        .collect::<BTreeMap<&str, usize>>();
    let mut all = vec![Vec::new(); files.len()];
    let mut at_once = all.clone();
    for (number, (path, content)) in files.iter().enumerate() {
        // A file that cannot be read has no imports here; copying it fails later with its own error.
        let content = match is_module(path) {
            true => content.read().unwrap_or_default(),
            false => continue,
        };
        for import in imports_of(path, &content) {
            let modules = modules_of(path, &import);
            let files = modules
                .iter()
                .flat_map(|module| module.files())
                .filter_map(|file| numbers.get(file.as_str()).copied());
            for other in files {
                if let (Some(all), Some(at_once)) = (all.get_mut(number), at_once.get_mut(number)) {
                    all.push(other);
                    at_once.extend(import.at_once.then_some(other));
                }
            }
        }
    }
    for edges in all.iter_mut().chain(&mut at_once) {
        edges.sort_unstable();
        edges.dedup();
    }
    let groups = groups(&all);
    // Among modules that import each other, only the imports at the top count.
    for (edges, group) in at_once.iter_mut().zip(&groups) {
        edges.retain(|other| groups.get(*other) == Some(group));
    }
    let mut order = post_order(&at_once);
    order.sort_by_key(|number| groups.get(*number));
    // A module may import `main`, but the files that start the program are written last. The record follows the
    // modules.
    let last = [FILE_NAME].into_iter().chain(start_files::SOURCES);
    let entry = |number: usize| {
        let (path, _) = files.get(number)?;
        last.clone().position(|name| name == path.as_str())
    };
    order.sort_by_key(|number| entry(*number));
    order
        .into_iter()
        .filter_map(|number| files.get(number).copied())
        .collect()
}

fn is_module(path: &PortablePath) -> bool {
    matches!(path.extension(), Some("mpy" | "py"))
}

/// Returns the imports of a file; empty if it is not a module, or cannot be read.
pub(super) fn imports_of(path: &PortablePath, content: &[u8]) -> Vec<Import> {
    let compile = |source: &[u8]| {
        let compiled = compile_cached(source, &Options::new(path.as_str()), None).ok()?;
        reader::read(&compiled.mpy).ok()
    };
    let module = match path.extension() {
        Some("mpy") => reader::read(content).ok(),
        // A source with machine code has the imports of the same source without it.
        Some("py") => compile(content).or_else(|| compile(&native::without_native(content)?)),
        _ => None,
    };
    module.map_or_else(Vec::new, |module| imports(&module))
}

/// A module that an import could load.
pub(super) struct Imported {
    /// The paths without an ending at which a board looks for it.
    places: Vec<String>,
}

impl Imported {
    /// Returns the files that it can come from.
    pub(super) fn files(&self) -> impl Iterator<Item = String> + '_ {
        const ENDINGS: [&str; 4] = [".mpy", ".py", "/__init__.mpy", "/__init__.py"];
        let places = self.places.iter();
        places.flat_map(|place| ENDINGS.map(|ending| format!("{place}{ending}")))
    }
}

/// Returns the modules that an import in the file `path` may load.
pub(super) fn modules_of(path: &PortablePath, import: &Import) -> Vec<Imported> {
    let Ok(name) = std::str::from_utf8(&import.name) else {
        return Vec::new();
    };
    let mut places = match import.level {
        0 => vec![String::new(), LIBRARY.to_owned()],
        level => {
            // One dot is the package that the module is in, each other one the package above.
            let above = std::iter::successors(path.parent(), PortablePath::parent);
            let folder = above
                .map(|folder| folder.to_string())
                .nth(level as usize - 1);
            vec![folder.unwrap_or_default()]
        }
    };
    let mut found = Vec::new();
    let inside = |places: &[String], name: &str| {
        let places = places.iter().map(|place| below(place, name));
        places.collect::<Vec<String>>()
    };
    // The packages that a module is in are not imported by it: they import it.
    for part in name.split('.').filter(|part| !part.is_empty()) {
        places = inside(&places, part);
        found.push(Imported {
            places: places.clone(),
        });
    }
    for part in &import.from {
        let Ok(part) = std::str::from_utf8(part) else {
            continue;
        };
        found.push(Imported {
            places: inside(&places, part),
        });
    }
    found
}

fn below(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        _ => format!("{folder}/{name}"),
    }
}

/// Returns all nodes, each after those that its edges lead to, unless these lead back to it.
fn post_order(edges: &[Vec<usize>]) -> Vec<usize> {
    let mut seen = vec![false; edges.len()];
    let mut order = Vec::with_capacity(edges.len());
    for root in 0..edges.len() {
        // The path down, with the number of the next edge of each node. No recursion: a shipment may chain any number
        // of modules.
        let mut path = vec![(root, 0)];
        if seen.get(root) != Some(&false) {
            continue;
        }
        if let Some(seen) = seen.get_mut(root) {
            *seen = true;
        }
        while let Some((node, next)) = path.last_mut() {
            let Some(other) = edges.get(*node).and_then(|edges| edges.get(*next)) else {
                order.push(*node);
                path.pop();
                continue;
            };
            *next += 1;
            if let Some(seen) = seen.get_mut(*other).filter(|seen| !**seen) {
                *seen = true;
                path.push((*other, 0));
            }
        }
    }
    order
}

/// For each node the number of its group: nodes that lead to each other are one (Kosaraju's algorithm). What a group
/// leads to has lower numbers.
fn groups(edges: &[Vec<usize>]) -> Vec<usize> {
    let mut back = vec![Vec::new(); edges.len()];
    for (node, edges) in edges.iter().enumerate() {
        for other in edges {
            if let Some(back) = back.get_mut(*other) {
                back.push(node);
            }
        }
    }
    let mut groups = vec![None; edges.len()];
    let roots = post_order(edges).into_iter().rev();
    for (number, root) in (0..edges.len()).rev().zip(roots) {
        let mut left = vec![root];
        while let Some(node) = left.pop() {
            if let Some(group) = groups.get_mut(node).filter(|group| group.is_none()) {
                *group = Some(number);
                left.extend(back.get(node).into_iter().flatten());
            }
        }
    }
    groups.into_iter().map(Option::unwrap_or_default).collect()
}

#[cfg(test)]
mod tests {
    use piton_shipment::manifest::{ActualFile, Manifest};

    use super::*;
    use crate::shipment::Item;
    use crate::spool::Spool;

    /// The order of these files; those that end in `.mpy` are compiled.
    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let made = files.iter().map(|(path, source)| {
            let content = if path.ends_with(".mpy") {
                let options = Options::new(*path);
                let module = piton_compiler::compile(source.as_bytes(), &options).unwrap();
                piton_mpy::writer::write(&module).unwrap()
            } else {
                source.as_bytes().to_vec()
            };
            (path.parse().unwrap(), content)
        });
        let made = made.collect::<BTreeMap<PortablePath, Vec<u8>>>();
        let listed = made.keys().map(|path| {
            let hash = "0".repeat(64);
            format!(
                r#"{{"path":"{path}","download_path":"mpy/{path}","sha256":"{hash}","size":0}}"#
            )
        });
        let files = listed.collect::<Vec<_>>().join(",");
        let manifest = format!(
            r#"{{"version":"1","build_timestamp":"2026-02-06T10:46:02Z","files":[{files}]}}"#
        );
        let spool = Spool::new();
        let items = made.into_iter().map(|(path, content)| {
            let mut item = Item::of(ActualFile::Special);
            let mut spooled = spool.begin().unwrap();
            spooled.push(&content).unwrap();
            item.content = Some(spooled);
            (path, item)
        });
        let read = Manifest::parse(manifest.as_bytes()).unwrap();
        let mut shipment = Shipment::new(read, manifest.into_bytes(), None, items.collect());
        shipment.with_record().unwrap();
        let order = order(&shipment);
        let mut found = order
            .iter()
            .map(|(path, _)| path.as_str())
            .collect::<Vec<_>>();
        let record = found.iter().position(|name| *name == FILE_NAME).unwrap();
        found.remove(record);
        let is_entry = |name: &&str| start_files::SOURCES.contains(name);
        assert_eq!(
            found.iter().position(is_entry).unwrap_or(found.len()),
            record
        );
        assert_eq!(found, expected);
    }

    #[test]
    fn a_module_comes_after_the_modules_that_it_imports() {
        check(
            &[
                ("B/A.mpy", "from . import z"),
                ("B/__init__.mpy", "from .A import y\nz = 1"),
                ("a.mpy", "import b.c\nimport nowhere"),
                ("b/__init__.mpy", "from . import z\nfrom .d import x as y"),
                ("b/c.mpy", "from .. import e\nfrom lib.f import *"),
                ("b/d.mpy", "def f():\n    def g():\n        import json, h"),
                ("b/z.mpy", ""),
                ("boot.py", ""),
                ("code.py", "import a"),
                ("e.mpy", "from k import l, m"),
                ("font.bin", "import a"),
                ("lib/f.mpy", "import k.m"),
                ("lib/h.mpy", ""),
                ("lib/k/__init__.mpy", ""),
                ("lib/k/m.mpy", ""),
                ("main.py", "import"),
            ],
            &[
                "font.bin",
                "B/A.mpy",
                "B/__init__.mpy",
                "lib/h.mpy",
                "b/d.mpy",
                "b/z.mpy",
                "b/__init__.mpy",
                "lib/k/__init__.mpy",
                "lib/k/m.mpy",
                "e.mpy",
                "lib/f.mpy",
                "b/c.mpy",
                "a.mpy",
                "boot.py",
                "main.py",
                "code.py",
            ],
        );
    }

    #[test]
    fn modules_that_import_each_other_are_ordered_by_their_imports_at_the_top() {
        // What a function imports is imported later, so it does not matter as much.
        check(
            &[
                ("a.mpy", "import b"),
                ("b.mpy", "def f():\n    import c"),
                ("c.mpy", "import b"),
            ],
            &["b.mpy", "c.mpy", "a.mpy"],
        );
        check(
            &[
                ("a.mpy", "import c"),
                ("b.mpy", "import c"),
                ("c.mpy", "import b, main"),
                ("main.py", "import a"),
            ],
            &["b.mpy", "c.mpy", "a.mpy", "main.py"],
        );
    }

    #[test]
    fn a_long_chain_of_imports_is_ordered() {
        let edges = (1..=200_000).map(|node| vec![node % 200_000]);
        let edges = edges.collect::<Vec<_>>();
        assert_eq!(post_order(&edges).first(), Some(&199_999));
        assert!(groups(&edges).iter().all(|group| *group == 199_999));
        let edges = (1..=200_000).map(|node| vec![node]).collect::<Vec<_>>();
        assert_eq!(groups(&edges).first(), Some(&199_999));
    }
}
