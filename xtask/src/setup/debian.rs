//! Programs from Debian's archive, unpacked into the cache folder with all they depend on.
//!
//! apt-get works in a root folder of its own with an empty list of installed packages: it needs no
//! rights, installs nothing, and resolves each program's complete closure, of another Debian release
//! than the machine's if need be. The mirror is taken from the machine's own apt sources; whatever it
//! delivers must be signed by Debian's archive keys.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use test_programs::cache;
use test_programs::debian::architecture;
use test_programs::pins::DebianPackage;

use super::unfinished_folder;
use crate::processes::output_of;

/// The keys that Debian's archive is signed with: package `debian-archive-keyring`, part of Debian.
const ARCHIVE_KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Suites that a machine's apt source may name for us to try its mirror.
const SUITES: &[&str] = &[
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "sid",
    "oldoldstable",
    "oldstable",
    "stable",
    "testing",
    "unstable",
];

/// How long to wait for another apt-get to end.
const LOCK_LIMIT: Duration = Duration::from_secs(120);

/// A private apt root, kept for the run of a set-up.
pub(super) struct Apt {
    root: PathBuf,
    /// Releases whose package index was requested in this run, with the result.
    updated: BTreeMap<String, Result<(), String>>,
}

/// One downloaded package file.
struct Deb {
    path: PathBuf,
    name: String,
    version: String,
    sha256: String,
}

impl Apt {
    /// Returns an apt root in a folder. Folders are made when they are needed.
    pub(super) fn new(folder: &Path) -> Apt {
        Apt {
            root: folder.join(".apt"),
            updated: BTreeMap::new(),
        }
    }

    /// Removes the apt root.
    pub(super) fn remove(&self) -> anyhow::Result<()> {
        if self.root.exists() {
            fs_err::remove_dir_all(&self.root)?;
        }
        Ok(())
    }

    /// Unpacks a package and its closure into the cache folder. Returns the remarks for the user.
    pub(super) fn fetch(
        &mut self,
        package: &DebianPackage,
        cache_dir: &Path,
    ) -> anyhow::Result<Vec<String>> {
        let architecture = output_of(Command::new("dpkg").arg("--print-architecture")).context(
            "programs from Debian are fetched by apt-get and dpkg, on Debian and its kin",
        )?;
        let architecture = architecture.trim();
        self.update(&package.release, architecture)?;
        let debs = self.download(package)?;
        let notices = check_pin(package, architecture, &debs)?;

        let destination = cache::debian_root(cache_dir, package);
        let folder = destination.parent().context("a program lies in a folder")?;
        let unpacked = unfinished_folder(folder)?;
        unpack(&debs, unpacked.path())?;
        let finished = unfinished_folder(folder)?;
        keep(package, unpacked.path(), finished.path())?;
        fs_err::write(finished.path().join("lock.toml"), lock_file(&debs))?;
        fs_err::write(
            finished.path().join(cache::STAMP),
            cache::debian_stamp(package),
        )?;
        if destination.exists() {
            fs_err::remove_dir_all(&destination)?;
        }
        fs_err::rename(finished.path(), &destination)?;
        Ok(notices)
    }

    /// Fetches a release's package index, once in a run.
    fn update(&mut self, release: &str, architecture: &str) -> anyhow::Result<()> {
        let result = match self.updated.get(release) {
            Some(known) => known.clone(),
            None => {
                let result = self.fetch_index(release, architecture);
                let result = result.map_err(|error| format!("{error:#}"));
                self.updated.insert(release.to_owned(), result.clone());
                result
            }
        };
        result.map_err(|reason| anyhow!("no package index of Debian {release}: {reason}"))
    }

