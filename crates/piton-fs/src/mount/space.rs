//! Free space of the host's disk, as a board counts it.

use std::path::Path;

#[cfg(unix)]
use super::codec::clamped;
use super::errno::Errno;

/// Returns the ten numbers of `os.statvfs` for the file system of `path`.
#[cfg(unix)]
pub(super) fn space(path: &Path) -> Result<[u32; 10], Errno> {
    let found = rustix::fs::statvfs(path).map_err(std::io::Error::from)?;
    // A disk of today has more blocks than the board's 32 bits can count, so larger blocks are reported.
    let mut shift = 0;
    while found.f_blocks >> shift > u64::from(u32::MAX) {
        shift += 1;
    }
    let block = clamped(found.f_frsize << shift);
    Ok([
        block,
        block,
        clamped(found.f_blocks >> shift),
        clamped(found.f_bfree >> shift),
        clamped(found.f_bavail >> shift),
        clamped(found.f_files),
        clamped(found.f_ffree),
        clamped(found.f_favail),
        0,
        clamped(found.f_namemax),
    ])
}

/// Refuses: the standard library has no function for it.
#[cfg(not(unix))]
pub(super) fn space(_: &Path) -> Result<[u32; 10], Errno> {
    Err(Errno::NOSYS)
}
