//! The environment variables that the library reads, each with what it does.
//!
//! No other module has these names; `docs/environment.md` lists them with those of the command.

/// An environment variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Its effect, in Markdown.
    pub help: &'static str,
}

/// The VM file of the virtual board; see [`crate::vm`].
pub const VM: &str = "PITON_VM";

/// The address that the VM file is fetched from.
pub const VM_URL: &str = "PITON_VM_URL";

/// The folder of what piton can fetch or compute again.
pub const CACHE_FOLDER: &str = "PITON_CACHE_DIR";

/// The folders in which programs of this computer look for modules, as with MicroPython's unix port.
pub const MICROPYPATH: &str = "MICROPYPATH";

/// The factor for the time that a board may take.
pub const TIMEOUT: &str = "PITON_TIMEOUT";

/// The configuration file.
pub const CONFIG: &str = "PITON_CONFIG";

/// The folder of configuration files (<https://specifications.freedesktop.org/basedir-spec/latest/>).
pub const XDG_CONFIG_HOME: &str = "XDG_CONFIG_HOME";

/// The folder of configuration files on Windows.
pub const APPDATA: &str = "APPDATA";

/// The time of the sources of a build (<https://reproducible-builds.org/specs/source-date-epoch/>).
pub const SOURCE_DATE_EPOCH: &str = "SOURCE_DATE_EPOCH";

/// Servers that stand for others: pairs of beginnings of addresses, `FROM=TO`, with spaces between them.
pub const MIRRORS: &str = "PITON_MIRRORS";

/// The file of names and passwords of servers (<https://everything.curl.dev/usingcurl/netrc.html>).
pub const NETRC: &str = "NETRC";

/// The token for repositories on GitHub.
pub const GITHUB_TOKEN: &str = "GITHUB_TOKEN";

/// The token for repositories on GitLab.
pub const GITLAB_TOKEN: &str = "GITLAB_TOKEN";

/// The token for repositories on Codeberg.
pub const CODEBERG_TOKEN: &str = "CODEBERG_TOKEN";

/// All variables.
pub const VARIABLES: &[Variable] = &[
    Variable {
        name: CACHE_FOLDER,
        help: "cache folder; else `piton` in the user's cache folder, `~/.cache/piton` on Linux",
    },
    Variable {
        name: VM,
        help: "VM file of the virtual board, if there is no `--vm`",
    },
    Variable {
        name: VM_URL,
        help: "address that the VM file is fetched from, instead of the public mirror",
    },
    Variable {
        name: MICROPYPATH,
        help: "folders in which `piton micropython` and `piton test` look for modules, in front of the project's dependencies",
    },
    Variable {
        name: TIMEOUT,
        help: "factor of all timeouts of a board, if there is no `--timeout`",
    },
    Variable {
        name: CONFIG,
        help: "configuration file, instead of `config.toml` in the folder of configuration files; empty: none",
    },
    Variable {
        name: MIRRORS,
        help: "servers that stand for others when packages are fetched: pairs `FROM=TO` of beginnings of addresses, with spaces between",
    },
    Variable {
        name: NETRC,
        help: "file of names and passwords of servers, instead of `~/.netrc`; empty: none",
    },
    Variable {
        name: GITHUB_TOKEN,
        help: "token for packages of repositories on GitHub",
    },
    Variable {
        name: GITLAB_TOKEN,
        help: "token for packages of repositories on GitLab",
    },
    Variable {
        name: CODEBERG_TOKEN,
        help: "token for packages of repositories on Codeberg",
    },
    Variable {
        name: XDG_CONFIG_HOME,
        help: "folder of configuration files, instead of `~/.config`",
    },
    Variable {
        name: APPDATA,
        help: "folder of configuration files on Windows",
    },
    Variable {
        name: SOURCE_DATE_EPOCH,
        help: "time of the sources of `piton build`, in seconds since 1970, instead of that of the last commit",
    },
];
