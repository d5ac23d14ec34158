//! MicroPython's error numbers. Those of the host's system may differ, and a board does not know them.

use std::io;

/// An error number as in MicroPython's py/mperrno.h, positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Errno(pub(super) i16);

impl Errno {
    pub(super) const PERM: Errno = Errno(1);
    pub(super) const NOENT: Errno = Errno(2);
    pub(super) const IO: Errno = Errno(5);
    pub(super) const BADF: Errno = Errno(9);
    pub(super) const NOTDIR: Errno = Errno(20);
    pub(super) const ISDIR: Errno = Errno(21);
    pub(super) const INVAL: Errno = Errno(22);
    pub(super) const MFILE: Errno = Errno(24);
    pub(super) const ROFS: Errno = Errno(30);
    pub(super) const NOSYS: Errno = Errno(38);
}

impl From<io::Error> for Errno {
    fn from(error: io::Error) -> Errno {
        use io::ErrorKind as Kind;
        Errno(match error.kind() {
            Kind::NotFound => 2,
            Kind::PermissionDenied => 13,
            Kind::ResourceBusy => 16,
            Kind::AlreadyExists => 17,
            Kind::CrossesDevices => 18,
            Kind::NotADirectory => 20,
            Kind::IsADirectory => 21,
            Kind::InvalidInput | Kind::InvalidFilename => 22,
            Kind::FileTooLarge => 27,
            Kind::StorageFull | Kind::QuotaExceeded => 28,
            Kind::ReadOnlyFilesystem => 30,
            Kind::DirectoryNotEmpty => 39,
            Kind::Unsupported => return Errno::NOSYS,
            _ => return Errno::IO,
        })
    }
}
