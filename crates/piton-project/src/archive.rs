//! Archives of a build: the same bytes for the same files, and no surprise from a stranger's.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Cursor, Read, Write};

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use zip::write::SimpleFileOptions;

use crate::relative_path::{RelativePath, RelativePathError};
use crate::timestamp::Timestamp;

/// Most bytes that an archive may unpack to.
pub const MAXIMUM_SIZE: u64 = 1 << 30;

/// Most entries of an archive.
const MAXIMUM_ENTRIES: usize = 200_000;

/// The files of an archive by path.
pub type Files = BTreeMap<RelativePath, Vec<u8>>;

/// The kinds of archive there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A tar file in a gzip stream.
    TarGz,
    /// A zip file.
    Zip,
}

impl Kind {
    /// The kind that the first bytes of a file tell.
    pub fn of(bytes: &[u8]) -> Option<Kind> {
        match bytes {
            [0x1f, 0x8b, ..] => Some(Kind::TarGz),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Kind::Zip),
            _ => None,
        }
    }
}

/// Why an archive cannot be unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// It is neither gzip nor zip.
    #[error("this is neither a `.tar.gz` nor a `.zip` archive")]
    Unknown,
    /// It is damaged, or ends too early.
    #[error("the archive is damaged{}: {source}", entry.as_ref().map(|name| format!(" at `{}`", name.escape_debug())).unwrap_or_default())]
    Damaged {
        /// The entry that was read, if any.
        entry: Option<String>,
        /// What is wrong.
        source: io::Error,
    },
    /// An entry would be written outside of the folder.
    #[error("the archive has an entry that is refused: {0}")]
    Path(#[from] RelativePathError),
    /// An entry is neither a file nor a folder: a link or a device.
    #[error("the archive has an entry that is refused: `{}` is a link or a device", name.escape_debug())]
    Special {
        /// Its name.
        name: String,
    },
    /// Two entries have one name.
    #[error("the archive has `{path}` twice")]
    Twice {
        /// The name.
        path: RelativePath,
    },
    /// It unpacks to more than any build has.
    #[error("the archive is larger than {MAXIMUM_SIZE} bytes or {MAXIMUM_ENTRIES} entries")]
    TooLarge,
}

/// A `.tar.gz` of these files: ustar headers, no owner, mode 644, one time for all, nothing about the packer.
///
/// # Errors
///
/// A path that is too long for the format.
pub fn tar_gz(files: &[(RelativePath, &[u8])], at: Timestamp) -> io::Result<Vec<u8>> {
    // 255: the operating system is not told, where other tools tell it.
    let packer = GzBuilder::new()
        .mtime(0)
        .operating_system(255)
        .write(Vec::new(), Compression::best());
    let mut builder = tar::Builder::new(packer);
    for (path, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(at.seconds());
        builder.append_data(&mut header, path.as_str(), *content)?;
    }
    builder.into_inner()?.finish()
}

/// A `.zip` of these files, deflated: mode 644, one time for all (from 1980 on, to two seconds, as the format has it).
///
/// # Errors
///
/// More than the format can hold.
pub fn zip(files: &[(RelativePath, &[u8])], at: Timestamp) -> io::Result<Vec<u8>> {
    let at = at.calendar();
    let time =
        zip::DateTime::from_date_and_time(at.year, at.month, at.day, at.hour, at.minute, at.second)
            .unwrap_or_default();
    let options = SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .compression_level(Some(9))
        .last_modified_time(time)
        .unix_permissions(0o644);
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        writer.start_file(path.as_str(), options)?;
        writer.write_all(content)?;
    }
    Ok(writer.finish()?.into_inner())
}

/// The files of an archive, each checked: no path that leads elsewhere, no links, no bombs.
///
/// # Errors
///
/// [`ArchiveError`]: an archive is taken whole or not at all.
pub fn unpack(bytes: &[u8]) -> Result<Files, ArchiveError> {
    match Kind::of(bytes).ok_or(ArchiveError::Unknown)? {
        Kind::TarGz => unpack_tar(bytes),
        Kind::Zip => unpack_zip(bytes),
    }
}

