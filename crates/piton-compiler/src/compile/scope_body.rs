//! What each kind of scope begins and ends with.

use piton_mpy::opcode::Opcode;
use piton_mpy::prelude::{FLAG_GENERATOR, FLAG_VAR_ARGS, FLAG_VAR_KEYWORDS};

use super::{
    Access, CompileError, Compiler, DiagnosticCode, Emitter, Failure, IdKind, Instruction, Node,
    Qstr, Rule, ScopeKind, Step, Struct,
};
use crate::scope::{NativeType, Parameter};

impl Compiler<'_> {
    /// Registers the parameters of the current scope and schedules its body.
    pub(super) fn begin_scope(&mut self) -> Result<(), Failure> {
        let node = self.scope().node;
        let plan = self.plan();
        match (self.scope().kind, node.as_struct()) {
            (ScopeKind::Function, Some(function)) => {
                self.parameters(self.tree.child(function, 1), Rule::Typedargslist);
                if self.scope().emitter == Emitter::Viper {
                    let viper_type = self.viper_type(self.tree.child(function, 2));
                    self.scope_mut().viper_return = viper_type;
                }
                self.push(Step::Node(self.tree.child(function, 3)));
                if !self.rules.drop_dead_code {
                    self.push(Step::Emit(Instruction::ReturnUnlessReturned));
                    self.commit(plan);
                    return Ok(());
                }
                self.push_plain(Opcode::LOAD_CONST_NONE);
            }
            (ScopeKind::Lambda, Some(lambda)) => {
                self.set_line(self.tree.line(lambda));
                self.parameters(self.tree.child(lambda, 0), Rule::Varargslist);
                self.push(Step::Node(self.tree.child(lambda, 1)));
                self.push(Step::EndLambda);
            }
            (ScopeKind::Class, Some(class)) => self.push_class_body(class)?,
            (ScopeKind::Module, _) => {
                self.push(Step::Node(node));
                self.push_plain(Opcode::LOAD_CONST_NONE);
            }
            (kind, Some(comprehension)) => self.push_comprehension_body(kind, comprehension),
            _ => {}
        }
        self.push_plain(Opcode::RETURN_VALUE);
        self.commit(plan);
        Ok(())
    }

    /// Ends a lambda. One that yields returns `None`, whatever its expression is.
    pub(super) fn end_lambda(&mut self) {
        if self.scope().flags & FLAG_GENERATOR != 0 {
            self.emit_plain(Opcode::POP_TOP);
            self.emit_plain(Opcode::LOAD_CONST_NONE);
        }
    }

    fn push_class_body(&mut self, node: Struct) -> Result<(), Failure> {
        let known = self.known;
        self.scope_mut().ids.find_or_add(known.class, IdKind::Local);
        self.identifier(Access::Load, known.name_attribute);
        self.identifier(Access::Store, known.module_attribute);
        let name = self.tree.child(node, 0).as_id().unwrap_or(Qstr::EMPTY);
        self.emit_name(Opcode::LOAD_CONST_STRING, name)?;
        self.identifier(Access::Store, known.qualname);
        self.push(Step::Node(self.tree.child(node, 2)));
        self.push(Step::Emit(Instruction::ClassCell(known.class)));
        Ok(())
    }

    /// Begins the scope of a comprehension: it has one argument, the iterable, without a name.
    fn push_comprehension_body(&mut self, kind: ScopeKind, node: Struct) {
        let scope = self.scope_mut();
        scope.ids.find_or_add(Qstr::EMPTY, IdKind::Local);
        scope.positional_arguments = 1;
        self.set_line(self.tree.line(node));
        let build = match kind {
            ScopeKind::ListComprehension => Some(Opcode::BUILD_LIST),
            ScopeKind::DictComprehension => Some(Opcode::BUILD_MAP),
            ScopeKind::SetComprehension => Some(Opcode::BUILD_SET),
            _ => None,
        };
        if let Some(build) = build {
            self.emit(Instruction::Number(build, 0));
            self.identifier(Access::Load, Qstr::EMPTY);
            self.emit_plain(Opcode::GET_ITER_STACK);
        } else {
            // The four values of an iterator on the stack; the first says that the second is one
            // already.
            self.emit_plain(Opcode::LOAD_NULL);
            self.identifier(Access::Load, Qstr::EMPTY);
            self.emit_plain(Opcode::LOAD_NULL);
            self.emit_plain(Opcode::LOAD_NULL);
        }
        if let Some(clause) = self.tree.child(node, 1).as_struct() {
            self.push(Step::ComprehensionFor(clause, 0));
        }
        if build.is_none() {
            self.push_plain(Opcode::LOAD_CONST_NONE);
        }
    }

    fn parameters(&mut self, parameters: Node, list: Rule) {
        let parameters = self.tree.list(parameters, list);
        let mut after_star = false;
        for index in 0..self.tree.list_length(parameters) {
            let node = self.tree.list_item(parameters, index);
            if let Err(code) = self.parameter(node, &mut after_star) {
                self.error(code, node);
            }
        }
    }

    fn parameter(&mut self, node: Node, after_star: &mut bool) -> Result<(), DiagnosticCode> {
        let tree = &self.tree;
        let rule = node.as_struct().map(|node| (node, tree.rule(node)));
        let child = rule.map_or(Node::NULL, |(node, _)| tree.child(node, 0));
        let scope = self.scope_mut();
        // Nothing may follow `**kwargs`.
        if scope.flags & FLAG_VAR_KEYWORDS != 0 {
            return Err(DiagnosticCode::InvalidSyntax);
        }
        let (name, parameter) = match rule {
            Some((_, Rule::TypedargslistStar | Rule::VarargslistStar)) => {
                if std::mem::replace(after_star, true) {
                    return Err(DiagnosticCode::InvalidSyntax);
                }
                if child.is_null() {
                    return Ok(());
                }
                scope.flags |= FLAG_VAR_ARGS;
                (child, Parameter::Star)
            }
            Some((_, Rule::TypedargslistDblStar | Rule::VarargslistDblStar)) => {
                scope.flags |= FLAG_VAR_KEYWORDS;
                (child, Parameter::DoubleStar)
            }
            _ => {
                let count = if *after_star {
                    &mut scope.keyword_only_arguments
                } else {
                    &mut scope.positional_arguments
                };
                *count = count.wrapping_add(1);
                (if child.is_null() { node } else { child }, Parameter::Plain)
            }
        };
        // An annotated `*args` is one node deeper.
        let name = match name.as_struct() {
            Some(annotated) => self.tree.child(annotated, 0),
            None => name,
        };
        let name = name.as_id().unwrap_or(Qstr::EMPTY);
        let Some(id) = self.scope_mut().ids.find_or_add(name, IdKind::Undecided) else {
            return Ok(());
        };
        if id.kind != IdKind::Undecided {
            return Err(DiagnosticCode::ParameterReused);
        }
        id.kind = IdKind::Local;
        id.parameter = parameter;
        if self.scope().emitter == Emitter::Viper {
            let annotation = self.annotation(node);
            let viper_type = self.viper_type(annotation);
            if let Some(id) = self.scope_mut().ids.find_mut(name) {
                id.viper_type = viper_type;
            }
        }
        Ok(())
    }

    /// Returns the annotation of a function's parameter, null if there is none.
    fn annotation(&self, parameter: Node) -> Node {
        let Some(node) = parameter.as_struct() else {
            return Node::NULL;
        };
        match (self.tree.rule(node), self.tree.child(node, 0).as_struct()) {
            (Rule::TypedargslistName | Rule::TypedargslistDblStar, _) => self.tree.child(node, 1),
            (Rule::TypedargslistStar, Some(annotated)) => self.tree.child(annotated, 1),
            _ => Node::NULL,
        }
    }

    /// Returns the type that an annotation names in viper.
    fn viper_type(&mut self, annotation: Node) -> NativeType {
        if annotation.is_null() {
            return NativeType::Object;
        }
        let Some(name) = annotation.as_id() else {
            self.error(DiagnosticCode::AnnotationNotName, annotation);
            return NativeType::Object;
        };
        NativeType::from_name(name, &self.known).unwrap_or_else(|| {
            let name = String::from_utf8_lossy(self.interner.text(name));
            let message = format!("unknown type '{name}'");
            // It takes the place of an error before it, but not its line.
            self.error = Some(CompileError {
                code: DiagnosticCode::ViperUnknownType,
                message: Some(message),
                line: self.error.take().map_or(0, |error| error.line),
            });
            NativeType::Object
        })
    }
}
