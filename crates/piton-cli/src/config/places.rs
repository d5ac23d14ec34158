//! The paths of the configuration files.

use std::env;
use std::path::PathBuf;

use crate::environment;

/// Returns the path of mpremote's file, which is that of the Python package platformdirs for the name `mpremote`:
/// `$XDG_CONFIG_HOME/mpremote/config.py`, else below `~/.config`, on macOS below `~/Library/Application Support`, on
/// Windows below `%LOCALAPPDATA%`.
pub(super) fn config_py() -> Option<PathBuf> {
    let folder = if cfg!(windows) {
        absolute(environment::LOCALAPPDATA).or_else(|| home("AppData/Local"))
    } else if cfg!(target_os = "macos") {
        absolute(environment::XDG_CONFIG_HOME).or_else(|| home("Library/Application Support"))
    } else {
        absolute(environment::XDG_CONFIG_HOME).or_else(|| home(".config"))
    };
    Some(folder?.join("mpremote").join("config.py"))
}

/// Returns the folder that an environment variable names; a relative one does not count, by the XDG rules.
fn absolute(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
}

fn home(below: &str) -> Option<PathBuf> {
    Some(env::home_dir()?.join(below))
}
