//! What `doctor` says of the program itself: which one this is, and whether the command `piton` starts it.

use std::env::consts::EXE_SUFFIX;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use piton::doctor::{Finding, Topic};

/// Returns the findings for the program at a path, with the value of `PATH`.
pub(super) fn findings(program: &Path, path: &OsStr) -> Vec<Finding> {
    let version = env!("CARGO_PKG_VERSION");
    let this = format!("this is piton {version}, `{}`", program.display());
    let mut findings = vec![Finding::fine(Topic::Program, this)];
    let own = fs::canonicalize(program);
    let folder = program.parent().unwrap_or(program).display();
    match first_on(path) {
        // Where the system hides the path of the program, nothing is compared.
        Some(found) if own.is_err() || fs::canonicalize(&found).ok() == own.ok() => {}
        Some(found) => findings.push(Finding::note(
            Topic::Program,
            format!(
                "the command `piton` starts another program: `{}`",
                found.display()
            ),
            format!("remove that one, or put `{folder}` in front of the others in `PATH`"),
        )),
        None => findings.push(Finding::note(
            Topic::Program,
            "there is no command `piton`: no folder of `PATH` has the program",
            format!("add `{folder}` to `PATH`"),
        )),
    }
    findings
}

/// Returns the program that a shell starts for `piton`.
fn first_on(path: &OsStr) -> Option<PathBuf> {
    let name = format!("piton{EXE_SUFFIX}");
    let paths = std::env::split_paths(path).map(|folder| folder.join(&name));
    paths.into_iter().find(|path| is_program(path))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    let metadata = fs::metadata(path);
    metadata.is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    /// Returns what is said besides the version, for a `PATH` of some folders below `folder`.
    fn said(folder: &Path, folders: &[&str]) -> Option<String> {
        let path = std::env::join_paths(folders.iter().map(|name| folder.join(name))).unwrap();
        let found = findings(&folder.join("own/piton"), &path);
        let text = &found.get(1)?.message;
        Some(text.replace(&folder.display().to_string(), "FOLDER"))
    }

    #[test]
    fn another_program_of_the_name_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for name in ["own", "other", "text"] {
            fs::create_dir(folder.join(name)).unwrap();
            fs::write(folder.join(name).join("piton"), name).unwrap();
        }
        for name in ["own", "other"] {
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(folder.join(name).join("piton"), mode).unwrap();
        }
        fs::create_dir(folder.join("links")).unwrap();
        symlink("../own/piton", folder.join("links/piton")).unwrap();
        assert_eq!(said(folder, &["none", "text", "links", "other"]), None);
        assert_eq!(
            said(folder, &["other", "own"]).as_deref(),
            Some("the command `piton` starts another program: `FOLDER/other/piton`")
        );
        assert_eq!(
            said(folder, &["text"]).as_deref(),
            Some("there is no command `piton`: no folder of `PATH` has the program")
        );
    }
}
