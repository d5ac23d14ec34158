//! Replacing the folder of the results: all at once, or not at all.
//!
//! The new content is written to a hidden folder in the same parent. Then the two are exchanged, in one step if the
//! system supports it. Files that no build made are moved from the old folder. A run that was killed leaves the hidden
//! folder, and the next run moves these files from there before it removes it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use piton_shipment::manifest;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tracing::debug;

use super::fat::{FatPlace, is_fat};
use super::place::{Content, Output, OutputFile};
use super::{BuildError, FILES, INDEX, MANIFEST, Settings};
use crate::folder_lock::{self, FolderLock};
use crate::host_file::{refuse_link, sync_folder};
use crate::host_folder::{swap_names, sync_all};
use crate::regular::{self, Links};

/// Checks that the results replace neither the sources nor files that no build made.
pub(super) fn check(settings: &Settings) -> Result<(), BuildError> {
    let out = &settings.out;
    if out.symlink_metadata().is_ok() && !out.is_dir() {
        return Err(BuildError::OutIsNotAFolder { path: out.clone() });
    }
    if let (Ok(source), Ok(results)) = (settings.source.canonicalize(), out.canonicalize())
        && source.starts_with(&results)
    {
        return Err(BuildError::OutHoldsSource { path: out.clone() });
    }
    let mut folders = vec![out.clone()];
    if let [_, _, ..] = settings.targets.as_slice() {
        folders.extend(
            settings
                .targets
                .iter()
                .map(|target| out.join(target.folder())),
        );
        check_list(&out.join(INDEX))?;
    }
    for folder in folders {
        let manifest = folder.join(MANIFEST);
        if check_list(&manifest)? {
            continue;
        }
        // A whole folder is replaced only if a build made it.
        let replaced = if folder == *out {
            folder.join(FILES)
        } else {
            folder
        };
        if replaced
            .read_dir()
            .is_ok_and(|mut entries| entries.next().is_some())
        {
            return Err(BuildError::NotOurs { path: replaced });
        }
    }
    Ok(())
}

/// The members that distinguish a list of a build from any other JSON of that name.
#[derive(Deserialize)]
struct ListHead {
    #[serde(rename = "version")]
    _version: IgnoredAny,
    #[serde(rename = "build_timestamp")]
    _build_timestamp: IgnoredAny,
    files: Option<IgnoredAny>,
    targets: Option<IgnoredAny>,
}

/// Returns whether the list exists. A file that is not the list of a build is an error, because it is not replaced.
fn check_list(path: &Path) -> Result<bool, BuildError> {
    let not_ours = || BuildError::NotOurs {
        path: path.to_owned(),
    };
    let bytes = match regular::read(path, Links::Follow, manifest::MAXIMUM_SIZE as u64) {
        Ok(bytes) => bytes,
        // A pipe, a device or a socket.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Err(not_ours()),
        Err(_) => return Ok(false),
    };
    match serde_json::from_slice::<ListHead>(&bytes) {
        Ok(list) if list.files.is_some() || list.targets.is_some() => Ok(true),
        _ => Err(not_ours()),
    }
}

/// Takes the lock of this folder of results, which excludes a second build.
pub(super) fn lock(out: &Path) -> Result<FolderLock, BuildError> {
    folder_lock::take(out).ok_or_else(|| BuildError::Busy {
        path: out.to_owned(),
    })
}

/// Writes `output` to the folder of the results.
pub(super) fn replace(settings: &Settings, output: &Output<'_>) -> Result<(), BuildError> {
    let out = std::path::absolute(&settings.out).map_err(failed(&settings.out))?;
    let place = Place::of(&out);
    fs::create_dir_all(&place.parent).map_err(failed(&place.parent))?;
    if is_fat(&place.parent) {
        let place = FatPlace::new(&place.parent, &out).map_err(failed(&place.parent))?;
        return replace_on_fat(&place, &out, output);
    }
    place.recover(output).map_err(failed(&place.new))?;
    let made = fs::create_dir(&place.new)
        .map_err(failed(&place.new))
        .and_then(|()| {
            let files = output.files.iter();
            files
                .into_iter()
                .try_for_each(|file| put(file, &out, &place.new))?;
            sync_all(&place.new).map_err(failed(&place.new))
        })
        .and_then(|()| place.exchange().map_err(failed(&out)));
    if let Err(error) = made {
        // The first error is returned, so this one is ignored.
        let _ = fs::remove_dir_all(&place.new);
        return Err(error);
    }
    let tidied = place.recover(output);
    sync_folder(&place.parent);
    tidied.map_err(failed(&place.new))
}

/// Removes the files of an interrupted build, if the results are right. An error is ignored: the next
/// build that writes will report it.
pub(super) fn tidy(settings: &Settings, output: &Output<'_>) {
    let Ok(out) = std::path::absolute(&settings.out) else {
        return;
    };
    let place = Place::of(&out);
    let _ = match is_fat(&place.parent) {
        true => FatPlace::new(&place.parent, &out).and_then(|place| place.tidy()),
        false => place.recover(output),
    };
}

