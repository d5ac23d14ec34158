//! The content of the folder of the results, and whether the folder has it already.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use piton_compiler::Diagnostic;
use piton_mpy::header::FORMER_VERSION;
use piton_path::PortablePath;
use piton_path::Sha256Hex;
use piton_project::cache::{Cache, Key};
use piton_shipment::archive;
use piton_shipment::index::{self, Index, IndexTarget};
use piton_shipment::manifest::{FileKind, LeftOutModule, Manifest, ManifestFile, MpyFacts, SCHEMA};
use piton_shipment::timestamp::Timestamp;
use tracing::debug;

use super::age::Age;
use super::make::Plan;
use super::scan::{Input, InputKind};
use super::{BuildError, FILES, INDEX, MANIFEST, SIGNATURE, Settings, TAR, TargetReport, ZIP};
use crate::regular::{self, Links};

/// The results of an input.
pub(super) struct Made {
    pub(super) content: Vec<u8>,
    pub(super) sha256: Sha256Hex,
    /// One for each target.
    pub(super) results: Vec<Result<MadeFile, Diagnostic>>,
}

/// One file of the results.
pub(super) struct MadeFile {
    pub(super) kind: FileKind,
    bytes: Vec<u8>,
    sha256: Sha256Hex,
    origin: Origin,
}

/// The origin of a file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// This run compiled them.
    Compiled,
    /// They come from the cache, or unchanged from the sources.
    Copied,
    /// The file of the last build with the same name has them.
    LastBuild,
}

impl MadeFile {
    pub(super) fn new(bytes: Vec<u8>, kind: FileKind, origin: Origin) -> MadeFile {
        MadeFile {
            kind,
            sha256: Sha256Hex::of(&bytes),
            bytes,
            origin,
        }
    }
}

/// Returns the folder of a target.
pub(super) fn folder(settings: &Settings, name: &str) -> PathBuf {
    if name.is_empty() {
        settings.out.clone()
    } else {
        settings.out.join(name)
    }
}

/// Returns the path of the manifest of a target.
pub(super) fn manifest_path(settings: &Settings, name: &str) -> PathBuf {
    folder(settings, name).join(MANIFEST)
}

/// Returns the path of the signature of a file.
pub(super) fn signature_path(of: &Path) -> PathBuf {
    let mut path = of.as_os_str().to_owned();
    path.push(SIGNATURE);
    path.into()
}

/// The results of one target.
pub(super) struct Target<'a> {
    plan: &'a Plan,
    manifest: Manifest,
    /// The bytes of the manifest's files, in its order.
    files: Vec<&'a MadeFile>,
}

