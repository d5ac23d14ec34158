//! The extension module `piton._piton`: the library as the Python package sees it.
//!
//! The package's public face is Python (`python/piton`). Here are the parts that need the library: values, connections, calls.
//!
//! # Architecture invariants
//!
//! Nothing here knows the protocol of a board. Every call that waits lets go of the GIL.

/// The extension module.
#[pyo3::pymodule]
mod _piton {
    use pyo3::prelude::*;

    /// Adds the module's constants.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
