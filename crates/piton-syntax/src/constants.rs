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

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigInt;

    /// A constant as text: constants borrow from the set.
    fn shown(constants: &Constants, id: ConstantId) -> String {
        format!("{:?}", constants.get(id))
    }

    #[test]
    fn a_value_is_stored_once() {
        let mut constants = Constants::new();
        let mut ids = Vec::new();
        for _ in 0..2 {
            ids.push(
                [
                    constants.none(),
                    constants.boolean(true),
                    constants.boolean(false),
                    constants.ellipsis(),
                    constants.text(b"a"),
                    constants.bytes(b"a"),
                    constants.integer(&Integer::Small(1)),
                    constants.float(1.0),
                    constants.imaginary(1.0),
                    constants.math_nan(),
                ]
                .map(|id| id.unwrap().0),
            );
        }
        assert_eq!(ids[0], ids[1]);
        // Equal in Python, but objects of different types.
        let mut different = ids[0].to_vec();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), 10);
    }

    #[test]
    fn zeros_have_a_sign_and_each_nan_is_its_own() {
        let mut constants = Constants::new();
        let (zero, minus_zero) = (constants.float(0.0), constants.float(-0.0));
        assert_ne!(zero.unwrap(), minus_zero.unwrap());
        let (first, second) = (constants.float(f64::NAN), constants.float(f64::NAN));
        assert_ne!(first.unwrap(), second.unwrap());
        assert_eq!(constants.math_nan().unwrap(), constants.math_nan().unwrap());
    }

    #[test]
    fn tuples_are_equal_item_by_item() {
        let mut constants = Constants::new();
        let one = constants.integer(&Integer::Small(1)).unwrap();
        let float = constants.float(1.0).unwrap();
        let mut tuple = |items: &[ConstantId]| constants.tuple(items.iter().copied()).unwrap();
        assert_eq!(tuple(&[one, float]), tuple(&[one, float]));
        assert_ne!(tuple(&[one, float]), tuple(&[float, one]));
        assert_ne!(tuple(&[one]), tuple(&[one, one]));
        assert_ne!(tuple(&[one]), one);
        let inner = tuple(&[one]);
        let outer = tuple(&[inner]);
        assert_ne!(outer, inner);
        let Constant::Tuple(items) = constants.get(outer) else {
            panic!("{}", shown(&constants, outer));
        };
        assert_eq!(items, [inner.0.to_le_bytes()]);
    }

    #[test]
    fn values_are_read_back() {
        let mut constants = Constants::new();
        let big = Integer::Big(BigInt::from(1) << 100);
        for (id, expected) in [
            (constants.none().unwrap(), "None"),
            (constants.boolean(true).unwrap(), "True"),
            (constants.boolean(false).unwrap(), "False"),
            (constants.ellipsis().unwrap(), "Ellipsis"),
            (constants.text(b"ab").unwrap(), "Text([97, 98])"),
            (constants.bytes(b"").unwrap(), "Bytes([])"),
            (
                constants.integer(&Integer::Small(-5)).unwrap(),
                "Integer(Small(-5))",
            ),
            (
                constants.integer(&big).unwrap(),
                "Integer(Big(1267650600228229401496703205376))",
            ),
            (constants.float(-0.0).unwrap(), "Float(-0.0)"),
            (constants.float(f64::NAN).unwrap(), "Float(NaN)"),
            (constants.imaginary(2.5).unwrap(), "Imaginary(2.5)"),
            (constants.tuple(std::iter::empty()).unwrap(), "Tuple([])"),
        ] {
            assert_eq!(shown(&constants, id), expected);
        }
        assert_eq!(shown(&constants, ConstantId(1000)), "None");
    }

    #[test]
    fn truth_is_that_of_python() {
        let mut constants = Constants::new();
        let none = constants.none().unwrap();
        for (id, expected) in [
            (none, false),
            (constants.boolean(true).unwrap(), true),
            (constants.boolean(false).unwrap(), false),
            (constants.ellipsis().unwrap(), true),
            (constants.text(b"").unwrap(), false),
            (constants.text(b"0").unwrap(), true),
            (constants.bytes(b"").unwrap(), false),
            (constants.bytes(b"\0").unwrap(), true),
            (constants.integer(&Integer::Small(0)).unwrap(), false),
            (constants.integer(&Integer::Small(-1)).unwrap(), true),
            (constants.float(-0.0).unwrap(), false),
            (constants.float(f64::NAN).unwrap(), true),
            (constants.imaginary(0.0).unwrap(), false),
            (constants.imaginary(1.0).unwrap(), true),
            (constants.tuple(std::iter::empty()).unwrap(), false),
            (constants.tuple([none].into_iter()).unwrap(), true),
        ] {
            assert_eq!(constants.is_true(id), expected, "{}", shown(&constants, id));
        }
    }

    #[test]
    fn only_integers_and_floats_are_folded() {
        let mut constants = Constants::new();
        let integer = constants.integer(&Integer::Small(3)).unwrap();
        let float = constants.float(3.5).unwrap();
        let others = [
            constants.none().unwrap(),
            constants.boolean(true).unwrap(),
            constants.text(b"3").unwrap(),
            constants.imaginary(3.0).unwrap(),
            constants.tuple([integer].into_iter()).unwrap(),
        ];
        assert!(matches!(
            constants.number(integer),
            Some(Number::Integer(Integer::Small(3)))
        ));
        assert!(matches!(constants.number(float), Some(Number::Float(3.5))));
        assert!(others.iter().all(|id| constants.number(*id).is_none()));
    }
}