impl<'a> Target<'a> {
    pub(super) fn new(plan: &'a Plan, settings: &Settings, age: &Age) -> Target<'a> {
        Target {
            plan,
            manifest: Manifest {
                version: version(settings, age),
                build_timestamp: Timestamp::from_seconds(age.seconds).to_string(),
                files: Vec::new(),
                schema: Some(SCHEMA),
                target: Some(plan.target.to_string()),
                compiler: Some(plan.compiler.clone()),
                left_out: Vec::new(),
                targets: match settings.targets.as_slice() {
                    [_] => None,
                    targets => Some(targets.iter().map(ToString::to_string).collect()),
                },
            },
            files: Vec::new(),
        }
    }

    /// Adds the result of an input. Inputs come sorted by path, and so do results except for their endings.
    pub(super) fn add(&mut self, input: &Input, made: &'a Made, file: &'a MadeFile) {
        let path = match (input.kind, file.kind) {
            (InputKind::Module, FileKind::Source) => input.place.clone(),
            _ => input.output(),
        };
        let Ok(download_path) = format!("{FILES}/{path}").parse() else {
            // A path below a folder stays one below another.
            return;
        };
        let entry = ManifestFile {
            download_path,
            sha256: file.sha256.clone(),
            size: file.bytes.len() as u64,
            kind: Some(file.kind),
            entry: Some(input.kind == InputKind::Entry),
            source: Some(input.path.clone()),
            source_sha256: Some(made.sha256.clone()),
            mpy: match file.kind {
                FileKind::Mpy => mpy_facts(&file.bytes),
                FileKind::Source | FileKind::Data => None,
            },
            path,
        };
        let at = self
            .manifest
            .files
            .partition_point(|other| other.path < entry.path);
        self.manifest.files.insert(at, entry);
        self.files.insert(at, file);
    }

    /// Adds a source that did not compile.
    pub(super) fn leave_out(&mut self, input: &Input) {
        self.manifest.left_out.push(LeftOutModule {
            path: input.output(),
            source: input.path.clone(),
        });
    }

    /// Returns whether there were modules, and none of them compiled or stayed source.
    pub(super) fn has_nothing_but_failures(&self) -> bool {
        let mut files = self.manifest.files.iter();
        let is_module =
            |file: &ManifestFile| file.kind != Some(FileKind::Data) && file.entry != Some(true);
        !self.manifest.left_out.is_empty() && !files.any(is_module)
    }

    /// Returns the number of modules.
    fn modules(&self) -> usize {
        let modules = self.manifest.files.iter();
        modules
            .filter(|file| file.kind == Some(FileKind::Mpy))
            .count()
    }

    pub(super) fn report(&self, settings: &Settings) -> TargetReport {
        let folder = folder(settings, &self.plan.folder);
        let archives = if settings.archives {
            &[TAR, ZIP][..]
        } else {
            &[]
        };
        TargetReport {
            name: self.plan.target.to_string(),
            folder: folder.join(FILES),
            manifest: folder.join(MANIFEST),
            archives: archives.iter().map(|name| folder.join(name)).collect(),
            files: self.files.len(),
            modules: self.modules(),
            compiled: self
                .files
                .iter()
                .filter(|file| file.origin == Origin::Compiled)
                .count(),
            size: self.manifest.files.iter().map(|file| file.size).sum(),
        }
    }
}

/// Returns the version of the build.
pub(super) fn version(settings: &Settings, age: &Age) -> String {
    let version = settings.version.clone().or_else(|| age.tag.clone());
    version.unwrap_or_else(|| "0.0.0".to_owned())
}

/// Returns the path of the list of targets, if there are several.
pub(super) fn index_path(settings: &Settings) -> Option<PathBuf> {
    (settings.targets.len() > 1).then(|| settings.out.join(INDEX))
}

/// Returns the requirements of a module for the board, from its header.
fn mpy_facts(mpy: &[u8]) -> Option<MpyFacts> {
    let module = piton_mpy::reader::header(mpy).ok()?;
    Some(MpyFacts {
        version: module.version,
        // In version 5 these are features of the bytecode.
        sub_version: if module.version == FORMER_VERSION {
            0
        } else {
            module.sub_version
        },
        arch: module.arch.map(|arch| arch.name().to_owned()),
        small_int_bits: module.small_int_bits,
        header: HEXLOWER.encode(mpy.get(..4)?),
    })
}

/// A file of the results: its path below their folder, and its content.
pub(super) struct OutputFile<'a> {
    pub(super) path: PathBuf,
    pub(super) content: Content<'a>,
}

/// The bytes of a file.
pub(super) enum Content<'a> {
    /// The existing file has them.
    Existing,
    /// The bytes of a module or a source.
    Borrowed(&'a [u8]),
    /// The bytes of a file that is made from the others.
    Owned(Vec<u8>),
}

/// The whole content of the folder of the results.
pub(super) struct Output<'a> {
    pub(super) files: Vec<OutputFile<'a>>,
    /// The names at the top that this build or the last one wrote.
    pub(super) own: BTreeSet<String>,
}

impl<'a> Output<'a> {
    pub(super) fn new(
        settings: &Settings,
        targets: &[Target<'a>],
        at: Timestamp,
    ) -> Result<Output<'a>, BuildError> {
        let mut output = Output {
            files: Vec::new(),
            own: own_names(settings),
        };
        let manifests = targets
            .iter()
            .map(|target| Signed::new(settings, MANIFEST, target.manifest.to_json(), at))
            .collect::<Vec<Signed>>();
        let index = index(targets, &manifests);
        let index = index.map(|index| Signed::new(settings, INDEX, index.to_json(), at));
        for (target, manifest) in targets.iter().zip(&manifests) {
            output.own.insert(target.plan.folder.clone());
            let packed = Packed {
                target,
                documents: std::iter::once(manifest).chain(&index).collect(),
                at,
            };
            output.add_target(settings, &packed, manifest)?;
        }
        if let Some(index) = &index {
            output.add_signed(settings, Path::new(""), index);
        }
        output.own.remove("");
        Ok(output)
    }

