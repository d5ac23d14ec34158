//! `base[index]`, for objects and for viper's pointers.

use super::Emitter;
use super::value::{Place, ValueType};
use crate::machine::{Fun, Register, Width};
use crate::scope::NativeType;
use piton_syntax::diagnostic::DiagnosticCode;
use piton_syntax::target::Elements;

/// What stands for "no value" in a subscription: `MP_OBJ_NULL` deletes, `MP_OBJ_SENTINEL` loads.
const DELETE: i64 = 0;
const LOAD: i64 = 4;

/// Returns how much memory an element of a pointer takes.
fn element_width(value_type: ValueType) -> Option<Width> {
    match value_type {
        ValueType::Native(NativeType::Ptr8) => Some(Width::Bits8),
        ValueType::Native(NativeType::Ptr16) => Some(Width::Bits16),
        ValueType::Native(NativeType::Ptr32) => Some(Width::Bits32),
        _ => None,
    }
}

impl Emitter<'_> {
    /// Returns the index on top of the stack, if it is a number that is known.
    fn known_index(&mut self) -> Option<i64> {
        let top = self.peek(0);
        let is_known = top.value_type == ValueType::INT && top.place == Place::Immediate;
        is_known.then_some(top.immediate)
    }

    pub(super) fn load_subscript(&mut self) {
        let [first, second, ..] = self.description.arguments;
        let result = self.description.result;
        if self.peek_type(1) == ValueType::OBJECT {
            if self.peek_type(0) == ValueType::OBJECT {
                self.pop(second);
            } else {
                let index_type = self.pop(first);
                self.convert_to_object(index_type);
                self.machine.copy(second, result);
            }
            self.pop(first);
            self.call_with(Fun::Subscript, &[(2, LOAD)]);
            self.push_result();
            return;
        }
        if let Some(index) = self.known_index() {
            self.load_known_element(index);
        } else {
            self.load_element();
        }
        self.push(ValueType::INT, result);
    }

    fn load_known_element(&mut self, index: i64) {
        let [first, second, ..] = self.description.arguments;
        let result = self.description.result;
        self.adjust(-1);
        let (base_type, mut base) = self.pop_flexible(first, &[second]);
        if self.rules.native.frees_element_register {
            self.free_register(result);
        }
        let Some(width) = element_width(base_type) else {
            self.cannot(DiagnosticCode::ViperLoad, "load from", base_type);
            return;
        };
        let mut index = index;
        if !self.takes_index(self.description.loads_any_element, width, index) {
            if self.rules.native.keeps_index_register {
                self.free_register(second);
            }
            base = self.element_address(second, base, width, index);
            index = 0;
        }
        self.machine.load_element(width, result, base, index);
    }

    /// Returns whether the machine takes this index in an instruction, where `any` says for which widths it takes any.
    fn takes_index(&self, any: [bool; 3], width: Width, index: i64) -> bool {
        index == 0
            || if self.rules.native.elements == Elements::Any {
                takes_any(any, width)
            } else {
                self.machine.takes_small_index(width, index)
            }
    }

    /// Loads the address of an element with a known index.
    fn element_address(
        &mut self,
        destination: Register,
        base: Register,
        width: Width,
        index: i64,
    ) -> Register {
        let offset = index.wrapping_shl(width.log2_bytes().into());
        self.machine.load_immediate(destination, offset);
        self.add(destination, base);
        destination
    }

    fn load_element(&mut self) {
        let [first, second, ..] = self.description.arguments;
        let result = self.description.result;
        let (index_type, index) = self.pop_flexible(second, &[first]);
        let base_type = self.pop(first);
        if self.rules.native.frees_element_register {
            self.free_register(result);
        }
        if !index_type.is_integer() {
            let message = format!("can't load with '{}' index", index_type.name());
            self.type_error(DiagnosticCode::ViperLoadIndex, Some(message));
        }
        match element_width(base_type) {
            Some(width) => self.machine.load_indexed(width, result, first, index),
            None => self.cannot(DiagnosticCode::ViperLoad, "load from", base_type),
        }
    }

    pub(super) fn store_subscript(&mut self) {
        let [first, second, third, _] = self.description.arguments;
        if self.peek_type(1) == ValueType::OBJECT {
            let types = [self.peek_type(0), self.peek_type(2)];
            if types.iter().any(|&found| found != ValueType::OBJECT) {
                self.pop_array(first, 3);
                self.adjust(3);
            }
            self.pop(second);
            self.pop(first);
            self.pop(third);
            self.call(Fun::Subscript);
        } else if let Some(index) = self.known_index() {
            self.store_known_element(index);
        } else {
            self.store_element();
        }
    }

    /// Takes the value to store off the stack. Returns its register.
    fn pop_stored(&mut self, but: [Register; 2]) -> Register {
        let third = self.description.arguments[2];
        let (value_type, register) = if self.description.stores_from_argument_3 {
            (self.pop(third), third)
        } else {
            self.pop_flexible(third, &but)
        };
        if !value_type.is_integer_or_bool() {
            self.cannot(DiagnosticCode::ViperStoreValue, "store", value_type);
        }
        register
    }

    fn store_known_element(&mut self, index: i64) {
        let [first, second, third, _] = self.description.arguments;
        self.adjust(-1);
        let (base_type, mut base) = self.pop_flexible(first, &[second, third]);
        let source = self.pop_stored([base, second]);
        let Some(width) = element_width(base_type) else {
            self.cannot(DiagnosticCode::ViperStore, "store to", base_type);
            return;
        };
        let mut index = index;
        if !self.takes_index(self.description.stores_any_element, width, index) {
            if self.machine.stores_by_index(width) {
                self.machine.load_immediate(second, index);
                self.machine.store_indexed(width, source, base, second);
                return;
            }
            base = self.element_address(second, base, width, index);
            index = 0;
        }
        self.machine.store_element(width, source, base, index);
    }

    fn store_element(&mut self) {
        let [first, second, third, _] = self.description.arguments;
        let (index_type, index) = self.pop_flexible(second, &[first, third]);
        let base_type = self.pop(first);
        if !index_type.is_integer() {
            let message = format!("can't store with '{}' index", index_type.name());
            self.type_error(DiagnosticCode::ViperStoreIndex, Some(message));
        }
        let source = self.pop_stored([first, index]);
        match element_width(base_type) {
            Some(width) => self.machine.store_indexed(width, source, first, index),
            None => self.cannot(DiagnosticCode::ViperStore, "store to", base_type),
        }
    }

    pub(super) fn delete_subscript(&mut self) {
        let [first, second, ..] = self.description.arguments;
        self.pop_object(second);
        self.pop_object(first);
        self.call_with(Fun::Subscript, &[(2, DELETE)]);
    }

    /// Reports that something can't be done with a type.
    pub(super) fn cannot(&mut self, code: DiagnosticCode, what: &str, value_type: ValueType) {
        let message = format!("can't {what} '{}'", value_type.name());
        self.type_error(code, Some(message));
    }
}

fn takes_any(any: [bool; 3], width: Width) -> bool {
    let index = usize::from(width.log2_bytes());
    any.get(index).copied().unwrap_or(true)
}
