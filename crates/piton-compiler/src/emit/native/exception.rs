//! Exceptions, jumps out of their blocks, and generators.
//!
//! One handler of the runtime (`nlr_push`) is around the whole function. The frame has the address of the block that
//! handles exceptions at the moment, and the handler of the runtime jumps there.

use super::frame::word;
use super::value::ValueType;
use super::{Emitter, ITERATOR_SLOTS};
use crate::emit::Label;
use crate::machine::{Fun, Register};
use piton_syntax::diagnostic::DiagnosticCode;

/// The label of the function's end.
pub(super) const EXIT: Label = Label(0);
/// Where the handler of the runtime is set (again), in a function with blocks.
const PUSH_HANDLER: Label = Label(1);
/// The end of a function without blocks that did not set its globals: the same label.
const GLOBALS_KEPT: Label = Label(1);
/// The first instruction under the handler.
const BODY: Label = Label(2);
/// Where exceptions arrive.
const CAUGHT: Label = Label(3);

/// What a generator returns: `mp_vm_return_kind_t`.
const RETURN_NORMAL: i64 = 0;
const RETURN_EXCEPTION: i64 = 2;

/// What is done at the end of a `finally`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unwind {
    /// Nothing jumps through it.
    None,
    /// It jumps to the next `finally`.
    To(Label),
    /// It jumps to the address that was stored.
    Final,
}

/// A block that handles exceptions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) handler: Label,
    is_finally: bool,
    unwind: Unwind,
    /// Whether exceptions come here: not while one is handled.
    pub(super) is_active: bool,
}

