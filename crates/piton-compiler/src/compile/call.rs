//! Calls and the trailers of an expression.

use piton_mpy::opcode::Opcode;

use super::{
    Access, Compiler, DiagnosticCode, Failure, Instruction, Node, Qstr, Rule, ScopeKind, Step,
    Struct,
};
use crate::scope::Parameter;

/// What has been seen of a call's arguments.
#[derive(Clone, Copy, Debug, Default)]
struct Arguments {
    positional: u32,
    keyword: u32,
    /// Bits of the arguments that are `*value`.
    stars: u64,
    double_star: bool,
    /// Up to MicroPython 1.18: the values of `*value` and `**value`, which come last.
    last: [Option<Node>; 2],
}

/// What is called. A method's object is on the stack before its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Callee {
    Function,
    Method,
}

impl Callee {
    /// Returns the opcode of a call, with `*` or `**` arguments if it is `starred`.
    fn call(self, starred: bool) -> Opcode {
        match (self, starred) {
            (Callee::Function, false) => Opcode::CALL_FUNCTION,
            (Callee::Function, true) => Opcode::CALL_FUNCTION_VAR_KW,
            (Callee::Method, false) => Opcode::CALL_METHOD,
            (Callee::Method, true) => Opcode::CALL_METHOD_VAR_KW,
        }
    }
}

