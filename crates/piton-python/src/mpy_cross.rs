//! The compiler: a function that compiles, and the command line of `mpy-cross`.

use std::ffi::OsString;
use std::io::Write;

use piton::building::BuildTarget;
use piton::compiler::{self, Diagnostic, Optimisation, Options, Target};
use piton::mpy::header::Arch;
use piton::mpy::writer;
use pyo3::exceptions::{PySystemExit, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// What is wrong with a source: the exception, the kind of the error, its message, the file, line, column and scope.
type Refusal = (
    &'static str,
    &'static str,
    String,
    Option<String>,
    Option<u32>,
    Option<u32>,
    Option<String>,
);

/// The bytes of a module, or why there is none.
#[derive(IntoPyObject)]
pub(crate) enum Made<'py> {
    Module(Bound<'py, PyBytes>),
    Refused(Refusal),
}

/// Compiles a source to the bytes of a `.mpy` file, or says what is wrong with it.
///
/// Raises `ValueError` for a target or processor that is not known.
#[pyfunction]
#[pyo3(signature = (source, *, target, name, embed_name, optimise, march, small_int_bits, source_lines))]
#[expect(
    clippy::too_many_arguments,
    reason = "keywords, which Python checks by name"
)]
pub(crate) fn compile_module<'py>(
    py: Python<'py>,
    source: &[u8],
    target: &str,
    name: &str,
    embed_name: Option<&str>,
    optimise: u32,
    march: Option<&str>,
    small_int_bits: u8,
    source_lines: bool,
) -> PyResult<Made<'py>> {
    let unknown = |message: String| PyValueError::new_err(message);
    let target = match target {
        "micropython" => Target::NEWEST,
        name => Target::from_name(name).ok_or_else(|| {
            let names: Vec<&str> = BuildTarget::names().collect();
            unknown(format!(
                "`{name}` is not a target; expected one of {}",
                names.join(", ")
            ))
        })?,
    };
    let arch = march.map(|name| {
        Arch::from_name(name).ok_or_else(|| {
            let names = Arch::ALL.map(Arch::name).join(", ");
            unknown(format!(
                "`{name}` is not a processor; expected one of {names}"
            ))
        })
    });
    let options = Options {
        embedded_name: embed_name.map(|name| name.as_bytes().to_vec()),
        optimisation: Optimisation::from_level(optimise),
        small_int_bits,
        source_lines,
        arch: arch.transpose()?,
        target,
        ..Options::new(name)
    };
    let compiled = py.detach(|| match compiler::compile(source, &options) {
        Ok(module) => Ok(writer::write(&module)),
        Err(diagnostic) => Err(refusal(&diagnostic)),
    });
    Ok(match compiled {
        Ok(Ok(mpy)) => Made::Module(PyBytes::new(py, &mpy)),
        Ok(Err(error)) => return Err(PyValueError::new_err(error.to_string())),
        Err(refusal) => Made::Refused(refusal),
    })
}

fn refusal(diagnostic: &Diagnostic) -> Refusal {
    let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
    let place = diagnostic.location.as_ref();
    (
        diagnostic.error_type().name(),
        diagnostic.code.name(),
        diagnostic.message.to_string(),
        place.map(|place| text(&place.source_name)),
        place.map(|place| place.line),
        place.and_then(|place| place.column),
        place.and_then(|place| place.scope.as_ref().map(text)),
    )
}

/// Returns the names of targets.
#[pyfunction]
pub(crate) fn compiler_targets() -> Vec<&'static str> {
    BuildTarget::names().collect()
}

/// Does what `mpy-cross` does with these words. Returns whether it ends with 0.
#[pyfunction]
pub(crate) fn run_mpy_cross(py: Python<'_>, program: OsString, words: Vec<OsString>) -> bool {
    py.detach(|| {
        piton_mpy_cross::run(program, &words, |bytes| {
            // There is no place to report a failure.
            let _ = std::io::stderr().lock().write_all(bytes);
        })
    })
}

/// Returns the release that `mpy-cross` is with `-c` of the first, or `-b` of the second if that is empty.
///
/// Raises `SystemExit` with a message if there is none.
#[pyfunction]
pub(crate) fn mpy_cross_release(micropython: &str, bytecode: &str) -> PyResult<&'static str> {
    piton_mpy_cross::release(micropython, bytecode).map_err(PySystemExit::new_err)
}