fn damaged(entry: Option<&str>) -> impl FnOnce(io::Error) -> ArchiveError {
    let entry = entry.map(str::to_owned);
    |source| ArchiveError::Damaged { entry, source }
}

/// What has been unpacked so far, within the bounds.
#[derive(Default)]
struct Unpacked {
    files: Files,
    size: u64,
}

impl Unpacked {
    fn add(&mut self, name: &str, content: &mut dyn Read) -> Result<(), ArchiveError> {
        let path = name.parse::<RelativePath>()?;
        if self.files.len() >= MAXIMUM_ENTRIES {
            return Err(ArchiveError::TooLarge);
        }
        let mut bytes = Vec::new();
        content
            .take(MAXIMUM_SIZE - self.size + 1)
            .read_to_end(&mut bytes)
            .map_err(damaged(Some(name)))?;
        self.size += bytes.len() as u64;
        if self.size > MAXIMUM_SIZE {
            return Err(ArchiveError::TooLarge);
        }
        match self.files.insert(path.clone(), bytes) {
            None => Ok(()),
            Some(_) => Err(ArchiveError::Twice { path }),
        }
    }
}

fn unpack_tar(bytes: &[u8]) -> Result<Files, ArchiveError> {
    let mut unpacked = Unpacked::default();
    // Bounds what a gzip stream of zeros can cost even where no entry is found.
    let limited = GzDecoder::new(bytes).take(MAXIMUM_SIZE * 2);
    let mut archive = tar::Archive::new(limited);
    for entry in archive.entries().map_err(damaged(None))? {
        let mut entry = entry.map_err(damaged(None))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = entry.header().entry_type();
        if kind.is_dir() {
            continue;
        }
        if !kind.is_file() {
            return Err(ArchiveError::Special { name });
        }
        let size = entry.size();
        let before = unpacked.size;
        // Some packers put `./` before each name.
        let name = name.strip_prefix("./").unwrap_or(&name);
        unpacked.add(name, &mut entry)?;
        if unpacked.size - before != size {
            return Err(damaged(Some(name))(io::ErrorKind::UnexpectedEof.into()));
        }
    }
    // The rest of the stream holds the check sum.
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(damaged(None))?;
    Ok(unpacked.files)
}

fn unpack_zip(bytes: &[u8]) -> Result<Files, ArchiveError> {
    let whole = |error: zip::result::ZipError| damaged(None)(error.into());
    let mut unpacked = Unpacked::default();
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(whole)?;
    refuse_hidden(bytes, &archive)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(whole)?;
        let name = entry.name().to_owned();
        if entry.is_dir() {
            continue;
        }
        if entry.is_symlink() {
            return Err(ArchiveError::Special { name });
        }
        unpacked.add(&name, &mut entry)?;
    }
    Ok(unpacked.files)
}

