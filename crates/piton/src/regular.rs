//! Opening files in a folder that is not trusted. A name in it may be a pipe, which would
//! block for ever, a device, or a link to a file elsewhere.

use std::fs::{File, FileType, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

/// The treatment of a link in the place of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    /// Its target is opened.
    Follow,
    /// It is refused.
    Refuse,
}

/// The kind of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
    Link,
    /// A device, a pipe or a socket.
    Special,
}

impl Kind {
    /// Returns the kind for a file type of the operating system.
    pub(crate) fn of(kind: FileType) -> Kind {
        if kind.is_file() {
            Kind::File
        } else if kind.is_dir() {
            Kind::Folder
        } else if kind.is_symlink() {
            Kind::Link
        } else {
            Kind::Special
        }
    }

    /// Returns an error with its kind, unless it is a file.
    fn expect_file(self) -> io::Result<()> {
        let found = match self {
            Kind::File => return Ok(()),
            Kind::Folder => return Err(io::ErrorKind::IsADirectory.into()),
            Kind::Link => "a link",
            Kind::Special => "a device, a pipe or a socket",
        };
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("it is {found}, expected a file"),
        ))
    }
}

/// Opens a file for reading without blocking, and checks that it is a file.
///
/// # Errors
///
/// The operating system's error; [`io::ErrorKind::InvalidInput`] for a pipe, a device or a socket, and for a link that
/// is not to be followed.
pub(crate) fn open(path: &Path, links: Links) -> io::Result<File> {
    open_if(path, links, Kind::expect_file)
}

/// Opens a file or a folder to keep its content if its name changes; `None` for anything else.
pub(crate) fn hold(path: &Path) -> Option<File> {
    let expect = |kind: Kind| match kind {
        Kind::Folder => Ok(()),
        kind => kind.expect_file(),
    };
    open_if(path, Links::Refuse, expect).ok()
}

fn open_if(path: &Path, links: Links, expect: impl Fn(Kind) -> io::Result<()>) -> io::Result<File> {
    let metadata = match links {
        Links::Follow => path.metadata()?,
        Links::Refuse => path.symlink_metadata()?,
    };
    // Opening some devices has an effect, so the kind is checked before.
    expect(Kind::of(metadata.file_type()))?;
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        // Opening a pipe blocks until a program writes to it, but not with this flag. The flag has no effect on files.
        let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        flags.set(OFlags::NOFOLLOW, links == Links::Refuse);
        options.custom_flags(flags.bits().cast_signed());
    }
    let file = options.open(path)?;
    // The name may belong to another entry since the check.
    expect(Kind::of(file.metadata()?.file_type()))?;
    Ok(file)
}

/// Returns the content of a file of at most `limit` bytes, opened as by [`open`].
///
/// # Errors
///
/// As for [`open`]; [`io::ErrorKind::FileTooLarge`].
pub(crate) fn read(path: &Path, links: Links, limit: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    open(path, links)?
        .take(limit.saturating_add(1))
        .read_to_end(&mut content)?;
    match content.len() as u64 > limit {
        true => Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it has more than {limit} bytes"),
        )),
        false => Ok(content),
    }
}

/// Returns the text of a file of at most `limit` bytes, which may be a link.
///
/// # Errors
///
/// As for [`read`]; [`io::ErrorKind::InvalidData`] if it is not UTF-8.
pub(crate) fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    let bytes = read(path, Links::Follow, limit)?;
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    use super::*;

    #[test]
    fn only_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("file"), "content").unwrap();
        symlink(path("file"), path("link")).unwrap();
        symlink(path("pipe"), path("link to a pipe")).unwrap();
        let made = Command::new("mkfifo").arg(path("pipe")).status().unwrap();
        assert!(made.success());
        let _socket = UnixListener::bind(path("socket")).unwrap();
        let said = |name: &str, links| match read(&path(name), links, 7) {
            Ok(content) => String::from_utf8(content).unwrap(),
            Err(error) => error.to_string(),
        };
        assert_eq!(said("file", Links::Refuse), "content");
        assert_eq!(said("link", Links::Follow), "content");
        assert_eq!(said("link", Links::Refuse), "it is a link, expected a file");
        for name in ["pipe", "socket", "link to a pipe", "/dev/zero"] {
            let found = "it is a device, a pipe or a socket, expected a file";
            assert_eq!(said(name, Links::Follow), found, "{name}");
        }
        std::fs::write(path("file"), "content.").unwrap();
        assert_eq!(said("file", Links::Follow), "it has more than 7 bytes");
        assert!(open(folder.path(), Links::Follow).is_err());
    }
}
