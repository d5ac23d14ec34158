//! An interpreter for the Python that manifests are written in.
//!
//! It has functions, classes, exceptions, comprehensions, f-strings and with; `os`, `os.path`, `sys`, `glob`, `fnmatch`, `json` and
//! `pathlib` as far as they read; and CPython 3.11's messages. What it does not have ends with
//! [`value::Throw::Unsupported`], never with a guess: a manifest cannot catch that. Nothing here writes a file or starts a program,
//! but [`child`], when a caller names one.

mod ast;
mod attribute;
mod builtins;
pub(crate) mod call;
mod child;
mod evaluate;
mod exceptions;
pub(crate) mod files;
pub(crate) mod interpreter;
pub(crate) mod iteration;
mod literal;
mod manifest_run;
mod methods;
mod modules;
mod operators;
mod parser;
mod syntax_error;
pub(crate) mod text;
mod token;
pub(crate) mod value;
