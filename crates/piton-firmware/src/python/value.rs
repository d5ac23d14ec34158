//! The values of a running manifest.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use super::ast::Definition;
use super::interpreter::Interpreter;

/// A Python object.
#[derive(Clone)]
pub(crate) enum Value {
    None,
    Ellipsis,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    Bytes(Rc<[u8]>),
    List(Rc<RefCell<Vec<Value>>>),
    Tuple(Rc<[Value]>),
    Dict(Rc<RefCell<Dict>>),
    Set(Rc<RefCell<Dict>>),
    FrozenSet(Rc<Dict>),
    Range(i64, i64, i64),
    Slice(Rc<(Value, Value, Value)>),
    Function(Rc<Function>),
    /// A function of Python's that is built in here.
    Native(&'static Native),
    /// A method of a type that is built in.
    Method(Rc<(Value, Rc<str>)>),
    /// A function of a class with its first argument.
    Bound(Rc<(Value, Value)>),
    /// A type that is built in, by its name.
    Type(&'static str),
    Class(Rc<Class>),
    Instance(Rc<Instance>),
    Module(Rc<Module>),
    Iterator(Rc<RefCell<Iteration>>),
    /// A file that is open for reading.
    File(Rc<RefCell<super::files::OpenFile>>),
    /// A `pathlib.Path`.
    Path(Rc<str>),
    /// A function that a manifest calls, by its name.
    Api(&'static str),
    /// `options` of a manifest.
    Options(Rc<Options>),
    /// What `metadata()` returns.
    Metadata(Rc<RefCell<crate::manifest::state::Frame>>),
    /// The result of `os.stat`: its fields.
    Stat(Rc<[(&'static str, Value)]>),
    /// An object of another interpreter: the name of its type and its `repr`.
    Foreign(Rc<(String, String)>),
}

/// A function that is built in.
pub(crate) struct Native {
    pub(crate) name: &'static str,
    pub(crate) call: fn(&mut Interpreter, Arguments) -> Outcome,
}

/// The result of an expression.
pub(crate) type Outcome = Result<Value, Throw>;

/// Why something has no result.
#[derive(Clone)]
pub(crate) enum Throw {
    /// An exception of a class that is built in.
    Error {
        class: &'static str,
        message: String,
    },
    /// An error of the operating system, and the file that it is about.
    Os { errno: i32, path: Option<String> },
    /// An exception that is an object already.
    Object(Value),
    /// What only Python itself can do. No manifest can catch it.
    Unsupported { what: String, line: u32 },
}

impl Throw {
    pub(crate) fn new(class: &'static str, message: impl Into<String>) -> Throw {
        Throw::Error {
            class,
            message: message.into(),
        }
    }

    pub(crate) fn type_error(message: impl Into<String>) -> Throw {
        Throw::new("TypeError", message)
    }

    pub(crate) fn unsupported(what: impl Into<String>) -> Throw {
        Throw::Unsupported {
            what: what.into(),
            line: 0,
        }
    }
}

/// The arguments of a call.
#[derive(Clone, Default)]
pub(crate) struct Arguments {
    pub(crate) positional: Vec<Value>,
    pub(crate) named: Vec<(Rc<str>, Value)>,
}

impl Arguments {
    pub(crate) fn of(positional: Vec<Value>) -> Arguments {
        Arguments {
            positional,
            named: Vec::new(),
        }
    }

    /// Assigns the arguments to parameters of a built-in function; `required` of them must be there.
    pub(crate) fn bind<const N: usize>(
        self,
        function: &str,
        names: [&str; N],
        required: usize,
    ) -> Result<[Option<Value>; N], Throw> {
        let mut bound: [Option<Value>; N] = std::array::from_fn(|_| None);
        let count = self.positional.len();
        if count > N {
            let most = if required == N { "exactly" } else { "at most" };
            let plural = if N == 1 { "" } else { "s" };
            return Err(Throw::type_error(format!(
                "{function}() takes {most} {N} argument{plural} ({count} given)"
            )));
        }
        for (slot, value) in bound.iter_mut().zip(self.positional) {
            *slot = Some(value);
        }
        for (name, value) in self.named {
            let slot = names
                .iter()
                .position(|known| *known == &*name)
                .and_then(|index| bound.get_mut(index));
            let Some(slot) = slot else {
                return Err(Throw::type_error(format!(
                    "{function}() got an unexpected keyword argument '{name}'"
                )));
            };
            *slot = Some(value);
        }
        if bound.iter().take(required).any(Option::is_none) {
            let plural = if required == 1 { "" } else { "s" };
            let least = if required == N { "exactly" } else { "at least" };
            return Err(Throw::type_error(format!(
                "{function}() takes {least} {required} argument{plural} ({count} given)"
            )));
        }
        Ok(bound)
    }
}

/// A function that a manifest defines.
pub(crate) struct Function {
    pub(crate) definition: Rc<Definition>,
    /// Its name with those of the functions and classes around it.
    pub(crate) qualified: Rc<str>,
    /// One for each parameter that has one.
    pub(crate) defaults: Vec<Option<Value>>,
    pub(crate) scope: Rc<Scope>,
}

/// A class: one that is built in (exceptions) or one of a manifest.
pub(crate) struct Class {
    pub(crate) name: Rc<str>,
    pub(crate) bases: Vec<Rc<Class>>,
    pub(crate) attributes: RefCell<BTreeMap<Rc<str>, Value>>,
}

impl Class {
    /// Returns whether it is `name` or below it.
    pub(crate) fn is_below(&self, name: &str) -> bool {
        &*self.name == name || self.bases.iter().any(|base| base.is_below(name))
    }

    pub(crate) fn is_subclass_of(self: &Rc<Class>, other: &Rc<Class>) -> bool {
        Rc::ptr_eq(self, other) || self.bases.iter().any(|base| base.is_subclass_of(other))
    }

    pub(crate) fn find(&self, name: &str) -> Option<Value> {
        let own = self.attributes.borrow().get(name).cloned();
        own.or_else(|| self.bases.iter().find_map(|base| base.find(name)))
    }
}

/// An object of a class.
pub(crate) struct Instance {
    pub(crate) class: Rc<Class>,
    pub(crate) attributes: RefCell<BTreeMap<Rc<str>, Value>>,
}

/// A module.
pub(crate) struct Module {
    pub(crate) name: Rc<str>,
    /// Whether it is a file of the manifest's own, and not a part of Python that is built in here.
    pub(crate) own: bool,
    pub(crate) attributes: RefCell<BTreeMap<Rc<str>, Value>>,
}

/// `options`: what `include` and `require` were called with.
pub(crate) struct Options {
    pub(crate) arguments: Vec<(Rc<str>, Value)>,
    pub(crate) defaults: RefCell<Vec<(Rc<str>, Value)>>,
    pub(crate) attributes: RefCell<BTreeMap<Rc<str>, Value>>,
}

/// What a loop goes through.
pub(crate) enum Iteration {
    /// The name of its type, and what is left.
    Items(&'static str, std::vec::IntoIter<Value>),
    List(Rc<RefCell<Vec<Value>>>, usize),
    Walk(super::files::Walk),
    Generator(Rc<super::iteration::Generator>),
    /// `map`: the function, and an iterator for each of its arguments.
    Map(Value, Rc<[Value]>),
    /// `filter`: the function or `None`, and an iterator.
    Filter(Value, Value),
    /// `zip`
    Zip(Rc<[Value]>),
    /// `enumerate`: the next number, and an iterator.
    Enumerate(i64, Value),
}

impl Iteration {
    fn type_name(&self) -> &'static str {
        match self {
            Iteration::Items(kind, _) => kind,
            Iteration::List(..) => "list_iterator",
            Iteration::Walk(_) | Iteration::Generator(_) => "generator",
            Iteration::Map(..) => "map",
            Iteration::Filter(..) => "filter",
            Iteration::Zip(_) => "zip",
            Iteration::Enumerate(..) => "enumerate",
        }
    }
}

/// The names of a module, function, class or comprehension.
pub(crate) struct Scope {
    pub(crate) kind: ScopeKind,
    /// The name of the function or class with those around it; empty for a module.
    pub(crate) qualified: Rc<str>,
    pub(crate) names: RefCell<HashMap<Rc<str>, Value>>,
    /// The names that it binds.
    pub(crate) locals: Rc<BTreeSet<Rc<str>>>,
    pub(crate) outer: Rc<Vec<(Rc<str>, bool)>>,
    pub(crate) parent: Option<Rc<Scope>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScopeKind {
    Module,
    Function,
    Class,
    Comprehension,
}

impl Scope {
    /// Returns the name of a function or class that is defined in this scope, with those around it.
    pub(crate) fn qualify(&self, name: &Rc<str>) -> Rc<str> {
        let is_global = self
            .outer
            .iter()
            .any(|(outer, global)| *global && outer == name);
        match (self.kind, &self.parent) {
            _ if is_global => name.clone(),
            (ScopeKind::Function, _) => format!("{}.<locals>.{name}", self.qualified).into(),
            (ScopeKind::Class, _) => format!("{}.{name}", self.qualified).into(),
            (ScopeKind::Comprehension, Some(parent)) => parent.qualify(name),
            (ScopeKind::Module | ScopeKind::Comprehension, _) => name.clone(),
        }
    }

    pub(crate) fn module() -> Rc<Scope> {
        Rc::new(Scope {
            kind: ScopeKind::Module,
            qualified: "".into(),
            names: RefCell::default(),
            locals: Rc::default(),
            outer: Rc::default(),
            parent: None,
        })
    }
}

/// What makes two keys of a dict equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    None,
    Int(i64),
    Float(u64),
    Text(Rc<str>),
    Bytes(Rc<[u8]>),
    Tuple(Vec<Key>),
    Set(BTreeSet<String>),
    Path(Rc<str>),
    Named(String),
    Identity(usize),
}

impl Key {
    /// Returns the key of a value.
    ///
    /// # Errors
    /// `TypeError` if it is unhashable.
    pub(crate) fn of(value: &Value) -> Result<Key, Throw> {
        Ok(match value {
            Value::None => Key::None,
            Value::Bool(value) => Key::Int(i64::from(*value)),
            Value::Int(value) => Key::Int(*value),
            Value::Float(value) => {
                #[expect(clippy::cast_possible_truncation, reason = "checked by the comparison")]
                let whole = *value as i64;
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "a whole float of this size is exact"
                )]
                if whole as f64 == *value {
                    Key::Int(whole)
                } else {
                    Key::Float(value.to_bits())
                }
            }
            Value::Text(text) => Key::Text(text.clone()),
            Value::Bytes(bytes) => Key::Bytes(bytes.clone()),
            Value::Tuple(items) => Key::Tuple(items.iter().map(Key::of).collect::<Result<_, _>>()?),
            Value::FrozenSet(set) => {
                Key::Set(set.index.keys().map(|key| format!("{key:?}")).collect())
            }
            Value::Path(path) => Key::Path(path.clone()),
            Value::Ellipsis => Key::Named("...".to_owned()),
            Value::Type(name) => Key::Named(format!("type {name}")),
            Value::Api(name) => Key::Named(format!("api {name}")),
            Value::Native(native) => Key::Named(format!("native {}", native.name)),
            Value::Range(start, stop, step) => Key::Tuple(vec![
                Key::Named("range".to_owned()),
                Key::Int(*start),
                Key::Int(*stop),
                Key::Int(*step),
            ]),
            Value::Function(function) => Key::Identity(Rc::as_ptr(function) as usize),
            Value::Class(class) => Key::Identity(Rc::as_ptr(class) as usize),
            Value::Instance(instance)
                if instance.class.find("__eq__").is_none()
                    && instance.class.find("__hash__").is_none() =>
            {
                Key::Identity(Rc::as_ptr(instance) as usize)
            }
            Value::Module(module) => Key::Identity(Rc::as_ptr(module) as usize),
            Value::List(_) | Value::Dict(_) | Value::Set(_) | Value::Slice(_) => {
                return Err(Throw::type_error(format!(
                    "unhashable type: '{}'",
                    value.type_name()
                )));
            }
            _ => {
                return Err(Throw::unsupported(format!(
                    "a key of type {}",
                    value.type_name()
                )));
            }
        })
    }
}

/// A dict, or a set whose values do not count, in the order of insertion.
#[derive(Clone, Default)]
pub(crate) struct Dict {
    pub(crate) index: HashMap<Key, usize>,
    entries: Vec<Option<(Value, Value)>>,
}

impl Dict {
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    pub(crate) fn get(&self, key: &Value) -> Result<Option<Value>, Throw> {
        let slot = self.index.get(&Key::of(key)?);
        Ok(slot
            .and_then(|&slot| self.entries.get(slot)?.as_ref())
            .map(|(_, value)| value.clone()))
    }

    pub(crate) fn insert(&mut self, key: Value, value: Value) -> Result<(), Throw> {
        let hash = Key::of(&key)?;
        if let Some(entry) = self
            .index
            .get(&hash)
            .and_then(|&slot| self.entries.get_mut(slot)?.as_mut())
        {
            entry.1 = value;
            return Ok(());
        }
        self.index.insert(hash, self.entries.len());
        self.entries.push(Some((key, value)));
        Ok(())
    }

    pub(crate) fn remove(&mut self, key: &Value) -> Result<Option<(Value, Value)>, Throw> {
        let slot = self.index.remove(&Key::of(key)?);
        Ok(slot.and_then(|slot| self.entries.get_mut(slot)?.take()))
    }

    pub(crate) fn entries(&self) -> impl DoubleEndedIterator<Item = &(Value, Value)> {
        self.entries.iter().flatten()
    }

    pub(crate) fn keys(&self) -> Vec<Value> {
        self.entries().map(|(key, _)| key.clone()).collect()
    }

    pub(crate) fn clear(&mut self) {
        *self = Dict::default();
    }

    /// Makes a set of values.
    pub(crate) fn set(values: impl IntoIterator<Item = Value>) -> Result<Dict, Throw> {
        let mut set = Dict::default();
        for value in values {
            if set.get(&value)?.is_none() {
                set.insert(value, Value::None)?;
            }
        }
        Ok(set)
    }
}

impl Value {
    pub(crate) fn text(text: impl AsRef<str>) -> Value {
        Value::Text(text.as_ref().into())
    }

    pub(crate) fn list(items: Vec<Value>) -> Value {
        Value::List(Rc::new(RefCell::new(items)))
    }

    /// Returns an iterator of a type that `kind` names.
    pub(crate) fn iterator(kind: &'static str, items: Vec<Value>) -> Value {
        Value::iteration(Iteration::Items(kind, items.into_iter()))
    }

    pub(crate) fn iteration(iteration: Iteration) -> Value {
        Value::Iterator(Rc::new(RefCell::new(iteration)))
    }

    pub(crate) fn dict(dict: Dict) -> Value {
        Value::Dict(Rc::new(RefCell::new(dict)))
    }

    pub(crate) fn set(dict: Dict) -> Value {
        Value::Set(Rc::new(RefCell::new(dict)))
    }

    /// Returns the name of the type, as messages have it.
    pub(crate) fn type_name(&self) -> String {
        let name = match self {
            Value::None => "NoneType",
            Value::Ellipsis => "ellipsis",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            Value::Text(_) => "str",
            Value::Bytes(_) => "bytes",
            Value::List(_) => "list",
            Value::Tuple(_) => "tuple",
            Value::Dict(_) => "dict",
            Value::Set(_) => "set",
            Value::FrozenSet(_) => "frozenset",
            Value::Range(..) => "range",
            Value::Slice(_) => "slice",
            Value::Function(_) => "function",
            Value::Native(_) | Value::Method(_) => "builtin_function_or_method",
            Value::Bound(_) | Value::Api(_) => "method",
            Value::Type(_) | Value::Class(_) => "type",
            Value::Instance(instance) => &instance.class.name,
            Value::Module(_) => "module",
            Value::Iterator(iteration) => iteration
                .try_borrow()
                .map_or("generator", |iteration| iteration.type_name()),
            Value::File(_) => "_io.TextIOWrapper",
            Value::Path(_) => "PosixPath",
            Value::Options(_) => "IncludeOptions",
            Value::Metadata(_) => "ManifestPackageMetadata",
            Value::Stat(_) => "os.stat_result",
            Value::Foreign(foreign) => &foreign.0,
        };
        name.to_owned()
    }

    /// Returns the name of the type in messages about a missing attribute: a bound method asks its function.
    pub(crate) fn owner_name(&self) -> String {
        match self {
            Value::Api(_) | Value::Bound(_) => "function".to_owned(),
            _ => self.type_name(),
        }
    }

    /// Returns the text of a `str`.
    pub(crate) fn as_text(&self) -> Option<&Rc<str>> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns whether it counts as true, for objects without methods of a manifest.
    pub(crate) fn is_true(&self) -> bool {
        match self {
            Value::None => false,
            Value::Bool(value) => *value,
            Value::Int(value) => *value != 0,
            Value::Float(value) => *value != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::Bytes(bytes) => !bytes.is_empty(),
            Value::List(items) => !items.borrow().is_empty(),
            Value::Tuple(items) => !items.is_empty(),
            Value::Dict(dict) | Value::Set(dict) => dict.borrow().len() > 0,
            Value::FrozenSet(set) => set.len() > 0,
            Value::Range(start, stop, step) => {
                if *step > 0 {
                    start < stop
                } else {
                    start > stop
                }
            }
            _ => true,
        }
    }

    /// Returns whether both are one object, or equal constants.
    pub(crate) fn is(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::List(one), Value::List(two)) => Rc::ptr_eq(one, two),
            (Value::Dict(one), Value::Dict(two)) | (Value::Set(one), Value::Set(two)) => {
                Rc::ptr_eq(one, two)
            }
            (Value::Instance(one), Value::Instance(two)) => Rc::ptr_eq(one, two),
            (Value::Class(one), Value::Class(two)) => Rc::ptr_eq(one, two),
            (Value::Function(one), Value::Function(two)) => Rc::ptr_eq(one, two),
            (Value::Module(one), Value::Module(two)) => Rc::ptr_eq(one, two),
            (Value::Metadata(one), Value::Metadata(two)) => Rc::ptr_eq(one, two),
            (Value::Tuple(one), Value::Tuple(two)) => {
                Rc::ptr_eq(one, two) || (one.is_empty() && two.is_empty())
            }
            (Value::Text(one), Value::Text(two)) => one == two,
            (Value::Bytes(one), Value::Bytes(two)) => one == two,
            (Value::Int(one), Value::Int(two)) => one == two,
            (Value::Bool(one), Value::Bool(two)) => one == two,
            (Value::None, Value::None) | (Value::Ellipsis, Value::Ellipsis) => true,
            (Value::Type(one), Value::Type(two)) => one == two,
            (Value::Api(one), Value::Api(two)) => one == two,
            _ => false,
        }
    }
}
