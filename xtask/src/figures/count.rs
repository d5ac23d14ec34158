//! Counting one file on its syntax tree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    Attribute, Block, Expr, ExprMethodCall, FnArg, GenericParam, ImplItem, ImplItemFn, Item,
    ItemFn, ItemImpl, Meta, Signature, TraitItemFn, Type, TypeTraitObject, Visibility,
};

use crate::tidy::{SourceFile, is_for_tests};

/// What is counted in a crate.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    /// Lines without tests, and lines of tests.
    pub(super) lines: usize,
    pub(super) test_lines: usize,
    /// Lines of the files that tests read: sources, and what is expected of them.
    pub(super) case_lines: usize,
    /// Lines of snapshots, which a program wrote and a person looked at.
    pub(super) snapshot_lines: usize,
    /// Functions with `#[test]`.
    pub(super) tests: usize,
    /// The lines of each file that is not only for tests; with the tests in it.
    pub(super) files: Vec<usize>,
    pub(super) functions: Vec<Function>,
    pub(super) doc_lines: usize,
    pub(super) comment_lines: usize,
    pub(super) traits: BTreeSet<String>,
    /// How many types implement a trait of this name.
    pub(super) impls: BTreeMap<String, usize>,
    pub(super) dyn_types: usize,
    pub(super) unwraps: usize,
    pub(super) expects: usize,
    pub(super) map_errs: usize,
    /// Items with `pub`, those of them with documentation, and items with `pub(crate)` or another limit.
    pub(super) public: usize,
    pub(super) documented: usize,
    pub(super) crate_public: usize,
    /// Enums that derive `Error`.
    pub(super) error_enums: usize,
    pub(super) allows: usize,
    /// Comments with a mark that something is left to do.
    pub(super) marks: usize,
}

/// A function that is not only for tests.
#[derive(Clone, Debug)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// Where it starts, from 1.
    pub(super) line: usize,
    pub(super) lines: usize,
    pub(super) parameters: usize,
    pub(super) is_generic: bool,
    pub(super) is_async: bool,
}

impl Counts {
    /// Returns the sum of both.
    pub(super) fn plus(mut self, other: &Counts) -> Counts {
        self.lines += other.lines;
        self.test_lines += other.test_lines;
        self.case_lines += other.case_lines;
        self.snapshot_lines += other.snapshot_lines;
        self.tests += other.tests;
        self.files.extend(&other.files);
        self.functions.extend(other.functions.iter().cloned());
        self.doc_lines += other.doc_lines;
        self.comment_lines += other.comment_lines;
        self.traits.extend(other.traits.iter().cloned());
        for (name, count) in &other.impls {
            *self.impls.entry(name.clone()).or_default() += count;
        }
        self.dyn_types += other.dyn_types;
        self.unwraps += other.unwraps;
        self.expects += other.expects;
        self.map_errs += other.map_errs;
        self.public += other.public;
        self.documented += other.documented;
        self.crate_public += other.crate_public;
        self.error_enums += other.error_enums;
        self.allows += other.allows;
        self.marks += other.marks;
        self
    }
}

/// Counts a file.
pub(super) fn add(file: &SourceFile, counts: &mut Counts) {
    let lines = file.text.lines().count();
    let mut visitor = Visitor {
        path: &file.path,
        counts,
        test_lines: BTreeSet::new(),
    };
    if file.is_test {
        visitor.tests_in(&file.syntax.items);
        counts.test_lines += lines;
        return;
    }
    visitor.visit_file(&file.syntax);
    let test_lines = visitor.test_lines;
    counts.files.push(lines);
    counts.test_lines += test_lines.len();
    counts.lines += lines - test_lines.len();
    let production = file
        .text
        .lines()
        .enumerate()
        .filter(|(index, _)| !test_lines.contains(&(index + 1)));
    for (_, line) in production {
        let line = line.trim_start();
        let is_doc = line.starts_with("///") || line.starts_with("//!");
        counts.doc_lines += usize::from(is_doc);
        counts.comment_lines += usize::from(line.starts_with("//") && !is_doc);
        // Put together here so that this file has none.
        let marks = [concat!("TO", "DO"), concat!("FIX", "ME")];
        counts.marks +=
            usize::from(line.starts_with("//") && marks.iter().any(|mark| line.contains(mark)));
    }
}

