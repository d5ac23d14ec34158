//! Archives of a build. Writing gives the same bytes for the same files; reading refuses links, paths that lead out
//! of the folder, sizes that differ from the headers, and archives that unpack to more than any build has.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom, Write};

use flate2::bufread::GzDecoder;
use flate2::{Compression, GzBuilder};
use piton_path::{PortablePath, PortablePathError};
use zip::write::SimpleFileOptions;

use crate::timestamp::Timestamp;

/// Maximum size of all files of an archive, in bytes: more than the flash of any board.
pub const MAXIMUM_SIZE: u64 = 256 << 20;

/// Maximum size of one file of an archive, in bytes.
pub const MAXIMUM_FILE_SIZE: u64 = 64 << 20;

/// Maximum number of entries of an archive.
pub const MAXIMUM_ENTRIES: usize = 60_000;

/// Maximum size of the names of all entries, in bytes.
const MAXIMUM_NAMES: usize = 8 << 20;

/// Maximum size of a tar file between the contents of two entries: headers, padding, and names that are longer than a
/// header.
const MAXIMUM_HEADERS: u64 = 64 << 10;

/// Maximum number of zeros at the end of a tar file.
const MAXIMUM_END: u64 = 1 << 20;

/// The format of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A tar file in a gzip stream.
    TarGz,
    /// A zip file.
    Zip,
}

impl Format {
    /// Returns the format of a file by its first bytes; `None` if they belong to neither.
    pub fn of(bytes: &[u8]) -> Option<Format> {
        match bytes {
            [0x1f, 0x8b, ..] => Some(Format::TarGz),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Format::Zip),
            _ => None,
        }
    }
}

/// Why an archive cannot be unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The file is neither gzip nor zip.
    #[error("this is neither a `.tar.gz` nor a `.zip` archive")]
    Unknown,
    /// The archive is damaged, or ends too early.
    #[error("the archive is damaged{}: {source}", entry.as_ref().map(|name| format!(" at `{}`", name.escape_debug())).unwrap_or_default())]
    Damaged {
        /// The entry that was read, if any.
        entry: Option<String>,
        /// The cause.
        source: io::Error,
    },
    /// An entry would be written outside of the folder.
    #[error("the archive has an entry that is refused: {0}")]
    Path(#[from] PortablePathError),
    /// An entry is neither a file nor a folder: a link or a device.
    #[error("the archive has an entry that is refused: `{}` is a link or a device", name.escape_debug())]
    Special {
        /// The name of the entry.
        name: String,
    },
    /// Two entries have the same name.
    #[error("the archive has `{path}` twice")]
    Twice {
        /// The name.
        path: PortablePath,
    },
    /// A file is larger than any of a build.
    #[error(
        "the archive has an entry that is refused: `{path}` unpacks to {size} bytes, at most {MAXIMUM_FILE_SIZE} are taken"
    )]
    FileTooLarge {
        /// The file.
        path: PortablePath,
        /// Bytes that it unpacks to.
        size: u64,
    },
    /// The archive unpacks to more than any build has.
    #[error("the archive unpacks to more than {MAXIMUM_SIZE} bytes or {MAXIMUM_ENTRIES} entries")]
    TooLarge,
    /// The visitor ended the reading.
    #[error("interrupted")]
    Interrupted,
}

