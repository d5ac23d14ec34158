//! The files that the board has open.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use super::errno::Errno;
use super::piece::{LONGEST_PIECE, Piece, pack};

/// Maximum number of files that a board may have open. A program that does not close its files gets `EMFILE`.
const MOST: usize = 200;

/// The number of a file that was sent completely and is not open any more.
pub(super) const COMPLETE: u8 = 254;

/// The mode of a file, as in Python. The board handles `b` and `t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mode {
    pub(super) read: bool,
    pub(super) write: bool,
    append: bool,
    truncate: bool,
    create: bool,
    create_new: bool,
}

impl Mode {
    pub(super) fn parse(text: &str) -> Result<Mode, Errno> {
        let mut action = None;
        let mut plus = false;
        for letter in text.chars() {
            match letter {
                'r' | 'w' | 'a' | 'x' if action.is_none() => action = Some(letter),
                '+' if !plus => plus = true,
                'b' | 't' => {}
                _ => return Err(Errno::INVAL),
            }
        }
        let action = action.unwrap_or('r');
        Ok(Mode {
            read: action == 'r' || plus,
            write: action != 'r' || plus,
            append: action == 'a',
            truncate: action == 'w',
            create: matches!(action, 'w' | 'a'),
            create_new: action == 'x',
        })
    }

    fn open(self, path: &Path) -> Result<File, Errno> {
        match path.metadata() {
            Ok(metadata) if metadata.is_dir() => return Err(Errno::ISDIR),
            // Opening a pipe or a device may block for ever, or have effects.
            Ok(metadata) if !metadata.is_file() => return Err(Errno::PERM),
            _ => {}
        }
        Ok(OpenOptions::new()
            .read(self.read)
            .write(self.write && !self.append)
            .append(self.append)
            .truncate(self.truncate)
            .create(self.create)
            .create_new(self.create_new)
            .open(path)?)
    }
}

/// One open file.
enum Handle {
    Disk {
        file: File,
        mode: Mode,
    },
    /// Content without a file: a module that the host compiled.
    Memory {
        bytes: Arc<[u8]>,
        at: usize,
    },
}

/// The open files by number.
#[derive(Default)]
pub(super) struct Files {
    open: Vec<Option<Handle>>,
    /// The file of the last read, and the number of bytes read.
    last_read: Option<(u8, usize)>,
}

impl Files {
    /// Opens a file of the disk and returns its number.
    pub(super) fn open(&mut self, path: &Path, mode: Mode) -> Result<u8, Errno> {
        let number = self.free()?;
        let file = mode.open(path)?;
        self.put(number, Handle::Disk { file, mode })
    }

    /// Opens content in memory and returns its number.
    pub(super) fn open_bytes(&mut self, bytes: Arc<[u8]>) -> Result<u8, Errno> {
        let number = self.free()?;
        self.put(number, Handle::Memory { bytes, at: 0 })
    }

    fn free(&mut self) -> Result<u8, Errno> {
        let number = match self.open.iter().position(Option::is_none) {
            Some(number) => number,
            None if self.open.len() < MOST => {
                self.open.push(None);
                self.open.len() - 1
            }
            None => return Err(Errno::MFILE),
        };
        u8::try_from(number).map_err(|_| Errno::MFILE)
    }

    fn put(&mut self, number: u8, handle: Handle) -> Result<u8, Errno> {
        let slot = self.open.get_mut(usize::from(number)).ok_or(Errno::MFILE)?;
        *slot = Some(handle);
        Ok(number)
    }

    fn get(&mut self, number: u8) -> Result<&mut Handle, Errno> {
        let handle = self.open.get_mut(usize::from(number));
        handle.and_then(Option::as_mut).ok_or(Errno::BADF)
    }

    pub(super) fn close(&mut self, number: u8) {
        if let Some(place) = self.open.get_mut(usize::from(number)) {
            *place = None;
        }
    }

    /// Returns the next piece of a file that fits into `room` bytes after `prefix`, and whether the file ends with it.
    pub(super) fn read(
        &mut self,
        number: u8,
        prefix: impl Fn(bool) -> Vec<u8>,
        room: usize,
        inflates: bool,
    ) -> Result<(Piece, bool), Errno> {
        let handle = self.get(number)?;
        let offered = handle.peek()?;
        let at_end = offered.len() < LONGEST_PIECE;
        let mut piece = pack(&prefix(at_end), &offered, room, inflates);
        let ended = at_end && piece.used == offered.len();
        if at_end && !ended {
            // Both prefixes have the same length.
            piece = pack(&prefix(false), &offered, room, inflates);
        }
        let ended = at_end && piece.used == offered.len();
        handle.advance(offered.len(), piece.used)?;
        self.last_read = Some((number, piece.used));
        Ok((piece, ended))
    }

