//! Size and free space of a board's file systems.

use piton_board::deadline::Deadline;
use piton_board::literal::from_literal;
use piton_path::BoardPath;

use crate::device;
use crate::error::Error;
use crate::remote::RemoteFs;

/// One mounted file system. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DiskFree {
    /// The file system's own text, `<VfsLfs2>`; `<unknown>` before MicroPython 1.25.
    pub filesystem: String,
    /// Capacity.
    pub size: u64,
    /// Used.
    pub used: u64,
    /// Free.
    pub available: u64,
    /// Used, in percent of the size, rounded down.
    pub used_percent: u8,
    /// The mount point.
    pub mounted_on: String,
}

impl RemoteFs<'_, '_> {
    /// Returns the mounted file systems that have a size, as the board lists them. Boards before MicroPython 1.25
    /// cannot list them: there each folder of the root is a row, as in mpremote.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] on boards without `os.statvfs`, [`Error::Board`].
    pub fn disk_free(&mut self, deadline: Deadline) -> Result<Vec<DiskFree>, Error> {
        match self.disk_free_once(deadline) {
            // The answer was damaged on its way.
            Err(Error::Answer { .. }) => self.disk_free_once(deadline),
            rows => rows,
        }
    }

    /// Does the work of [`RemoteFs::disk_free`].
    fn disk_free_once(&mut self, deadline: Deadline) -> Result<Vec<DiskFree>, Error> {
        let root = BoardPath::root();
        let answer = self
            .run_short(&device::DISK_FREE.call(&[]), deadline)
            .map_err(|error| Error::new(&root, error))?;
        answer
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::trim_ascii)
            .filter(|line| !line.is_empty())
            .map(|line| {
                row(line).ok_or_else(|| Error::Answer {
                    path: root.clone(),
                    received: line.to_vec(),
                })
            })
            .collect()
    }
}

fn row(line: &[u8]) -> Option<DiskFree> {
    let (filesystem, size, available, mounted_on): (String, u64, u64, String) =
        from_literal(line).ok()?;
    let used = size.checked_sub(available)?;
    Some(DiskFree {
        filesystem,
        size,
        used,
        available,
        used_percent: u8::try_from(u128::from(used) * 100 / u128::from(size.max(1))).ok()?,
        mounted_on,
    })
}
