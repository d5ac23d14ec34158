//! Machine code from instructions (`py/emitnative.c`), on any [`Machine`].
//!
//! The code does what the virtual machine would do, by calls of the runtime. Values stay in registers, or known as
//! numbers, until they must be on the stack: the emitter keeps account of where each one is. In viper functions values
//! also have types, and integers and pointers need no calls.
//!
//! Each function is written in three passes ([`crate::machine`]). What must be known before it is found out, as the
//! depth of the stack, is that of the pass before.

mod calls;
mod exception;
mod frame;
mod generator;
mod links;
mod names;
mod operators;
mod stack;
mod subscript;
mod value;

use std::collections::HashMap;

use self::exception::Block;
use self::names::{qualified_name, references_globals};
use self::value::{Value, ValueType};
use super::{Access, Code, Function, Instruction, Label, Tables};
use crate::machine::{Description, Fun, Machine, Pass};
use crate::options::Emitter as EmitterOption;
use crate::scope::{Scope, ScopeId};
use piton_mpy::opcode::Opcode;
use piton_mpy::prelude::FLAG_GENERATOR;
use piton_mpy::raw_code::{self, Links, NativeCode, ViperCode};
use piton_syntax::constants::Constants;
use piton_syntax::diagnostic::{DiagnosticCode, Failure, Place};
use piton_syntax::interner::{Interner, Known, Qstr};
use piton_syntax::target::Rules;

/// Words that a `for` loop keeps on the stack.
const ITERATOR_SLOTS: usize = 4;
/// Words of `mp_code_state_native_t`.
const CODE_STATE_SIZE: usize = 5;

/// What all functions of a module share.
#[derive(Debug)]
pub(crate) struct Native {
    machine: Box<dyn Machine>,
    rules: &'static Rules,
    carried: Carried,
    /// Objects of strings, by their numbers.
    string_objects: HashMap<Qstr, u32>,
}

/// What the emitter takes from one pass or function to the next, as the official compiler does.
#[derive(Debug)]
struct Carried {
    /// The type of the value that the last jump kept on the stack.
    jump_type: ValueType,
    /// How many children the function has: the place of its prelude among them.
    prelude_index: usize,
    prelude_offset: usize,
    /// Where a generator begins.
    start_offset: usize,
    /// Bytes of the names in the prelude.
    names_size: usize,
    /// Cells in the prelude.
    cell_count: usize,
    /// Objects in the function's own table.
    object_count: usize,
    /// Whether the offset of the prelude is loaded as a number of 16 bits.
    short_prelude_offset: bool,
}

/// What the emitter reads of a module.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub(crate) scopes: &'a [Scope],
    pub(crate) tables: &'a mut Tables,
    pub(crate) constants: &'a mut Constants,
    pub(crate) interner: &'a Interner,
    pub(crate) known: &'a Known,
}

/// The passes over a function (`pass_kind_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    StackSize,
    CodeSize,
    Emit,
}

/// An error in the types of a function. The function is gone through to its end, and a later error takes its place.
#[derive(Debug)]
struct TypeError {
    code: DiagnosticCode,
    message: Option<String>,
    /// 0 while not known.
    line: u32,
}

/// The emitter in a pass over a function.
struct Emitter<'a> {
    machine: &'a mut dyn Machine,
    description: &'static Description,
    rules: &'static Rules,
    carried: &'a mut Carried,
    string_objects: &'a mut HashMap<Qstr, u32>,
    scopes: &'a [Scope],
    scope: &'a Scope,
    tables: &'a mut Tables,
    constants: &'a mut Constants,
    interner: &'a Interner,
    known: &'a Known,
    qualified_name: Vec<u8>,
    /// Whether values have types: in viper.
    has_types: bool,
    references_globals: bool,
    /// Whether the function uses objects of the module's table.
    has_constants: bool,
    local_types: Vec<ValueType>,
    stack: Vec<Value>,
    /// Below this index no value is in a register, and below the other one all are in memory: a high stack need not be
    /// looked through again and again.
    no_register_below: usize,
    settled_below: usize,
    height: usize,
    greatest_height: usize,
    /// The greatest height in the passes before.
    scope_stack_size: usize,
    blocks: Vec<Block>,
    children: Vec<ScopeId>,
    /// What the function has of its own, in releases where each has.
    links: Links,
    /// The end of the prelude that is in the code.
    prelude_end: usize,
    /// The first label that the next instruction has for itself.
    own_labels: Label,
    code_state_start: usize,
    stack_start: usize,
    /// Locals and stack together, in words.
    state_size: usize,
    /// Whether the last instruction was a return.
    returned: bool,
    type_error: Option<TypeError>,
    /// What ends the compilation at once.
    failure: Option<Failure>,
}

