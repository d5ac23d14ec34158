//! The first error of a scope, and how it gets its line.
//!
//! The official compiler goes on after an error until it is back in a list of statements. The innermost one around the
//! error, or the next one that is come to, gives it a line if it has none.

use super::{Compiler, DiagnosticCode, Failure, Node, Place, Step};

/// The error that the walk found.
#[derive(Debug)]
pub(super) struct CompileError {
    pub(super) code: DiagnosticCode,
    /// The words, if they are others than those of the code.
    pub(super) message: Option<String>,
    /// 0 while not known.
    pub(super) line: u32,
}

impl Compiler<'_> {
    /// Returns whether a step is taken: after an error only until something gives it a line.
    pub(super) fn goes_on(&self, step: Step) -> bool {
        match &self.error {
            None => true,
            Some(error) => error.line == 0 && !matches!(step, Step::AllChildren(_, 1..)),
        }
    }

    /// Passes by a step after an error. The innermost statement around the error gives it a
    /// line if it has none.
    pub(super) fn unwind(&mut self, step: Step) {
        if let Step::AllChildren(node, next @ 1..) = step {
            let child = self.tree.child(node, next - 1);
            self.set_error_line(child);
        }
    }

    pub(super) fn failure(&self, error: CompileError, node: Node) -> Failure {
        let line = match node.as_struct() {
            Some(node) if error.line == 0 => self.tree.line(node),
            _ => error.line,
        };
        let failure = Failure::new(error.code, Place::Scope(line, self.scope().name));
        match error.message {
            Some(message) => failure.with_message(message),
            None => failure,
        }
    }

    /// Remembers the first error.
    pub(super) fn error(&mut self, code: DiagnosticCode, node: Node) {
        if self.error.is_none() {
            self.error = Some(CompileError {
                code,
                message: None,
                line: 0,
            });
            self.set_error_line(node);
        }
    }

    pub(super) fn set_error_line(&mut self, node: Node) {
        if let (Some(error), Some(node)) = (&mut self.error, node.as_struct())
            && error.line == 0
        {
            error.line = self.tree.line(node);
        }
    }
}
