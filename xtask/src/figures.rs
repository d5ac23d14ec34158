//! `cargo xtask figures`: how the source tree looks in numbers, of any checkout.
//!
//! Everything is counted on the syntax tree, tests apart: items under `#[cfg(test)]` or `#[test]`, files that only such items
//! reach, and test and benchmark targets.

mod count;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::metadata::{self, Metadata};
use crate::tidy;
use crate::workspace;
use count::{Counts, Function};

/// Packages that no user gets.
const DEVELOPMENT: [&str; 2] = ["test-programs", "xtask"];

/// A function with so many parameters, or more, is counted.
const MANY_PARAMETERS: usize = 6;

/// A function of more lines is counted: the limit of tidy.
const MANY_LINES: usize = 80;

/// Print sizes, shares and counts of a source tree
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The root of a checkout (default: this one)
    root: Option<PathBuf>,

    /// Also list the functions that are long or have many parameters
    #[arg(long)]
    list: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let root = match &args.root {
        Some(root) => fs_err::canonicalize(root)?,
        None => workspace::root().to_path_buf(),
    };
    let metadata = metadata::read(&root)?;
    let lock = fs_err::read_to_string(root.join("Cargo.lock"))?;
    let mut crates: BTreeMap<String, Counts> = BTreeMap::new();
    for file in tidy::sources(&metadata, &root)? {
        let package = package_of(&file.path);
        count::add(&file, crates.entry(package).or_default());
    }
    for path in tidy::tracked_files(&root)? {
        let is_other = path.extension().is_some_and(|extension| extension != "rs");
        // What is not text has no lines.
        if is_other && let Ok(text) = fs_err::read_to_string(root.join(&path)) {
            count::add_case(&path, &text, crates.entry(package_of(&path)).or_default());
        }
    }
    crates.retain(|_, counts| counts.lines + counts.test_lines > 0);
    let figures = Figures {
        crates: &crates,
        chain: longest_chain(&metadata).context("the workspace has no packages")?,
        packages: metadata.packages.len(),
        locked: lock.lines().filter(|line| *line == "[[package]]").count(),
    };
    print!("{figures}");
    if args.list {
        let all = figures.all();
        for function in all.functions.iter().filter(|one| is_listed(one)) {
            let Function {
                name, path, line, ..
            } = function;
            println!(
                "{:>4} lines {:>3} parameters  {name} ({}:{line})",
                function.lines,
                function.parameters,
                path.display()
            );
        }
    }
    Ok(())
}

fn is_listed(function: &Function) -> bool {
    function.lines > MANY_LINES || function.parameters >= MANY_PARAMETERS
}

/// Returns the folder of a file's package.
fn package_of(path: &Path) -> String {
    let mut parts = path
        .components()
        .map(|part| part.as_os_str().to_string_lossy());
    let first = parts.next().unwrap_or_default();
    match (&*first, parts.next()) {
        ("crates", Some(name)) => name.into_owned(),
        _ => first.into_owned(),
    }
}

/// Returns how many packages the longest chain of dependencies has, development packages apart.
fn longest_chain(metadata: &Metadata) -> Option<usize> {
    let own: BTreeSet<&str> = metadata
        .packages
        .iter()
        .map(|package| package.name.as_str())
        .filter(|name| !DEVELOPMENT.contains(name))
        .collect();
    let mut lengths: BTreeMap<&str, usize> = BTreeMap::new();
    // Each round settles the packages whose dependencies are settled.
    for _ in 0..own.len() {
        for package in metadata
            .packages
            .iter()
            .filter(|package| own.contains(&*package.name))
        {
            let needs = package
                .dependencies
                .iter()
                .filter(|needed| needed.kind.is_none() && own.contains(needed.name.as_str()));
            let below: Option<Vec<usize>> = needs
                .map(|needed| lengths.get(needed.name.as_str()).copied())
                .collect();
            if let Some(below) = below {
                lengths.insert(&package.name, 1 + below.into_iter().max().unwrap_or(0));
            }
        }
    }
    lengths.into_values().max()
}

/// The table.
struct Figures<'f> {
    crates: &'f BTreeMap<String, Counts>,
    chain: usize,
    packages: usize,
    locked: usize,
}

/// A line of the table.
type Row = (String, String);

fn row(name: impl Into<String>, value: String) -> Row {
    (name.into(), value)
}

