//! Watching the output of a board: prompts, soft resets, and the firmware's own output around that of a program.
//!
//! All of these are pure: they take bytes in pieces of any size. A terminal or a web page that shows a board's
//! output finds out the state of the board by them.

mod program;
mod prompt;
mod restart;

pub use program::ProgramOutput;
pub use prompt::PromptWatch;
pub use restart::RestartWatch;
