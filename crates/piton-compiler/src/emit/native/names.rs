//! Variables, attributes and imports.

use super::Emitter;
use super::value::ValueType;
use crate::emit::Access;
use crate::machine::Fun;
use crate::options::Emitter as EmitterOption;
use crate::scope::{Id, IdKind, NativeType, Parameter, Scope, ScopeKind};
use piton_syntax::diagnostic::{DiagnosticCode, Failure};
use piton_syntax::interner::{Interner, Known, Qstr};

/// The word of a cell that has the variable's value.
const CELL_VALUE: usize = 1;

/// Returns whether a function uses globals, so that it must set its own. The names of most types are none in viper.
pub(super) fn references_globals(scope: &Scope, known: &Known) -> bool {
    let is_type = |name| NativeType::from_name(name, known) >= Some(NativeType::Int);
    scope.ids.iter().any(|id| {
        id.kind == IdKind::GlobalExplicit
            && !(scope.kind == ScopeKind::Class && id.name == known.class)
            && !(scope.emitter == EmitterOption::Viper && is_type(id.name))
    })
}

/// Returns the names of the functions and classes around a scope and its own, with dots between.
pub(super) fn qualified_name(
    scope: &Scope,
    scopes: &[Scope],
    known: &Known,
    interner: &Interner,
) -> Vec<u8> {
    let mut names = vec![interner.text(scope.name)];
    let mut parent = scope.parent;
    while let Some(outer) = parent.and_then(|parent| scopes.get(parent.index())) {
        if outer.name == known.module {
            break;
        }
        names.push(interner.text(outer.name));
        parent = outer.parent;
    }
    names.reverse();
    names.join(&b'.')
}

