//! Free space of the host's disk, as a board counts it.

use std::path::Path;

#[cfg(unix)]
use super::codec::clamped;
use super::errno::Errno;

/// Returns the ten numbers of `os.statvfs` for the file system of `path`.
#[cfg(unix)]
pub(super) fn space(path: &Path) -> Result<[u32; 10], Errno> {
    let statvfs = rustix::fs::statvfs(path).map_err(std::io::Error::from)?;
    // The disk may have more blocks than the board's 32 bits can count. Then larger and fewer blocks are reported.
    let mut shift = 0;
    while statvfs.f_blocks >> shift > u64::from(u32::MAX) {
        shift += 1;
    }
    let block = clamped(statvfs.f_frsize << shift);
    Ok([
        block,
        block,
        clamped(statvfs.f_blocks >> shift),
        clamped(statvfs.f_bfree >> shift),
        clamped(statvfs.f_bavail >> shift),
        clamped(statvfs.f_files),
        clamped(statvfs.f_ffree),
        clamped(statvfs.f_favail),
        0,
        clamped(statvfs.f_namemax),
    ])
}

/// Returns an error: the standard library has no function for it.
#[cfg(not(unix))]
pub(super) fn space(_: &Path) -> Result<[u32; 10], Errno> {
    Err(Errno::NOSYS)
}
