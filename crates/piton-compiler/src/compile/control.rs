//! Conditions, `if` and loops.

use piton_mpy::opcode::Opcode;

use super::{
    Assignment, Compiler, Failure, Instruction, Label, Node, NodeKind, Rule, Step, Struct, jump_if,
    operator,
};

/// Values a `for` loop keeps on the stack.
const ITERATOR_SLOTS: i32 = 4;

/// The arguments of a `range` whose loop needs no iterator.
#[derive(Clone, Copy, Debug)]
struct Range {
    start: Node,
    end: Node,
    step: Node,
    descending: bool,
}

impl Compiler<'_> {
    /// Jumps to `label` if the truth of the condition is `jump`.
    pub(super) fn condition(&mut self, node: Node, jump: bool, label: Label) {
        if let Some(truth) = self.tree.truth(node) {
            if truth == jump {
                self.emit(Instruction::Jump(Opcode::JUMP, label));
            }
            return;
        }
        let rule = node.as_struct().map(|node| (node, self.tree.rule(node)));
        match rule {
            Some((operands, Rule::OrTest)) => self.any_condition(operands, jump, label, !jump),
            Some((operands, Rule::AndTest)) => self.any_condition(operands, jump, label, jump),
            // Up to 1.20 a tuple or generator expression is true, and not looked at.
            Some((tuple, Rule::AtomParen)) if self.rules.parentheses_are_true => {
                if self.tree.child(tuple, 0).is_null() != jump {
                    self.emit(Instruction::Jump(Opcode::JUMP, label));
                }
            }
            Some((not, Rule::NotTest2)) => {
                self.schedule([Step::Condition(self.tree.child(not, 0), !jump, label)]);
            }
            _ => self.schedule([
                Step::Node(node),
                Step::Emit(Instruction::Jump(jump_if(jump), label)),
            ]),
        }
    }

    /// Schedules `or` and `and`: either each operand decides on the jump (not `opposite`), or each but the last
    /// decides against it.
    fn any_condition(&mut self, operands: Struct, jump: bool, label: Label, opposite: bool) {
        let plan = self.plan();
        if opposite {
            let past = self.new_label();
            let last = self.tree.count(operands).saturating_sub(1);
            for index in 0..last {
                self.push(Step::Condition(
                    self.tree.child(operands, index),
                    !jump,
                    past,
                ));
            }
            self.push(Step::Condition(
                self.tree.child(operands, last),
                jump,
                label,
            ));
            self.push_label(past);
        } else {
            let condition = |operand| Step::Condition(operand, jump, label);
            self.steps
                .extend(self.tree.children(operands).map(condition));
        }
        self.commit(plan);
    }

    pub(super) fn if_statement(&mut self, node: Struct) {
        let end = self.new_label();
        let plan = self.plan();
        let [elifs, otherwise] = [2, 3].map(|index| self.tree.child(node, index));
        let alone = elifs.is_null() && otherwise.is_null();
        if !self.push_if_arm(node, end, alone) {
            let elifs = self.tree.list(elifs, Rule::IfStmtElifList);
            let decided = (0..self.tree.list_length(elifs)).any(|index| {
                let arm = self.tree.list_item(elifs, index).as_struct();
                arm.is_some_and(|arm| self.push_if_arm(arm, end, false))
            });
            if !decided {
                self.push(Step::Node(otherwise));
            }
        }
        self.push_label(end);
        self.commit(plan);
    }

    /// Schedules one condition with its body. Returns whether nothing after it is ever reached.
    fn push_if_arm(&mut self, arm: Struct, end: Label, alone: bool) -> bool {
        let (condition, body) = (self.tree.child(arm, 0), self.tree.child(arm, 1));
        let truth = self.tree.truth(condition);
        if truth == Some(false) {
            return false;
        }
        let fail = self.later_label();
        self.push(Step::Condition(condition, false, fail));
        self.push(Step::Node(body));
        if truth == Some(true) {
            return true;
        }
        if !alone {
            self.push_jump_behind(end);
        }
        self.push_label(fail);
        false
    }

    /// Schedules a jump after statements, which may end in a return.
    fn push_jump_behind(&mut self, label: Label) {
        self.push(Step::Emit(if self.rules.drop_dead_code {
            Instruction::Jump(Opcode::JUMP, label)
        } else {
            Instruction::JumpUnlessReturned(label)
        }));
    }

    pub(super) fn while_statement(&mut self, node: Struct) {
        let [condition, body, otherwise] = [0, 1, 2].map(|index| self.tree.child(node, index));
        let (break_label, continue_label) = self.new_loop(false);
        let truth = self.tree.truth(condition);
        let plan = self.plan();
        if truth != Some(false) {
            let top = self.new_label();
            if truth != Some(true) {
                self.push_jump(Opcode::JUMP, continue_label);
            }
            self.push_label(top);
            self.push(Step::Node(body));
            self.push_label(continue_label);
            self.push(Step::Condition(condition, true, top));
        }
        // `break` in the else part belongs to the loop outside.
        self.push(Step::LeaveLoop);
        self.push(Step::Node(otherwise));
        self.push_label(break_label);
        self.commit(plan);
    }

    pub(super) fn for_statement(&mut self, node: Struct) -> Result<(), Failure> {
        if let Some(range) = self.range(node)? {
            self.range_loop(node, range);
            return Ok(());
        }
        let [target, iterable, body, otherwise] =
            [0, 1, 2, 3].map(|index| self.tree.child(node, index));
        let (break_label, continue_label) = self.new_loop(true);
        let pop_label = self.new_label();
        let plan = self.plan();
        self.push(Step::Node(iterable));
        self.push_plain(Opcode::GET_ITER_STACK);
        self.push_label(continue_label);
        self.push_jump(Opcode::FOR_ITER, pop_label);
        self.push(Step::Assign(target, Assignment::Store));
        self.push(Step::Node(body));
        self.push_jump_behind(continue_label);
        self.push_label(pop_label);
        self.push_adjust_stack(-ITERATOR_SLOTS);
        self.push(Step::LeaveLoop);
        self.push(Step::Node(otherwise));
        self.push_label(break_label);
        self.commit(plan);
        Ok(())
    }

    /// Returns the arguments of `for NAME in range(...)`, if the loop can count by itself: the step must be a
    /// constant that is not zero.
    fn range(&mut self, node: Struct) -> Result<Option<Range>, Failure> {
        let (target, iterable) = (self.tree.child(node, 0), self.tree.child(node, 1));
        let call = self.tree.as_rule(iterable, Rule::AtomExprNormal);
        let arguments = call
            .filter(|_| target.as_id().is_some())
            .filter(|&call| self.tree.child(call, 0).as_id() == Some(self.known.range))
            .and_then(|call| {
                self.tree
                    .as_rule(self.tree.child(call, 1), Rule::TrailerParen)
            });
        let Some(arguments) = arguments else {
            return Ok(None);
        };
        let list = self.tree.list(self.tree.child(arguments, 0), Rule::Arglist);
        let [first, second, third] = [0, 1, 2].map(|index| self.tree.list_item(list, index));
        let one = self.tree.small_integer(1)?;
        let (start, end, step) = match self.tree.list_length(list) {
            1 => (self.tree.small_integer(0)?, first, one),
            2 => (first, second, one),
            3 => (first, second, third),
            _ => return Ok(None),
        };
        let NodeKind::SmallInteger(step_value) = self.tree.kind(step) else {
            return Ok(None);
        };
        let plain = |node: Node| {
            let rule = node.as_struct().map(|node| self.tree.rule(node));
            !matches!(
                rule,
                Some(Rule::ArglistStar | Rule::ArglistDblStar | Rule::Argument)
            )
        };
        if step_value == 0 || !plain(start) || !plain(end) {
            return Ok(None);
        }
        Ok(Some(Range {
            start,
            end,
            step,
            descending: step_value < 0,
        }))
    }

    /// Schedules a loop that counts on the stack. The end is kept there too unless it is a small integer.
    fn range_loop(&mut self, node: Struct, range: Range) {
        let [target, body, otherwise] = [0, 2, 3].map(|index| self.tree.child(node, index));
        let (break_label, continue_label) = self.new_loop(false);
        let (top, entry) = (self.new_label(), self.new_label());
        let end_on_stack = !range.end.is_small_integer();
        let plan = self.plan();
        if end_on_stack {
            self.push(Step::Node(range.end));
        }
        self.push(Step::Node(range.start));
        self.push_jump(Opcode::JUMP, entry);
        self.push_label(top);
        self.push_plain(Opcode::DUP_TOP);
        self.push(Step::Assign(target, Assignment::Store));
        self.push(Step::Node(body));
        self.push_label(continue_label);
        self.push(Step::Node(range.step));
        self.push(Step::Emit(Instruction::Binary(operator::INPLACE_ADD)));
        self.push_label(entry);
        if end_on_stack {
            self.push_plain(Opcode::DUP_TOP_TWO);
            self.push_plain(Opcode::ROT_TWO);
        } else {
            self.push_plain(Opcode::DUP_TOP);
            self.push(Step::Node(range.end));
        }
        let compare = if range.descending {
            operator::MORE
        } else {
            operator::LESS
        };
        self.push(Step::Emit(Instruction::Binary(compare)));
        self.push_jump(Opcode::POP_JUMP_IF_TRUE, top);
        self.push(Step::LeaveLoop);
        let mut end = None;
        if !otherwise.is_null() {
            // The else part can leave a loop outside, so the counter must go before it.
            self.push_range_pops(end_on_stack);
            self.push(Step::Node(otherwise));
            let label = self.later_label();
            self.push_jump(Opcode::JUMP, label);
            self.push_adjust_stack(1 + i32::from(end_on_stack));
            end = Some(label);
        }
        self.push_label(break_label);
        self.push_range_pops(end_on_stack);
        if let Some(end) = end {
            self.push_label(end);
        }
        self.commit(plan);
    }

    fn push_range_pops(&mut self, end_on_stack: bool) {
        self.push_plain(Opcode::POP_TOP);
        if end_on_stack {
            self.push_plain(Opcode::POP_TOP);
        }
    }

    /// Schedules one `for` clause of a comprehension, with its conditions and what is inside it.
    pub(super) fn comprehension_for(&mut self, clause: Struct, depth: u32) {
        let (top, end) = (self.new_label(), self.new_label());
        let plan = self.plan();
        self.push_label(top);
        self.push_jump(Opcode::FOR_ITER, end);
        self.push(Step::Assign(self.tree.child(clause, 0), Assignment::Store));
        let mut next = self.tree.child(clause, 2);
        while let Some(condition) = self.tree.as_rule(next, Rule::CompIf) {
            self.push(Step::Condition(self.tree.child(condition, 0), false, top));
            next = self.tree.child(condition, 1);
        }
        match next.as_struct() {
            Some(inner) => {
                self.push(Step::Node(self.tree.child(inner, 1)));
                self.push_plain(Opcode::GET_ITER_STACK);
                self.push(Step::ComprehensionFor(inner, depth + 1));
            }
            None => self.push_comprehension_item(depth),
        }
        self.push_jump(Opcode::JUMP, top);
        self.push_label(end);
        self.push_adjust_stack(-ITERATOR_SLOTS);
        self.commit(plan);
    }

    /// Yields an item of a generator expression, or puts one into the collection below the iterators.
    fn push_comprehension_item(&mut self, depth: u32) {
        let node = self.scope().node.as_struct();
        self.push(Step::Node(
            node.map_or(Node::NULL, |node| self.tree.child(node, 0)),
        ));
        let below = 4 * depth + 5;
        let operand = match self.scope().kind {
            super::ScopeKind::ListComprehension => below << 2,
            super::ScopeKind::DictComprehension => (below + 1) << 2 | 1,
            super::ScopeKind::SetComprehension => below << 2 | 2,
            _ => {
                self.push_plain(Opcode::YIELD_VALUE);
                self.push_plain(Opcode::POP_TOP);
                return;
            }
        };
        self.push(Step::Emit(Instruction::Number(Opcode::STORE_COMP, operand)));
    }
}
