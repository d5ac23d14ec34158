//! Compiling a source through the cache.

use std::borrow::Cow;
use std::io;

use piton_compiler::{Diagnostic, Emitter, Optimisation, Options};
use piton_mpy::header::Arch;
use piton_project::cache::{Cache, Key};
use tracing::debug;

/// Why a source was not compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The compiler does not accept the source.
    #[error("{0}")]
    Rejected(Diagnostic),
    /// The module does not fit the format.
    #[error(transparent)]
    Unwritable(#[from] piton_mpy::error::Error),
}

impl From<Diagnostic> for CompileError {
    fn from(diagnostic: Diagnostic) -> CompileError {
        CompileError::Rejected(diagnostic)
    }
}

/// A `.mpy` file.
#[derive(Debug)]
pub struct Compiled {
    /// Its content.
    pub mpy: Vec<u8>,
    /// Whether it came from the cache.
    pub cached: bool,
    /// Why it could not be stored in the cache, if so.
    pub not_kept: Option<io::Error>,
}

/// Compiles `source` to a `.mpy` file, or returns the file of `cache`. A compiled file is stored there. All files for
/// boards are compiled by this function.
///
/// The key contains everything that the file depends on: the source, the options with their names, and the
/// version of the compiler. All commands share the entries. A cache that cannot be written to is not an error.
///
/// # Errors
///
/// [`CompileError`]. Errors are not stored.
pub fn compile_cached(
    source: &[u8],
    options: &Options,
    cache: Option<&Cache>,
) -> Result<Compiled, CompileError> {
    let Some(cache) = cache else {
        // Without an event, because the library compiles its own programs for the board without a cache.
        return Ok(Compiled {
            mpy: compile(source, options)?,
            cached: false,
            not_kept: None,
        });
    };
    let key = key(source, options);
    if let Some(mpy) = cache.get(&key) {
        debug!(name = %lossy(&options.input_name), "the compiled module is in the cache");
        return Ok(Compiled {
            mpy,
            cached: true,
            not_kept: None,
        });
    }
    let mpy = compile(source, options)?;
    let not_kept = cache.put(&key, &mpy).err();
    debug!(
        name = %lossy(&options.input_name),
        bytes = mpy.len(),
        not_kept = not_kept.as_ref().map(tracing::field::display),
        "the module was compiled"
    );
    Ok(Compiled {
        mpy,
        cached: false,
        not_kept,
    })
}

/// Returns a name as text for an event. It is made only if the event has a receiver.
fn lossy(name: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(name)
}

fn compile(source: &[u8], options: &Options) -> Result<Vec<u8>, CompileError> {
    let module = piton_compiler::compile(source, options)?;
    Ok(piton_mpy::writer::write(&module)?)
}

/// The version of [`key`], which changes with the order or the meaning of its parts.
const KEY_VERSION: &[u8] = b"2";

/// Returns the key of the `.mpy` of a source with these options. The parts do not depend on how a
/// type is declared or printed.
fn key(source: &[u8], options: &Options) -> Key {
    // All fields are named, so that this does not compile until a new option is part of the key.
    let Options {
        input_name,
        embedded_name,
        optimisation,
        small_int_bits,
        source_lines,
        arch,
        arch_flags,
        default_emitter,
        target,
        lookup_cache,
    } = options;
    let optimisation = match optimisation {
        Optimisation::None => 0,
        Optimisation::NoAssert => 1,
        Optimisation::NoAssert2 => 2,
        Optimisation::NoLines => 3,
    };
    let emitter: &[u8] = match default_emitter {
        Emitter::Bytecode => b"bytecode",
        Emitter::Native => b"native",
        Emitter::Viper => b"viper",
        Emitter::Assembler => b"assembler",
    };
    let target = target.name().as_bytes();
    let key = Key::new("mpy")
        .with(KEY_VERSION)
        .with(env!("CARGO_PKG_VERSION").as_bytes())
        .with(input_name)
        .with(&[u8::from(embedded_name.is_some())])
        .with(embedded_name.as_deref().unwrap_or_default())
        .with(&[optimisation, *small_int_bits, u8::from(*source_lines)])
        .with(&[arch.map_or(0, Arch::number)])
        .with(&arch_flags.to_le_bytes())
        .with(emitter)
        .with(target)
        .with(&[u8::from(*lookup_cache)]);
    key.with(source)
}

#[cfg(test)]
mod tests {
    use piton_compiler::Target;

    use super::*;

    fn options() -> Options {
        Options::new("a.py")
    }

    #[test]
    fn each_option_is_part_of_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path(), 1 << 20);
        let source = b"x = 1\n";
        cache.put(&key(source, &options()), b"made").unwrap();
        let others = [
            Options {
                input_name: b"b.py".to_vec(),
                ..options()
            },
            Options {
                embedded_name: Some(Vec::new()),
                ..options()
            },
            Options {
                embedded_name: Some(b"a.py".to_vec()),
                ..options()
            },
            Options {
                optimisation: Optimisation::NoAssert,
                ..options()
            },
            Options {
                optimisation: Optimisation::NoLines,
                ..options()
            },
            Options {
                small_int_bits: 47,
                ..options()
            },
            Options {
                source_lines: false,
                ..options()
            },
            Options {
                arch: Some(Arch::ArmV6M),
                ..options()
            },
            Options {
                arch_flags: 1,
                ..options()
            },
            Options {
                default_emitter: Emitter::Native,
                ..options()
            },
            Options {
                target: Target::CircuitPython9,
                ..options()
            },
            Options {
                target: Target::CircuitPython10,
                ..options()
            },
            Options {
                lookup_cache: true,
                ..options()
            },
        ];
        for other in others {
            assert_eq!(cache.get(&key(source, &other)), None, "{other:?}");
        }
        assert_eq!(cache.get(&key(b"x = 2\n", &options())), None);
        assert!(cache.get(&key(source, &options())).is_some());
    }

    #[test]
    fn a_source_is_compiled_once() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("mpy"), 1 << 20);
        let compile = |source: &[u8]| compile_cached(source, &options(), Some(&cache)).unwrap();
        let first = compile(b"x = 1\n");
        let second = compile(b"x = 1\n");
        assert_eq!((first.cached, second.cached), (false, true));
        assert_eq!(first.mpy, second.mpy);
        let alone = compile_cached(b"x = 1\n", &options(), None).unwrap();
        assert_eq!(alone.mpy, first.mpy);
        assert!(!compile(b"x = 2\n").cached);
        // A source that does not compile is an error each time.
        for _ in 0..2 {
            let failed = compile_cached(b"x = = 1\n", &options(), Some(&cache));
            assert!(matches!(failed, Err(CompileError::Rejected(_))));
        }
    }

    #[test]
    fn a_cache_that_cannot_be_written_to_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let cache = Cache::new(&file, 1 << 20);
        let made = compile_cached(b"x = 1\n", &options(), Some(&cache)).unwrap();
        assert!(!made.cached && made.not_kept.is_some() && !made.mpy.is_empty());
    }
}