/// Returns a `.tar.gz` of these files: ustar headers, no owner, mode 644, the same time for all, nothing about the
/// computer that packs it.
///
/// # Errors
///
/// A path that is too long for the format.
pub fn tar_gz(files: &[(PortablePath, &[u8])], at: Timestamp) -> io::Result<Vec<u8>> {
    // 255 is "unknown" (RFC 1952, 2.3.1): with the operating system in it, the bytes would differ from computer to
    // computer.
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

/// Returns a `.zip` of these files, deflated: mode 644, the same time for all (from 1980 on, in steps of two seconds,
/// which is what the format can hold).
///
/// # Errors
///
/// More than the format can hold.
pub fn zip(files: &[(PortablePath, &[u8])], at: Timestamp) -> io::Result<Vec<u8>> {
    let at = at.date_time();
    let part = |value: i8| u8::try_from(value).unwrap_or_default();
    let time = zip::DateTime::from_date_and_time(
        u16::try_from(at.year()).unwrap_or_default(),
        part(at.month()),
        part(at.day()),
        part(at.hour()),
        part(at.minute()),
        part(at.second()),
    )
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

/// A function that gets each file: its path, its size in bytes, and its content, which it may read or leave. Reading
/// fails if the content is longer or shorter than that size. An error of the kind [`io::ErrorKind::Interrupted`] ends
/// the visit as [`ArchiveError::Interrupted`].
pub type Visitor<'a> = dyn FnMut(&PortablePath, u64, &mut dyn Read) -> io::Result<()> + 'a;

/// Calls `visitor` for each file of an archive, in the archive's order. Paths, kinds and sizes are checked before.
/// Nothing is kept in memory, and no more is unpacked than `visitor` reads; only the content of a tar file is
/// unpacked to get past it.
///
/// # Errors
///
/// [`ArchiveError`]. What `visitor` got before the error must not be used: an archive is valid as a whole or not at
/// all.
pub fn visit<R: Read + Seek>(source: R, visitor: &mut Visitor<'_>) -> Result<(), ArchiveError> {
    let mut source = BufReader::with_capacity(64 << 10, source);
    let mut start = Vec::new();
    source.seek(SeekFrom::Start(0)).map_err(damaged(None))?;
    (&mut source)
        .take(4)
        .read_to_end(&mut start)
        .map_err(damaged(None))?;
    source.seek(SeekFrom::Start(0)).map_err(damaged(None))?;
    match Format::of(&start).ok_or(ArchiveError::Unknown)? {
        Format::TarGz => visit_tar(source, visitor),
        Format::Zip => visit_zip(source, visitor),
    }
}

fn damaged(entry: Option<&str>) -> impl FnOnce(io::Error) -> ArchiveError {
    let entry = entry.map(str::to_owned);
    |source| match source.kind() {
        io::ErrorKind::Interrupted => ArchiveError::Interrupted,
        _ => ArchiveError::Damaged { entry, source },
    }
}

/// The entries that were read so far, counted against the limits.
#[derive(Default)]
struct Seen {
    entries: usize,
    paths: BTreeSet<PortablePath>,
    names: usize,
    size: u64,
}

impl Seen {
    /// Counts the next entry, of any kind.
    fn count(&mut self) -> Result<(), ArchiveError> {
        self.entries += 1;
        match self.entries > MAXIMUM_ENTRIES {
            true => Err(ArchiveError::TooLarge),
            false => Ok(()),
        }
    }

    /// Checks the next file, before any byte of its content is unpacked.
    fn add(&mut self, name: &str, size: u64) -> Result<PortablePath, ArchiveError> {
        let path = name.parse::<PortablePath>()?;
        if size > MAXIMUM_FILE_SIZE {
            return Err(ArchiveError::FileTooLarge { path, size });
        }
        self.names += name.len();
        self.size += size;
        if self.names > MAXIMUM_NAMES || self.size > MAXIMUM_SIZE {
            return Err(ArchiveError::TooLarge);
        }
        match self.paths.insert(path.clone()) {
            true => Ok(path),
            false => Err(ArchiveError::Twice { path }),
        }
    }
}

/// The content of an entry, of which exactly `left` more bytes must come.
struct Content<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Content<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            // The decoder compares the check sum only when a read reaches the end, and a damaged entry would pass
            // without it.
            return match self.inner.read(&mut [0])? {
                0 => Ok(0),
                _ => Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the content is longer than the archive says",
                )),
            };
        }
        let length = buffer
            .len()
            .min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let count = self
            .inner
            .read(buffer.get_mut(..length).unwrap_or_default())?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= count as u64;
        Ok(count)
    }
}

/// The number of bytes that may be read from a stream until the next check.
struct Allowance {
    left: Cell<u64>,
    exceeded: Cell<bool>,
}

