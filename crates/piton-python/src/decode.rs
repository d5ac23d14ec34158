//! Values of the board as values of Python.

use piton::literal::Value;
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{
    PyByteArray, PyBytes, PyComplex, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString,
    PyTuple,
};
use pyo3::{IntoPyObjectExt, intern};

/// Returns the value as Python has it. The depth of a value that was read is limited, so the recursion is too.
///
/// # Errors
///
/// What Python raises when it makes the value: `TypeError` for a set with a list in it.
pub(crate) fn decode<'py>(py: Python<'py>, value: Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::None => py.None().into_bound(py),
        Value::Ellipsis => py.Ellipsis().into_bound(py),
        Value::Bool(truth) => truth.into_bound_py_any(py)?,
        Value::Int(number) => match number.to_i128() {
            Some(small) => small.into_bound_py_any(py)?,
            None => py
                .get_type::<PyInt>()
                .call1((number.to_string(),))?
                .into_any(),
        },
        Value::Float(number) => PyFloat::new(py, number).into_any(),
        Value::Complex { real, imaginary } => {
            PyComplex::from_doubles(py, real, imaginary).into_any()
        }
        Value::Str(text) => PyString::new(py, &text).into_any(),
        Value::Bytes(bytes) => PyBytes::new(py, &bytes).into_any(),
        Value::ByteArray(bytes) => PyByteArray::new(py, &bytes).into_any(),
        Value::Tuple(items) => PyTuple::new(py, decode_all(py, items)?)?.into_any(),
        Value::List(items) => PyList::new(py, decode_all(py, items)?)?.into_any(),
        Value::Set(items) => PySet::new(py, decode_all(py, items)?)?.into_any(),
        Value::FrozenSet(items) => PyFrozenSet::new(py, decode_all(py, items)?)?.into_any(),
        Value::Dict(entries) => {
            let dict = PyDict::new(py);
            for (key, value) in entries {
                dict.set_item(decode(py, key)?, decode(py, value)?)?;
            }
            dict.into_any()
        }
        Value::Array { typecode, items } => array(py, typecode, &items)?,
        Value::NamedTuple(fields) => named_tuple(py, fields)?,
        other => {
            // A kind of value that was added to the codec: its text is Python's.
            let text = other.to_string();
            py.import(intern!(py, "piton._values"))?
                .call_method1(intern!(py, "from_text"), (text,))?
        }
    })
}

fn decode_all<'py>(py: Python<'py>, items: Vec<Value>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    items.into_iter().map(|item| decode(py, item)).collect()
}

/// An `array.array`, whose memory is filled without a list of Python's in between.
fn array<'py>(py: Python<'py>, typecode: char, items: &[Value]) -> PyResult<Bound<'py, PyAny>> {
    let class = py
        .import(intern!(py, "array"))?
        .getattr(intern!(py, "array"))?;
    let array = class.call1((typecode,))?;
    let size: usize = array.getattr(intern!(py, "itemsize"))?.extract()?;
    let mut bytes = Vec::with_capacity(items.len() * size);
    for item in items {
        match item {
            Value::Int(number) => {
                let number = number
                    .to_i128()
                    .filter(|number| fits(*number, typecode, size));
                let number = number.ok_or_else(|| {
                    PyOverflowError::new_err(format!(
                        "an item of the array does not fit `{typecode}`"
                    ))
                })?;
                bytes.extend(number.to_le_bytes().iter().take(size));
            }
            Value::Float(number) if size == 4 => bytes.extend((*number as f32).to_le_bytes()),
            Value::Float(number) => bytes.extend(number.to_le_bytes()),
            other => {
                return Err(PyTypeError::new_err(format!(
                    "{other} is not an item of an array"
                )));
            }
        }
    }
    array.call_method1(intern!(py, "frombytes"), (PyBytes::new(py, &bytes),))?;
    if cfg!(target_endian = "big") {
        array.call_method0(intern!(py, "byteswap"))?;
    }
    Ok(array)
}

/// Returns whether an array of this computer holds the number: a board's `l` may be a smaller one.
fn fits(number: i128, typecode: char, size: usize) -> bool {
    let bits = 8 * size as u32;
    let range = match typecode.is_ascii_uppercase() {
        true => 0..1_i128 << bits,
        false => -(1_i128 << (bits - 1))..1_i128 << (bits - 1),
    };
    range.contains(&number)
}

/// A tuple whose items have names. The type is made on the spot: the board says its fields, not its name.
fn named_tuple<'py>(py: Python<'py>, fields: Vec<(String, Value)>) -> PyResult<Bound<'py, PyAny>> {
    let (names, values): (Vec<String>, Vec<Value>) = fields.into_iter().unzip();
    let values = decode_all(py, values)?;
    let make = py
        .import(intern!(py, "piton._values"))?
        .getattr(intern!(py, "named_tuple"))?;
    make.call1((names, values))
}
