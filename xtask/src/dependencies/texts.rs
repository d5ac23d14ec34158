//! `THIRD-PARTY-LICENSES`: the license texts of the packages whose code is part of the program.
//!
//! The texts are those in the packages. Where a package leaves the choice, its MIT license is taken if it has one; a
//! package that has no text at all gets that of the Apache license, the Mozilla Public License or the BSD license without conditions, if
//! it may be used under it, or the MIT license with the notice in its sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, ensure};

use super::expression::is_allowed;
use crate::metadata::LockedPackage;

/// Name of the file, from the root.
pub(crate) const FILE: &str = "THIRD-PARTY-LICENSES";

/// How the names of license files begin, in capitals.
const STARTS: [&str; 6] = [
    "LICENSE",
    "LICENCE",
    "COPYING",
    "COPYRIGHT",
    "NOTICE",
    "UNLICENSE",
];

/// Licenses whose text is the same for all packages, with words of it.
const COMMON: [(&str, [&str; 2]); 3] = [
    // Without the condition that the ISC license has in the same sentence.
    (
        "0BSD",
        [
            "Permission to use, copy, modify, and/or distribute this software for any",
            "with or without fee is hereby granted.",
        ],
    ),
    (
        "Apache-2.0",
        ["Apache License", "Version 2.0, January 2004"],
    ),
    ("MPL-2.0", ["Mozilla Public License", "Version 2.0"]),
];

/// Packages under the MIT license that have no file with its text, and the notice in their sources.
const NOTICES: [(&str, &str); 1] = [(
    "iced-x86",
    "Copyright (C) 2018-present iced project and contributors",
)];

/// The MIT license, below the notice.
const MIT: &str = "\
Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the \"Software\"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.";

/// The separator of two texts.
const RULE: &str =
    "--------------------------------------------------------------------------------";

/// Returns the file's content: the same for the same packages.
/// Errors: a package without a text.
pub(crate) fn file(packages: &[LockedPackage]) -> anyhow::Result<String> {
    let mut users: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut without = Vec::new();
    for package in packages {
        let texts = texts_of(package)?;
        if texts.is_empty() {
            without.push(package);
        }
        for text in texts {
            users.entry(text).or_default().insert(named(package));
        }
    }
    let common: Vec<(&str, Option<String>)> = COMMON
        .iter()
        .map(|(license, words)| (*license, most_used(&users, words)))
        .collect();
    for package in without {
        let license = package.license.as_deref().unwrap_or_default();
        let may = |name: &str| is_allowed(license, &|license| license == name) == Ok(true);
        let notice = NOTICES
            .iter()
            .find(|(name, _)| package.name == *name && may("MIT"))
            .map(|(_, notice)| format!("{notice}\n\n{MIT}"));
        let text = notice.or_else(|| {
            let mut common = common.iter().filter(|(name, _)| may(name));
            common.find_map(|(_, text)| text.clone())
        });
        let text = text.with_context(|| {
            format!(
                "{} has no license file, and its license is `{license}`",
                named(package)
            )
        })?;
        users.entry(text).or_default().insert(named(package));
    }
    let mut groups: Vec<(BTreeSet<String>, String)> = users
        .into_iter()
        .map(|(text, packages)| (packages, text))
        .collect();
    groups.sort();
    let mut content =
        "The program `piton` has code of the packages below in it, under these licenses.\n\
                       Made by `cargo xtask codegen`.\n"
            .to_owned();
    for (packages, text) in groups {
        let packages: Vec<String> = packages.into_iter().collect();
        content.push_str(&format!(
            "\n{RULE}\n{}\n{RULE}\n\n{text}\n",
            packages.join("\n")
        ));
    }
    Ok(content)
}

/// Returns the text with these words that most packages have.
fn most_used(users: &BTreeMap<String, BTreeSet<String>>, words: &[&str]) -> Option<String> {
    let with_words = users
        .iter()
        .filter(|(text, _)| words.iter().all(|word| text.contains(word)));
    let most = with_words.max_by_key(|(_, packages)| packages.len());
    most.map(|(text, _)| text.clone())
}

fn named(package: &LockedPackage) -> String {
    let LockedPackage {
        name,
        version,
        license,
        ..
    } = package;
    format!(
        "{name} {version} ({})",
        license.as_deref().unwrap_or("no license")
    )
}

/// Returns the license texts of a package that are needed.
fn texts_of(package: &LockedPackage) -> anyhow::Result<Vec<String>> {
    let folder = package.manifest_path.parent().unwrap_or(Path::new(""));
    let mut names = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_text = STARTS
            .iter()
            .any(|start| name.to_uppercase().starts_with(start));
        if is_text && entry.file_type()?.is_file() {
            names.push(name);
        }
    }
    names.sort();
    ensure!(
        package.license.is_some(),
        "{} names no license",
        named(package)
    );
    let license = package.license.as_deref().unwrap_or_default();
    if is_allowed(license, &|license| license == "MIT") == Ok(true) {
        let mit: Vec<String> = names
            .iter()
            .filter(|name| name.to_uppercase().contains("MIT"))
            .cloned()
            .collect();
        if !mit.is_empty() {
            names.retain(|name| mit.contains(name) || name.to_uppercase().starts_with("NOTICE"));
        }
    }
    let texts = names.iter().map(|name| {
        let text = fs_err::read_to_string(folder.join(name))?;
        // Only whole lines differ then.
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        Ok(lines.join("\n").trim_matches('\n').to_owned())
    });
    texts.collect()
}
