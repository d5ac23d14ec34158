//! `edit`: change files of the board with an editor of this computer.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitStatus};

use piton::deadline::Deadline;
use piton::error::FsError;
use piton::fs::remote::RemoteFs;
use piton::path::BoardPath;
use piton::times::CONTENT_TIME;

use super::fs::{board_path, refused, show_progress};
use crate::context::Context;
use crate::environment;
use crate::error::{CommandError, EditError};
use crate::interrupt;
use crate::local_file::{self, not_written};

/// Arguments of `edit`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files on the board; one that does not exist is made
    #[arg(num_args = 1.., required = true)]
    pub(crate) files: Vec<String>,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let Some(editor) = editor() else {
        // mpremote looks for the editor after it has connected: if both are missing, the board is reported.
        ctx.session.raw_repl()?;
        return Err(EditError::NoEditor.into());
    };
    for path in &args.files {
        edit(path.trim_start_matches(':'), &editor, ctx)?;
    }
    Ok(())
}

/// Returns the editor of `$EDITOR`, as in mpremote, else of `$VISUAL`.
fn editor() -> Option<String> {
    environment::EDITORS
        .into_iter()
        .filter_map(|name| env::var(name).ok())
        .find(|editor| !editor.is_empty())
}

fn edit(path: &str, editor: &str, ctx: &mut Context) -> Result<(), CommandError> {
    let board_path = board_path("edit", path)?;
    ctx.ui.step(&format!("edit :{path}"))?;
    let before = read(&board_path, ctx)?;
    // Only this user can read the folder, and it is removed at the end.
    let folder = tempfile::Builder::new()
        .prefix("piton-edit-")
        .tempdir()
        .map_err(|source| not_written(&env::temp_dir(), source))?;
    let copy = folder.path().join(name_for_copy(&board_path));
    fs::write(&copy, &before).map_err(|source| not_written(&copy, source))?;

    let status = {
        // The editor has the keyboard now: its Ctrl-C reaches this process too, and must not end it.
        let _hold = interrupt::hold();
        start_editor(editor, &copy).map_err(|source| EditError::Start {
            editor: editor.to_owned(),
            source,
        })?
    };
    if !status.success() {
        let error = CommandError::from(EditError::Failed {
            editor: editor.to_owned(),
            status,
            path: path.to_owned(),
        });
        return match ctx.compatibility.strict_edit {
            true => Err(error),
            // mpremote ignores the editor's exit status: a script that was written for it does not expect an error.
            false => Ok(()),
        };
    }
    // Read by path, since an editor may have replaced the file, or removed it.
    let after = local_file::read(&copy)?;
    if after == before {
        return Ok(());
    }
    write(&board_path, &after, ctx).map_err(|error| {
        CommandError::from(EditError::NotUploaded {
            error: Box::new(error),
            copy: keep(folder, &copy),
        })
    })
}

/// Returns the content of the file; empty if it does not exist.
fn read(path: &BoardPath, ctx: &mut Context) -> Result<Vec<u8>, CommandError> {
    let Context {
        session,
        ui,
        compatibility,
        ..
    } = ctx;
    let mut raw = session.raw_repl()?;
    let mut remote = RemoteFs::new(&mut raw);
    let deadline = Deadline::after(CONTENT_TIME);
    let read = remote.read(path, &mut |event| show_progress(ui, event), deadline);
    ui.clear_progress();
    let read = match (read, compatibility.strict_edit) {
        // Not created here: the file is written only if the editor has saved it.
        (Err(FsError::NotFound { .. }), true) => Ok(Vec::new()),
        // mpremote creates the file before the editor starts.
        (Err(FsError::NotFound { .. }), false) => remote.touch(path, deadline).map(|()| Vec::new()),
        (read, _) => read,
    };
    read.map_err(|error| refused("edit", path.as_str(), error))
}

fn write(path: &BoardPath, content: &[u8], ctx: &mut Context) -> Result<(), CommandError> {
    let Context { session, ui, .. } = ctx;
    let mut raw = session.raw_repl()?;
    let mut events = |event| show_progress(ui, event);
    let deadline = Deadline::after(CONTENT_TIME);
    let written = RemoteFs::new(&mut raw).write(path, content, &mut events, deadline);
    ui.clear_progress();
    written.map_err(|error| refused("edit", path.as_str(), error))
}

/// Returns a name for the copy from which the editor sees the type of the file, without characters that have a meaning on
/// this computer.
fn name_for_copy(path: &BoardPath) -> String {
    let name = path.file_name().unwrap_or_default();
    let safe = name
        .chars()
        .map(|letter| match letter {
            '\\' | '/' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
            letter if letter.is_control() => '_',
            letter => letter,
        })
        .collect::<String>();
    match safe.as_str() {
        "" | "." | ".." => "file".to_owned(),
        _ => safe,
    }
}

/// Runs the editor through the shell: `$EDITOR` may have options, and quotes.
#[cfg(not(windows))]
fn start_editor(editor: &str, file: &Path) -> std::io::Result<ExitStatus> {
    Command::new("sh")
        .args(["-c", &format!("{editor} \"$@\""), "edit"])
        .arg(file)
        .status()
}

#[cfg(windows)]
fn start_editor(editor: &str, file: &Path) -> std::io::Result<ExitStatus> {
    use std::os::windows::process::CommandExt;
    Command::new("cmd")
        .raw_arg(format!("/S /C \"{editor} \"{}\"\"", file.display()))
        .status()
}

/// Leaves the edited copy where it is, and returns its path.
fn keep(folder: tempfile::TempDir, copy: &Path) -> String {
    let _ = folder.keep();
    copy.display().to_string()
}
