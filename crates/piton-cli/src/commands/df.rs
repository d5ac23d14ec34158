//! `df`: prints used and free space of the board's file systems.

use std::time::Duration;

use piton::deadline::Deadline;
use piton::fs::remote::RemoteFs;

use super::fs::refused;
use crate::compatibility::Wording;
use crate::context::Context;
use crate::error::CommandError;

/// Timeout: on FAT, the first `statvfs` after a mount counts the free clusters of the whole drive.
const ANSWER_TIME: Duration = Duration::from_secs(30);

pub(super) fn run(ctx: &mut Context) -> Result<(), CommandError> {
    let Context {
        session,
        ui,
        compatibility,
        ..
    } = ctx;
    // In mpremote the board prints the table, and the board's line ends are CR LF.
    let end = match compatibility.wording {
        Wording::Piton => "\n",
        Wording::Mpremote => "\r\n",
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
    let rows = std::iter::once(titles).chain(rows).collect::<Vec<_>>();
    let widths = match compatibility.wording {
        Wording::Piton => fitting(&rows),
        Wording::Mpremote => MPREMOTE_WIDTHS,
    };
    for row in &rows {
        ui.text(&format!("{}{end}", line(row, &widths)))?;
    }
    Ok(())
}

/// The widths of mpremote's columns except the last one. The first column is aligned to the left, the others to the
/// right.
const MPREMOTE_WIDTHS: [usize; 5] = [10, 9, 9, 9, 5];

/// Widens mpremote's columns to hold the rows: two columns never run together.
fn fitting(rows: &[[String; 6]]) -> [usize; 5] {
    let mut widths = MPREMOTE_WIDTHS;
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count() + 1);
        }
    }
    widths
}

fn line(row: &[String; 6], [first, size, used, available, percent]: &[usize; 5]) -> String {
    let [filesystem, a, b, c, d, mounted_on] = row;
    format!("{filesystem:<first$}{a:>size$}{b:>used$}{c:>available$}{d:>percent$} {mounted_on}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_do_not_run_together() {
        let row = ["virtual:some/folder", "123456789012", "5", "7", "1%", "/"].map(str::to_owned);
        let widths = fitting(std::slice::from_ref(&row));
        assert_eq!(
            line(&row, &widths),
            "virtual:some/folder  123456789012        5        7   1% /"
        );
    }
}
