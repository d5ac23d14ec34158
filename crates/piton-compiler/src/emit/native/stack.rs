//! The stack of values: what is still in registers or known, and how it gets to where it is needed.

use super::value::{Place, Value, ValueType};
use super::{Emitter, ITERATOR_SLOTS};
use crate::machine::{Arithmetic, Fun, Register};
use crate::scope::NativeType;
use piton_syntax::diagnostic::DiagnosticCode;
use piton_syntax::interner::Qstr;

impl Emitter<'_> {
    /// Stores a register in a word of the function's state, which a generator has outside of its frame.
    pub(super) fn store_state(&mut self, local: usize, source: Register) {
        if self.is_generator() {
            let state = self.generator_state();
            self.machine.store_word(source, state, local);
        } else {
            self.machine.store_local(local, source);
        }
    }

    /// Loads a word of the function's state.
    pub(super) fn load_state(&mut self, destination: Register, local: usize) {
        if self.is_generator() {
            let state = self.generator_state();
            self.machine.load_word(destination, state, local);
        } else {
            self.machine.load_local(destination, local);
        }
    }

    /// Loads the address of a word of the function's state.
    fn load_state_address(&mut self, destination: Register, local: usize) {
        if self.is_generator() {
            let state = self.generator_state();
            let offset = local as i64 * i64::from(self.description.word_size);
            self.machine.load_immediate(destination, offset);
            self.machine.arithmetic(Arithmetic::Add, destination, state);
        } else {
            self.machine.load_local_address(destination, local);
        }
    }

    /// Returns the value at a depth: 0 is the top of the stack.
    pub(super) fn peek(&mut self, depth: usize) -> Value {
        let index = self.height.checked_sub(depth + 1);
        match index.and_then(|index| self.stack.get(index)) {
            Some(value) => *value,
            // After an error a list has but one item (`compile_generic_all_nodes`), so that values are missing. The official compiler
            // reads in front of its stack then: zeros, which are an object.
            None if self.type_error.is_some() => Value {
                value_type: ValueType::OBJECT,
                ..Value::UNKNOWN
            },
            None => {
                self.impossible();
                Value::UNKNOWN
            }
        }
    }

    /// Returns the type of the value at a depth, which outside of viper is always an object's.
    pub(super) fn peek_type(&mut self, depth: usize) -> ValueType {
        if self.has_types {
            self.peek(depth).value_type
        } else {
            ValueType::OBJECT
        }
    }

    fn set(&mut self, index: usize, value: Value) {
        if self.stack.len() <= index {
            self.stack.resize(index + 1, Value::UNKNOWN);
        }
        match value.place {
            Place::Register(_) => {
                self.no_register_below = self.no_register_below.min(index);
                self.settled_below = self.settled_below.min(index);
            }
            Place::Immediate => self.settled_below = self.settled_below.min(index),
            Place::Memory => {}
        }
        if let Some(place) = self.stack.get_mut(index) {
            *place = value;
        }
    }

    fn at(&self, index: usize) -> Value {
        self.stack.get(index).copied().unwrap_or(Value::UNKNOWN)
    }

    /// Makes the stack higher or lower, whatever is on it.
    pub(super) fn adjust(&mut self, change: i32) {
        match self.height.checked_add_signed(change as isize) {
            Some(height) => self.height = height,
            None => self.impossible(),
        }
        self.greatest_height = self.greatest_height.max(self.height);
    }

    /// Makes the stack higher by what a jump to this place left on it, or lower.
    pub(super) fn adjust_settled(&mut self, change: i32) {
        let value_type = if change == 1 {
            self.carried.jump_type
        } else {
            ValueType::OBJECT
        };
        for index in 0..usize::try_from(change).unwrap_or(0) {
            let immediate = self.at(self.height + index).immediate;
            let value = Value {
                value_type,
                place: Place::Memory,
                immediate,
            };
            self.set(self.height + index, value);
        }
        self.adjust(change);
    }

    /// Stores the values that are in a register, but for that at index `skip`.
    fn free_register_but(&mut self, register: Register, skip: Option<usize>) {
        for index in self.no_register_below..self.height {
            if Some(index) != skip && self.at(index).place == Place::Register(register) {
                self.settle_register(index, register);
            }
        }
    }

    /// Stores the values that are in a register.
    pub(super) fn free_register(&mut self, register: Register) {
        self.free_register_but(register, None);
    }

    /// Stores the values that are in any register.
    pub(super) fn free_registers(&mut self) {
        for index in self.no_register_below..self.height {
            if let Place::Register(register) = self.at(index).place {
                self.settle_register(index, register);
            }
        }
        self.no_register_below = self.no_register_below.max(self.height);
    }

    fn settle_register(&mut self, index: usize, register: Register) {
        if let Some(value) = self.stack.get_mut(index) {
            value.place = Place::Memory;
        }
        self.store_state(self.stack_start + index, register);
    }

    /// Loads a value that is known, as an object if `convert` or outside of viper. Returns its type then.
    fn load_immediate_value(
        &mut self,
        destination: Register,
        value: Value,
        convert: bool,
    ) -> ValueType {
        if !convert && self.has_types {
            self.machine.load_immediate(destination, value.immediate);
            return value.value_type;
        }
        match value.value_type {
            ValueType::OBJECT => self.machine.load_immediate(destination, value.immediate),
            ValueType::BOOL => {
                let constant = if value.immediate == 0 {
                    Fun::ConstFalse
                } else {
                    Fun::ConstTrue
                };
                self.load_constant(destination, constant);
            }
            ValueType::INT | ValueType::UINT => {
                // A small integer is shifted by one and marked.
                let object = value.immediate.wrapping_shl(1) | 1;
                self.machine.load_immediate(destination, object);
            }
            ValueType::None => self.load_constant(destination, Fun::ConstNone),
            _ => self.fail(DiagnosticCode::NativeConversion),
        }
        ValueType::OBJECT
    }

    /// Loads an entry of the table of runtime functions that is a constant.
    pub(super) fn load_constant(&mut self, destination: Register, constant: Fun) {
        let table = self.description.fun_table;
        self.machine.load_word(destination, table, constant.index());
    }

    /// Stores all values that are in registers or known, so that the stack is whole in memory. May change the second
    /// temporary register, or in older releases the first.
    pub(super) fn settle(&mut self) {
        self.free_registers();
        let [first, second, _] = self.description.temporaries;
        let temporary = if self.rules.native.settles_through_second {
            second
        } else {
            first
        };
        for index in self.settled_below..self.height {
            let value = self.at(index);
            if value.place != Place::Immediate {
                continue;
            }
            let value_type = self.load_immediate_value(temporary, value, false);
            self.set(
                index,
                Value {
                    value_type,
                    place: Place::Memory,
                    ..value
                },
            );
            self.store_state(self.stack_start + index, temporary);
        }
        self.settled_below = self.settled_below.max(self.height);
    }

    /// Loads the value at a position, 1 being the top of the stack, and returns its type.
    pub(super) fn load_value(&mut self, position: usize, destination: Register) -> ValueType {
        let Some(index) = self.height.checked_sub(position) else {
            self.impossible();
            return ValueType::OBJECT;
        };
        self.free_register_but(destination, Some(index));
        let value = self.at(index);
        match value.place {
            Place::Memory => {
                self.load_state(destination, self.stack_start + index);
                value.value_type
            }
            Place::Register(register) => {
                if register != destination {
                    self.machine.copy(destination, register);
                }
                value.value_type
            }
            Place::Immediate => self.load_immediate_value(destination, value, false),
        }
    }

    /// Takes the value below the top off the stack. `destination` is for a value that lies in memory.
    pub(super) fn drop_second(&mut self, destination: Register) {
        let Some(index) = self.height.checked_sub(2) else {
            self.impossible();
            return;
        };
        let mut value = self.at(index + 1);
        if value.place == Place::Memory {
            self.load_state(destination, self.stack_start + index + 1);
            value.place = Place::Register(destination);
        }
        self.set(index, value);
        self.adjust(-1);
    }

    /// Takes a value off the stack and leaves it where it is if that is a register other than these, else loads it.
    /// Returns its type and register.
    pub(super) fn pop_flexible(
        &mut self,
        destination: Register,
        but: &[Register],
    ) -> (ValueType, Register) {
        let value = self.peek(0);
        let popped = match value.place {
            Place::Register(register) if !but.contains(&register) => {
                self.free_register_but(register, self.height.checked_sub(1));
                (value.value_type, register)
            }
            _ => (self.load_value(1, destination), destination),
        };
        self.adjust(-1);
        popped
    }

    /// Takes a value off the stack into a register. Returns its type.
    pub(super) fn pop(&mut self, destination: Register) -> ValueType {
        let value_type = self.load_value(1, destination);
        self.adjust(-1);
        value_type
    }

    /// Takes a value off the stack into a register. It must be an object.
    pub(super) fn pop_object(&mut self, destination: Register) {
        let value_type = self.pop(destination);
        self.must_be_object(value_type);
    }

    /// Refuses a value that is no object, where the official compiler has an assertion.
    pub(super) fn must_be_object(&mut self, value_type: ValueType) {
        if value_type != ValueType::OBJECT {
            self.fail(DiagnosticCode::ViperNotObject);
        }
    }

    pub(super) fn push(&mut self, value_type: ValueType, register: Register) {
        let value = Value {
            value_type,
            place: Place::Register(register),
            immediate: i64::from(register.0),
        };
        self.set(self.height, value);
        self.adjust(1);
    }

    /// Pushes the result of a call, an object.
    pub(super) fn push_result(&mut self) {
        self.push(ValueType::OBJECT, self.description.result);
    }

    pub(super) fn push_immediate(&mut self, value_type: ValueType, immediate: i64) {
        let value = Value {
            value_type,
            place: Place::Immediate,
            immediate,
        };
        self.set(self.height, value);
        self.adjust(1);
    }

    pub(super) fn push_none(&mut self) {
        self.push_immediate(ValueType::None, 0);
    }

    /// Gives the value on top another type.
    pub(super) fn set_top_type(&mut self, value_type: ValueType) {
        let top = self.height.checked_sub(1);
        if let Some(value) = top.and_then(|top| self.stack.get_mut(top)) {
            value.value_type = value_type;
        }
    }

    /// Calls a runtime function whose arguments are in their registers.
    pub(super) fn call(&mut self, fun: Fun) {
        self.free_registers();
        self.machine.call(fun);
    }

    /// Calls a runtime function with numbers in some of the argument registers, counted from 0.
    pub(super) fn call_with(&mut self, fun: Fun, arguments: &[(usize, i64)]) {
        self.free_registers();
        for &(index, value) in arguments {
            self.load_argument(index, value);
        }
        self.machine.call(fun);
    }

    /// Loads a number into an argument register, counted from 0.
    pub(super) fn load_argument(&mut self, index: usize, value: i64) {
        if let Some(&register) = self.description.arguments.get(index) {
            self.machine.load_immediate(register, value);
        }
    }

    /// Calls a runtime function with a name, given by its index in the module's table.
    pub(super) fn call_with_name(&mut self, fun: Fun, name: u32, register: Register) {
        self.free_registers();
        if self.rules.native.function_tables {
            self.load_linked_name(register, name);
        } else {
            let table = self.qstr_table();
            self.machine.load_name(register, table, name);
        }
        self.machine.call(fun);
    }

    /// As [`Emitter::call_with_name`], for a name that may not be in the table yet.
    pub(super) fn call_with_string(&mut self, fun: Fun, name: Qstr, register: Register) {
        let name = self.string(name);
        self.call_with_name(fun, name, register);
    }

    /// Converts the object in the first argument register to a type.
    pub(super) fn convert_to_native(&mut self, value_type: ValueType) {
        self.call_with(Fun::ConvertObjectToNative, &[(1, value_type.number())]);
    }

    /// Converts the value in the first argument register from a type.
    pub(super) fn convert_to_object(&mut self, value_type: ValueType) {
        self.call_with(Fun::ConvertNativeToObject, &[(1, value_type.number())]);
    }

    /// Takes values off the stack, all as objects in memory, and loads their address.
    pub(super) fn pop_array(&mut self, destination: Register, count: usize) {
        self.free_registers();
        for depth in 0..count {
            let value = self.peek(depth);
            if value.place != Place::Immediate {
                continue;
            }
            let index = self.height.saturating_sub(depth + 1);
            let value_type = self.load_immediate_value(destination, value, true);
            self.set(
                index,
                Value {
                    value_type,
                    place: Place::Memory,
                    ..value
                },
            );
            self.store_state(self.stack_start + index, destination);
        }
        for depth in 0..count {
            let value = self.peek(depth);
            if value.value_type == ValueType::OBJECT {
                continue;
            }
            let index = self.height.saturating_sub(depth + 1);
            let local = self.stack_start + index;
            self.load_state(self.description.arguments[0], local);
            self.convert_to_object(value.value_type);
            self.store_state(local, self.description.result);
            self.set(
                index,
                Value {
                    value_type: ValueType::OBJECT,
                    ..value
                },
            );
        }
        self.adjust(-count_change(count));
        self.load_state_address(destination, self.stack_start + self.height);
    }

    /// Makes room for objects on the stack, which the runtime will put there, and loads its address.
    pub(super) fn push_array(&mut self, destination: Register, count: usize) {
        self.free_registers();
        for index in self.height..self.height + count {
            let immediate = self.at(index).immediate;
            self.set(
                index,
                Value {
                    value_type: ValueType::OBJECT,
                    place: Place::Memory,
                    immediate,
                },
            );
        }
        self.load_state_address(destination, self.stack_start + self.height);
        self.adjust(count_change(count));
    }

    pub(super) fn duplicate_top(&mut self) {
        let (value_type, register) = self.pop_flexible(self.description.temporaries[0], &[]);
        self.push(value_type, register);
        self.push(value_type, register);
    }

    pub(super) fn duplicate_top_two(&mut self) {
        let [first, second, _] = self.description.temporaries;
        let first_type = self.pop(first);
        let second_type = self.pop(second);
        for _ in 0..2 {
            self.push(second_type, second);
            self.push(first_type, first);
        }
    }

    pub(super) fn rotate_two(&mut self) {
        let [first, second, _] = self.description.temporaries;
        let first_type = self.pop(first);
        let second_type = self.pop(second);
        self.push(first_type, first);
        self.push(second_type, second);
    }

    pub(super) fn rotate_three(&mut self) {
        let [first, second, third] = self.description.temporaries;
        let first_type = self.pop(first);
        let second_type = self.pop(second);
        let third_type = self.pop(third);
        self.push(first_type, first);
        self.push(third_type, third);
        self.push(second_type, second);
    }

    /// Begins or goes on with an iteration: the iterator takes several words of the stack, or lies on the heap.
    pub(super) fn get_iterator(&mut self, on_stack: bool) {
        let [first, second, ..] = self.description.arguments;
        self.pop_object(first);
        if on_stack {
            self.push_array(second, ITERATOR_SLOTS);
            self.call(Fun::GetIterator);
        } else {
            self.machine.load_immediate(second, 0);
            self.call(Fun::GetIterator);
            self.push_result();
        }
    }

    /// Returns the type that a name of a type stands for at this position, for a cast.
    pub(super) fn cast_type(&mut self, depth: usize) -> ValueType {
        let types = [
            NativeType::Object,
            NativeType::Bool,
            NativeType::Int,
            NativeType::Uint,
            NativeType::Ptr,
            NativeType::Ptr8,
            NativeType::Ptr16,
            NativeType::Ptr32,
        ];
        let number = self.peek(depth).immediate;
        let found = types.into_iter().find(|&native| native as i64 == number);
        ValueType::Native(found.unwrap_or(NativeType::Object))
    }
}

/// Returns a number of values as a change of the stack.
pub(super) fn count_change(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
