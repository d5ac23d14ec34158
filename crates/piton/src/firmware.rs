//! What goes into firmware: manifests, evaluated here or, where they need it, by Python.

pub mod compiling;
pub mod freezing;
pub mod imports;
pub mod index;
pub mod lints;
pub mod project;
pub mod shipping;
pub mod treemap;

use std::process::Command;

pub use piton_firmware::frozen;
pub use piton_firmware::link;
pub use piton_firmware::manifest::{
    Data, Error, ErrorKind, Evaluation, File, Ignored, Kind, Metadata, Mode, Permissions, Place,
    Request,
};

/// How manifests are evaluated that need more than the interpreter that is built in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Python {
    /// Not at all: they are an error.
    Forbidden,
    /// By this program, which must be CPython 3.8 or later.
    Program {
        /// The name of the program.
        name: String,
        /// What manifests may do in it.
        permissions: Permissions,
    },
}

/// Evaluates manifests. `announce` is called with the reason before Python is started.
///
/// # Errors
/// What is wrong with a manifest; or that it needs Python, and why, if that is forbidden or cannot be started.
pub fn evaluate(
    request: &Request,
    python: &Python,
    announce: &mut dyn FnMut(&str),
) -> Result<Evaluation, Error> {
    let error = match piton_firmware::manifest::evaluate(request) {
        Err(error) if error.kind == ErrorKind::Unsupported => error,
        other => return other,
    };
    let Python::Program { name, permissions } = python else {
        return Err(error);
    };
    announce(&error.message);
    piton_firmware::manifest::evaluate_with(request, &mut Command::new(name), permissions)
}

/// Returns what a manifest can see of this process: its variables.
#[must_use]
pub fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Parses `NAME=VALUE`; a value that names what exists becomes absolute, as tools/makemanifest.py has it. None without a `=`.
#[must_use]
pub fn variable(text: &str, folder: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    let path = std::path::Path::new(folder).join(value);
    let value = if !value.is_empty() && path.exists() {
        piton_firmware::manifest::absolute(value, folder)
    } else {
        value.to_owned()
    };
    Some((name.to_owned(), value))
}