impl Native {
    /// Returns the emitter for a machine, as the compiler with these rules has it.
    pub(crate) fn new(machine: Box<dyn Machine>, rules: &'static Rules) -> Native {
        Native {
            machine,
            rules,
            carried: Carried {
                jump_type: ValueType::OBJECT,
                prelude_index: 0,
                prelude_offset: 0,
                start_offset: 0,
                names_size: 0,
                cell_count: 0,
                object_count: 0,
                short_prelude_offset: false,
            },
            string_objects: HashMap::new(),
        }
    }

    /// Returns the listing of the functions so far, for the architecture that has one.
    pub(crate) fn take_listing(&mut self) -> Vec<u8> {
        self.machine.take_listing()
    }

    /// Turns the instructions of a scope into machine code. Strings and objects are added to the tables as they are used.
    ///
    /// # Errors
    /// A [`Failure`] with the official compiler's words if the scope can't be machine code.
    pub(crate) fn assemble(
        &mut self,
        source: Source<'_>,
        scope: &Scope,
        code: &Code,
    ) -> Result<Function, Failure> {
        let description = self.machine.description();
        let mut emitter = Emitter {
            machine: self.machine.as_mut(),
            description,
            rules: self.rules,
            carried: &mut self.carried,
            string_objects: &mut self.string_objects,
            scopes: source.scopes,
            scope,
            tables: source.tables,
            constants: source.constants,
            interner: source.interner,
            known: source.known,
            qualified_name: qualified_name(scope, source.scopes, source.known, source.interner),
            has_types: false,
            references_globals: scope.makes_functions || references_globals(scope, source.known),
            has_constants: scope.makes_functions,
            local_types: Vec::new(),
            stack: Vec::new(),
            no_register_below: 0,
            settled_below: 0,
            height: 0,
            greatest_height: 0,
            scope_stack_size: 0,
            blocks: Vec::new(),
            children: Vec::new(),
            links: Links::default(),
            prelude_end: 0,
            own_labels: Label(0),
            code_state_start: 0,
            stack_start: 0,
            state_size: 0,
            returned: false,
            type_error: None,
            failure: None,
        };
        for step in [Step::StackSize, Step::CodeSize, Step::Emit] {
            emitter.pass(step, code)?;
        }
        emitter.finish()
    }
}

