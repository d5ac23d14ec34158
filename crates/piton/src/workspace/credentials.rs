//! Names and passwords for servers of packages: from `netrc`, and from the environment.
//!
//! They are sent to the server that they are for and to no other, also not after a redirection, and they are in no message.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fmt, fs};

use data_encoding::BASE64;

use crate::environment::{CODEBERG_TOKEN, GITHUB_TOKEN, GITLAB_TOKEN, NETRC};

/// Maximum size of a netrc file, in bytes.
const SIZE_LIMIT: u64 = 1 << 20;

/// The servers that a token of a service is for.
const GITHUB: [&str; 4] = [
    "github.com",
    "api.github.com",
    "codeload.github.com",
    "raw.githubusercontent.com",
];

/// The `Authorization` headers of requests.
#[derive(Clone, Default)]
pub struct Credentials {
    /// The value of the `Authorization` header, by the name of the server.
    headers: Arc<BTreeMap<String, String>>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers = self.headers.keys();
        f.debug_tuple("Credentials")
            .field(&servers.collect::<Vec<_>>())
            .finish()
    }
}

impl Credentials {
    /// Returns those of the user: the netrc file that `NETRC` names, else `~/.netrc` (`~/_netrc` on Windows), and the tokens
    /// `GITHUB_TOKEN`, `GITLAB_TOKEN` and `CODEBERG_TOKEN`, which have priority. A file that cannot be read counts as empty.
    pub fn of_user() -> Credentials {
        let text = netrc_path()
            .and_then(|path| read(&path))
            .unwrap_or_default();
        let mut credentials = Credentials::of_netrc(&text);
        let headers = Arc::make_mut(&mut credentials.headers);
        let mut add = |variable: &str, servers: &[&str]| {
            let token = env::var(variable).ok().filter(|token| is_plain(token));
            if let Some(token) = token {
                for server in servers {
                    headers.insert((*server).to_owned(), format!("Bearer {token}"));
                }
            }
        };
        add(GITHUB_TOKEN, &GITHUB);
        add(GITLAB_TOKEN, &["gitlab.com"]);
        add(CODEBERG_TOKEN, &["codeberg.org"]);
        credentials
    }

    /// Returns those of the text of a netrc file: its `machine` entries, and `default` for no server. Macros are passed over.
    pub fn of_netrc(text: &str) -> Credentials {
        let mut headers = BTreeMap::new();
        let mut lines = text.lines();
        let mut words: Vec<&str> = Vec::new();
        while let Some(line) = lines.next() {
            let line = line.split(" #").next().unwrap_or_default();
            if line.trim_start().starts_with('#') {
                continue;
            }
            if line.trim_start().starts_with("macdef") {
                // A macro ends with an empty line.
                lines.by_ref().find(|line| line.trim().is_empty());
                continue;
            }
            words.extend(line.split_whitespace());
        }
        let mut words = words.into_iter();
        let mut machine: Option<(&str, &str, &str)> = None;
        let mut put = |machine: Option<(&str, &str, &str)>| {
            if let Some((server, login, password)) = machine
                && !password.is_empty()
            {
                let pair = BASE64.encode(format!("{login}:{password}").as_bytes());
                headers
                    .entry(server.to_ascii_lowercase())
                    .or_insert_with(|| format!("Basic {pair}"));
            }
        };
        while let Some(word) = words.next() {
            match word {
                "machine" => {
                    put(machine.take());
                    machine = words.next().map(|server| (server, "", ""));
                }
                "default" => put(machine.take()),
                "login" => {
                    let login = words.next().unwrap_or_default();
                    machine = machine.map(|(server, _, password)| (server, login, password));
                }
                "password" => {
                    let password = words.next().unwrap_or_default();
                    machine = machine.map(|(server, login, _)| (server, login, password));
                }
                // `account`, which HTTP does not have.
                _ => {}
            }
        }
        put(machine);
        Credentials {
            headers: Arc::new(headers),
        }
    }

    /// Returns the `Authorization` header for an address, if there is one.
    pub(crate) fn header(&self, url: &str) -> Option<&str> {
        let server = url.split_once("://")?.1;
        let server = server.split(['/', '?', '#']).next()?;
        // An address with a user in it has its own password.
        if server.contains('@') {
            return None;
        }
        let name = server.rsplit_once(':').map_or(server, |(name, _)| name);
        let header = self.headers.get(&name.to_ascii_lowercase())?;
        Some(header)
    }
}

/// Returns whether a token can be in a header.
fn is_plain(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}

fn netrc_path() -> Option<PathBuf> {
    if let Some(path) = env::var_os(NETRC) {
        return Some(PathBuf::from(path)).filter(|path| !path.as_os_str().is_empty());
    }
    let name = if cfg!(windows) { "_netrc" } else { ".netrc" };
    Some(etcetera::home_dir().ok()?.join(name))
}

fn read(path: &Path) -> Option<String> {
    let is_small = fs::metadata(path).is_ok_and(|metadata| metadata.len() <= SIZE_LIMIT);
    is_small.then(|| fs::read_to_string(path).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_netrc_file_gives_each_server_its_own_header() {
        let credentials = Credentials::of_netrc(
            "# machine none login x password y\n\
             machine H.example login me password s3cret # not the password\n\
             macdef init\n machine none2\n\n\
             machine two\n  login you\n  password p\n\
             machine h.example login other password other\n\
             machine open login x\n\
             default login any password any\n",
        );
        let header = |url: &str| credentials.header(url).unwrap_or("-").to_owned();
        assert_eq!(header("https://h.example/x"), "Basic bWU6czNjcmV0");
        assert_eq!(header("http://two:8080/x?y"), "Basic eW91OnA=");
        for url in [
            "https://sub.h.example/x",
            "https://h.example.evil/x",
            "https://evil/h.example",
            "https://u:p@two/x",
            "https://open/",
            "https://none/",
            "https://none2/",
            "two",
        ] {
            assert_eq!(header(url), "-", "{url}");
        }
        let shown = format!("{credentials:?}");
        assert!(
            !shown.contains("bWU6") && shown.contains("h.example"),
            "{shown}"
        );
    }
}
