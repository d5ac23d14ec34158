//! Constant folding: what the parser does to a node when it is complete.

use super::{NamedConstant, Node, NodeKind, Parser, Rule, Struct};
use crate::constants::ConstantId;
use crate::diagnostic::{DiagnosticCode, Failure};
use crate::interner::Qstr;
use crate::number::{BinaryOperator, Integer, Number, binary_operation};
use crate::token::Token;

/// Whether a node was replaced by a simpler one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Folded {
    Yes,
    No,
}

/// The numbers of the `math` module.
const MATH_CONSTANTS: [(&[u8], f64); 5] = [
    (b"e", std::f64::consts::E),
    (b"inf", f64::INFINITY),
    (b"nan", f64::NAN),
    (b"pi", std::f64::consts::PI),
    (b"tau", std::f64::consts::TAU),
];

impl Parser<'_, '_> {
    /// Folds `or`, `and` and `not` with operands of known truth. May lower the number of operands.
    pub(super) fn fold_logic(&mut self, rule: Rule, count: &mut usize) -> Folded {
        match rule {
            // An `or` ends at an operand that is true and drops those that are false.
            Rule::OrTest => self.fold_or_and(true, count),
            Rule::AndTest => self.fold_or_and(false, count),
            Rule::NotTest2 => match self.tree.truth(self.peek(0)) {
                Some(truth) => {
                    self.pop(1);
                    let token = if truth { Token::KwFalse } else { Token::KwTrue };
                    self.results.push(Node::token(token));
                    Folded::Yes
                }
                None => Folded::No,
            },
            _ => Folded::No,
        }
    }

    fn fold_or_and(&mut self, deciding: bool, count: &mut usize) -> Folded {
        let start = self.results.len().saturating_sub(*count);
        let mut kept = start;
        for index in start..self.results.len() {
            let Some(&operand) = self.results.get(index) else {
                break;
            };
            if let Some(place) = self.results.get_mut(kept) {
                *place = operand;
            }
            let truth = self.tree.truth(operand);
            // The last operand that is evaluated is always kept.
            let last = index + 1 == self.results.len() || truth == Some(deciding);
            if last {
                kept += 1;
                break;
            }
            kept += usize::from(truth.is_none());
        }
        self.results.truncate(kept);
        *count = kept - start;
        if *count == 1 { Folded::Yes } else { Folded::No }
    }

    /// Folds arithmetic, constant definitions and the numbers of `math`.
    pub(super) fn fold_arithmetic(&mut self, rule: Rule, count: usize) -> Result<Folded, Failure> {
        let value = match rule {
            Rule::Expr => self.fold_chain(BinaryOperator::Or, count)?,
            Rule::XorExpr => self.fold_chain(BinaryOperator::Xor, count)?,
            Rule::AndExpr => self.fold_chain(BinaryOperator::And, count)?,
            Rule::Power if self.options.rules.since_1_13 => {
                self.fold_chain(BinaryOperator::Power, count)?
            }
            Rule::ShiftExpr | Rule::ArithExpr | Rule::Term => self.fold_mixed_chain(count)?,
            Rule::Factor2 => return self.fold_unary(),
            Rule::ExprStmt => return self.define_constant(),
            Rule::AtomExprNormal => return self.fold_math(),
            _ => return Ok(Folded::No),
        };
        let Some(value) = value.filter(|value| self.folds(value)) else {
            return Ok(Folded::No);
        };
        self.pop(count);
        let node = match value {
            // The line of a folded constant is lost.
            Number::Integer(value) => self.integer_node(&value, 0)?,
            Number::Float(value) => {
                let constant = self.tree.constants.float(value)?;
                self.tree.add_constant(constant, 0)?
            }
        };
        self.results.push(node);
        Ok(Folded::Yes)
    }

    fn number(&self, node: Node) -> Option<Number> {
        match self.tree.kind(node) {
            NodeKind::SmallInteger(value) => Some(Number::Integer(Integer::Small(value))),
            NodeKind::Struct(_) => {
                let mut number = self.tree.constants.number(self.tree.constant(node)?);
                // A small integer is an object only if it was computed with big ones.
                if let Some(Number::Integer(integer)) = &mut number
                    && let Integer::Small(value) = *integer
                    && self.options.rules.keep_big_integers
                    && (self.fits_small_int(value) || !self.options.rules.wide_integers_are_objects)
                {
                    *integer = Integer::Big(integer.to_big());
                }
                number.filter(|number| self.folds(number))
            }
            _ => None,
        }
    }