/// Of two entries with one name the crate shows the last one only. Other programs take the first: what was checked
/// would not be what they unpack.
fn refuse_hidden<R: Read + io::Seek>(
    bytes: &[u8],
    archive: &zip::ZipArchive<R>,
) -> Result<(), ArchiveError> {
    // "Central directory structure" of the format's description (APPNOTE.TXT, 4.3.12): 46 bytes, of which three
    // numbers say how long the name and what follows it are.
    let start = usize::try_from(archive.central_directory_start()).unwrap_or(usize::MAX);
    let mut rest = bytes.get(start..).unwrap_or_default();
    let mut names = BTreeSet::new();
    while let Some((header, after)) = rest.split_first_chunk::<46>() {
        if !header.starts_with(b"PK\x01\x02") {
            break;
        }
        let [name, extra, comment] = [[28, 29], [30, 31], [32, 33]]
            .map(|at| at.map(|at| header.get(at).copied().unwrap_or_default()))
            .map(|pair| usize::from(u16::from_le_bytes(pair)));
        let text = after.get(..name).unwrap_or_default();
        if !names.insert(text) {
            let path = String::from_utf8_lossy(text).parse::<RelativePath>()?;
            return Err(ArchiveError::Twice { path });
        }
        rest = after.get(name + extra + comment..).unwrap_or_default();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelativePath {
        text.parse().unwrap()
    }

    fn files() -> Vec<(RelativePath, &'static [u8])> {
        vec![
            (path("manifest.json"), b"{}\n"),
            (path("mpy/a.mpy"), b"M\x06\x00\x1f"),
            (path("mpy/lib/b.mpy"), &[7; 5000]),
        ]
    }

    fn archives() -> [Vec<u8>; 2] {
        let at = Timestamp::from_seconds(1_770_374_762);
        [tar_gz(&files(), at).unwrap(), zip(&files(), at).unwrap()]
    }

    /// The crate writes no name twice, so one is changed afterwards, wherever it stands.
    #[test]
    fn a_name_that_a_zip_file_has_twice() {
        let at = Timestamp::from_seconds(1_770_374_762);
        let files = [
            (path("mpy/a.mpy"), b"one".as_slice()),
            (path("mpy/b.mpy"), b"two"),
        ];
        let archive = zip(&files, at).unwrap();
        let (mut changed, mut from) = (archive.clone(), 0);
        let mut found = 0;
        while let Some(at) = changed[from..]
            .windows(9)
            .position(|name| name == b"mpy/b.mpy")
        {
            changed[from + at + 4] = b'a';
            from += at;
            found += 1;
        }
        assert_eq!(found, 2, "before the content and in the directory");
        assert_eq!(unpack(&archive).unwrap().len(), 2);
        let error = unpack(&changed).unwrap_err().to_string();
        assert_eq!(error, "the archive has `mpy/a.mpy` twice");
    }

    #[test]
    fn what_was_packed_comes_out() {
        let expected = files()
            .into_iter()
            .map(|(path, content)| (path, content.to_vec()))
            .collect::<Files>();
        for archive in archives() {
            assert_eq!(unpack(&archive).unwrap(), expected);
        }
        assert_eq!(archives(), archives(), "no time, no owner, no order");
        let long = format!("{}/{}/x.mpy", "a".repeat(120), "b".repeat(120));
        let archive = tar_gz(&[(path(&long), b"x")], Timestamp::from_seconds(0)).unwrap();
        assert!(unpack(&archive).unwrap().contains_key(&path(&long)));
    }

    #[test]
    fn every_damage_is_found() {
        for archive in archives() {
            for cut in 0..archive.len() {
                assert!(unpack(&archive[..cut]).is_err(), "cut at {cut}");
            }
            let whole = unpack(&archive).unwrap();
            for at in 0..archive.len() {
                let mut damaged = archive.clone();
                damaged[at] ^= 0x20;
                // Some bytes do not count (times, what packed it), and a zip's names have no check sum: a manifest
                // tells those. No content may change unseen.
                if let Ok(files) = unpack(&damaged) {
                    let known = |content| whole.values().any(|there| there == content);
                    assert!(files.values().all(known), "damage at {at} changed a file");
                }
            }
        }
    }

    #[test]
    fn strangers_surprises_are_refused() {
        let at = Timestamp::from_seconds(0);
        let mut archive =
            tar::Builder::new(GzBuilder::new().write(Vec::new(), Compression::fast()));
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        header.set_mode(0o777);
        archive
            .append_link(&mut header, "mpy", "../elsewhere")
            .unwrap();
        let link = archive.into_inner().unwrap().finish().unwrap();
        let mut outside = zip::ZipWriter::new(Cursor::new(Vec::new()));
        outside
            .start_file("../a", SimpleFileOptions::default())
            .unwrap();
        let outside = outside.finish().unwrap().into_inner();
        for (archive, message) in [
            (link, "is a link"),
            (outside, "dots only"),
            (b"hello".to_vec(), "neither"),
            (Vec::new(), "neither"),
            (
                tar_gz(&[(path("a"), b"1"), (path("a"), b"2")], at).unwrap(),
                "`a` twice",
            ),
        ] {
            let error = unpack(&archive).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
