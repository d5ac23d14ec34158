//! From the parse tree to instructions (`py/compile.c`).
//!
//! Each scope is walked once, breadth first. The walk keeps its own stack of [`Step`]s instead of
//! recursing: what a node needs is put on it in reverse, so that steps are taken in the order they
//! are written. Strings and objects enter the module's tables as instructions are written; names
//! of variables enter them later, scope by scope, when the instructions are turned into code.

mod assignment;
mod asynchronous;
mod call;
mod control;
mod definition;
mod error;
mod exception;
mod expression;
mod import;
mod labels;
mod scope_body;
mod statement;

use piton_mpy::opcode::Opcode;
use piton_mpy::prelude::FLAG_GENERATOR;

use self::error::CompileError;
use self::labels::LabelNumbers;
use crate::emit::{Access, Code, Instruction, Label, START_LABELS, Tables, inline, operator};
use crate::options::{Emitter, Optimisation, Options};
use crate::scope::{self, IdKind, Scope, ScopeId, ScopeKind};
use piton_syntax::Rules;
use piton_syntax::diagnostic::{DiagnosticCode, Failure, Place};
use piton_syntax::interner::{Interner, Known, Qstr};
use piton_syntax::number::Integer;
use piton_syntax::parse::{List, Node, NodeKind, Rule, Struct, Tree};
use piton_syntax::token::Token;

/// What a module consists of before code is made.
#[derive(Debug)]
pub(crate) struct Scopes {
    pub(crate) scopes: Vec<Scope>,
    pub(crate) tables: Tables,
    pub(crate) tree: Tree,
}

/// How a target is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Assignment {
    Store,
    /// The load in front of an augmented assignment, which keeps what the store needs.
    AugmentedLoad,
    AugmentedStore,
}

/// Something still to be done in the scope.
#[derive(Clone, Copy, Debug)]
enum Step {
    Node(Node),
    Emit(Instruction),
    /// An opcode with a string, which enters the table when the step is taken.
    Name(Opcode, Qstr),
    /// A string enters the table.
    UseName(Qstr),
    DeleteAttribute(Qstr),
    Identifier(Access, Qstr),
    Assign(Node, Assignment),
    Delete(Node),
    /// Evaluates a condition and jumps to the label if its truth is this.
    Condition(Node, bool, Label),
    /// All children of a node from this one on; the walk ends here after an error in the one before.
    AllChildren(Struct, u32),
    /// What follows is no longer part of the innermost loop.
    LeaveLoop,
    /// Gives a label its number in listings.
    NumberLabel(Label),
    /// Starts an exception block with this opcode.
    OpenBlock(Opcode, Label),
    CloseBlock,
    /// A parameter's default value.
    Default(Node),
    /// Makes the function of a scope once its defaults are on the stack.
    FinishDefaults(ScopeId),
    /// The body of a decorated function or class, and the number of decorators to call.
    Decorated(Node, Emitter, u32),
    /// A comprehension or generator expression.
    Comprehension(Struct, ScopeKind),
    /// A `for` clause of the comprehension that is the scope, and how many are around it.
    ComprehensionFor(Struct, u32),
    /// The store of `NAME := value`.
    NamedStore(Node),
    EndLambda,
    /// The rest of an expression that begins with `super()`.
    Super(Struct),
    Error(DiagnosticCode, Node),
    /// Ends with [`Failure::limit`], at this line.
    Limit(DiagnosticCode, u32),
}

/// A loop that `break` and `continue` leave.
#[derive(Clone, Copy, Debug)]
struct Loop {
    break_label: Label,
    continue_label: Label,
    /// Whether `break` must drop an iterator.
    iterates: bool,
    /// Exception blocks that were open when the loop began.
    block_level: u16,
}

/// How many defaults a function has so far.
#[derive(Clone, Copy, Debug, Default)]
struct Defaults {
    after_star: bool,
    positional: u32,
    keyword: u32,
}

