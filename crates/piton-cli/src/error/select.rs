//! Failures of choosing a USB board.

/// Why a board is not chosen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SelectError {
    /// A specifier is not the JSON that it must be.
    #[error("the board's specifier cannot be read: {0}")]
    Specifier(serde_json::Error),
    /// Several ports fit.
    #[error("several boards fit: {}", ports.join(", "))]
    Several {
        /// Their paths.
        ports: Vec<String>,
    },
    /// The input ended before an answer.
    #[error("there was no answer")]
    NoAnswer,
}

impl SelectError {
    /// Returns the hints. `name` is the name of this program.
    pub(super) fn hints(&self, name: &str) -> Vec<String> {
        match self {
            SelectError::Specifier(_) => {
                vec![
                    "expected an object such as {\"vid\": 11914, \"serial_number\": \"e661\"}"
                        .to_owned(),
                ]
            }
            SelectError::Several { .. } => {
                vec![format!("`{name} devs` shows their serial numbers")]
            }
            SelectError::NoAnswer => vec![format!("`{name} select --json` asks nothing")],
        }
    }
}
