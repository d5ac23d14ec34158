//! How a function begins and ends: its frame, its arguments, and the prelude after its code.
//!
//! The frame has, from its first word on: the `nlr_buf_t` and the words for exceptions (if the function needs them),
//! the code state (or, in viper, at most the function object and the globals of the caller), the stack of values, and
//! the locals, the first one last. Generators have all from the code state on outside of the frame, in an object.

use super::value::ValueType;
use super::{CODE_STATE_SIZE, Emitter};
use crate::emit::Label;
use crate::emit::bytecode::argument_names;
use crate::machine::{Arithmetic, Fun, Register};
use crate::scope::{IdKind, Parameter};
use piton_mpy::prelude::{FLAG_VAR_ARGS, FLAG_VAR_KEYWORDS, Signature, push_sizes};
use piton_mpy::vuint;
use piton_syntax::diagnostic::{DiagnosticCode, Failure};

/// Words of structures of the runtime (py/bc.h, py/objfun.h, py/bc0.h).
pub(super) mod word {
    pub(crate) const CODE_STATE_FUN: usize = 0;
    pub(crate) const CODE_STATE_IP: usize = 1;
    pub(crate) const CODE_STATE_SP: usize = 2;
    pub(crate) const CODE_STATE_N_STATE: usize = 3;
    pub(crate) const CODE_STATE_STATE: usize = 5;
    pub(crate) const FUN_CONTEXT: usize = 1;
    pub(crate) const FUN_CHILDREN: usize = 2;
    /// Up to 1.18, with the globals in place of the context, and the code in that of the children.
    pub(crate) const FUN_CONSTANTS: usize = 3;
    pub(crate) const CONTEXT_GLOBALS: usize = 1;
    pub(crate) const CONTEXT_QSTRS: usize = 2;
    pub(crate) const CONTEXT_OBJECTS: usize = 3;
    pub(crate) const NLR_VALUE: usize = 1;
}

/// Labels at the start of every function. The first four belong to the handler of exceptions.
const CHECK_ARGUMENTS: Label = Label(4);
const ARGUMENTS_CHECKED: Label = Label(5);