/// The walk's state.
#[derive(Debug)]
struct Compiler<'a> {
    tree: Tree,
    interner: &'a mut Interner,
    known: Known,
    options: &'a Options,
    rules: &'static Rules,
    scopes: Vec<Scope>,
    tables: Tables,
    /// The scope that is walked, its instructions and the last line written.
    current: ScopeId,
    code: Code,
    /// Numbers of the labels in listings, where there is one.
    label_numbers: LabelNumbers,
    line: u32,
    /// The line of the node that was looked at last.
    node_line: u32,
    block_level: u16,
    steps: Vec<Step>,
    loops: Vec<Loop>,
    defaults: Vec<Defaults>,
    error: Option<CompileError>,
}

/// Walks all scopes of a module.
pub(crate) fn compile_scopes(
    tree: Tree,
    root: Node,
    source_name: Qstr,
    interner: &mut Interner,
    options: &Options,
) -> Result<Scopes, Failure> {
    let known = interner.known();
    let emitter = options.default_emitter;
    let module = Scope::new(ScopeKind::Module, None, root, known.module, emitter);
    let mut tables = Tables::default();
    tables.string(source_name)?;
    let mut compiler = Compiler {
        tree,
        interner,
        known,
        options,
        rules: options.target.rules(),
        scopes: vec![module],
        tables,
        current: ScopeId::MODULE,
        code: Code::default(),
        label_numbers: LabelNumbers::default(),
        line: 1,
        node_line: 1,
        block_level: 0,
        steps: Vec::new(),
        loops: Vec::new(),
        defaults: Vec::new(),
        error: None,
    };
    while compiler.current.index() < compiler.scopes.len() {
        compiler.walk_scope().map_err(|failure| {
            failure.or_at(Place::Scope(compiler.node_line, compiler.scope().name))
        })?;
        compiler.current.0 += 1;
    }
    compiler.number_locals();
    Ok(Scopes {
        scopes: compiler.scopes,
        tables: compiler.tables,
        tree: compiler.tree,
    })
}