/// Counts a file that is no Rust, if tests read it.
pub(super) fn add_case(path: &Path, text: &str, counts: &mut Counts) {
    let is_below = |name: &str| path.iter().any(|part| part == name);
    if path
        .extension()
        .is_some_and(|extension| extension == "snap")
    {
        counts.snapshot_lines += text.lines().count();
    } else if is_below("tests") {
        counts.case_lines += text.lines().count();
    }
}

struct Visitor<'c> {
    path: &'c Path,
    counts: &'c mut Counts,
    /// Numbers of the lines of tests, from 1.
    test_lines: BTreeSet<usize>,
}

impl Visitor<'_> {
    /// Counts the functions with `#[test]` among items that are only for tests.
    fn tests_in(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Fn(function) => {
                    let is_test = |attribute: &Attribute| attribute.path().is_ident("test");
                    self.counts.tests += usize::from(function.attrs.iter().any(is_test));
                }
                Item::Mod(module) => {
                    if let Some((_, items)) = &module.content {
                        self.tests_in(items);
                    }
                }
                _ => {}
            }
        }
    }

    fn function(&mut self, signature: &Signature, body: &Block) {
        let is_type = |parameter: &GenericParam| matches!(parameter, GenericParam::Type(_));
        let has_impl = |argument: &FnArg| match argument {
            FnArg::Typed(argument) => contains_impl(&argument.ty),
            FnArg::Receiver(_) => false,
        };
        let line = signature.span().start().line;
        self.counts.functions.push(Function {
            name: signature.ident.to_string(),
            path: self.path.to_path_buf(),
            line,
            lines: body.span().end().line + 1 - line,
            parameters: signature.inputs.len(),
            is_generic: signature.generics.params.iter().any(is_type)
                || signature.inputs.iter().any(has_impl),
            is_async: signature.asyncness.is_some(),
        });
    }

    fn item(&mut self, visibility: &Visibility, attributes: &[Attribute]) {
        match visibility {
            Visibility::Public(_) => {
                self.counts.public += 1;
                let is_doc = |attribute: &Attribute| attribute.path().is_ident("doc");
                self.counts.documented += usize::from(attributes.iter().any(is_doc));
            }
            Visibility::Restricted(_) => self.counts.crate_public += 1,
            Visibility::Inherited => {}
        }
    }
}

/// Returns whether a type of an argument is `impl Trait`, perhaps behind a reference.
fn contains_impl(ty: &Type) -> bool {
    match ty {
        Type::ImplTrait(_) => true,
        Type::Reference(reference) => contains_impl(&reference.elem),
        _ => false,
    }
}

/// Returns visibility and attributes of an item that has both.
fn visible(item: &Item) -> Option<(&Visibility, &[Attribute])> {
    match item {
        Item::Const(item) => Some((&item.vis, &item.attrs)),
        Item::Enum(item) => Some((&item.vis, &item.attrs)),
        Item::Fn(item) => Some((&item.vis, &item.attrs)),
        Item::Static(item) => Some((&item.vis, &item.attrs)),
        Item::Struct(item) => Some((&item.vis, &item.attrs)),
        Item::Trait(item) => Some((&item.vis, &item.attrs)),
        Item::Type(item) => Some((&item.vis, &item.attrs)),
        _ => None,
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        other => visible(other).map_or(&[], |(_, attributes)| attributes),
    }
}

/// Returns whether `#[derive(...)]` names `Error`.
fn derives_error(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("derive") => {
            let tokens = list.tokens.to_string();
            let mut names = tokens.split(',');
            names.any(|name| {
                name.rsplit("::")
                    .next()
                    .is_some_and(|name| name.trim() == "Error")
            })
        }
        _ => false,
    })
}

