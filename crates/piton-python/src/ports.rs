//! Serial ports, as Python sees them.

use piton::discovery::list_serial_ports;
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
        fields.set_item("device", port.path)?;
        Ok(fields)
    };
    py.detach(list_serial_ports)
        .into_iter()
        .map(describe)
        .collect()
}