impl Figures<'_> {
    /// Returns the sum of all crates.
    fn all(&self) -> Counts {
        self.crates.values().fold(Counts::default(), Counts::plus)
    }

    fn sizes(&self, all: &Counts) -> Vec<Row> {
        let own = self.packages.saturating_sub(DEVELOPMENT.len());
        let crates = format!(
            "{own} ({}) / {} / {}",
            self.packages, self.chain, self.locked
        );
        let (tests, lines) = (all.test_lines, all.lines);
        vec![
            row("crates (with development) / chain / locked", crates),
            row("production lines", lines.to_string()),
            row(
                "test lines : production lines",
                format!("{tests} : {lines} = {:.2}", ratio(tests, lines)),
            ),
            row("tests (`#[test]`)", all.tests.to_string()),
            row(
                "file lines: median / p90 / max",
                spread(all.files.clone(), &[50, 90, 100]),
            ),
        ]
    }

    fn functions(all: &Counts) -> Vec<Row> {
        let count = |is_counted: &dyn Fn(&Function) -> bool| {
            all.functions.iter().filter(|one| is_counted(one)).count()
        };
        let functions = all.functions.len();
        let lines = all.functions.iter().map(|function| function.lines);
        let long = count(&|one| one.lines > MANY_LINES);
        let many = count(&|one| one.parameters >= MANY_PARAMETERS);
        let almost_many = count(&|one| one.parameters >= MANY_PARAMETERS - 1);
        let generic = count(&|one| one.is_generic);
        let asynchronous = count(&|one| one.is_async);
        vec![
            row(
                "function lines: median / p90 / p99 / max",
                spread(lines.collect(), &[50, 90, 99, 100]),
            ),
            row(
                format!("functions over {MANY_LINES} lines (tidy: with reason)"),
                format!("{long} of {functions}"),
            ),
            row(
                format!("functions with {MANY_PARAMETERS} parameters or more"),
                format!(
                    "{many} ({almost_many} with {} or more)",
                    MANY_PARAMETERS - 1
                ),
            ),
            row(
                "generic / async functions",
                format!("{} / {asynchronous}", percent(generic, functions)),
            ),
        ]
    }

    fn contents(all: &Counts) -> Vec<Row> {
        let per_kloc = |count: usize| format!("{:.2}", ratio(count, all.lines) * 1000.0);
        let impls = |name: &String| all.impls.get(name).copied().unwrap_or(0);
        let few = all.traits.iter().filter(|name| impls(name) <= 1).count();
        let docs = percent(all.doc_lines, all.lines);
        let comments = percent(all.comment_lines, all.lines);
        let documented = percent(all.documented, all.public);
        let in_crate = percent(all.crate_public, all.public + all.crate_public);
        vec![
            row("doc + comment lines", format!("{docs} + {comments}")),
            row(
                "traits, of them with at most one impl",
                format!("{}, {few}", all.traits.len()),
            ),
            row("`dyn` per 1,000 lines", per_kloc(all.dyn_types)),
            row(
                "`unwrap` + `expect` per 1,000 lines",
                format!("{} + {}", per_kloc(all.unwraps), per_kloc(all.expects)),
            ),
            row(
                "public items documented; `pub(crate)` share",
                format!("{documented} of {}; {in_crate}", all.public),
            ),
            row(
                "`map_err` per 1,000 lines; error enums",
                format!("{}; {}", per_kloc(all.map_errs), all.error_enums),
            ),
            row(
                "to-do marks; `#[allow]`",
                format!("{}; {}", all.marks, all.allows),
            ),
        ]
    }
}

impl fmt::Display for Figures<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.all();
        let rows = [
            self.sizes(&all),
            Figures::functions(&all),
            Figures::contents(&all),
        ];
        for (name, value) in rows.concat() {
            writeln!(f, "{name:<44} {value}")?;
        }
        writeln!(
            f,
            "\n{:<20} {:>10} {:>7} {:>6} {:>6} {:>10} {:>9}",
            "crate", "production", "tests", "ratio", "cases", "with cases", "snapshots"
        )?;
        for (name, counts) in self.crates {
            let (lines, tests, cases) = (counts.lines, counts.test_lines, counts.case_lines);
            writeln!(
                f,
                "{name:<20} {lines:>10} {tests:>7} {:>6.2} {cases:>6} {:>10.2} {:>9}",
                ratio(tests, lines),
                ratio(tests + cases, lines),
                counts.snapshot_lines
            )?;
        }
        writeln!(
            f,
            "\ncases: lines of the other files in `tests/`, sources and what is expected of them; snapshots are in no ratio"
        )?;
        Ok(())
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn percent(part: usize, whole: usize) -> String {
    format!("{:.1}%", ratio(part, whole) * 100.0)
}

/// Returns the values below which these percentages of all values lie.
fn spread(mut values: Vec<usize>, percentages: &[usize]) -> String {
    values.sort_unstable();
    let last = values.len().saturating_sub(1);
    let at = |percentage: &usize| {
        values
            .get(last * percentage / 100)
            .copied()
            .unwrap_or(0)
            .to_string()
    };
    percentages.iter().map(at).collect::<Vec<_>>().join(" / ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_of_this_workspace_ends_in_the_program() {
        let metadata = metadata::read(workspace::root()).unwrap();
        // piton-mpy, piton-compiler, piton, piton-cli at least.
        assert!((4..=8).contains(&longest_chain(&metadata).unwrap()));
    }

    #[test]
    fn a_spread_picks_values_by_their_rank() {
        assert_eq!(
            spread((1..=101).rev().collect(), &[50, 90, 100]),
            "51 / 91 / 101"
        );
        assert_eq!(spread(Vec::new(), &[50]), "0");
    }

    #[test]
    fn files_belong_to_the_folder_of_their_package() {
        assert_eq!(package_of(Path::new("crates/piton/src/lib.rs")), "piton");
        assert_eq!(package_of(Path::new("xtask/src/main.rs")), "xtask");
    }
}
