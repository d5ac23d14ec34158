//! The functions that a module defines, with what calls must give them.

use crate::Target;
use crate::diagnostic::{Diagnostic, Failure};
use crate::interner::Interner;
use crate::lexer::{Lexer, LexerOptions};
use crate::parse::{Node, NodeKind, ParserOptions, Rule, Struct, Tree, parse_file};

/// A `def` statement outside of other blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// The name that it defines.
    pub name: String,
    /// The line of the `def`, from 1.
    pub line: u32,
    /// Whether it is an `async def`.
    pub is_async: bool,
    /// Whether calls return a generator: the body has a `yield` of its own.
    pub is_generator: bool,
    /// The number of positional parameters without a default.
    pub required: usize,
    /// The number of positional parameters.
    pub positional: usize,
    /// Whether a `*args` takes further arguments.
    pub takes_more: bool,
    /// The parameters after `*` without a default: calls must give them by name.
    pub required_keywords: Vec<String>,
}

impl Function {
    /// Returns whether a call with this number of positional arguments, and no other arguments, fits.
    #[must_use]
    pub fn takes(&self, count: usize) -> bool {
        self.required_keywords.is_empty()
            && count >= self.required
            && (self.takes_more || count <= self.positional)
    }
}

/// Parses a module, and returns the functions that it defines outside of other blocks, in their order.
///
/// # Errors
/// A [`Diagnostic`] with `input_name` as name of the source, if its syntax is wrong.
pub fn functions(source: &[u8], input_name: &[u8]) -> Result<Vec<Function>, Diagnostic> {
    read(source).map_err(|failure| failure.in_source(input_name))
}

fn read(source: &[u8]) -> Result<Vec<Function>, Failure> {
    let target = Target::NEWEST;
    let lexer = Lexer::new(
        source,
        LexerOptions {
            debug: true,
            target,
        },
    )?;
    let mut interner = Interner::default();
    let options = ParserOptions {
        small_int_bits: 31,
        rules: target.rules(),
    };
    let (tree, root) = parse_file(lexer, &mut interner, options)?;
    let module = Module { tree, interner };
    Ok(module.functions(root))
}

/// A parsed module.
struct Module {
    tree: Tree,
    interner: Interner,
}

impl Module {
    fn functions(&self, root: Node) -> Vec<Function> {
        let mut functions = Vec::new();
        // The next statement is on top.
        let mut pending = vec![(root, false)];
        while let Some((node, is_async)) = pending.pop() {
            let Some(statement) = node.as_struct() else {
                continue;
            };
            match self.tree.rule(statement) {
                Rule::FileInput | Rule::FileInput2 | Rule::Decorated => {
                    let children = self.tree.children(statement).rev();
                    pending.extend(children.map(|child| (child, false)));
                }
                Rule::AsyncStmt | Rule::AsyncFuncdef => {
                    pending.push((self.tree.child(statement, 0), true));
                }
                Rule::Funcdef => functions.push(self.function(statement, is_async)),
                _ => {}
            }
        }
        functions
    }

    /// Reads a `def`: its children are name, parameters, annotation of the result, and body.
    fn function(&self, definition: Struct, is_async: bool) -> Function {
        let mut function = Function {
            name: self.name(self.tree.child(definition, 0)),
            line: self.tree.line(definition),
            is_async,
            is_generator: self.has_yield(self.tree.child(definition, 3)),
            required: 0,
            positional: 0,
            takes_more: false,
            required_keywords: Vec::new(),
        };
        let parameters = self.tree.child(definition, 1);
        let parameters = self.tree.list(parameters, Rule::Typedargslist);
        let mut is_after_star = false;
        for index in 0..self.tree.list_length(parameters) {
            let parameter = self.tree.list_item(parameters, index);
            let node = parameter.as_struct();
            match node.map(|node| (node, self.tree.rule(node))) {
                Some((star, Rule::TypedargslistStar)) => {
                    is_after_star = true;
                    function.takes_more = !self.tree.child(star, 0).is_null();
                }
                Some((_, Rule::TypedargslistDblStar)) => {}
                with_default => {
                    // `x`, or a node of the name, the annotation and the default.
                    let (name, default) = match with_default {
                        Some((node, _)) => (self.tree.child(node, 0), self.tree.child(node, 2)),
                        None => (parameter, Node::NULL),
                    };
                    match (is_after_star, default.is_null()) {
                        (true, true) => function.required_keywords.push(self.name(name)),
                        (true, false) => {}
                        (false, is_required) => {
                            function.positional += 1;
                            function.required += usize::from(is_required);
                        }
                    }
                }
            }
        }
        function
    }