impl Emitter<'_> {
    /// Assigns a label. Jumps can come from elsewhere, so the stack must be in memory.
    pub(super) fn label(&mut self, label: Label) {
        let block = self.blocks.last();
        let is_finally = block.is_some_and(|block| block.is_finally && block.handler == label);
        let temporary = self.description.temporaries[0];
        if is_finally {
            self.load_value(1, temporary);
            if !self.rules.native.finally_keeps_value {
                self.adjust(-1);
            }
            self.machine.store_local(self.exception_word(), temporary);
        }
        self.settle();
        self.machine.assign(label);
        if is_finally {
            self.leave_block(false);
        }
    }

    pub(super) fn jump(&mut self, label: Label) {
        self.settle();
        self.machine.jump(label);
        self.suppress();
    }

    /// Puts everything under a handler, where the function needs one.
    pub(super) fn open_handler(&mut self) {
        if !self.needs_handler() {
            return;
        }
        let (first, result) = (self.description.arguments[0], self.description.result);
        if !self.is_generator() {
            self.load_state(first, self.function_word());
            // Up to 1.18, the globals are in the place of the context.
            self.machine.load_word(first, first, word::FUN_CONTEXT);
            if !self.rules.native.function_tables {
                self.machine.load_word(first, first, word::CONTEXT_GLOBALS);
            }
            self.call(Fun::SwapGlobals);
            self.store_state(self.old_globals_word(), result);
        }
        if self.scope.exception_stack_size == 0 {
            if !self.is_generator() {
                // Nothing to undo if the globals are the caller's.
                self.machine.jump_if_zero(result, BODY, false);
            }
            self.push_handler();
            self.machine.jump_if_zero(result, BODY, true);
        } else {
            self.open_resumable_handler();
        }
        self.close_uncaught();
        self.label(BODY);
        if self.is_generator() {
            let temporary = self.description.temporaries[0];
            self.load_state(temporary, self.resume_word());
            self.machine.jump_to(temporary);
            self.carried.start_offset = self.machine.assembler().offset();
            self.raise_thrown();
        }
    }

    fn push_handler(&mut self) {
        let first = self.description.arguments[0];
        self.machine.load_local_address(first, 0);
        self.call(Fun::NlrPush);
        if self.description.needs_setjmp {
            self.machine.load_local_address(first, 2);
            self.call(Fun::Setjmp);
        }
    }

    /// Puts everything under a handler that goes on at the block of the frame.
    fn open_resumable_handler(&mut self) {
        let (result, address) = (self.description.result, self.description.locals[0]);
        let temporary = self.description.temporaries[0];
        self.clear_local(self.unwind_word(), temporary);
        if self.rules.native.finally_keeps_value {
            // The exception is looked at whether there was one or not.
            let zero = self.zero_or(temporary);
            self.machine.store_local(self.exception_word(), zero);
        }
        self.machine.load_label_address(address, BODY);
        self.label(PUSH_HANDLER);
        // Up to 1.18, the word is in what the runtime overwrites.
        let kept = self.rules.native.function_tables;
        let second = self.description.locals[1];
        if kept {
            self.machine.load_local(second, self.unwind_word());
        }
        self.push_handler();
        if kept {
            self.machine.store_local(self.unwind_word(), second);
        }
        self.machine.jump_if_nonzero(result, CAUGHT, true);
        self.clear_local(self.handler_word(), temporary);
        self.machine.jump_to(address);
        self.label(CAUGHT);
        if kept && self.description.needs_setjmp {
            self.reload_fun_table();
        }
        self.machine.load_local(address, self.handler_word());
        self.machine.jump_if_nonzero(address, PUSH_HANDLER, false);
    }

    /// Leaves the function with an exception that no block handles.
    fn close_uncaught(&mut self) {
        let (first, temporary) = (
            self.description.arguments[0],
            self.description.temporaries[0],
        );
        if self.is_generator() {
            self.machine.load_local(temporary, self.exception_word());
            let state = self.generator_state();
            self.machine
                .store_word(temporary, state, word::CODE_STATE_STATE);
            let result = self.description.parent_result;
            self.machine.load_immediate(result, RETURN_EXCEPTION);
            self.machine.exit();
        } else {
            self.load_state(first, self.old_globals_word());
            self.call(Fun::SwapGlobals);
            self.machine.load_local(first, self.exception_word());
            self.call(Fun::Raise);
        }
    }

    /// Raises the exception that was thrown into a generator, if there is one.
    pub(super) fn raise_thrown(&mut self) {
        let [first, second, ..] = self.description.arguments;
        self.machine.load_local(first, self.thrown_word());
        if self.rules.native.thrown_word {
            self.forget(self.thrown_word(), second);
        }
        self.call(Fun::Raise);
    }

    /// Sets the word of an exception to "none".
    fn forget(&mut self, word: usize, temporary: Register) {
        let rules = &self.rules.native;
        if rules.none_is_no_exception {
            self.load_constant(temporary, Fun::ConstNone);
            self.machine.store_local(word, temporary);
            return;
        }
        let has_zero = rules.riscv_zero_exceptions && self.description.zero.is_some();
        if rules.short_clear || has_zero {
            self.clear_local(word, temporary);
        } else {
            self.machine.load_immediate(temporary, 0);
            self.machine.store_local(word, temporary);
        }
    }

    /// Ends the function.
    pub(super) fn close_handler(&mut self) {
        self.label(EXIT);
        if self.needs_handler() {
            let skips = self.scope.exception_stack_size == 0;
            if !self.is_generator() {
                let first = self.description.arguments[0];
                self.load_state(first, self.old_globals_word());
                if skips {
                    self.machine.jump_if_zero(first, GLOBALS_KEPT, false);
                }
                self.call(Fun::SwapGlobals);
            }
            self.call(Fun::NlrPop);
            if !self.is_generator() && skips {
                self.label(GLOBALS_KEPT);
            }
            let result = self.description.parent_result;
            self.machine.load_local(result, self.result_word());
        }
        self.machine.exit();
    }

    /// Stores the address of a block's handler, or 0, as the current one.
    pub(super) fn set_handler(&mut self, handler: Option<Label>) {
        let result = self.description.result;
        match handler {
            Some(label) => self.machine.load_label_address(result, label),
            None => self.machine.clear(result),
        }
        self.machine.store_local(self.handler_word(), result);
    }

    fn open_block(&mut self, handler: Label, is_finally: bool) {
        self.blocks.push(Block {
            handler,
            is_finally,
            unwind: Unwind::None,
            is_active: true,
        });
        self.set_handler(Some(handler));
    }

    /// Begins `try: ... except` or `try: ... finally`.
    pub(super) fn open_try(&mut self, handler: Label, is_finally: bool) {
        self.settle();
        self.open_block(handler, is_finally);
    }

    /// Deactivates the innermost block: exceptions go to the next one.
    fn leave_block(&mut self, at_handler: bool) {
        let Some(block) = self.blocks.last_mut() else {
            self.impossible();
            return;
        };
        block.is_active = false;
        let mut outer = self.blocks.iter().rev().skip(1);
        let next = outer.find(|block| block.is_active);
        let next = next.map(|block| block.handler);
        // At a handler the address is 0 already.
        if next.is_some() || !at_handler {
            self.set_handler(next);
        }
    }

    /// Begins the handlers of a `try`: pushes the exception.
    pub(super) fn start_handlers(&mut self) {
        self.leave_block(true);
        let temporary = self.description.temporaries[0];
        self.machine.load_local(temporary, self.exception_word());
        self.push(ValueType::OBJECT, temporary);
    }

    /// Ends the handlers of a `try`.
    pub(super) fn end_handlers(&mut self) {
        if !self.rules.native.finally_keeps_value {
            self.adjust(-1);
        }
    }

    /// Ends the block of a `try`, or a handler, which is done with the exception.
    pub(super) fn leave_except(&mut self, label: Label, in_handler: bool) {
        if in_handler {
            let temporary = self.description.temporaries[0];
            self.forget(self.exception_word(), temporary);
        } else {
            self.leave_block(false);
        }
        self.jump(label);
    }

    pub(super) fn end_finally(&mut self) {
        if self.rules.native.finally_keeps_value {
            self.adjust(-1);
        }
        let (first, result) = (self.description.arguments[0], self.description.result);
        self.machine.load_local(first, self.exception_word());
        self.call(Fun::Raise);
        let Some(block) = self.blocks.pop() else {
            self.impossible();
            return;
        };
        if block.is_active {
            self.impossible();
        }
        if block.unwind == Unwind::None {
            return;
        }
        let past = self.own_label(0);
        self.machine.load_local(result, self.unwind_word());
        self.machine.jump_if_zero(result, past, false);
        match block.unwind {
            Unwind::To(label) => self.jump(label),
            _ => self.machine.jump_to(result),
        }
        self.label(past);
    }

    /// Jumps out of so many blocks, through those of them that are a `finally`.
    pub(super) fn unwind_jump(&mut self, label: Label, depth: usize) {
        let mut target = label;
        if depth > 0 {
            let count = self.blocks.len();
            let Some(outer) = count.checked_sub(depth) else {
                self.impossible();
                return;
            };
            let (mut first, mut previous) = (None, None);
            for index in (outer..count).rev() {
                let Some(block) = self.blocks.get(index).copied() else {
                    break;
                };
                if !block.is_finally || !block.is_active {
                    continue;
                }
                first.get_or_insert(block.handler);
                self.set_unwind(previous, Unwind::To(block.handler));
                previous = Some(index);
            }
            self.set_unwind(previous, Unwind::Final);
            match first {
                Some(handler) => {
                    self.store_final_jump(label);
                    target = handler;
                }
                None => {
                    let next = outer.checked_sub(1).and_then(|next| self.blocks.get(next));
                    let next = next.map(|block| block.handler);
                    self.set_handler(next);
                }
            }
        }
        self.jump(target);
    }

    fn set_unwind(&mut self, block: Option<usize>, unwind: Unwind) {
        if let Some(block) = block.and_then(|block| self.blocks.get_mut(block)) {
            block.unwind = unwind;
        }
    }

    /// Stores where the last `finally` on the way jumps to, and cancels the exception.
    fn store_final_jump(&mut self, label: Label) {
        let result = self.description.result;
        self.machine.load_label_address(result, label);
        self.machine.store_local(self.unwind_word(), result);
        if self.rules.native.none_is_no_exception {
            self.load_constant(result, Fun::ConstNone);
        } else {
            self.machine.load_immediate(result, 0);
        }
        self.machine.store_local(self.exception_word(), result);
    }

    /// Begins the block of a `with`: calls `__enter__` and pushes its result.
    pub(super) fn open_with(&mut self, handler: Label) {
        let [first, second, third, _] = self.description.arguments;
        let (enter, exit) = (self.known.enter, self.known.exit);
        let value_type = self.load_value(1, first);
        self.must_be_object(value_type);
        self.push_array(third, 2);
        self.call_with_string(Fun::LoadMethod, exit, second);
        self.pop(third);
        self.pop(second);
        let value_type = self.pop(first);
        self.push(value_type, second);
        self.push(value_type, third);
        self.push_array(third, 2);
        self.call_with_string(Fun::LoadMethod, enter, second);
        self.pop_array(third, 2);
        self.call_with(Fun::CallMethod, &[(0, 0), (1, 0)]);
        self.push_result();
        self.settle();
        self.open_block(handler, true);
        self.duplicate_top();
    }

    /// Ends the block of a `with`: calls `__exit__`, with the exception if there is one.
    pub(super) fn close_with(&mut self, handler: Label) {
        let [first, second, third, _] = self.description.arguments;
        let [swallow, done, no_exception] = [0, 1, 2].map(|index| self.own_label(index));
        let result = self.description.result;
        self.leave_block(false);
        self.adjust(-1);
        self.label(no_exception);
        (0..3).for_each(|_| self.push_none());
        self.pop_array(third, 5);
        self.call_with(Fun::CallMethod, &[(0, 3), (1, 0)]);
        self.jump(swallow);
        self.machine.assign(handler);
        self.leave_block(true);
        self.adjust_settled(2);
        self.machine.load_local(first, self.exception_word());
        if self.rules.native.none_is_no_exception {
            self.load_constant(second, Fun::ConstNone);
            self.machine.jump_if_equal(first, second, no_exception);
        } else {
            self.machine.jump_if_zero(first, no_exception, false);
        }
        // The first word of an object is its type.
        self.machine.load_word(second, first, 0);
        self.push(ValueType::OBJECT, second);
        self.push(ValueType::OBJECT, first);
        self.push_none();
        self.pop_array(third, 5);
        self.call_with(Fun::CallMethod, &[(0, 3), (1, 0)]);
        if first != result {
            self.machine.copy(first, result);
        }
        self.call(Fun::IsTrue);
        self.machine.jump_if_zero(result, done, true);
        self.label(swallow);
        let temporary = self.description.temporaries[0];
        self.forget(self.exception_word(), temporary);
        self.label(done);
        if self.rules.native.finally_keeps_value {
            self.adjust(1);
        }
    }

    /// Jumps if there is no exception, at the end of an `async with`; pushes it.
    pub(super) fn jump_unless_exception(&mut self, label: Label) {
        let first = self.description.arguments[0];
        self.adjust(-1);
        self.machine.load_local(first, self.exception_word());
        self.push(ValueType::OBJECT, first);
        self.machine.jump_if_zero(first, label, false);
    }

    pub(super) fn for_iterator(&mut self, end: Label) {
        let (first, result) = (self.description.arguments[0], self.description.result);
        self.pop_array(first, ITERATOR_SLOTS);
        self.adjust(super::stack::count_change(ITERATOR_SLOTS));
        self.call(Fun::NextItem);
        self.machine.jump_if_zero(result, end, false);
        self.push_result();
    }

    pub(super) fn raise(&mut self) {
        let value_type = self.pop(self.description.arguments[0]);
        if value_type != ValueType::OBJECT {
            self.type_error(DiagnosticCode::ViperRaise, None);
        }
        self.call(Fun::Raise);
        self.suppress();
    }

    /// Leaves out what can't be reached, in releases that do.
    fn suppress(&mut self) {
        if self.rules.drop_dead_code {
            self.machine.assembler().suppress();
        }
    }

    pub(super) fn return_value(&mut self) {
        if self.is_generator() {
            self.store_generator_value(RETURN_NORMAL);
        } else {
            let result = self.description.parent_result;
            if self.has_types {
                self.load_viper_result();
            } else {
                self.pop_object(result);
            }
            if self.needs_handler() {
                self.machine.store_local(self.result_word(), result);
            }
        }
        self.unwind_jump(EXIT, self.blocks.len());
    }

    /// Loads the result of a viper function as an object.
    fn load_viper_result(&mut self) {
        let (first, result) = (
            self.description.arguments[0],
            self.description.parent_result,
        );
        let expected = ValueType::Native(self.scope.viper_return);
        let is_object = expected == ValueType::OBJECT;
        if self.peek(0).value_type == ValueType::None {
            self.adjust(-1);
            if is_object {
                self.load_constant(result, Fun::ConstNone);
            } else {
                self.machine.load_immediate(first, 0);
            }
        } else {
            let value_type = self.pop(if is_object { result } else { first });
            if value_type != expected {
                let message = format!(
                    "return expected '{}' but got '{}'",
                    expected.name(),
                    value_type.name()
                );
                self.type_error(DiagnosticCode::ViperReturn, Some(message));
            }
        }
        if !is_object {
            self.convert_to_object(expected);
            if result != self.description.result {
                self.machine.copy(result, self.description.result);
            }
        }
    }

    /// Jumps by the truth of the value on the stack; keeps it there for the jump if `keeps`.
    pub(super) fn jump_if(&mut self, truth: bool, label: Label, keeps: bool) {
        let (first, result) = (self.description.arguments[0], self.description.result);
        let mut value_type = self.peek_type(0);
        let is_object = value_type == ValueType::OBJECT;
        value_type = self.pop(if is_object { first } else { result });
        if keeps {
            self.adjust(1);
        }
        if is_object {
            self.call(Fun::IsTrue);
        } else if !value_type.is_integer_or_bool() {
            let message = format!("can't implicitly convert '{}' to 'bool'", value_type.name());
            self.type_error(DiagnosticCode::ViperCondition, Some(message));
        }
        if keeps {
            self.carried.jump_type = value_type;
        }
        self.settle();
        let is_bool = value_type == ValueType::OBJECT;
        if truth {
            self.machine.jump_if_nonzero(result, label, is_bool);
        } else {
            self.machine.jump_if_zero(result, label, is_bool);
        }
        if keeps {
            self.adjust(-1);
        }
    }
}
