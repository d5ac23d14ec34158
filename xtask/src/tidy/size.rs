//! Size is an alarm: functions over 80 lines and files over 600, tests counted apart, need a reason.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, ImplItemFn, Item, ItemFn, ItemImpl, ItemMod, Signature, TraitItemFn};

use super::Finding;
use super::modules::{SourceFile, is_for_tests};

/// Most lines of a function, from its signature to its closing brace.
const FUNCTION_LINES: usize = 80;
/// Most lines of a file.
const FILE_LINES: usize = 600;
/// A comment that starts like this allows more, for the reason that follows.
const ALLOWANCE: &str = "// tidy: ";
/// How many of the largest functions and files the table shows.
const SHOWN: usize = 8;

/// The sizes in one file, without its tests.
pub(super) struct Measure {
    path: PathBuf,
    lines: usize,
    is_allowed: bool,
    functions: Vec<Function>,
}

struct Function {
    name: String,
    /// Where it starts, from 1.
    line: usize,
    lines: usize,
    is_allowed: bool,
}

/// Measures a file. A file of tests has no size.
pub(super) fn measure(file: &SourceFile) -> Measure {
    let path = file.path.clone();
    if file.is_test {
        return Measure {
            path,
            lines: 0,
            is_allowed: false,
            functions: Vec::new(),
        };
    }
    let lines: Vec<&str> = file.text.lines().collect();
    let mut visitor = Visitor {
        lines: &lines,
        functions: Vec::new(),
        test_lines: 0,
    };
    visitor.visit_file(&file.syntax);
    let head = lines
        .iter()
        .take_while(|line| line.starts_with("//") || line.trim().is_empty());
    Measure {
        path,
        lines: lines.len().saturating_sub(visitor.test_lines),
        is_allowed: head.copied().any(is_allowance),
        functions: visitor.functions,
    }
}

/// Returns the functions of a file, and the file itself, that are too large.
pub(super) fn check(measure: &Measure) -> Vec<Finding> {
    let mut findings = Vec::new();
    if measure.lines > FILE_LINES && !measure.is_allowed {
        findings.push(Finding {
            path: measure.path.clone(),
            line: 1,
            what: format!(
                "{} lines without tests, the limit is {FILE_LINES}",
                measure.lines
            ),
            hint: "split it by subject, or give a reason at its top: `// tidy: <reason>`",
        });
    }
    for function in &measure.functions {
        if function.lines > FUNCTION_LINES && !function.is_allowed {
            let Function {
                name, line, lines, ..
            } = function;
            findings.push(Finding {
                path: measure.path.clone(),
                line: *line,
                what: format!("function `{name}` has {lines} lines, the limit is {FUNCTION_LINES}"),
                hint: "split it, or give a reason above it: `// tidy: <reason>`",
            });
        }
    }
    findings
}

/// Returns the largest functions and files.
pub(super) fn table(measures: &[Measure]) -> String {
    let mut files: Vec<&Measure> = measures.iter().collect();
    files.sort_by_key(|measure| Reverse(measure.lines));
    let mut functions: Vec<(&Path, &Function)> = measures
        .iter()
        .flat_map(|measure| {
            measure
                .functions
                .iter()
                .map(|function| (&*measure.path, function))
        })
        .collect();
    functions.sort_by_key(|(_, function)| Reverse(function.lines));

    let mut text = format!("Largest functions (limit {FUNCTION_LINES} lines)\n");
    for (path, function) in functions.iter().take(SHOWN) {
        let Function {
            name,
            line,
            lines,
            is_allowed,
        } = function;
        let note = if *is_allowed { ", allowed" } else { "" };
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "  {lines:>5}  {name} ({}:{line}){note}",
            path.display()
        );
    }
    let _ = writeln!(text, "Largest files (limit {FILE_LINES} lines)");
    for measure in files.iter().take(SHOWN) {
        let note = if measure.is_allowed { " (allowed)" } else { "" };
        let _ = writeln!(
            text,
            "  {:>5}  {}{note}",
            measure.lines,
            measure.path.display()
        );
    }
    text
}

fn is_allowance(line: &str) -> bool {
    let comment = line.trim_start().strip_prefix(ALLOWANCE);
    comment.is_some_and(|reason| !reason.trim().is_empty())
}

struct Visitor<'a> {
    lines: &'a [&'a str],
    functions: Vec<Function>,
    test_lines: usize,
}

