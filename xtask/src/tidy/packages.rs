//! What the packages of others may be: the lists of `deny.toml`, and one source for all of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use toml_edit::{DocumentMut, Item, Table, Value};

use super::Finding;
use crate::dependencies::expression::is_allowed;
use crate::dependencies::{Dependencies, PLATFORMS};

/// The lists, from the root.
const RULES: &str = "deny.toml";
const LOCK: &str = "Cargo.lock";

/// The rules of `deny.toml` that are checked here.
struct Rules {
    licenses: BTreeSet<String>,
    /// Licenses that one package may have.
    exceptions: Vec<(String, String)>,
    /// Packages that nothing may depend on, and why.
    banned: Vec<(String, String)>,
    platforms: BTreeSet<String>,
}

pub(super) fn check(root: &Path, dependencies: &Dependencies) -> anyhow::Result<Vec<Finding>> {
    let rules = rules(&fs_err::read_to_string(root.join(RULES))?)?;
    let lock = fs_err::read_to_string(root.join(LOCK))?;
    let mut findings = check_lock(&lock, &rules)?;
    for package in &dependencies.all {
        let license = package.license.as_deref().unwrap_or_default();
        let may = |license: &str| {
            let exception = (package.name.clone(), license.to_owned());
            rules.licenses.contains(license) || rules.exceptions.contains(&exception)
        };
        let what = match is_allowed(license, &may) {
            Ok(true) => continue,
            Ok(false) => format!("{} has the license `{license}`", package.name),
            Err(problem) => format!("{} has the license `{license}`: {problem}", package.name),
        };
        findings.push(Finding {
            path: PathBuf::from(RULES),
            line: 1,
            what,
            hint: "do without it; or list its license there, if it may be passed on with ours",
        });
    }
    let unused = rules.exceptions.iter().filter(|(name, _)| {
        let mut all = dependencies.all.iter();
        !all.any(|package| package.name == *name)
    });
    findings.extend(unused.map(|(name, _)| Finding {
        path: PathBuf::from(RULES),
        line: 1,
        what: format!("there is an exception for {name}, and nothing depends on it"),
        hint: "remove it",
    }));
    if rules.platforms != PLATFORMS.iter().map(ToString::to_string).collect() {
        findings.push(Finding {
            path: PathBuf::from(RULES),
            line: 1,
            what: "`graph.targets` are not the platforms that licenses are looked for on"
                .to_owned(),
            hint: "see PLATFORMS of xtask's dependencies.rs",
        });
    }
    Ok(findings)
}

/// Returns whether all locked packages come from one registry, with a checksum, and none is banned.
fn check_lock(text: &str, rules: &Rules) -> anyhow::Result<Vec<Finding>> {
    let lock: DocumentMut = text.parse().context("Cargo.lock is no TOML")?;
    let packages = lock.get("package").and_then(Item::as_array_of_tables);
    let packages = packages.context("Cargo.lock locks no packages")?;
    let mut registry = None;
    let mut findings = Vec::new();
    let mut find = |what, hint| {
        findings.push(Finding {
            path: PathBuf::from(LOCK),
            line: 1,
            what,
            hint,
        });
    };
    for package in packages {
        let field = |name| package.get(name).and_then(Item::as_str);
        let name = field("name").unwrap_or_default();
        if let Some((_, reason)) = rules.banned.iter().find(|(banned, _)| banned == name) {
            find(
                format!("{name} is banned: {reason}"),
                "`cargo tree --invert` shows what brought it in",
            );
        }
        let Some(source) = field("source") else {
            continue;
        };
        let is_registry = source.starts_with("registry+");
        let is_first = *registry.get_or_insert(source) == source;
        if !is_registry || !is_first || field("checksum").is_none() {
            find(
                format!("{name} comes from `{source}`"),
                "packages come from one registry, and have a checksum",
            );
        }
    }
    Ok(findings)
}

