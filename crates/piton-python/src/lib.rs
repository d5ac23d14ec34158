//! The extension module `piton._piton`: the library as the Python package sees it.
//!
//! The package's public face is Python (`python/piton`). Here are the parts that need the library.
//!
//! # Layout
//!
//! - `session` has the class of a session with a board, `functions` those of its functions, generators and objects.
//! - `encode` and `decode` turn values into text for the board, and back.
//! - `code` minifies and has the first imports, `ports` lists serial ports and reads the names of boards, `mpy_cross` compiles.
//! - `files` copies folders to the board.
//! - `failure` turns errors into exceptions, `signals` lets Python's handlers of signals run while the library waits.
//!
//! # Architecture invariants
//!
//! Nothing here knows the protocol of a board. Every call that waits lets go of the GIL, and looks at signals every 50 ms.

mod code;
mod decode;
mod encode;
mod failure;
mod files;
mod functions;
mod mpy_cross;
mod ports;
mod session;
mod signals;

/// The extension module.
#[pyo3::pymodule]
mod _piton {
    use piton::device::Arguments;
    use pyo3::prelude::*;
    use pyo3::types::{PyDict, PyTuple};

    #[pymodule_export]
    use crate::code::minify;
    #[pymodule_export]
    use crate::functions::{Function, Generator, Handle, Stream};
    #[pymodule_export]
    use crate::mpy_cross::{compile_module, compiler_targets, mpy_cross_release, run_mpy_cross};
    #[pymodule_export]
    use crate::ports::{default_board, list_ports};
    #[pymodule_export]
    use crate::session::Session;

    pyo3::create_exception!(
        piton._piton,
        UnparsableError,
        pyo3::exceptions::PyValueError,
        "A value of the board has no literal form. ``args[0]`` is its text."
    );

    /// Returns the expression that gives a value on a board.
    #[pyfunction]
    fn encode(value: &Bound<'_, PyAny>) -> PyResult<String> {
        let code = crate::encode::encode(value, Arguments::code_alone())?;
        Ok(code.code().to_owned())
    }

    /// Returns what follows a function's name in a call.
    #[pyfunction]
    fn encode_arguments(args: &Bound<'_, PyTuple>, kwargs: &Bound<'_, PyDict>) -> PyResult<String> {
        let code = crate::encode::encode_arguments(args, kwargs, Arguments::code_alone())?;
        Ok(code.code().to_owned())
    }

    /// Adds the module's constants.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("UnparsableError", module.py().get_type::<UnparsableError>())
    }
}
