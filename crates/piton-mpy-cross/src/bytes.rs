//! Words of the command line as bytes, which is what file names and options are to the official program.

use std::ffi::OsString;
use std::path::PathBuf;

/// Returns a word of the command line. Where words are not made of bytes, the UTF-8 form of it.
pub(super) fn of_word(word: OsString) -> Vec<u8> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        word.into_vec()
    }
    #[cfg(not(unix))]
    {
        word.to_string_lossy().into_owned().into_bytes()
    }
}

/// Returns the path that these bytes name.
pub(super) fn to_path(bytes: &[u8]) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
    }
    #[cfg(not(unix))]
    {
        PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
    }
}
