//! Functions, classes, lambdas, comprehensions and their decorators.

use piton_mpy::header::Arch;
use piton_mpy::opcode::Opcode;
use piton_mpy::prelude::{FLAG_ASYNC, FLAG_DEFAULT_KEYWORDS, FLAG_GENERATOR};

use super::call::Callee;
use super::{
    Access, Compiler, Defaults, DiagnosticCode, Emitter, Failure, Instruction, Node, Qstr, Rule,
    ScopeId, ScopeKind, Step, Struct,
};

impl Compiler<'_> {
    pub(super) fn function_definition(&mut self, node: Struct) -> Result<(), Failure> {
        let emitter = self.scope().emitter;
        let plan = self.plan();
        let name = self.push_function(node, emitter, false)?;
        self.push(Step::Identifier(Access::Store, name));
        self.commit(plan);
        Ok(())
    }

    pub(super) fn async_function_definition(&mut self, node: Struct) -> Result<(), Failure> {
        let emitter = self.scope().emitter;
        let plan = self.plan();
        let name = self.push_function(node, emitter, true)?;
        self.push(Step::Identifier(Access::Store, name));
        self.commit(plan);
        Ok(())
    }

    /// Leaves a function on the stack; returns its name.
    fn push_function(
        &mut self,
        node: Struct,
        emitter: Emitter,
        is_async: bool,
    ) -> Result<Qstr, Failure> {
        let name = self.tree.child(node, 0).as_id().unwrap_or(Qstr::EMPTY);
        let scope = self.new_scope(ScopeKind::Function, node, name, emitter)?;
        if is_async {
            let async_flag = self.rules.async_flag;
            if let Some(scope) = self.scopes.get_mut(scope.index()) {
                scope.flags |= FLAG_GENERATOR | if async_flag { FLAG_ASYNC } else { 0 };
            }
        }
        self.push_defaults(scope, self.tree.child(node, 1), Rule::Typedargslist);
        Ok(name)
    }

    pub(super) fn lambda(&mut self, node: Struct) -> Result<(), Failure> {
        let (name, emitter) = (self.known.lambda, self.scope().emitter);
        let scope = self.new_scope(ScopeKind::Lambda, node, name, emitter)?;
        let plan = self.plan();
        self.push_defaults(scope, self.tree.child(node, 0), Rule::Varargslist);
        self.commit(plan);
        Ok(())
    }

    /// Evaluates the defaults of parameters and makes the function.
    fn push_defaults(&mut self, scope: ScopeId, parameters: Node, list: Rule) {
        self.defaults.push(Defaults::default());
        let parameters = self.tree.list(parameters, list);
        for index in 0..self.tree.list_length(parameters) {
            self.push(Step::Default(self.tree.list_item(parameters, index)));
        }
        self.push(Step::FinishDefaults(scope));
    }

    /// Schedules the default of one parameter, if it has one. Keyword-only ones go into a dict.
    pub(super) fn default_parameter(&mut self, node: Node) -> Result<(), Failure> {
        let rule = node.as_struct().map(|node| (node, self.tree.rule(node)));
        let (name, value) = match rule {
            Some((_, Rule::TypedargslistStar | Rule::VarargslistStar)) => {
                if let Some(defaults) = self.defaults.last_mut() {
                    defaults.after_star = true;
                }
                return Ok(());
            }
            Some((_, Rule::TypedargslistDblStar | Rule::VarargslistDblStar)) => return Ok(()),
            Some((node, Rule::TypedargslistName)) => {
                (self.tree.child(node, 0), self.tree.child(node, 2))
            }
            Some((node, _)) => (self.tree.child(node, 0), self.tree.child(node, 1)),
            None => (node, Node::NULL),
        };
        let Some(defaults) = self.defaults.last_mut() else {
            return Ok(());
        };
        if value.is_null() {
            if !defaults.after_star && defaults.positional != 0 {
                self.error(DiagnosticCode::ParameterWithoutDefault, node);
            }
            return Ok(());
        }
        if !defaults.after_star {
            defaults.positional += 1;
            self.schedule([Step::Node(value)]);
            return Ok(());
        }
        defaults.keyword += 1;
        let Defaults {
            positional,
            keyword,
            ..
        } = *defaults;
        if keyword == 1 {
            // The positional ones lie below the dict, or nothing in their place.
            if positional > 0 {
                self.emit(Instruction::Number(Opcode::BUILD_TUPLE, positional));
            } else {
                self.emit_plain(Opcode::LOAD_NULL);
            }
            self.emit(Instruction::Number(Opcode::BUILD_MAP, 0));
        }
        self.schedule([
            Step::Node(value),
            Step::Name(
                Opcode::LOAD_CONST_STRING,
                name.as_id().unwrap_or(Qstr::EMPTY),
            ),
            Step::Emit(Instruction::Plain(Opcode::STORE_MAP)),
        ]);
        Ok(())
    }

    pub(super) fn finish_defaults(&mut self, scope: ScopeId) {
        let defaults = self.defaults.pop().unwrap_or_default();
        if self.is_native() {
            self.emit(Instruction::OpenFunction);
        }
        if defaults.positional > 0 && defaults.keyword == 0 {
            self.emit(Instruction::Number(
                Opcode::BUILD_TUPLE,
                defaults.positional,
            ));
            self.emit_plain(Opcode::LOAD_NULL);
        }
        self.make_function(scope, defaults);
    }

    fn make_function(&mut self, id: ScopeId, defaults: Defaults) {
        self.scope_mut().makes_functions = true;
        if let Some(scope) = self.scopes.get_mut(id.index()) {
            if defaults.keyword > 0 {
                scope.flags |= FLAG_DEFAULT_KEYWORDS;
            }
            let [low, high, ..] = defaults.positional.to_le_bytes();
            scope.default_arguments = u16::from_le_bytes([low, high]);
        }
        let has_defaults = defaults.positional > 0 || defaults.keyword > 0;
        self.emit(Instruction::MakeFunction(id, has_defaults));
    }

    pub(super) fn class_definition(&mut self, node: Struct) -> Result<(), Failure> {
        let emitter = self.scope().emitter;
        let plan = self.plan();
        let name = self.push_class(node, emitter)?;
        self.push(Step::Identifier(Access::Store, name));
        self.commit(plan);
        Ok(())
    }

    /// Leaves a class on the stack; returns its name.
    fn push_class(&mut self, node: Struct, emitter: Emitter) -> Result<Qstr, Failure> {
        let name = self.tree.child(node, 0).as_id().unwrap_or(Qstr::EMPTY);
        let scope = self.new_scope(ScopeKind::Class, node, name, emitter)?;
        self.emit_plain(Opcode::LOAD_BUILD_CLASS);
        self.make_function(scope, Defaults::default());
        self.emit_name(Opcode::LOAD_CONST_STRING, name)?;
        let mut parents = self.tree.child(node, 1);
        // `class C():` has an empty node here.
        if self.tree.is_rule(parents, Rule::Classdef2) {
            parents = Node::NULL;
        }
        self.push_call(parents, Callee::Function, 2);
        Ok(name)
    }

    pub(super) fn comprehension(&mut self, node: Struct, kind: ScopeKind) -> Result<(), Failure> {
        let name = match kind {
            ScopeKind::ListComprehension => self.known.list_comprehension,
            ScopeKind::DictComprehension => self.known.dict_comprehension,
            ScopeKind::SetComprehension => self.known.set_comprehension,
            _ => self.known.generator_expression,
        };
        let emitter = self.scope().emitter;
        let scope = self.new_scope(kind, node, name, emitter)?;
        self.make_function(scope, Defaults::default());
        let iterable = match self.tree.child(node, 1).as_struct() {
            Some(clause) => self.tree.child(clause, 1),
            None => Node::NULL,
        };
        let plan = self.plan();
        self.push(Step::Node(iterable));
        if kind == ScopeKind::GeneratorExpression {
            self.push_plain(Opcode::GET_ITER);
        }
        self.push(Step::Emit(Instruction::Number(Opcode::CALL_FUNCTION, 1)));
        self.commit(plan);
        Ok(())
    }

    pub(super) fn decorated(&mut self, node: Struct) {
        let decorators = self.tree.list(self.tree.child(node, 0), Rule::Decorators);
        let mut emitter = self.scope().emitter;
        let mut calls = 0;
        let plan = self.plan();
        for index in 0..self.tree.list_length(decorators) {
            let Some(decorator) = self.tree.list_item(decorators, index).as_struct() else {
                continue;
            };
            if !self.push_built_in_decorator(decorator, &mut emitter) {
                self.push_decorator(decorator);
                calls += 1;
            }
        }
        self.push(Step::Decorated(self.tree.child(node, 1), emitter, calls));
        self.commit(plan);
    }

    /// Takes the emitter of `@micropython.name`. Returns whether the decorator is one of these.
    fn push_built_in_decorator(&mut self, decorator: Struct, emitter: &mut Emitter) -> bool {
        let names = self
            .tree
            .list(self.tree.child(decorator, 0), Rule::DottedName);
        let (first, attribute) = (self.tree.list_item(names, 0), self.tree.list_item(names, 1));
        let known = self.known;
        if first.as_id() != Some(known.micropython) {
            return false;
        }
        if self.tree.list_length(names) != 2 {
            self.push_error(DiagnosticCode::InvalidDecorator, first);
            return true;
        }
        let name = attribute.as_id().unwrap_or(Qstr::EMPTY);
        *emitter = if name == known.asm_rv32 && !self.rules.asm_rv32 {
            self.push_error(DiagnosticCode::InvalidDecorator, attribute);
            return true;
        } else if name == known.bytecode {
            Emitter::Bytecode
        } else if name == known.native {
            Emitter::Native
        } else if name == known.viper {
            Emitter::Viper
        } else if [known.asm_thumb, known.asm_xtensa, known.asm_rv32].contains(&name) {
            Emitter::Assembler
        } else {
            self.push_error(DiagnosticCode::InvalidDecorator, attribute);
            return true;
        };
        if !self.has_emitter(*emitter) {
            self.push_error(DiagnosticCode::InvalidArchitecture, attribute);
        }
        true
    }

    /// Returns whether the official compiler has this emitter for the architecture.
    fn has_emitter(&self, emitter: Emitter) -> bool {
        let arch = self.options.arch;
        match emitter {
            Emitter::Bytecode => true,
            Emitter::Native | Emitter::Viper => !matches!(arch, None | Some(Arch::Rv64Imc)),
            // With `debug` the official compiler reads after the end of a table, and crashes.
            Emitter::Assembler => match arch {
                None | Some(Arch::X86 | Arch::X64 | Arch::Rv64Imc | Arch::Debug) => false,
                Some(Arch::XtensaWin) => self.rules.native.windowed_assembler,
                Some(Arch::Rv32Imc) => self.rules.asm_rv32,
                _ => true,
            },
        }
    }

    fn push_decorator(&mut self, decorator: Struct) {
        let names = self
            .tree
            .list(self.tree.child(decorator, 0), Rule::DottedName);
        self.push(Step::Node(self.tree.list_item(names, 0)));
        for index in 1..self.tree.list_length(names) {
            if let Some(name) = self.tree.list_item(names, index).as_id() {
                self.push(Step::Name(Opcode::LOAD_ATTR, name));
            }
        }
        self.push(Step::Node(self.tree.child(decorator, 1)));
    }

    /// Schedules the function or class after decorators, and their calls.
    pub(super) fn decorated_body(
        &mut self,
        body: Node,
        emitter: Emitter,
        calls: u32,
    ) -> Result<(), Failure> {
        let Some(body) = body.as_struct() else {
            return Ok(());
        };
        let plan = self.plan();
        let name = match (self.tree.rule(body), self.tree.child(body, 0).as_struct()) {
            (Rule::Funcdef, _) => self.push_function(body, emitter, false)?,
            (Rule::AsyncFuncdef, Some(function)) => self.push_function(function, emitter, true)?,
            _ => self.push_class(body, emitter)?,
        };
        for _ in 0..calls {
            self.push(Step::Emit(Instruction::Number(Opcode::CALL_FUNCTION, 1)));
        }
        self.push(Step::Identifier(Access::Store, name));
        self.commit(plan);
        Ok(())
    }
}
