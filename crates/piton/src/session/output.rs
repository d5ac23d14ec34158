//! Watching what a board prints: prompts, soft resets, and the firmware's own words around a program's output.
//!
//! All of these are pure: they take bytes as they come, in pieces of any size. A terminal or a web page that shows a board's
//! output uses them to know what the board is doing.

mod program;
mod prompt;
mod restart;

pub use program::ProgramOutput;
pub use prompt::PromptWatch;
pub use restart::RestartWatch;
