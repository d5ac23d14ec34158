//! The files that a program sees, and where it looks for modules.

use std::env;
use std::path::{Component, Path, PathBuf};

use piton_project::project::{self, MAIN, Project, ProjectError};
use virtual_board::{Flash, HostFolder};

use super::InterpreterError;
use crate::environment;

/// What a program may do with the files that it sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It may read them. A change is `OSError: 30` (`EROFS`).
    Read,
    /// It may change those of the current folder.
    Write,
    /// It may change all of them, and each change stays in the memory of the program, up to so many bytes.
    Scratch(u64),
}

/// The files that a program sees, and where it looks for modules.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The folders.
    pub(super) files: Flash,
    /// The path of the current folder.
    pub(super) current: String,
    /// The same on this computer.
    current_folder: PathBuf,
    /// `sys.path`.
    pub(super) path: Vec<String>,
    /// The path of the script.
    script: Option<String>,
    /// The folders of this computer in `sys.path`, in its order.
    host_path: Vec<PathBuf>,
}

impl Layout {
    /// Returns the layout for a program whose current folder is `current`. `script` is the file that it runs; its folder
    /// is the first of `sys.path`, else the current folder is.
    ///
    /// The current folder, the folder of the script, the folders of `MICROPYPATH`, the groups of the project's
    /// dependencies and `~/.micropython/lib` follow in `sys.path`, if they exist, and are all that is visible.
    ///
    /// # Errors
    ///
    /// [`InterpreterError`], except that of the firmware.
    pub fn new(
        current: &Path,
        script: Option<&Path>,
        access: Access,
    ) -> Result<Layout, InterpreterError> {
        let mut folders = Folders::default();
        let whole = canonical(current)?;
        folders.show(&whole, access == Access::Write)?;
        let (first, folder, script) = match script {
            None => (String::new(), whole.clone(), None),
            Some(script) => {
                let (folder, file) = folders.show_script(&whole, script)?;
                (board_path(&folder)?, folder, Some(file))
            }
        };
        let (mut path, mut host_path) = (vec![first], vec![folder]);
        for folder in module_folders(&whole)? {
            let text = board_path(&folder)?;
            folders.show(&folder, false)?;
            if !path.contains(&text) {
                path.push(text);
                host_path.push(folder);
            }
        }
        path.push(".frozen".to_owned());
        Ok(Layout {
            files: match access {
                Access::Scratch(capacity) => Flash::Scratch {
                    folders: folders.0,
                    capacity,
                },
                Access::Read | Access::Write => Flash::Folders(folders.0),
            },
            current: board_path(&whole)?,
            current_folder: whole,
            path,
            script,
            host_path,
        })
    }

    /// Adds the current folder to `sys.path`, after the folder of the script.
    pub(crate) fn add_current(&mut self) {
        if !self.path.contains(&self.current) {
            self.path
                .insert(1.min(self.path.len()), self.current.clone());
            let current = self.current_folder.clone();
            self.host_path.insert(1.min(self.host_path.len()), current);
        }
    }

    /// Returns the folders of this computer in `sys.path`.
    pub(crate) fn host_path(&self) -> &[PathBuf] {
        &self.host_path
    }

    /// Returns the path of the script, by which the program opens it.
    pub fn script(&self) -> Option<&str> {
        self.script.as_deref()
    }
}

/// The folders that are visible.
#[derive(Default)]
struct Folders(Vec<HostFolder>);

impl Folders {
    /// Makes a folder visible at its own path, unless it is inside of one that is.
    fn show(&mut self, folder: &Path, is_writable: bool) -> Result<(), InterpreterError> {
        if !self.0.iter().any(|shown| folder.starts_with(&shown.path)) {
            self.0.push(HostFolder {
                at: board_path(folder)?,
                path: folder.to_owned(),
                is_writable,
            });
        }
        Ok(())
    }

    /// Makes the folder of a script visible. Returns it, and the path to open the script by.
    ///
    /// That is the one that the user has typed, which tracebacks show, unless it leads through a symbolic link: the
    /// board may not be able to follow it.
    fn show_script(
        &mut self,
        current: &Path,
        script: &Path,
    ) -> Result<(PathBuf, String), InterpreterError> {
        let typed = plain(&current.join(script));
        let Ok(file) = std::fs::canonicalize(&typed) else {
            // The program ends with the error of the file.
            let folder = typed.parent().unwrap_or(current);
            return Ok((folder.to_owned(), board_path(script)?));
        };
        let folder = file.parent().unwrap_or(current);
        self.show(folder, false)?;
        let is_as_typed = plain_text(&file) == plain_text(&typed);
        let opened = if is_as_typed { script } else { &file };
        Ok((folder.to_owned(), board_path(opened)?))
    }
}

