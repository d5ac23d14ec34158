//! A cache on disk for values that can be computed again. The key of a value is made of the inputs of the computation.
//!
//! Each entry is a file, named by the SHA-256 of its [`Key`]. It begins with a mark and the SHA-256 of its value, so
//! that a damaged file counts as missing. Entries are written to a temporary file and renamed; readers and writers of
//! several processes need no lock, and of two writers of one key the last wins, with the same bytes. Reading an entry
//! sets its modification time, if that is not of the last minute; when the folder exceeds its limit, the least recently used entries are removed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use piton_path::Sha256Hex;
use sha2::{Digest, Sha256};

/// The limit of the cache of compiled modules, in bytes: 100 MB, as mpremote's.
pub const COMPILED_LIMIT: u64 = 100_000_000;

/// The first bytes of every entry. Another layout gets another mark.
const MARK: &[u8; 8] = b"piton 1\n";

/// Bytes of the mark and the hash of the value.
const HEADER: usize = MARK.len() + 32;

/// Maximum size of an entry, in bytes. A larger file was not written by this module.
const LONGEST: u64 = 64 << 20;

/// Entries are removed down to this part of the limit, so that not every write has to list the folder again.
const KEEP_PERCENT: u64 = 90;

/// The beginning of the name of a temporary file.
const PART: &str = ".part-";

/// The age up to which an entry that is read keeps its time: a build that reads hundreds of them is repeated soon.
const FRESH: Duration = Duration::from_secs(60);

/// The age from which a temporary file counts as abandoned by its writer.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// The inputs that a value was made from. `("ab", "c")` is another key than `("a", "bc")`.
#[derive(Clone, Debug)]
pub struct Key(Sha256);

impl Key {
    /// Returns the key of a value of this kind, for example `mpy`. Keys of different kinds are different.
    pub fn new(kind: &str) -> Key {
        Key(Sha256::new()).with(kind.as_bytes())
    }

    /// Returns the key with one more input: a source, a version, an option.
    #[must_use]
    pub fn with(mut self, part: &[u8]) -> Key {
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
        self
    }

    /// Returns the name of the entry's file: 64 hexadecimal digits.
    fn name(&self) -> String {
        Sha256Hex::from_digest(&self.0.clone().finalize().into()).to_string()
    }
}

/// A cache in one folder. The folder is made by the first write.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    limit: u64,
    /// Bytes in the folder as far as this process knows; `None` before its first write.
    weight: Mutex<Option<u64>>,
}

impl Cache {
    /// Returns the cache in `folder`, which need not exist. It may grow to `limit` bytes.
    pub fn new(folder: impl Into<PathBuf>, limit: u64) -> Cache {
        Cache {
            folder: folder.into(),
            limit,
            weight: Mutex::new(None),
        }
    }

    /// Returns the value of `key`, if the entry exists and is valid. A damaged entry is removed.
    pub fn get(&self, key: &Key) -> Option<Vec<u8>> {
        let path = self.path_of(&key.name());
        let file = File::open(&path).ok()?;
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() {
            return None;
        }
        let value = read_entry(&file, metadata.len());
        let is_fresh = || {
            let modified = metadata.modified();
            modified.is_ok_and(|time| time.elapsed().is_ok_and(|age| age < FRESH))
        };
        if value.is_none() {
            let _ = fs::remove_file(&path);
        } else if !is_fresh()
            && let Ok(file) = File::options().write(true).open(&path)
        {
            // In a folder without write permission the time cannot be set; the entry is valid nevertheless.
            let _ = file.set_modified(SystemTime::now());
        }
        value
    }

    /// Keeps `value` for `key`.
    ///
    /// # Errors
    ///
    /// Making the folder or writing the file fails. A caller that has the value can go on without the cache.
    pub fn put(&self, key: &Key, value: &[u8]) -> io::Result<()> {
        let path = self.path_of(&key.name());
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new().prefix(PART).tempfile_in(folder)?;
        file.write_all(MARK)?;
        file.write_all(&Sha256::digest(value))?;
        file.write_all(value)?;
        match file.persist(&path) {
            Ok(_) => {}
            // Windows does not replace a file that another process has open. That file has the same key, so the same
            // bytes.
            Err(_) if cfg!(windows) && path.exists() => {}
            Err(error) => return Err(error.error),
        }
        self.make_room((HEADER + value.len()) as u64);
        Ok(())
    }

    fn path_of(&self, name: &str) -> PathBuf {
        let (first, rest) = name.split_at_checked(2).unwrap_or(("", name));
        self.folder.join(first).join(rest)
    }

    /// Counts `added` bytes, and removes the least recently used entries if the limit is exceeded.
    fn make_room(&self, added: u64) {
        let Ok(mut weight) = self.weight.lock() else {
            return;
        };
        let known = weight.map(|weight| weight + added);
        if known.is_some_and(|known| known <= self.limit) {
            *weight = known;
            return;
        }
        let mut entries = list(&self.folder);
        let mut total = entries.iter().map(|entry| entry.size).sum::<u64>();
        if total > self.limit {
            entries.sort_by_key(|entry| entry.used);
            for entry in &entries {
                if total <= self.limit / 100 * KEEP_PERCENT {
                    break;
                }
                // Another process may have removed the file first.
                if fs::remove_file(&entry.path).is_ok() || !entry.path.exists() {
                    total -= entry.size;
                }
            }
        }
        *weight = Some(total);
    }
}

struct Entry {
    path: PathBuf,
    size: u64,
    used: SystemTime,
}