fn rules(text: &str) -> anyhow::Result<Rules> {
    let file: DocumentMut = text.parse().context("deny.toml is no TOML")?;
    let table = |name: &str| {
        let table = file.get(name).and_then(Item::as_table);
        table.with_context(|| format!("deny.toml lacks `[{name}]`"))
    };
    let licenses = table("licenses")?;
    let mut exceptions = Vec::new();
    for exception in list(licenses, "exceptions")? {
        let (name, exception) = of_crate(exception)?;
        let allowed = exception.get("allow").and_then(Value::as_array);
        for license in allowed.context("an exception of deny.toml lacks `allow`")? {
            exceptions.push((name.clone(), text_of(license)?));
        }
    }
    let mut banned = Vec::new();
    for entry in list(table("bans")?, "deny")? {
        let (name, entry) = of_crate(entry)?;
        let reason = entry
            .get("reason")
            .context("a ban of deny.toml lacks `reason`")?;
        banned.push((name, text_of(reason)?));
    }
    let texts = |table: &Table, name: &str| -> anyhow::Result<BTreeSet<String>> {
        list(table, name)?.map(text_of).collect()
    };
    Ok(Rules {
        licenses: texts(licenses, "allow")?,
        platforms: texts(table("graph")?, "targets")?,
        exceptions,
        banned,
    })
}

fn list<'t>(table: &'t Table, name: &str) -> anyhow::Result<impl Iterator<Item = &'t Value>> {
    let list = table.get(name).and_then(Item::as_array);
    let list = list.with_context(|| format!("deny.toml lacks the list `{name}`"))?;
    Ok(list.iter())
}

fn of_crate(value: &Value) -> anyhow::Result<(String, &toml_edit::InlineTable)> {
    let table = value.as_inline_table();
    let table = table.context("an entry of deny.toml is not a table")?;
    let name = table
        .get("crate")
        .context("an entry of deny.toml lacks `crate`")?;
    Ok((text_of(name)?, table))
}

fn text_of(value: &Value) -> anyhow::Result<String> {
    let text = value
        .as_str()
        .context("a value of deny.toml is not a text")?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::LockedPackage;

    const RULES: &str = r#"
[graph]
targets = ["x86_64-unknown-linux-gnu", "aarch64-apple-darwin", "x86_64-pc-windows-msvc"]
[licenses]
allow = ["MIT"]
exceptions = [{ crate = "odd", allow = ["MPL-2.0"] }]
[bans]
deny = [{ crate = "openssl-sys", reason = "TLS is rustls" }]
"#;

    fn lock(packages: &[(&str, &str)]) -> String {
        let packages = packages.iter().map(|(name, rest)| {
            format!("[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\n{rest}\n")
        });
        packages.collect()
    }

    fn found(lock: &str, licenses: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("deny.toml"), RULES).unwrap();
        std::fs::write(folder.path().join("Cargo.lock"), lock).unwrap();
        let packages = licenses.iter().map(|(name, license)| LockedPackage {
            id: (*name).to_owned(),
            name: (*name).to_owned(),
            version: "1.0.0".to_owned(),
            license: Some((*license).to_owned()),
            manifest_path: PathBuf::new(),
            source: Some("registry+here".to_owned()),
        });
        let dependencies = Dependencies {
            all: packages.collect(),
            shipped: Vec::new(),
        };
        let findings = check(folder.path(), &dependencies).unwrap();
        findings.into_iter().map(|finding| finding.what).collect()
    }

    const HERE: &str = "source = \"registry+here\"\nchecksum = \"00\"";

    #[test]
    fn allowed_packages_are_not_reported() {
        let lock = lock(&[("ours", ""), ("a", HERE), ("odd", HERE)]);
        let licenses = [("a", "MIT OR GPL-3.0-only"), ("odd", "MPL-2.0")];
        assert!(found(&lock, &licenses).is_empty());
    }

    #[test]
    fn licenses_bans_and_sources() {
        let lock = lock(&[
            ("a", HERE),
            ("b", "source = \"registry+elsewhere\"\nchecksum = \"00\""),
            ("c", "source = \"git+https://example.org/c\""),
            ("d", "source = \"registry+here\""),
            ("openssl-sys", HERE),
        ]);
        let licenses = [("a", "GPL-3.0-only"), ("b", "MPL-2.0"), ("c", "")];
        assert_eq!(
            found(&lock, &licenses),
            [
                "b comes from `registry+elsewhere`",
                "c comes from `git+https://example.org/c`",
                "d comes from `registry+here`",
                "openssl-sys is banned: TLS is rustls",
                "a has the license `GPL-3.0-only`",
                "b has the license `MPL-2.0`",
                "c has the license ``: a license is missing",
                "there is an exception for odd, and nothing depends on it",
            ]
        );
    }
}
