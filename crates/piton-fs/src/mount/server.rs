//! What a mounted folder answers to each request.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::errno::Errno;
use super::file::{COMPLETE, Files, Mode};
use super::frame::{ANSWER_OVERHEAD, Answer};
use super::root::{Last, Root, names};
use super::{MountOptions, Source};

/// The requests, as device/mount.py numbers them.
mod kind {
    pub(super) const CHANGE_FOLDER: u8 = 1;
    pub(super) const STAT: u8 = 2;
    pub(super) const LIST: u8 = 3;
    pub(super) const OPEN: u8 = 4;
    pub(super) const READ: u8 = 5;
    pub(super) const WRITE: u8 = 6;
    pub(super) const SEEK: u8 = 7;
    pub(super) const CLOSE: u8 = 8;
    pub(super) const REMOVE: u8 = 9;
    pub(super) const RENAME: u8 = 10;
    pub(super) const MAKE_FOLDER: u8 = 11;
    pub(super) const REMOVE_FOLDER: u8 = 12;
    pub(super) const SPACE: u8 = 13;
}

/// MicroPython's S_IFDIR and S_IFREG.
const FOLDER: u32 = 0x4000;
const FILE: u32 = 0x8000;

/// What an import of a path finds, as device/mount.py has it in `stat`.
const NOTHING: u8 = 0;
const COMPILED: u8 = 1;
const SOURCE: u8 = 2;
const MODULE_FILE: u8 = 3;

/// Sources of more bytes than this are not compiled: as in mpremote's auto-mpy.
const LONGEST_SOURCE: u64 = 1024 * 1024;

/// Serves one folder to one board.
pub(super) struct Server {
    root: Root,
    options: MountOptions,
    mpy: u32,
    /// Answers of so many bytes are safe, all told.
    window: usize,
    inflates: bool,
    files: Files,
    /// What was compiled for the import that the board is about to do, by the path of the `.mpy` that it will open.
    compiled: Option<(String, Arc<[u8]>)>,
    /// The listing that was last begun: its path, and its entries, in order.
    listing: (PathBuf, Vec<Entry>),
    /// The file that the last request has opened for reading.
    opened: Option<u8>,
    /// The file that the board has all of, once it has the last answer.
    complete: Option<u8>,
}

/// One name in a folder.
struct Entry {
    name: String,
    mode: u32,
    size: u32,
}

type Answered = Result<Answer, Errno>;

impl Server {
    pub(super) fn new(root: Root, options: MountOptions) -> Server {
        Server {
            root,
            options,
            mpy: 0,
            window: 0,
            inflates: false,
            files: Files::default(),
            compiled: None,
            listing: (PathBuf::new(), Vec::new()),
            opened: None,
            complete: None,
        }
    }

    /// What the board can do.
    pub(super) fn set_up(&mut self, mpy: u32, inflates: bool) {
        self.mpy = mpy;
        self.inflates = inflates;
    }

    /// How long answers may be from now on, all told. One that can't be parted may be longer.
    pub(super) fn set_window(&mut self, window: usize) {
        self.window = window;
    }

    /// The answer to the request that was served last, made anew for the window of now; `None` where it stays as it was.
    pub(super) fn serve_again(&mut self, kind: u8, content: &[u8]) -> Option<Answer> {
        let answered = match kind {
            kind::LIST => self.list(content),
            kind::READ => {
                self.files.take_back().ok()?;
                self.read(content)
            }
            kind::OPEN => {
                let number = self.opened?;
                self.files.take_back().ok()?;
                self.complete = None;
                self.beginning(number)
            }
            _ => return None,
        };
        Some(answered.unwrap_or_else(refusal))
    }

