//! Values of Python as code for the board, and bytes beside it.

use piton::device::Arguments;
use piton::literal::py_str;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyComplex, PyDict, PyFloat, PyFrozenSet, PyInt, PyList,
    PyMemoryView, PySet, PyString, PyTuple,
};

/// Deepest nesting of a value. Boards parse literals with a small stack.
const DEPTH_LIMIT: usize = 200;

/// Arrays of more bytes than this are not lists of numbers in the text.
const LONG_ARRAY: usize = 64;

/// Adds the expression that gives the value on a board.
///
/// # Errors
///
/// `TypeError` for a value that has no such expression, `ValueError` for one that is nested too deeply, itself in itself for example.
pub(crate) fn encode(value: &Bound<'_, PyAny>, mut code: Arguments) -> PyResult<Arguments> {
    write(value, &mut code, 0)?;
    Ok(code)
}

/// Adds what follows a function's name in a call: `(1, 'a', b=2)`.
///
/// # Errors
///
/// As for [`encode`].
pub(crate) fn encode_arguments(
    args: &Bound<'_, PyTuple>,
    kwargs: &Bound<'_, PyDict>,
    mut code: Arguments,
) -> PyResult<Arguments> {
    code.push_code("(");
    let mut separator = "";
    for value in args {
        code.push_code(separator);
        write(&value, &mut code, 1)?;
        separator = ",";
    }
    for (name, value) in kwargs {
        code.push_code(separator);
        code.push_code(&name.cast::<PyString>()?.to_cow()?);
        code.push_code("=");
        write(&value, &mut code, 1)?;
        separator = ",";
    }
    code.push_code(")");
    Ok(code)
}

/// Adds parts of an expression: code and values in turn, code first.
///
/// # Errors
///
/// As for [`encode`].
pub(crate) fn encode_parts(parts: &Bound<'_, PyTuple>, mut code: Arguments) -> PyResult<Arguments> {
    for (index, part) in parts.iter().enumerate() {
        match index % 2 {
            0 => code.push_code(&part.cast::<PyString>()?.to_cow()?),
            _ => write(&part, &mut code, 1)?,
        }
    }
    Ok(code)
}

fn write(value: &Bound<'_, PyAny>, code: &mut Arguments, depth: usize) -> PyResult<()> {
    if depth > DEPTH_LIMIT {
        return Err(PyValueError::new_err(format!(
            "the value is nested more than {DEPTH_LIMIT} deep"
        )));
    }
    if value.is_none() {
        code.push_code("None");
    } else if let Ok(truth) = value.cast::<PyBool>() {
        code.push_code(if truth.is_true() { "True" } else { "False" });
    } else if value.is_instance_of::<PyInt>() {
        write_int(value, code)?;
    } else if let Ok(number) = value.cast::<PyFloat>() {
        code.push_code(&float(number.value()));
    } else if let Ok(string) = value.cast::<PyString>() {
        code.push_text(&string.to_cow()?);
    } else if let Ok(bytes) = value.cast::<PyBytes>() {
        code.push_bytes(bytes.as_bytes());
    } else if let Ok(tuple) = value.cast::<PyTuple>() {
        let end = if tuple.len() == 1 { ",)" } else { ")" };
        write_items(tuple.iter(), ["(", end], code, depth)?;
    } else if let Ok(list) = value.cast::<PyList>() {
        write_items(list.iter(), ["[", "]"], code, depth)?;
    } else if let Ok(dict) = value.cast::<PyDict>() {
        write_dict(dict, code, depth)?;
    } else {
        write_rare(value, code, depth)?;
    }
    Ok(())
}

/// The digits of an int. Those of a subclass, an `IntEnum` for example, are those of its number.
fn write_int(value: &Bound<'_, PyAny>, code: &mut Arguments) -> PyResult<()> {
    if let Ok(number) = value.extract::<i64>() {
        code.push_code(&number.to_string());
        return Ok(());
    }
    let digits = value
        .py()
        .get_type::<PyInt>()
        .call_method1("__repr__", (value,))?;
    code.push_code(&digits.cast::<PyString>()?.to_cow()?);
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
    code: &mut Arguments,
    depth: usize,
) -> PyResult<()> {
    code.push_code(open);
    for (index, item) in items.enumerate() {
        if index > 0 {
            code.push_code(",");
        }
        write(&item, code, depth + 1)?;
    }
    code.push_code(close);
    Ok(())
}

fn write_dict(dict: &Bound<'_, PyDict>, code: &mut Arguments, depth: usize) -> PyResult<()> {
    code.push_code("{");
    for (index, (key, value)) in dict.iter().enumerate() {
        if index > 0 {
            code.push_code(",");
        }
        write(&key, code, depth + 1)?;
        code.push_code(":");
        write(&value, code, depth + 1)?;
    }
    code.push_code("}");
    Ok(())
}

