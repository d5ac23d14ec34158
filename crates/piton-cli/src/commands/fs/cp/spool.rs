//! Content that is not in a file here: what came from the board or from a pipe, before it goes to the board.
//!
//! It may be more than the memory holds, so it lies in one file without a name.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::rc::Rc;

use tempfile::SpooledTempFile;

/// So many bytes stay in memory.
const IN_MEMORY: usize = 1 << 20;

/// Where the content lies, one behind the other.
pub(super) struct Spool(Rc<RefCell<SpooledTempFile>>);

/// Content that lies in a spool.
pub(super) struct Spooled {
    file: Rc<RefCell<SpooledTempFile>>,
    at: u64,
    size: u64,
}

impl Spool {
    /// An empty one.
    pub(super) fn new() -> Spool {
        Spool(Rc::new(RefCell::new(SpooledTempFile::new(IN_MEMORY))))
    }

    /// Begins the next content. Errors of the system come when it grows.
    pub(super) fn begin(&self) -> Spooled {
        let at = self.0.borrow_mut().seek(SeekFrom::End(0));
        Spooled {
            file: Rc::clone(&self.0),
            at: at.unwrap_or_default(),
            size: 0,
        }
    }

    /// Takes all that the file at `path` gives.
    ///
    /// # Errors
    ///
    /// It cannot be read, or the spool not be written.
    pub(super) fn take_all(&self, path: &Path) -> io::Result<Spooled> {
        let mut from = File::open(path)?;
        let mut content = self.begin();
        content.size = io::copy(&mut from, &mut *self.0.borrow_mut())?;
        Ok(content)
    }
}

impl Spooled {
    /// Adds bytes at the end. It must be the last one in its spool.
    ///
    /// # Errors
    ///
    /// The spool cannot be written.
    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.file.borrow_mut();
        file.seek(SeekFrom::Start(self.at + self.size))?;
        file.write_all(bytes)?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// In bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Reads it from the beginning.
    pub(super) fn reader(&self) -> impl Read + use<'_> {
        Reader {
            content: self,
            read: 0,
        }
    }
}

struct Reader<'a> {
    content: &'a Spooled,
    read: u64,
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = self.content.file.borrow_mut();
        // Others read from the same file.
        file.seek(SeekFrom::Start(self.content.at + self.read))?;
        let count = (&mut *file)
            .take(self.content.size - self.read)
            .read(buffer)?;
        self.read += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_gives_back_what_went_in() {
        let spool = Spool::new();
        let mut one = spool.begin();
        one.push(b"on").unwrap();
        one.push(b"e").unwrap();
        let empty = spool.begin();
        let mut large = spool.begin();
        for _ in 0..3 {
            large.push(&vec![7; IN_MEMORY]).unwrap();
        }
        let mut found = Vec::new();
        for _ in 0..2 {
            let (mut first, mut second) = (one.reader(), large.reader());
            found.clear();
            second.read_exact(&mut [0; 10]).unwrap();
            first.read_to_end(&mut found).unwrap();
            assert_eq!(found, b"one");
            second.read_to_end(&mut found).unwrap();
            assert_eq!(found.len(), 3 * IN_MEMORY - 10 + 3);
        }
        assert_eq!(empty.size(), 0);
    }
}
