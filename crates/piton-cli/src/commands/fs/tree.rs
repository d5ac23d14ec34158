//! `fs tree`: draws the tree of a folder.

use piton::fs::listing::{Kind, TreeEntry};
use piton::path::BoardPath;

use super::files::{Files, step};
use crate::error::{CommandError, FileError};

pub(super) fn run(files: &mut Files<'_, '_, '_>, path: &BoardPath) -> Result<(), CommandError> {
    let path = match path.as_str() {
        "" | "." => files
            .remote
            .current_dir(step())
            .map_err(|error| files.refused(path, error))?,
        _ => path.clone(),
    };
    let is_dir = files
        .remote
        .is_dir(&path, step())
        .map_err(|error| files.refused(&path, error))?;
    if !is_dir {
        return Err(FileError::NotADirectory {
            command: "tree",
            path: path.to_string(),
        }
        .into());
    }
    let entries = files
        .remote
        .tree(&path, files.sizes, step())
        .map_err(|error| files.refused(&path, error))?;
    if files.ui.json() {
        return files.ui.json_line(&entries);
    }
    let device = if files.args.verbose {
        format!(" on {}", files.device_name)
    } else {
        String::new()
    };
    files.ui.line(&format!(":{path}{device}"))?;
    // For each folder of the current path: whether more of its entries follow.
    let mut open = Vec::new();
    for entry in &entries {
        open.truncate(entry.depth);
        let lines = open
            .iter()
            .map(|open| if *open { "│   " } else { "    " })
            .collect::<String>();
        let branch = if entry.is_last {
            "└── "
        } else {
            "├── "
        };
        open.push(!entry.is_last);
        let size = size_text(files, entry);
        let name = entry.path.file_name().unwrap_or_default();
        files.ui.line(&format!("{lines}{branch}{size}{name}"))?;
    }
    Ok(())
}

/// Returns the size column as mpremote draws it: empty for folders, which have no size.
fn size_text(files: &Files<'_, '_, '_>, entry: &TreeEntry) -> String {
    let size = entry.size.unwrap_or(0);
    if entry.kind == Kind::Directory && size == 0 {
        return String::new();
    }
    if files.args.size {
        format!("[{size:>9}]  ")
    } else if files.args.human {
        format!("[{:>6}]  ", human_size(size))
    } else {
        String::new()
    }
}

/// Returns a size for people: `999`, `1.0K`, `3.5M`.
pub(super) fn human_size(bytes: u64) -> String {
    if bytes < 1024 {
        return bytes.to_string();
    }
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let mut size = bytes as f64 / 1024.0;
    for unit in ["K", "M", "G"] {
        if size < 1024.0 {
            return format!("{size:.1}{unit}");
        }
        size /= 1024.0;
    }
    format!("{size:.1}T")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_for_people() {
        for (bytes, text) in [
            (0, "0"),
            (1023, "1023"),
            (1024, "1.0K"),
            (1536, "1.5K"),
            (5 << 20, "5.0M"),
        ] {
            assert_eq!(human_size(bytes), text);
        }
    }
}
