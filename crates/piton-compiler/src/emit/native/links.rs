//! Machine code of releases with files of version 5: each function has a table of its own.
//!
//! The table has the names of the arguments (outside of viper), the table of runtime functions, the objects and the
//! children. Strings are numbers in the code: the compiler's own, and a list says where they are, so that a loader can put
//! in those of the board.

use super::frame::word;
use super::value::ValueType;
use super::{Emitter, Step};
use crate::emit::bytecode::argument_names;
use crate::machine::{Arithmetic, Pass, Register};
use crate::scope::IdKind;
use piton_mpy::prelude::push_sizes;
use piton_mpy::raw_code::{LinkKind, NativeLinks, StringLink};
use piton_syntax::diagnostic::{DiagnosticCode, Failure};
use piton_syntax::interner::Qstr;

/// Bytes of the two names in a prelude.
const NAME_BYTES: usize = 4;
/// The word of an object of bytes that has the address of its data.
const BYTES_DATA: usize = 3;
/// What marks a string as an object.
const STRING_MARK: i64 = 2;
/// Offsets of preludes that surely have 16 bits in the last pass.
const SHORT_OFFSETS: usize = 0x8000;

impl Emitter<'_> {
    /// Returns whether the prelude is also an object: processors with windowed registers cannot read bytes of code.
    fn has_prelude_object(&self) -> bool {
        self.description.needs_setjmp && !self.has_types
    }

    /// Begins the function's own table.
    pub(super) fn start_links(&mut self, step: Step) -> Result<(), Failure> {
        self.links.strings.clear();
        self.links.objects.clear();
        if !self.rules.native.function_tables {
            return Ok(());
        }
        if self.has_prelude_object() {
            self.links.objects.push(0);
        }
        if step == Step::CodeSize {
            let offset = self.carried.prelude_offset;
            self.carried.short_prelude_offset = offset < SHORT_OFFSETS;
        }
        Ok(())
    }

    /// Returns how many names of arguments are in front of the table of runtime functions.
    fn named_arguments(&self) -> usize {
        usize::from(self.scope.positional_arguments)
            + usize::from(self.scope.keyword_only_arguments)
    }

    /// Returns the word of the table of runtime functions.
    fn fun_table_word(&self) -> usize {
        if self.has_types {
            0
        } else {
            self.named_arguments()
        }
    }

    /// Loads the table of runtime functions from the function object in a register, through another one.
    pub(super) fn load_own_fun_table(&mut self, function: Register, through: Register) {
        let (table, index) = (self.description.fun_table, self.fun_table_word());
        self.machine
            .load_word(through, function, word::FUN_CONSTANTS);
        self.machine.load_word(table, through, index);
    }

    /// Loads the table of runtime functions anew behind `setjmp`.
    pub(super) fn reload_fun_table(&mut self) {
        let through = self.description.locals[0];
        let (table, index) = (self.description.fun_table, self.named_arguments());
        self.load_state(through, self.function_word());
        self.machine
            .load_word(through, through, word::FUN_CONSTANTS);
        self.machine.load_word(table, through, index);
    }

    /// Stores where the prelude is, from the start of the function. The last local's register has the function's table, and
    /// `function` the function object.
    pub(super) fn store_prelude_offset(&mut self, function: Register) {
        let place = self.code_state_start + word::CODE_STATE_IP;
        if self.has_prelude_object() {
            let data = self.description.locals[2];
            let index = self.fun_table_word() + 1;
            self.machine.load_word(data, data, index);
            self.machine.load_word(data, data, BYTES_DATA);
            self.machine
                .load_word(function, function, word::FUN_CHILDREN);
            self.machine
                .arithmetic(Arithmetic::Subtract, data, function);
            self.store_state(place, data);
            return;
        }
        let offset = self.carried.prelude_offset as i64;
        if self.rules.native.fixed_prelude_offset {
            let is_word = !self.carried.short_prelude_offset;
            self.machine.load_replaceable(function, offset, is_word);
        } else {
            self.machine.load_immediate(function, offset);
        }
        self.store_state(place, function);
    }

    /// Returns what a generator has in front of its code: the offset of the prelude, or the word of its object.
    pub(super) fn generator_prelude(&self) -> i64 {
        if self.has_prelude_object() {
            self.fun_table_word() as i64 + 1
        } else {
            self.carried.prelude_offset as i64
        }
    }

    /// Loads an entry of the function's table.
    pub(super) fn load_own_entry(&mut self, destination: Register, index: usize) {
        let index = self.fun_table_word() + 1 + index;
        let temporary = self.description.temporaries[0];
        self.load_state(temporary, self.function_word());
        self.machine
            .load_word(temporary, temporary, word::FUN_CONSTANTS);
        self.machine.load_word(destination, temporary, index);
    }

    /// Loads an object, by its index in the module: each time it is another object of the function.
    pub(super) fn load_own_object(&mut self, destination: Register, object: u32) {
        self.has_constants = true;
        let index = self.links.objects.len();
        self.links.objects.push(object);
        self.load_own_entry(destination, index);
    }

    /// Pushes a string, by its index in the table of names.
    pub(super) fn push_linked_string(&mut self, index: u32) {
        let temporary = self.description.temporaries[0];
        self.free_register(temporary);
        let text = self.tables.string_at(index).unwrap_or(Qstr::EMPTY);
        let shift = self.rules.native.string_object_shift;
        let object = i64::from(text.0) << shift | STRING_MARK;
        let offset = self.machine.load_replaceable(temporary, object, true);
        self.link(offset, LinkKind::Object, index);
        self.push(ValueType::OBJECT, temporary);
    }

    /// Loads the number of a string, by its index in the table of names.
    pub(super) fn load_linked_name(&mut self, destination: Register, index: u32) {
        let text = self.tables.string_at(index).unwrap_or(Qstr::EMPTY);
        let number = text.0.into();
        let offset = self.machine.load_replaceable(destination, number, false);
        self.link(offset, LinkKind::Number, index);
    }

    /// Notes a place in the code that gets a string.
    fn link(&mut self, offset: usize, kind: LinkKind, string: u32) {
        if self.machine.assembler().pass() == Pass::Emit {
            // The official compiler keeps 16 bits of offset and kind (`mp_qstr_link_entry_t`): behind 16 KiB a board changes
            // the wrong place.
            let offset = (offset & 0x3fff) as u32;
            self.links.strings.push(StringLink {
                offset,
                kind,
                string,
            });
        }
    }

    /// Appends the sizes, names and cells of the prelude.
    pub(super) fn push_own_prelude(&mut self) -> Result<(), Failure> {
        let source = self.tables.string_at(0).unwrap_or(Qstr::EMPTY);
        let mut bytes = Vec::new();
        push_sizes(&mut bytes, NAME_BYTES, self.carried.cell_count);
        for name in [self.scope.name, source] {
            let [low, high, ..] = name.0.to_le_bytes();
            bytes.extend([low, high]);
        }
        let head = bytes.len();
        for id in self.scope.ids.iter().filter(|id| id.kind == IdKind::Cell) {
            let too_large = |_| Failure::limit(DiagnosticCode::CellNumberTooLarge);
            bytes.push(u8::try_from(id.local).map_err(too_large)?);
        }
        self.carried.cell_count = bytes.len() - head;
        self.prelude_end = self.machine.assembler().offset() + bytes.len();
        self.machine.assembler().emit(&bytes);
        Ok(())
    }

    /// Returns what a native function has of its own, where each has something.
    pub(super) fn native_links(&mut self, code: &[u8]) -> Result<Option<NativeLinks>, Failure> {
        if !self.rules.native.function_tables {
            return Ok(None);
        }
        let mut own = std::mem::take(&mut self.links);
        if self.has_prelude_object() {
            let prelude = code.get(self.carried.prelude_offset..self.prelude_end);
            let constant = self.constants.bytes(prelude.unwrap_or_default())?;
            let object = self.tables.object(constant)?;
            if let Some(place) = own.objects.first_mut() {
                *place = object;
            }
        }
        Ok(Some(NativeLinks {
            own,
            simple_name: self.tables.string(self.scope.name)?,
            arg_names: argument_names(self.scope, self.known, self.tables)?,
        }))
    }
}
