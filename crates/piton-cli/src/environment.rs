//! The environment variables that the command reads, each with what it does.
//!
//! Names are written here, or in [`piton::environment`], and nowhere else; `docs/environment.md` lists all of them.

pub(crate) use piton::environment::{MICROPYPATH, TIMEOUT, XDG_CONFIG_HOME};

/// The password of a WebREPL.
pub(crate) const WEBREPL_PASSWORD: &str = "PITON_WEBREPL_PASSWORD";

/// The password of a secret key, with or without a line end. An empty value counts as not set: CI services pass a
/// secret that they withhold as an empty one.
pub(crate) const SIGN_PASSWORD: &str = "PITON_SIGN_PASSWORD";

/// The address of the description of the newest release.
pub(crate) const RELEASE_URL: &str = "PITON_RELEASE_URL";

/// The value of [`RELEASE_URL`] when the program was built: releases have one.
pub(crate) const BUILT_RELEASE_URL: Option<&str> = option_env!("PITON_RELEASE_URL");

/// The user's editors, in order of precedence: mpremote uses only `EDITOR`.
pub(crate) const EDITORS: [&str; 2] = ["EDITOR", "VISUAL"];

/// The folders of programs.
pub(crate) const PATH: &str = "PATH";

/// The user's shell.
pub(crate) const SHELL: &str = "SHELL";

/// The width of the terminal.
pub(crate) const COLUMNS: &str = "COLUMNS";

/// The folder of data files.
pub(crate) const XDG_DATA_HOME: &str = "XDG_DATA_HOME";

/// The folder of the user's completions for bash.
pub(crate) const BASH_COMPLETIONS: &str = "BASH_COMPLETION_USER_DIR";

/// The folder of zsh's configuration.
pub(crate) const ZDOTDIR: &str = "ZDOTDIR";

/// The folder of a computer's own configuration files on Windows.
pub(crate) const LOCALAPPDATA: &str = "LOCALAPPDATA";

/// Whether a CI service runs the command.
pub(crate) const CI: &str = "CI";

/// Whether GitHub runs the command.
pub(crate) const GITHUB_ACTIONS: &str = "GITHUB_ACTIONS";

/// The folder of the repository on GitHub's runner.
pub(crate) const GITHUB_WORKSPACE: &str = "GITHUB_WORKSPACE";

/// The file for the summary of a step.
pub(crate) const GITHUB_STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// The file for the outputs of a step.
pub(crate) const GITHUB_OUTPUT: &str = "GITHUB_OUTPUT";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// What `docs/environment.md` says of each variable of the command, beside [`piton::environment::VARIABLES`].
    const VARIABLES: &[(&str, &str)] = &[
        (
            WEBREPL_PASSWORD,
            "password of a WebREPL, if there is no `--password`",
        ),
        (
            SIGN_PASSWORD,
            "password of the secret key of `build --sign` and `keygen`; empty means not set",
        ),
        (
            RELEASE_URL,
            "address that `piton self check` reads, if there is no `--from`; its value when Piton is built is the default",
        ),
        ("EDITOR", "editor of `piton edit`"),
        ("VISUAL", "the same, if `EDITOR` is not set"),
        (
            PATH,
            "folders of the programs that `piton belay run` starts",
        ),
        (SHELL, "shell that `piton completions` makes a script for"),
        (
            COLUMNS,
            "width of the terminal for `piton mpremote COMMAND --help`",
        ),
        (
            XDG_DATA_HOME,
            "folder of bash's completions, instead of `~/.local/share`",
        ),
        (
            BASH_COMPLETIONS,
            "the same, with precedence over `XDG_DATA_HOME`",
        ),
        (
            ZDOTDIR,
            "folder of zsh's completions, instead of the home folder",
        ),
        (LOCALAPPDATA, "folder of mpremote's `config.py` on Windows"),
        (
            CI,
            "if set, and not `0` or `false`, a source that does not compile fails `piton build`",
        ),
        (
            GITHUB_ACTIONS,
            "`true`: `piton build` annotates sources that do not compile, for GitHub",
        ),
        (
            GITHUB_WORKSPACE,
            "folder that paths in these annotations are relative to",
        ),
        (
            GITHUB_STEP_SUMMARY,
            "file for the summary of a build, on GitHub",
        ),
        (GITHUB_OUTPUT, "file for the outputs of a build, on GitHub"),
    ];

    fn root() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    #[test]
    fn the_documentation_lists_each_variable() {
        let of_library = piton::environment::VARIABLES.iter();
        let rows = of_library.map(|variable| (variable.name, variable.help));
        let rows = rows.chain(VARIABLES.iter().copied());
        let rows = rows.map(|(name, help)| format!("| `{name}` | {help} |\n"));
        let table = rows.collect::<String>();
        let page = std::fs::read_to_string(root().join("docs/environment.md")).unwrap();
        let page = page.replace("\r\n", "\n");
        assert!(page.contains(&table), "docs/environment.md lacks:\n{table}");
    }

    #[test]
    fn no_other_file_names_a_variable_of_ours() {
        let mut folders = ["piton-cli", "piton"]
            .map(|name| root().join("crates").join(name).join("src"))
            .to_vec();
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in folder.read_dir().unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                let reads = ["\"PITON_", "env::var(\"", "env::var_os(\""];
                if !path.ends_with("environment.rs") && reads.iter().any(|read| text.contains(read))
                {
                    found.push(path);
                }
            }
        }
        // `SystemDrive` of Windows is not a setting; tests name what they set.
        found.retain(|path| !path.ends_with("sync/drive.rs") && !path.ends_with("tests.rs"));
        assert_eq!(found, Vec::<std::path::PathBuf>::new());
    }
}