/// A stream that fails when its allowance is used up: a short gzip file can unpack to terabytes of headers.
struct Allowed<'a, R> {
    inner: R,
    allowance: &'a Allowance,
}

impl<R: Read> Read for Allowed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.allowance.left.get();
        if left == 0 && !buffer.is_empty() {
            self.allowance.exceeded.set(true);
            return Err(io::Error::other("too large"));
        }
        let length = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let count = self
            .inner
            .read(buffer.get_mut(..length).unwrap_or_default())?;
        self.allowance.left.set(left - count as u64);
        Ok(count)
    }
}

fn visit_tar<R: io::BufRead>(source: R, visitor: &mut Visitor<'_>) -> Result<(), ArchiveError> {
    let allowance = Allowance {
        left: Cell::new(MAXIMUM_HEADERS),
        exceeded: Cell::new(false),
    };
    let failed = |error| match allowance.exceeded.get() {
        true => ArchiveError::TooLarge,
        false => error,
    };
    let mut archive = tar::Archive::new(Allowed {
        inner: GzDecoder::new(source),
        allowance: &allowance,
    });
    visit_tar_entries(&mut archive, &allowance, visitor).map_err(failed)?;
    // The check sum of gzip is after the last block: without reading on, damage in the archive would go unnoticed.
    allowance.left.set(MAXIMUM_END);
    let mut rest = archive.into_inner();
    let mut block = [0; 4096];
    loop {
        let count = rest
            .read(&mut block)
            .map_err(|error| failed(damaged(None)(error)))?;
        match block.get(..count) {
            None | Some([]) => break,
            Some(bytes) if bytes.iter().all(|byte| *byte == 0) => {}
            // `tar --ignore-zeros` unpacks entries after the end: they would get past the checks.
            Some(_) => return Err(behind_the_end()),
        }
    }
    // gzip files may be concatenated, and gunzip unpacks all members: the second one would get past the checks.
    let mut source = rest.inner.into_inner();
    match source.fill_buf().map_err(damaged(None))? {
        [] => Ok(()),
        _ => Err(behind_the_end()),
    }
}

fn behind_the_end() -> ArchiveError {
    let problem = io::Error::new(io::ErrorKind::InvalidData, "there are bytes after its end");
    damaged(None)(problem)
}

fn visit_tar_entries<R: Read>(
    archive: &mut tar::Archive<R>,
    allowance: &Allowance,
    visitor: &mut Visitor<'_>,
) -> Result<(), ArchiveError> {
    let mut seen = Seen::default();
    for entry in archive.entries().map_err(damaged(None))? {
        let mut entry = entry.map_err(damaged(None))?;
        seen.count()?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = entry.header().entry_type();
        if kind.is_dir() {
            allowance.left.set(MAXIMUM_HEADERS);
            continue;
        }
        if !kind.is_file() {
            return Err(ArchiveError::Special { name });
        }
        let size = entry.size();
        // `tar -C folder .` puts `./` before each name.
        let name = name.strip_prefix("./").unwrap_or(&name);
        let path = seen.add(name, size)?;
        allowance.left.set(size + MAXIMUM_HEADERS);
        let mut content = Content {
            inner: &mut entry,
            left: size,
        };
        visitor(&path, size, &mut content).map_err(damaged(Some(name)))?;
    }
    Ok(())
}

fn visit_zip<R: Read + Seek>(mut source: R, visitor: &mut Visitor<'_>) -> Result<(), ArchiveError> {
    let whole = |error: zip::result::ZipError| damaged(None)(error.into());
    count_headers(&mut source)?;
    let mut archive = zip::ZipArchive::new(&mut source).map_err(whole)?;
    let (start, count) = (archive.central_directory_start(), archive.len());
    let mut seen = Seen::default();
    for index in 0..count {
        seen.count()?;
        let mut entry = archive.by_index(index).map_err(whole)?;
        let name = entry.name().to_owned();
        if entry.is_dir() {
            continue;
        }
        if entry.is_symlink() {
            return Err(ArchiveError::Special { name });
        }
        let size = entry.size();
        let path = seen.add(&name, size)?;
        let mut content = Content {
            inner: &mut entry,
            left: size,
        };
        visitor(&path, size, &mut content).map_err(damaged(Some(&name)))?;
    }
    drop(archive);
    refuse_hidden(source, start)
}