    /// Fetches a release's package index from the first of the machine's mirrors that has it.
    fn fetch_index(&self, release: &str, architecture: &str) -> anyhow::Result<()> {
        if !Path::new(ARCHIVE_KEYS).exists() {
            bail!("no `{ARCHIVE_KEYS}`: install the package `debian-archive-keyring`");
        }
        let root = self.release_root(release);
        for folder in ["lists/partial", "archives/partial"] {
            fs_err::create_dir_all(root.join(folder))?;
        }
        fs_err::write(root.join("status"), "")?;
        fs_err::write(root.join("apt.conf"), configuration(&root, architecture)?)?;
        let mirrors = machine_mirrors(&root)?;
        let mut failure = anyhow!("this machine's apt sources name no mirror of Debian's archive");
        for mirror in &mirrors {
            let source = format!("deb [signed-by={ARCHIVE_KEYS}] {mirror} {release} main\n");
            fs_err::write(root.join("sources.list"), source)?;
            match unlocked_output_of(self.apt_get(release).args(["-q", "update"])) {
                Ok(_) => return Ok(()),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Downloads a package and its closure; apt verifies each against the signed index.
    fn download(&self, package: &DebianPackage) -> anyhow::Result<Vec<Deb>> {
        let archives = self
            .release_root(&package.release)
            .join("archives")
            .join(&package.name);
        fs_err::create_dir_all(archives.join("partial"))?;
        let mut apt_get = self.apt_get(&package.release);
        apt_get
            .arg("-o")
            .arg(format!("Dir::Cache::archives={}", archives.display()))
            .args([
                "-q",
                "-y",
                "--no-install-recommends",
                "--download-only",
                "install",
            ])
            .arg(&package.name);
        unlocked_output_of(&mut apt_get)?;

        let mut debs = Vec::new();
        for entry in fs_err::read_dir(&archives)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "deb") {
                debs.push(read_deb(path)?);
            }
        }
        debs.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(debs)
    }

    fn release_root(&self, release: &str) -> PathBuf {
        self.root.join(release)
    }

    fn apt_get(&self, release: &str) -> Command {
        let mut apt_get = Command::new("apt-get");
        apt_get
            .arg("-c")
            .arg(self.release_root(release).join("apt.conf"));
        apt_get.env("LC_ALL", "C");
        apt_get
    }
}

/// Runs apt-get, and waits while another one has the root's lock: an interrupted set-up may have left
/// one that still works.
fn unlocked_output_of(apt_get: &mut Command) -> anyhow::Result<String> {
    let limit = Instant::now() + LOCK_LIMIT;
    loop {
        match output_of(apt_get) {
            Err(error)
                if Instant::now() < limit && error.to_string().contains("Could not get lock") =>
            {
                thread::sleep(Duration::from_millis(500));
            }
            result => return result,
        }
    }
}

/// apt's settings for a private root. They come after the machine's own (proxy and the like), and take
/// back those that would touch the system or fetch what is not needed.
fn configuration(root: &Path, architecture: &str) -> anyhow::Result<String> {
    let root = root
        .to_str()
        .context("the cache folder's path must be UTF-8: set PITON_CACHE_DIR")?;
    if root.contains(['"', '\\', '\n']) {
        bail!("`{root}` has characters that apt's settings can't hold: set PITON_CACHE_DIR");
    }
    Ok(format!(
        r#"Dir::State "{root}";
Dir::State::lists "{root}/lists";
Dir::State::status "{root}/status";
Dir::State::extended_states "{root}/extended_states";
Dir::Cache "{root}";
Dir::Cache::archives "{root}/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Etc::sourcelist "{root}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
#clear APT::Architectures;
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Sandbox::User "";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
"#
    ))
}

/// Mirrors of Debian's archive that the machine's apt is set to, without looking at the network: apt
/// itself reads its sources, whichever of their formats they have.
fn machine_mirrors(root: &Path) -> anyhow::Result<Vec<String>> {
    let no_lists = root.join("no-lists");
    fs_err::create_dir_all(no_lists.join("partial"))?;
    let mut apt_get = Command::new("apt-get");
    apt_get
        .arg("-o")
        .arg(format!("Dir::State::lists={}", no_lists.display()));
    let listing = output_of(apt_get.args(["--print-uris", "update"]))?;
    Ok(mirrors_in(&listing))
}

/// Returns the mirrors in a listing of what apt would update. Other archives for Debian's releases may be among
/// them; they do not pass the check of Debian's signature.
fn mirrors_in(listing: &str) -> Vec<String> {
    let mut mirrors: Vec<String> = Vec::new();
    for line in listing.lines() {
        let Some((uri, _)) = line
            .strip_prefix('\'')
            .and_then(|rest| rest.split_once('\''))
        else {
            continue;
        };
        let Some((mirror, index)) = uri.split_once("/dists/") else {
            continue;
        };
        let Some((suite, "InRelease")) = index.split_once('/') else {
            continue;
        };
        if SUITES.contains(&suite) && !mirrors.iter().any(|known| known == mirror) {
            mirrors.push(mirror.to_owned());
        }
    }
    mirrors
}

fn read_deb(path: PathBuf) -> anyhow::Result<Deb> {
    let mut dpkg_deb = Command::new("dpkg-deb");
    dpkg_deb
        .arg("--show")
        .arg("--showformat=${Package}\n${Version}\n")
        .arg(&path);
    let fields = output_of(&mut dpkg_deb)?;
    let mut fields = fields.lines().map(str::to_owned);
    let (Some(name), Some(version)) = (fields.next(), fields.next()) else {
        bail!("`{}` has no name and version", path.display());
    };
    let sha256 = cache::sha256_hex(&fs_err::read(&path)?);
    Ok(Deb {
        path,
        name,
        version,
        sha256,
    })
}

/// Compares the program's own package with its pin. Returns notices about accepted differences.
fn check_pin(
    package: &DebianPackage,
    architecture: &str,
    debs: &[Deb],
) -> anyhow::Result<Vec<String>> {
    let name = &package.name;
    let deb = debs
        .iter()
        .find(|deb| deb.name == *name)
        .context("apt-get left no package file")?;
    if deb.version != package.version {
        let found = format!(
            "Debian {} has {name} {} now, pinned is {}",
            package.release, deb.version, package.version
        );
        if !package.successors {
            bail!("{found}: change crates/test-programs/pins.toml");
        }
        return Ok(vec![format!(
            "{found}; accepted, its signature is verified"
        )]);
    }
    match package.sha256(architecture) {
        Some(pinned) if pinned == deb.sha256 => Ok(Vec::new()),
        Some(pinned) => bail!(
            "{name} {} has SHA-256 {}, pinned is {pinned}",
            deb.version,
            deb.sha256
        ),
        None => Ok(vec![format!(
            "{name} has no pinned checksum for {architecture}; accepted, its signature is verified"
        )]),
    }
}

/// Unpacks package files over each other.
fn unpack(debs: &[Deb], root: &Path) -> anyhow::Result<()> {
    link_merged_folders(root)?;
    for deb in debs {
        output_of(
            Command::new("dpkg-deb")
                .arg("--extract")
                .arg(&deb.path)
                .arg(root),
        )?;
    }
    Ok(())
}

/// Debian's top-level folders for programs and libraries are links into `usr`.
#[cfg(unix)]
fn link_merged_folders(root: &Path) -> anyhow::Result<()> {
    for name in ["bin", "sbin", "lib", "lib64"] {
        fs_err::create_dir_all(root.join("usr").join(name))?;
        fs_err::os::unix::fs::symlink(Path::new("usr").join(name), root.join(name))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn link_merged_folders(_root: &Path) -> anyhow::Result<()> {
    bail!("programs from Debian are only set up on Linux")
}

/// Moves the program with its libraries and the pinned data from the unpacked files to the finished
/// folder.
fn keep(package: &DebianPackage, unpacked: &Path, finished: &Path) -> anyhow::Result<()> {
    for path in &package.data {
        move_into(path, unpacked, finished)?;
    }
    let Some(executable) = &package.executable else {
        return Ok(());
    };
    move_into(executable, unpacked, finished)?;
    move_into(architecture()?.libraries, unpacked, finished)
}

fn move_into(path: &str, from: &Path, to: &Path) -> anyhow::Result<()> {
    let destination = to.join(path);
    if let Some(folder) = destination.parent() {
        fs_err::create_dir_all(folder)?;
    }
    fs_err::rename(from.join(path), destination)
        .context("the package does not hold what crates/test-programs/pins.toml says")
}

/// Returns a record of exactly what was unpacked.
fn lock_file(debs: &[Deb]) -> String {
    let mut text =
        String::from("# The Debian packages unpacked here, as `cargo xtask setup` got them.\n");
    for Deb {
        name,
        version,
        sha256,
        ..
    } in debs
    {
        // Debian's names and versions hold no character that TOML would need escaped.
        let _ = write!(
            text,
            "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsha256 = \"{sha256}\"\n"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(successors: bool) -> DebianPackage {
        DebianPackage {
            name: "hello".to_owned(),
            release: "trixie".to_owned(),
            version: "1:2.0-1".to_owned(),
            successors,
            executable: None,
            data: Vec::new(),
            library_folders: Vec::new(),
            sha256: BTreeMap::from([("amd64".to_owned(), "aa".to_owned())]),
        }
    }

    fn deb(version: &str, sha256: &str) -> [Deb; 1] {
        let (name, version) = ("hello".to_owned(), version.to_owned());
        [Deb {
            path: PathBuf::new(),
            name,
            version,
            sha256: sha256.to_owned(),
        }]
    }

    #[test]
    fn mirrors_are_those_of_plain_debian_suites() {
        let listing = "'http://mirror.example/debian/dists/bookworm/InRelease' a_InRelease 0 \n\
            'http://mirror.example/debian/dists/bookworm-updates/InRelease' b_InRelease 0 \n\
            'http://mirror.example/debian/dists/bookworm/main/binary-amd64/Packages.xz' c 0 \n\
            'https://other.example/apt/dists/nodistro/InRelease' d_InRelease 0 \n\
            'mirror+file:/etc/apt/mirrors/debian.list/dists/stable/InRelease' e_InRelease 0 \n";
        assert_eq!(
            mirrors_in(listing),
            [
                "http://mirror.example/debian",
                "mirror+file:/etc/apt/mirrors/debian.list"
            ]
        );
    }

    #[test]
    fn the_pinned_package_passes_without_notice() {
        let notices = check_pin(&package(false), "amd64", &deb("1:2.0-1", "aa")).unwrap();
        assert_eq!(notices, Vec::<String>::new());
    }

    #[test]
    fn another_checksum_of_the_pinned_version_fails() {
        let error = check_pin(&package(true), "amd64", &deb("1:2.0-1", "bb")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "hello 1:2.0-1 has SHA-256 bb, pinned is aa"
        );
    }

    #[test]
    fn another_version_passes_only_where_successors_do() {
        let notices = check_pin(&package(true), "amd64", &deb("1:2.0-2", "bb")).unwrap();
        assert!(
            notices
                .concat()
                .contains("has hello 1:2.0-2 now, pinned is 1:2.0-1"),
            "{notices:?}"
        );
        let error = check_pin(&package(false), "amd64", &deb("1:2.0-2", "bb")).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("change crates/test-programs/pins.toml"),
            "{error}"
        );
    }

    #[test]
    fn an_architecture_without_a_pin_is_reported() {
        let notices = check_pin(&package(false), "arm64", &deb("1:2.0-1", "bb")).unwrap();
        assert!(
            notices.concat().contains("no pinned checksum for arm64"),
            "{notices:?}"
        );
    }

    #[test]
    fn settings_refuse_a_path_that_would_end_the_quotes() {
        assert!(configuration(Path::new("/cache/\"; Evil"), "amd64").is_err());
    }
}
