//! Values of Python as text for the board.

use piton::literal::{py_bytes, py_str};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyComplex, PyDict, PyFloat, PyFrozenSet, PyInt, PyList,
    PyMemoryView, PySet, PyString, PyTuple,
};

/// Deepest nesting of a value. Boards parse literals with a small stack.
const DEPTH_LIMIT: usize = 200;

/// Returns the expression that gives the value on a board.
///
/// # Errors
///
/// `TypeError` for a value that has no such expression, `ValueError` for one that is nested too deeply, itself in itself for example.
pub(crate) fn encode(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let mut text = String::new();
    write(value, &mut text, 0)?;
    Ok(text)
}

/// Returns what stands behind a function's name in a call: `(1, 'a', b=2)`.
///
/// # Errors
///
/// As for [`encode`].
pub(crate) fn encode_arguments(
    args: &Bound<'_, PyTuple>,
    kwargs: &Bound<'_, PyDict>,
) -> PyResult<String> {
    let mut text = String::from("(");
    for value in args {
        write(&value, &mut text, 1)?;
        text.push(',');
    }
    for (name, value) in kwargs {
        text.push_str(&name.cast::<PyString>()?.to_cow()?);
        text.push('=');
        write(&value, &mut text, 1)?;
        text.push(',');
    }
    if text.ends_with(',') {
        text.pop();
    }
    text.push(')');
    Ok(text)
}

fn write(value: &Bound<'_, PyAny>, text: &mut String, depth: usize) -> PyResult<()> {
    if depth > DEPTH_LIMIT {
        return Err(PyValueError::new_err(format!(
            "the value is nested more than {DEPTH_LIMIT} deep"
        )));
    }
    if value.is_none() {
        text.push_str("None");
    } else if let Ok(truth) = value.cast::<PyBool>() {
        text.push_str(if truth.is_true() { "True" } else { "False" });
    } else if value.is_instance_of::<PyInt>() {
        write_int(value, text)?;
    } else if let Ok(number) = value.cast::<PyFloat>() {
        text.push_str(&float(number.value()));
    } else if let Ok(string) = value.cast::<PyString>() {
        text.push_str(&py_str(&string.to_cow()?));
    } else if let Ok(bytes) = value.cast::<PyBytes>() {
        text.push_str(&py_bytes(bytes.as_bytes()));
    } else if let Ok(tuple) = value.cast::<PyTuple>() {
        write_items(tuple.iter(), ["(", ")"], text, depth)?;
        if tuple.len() == 1 {
            text.insert(text.len() - 1, ',');
        }
    } else if let Ok(list) = value.cast::<PyList>() {
        write_items(list.iter(), ["[", "]"], text, depth)?;
    } else if let Ok(dict) = value.cast::<PyDict>() {
        write_dict(dict, text, depth)?;
    } else {
        write_rare(value, text, depth)?;
    }
    Ok(())
}

/// The digits of an int. Those of a subclass, an `IntEnum` for example, are those of its number.
fn write_int(value: &Bound<'_, PyAny>, text: &mut String) -> PyResult<()> {
    if let Ok(number) = value.extract::<i64>() {
        text.push_str(&number.to_string());
        return Ok(());
    }
    let digits = value
        .py()
        .get_type::<PyInt>()
        .call_method1("__repr__", (value,))?;
    text.push_str(&digits.cast::<PyString>()?.to_cow()?);
    Ok(())
}

/// A float that reads as itself: boards know no names for infinity.
fn float(number: f64) -> String {
    match number {
        number if number.is_nan() => "float('nan')".to_owned(),
        f64::INFINITY => "float('inf')".to_owned(),
        f64::NEG_INFINITY => "float('-inf')".to_owned(),
        number => format!("{number:?}"),
    }
}

fn write_items<'py>(
    items: impl Iterator<Item = Bound<'py, PyAny>>,
    [open, close]: [&str; 2],
    text: &mut String,
    depth: usize,
) -> PyResult<()> {
    text.push_str(open);
    for (index, item) in items.enumerate() {
        if index > 0 {
            text.push(',');
        }
        write(&item, text, depth + 1)?;
    }
    text.push_str(close);
    Ok(())
}

fn write_dict(dict: &Bound<'_, PyDict>, text: &mut String, depth: usize) -> PyResult<()> {
    text.push('{');
    for (index, (key, value)) in dict.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write(&key, text, depth + 1)?;
        text.push(':');
        write(&value, text, depth + 1)?;
    }
    text.push('}');
    Ok(())
}