/// Returns all entries, in no order. Abandoned temporary files are removed.
fn list(folder: &Path) -> Vec<Entry> {
    let mut entries = Vec::new();
    for folder in files(folder) {
        for file in files(&folder.path()) {
            let Ok(metadata) = file.metadata() else {
                continue;
            };
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            if !metadata.is_file() {
                continue;
            }
            if file.file_name().to_string_lossy().starts_with(PART) {
                if used.elapsed().is_ok_and(|age| age > ABANDONED) {
                    let _ = fs::remove_file(file.path());
                }
                continue;
            }
            entries.push(Entry {
                path: file.path(),
                size: metadata.len(),
                used,
            });
        }
    }
    entries
}

fn files(folder: &Path) -> impl Iterator<Item = fs::DirEntry> {
    fs::read_dir(folder).into_iter().flatten().flatten()
}

/// Returns the value in an entry's file; `None` if the mark or the hash is wrong.
fn read_entry(file: &File, size: u64) -> Option<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(LONGEST)).ok()?);
    file.take(LONGEST).read_to_end(&mut bytes).ok()?;
    let (header, value) = bytes.split_at_checked(HEADER)?;
    let (mark, hash) = header.split_at_checked(MARK.len())?;
    (mark == MARK && hash == Sha256::digest(value).as_slice()).then(|| value.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::new("test").with(text.as_bytes())
    }

    fn cache(limit: u64) -> (tempfile::TempDir, Cache) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("cache"), limit);
        (folder, cache)
    }

    fn age(cache: &Cache, text: &str, seconds: u64) {
        let file = File::options()
            .write(true)
            .open(cache.path_of(&key(text).name()))
            .unwrap();
        let time = SystemTime::now() - Duration::from_secs(seconds);
        file.set_modified(time).unwrap();
    }

    #[test]
    fn keys_of_different_parts_differ() {
        let names = [
            Key::new("a").with(b"bc"),
            Key::new("ab").with(b"c"),
            Key::new("abc"),
            Key::new("abc").with(b""),
        ]
        .map(|key| key.name());
        for (at, name) in names.iter().enumerate() {
            assert_eq!(name.len(), 64);
            assert!(!names.iter().skip(at + 1).any(|other| other == name));
        }
    }

    #[test]
    fn a_stored_value_is_read_back() {
        let (_folder, cache) = cache(1000);
        assert_eq!(cache.get(&key("a")), None);
        cache.put(&key("a"), b"one").unwrap();
        cache.put(&key("b"), b"").unwrap();
        cache.put(&key("a"), b"two").unwrap();
        assert_eq!(cache.get(&key("a")).as_deref(), Some(&b"two"[..]));
        assert_eq!(cache.get(&key("b")).as_deref(), Some(&b""[..]));
    }

    #[test]
    fn a_damaged_entry_counts_as_missing_and_is_removed() {
        let (_folder, cache) = cache(10_000);
        for damage in ["cut", "changed", "empty"] {
            cache.put(&key("a"), b"value of some length").unwrap();
            let path = cache.path_of(&key("a").name());
            let mut bytes = fs::read(&path).unwrap();
            match damage {
                "cut" => bytes.truncate(bytes.len() - 1),
                "changed" => *bytes.last_mut().unwrap() ^= 1,
                _ => bytes.clear(),
            }
            fs::write(&path, bytes).unwrap();
            assert_eq!(cache.get(&key("a")), None, "{damage}");
            assert!(!path.exists(), "{damage}");
        }
    }

    #[test]
    fn the_least_recently_used_entries_are_removed_first() {
        // Room for ten entries of 100 bytes, of which nine stay.
        let (_folder, cache) = cache(1000);
        let value = [b'x'; 100 - HEADER];
        for number in 0..10 {
            cache.put(&key(&number.to_string()), &value).unwrap();
            age(&cache, &number.to_string(), 1000 - number);
        }
        // The oldest is used once more.
        assert!(cache.get(&key("0")).is_some());
        cache.put(&key("10"), &value).unwrap();
        let there = (0..=10)
            .filter(|number: &u32| cache.get(&key(&number.to_string())).is_some())
            .collect::<Vec<_>>();
        assert_eq!(there, [0, 3, 4, 5, 6, 7, 8, 9, 10]);
    }

    #[test]
    fn only_old_temporary_files_are_removed() {
        let (_folder, cache) = cache(100);
        cache.put(&key("a"), b"a").unwrap();
        let beside = cache.path_of(&key("a").name());
        let old = beside.with_file_name(".part-old");
        let fresh = beside.with_file_name(".part-fresh");
        for path in [&old, &fresh] {
            fs::write(path, b"half").unwrap();
        }
        let long_ago = SystemTime::now() - 2 * ABANDONED;
        File::options()
            .write(true)
            .open(&old)
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
        // Over the limit: the folder is looked through.
        cache.put(&key("b"), &[0; 200]).unwrap();
        assert!(!old.exists());
        assert!(fresh.exists());
    }

    #[test]
    fn several_processes_share_one_folder() {
        let (folder, _) = cache(0);
        let path = folder.path().join("cache");
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    // A limit that makes them remove each other's entries.
                    let cache = Cache::new(path, 2000);
                    for round in 0..50_u32 {
                        let name = (round % 25).to_string();
                        let value = name.repeat(40).into_bytes();
                        cache.put(&key(&name), &value).unwrap();
                        if let Some(found) = cache.get(&key(&name)) {
                            assert_eq!(found, value, "writer {writer}, round {round}");
                        }
                    }
                });
            }
        });
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, b"").unwrap();
        let cache = Cache::new(&file, 1000);
        assert!(cache.put(&key("a"), b"a").is_err());
        assert_eq!(cache.get(&key("a")), None);
    }
}
