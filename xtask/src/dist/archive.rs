//! The archive of a system: `.tar.gz`, for Windows `.zip`. Equal inputs give equal bytes.

use std::io::{Cursor, Write as _};

use flate2::{Compression, GzBuilder};
use zip::write::SimpleFileOptions;

use super::systems::System;
use super::{Papers, Programs, Release};
use crate::workspace::root;

/// A file in an archive.
struct Entry {
    path: String,
    content: Vec<u8>,
    /// Mode of Unix: programs can be run.
    mode: u32,
}

/// Returns the name and the bytes of a system's archive.
pub(crate) fn of(
    system: &System,
    programs: &Programs,
    papers: &Papers,
    release: &Release,
) -> anyhow::Result<(String, Vec<u8>)> {
    let folder = format!("piton-{}-{}", release.version, system.name);
    let entry = |name: &str, content: Vec<u8>, mode| Entry {
        path: format!("{folder}/{name}"),
        content,
        mode,
    };
    let mut entries = Vec::new();
    for name in ["LICENSE", "README.md", "THIRD-PARTY-LICENSES"] {
        entries.push(entry(name, fs_err::read(root().join(name))?, 0o644));
    }
    for (path, text) in &papers.0 {
        entries.push(entry(path, text.clone().into_bytes(), 0o644));
    }
    let mpy_cross = system.program("mpy-cross");
    entries.push(entry(&mpy_cross, programs.mpy_cross.clone(), 0o755));
    let piton = system.program("piton");
    entries.push(entry(&piton, programs.piton.clone(), 0o755));
    if system.is_windows() {
        Ok((format!("{folder}.zip"), zip(&entries)?))
    } else {
        Ok((format!("{folder}.tar.gz"), tar_gz(&entries, release.time)?))
    }
}

fn tar_gz(entries: &[Entry], time: u64) -> anyhow::Result<Vec<u8>> {
    // 255 is "unknown" (RFC 1952, 2.3.1): the bytes do not show which system packed them.
    let packer = GzBuilder::new()
        .mtime(0)
        .operating_system(255)
        .write(Vec::new(), Compression::best());
    let mut builder = tar::Builder::new(packer);
    for entry in entries {
        let mut header = tar::Header::new_ustar();
        header.set_size(entry.content.len() as u64);
        header.set_mode(entry.mode);
        header.set_mtime(time);
        builder.append_data(&mut header, &entry.path, entry.content.as_slice())?;
    }
    Ok(builder.into_inner()?.finish()?)
}

fn zip(entries: &[Entry]) -> anyhow::Result<Vec<u8>> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for entry in entries {
        // Without a time of its own an entry is of 1980.
        let options = SimpleFileOptions::default()
            .compression_level(Some(9))
            .last_modified_time(zip::DateTime::default())
            .unix_permissions(entry.mode);
        writer.start_file(&entry.path, options)?;
        writer.write_all(&entry.content)?;
    }
    Ok(writer.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::dist::systems::SYSTEMS;

    fn archive(system: &System) -> (String, Vec<u8>) {
        let programs = Programs {
            piton: b"the program".to_vec(),
            mpy_cross: b"the compiler".to_vec(),
        };
        let release = Release {
            version: "1.2.3".to_owned(),
            time: 1_700_000_000,
            files: Vec::new(),
        };
        let papers = Papers(vec![("man/piton.1".to_owned(), ".TH".to_owned())]);
        of(system, &programs, &papers, &release).unwrap()
    }

    fn system(name: &str) -> &'static System {
        SYSTEMS.iter().find(|system| system.name == name).unwrap()
    }

    #[test]
    fn an_archive_holds_programs_that_can_be_run() {
        let (name, bytes) = archive(system("linux-armv7"));
        assert_eq!(name, "piton-1.2.3-linux-armv7.tar.gz");
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
        let entries = tar.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            (path, entry.header().mode().unwrap())
        });
        let expected = [
            ("LICENSE", 0o644),
            ("README.md", 0o644),
            ("THIRD-PARTY-LICENSES", 0o644),
            ("man/piton.1", 0o644),
            ("mpy-cross", 0o755),
            ("piton", 0o755),
        ];
        let folder = "piton-1.2.3-linux-armv7";
        let expected = expected.map(|(name, mode)| (format!("{folder}/{name}"), mode));
        assert_eq!(entries.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn an_archive_for_windows_is_a_zip_file() {
        let (name, bytes) = archive(system("windows-x86_64"));
        assert_eq!(name, "piton-1.2.3-windows-x86_64.zip");
        let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut content = String::new();
        zip.by_name("piton-1.2.3-windows-x86_64/piton.exe")
            .unwrap()
            .read_to_string(&mut content)
            .unwrap();
        assert_eq!(content, "the program");
    }

    #[test]
    fn the_same_input_gives_the_same_bytes() {
        for system in &SYSTEMS {
            assert_eq!(archive(system), archive(system));
        }
    }
}
