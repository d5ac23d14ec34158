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

/// The kinds of what an import of a path can load. device/mount.py reads them from the answer to `stat`.
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
    /// Maximum length in bytes of a whole answer, so that it fits the board's receive buffer.
    window: usize,
    inflates: bool,
    files: Files,
    /// The module that was compiled for the import that the board has begun: the path of the `.mpy` that the board will
    /// open, and its content.
    compiled: Option<(String, Arc<[u8]>)>,
    /// The last listing that was begun: its path and its entries, in order.
    listing: (PathBuf, Vec<Entry>),
    /// The file that the last request opened for reading.
    opened: Option<u8>,
    /// The file whose end is in the last answer. It is closed with the next request.
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

    /// Sets the facts that the board reported when it mounted: the `.mpy` files that it loads, and whether it inflates.
    pub(super) fn set_up(&mut self, mpy: u32, inflates: bool) {
        self.mpy = mpy;
        self.inflates = inflates;
    }

    /// Sets the maximum length of answers in bytes. An answer that cannot be split may be longer.
    pub(super) fn set_window(&mut self, window: usize) {
        self.window = window;
    }

    /// Returns a new answer to the last request, for a window that has changed. Returns `None` if the answer stays the
    /// same.
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
            kind::REMOVE => self.change(content, |host_path| {
                if is_folder(host_path) {
                    return Err(Errno::ISDIR);
                }
                Ok(fs::remove_file(host_path)?)
            }),
            kind::RENAME => self.rename(content),
            kind::MAKE_FOLDER => self.change(content, |host_path| Ok(fs::create_dir(host_path)?)),
            kind::REMOVE_FOLDER => self.change(content, |host_path| Ok(fs::remove_dir(host_path)?)),
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
        let host_path = self.root.locate(path, Last::Follow)?;
        if !host_path.metadata()?.is_dir() {
            return Err(Errno::NOTDIR);
        }
        let mut folder = String::from("/");
        for name in names(path)? {
            folder.push_str(name);
            folder.push('/');
        }
        Ok(with_content(folder.into_bytes()))
    }

    /// Answers `stat`. A refusal, and the answer for a folder, also say what an import of this name can load, so that an
    /// import needs no further request. The source of a package is not compiled: its import cannot be distinguished from
    /// a program that requests `__init__.py`. Its `stat` is part of the answer for the folder.
    fn stat(&mut self, content: &[u8]) -> Answer {
        let answered = text(content).and_then(|path| {
            let host_path = self.root.locate(path, Last::Follow)?;
            Ok((path, host_path.metadata()?))
        });
        match answered {
            Ok((path, metadata)) => {
                let mut answer = describe(&metadata);
                let init = format!("{}/__init__", path.trim_end_matches('/'));
                let module = match metadata.is_dir() {
                    true => self.importable(&init),
                    false => NOTHING,
                };
                answer.push(module);
                if module == SOURCE
                    && let Ok(host_path) = self.root.locate(&format!("{init}.py"), Last::Follow)
                    && let Ok(metadata) = host_path.metadata()
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

    /// Returns what an import of this name can load, and compiles it if it is a source.
    fn importable(&mut self, path: &str) -> u8 {
        self.compiled = None;
        let is_file = |host_path: &PathBuf| host_path.is_file();
        let source = self.root.locate(&format!("{path}.py"), Last::Follow);
        let Ok(host_path) = source.ok().filter(is_file).ok_or(()) else {
            let module = self.root.locate(&format!("{path}.mpy"), Last::Follow);
            return match module.ok().filter(is_file) {
                Some(_) => MODULE_FILE,
                None => NOTHING,
            };
        };
        match self.compile(path, &host_path) {
            Some(module) => {
                self.compiled = Some((format!("{path}.mpy"), module));
                COMPILED
            }
            None => SOURCE,
        }
    }

    fn compile(&self, path: &str, host_path: &Path) -> Option<Arc<[u8]>> {
        let translate = self.options.translate.as_ref()?;
        if host_path.metadata().ok()?.len() > LONGEST_SOURCE {
            return None;
        }
        if path.ends_with("/__init__") {
            return None;
        }
        let content = fs::read(host_path).ok()?;
        let name = format!("{}.py", names(path).ok()?.join("/"));
        translate(&Source {
            path: host_path,
            name: &name,
            content: &content,
            mpy: self.mpy,
            read_only: self.options.read_only,
        })
        .map(Arc::from)
    }

    fn list(&mut self, content: &[u8]) -> Answered {
        let (path, after) = two_texts(content)?;
        let host_path = self.root.locate(path, Last::Follow)?;
        if after.is_empty() || self.listing.0 != host_path {
            self.listing = (host_path.clone(), entries(&self.root, path, &host_path)?);
        }
        let rest = self.listing.1.iter();
        let rest = rest.skip_while(|entry| !after.is_empty() && entry.name.as_str() <= after);
        Ok(codec::listing(rest, self.room()))
    }

    /// Answers with the file's number. If the file is opened for reading, its beginning follows: a byte that says whether
    /// this is the whole file, and the content.
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
                let host_path = self.root.locate(path, Last::Follow)?;
                self.files.open(&host_path, mode)?
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
        // A program may leave closing a file to the board's garbage collector, which sends no request. Such files would
        // stay open here, so a file is closed as soon as its end was sent.
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
        let host_path = self.changeable(text(content)?)?;
        change(&host_path)?;
        Ok(Answer::default())
    }

    fn rename(&mut self, content: &[u8]) -> Answered {
        let (old, new) = two_texts(content)?;
        let old = self.changeable(old)?;
        let new = self.changeable(new)?;
        fs::rename(old, new)?;
        Ok(Answer::default())
    }

    /// Returns the path of an entry that a request changes; an error if the folder is read-only.
    fn changeable(&self, path: &str) -> Result<PathBuf, Errno> {
        match self.options.read_only {
            true => Err(Errno::ROFS),
            false => self.root.locate_changeable(path),
        }
    }

    fn space(&self, content: &[u8]) -> Answered {
        let host_path = self.root.locate(text(content)?, Last::Follow)?;
        let numbers = space(&host_path)?;
        Ok(with_content(
            numbers
                .iter()
                .flat_map(|number| number.to_le_bytes())
                .collect(),
        ))
    }
}

fn is_folder(host_path: &Path) -> bool {
    host_path
        .symlink_metadata()
        .is_ok_and(|metadata| metadata.is_dir())
}

/// Returns the entries of a folder, sorted by name. A link that must not be followed is listed as a file of size 0, so
/// that it can be removed.
fn entries(root: &Root, path: &str, host_path: &Path) -> Result<Vec<Entry>, Errno> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(host_path)? {
        let Ok(name) = entry?.file_name().into_string() else {
            continue;
        };
        // The length of a name has one byte in a listing.
        if name.len() > usize::from(u8::MAX) {
            continue;
        }
        let metadata = root
            .locate(&format!("{path}/{name}"), Last::Follow)
            .ok()
            .and_then(|host_path| host_path.metadata().ok());
        entries.push(Entry {
            mode: metadata.as_ref().map_or(FILE, codec::mode),
            size: metadata.as_ref().map_or(0, codec::size),
            name,
        });
    }
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(entries)
}

#[cfg(test)]
mod tests;
