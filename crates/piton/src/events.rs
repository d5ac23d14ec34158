//! Events, which operations report while they run, as data for many boards, a log or a web page.
//!
//! Each module has its own type of events. Each event serializes to one flat JSON object: `event` is the name of the
//! variant in snake case, the other keys are its fields. [`BoardEvent`] adds `board`. docs/events.md lists them all.
//!
//! ```
//! use piton::events::BoardEvent;
//! use piton::sync::SyncEvent;
//!
//! let event = BoardEvent { board: "/dev/ttyACM0", event: SyncEvent::Done { step: 3 } };
//! let json = serde_json::to_string(&event)?;
//! assert_eq!(json, r#"{"board":"/dev/ttyACM0","event":"done","step":3}"#);
//! # Ok::<(), serde_json::Error>(())
//! ```

use std::fmt::Display;
use std::path::Path;

use serde::{Serialize, Serializer};

pub use crate::board::ConnectEvent;
pub use crate::building::BuildEvent;
pub use crate::compile::CompileEvent;
pub use crate::copy::CopyEvent;
pub use crate::mip::MipEvent;
pub use crate::mount::MountEvent;
pub use crate::session::ReturnEvent;
pub use crate::sync::SyncEvent;
pub use crate::vm::VmEvent;
pub use piton_fs::FileEvent;
pub use piton_fs::rom::RomEvent;
pub use piton_fs::transfer::TransferEvent;

/// An event with its board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BoardEvent<'a, E> {
    /// The board: [`crate::Board::device_name`], or another name of the caller.
    pub board: &'a str,
    /// The event. In JSON its keys are in the same object as `board`.
    #[serde(flatten)]
    pub event: E,
}

/// Serializes a value as its text.
pub(crate) fn text<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Serializes a path of the host. Bytes that are not UTF-8 are replaced, because serde would refuse the whole event.
pub(crate) fn path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// Serializes bytes of a board as text.
pub(crate) fn lossy<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(bytes))
}
