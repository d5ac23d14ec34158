//! `freeze --size`: how large modules are, as a table, as JSON and as a picture, and what changed since another time.

use std::collections::BTreeMap;
use std::path::Path;

use piton::firmware::frozen::ModuleSize;
use piton::firmware::treemap;
use serde_json::{Value, json};

use crate::context::Context;
use crate::error::{CommandError, FirmwareError};
use crate::local_file;

fn to_json(sizes: &[ModuleSize]) -> Value {
    let modules: Vec<_> = sizes
        .iter()
        .map(|size| {
            let functions: Vec<_> = size
                .functions
                .iter()
                .map(|(name, bytes)| json!({"name": name, "bytes": bytes}))
                .collect();
            json!({
                "name": size.name, "bytes": size.total, "code": size.code, "constants": size.constants,
                "strings": size.strings, "functions": functions,
            })
        })
        .collect();
    json!({"modules": modules})
}

/// Writes the picture: a page for a name that ends in `.html`, else SVG.
pub(super) fn draw(sizes: &[ModuleSize], path: &Path) -> Result<(), CommandError> {
    let is_page = path
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("html") || end.eq_ignore_ascii_case("htm"));
    let picture = match is_page {
        true => treemap::html(sizes),
        false => treemap::svg(sizes),
    };
    local_file::write(path, picture.as_bytes())
}

/// Reads the sizes that `--size --json` printed: the bytes of each module.
pub(super) fn read(path: &str) -> Result<BTreeMap<String, u64>, CommandError> {
    let bytes = local_file::read(Path::new(path))?;
    let parsed = serde_json::from_slice::<Value>(&bytes).ok();
    let modules = parsed
        .as_ref()
        .and_then(|value| value.get("modules")?.as_array());
    let sizes: Option<BTreeMap<String, u64>> = modules.and_then(|modules| {
        let sizes = modules.iter().map(|module| {
            let name = module.get("name")?.as_str()?.to_owned();
            Some((name, module.get("bytes")?.as_u64()?))
        });
        sizes.collect()
    });
    sizes.ok_or_else(|| {
        FirmwareError::NoSizes {
            path: path.to_owned(),
        }
        .into()
    })
}

/// Returns the bytes of each module.
pub(super) fn by_name(sizes: &[ModuleSize]) -> BTreeMap<String, u64> {
    sizes
        .iter()
        .map(|size| (size.name.clone(), size.total as u64))
        .collect()
}

/// Prints which modules came, went, and changed their size.
pub(super) fn changes(
    old: &BTreeMap<String, u64>,
    new: &BTreeMap<String, u64>,
    ctx: &Context,
) -> Result<(), CommandError> {
    let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let pairs = names
        .into_iter()
        .map(|name| (name, old.get(name).copied(), new.get(name).copied()))
        .filter(|(_, old, new)| old != new);
    if ctx.ui.json() {
        let rows: Vec<_> = pairs
            .map(|(name, old, new)| json!({"name": name, "old": old, "new": new}))
            .collect();
        return ctx.ui.json_line(&json!({"changes": rows}));
    }
    let bytes = |size: Option<u64>| size.map_or_else(|| "-".to_owned(), |size| size.to_string());
    let mut lines = String::new();
    let mut change = 0;
    for (name, old, new) in pairs {
        let by = signed(new) - signed(old);
        change += by;
        lines.push_str(&format!(
            "{:>8} {:>8} {by:>+8}  {name}\n",
            bytes(old),
            bytes(new)
        ));
    }
    lines.push_str(&format!(
        "{:>8} {:>8} {change:>+8}  all\n",
        old.values().sum::<u64>(),
        new.values().sum::<u64>()
    ));
    ctx.ui.text(&lines)
}

fn signed(size: Option<u64>) -> i64 {
    size.and_then(|size| i64::try_from(size).ok()).unwrap_or(0)
}

/// Prints how large modules are, in bytes of their `.mpy` files.
pub(super) fn print(sizes: &[ModuleSize], ctx: &Context) -> Result<(), CommandError> {
    if ctx.ui.json() {
        return ctx.ui.json_line(&to_json(sizes));
    }
    let mut sorted: Vec<&ModuleSize> = sizes.iter().collect();
    sorted.sort_by_key(|size| std::cmp::Reverse(size.total));
    let width = sorted
        .iter()
        .map(|size| size.name.chars().count())
        .max()
        .unwrap_or(0)
        .max(6);
    let mut lines = format!(
        "{:width$}  {:>7}  {:>7}  {:>9}  {:>7}  largest function\n",
        "module", "bytes", "code", "constants", "strings"
    );
    for size in &sorted {
        let largest = size.functions.iter().max_by_key(|(_, bytes)| *bytes);
        let largest = largest
            .map(|(name, bytes)| format!("{name} {bytes}"))
            .unwrap_or_default();
        lines.push_str(&format!(
            "{:width$}  {:>7}  {:>7}  {:>9}  {:>7}  {largest}\n",
            size.name, size.total, size.code, size.constants, size.strings
        ));
    }
    let total: usize = sizes.iter().map(|size| size.total).sum();
    lines.push_str(&format!("{:width$}  {total:>7}\n", "all"));
    ctx.ui.text(&lines)
}
