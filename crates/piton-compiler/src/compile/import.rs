//! `import` and `from ... import`.

use piton_mpy::opcode::Opcode;

use super::{
    Access, Compiler, DiagnosticCode, Failure, Instruction, Node, Qstr, Rule, ScopeKind, Struct,
    Token,
};

impl Compiler<'_> {
    pub(super) fn import_name(&mut self, node: Struct) -> Result<(), Failure> {
        let names = self
            .tree
            .list(self.tree.child(node, 0), Rule::DottedAsNames);
        for index in 0..self.tree.list_length(names) {
            // Level 0, and nothing in particular is imported.
            self.emit(Instruction::SmallInteger(0));
            self.emit_plain(Opcode::LOAD_CONST_NONE);
            let base = self.import_module(self.tree.list_item(names, index))?;
            self.identifier(Access::Store, base);
        }
        Ok(())
    }

    /// Imports a module and gives the name to store it in: its first part, or the one after `as`.
    fn import_module(&mut self, node: Node) -> Result<Qstr, Failure> {
        let (mut name, mut alias) = (node, None);
        if let Some(renamed) = self.tree.as_rule(node, Rule::DottedAsName) {
            name = self.tree.child(renamed, 0);
            alias = self.tree.child(renamed, 1).as_id();
        }
        if let Some(name) = name.as_id() {
            self.emit_name(Opcode::IMPORT_NAME, name)?;
            return Ok(alias.unwrap_or(name));
        }
        let Some(dotted) = name.as_struct() else {
            // `from . import x`
            self.emit_name(Opcode::IMPORT_NAME, Qstr::EMPTY)?;
            return Ok(Qstr::EMPTY);
        };
        let parts: Vec<Qstr> = self.tree.children(dotted).filter_map(Node::as_id).collect();
        let texts: Vec<&[u8]> = parts.iter().map(|&part| self.interner.text(part)).collect();
        let full = texts.join(&b'.');
        let full = self.interner.intern(&full)?;
        self.emit_name(Opcode::IMPORT_NAME, full)?;
        let Some(alias) = alias else {
            return Ok(parts.first().copied().unwrap_or(Qstr::EMPTY));
        };
        for &part in parts.iter().skip(1) {
            self.emit_name(Opcode::LOAD_ATTR, part)?;
        }
        Ok(alias)
    }

    pub(super) fn import_from(&mut self, node: Struct) -> Result<(), Failure> {
        let (source, names) = (self.tree.child(node, 0), self.tree.child(node, 1));
        let (level, module) = self.relative_import(source);
        let level = self.small_integer(level);
        if names.is_token(Token::OpStar) {
            if self.scope().kind != ScopeKind::Module {
                self.error(DiagnosticCode::ImportStar, node.into());
                return Ok(());
            }
            self.emit(level);
            self.emit_name(Opcode::LOAD_CONST_STRING, self.known.star)?;
            self.emit(Instruction::Number(Opcode::BUILD_TUPLE, 1));
            self.import_module(module)?;
            self.emit_plain(Opcode::IMPORT_STAR);
            return Ok(());
        }
        self.emit(level);
        let names = self.tree.list(names, Rule::ImportAsNames);
        let count = self.tree.list_length(names);
        for index in 0..count {
            let (name, _) = self.imported_name(self.tree.list_item(names, index));
            self.emit_name(Opcode::LOAD_CONST_STRING, name)?;
        }
        self.emit(Instruction::Number(Opcode::BUILD_TUPLE, count));
        self.import_module(module)?;
        for index in 0..count {
            let (name, alias) = self.imported_name(self.tree.list_item(names, index));
            self.emit_name(Opcode::IMPORT_FROM, name)?;
            self.identifier(Access::Store, alias);
        }
        self.emit_plain(Opcode::POP_TOP);
        Ok(())
    }

    /// Returns a name that is imported and the one it is stored in.
    fn imported_name(&self, node: Node) -> (Qstr, Qstr) {
        let Some(node) = node.as_struct() else {
            return (Qstr::EMPTY, Qstr::EMPTY);
        };
        let name = self.tree.child(node, 0).as_id().unwrap_or(Qstr::EMPTY);
        (name, self.tree.child(node, 1).as_id().unwrap_or(name))
    }

    /// Returns how many dots stand before the module, and the module (null if there are only dots).
    fn relative_import(&self, source: Node) -> (i64, Node) {
        let (dots, module) = match source.as_struct().map(|node| (node, self.tree.rule(node))) {
            None if source.as_id().is_none() => (source, Node::NULL),
            Some((_, Rule::OneOrMorePeriodOrEllipsis)) => (source, Node::NULL),
            Some((node, Rule::ImportFrom2b)) => {
                (self.tree.child(node, 0), self.tree.child(node, 1))
            }
            _ => return (0, source),
        };
        let dots = self.tree.list(dots, Rule::OneOrMorePeriodOrEllipsis);
        let level = (0..self.tree.list_length(dots))
            .map(|index| self.tree.list_item(dots, index))
            .map(|dot| if dot.is_token(Token::DelPeriod) { 1 } else { 3 })
            .sum();
        (level, module)
    }
}
