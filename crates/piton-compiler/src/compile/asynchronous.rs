//! `async` statements and `await`.

use piton_mpy::opcode::Opcode;
use piton_mpy::prelude::{FLAG_ASYNC, FLAG_GENERATOR};

use super::{
    Access, Assignment, Compiler, DiagnosticCode, Failure, Instruction, Label, Node, Qstr, Rule,
    ScopeKind, Step, Struct, operator,
};

impl Compiler<'_> {
    pub(super) fn async_statement(&mut self, node: Struct) -> Result<(), Failure> {
        let Some(inner) = self.tree.child(node, 0).as_struct() else {
            return Ok(());
        };
        if self.tree.rule(inner) == Rule::Funcdef {
            return self.async_function_definition(inner);
        }
        if self.rules.async_checked && self.scope().flags & FLAG_GENERATOR == 0 {
            self.error(DiagnosticCode::AsyncOutsideAsync, inner.into());
        } else if self.tree.rule(inner) == Rule::ForStmt {
            self.async_for(inner)?;
        } else {
            self.async_with(inner);
        }
        Ok(())
    }

    /// Waits for the value on the stack as `yield from` does.
    pub(super) fn push_yield_from(&mut self) {
        self.push_plain(Opcode::GET_ITER);
        self.push_plain(Opcode::LOAD_CONST_NONE);
        self.push_plain(Opcode::YIELD_FROM);
    }

    /// Waits for the operand of `await` on the stack. CircuitPython asks it for `__await__`, but does
    /// not do so for the methods that `async for` and `async with` call.
    fn push_await(&mut self) {
        if self.rules.async_flag {
            self.push(Step::Name(Opcode::LOAD_METHOD, self.known.await_method));
            self.push(Step::Emit(Instruction::Number(Opcode::CALL_METHOD, 0)));
            self.push_plain(Opcode::LOAD_CONST_NONE);
            self.push_plain(Opcode::YIELD_FROM);
        } else {
            self.push_yield_from();
        }
    }

    fn push_await_method(&mut self, method: Qstr) {
        self.push(Step::Name(Opcode::LOAD_METHOD, method));
        self.push(Step::Emit(Instruction::Number(Opcode::CALL_METHOD, 0)));
        self.push_yield_from();
    }

    fn async_for(&mut self, node: Struct) -> Result<(), Failure> {
        let [target, iterable, body, otherwise] =
            [0, 1, 2, 3].map(|index| self.tree.child(node, index));
        let [finished, exception, got_item, other] = [(); 4].map(|()| self.new_label());
        let known = self.known;
        let variable = self.iterator_variable(iterable)?;
        let plan = self.plan();
        self.push(Step::Node(iterable));
        self.push(Step::Name(Opcode::LOAD_METHOD, known.aiter));
        self.push(Step::Emit(Instruction::Number(Opcode::CALL_METHOD, 0)));
        if !self.rules.since_1_13 {
            // The method could be a coroutine.
            self.push_yield_from();
        }
        if let Some(variable) = variable {
            self.push(Step::Identifier(Access::Store, variable));
        }
        let (break_label, continue_label) = (self.later_label(), self.later_label());
        self.enter_loop(false, break_label, continue_label);
        self.push_label(continue_label);
        self.push(Step::OpenBlock(Opcode::SETUP_EXCEPT, exception));
        match variable {
            Some(variable) => self.push(Step::Identifier(Access::Load, variable)),
            None => self.push_plain(Opcode::DUP_TOP),
        }
        self.push_await_method(known.anext);
        self.push(Step::Assign(target, Assignment::Store));
        self.push(Step::Emit(Instruction::LeaveExcept(got_item, false)));

        self.push_label(exception);
        self.push(Step::Emit(Instruction::StartHandlers));
        self.push_exception_match(known.stop_async_iteration, other);
        self.push_plain(Opcode::POP_TOP);
        self.push(Step::Emit(Instruction::LeaveExcept(finished, true)));
        self.push_label(other);
        self.push_adjust_stack(1);
        self.push(Step::CloseBlock);
        self.push(Step::Emit(Instruction::EndHandlers));

        self.push_label(got_item);
        self.push(Step::Node(body));
        self.push_jump(Opcode::JUMP, continue_label);
        self.push(Step::LeaveLoop);
        self.push_label(finished);
        self.push(Step::Node(otherwise));
        self.push_label(break_label);
        if variable.is_none() {
            self.push_plain(Opcode::POP_TOP);
        }
        self.commit(plan);
        Ok(())
    }

    /// Returns the variable that keeps the iterator of `async for` up to MicroPython 1.20: if the iterable is a name, that
    /// one, else one that no source can name.
    fn iterator_variable(&mut self, iterable: Node) -> Result<Option<Qstr>, Failure> {
        if self.rules.async_for_on_stack {
            return Ok(None);
        }
        let variable = match iterable.as_id() {
            Some(name) => name,
            None => {
                let number = self.code.labels.to_le_bytes();
                self.interner
                    .intern(&[b"\0".as_slice(), &number].concat())?
            }
        };
        Ok(Some(variable))
    }

    /// Jumps unless the exception on the stack is one of a global type.
    fn push_exception_match(&mut self, exception_type: Qstr, unless: Label) {
        self.push_plain(Opcode::DUP_TOP);
        self.push(Step::Name(Opcode::LOAD_GLOBAL, exception_type));
        self.push(Step::Emit(Instruction::Binary(operator::EXCEPTION_MATCH)));
        self.push_jump(Opcode::POP_JUMP_IF_FALSE, unless);
    }

    fn async_with(&mut self, node: Struct) {
        let (items, body) = (self.tree.child(node, 0), self.tree.child(node, 1));
        let items = self.tree.list(items, Rule::WithStmtList);
        let plan = self.plan();
        let mut exits = Vec::new();
        for index in 0..self.tree.list_length(items) {
            let (value, target) = self.with_item(self.tree.list_item(items, index));
            let labels @ [finally, ..] = [(); 4].map(|()| self.later_label());
            exits.push(labels);
            self.push(Step::Node(value));
            self.push_plain(Opcode::DUP_TOP);
            self.push_await_method(self.known.aenter);
            self.push_with_target(target);
            self.push(Step::OpenBlock(Opcode::SETUP_FINALLY, finally));
            self.push_adjust_stack(3);
        }
        self.push(Step::Node(body));
        for labels in exits.into_iter().rev() {
            self.push_async_exit(labels);
        }
        self.commit(plan);
    }

    /// Schedules the end of an `async with` block. It can be reached in three ways: normally, with an exception
    /// on the stack, or with a value and a number on it for a return or a jump.
    fn push_async_exit(&mut self, [finally, no_exception, unwinding, end]: [Label; 4]) {
        let known = self.known;
        self.push_adjust_stack(-3);
        let is_native = self.is_native() && self.rules.native.finally_keeps_value;
        if is_native {
            // The place of what bytecode has there for a return.
            self.push_adjust_stack(1);
            self.push_plain(Opcode::ROT_TWO);
        }
        self.push_plain(Opcode::LOAD_CONST_NONE);
        self.push_plain(Opcode::ROT_TWO);
        self.push_jump(Opcode::JUMP, no_exception);
        if is_native {
            self.push_adjust_stack(-1);
            self.push_label(finally);
            // The name enters the table all the same.
            self.push(Step::UseName(known.base_exception));
            self.push(Step::Emit(Instruction::JumpUnlessException(unwinding)));
        } else {
            self.push_label(finally);
            self.push_exception_match(known.base_exception, unwinding);
        }
        for opcode in [Opcode::DUP_TOP, Opcode::ROT_THREE, Opcode::ROT_TWO] {
            self.push_plain(opcode);
        }
        self.push(Step::Name(Opcode::LOAD_METHOD, known.aexit));
        for opcode in [Opcode::ROT_THREE, Opcode::ROT_THREE, Opcode::DUP_TOP] {
            self.push_plain(opcode);
        }
        self.push(Step::Name(Opcode::LOAD_ATTR, known.class));
        self.push_plain(Opcode::ROT_TWO);
        self.push_plain(Opcode::LOAD_CONST_NONE);
        self.push(Step::Emit(Instruction::Number(Opcode::CALL_METHOD, 3)));
        self.push_yield_from();
        self.push_jump(Opcode::POP_JUMP_IF_FALSE, end);
        self.push_plain(Opcode::POP_TOP);
        self.push_plain(Opcode::LOAD_CONST_NONE);
        self.push_jump(Opcode::JUMP, end);
        self.push_adjust_stack(2);

        self.push_label(unwinding);
        self.push_plain(Opcode::ROT_THREE);
        self.push_plain(Opcode::ROT_THREE);
        self.push_label(no_exception);
        self.push(Step::Name(Opcode::LOAD_METHOD, known.aexit));
        for opcode in [Opcode::LOAD_CONST_NONE, Opcode::DUP_TOP, Opcode::DUP_TOP] {
            self.push_plain(opcode);
        }
        self.push(Step::Emit(Instruction::Number(Opcode::CALL_METHOD, 3)));
        self.push_yield_from();
        self.push_plain(Opcode::POP_TOP);
        self.push_adjust_stack(-1);
        self.push_label(end);
        self.push(Step::CloseBlock);
    }

    pub(super) fn push_await_expression(&mut self, node: Struct) {
        if !matches!(self.scope().kind, ScopeKind::Function | ScopeKind::Lambda) {
            self.push_error(DiagnosticCode::AwaitOutsideFunction, node.into());
            return;
        }
        self.push_atom_expression(node);
        self.push_await();
    }

    pub(super) fn push_yield_expression(&mut self, node: Struct) {
        if !matches!(self.scope().kind, ScopeKind::Function | ScopeKind::Lambda) {
            self.push_error(DiagnosticCode::YieldOutsideFunction, node.into());
            return;
        }
        let value = self.tree.child(node, 0);
        if let Some(from) = self.tree.as_rule(value, Rule::YieldArgFrom) {
            if self.scope().flags & FLAG_ASYNC != 0 {
                // Only CircuitPython's functions have the flag.
                self.push_error(DiagnosticCode::YieldFromInAsync, from.into());
                return;
            }
            self.push(Step::Node(self.tree.child(from, 0)));
            self.push_yield_from();
            return;
        }
        if value.is_null() {
            self.push_plain(Opcode::LOAD_CONST_NONE);
        } else {
            self.push(Step::Node(value));
        }
        self.push_plain(Opcode::YIELD_VALUE);
    }
}
