//! Files and folders as a manifest sees them: open files, and `os.walk`.

use std::cell::RefCell;
use std::rc::Rc;

use super::interpreter::Interpreter;
use super::value::{Arguments, Outcome, Throw, Value};
use crate::manifest::disk::{Disk, Name};
use crate::manifest::posix;

/// A file that is open for reading.
pub(crate) struct OpenFile {
    pub(crate) closed: bool,
    /// What is left of it.
    content: Content,
    at: usize,
}

enum Content {
    Text(String),
    Bytes(Vec<u8>),
}

impl OpenFile {
    fn rest(&self) -> Result<Value, Throw> {
        if self.closed {
            return Err(Throw::new("ValueError", "I/O operation on closed file."));
        }
        Ok(match &self.content {
            Content::Text(text) => Value::text(text.get(self.at..).unwrap_or_default()),
            Content::Bytes(bytes) => Value::Bytes(bytes.get(self.at..).unwrap_or_default().into()),
        })
    }

    /// Takes the lines that are left, with their ends.
    pub(crate) fn lines(&mut self) -> Result<Vec<String>, Throw> {
        let rest = self.rest()?;
        let Value::Text(text) = rest else {
            return Err(Throw::unsupported("lines of bytes"));
        };
        self.at += text.len();
        Ok(text.split_inclusive('\n').map(str::to_owned).collect())
    }
}

/// Decodes the text of a file, with all line ends as `\n`.
///
/// # Errors
/// `UnicodeDecodeError`.
pub(crate) fn decode(bytes: &[u8]) -> Result<String, Throw> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.contains('\r') => Ok(text.replace("\r\n", "\n").replace('\r', "\n")),
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(decode_error(bytes, error)),
    }
}

/// Returns CPython's error of bytes that are no UTF-8.
pub(crate) fn decode_error(bytes: &[u8], error: std::str::Utf8Error) -> Throw {
    let at = error.valid_up_to();
    let byte = bytes.get(at).copied().unwrap_or(0);
    let lead = matches!(byte, 0xc2..=0xf4);
    let reason = match error.error_len() {
        None => "unexpected end of data",
        Some(_) if lead => "invalid continuation byte",
        Some(_) => "invalid start byte",
    };
    let length = error.error_len().unwrap_or(bytes.len() - at);
    let message = if length == 1 {
        format!("'utf-8' codec can't decode byte 0x{byte:02x} in position {at}: {reason}")
    } else {
        format!(
            "'utf-8' codec can't decode bytes in position {at}-{}: {reason}",
            at + length - 1
        )
    };
    Throw::new("UnicodeDecodeError", message)
}

/// `open`: for reading only.
pub(super) fn open(interpreter: &mut Interpreter, arguments: Arguments) -> Outcome {
    let names = ["file", "mode", "buffering", "encoding", "errors", "newline"];
    let [file, mode, _, encoding, errors, newline] = arguments.bind("open", names, 1)?;
    let mode = mode
        .and_then(|mode| mode.as_text().cloned())
        .unwrap_or_else(|| "r".into());
    if mode.contains(['w', 'a', 'x', '+']) {
        return Err(Throw::unsupported("open() for writing"));
    }
    let plain = encoding.as_ref().is_none_or(|encoding| {
        let name = encoding
            .as_text()
            .map(|name| name.to_lowercase())
            .unwrap_or_default();
        matches!(name.as_str(), "" | "utf-8" | "utf8" | "ascii")
    });
    if !plain || errors.is_some() || newline.is_some() {
        return Err(Throw::unsupported("open() with an encoding"));
    }
    let path = crate::manifest::posix_text(&file.unwrap_or(Value::None))?;
    let bytes = interpreter.state.disk.read(&path)?;
    let content = if mode.contains('b') {
        Content::Bytes(bytes)
    } else {
        Content::Text(decode(&bytes)?)
    };
    Ok(Value::File(Rc::new(RefCell::new(OpenFile {
        closed: false,
        content,
        at: 0,
    }))))
}

