//! `try` and `with`.

use piton_mpy::opcode::Opcode;

use super::{
    Access, Assignment, Compiler, DiagnosticCode, Instruction, Label, List, Node, Rule, Step,
    Struct, operator,
};

/// The state of an unwinding jump.
const UNWIND_STACK: i32 = 3;

impl Compiler<'_> {
    pub(super) fn try_statement(&mut self, node: Struct) {
        let (body, rest) = (self.tree.child(node, 0), self.tree.child(node, 1));
        let plan = self.plan();
        if let Some(finally) = self.tree.as_rule(rest, Rule::TryStmtFinally) {
            self.push_try_finally(None, body, self.tree.child(finally, 0));
        } else if let Some(more) = self.tree.as_rule(rest, Rule::TryStmtExceptAndMore) {
            let [excepts, otherwise, finally] = [0, 1, 2].map(|index| self.tree.child(more, index));
            let excepts = self.tree.list(excepts, Rule::TryStmtExceptList);
            match finally.as_struct() {
                Some(finally) => {
                    let finally = self.tree.child(finally, 0);
                    self.push_try_finally(Some((excepts, otherwise)), body, finally);
                }
                None => self.push_try_except(body, excepts, otherwise),
            }
        } else {
            let excepts = self.tree.list(rest, Rule::TryStmtExceptList);
            self.push_try_except(body, excepts, Node::NULL);
        }
        self.commit(plan);
    }

    fn push_try_finally(&mut self, excepts: Option<(List, Node)>, body: Node, finally: Node) {
        let handler = self.new_label();
        self.push(Step::OpenBlock(Opcode::SETUP_FINALLY, handler));
        match excepts {
            Some((excepts, otherwise)) => self.push_try_except(body, excepts, otherwise),
            None => {
                self.push_adjust_stack(UNWIND_STACK);
                self.push(Step::Node(body));
                self.push_adjust_stack(-UNWIND_STACK);
            }
        }
        self.push_plain(Opcode::LOAD_CONST_NONE);
        self.push_label(handler);
        // The value of a `return` can lie on the stack.
        let returned = i32::from(self.rules.room_for_return);
        self.push_adjust_stack(returned);
        self.push(Step::Node(finally));
        self.push_adjust_stack(-returned);
        self.push(Step::CloseBlock);
    }

    fn push_try_except(&mut self, body: Node, excepts: List, otherwise: Node) {
        let [handler, success] = [(); 2].map(|()| self.later_label());
        self.push(Step::OpenBlock(Opcode::SETUP_EXCEPT, handler));
        self.push(Step::Node(body));
        self.push(Step::Emit(Instruction::LeaveExcept(success, false)));
        self.push_label(handler);
        self.push(Step::Emit(Instruction::StartHandlers));
        let end = self.later_label();
        let count = self.tree.list_length(excepts);
        for index in 0..count {
            let Some(except) = self.tree.list_item(excepts, index).as_struct() else {
                continue;
            };
            if self.tree.child(except, 0).is_null() && index + 1 != count {
                self.push_error(DiagnosticCode::DefaultExceptNotLast, except.into());
                return;
            }
            self.push_except(except, end);
        }
        self.push(Step::CloseBlock);
        self.push(Step::Emit(Instruction::EndHandlers));
        self.push_label(success);
        self.push(Step::Node(otherwise));
        self.push_label(end);
    }

    fn push_except(&mut self, except: Struct, end: Label) {
        let (mut matched, body) = (self.tree.child(except, 0), self.tree.child(except, 1));
        let mut name = None;
        let next = self.later_label();
        if !matched.is_null() {
            if let Some(named) = self.tree.as_rule(matched, Rule::TryStmtAsName) {
                matched = self.tree.child(named, 0);
                name = self.tree.child(named, 1).as_id();
            }
            self.push_plain(Opcode::DUP_TOP);
            self.push(Step::Node(matched));
            self.push(Step::Emit(Instruction::Binary(operator::EXCEPTION_MATCH)));
            self.push_jump(Opcode::POP_JUMP_IF_FALSE, next);
        }
        match name {
            None => {
                self.push_plain(Opcode::POP_TOP);
                self.push(Step::Node(body));
            }
            Some(name) => {
                // The name is deleted however the body is left.
                let handler = self.later_label();
                self.push(Step::Identifier(Access::Store, name));
                self.push(Step::OpenBlock(Opcode::SETUP_FINALLY, handler));
                self.push(Step::Node(body));
                self.push_plain(Opcode::LOAD_CONST_NONE);
                self.push_label(handler);
                let returned = i32::from(self.rules.room_for_return);
                self.push_adjust_stack(returned);
                self.push_plain(Opcode::LOAD_CONST_NONE);
                self.push(Step::Identifier(Access::Store, name));
                self.push(Step::Identifier(Access::Delete, name));
                self.push_adjust_stack(-returned);
                self.push(Step::CloseBlock);
            }
        }
        self.push(Step::Emit(Instruction::LeaveExcept(end, true)));
        self.push_label(next);
        self.push_adjust_stack(1);
    }

    /// Schedules `with a as b, c: ...`: each item is a block around the next.
    pub(super) fn with_statement(&mut self, node: Struct) {
        let (items, body) = (self.tree.child(node, 0), self.tree.child(node, 1));
        let items = self.tree.list(items, Rule::WithStmtList);
        let plan = self.plan();
        let mut ends = Vec::new();
        for index in 0..self.tree.list_length(items) {
            let end = self.later_label();
            ends.push(end);
            let (value, target) = self.with_item(self.tree.list_item(items, index));
            self.push(Step::Node(value));
            self.push(Step::OpenBlock(Opcode::SETUP_WITH, end));
            self.push_with_target(target);
        }
        self.push(Step::Node(body));
        for end in ends.into_iter().rev() {
            self.push(Step::Emit(Instruction::CloseWith(end)));
            self.push(Step::CloseBlock);
        }
        self.commit(plan);
    }

    /// Returns the value of a `with` item and its target, if it has one.
    pub(super) fn with_item(&self, item: Node) -> (Node, Option<Node>) {
        match self.tree.as_rule(item, Rule::WithItem) {
            Some(item) => (self.tree.child(item, 0), Some(self.tree.child(item, 1))),
            None => (item, None),
        }
    }

    pub(super) fn push_with_target(&mut self, target: Option<Node>) {
        match target {
            Some(target) => self.push(Step::Assign(target, Assignment::Store)),
            None => self.push_plain(Opcode::POP_TOP),
        }
    }
}
