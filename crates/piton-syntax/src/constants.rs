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
pub struct ConstantId(pub u32);

/// The value of a constant.
#[derive(Clone, Debug)]
pub enum Constant<'a> {
    /// `None`
    None,
    /// `False`
    False,
    /// `True`
    True,
    /// `...`
    Ellipsis,
    /// A string.
    Text(&'a [u8]),
    /// Bytes.
    Bytes(&'a [u8]),
    /// An integer of any size.
    Integer(Integer),
    /// A float.
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

/// The constants of a module, each value once.
#[derive(Debug)]
pub struct Constants {
    values: ByteTable,
    key: Vec<u8>,
    nans: u64,
}

impl Constants {
    /// Returns an empty set.
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

    /// Adds `None`.
    ///
    /// # Errors
    /// A [`Failure`] if there are more constants than the tables hold.
    pub fn none(&mut self) -> Result<ConstantId, Failure> {
        self.add(tag::NONE, &[])
    }

    /// Adds `True` or `False`.
    ///
    /// # Errors
    /// A [`Failure`] if there are more constants than the tables hold.
    pub fn boolean(&mut self, value: bool) -> Result<ConstantId, Failure> {
        self.add(if value { tag::TRUE } else { tag::FALSE }, &[])
    }

    /// Adds `...`.
    ///
    /// # Errors
    /// A [`Failure`] if there are more constants than the tables hold.
    pub fn ellipsis(&mut self) -> Result<ConstantId, Failure> {
        self.add(tag::ELLIPSIS, &[])
    }

    /// Adds a string.
    ///
    /// # Errors
    /// A [`Failure`] if there are more constants than the tables hold.
    pub fn text(&mut self, text: &[u8]) -> Result<ConstantId, Failure> {
        self.add(tag::TEXT, text)
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// A [`Failure`] if there are more constants than the tables hold.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<ConstantId, Failure> {
        self.add(tag::BYTES, bytes)
    }

    /// Adds an integer.
    ///
    /// # Errors
    /// A [`Failure`] if there are more constants than the tables hold.
    pub fn integer(&mut self, value: &Integer) -> Result<ConstantId, Failure> {
        self.add(tag::INTEGER, &value.to_bytes())
    }

    /// Adds the one NaN that is an object of its own, `math.nan`.
    ///
    /// # Errors
    /// A [`Failure`] if there are more constants than the tables hold.
    pub fn math_nan(&mut self) -> Result<ConstantId, Failure> {
        self.nan(0)
    }

    /// Adds a float; each NaN is a new object.
    ///
    /// # Errors
    /// A [`Failure`] if there are more constants than the tables hold.
    pub fn float(&mut self, value: f64) -> Result<ConstantId, Failure> {
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

    /// Adds a complex number without a real part.
    ///
    /// # Errors
    /// A [`Failure`] if there are more constants than the tables hold.
    pub fn imaginary(&mut self, value: f64) -> Result<ConstantId, Failure> {
        self.add(tag::IMAGINARY, &value.to_le_bytes())
    }

    /// Adds a tuple of constants.
    ///
    /// # Errors
    /// A [`Failure`] if there are more constants than the tables hold.
    pub fn tuple(
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

    /// Returns how many bytes all values take: more than there are items of tuples.
    pub fn size(&self) -> usize {
        self.values.size()
    }

    /// Returns the value with this number, `None` for a number that was never given.
    pub fn get(&self, id: ConstantId) -> Constant<'_> {
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

    /// Returns the value as a number that can be folded.
    pub fn number(&self, id: ConstantId) -> Option<Number> {
        match self.get(id) {
            Constant::Integer(value) => Some(Number::Integer(value)),
            Constant::Float(value) => Some(Number::Float(value)),
            _ => None,
        }
    }

    /// Returns the truth of the value.
    pub fn is_true(&self, id: ConstantId) -> bool {
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
