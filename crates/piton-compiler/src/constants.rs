//! Constant objects of a module, each value once.
//!
//! Values are compared as the official compiler compares them: by type and value, tuples item by
//! item, 0.0 and -0.0 apart, and a NaN equal only to itself as an object. Constants are kept as
//! bytes, a tuple as the numbers of its items, so that depth costs no recursion.

use crate::byte_table::ByteTable;
use crate::diagnostic::Failure;
use crate::number::{Integer, Number};

/// The number of a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ConstantId(pub(crate) u32);

/// A constant's value.
#[derive(Clone, Debug)]
pub(crate) enum Constant<'a> {
    None,
    False,
    True,
    Ellipsis,
    Text(&'a [u8]),
    Bytes(&'a [u8]),
    Integer(Integer),
    Float(f64),
    /// A complex number without a real part.
    Imaginary(f64),
    /// Numbers of the items, four bytes each.
    Tuple(&'a [[u8; 4]]),
}

/// First byte of a stored constant.
mod tag {
    pub(super) const NONE: u8 = 0;
    pub(super) const FALSE: u8 = 1;
    pub(super) const TRUE: u8 = 2;
    pub(super) const ELLIPSIS: u8 = 3;
    pub(super) const TEXT: u8 = 4;
    pub(super) const BYTES: u8 = 5;
    pub(super) const INTEGER: u8 = 6;
    pub(super) const FLOAT: u8 = 7;
    pub(super) const IMAGINARY: u8 = 8;
    pub(super) const TUPLE: u8 = 9;
}

/// All constants met so far.
#[derive(Debug)]
pub(crate) struct Constants {
    values: ByteTable,
    key: Vec<u8>,
    nans: u64,
}

impl Constants {
    pub(crate) fn new() -> Constants {
        Constants {
            values: ByteTable::with_capacity(64),
            key: Vec::new(),
            nans: 0,
        }
    }

    fn add(&mut self, tag: u8, payload: &[u8]) -> Result<ConstantId, Failure> {
        self.key.clear();
        self.key.push(tag);
        self.key.extend_from_slice(payload);
        self.values.add(&self.key).map(ConstantId)
    }

    pub(crate) fn none(&mut self) -> Result<ConstantId, Failure> {
        self.add(tag::NONE, &[])
    }

    pub(crate) fn boolean(&mut self, value: bool) -> Result<ConstantId, Failure> {
        self.add(if value { tag::TRUE } else { tag::FALSE }, &[])
    }

    pub(crate) fn ellipsis(&mut self) -> Result<ConstantId, Failure> {
        self.add(tag::ELLIPSIS, &[])
    }

    pub(crate) fn text(&mut self, text: &[u8]) -> Result<ConstantId, Failure> {
        self.add(tag::TEXT, text)
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<ConstantId, Failure> {
        self.add(tag::BYTES, bytes)
    }

    pub(crate) fn integer(&mut self, value: &Integer) -> Result<ConstantId, Failure> {
        self.add(tag::INTEGER, &value.to_bytes())
    }

    /// The one NaN that is an object of its own, `math.nan`.
    pub(crate) fn math_nan(&mut self) -> Result<ConstantId, Failure> {
        self.nan(0)
    }

    /// A float; each NaN is a new object.
    pub(crate) fn float(&mut self, value: f64) -> Result<ConstantId, Failure> {
        if value.is_nan() {
            self.nans += 1;
            return self.nan(self.nans);
        }
        self.add(tag::FLOAT, &value.to_le_bytes())
    }

    fn nan(&mut self, identity: u64) -> Result<ConstantId, Failure> {
        let mut payload = f64::NAN.to_le_bytes().to_vec();
        payload.extend_from_slice(&identity.to_le_bytes());
        self.add(tag::FLOAT, &payload)
    }

    pub(crate) fn imaginary(&mut self, value: f64) -> Result<ConstantId, Failure> {
        self.add(tag::IMAGINARY, &value.to_le_bytes())
    }

    pub(crate) fn tuple(
        &mut self,
        items: impl Iterator<Item = ConstantId>,
    ) -> Result<ConstantId, Failure> {
        self.key.clear();
        self.key.push(tag::TUPLE);
        for item in items {
            self.key.extend_from_slice(&item.0.to_le_bytes());
        }
        self.values.add(&self.key).map(ConstantId)
    }

    /// How many bytes all values take: more than there are items of tuples.
    pub(crate) fn size(&self) -> usize {
        self.values.size()
    }

    /// The value with this number.
    pub(crate) fn get(&self, id: ConstantId) -> Constant<'_> {
        let Some((tag, payload)) = self.values.text(id.0).split_first() else {
            return Constant::None;
        };
        let float = || {
            let bits = payload.first_chunk().copied().map(f64::from_le_bytes);
            bits.unwrap_or_default()
        };
        match *tag {
            tag::FALSE => Constant::False,
            tag::TRUE => Constant::True,
            tag::ELLIPSIS => Constant::Ellipsis,
            tag::TEXT => Constant::Text(payload),
            tag::BYTES => Constant::Bytes(payload),
            tag::INTEGER => Constant::Integer(Integer::from_bytes(payload)),
            tag::FLOAT => Constant::Float(float()),
            tag::IMAGINARY => Constant::Imaginary(float()),
            tag::TUPLE => Constant::Tuple(payload.as_chunks().0),
            _ => Constant::None,
        }
    }

    /// The value as a number that can be folded.
    pub(crate) fn number(&self, id: ConstantId) -> Option<Number> {
        match self.get(id) {
            Constant::Integer(value) => Some(Number::Integer(value)),
            Constant::Float(value) => Some(Number::Float(value)),
            _ => None,
        }
    }

    /// The truth of the value.
    pub(crate) fn is_true(&self, id: ConstantId) -> bool {
        match self.get(id) {
            Constant::None | Constant::False => false,
            Constant::True | Constant::Ellipsis => true,
            Constant::Text(bytes) | Constant::Bytes(bytes) => !bytes.is_empty(),
            Constant::Integer(value) => !value.is_zero(),
            Constant::Float(value) | Constant::Imaginary(value) => value != 0.0,
            Constant::Tuple(items) => !items.is_empty(),
        }
    }
}
