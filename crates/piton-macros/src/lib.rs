//! The attribute macro `piton::board`: it turns a trait into a struct whose typed methods call Python functions on a board.
//!
//! The Python is parsed, checked against the signatures, and minified while the Rust program is compiled. The library
//! `piton` re-exports the macro; its guide `docs/rust.md` shows how to use it.
//!
//! # Layout
//!
//! In the order the data flows: `signature` parses the trait, `python` loads and checks the sources, `expand` joins them
//! and writes the struct. All of it works on `proc_macro2`, so that the tests need no compiler.

mod expand;
mod python;
mod signature;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use proc_macro::TokenStream;

/// Turns a trait into a struct whose methods call Python functions on a board.
///
/// ```ignore
/// #[piton::board(file = "board/sensor.py")]
/// trait Sensor {
///     /// Calls `read` of `board/sensor.py`.
///     fn read(&self, channel: u8, count: u32) -> Result<Vec<f32>, DeviceError>;
///
///     #[py("def double(value): return 2 * value")]
///     fn double(&self, value: i64) -> Result<i64, DeviceError>;
/// }
///
/// let sensor = Sensor::attach(&device)?;
/// let samples = sensor.read(1, 10)?;
/// ```
///
/// The trait becomes a struct of the same name. `Sensor::attach(&device)` executes the sources on the board, each once, and
/// declares them as state of the session, so that they are restored after a reset.
///
/// # Sources
///
/// `#[piton::board(...)]` may name a source that several methods share, `#[py(...)]` on a method names one for it. A source
/// is a string literal with Python code, or `file = "..."`: a path from the folder of the package (`Cargo.toml`).
/// White space that all lines of a literal begin with is removed. `fn = "..."` names the Python function; without it, it has the
/// name of the method.
///
/// # Methods
///
/// A method takes `&self` or `&mut self` and positional arguments whose types implement `serde::Serialize`, and returns a
/// `Result<T, E>`, where `T` implements `serde::Deserialize` and `E` implements `From<DeviceError>`. With
/// `Result<Generator<T>, E>` the function is one that yields: the generator is an iterator over `Result<T, DeviceError>`.
///
/// `#[py(..., deadline_ms = 500)]` gives a call, or each item of a generator, so many milliseconds. Then the code on the board is
/// stopped, and the method returns `DeviceError::Timeout`.
///
/// A method with `#[setup(...)]` in place of `#[py(...)]` executes its source when it is called, with the method's arguments as
/// global variables of the same names, and declares that as state, as `Device::setup` does.
///
/// # Errors
///
/// Compilation fails when the Python has a syntax error (the message has its file and line), when no `def` outside of other
/// blocks has the name, when its parameters do not fit the method's, when it is an `async def`, when it yields and the method
/// does not return a `Generator`, and when two sources define the same function.
#[proc_macro_attribute]
pub fn board(arguments: TokenStream, item: TokenStream) -> TokenStream {
    // Cargo sets it for each package that it compiles.
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(PathBuf::new, PathBuf::from);
    expand::expand(arguments.into(), item.into(), &folder)
        .unwrap_or_else(|error| error.to_compile_error())
        .into()
}