/// Counts the entries of a zip file before the crate reads the list of them, which it keeps in memory as a whole.
fn count_headers<R: Read + Seek>(source: &mut R) -> Result<(), ArchiveError> {
    let mut block = vec![0; 64 << 10];
    let (mut kept, mut count) = (0, 0);
    source.seek(SeekFrom::Start(0)).map_err(damaged(None))?;
    loop {
        let free = block.get_mut(kept..).unwrap_or_default();
        let read = source.read(free).map_err(damaged(None))?;
        let bytes = block.get(..kept + read).unwrap_or_default();
        let headers = bytes.windows(4).filter(|four| *four == HEADER);
        count += headers.count();
        if count > MAXIMUM_ENTRIES {
            return Err(ArchiveError::TooLarge);
        }
        if read == 0 {
            return Ok(());
        }
        // A header may begin in this block and end in the next one.
        let last = bytes.len().min(3);
        block.copy_within(kept + read - last..kept + read, 0);
        kept = last;
    }
}

/// The first bytes of a record in the central directory of a zip file.
const HEADER: &[u8] = b"PK\x01\x02";

/// Refuses a central directory with two records of one name. The crate returns only the last of them, and other
/// programs take the first: they would unpack other bytes than those that were checked.
fn refuse_hidden<R: Read + Seek>(source: R, start: u64) -> Result<(), ArchiveError> {
    // "Central directory structure" (APPNOTE.TXT, 4.3.12): 46 bytes, of which three numbers are the lengths of the
    // name and of the two fields after it.
    let mut source = BufReader::new(source);
    source.seek(SeekFrom::Start(start)).map_err(damaged(None))?;
    let mut names = BTreeSet::new();
    let mut header = [0; 46];
    while source.read_exact(&mut header).is_ok() && header.starts_with(HEADER) {
        let [name, extra, comment] = [[28, 29], [30, 31], [32, 33]]
            .map(|at| at.map(|at| header.get(at).copied().unwrap_or_default()))
            .map(u16::from_le_bytes);
        let mut text = vec![0; usize::from(name)];
        source.read_exact(&mut text).map_err(damaged(None))?;
        source
            .seek_relative(i64::from(extra) + i64::from(comment))
            .map_err(damaged(None))?;
        if names.contains(&text) {
            let path = String::from_utf8_lossy(&text).parse::<PortablePath>()?;
            return Err(ArchiveError::Twice { path });
        }
        names.insert(text);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    type Files = BTreeMap<PortablePath, Vec<u8>>;

    fn unpack(bytes: &[u8]) -> Result<Files, ArchiveError> {
        let mut files = Files::new();
        visit(Cursor::new(bytes), &mut |path, _, content| {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes)?;
            files.insert(path.clone(), bytes);
            Ok(())
        })?;
        Ok(files)
    }

    fn path(text: &str) -> PortablePath {
        text.parse().unwrap()
    }

    fn files() -> Vec<(PortablePath, &'static [u8])> {
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

    /// The zip crate writes no name twice, so the test replaces every occurrence of one afterwards.
    #[test]
    fn a_zip_file_with_a_duplicate_name_is_refused() {
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
    fn packed_files_are_unpacked_unchanged() {
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
                // detects those. Every change of a content must be detected.
                if let Ok(files) = unpack(&damaged) {
                    let known = |content| whole.values().any(|there| there == content);
                    assert!(files.values().all(known), "damage at {at} changed a file");
                }
            }
        }
    }

    #[test]
    fn unsafe_entries_are_refused() {
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

    /// Returns a tar file of one entry that is said to have `size` bytes, in a gzip stream.
    fn tar_of(kind: tar::EntryType, size: u64, content: impl Read) -> Vec<u8> {
        let mut packer = GzBuilder::new().write(Vec::new(), Compression::fast());
        let mut header = tar::Header::new_ustar();
        header.set_path("mpy/a.bin").unwrap();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(0o644);
        header.set_cksum();
        packer.write_all(header.as_bytes()).unwrap();
        io::copy(&mut { content }, &mut packer).unwrap();
        packer.finish().unwrap()
    }

    fn refused(archive: &[u8], message: &str) {
        let mut read = 0;
        let outcome = visit(Cursor::new(archive), &mut |_, _, content| {
            read += io::copy(content, &mut io::sink())?;
            Ok(())
        });
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
        assert!(read <= 10, "{read} bytes were unpacked");
    }

    #[test]
    fn decompression_bombs_are_refused_before_they_are_unpacked() {
        let zeros = |count: u64| io::repeat(0).take(count);
        let large = MAXIMUM_FILE_SIZE + 1;
        let message = "`mpy/a.bin` unpacks to 67108865 bytes";
        let regular = tar::EntryType::Regular;
        refused(&tar_of(regular, large, zeros(0)), message);
        let message = "more than 268435456 bytes";
        // A name of the format's own, a folder, and nothing: what is not a file is not unpacked either.
        for kind in [
            tar::EntryType::GNULongName,
            tar::EntryType::XHeader,
            tar::EntryType::Directory,
        ] {
            let size = MAXIMUM_HEADERS * 2;
            refused(&tar_of(kind, size, zeros(size + 1024)), message);
        }
        let end = tar_of(regular, 0, zeros(MAXIMUM_END + 4096));
        refused(&end, message);
        let hidden = tar_of(regular, 0, b"a".chain(zeros(2000)).chain(&b"b"[..]));
        refused(&hidden, "damaged");
        let hidden = tar_of(regular, 0, zeros(2000).chain(&b"b"[..]));
        refused(&hidden, "there are bytes after its end");
        let twice = [tar_of(regular, 0, zeros(1024)), hidden].concat();
        refused(&twice, "there are bytes after its end");
        let folders = {
            let mut builder =
                tar::Builder::new(GzBuilder::new().write(Vec::new(), Compression::fast()));
            let mut header = tar::Header::new_ustar();
            header.set_path("a/").unwrap();
            header.set_entry_type(tar::EntryType::Directory);
            header.set_size(0);
            header.set_cksum();
            for _ in 0..=MAXIMUM_ENTRIES {
                builder.append(&header, io::empty()).unwrap();
            }
            builder.into_inner().unwrap().finish().unwrap()
        };
        refused(&folders, "60000 entries");
        let headers = [b"PK\x03\x04".to_vec(), HEADER.repeat(MAXIMUM_ENTRIES + 1)].concat();
        refused(&headers, "60000 entries");
    }

    /// The size that a zip file says can be false, where a tar file's is what counts.
    #[test]
    fn a_zip_file_with_wrong_sizes_is_refused() {
        let at = Timestamp::from_seconds(0);
        let size = 100_000_u32;
        let archive = zip(&[(path("mpy/a.bin"), &vec![0; size as usize])], at).unwrap();
        let with_size = |new: u32| {
            let mut archive = archive.clone();
            for place in 0..archive.len() - 4 {
                if archive[place..place + 4] == size.to_le_bytes() {
                    archive[place..place + 4].copy_from_slice(&new.to_le_bytes());
                }
            }
            archive
        };
        assert_eq!(unpack(&with_size(size)).unwrap().len(), 1);
        refused(
            &with_size(10),
            "`mpy/a.bin`: the content is longer than the archive says",
        );
        refused(&with_size(u32::MAX - 1), "unpacks to 4294967294 bytes");
        let error = unpack(&with_size(size + 1)).unwrap_err().to_string();
        assert!(error.contains("damaged at `mpy/a.bin`"), "{error}");
    }

    #[test]
    fn a_visitor_can_end_the_visit() {
        for archive in archives() {
            let outcome = visit(Cursor::new(archive), &mut |_, _, _| {
                Err(io::ErrorKind::Interrupted.into())
            });
            assert!(matches!(outcome, Err(ArchiveError::Interrupted)));
        }
    }
}
