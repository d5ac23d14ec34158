//! Error numbers as MicroPython prints them.

use std::io;

/// An error number of MicroPython (`py/mperrno.h`), which has those of Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Errno(i32);

impl Errno {
    pub(crate) const NO_ENTRY: Errno = Errno(2);
    pub(crate) const IO: Errno = Errno(5);
    pub(crate) const BAD_FILE: Errno = Errno(9);
    pub(crate) const ACCESS: Errno = Errno(13);
    pub(crate) const BUSY: Errno = Errno(16);
    pub(crate) const EXISTS: Errno = Errno(17);
    pub(crate) const CROSS_DEVICE: Errno = Errno(18);
    pub(crate) const NOT_DIR: Errno = Errno(20);
    pub(crate) const IS_DIR: Errno = Errno(21);
    pub(crate) const INVALID: Errno = Errno(22);
    /// `EINTR` is compared with Emscripten's number in the firmware, not with Linux's.
    pub(crate) const INTERRUPTED: Errno = Errno(27);
    pub(crate) const NO_SPACE: Errno = Errno(28);
    pub(crate) const NO_FILES: Errno = Errno(24);
    pub(crate) const ILLEGAL_SEEK: Errno = Errno(29);
    pub(crate) const READ_ONLY: Errno = Errno(30);
    pub(crate) const RANGE: Errno = Errno(34);
    pub(crate) const NAME_TOO_LONG: Errno = Errno(36);
    pub(crate) const NOT_EMPTY: Errno = Errno(39);

    pub(crate) fn number(self) -> i32 {
        self.0
    }
}

impl From<io::Error> for Errno {
    /// By kind, not by number: the numbers of the host are not those of MicroPython.
    fn from(error: io::Error) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::NotFound => Errno::NO_ENTRY,
            Kind::PermissionDenied => Errno::ACCESS,
            Kind::ResourceBusy => Errno::BUSY,
            Kind::AlreadyExists => Errno::EXISTS,
            Kind::NotADirectory => Errno::NOT_DIR,
            Kind::IsADirectory => Errno::IS_DIR,
            Kind::InvalidInput => Errno::INVALID,
            Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => Errno::NO_SPACE,
            Kind::ReadOnlyFilesystem => Errno::READ_ONLY,
            Kind::InvalidFilename => Errno::NAME_TOO_LONG,
            Kind::DirectoryNotEmpty => Errno::NOT_EMPTY,
            _ => Errno::IO,
        }
    }
}
