//! Failures of looking for a newer release.

use piton::http::HttpError;

use super::hints::{ONLINE, PATIENCE};
use crate::environment::RELEASE_URL;

/// Why the newest release is not known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReleaseError {
    /// The program was built without an address of releases, and no other is given.
    #[error("this program was not built for a release, so it does not know where releases are")]
    NoAddress,
    /// The server did not answer as expected.
    #[error(transparent)]
    Http(HttpError),
    /// The answer is something else than the description of a release.
    #[error("{url} does not describe a release: {reason}")]
    NotARelease {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ReleaseError {
    /// Returns the hints.
    pub(super) fn hints(&self) -> Vec<String> {
        match self {
            ReleaseError::NoAddress => vec![format!(
                "name the `release.json` of the newest release with `--from URL` or {RELEASE_URL}"
            )],
            ReleaseError::Http(HttpError::Unreachable { .. }) => vec![ONLINE.to_owned()],
            ReleaseError::Http(HttpError::Timeout { .. } | HttpError::TooSlow { .. }) => {
                vec![PATIENCE.to_owned()]
            }
            _ => Vec::new(),
        }
    }
}
