//! Scopes and their identifiers (`py/scope.c`, `scope_compute_things` of `py/compile.c`).

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use piton_mpy::prelude::FLAG_VAR_ARGS;

use crate::emit::Code;
use crate::options::Emitter;
use piton_syntax::Rules;
use piton_syntax::interner::{Known, Qstr};
use piton_syntax::parse::Node;

/// A type that viper can name; the discriminant is `MP_NATIVE_TYPE_*` of py/nativeglue.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NativeType {
    Object = 0,
    Bool = 1,
    Int = 2,
    Uint = 3,
    Ptr = 4,
    Ptr8 = 5,
    Ptr16 = 6,
    Ptr32 = 7,
}

impl NativeType {
    /// Returns the type that a name stands for (`mp_native_type_from_qstr`).
    pub(crate) fn from_name(name: Qstr, known: &Known) -> Option<NativeType> {
        let types = [
            (known.object, NativeType::Object),
            (known.bool_, NativeType::Bool),
            (known.int, NativeType::Int),
            (known.uint, NativeType::Uint),
            (known.ptr, NativeType::Ptr),
            (known.ptr8, NativeType::Ptr8),
            (known.ptr16, NativeType::Ptr16),
            (known.ptr32, NativeType::Ptr32),
        ];
        let found = types.into_iter().find(|(known, _)| *known == name);
        found.map(|(_, found)| found)
    }
}

/// The number of a scope, in the order they were met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ScopeId(pub(crate) u32);

impl ScopeId {
    pub(crate) const MODULE: ScopeId = ScopeId(0);

    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScopeKind {
    Module,
    Class,
    Lambda,
    ListComprehension,
    DictComprehension,
    SetComprehension,
    GeneratorExpression,
    Function,
}

impl ScopeKind {
    /// Returns whether an assignment makes a local.
    pub(crate) fn is_function_like(self) -> bool {
        !matches!(self, ScopeKind::Module | ScopeKind::Class)
    }

    pub(crate) fn is_comprehension_like(self) -> bool {
        matches!(
            self,
            ScopeKind::ListComprehension
                | ScopeKind::DictComprehension
                | ScopeKind::SetComprehension
                | ScopeKind::GeneratorExpression
        )
    }
}

/// What an identifier means in its scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdKind {
    Undecided,
    GlobalImplicit,
    /// Assigned in a module or class body.
    GlobalImplicitAssigned,
    GlobalExplicit,
    Local,
    /// A local that inner functions use.
    Cell,
    /// A local of an outer function.
    Free,
}

/// What kind of parameter an identifier is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parameter {
    None,
    Plain,
    /// `*args`
    Star,
    /// `**kwargs`
    DoubleStar,
}

/// An identifier of a scope.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Id {
    pub(crate) name: Qstr,
    pub(crate) kind: IdKind,
    pub(crate) parameter: Parameter,
    /// The number of the local, for those that have one.
    pub(crate) local: u16,
    /// The type of a parameter in viper.
    pub(crate) viper_type: NativeType,
}

/// The identifiers of a scope in the order they were met.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    list: Vec<Id>,
    /// Places of the names, once there are too many to look through.
    places: HashMap<Qstr, usize, BuildHasherDefault<NameHasher>>,
}

/// Up to this many identifiers are looked through.
const SHORT_LIST: usize = 8;

impl Ids {
    fn place(&self, name: Qstr) -> Option<usize> {
        if self.list.len() <= SHORT_LIST {
            self.list.iter().position(|id| id.name == name)
        } else {
            self.places.get(&name).copied()
        }
    }

    pub(crate) fn find(&self, name: Qstr) -> Option<&Id> {
        self.list.get(self.place(name)?)
    }

    pub(crate) fn find_mut(&mut self, name: Qstr) -> Option<&mut Id> {
        let place = self.place(name)?;
        self.list.get_mut(place)
    }

    /// Returns the place of a name, which is added with this kind if it is new.
    fn find_or_place(&mut self, name: Qstr, kind: IdKind) -> usize {
        if let Some(place) = self.place(name) {
            return place;
        }
        let place = self.list.len();
        self.list.push(Id {
            name,
            kind,
            parameter: Parameter::None,
            local: 0,
            viper_type: NativeType::Object,
        });
        if place == SHORT_LIST {
            self.places = self.list.iter().map(|id| id.name).zip(0..).collect();
        } else if place > SHORT_LIST {
            self.places.insert(name, place);
        }
        place
    }

