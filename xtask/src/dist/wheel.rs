//! The wheels of a system: the Python package with the program `piton` in it, and the wheel of [`links`].
//!
//! Format: the PyPA specification "Binary distribution format"
//! (<https://packaging.python.org/en/latest/specifications/binary-distribution-format/>). What lies in `NAME-VERSION.data/scripts`
//! is put on the path as it is: no Python starts before the program.

use std::io::{Cursor, Read as _, Write as _};

use anyhow::{Context, ensure};
use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;

use super::systems::{System, Wheel};
use super::{FileKind, Papers, Programs, Release, Tools, links};
use crate::workspace::root;

/// Returns kind, name and bytes of each wheel of a system.
pub(crate) fn of(
    system: &System,
    programs: &Programs,
    papers: &Papers,
    tools: &Tools,
    release: &Release,
) -> anyhow::Result<Vec<(FileKind, String, Vec<u8>)>> {
    let mut wheels = Vec::new();
    for wheel in system.wheels {
        let (name, bytes) = build(system, wheel, tools, release)?;
        let program = format!("scripts/{}", system.program("piton"));
        let mut data = vec![Data {
            path: program,
            content: &programs.piton,
            mode: 0o755,
        }];
        data.extend(papers.man_pages().map(|(name, text)| Data {
            path: format!("data/share/man/man1/{name}"),
            content: text.as_bytes(),
            mode: 0o644,
        }));
        let bytes = with_data(&bytes, &data)?;
        let platform = platform(&name)?;
        let links = links::of(system, programs, release, platform)?;
        let links_name = format!("piton_mp_links-{}-py3-none-{platform}.whl", release.version);
        wheels.push((FileKind::Wheel, name, bytes));
        wheels.push((FileKind::LinksWheel, links_name, links));
    }
    Ok(wheels)
}

/// Builds the wheel of the package, without the program.
fn build(
    system: &System,
    wheel: &Wheel,
    tools: &Tools,
    release: &Release,
) -> anyhow::Result<(String, Vec<u8>)> {
    let folder = tempfile::Builder::new().prefix("piton-wheel-").tempdir()?;
    let mut maturin = tools.command("maturin")?;
    maturin
        .current_dir(root().join("crates").join("piton-python"))
        // A module of a profile without link-time optimization crashed at its first virtual board.
        .args(["build", "--quiet", "--locked", "--release"])
        .args(["--target", wheel.module])
        .arg("--out")
        .arg(folder.path())
        .env("PITON_EMBED_VM", test_programs::locate("vm")?)
        .env("RUSTFLAGS", super::flags())
        .env("SOURCE_DATE_EPOCH", release.time.to_string());
    if system.needs_zig() {
        maturin.arg("--zig");
    }
    if !wheel.compatibility.is_empty() {
        maturin.args(["--compatibility", wheel.compatibility]);
    }
    let status = maturin.status().context("cannot run maturin")?;
    ensure!(
        status.success(),
        "the wheel for {} can't be built",
        wheel.module
    );
    let mut files = fs_err::read_dir(folder.path())?;
    let file = files.next().context("maturin wrote no wheel")??;
    let name = file.file_name().to_string_lossy().into_owned();
    Ok((name, fs_err::read(file.path())?))
}

/// Returns the platform tag of a wheel's file name.
fn platform(name: &str) -> anyhow::Result<&str> {
    let stem = name.strip_suffix(".whl");
    let tag = stem.and_then(|stem| stem.rsplit('-').next());
    tag.with_context(|| format!("`{name}` is not the name of a wheel"))
}

/// A wheel in the making: each file goes into the list `RECORD` too.
pub(super) struct Writer {
    zip: zip::ZipWriter<Cursor<Vec<u8>>>,
    record: String,
}

impl Writer {
    pub(super) fn new() -> Writer {
        Writer {
            zip: zip::ZipWriter::new(Cursor::new(Vec::new())),
            record: String::new(),
        }
    }