impl Emitter<'_> {
    fn pass(&mut self, step: Step, code: &Code) -> Result<(), Failure> {
        self.has_types = self.scope.emitter == EmitterOption::Viper;
        self.returned = false;
        self.height = 0;
        self.greatest_height = 0;
        self.stack.clear();
        (self.no_register_below, self.settled_below) = (0, 0);
        self.blocks.clear();
        self.children.clear();
        self.start_links(step)?;
        self.type_locals();
        self.machine.assembler().start_pass(if step == Step::Emit {
            Pass::Emit
        } else {
            Pass::Compute
        });
        self.start()?;
        self.instructions(code)?;
        self.close_handler();
        if !self.has_types {
            self.push_prelude()?;
        }
        self.machine.end_pass();
        self.carried.object_count = self.links.objects.len();
        self.check()?;
        if let Some(error) = self.type_error.take() {
            return Err(self.type_failure(error));
        }
        if self.height != 0 || !self.blocks.is_empty() {
            return Err(Failure::limit(DiagnosticCode::NativeImpossible));
        }
        self.scope_stack_size = self.scope_stack_size.max(self.greatest_height);
        Ok(())
    }

    /// Returns the failure of an error in types: its place is open if the line is that of the function.
    fn type_failure(&self, error: TypeError) -> Failure {
        let failure = match error.line {
            0 => Failure::limit(error.code),
            line => Failure::new(error.code, Place::Scope(line, self.scope.name)),
        };
        match error.message {
            Some(message) => failure.with_message(message),
            None => failure,
        }
    }

    /// Returns the code that the last pass wrote.
    fn finish(mut self) -> Result<Function, Failure> {
        let Some(code) = self.machine.assembler().take_code() else {
            return Err(Failure::limit(DiagnosticCode::NativeImpossible));
        };
        let code = if self.has_types {
            raw_code::Code::Viper(ViperCode {
                code,
                scope_flags: match self.rules.native.keeps_viper_flags {
                    true => (self.scope.flags & 0x0f) as u8,
                    false => 0,
                },
                rodata: None,
                bss_size: None,
                relocations: None,
                links: self.rules.native.function_tables.then_some(self.links),
            })
        } else {
            // The official compiler keeps 16 bits (`mp_raw_code_t`): a board does not find the prelude of longer code.
            let offset = (self.carried.prelude_offset & 0xffff) as u32;
            raw_code::Code::Native(NativeCode {
                links: self.native_links(&code)?,
                code,
                prelude_offset: offset,
            })
        };
        Ok(Function {
            code,
            children: self.children,
        })
    }

    /// Writes the body. After an error in types the rest of the innermost list of statements is left out.
    fn instructions(&mut self, code: &Code) -> Result<(), Failure> {
        let mut instructions = code.instructions.iter();
        while let Some(&instruction) = instructions.next() {
            self.instruction(instruction, code)?;
            if let Instruction::EndChild(line) = instruction
                && let Some(error) = &mut self.type_error
            {
                if error.line == 0 {
                    error.line = line;
                }
                skip_list(&mut instructions);
            }
            if instruction == Instruction::OpenFunction && self.type_error.is_some() {
                // The official compiler leaves the function out, but not what takes it (`compile_funcdef_lambdef`).
                instructions
                    .by_ref()
                    .find(|next| matches!(next, Instruction::MakeFunction(..)));
            }
            self.check()?;
        }
        Ok(())
    }

    /// Ends the compilation if something went wrong that ends it at once.
    fn check(&mut self) -> Result<(), Failure> {
        if let Some(failure) = self.failure.take() {
            let is_assertion = failure.place == Place::Open;
            return Err(match self.type_error.take() {
                // An error in types says more than that the official compiler would stop.
                Some(error) if is_assertion => self.type_failure(error),
                _ => failure,
            });
        }
        match self.machine.assembler().error() {
            Some(code) => Err(Failure::nowhere(code)),
            None => Ok(()),
        }
    }

    // tidy: one arm for each instruction, as the table of py/emitnative.c.
    fn instruction(&mut self, instruction: Instruction, code: &Code) -> Result<(), Failure> {
        let returned = std::mem::replace(
            &mut self.returned,
            instruction == Instruction::Plain(Opcode::RETURN_VALUE),
        );
        match instruction {
            Instruction::Line(_)
            | Instruction::PopIterator
            | Instruction::OpenList
            | Instruction::EndChild(_)
            | Instruction::CloseList
            | Instruction::OpenFunction => self.returned = returned,
            Instruction::OwnLabels(first) => {
                self.returned = returned;
                self.own_labels = Label(first);
            }
            Instruction::Label(label) => self.label(label),
            Instruction::AdjustStack(change) => {
                self.returned = returned;
                self.adjust_settled(change);
            }
            Instruction::Plain(opcode) => self.plain(opcode),
            Instruction::Number(opcode, number) => self.number(opcode, number),
            Instruction::Name(opcode, index) => return self.name(opcode, index),
            Instruction::Object(index) => self.push_object(index),
            Instruction::SmallInteger(value) => {
                self.push_immediate(ValueType::INT, value.into());
            }
            Instruction::WideInteger(index) => {
                let value = code.wide_integers.get(index as usize);
                self.push_immediate(ValueType::INT, value.copied().unwrap_or(0));
            }
            Instruction::Unary(operator) => self.unary(operator),
            Instruction::Binary(operator) => self.binary(operator, false),
            Instruction::NegatedBinary(operator) => self.binary(operator, true),
            Instruction::Jump(opcode, label) => self.jump_opcode(opcode, label),
            Instruction::UnwindJump(depth, label) => {
                self.unwind_jump(label, usize::from(depth & 0x7f));
            }
            Instruction::Identifier(access, name) => {
                return self.identifier(self.scope, access, name);
            }
            Instruction::StoreAround(name) => {
                let around = self.scope.parent.and_then(|id| self.scopes.get(id.index()));
                return self.identifier(around.unwrap_or(self.scope), Access::Store, name);
            }
            Instruction::JumpUnlessReturned(_) | Instruction::ReturnUnlessReturned if returned => {
                self.returned = true;
            }
            Instruction::JumpUnlessReturned(label) => self.jump(label),
            Instruction::ReturnUnlessReturned => {
                self.push_none();
                self.return_value();
                self.returned = true;
            }
            Instruction::FirstParameter => return self.first_parameter(),
            Instruction::ClassCell(class) => self.class_cell(class),
            Instruction::MakeFunction(scope, defaults) => {
                return self.make_function(scope, defaults);
            }
            Instruction::DeleteAttribute(index) => self.delete_attribute(index),
            Instruction::DeleteSubscript => self.delete_subscript(),
            Instruction::StartHandlers => self.start_handlers(),
            Instruction::EndHandlers => self.end_handlers(),
            Instruction::LeaveExcept(label, in_handler) => self.leave_except(label, in_handler),
            Instruction::CloseWith(label) => self.close_with(label),
            Instruction::JumpUnlessException(label) => self.jump_unless_exception(label),
        }
        Ok(())
    }

    fn plain(&mut self, opcode: Opcode) {
        match opcode {
            Opcode::LOAD_CONST_FALSE => self.push_immediate(ValueType::BOOL, 0),
            Opcode::LOAD_CONST_TRUE => self.push_immediate(ValueType::BOOL, 1),
            Opcode::LOAD_CONST_NONE => self.push_none(),
            Opcode::LOAD_NULL => self.push_immediate(ValueType::OBJECT, 0),
            Opcode::LOAD_BUILD_CLASS => {
                self.call(Fun::LoadBuildClass);
                self.push_result();
            }
            Opcode::LOAD_SUBSCR => self.load_subscript(),
            Opcode::STORE_SUBSCR => self.store_subscript(),
            Opcode::DUP_TOP => self.duplicate_top(),
            Opcode::DUP_TOP_TWO => self.duplicate_top_two(),
            Opcode::POP_TOP => self.adjust(-1),
            Opcode::ROT_TWO => self.rotate_two(),
            Opcode::ROT_THREE => self.rotate_three(),
            Opcode::END_FINALLY => self.end_finally(),
            Opcode::GET_ITER => self.get_iterator(false),
            Opcode::GET_ITER_STACK => self.get_iterator(true),
            Opcode::STORE_MAP => self.store_map(),
            Opcode::IMPORT_STAR => self.import_star(),
            Opcode::RETURN_VALUE => self.return_value(),
            Opcode::RAISE_OBJ => self.raise(),
            Opcode::RAISE_LAST | Opcode::RAISE_FROM => self.fail(DiagnosticCode::NativeRaise),
            Opcode::YIELD_VALUE => self.yield_value(false),
            Opcode::YIELD_FROM => self.yield_value(true),
            _ => self.impossible(),
        }
    }

    fn number(&mut self, opcode: Opcode, number: u32) {
        match opcode {
            Opcode::BUILD_TUPLE => self.build_collection(Fun::BuildTuple, number),
            Opcode::BUILD_LIST => self.build_collection(Fun::BuildList, number),
            Opcode::BUILD_SET => self.build_collection(Fun::BuildSet, number),
            Opcode::BUILD_MAP => self.build_map(number),
            Opcode::BUILD_SLICE => self.build_slice(number),
            Opcode::STORE_COMP => self.store_comprehension(number),
            Opcode::UNPACK_SEQUENCE => self.unpack_sequence(number),
            Opcode::UNPACK_EX => self.unpack_ex(number),
            Opcode::CALL_FUNCTION => self.call_function(number, false),
            Opcode::CALL_FUNCTION_VAR_KW => self.call_function(number, true),
            Opcode::CALL_METHOD => self.call_method(number, false),
            Opcode::CALL_METHOD_VAR_KW => self.call_method(number, true),
            _ => self.impossible(),
        }
    }

    fn name(&mut self, opcode: Opcode, index: u32) -> Result<(), Failure> {
        match opcode {
            Opcode::LOAD_CONST_STRING if self.rules.native.function_tables => {
                self.push_linked_string(index);
            }
            Opcode::LOAD_CONST_STRING => {
                let object = self.string_object(index)?;
                self.push_object(object);
            }
            Opcode::LOAD_GLOBAL => self.load_global(Fun::LoadGlobal, index),
            Opcode::LOAD_ATTR => self.load_attribute(index),
            Opcode::STORE_ATTR => self.store_attribute(index),
            Opcode::LOAD_METHOD => self.load_method(index),
            Opcode::LOAD_SUPER_METHOD => self.load_super_method(index),
            Opcode::IMPORT_NAME => self.import_name(index),
            Opcode::IMPORT_FROM => self.import_from(index),
            _ => self.impossible(),
        }
        Ok(())
    }

    fn jump_opcode(&mut self, opcode: Opcode, label: Label) {
        match opcode {
            Opcode::JUMP => self.jump(label),
            Opcode::POP_JUMP_IF_TRUE => self.jump_if(true, label, false),
            Opcode::POP_JUMP_IF_FALSE => self.jump_if(false, label, false),
            Opcode::JUMP_IF_TRUE_OR_POP => self.jump_if(true, label, true),
            Opcode::JUMP_IF_FALSE_OR_POP => self.jump_if(false, label, true),
            Opcode::SETUP_WITH => self.open_with(label),
            Opcode::SETUP_EXCEPT => self.open_try(label, false),
            Opcode::SETUP_FINALLY => self.open_try(label, true),
            Opcode::FOR_ITER => self.for_iterator(label),
            _ => self.impossible(),
        }
    }

    /// Pushes an object of the module's table.
    fn push_object(&mut self, index: u32) {
        let temporary = self.description.temporaries[0];
        self.free_register(temporary);
        self.load_object(temporary, index);
        self.push(ValueType::OBJECT, temporary);
    }

    /// Returns the index of a string's object, for the string with an index in the table of names.
    fn string_object(&mut self, index: u32) -> Result<u32, Failure> {
        let text = self.tables.string_at(index).unwrap_or(Qstr::EMPTY);
        if let Some(&object) = self.string_objects.get(&text) {
            return Ok(object);
        }
        let constant = self.constants.text(self.interner.text(text))?;
        let object = self.tables.object(constant)?;
        self.string_objects.insert(text, object);
        Ok(object)
    }

    /// Returns the index of a name in the module's table.
    fn string(&mut self, name: Qstr) -> u32 {
        match self.tables.string(name) {
            Ok(index) => index,
            Err(failure) => {
                self.failure.get_or_insert(failure);
                0
            }
        }
    }

    /// Returns a name for messages.
    fn text(&self, name: Qstr) -> String {
        String::from_utf8_lossy(self.interner.text(name)).into_owned()
    }

    /// Returns one of the labels that the instruction has for itself.
    fn own_label(&self, index: u32) -> Label {
        Label(self.own_labels.0 + index)
    }

    fn is_generator(&self) -> bool {
        self.scope.flags & FLAG_GENERATOR != 0
    }

    /// Reports an error in types. A later one takes its place, but not its line.
    fn type_error(&mut self, code: DiagnosticCode, message: Option<String>) {
        let line = self.type_error.as_ref().map_or(0, |error| error.line);
        self.type_error = Some(TypeError {
            code,
            message,
            line,
        });
    }

    /// Ends the compilation.
    fn fail(&mut self, code: DiagnosticCode) {
        let failure = match code {
            DiagnosticCode::ViperNotObject | DiagnosticCode::NativeImpossible => {
                Failure::limit(code)
            }
            // The official compiler gives these no place.
            _ => Failure::nowhere(code),
        };
        self.failure.get_or_insert(failure);
    }

    /// Ends the compilation where the official compiler has an assertion.
    fn impossible(&mut self) {
        self.fail(DiagnosticCode::NativeImpossible);
    }
}

/// Goes to the end of the innermost list of children.
fn skip_list(instructions: &mut std::slice::Iter<'_, Instruction>) {
    let mut depth = 1;
    for instruction in instructions {
        match instruction {
            Instruction::OpenList => depth += 1,
            Instruction::CloseList => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return;
        }
    }
}
