//! A compiled module as plain data.

use serde::Serialize;

use crate::header::Header;
use crate::qstr::StaticQstr;
use crate::raw_code::RawCode;

/// A compiled module: everything a `.mpy` file holds.
///
/// The tables are flat, so nothing here recurses over nested functions however deep they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// Who may load it.
    pub header: Header,
    /// Interned strings that preludes and opcodes name by index. The first one is the source name.
    pub qstrs: Vec<Qstr>,
    /// Constants that opcodes name by index.
    pub objects: Vec<ConstObject>,
    /// All raw codes; number 0 is the module's own and the root of the tree that
    /// [`RawCode::children`] spans. The reader gives them in file order (each before its children,
    /// children in order), the writer takes any order.
    pub raw_codes: Vec<RawCode>,
}

impl Module {
    /// Returns the source name, which tracebacks show: the first qstr.
    pub fn source_name(&self) -> Option<&[u8]> {
        self.qstrs.first().map(Qstr::bytes)
    }
}

/// One entry of the qstr table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Qstr {
    /// A string that every firmware has under the same number.
    Static(StaticQstr),
    /// A string spelled out: any bytes, since a MicroPython identifier may hold any byte from 0x80
    /// up. Firmware takes at most 255.
    New(Vec<u8>),
}

impl Qstr {
    /// Returns the static qstr with this text if there is one, else a new one: what the official compiler
    /// writes.
    pub fn of(text: &[u8]) -> Qstr {
        match StaticQstr::find(text) {
            Some(number) => Qstr::Static(number),
            None => Qstr::New(text.to_vec()),
        }
    }

    /// Returns the text.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Qstr::Static(number) => number.text().as_bytes(),
            Qstr::New(text) => text,
        }
    }
}

/// A constant object. Small ints and the singletons stand in the table only inside tuples.
///
/// Tuples can be so deep that what goes through them must not recurse, dropping and comparing included.
pub enum ConstObject {
    /// The table of runtime functions that native code calls; at most one in a module.
    FunTable,
    /// `None`.
    None,
    /// `False`.
    False,
    /// `True`.
    True,
    /// `...`.
    Ellipsis,
    /// A string that is not a qstr. UTF-8 by convention, not checked.
    Str(Vec<u8>),
    /// A bytes object.
    Bytes(Vec<u8>),
    /// An integer as decimal text, with `-` in front if negative.
    Int(String),
    /// A float as the official compiler prints it, such as `1.0`, `1e+16`, `inf`, `nan`.
    Float(String),
    /// A complex number as the official compiler prints it, such as `1.5j` or `(1+2j)`.
    Complex(String),
    /// A tuple of constants, nested at most [`MAX_TUPLE_DEPTH`] deep when read.
    Tuple(Vec<ConstObject>),
}

/// How deep the reader follows tuples inside tuples. The official compiler writes them as deep as its stack allows.
pub const MAX_TUPLE_DEPTH: usize = 16_384;

/// The tag byte of each kind of constant (`MP_PERSISTENT_OBJ_*`, py/persistentcode.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectTag {
    /// See [`ConstObject::FunTable`].
    FunTable = 0,
    /// See [`ConstObject::None`].
    None = 1,
    /// See [`ConstObject::False`].
    False = 2,
    /// See [`ConstObject::True`].
    True = 3,
    /// See [`ConstObject::Ellipsis`].
    Ellipsis = 4,
    /// See [`ConstObject::Str`].
    Str = 5,
    /// See [`ConstObject::Bytes`].
    Bytes = 6,
    /// See [`ConstObject::Int`].
    Int = 7,
    /// See [`ConstObject::Float`].
    Float = 8,
    /// See [`ConstObject::Complex`].
    Complex = 9,
    /// See [`ConstObject::Tuple`].
    Tuple = 10,
}

impl ObjectTag {
    const ALL: [ObjectTag; 11] = [
        ObjectTag::FunTable,
        ObjectTag::None,
        ObjectTag::False,
        ObjectTag::True,
        ObjectTag::Ellipsis,
        ObjectTag::Str,
        ObjectTag::Bytes,
        ObjectTag::Int,
        ObjectTag::Float,
        ObjectTag::Complex,
        ObjectTag::Tuple,
    ];

    /// Returns the tag with this number.
    pub fn from_number(number: u8) -> Option<ObjectTag> {
        ObjectTag::ALL
            .into_iter()
            .find(|tag| tag.number() == number)
    }