    pub(super) fn add(&mut self, path: &str, content: &[u8], mode: u32) -> anyhow::Result<()> {
        let sum = BASE64URL_NOPAD.encode(&Sha256::digest(content));
        self.record
            .push_str(&format!("{path},sha256={sum},{}\n", content.len()));
        self.write(path, content, mode)
    }

    fn write(&mut self, path: &str, content: &[u8], mode: u32) -> anyhow::Result<()> {
        // The same time for all: equal inputs give equal bytes.
        let options = SimpleFileOptions::default()
            .compression_level(Some(9))
            .last_modified_time(zip::DateTime::default())
            .unix_permissions(mode);
        self.zip.start_file(path, options)?;
        self.zip.write_all(content)?;
        Ok(())
    }

    /// Writes `RECORD`, which names itself without a sum, and returns the wheel.
    pub(super) fn finish(mut self, record_path: &str) -> anyhow::Result<Vec<u8>> {
        self.record.push_str(&format!("{record_path},,\n"));
        let record = std::mem::take(&mut self.record);
        self.write(record_path, record.as_bytes(), 0o644)?;
        Ok(self.zip.finish()?.into_inner())
    }
}

/// A file that an installer does not put beside the modules.
pub(crate) struct Data<'a> {
    /// Below `NAME-VERSION.data/`: `scripts/` is on the path, `data/` is the folder of the environment.
    path: String,
    content: &'a [u8],
    mode: u32,
}

/// Returns a wheel with more such files.
pub(crate) fn with_data(wheel: &[u8], data: &[Data]) -> anyhow::Result<Vec<u8>> {
    let mut source = zip::ZipArchive::new(Cursor::new(wheel))?;
    let mut writer = Writer::new();
    let mut record_path = None;
    for index in 0..source.len() {
        let mut file = source.by_index(index)?;
        let path = file.name().to_owned();
        if path.ends_with(".dist-info/RECORD") {
            record_path = Some(path);
            continue;
        }
        if file.is_dir() {
            continue;
        }
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        writer.add(&path, &content, file.unix_mode().unwrap_or(0o644) & 0o777)?;
    }
    let record_path = record_path.context("the wheel has no RECORD")?;
    let stem = record_path.trim_end_matches(".dist-info/RECORD");
    for file in data {
        writer.add(
            &format!("{stem}.data/{}", file.path),
            file.content,
            file.mode,
        )?;
    }
    writer.finish(&record_path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_added_to_a_wheel_and_to_its_record() {
        let mut plain = Writer::new();
        plain.add("piton/__init__.py", b"", 0o644).unwrap();
        let plain = plain.finish("piton_mp-1.0.dist-info/RECORD").unwrap();
        let program = Data {
            path: "scripts/piton".to_owned(),
            content: b"program",
            mode: 0o755,
        };
        let wheel = with_data(&plain, &[program]).unwrap();
        let mut zip = zip::ZipArchive::new(Cursor::new(wheel)).unwrap();
        let mut record = String::new();
        zip.by_name("piton_mp-1.0.dist-info/RECORD")
            .unwrap()
            .read_to_string(&mut record)
            .unwrap();
        assert_eq!(
            record,
            "piton/__init__.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n\
             piton_mp-1.0.data/scripts/piton,sha256=ExDKLIky29EYZovZdEJVij4fVGteFcaWmd-9YCT1SNg,7\n\
             piton_mp-1.0.dist-info/RECORD,,\n"
        );
        let program = zip.by_name("piton_mp-1.0.data/scripts/piton").unwrap();
        assert_eq!(program.unix_mode().unwrap() & 0o777, 0o755);
    }

    #[test]
    fn the_platform_is_the_last_part_of_the_name() {
        let name = "piton_mp-0.1.0-cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl";
        let expected = "manylinux_2_17_x86_64.manylinux2014_x86_64";
        assert_eq!(platform(name).unwrap(), expected);
        assert!(platform("piton.zip").is_err());
    }
}
