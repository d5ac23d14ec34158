//! Running a file of tests on a virtual board of its own.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use piton_board::deadline::Cancel;
use virtual_board::{Ending, Output, Program, Run, VmImage};

use super::{
    FileResult, TestFile, TestOptions, compiled_program, file_result, has_unittest, program,
};
use crate::board::ConnectOptions;
use crate::error::Error;
use crate::interpreter::{self, Access, Invocation, Layout};

/// The flash of a test's board in bytes: what the tests write stays in memory.
const FLASH: u64 = 16 << 20;
/// The heap of a test's board in bytes, beyond 1 MiB.
const HEAP: usize = 256 << 20;
/// Maximum of the output that is kept, in bytes. A program that prints more is ended.
const OUTPUT: usize = 16 << 20;
/// The time in which a program has to react to its interrupt.
const REACTION: Duration = Duration::from_secs(2);
/// How often the cancel flag is checked.
const SLICE: Duration = Duration::from_millis(50);

/// The firmware of virtual boards, which all files share.
pub struct VirtualBoards {
    image: VmImage,
    name: String,
}

impl VirtualBoards {
    /// Loads the firmware: a version, or the one that `options` and the environment choose.
    ///
    /// # Errors
    ///
    /// As [`interpreter::image`].
    pub fn load(firmware: Option<&str>, options: &ConnectOptions) -> Result<VirtualBoards, Error> {
        let name = firmware.map_or_else(
            || "virtual".to_owned(),
            |version| format!("virtual {version}"),
        );
        Ok(VirtualBoards {
            image: interpreter::image(firmware, options)?,
            name,
        })
    }
}

/// Runs the tests of a file on a new board. It sees the files below `current`, and what it writes is gone with it.
///
/// # Errors
///
/// The board cannot be started, for example because a folder cannot be read. What the tests do is in the result.
pub fn run_on_virtual(
    boards: &VirtualBoards,
    file: &TestFile,
    current: &Path,
    options: &TestOptions,
    cancel: &Cancel,
) -> Result<FileResult, Error> {
    let mut layout = Layout::new(current, Some(&file.path), Access::Scratch(FLASH))?;
    layout.add_current();
    let own_unittest = !has_unittest(layout.host_path());
    file_result(file, boards.name.clone(), current, |mark| {
        let source = program(compiled_program(), file, mark, options, &[], own_unittest);
        let invocation = Invocation {
            run: Run::Source(source),
            arguments: vec![file.path.to_string_lossy().into_owned()],
            inspect: false,
            layout,
            heap: HEAP,
        };
        let printed = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&printed);
        let output = move |output: Output<'_>| {
            let mut printed = sink.lock().unwrap_or_else(PoisonError::into_inner);
            if let Output::Stdout(bytes) | Output::Stderr(bytes) = output {
                printed.extend_from_slice(bytes);
            }
            match printed.len() > OUTPUT {
                true => Err(std::io::ErrorKind::FileTooLarge.into()),
                false => Ok(()),
            }
        };
        let mut running = interpreter::start(&boards.image, invocation, Box::new(output))?;
        // The program gets no answers.
        running.console().end();
        let ended = follow(&mut running, options.timeout, cancel);
        drop(running);
        let printed = std::mem::take(&mut *printed.lock().unwrap_or_else(PoisonError::into_inner));
        Ok((printed, ended))
    })
}

/// Waits for the end of a program. Returns why it did not end by itself.
fn follow(program: &mut Program, limit: Duration, cancel: &Cancel) -> Option<String> {
    let deadline = Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if let Some(ending) = program.wait(left.min(SLICE)) {
            return cause(ending);
        }
        let cause = if cancel.is_cancelled() {
            "interrupted".to_owned()
        } else if left.is_zero() {
            format!("timed out after {} s", limit.as_secs_f64())
        } else {
            continue;
        };
        // The interrupt shows in the output where the program was.
        program.console().interrupt();
        let _ = program.wait(REACTION);
        program.stop();
        return Some(cause);
    }
}

fn cause(ending: Ending) -> Option<String> {
    match ending {
        Ending::Exited(_) => None,
        Ending::Reset => Some("the board was reset".to_owned()),
        Ending::Unresponsive => Some("the board was stuck".to_owned()),
        Ending::Crashed(cause) => Some(format!("the firmware crashed: {cause}")),
        Ending::Stopped => Some(format!("the output was longer than {} MiB", OUTPUT >> 20)),
    }
}