    /// Do what is asked; `None` for a request that has no answer.
    pub(super) fn serve(&mut self, kind: u8, content: &[u8]) -> Option<Answer> {
        self.opened = None;
        if let Some(number) = self.complete.take() {
            self.files.close(number);
        }
        if kind == kind::CLOSE {
            if let Some(&number) = content.first() {
                self.files.close(number);
            }
            return None;
        }
        let answered = match kind {
            kind::CHANGE_FOLDER => self.change_folder(content),
            kind::STAT => return Some(self.stat(content)),
            kind::LIST => self.list(content),
            kind::OPEN => self.open(content),
            kind::READ => self.read(content),
            kind::WRITE => self.write(content),
            kind::SEEK => self.seek(content),
            kind::REMOVE => self.change(content, Last::Keep, |place| {
                if is_folder(place) {
                    return Err(Errno::ISDIR);
                }
                Ok(fs::remove_file(place)?)
            }),
            kind::RENAME => self.rename(content),
            kind::MAKE_FOLDER => {
                self.change(content, Last::Keep, |place| Ok(fs::create_dir(place)?))
            }
            kind::REMOVE_FOLDER => {
                self.change(content, Last::Keep, |place| Ok(fs::remove_dir(place)?))
            }
            kind::SPACE => self.space(content),
            _ => Err(Errno::INVAL),
        };
        Some(answered.unwrap_or_else(refusal))
    }

    fn room(&self) -> usize {
        self.window.saturating_sub(ANSWER_OVERHEAD)
    }

    fn change_folder(&mut self, content: &[u8]) -> Answered {
        let path = text(content)?;
        let place = self.root.locate(path, Last::Follow)?;
        if !place.metadata()?.is_dir() {
            return Err(Errno::from(std::io::Error::from(
                std::io::ErrorKind::NotADirectory,
            )));
        }
        let mut folder = String::from("/");
        for name in names(path)? {
            folder.push_str(name);
            folder.push('/');
        }
        Ok(with_content(folder.into_bytes()))
    }

    /// A refusal tells as well what there is to import under this name, and so does the answer for a folder. An import of a
    /// package asks for nothing by which it is told from a program, so the package's own source is not compiled, and what is
    /// known of it comes with the folder.
    fn stat(&mut self, content: &[u8]) -> Answer {
        let found = text(content).and_then(|path| {
            let place = self.root.locate(path, Last::Follow)?;
            Ok((path, place.metadata()?))
        });
        match found {
            Ok((path, metadata)) => {
                let mut answer = describe(&metadata);
                let init = format!("{}/__init__", path.trim_end_matches('/'));
                let module = match metadata.is_dir() {
                    true => self.importable(&init),
                    false => NOTHING,
                };
                answer.push(module);
                if module == SOURCE
                    && let Ok(place) = self.root.locate(&format!("{init}.py"), Last::Follow)
                    && let Ok(metadata) = place.metadata()
                {
                    answer.extend(describe(&metadata));
                    answer.push(NOTHING);
                }
                with_content(answer)
            }
            Err(errno) => {
                let mut answer = refusal(errno);
                if errno == Errno::NOENT
                    && let Ok(path) = text(content)
                {
                    answer.content.push(self.importable(path));
                }
                answer
            }
        }
    }

    /// What an import finds under this name.
    fn importable(&mut self, path: &str) -> u8 {
        self.compiled = None;
        let is_file = |place: &PathBuf| place.is_file();
        let source = self.root.locate(&format!("{path}.py"), Last::Follow);
        let Ok(place) = source.ok().filter(is_file).ok_or(()) else {
            let module = self.root.locate(&format!("{path}.mpy"), Last::Follow);
            return match module.ok().filter(is_file) {
                Some(_) => MODULE_FILE,
                None => NOTHING,
            };
        };
        match self.compile(path, &place) {
            Some(module) => {
                self.compiled = Some((format!("{path}.mpy"), module));
                COMPILED
            }
            None => SOURCE,
        }
    }

