//! Storing content until it is copied. The content may exceed the memory: up to a mebibyte of it stays in
//! memory; if there is more, all of it is stored in a file without a name.

use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tempfile::SpooledTempFile;

/// Maximum number of bytes in memory.
const IN_MEMORY: usize = 1 << 20;

/// The file to which contents are written, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Spool(Arc<Mutex<SpooledTempFile>>);

/// One content in a spool.
#[derive(Clone, Debug)]
pub struct Spooled {
    spool: Spool,
    at: u64,
    size: u64,
}

impl Spool {
    /// Returns an empty spool.
    pub(crate) fn new() -> Spool {
        Spool(Arc::new(Mutex::new(SpooledTempFile::new(IN_MEMORY))))
    }

    /// Begins the next content.
    ///
    /// # Errors
    ///
    /// The file cannot be read or written.
    pub(crate) fn begin(&self) -> io::Result<Spooled> {
        let at = self.file().seek(SeekFrom::End(0))?;
        Ok(Spooled {
            spool: self.clone(),
            at,
            size: 0,
        })
    }

    fn file(&self) -> MutexGuard<'_, SpooledTempFile> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spooled {
    /// Adds bytes at the end. It must be the last content in its spool.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.spool.file();
        file.seek(SeekFrom::Start(self.at + self.size))?;
        file.write_all(bytes)?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Returns its size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns a reader of it from its beginning.
    pub fn reader(&self) -> impl Read + use<'_> {
        Reader {
            content: self,
            read: 0,
        }
    }

    /// Returns the whole content.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.size).unwrap_or(0));
        self.reader().read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Two are equal if they are the same part of the same spool: contents are not compared.
impl PartialEq for Spooled {
    fn eq(&self, other: &Spooled) -> bool {
        Arc::ptr_eq(&self.spool.0, &other.spool.0) && (self.at, self.size) == (other.at, other.size)
    }
}

impl Eq for Spooled {}

struct Reader<'a> {
    content: &'a Spooled,
    read: u64,
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = self.content.spool.file();
        // Other contents are read from the same file meanwhile.
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
    fn each_content_reads_back_as_it_was_written() {
        let spool = Spool::new();
        let mut one = spool.begin().unwrap();
        one.push(b"on").unwrap();
        one.push(b"e").unwrap();
        let empty = spool.begin().unwrap();
        let mut large = spool.begin().unwrap();
        for _ in 0..3 {
            large.push(&vec![7; IN_MEMORY]).unwrap();
        }
        // Readers of one spool take turns.
        for _ in 0..2 {
            let (mut first, mut second) = (one.reader(), large.reader());
            let mut found = Vec::new();
            second.read_exact(&mut [0; 10]).unwrap();
            first.read_to_end(&mut found).unwrap();
            assert_eq!(found, b"one");
            second.read_to_end(&mut found).unwrap();
            assert_eq!(found.len(), 3 * IN_MEMORY - 10 + 3);
        }
        assert_eq!(large.read().unwrap(), vec![7; 3 * IN_MEMORY]);
        assert_eq!((empty.size(), empty.read().unwrap()), (0, Vec::new()));
        assert!(one == one.clone() && one != empty);
    }
}