impl Visitor<'_> {
    fn function(&mut self, attributes: &[Attribute], signature: &Signature, body: &Block) {
        let line = signature.span().start().line;
        let first = attributes
            .iter()
            .map(|attribute| attribute.span().start().line)
            .min();
        // The line above the function, its attributes and comments, and its own line.
        let head = first.unwrap_or(line).min(line).saturating_sub(1)..=line;
        self.functions.push(Function {
            name: signature.ident.to_string(),
            line,
            lines: body.span().end().line + 1 - line,
            is_allowed: self.has_allowance(head),
        });
    }

    fn has_allowance(&self, lines: RangeInclusive<usize>) -> bool {
        let mut numbers = lines.filter_map(|number| number.checked_sub(1));
        numbers.any(|index| self.lines.get(index).copied().is_some_and(is_allowance))
    }
}

impl<'ast> Visit<'ast> for Visitor<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Fn(ItemFn { attrs, .. })
            | Item::Impl(ItemImpl { attrs, .. })
            | Item::Mod(ItemMod { attrs, .. }) => attrs.as_slice(),
            _ => &[],
        };
        if is_for_tests(attributes) {
            let span = item.span();
            self.test_lines += span.end().line + 1 - span.start().line;
        } else {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.function(&item.attrs, &item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.function(&item.attrs, &item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        if let Some(body) = &item.default {
            self.function(&item.attrs, &item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(text: &str) -> Measure {
        measure(&SourceFile {
            path: PathBuf::from("src/lib.rs"),
            text: text.to_owned(),
            syntax: syn::parse_file(text).unwrap(),
            is_test: false,
        })
    }

    fn findings(text: &str) -> Vec<String> {
        let found = check(&measured(text));
        found
            .iter()
            .map(|finding| format!("{}: {}", finding.line, finding.what))
            .collect()
    }

    /// Returns a function of so many lines.
    fn function(lines: usize) -> String {
        format!("fn long() {{\n{}}}\n", "    call();\n".repeat(lines - 2))
    }

    #[test]
    fn a_function_of_80_lines_passes_and_one_of_81_fails() {
        assert_eq!(findings(&function(80)), Vec::<String>::new());
        let text = format!("//! Doc.\n\n/// Documented.\n#[inline]\n{}", function(81));
        assert_eq!(
            findings(&text),
            ["5: function `long` has 81 lines, the limit is 80"]
        );
    }

    #[test]
    fn methods_are_functions_too() {
        for text in [
            "impl A {\n@}",
            "trait A {\n@}",
            "mod a {\n@}",
            "fn f() {\n@}",
        ] {
            let found = findings(&text.replace('@', &function(81)));
            assert!(
                found.concat().contains("function `long` has 81 lines"),
                "{found:?}"
            );
        }
    }

    #[test]
    fn a_function_is_allowed_more_by_a_reason() {
        let above = format!("use a;\n// tidy: one arm per opcode\n{}", function(81));
        let between = format!(
            "/// Doc.\n// tidy: one arm per opcode\n#[inline]\n{}",
            function(81)
        );
        for text in [&above, &between] {
            assert_eq!(findings(text), Vec::<String>::new(), "{text}");
        }
        let without = format!("// tidy: \n{}", function(81));
        let elsewhere = format!("// tidy: one arm per opcode\n\n{}", function(81));
        for text in [&without, &elsewhere] {
            assert_eq!(findings(text).len(), 1, "{text}");
        }
    }

    #[test]
    fn a_file_of_600_lines_passes_and_one_of_601_fails() {
        assert_eq!(
            findings(&"const A: u8 = 1;\n".repeat(600)),
            Vec::<String>::new()
        );
        let text = "const A: u8 = 1;\n".repeat(601);
        assert_eq!(
            findings(&text),
            ["1: 601 lines without tests, the limit is 600"]
        );
        let allowed = format!("//! Doc.\n// tidy: a generated table\n{text}");
        assert_eq!(findings(&allowed), Vec::<String>::new());
    }

    #[test]
    fn tests_are_not_counted() {
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", function(601));
        let text = format!("{}{tests}", "const A: u8 = 1;\n".repeat(600));
        assert_eq!(findings(&text), Vec::<String>::new());
        assert_eq!(measured(&text).lines, 600);
    }

    #[test]
    fn the_table_starts_with_the_largest() {
        let table = table(&[measured(&function(5)), measured(&function(81))]);
        let first = table.lines().nth(1).unwrap();
        assert_eq!(first, "     81  long (src/lib.rs:1)");
    }
}
