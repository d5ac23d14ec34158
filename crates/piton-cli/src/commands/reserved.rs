//! The note about paths that are not copied because of their names: `cp -r` and `sync` print it.

use crate::ui::Ui;

/// Prints that a path is not copied because its name is reserved.
pub(in crate::commands) fn note_reserved(ui: &Ui, path: &str) {
    let path = path.escape_debug();
    ui.note(&format!(
        "left out: `{path}` has a name that is reserved for records that piton keeps"
    ));
}