/// Returns a path without the prefix that Windows adds to canonical paths.
fn plain_text(path: &Path) -> PathBuf {
    let text = path.to_string_lossy();
    PathBuf::from(text.strip_prefix(r"\\?\").unwrap_or(&text))
}

/// Returns the folders of `sys.path` after the first one.
fn module_folders(current: &Path) -> Result<Vec<PathBuf>, InterpreterError> {
    let mut folders = Vec::new();
    if let Some(list) = env::var_os(environment::MICROPYPATH) {
        folders.extend(env::split_paths(&list).filter(|folder| folder.is_dir()));
    }
    folders.extend(dependencies(current)?);
    let of_user = env::home_dir().map(|home| home.join(".micropython/lib"));
    folders.extend(of_user.filter(|folder| folder.is_dir()));
    folders.iter().map(|folder| canonical(folder)).collect()
}

/// Returns the folders of the groups of the project that `folder` is in: the main group first, the others by name.
fn dependencies(folder: &Path) -> Result<Vec<PathBuf>, InterpreterError> {
    let file = match project::find(folder) {
        Ok(file) => file,
        Err(ProjectError::NoProject { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let project = Project::read(&file)?;
    let root = file.parent().unwrap_or(folder);
    let groups = root.join(project.dependencies_path.as_str());
    let Ok(entries) = std::fs::read_dir(&groups) else {
        // Nothing is installed.
        return Ok(Vec::new());
    };
    let mut names = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect::<Vec<_>>();
    names.sort_by_key(|path| (!path.ends_with(MAIN), path.clone()));
    Ok(names)
}

fn canonical(folder: &Path) -> Result<PathBuf, InterpreterError> {
    let found = std::fs::canonicalize(folder);
    found.map_err(|source| InterpreterError::Folder {
        path: folder.to_owned(),
        source,
    })
}

/// Returns a path without `.` and `..`, by its text alone, as the board reads it.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

/// Returns the path of the board for a path of this computer, with `/` between names: `C:\work` is `/C:/work`.
///
/// # Errors
///
/// [`InterpreterError::NotText`].
pub fn board_path(path: &Path) -> Result<String, InterpreterError> {
    let text = path.to_str().ok_or_else(|| InterpreterError::NotText {
        path: path.to_owned(),
    })?;
    if !cfg!(windows) {
        return Ok(text.to_owned());
    }
    let text = text
        .strip_prefix(r"\\?\")
        .unwrap_or(text)
        .replace('\\', "/");
    let has_drive = text.as_bytes().get(1) == Some(&b':');
    Ok(if has_drive { format!("/{text}") } else { text })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the visible folders and `sys.path`, with the folder of the test as `~`.
    fn check(root: &Path, current: &str, script: Option<&str>) -> String {
        let root = std::fs::canonicalize(root).unwrap();
        let layout =
            Layout::new(&root.join(current), script.map(Path::new), Access::Write).unwrap();
        let Flash::Folders(folders) = &layout.files else {
            panic!("{layout:?}");
        };
        let mut text = format!("in {}\n", layout.current);
        for folder in folders {
            assert_eq!(board_path(&folder.path).unwrap(), folder.at);
            let mode = if folder.is_writable { "w" } else { "r" };
            text += &format!("{mode} {}\n", folder.at);
        }
        text += &format!("path {:?}\n", layout.path);
        if let Some(script) = layout.script() {
            text += &format!("runs {script}\n");
        }
        // The folders of the user who runs the test are not part of it.
        text.replace(&board_path(&root).unwrap(), "~")
    }

    fn place() -> tempfile::TempDir {
        let place = tempfile::tempdir().unwrap();
        for folder in [
            "project/.belay/dependencies/main/one",
            "project/.belay/dependencies/dev/two",
            "project/tests",
            "other",
        ] {
            std::fs::create_dir_all(place.path().join(folder)).unwrap();
        }
        for file in ["project/pyproject.toml", "project/x.py", "other/y.py"] {
            std::fs::write(place.path().join(file), "").unwrap();
        }
        place
    }

    #[test]
    fn a_program_sees_its_folders_and_the_groups_of_the_project() {
        let place = place();
        assert_eq!(
            check(place.path(), "project", None),
            "in ~/project\nw ~/project\n\
             path [\"\", \"~/project/.belay/dependencies/main\", \"~/project/.belay/dependencies/dev\", \".frozen\"]\n"
        );
        assert_eq!(
            check(place.path(), "project/tests", Some("../x.py")),
            "in ~/project/tests\nw ~/project/tests\nr ~/project\n\
             path [\"~/project\", \"~/project/.belay/dependencies/main\", \"~/project/.belay/dependencies/dev\", \".frozen\"]\n\
             runs ../x.py\n"
        );
        assert_eq!(
            check(place.path(), "other", Some("y.py")),
            "in ~/other\nw ~/other\npath [\"~/other\", \".frozen\"]\nruns y.py\n"
        );
        assert_eq!(
            check(place.path(), "other", Some("no/such.py")),
            "in ~/other\nw ~/other\npath [\"~/other/no\", \".frozen\"]\nruns no/such.py\n"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_script_behind_a_link_is_opened_by_its_own_name() {
        let place = place();
        std::os::unix::fs::symlink("../project/x.py", place.path().join("other/link.py")).unwrap();
        assert_eq!(
            check(place.path(), "other", Some("link.py")),
            "in ~/other\nw ~/other\nr ~/project\npath [\"~/project\", \".frozen\"]\nruns ~/project/x.py\n"
        );
    }

    #[test]
    fn settings_that_cannot_be_read_are_an_error() {
        let place = place();
        std::fs::write(place.path().join("project/pyproject.toml"), "[tool").unwrap();
        let error = Layout::new(&place.path().join("project"), None, Access::Read).unwrap_err();
        assert!(matches!(error, InterpreterError::Project(_)), "{error}");
    }
}
