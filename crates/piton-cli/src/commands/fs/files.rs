//! What the sub-commands of `fs` share while they run.

use piton::deadline::Deadline;
use piton::fs::FileEvent;
use piton::fs::listing::Sizes;
use piton::fs::remote::RemoteFs;
use piton::path::BoardPath;
use piton::times::{CONTENT_TIME, STEP_TIME};

use super::Args;
use crate::compatibility::Compatibility;
use crate::ui::Ui;

/// The state that sub-commands share while they run.
pub(super) struct Files<'a, 'r, 'b> {
    pub(super) remote: RemoteFs<'r, 'b>,
    pub(super) ui: &'a Ui,
    pub(super) args: &'a Args,
    pub(super) compatibility: &'static Compatibility,
    pub(super) device_name: &'a str,
    /// How to get sizes that the board's listing lacks: mpremote shows `0`, we measure them.
    pub(super) sizes: Sizes,
    /// The board's current folder, if a folder of this computer is mounted there and whole folders may be removed.
    pub(super) current: Option<BoardPath>,
}

impl Files<'_, '_, '_> {
    /// Returns whether `rm` succeeds for a missing file: with `-f`, which mpremote's `rm` lacks.
    pub(super) fn forgives_missing(&self) -> bool {
        self.args.force && self.compatibility.extended_files
    }
}

/// Draws the progress of a transfer.
pub(in crate::commands) fn show_progress(ui: &Ui, event: FileEvent) {
    match event {
        FileEvent::Read {
            bytes,
            of: Some(of),
        }
        | FileEvent::Wrote { bytes, of } => ui.progress(bytes, of),
        _ => {}
    }
}

/// Returns a deadline for anything but the content of a file.
pub(super) fn step() -> Deadline {
    Deadline::after(STEP_TIME)
}

/// Returns a deadline for the content of a file.
pub(super) fn content() -> Deadline {
    Deadline::after(CONTENT_TIME)
}
