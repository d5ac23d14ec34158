//! `completions`: prints the script that makes a shell complete our lines, or installs it where the shell looks for it.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use piton::doctor::{Finding, Topic};
use serde::Serialize;

use crate::complete::Shell;
use crate::context::Context;
use crate::environment;
use crate::error::{CommandError, FileError};
use crate::local_file::not_written;
use crate::suggest::quoted;
use crate::usage::UsageError;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Put the script where the shell looks for it (default shell: the one that SHELL names)
    #[arg(long, conflicts_with = "uninstall")]
    install: bool,
    /// Remove the script from there
    #[arg(long)]
    uninstall: bool,
    /// Print the script, or put it where the shell looks for it
    #[arg(
        value_parser = clap::builder::PossibleValuesParser::new(Shell::NAMES),
        required_unless_present_any = ["install", "uninstall"]
    )]
    shell: Option<String>,
}

/// A written or removed file, as JSON.
#[derive(Serialize)]
struct Done<'d> {
    path: &'d Path,
    changed: bool,
}

pub(super) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    let shell = match &args.shell {
        Some(name) => Shell::named(name),
        None => own_shell(std::env::var_os(environment::SHELL)),
    };
    let shell = shell.ok_or_else(unknown_shell)?;
    if !args.install && !args.uninstall {
        return ctx.ui.text(shell.script());
    }
    let path = script_path(shell, &Folders::of_system()).ok_or_else(|| by_hand(shell))?;
    let old = match fs::read(&path) {
        Ok(old) => Some(old),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(not_written(&path, error)),
    };
    if old.as_ref().is_some_and(|old| !is_ours(old)) {
        return Err(FileError::Failed {
            command: "completions".to_owned(),
            path: path.display().to_string(),
            reason: "this file is not Piton's".to_owned(),
            detail: Some("move it away, and try again".to_owned()),
        }
        .into());
    }
    match args.install {
        true => install(shell, &path, old.as_deref(), ctx),
        false => uninstall(&path, old.is_some(), ctx),
    }
}

/// Returns what `doctor` says of the user's shell; nothing where the shell is unknown, or looks for no scripts.
pub(super) fn finding() -> Option<Finding> {
    let shell = own_shell(std::env::var_os(environment::SHELL))?;
    let path = script_path(shell, &Folders::of_system())?;
    let finding = match fs::read(&path) {
        Ok(script) if script == shell.script().as_bytes() => {
            Finding::fine(Topic::Completion, "the Tab key completes lines of piton")
        }
        Ok(script) if is_ours(&script) => Finding::note(
            Topic::Completion,
            "the shell has the completion of another version of piton",
            "run `piton completions --install`",
        ),
        _ => Finding::note(
            Topic::Completion,
            "the Tab key does not complete lines of piton",
            "run `piton completions --install`",
        ),
    };
    Some(finding)
}

fn install(
    shell: Shell,
    path: &Path,
    old: Option<&[u8]>,
    ctx: &Context,
) -> Result<(), CommandError> {
    let script = shell.script().as_bytes();
    let changed = old != Some(script);
    if changed {
        let folder = path.parent().unwrap_or(path);
        fs::create_dir_all(folder)
            .and_then(|()| piton::host_file::write(path, script))
            .map_err(|error| not_written(path, error))?;
    }
    let change = match (changed, old.is_some()) {
        (false, _) => "has the script already",
        (true, true) => "has the new script",
        (true, false) => "has the script",
    };
    report_change(path, change, changed, ctx)?;
    ctx.ui.note(&next_step(shell, path));
    Ok(())
}

fn uninstall(path: &Path, is_there: bool, ctx: &Context) -> Result<(), CommandError> {
    if is_there {
        fs::remove_file(path).map_err(|error| not_written(path, error))?;
    }
    let change = match is_there {
        true => "is removed",
        false => "was not there",
    };
    report_change(path, change, is_there, ctx)
}

fn report_change(
    path: &Path,
    change: &str,
    changed: bool,
    ctx: &Context,
) -> Result<(), CommandError> {
    if ctx.ui.json() {
        return ctx.ui.json_line(&Done { path, changed });
    }
    ctx.ui.line(&format!("{} {change}", path.display()))
}

/// Returns what the user has to do before the shell completes.
fn next_step(shell: Shell, path: &Path) -> String {
    match shell {
        Shell::Zsh if !zsh_looks_there() => {
            let folder = path.parent().unwrap_or(path).display();
            format!(
                "zsh does not look there yet: put `fpath+=({folder}); autoload -Uz compinit; compinit` at the end of \
                 your `.zshrc`, and open a new terminal"
            )
        }
        Shell::Bash => format!(
            "open a new terminal; if Tab does nothing there, install the package `bash-completion`, or put `. {}` at \
             the end of your `.bashrc`",
            quoted(&path.display().to_string())
        ),
        _ => "open a new terminal, and press Tab behind `piton `".to_owned(),
    }
}