fn replace_on_fat(place: &FatPlace, out: &Path, output: &Output<'_>) -> Result<(), BuildError> {
    if let Some(left) = place.shared() {
        return Err(BuildError::Shared {
            left,
            path: out.to_owned(),
        });
    }
    let made = place.made();
    let done = place.prepare().map_err(failed(out)).and_then(|()| {
        for file in &output.files {
            let path = made.join(&file.path);
            let folder = path.parent().unwrap_or(&made);
            place.make_folder(folder).map_err(failed(out))?;
            put(file, out, &made)?;
        }
        place.keep_others(output).map_err(failed(out))?;
        // The table of FAT is written first. Otherwise a power cut leaves files that cannot be removed.
        sync_folder(&made);
        sync_all(&made).map_err(failed(out))?;
        place.exchange().map_err(failed(out))
    });
    // The message is about what failed first.
    let tidied = place.tidy();
    done.and(tidied.map_err(failed(out)))
}

/// Writes one file, or links the existing one into the new folder.
fn put(file: &OutputFile<'_>, out: &Path, new: &Path) -> Result<(), BuildError> {
    let path = new.join(&file.path);
    let folder = path.parent().unwrap_or(new);
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let existing = out.join(&file.path);
    let written = match &file.content {
        Content::Borrowed(bytes) => fs::write(&path, bytes),
        Content::Owned(bytes) => fs::write(&path, bytes),
        // A hard link keeps the time of the file. FAT has no hard links, so the file is copied there.
        Content::Existing => {
            fs::hard_link(&existing, &path).or_else(|_| fs::copy(&existing, &path).map(drop))
        }
    };
    written.map_err(failed(&existing))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> BuildError {
    let path = path.to_owned();
    |source| BuildError::Write { path, source }
}

/// The folder of the results and its neighbours.
struct Place {
    parent: PathBuf,
    /// The results.
    out: PathBuf,
    /// The folder of the new results; after the exchange, of the old ones.
    new: PathBuf,
    /// The folder of the old results, if the system cannot exchange names.
    old: PathBuf,
}

impl Place {
    fn of(out: &Path) -> Place {
        let parent = out.parent().unwrap_or(out);
        let beside = |suffix: &str| {
            let mut name = OsString::from(".");
            name.push(out.file_name().unwrap_or(OsStr::new("build")));
            name.push(suffix);
            parent.join(name)
        };
        Place {
            parent: parent.to_owned(),
            out: out.to_owned(),
            new: beside(".piton-new"),
            old: beside(".piton-old"),
        }
    }

    /// Exchanges the new folder with the results.
    fn exchange(&self) -> io::Result<()> {
        if !self.out.exists() {
            return fs::rename(&self.new, &self.out);
        }
        if swap_names(&self.new, &self.out) {
            return Ok(());
        }
        // NTFS and older kernels cannot exchange names in one step. A cut between the two renames leaves no results,
        // and the next build restores the old ones.
        debug!("names cannot be exchanged here, so the folder is replaced by two renames");
        fs::rename(&self.out, &self.old)?;
        if let Err(error) = fs::rename(&self.new, &self.out) {
            fs::rename(&self.old, &self.out)?;
            return Err(error);
        }
        Ok(())
    }

    /// Moves the files that no build made from the folder of an interrupted run to the results, and removes that
    /// folder.
    fn recover(&self, output: &Output<'_>) -> io::Result<()> {
        for left in [&self.old, &self.new] {
            refuse_link(left)?;
        }
        if !self.out.exists() && self.old.exists() {
            debug!(old = %self.old.display(), "the old results are restored after an interrupted build");
            // The build was killed between the two renames.
            fs::rename(&self.old, &self.out)?;
        }
        for left in [&self.old, &self.new] {
            let Ok(entries) = left.read_dir() else {
                continue;
            };
            for entry in entries {
                let entry = entry?;
                let name = entry.file_name();
                let own = name.to_str().is_some_and(|name| output.own.contains(name));
                let place = self.out.join(&name);
                if !own && place.symlink_metadata().is_err() {
                    fs::create_dir_all(&self.out)?;
                    fs::rename(entry.path(), place)?;
                }
            }
            fs::remove_dir_all(left)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::building::BuildTarget;

    const LIST: &str = "{\"version\": \"1\", \"build_timestamp\": \"2026\", \"files\": []}";

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    /// Returns whether the results of a build for so many targets may replace the folder `out` here.
    fn checked(files: &[(&str, &str)], targets: usize) -> String {
        let folder = folder(files);
        let mut settings = Settings::new(folder.path().join("src"), folder.path().join("out"));
        settings.targets = [BuildTarget::default(), BuildTarget::newest_circuitpython()]
            .into_iter()
            .take(targets)
            .collect();
        match check(&settings) {
            Ok(()) => "may be replaced".to_owned(),
            Err(BuildError::NotOurs { path }) => {
                let path = path.strip_prefix(folder.path().join("out")).unwrap();
                format!("not ours: {}", path.display())
            }
            Err(BuildError::OutIsNotAFolder { .. }) => "not a folder".to_owned(),
            Err(BuildError::OutHoldsSource { .. }) => "has the sources".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn only_what_a_build_made_is_replaced() {
        assert_eq!(checked(&[], 1), "may be replaced");
        assert_eq!(checked(&[("out/notes.txt", "")], 1), "may be replaced");
        assert_eq!(
            checked(&[("out/manifest.json", LIST), ("out/mpy/a.mpy", "")], 1),
            "may be replaced"
        );
        // A folder `mpy` of somebody else.
        assert_eq!(checked(&[("out/mpy/a.mpy", "")], 1), "not ours: mpy");
        // A list of another program, or an object that only looks alike.
        for other in [
            "",
            "[]",
            "{}",
            "{\"version\": \"1\", \"build_timestamp\": \"2026\"}",
        ] {
            assert_eq!(
                checked(&[("out/manifest.json", other)], 1),
                "not ours: manifest.json",
                "{other}"
            );
        }
        assert_eq!(checked(&[("out", "")], 1), "not a folder");
        assert_eq!(
            checked(&[("out/x", ""), ("src/a.py", "")], 1),
            "may be replaced"
        );
    }

    #[test]
    fn the_folders_of_several_targets_are_checked_one_by_one() {
        let newest = BuildTarget::newest_circuitpython().folder();
        let manifest = format!("out/{newest}/manifest.json");
        let file = format!("out/{newest}/a.txt");
        assert_eq!(
            checked(&[(&manifest, LIST), (&file, "")], 2),
            "may be replaced"
        );
        assert_eq!(checked(&[(&file, "")], 2), format!("not ours: {newest}"));
        // With one target that folder is somebody's own, and stays.
        assert_eq!(checked(&[(&file, "")], 1), "may be replaced");
        assert_eq!(
            checked(&[("out/index.json", "{}")], 2),
            "not ours: index.json"
        );
        let targets = LIST.replace("files", "targets");
        assert_eq!(
            checked(&[("out/index.json", &targets)], 2),
            "may be replaced"
        );
    }

    #[test]
    fn sources_in_the_folder_of_the_results_are_never_replaced() {
        let folder = folder(&[("out/src/a.py", "")]);
        let settings = Settings::new(folder.path().join("out/src"), folder.path().join("out"));
        assert!(matches!(
            check(&settings),
            Err(BuildError::OutHoldsSource { .. })
        ));
        let settings = Settings::new(folder.path().join("out"), folder.path().join("out"));
        assert!(matches!(
            check(&settings),
            Err(BuildError::OutHoldsSource { .. })
        ));
        // The other way round is usual: `build` in the folder of the project.
        let settings = Settings::new(folder.path(), folder.path().join("out"));
        assert!(check(&settings).is_ok());
    }

    fn output(own: &[&str]) -> Output<'static> {
        Output {
            files: Vec::new(),
            own: own.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn the_next_build_takes_over_what_an_interrupted_one_left() {
        let folder = folder(&[
            ("out/a", "now"),
            (".out.piton-new/a", "half"),
            (".out.piton-new/notes.txt", "mine"),
            (".out.piton-new/mpy/b", "half"),
        ]);
        let out = folder.path().join("out");
        Place::of(&out).recover(&output(&["mpy", "a"])).unwrap();
        assert_eq!(fs::read_to_string(out.join("notes.txt")).unwrap(), "mine");
        assert_eq!(fs::read_to_string(out.join("a")).unwrap(), "now");
        assert!(!out.join("mpy").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn results_that_lost_their_name_get_it_back() {
        // The system cannot exchange two names, and the build ended between the two renames.
        let folder = folder(&[
            (".out.piton-old/mpy/a", "old"),
            (".out.piton-new/mpy/a", "new"),
        ]);
        let out = folder.path().join("out");
        Place::of(&out).recover(&output(&["mpy"])).unwrap();
        assert_eq!(fs::read_to_string(out.join("mpy/a")).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_new_results_take_the_name_of_the_old_ones() {
        let folder = folder(&[("out/a", "old"), (".out.piton-new/a", "new")]);
        let place = Place::of(&folder.path().join("out"));
        place.exchange().unwrap();
        assert_eq!(fs::read_to_string(place.out.join("a")).unwrap(), "new");
        // Without old ones.
        fs::rename(&place.out, &place.new)
            .or_else(|_| {
                fs::remove_dir_all(&place.new).and_then(|()| fs::rename(&place.out, &place.new))
            })
            .unwrap();
        place.exchange().unwrap();
        assert_eq!(fs::read_to_string(place.out.join("a")).unwrap(), "new");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_with_the_name_of_the_hidden_folder_is_refused() {
        let folder = folder(&[("out/a", "old"), ("theirs/b", "theirs")]);
        let at = |name: &str| folder.path().join(name);
        std::os::unix::fs::symlink(at("theirs"), at(".out.piton-new")).unwrap();
        let error = Place::of(&at("out")).recover(&output(&[])).unwrap_err();
        assert!(error.to_string().contains("is a link"), "{error}");
        assert!(at("theirs/b").exists());
    }
}