    fn add_target(
        &mut self,
        settings: &Settings,
        packed: &Packed<'_, 'a>,
        manifest: &Signed,
    ) -> Result<(), BuildError> {
        let target = packed.target;
        let folder = Path::new(&target.plan.folder);
        for (file, made) in target.manifest.files.iter().zip(&target.files) {
            let path = folder.join(file.download_path.to_path());
            let is_kept = made.origin == Origin::LastBuild;
            let content = if is_kept || holds(&settings.out.join(&path), &made.bytes) {
                Content::Existing
            } else {
                Content::Borrowed(&made.bytes)
            };
            self.files.push(OutputFile { path, content });
        }
        if settings.archives {
            self.add_archives(settings, folder, packed)?;
        }
        self.add_signed(settings, folder, manifest);
        Ok(())
    }

    fn add_signed(&mut self, settings: &Settings, folder: &Path, signed: &Signed) {
        for (name, bytes) in signed.files() {
            self.add(settings, folder.join(name), bytes.to_vec());
        }
    }

    fn add(&mut self, settings: &Settings, path: PathBuf, bytes: Vec<u8>) {
        let content = if holds(&settings.out.join(&path), &bytes) {
            Content::Existing
        } else {
            Content::Owned(bytes)
        };
        self.files.push(OutputFile { path, content });
    }

    /// Adds the archives. Packing takes longer than everything else, so the cache keeps the hashes of the last
    /// archives.
    fn add_archives(
        &mut self,
        settings: &Settings,
        folder: &Path,
        packed: &Packed<'_, '_>,
    ) -> Result<(), BuildError> {
        let paths = [TAR, ZIP].map(|name| folder.join(name));
        let key = packed.key();
        let known = known_hashes(settings.cache.as_ref(), &key);
        let is_packed = known.is_some_and(|hashes| {
            let mut pairs = paths.iter().zip(hashes);
            pairs.all(|(path, hash)| {
                fs::read(settings.out.join(path))
                    .is_ok_and(|bytes| Sha256Hex::of(&bytes).as_str() == hash)
            })
        });
        debug!(
            is_packed,
            "whether the archives of the last build are those of this one"
        );
        if is_packed {
            self.files.extend(paths.map(|path| OutputFile {
                path,
                content: Content::Existing,
            }));
            return Ok(());
        }
        let files = packed.files();
        let failed = |name: &'static str| {
            move |source: io::Error| BuildError::Write {
                path: PathBuf::from(name),
                source,
            }
        };
        let archives = [
            archive::tar_gz(&files, packed.at).map_err(failed(TAR))?,
            archive::zip(&files, packed.at).map_err(failed(ZIP))?,
        ];
        if let Some(cache) = &settings.cache {
            let hashes = archives.each_ref().map(|bytes| Sha256Hex::of(bytes));
            let text = hashes.map(String::from).join(" ");
            let _ = cache.put(&key, text.as_bytes());
        }
        for (path, bytes) in paths.into_iter().zip(archives) {
            self.add(settings, path, bytes);
        }
        Ok(())
    }

    /// Returns whether the folder of the results has this content, and no other files of a build.
    pub(super) fn is_up_to_date(&self, settings: &Settings) -> bool {
        let known = self
            .files
            .iter()
            .filter(|file| matches!(file.content, Content::Existing))
            .map(|file| file.path.as_path())
            .collect::<BTreeSet<&Path>>();
        known.len() == self.files.len()
            && self
                .own
                .iter()
                .all(|name| holds_only(&settings.out, Path::new(name), &known))
    }
}

/// A document of a build and, with a key, its signature.
struct Signed {
    name: &'static str,
    bytes: Vec<u8>,
    signature: Option<Vec<u8>>,
}

impl Signed {
    /// Signs the document, if there is a key. The time in the signature is that of the build, so that it is the same
    /// each time.
    fn new(settings: &Settings, name: &'static str, bytes: Vec<u8>, at: Timestamp) -> Signed {
        let comment = format!("timestamp:{}\tfile:{name}\thashed", at.seconds());
        let key = settings.key.as_ref();
        Signed {
            name,
            signature: key.map(|key| key.sign(&bytes, &comment).into_bytes()),
            bytes,
        }
    }

    /// Yields the names of its files with their content.
    fn files(&self) -> impl Iterator<Item = (String, &[u8])> {
        let document = (self.name.to_owned(), self.bytes.as_slice());
        let signature = self.signature.as_deref();
        let signature = signature.map(|bytes| (format!("{}{SIGNATURE}", self.name), bytes));
        std::iter::once(document).chain(signature)
    }
}