impl<'ast> Visit<'ast> for Visitor<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if is_for_tests(attributes(item)) {
            let span = item.span();
            self.test_lines.extend(span.start().line..=span.end().line);
            self.tests_in(std::slice::from_ref(item));
            return;
        }
        if let Some((visibility, attributes)) = visible(item) {
            self.item(visibility, attributes);
        }
        match item {
            Item::Enum(item) if derives_error(&item.attrs) => self.counts.error_enums += 1,
            Item::Trait(item) => {
                self.counts.traits.insert(item.ident.to_string());
            }
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        if let Some((path, _)) = &item.trait_ {
            if let Some(name) = path.segments.last() {
                *self.counts.impls.entry(name.ident.to_string()).or_default() += 1;
            }
        } else {
            for item in &item.items {
                match item {
                    ImplItem::Fn(item) => self.item(&item.vis, &item.attrs),
                    ImplItem::Const(item) => self.item(&item.vis, &item.attrs),
                    _ => {}
                }
            }
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.function(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.function(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        if let Some(body) = &item.default {
            self.function(&item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        if let Expr::MethodCall(ExprMethodCall { method, .. }) = expression {
            let counts = &mut *self.counts;
            match method.to_string().as_str() {
                "unwrap" => counts.unwraps += 1,
                "expect" => counts.expects += 1,
                "map_err" => counts.map_errs += 1,
                _ => {}
            }
        }
        visit::visit_expr(self, expression);
    }

    fn visit_type_trait_object(&mut self, ty: &'ast TypeTraitObject) {
        self.counts.dyn_types += 1;
        visit::visit_type_trait_object(self, ty);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        self.counts.allows += usize::from(attribute.path().is_ident("allow"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str) -> Counts {
        let mut counts = Counts::default();
        let file = SourceFile {
            path: PathBuf::from("src/lib.rs"),
            text: text.to_owned(),
            syntax: syn::parse_file(text).unwrap(),
            is_test: false,
        };
        add(&file, &mut counts);
        counts
    }

    #[test]
    fn tests_are_counted_apart() {
        let counts = counted(
            "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn t() { x.unwrap(); }\n}\n",
        );
        assert_eq!((counts.lines, counts.test_lines, counts.tests), (2, 5, 1));
        assert_eq!((counts.functions.len(), counts.unwraps), (1, 0));
    }

    #[test]
    fn items_calls_and_comments_are_counted() {
        let counts = counted(
            "//! Doc.\n\n/// Doc.\npub trait A {}\npub struct S;\nimpl A for S {}\npub(crate) trait B {}\n\
             #[derive(Debug, thiserror::Error)]\nenum E {}\n\
             // Why.\nfn f(a: &dyn A, b: impl B) {\n    a.map_err(x).unwrap();\n}\n",
        );
        assert_eq!(
            (counts.public, counts.documented, counts.crate_public),
            (2, 1, 1)
        );
        assert_eq!(
            (
                counts.traits.len(),
                counts.impls.get("A"),
                counts.impls.get("B")
            ),
            (2, Some(&1), None)
        );
        assert_eq!(
            (counts.dyn_types, counts.map_errs, counts.unwraps),
            (1, 1, 1)
        );
        assert_eq!(
            (counts.doc_lines, counts.comment_lines, counts.error_enums),
            (2, 1, 1)
        );
        let function = &counts.functions[0];
        assert_eq!(
            (function.lines, function.parameters, function.is_generic),
            (3, 2, true)
        );
    }

    #[test]
    fn cases_and_snapshots_are_counted_apart_from_what_is_no_test() {
        let mut counts = Counts::default();
        for path in [
            "crates/a/tests/cases/one.txt",
            "crates/a/tests/snapshots/one.snap",
            "crates/a/src/snapshots/two.snap",
            "crates/a/src/table.txt",
        ] {
            add_case(Path::new(path), "1\n2\n", &mut counts);
        }
        assert_eq!((counts.case_lines, counts.snapshot_lines), (2, 4));
        assert_eq!((counts.lines, counts.test_lines), (0, 0));
    }
}
