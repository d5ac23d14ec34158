//! Targets of assignments and deletions.

use piton_mpy::opcode::Opcode;

use super::{
    Access, Assignment, Compiler, DiagnosticCode, Instruction, Node, NodeKind, Rule, Step, Struct,
};

impl Compiler<'_> {
    /// Stores the value on the stack, or loads and stores for an augmented assignment.
    pub(super) fn assign(&mut self, target: Node, assignment: Assignment) {
        match self.tree.kind(target) {
            NodeKind::Id(name) => {
                let access = match assignment {
                    Assignment::AugmentedLoad => Access::Load,
                    Assignment::Store | Assignment::AugmentedStore => Access::Store,
                };
                self.identifier(access, name);
            }
            NodeKind::Struct(node) => self.assign_rule(node, assignment),
            _ => self.error(DiagnosticCode::CannotAssign, target),
        }
    }

    fn assign_rule(&mut self, node: Struct, assignment: Assignment) {
        let rule = self.tree.rule(node);
        if rule == Rule::AtomExprNormal {
            self.assign_trailer(node, assignment);
            return;
        }
        if assignment != Assignment::Store {
            self.error(DiagnosticCode::CannotAssign, node.into());
            return;
        }
        let inner = self.tree.child(node, 0);
        let items = self.tree.as_rule(inner, Rule::TestlistComp);
        match (rule, items) {
            (Rule::TestlistStarExpr | Rule::Exprlist, _) => self.assign_items(node),
            (Rule::AtomParen | Rule::AtomBracket, Some(items)) => {
                if self.is_comprehension(items) {
                    self.error(DiagnosticCode::CannotAssign, items.into());
                } else {
                    self.assign_items(items);
                }
            }
            // `[]` has no items, `[a]` has one.
            (Rule::AtomBracket, None) if inner.is_null() => {
                self.emit(Instruction::Number(Opcode::UNPACK_SEQUENCE, 0));
            }
            (Rule::AtomBracket, None) => self.assign_items(node),
            _ => self.error(DiagnosticCode::CannotAssign, node.into()),
        }
    }

    /// Unpacks the value into the children of a node.
    fn assign_items(&mut self, node: Struct) {
        let count = self.tree.count(node);
        let plan = self.plan();
        let mut starred = None;
        for index in 0..count {
            let target = self.tree.child(node, index);
            if !self.tree.is_rule(target, Rule::StarExpr) {
                continue;
            }
            if starred.is_some() {
                self.push_error(DiagnosticCode::SeveralStarredTargets, target);
                self.commit(plan);
                return;
            }
            starred = Some(index);
            self.push_unpack_ex(index, count - index - 1);
        }
        if starred.is_none() {
            self.push(Step::Emit(Instruction::Number(
                Opcode::UNPACK_SEQUENCE,
                count,
            )));
        }
        for index in 0..count {
            let target = self.tree.child(node, index);
            let target = match self.tree.as_rule(target, Rule::StarExpr) {
                Some(star) => self.tree.child(star, 0),
                None => target,
            };
            self.push(Step::Assign(target, Assignment::Store));
        }
        self.commit(plan);
    }

    /// Schedules an assignment to so many targets on either side of a starred one.
    fn push_unpack_ex(&mut self, left: u32, right: u32) {
        // The numbers share the operand. In the official compiler they run into each other from 256 on, and the board
        // unpacks something else.
        if left > 0xff || right > 0xff {
            self.push_limit(DiagnosticCode::TooManyTargets);
            return;
        }
        let operand = left | right << 8;
        self.push(Step::Emit(Instruction::Number(Opcode::UNPACK_EX, operand)));
    }

    /// Returns the trailers of an attribute or index target: those to evaluate and the last one.
    fn split_trailers(&self, node: Struct) -> (Option<Struct>, Option<Struct>) {
        let trailer = self.tree.child(node, 1);
        match self.tree.as_rule(trailer, Rule::AtomExprTrailers) {
            Some(trailers) => {
                let last = self.tree.count(trailers).saturating_sub(1);
                (Some(trailers), self.tree.child(trailers, last).as_struct())
            }
            None => (None, trailer.as_struct()),
        }
    }

    /// Evaluates what stands before the last trailer.
    fn push_trailer_base(&mut self, node: Struct, trailers: Option<Struct>) {
        self.push(Step::Node(self.tree.child(node, 0)));
        if let Some(trailers) = trailers {
            for index in 0..self.tree.count(trailers).saturating_sub(1) {
                self.push(Step::Node(self.tree.child(trailers, index)));
            }
        }
    }

    /// Schedules `base.name` or `base[index]` as a target.
    fn assign_trailer(&mut self, node: Struct, assignment: Assignment) {
        let (trailers, last) = self.split_trailers(node);
        let plan = self.plan();
        if assignment != Assignment::AugmentedStore {
            self.push_trailer_base(node, trailers);
        }
        let child = last.map_or(Node::NULL, |last| self.tree.child(last, 0));
        match last.map(|last| self.tree.rule(last)) {
            Some(Rule::TrailerBracket) => self.push_index_target(child, assignment),
            Some(Rule::TrailerPeriod) => self.push_attribute_target(child, assignment),
            _ => self.push_error(DiagnosticCode::CannotAssign, node.into()),
        }
        self.commit(plan);
    }

    fn push_index_target(&mut self, index: Node, assignment: Assignment) {
        match assignment {
            Assignment::Store => {
                self.push(Step::Node(index));
                self.push_plain(Opcode::STORE_SUBSCR);
            }
            Assignment::AugmentedLoad => {
                self.push(Step::Node(index));
                self.push_plain(Opcode::DUP_TOP_TWO);
                self.push_plain(Opcode::LOAD_SUBSCR);
            }
            Assignment::AugmentedStore => {
                self.push_plain(Opcode::ROT_THREE);
                self.push_plain(Opcode::STORE_SUBSCR);
            }
        }
    }

    fn push_attribute_target(&mut self, name: Node, assignment: Assignment) {
        let Some(name) = name.as_id() else { return };
        match assignment {
            Assignment::Store => {}
            Assignment::AugmentedLoad => {
                self.push_plain(Opcode::DUP_TOP);
                self.push(Step::Name(Opcode::LOAD_ATTR, name));
                return;
            }
            Assignment::AugmentedStore => self.push_plain(Opcode::ROT_TWO),
        }
        self.push(Step::Name(Opcode::STORE_ATTR, name));
    }

    pub(super) fn delete(&mut self, target: Node) {
        match self.tree.kind(target) {
            NodeKind::Id(name) => self.identifier(Access::Delete, name),
            NodeKind::Struct(node) => match self.tree.rule(node) {
                Rule::AtomExprNormal => self.delete_trailer(node),
                Rule::AtomParen => self.delete_items(self.tree.child(node, 0)),
                _ => self.error(DiagnosticCode::CannotDelete, target),
            },
            _ => self.error(DiagnosticCode::CannotDelete, target),
        }
    }

    /// Deletes what stands in parentheses.
    fn delete_items(&mut self, items: Node) {
        let Some(list) = items
            .as_struct()
            .filter(|&items| !self.is_comprehension(items))
        else {
            self.error(DiagnosticCode::CannotDelete, items);
            return;
        };
        let plan = self.plan();
        self.steps
            .extend(self.tree.children(list).map(Step::Delete));
        self.commit(plan);
    }

    /// Compiles the deletion of a target.
    fn delete_trailer(&mut self, node: Struct) {
        let (trailers, last) = self.split_trailers(node);
        let plan = self.plan();
        self.push_trailer_base(node, trailers);
        let child = last.map_or(Node::NULL, |last| self.tree.child(last, 0));
        match last.map(|last| self.tree.rule(last)) {
            Some(Rule::TrailerBracket) => {
                self.push(Step::Node(child));
                self.push(Step::Emit(Instruction::DeleteSubscript));
            }
            Some(Rule::TrailerPeriod) => {
                if let Some(name) = child.as_id() {
                    self.push(Step::DeleteAttribute(name));
                }
            }
            _ => self.push_error(DiagnosticCode::CannotDelete, node.into()),
        }
        self.commit(plan);
    }
}
