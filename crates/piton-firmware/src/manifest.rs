//! Manifests: the Python files that say what is frozen into firmware, or belongs to a package.
//!
//! A manifest is evaluated as tools/manifestfile.py of MicroPython 1.29 does it: entries, their order, metadata and messages
//! are the same. It runs in an interpreter of its own, which can read files and not write them, and which starts no program.
//! What that does not know ends with [`ErrorKind::Unsupported`], and can be run by CPython (`evaluate_with`).
//!
//! ```
//! use piton_firmware::manifest::{Mode, Request, evaluate};
//!
//! let request = Request::new(Mode::Freeze, vec!["print('hello')".to_owned()]);
//! let evaluation = evaluate(&request)?;
//! assert_eq!(evaluation.printed, "hello\n");
//! assert!(evaluation.files.is_empty());
//! # Ok::<(), piton_firmware::manifest::Error>(())
//! ```

pub(crate) mod api;
mod arguments;
mod binding;
pub(crate) mod disk;
mod evaluation;
pub(crate) mod posix;
pub(crate) mod state;

pub use evaluation::{evaluate, evaluate_with};

/// What a manifest is evaluated for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// For firmware: all functions.
    Freeze,
    /// For `.mpy` files of a package: no `freeze` functions, and metadata comes first.
    Compile,
    /// For a package on PyPI: as [`Mode::Compile`], and requirements can become names of PyPI.
    Pyproject,
    /// For the list of C modules: nothing is frozen.
    ListCModules,
}

/// How a file goes into the firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `module` or `package` named a file that is neither Python nor `.mpy`. No build can use it.
    Auto,
    /// `freeze` named such a file.
    FreezeAuto,
    /// As its source text.
    FreezeAsStr,
    /// Compiled.
    FreezeAsMpy,
    /// As it is: a `.mpy` file.
    FreezeMpy,
    /// Compiled, for a package.
    CompileAsMpy,
}

impl Kind {
    /// Returns its name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Auto => "auto",
            Kind::FreezeAuto => "freeze_auto",
            Kind::FreezeAsStr => "freeze_as_str",
            Kind::FreezeAsMpy => "freeze_as_mpy",
            Kind::FreezeMpy => "freeze_mpy",
            Kind::CompileAsMpy => "compile_as_mpy",
        }
    }
}

/// A value that a manifest gives, for example as a version.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// `None`
    None,
    /// `True` or `False`
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// A text.
    Text(String),
    /// A list or tuple.
    Sequence(Vec<Data>),
    /// A dict.
    Mapping(Vec<(Data, Data)>),
    /// The text of anything else.
    Other(String),
}

/// What a manifest says of its package.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// The version.
    pub version: Data,
    /// What it is.
    pub description: Data,
    /// Its license.
    pub license: Data,
    /// Who wrote it.
    pub author: Data,
    /// The package on PyPI that it is made after.
    pub pypi: Data,
    /// Its own name on PyPI.
    pub pypi_publish: Data,
}

/// A line of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The absolute path of the manifest, or `<argument>` for source on the command line.
    pub manifest: String,
    /// The line, from 1.
    pub line: u32,
}

/// A file that a manifest names.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// The absolute path of the file.
    pub source: String,
    /// Its path on the board.
    pub target: String,
    /// When it was changed, in seconds since 1970.
    pub modified: f64,
    /// How it is used.
    pub kind: Kind,
    /// The level of optimization that the manifest asks for.
    pub opt: Data,
    /// What the innermost required package says of itself.
    pub metadata: Metadata,
    /// The innermost required package.
    pub package: Option<String>,
    /// The function that named it.
    pub function: &'static str,
    /// The manifests that led to it, from the outermost, each with the line of the call.
    pub chain: Vec<Place>,
}

/// An argument of `require` that has no effect by itself: it becomes an option of the package's manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// The manifest.
    pub manifest: String,
    /// The line, from 1.
    pub line: u32,
    /// The name of the argument.
    pub argument: String,
}

/// What is to be evaluated.
#[derive(Clone, Debug)]
pub struct Request {
    /// What for.
    pub mode: Mode,
    /// The variables of paths: `$(NAME)` and its value, in order.
    pub variables: Vec<(String, String)>,
    /// Paths of manifests (they end with `.py`), or source.
    pub manifests: Vec<String>,
    /// Whether packages of `unix-ffi` in `MPY_LIB_DIR` go before all others.
    pub unix_ffi: bool,
    /// Whether folders are listed by name, and not in the order of the file system, as upstream does.
    pub sorted: bool,
    /// The folder that relative paths begin in.
    pub folder: String,
    /// What a manifest finds in `os.environ`.
    pub environment: Vec<(String, String)>,
    /// Where a manifest can import Python files from: `sys.path`.
    pub module_path: Vec<String>,
}

impl Request {
    /// Makes a request without variables, for the current folder and without an environment.
    #[must_use]
    pub fn new(mode: Mode, manifests: Vec<String>) -> Request {
        let folder = std::env::current_dir().map_or_else(
            |_| "/".to_owned(),
            |folder| folder.to_string_lossy().replace('\\', "/"),
        );
        Request {
            mode,
            variables: Vec::new(),
            manifests,
            unix_ffi: false,
            sorted: false,
            folder,
            environment: Vec::new(),
            module_path: Vec::new(),
        }
    }
}

/// What manifests may do that run in Python itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// The folders that they may write in.
    pub writable: Vec<String>,
    /// Whether they may start programs and use the network.
    pub programs: bool,
}

/// What manifests say.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The files, in the order of the calls.
    pub files: Vec<File>,
    /// The folders of C modules.
    pub c_modules: Vec<String>,
    /// The requirements on PyPI, in [`Mode::Pyproject`].
    pub pypi: Vec<Data>,
    /// What the outermost manifest says of itself.
    pub metadata: Metadata,
    /// What the manifests print.
    pub printed: String,
    /// The manifests that were read, in order.
    pub manifests: Vec<String>,
    /// Arguments of `require` that only become options.
    pub ignored: Vec<Ignored>,
}

/// Why a manifest has no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The text, word for word as upstream has it for [`ErrorKind::Manifest`].
    pub message: String,
    /// The manifest of the request that it happened in.
    pub manifest: String,
    /// What the manifests printed before.
    pub printed: String,
    /// What kind of error it is.
    pub kind: ErrorKind,
}

/// What kind of error it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The manifest is wrong, or a file that it names is missing.
    Manifest,
    /// The manifest needs what only Python itself has.
    Unsupported,
    /// The manifest ended the program, with this exit code.
    Exit(i32),
    /// Python could not be started, or was ended.
    Python,
}

/// Returns the text of a path that a manifest gives to Python's own functions.
pub(crate) fn posix_text(
    value: &crate::python::value::Value,
) -> Result<String, crate::python::value::Throw> {
    arguments::path_text(value)
}

/// Returns a path of a folder without dots, as Python's `os.path.abspath` does: without a look at the disk.
#[must_use]
pub fn absolute(path: &str, folder: &str) -> String {
    posix::absolute(path, folder)
}
