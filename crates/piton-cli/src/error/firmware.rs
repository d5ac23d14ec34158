//! Failures of the commands for manifests and firmware.

use piton::building::BuildTarget;
use piton::firmware::ErrorKind;
use piton::firmware::freezing::MakeError;
use piton::firmware::index::IndexError;
use piton::firmware::project::ProjectManifestError;

/// Why a manifest, or what it lists, cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FirmwareError {
    /// The manifest is wrong, or cannot be evaluated.
    #[error("{0}")]
    Manifest(piton::firmware::Error),
    /// What a manifest lists cannot be frozen.
    #[error("{0}")]
    Make(piton::firmware::freezing::MakeError),
    /// What a manifest lists cannot become files.
    #[error("{0}")]
    Ship(piton::firmware::shipping::ShippingError),
    /// A project gives no manifest.
    #[error("{0}")]
    Project(piton::firmware::project::ProjectManifestError),
    /// An index cannot be made.
    #[error("{0}")]
    Index(piton::firmware::index::IndexError),
    /// A release has frozen modules in another form.
    #[error("frozen modules of {target} are not written here: they have another form")]
    NotFrozen {
        /// The release.
        target: BuildTarget,
    },
    /// The build has no list of the firmware's strings.
    #[error("the list of the firmware's strings cannot be read: `{path}`: {source}")]
    Header {
        /// Its path.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A variable has no value.
    #[error("`{text}` is not a variable: `NAME=VALUE` is expected")]
    Variable {
        /// As it is written.
        text: String,
    },
    /// A file has no sizes of modules.
    #[error("`{path}` does not have what `freeze --size --json` prints")]
    NoSizes {
        /// Its path.
        path: String,
    },
    /// Modules import what is not there. They are listed already.
    #[error("{count} import{} nothing", if *count == 1 { " finds" } else { "s find" })]
    Imports {
        /// How many imports.
        count: usize,
    },
    /// The failure is printed already.
    #[error("the manifest could not be evaluated")]
    Printed {
        /// The exit code.
        code: u8,
    },
}

impl FirmwareError {
    /// Returns what a person can do. `name` is the name of this program.
    pub(super) fn hints(&self, name: &str) -> Vec<String> {
        match self {
            FirmwareError::Manifest(error) if error.kind == ErrorKind::Unsupported => {
                vec![format!(
                    "without `--strict`, {name} runs such a manifest with `python3`; it may not write files there"
                )]
            }
            FirmwareError::Manifest(error) if error.kind == ErrorKind::Python => {
                vec!["`--python PROGRAM` names the Python to use".to_owned()]
            }
            FirmwareError::Manifest(error)
                if error.message.contains("piton: this manifest may not") =>
            {
                vec!["`--allow-write FOLDER` and `--allow-programs` permit it".to_owned()]
            }
            FirmwareError::Header { .. } => vec![
                "the build of the firmware makes it; `--build-dir FOLDER` names the folder of the build".to_owned(),
            ],
            FirmwareError::Make(_) | FirmwareError::Ship(_)
                if self.to_string().trim_end().ends_with("SyntaxError: invalid arch") =>
            {
                vec![
                    "a function in machine code needs a processor: `--target micropython:ARCH` of `freeze` and `romfs build` names it"
                        .to_owned(),
                ]
            }
            FirmwareError::Project(ProjectManifestError::NoCode { .. }) => {
                vec!["`name = \"NAME\"` in `[tool.piton]` names the folder or module".to_owned()]
            }
            FirmwareError::NotFrozen { .. } => vec![
                "expected micropython-1.23 to micropython-1.29; an older firmware is built with the tools of its own source tree"
                    .to_owned(),
            ],
            FirmwareError::Make(MakeError::Freeze(error)) if error.to_string().contains("incompatible .mpy") => {
                vec![format!(
                    "only files of MicroPython 1.19 on are frozen, with machine code of 1.23 on; `{name} inspect FILE` shows which \
                     firmware can load it: list the source instead"
                )]
            }
            FirmwareError::Index(IndexError::Empty { .. }) => {
                vec!["`--folder NAME` names a folder of the library with packages".to_owned()]
            }
            FirmwareError::Index(IndexError::Collision { .. }) => vec![
                "if that file is not damaged, use a longer `--hash-prefix`; `mip` accepts any"
                    .to_owned(),
            ],
            _ => Vec::new(),
        }
    }

    /// Returns the exit code.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            FirmwareError::Printed { code } => *code,
            FirmwareError::Manifest(error) => match error.kind {
                ErrorKind::Exit(code) => u8::try_from(code).unwrap_or(1),
                _ => 1,
            },
            FirmwareError::Make(_)
            | FirmwareError::Ship(_)
            | FirmwareError::Index(_)
            | FirmwareError::Project(_)
            | FirmwareError::NotFrozen { .. }
            | FirmwareError::Header { .. }
            | FirmwareError::NoSizes { .. }
            | FirmwareError::Imports { .. } => 1,
            FirmwareError::Variable { .. } => super::USAGE,
        }
    }
}