    fn compile(&self, path: &str, place: &Path) -> Option<Arc<[u8]>> {
        let translate = self.options.translate.as_ref()?;
        if place.metadata().ok()?.len() > LONGEST_SOURCE {
            return None;
        }
        if path.ends_with("/__init__") {
            return None;
        }
        let content = fs::read(place).ok()?;
        let name = format!("{}.py", names(path).ok()?.join("/"));
        translate(&Source {
            path: place,
            name: &name,
            content: &content,
            mpy: self.mpy,
            read_only: self.options.read_only,
        })
        .map(Arc::from)
    }

    fn list(&mut self, content: &[u8]) -> Answered {
        let (path, after) = two_texts(content)?;
        let place = self.root.locate(path, Last::Follow)?;
        if after.is_empty() || self.listing.0 != place {
            self.listing = (place.clone(), entries(&self.root, path, &place)?);
        }
        let room = self.room();
        let mut answer = Vec::new();
        let mut more = 0;
        let rest = self
            .listing
            .1
            .iter()
            .skip_while(|entry| !after.is_empty() && entry.name.as_str() <= after);
        for entry in rest {
            let length = u8::try_from(entry.name.len()).unwrap_or(u8::MAX);
            // A long name goes alone into an answer that is too long: there is no other way on.
            if !answer.is_empty() && answer.len() + 7 + usize::from(length) > room {
                more = 1;
                break;
            }
            answer.extend((entry.mode as u16).to_le_bytes());
            answer.extend(entry.size.to_le_bytes());
            answer.push(length);
            answer.extend(entry.name.as_bytes());
        }
        Ok(Answer {
            status: more,
            content: answer,
            packed: false,
        })
    }

    /// Gives the file's number, and, if it can only be read, its beginning: a byte that tells whether that is all,
    /// and the content.
    fn open(&mut self, content: &[u8]) -> Answered {
        let (&compiled, content) = content.split_first().ok_or(Errno::INVAL)?;
        let (mode, path) = two_texts(content)?;
        let mode = Mode::parse(mode)?;
        let number = match self.compiled.take() {
            Some((name, module)) if compiled == 1 && name == path => {
                self.files.open_bytes(module)?
            }
            _ => {
                if mode.write && self.options.read_only {
                    return Err(Errno::ROFS);
                }
                let place = self.root.locate(path, Last::Follow)?;
                self.files.open(&place, mode)?
            }
        };
        if mode.write {
            return Ok(Answer {
                status: number.into(),
                ..Answer::default()
            });
        }
        self.opened = Some(number);
        self.beginning(number)
    }

    fn beginning(&mut self, number: u8) -> Answered {
        let prefix = |ended| vec![u8::from(ended)];
        let first = self.files.read(number, prefix, self.room(), self.inflates);
        let (piece, ended) = first.inspect_err(|_| self.files.close(number))?;
        // Programs often leave it to the garbage collector to close a file, which does not tell us.
        self.complete = ended.then_some(number);
        Ok(Answer {
            status: if ended { COMPLETE } else { number }.into(),
            content: piece.content,
            packed: piece.packed,
        })
    }

    fn read(&mut self, content: &[u8]) -> Answered {
        let &number = content.first().ok_or(Errno::INVAL)?;
        let (piece, ended) = self
            .files
            .read(number, |_| Vec::new(), self.room(), self.inflates)?;
        Ok(Answer {
            status: i16::from(ended),
            content: piece.content,
            packed: piece.packed,
        })
    }

    fn write(&mut self, content: &[u8]) -> Answered {
        let (&number, bytes) = content.split_first().ok_or(Errno::INVAL)?;
        self.files.write(number, bytes)?;
        Ok(Answer::default())
    }

    fn seek(&mut self, content: &[u8]) -> Answered {
        let &[number, whence, o0, o1, o2, o3] = content else {
            return Err(Errno::INVAL);
        };
        let offset = i32::from_le_bytes([o0, o1, o2, o3]);
        let position = self.files.seek(number, whence, offset)?;
        let position = i32::try_from(position).map_err(|_| Errno::INVAL)?;
        Ok(with_content(position.to_le_bytes().to_vec()))
    }