    /// Undoes the last read, so that its content is read again.
    pub(super) fn take_back(&mut self) -> Result<(), Errno> {
        let (number, count) = self.last_read.take().ok_or(Errno::INVAL)?;
        match self.get(number)? {
            Handle::Disk { file, .. } => {
                let count = i64::try_from(count).map_err(|_| Errno::INVAL)?;
                file.seek(SeekFrom::Current(-count))?;
            }
            Handle::Memory { at, .. } => *at = at.saturating_sub(count),
        }
        Ok(())
    }

    pub(super) fn write(&mut self, number: u8, bytes: &[u8]) -> Result<(), Errno> {
        match self.get(number)? {
            Handle::Disk { file, mode } if mode.write => Ok(file.write_all(bytes)?),
            _ => Err(Errno::BADF),
        }
    }

    /// Seeks, and returns the new position.
    pub(super) fn seek(&mut self, number: u8, whence: u8, offset: i32) -> Result<u64, Errno> {
        let target = match whence {
            0 => SeekFrom::Start(u64::try_from(offset).map_err(|_| Errno::INVAL)?),
            1 => SeekFrom::Current(offset.into()),
            2 => SeekFrom::End(offset.into()),
            _ => return Err(Errno::INVAL),
        };
        match self.get(number)? {
            Handle::Disk { file, .. } => Ok(file.seek(target)?),
            Handle::Memory { bytes, at } => {
                let mut cursor = io::Cursor::new(&*bytes);
                cursor.set_position(*at as u64);
                let position = cursor.seek(target)?;
                *at = usize::try_from(position).map_err(|_| Errno::INVAL)?;
                Ok(position)
            }
        }
    }
}

impl Handle {
    /// Returns the next bytes, [`LONGEST_PIECE`] of them unless the file ends before.
    fn peek(&mut self) -> Result<Vec<u8>, Errno> {
        match self {
            Handle::Disk { file, mode } if mode.read => {
                let mut offered = Vec::with_capacity(LONGEST_PIECE);
                Read::by_ref(file)
                    .take(LONGEST_PIECE as u64)
                    .read_to_end(&mut offered)?;
                Ok(offered)
            }
            Handle::Disk { .. } => Err(Errno::BADF),
            Handle::Memory { bytes, at } => {
                let rest = bytes.get(*at..).unwrap_or_default();
                Ok(rest.get(..LONGEST_PIECE).unwrap_or(rest).to_vec())
            }
        }
    }

    /// Moves the position: `used` of the `offered` bytes were sent.
    fn advance(&mut self, offered: usize, used: usize) -> Result<(), Errno> {
        match self {
            Handle::Disk { file, .. } => {
                let unused = i64::try_from(offered.saturating_sub(used)).unwrap_or_default();
                file.seek(SeekFrom::Current(-unused))?;
            }
            Handle::Memory { at, .. } => *at += used,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_parsed_as_python_does() {
        for (text, read, write) in [
            ("r", true, false),
            ("rb", true, false),
            ("", true, false),
            ("w", false, true),
            ("ab", false, true),
            ("r+", true, true),
            ("w+b", true, true),
            ("xt", false, true),
        ] {
            let mode = Mode::parse(text).unwrap();
            assert_eq!((mode.read, mode.write), (read, write), "{text:?}");
        }
        for text in ["rw", "q", "r++", "U"] {
            assert_eq!(Mode::parse(text), Err(Errno::INVAL), "{text:?}");
        }
    }

    #[test]
    fn a_program_that_closes_no_files_gets_emfile() {
        let mut files = Files::default();
        let bytes: Arc<[u8]> = Arc::from(&b"x"[..]);
        for number in 0..MOST {
            assert_eq!(files.open_bytes(Arc::clone(&bytes)), Ok(number as u8));
        }
        assert_eq!(files.open_bytes(Arc::clone(&bytes)), Err(Errno::MFILE));
        files.close(7);
        assert_eq!(files.open_bytes(bytes), Ok(7));
        assert_eq!(files.write(7, b""), Err(Errno::BADF));
        assert_eq!(files.seek(7, 0, -1), Err(Errno::INVAL));
        assert_eq!(files.seek(200, 0, 0), Err(Errno::BADF));
    }
}