/// Returns whether `.zshrc` names the folder of the script.
fn zsh_looks_there() -> bool {
    let Some(folder) = Folders::of_system().zsh else {
        return false;
    };
    let text = fs::read(folder.join(".zshrc")).unwrap_or_default();
    String::from_utf8_lossy(&text)
        .lines()
        .any(|line| !line.trim_start().starts_with('#') && line.contains(ZSH_FOLDER))
}

/// The folder for functions in the user's home; zsh itself has no such folder by default.
const ZSH_FOLDER: &str = ".zfunc";

/// The folders where shells look for a user's own files.
struct Folders {
    /// `$BASH_COMPLETION_USER_DIR`, else `bash-completion` in `$XDG_DATA_HOME` (bash-completion's README).
    bash: Option<PathBuf>,
    /// `$ZDOTDIR`, else the home.
    zsh: Option<PathBuf>,
    /// `$XDG_CONFIG_HOME`.
    config: Option<PathBuf>,
}

impl Folders {
    fn of_system() -> Folders {
        let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
        let below = |path: &str| Some(home.as_ref()?.join(path));
        let named = |variable: &str| {
            let folder = std::env::var_os(variable).map(PathBuf::from);
            folder.filter(|folder| folder.is_absolute())
        };
        let data = named(environment::XDG_DATA_HOME).or_else(|| below(".local/share"));
        Folders {
            bash: named(environment::BASH_COMPLETIONS)
                .or_else(|| Some(data?.join("bash-completion"))),
            zsh: named(environment::ZDOTDIR).or_else(|| home.clone()),
            config: named(environment::XDG_CONFIG_HOME).or_else(|| below(".config")),
        }
    }
}

/// Returns where a shell looks for the script; `None` for PowerShell, which looks nowhere.
fn script_path(shell: Shell, folders: &Folders) -> Option<PathBuf> {
    let (folder, name) = match shell {
        Shell::Bash => (folders.bash.as_ref()?, "completions/piton"),
        Shell::Zsh => (folders.zsh.as_ref()?, ".zfunc/_piton"),
        Shell::Fish => (folders.config.as_ref()?, "fish/completions/piton.fish"),
        Shell::Pwsh => return None,
    };
    Some(folder.join(name))
}

/// Returns the shell that SHELL names: `/usr/bin/zsh`.
fn own_shell(variable: Option<OsString>) -> Option<Shell> {
    let path = PathBuf::from(variable?);
    let name = path.file_stem()?.to_str()?;
    Shell::named(match name {
        "pwsh" => "powershell",
        name => name,
    })
}

/// Returns whether a script is one of ours, of whatever version.
fn is_ours(script: &[u8]) -> bool {
    let start = script.get(..200).unwrap_or(script);
    String::from_utf8_lossy(start).contains("# Completion of piton's command line")
}

fn unknown_shell() -> CommandError {
    CommandError::Usage(UsageError::Wrong {
        problem: "`completions` does not know your shell: SHELL names none that it supports"
            .to_owned(),
        hints: vec!["name it: `piton completions --install bash`, `zsh` or `fish`".to_owned()],
    })
}

fn by_hand(shell: Shell) -> CommandError {
    let (problem, hint) = match shell {
        Shell::Pwsh => (
            "PowerShell has no folder for completions",
            "`piton completions powershell >> $PROFILE` adds the script to what it runs at its start",
        ),
        _ => (
            "there is no home folder to put the script in",
            "set HOME, or print the script: `piton completions bash`",
        ),
    };
    CommandError::Usage(UsageError::Wrong {
        problem: format!("completions: {problem}"),
        hints: vec![hint.to_owned()],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_of_a_person() {
        let shell = |path: &str| own_shell(Some(path.into()));
        assert_eq!(shell("/bin/bash"), Some(Shell::Bash));
        assert_eq!(shell("/usr/local/bin/fish"), Some(Shell::Fish));
        assert_eq!(shell("/opt/microsoft/pwsh"), Some(Shell::Pwsh));
        assert_eq!(shell("/bin/sh"), None);
        assert_eq!(own_shell(None), None);
    }

    #[test]
    fn every_script_is_known_for_ours() {
        for name in Shell::NAMES {
            let script = Shell::named(name).map_or("", Shell::script);
            assert!(is_ours(script.as_bytes()), "{name}");
        }
        assert!(!is_ours(b"# somebody's own\n"));
    }
}