    fn change(
        &mut self,
        content: &[u8],
        last: Last,
        change: impl Fn(&Path) -> Result<(), Errno>,
    ) -> Answered {
        let place = self.changeable(text(content)?, last)?;
        change(&place)?;
        Ok(Answer::default())
    }

    fn rename(&mut self, content: &[u8]) -> Answered {
        let (old, new) = two_texts(content)?;
        let old = self.changeable(old, Last::Keep)?;
        let new = self.changeable(new, Last::Keep)?;
        fs::rename(old, new)?;
        Ok(Answer::default())
    }

    /// Where something is that may be changed: not the mounted folder itself.
    fn changeable(&self, path: &str, last: Last) -> Result<PathBuf, Errno> {
        if self.options.read_only {
            return Err(Errno::ROFS);
        }
        if names(path)?.is_empty() {
            return Err(Errno::PERM);
        }
        self.root.locate(path, last)
    }

    fn space(&self, content: &[u8]) -> Answered {
        let place = self.root.locate(text(content)?, Last::Follow)?;
        let numbers = space(&place)?;
        Ok(with_content(
            numbers
                .iter()
                .flat_map(|number| number.to_le_bytes())
                .collect(),
        ))
    }
}

fn refusal(errno: Errno) -> Answer {
    Answer {
        status: -errno.0,
        ..Answer::default()
    }
}

fn with_content(content: Vec<u8>) -> Answer {
    Answer {
        content,
        ..Answer::default()
    }
}

fn text(content: &[u8]) -> Result<&str, Errno> {
    std::str::from_utf8(content).map_err(|_| Errno::INVAL)
}

fn two_texts(content: &[u8]) -> Result<(&str, &str), Errno> {
    text(content)?.split_once('\0').ok_or(Errno::INVAL)
}

fn is_folder(place: &Path) -> bool {
    place.symlink_metadata().is_ok_and(|found| found.is_dir())
}

/// Mode, size, and the times of access, modification and creation, in seconds since 1970.
fn describe(metadata: &Metadata) -> Vec<u8> {
    let seconds = |time: std::io::Result<SystemTime>| {
        let since = time
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        clamped(since.unwrap_or_default().as_secs())
    };
    let modified = seconds(metadata.modified());
    let created = metadata.created();
    let numbers = [
        mode(metadata),
        size(metadata),
        seconds(metadata.accessed()),
        modified,
        if created.is_ok() {
            seconds(created)
        } else {
            modified
        },
    ];
    numbers
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect()
}

fn mode(metadata: &Metadata) -> u32 {
    if metadata.is_dir() { FOLDER } else { FILE }
}

fn size(metadata: &Metadata) -> u32 {
    if metadata.is_dir() {
        0
    } else {
        clamped(metadata.len())
    }
}

fn clamped(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// What is in a folder, by name. A link that must not be followed is a file of no size, which can be removed.
fn entries(root: &Root, path: &str, place: &Path) -> Result<Vec<Entry>, Errno> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(place)? {
        let Ok(name) = entry?.file_name().into_string() else {
            continue;
        };
        // No board can ask for it.
        if name.len() > usize::from(u8::MAX) {
            continue;
        }
        let found = root
            .locate(&format!("{path}/{name}"), Last::Follow)
            .ok()
            .and_then(|place| place.metadata().ok());
        entries.push(Entry {
            mode: found.as_ref().map_or(FILE, mode),
            size: found.as_ref().map_or(0, size),
            name,
        });
    }
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(entries)
}

/// The ten numbers of `os.statvfs`.
#[cfg(unix)]
fn space(place: &Path) -> Result<[u32; 10], Errno> {
    let found = rustix::fs::statvfs(place).map_err(std::io::Error::from)?;
    // A disk of today has more blocks than 32 bits count: larger ones then.
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

/// The standard library can't tell.
#[cfg(not(unix))]
fn space(_: &Path) -> Result<[u32; 10], Errno> {
    Err(Errno::NOSYS)
}

#[cfg(test)]
mod tests;
