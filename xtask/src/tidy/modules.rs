//! The Rust sources, found as the compiler finds them: from each target's root along its `mod` lines.
//! It separates tests from other code, and finds files that no module declares.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use syn::{Attribute, Item, ItemMod};

use super::{Finding, from_root};
use crate::metadata::Metadata;

/// The folder of cargo-fuzz's targets, each a root.
const FUZZ_TARGETS: &str = "fuzz/fuzz_targets";

/// A Rust file of the workspace.
pub(crate) struct SourceFile {
    /// Path from the root of the source tree.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) syntax: syn::File,
    /// Whether only tests are built from it.
    pub(crate) is_test: bool,
}

/// All Rust files of the workspace.
pub(super) struct Sources {
    pub(super) files: Vec<SourceFile>,
    pub(super) findings: Vec<Finding>,
}

/// Reads the workspace's sources.
pub(super) fn read(
    metadata: &Metadata,
    root: &Path,
    tracked: &[PathBuf],
) -> anyhow::Result<Sources> {
    let mut files = BTreeMap::new();
    for package in &metadata.packages {
        for target in &package.targets {
            follow(&target.src_path, true, target.is_for_tests(), &mut files)?;
        }
    }
    // A package outside the workspace, since it needs another toolchain: `cargo metadata` does not list it.
    for path in tracked.iter().filter(|path| path.starts_with(FUZZ_TARGETS)) {
        follow(&root.join(path), true, true, &mut files)?;
    }
    let is_rust = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    let findings = tracked
        .iter()
        .filter(is_rust)
        .filter(|path| !files.contains_key(&root.join(path)))
        .map(|path| Finding {
            path: path.clone(),
            line: 1,
            what: "no crate, module or test reaches this file".to_owned(),
            hint: "add a `mod` line for it, or remove it",
        })
        .collect();
    let mut files: Vec<SourceFile> = files.into_values().collect();
    for file in &mut files {
        file.path = from_root(&file.path, root);
    }
    Ok(Sources { files, findings })
}

/// Returns whether an item is only built for tests.
pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        if path.is_ident("test") {
            return true;
        }
        let Ok(list) = attribute.meta.require_list() else {
            return false;
        };
        let condition = list.tokens.to_string();
        path.is_ident("cfg") && (condition == "test" || condition.starts_with("all (test"))
    })
}

/// Reads a file and every file of the modules that it declares.
fn follow(
    path: &Path,
    is_root: bool,
    is_test: bool,
    files: &mut BTreeMap<PathBuf, SourceFile>,
) -> anyhow::Result<()> {
    match files.get_mut(path) {
        // Reached before, by a way that says as much.
        Some(known) if is_test || !known.is_test => return Ok(()),
        Some(known) => known.is_test = false,
        None => {}
    }
    let text = fs_err::read_to_string(path)?;
    let syntax = syn::parse_file(&text).with_context(|| format!("`{}`", path.display()))?;
    let mut modules = Vec::new();
    collect_modules(
        &syntax.items,
        &module_folder(path, is_root),
        is_test,
        path,
        &mut modules,
    );
    let file = SourceFile {
        path: path.to_path_buf(),
        text,
        syntax,
        is_test,
    };
    files.insert(path.to_path_buf(), file);
    for (module, is_test) in modules {
        follow(&module, false, is_test, files)?;
    }
    Ok(())
}

/// Returns the folder that holds the files of a file's modules.
fn module_folder(path: &Path, is_root: bool) -> PathBuf {
    let folder = path.parent().unwrap_or(path);
    if is_root || path.file_name().is_some_and(|name| name == "mod.rs") {
        folder.to_path_buf()
    } else {
        path.with_extension("")
    }
}

/// The files of the modules that some items declare, and whether each is only for tests.
fn collect_modules(
    items: &[Item],
    folder: &Path,
    is_test: bool,
    file: &Path,
    modules: &mut Vec<(PathBuf, bool)>,
) {
    for item in items {
        let Item::Mod(module) = item else { continue };
        let is_test = is_test || is_for_tests(&module.attrs);
        let name = module.ident.to_string();
        match &module.content {
            Some((_, items)) => {
                collect_modules(items, &folder.join(name), is_test, file, modules);
            }
            None => modules.push((module_file(module, folder, file), is_test)),
        }
    }
}

fn module_file(module: &ItemMod, folder: &Path, file: &Path) -> PathBuf {
    if let Some(path) = path_attribute(module) {
        return file.parent().unwrap_or(file).join(path);
    }
    let beside = folder.join(format!("{}.rs", module.ident));
    if beside.exists() {
        beside
    } else {
        folder.join(module.ident.to_string()).join("mod.rs")
    }
}

fn path_attribute(module: &ItemMod) -> Option<String> {
    let attribute = module
        .attrs
        .iter()
        .find(|attribute| attribute.path().is_ident("path"))?;
    match &attribute.meta.require_name_value().ok()?.value {
        syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(path),
            ..
        }) => Some(path.value()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(source: &str) -> Vec<Attribute> {
        syn::parse_str::<ItemMod>(&format!("{source} mod a;"))
            .unwrap()
            .attrs
    }

    #[test]
    fn test_only_items_are_recognised() {
        assert!(is_for_tests(&attributes("#[cfg(test)]")));
        assert!(is_for_tests(&attributes("#[cfg(all(test, unix))]")));
        assert!(!is_for_tests(&attributes("#[cfg(not(test))]")));
        assert!(!is_for_tests(&attributes("#[cfg(unix)]")));
        assert!(!is_for_tests(&attributes("#[expect(missing_docs)]")));
    }

    #[test]
    fn modules_are_followed_and_their_tests_marked() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        };
        write(
            "lib.rs",
            "mod a;\nmod inline { mod deep; }\n#[path = \"odd.rs\"]\nmod other;\n",
        );
        write("a.rs", "#[cfg(test)]\nmod tests;\n");
        write("a/tests.rs", "mod more;\n");
        write("a/tests/more.rs", "");
        write("inline/deep/mod.rs", "");
        write("odd.rs", "");
        write("orphan.rs", "");

        let mut files = BTreeMap::new();
        follow(&folder.path().join("lib.rs"), true, false, &mut files).unwrap();
        let reached: Vec<(PathBuf, bool)> = files
            .values()
            .map(|file| (from_root(&file.path, folder.path()), file.is_test))
            .collect();
        let expected = [
            ("a/tests/more.rs", true),
            ("a/tests.rs", true),
            ("a.rs", false),
            ("inline/deep/mod.rs", false),
            ("lib.rs", false),
            ("odd.rs", false),
        ];
        assert_eq!(
            reached,
            expected.map(|(path, is_test)| (PathBuf::from(path), is_test))
        );
    }
}
