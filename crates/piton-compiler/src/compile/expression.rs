//! Expressions.

use piton_mpy::opcode::Opcode;

use super::call::Callee;
use super::{
    Compiler, DiagnosticCode, Failure, Instruction, Node, NodeKind, Rule, ScopeKind, Step, Struct,
    Token, operator,
};

impl Compiler<'_> {
    /// Compiles a node of an expression's rule.
    pub(super) fn expression(&mut self, node: Struct) -> Result<(), Failure> {
        let rule = self.tree.rule(node);
        let plan = self.plan();
        match rule {
            Rule::TestlistStarExpr | Rule::Testlist | Rule::Subscriptlist => {
                self.push_children(node, Opcode::BUILD_TUPLE);
            }
            Rule::NamedexprTest => {
                let (name, value) = (self.tree.child(node, 0), self.tree.child(node, 1));
                self.push_named_expression(name, value);
            }
            Rule::TestIfExpr => self.push_if_expression(node),
            Rule::OrTest => self.push_or_and(node, Opcode::JUMP_IF_TRUE_OR_POP),
            Rule::AndTest => self.push_or_and(node, Opcode::JUMP_IF_FALSE_OR_POP),
            Rule::NotTest2 => {
                self.push(Step::Node(self.tree.child(node, 0)));
                self.push(Step::Emit(Instruction::Unary(operator::UNARY_NOT)));
            }
            Rule::Comparison => self.push_comparison(node),
            Rule::StarExpr => self.push_error(DiagnosticCode::StarredExpression, node.into()),
            Rule::Expr => self.push_operands(node, operator::OR),
            Rule::XorExpr => self.push_operands(node, operator::OR + 1),
            Rule::AndExpr => self.push_operands(node, operator::OR + 2),
            Rule::ShiftExpr | Rule::ArithExpr | Rule::Term => self.push_term(node),
            Rule::Factor2 => self.push_unary(node),
            Rule::Power => {
                self.push(Step::AllChildren(node, 0));
                self.push(Step::Emit(Instruction::Binary(operator::POWER)));
            }
            Rule::AtomExprAwait => self.push_await_expression(node),
            Rule::AtomExprNormal => self.push_atom_expression(node),
            Rule::AtomParen => self.push_parenthesised(node),
            Rule::AtomBracket => self.push_list(node),
            Rule::AtomBrace => self.push_brace(node),
            Rule::TrailerParen => {
                self.push_call(self.tree.child(node, 0), Callee::Function, 0);
            }
            Rule::TrailerBracket => {
                self.push(Step::Node(self.tree.child(node, 0)));
                self.push_plain(Opcode::LOAD_SUBSCR);
            }
            Rule::TrailerPeriod => {
                if let Some(name) = self.tree.child(node, 0).as_id() {
                    self.push(Step::Name(Opcode::LOAD_ATTR, name));
                }
            }
            Rule::Subscript2 | Rule::Subscript3 => self.push_slice(node),
            Rule::DictorsetmakerItem => {
                // The value comes before its key.
                self.push(Step::Node(self.tree.child(node, 1)));
                self.push(Step::Node(self.tree.child(node, 0)));
            }
            Rule::YieldExpr => self.push_yield_expression(node),
            Rule::ConstObject => {
                if let Some(constant) = self.tree.constant(node.into()) {
                    let index = self.tables.object(constant)?;
                    self.emit(Instruction::Object(index));
                }
            }
            // No other rule makes a node that is compiled by itself.
            _ => {}
        }
        self.commit(plan);
        Ok(())
    }

    /// Schedules all children, and an opcode with their number.
    fn push_children(&mut self, node: Struct, opcode: Opcode) {
        self.steps.extend(self.tree.children(node).map(Step::Node));
        self.push(Step::Emit(Instruction::Number(
            opcode,
            self.tree.count(node),
        )));
    }

    /// Schedules condition and second value of `value if condition else other`.
    pub(super) fn if_expression_parts(&self, node: Struct) -> (Node, Node) {
        match self.tree.child(node, 1).as_struct() {
            Some(parts) => (self.tree.child(parts, 0), self.tree.child(parts, 1)),
            None => (Node::NULL, Node::NULL),
        }
    }

    fn push_if_expression(&mut self, node: Struct) {
        let (condition, otherwise) = self.if_expression_parts(node);
        let (fail, end) = (self.new_label(), self.new_label());
        self.push(Step::Condition(condition, false, fail));
        self.push(Step::Node(self.tree.child(node, 0)));
        self.push_jump(Opcode::JUMP, end);
        self.push_label(fail);
        self.push_adjust_stack(-1);
        self.push(Step::Node(otherwise));
        self.push_label(end);
    }

    fn push_or_and(&mut self, node: Struct, opcode: Opcode) {
        let end = self.new_label();
        let count = self.tree.count(node);
        for index in 0..count {
            self.push(Step::Node(self.tree.child(node, index)));
            if index + 1 < count {
                self.push_jump(opcode, end);
            }
        }
        self.push_label(end);
    }

    fn push_comparison(&mut self, node: Struct) {
        let count = self.tree.count(node);
        self.push(Step::Node(self.tree.child(node, 0)));
        let fail = (count > 3).then(|| self.later_label());
        for index in (1..count.saturating_sub(1)).step_by(2) {
            let more = index + 2 < count;
            self.push(Step::Node(self.tree.child(node, index + 1)));
            if more {
                self.push_plain(Opcode::DUP_TOP);
                self.push_plain(Opcode::ROT_THREE);
            }
            self.push_relation(self.tree.child(node, index));
            if let Some(fail) = fail.filter(|_| more) {
                self.push_jump(Opcode::JUMP_IF_FALSE_OR_POP, fail);
            }
        }
        if let Some(fail) = fail {
            let end = self.later_label();
            self.push_jump(Opcode::JUMP, end);
            self.push_label(fail);
            self.push_adjust_stack(1);
            self.push_plain(Opcode::ROT_TWO);
            self.push_plain(Opcode::POP_TOP);
            self.push_label(end);
        }
    }

    fn push_relation(&mut self, relation: Node) {
        let (operator, negated) = match self.tree.kind(relation) {
            NodeKind::Token(Token::KwIn) => (operator::IN, false),
            NodeKind::Token(token) => (operator::LESS + token.distance(Token::OpLess), false),
            NodeKind::Struct(node) if self.tree.rule(node) == Rule::CompOpIs => {
                (operator::IS, !self.tree.child(node, 0).is_null())
            }
            _ => (operator::IN, true),
        };
        self.push(Step::Emit(if negated {
            Instruction::NegatedBinary(operator)
        } else {
            Instruction::Binary(operator)
        }));
    }

    /// Operands of one operator.
    fn push_operands(&mut self, node: Struct, operator: u8) {
        let mut operands = 0..self.tree.count(node);
        if let Some(first) = operands.next() {
            self.push(Step::Node(self.tree.child(node, first)));
        }
        for index in operands {
            self.push(Step::Node(self.tree.child(node, index)));
            self.push(Step::Emit(Instruction::Binary(operator)));
        }
    }

    /// Operands with operator tokens between them.
    fn push_term(&mut self, node: Struct) {
        self.push(Step::Node(self.tree.child(node, 0)));
        for index in (1..self.tree.count(node)).step_by(2) {
            self.push(Step::Node(self.tree.child(node, index + 1)));
            let token = self.token(self.tree.child(node, index));
            let operator = operator::LEFT_SHIFT.wrapping_add(token.distance(Token::OpDblLess));
            self.push(Step::Emit(Instruction::Binary(operator)));
        }
    }

    fn token(&self, node: Node) -> Token {
        match self.tree.kind(node) {
            NodeKind::Token(token) => token,
            _ => Token::Invalid,
        }
    }

    fn push_unary(&mut self, node: Struct) {
        self.push(Step::Node(self.tree.child(node, 1)));
        let operator = match self.token(self.tree.child(node, 0)) {
            Token::OpTilde => operator::UNARY_INVERT,
            token => operator::UNARY_POSITIVE + token.distance(Token::OpPlus),
        };
        self.push(Step::Emit(Instruction::Unary(operator)));
    }

    /// Returns whether the items of a display are a comprehension.
    pub(super) fn is_comprehension(&self, items: Struct) -> bool {
        self.tree.count(items) == 2 && self.tree.is_rule(self.tree.child(items, 1), Rule::CompFor)
    }

    fn push_parenthesised(&mut self, node: Struct) {
        match self.tree.child(node, 0).as_struct() {
            None => self.push(Step::Emit(Instruction::Number(Opcode::BUILD_TUPLE, 0))),
            Some(items) if self.is_comprehension(items) => {
                self.push(Step::Comprehension(items, ScopeKind::GeneratorExpression));
            }
            Some(items) => self.push_children(items, Opcode::BUILD_TUPLE),
        }
    }

    fn push_list(&mut self, node: Struct) {
        let content = self.tree.child(node, 0);
        let count = match self.tree.as_rule(content, Rule::TestlistComp) {
            Some(items) if self.is_comprehension(items) => {
                self.push(Step::Comprehension(items, ScopeKind::ListComprehension));
                return;
            }
            Some(items) => {
                self.push(Step::AllChildren(items, 0));
                self.tree.count(items)
            }
            None if content.is_null() => 0,
            None => {
                self.push(Step::Node(content));
                1
            }
        };
        self.push(Step::Emit(Instruction::Number(Opcode::BUILD_LIST, count)));
    }

    /// Schedules a dict or a set.
    fn push_brace(&mut self, node: Struct) {
        let content = self.tree.child(node, 0);
        if content.is_null() {
            self.push(Step::Emit(Instruction::Number(Opcode::BUILD_MAP, 0)));
        } else if self.tree.is_rule(content, Rule::DictorsetmakerItem) {
            self.push(Step::Emit(Instruction::Number(Opcode::BUILD_MAP, 1)));
            self.push(Step::Node(content));
            self.push_plain(Opcode::STORE_MAP);
        } else if let Some(items) = self.tree.as_rule(content, Rule::Dictorsetmaker) {
            self.push_brace_items(items);
        } else {
            self.push(Step::Node(content));
            self.push(Step::Emit(Instruction::Number(Opcode::BUILD_SET, 1)));
        }
    }

    fn push_brace_items(&mut self, node: Struct) {
        let (first, rest) = (self.tree.child(node, 0), self.tree.child(node, 1));
        let is_dict = self.tree.is_rule(first, Rule::DictorsetmakerItem);
        let Some(rest) = self.tree.as_rule(rest, Rule::DictorsetmakerList) else {
            let kind = if is_dict {
                ScopeKind::DictComprehension
            } else {
                ScopeKind::SetComprehension
            };
            self.push(Step::Comprehension(node, kind));
            return;
        };
        let rest = self
            .tree
            .list(self.tree.child(rest, 0), Rule::DictorsetmakerList2);
        let count = self.tree.list_length(rest) + 1;
        if is_dict {
            self.push(Step::Emit(Instruction::Number(Opcode::BUILD_MAP, count)));
        }
        for index in 0..count {
            let item = match index.checked_sub(1) {
                Some(index) => self.tree.list_item(rest, index),
                None => first,
            };
            self.push(Step::Node(item));
            if self.tree.is_rule(item, Rule::DictorsetmakerItem) != is_dict {
                let code = if is_dict {
                    DiagnosticCode::DictItemWithoutValue
                } else {
                    DiagnosticCode::SetItemWithValue
                };
                self.push_error(code, node.into());
                return;
            }
            if is_dict {
                self.push_plain(Opcode::STORE_MAP);
            }
        }
        if !is_dict {
            self.push(Step::Emit(Instruction::Number(Opcode::BUILD_SET, count)));
        }
    }

    /// Schedules a slice: missing parts are `None`, a missing step is left out.
    fn push_slice(&mut self, node: Struct) {
        let mut rest = node;
        if self.tree.rule(node) == Rule::Subscript2 {
            self.push(Step::Node(self.tree.child(node, 0)));
            if let Some(after_start) = self.tree.child(node, 1).as_struct() {
                rest = after_start;
            }
        } else {
            self.push_plain(Opcode::LOAD_CONST_NONE);
        }
        let stop = self.tree.child(rest, 0);
        let mut step = Node::NULL;
        match stop.as_struct().map(|node| (node, self.tree.rule(node))) {
            // `[?::step]`
            Some((node, Rule::Subscript3c)) => {
                self.push_plain(Opcode::LOAD_CONST_NONE);
                step = self.tree.child(node, 0);
            }
            // `[?:stop:step]`
            Some((node, Rule::Subscript3d)) => {
                self.push(Step::Node(self.tree.child(node, 0)));
                if let Some(operator) = self.tree.child(node, 1).as_struct() {
                    step = self.tree.child(operator, 0);
                }
            }
            _ if stop.is_null() => self.push_plain(Opcode::LOAD_CONST_NONE),
            _ => self.push(Step::Node(stop)),
        }
        if step.is_null() {
            self.push(Step::Emit(Instruction::Number(Opcode::BUILD_SLICE, 2)));
        } else {
            self.push(Step::Node(step));
            self.push(Step::Emit(Instruction::Number(Opcode::BUILD_SLICE, 3)));
        }
    }
}