/// The types that calls seldom have.
fn write_rare(value: &Bound<'_, PyAny>, text: &mut String, depth: usize) -> PyResult<()> {
    if let Ok(set) = value.cast::<PySet>() {
        // `{}` is a dict.
        match set.len() {
            0 => text.push_str("set()"),
            _ => write_items(set.iter(), ["{", "}"], text, depth)?,
        }
    } else if let Ok(set) = value.cast::<PyFrozenSet>() {
        write_items(set.iter(), ["frozenset([", "])"], text, depth)?;
    } else if let Ok(bytes) = value.cast::<PyByteArray>() {
        text.push_str(&format!("bytearray({})", py_bytes(&bytes.to_vec())));
    } else if let Ok(number) = value.cast::<PyComplex>() {
        let (real, imaginary) = (number.real(), number.imag());
        text.push_str(&format!("complex({},{})", float(real), float(imaginary)));
    } else if let Some(expression) = own_expression(value)? {
        text.push_str(&expression);
    } else if is_array(value)? {
        let code: String = value.getattr("typecode")?.extract()?;
        write_array(value, &code, text, depth)?;
    } else if let Ok(view) = value.cast::<PyMemoryView>() {
        write_view(view, text, depth)?;
    } else if value.hasattr("dtype")? && value.hasattr("item")? {
        // A number or an array of numpy; pandas has the second.
        match value.getattr("ndim")?.extract::<usize>()? {
            0 => write(&value.call_method0("item")?, text, depth)?,
            1 => write_column(value, text, depth)?,
            _ => write(&value.call_method0("tolist")?, text, depth)?,
        }
    } else if value.hasattr("__index__")? {
        write(&value.call_method0("__index__")?, text, depth)?;
    } else if value.hasattr("__float__")? {
        write(&value.call_method0("__float__")?, text, depth)?;
    } else {
        let name = value.get_type().qualname()?;
        return Err(PyTypeError::new_err(format!(
            "a value of the type `{name}` can't be sent to a board: its literals are None, bool, int, float, \
             complex, str, bytes, bytearray, tuple, list, dict, set, frozenset and array.array"
        )));
    }
    Ok(())
}

/// An array of numpy or pandas with one dimension: an array of numbers where its memory has such, else a list.
fn write_column(value: &Bound<'_, PyAny>, text: &mut String, depth: usize) -> PyResult<()> {
    let numpy = value.py().import("numpy")?;
    let array = numpy.call_method1("ascontiguousarray", (value,))?;
    // Times have no memory that others could read.
    let view = PyMemoryView::from(&array).ok();
    let format = view.as_ref().and_then(|view| view.getattr("format").ok());
    let format: Option<String> = format.and_then(|format| format.extract().ok());
    match (view, format) {
        (Some(view), Some(format)) if format.len() == 1 && format != "O" => {
            write_view(&view, text, depth)
        }
        _ => write(&array.call_method0("tolist")?, text, depth),
    }
}

/// The items of a block of memory: bytes, or an array of numbers. More dimensions than one are lists in lists.
fn write_view(view: &Bound<'_, PyMemoryView>, text: &mut String, depth: usize) -> PyResult<()> {
    let format: String = view.getattr("format")?.extract()?;
    let dimensions: usize = view.getattr("ndim")?.extract()?;
    match (format.as_str(), dimensions) {
        ("B" | "c", 1) => {
            let bytes = view.call_method0("tobytes")?;
            text.push_str(&py_bytes(bytes.cast::<PyBytes>()?.as_bytes()));
            Ok(())
        }
        ("b" | "h" | "H" | "i" | "I" | "l" | "L" | "q" | "Q" | "f" | "d", 1) => {
            // The letters of a buffer are sizes of this computer, and `l` has other ones on a board.
            let size: usize = view.getattr("itemsize")?.extract()?;
            let code = match (format.as_str(), size) {
                ("l", 8) => "q",
                ("L", 8) => "Q",
                (code, _) => code,
            };
            write_array(view, code, text, depth)
        }
        _ => write(&view.call_method0("tolist")?, text, depth),
    }
}

fn write_array(
    array: &Bound<'_, PyAny>,
    typecode: &str,
    text: &mut String,
    depth: usize,
) -> PyResult<()> {
    text.push_str(&format!("__import__('array').array({},", py_str(typecode)));
    write(&array.call_method0("tolist")?, text, depth)?;
    text.push(')');
    Ok(())
}

/// What a proxy stands for on the board. The attribute of the type is meant: a proxy hands its own on to the board.
fn own_expression(value: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    let kind = value.get_type();
    match kind.getattr_opt("__piton_expression__")? {
        Some(method) => method.call1((value,))?.extract().map(Some),
        None => Ok(None),
    }
}

fn is_array(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    let array = value.py().import("array")?.getattr("array")?;
    value.is_instance(&array)
}