    /// Returns the identifier of this name, which is added with this kind if it is new.
    pub(crate) fn find_or_add(&mut self, name: Qstr, kind: IdKind) -> Option<&mut Id> {
        let place = self.find_or_place(name, kind);
        self.list.get_mut(place)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Id> + ExactSizeIterator {
        self.list.iter()
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Id> {
        self.list.iter_mut()
    }

    fn swap(&mut self, first: usize, second: usize) {
        self.list.swap(first, second);
        for place in [first, second] {
            if let Some(id) = self.list.get(place)
                && let Some(known) = self.places.get_mut(&id.name)
            {
                *known = place;
            }
        }
    }
}

/// Spreads the numbers of strings over a hash map.
#[derive(Debug, Default)]
pub(crate) struct NameHasher(u64);

impl Hasher for NameHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u32(byte.into());
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(26);
    }
}

/// A scope: a module, class body, function, lambda or comprehension.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) kind: ScopeKind,
    pub(crate) parent: Option<ScopeId>,
    /// The node the scope was made for.
    pub(crate) node: Node,
    /// The simple name.
    pub(crate) name: Qstr,
    /// `FLAG_*` of [`piton_mpy::prelude`].
    pub(crate) flags: u32,
    pub(crate) emitter: Emitter,
    pub(crate) positional_arguments: u16,
    pub(crate) keyword_only_arguments: u16,
    pub(crate) default_arguments: u16,
    pub(crate) locals: u16,
    pub(crate) exception_stack_size: u16,
    /// What a viper function returns.
    pub(crate) viper_return: NativeType,
    /// Whether the scope makes functions.
    pub(crate) makes_functions: bool,
    pub(crate) ids: Ids,
    /// Names of cells and free variables with their locals, in order: what inner scopes close over.
    pub(crate) closed_over: Vec<(Qstr, u16)>,
    pub(crate) code: Code,
}

impl Scope {
    pub(crate) fn new(
        kind: ScopeKind,
        parent: Option<ScopeId>,
        node: Node,
        name: Qstr,
        emitter: Emitter,
    ) -> Scope {
        Scope {
            kind,
            parent,
            node,
            name,
            flags: 0,
            emitter,
            positional_arguments: 0,
            keyword_only_arguments: 0,
            default_arguments: 0,
            locals: 0,
            exception_stack_size: 0,
            viper_return: NativeType::Object,
            makes_functions: false,
            ids: Ids::default(),
            closed_over: Vec::new(),
            code: Code::default(),
        }
    }

    /// Registers a use of a name.
    pub(crate) fn load(&mut self, name: Qstr) {
        self.modify_or_load(name, false);
    }

    /// Registers a change of a name. Gives what the name is now.
    pub(crate) fn modify(&mut self, name: Qstr, rules: &Rules) -> IdKind {
        // A module or class that assigns a name keeps it as its own.
        let keeps = rules.assigned_names_stay || self.kind.is_function_like();
        self.modify_or_load(name, keeps)
    }

    fn modify_or_load(&mut self, name: Qstr, modified: bool) -> IdKind {
        let function_like = self.kind.is_function_like();
        let Some(id) = self.ids.find_or_add(name, IdKind::GlobalImplicit) else {
            return IdKind::Undecided;
        };
        if modified && id.kind == IdKind::GlobalImplicit {
            id.kind = if function_like {
                IdKind::Local
            } else {
                IdKind::GlobalImplicitAssigned
            };
        }
        id.kind
    }

    /// Moves `*args` after the last plain parameter and numbers the locals. `outer` are the
    /// parent's [`Scope::closed_over`].
    pub(crate) fn number_locals(&mut self, known: &Known, outer: &[(Qstr, u16)]) {
        if self.flags & FLAG_VAR_ARGS != 0 {
            self.move_star_parameter();
        }
        self.number_fast_locals(known);
        // Cells come after the other locals; those that are parameters keep their place.
        for id in self.ids.iter_mut() {
            if id.kind == IdKind::Cell && id.parameter == Parameter::None {
                id.local = self.locals;
                self.locals = self.locals.wrapping_add(1);
            }
        }
        self.number_free_variables(outer);
        let closed = |id: &&Id| matches!(id.kind, IdKind::Cell | IdKind::Free);
        self.closed_over = self
            .ids
            .iter()
            .filter(closed)
            .map(|id| (id.name, id.local))
            .collect();
    }