/// The types that calls seldom have.
fn write_rare(value: &Bound<'_, PyAny>, code: &mut Arguments, depth: usize) -> PyResult<()> {
    if let Ok(set) = value.cast::<PySet>() {
        // `{}` is a dict.
        match set.len() {
            0 => code.push_code("set()"),
            _ => write_items(set.iter(), ["{", "}"], code, depth)?,
        }
    } else if let Ok(set) = value.cast::<PyFrozenSet>() {
        write_items(set.iter(), ["frozenset([", "])"], code, depth)?;
    } else if let Ok(bytes) = value.cast::<PyByteArray>() {
        code.push_code("bytearray(");
        code.push_bytes(&bytes.to_vec());
        code.push_code(")");
    } else if let Ok(number) = value.cast::<PyComplex>() {
        let (real, imaginary) = (number.real(), number.imag());
        code.push_code(&format!("complex({},{})", float(real), float(imaginary)));
    } else if let Some(expression) = own_expression(value)? {
        code.push_code(&expression);
    } else if is_array(value)? {
        let typecode: String = value.getattr("typecode")?.extract()?;
        write_array(value, &typecode, code, depth)?;
    } else if let Ok(view) = value.cast::<PyMemoryView>() {
        write_view(view, code, depth)?;
    } else if value.hasattr("dtype")? && value.hasattr("item")? {
        // A number or an array of numpy; pandas has the second.
        match value.getattr("ndim")?.extract::<usize>()? {
            0 => write(&value.call_method0("item")?, code, depth)?,
            1 => write_column(value, code, depth)?,
            _ => write(&value.call_method0("tolist")?, code, depth)?,
        }
    } else if value.hasattr("__index__")? {
        write(&value.call_method0("__index__")?, code, depth)?;
    } else if value.hasattr("__float__")? {
        write(&value.call_method0("__float__")?, code, depth)?;
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
fn write_column(value: &Bound<'_, PyAny>, code: &mut Arguments, depth: usize) -> PyResult<()> {
    let numpy = value.py().import("numpy")?;
    let array = numpy.call_method1("ascontiguousarray", (value,))?;
    // Times have no memory that others could read.
    let view = PyMemoryView::from(&array).ok();
    let format = view.as_ref().and_then(|view| view.getattr("format").ok());
    let format: Option<String> = format.and_then(|format| format.extract().ok());
    match (view, format) {
        (Some(view), Some(format)) if format.len() == 1 && format != "O" => {
            write_view(&view, code, depth)
        }
        _ => write(&array.call_method0("tolist")?, code, depth),
    }
}

/// The items of a block of memory: bytes, or an array of numbers. More dimensions than one are lists in lists.
fn write_view(view: &Bound<'_, PyMemoryView>, code: &mut Arguments, depth: usize) -> PyResult<()> {
    let format: String = view.getattr("format")?.extract()?;
    let dimensions: usize = view.getattr("ndim")?.extract()?;
    match (format.as_str(), dimensions) {
        ("B" | "c", 1) => {
            let bytes = view.call_method0("tobytes")?;
            code.push_bytes(bytes.cast::<PyBytes>()?.as_bytes());
            Ok(())
        }
        ("b" | "h" | "H" | "i" | "I" | "l" | "L" | "q" | "Q" | "f" | "d", 1) => {
            // The letters of a buffer are sizes of this computer, and `l` has other ones on a board.
            let size: usize = view.getattr("itemsize")?.extract()?;
            let typecode = match (format.as_str(), size) {
                ("l", 8) => "q",
                ("L", 8) => "Q",
                (typecode, _) => typecode,
            };
            write_array(view, typecode, code, depth)
        }
        _ => write(&view.call_method0("tolist")?, code, depth),
    }
}

/// Numbers of the same type. Those that boards have in the same size as this computer cross the line as they are in memory.
fn write_array(
    array: &Bound<'_, PyAny>,
    typecode: &str,
    code: &mut Arguments,
    depth: usize,
) -> PyResult<()> {
    let size: usize = array.getattr("itemsize")?.extract()?;
    let is_same = matches!(
        (typecode, size),
        ("b" | "B", 1) | ("h" | "H", 2) | ("i" | "I" | "f", 4) | ("q" | "Q" | "d", 8)
    );
    code.push_code(&format!("__import__('array').array({},", py_str(typecode)));
    if is_same && cfg!(target_endian = "little") && array.len()? * size > LONG_ARRAY {
        let bytes = array.call_method0("tobytes")?;
        code.push_bytes(bytes.cast::<PyBytes>()?.as_bytes());
    } else {
        write(&array.call_method0("tolist")?, code, depth)?;
    }
    code.push_code(")");
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
