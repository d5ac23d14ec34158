//! Checks that what is frozen finds what it imports: in the manifest, or among the modules that are built into the firmware.

use std::collections::BTreeSet;

use piton_mpy::imports::imports;
use piton_mpy::reader;

/// An import that finds nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// The path of the `.mpy` file that imports.
    pub by: String,
    /// The module that is imported.
    pub name: String,
    /// Whether the code around it may go on without it.
    pub optional: bool,
}

/// Returns the names of the modules that are built into a firmware, from `genhdr/moduledefs.h` of its build. There are more: those in the C
/// code of a port that are not registered, such as `builtins` and `__main__`, are not in it.
#[must_use]
pub fn built_in(header: &str) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = ["__main__", "builtins", "micropython", "sys"]
        .map(str::to_owned)
        .into();
    for piece in header.split("MP_ROM_QSTR(MP_QSTR_").skip(1) {
        if let Some((name, _)) = piece.split_once(')') {
            names.insert(name.to_owned());
        }
    }
    names
}

/// Returns the absolute imports of compiled modules that find nothing. `targets` are the paths of all frozen modules on the board, and
/// `firmware` the modules built in. Machine code imports without saying so, and files that cannot be read have no imports.
#[must_use]
pub fn missing(
    compiled: &[(String, Vec<u8>)],
    targets: &BTreeSet<String>,
    firmware: &BTreeSet<String>,
) -> Vec<Missing> {
    let mut found = BTreeSet::new();
    for (path, bytes) in compiled {
        let Ok(module) = reader::read(bytes) else {
            continue;
        };
        for import in imports(&module) {
            let Ok(name) = String::from_utf8(import.name) else {
                continue;
            };
            if import.level == 0 && !name.is_empty() && !is_there(&name, targets, firmware) {
                found.insert(Missing {
                    by: path.clone(),
                    name,
                    optional: import.optional,
                });
            }
        }
    }
    found.into_iter().collect()
}

fn is_there(name: &str, targets: &BTreeSet<String>, firmware: &BTreeSet<String>) -> bool {
    let path = name.replace('.', "/");
    let frozen = [".py", ".mpy", "/__init__.py", "/__init__.mpy"]
        .iter()
        .any(|end| targets.contains(&format!("{path}{end}")));
    // A folder without `__init__` can be imported, too.
    let folder = format!("{path}/");
    let is_folder = targets
        .range(folder.clone()..)
        .next()
        .is_some_and(|target| target.starts_with(&folder));
    let first = name.split('.').next().unwrap_or(name);
    // `import os` of CPython is `uos` in firmware before 1.21.
    frozen
        || is_folder
        || firmware.contains(name)
        || firmware.contains(first)
        || firmware.contains(&format!("u{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_looked_for_in_manifest_and_firmware() {
        let header = "#define MODULE_DEF_SYS { MP_ROM_QSTR(MP_QSTR_sys), MP_ROM_PTR(&mp_module_sys) },\n\
            #define MODULE_DEF_TIME { MP_ROM_QSTR(MP_QSTR_time), MP_ROM_PTR(&mp_module_time) },\n";
        let firmware = built_in(header);
        assert!(firmware.contains("time") && firmware.contains("builtins"));
        let source = b"import time, sys\nimport pack.inner\nimport plain.sub\nfrom gone import x\nfrom . import near\n\
            try:\n    import perhaps\nexcept ImportError:\n    pass\n";
        let options = piton_compiler::Options::new("main.py");
        let module = piton_compiler::compile(source, &options).unwrap();
        let bytes = piton_mpy::writer::write(&module).unwrap();
        let targets = [
            "main.py",
            "pack/__init__.py",
            "pack/inner.mpy",
            "plain/sub/x.py",
        ]
        .map(str::to_owned)
        .into();
        let found = missing(&[("main.mpy".to_owned(), bytes)], &targets, &firmware);
        let names: Vec<_> = found
            .iter()
            .map(|missing| (missing.name.as_str(), missing.optional))
            .collect();
        assert_eq!(names, [("gone", false), ("perhaps", true)]);
        assert!(missing(&[("x".to_owned(), b"no".to_vec())], &targets, &firmware).is_empty());
    }
}