    /// Returns the byte in the file.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Returns the kind's name.
    pub fn name(self) -> &'static str {
        match self {
            ObjectTag::FunTable => "fun_table",
            ObjectTag::None => "None",
            ObjectTag::False => "False",
            ObjectTag::True => "True",
            ObjectTag::Ellipsis => "Ellipsis",
            ObjectTag::Str => "str",
            ObjectTag::Bytes => "bytes",
            ObjectTag::Int => "int",
            ObjectTag::Float => "float",
            ObjectTag::Complex => "complex",
            ObjectTag::Tuple => "tuple",
        }
    }
}

impl ConstObject {
    /// Returns the kind.
    pub fn tag(&self) -> ObjectTag {
        match self {
            ConstObject::FunTable => ObjectTag::FunTable,
            ConstObject::None => ObjectTag::None,
            ConstObject::False => ObjectTag::False,
            ConstObject::True => ObjectTag::True,
            ConstObject::Ellipsis => ObjectTag::Ellipsis,
            ConstObject::Str(_) => ObjectTag::Str,
            ConstObject::Bytes(_) => ObjectTag::Bytes,
            ConstObject::Int(_) => ObjectTag::Int,
            ConstObject::Float(_) => ObjectTag::Float,
            ConstObject::Complex(_) => ObjectTag::Complex,
            ConstObject::Tuple(_) => ObjectTag::Tuple,
        }
    }
}

impl Drop for ConstObject {
    fn drop(&mut self) {
        let ConstObject::Tuple(items) = self else {
            return;
        };
        let mut left = std::mem::take(items);
        while let Some(mut object) = left.pop() {
            if let ConstObject::Tuple(items) = &mut object {
                left.append(items);
            }
        }
    }
}

impl Clone for ConstObject {
    fn clone(&self) -> ConstObject {
        // The tuples that are not complete yet: items to copy, items copied.
        let mut open: Vec<(std::slice::Iter<'_, ConstObject>, Vec<ConstObject>)> = Vec::new();
        let mut next = self;
        loop {
            let mut copied = match next {
                ConstObject::FunTable => Some(ConstObject::FunTable),
                ConstObject::None => Some(ConstObject::None),
                ConstObject::False => Some(ConstObject::False),
                ConstObject::True => Some(ConstObject::True),
                ConstObject::Ellipsis => Some(ConstObject::Ellipsis),
                ConstObject::Str(data) => Some(ConstObject::Str(data.clone())),
                ConstObject::Bytes(data) => Some(ConstObject::Bytes(data.clone())),
                ConstObject::Int(text) => Some(ConstObject::Int(text.clone())),
                ConstObject::Float(text) => Some(ConstObject::Float(text.clone())),
                ConstObject::Complex(text) => Some(ConstObject::Complex(text.clone())),
                ConstObject::Tuple(items) => {
                    open.push((items.iter(), Vec::with_capacity(items.len())));
                    None
                }
            };
            next = loop {
                let Some((left, items)) = open.last_mut() else {
                    return copied.unwrap_or(ConstObject::None);
                };
                items.extend(copied.take());
                if let Some(item) = left.next() {
                    break item;
                }
                copied = open.pop().map(|(_, items)| ConstObject::Tuple(items));
            };
        }
    }
}

impl PartialEq for ConstObject {
    fn eq(&self, other: &ConstObject) -> bool {
        let mut left = vec![(self, other)];
        while let Some(pair) = left.pop() {
            let equal = match pair {
                (ConstObject::Tuple(items), ConstObject::Tuple(others)) => {
                    left.extend(items.iter().zip(others));
                    items.len() == others.len()
                }
                (ConstObject::Str(data), ConstObject::Str(other))
                | (ConstObject::Bytes(data), ConstObject::Bytes(other)) => data == other,
                (ConstObject::Int(text), ConstObject::Int(other))
                | (ConstObject::Float(text), ConstObject::Float(other))
                | (ConstObject::Complex(text), ConstObject::Complex(other)) => text == other,
                (object, other) => object.tag() == other.tag(),
            };
            if !equal {
                return false;
            }
        }
        true
    }
}

impl Eq for ConstObject {}

impl std::hash::Hash for ConstObject {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let mut left = vec![self];
        while let Some(object) = left.pop() {
            object.tag().number().hash(state);
            match object {
                ConstObject::Str(data) | ConstObject::Bytes(data) => data.hash(state),
                ConstObject::Int(text) | ConstObject::Float(text) | ConstObject::Complex(text) => {
                    text.hash(state);
                }
                ConstObject::Tuple(items) => {
                    items.len().hash(state);
                    left.extend(items);
                }
                ConstObject::FunTable
                | ConstObject::None
                | ConstObject::False
                | ConstObject::True
                | ConstObject::Ellipsis => {}
            }
        }
    }
}

impl std::fmt::Debug for ConstObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::show::object(self))
    }
}