impl Compiler<'_> {
    /// Schedules an expression with trailers. For `await` there may be none.
    pub(super) fn push_atom_expression(&mut self, node: Struct) {
        let (subject, trailer) = (self.tree.child(node, 0), self.tree.child(node, 1));
        self.push(Step::Node(subject));
        if trailer.is_null() {
            return;
        }
        if self.scope().kind == ScopeKind::Function
            && subject.as_id() == Some(self.known.super_)
            && self.is_empty_call(self.trailer(node, 0))
        {
            self.push(Step::Super(node));
        } else {
            self.push_trailers(node, 0);
        }
    }

    fn is_empty_call(&self, trailer: Node) -> bool {
        let call = self.tree.as_rule(trailer, Rule::TrailerParen);
        call.is_some_and(|call| self.tree.child(call, 0).is_null())
    }

    /// Returns trailer number `index` of an expression, null if there are fewer.
    fn trailer(&self, node: Struct, index: u32) -> Node {
        let trailers = self
            .tree
            .list(self.tree.child(node, 1), Rule::AtomExprTrailers);
        self.tree.list_item(trailers, index)
    }

    /// Schedules the trailers from number `first` on.
    fn push_trailers(&mut self, node: Struct, first: u32) {
        let trailers = self
            .tree
            .list(self.tree.child(node, 1), Rule::AtomExprTrailers);
        let count = self.tree.list_length(trailers);
        let mut index = first;
        while index < count {
            let trailer = self.tree.list_item(trailers, index);
            let next = self.tree.list_item(trailers, index + 1);
            if !self.push_method_call(Opcode::LOAD_METHOD, trailer, next) {
                self.push(Step::Node(trailer));
                index += 1;
                continue;
            }
            index += 2;
        }
    }

    /// Schedules `.name(...)` without a bound method. Returns false if the trailers are something else.
    fn push_method_call(&mut self, load: Opcode, period: Node, call: Node) -> bool {
        let period = self.tree.as_rule(period, Rule::TrailerPeriod);
        let call = self.tree.as_rule(call, Rule::TrailerParen);
        let (Some(period), Some(call)) = (period, call) else {
            return false;
        };
        let name = self.tree.child(period, 0).as_id().unwrap_or(Qstr::EMPTY);
        self.push(Step::Name(load, name));
        self.push_call(self.tree.child(call, 0), Callee::Method, 0);
        true
    }

    /// Compiles `super()` in a function: it takes the class and the first parameter.
    pub(super) fn super_call(&mut self, node: Struct) -> Result<(), Failure> {
        self.identifier(Access::Load, self.known.class);
        if !self
            .scope()
            .ids
            .iter()
            .any(|id| id.parameter != Parameter::None)
        {
            self.error(DiagnosticCode::SuperWithoutSelf, self.trailer(node, 0));
            return Ok(());
        }
        self.emit(Instruction::FirstParameter);
        let plan = self.plan();
        let (period, call) = (self.trailer(node, 1), self.trailer(node, 2));
        if self.push_method_call(Opcode::LOAD_SUPER_METHOD, period, call) {
            self.push_trailers(node, 3);
        } else {
            self.push(Step::Emit(Instruction::Number(Opcode::CALL_FUNCTION, 2)));
            self.push_trailers(node, 1);
        }
        self.commit(plan);
        Ok(())
    }

    /// Schedules the arguments and the call itself. So many `extra` positional arguments are on the stack already.
    pub(super) fn push_call(&mut self, arguments: Node, callee: Callee, extra: u32) {
        let list = self.tree.list(arguments, Rule::Arglist);
        let mut seen = Arguments {
            positional: extra,
            ..Arguments::default()
        };
        for index in 0..self.tree.list_length(list) {
            let argument = self.tree.list_item(list, index);
            if let Err(code) = self.push_argument(argument, index, &mut seen) {
                self.push_error(code, argument);
                return;
            }
        }
        let starred = seen.stars != 0 || seen.double_star || seen.last != [None, None];
        if starred && !self.rules.many_stars {
            for value in seen.last {
                match value {
                    Some(value) => self.push(Step::Node(value)),
                    None => self.push_plain(Opcode::LOAD_NULL),
                }
            }
        } else if starred {
            let stars = self.small_integer(seen.stars.cast_signed());
            self.push(Step::Emit(stars));
        }
        // The numbers share the operand. In the official compiler they run into each other from 256 on, and
        // the board takes the wrong values from its stack.
        if seen.positional > 0xff || seen.keyword > 0xff {
            self.push_limit(DiagnosticCode::TooManyArguments);
            return;
        }
        let operand = seen.keyword << 8 | seen.positional;
        self.push(Step::Emit(Instruction::Number(
            callee.call(starred),
            operand,
        )));
        if starred && !self.rules.many_stars {
            // The call takes two values in place of the bits of the stars.
            self.push_adjust_stack(-1);
        }
    }

    fn push_argument(
        &mut self,
        argument: Node,
        index: u32,
        seen: &mut Arguments,
    ) -> Result<(), DiagnosticCode> {
        let rule = argument
            .as_struct()
            .map(|node| (node, self.tree.rule(node)));
        match rule {
            Some((node, rule @ (Rule::ArglistStar | Rule::ArglistDblStar)))
                if !self.rules.many_stars =>
            {
                let [star, double_star] = &mut seen.last;
                let (place, code) = match rule {
                    Rule::ArglistStar => (star, DiagnosticCode::SeveralStars),
                    _ => (double_star, DiagnosticCode::SeveralDoubleStars),
                };
                if place.replace(self.tree.child(node, 0)).is_some() {
                    return Err(code);
                }
            }
            Some((node, Rule::ArglistStar)) => {
                self.check_star(index, seen)?;
                seen.stars |= 1_u64.wrapping_shl(index);
                self.push(Step::Node(self.tree.child(node, 0)));
                seen.positional += 1;
            }
            Some((node, Rule::ArglistDblStar)) => {
                seen.double_star = true;
                // A keyword argument without a name.
                self.push_plain(Opcode::LOAD_NULL);
                self.push(Step::Node(self.tree.child(node, 0)));
                seen.keyword += 1;
            }
            Some((node, Rule::Argument)) => self.push_special_argument(node, seen)?,
            _ => {
                if seen.last != [None, None] {
                    return Err(DiagnosticCode::PositionalAfterStar);
                }
                if seen.keyword > 0 && !self.rules.many_stars {
                    return Err(DiagnosticCode::PositionalAfterName);
                }
                if seen.double_star {
                    return Err(DiagnosticCode::PositionalAfterDoubleStar);
                }
                if seen.keyword > 0 {
                    return Err(DiagnosticCode::PositionalAfterKeyword);
                }
                self.push(Step::Node(argument));
                seen.positional += 1;
            }
        }
        Ok(())
    }

    fn check_star(&self, index: u32, seen: &Arguments) -> Result<(), DiagnosticCode> {
        if seen.double_star {
            return Err(DiagnosticCode::StarAfterDoubleStar);
        }
        if seen.keyword > 0 && self.rules.no_star_after_keyword {
            return Err(DiagnosticCode::StarAfterKeyword);
        }
        // The bits must fit into a small integer.
        let limit = u64::from(self.options.small_int_bits).wrapping_sub(1);
        if u64::from(index) >= limit {
            return Err(DiagnosticCode::StarTooFarBack);
        }
        Ok(())
    }

    /// Schedules `name=value`, `name := value` or a generator expression.
    fn push_special_argument(
        &mut self,
        node: Struct,
        seen: &mut Arguments,
    ) -> Result<(), DiagnosticCode> {
        let (name, value) = (self.tree.child(node, 0), self.tree.child(node, 1));
        if let Some(assigned) = self.tree.as_rule(value, Rule::Argument3) {
            self.push_named_expression(name, self.tree.child(assigned, 0));
            seen.positional += 1;
        } else if self.tree.is_rule(value, Rule::CompFor) {
            self.push(Step::Comprehension(node, ScopeKind::GeneratorExpression));
            seen.positional += 1;
        } else {
            let name = name.as_id().ok_or(DiagnosticCode::KeywordNotName)?;
            self.push(Step::Name(Opcode::LOAD_CONST_STRING, name));
            self.push(Step::Node(value));
            seen.keyword += 1;
        }
        Ok(())
    }
}
