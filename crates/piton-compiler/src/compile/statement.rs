//! Statements that are neither control flow nor definitions.

use piton_mpy::opcode::Opcode;

use super::{
    Access, Assignment, Compiler, DiagnosticCode, IdKind, Instruction, Node, Optimisation, Qstr,
    Rule, ScopeId, ScopeKind, Step, Struct, Token, operator,
};
use crate::scope;

impl Compiler<'_> {
    pub(super) fn expression_statement(&mut self, node: Struct) {
        let (target, value) = (self.tree.child(node, 0), self.tree.child(node, 1));
        let Some(right) = value.as_struct() else {
            if value.is_null() {
                self.lone_expression(target);
            } else {
                self.plain_assignment(target, value);
            }
            return;
        };
        match self.tree.rule(right) {
            Rule::Annassign => {
                // The annotation itself is not looked at.
                let value = self.tree.child(right, 1);
                if !value.is_null() {
                    self.plain_assignment(target, value);
                } else if self.scope().kind == ScopeKind::Function
                    && let Some(name) = target.as_id()
                {
                    self.scope_mut().ids.find_or_add(name, IdKind::Local);
                }
            }
            Rule::ExprStmtAugassign => self.augmented_assignment(target, right),
            Rule::ExprStmtAssignList => self.assignment_list(target, right),
            _ => self.plain_assignment(target, value),
        }
    }

    fn lone_expression(&mut self, expression: Node) {
        let constant = (expression.is_leaf() && expression.as_id().is_none())
            || self.tree.is_rule(expression, Rule::ConstObject);
        if !constant {
            self.schedule([
                Step::Node(expression),
                Step::Emit(Instruction::Plain(Opcode::POP_TOP)),
            ]);
        }
    }

    fn augmented_assignment(&mut self, target: Node, right: Struct) {
        let (token, value) = (self.tree.child(right, 0), self.tree.child(right, 1));
        let token = match self.tree.kind(token) {
            super::NodeKind::Token(token) => token,
            _ => Token::DelPipeEqual,
        };
        let operator = operator::INPLACE_OR + token.distance(Token::DelPipeEqual);
        self.schedule([
            Step::Assign(target, Assignment::AugmentedLoad),
            Step::Node(value),
            Step::Emit(Instruction::Binary(operator)),
            Step::Assign(target, Assignment::AugmentedStore),
        ]);
    }

    /// Schedules `a = b = value`: the leftmost target is stored first.
    fn assignment_list(&mut self, first: Node, right: Struct) {
        let last = self.tree.count(right).saturating_sub(1);
        let plan = self.plan();
        self.push(Step::Node(self.tree.child(right, last)));
        if last > 0 {
            self.push_plain(Opcode::DUP_TOP);
        }
        self.push(Step::Assign(first, Assignment::Store));
        for index in 0..last {
            if index + 1 < last {
                self.push_plain(Opcode::DUP_TOP);
            }
            self.push(Step::Assign(
                self.tree.child(right, index),
                Assignment::Store,
            ));
        }
        self.commit(plan);
    }

    fn plain_assignment(&mut self, target: Node, value: Node) {
        let tuples = (
            self.tree.as_rule(target, Rule::TestlistStarExpr),
            self.tree.as_rule(value, Rule::TestlistStarExpr),
        );
        if let (Some(targets), Some(values)) = tuples
            && self.assign_without_tuple(targets, values)
        {
            return;
        }
        self.schedule([Step::Node(value), Step::Assign(target, Assignment::Store)]);
    }

    /// Schedules `a, b = c, d`, or the same with three items, without a tuple.
    fn assign_without_tuple(&mut self, targets: Struct, values: Struct) -> bool {
        let count = self.tree.count(targets);
        let starred = |tree: &super::Tree| {
            tree.children(targets)
                .any(|target| tree.is_rule(target, Rule::StarExpr))
        };
        if count != self.tree.count(values) || !(2..=3).contains(&count) || starred(&self.tree) {
            return false;
        }
        let plan = self.plan();
        self.steps
            .extend(self.tree.children(values).map(Step::Node));
        if count == 3 {
            self.push_plain(Opcode::ROT_THREE);
        }
        self.push_plain(Opcode::ROT_TWO);
        let store = |target| Step::Assign(target, Assignment::Store);
        self.steps.extend(self.tree.children(targets).map(store));
        self.commit(plan);
        true
    }

    pub(super) fn delete_statement(&mut self, node: Struct) {
        let plan = self.plan();
        let targets = self.tree.list(self.tree.child(node, 0), Rule::Exprlist);
        for index in 0..self.tree.list_length(targets) {
            self.push(Step::Delete(self.tree.list_item(targets, index)));
        }
        self.commit(plan);
    }

    pub(super) fn break_statement(&mut self, node: Struct) {
        self.leave_loop(node, true);
    }

    pub(super) fn continue_statement(&mut self, node: Struct) {
        self.leave_loop(node, false);
    }

    fn leave_loop(&mut self, node: Struct, is_break: bool) {
        let Some(innermost) = self.loops.last().copied() else {
            self.error(DiagnosticCode::OutsideLoop, node.into());
            return;
        };
        let drops_iterator = is_break && innermost.iterates;
        let label = if is_break {
            innermost.break_label
        } else {
            innermost.continue_label
        };
        let depth = self.block_level.saturating_sub(innermost.block_level);
        if depth == 0 {
            if drops_iterator {
                self.emit(Instruction::PopIterator);
            }
            self.emit(Instruction::Jump(Opcode::JUMP, label));
        } else {
            // The number shares a byte with the flag.
            if depth > 0x7f {
                self.push_limit(DiagnosticCode::TooManyBlocks);
                return;
            }
            let flag = if drops_iterator { 0x80 } else { 0 };
            self.emit(Instruction::UnwindJump(
                flag | depth.to_le_bytes()[0],
                label,
            ));
        }
    }

    pub(super) fn return_statement(&mut self, node: Struct) {
        if self.scope().kind != ScopeKind::Function {
            self.error(DiagnosticCode::ReturnOutsideFunction, node.into());
            return;
        }
        let value = self.tree.child(node, 0);
        if value.is_null() {
            self.emit_plain(Opcode::LOAD_CONST_NONE);
            self.emit_plain(Opcode::RETURN_VALUE);
            return;
        }
        let plan = self.plan();
        if let Some(conditional) = self.tree.as_rule(value, Rule::TestIfExpr) {
            // Both arms return.
            let (condition, otherwise) = self.if_expression_parts(conditional);
            let fail = self.new_label();
            self.push(Step::Condition(condition, false, fail));
            self.push(Step::Node(self.tree.child(conditional, 0)));
            self.push_plain(Opcode::RETURN_VALUE);
            self.push_label(fail);
            self.push(Step::Node(otherwise));
        } else {
            self.push(Step::Node(value));
        }
        self.push_plain(Opcode::RETURN_VALUE);
        self.commit(plan);
    }

    pub(super) fn yield_statement(&mut self, node: Struct) {
        self.schedule([
            Step::Node(self.tree.child(node, 0)),
            Step::Emit(Instruction::Plain(Opcode::POP_TOP)),
        ]);
    }

    pub(super) fn raise_statement(&mut self, node: Struct) {
        let value = self.tree.child(node, 0);
        let plan = self.plan();
        if value.is_null() {
            self.push_plain(Opcode::RAISE_LAST);
        } else if let Some(with_cause) = self.tree.as_rule(value, Rule::RaiseStmtArg) {
            self.push(Step::Node(self.tree.child(with_cause, 0)));
            self.push(Step::Node(self.tree.child(with_cause, 1)));
            self.push_plain(Opcode::RAISE_FROM);
        } else {
            self.push(Step::Node(value));
            self.push_plain(Opcode::RAISE_OBJ);
        }
        self.commit(plan);
    }

    pub(super) fn assert_statement(&mut self, node: Struct) {
        if self.options.optimisation != Optimisation::None {
            return;
        }
        let end = self.new_label();
        let message = self.tree.child(node, 1);
        let plan = self.plan();
        self.push(Step::Condition(self.tree.child(node, 0), true, end));
        self.push(Step::Name(Opcode::LOAD_GLOBAL, self.known.assertion_error));
        if !message.is_null() {
            self.push(Step::Node(message));
            self.push(Step::Emit(Instruction::Number(Opcode::CALL_FUNCTION, 1)));
        }
        self.push_plain(Opcode::RAISE_OBJ);
        self.push_label(end);
        self.commit(plan);
    }

    pub(super) fn global_statement(&mut self, node: Struct) {
        let names = self.tree.list(self.tree.child(node, 0), Rule::NameList);
        for index in 0..self.tree.list_length(names) {
            if let Some(name) = self.tree.list_item(names, index).as_id() {
                self.scope_mut().ids.find_or_add(name, IdKind::Undecided);
                self.declare_global(node.into(), name);
            }
        }
    }

    pub(super) fn nonlocal_statement(&mut self, node: Struct) {
        if self.scope().kind == ScopeKind::Module {
            self.error(DiagnosticCode::NonlocalInModule, node.into());
            return;
        }
        let names = self.tree.list(self.tree.child(node, 0), Rule::NameList);
        for index in 0..self.tree.list_length(names) {
            if let Some(name) = self.tree.list_item(names, index).as_id() {
                self.scope_mut().ids.find_or_add(name, IdKind::Undecided);
                self.declare_nonlocal(node.into(), name);
            }
        }
    }

    /// Makes a name of the current scope a global.
    fn declare_global(&mut self, node: Node, name: Qstr) {
        let Some(id) = self.scope_mut().ids.find_mut(name) else {
            return;
        };
        if !matches!(id.kind, IdKind::Undecided | IdKind::GlobalExplicit) {
            self.error(DiagnosticCode::RedefinedAsGlobal, node);
            return;
        }
        id.kind = IdKind::GlobalExplicit;
        let module = self.scopes.get_mut(ScopeId::MODULE.index());
        if let Some(id) = module.and_then(|module| module.ids.find_mut(name)) {
            id.kind = IdKind::GlobalExplicit;
        }
    }

    /// Makes a name of the current scope one of an outer function.
    fn declare_nonlocal(&mut self, node: Node, name: Qstr) {
        let Some(id) = self.scope_mut().ids.find_mut(name) else {
            return;
        };
        match id.kind {
            IdKind::Undecided => {
                id.kind = IdKind::GlobalImplicit;
                if !scope::close_over(&mut self.scopes, self.current, name) {
                    self.error(DiagnosticCode::NoNonlocalBinding, node);
                }
            }
            IdKind::Free => {}
            _ => self.error(DiagnosticCode::RedefinedAsNonlocal, node),
        }
    }

    /// Schedules `NAME := value`, with the value's code before the store.
    pub(super) fn push_named_expression(&mut self, name: Node, value: Node) {
        if name.as_id().is_none() {
            self.push_error(DiagnosticCode::CannotAssign, name);
            return;
        }
        self.push(Step::Node(value));
        self.push_plain(Opcode::DUP_TOP);
        self.push(Step::NamedStore(name));
    }

    /// Compiles the store of `:=`. In a comprehension the name belongs to the scope around it.
    pub(super) fn named_store(&mut self, node: Node) {
        let Some(name) = node.as_id() else { return };
        if !self.rules.walrus_declares
            && self.scope().kind.is_comprehension_like()
            && let Some(outer) = self.scope().parent
            && let Some(outer) = self.scopes.get_mut(outer.index())
        {
            outer.modify(name, self.rules);
            self.emit(Instruction::StoreAround(name));
            return;
        }
        if let (true, Some(outer)) = (
            self.scope().kind.is_comprehension_like(),
            self.scope().parent,
        ) {
            self.bind_in_outer_scope(node, name, outer);
        }
        self.identifier(Access::Store, name);
    }

    fn bind_in_outer_scope(&mut self, node: Node, name: Qstr, outer: ScopeId) {
        let Some(outer) = self.scopes.get_mut(outer.index()) else {
            return;
        };
        let is_global = outer.parent.is_none();
        if outer.modify(name, self.rules) == IdKind::GlobalExplicit {
            self.scope_mut()
                .ids
                .find_or_add(name, IdKind::GlobalExplicit);
            return;
        }
        if let Some(id) = self.scope_mut().ids.find_or_add(name, IdKind::Undecided)
            && !is_global
            && id.kind == IdKind::GlobalImplicit
        {
            // Read before, so it counted as a global; now it must be closed over.
            id.kind = IdKind::Undecided;
        }
        if is_global {
            self.declare_global(node, name);
        } else {
            self.declare_nonlocal(node, name);
        }
    }

    /// Schedules an error that is reported when the steps before it are done.
    pub(super) fn push_error(&mut self, code: DiagnosticCode, node: Node) {
        self.push(Step::Error(code, node));
    }

    pub(super) fn push_limit(&mut self, code: DiagnosticCode) {
        self.push(Step::Limit(code, self.node_line));
    }
}