impl Compiler<'_> {
    /// Walks the current scope.
    fn walk_scope(&mut self) -> Result<(), Failure> {
        self.code = Code::default();
        if self.is_native() {
            self.take_labels(START_LABELS);
        }
        self.line = 1;
        self.block_level = 0;
        let (name, node) = (self.scope().name, self.scope().node);
        self.node_line = self.tree.line_or(node, 1);
        if self.scope().emitter == Emitter::Assembler {
            return inline::check(&self.tree, self.interner, self.scope());
        }
        self.tables.string(name)?;
        self.begin_scope()?;
        while let Some(step) = self.steps.pop() {
            if self.goes_on(step) {
                self.step(step)?;
            } else {
                self.unwind(step);
            }
        }
        if let Some(error) = self.error.take() {
            return Err(self.failure(error, node));
        }
        self.check_names()?;
        self.close_over_names();
        self.number_labels();
        self.code.instructions.shrink_to_fit();
        let code = std::mem::take(&mut self.code);
        self.scope_mut().code = code;
        Ok(())
    }

    /// Refuses names whose number does not fit into the 16 bits that the official compiler has for it.
    fn check_names(&mut self) -> Result<(), Failure> {
        let scope = self.scope();
        let is_late = |id: &scope::Id| id.name > Qstr::LAST_SHORT;
        if scope.name > Qstr::LAST_SHORT || scope.ids.iter().any(is_late) {
            self.node_line = self.tree.late_names_line;
            return Err(Failure::limit(DiagnosticCode::TooManyNames));
        }
        Ok(())
    }

    /// Names that an outer function has become free variables.
    fn close_over_names(&mut self) {
        let implicit = |id: &&scope::Id| id.kind == IdKind::GlobalImplicit;
        let names: Vec<Qstr> = self
            .scope()
            .ids
            .iter()
            .filter(implicit)
            .map(|id| id.name)
            .collect();
        for name in names {
            scope::close_over(&mut self.scopes, self.current, name);
        }
    }

    fn number_locals(&mut self) {
        for index in 0..self.scopes.len() {
            let (outer, inner) = self.scopes.split_at_mut(index);
            let Some(scope) = inner.first_mut() else {
                return;
            };
            let parent = scope.parent.and_then(|parent| outer.get(parent.index()));
            let closed_over = parent.map_or(&[][..], |parent| parent.closed_over.as_slice());
            scope.number_locals(&self.known, closed_over);
        }
    }

    fn scope(&self) -> &Scope {
        #[expect(clippy::indexing_slicing, reason = "the current scope always exists")]
        &self.scopes[self.current.index()]
    }

    /// Returns whether the current scope becomes machine code.
    fn is_native(&self) -> bool {
        self.scope().emitter != Emitter::Bytecode
    }

    fn scope_mut(&mut self) -> &mut Scope {
        #[expect(clippy::indexing_slicing, reason = "the current scope always exists")]
        &mut self.scopes[self.current.index()]
    }

    /// Adds a scope inside the current one.
    fn new_scope(
        &mut self,
        kind: ScopeKind,
        node: Struct,
        name: Qstr,
        emitter: Emitter,
    ) -> Result<ScopeId, Failure> {
        let id = u32::try_from(self.scopes.len()).map_err(|_| Failure::too_large())?;
        self.scopes.push(Scope::new(
            kind,
            Some(self.current),
            node.into(),
            name,
            emitter,
        ));
        Ok(ScopeId(id))
    }

    /// Puts steps on the stack so that they are taken in this order.
    fn schedule<const N: usize>(&mut self, steps: [Step; N]) {
        self.steps.extend(steps.into_iter().rev());
    }

    /// Begins to write down steps one by one, in order.
    fn plan(&self) -> Plan {
        Plan(self.steps.len())
    }

    /// Ends what [`Compiler::plan`] began.
    fn commit(&mut self, plan: Plan) {
        if let Some(steps) = self.steps.get_mut(plan.0..) {
            steps.reverse();
        }
    }

    fn push(&mut self, step: Step) {
        self.steps.push(step);
    }

    fn push_plain(&mut self, opcode: Opcode) {
        self.steps.push(Step::Emit(Instruction::Plain(opcode)));
    }

    fn push_jump(&mut self, opcode: Opcode, label: Label) {
        self.steps
            .push(Step::Emit(Instruction::Jump(opcode, label)));
    }

    fn push_label(&mut self, label: Label) {
        self.steps.push(Step::Emit(Instruction::Label(label)));
    }

    fn push_adjust_stack(&mut self, change: i32) {
        self.steps
            .push(Step::Emit(Instruction::AdjustStack(change)));
    }

    fn emit(&mut self, instruction: Instruction) {
        if matches!(
            instruction,
            Instruction::Plain(Opcode::YIELD_VALUE | Opcode::YIELD_FROM)
        ) {
            self.scope_mut().flags |= FLAG_GENERATOR;
        }
        let own_labels = instruction.own_labels();
        if own_labels > 0 && self.is_native() {
            let first = Instruction::OwnLabels(self.code.labels);
            self.code.instructions.push(first);
            self.take_labels(own_labels);
        }
        self.code.instructions.push(instruction);
    }

    fn emit_plain(&mut self, opcode: Opcode) {
        self.emit(Instruction::Plain(opcode));
    }

    fn emit_name(&mut self, opcode: Opcode, name: Qstr) -> Result<(), Failure> {
        let index = self.tables.string(name)?;
        self.emit(Instruction::Name(opcode, index));
        Ok(())
    }

    fn identifier(&mut self, access: Access, name: Qstr) {
        match access {
            Access::Load => self.scope_mut().load(name),
            Access::Store | Access::Delete => {
                let rules = self.rules;
                self.scope_mut().modify(name, rules);
            }
        }
        self.emit(Instruction::Identifier(access, name));
    }

    /// Returns the instruction that loads a small integer.
    fn small_integer(&mut self, value: i64) -> Instruction {
        if let Ok(value) = i32::try_from(value) {
            return Instruction::SmallInteger(value);
        }
        let index = u32::try_from(self.code.wide_integers.len()).unwrap_or(u32::MAX);
        self.code.wide_integers.push(value);
        Instruction::WideInteger(index)
    }

    /// Records a line, if it is after the last one.
    fn set_line(&mut self, line: u32) {
        let wanted = self.options.source_lines && self.options.optimisation < Optimisation::NoLines;
        if wanted && line > self.line {
            self.line = line;
            self.emit(Instruction::Line(line));
        }
    }

    fn step(&mut self, step: Step) -> Result<(), Failure> {
        match step {
            Step::Node(node) => return self.node(node),
            Step::Emit(instruction) => self.emit(instruction),
            Step::Name(opcode, name) => return self.emit_name(opcode, name),
            Step::UseName(name) => {
                self.tables.string(name)?;
            }
            Step::DeleteAttribute(name) => {
                let index = self.tables.string(name)?;
                self.emit(Instruction::DeleteAttribute(index));
            }
            Step::Identifier(access, name) => self.identifier(access, name),
            Step::Assign(node, assignment) => self.assign(node, assignment),
            Step::Delete(node) => self.delete(node),
            Step::Condition(node, jump_if, label) => self.condition(node, jump_if, label),
            Step::AllChildren(node, next) => self.all_children(node, next),
            Step::NumberLabel(label) => self.number_label(label),
            Step::LeaveLoop => {
                self.loops.pop();
            }
            Step::OpenBlock(opcode, label) => self.open_block(opcode, label),
            Step::CloseBlock => self.close_block(),
            Step::Default(node) => return self.default_parameter(node),
            Step::FinishDefaults(scope) => self.finish_defaults(scope),
            Step::Decorated(node, emitter, calls) => {
                return self.decorated_body(node, emitter, calls);
            }
            Step::Comprehension(node, kind) => return self.comprehension(node, kind),
            Step::ComprehensionFor(node, depth) => self.comprehension_for(node, depth),
            Step::NamedStore(node) => self.named_store(node),
            Step::EndLambda => self.end_lambda(),
            Step::Super(node) => return self.super_call(node),
            Step::Error(code, node) => self.error(code, node),
            Step::Limit(code, line) => {
                self.node_line = line;
                return Err(Failure::limit(code));
            }
        }
        Ok(())
    }

    /// Compiles a node of any kind.
    fn node(&mut self, node: Node) -> Result<(), Failure> {
        match self.tree.kind(node) {
            // A NEWLINE token is an empty line of a file.
            NodeKind::Null | NodeKind::Token(Token::Newline) => Ok(()),
            NodeKind::SmallInteger(value) => self.integer(value),
            NodeKind::Id(name) => {
                self.identifier(Access::Load, name);
                Ok(())
            }
            NodeKind::Text(text) => self.emit_name(Opcode::LOAD_CONST_STRING, text),
            NodeKind::Bytes(bytes) => {
                let index = self.tables.object(bytes)?;
                self.emit(Instruction::Object(index));
                Ok(())
            }
            NodeKind::Token(token) => self.constant_token(token),
            NodeKind::Struct(node) => {
                self.node_line = self.tree.line(node);
                self.set_line(self.node_line);
                self.rule(node)
            }
        }
    }

    /// Emits an integer. The parser leaves those that are no small ones of the target to us up to MicroPython 1.18.
    fn integer(&mut self, value: i64) -> Result<(), Failure> {
        let instruction = if !self.rules.wide_integers_are_objects
            && !piton_syntax::parse::fits_small_int(value, self.options.small_int_bits)
        {
            let object = self.tree.constants.integer(&Integer::Small(value))?;
            Instruction::Object(self.tables.object(object)?)
        } else {
            self.small_integer(value)
        };
        self.emit(instruction);
        Ok(())
    }

    fn constant_token(&mut self, token: Token) -> Result<(), Failure> {
        let instruction = match token {
            Token::KwFalse => Instruction::Plain(Opcode::LOAD_CONST_FALSE),
            Token::KwTrue => Instruction::Plain(Opcode::LOAD_CONST_TRUE),
            Token::Ellipsis => {
                let ellipsis = self.tree.constants.ellipsis()?;
                Instruction::Object(self.tables.object(ellipsis)?)
            }
            _ => Instruction::Plain(Opcode::LOAD_CONST_NONE),
        };
        self.emit(instruction);
        Ok(())
    }

    /// Compiles a node of a rule.
    // tidy: one arm a rule that has code of its own, as the table of py/grammar.h.
    fn rule(&mut self, node: Struct) -> Result<(), Failure> {
        match self.tree.rule(node) {
            Rule::FileInput
            | Rule::FileInput2
            | Rule::SimpleStmt2
            | Rule::PassStmt
            | Rule::SuiteBlockStmts => self.all_children(node, 0),
            Rule::Decorated => self.decorated(node),
            Rule::Funcdef => return self.function_definition(node),
            Rule::Classdef => return self.class_definition(node),
            Rule::Lambdef | Rule::LambdefNocond => return self.lambda(node),
            Rule::ExprStmt => self.expression_statement(node),
            Rule::DelStmt => self.delete_statement(node),
            Rule::BreakStmt => self.break_statement(node),
            Rule::ContinueStmt => self.continue_statement(node),
            Rule::ReturnStmt => self.return_statement(node),
            Rule::YieldStmt => self.yield_statement(node),
            Rule::RaiseStmt => self.raise_statement(node),
            Rule::ImportName => return self.import_name(node),
            Rule::ImportFrom => return self.import_from(node),
            Rule::GlobalStmt => self.global_statement(node),
            Rule::NonlocalStmt => self.nonlocal_statement(node),
            Rule::AssertStmt => self.assert_statement(node),
            Rule::AsyncStmt => return self.async_statement(node),
            Rule::IfStmt => self.if_statement(node),
            Rule::WhileStmt => self.while_statement(node),
            Rule::ForStmt => return self.for_statement(node),
            Rule::TryStmt => self.try_statement(node),
            Rule::WithStmt => self.with_statement(node),
            _ => return self.expression(node),
        }
        Ok(())
    }

    /// Compiles child number `next` and comes back for the others.
    fn all_children(&mut self, node: Struct, next: u32) {
        if self.is_native() && self.tree.count(node) > 0 {
            self.mark_child(node, next);
        }
        if next < self.tree.count(node) {
            let child = self.tree.child(node, next);
            self.schedule([Step::Node(child), Step::AllChildren(node, next + 1)]);
        }
    }

    /// Marks where a child of a list begins: errors of types, which are found later, leave out what follows.
    fn mark_child(&mut self, node: Struct, next: u32) {
        match next.checked_sub(1) {
            None => self.emit(Instruction::OpenList),
            Some(previous) => {
                let child = self.tree.child(node, previous);
                let line = self.tree.line_or(child, 0);
                self.emit(Instruction::EndChild(line));
            }
        }
        if next == self.tree.count(node) {
            self.emit(Instruction::CloseList);
        }
    }

    fn open_block(&mut self, opcode: Opcode, label: Label) {
        self.emit(Instruction::Jump(opcode, label));
        self.block_level = self.block_level.saturating_add(1);
        let level = self.block_level;
        let scope = self.scope_mut();
        scope.exception_stack_size = scope.exception_stack_size.max(level);
    }

    fn close_block(&mut self) {
        self.block_level = self.block_level.saturating_sub(1);
        self.emit_plain(Opcode::END_FINALLY);
    }

    /// Begins a loop with new labels.
    fn new_loop(&mut self, iterates: bool) -> (Label, Label) {
        let (break_label, continue_label) = (self.new_label(), self.new_label());
        self.enter_loop(iterates, break_label, continue_label);
        (break_label, continue_label)
    }

    /// Begins a loop. It lasts until [`Step::LeaveLoop`].
    fn enter_loop(&mut self, iterates: bool, break_label: Label, continue_label: Label) {
        let block_level = self.block_level;
        self.loops.push(Loop {
            break_label,
            continue_label,
            iterates,
            block_level,
        });
    }
}

/// Where steps that are being written down begin.
#[derive(Debug)]
#[must_use]
struct Plan(usize);

/// Returns the opcode of a jump taken if the value on the stack has this truth.
fn jump_if(truth: bool) -> Opcode {
    if truth {
        Opcode::POP_JUMP_IF_TRUE
    } else {
        Opcode::POP_JUMP_IF_FALSE
    }
}
