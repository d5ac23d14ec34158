//! `df`: used and free space of the board's file systems.

use std::time::Duration;

use piton::deadline::Deadline;
use piton::fs::remote::RemoteFs;

use super::fs::refused;
use crate::args::Face;
use crate::context::Context;
use crate::error::CommandError;

/// How long a board may take: on FAT it counts the free clusters.
const ANSWER_TIME: Duration = Duration::from_secs(30);

pub(super) fn run(ctx: &mut Context) -> Result<(), CommandError> {
    let Context {
        session, ui, face, ..
    } = ctx;
    // There the board prints the table, with its own line ends.
    let end = match face {
        Face::Piton => "",
        Face::Mpremote => "\r",
    };
    let mut raw = session.raw_repl()?;
    let rows = RemoteFs::new(&mut raw)
        .disk_free(Deadline::after(ANSWER_TIME))
        .map_err(|error| refused("df", "/", error))?;
    if ui.json() {
        return ui.json_line(&rows);
    }
    let titles = ["filesystem", "size", "used", "avail", "use%", "mounted on"].map(str::to_owned);
    let rows = rows.into_iter().map(|row| {
        [
            row.filesystem,
            row.size.to_string(),
            row.used.to_string(),
            row.available.to_string(),
            row.used_percent.to_string(),
            row.mounted_on,
        ]
    });
    for row in std::iter::once(titles).chain(rows) {
        ui.line(&format!("{}{end}", line(&row)))?;
    }
    Ok(())
}

/// mpremote's columns.
fn line([filesystem, size, used, available, percent, mounted_on]: &[String; 6]) -> String {
    format!("{filesystem:<10}{size:>9}{used:>9}{available:>9}{percent:>5} {mounted_on}")
}