    /// Adds what a statement `if` compiles to: MicroPython, other than CPython, does not look at arms that are never reached, and a
    /// `yield` there makes no generator (`compile_if_stmt`, py/compile.c).
    fn push_reached(&self, statement: Struct, pending: &mut Vec<Node>) {
        let elifs = self
            .tree
            .list(self.tree.child(statement, 2), Rule::IfStmtElifList);
        let elifs = (0..self.tree.list_length(elifs))
            .filter_map(|index| self.tree.list_item(elifs, index).as_struct());
        for arm in std::iter::once(statement).chain(elifs) {
            let condition = self.tree.child(arm, 0);
            let truth = self.tree.truth(condition);
            if truth != Some(false) {
                pending.extend([condition, self.tree.child(arm, 1)]);
            }
            if truth == Some(true) {
                return;
            }
        }
        pending.push(self.tree.child(statement, 3));
    }

    /// Returns whether a body yields. What functions and classes inside of it do is their own matter.
    fn has_yield(&self, body: Node) -> bool {
        let mut pending = vec![body];
        while let Some(node) = pending.pop() {
            let Some(node) = node.as_struct() else {
                continue;
            };
            match self.tree.rule(node) {
                Rule::YieldExpr => return true,
                Rule::Funcdef | Rule::Classdef | Rule::Lambdef | Rule::LambdefNocond => {}
                // Its child is a constant's number, not a node.
                Rule::ConstObject => {}
                Rule::IfStmt => self.push_reached(node, &mut pending),
                Rule::WhileStmt if self.tree.truth(self.tree.child(node, 0)) == Some(false) => {
                    pending.push(self.tree.child(node, 2));
                }
                _ => pending.extend(self.tree.children(node)),
            }
        }
        false
    }

    fn name(&self, node: Node) -> String {
        match self.tree.kind(node) {
            NodeKind::Id(name) => String::from_utf8_lossy(self.interner.text(name)).into_owned(),
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The only function of a source.
    #[track_caller]
    fn function(source: &str) -> Function {
        let functions = functions(source.as_bytes(), b"x.py").unwrap();
        assert_eq!(functions.len(), 1, "{functions:?}");
        functions.into_iter().next().unwrap()
    }

    #[test]
    fn functions_outside_of_blocks_are_found_in_order() {
        let source = "import a\n\n@a.b\n@c(1)\ndef one():\n  def inner(): pass\nx = 1\nasync def two(): pass\n\
                      class C:\n  def method(self): pass\nif x:\n  def maybe(): pass\n@a\nasync def three(): pass\n";
        let functions = functions(source.as_bytes(), b"").unwrap();
        let found: Vec<_> = functions
            .iter()
            .map(|function| (function.name.as_str(), function.line, function.is_async))
            .collect();
        assert_eq!(
            found,
            [("one", 5, false), ("two", 8, true), ("three", 14, true)]
        );
        for source in ["", "\n", "x = 1\n", "pass"] {
            assert_eq!(super::functions(source.as_bytes(), b"").unwrap(), []);
        }
    }

    #[test]
    fn calls_fit_by_their_number_of_arguments() {
        for (parameters, fitting) in [
            ("", "y...."),
            ("a", ".y..."),
            ("a: int", ".y..."),
            ("a=1", "yy..."),
            ("a: int = 1", "yy..."),
            ("a, b, c=1", "..yy."),
            ("a, *rest", ".yyyy"),
            ("*rest: int", "yyyyy"),
            ("**named", "y...."),
            ("a, *, b", "....."),
            ("a, *, b=1", ".y..."),
            ("a, *rest, b=(1, 2), **named", ".yyyy"),
        ] {
            let function = function(&format!("def f({parameters}): pass\n"));
            let takes = (0..5).map(|count| if function.takes(count) { 'y' } else { '.' });
            assert_eq!(takes.collect::<String>(), fitting, "{parameters}");
        }
        let function = function("def f(a, *, b, c: int, d=1): pass\n");
        assert_eq!(function.required_keywords, ["b", "c"]);
    }

    #[test]
    fn only_a_yield_of_its_own_makes_a_generator() {
        for (body, is_generator) in [
            ("yield", true),
            ("x = yield 1", true),
            ("\n  for i in range(3):\n    if i: yield i", true),
            ("yield from g()", true),
            ("return 123456789012345678901234567890", false),
            ("\n  def inner(): yield 1\n  return inner", false),
            ("return lambda: (yield)", false),
            // MicroPython leaves out what is never reached.
            ("\n  if 0: yield", false),
            ("\n  if 0: pass\n  else: yield", true),
            ("\n  if x: pass\n  elif False: yield\n  elif y: yield", true),
            ("\n  if x: pass\n  elif True: pass\n  else: yield", false),
            ("\n  while 0: yield", false),
            ("\n  while 0: pass\n  else: yield", true),
            // What follows a `return` is compiled.
            ("\n  return\n  yield", true),
        ] {
            let function = function(&format!("def f(): {body}\n"));
            assert_eq!(function.is_generator, is_generator, "{body}");
        }
    }

    #[test]
    fn a_syntax_error_has_its_line() {
        let error = functions(b"def f():\n  return 1 +\n", b"f.py").unwrap_err();
        assert_eq!(error.to_string(), "f.py:2: SyntaxError: invalid syntax");
    }
}
