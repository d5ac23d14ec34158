//! Serial ports and names of boards, as Python sees them.

use piton::board_names::BoardNames;
use piton::discovery::list_serial_ports;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Returns the fields of `UsbSpecifier` for every serial port.
#[pyfunction]
pub(crate) fn list_ports(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let describe = |port: piton::discovery::SerialPortFacts| {
        let fields = PyDict::new(py);
        fields.set_item("vid", port.vid)?;
        fields.set_item("pid", port.pid)?;
        fields.set_item("serial_number", port.serial_number)?;
        fields.set_item("manufacturer", port.manufacturer)?;
        fields.set_item("product", port.product)?;
        fields.set_item("location", port.location)?;
        fields.set_item("device", port.path)?;
        Ok(fields)
    };
    py.detach(list_serial_ports)
        .into_iter()
        .map(describe)
        .collect()
}

/// Returns the selector of the board that `config.toml` names for programs that name none; None if it names none.
///
/// Raises `ValueError` for a `config.toml` that is not valid.
#[pyfunction]
pub(crate) fn default_board() -> PyResult<Option<String>> {
    Ok(names()?.default_board().map(ToString::to_string))
}

/// Returns the names that the user's `config.toml` gives to boards.
///
/// # Errors
///
/// `ValueError` for a file that is not valid.
pub(crate) fn names() -> PyResult<BoardNames> {
    BoardNames::load().map_err(|error| PyValueError::new_err(error.to_string()))
}
