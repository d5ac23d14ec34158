//! Running a file of tests on a real board, which uses the project's folder as `/remote`.

use std::path::Path;

use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_board::repl::Entry;

use super::{FileResult, PROGRAM, TestFile, TestOptions, file_result, has_unittest, program};
use crate::board::Board;
use crate::error::Error;
use crate::interpreter::{Access, Layout, board_path};
use crate::mount::{MOUNT_POINT, Settings};
use crate::times::ENTRY_TIME;

/// Runs the tests of a file on a board, after a soft reset. The folder `current` is mounted meanwhile, for reading.
///
/// # Errors
///
/// The board cannot be reset, or the folder cannot be mounted. What the tests do is in the result.
pub fn run_on_board(
    board: &mut Board,
    file: &TestFile,
    current: &Path,
    options: &TestOptions,
) -> Result<FileResult, Error> {
    let layout = Layout::new(current, Some(&file.path), Access::Read)?;
    let folders = layout.host_path();
    let own_unittest = !has_unittest(folders);
    let mut remote = Vec::new();
    for folder in folders
        .iter()
        .map(|folder| folder.as_path())
        .chain([current])
    {
        // The board sees nothing outside of the mounted folder.
        let Ok(below) = folder.strip_prefix(current) else {
            continue;
        };
        let below = board_path(below)?;
        let path = format!("{MOUNT_POINT}/{below}");
        let path = path.trim_end_matches('/').to_owned();
        if !remote.contains(&path) {
            remote.push(path);
        }
    }
    board.raw_repl(Entry::SoftReset, Deadline::after(ENTRY_TIME))?;
    let settings = Settings {
        read_only: true,
        ..Settings::default()
    };
    board.mount(current, &settings)?;
    let name = board.device_name().to_owned();
    let result = file_result(file, name, current, |mark| {
        let source = program(PROGRAM, file, mark, options, &remote, own_unittest);
        follow(board, &source, options)
    });
    // A board that has just been reset by its tests has no mount any more.
    let unmounted = board.umount();
    let result = result?;
    if result.problem.is_none() {
        unmounted?;
    }
    Ok(result)
}

/// Runs the program. Returns its output, and why it did not come to its end.
fn follow(
    board: &mut Board,
    source: &str,
    options: &TestOptions,
) -> Result<(Vec<u8>, Option<String>), Error> {
    let mut printed = Vec::new();
    let mut output = |bytes: &[u8]| printed.extend_from_slice(bytes);
    let deadline = Deadline::after(options.timeout);
    let mut raw = board.raw_repl(Entry::KeepState, Deadline::after(ENTRY_TIME))?;
    let ended = match raw.exec(source.as_bytes(), &mut output, deadline) {
        Ok(()) => None,
        Err(BoardError::Timeout { .. }) => {
            match board.interrupt(&mut output) {
                // The KeyboardInterrupt that ends the program.
                Err(error) if error.exception().is_some() => {}
                other => other?,
            }
            Some(format!(
                "timed out after {} s",
                options.timeout.as_secs_f64()
            ))
        }
        Err(error @ (BoardError::BoardReset | BoardError::Exception(_))) => Some(error.to_string()),
        Err(error) => return Err(error.into()),
    };
    Ok((printed, ended))
}