/// Returns the list of targets, if there are several.
fn index(targets: &[Target<'_>], manifests: &[Signed]) -> Option<Index> {
    let [first, _, ..] = targets else {
        return None;
    };
    let entries = targets
        .iter()
        .zip(manifests)
        .filter_map(|(target, manifest)| {
            let path = format!("{}/{MANIFEST}", target.plan.folder).parse();
            Some(IndexTarget {
                target: target.plan.target.to_string(),
                manifest: path.ok()?,
                sha256: Sha256Hex::of(&manifest.bytes),
                files: target.files.len(),
            })
        });
    Some(Index {
        version: first.manifest.version.clone(),
        build_timestamp: first.manifest.build_timestamp.clone(),
        targets: entries.collect(),
        schema: index::SCHEMA,
    })
}

/// The content of the archives of a target. It includes the list of targets, so that each archive can be checked alone.
struct Packed<'t, 'a> {
    target: &'t Target<'a>,
    documents: Vec<&'t Signed>,
    at: Timestamp,
}

impl Packed<'_, '_> {
    fn key(&self) -> Key {
        let key = Key::new("archives").with(env!("CARGO_PKG_VERSION").as_bytes());
        let documents = self.documents.iter().flat_map(|document| document.files());
        documents.fold(key, |key, (_, bytes)| key.with(bytes))
    }

    fn files(&self) -> Vec<(PortablePath, &[u8])> {
        let documents = self.documents.iter().flat_map(|document| document.files());
        let named = documents.filter_map(|(name, bytes)| Some((name.parse().ok()?, bytes)));
        let listed = self.target.manifest.files.iter().zip(&self.target.files);
        named
            .chain(listed.map(|(file, made)| (file.download_path.clone(), made.bytes.as_slice())))
            .collect()
    }
}

fn known_hashes(cache: Option<&Cache>, key: &Key) -> Option<[String; 2]> {
    let text = String::from_utf8(cache?.get(key)?).ok()?;
    let (first, second) = text.split_once(' ')?;
    Some([first.to_owned(), second.to_owned()])
}

/// Returns the names at the top of the results that a build writes, and those that the last one wrote.
fn own_names(settings: &Settings) -> BTreeSet<String> {
    let mut names = [FILES, MANIFEST, INDEX, TAR, ZIP]
        .map(str::to_owned)
        .into_iter()
        .collect::<BTreeSet<String>>();
    names.extend([MANIFEST, INDEX].map(|name| format!("{name}{SIGNATURE}")));
    let limit = index::MAXIMUM_SIZE as u64;
    let last = regular::read(&settings.out.join(INDEX), Links::Follow, limit).ok();
    let last = last.and_then(|bytes| Index::parse(&bytes).ok());
    let folders = last.into_iter().flat_map(|index| index.targets);
    names.extend(folders.filter_map(|target| Some(target.manifest.parent()?.to_string())));
    names
}

/// Returns whether the file has these bytes.
fn holds(path: &Path, bytes: &[u8]) -> bool {
    let same_size = path
        .symlink_metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.len() == bytes.len() as u64);
    same_size && fs::read(path).is_ok_and(|existing| existing == bytes)
}

/// Returns whether every file at or below `path` is known. This is true for a path that does not exist.
fn holds_only(out: &Path, path: &Path, known: &BTreeSet<&Path>) -> bool {
    match out.join(path).symlink_metadata() {
        Err(_) => true,
        Ok(metadata) if metadata.is_dir() => folder_holds_only(out, path, known),
        Ok(_) => known.contains(path),
    }
}