/// Methods of open files.
pub(super) fn method(
    _: &mut Interpreter,
    file: &Rc<RefCell<OpenFile>>,
    name: &str,
    arguments: Arguments,
) -> Outcome {
    let mut file = file.borrow_mut();
    match name {
        "close" => {
            file.closed = true;
            Ok(Value::None)
        }
        "read" => {
            if !arguments.positional.is_empty() {
                return Err(Throw::unsupported("read() with a size"));
            }
            let rest = file.rest()?;
            file.at = usize::MAX / 2;
            Ok(rest)
        }
        "readlines" => Ok(Value::list(
            file.lines()?.into_iter().map(Value::text).collect(),
        )),
        "readline" => {
            let Value::Text(rest) = file.rest()? else {
                return Err(Throw::unsupported("lines of bytes"));
            };
            let line = rest
                .split_inclusive('\n')
                .next()
                .unwrap_or_default()
                .to_owned();
            file.at += line.len();
            Ok(Value::text(line))
        }
        _ => Err(Throw::unsupported(format!("{name}() of a file"))),
    }
}

/// `os.walk` from the top: a folder is looked at when it is its turn.
pub(crate) struct Walk {
    /// Folders that come next, the next one last.
    pending: Vec<Pending>,
    follow_links: bool,
}

enum Pending {
    Folder(String),
    /// The folders of one that was handed out: the manifest can change the list before its folders are entered.
    Listed(String, Rc<RefCell<Vec<Value>>>),
}

impl Walk {
    pub(crate) fn new(top: &str, follow_links: bool) -> Walk {
        Walk {
            pending: vec![Pending::Folder(top.to_owned())],
            follow_links,
        }
    }

    /// Returns the next folder and its names. Folders that cannot be read are left out.
    fn next_names(&mut self, disk: &Disk) -> Result<Option<(String, Vec<Name>)>, Throw> {
        loop {
            let path = match self.pending.pop() {
                None => return Ok(None),
                Some(Pending::Folder(path)) => path,
                Some(Pending::Listed(folder, names)) => {
                    for name in names.borrow().iter().rev() {
                        let Value::Text(name) = name else { continue };
                        let path = posix::join(&folder, name);
                        if self.follow_links || !disk.is_link(&path) {
                            self.pending.push(Pending::Folder(path));
                        }
                    }
                    continue;
                }
            };
            match disk.list(&path) {
                Ok(names) => return Ok(Some((path, names))),
                Err(Throw::Os { .. }) => {}
                Err(other) => return Err(other),
            }
        }
    }

    fn enter(&mut self, folder: &str, names: &[Name]) {
        for name in names.iter().rev() {
            if name.is_folder && (self.follow_links || !name.is_link) {
                self.pending
                    .push(Pending::Folder(posix::join(folder, &name.name)));
            }
        }
    }

    /// Returns the next folder and the names of its files.
    pub(crate) fn next_files(
        &mut self,
        disk: &Disk,
    ) -> Result<Option<(String, Vec<String>)>, Throw> {
        let Some((folder, names)) = self.next_names(disk)? else {
            return Ok(None);
        };
        self.enter(&folder, &names);
        let files = names
            .into_iter()
            .filter(|name| !name.is_folder)
            .map(|name| name.name);
        Ok(Some((folder, files.collect())))
    }

    /// Returns the next folder, and whether it has a manifest.
    pub(crate) fn next_folder(&mut self, disk: &Disk) -> Result<Option<(String, bool)>, Throw> {
        let Some((folder, files)) = self.next_files(disk)? else {
            return Ok(None);
        };
        let has_manifest = files.iter().any(|file| file == "manifest.py");
        Ok(Some((folder, has_manifest)))
    }

    /// Returns the next tuple of `os.walk`.
    pub(super) fn next(&mut self, disk: &Disk) -> Result<Option<Value>, Throw> {
        let Some((folder, names)) = self.next_names(disk)? else {
            return Ok(None);
        };
        let list = |folders: bool| {
            names
                .iter()
                .filter(|name| name.is_folder == folders)
                .map(|name| Value::text(&name.name))
                .collect()
        };
        let folders: Rc<RefCell<Vec<Value>>> = Rc::new(RefCell::new(list(true)));
        self.pending
            .push(Pending::Listed(folder.clone(), folders.clone()));
        let tuple = [
            Value::text(folder),
            Value::List(folders),
            Value::list(list(false)),
        ];
        Ok(Some(Value::Tuple(tuple.into())))
    }
}
