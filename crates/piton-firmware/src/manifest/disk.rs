//! The door to the files of the host: everything that a manifest learns of them comes through here, and nothing is written.
//!
//! The current folder is the manifest's own, and not that of the process: several can run at once.

use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::posix;
use crate::python::value::Throw;

/// What a file is, when, and of what size.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) is_folder: bool,
    pub(crate) is_file: bool,
    /// In bytes.
    pub(crate) size: u64,
    /// In seconds since 1970, as Python rounds it.
    pub(crate) modified: f64,
}

/// A name in a folder.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) name: String,
    /// Whether it is a folder, or a link to one.
    pub(crate) is_folder: bool,
    pub(crate) is_link: bool,
}

/// The files of the host, from a current folder.
#[derive(Debug)]
pub(crate) struct Disk {
    folder: RefCell<String>,
    /// Whether folders are listed in the order of their names, and not in that of the file system.
    pub(crate) sorted: bool,
}

impl Disk {
    /// Begins in `folder`, which is absolute.
    pub(crate) fn new(folder: &str, sorted: bool) -> Disk {
        Disk {
            folder: RefCell::new(folder.to_owned()),
            sorted,
        }
    }

    /// `os.getcwd()`
    pub(crate) fn folder(&self) -> String {
        self.folder.borrow().clone()
    }

    /// Returns a path without the current folder.
    pub(crate) fn absolute(&self, path: &str) -> String {
        posix::absolute(path, &self.folder.borrow())
    }

    /// Returns the path to give to the host: not normalised, since `..` behind a link leads elsewhere.
    fn host(&self, path: &str) -> String {
        posix::join(&self.folder.borrow(), path)
    }

    /// `os.chdir`
    ///
    /// # Errors
    /// As the system says.
    pub(crate) fn change(&self, path: &str) -> Result<(), Throw> {
        no_zero(path)?;
        if path.is_empty() {
            return Err(os_error(2, path));
        }
        let target = self.host(path);
        let real = fs::canonicalize(&target).map_err(|error| failed(&error, path))?;
        if !real.is_dir() {
            return Err(os_error(20, path));
        }
        // A folder that cannot be entered is an error of its own.
        #[cfg(unix)]
        fs::symlink_metadata(real.join(".")).map_err(|error| failed(&error, path))?;
        *self.folder.borrow_mut() = text(&real);
        Ok(())
    }

    /// Goes back to a folder that was the current one.
    pub(crate) fn restore(&self, folder: String) {
        *self.folder.borrow_mut() = folder;
    }

    /// `os.stat`
    ///
    /// # Errors
    /// As the system says.
    pub(crate) fn status(&self, path: &str) -> Result<Status, Throw> {
        no_zero(path)?;
        if path.is_empty() {
            return Err(os_error(2, path));
        }
        let metadata = fs::metadata(self.host(path)).map_err(|error| failed(&error, path))?;
        Ok(Status {
            is_folder: metadata.is_dir(),
            is_file: metadata.is_file(),
            size: metadata.len(),
            modified: seconds(&metadata),
        })
    }

    /// `os.path.isdir`
    pub(crate) fn is_folder(&self, path: &str) -> bool {
        self.status(path).is_ok_and(|status| status.is_folder)
    }

    /// `os.path.isfile`
    pub(crate) fn is_file(&self, path: &str) -> bool {
        self.status(path).is_ok_and(|status| status.is_file)
    }

    /// `os.path.islink`
    pub(crate) fn is_link(&self, path: &str) -> bool {
        fs::symlink_metadata(self.host(path))
            .is_ok_and(|metadata| metadata.file_type().is_symlink())
    }

    /// `os.scandir`, in the order of the file system.
    ///
    /// # Errors
    /// As the system says.
    pub(crate) fn list(&self, path: &str) -> Result<Vec<Name>, Throw> {
        no_zero(path)?;
        if path.is_empty() {
            return Err(os_error(2, path));
        }
        let host = self.host(path);
        let mut names = Vec::new();
        for entry in fs::read_dir(&host).map_err(|error| failed(&error, path))? {
            let entry = entry.map_err(|error| failed(&error, path))?;
            let kind = entry.file_type().map_err(|error| failed(&error, path))?;
            let is_link = kind.is_symlink();
            names.push(Name {
                name: entry.file_name().to_string_lossy().into_owned(),
                is_folder: kind.is_dir() || (is_link && entry.path().is_dir()),
                is_link,
            });
        }
        if self.sorted {
            names.sort_by(|one, two| one.name.cmp(&two.name));
        }
        Ok(names)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// As the system says.
    #[expect(clippy::disallowed_methods, reason = "this is the one door")]
    pub(crate) fn read(&self, path: &str) -> Result<Vec<u8>, Throw> {
        no_zero(path)?;
        if path.is_empty() {
            return Err(os_error(2, path));
        }
        let host = self.host(path);
        if Path::new(&host).is_dir() {
            return Err(os_error(21, path));
        }
        fs::read(host).map_err(|error| failed(&error, path))
    }

    /// `os.path.realpath`
    pub(crate) fn real(&self, path: &str) -> String {
        let host = self.host(path);
        fs::canonicalize(&host).map_or_else(|_| self.absolute(path), |real| text(&real))
    }
}

fn text(path: &Path) -> String {
    let text = path.to_string_lossy().into_owned();
    if cfg!(windows) {
        text.trim_start_matches(r"\\?\").replace('\\', "/")
    } else {
        text
    }
}

fn no_zero(path: &str) -> Result<(), Throw> {
    if path.contains('\0') {
        Err(Throw::new("ValueError", "embedded null byte"))
    } else {
        Ok(())
    }
}

fn os_error(errno: i32, path: &str) -> Throw {
    Throw::Os {
        errno,
        path: Some(path.to_owned()),
    }
}

fn failed(error: &io::Error, path: &str) -> Throw {
    let errno = match error.raw_os_error() {
        Some(errno) if cfg!(unix) => errno,
        _ => match error.kind() {
            io::ErrorKind::NotFound => 2,
            io::ErrorKind::PermissionDenied => 13,
            io::ErrorKind::NotADirectory => 20,
            _ => 22,
        },
    };
    os_error(errno, path)
}

/// Returns a time in seconds: whole ones and nanoseconds are added as floats, as CPython does.
#[expect(clippy::cast_precision_loss, reason = "Python has times as floats too")]
fn seconds(metadata: &fs::Metadata) -> f64 {
    let Ok(modified) = metadata.modified() else {
        return 0.0;
    };
    match modified.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_secs() as f64 + 1e-9 * f64::from(since.subsec_nanos()),
        Err(before) => -before.duration().as_secs_f64(),
    }
}

/// Returns the text of an error of the operating system, as Python's `strerror` has it.
pub(crate) fn error_text(errno: i32) -> String {
    if cfg!(unix) {
        let text = io::Error::from_raw_os_error(errno).to_string();
        return text
            .split(" (os error")
            .next()
            .unwrap_or_default()
            .to_owned();
    }
    match errno {
        2 => "No such file or directory",
        13 => "Permission denied",
        20 => "Not a directory",
        21 => "Is a directory",
        _ => "Invalid argument",
    }
    .to_owned()
}