impl Emitter<'_> {
    /// Loads, stores or deletes an identifier as it is in a scope.
    pub(super) fn identifier(
        &mut self,
        scope: &Scope,
        access: Access,
        name: Qstr,
    ) -> Result<(), Failure> {
        let Some(&id) = scope.ids.find(name) else {
            return Ok(());
        };
        let local = usize::from(id.local);
        match (id.kind, access) {
            (IdKind::Local, Access::Load) => self.load_local(name, local),
            (IdKind::Local, Access::Store) => self.store_local(name, local),
            (IdKind::Local, Access::Delete) => {
                // Only what it had can be freed.
                self.push_none();
                self.store_local(name, local);
            }
            (IdKind::Cell | IdKind::Free, Access::Load) => self.load_cell(name, local),
            (IdKind::Cell | IdKind::Free, Access::Store) => self.store_cell(name, local),
            // Not done, as in the official compiler.
            (IdKind::Cell | IdKind::Free, Access::Delete) => {}
            _ => self.global(access, id)?,
        }
        Ok(())
    }

    fn global(&mut self, access: Access, id: Id) -> Result<(), Failure> {
        let is_explicit = id.kind == IdKind::GlobalExplicit;
        if access == Access::Load && is_explicit && self.push_cast(id.name) {
            return Ok(());
        }
        let index = self.tables.string(id.name)?;
        let fun = match (access, is_explicit) {
            (Access::Load, false) => Fun::LoadName,
            (Access::Load, true) => Fun::LoadGlobal,
            (Access::Store, false) => Fun::StoreName,
            (Access::Store, true) => Fun::StoreGlobal,
            (Access::Delete, false) => Fun::DeleteName,
            (Access::Delete, true) => Fun::DeleteGlobal,
        };
        match access {
            Access::Load => self.load_global(fun, index),
            Access::Store => self.store_global(fun, index),
            Access::Delete => self.call_with_name(fun, index, self.description.arguments[0]),
        }
        Ok(())
    }

    /// Pushes the name of a type, which in viper is no global. Returns whether it did.
    fn push_cast(&mut self, name: Qstr) -> bool {
        let native = NativeType::from_name(name, self.known);
        let native = native.filter(|&native| self.has_types && native >= NativeType::Bool);
        if let Some(native) = native {
            self.push_immediate(ValueType::Cast, native as i64);
        }
        native.is_some()
    }

    pub(super) fn load_global(&mut self, fun: Fun, index: u32) {
        self.call_with_name(fun, index, self.description.arguments[0]);
        self.push_result();
    }

    fn store_global(&mut self, fun: Fun, index: u32) {
        let [first, second, ..] = self.description.arguments;
        let value_type = self.peek_type(0);
        if fun == Fun::StoreName {
            self.pop_object(second);
        } else if value_type == ValueType::OBJECT {
            self.pop(second);
        } else {
            let value_type = self.pop(first);
            self.convert_to_object(value_type);
            self.machine.copy(second, self.description.result);
        }
        self.call_with_name(fun, index, first);
    }

    pub(super) fn local_type(&self, local: usize) -> ValueType {
        let value_type = self.local_types.get(local).copied();
        value_type.unwrap_or(ValueType::OBJECT)
    }

    pub(super) fn load_local(&mut self, name: Qstr, local: usize) {
        let value_type = self.local_type(local);
        if value_type == ValueType::Unbound {
            let message = format!("local '{}' used before type known", self.text(name));
            self.type_error(DiagnosticCode::ViperUntypedLocal, Some(message));
        }
        if let Some(register) = self.local_register(local) {
            self.push(value_type, register);
            return;
        }
        let temporary = self.description.temporaries[0];
        self.free_register(temporary);
        self.load_state(temporary, self.local_word(local));
        self.push(value_type, temporary);
    }

    fn store_local(&mut self, name: Qstr, local: usize) {
        let value_type = match self.local_register(local) {
            Some(register) => self.pop(register),
            None => {
                let temporary = self.description.temporaries[0];
                let value_type = self.pop(temporary);
                self.store_state(self.local_word(local), temporary);
                value_type
            }
        };
        let local_type = self.local_type(local);
        if local_type == ValueType::Unbound {
            if let Some(place) = self.local_types.get_mut(local) {
                *place = value_type;
            }
        } else if local_type != value_type {
            let message = format!(
                "local '{}' has type '{}' but source is '{}'",
                self.text(name),
                local_type.name(),
                value_type.name()
            );
            self.type_error(DiagnosticCode::ViperLocalType, Some(message));
        }
    }

    fn load_cell(&mut self, name: Qstr, local: usize) {
        let result = self.description.result;
        self.free_register(result);
        self.load_local(name, local);
        let (_, base) = self.pop_flexible(result, &[]);
        self.machine.load_word(result, base, CELL_VALUE);
        self.push_result();
    }

    fn store_cell(&mut self, name: Qstr, local: usize) {
        let [first, second, _] = self.description.temporaries;
        self.free_register(first);
        self.free_register(second);
        self.load_local(name, local);
        let (_, base) = self.pop_flexible(first, &[]);
        let (_, source) = self.pop_flexible(second, &[base]);
        self.machine.store_word(source, base, CELL_VALUE);
    }

    /// Loads the first parameter, for `super()`.
    pub(super) fn first_parameter(&mut self) -> Result<(), Failure> {
        let mut ids = self.scope.ids.iter();
        match ids.find(|id| id.parameter != Parameter::None) {
            Some(id) => self.identifier(self.scope, Access::Load, id.name),
            None => Ok(()),
        }
    }

    /// Loads what a class body returns.
    pub(super) fn class_cell(&mut self, class: Qstr) {
        match self.scope.ids.find(class) {
            Some(id) if id.kind != IdKind::Local => self.load_local(class, id.local.into()),
            _ => self.push_none(),
        }
    }

    pub(super) fn load_attribute(&mut self, index: u32) {
        let [first, second, ..] = self.description.arguments;
        self.pop_object(first);
        self.call_with_name(Fun::LoadAttribute, index, second);
        self.push_result();
    }

    pub(super) fn store_attribute(&mut self, index: u32) {
        let [first, second, third, _] = self.description.arguments;
        let base_type = if self.peek_type(1) == ValueType::OBJECT {
            let base_type = self.pop(first);
            self.pop(third);
            base_type
        } else if !self.rules.native.converts_attributes {
            self.impossible();
            return;
        } else {
            let value_type = self.load_value(2, first);
            self.convert_to_object(value_type);
            self.machine.copy(third, self.description.result);
            let base_type = self.pop(first);
            self.adjust(-1);
            base_type
        };
        self.must_be_object(base_type);
        self.call_with_name(Fun::StoreAttribute, index, second);
    }

    pub(super) fn delete_attribute(&mut self, index: u32) {
        let [first, second, third, _] = self.description.arguments;
        self.pop_object(first);
        self.machine.clear(third);
        self.call_with_name(Fun::StoreAttribute, index, second);
    }

    pub(super) fn load_method(&mut self, index: u32) {
        let [first, second, third, _] = self.description.arguments;
        self.pop_object(first);
        self.push_array(third, 2);
        self.call_with_name(Fun::LoadMethod, index, second);
    }

    pub(super) fn load_super_method(&mut self, index: u32) {
        let [first, second, ..] = self.description.arguments;
        self.pop_array(second, 3);
        self.push_array(second, 2);
        self.call_with_name(Fun::LoadSuperMethod, index, first);
    }

    pub(super) fn import_name(&mut self, index: u32) {
        let [first, second, third, _] = self.description.arguments;
        // The list of names and the level must be objects in viper too.
        let has_types = std::mem::replace(&mut self.has_types, false);
        self.pop_object(second);
        self.pop_object(third);
        self.has_types = has_types;
        self.call_with_name(Fun::ImportName, index, first);
        self.push_result();
    }

    pub(super) fn import_from(&mut self, index: u32) {
        let [first, second, ..] = self.description.arguments;
        let value_type = self.load_value(1, first);
        self.must_be_object(value_type);
        self.call_with_name(Fun::ImportFrom, index, second);
        self.push_result();
    }

    pub(super) fn import_star(&mut self) {
        self.pop_object(self.description.arguments[0]);
        self.call(Fun::ImportAll);
    }
}