    /// Returns whether a number takes part in folding for this target.
    fn folds(&self, number: &Number) -> bool {
        self.options.rules.fold_floats || matches!(number, Number::Integer(_))
    }

    /// Operands of one operator.
    fn fold_chain(
        &self,
        operator: BinaryOperator,
        count: usize,
    ) -> Result<Option<Number>, Failure> {
        let mut value = self.number(self.peek(count - 1));
        for from_top in (0..count - 1).rev() {
            let right = self.number(self.peek(from_top));
            value = self.operation(operator, value, right)?;
        }
        Ok(value)
    }

    /// Operands with operator tokens between them.
    fn fold_mixed_chain(&self, count: usize) -> Result<Option<Number>, Failure> {
        let mut value = self.number(self.peek(count - 1));
        for from_top in (1..count - 1).rev().step_by(2) {
            let right = self.number(self.peek(from_top - 1));
            let operator = match self.tree.kind(self.peek(from_top)) {
                NodeKind::Token(token) => BinaryOperator::from_token(token),
                _ => None,
            };
            let Some(operator) = operator else {
                return Ok(None);
            };
            value = self.operation(operator, value, right)?;
        }
        Ok(value)
    }

    fn operation(
        &self,
        operator: BinaryOperator,
        left: Option<Number>,
        right: Option<Number>,
    ) -> Result<Option<Number>, Failure> {
        let (Some(left), Some(right)) = (left, right) else {
            return Ok(None);
        };
        if self.options.rules.refuses_wide_shifts && operator.is_shift_too_wide(&right) {
            return Err(Failure::nowhere(DiagnosticCode::IntegerTooLarge));
        }
        Ok(binary_operation(
            operator,
            &left,
            &right,
            self.options.rules.keep_big_integers,
        ))
    }

    fn fold_unary(&mut self) -> Result<Folded, Failure> {
        let operand = self.peek(0);
        let Some(value) = self.number(operand) else {
            return Ok(Folded::No);
        };
        let NodeKind::Token(token) = self.tree.kind(self.peek(1)) else {
            return Ok(Folded::No);
        };
        let node = match (token, value) {
            (Token::OpPlus, _) => match self.tree.constant(operand) {
                // The same object with its line lost.
                Some(constant) => self.tree.add_constant(constant, 0)?,
                None => operand,
            },
            (Token::OpTilde, Number::Integer(value)) => self.integer_node(&value.inverted(), 0)?,
            (Token::OpTilde, Number::Float(_)) => return Ok(Folded::No),
            (_, Number::Integer(value)) => self.integer_node(&value.negated(), 0)?,
            (_, Number::Float(value)) => {
                let constant = self.tree.constants.float(-value)?;
                self.tree.add_constant(constant, 0)?
            }
        };
        self.pop(2);
        self.results.push(node);
        Ok(Folded::Yes)
    }

    /// Folds `math.NAME`.
    fn fold_math(&mut self) -> Result<Folded, Failure> {
        let (base, trailer) = (self.peek(1), self.peek(0));
        if base.as_id() != Some(self.known.math) || !self.options.rules.fold_floats {
            return Ok(Folded::No);
        }
        let Some(trailer) = self.tree.as_rule(trailer, Rule::TrailerPeriod) else {
            return Ok(Folded::No);
        };
        let name = self.tree.child(trailer, 0).as_id().unwrap_or(Qstr::EMPTY);
        let name = self.interner.text(name);
        let Some((_, value)) = MATH_CONSTANTS.iter().find(|(known, _)| *known == name) else {
            return Ok(Folded::No);
        };
        let constant = if value.is_nan() {
            self.tree.constants.math_nan()?
        } else {
            self.tree.constants.float(*value)?
        };
        self.pop(2);
        let node = self.tree.add_constant(constant, 0)?;
        self.results.push(node);
        Ok(Folded::Yes)
    }

