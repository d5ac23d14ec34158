//! Bytecode from instructions (`py/emitbc.c`).
//!
//! Jumps, labels and lines are kept apart until the jumps have their sizes ([`super::jumps`]); all other bytes are final
//! from the start.

use piton_mpy::header::FORMER_VERSION;
use piton_mpy::line_info::LineInfo;
use piton_mpy::opcode::Opcode;
use piton_mpy::prelude::{Prelude, Signature};
use piton_mpy::raw_code::{self, Bytecode};
use piton_mpy::vuint;

use super::jumps::{Event, EventKind, settle};
use super::{Access, Code, Function, Instruction, Label, Tables, operator};
use crate::options::Options;
use crate::scope::{IdKind, Parameter, Scope, ScopeId};
use piton_syntax::Rules;
use piton_syntax::diagnostic::{DiagnosticCode, Failure};
use piton_syntax::interner::{Known, Qstr};

/// Locals, integers and operators with opcodes of their own.
const FAST_LOCALS: u16 = 16;
const FAST_INTEGERS: std::ops::Range<i64> = -16..48;
/// Values a `for` loop keeps on the stack.
const ITERATOR_SLOTS: usize = 4;
/// What an exception handler needs on the stack: the exception, and the state of an unwinding jump.
const HANDLER_STACK: i32 = 4;
/// The state of an unwinding jump.
const UNWIND_STACK: i32 = 3;

/// The code of a scope while it is made.
#[derive(Debug)]
struct Assembler<'a> {
    scopes: &'a [Scope],
    scope: &'a Scope,
    tables: &'a mut Tables,
    /// All bytes but those of jumps.
    bytes: Vec<u8>,
    events: Vec<Event>,
    children: Vec<ScopeId>,
    encoding: Encoding,
    /// How many objects the instructions load, for version 5.
    object_count: u32,
    /// The objects that the instructions load, for version 5.
    objects: Vec<u32>,
    /// Whether the code at this place can't be reached.
    dead: bool,
    /// Whether the last instruction was a return.
    returned: bool,
    stack: i32,
    /// The greatest stack.
    maximum_stack: i32,
}

/// How instructions become bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encoding {
    rules: &'static Rules,
    /// Whether the file is one of version 5.
    is_former: bool,
    /// See [`Options::lookup_cache`].
    lookup_cache: bool,
}

impl Encoding {
    pub(crate) fn of(options: &Options) -> Encoding {
        Encoding {
            rules: options.target.rules(),
            is_former: options.target.mpy_version() == FORMER_VERSION,
            lookup_cache: options.lookup_cache,
        }
    }
}

