//! Why a build is not taken.

use piton::shipment::What;
use piton::shipment::record::Record;

/// A build is not what was asked for. What else is wrong with it is told already.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShipError {
    /// Something is wrong with the files of a build.
    #[error("`{}`: {count} problem{}", place.display(), if *count == 1 { "" } else { "s" })]
    NotVerified {
        /// The folder or archive.
        place: std::path::PathBuf,
        /// How many things are wrong.
        count: usize,
        /// What is wrong with its list of targets, where something can be done about it.
        index: Option<What>,
    },
    /// A build is older than what was deployed last.
    #[error(
        "version {} of {} is older than {} of {}, which was deployed last: nothing was copied",
        new.version, new.build_timestamp, last.version, last.build_timestamp
    )]
    Downgrade {
        /// What was deployed last.
        last: Record,
        /// The build.
        new: Record,
    },
    /// What says which version was deployed last cannot be read.
    #[error(
        "`{}` there does not tell which version was deployed last: nothing was copied",
        piton::shipment::record::FILE_NAME
    )]
    LastUnknown,
    /// The files of a build are not what the board can take; why is told already.
    #[error("`{}` is not for this board, or not whole: nothing was copied", place.display())]
    NotDeployed {
        /// The folder or archive.
        place: std::path::PathBuf,
        /// What is wrong with its list of targets, where something can be done about it.
        index: Option<What>,
    },
    /// A build is not for the target that was named.
    #[error("`{}` has no target `{name}`", place.display())]
    NoSuchTarget {
        /// The folder or archive.
        place: std::path::PathBuf,
        /// The name.
        name: String,
        /// The targets that it has.
        there: Vec<String>,
    },
    /// A build is for several targets, and nothing tells which of them a drive's board is.
    #[error("no `boot_out.txt` in `{}` tells which target its board is", drive.display())]
    WhichTarget {
        /// The drive.
        drive: std::path::PathBuf,
        /// The targets.
        there: Vec<String>,
    },
}

impl ShipError {
    /// What a person can do.
    pub(super) fn hints(&self, name: &str) -> Vec<String> {
        let hint = match self {
            ShipError::NotVerified {
                index: Some(what), ..
            }
            | ShipError::NotDeployed {
                index: Some(what), ..
            } => return index_hints(what, name),
            ShipError::Downgrade { .. } | ShipError::LastUnknown => {
                "`--allow-downgrade` takes it, and remembers it as the last one".to_owned()
            }
            ShipError::NoSuchTarget { there, .. } => format!("it has {}", there.join(", ")),
            ShipError::WhichTarget { there, .. } => {
                format!("`--target` names it: {}", there.join(", "))
            }
            ShipError::NotVerified { .. } | ShipError::NotDeployed { .. } => return Vec::new(),
        };
        vec![hint]
    }
}

/// What can be done about the list of targets of a build.
fn index_hints(what: &What, name: &str) -> Vec<String> {
    let hint = match what {
        What::OldIndex => format!(
            "build again: `{name} build` with `--sign` binds the list and its targets to each other"
        ),
        What::NoIndex => {
            "take `index.json` and `index.json.minisig` along with the folder, or take an archive, which holds them"
                .to_owned()
        }
        _ => return Vec::new(),
    };
    vec![hint]
}
