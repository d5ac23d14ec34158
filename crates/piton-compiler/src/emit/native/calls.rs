//! Calls, functions, collections and their parts.

use super::Emitter;
use super::frame::word;
use super::stack::count_change;
use super::value::ValueType;
use crate::machine::Fun;
use crate::scope::{IdKind, ScopeId};
use piton_syntax::diagnostic::{DiagnosticCode, Failure};

/// The arguments of a call, as bytecode has them in one operand.
#[derive(Clone, Copy, Debug)]
struct Arguments {
    positional: usize,
    keyword: usize,
}

impl Arguments {
    fn new(operand: u32) -> Arguments {
        Arguments {
            positional: (operand & 0xff) as usize,
            keyword: (operand >> 8 & 0xff) as usize,
        }
    }

    /// Returns how many values they are on the stack.
    fn values(self) -> usize {
        self.positional + 2 * self.keyword
    }

    /// Returns both numbers in one, as the runtime takes them.
    fn packed(self) -> i64 {
        (self.positional | self.keyword << 8) as i64
    }
}

impl Emitter<'_> {
    pub(super) fn call_function(&mut self, operand: u32, has_stars: bool) {
        let arguments = Arguments::new(operand);
        let [first, _, third, _] = self.description.arguments;
        // With stars this is not the function's place, but the official compiler looks there.
        let function_type = self.peek_type(arguments.values());
        if function_type == ValueType::Cast {
            self.cast(arguments, has_stars);
            return;
        }
        self.must_be_object(function_type);
        if has_stars {
            self.pop_array(third, arguments.values() + 2 + self.star_word());
            let fixed = [(0, 0), (1, arguments.packed())];
            self.call_with(Fun::CallMethodWithStars, &fixed);
            self.push_star_result();
        } else {
            if arguments.values() > 0 {
                self.pop_array(third, arguments.values());
            }
            self.pop(first);
            self.call_with(Fun::CallFunction, &[(1, arguments.packed())]);
            self.push_result();
        }
    }

    /// Returns how many values more than one, the bits of the stars, a call with stars takes: up to 1.18 it takes two.
    fn star_word(&self) -> usize {
        usize::from(!self.rules.many_stars)
    }

    /// Pushes the result of a call with stars, and what the next instruction takes off if the call took one more.
    fn push_star_result(&mut self) {
        self.push_result();
        self.adjust(count_change(self.star_word()));
    }

    /// Calls the name of a type.
    fn cast(&mut self, arguments: Arguments, has_stars: bool) {
        if arguments.positional != 1 || arguments.keyword != 0 || has_stars {
            self.impossible();
            return;
        }
        let first = self.description.arguments[0];
        let cast_type = self.cast_type(1);
        match self.peek_type(0) {
            ValueType::OBJECT => {
                self.pop(first);
                self.adjust(-1);
                self.convert_to_native(cast_type);
                self.push(cast_type, self.description.result);
            }
            ValueType::Unbound | ValueType::Cast => {
                self.fail(DiagnosticCode::NativeCasting);
            }
            ValueType::Native(_) | ValueType::None => {
                self.drop_second(first);
                self.set_top_type(cast_type);
            }
        }
    }

    pub(super) fn call_method(&mut self, operand: u32, has_stars: bool) {
        let arguments = Arguments::new(operand);
        let third = self.description.arguments[2];
        if has_stars {
            self.pop_array(third, arguments.values() + 3 + self.star_word());
            let fixed = [(0, 1), (1, arguments.packed())];
            self.call_with(Fun::CallMethodWithStars, &fixed);
            self.push_star_result();
        } else {
            self.pop_array(third, arguments.values() + 2);
            let counts = [
                (0, arguments.positional as i64),
                (1, arguments.keyword as i64),
            ];
            self.call_with(Fun::CallMethod, &counts);
            self.push_result();
        }
    }

    /// Makes a function of a scope, or a closure.
    pub(super) fn make_function(
        &mut self,
        child: ScopeId,
        has_defaults: bool,
    ) -> Result<(), Failure> {
        let closed = self.load_closed_over(child);
        if self.rules.native.function_tables {
            return self.make_function_at_once(child, closed, has_defaults);
        }
        let [first, second, third, _] = self.description.arguments;
        let result = self.description.result;
        self.load_state(second, self.function_word());
        self.machine.load_word(second, second, word::FUN_CONTEXT);
        if has_defaults {
            self.pop_array(third, 2 + closed);
            if closed > 0 {
                self.adjust(count_change(2 + closed));
            }
            self.free_registers();
        } else {
            self.free_registers();
            self.machine.load_immediate(third, 0);
        }
        self.load_child(first, child);
        self.machine.call(Fun::MakeFunction);
        if closed > 0 {
            if closed > 0xff {
                return Err(Failure::limit(DiagnosticCode::TooManyOuterVariables));
            }
            if self.machine.copies_closed_function() {
                self.machine.copy(first, result);
            }
            self.load_argument(1, closed as i64);
            self.pop_array(third, closed);
            if has_defaults {
                self.adjust(-2);
            }
            self.machine.call(Fun::NewClosure);
        }
        self.push_result();
        Ok(())
    }

    /// Makes a function or a closure by one call, in releases where each function has a table.
    fn make_function_at_once(
        &mut self,
        child: ScopeId,
        closed: usize,
        has_defaults: bool,
    ) -> Result<(), Failure> {
        let [first, second, third, _] = self.description.arguments;
        if closed > 0xff {
            return Err(Failure::limit(DiagnosticCode::TooManyOuterVariables));
        }
        let fun = match (closed, has_defaults) {
            (0, false) => {
                self.free_registers();
                self.machine.load_immediate(second, 0);
                self.machine.load_immediate(third, 0);
                Fun::MakeFunction
            }
            (0, true) => {
                self.pop_object(third);
                self.pop_object(second);
                self.free_registers();
                Fun::MakeFunction
            }
            _ => {
                let (values, flag) = if has_defaults { (2, 0x100) } else { (0, 0) };
                self.pop_array(third, closed + values);
                self.machine.load_immediate(second, closed as i64 | flag);
                Fun::NewClosure
            }
        };
        self.load_child(first, child);
        self.machine.call(fun);
        self.push_result();
        Ok(())
    }

    /// Pushes the variables that a function closes over. Returns how many there are.
    fn load_closed_over(&mut self, child: ScopeId) -> usize {
        let (scope, scopes) = (self.scope, self.scopes);
        let child = scopes.get(child.index());
        let Some(child) = child.filter(|_| scope.parent.is_some()) else {
            return 0;
        };
        let mut closed = 0;
        for &(name, local) in &scope.closed_over {
            let id = child.ids.find(name);
            if id.is_some_and(|id| id.kind == IdKind::Free) {
                self.load_local(name, local.into());
                closed += 1;
            }
        }
        closed
    }

    /// Builds a tuple, list or set of values on the stack.
    pub(super) fn build_collection(&mut self, fun: Fun, count: u32) {
        self.pop_array(self.description.arguments[1], count as usize);
        self.call_with(fun, &[(0, count.into())]);
        self.push_result();
    }

    /// Builds a dict with room for so many items.
    pub(super) fn build_map(&mut self, count: u32) {
        self.call_with(Fun::BuildMap, &[(0, count.into())]);
        self.push_result();
    }

    pub(super) fn build_slice(&mut self, count: u32) {
        let [first, second, third, _] = self.description.arguments;
        if count == 2 {
            self.pop_object(second);
            self.pop_object(first);
            self.load_constant(third, Fun::ConstNone);
        } else {
            self.pop_object(third);
            self.pop_object(second);
            self.pop_object(first);
        }
        self.call(Fun::NewSlice);
        self.push_result();
    }

    pub(super) fn store_map(&mut self) {
        let [first, second, third, _] = self.description.arguments;
        self.pop_object(second);
        self.pop_object(third);
        self.pop_object(first);
        self.call(Fun::StoreMap);
        self.push_result();
    }

    /// Puts an item into the collection of a comprehension. The low bits of the operand say which kind it is, the others
    /// where it lies.
    pub(super) fn store_comprehension(&mut self, operand: u32) {
        let [first, second, third, _] = self.description.arguments;
        self.pop_object(second);
        let (fun, below) = match operand & 3 {
            0 => (Fun::ListAppend, 0),
            1 => {
                self.pop_object(third);
                // Bytecode counts from above the value, which is gone now.
                (Fun::StoreMap, 1)
            }
            _ => (Fun::StoreSet, 0),
        };
        let position = (operand >> 2).saturating_sub(below) as usize;
        let value_type = self.load_value(position, first);
        self.must_be_object(value_type);
        self.call(fun);
    }

    pub(super) fn unpack_sequence(&mut self, count: u32) {
        let [first, _, third, _] = self.description.arguments;
        self.pop_object(first);
        self.push_array(third, count as usize);
        self.call_with(Fun::UnpackSequence, &[(1, count.into())]);
    }

    /// Unpacks a sequence with a starred target. The operand has the numbers of targets in front of it and, from the
    /// ninth bit on, after it.
    pub(super) fn unpack_ex(&mut self, operand: u32) {
        let [first, _, third, _] = self.description.arguments;
        let count = (operand & 0xff) + (operand >> 8) + 1;
        self.pop_object(first);
        self.push_array(third, count as usize);
        self.call_with(Fun::UnpackEx, &[(1, operand.into())]);
    }
}
