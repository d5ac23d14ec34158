//! Code of a script before it goes to the board.

use piton::syntax::minify::{MinifyOptions, minify as minify_code};
use pyo3::exceptions::PySyntaxError;
use pyo3::prelude::*;

/// Returns code without comments and spare spaces, and without docstrings unless they are kept. Lines and names stay.
///
/// Raises `SyntaxError` for code that is not Python's.
#[pyfunction]
#[pyo3(signature = (code, keep_docstrings = false))]
pub(crate) fn minify(code: &str, keep_docstrings: bool) -> PyResult<String> {
    let options = MinifyOptions {
        keep_docstrings,
        ..MinifyOptions::default()
    };
    let minified = minify_code(code.as_bytes(), &options)
        .map_err(|error| PySyntaxError::new_err(error.to_string()))?;
    Ok(String::from_utf8_lossy(&minified).into_owned())
}
