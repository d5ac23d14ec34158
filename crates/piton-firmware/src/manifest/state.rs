//! What a manifest has said so far.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::disk::Disk;
use super::{Kind, Mode};
use crate::python::value::{Dict, Value};

/// What `metadata()` of one package said.
#[derive(Clone)]
pub(crate) struct Frame {
    pub(crate) is_require: bool,
    pub(crate) initialised: bool,
    version: Value,
    description: Value,
    license: Value,
    author: Value,
    pypi: Value,
    pypi_publish: Value,
    stdlib: Value,
}

impl Frame {
    pub(crate) fn new(is_require: bool) -> Rc<RefCell<Frame>> {
        Rc::new(RefCell::new(Frame {
            is_require,
            initialised: false,
            version: Value::None,
            description: Value::None,
            license: Value::None,
            author: Value::None,
            pypi: Value::None,
            pypi_publish: Value::None,
            stdlib: Value::Bool(false),
        }))
    }

    /// Returns version, description, license, author, pypi, pypi_publish.
    pub(crate) fn fields(&self) -> [Value; 6] {
        [
            &self.version,
            &self.description,
            &self.license,
            &self.author,
            &self.pypi,
            &self.pypi_publish,
        ]
        .map(Clone::clone)
    }

    pub(crate) fn field(&self, name: &str) -> Option<Value> {
        Some(match name {
            "version" => self.version.clone(),
            "description" => self.description.clone(),
            "license" => self.license.clone(),
            "author" => self.author.clone(),
            "pypi" => self.pypi.clone(),
            "pypi_publish" => self.pypi_publish.clone(),
            "stdlib" => self.stdlib.clone(),
            "_is_require" => Value::Bool(self.is_require),
            "_initialised" => Value::Bool(self.initialised),
            _ => return None,
        })
    }

    pub(crate) fn set_field(&mut self, name: &str, value: Value) {
        let slot = match name {
            "version" => &mut self.version,
            "description" => &mut self.description,
            "license" => &mut self.license,
            "author" => &mut self.author,
            "pypi" => &mut self.pypi,
            "pypi_publish" => &mut self.pypi_publish,
            "stdlib" => &mut self.stdlib,
            _ => return,
        };
        *slot = value;
    }
}

/// A manifest that is running, and the line it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Running {
    pub(crate) path: Rc<str>,
    pub(crate) line: u32,
}

/// A file that a manifest names.
pub(crate) struct Added {
    pub(crate) source: String,
    pub(crate) target: Value,
    pub(crate) modified: f64,
    pub(crate) kind: Kind,
    pub(crate) frame: Rc<RefCell<Frame>>,
    pub(crate) opt: Value,
    pub(crate) chain: Vec<Running>,
    pub(crate) function: &'static str,
    pub(crate) package: Option<Rc<str>>,
}

/// Folders of a library that are known, in the order of the walk, and those that are not looked at yet.
pub(crate) struct LibraryWalk {
    pub(crate) walk: crate::python::files::Walk,
    /// Each folder that has a manifest.
    pub(crate) found: Vec<String>,
}

/// What all manifests of one evaluation share.
pub(crate) struct State {
    pub(crate) mode: Mode,
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) disk: Disk,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) module_path: Vec<String>,
    /// What the manifests print.
    pub(crate) printed: String,
    /// The line that runs, of the innermost manifest.
    pub(crate) line: u32,
    pub(crate) files: Vec<Added>,
    pub(crate) pypi: Vec<Value>,
    pub(crate) c_modules: Vec<String>,
    pub(crate) visited: BTreeSet<String>,
    /// The manifests that were read, in order.
    pub(crate) manifests: Vec<String>,
    pub(crate) frames: Vec<Rc<RefCell<Frame>>>,
    pub(crate) libraries: Dict,
    pub(crate) library_folders: Vec<String>,
    pub(crate) library_walks: BTreeMap<String, LibraryWalk>,
    pub(crate) chain: Vec<Running>,
    /// The packages that are being required, the innermost last.
    pub(crate) packages: Vec<Rc<str>>,
    /// Arguments that are accepted and have no effect, with their place.
    pub(crate) ignored: Vec<super::Ignored>,
    /// The function of the manifest that runs.
    pub(crate) function: &'static str,
}

impl State {
    /// Returns the chain of manifests to the one that runs, each with its line.
    pub(crate) fn place(&self) -> Vec<Running> {
        let mut chain = self.chain.clone();
        if let Some(last) = chain.last_mut() {
            last.line = self.line;
        }
        chain
    }

    /// Returns the frame of the innermost package.
    pub(crate) fn frame(&self) -> Rc<RefCell<Frame>> {
        // The first frame is never taken off.
        self.frames
            .last()
            .cloned()
            .unwrap_or_else(|| Frame::new(false))
    }
}
