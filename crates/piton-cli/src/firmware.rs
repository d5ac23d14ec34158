//! What the commands for manifests share: the compiler's options for a file.

use std::ffi::OsString;

use piton::building::BuildTarget;
use piton::compiler::Options;

/// Returns the compiler's options for a module, from its path on the board, the path of its `.mpy` file, the level of optimization that a
/// manifest asks for, and the words of a build (`-f`).
///
/// # Errors
///
/// What mpy-cross prints about words that it does not know.
pub(crate) fn options_of(
    embedded: &str,
    path: &str,
    level: Option<&str>,
    flags: &[String],
) -> Result<Options, String> {
    let mut words: Vec<OsString> = ["-s", embedded, "-o", path]
        .into_iter()
        .map(OsString::from)
        .collect();
    words.extend(level.map(|level| format!("-O{level}").into()));
    words.extend(flags.iter().map(OsString::from));
    words.push(embedded.into());
    piton_mpy_cross::compiler_options(&words)
}

/// Returns options for the firmware and the processor that a person named, if any.
pub(crate) fn for_target(options: Options, target: Option<BuildTarget>) -> Options {
    match target {
        None => options,
        Some(target) => Options {
            target: target.firmware(),
            arch: target.arch(),
            ..options
        },
    }
}