/// Returns how many objects the instructions load.
fn object_count(code: &Code) -> u32 {
    let loads = |instruction: &&Instruction| matches!(instruction, Instruction::Object(_));
    let count = code.instructions.iter().filter(loads).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Turns the instructions of a scope into bytecode. Strings are added to the tables as they are
/// used.
pub(crate) fn assemble(
    scopes: &[Scope],
    scope: &Scope,
    code: &Code,
    known: &Known,
    tables: &mut Tables,
    encoding: Encoding,
) -> Result<Function, Failure> {
    let simple_name = tables.string(scope.name)?;
    let arg_names = argument_names(scope, known, tables)?;
    let mut assembler = Assembler {
        scopes,
        scope,
        tables,
        bytes: Vec::with_capacity(code.instructions.len() * 2),
        events: Vec::new(),
        children: Vec::new(),
        encoding,
        // Only the numbers of children in version 5 need it.
        object_count: match encoding.is_former {
            true => object_count(code),
            false => 0,
        },
        objects: Vec::new(),
        dead: false,
        returned: false,
        stack: 0,
        maximum_stack: 0,
    };
    for &instruction in &code.instructions {
        assembler.instruction(instruction, code)?;
    }
    let signature = Signature {
        n_state: state_size(scope, assembler.maximum_stack)?,
        n_exc_stack: scope.exception_stack_size.into(),
        scope_flags: scope.flags,
        n_pos_args: scope.positional_arguments.into(),
        n_kwonly_args: scope.keyword_only_arguments.into(),
        n_def_pos_args: scope.default_arguments.into(),
    };
    let mut prelude = Prelude {
        signature,
        simple_name,
        arg_names,
        line_info: LineInfo::new(),
        cells: cells(scope)?,
    };
    let (line_info, opcodes) = settle(
        &assembler.bytes,
        &assembler.events,
        code.labels,
        encoding.is_former,
    )?;
    prelude.line_info = line_info;
    Ok(Function {
        code: raw_code::Code::Bytecode(Bytecode {
            prelude,
            opcodes,
            objects: assembler.objects,
        }),
        children: assembler.children,
    })
}

/// Returns how many values the function's locals and stack are together. The board counts them in 16 bits
/// (`mp_code_state_t`), and so does the official compiler, without a check.
fn state_size(scope: &Scope, stack: i32) -> Result<u32, Failure> {
    let size = u32::from(scope.locals).saturating_add_signed(stack).max(1);
    if size > u32::from(u16::MAX) {
        return Err(Failure::limit(DiagnosticCode::StackTooLarge));
    }
    Ok(size)
}

/// Returns the numbers of the locals that inner functions use, each a byte. The official compiler stops with an assertion
/// where one does not fit.
fn cells(scope: &Scope) -> Result<Vec<u8>, Failure> {
    let cells = scope.ids.iter().filter(|id| id.kind == IdKind::Cell);
    cells
        .map(|id| {
            let too_large = |_| Failure::limit(DiagnosticCode::CellNumberTooLarge);
            u8::try_from(id.local).map_err(too_large)
        })
        .collect()
}

/// Returns the names of positional and keyword-only arguments; `*` for those that have none.
pub(super) fn argument_names(
    scope: &Scope,
    known: &Known,
    tables: &mut Tables,
) -> Result<Vec<u32>, Failure> {
    let count = usize::from(scope.positional_arguments) + usize::from(scope.keyword_only_arguments);
    let mut names = vec![known.star; count];
    for id in scope
        .ids
        .iter()
        .rev()
        .filter(|id| id.parameter != Parameter::None)
    {
        if let Some(name) = names.get_mut(usize::from(id.local)) {
            *name = id.name;
        }
    }
    names.into_iter().map(|name| tables.string(name)).collect()
}

impl Assembler<'_> {
    // tidy: one arm for each instruction, as the table of py/emitbc.c.
    fn instruction(&mut self, instruction: Instruction, code: &Code) -> Result<(), Failure> {
        let returned = std::mem::replace(
            &mut self.returned,
            matches!(instruction, Instruction::Plain(Opcode::RETURN_VALUE)),
        );
        match instruction {
            Instruction::Line(line) => {
                self.returned = returned;
                self.event(EventKind::Line(line));
            }
            Instruction::Label(label) => {
                self.dead = false;
                self.event(EventKind::Label(label));
            }
            Instruction::AdjustStack(change) => self.adjust_stack(change),
            Instruction::Plain(opcode) => self.opcode(opcode, effect(opcode, 0)),
            Instruction::Number(opcode, number) => self.number(opcode, number),
            Instruction::Name(opcode, index) => self.name(opcode, index),
            Instruction::Object(index) => self.object(index),
            Instruction::SmallInteger(value) => self.integer(value.into()),
            Instruction::WideInteger(index) => {
                let value = code.wide_integers.get(index as usize);
                self.integer(value.copied().unwrap_or(0));
            }
            Instruction::Unary(operator) => {
                self.opcode_byte(Opcode::UNARY_OP_MULTI.with_operand(operator), 0)
            }
            Instruction::Binary(operator) => {
                self.opcode_byte(Opcode::BINARY_OP_MULTI.with_operand(operator), -1)
            }
            Instruction::NegatedBinary(operator) => {
                self.opcode_byte(Opcode::BINARY_OP_MULTI.with_operand(operator), -1);
                self.opcode_byte(Opcode::UNARY_OP_MULTI.with_operand(operator::UNARY_NOT), 0);
            }
            Instruction::Jump(opcode, label) => self.jump(opcode, label),
            Instruction::UnwindJump(depth, label) => {
                self.jump(Opcode::UNWIND_JUMP, label);
                self.push(depth);
            }
            Instruction::PopIterator => {
                (0..ITERATOR_SLOTS).for_each(|_| self.push(Opcode::POP_TOP.byte()))
            }
            Instruction::Identifier(access, name) => self.identifier(self.scope, access, name)?,
            Instruction::StoreAround(name) => {
                let around = self.scope.parent.and_then(|id| self.scopes.get(id.index()));
                self.identifier(around.unwrap_or(self.scope), Access::Store, name)?;
            }
            Instruction::JumpUnlessReturned(_) | Instruction::ReturnUnlessReturned if returned => {
                self.returned = true;
            }
            Instruction::JumpUnlessReturned(label) => self.jump(Opcode::JUMP, label),
            Instruction::ReturnUnlessReturned => {
                self.opcode(Opcode::LOAD_CONST_NONE, 1);
                self.opcode(Opcode::RETURN_VALUE, -1);
            }
            Instruction::FirstParameter => self.first_parameter()?,
            Instruction::ClassCell(class) => self.class_cell(class),
            Instruction::MakeFunction(scope, defaults) => self.make_function(scope, defaults)?,
            Instruction::DeleteAttribute(index) => {
                self.opcode(Opcode::LOAD_NULL, 1);
                self.opcode(Opcode::ROT_TWO, 0);
                self.name(Opcode::STORE_ATTR, index);
            }
            Instruction::DeleteSubscript => {
                self.opcode(Opcode::LOAD_NULL, 1);
                self.opcode(Opcode::ROT_THREE, 0);
                self.opcode(Opcode::STORE_SUBSCR, effect(Opcode::STORE_SUBSCR, 0));
            }
            Instruction::StartHandlers => self.adjust_stack(HANDLER_STACK),
            Instruction::EndHandlers => self.adjust_stack(-UNWIND_STACK),
            Instruction::LeaveExcept(label, _) => self.jump(Opcode::POP_EXCEPT_JUMP, label),
            Instruction::CloseWith(label) => self.close_with(label),
            Instruction::JumpUnlessException(_)
            | Instruction::OwnLabels(_)
            | Instruction::OpenList
            | Instruction::EndChild(_)
            | Instruction::CloseList
            | Instruction::OpenFunction => {}
        }
        if self.encoding.rules.drop_dead_code && instruction.ends_block() {
            self.dead = true;
        }
        Ok(())
    }

    fn close_with(&mut self, label: Label) {
        self.opcode(Opcode::LOAD_CONST_NONE, 1);
        self.dead = false;
        self.event(EventKind::Label(label));
        // Room to call `__exit__`; the opcode itself takes two values off.
        self.adjust_stack(2);
        self.opcode(Opcode::WITH_CLEANUP, effect(Opcode::WITH_CLEANUP, 0));
        self.adjust_stack(-2);
    }

    fn event(&mut self, kind: EventKind) {
        let position = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.events.push(Event { position, kind });
    }

    fn adjust_stack(&mut self, change: i32) {
        self.stack = self.stack.saturating_add(change);
        self.maximum_stack = self.maximum_stack.max(self.stack);
    }

    fn push(&mut self, byte: u8) {
        if !self.dead {
            self.bytes.push(byte);
        }
    }

    fn opcode(&mut self, opcode: Opcode, stack_change: i32) {
        self.opcode_byte(opcode.byte(), stack_change);
    }

    /// Adds an opcode byte that can carry its operand.
    fn opcode_byte(&mut self, byte: u8, stack_change: i32) {
        self.adjust_stack(stack_change);
        self.push(byte);
    }

    fn number(&mut self, opcode: Opcode, number: u32) {
        self.number_with(opcode, number, effect(opcode, number));
    }

    /// Adds an opcode with a string, by its index in the module's table.
    fn name(&mut self, opcode: Opcode, index: u32) {
        if !self.encoding.is_former {
            self.number(opcode, index);
            return;
        }
        self.opcode(opcode, effect(opcode, index));
        let [low, high, ..] = index.to_le_bytes();
        self.push(low);
        self.push(high);
        let looks_up = [
            Opcode::LOAD_NAME,
            Opcode::LOAD_GLOBAL,
            Opcode::LOAD_ATTR,
            Opcode::STORE_ATTR,
        ];
        if self.encoding.lookup_cache && looks_up.contains(&opcode) {
            self.push(0);
        }
    }

    /// Loads an object, by its index in the module's table. In version 5 each load has an object of its own.
    fn object(&mut self, index: u32) {
        let mut number = index;
        if self.encoding.is_former {
            let before = u32::try_from(self.objects.len()).unwrap_or(u32::MAX);
            number = before.saturating_add(self.arguments());
            self.objects.push(index);
        }
        self.number(Opcode::LOAD_CONST_OBJ, number);
    }

    /// Returns how many arguments the function has.
    fn arguments(&self) -> u32 {
        let scope = self.scope;
        u32::from(scope.positional_arguments) + u32::from(scope.keyword_only_arguments)
    }

    fn number_with(&mut self, opcode: Opcode, number: u32, stack_change: i32) {
        self.opcode(opcode, stack_change);
        if !self.dead {
            vuint::push(&mut self.bytes, number);
        }
    }

    fn integer(&mut self, value: i64) {
        if FAST_INTEGERS.contains(&value) {
            let operand = (value - FAST_INTEGERS.start).to_le_bytes()[0];
            self.opcode_byte(Opcode::LOAD_CONST_SMALL_INT_MULTI.with_operand(operand), 1);
        } else {
            self.opcode(Opcode::LOAD_CONST_SMALL_INT, 1);
            if !self.dead {
                vuint::push_signed(&mut self.bytes, value);
            }
        }
    }

    fn jump(&mut self, opcode: Opcode, label: Label) {
        self.adjust_stack(effect(opcode, 0));
        if !self.dead {
            self.event(EventKind::Jump(opcode, label));
        }
    }

    fn identifier(&mut self, scope: &Scope, access: Access, name: Qstr) -> Result<(), Failure> {
        let Some(id) = scope.ids.find(name) else {
            return Ok(());
        };
        match id.kind {
            IdKind::Local => self.fast_local(access, id.local),
            IdKind::Cell | IdKind::Free => {
                let opcode = match access {
                    Access::Load => Opcode::LOAD_DEREF,
                    Access::Store => Opcode::STORE_DEREF,
                    Access::Delete => Opcode::DELETE_DEREF,
                };
                self.number(opcode, id.local.into());
            }
            IdKind::GlobalExplicit => {
                let opcode = match access {
                    Access::Load => Opcode::LOAD_GLOBAL,
                    Access::Store => Opcode::STORE_GLOBAL,
                    Access::Delete => Opcode::DELETE_GLOBAL,
                };
                let index = self.tables.string(name)?;
                self.name(opcode, index);
            }
            IdKind::GlobalImplicit | IdKind::GlobalImplicitAssigned | IdKind::Undecided => {
                let opcode = match access {
                    Access::Load => Opcode::LOAD_NAME,
                    Access::Store => Opcode::STORE_NAME,
                    Access::Delete => Opcode::DELETE_NAME,
                };
                let index = self.tables.string(name)?;
                self.name(opcode, index);
            }
        }
        Ok(())
    }

    fn fast_local(&mut self, access: Access, local: u16) {
        let (multi, general) = match access {
            Access::Load => (Some(Opcode::LOAD_FAST_MULTI), Opcode::LOAD_FAST_N),
            Access::Store => (Some(Opcode::STORE_FAST_MULTI), Opcode::STORE_FAST_N),
            Access::Delete => (None, Opcode::DELETE_FAST),
        };
        match multi {
            Some(multi) if local < FAST_LOCALS => {
                let byte = multi.with_operand(local.to_le_bytes()[0]);
                self.opcode_byte(byte, effect(general, 0));
            }
            _ => self.number(general, local.into()),
        }
    }

    fn first_parameter(&mut self) -> Result<(), Failure> {
        let mut ids = self.scope.ids.iter();
        match ids.find(|id| id.parameter != Parameter::None) {
            Some(id) => self.identifier(self.scope, Access::Load, id.name),
            None => Ok(()),
        }
    }

    fn class_cell(&mut self, class: Qstr) {
        match self.scope.ids.find(class) {
            Some(id) if id.kind != IdKind::Local => self.fast_local(Access::Load, id.local),
            _ => self.opcode(Opcode::LOAD_CONST_NONE, 1),
        }
    }

    /// Loads the variables the function closes over, then makes it.
    fn make_function(&mut self, child: ScopeId, defaults: bool) -> Result<(), Failure> {
        let mut index = u32::try_from(self.children.len()).unwrap_or(u32::MAX);
        if self.encoding.is_former {
            // Children are numbered after the arguments and the objects.
            index = index
                .saturating_add(self.arguments())
                .saturating_add(self.object_count);
        }
        self.children.push(child);
        let child = self.scopes.get(child.index());
        let mut closed = 0_u32;
        if let Some(child) = child.filter(|_| self.scope.parent.is_some()) {
            let scope = self.scope;
            for (name, local) in &scope.closed_over {
                if child
                    .ids
                    .find(*name)
                    .is_some_and(|id| id.kind == IdKind::Free)
                {
                    self.fast_local(Access::Load, *local);
                    closed += 1;
                }
            }
        }
        let (function, closure) = if defaults {
            (Opcode::MAKE_FUNCTION_DEFARGS, Opcode::MAKE_CLOSURE_DEFARGS)
        } else {
            (Opcode::MAKE_FUNCTION, Opcode::MAKE_CLOSURE)
        };
        if closed == 0 {
            self.number(function, index);
        } else {
            let too_many = |_| Failure::limit(DiagnosticCode::TooManyOuterVariables);
            let count = u8::try_from(closed).map_err(too_many)?;
            self.number_with(closure, index, effect(closure, 0) - i32::from(count));
            self.push(count);
        }
        Ok(())
    }
}

/// Returns how many values an opcode adds to the stack.
fn effect(opcode: Opcode, operand: u32) -> i32 {
    let row = opcode.row();
    let change = row.map_or(0, |row| row.stack.of(operand, 0));
    i32::try_from(change).unwrap_or(0)
}
