//! Compiling a source, unless that was done before.

use std::io;

use piton_compiler::{Diagnostic, Options};
use piton_project::cache::{Cache, Key};
use tracing::debug;

/// Why there is no `.mpy` file.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The compiler does not accept the source.
    #[error("{0}")]
    Rejected(Diagnostic),
    /// The module does not fit into the format.
    #[error(transparent)]
    Unwritable(#[from] piton_mpy::error::Error),
}

/// A `.mpy` file.
#[derive(Debug)]
pub struct Compiled {
    /// Its content.
    pub mpy: Vec<u8>,
    /// Whether it was in the cache.
    pub cached: bool,
    /// Why it could not be put there.
    pub not_kept: Option<io::Error>,
}

/// The `.mpy` file of `source`, from `cache` if it is there, and kept there if it was not.
///
/// All that decides what it looks like is part of the key: the source, the options with the names in them, and the
/// version of the compiler. Builds and mounted folders share their entries. A cache that cannot be written to is done without.
///
/// # Errors
///
/// [`CompileError`]; failures are not kept.
pub fn compile_cached(
    source: &[u8],
    options: &Options,
    cache: Option<&Cache>,
) -> Result<Compiled, CompileError> {
    let key = Key::new("mpy")
        .with(env!("CARGO_PKG_VERSION").as_bytes())
        .with(format!("{options:?}").as_bytes())
        .with(source);
    if let Some(mpy) = cache.and_then(|cache| cache.get(&key)) {
        debug!(
            name = %String::from_utf8_lossy(&options.input_name),
            "the compiled module is in the cache"
        );
        return Ok(Compiled {
            mpy,
            cached: true,
            not_kept: None,
        });
    }
    let module = piton_compiler::compile(source, options).map_err(CompileError::Rejected)?;
    let mpy = piton_mpy::writer::write(&module)?;
    let not_kept = cache.and_then(|cache| cache.put(&key, &mpy).err());
    debug!(
        name = %String::from_utf8_lossy(&options.input_name),
        bytes = mpy.len(),
        "the module was compiled"
    );
    Ok(Compiled {
        mpy,
        cached: false,
        not_kept,
    })
}