/// As [`holds_only`] for a folder, which must not be empty.
fn folder_holds_only(out: &Path, path: &Path, known: &BTreeSet<&Path>) -> bool {
    let Ok(entries) = out.join(path).read_dir() else {
        return false;
    };
    let mut empty = true;
    for entry in entries {
        let Ok(entry) = entry else { return false };
        empty = false;
        let path = path.join(entry.file_name());
        let is_known = match entry.file_type() {
            Ok(kind) if kind.is_dir() => folder_holds_only(out, &path, known),
            _ => known.contains(path.as_path()),
        };
        if !is_known {
            return false;
        }
    }
    !empty
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_folder::with as folder;

    #[test]
    fn a_file_holds_these_bytes_only_if_it_is_a_file() {
        let folder = folder(&["abc=abc"]);
        let at = |name: &str| folder.path().join(name);
        assert!(holds(&at("abc"), b"abc"));
        assert!(!holds(&at("abc"), b"abd"));
        assert!(!holds(&at("abc"), b"abcd"));
        assert!(!holds(&at("none"), b""));
        assert!(!holds(folder.path(), b""));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(at("abc"), at("link")).unwrap();
            // A link would show the change of another file.
            assert!(!holds(&at("link"), b"abc"));
        }
    }

    #[test]
    fn a_folder_of_results_has_no_files_of_an_older_build() {
        let folder = folder(&["mpy/a.mpy", "mpy/lib/b.mpy", "manifest.json"]);
        fs::create_dir(folder.path().join("empty")).unwrap();
        let only = |path: &str, known: &[&str]| {
            let known: BTreeSet<&Path> = known.iter().map(Path::new).collect();
            holds_only(folder.path(), Path::new(path), &known)
        };
        assert!(only("mpy", &["mpy/a.mpy", "mpy/lib/b.mpy"]));
        assert!(!only("mpy", &["mpy/a.mpy"]));
        assert!(only("manifest.json", &["manifest.json"]));
        assert!(!only("manifest.json", &[]));
        // Nothing is there.
        assert!(only("index.json", &[]));
        // An empty folder is what an older build left.
        assert!(!only("empty", &[]));
    }

    #[test]
    fn names_that_the_last_build_wrote_are_its_own() {
        let folder = folder(&[]);
        let settings = Settings::new("src", folder.path());
        let own = |settings: &Settings| {
            own_names(settings)
                .into_iter()
                .collect::<Vec<String>>()
                .join(" ")
        };
        let always = "index.json index.json.minisig manifest.json manifest.json.minisig mpy mpy-files.tar.gz \
                      mpy-files.zip";
        assert_eq!(own(&settings), always);
        let index = serde_json::json!({
            "version": "1", "build_timestamp": "2026-01-01T00:00:00Z", "schema": 1,
            "targets": [{
                "target": "circuitpython-9", "manifest": "circuitpython-9/manifest.json",
                "sha256": Sha256Hex::of(b"").to_string(), "files": 0,
            }],
        });
        fs::write(folder.path().join(INDEX), index.to_string()).unwrap();
        assert_eq!(own(&settings), format!("circuitpython-9 {always}"));
        fs::write(folder.path().join(INDEX), "{}").unwrap();
        assert_eq!(own(&settings), always, "the list of another program");
    }

    #[test]
    fn the_cache_of_archives_has_two_hashes() {
        let folder = folder(&[]);
        let cache = Cache::new(folder.path(), 1 << 20);
        let key = Key::new("archives").with(b"a");
        let known = |content: &str| {
            cache.put(&key, content.as_bytes()).unwrap();
            known_hashes(Some(&cache), &key)
        };
        assert_eq!(known_hashes(None, &key), None);
        assert_eq!(known_hashes(Some(&cache), &key), None);
        assert_eq!(known("one two"), Some(["one".to_owned(), "two".to_owned()]));
        assert_eq!(known("one"), None);
    }

    #[test]
    fn a_build_without_a_version_has_that_of_the_commits_tag() {
        let mut settings = Settings::new("src", "build");
        let mut age = Age {
            seconds: 0,
            tag: None,
        };
        assert_eq!(version(&settings, &age), "0.0.0");
        age.tag = Some("v1.2".to_owned());
        assert_eq!(version(&settings, &age), "v1.2");
        settings.version = Some("2.0".to_owned());
        assert_eq!(version(&settings, &age), "2.0");
    }

    #[test]
    fn several_targets_have_folders_and_a_list() {
        let mut settings = Settings::new("src", "build");
        assert_eq!(index_path(&settings), None);
        assert_eq!(
            manifest_path(&settings, ""),
            Path::new("build/manifest.json")
        );
        settings.targets = vec![
            super::super::BuildTarget::default(),
            super::super::BuildTarget::newest_circuitpython(),
        ];
        assert_eq!(
            index_path(&settings).as_deref(),
            Some(Path::new("build/index.json"))
        );
        let path = manifest_path(&settings, "micropython");
        assert_eq!(path, Path::new("build/micropython/manifest.json"));
        assert_eq!(
            signature_path(&path),
            Path::new("build/micropython/manifest.json.minisig")
        );
    }
}
