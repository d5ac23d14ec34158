//! What can be assigned to, and the words for what cannot.

use super::super::ast::{Constant, Expression, ExpressionKind};
use super::{Parsed, Parser};

/// Returns CPython's name of an expression in "cannot assign to ...".
pub(super) fn description(expression: &Expression) -> &'static str {
    match &expression.kind {
        ExpressionKind::Constant(Constant::None) => "None",
        ExpressionKind::Constant(Constant::Bool(true)) => "True",
        ExpressionKind::Constant(Constant::Bool(false)) => "False",
        ExpressionKind::Constant(Constant::Ellipsis) => "ellipsis",
        ExpressionKind::Constant(_) => "literal",
        ExpressionKind::Format(_) => "f-string expression",
        ExpressionKind::Set(_) => "set display",
        ExpressionKind::Dict(_) => "dict literal",
        ExpressionKind::Unary(..)
        | ExpressionKind::Binary(..)
        | ExpressionKind::And(..)
        | ExpressionKind::Or(..) => "expression",
        ExpressionKind::Compare(..) => "comparison",
        ExpressionKind::Call(..) => "function call",
        ExpressionKind::Conditional(_) => "conditional expression",
        ExpressionKind::Lambda(_) => "lambda",
        ExpressionKind::Comprehension(comprehension) => match comprehension.kind {
            super::super::ast::ComprehensionKind::List => "list comprehension",
            super::super::ast::ComprehensionKind::Set => "set comprehension",
            super::super::ast::ComprehensionKind::Dict => "dict comprehension",
            super::super::ast::ComprehensionKind::Generator => "generator expression",
        },
        ExpressionKind::Named(..) => "named expression",
        ExpressionKind::Unsupported("yield") => "yield expression",
        ExpressionKind::Unsupported("await") => "await expression",
        ExpressionKind::Name(_) => "name",
        ExpressionKind::Attribute(..) => "attribute",
        ExpressionKind::Subscript(..) => "subscript",
        ExpressionKind::Tuple(_) => "tuple",
        ExpressionKind::List(_) => "list",
        ExpressionKind::Starred(_) => "starred",
        ExpressionKind::Slice(..) | ExpressionKind::Unsupported(_) => "expression",
    }
}

/// Returns the part of `target` that cannot be assigned to.
fn bad_part(target: &Expression) -> Option<&Expression> {
    match &target.kind {
        ExpressionKind::Name(_) | ExpressionKind::Attribute(..) | ExpressionKind::Subscript(..) => {
            None
        }
        ExpressionKind::Tuple(items) | ExpressionKind::List(items) => {
            items.iter().find_map(bad_part)
        }
        ExpressionKind::Starred(inner) => bad_part(inner),
        _ => Some(target),
    }
}

impl Parser {
    pub(super) fn check_target(&self, target: &Expression) -> Parsed<()> {
        let Some(bad) = bad_part(target) else {
            if matches!(target.kind, ExpressionKind::Starred(_)) {
                return Err(self.error(
                    "starred assignment target must be in a list or tuple",
                    target.line,
                ));
            }
            return Ok(());
        };
        let what = description(bad);
        let whole = std::ptr::eq(bad, target);
        let message = if whole && what == "yield expression" {
            "assignment to yield expression not possible".to_owned()
        } else if whole && !matches!(what, "None" | "True" | "False" | "generator expression") {
            format!("cannot assign to {what} here. Maybe you meant '==' instead of '='?")
        } else {
            format!("cannot assign to {what}")
        };
        Err(self.error(&message, bad.line))
    }

    /// Checks the target of `for`, `with` and comprehensions.
    pub(super) fn check_plain_target(&self, target: &Expression) -> Parsed<()> {
        match bad_part(target) {
            Some(bad) => {
                Err(self.error(&format!("cannot assign to {}", description(bad)), bad.line))
            }
            None => Ok(()),
        }
    }

    pub(super) fn check_augmented(&self, target: &Expression) -> Parsed<()> {
        match target.kind {
            ExpressionKind::Name(_)
            | ExpressionKind::Attribute(..)
            | ExpressionKind::Subscript(..) => Ok(()),
            _ => {
                let message = format!(
                    "'{}' is an illegal expression for augmented assignment",
                    description(target)
                );
                Err(self.error(&message, target.line))
            }
        }
    }

    pub(super) fn check_delete(&self, target: &Expression) -> Parsed<()> {
        let bad = match &target.kind {
            ExpressionKind::Starred(_) => Some(target),
            _ => bad_part(target),
        };
        match bad {
            Some(bad) => Err(self.error(&format!("cannot delete {}", description(bad)), bad.line)),
            None => Ok(()),
        }
    }

    /// Binds the names of a target.
    pub(super) fn bind_target(&mut self, target: &Expression) {
        match &target.kind {
            ExpressionKind::Name(name) => self.bind(&name.clone()),
            ExpressionKind::Tuple(items) | ExpressionKind::List(items) => {
                for item in items {
                    self.bind_target(item);
                }
            }
            ExpressionKind::Starred(inner) => self.bind_target(inner),
            _ => {}
        }
    }
}