    fn move_star_parameter(&mut self) {
        let star = self
            .ids
            .iter()
            .rposition(|id| id.parameter == Parameter::Star);
        let plain = self
            .ids
            .iter()
            .rposition(|id| id.parameter == Parameter::Plain);
        if let (Some(star), Some(plain)) = (star, plain)
            && plain > star
        {
            self.ids.swap(star, plain);
        }
    }

    fn number_fast_locals(&mut self, known: &Known) {
        self.locals = 0;
        for id in self.ids.list.iter_mut() {
            if self.kind == ScopeKind::Class && id.name == known.class {
                // Not a local of its own: a cell if a method uses it.
                continue;
            }
            if self.kind.is_function_like() && id.kind == IdKind::GlobalImplicit {
                id.kind = IdKind::GlobalExplicit;
            }
            if id.kind == IdKind::Local || id.parameter != Parameter::None {
                id.local = self.locals;
                self.locals = self.locals.wrapping_add(1);
            }
        }
    }

    /// Numbers free variables: they come first, in the order of the outer scope, and shift all other locals.
    fn number_free_variables(&mut self, outer: &[(Qstr, u16)]) {
        let mut count: u16 = 0;
        for (name, _) in outer {
            if let Some(id) = self.ids.find_mut(*name)
                && id.kind == IdKind::Free
            {
                id.local = count;
                count = count.wrapping_add(1);
            }
        }
        if count == 0 {
            return;
        }
        for id in self.ids.iter_mut() {
            if id.kind != IdKind::Free || id.parameter != Parameter::None {
                id.local = id.local.wrapping_add(count);
            }
        }
        self.positional_arguments = self.positional_arguments.wrapping_add(count);
        self.locals = self.locals.wrapping_add(count);
    }
}

/// Makes `name` a free variable of `scope` and a cell of the outer function that has it.
/// Returns whether it did.
pub(crate) fn close_over(scopes: &mut [Scope], scope: ScopeId, name: Qstr) -> bool {
    let mut outer = parent(scopes, scope);
    while let Some((id, grandparent)) = outer {
        let Some(owner) = scopes.get(id.index()) else {
            return false;
        };
        // The module's names are globals.
        if owner.parent.is_none() {
            return false;
        }
        if let Some(found) = owner.ids.find(name) {
            let closes = matches!(found.kind, IdKind::Local | IdKind::Cell | IdKind::Free);
            if closes {
                close_over_in_parents(scopes, scope, name);
            }
            return closes;
        }
        outer = grandparent.and_then(|id| Some((id, scopes.get(id.index())?.parent)));
    }
    false
}

/// Returns the parent of a scope, and the parent's parent.
fn parent(scopes: &[Scope], scope: ScopeId) -> Option<(ScopeId, Option<ScopeId>)> {
    let id = scopes.get(scope.index())?.parent?;
    Some((id, scopes.get(id.index())?.parent))
}

/// Makes `name` free in all scopes between `scope` and the one that has it, and a cell in that one.
fn close_over_in_parents(scopes: &mut [Scope], scope: ScopeId, name: Qstr) {
    let set_free = |id: &mut Id| id.kind = IdKind::Free;
    if let Some(scope) = scopes.get_mut(scope.index()) {
        scope.ids.find_mut(name).map(set_free);
    }
    let mut next = scopes.get(scope.index()).and_then(|scope| scope.parent);
    while let Some(scope) = next.and_then(|id| scopes.get_mut(id.index())) {
        next = scope.parent;
        let Some(id) = scope.ids.find_or_add(name, IdKind::Undecided) else {
            return;
        };
        match id.kind {
            IdKind::Undecided => id.kind = IdKind::Free,
            IdKind::Local => {
                id.kind = IdKind::Cell;
                return;
            }
            _ => return,
        }
    }
}
