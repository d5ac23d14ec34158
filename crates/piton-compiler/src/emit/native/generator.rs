//! `yield` and `yield from`.

use super::Emitter;
use super::exception::EXIT;
use super::frame::word;
use super::value::ValueType;
use crate::emit::Label;
use crate::machine::Fun;
use piton_syntax::diagnostic::DiagnosticCode;

/// What a generator returns at a `yield`: `mp_vm_return_kind_t`.
const RETURN_YIELD: i64 = 1;

impl Emitter<'_> {
    /// Stores where the value of a generator is and what it is.
    pub(super) fn store_generator_value(&mut self, kind: i64) {
        let temporary = self.description.temporaries[0];
        self.pop_array(temporary, 1);
        self.store_state(word::CODE_STATE_SP, temporary);
        self.machine.load_immediate(temporary, kind);
        self.machine.store_local(self.result_word(), temporary);
    }

    pub(super) fn yield_value(&mut self, is_from: bool) {
        if self.has_types {
            self.fail(DiagnosticCode::NativeYield);
            return;
        }
        let [resume, again, next] = [0, 1, 2].map(|index| self.own_label(index));
        let temporary = self.description.temporaries[0];
        self.settle();
        if is_from {
            self.jump(next);
            self.label(again);
        }
        self.store_generator_value(RETURN_YIELD);
        self.machine.load_label_address(temporary, resume);
        self.store_state(self.resume_word(), temporary);
        self.machine.jump(EXIT);
        self.machine.assign(resume);
        let active = self.blocks.iter().rev().filter(|block| block.is_active);
        let count = if self.rules.native.stores_all_handlers {
            usize::MAX
        } else {
            1
        };
        let handlers: Vec<Label> = active.take(count).map(|block| block.handler).collect();
        for handler in handlers {
            self.set_handler(Some(handler));
        }
        self.adjust_settled(1);
        if is_from {
            self.delegate(again, next);
        } else {
            self.raise_thrown();
        }
    }

    /// Gets the next value of the generator that `yield from` delegates to.
    fn delegate(&mut self, again: Label, next: Label) {
        let [first, second, third, _] = self.description.arguments;
        let result = self.description.result;
        self.label(next);
        if self.rules.native.thrown_word {
            self.machine.load_local(third, self.thrown_word());
            self.machine.load_immediate(second, 0);
            self.machine.store_local(self.thrown_word(), second);
            self.pop(second);
            self.load_value(1, first);
        } else {
            self.pop(second);
            self.load_value(1, first);
            self.machine.load_local(third, self.thrown_word());
        }
        self.push(ValueType::OBJECT, third);
        self.pop_array(third, 1);
        self.call(Fun::YieldFrom);
        self.machine.jump_if_nonzero(result, again, true);
        self.adjust_settled(1);
        self.drop_second(first);
    }
}
