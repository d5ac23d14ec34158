//! Answering the requests of a mounted folder. Paths of the board are resolved in `root`, bytes are read and made in
//! `codec`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::codec::{self, Entry, FILE, describe, kind, refusal, text, two_texts, with_content};
use super::errno::Errno;
use super::file::{COMPLETE, Files, Mode};
use super::frame::{ANSWER_OVERHEAD, Answer};
use super::root::{Last, Root, names};
use super::space::space;
use super::{MountOptions, Source};

/// What an import of a path finds, as device/mount.py reads it from the answer to `stat`.
const NOTHING: u8 = 0;
const COMPILED: u8 = 1;
const SOURCE: u8 = 2;
const MODULE_FILE: u8 = 3;

/// Maximum size in bytes of a source that is compiled, the same as mpremote's.
const LONGEST_SOURCE: u64 = 1024 * 1024;

/// Serves one folder to one board.
pub(super) struct Server {
    root: Root,
    options: MountOptions,
    mpy: u32,
    /// The longest answer that the board's receive buffer holds, in bytes, with everything around its content.
    window: usize,
    inflates: bool,
    files: Files,
    /// What was compiled for the import that the board has begun, with the path of the `.mpy` that it will open.
    compiled: Option<(String, Arc<[u8]>)>,
    /// The listing that was begun last: its path and its entries, in order.
    listing: (PathBuf, Vec<Entry>),
    /// The file that the last request opened for reading.
    opened: Option<u8>,
    /// The file whose end is in the last answer: it is closed with the next request.
    complete: Option<u8>,
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

    /// Sets what the board said when it mounted: the `.mpy` files that it loads, and whether it inflates.
    pub(super) fn set_up(&mut self, mpy: u32, inflates: bool) {
        self.mpy = mpy;
        self.inflates = inflates;
    }

    /// Sets how long answers may be from now on. One that cannot be split may be longer.
    pub(super) fn set_window(&mut self, window: usize) {
        self.window = window;
    }

    /// Returns the answer to the request that was served last, made anew for a window that has changed; `None` if the
    /// answer stays the same.
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

    /// Carries out a request; `None` for one that has no answer.
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
            kind::REMOVE => self.change(content, |place| {
                if is_folder(place) {
                    return Err(Errno::ISDIR);
                }
                Ok(fs::remove_file(place)?)
            }),
            kind::RENAME => self.rename(content),
            kind::MAKE_FOLDER => self.change(content, |place| Ok(fs::create_dir(place)?)),
            kind::REMOVE_FOLDER => self.change(content, |place| Ok(fs::remove_dir(place)?)),
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
            return Err(Errno::NOTDIR);
        }
        let mut folder = String::from("/");
        for name in names(path)? {
            folder.push_str(name);
            folder.push('/');
        }
        Ok(with_content(folder.into_bytes()))
    }

    /// Answers `stat`. A refusal also says what there is to import under this name, and so does the answer for a
    /// folder: the board needs no further request to import. The import of a package looks the same as a program that
    /// asks for `__init__.py`, so the package's own source is not compiled, and its `stat` comes with that of the
    /// folder.
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

    /// Returns what an import finds under this name, and compiles it if it is a source.
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
        let rest = self.listing.1.iter();
        let rest = rest.skip_while(|entry| !after.is_empty() && entry.name.as_str() <= after);
        Ok(codec::listing(rest, self.room()))
    }

    /// Answers with the file's number and, if it is opened for reading, its beginning: a byte that says whether that
    /// is all, and the content.
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
        // A program that does not close a file leaves that to the garbage collector, which sends no request: so the
        // end of the file closes it.
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
        let (number, whence, offset) = codec::seek(content)?;
        let position = self.files.seek(number, whence, offset)?;
        let position = i32::try_from(position).map_err(|_| Errno::INVAL)?;
        Ok(with_content(position.to_le_bytes().to_vec()))
    }

    fn change(&mut self, content: &[u8], change: impl Fn(&Path) -> Result<(), Errno>) -> Answered {
        let place = self.changeable(text(content)?)?;
        change(&place)?;
        Ok(Answer::default())
    }

    fn rename(&mut self, content: &[u8]) -> Answered {
        let (old, new) = two_texts(content)?;
        let old = self.changeable(old)?;
        let new = self.changeable(new)?;
        fs::rename(old, new)?;
        Ok(Answer::default())
    }

    /// Returns where something is that a request wants to change.
    fn changeable(&self, path: &str) -> Result<PathBuf, Errno> {
        match self.options.read_only {
            true => Err(Errno::ROFS),
            false => self.root.locate_changeable(path),
        }
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

fn is_folder(place: &Path) -> bool {
    place.symlink_metadata().is_ok_and(|found| found.is_dir())
}

/// Returns what is in a folder, sorted by name. A link that must not be followed is a file of no size, which can be
/// removed.
fn entries(root: &Root, path: &str, place: &Path) -> Result<Vec<Entry>, Errno> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(place)? {
        let Ok(name) = entry?.file_name().into_string() else {
            continue;
        };
        // The length of a name has one byte in a listing.
        if name.len() > usize::from(u8::MAX) {
            continue;
        }
        let found = root
            .locate(&format!("{path}/{name}"), Last::Follow)
            .ok()
            .and_then(|place| place.metadata().ok());
        entries.push(Entry {
            mode: found.as_ref().map_or(FILE, codec::mode),
            size: found.as_ref().map_or(0, codec::size),
            name,
        });
    }
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(entries)
}

#[cfg(test)]
mod tests;
