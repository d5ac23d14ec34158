//! Why a build is not verified or deployed.

use piton::shipment::FindingKind;
use piton::shipment::choose::ChooseError;
use piton::shipment::record::DowngradeError;

/// A build that does not meet the demands. Its other problems are printed already.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShipError {
    /// Something is wrong with the files of a build.
    #[error("`{}`: {count} problem{}", build.display(), if *count == 1 { "" } else { "s" })]
    NotVerified {
        /// The folder or archive.
        build: std::path::PathBuf,
        /// How many things are wrong.
        count: usize,
        /// The problem of its list of targets, if the user can solve it.
        index: Option<FindingKind>,
    },
    /// A build is older than what was deployed last, or that is not known.
    #[error(transparent)]
    Downgrade(DowngradeError),
    /// The board cannot load the files of a build; the reasons are printed already.
    #[error("`{}` is not for this board, or not whole: nothing was copied", build.display())]
    NotDeployed {
        /// The folder or archive.
        build: std::path::PathBuf,
        /// The problem of its list of targets, if the user can solve it.
        index: Option<FindingKind>,
    },
    /// A build does not have the named target.
    #[error("`{}` has no target `{name}`", build.display())]
    NoSuchTarget {
        /// The folder or archive.
        build: std::path::PathBuf,
        /// The name.
        name: String,
        /// The targets that it has.
        targets: Vec<String>,
    },
    /// No shipment can be chosen, for another reason.
    #[error(transparent)]
    Choose(ChooseError),
}

impl ShipError {
    /// Returns what the user can do.
    pub(super) fn hints(&self, name: &str) -> Vec<String> {
        let hint = match self {
            ShipError::NotVerified {
                index: Some(kind), ..
            }
            | ShipError::NotDeployed {
                index: Some(kind), ..
            } => return index_hints(kind, name),
            ShipError::Downgrade(_) => {
                "`--allow-downgrade` takes it, and remembers it as the last one".to_owned()
            }
            ShipError::NoSuchTarget { targets, .. } => format!("it has {}", targets.join(", ")),
            ShipError::Choose(ChooseError::UnknownBoard { targets, .. }) => {
                format!("`--target` names it: {}", targets.join(", "))
            }
            ShipError::NotVerified { .. }
            | ShipError::NotDeployed { .. }
            | ShipError::Choose(_) => return Vec::new(),
        };
        vec![hint]
    }
}

/// Returns the hints for the list of targets of a build.
fn index_hints(kind: &FindingKind, name: &str) -> Vec<String> {
    let hint = match kind {
        FindingKind::OldIndex => format!(
            "build again: `{name} build` with `--sign` binds the list and its targets to each other"
        ),
        FindingKind::NoIndex => {
            "take `index.json` and `index.json.minisig` along with the folder, or take an archive, which holds them"
                .to_owned()
        }
        _ => return Vec::new(),
    };
    vec![hint]
}