    /// Folds `NAME = const(VALUE)` and `NAME: TYPE = const(VALUE)`: remembers the value, and drops the
    /// statement if the name begins with an underscore.
    fn define_constant(&mut self) -> Result<Folded, Failure> {
        let Some(name) = self.peek(1).as_id() else {
            return Ok(Folded::No);
        };
        let mut value = self.peek(0);
        if self.options.rules.typed_constants
            && let Some(annotated) = self.tree.as_rule(value, Rule::Annassign)
        {
            value = self.tree.child(annotated, 1);
        }
        let Some((call, argument)) = self.const_call(value) else {
            return Ok(Folded::No);
        };
        let any_constant = self.options.rules.any_constant;
        let accepted = if any_constant {
            self.tree.is_constant(argument)
        } else {
            self.number(argument).is_some()
        };
        if !accepted {
            return Err(Failure::in_line(
                if any_constant {
                    DiagnosticCode::NotConstant
                } else {
                    DiagnosticCode::NotInteger
                },
                self.tree.line(call),
            ));
        }
        let constant = match self.tree.kind(argument) {
            NodeKind::SmallInteger(value) => NamedConstant::SmallInteger(value),
            _ => NamedConstant::Object(self.object(argument)?),
        };
        self.named_constants.insert(name, constant);
        self.pop(1);
        if self.interner.text(name).first() == Some(&b'_') {
            self.pop(1);
            let node = self.tree.add(Rule::PassStmt, 0, &[])?;
            self.results.push(node);
            return Ok(Folded::Yes);
        }
        self.results.push(argument);
        Ok(Folded::No)
    }

    /// Returns the call `const(...)` and its argument.
    fn const_call(&self, node: Node) -> Option<(Struct, Node)> {
        let call = self.tree.as_rule(node, Rule::AtomExprNormal)?;
        if self.tree.child(call, 0).as_id() != Some(self.known.constant) {
            return None;
        }
        let arguments = self
            .tree
            .as_rule(self.tree.child(call, 1), Rule::TrailerParen)?;
        Some((call, self.tree.child(arguments, 0)))
    }

    /// Returns a tuple of constants becomes one constant, where it stands in parentheses, in an assignment,
    /// a return, a `for` or an index.
    pub(super) fn fold_tuple(
        &mut self,
        rule: Rule,
        line: u32,
        count: usize,
    ) -> Result<Folded, Failure> {
        if !self.options.rules.constant_tuples {
            return Ok(Folded::No);
        }
        let parenthesised = |from_top| self.outer_rule(from_top) == Some(Rule::AtomParen);
        match rule {
            Rule::TestlistComp if parenthesised(0) => self.build_tuple(line, count),
            Rule::TestlistComp3c if parenthesised(2) => {
                let folded = self.build_tuple(line, count)?;
                if folded == Folded::Yes {
                    // The tuple also replaces the two rules around this one.
                    self.frames.truncate(self.frames.len().saturating_sub(2));
                }
                Ok(folded)
            }
            Rule::TestlistStarExpr | Rule::Testlist | Rule::Subscriptlist => {
                self.build_tuple(line, count)
            }
            _ => Ok(Folded::No),
        }
    }

    fn build_tuple(&mut self, line: u32, count: usize) -> Result<Folded, Failure> {
        let start = self.results.len().saturating_sub(count);
        let items = self.results.get(start..).unwrap_or_default();
        if !items.iter().all(|&item| self.tree.is_constant(item)) {
            return Ok(Folded::No);
        }
        let mut objects = Vec::with_capacity(count);
        for item in self.results.split_off(start) {
            objects.push(self.object(item)?);
        }
        let constant = self.tree.constants.tuple(objects.into_iter())?;
        let node = self.tree.add_constant(constant, line)?;
        self.results.push(node);
        Ok(Folded::Yes)
    }

    /// Returns the object of a constant node.
    fn object(&mut self, node: Node) -> Result<ConstantId, Failure> {
        match self.tree.kind(node) {
            NodeKind::SmallInteger(value) => self.tree.constants.integer(&Integer::Small(value)),
            NodeKind::Text(text) => self.tree.constants.text(self.interner.text(text)),
            NodeKind::Bytes(bytes) => Ok(bytes),
            NodeKind::Token(Token::KwTrue) => self.tree.constants.boolean(true),
            NodeKind::Token(Token::KwFalse) => self.tree.constants.boolean(false),
            NodeKind::Token(Token::Ellipsis) => self.tree.constants.ellipsis(),
            NodeKind::Struct(_) => match self.tree.constant(node) {
                Some(constant) => Ok(constant),
                // `()` is the only other constant that is a rule's node.
                None => self.tree.constants.tuple(std::iter::empty()),
            },
            _ => self.tree.constants.none(),
        }
    }
}