impl Emitter<'_> {
    /// Returns the words of `nlr_buf_t`, with one that only some boards use.
    fn nlr_size(&self) -> usize {
        2 + usize::from(self.description.nlr_registers) + 1
    }

    /// Returns whether the function object is kept in the frame, in viper.
    fn needs_function(&self) -> bool {
        self.scope.exception_stack_size > 0 || self.references_globals || self.has_constants
    }

    /// Returns whether all of the function is under a handler of exceptions.
    pub(super) fn needs_handler(&self) -> bool {
        self.scope.exception_stack_size > 0 || self.references_globals || self.is_generator()
    }

    /// Returns whether locals can be in registers: a handler would find old values there.
    pub(super) fn locals_in_registers(&self) -> bool {
        self.scope.exception_stack_size == 0 && !self.is_generator()
    }

    /// Returns how many locals can be in registers: the last of three has the table of names, if there is one.
    fn register_locals(&self) -> usize {
        if self.rules.native.function_tables {
            3
        } else {
            2
        }
    }

    /// Returns the register of a local, if it has one.
    pub(super) fn local_register(&self, local: usize) -> Option<Register> {
        let has_one = local < self.register_locals() && self.locals_in_registers();
        has_one
            .then(|| self.description.locals.get(local).copied())
            .flatten()
    }

    /// Returns the word of the exception that is being handled.
    pub(super) fn exception_word(&self) -> usize {
        word::NLR_VALUE
    }

    /// Returns the word of the address of the current handler, 0 if there is none.
    pub(super) fn handler_word(&self) -> usize {
        self.description.nlr_locals[0].into()
    }

    /// Returns the word of the value to return.
    pub(super) fn result_word(&self) -> usize {
        if self.rules.native.function_tables {
            self.description.nlr_locals[2].into()
        } else {
            self.nlr_size()
        }
    }

    /// Returns the word of the address to jump to after a `finally`, 0 if there is none.
    pub(super) fn unwind_word(&self) -> usize {
        if self.rules.native.function_tables {
            self.description.nlr_locals[1].into()
        } else {
            self.nlr_size() + 1
        }
    }

    /// Returns the word of the exception that is thrown into a generator.
    pub(super) fn thrown_word(&self) -> usize {
        if self.rules.native.thrown_word {
            self.nlr_size() + 2
        } else {
            self.exception_word()
        }
    }

    pub(super) fn function_word(&self) -> usize {
        self.code_state_start + word::CODE_STATE_FUN
    }

    /// Returns the word of the caller's globals.
    pub(super) fn old_globals_word(&self) -> usize {
        self.code_state_start + word::CODE_STATE_IP
    }

    /// Returns the word of the address where a generator goes on.
    pub(super) fn resume_word(&self) -> usize {
        self.code_state_start + word::CODE_STATE_IP
    }

    /// Returns the word of a local.
    pub(super) fn local_word(&self, local: usize) -> usize {
        (self.stack_start + self.state_size).saturating_sub(1 + local)
    }

    /// Begins the code of the function.
    pub(super) fn start(&mut self) -> Result<(), Failure> {
        self.code_state_start = 0;
        if self.needs_handler() && self.rules.native.function_tables {
            self.code_state_start = self.nlr_size();
        } else if self.needs_handler() {
            self.code_state_start = self.nlr_size() + 1;
            if self.is_generator() && self.rules.native.thrown_word {
                self.code_state_start += 2;
            } else if self.scope.exception_stack_size > 0 {
                self.code_state_start += 1;
            }
        }
        let fun_table = if self.rules.native.function_tables {
            0
        } else {
            self.tables.fun_table()? as usize
        };
        self.state_size = usize::from(self.scope.locals) + self.scope_stack_size;
        if self.has_types {
            self.start_viper(fun_table);
            self.open_handler();
            return Ok(());
        }
        let word_size = self.description.word_size;
        let prelude = if self.rules.native.function_tables {
            self.generator_prelude()
        } else {
            self.carried.prelude_index as i64
        };
        if self.rules.native.prelude_in_front || self.is_generator() {
            self.machine.assembler().data(word_size, prelude);
        }
        if self.is_generator() {
            let start = self.carried.start_offset as i64;
            self.machine.assembler().data(word_size, start);
            self.start_generator(fun_table);
        } else {
            self.start_native(fun_table);
        }
        self.open_handler();
        if self.locals_in_registers() {
            for local in 0..usize::from(self.scope.locals).min(self.register_locals()) {
                if let Some(register) = self.local_register(local) {
                    self.machine.load_local(register, self.local_word(local));
                }
            }
        }
        Ok(())
    }

    /// Gives the locals their types.
    pub(super) fn type_locals(&mut self) {
        let scope = self.scope;
        let stars = [FLAG_VAR_ARGS, FLAG_VAR_KEYWORDS];
        let stars = stars.iter().filter(|&flag| scope.flags & flag != 0).count();
        let arguments = usize::from(scope.positional_arguments)
            + usize::from(scope.keyword_only_arguments)
            + stars;
        let others = if self.has_types || !self.rules.native.locals_are_objects {
            ValueType::Unbound
        } else {
            ValueType::OBJECT
        };
        self.local_types.clear();
        self.local_types.resize(arguments, ValueType::OBJECT);
        self.local_types
            .resize(usize::from(scope.locals).max(arguments), others);
        for id in scope.ids.iter() {
            if id.kind == IdKind::Cell
                && !self.has_types
                && let Some(place) = self.local_types.get_mut(usize::from(id.local))
            {
                *place = ValueType::OBJECT;
            }
            let place = self.local_types.get_mut(usize::from(id.local));
            if let Some(place) = place.filter(|_| self.has_types)
                && id.parameter != Parameter::None
            {
                *place = ValueType::Native(id.viper_type);
            }
        }
    }

    /// Makes the frame. Registers of machines with arguments on the stack are loaded from there.
    fn enter(&mut self, words: usize) {
        let name = std::mem::take(&mut self.qualified_name);
        self.machine.entry(words, &name);
        self.qualified_name = name;
    }

    fn load_own_argument(&mut self, index: u8, destination: Register) {
        if self.description.arguments_on_stack {
            self.machine.load_argument(index, destination);
        }
    }

    /// Loads the tables of runtime functions and of names from the function object in a register.
    fn load_tables(&mut self, function: Register, through: Register, fun_table: usize) {
        if self.rules.native.function_tables {
            // A generator has the state in the register of the last local.
            let last = self.description.locals[2];
            let has_state = self.is_generator() && !self.has_types;
            let through = if has_state { through } else { last };
            self.load_own_fun_table(function, through);
            return;
        }
        let (table, qstrs) = (self.description.fun_table, self.qstr_table());
        self.machine.load_word(through, function, word::FUN_CONTEXT);
        self.machine.load_word(qstrs, through, word::CONTEXT_QSTRS);
        self.machine
            .load_word(through, through, word::CONTEXT_OBJECTS);
        self.machine.load_word(table, through, fun_table);
    }

    fn start_viper(&mut self, fun_table: usize) {
        let positional = usize::from(self.scope.positional_arguments);
        let mut in_registers = 0;
        if self.locals_in_registers() {
            in_registers = usize::from(self.scope.locals).min(self.register_locals());
            // The last of the registers has the arguments until all of them are stored.
            if positional > self.register_locals() {
                in_registers -= 1;
            }
        }
        self.stack_start = self.code_state_start
            + if self.needs_handler() {
                2
            } else {
                usize::from(self.has_constants)
            };
        self.enter((self.stack_start + self.state_size).saturating_sub(in_registers));
        let [function, count, keywords, array] = self.description.parent_arguments;
        self.load_own_argument(0, function);
        self.load_tables(function, self.description.fun_table, fun_table);
        if self.needs_function() {
            self.machine.store_local(self.function_word(), function);
        }
        let [first, second, third, _] = self.description.arguments;
        let last = self.last_local();
        if self.description.arguments_on_stack {
            for (index, register) in [(1, first), (2, second), (3, last)] {
                self.machine.load_argument(index, register);
            }
        } else {
            for (register, source) in [(first, count), (second, keywords), (last, array)] {
                self.machine.copy(register, source);
            }
        }
        self.machine.jump_if_nonzero(second, CHECK_ARGUMENTS, true);
        self.machine.load_immediate(third, positional as i64);
        self.machine.jump_if_equal(first, third, ARGUMENTS_CHECKED);
        self.machine.assign(CHECK_ARGUMENTS);
        // The least and the greatest number of arguments (`MP_OBJ_FUN_MAKE_SIG`).
        let count = u32::from(self.scope.positional_arguments);
        let signature = count << 17 | count << 1;
        self.machine.load_immediate(third, signature.into());
        self.machine.call(Fun::CheckArgumentCount);
        self.machine.assign(ARGUMENTS_CHECKED);
        self.store_arguments(positional, last);
    }

    /// Stores the arguments of a viper function in its locals, as values of their types.
    fn store_arguments(&mut self, positional: usize, array: Register) {
        let first = self.description.arguments[0];
        for index in 0..positional {
            let mut register = first;
            self.machine.load_word(first, array, index);
            let value_type = self.local_type(index);
            if value_type != ValueType::OBJECT {
                self.convert_to_native(value_type);
                register = self.description.result;
            }
            // The register of the array is written last.
            let writable =
                index + 1 != self.register_locals() || positional == self.register_locals();
            match self.local_register(index).filter(|_| writable) {
                Some(local) => self.machine.copy(local, register),
                None => self.store_state(self.local_word(index), register),
            }
        }
        if positional > self.register_locals() && self.locals_in_registers() {
            let local = self.local_word(self.register_locals() - 1);
            self.machine.load_local(array, local);
        }
    }

    fn start_native(&mut self, fun_table: usize) {
        self.stack_start = self.code_state_start + CODE_STATE_SIZE;
        self.enter(self.stack_start + self.state_size);
        let parents = self.description.parent_arguments;
        for (index, register) in (0..).zip(parents) {
            self.load_own_argument(index, register);
        }
        let function = parents[0];
        self.load_tables(function, self.description.fun_table, fun_table);
        self.machine.store_local(self.function_word(), function);
        if self.rules.native.function_tables {
            self.store_prelude_offset(function);
        } else if !self.rules.native.prelude_in_front {
            self.store_prelude(function);
        }
        let arguments = self.description.arguments;
        self.machine
            .load_immediate(arguments[0], self.state_size as i64);
        let n_state = self.code_state_start + word::CODE_STATE_N_STATE;
        self.store_state(n_state, arguments[0]);
        self.machine
            .load_local_address(arguments[0], self.code_state_start);
        for (argument, parent) in arguments.into_iter().zip(parents).skip(1) {
            if argument != parent {
                self.machine.copy(argument, parent);
            }
        }
        self.machine.call_with_four_arguments(Fun::SetupCodeState);
    }

    /// Stores the address of the prelude in the code state: after the function's children, or in their place.
    fn store_prelude(&mut self, function: Register) {
        self.machine
            .load_word(function, function, word::FUN_CHILDREN);
        let index = self.carried.prelude_index;
        if index != 0 {
            self.machine.load_word(function, function, index);
        }
        self.store_state(self.code_state_start + word::CODE_STATE_IP, function);
    }

    fn start_generator(&mut self, fun_table: usize) {
        self.enter(self.code_state_start);
        self.code_state_start = 0;
        self.stack_start = CODE_STATE_SIZE;
        let [own_state, thrown, ..] = self.description.parent_arguments;
        let (state, temporary) = (self.generator_state(), self.description.temporaries[0]);
        if self.description.arguments_on_stack {
            self.machine.load_argument(0, state);
        } else {
            self.machine.copy(state, own_state);
        }
        self.load_own_argument(1, thrown);
        self.machine.store_local(self.thrown_word(), thrown);
        self.machine
            .load_word(temporary, state, self.function_word());
        self.load_tables(temporary, temporary, fun_table);
    }

    /// Appends the prelude: what the runtime must know before it starts the function.
    pub(super) fn push_prelude(&mut self) -> Result<(), Failure> {
        let scope = self.scope;
        self.carried.prelude_offset = self.machine.assembler().offset();
        self.carried.prelude_index = self.children.len();
        let signature = Signature {
            n_state: u32::try_from(self.state_size).unwrap_or(u32::MAX),
            n_exc_stack: 0,
            scope_flags: scope.flags,
            n_pos_args: scope.positional_arguments.into(),
            n_kwonly_args: scope.keyword_only_arguments.into(),
            n_def_pos_args: scope.default_arguments.into(),
        };
        let mut bytes = Vec::new();
        signature.push(&mut bytes);
        if self.rules.native.function_tables {
            self.machine.assembler().emit(&bytes);
            return self.push_own_prelude();
        }
        push_sizes(&mut bytes, self.carried.names_size, self.carried.cell_count);
        self.machine.assembler().emit(&bytes);
        let mut names = Vec::new();
        vuint::push(&mut names, self.tables.string(scope.name)?);
        for name in argument_names(scope, self.known, self.tables)? {
            vuint::push(&mut names, name);
        }
        self.machine.assembler().emit(&names);
        self.carried.names_size = names.len();
        let mut cells = Vec::new();
        for id in scope.ids.iter().filter(|id| id.kind == IdKind::Cell) {
            let too_large = |_| Failure::limit(DiagnosticCode::CellNumberTooLarge);
            cells.push(u8::try_from(id.local).map_err(too_large)?);
        }
        self.machine.assembler().emit(&cells);
        self.carried.cell_count = cells.len();
        Ok(())
    }

    /// Loads an entry of the module's table of objects.
    pub(super) fn load_object(&mut self, destination: Register, index: u32) {
        if self.rules.native.function_tables {
            self.load_own_object(destination, index);
            return;
        }
        self.has_constants = true;
        let temporary = self.description.temporaries[0];
        self.load_state(temporary, self.function_word());
        self.machine
            .load_word(temporary, temporary, word::FUN_CONTEXT);
        self.machine
            .load_word(temporary, temporary, word::CONTEXT_OBJECTS);
        self.machine
            .load_word(destination, temporary, index as usize);
    }

    /// Loads the next of the function's children.
    pub(super) fn load_child(&mut self, destination: Register, child: crate::scope::ScopeId) {
        let index = self.children.len();
        self.children.push(child);
        if self.rules.native.function_tables {
            self.load_own_entry(destination, self.carried.object_count + index);
            return;
        }
        let temporary = self.description.temporaries[0];
        self.load_state(temporary, self.function_word());
        self.machine
            .load_word(temporary, temporary, word::FUN_CHILDREN);
        self.machine.load_word(destination, temporary, index);
    }

    /// Returns the register of the table of names.
    pub(super) fn qstr_table(&self) -> Register {
        self.description.locals[2]
    }

    /// Returns the register of a generator's state.
    pub(super) fn generator_state(&self) -> Register {
        let [_, second, third] = self.description.locals;
        if self.rules.native.function_tables {
            third
        } else {
            second
        }
    }

    /// Returns the last register that a local can have.
    fn last_local(&self) -> Register {
        let [_, second, third] = self.description.locals;
        if self.rules.native.function_tables {
            third
        } else {
            second
        }
    }

    /// Sets a register or word of the frame to 0, with a temporary register if the machine has none that is 0.
    pub(super) fn clear_local(&mut self, local: usize, temporary: Register) {
        let zero = self.zero_or(temporary);
        if self.description.zero.is_none() {
            self.machine.clear(zero);
        }
        self.machine.store_local(local, zero);
    }

    /// Returns the register that is always 0, or the one that [`Emitter::clear_local`] cleared.
    pub(super) fn zero_or(&self, temporary: Register) -> Register {
        self.description.zero.unwrap_or(temporary)
    }

    /// Adds the base of an array to an index that is loaded already.
    pub(super) fn add(&mut self, destination: Register, source: Register) {
        self.machine
            .arithmetic(Arithmetic::Add, destination, source);
    }
}
