//! Fetching the VM file over the network, and checking its pinned SHA-512 before it is stored.

use std::env;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::environment;
use crate::http::{Client, ClientOptions, HttpError};

use super::{FILE_NAME, PACKAGE, PINNED, Release, URL, VERSION, VmEvent, VmFileError, sha512};

/// Maximum size of a download in bytes. The VM file has 0.45 MB and the package 0.9 MB.
const SIZE_LIMIT: u64 = 16 << 20;

/// Timeout of a download.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// The name of the npm client, which is a batch file on Windows.
const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// Fetches the VM file, from the mirror or else with npm. `place` is its path in the cache, for events and errors.
pub(super) fn fetch(
    release: Release,
    place: &Path,
    report: &mut dyn FnMut(VmEvent),
) -> Result<Vec<u8>, VmFileError> {
    let mut attempts = Vec::new();
    let url = address(release);
    report(VmEvent::Fetching {
        from: format!("`{url}`"),
        to: place.to_owned(),
    });
    match download(&url) {
        Ok(bytes) => match checked(release, bytes) {
            Ok(bytes) => return Ok(bytes),
            Err(reason) => attempts.push(format!("`{url}`: {reason}")),
        },
        Err(error) => attempts.push(error.to_string()),
    }
    report(VmEvent::Fetching {
        from: "the npm client".to_owned(),
        to: place.to_owned(),
    });
    match npm_pack(release).and_then(|bytes| checked(release, bytes)) {
        Ok(bytes) => return Ok(bytes),
        Err(reason) => attempts.push(format!("npm client: {reason}")),
    }
    Err(VmFileError::Fetch {
        release,
        place: place.to_owned(),
        attempts,
    })
}

/// Returns the address of a version: the one in `PITON_VM_URL` is that of the pinned version.
fn address(release: Release) -> String {
    let named = env::var(environment::VM_URL).ok();
    let named = named.filter(|_| release == PINNED);
    named.unwrap_or_else(|| URL.replace(VERSION, release.version))
}

/// Returns the bytes if they are the VM file.
fn checked(release: Release, bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    let found = sha512(&bytes);
    let expected = release.sha512;
    if found == expected {
        Ok(bytes)
    } else {
        Err(format!(
            "came with the wrong SHA-512 ({found:.16}..., expected {expected:.16}...)"
        ))
    }
}

fn download(url: &str) -> Result<Vec<u8>, HttpError> {
    let options = ClientOptions {
        total: Some(TIME_LIMIT),
        ..ClientOptions::default()
    };
    Client::new(&options).get(url, SIZE_LIMIT)
}

/// Fetches the package with the npm client, which uses the mirror and proxy of its configuration.
fn npm_pack(release: Release) -> Result<Vec<u8>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let output = Command::new(NPM)
        .args([
            "pack",
            &format!("{PACKAGE}@{}", release.version),
            "--silent",
        ])
        .args(["--fetch-retries=0", "--fetch-timeout=30000"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "not installed".to_owned(),
            _ => error.to_string(),
        })?;
    if !output.status.success() {
        let talk = String::from_utf8_lossy(&output.stderr);
        let line = talk.lines().find(|line| !line.trim().is_empty());
        return Err(format!(
            "`npm pack` failed ({}){}",
            output.status,
            line.map_or_else(String::new, |line| format!(": {}", line.trim()))
        ));
    }
    let archive = std::fs::read_dir(folder.path())
        .map_err(|error| error.to_string())?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "tgz"))
        .ok_or("`npm pack` left no archive")?;
    unpack(&archive).map_err(|error| error.to_string())
}

/// Returns the VM file out of an npm archive: a gzipped tar with everything below `package/`.
fn unpack(archive: &Path) -> io::Result<Vec<u8>> {
    let file = fs_err::File::open(archive)?;
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    for entry in archive.entries()? {
        let entry = entry?;
        if entry.path()? == Path::new("package").join(FILE_NAME) {
            let mut bytes = Vec::new();
            entry.take(SIZE_LIMIT).read_to_end(&mut bytes)?;
            return Ok(bytes);
        }
    }
    Err(io::Error::other(format!(
        "the package holds no `{FILE_NAME}`"
    )))
}
