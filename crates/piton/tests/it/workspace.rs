//! Projects: from `pyproject.toml` to a lock and a folder of dependencies. The servers are on this computer.

use std::fs;
use std::ops::ControlFlow::Continue;
use std::path::{Path, PathBuf};
use std::process::Command;

use piton::deadline::Cancel;
use piton::path::Sha256Hex;
use piton::workspace::{
    AddOptions, Change, FetchSettings, LockOptions, PackageError, PackageEvent, Resolved,
    Selection, Update, Workspace,
};
use serde_json::json;
use tempfile::TempDir;

use crate::package_index::Index;

/// A package of the index: its name, its version, and what it needs, with ranges.
pub(crate) type Published<'p> = (&'p str, &'p str, &'p [(&'p str, &'p str)]);

pub(crate) const COMMIT: &str = "1234567890123456789012345678901234567890";

/// A project, and the server that its packages come from.
pub(crate) struct Place {
    folder: TempDir,
    pub(crate) index: Index,
    offline: bool,
}

impl Place {
    /// Returns a project with these settings; `INDEX` stands for the server.
    pub(crate) fn new(settings: &str) -> Place {
        let place = Place {
            folder: TempDir::new().unwrap(),
            index: Index::start(),
            offline: false,
        };
        fs::create_dir(place.root()).unwrap();
        place.settings(settings);
        place
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    pub(crate) fn settings(&self, settings: &str) {
        let text = format!(
            "[tool.belay]\npackage_indices = [\"{}/pi\"]\n{settings}",
            self.index.url()
        );
        self.write("pyproject.toml", &text);
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn fetch_settings(&self) -> FetchSettings {
        let mut settings = FetchSettings::default();
        settings.offline = self.offline;
        settings.cache = Some(self.folder.path().join("cache"));
        settings.mirrors = [
            "github.com",
            "raw.githubusercontent.com",
            "codeload.github.com",
            "gitlab.com",
            "codeberg.org",
        ]
        .map(|server| {
            (
                format!("https://{server}/"),
                format!("{}/{server}/", self.index.url()),
            )
        })
        .to_vec();
        settings
    }

    pub(crate) fn workspace(&self) -> Workspace {
        Workspace::open(&self.root()).unwrap()
    }

    pub(crate) fn resolve(&self, update: Update) -> Result<Resolved, PackageError> {
        let mut options = LockOptions::default();
        options.update = update;
        let events = &mut |_: PackageEvent<'_>| Continue(());
        self.workspace()
            .resolve(&options, &self.fetch_settings(), &Cancel::new(), events)
    }

    /// Locks, and writes everything. Returns the changes, or the error, as text.
    pub(crate) fn lock(&self, update: Update) -> String {
        match self.resolve(update) {
            Err(error) => self.cut(&error.to_string()),
            Ok(resolved) => {
                self.workspace().write(&resolved).unwrap();
                let changes = resolved.changes.iter().map(|change| match change {
                    Change::Added { name, version } => {
                        format!("+{name} {}", version.as_deref().unwrap_or("-"))
                    }
                    Change::Removed { name, .. } => format!("-{name}"),
                    Change::Updated { name, version, .. } => {
                        format!("~{name} {}", version.as_deref().unwrap_or("-"))
                    }
                    _ => String::new(),
                });
                changes.collect::<Vec<_>>().join(" ")
            }
        }
    }

    pub(crate) fn cut(&self, text: &str) -> String {
        let folder = self.root().display().to_string();
        text.replace(self.index.url(), "SERVER")
            .replace(&folder, "PROJECT")
    }

    /// The files of the folder of the dependencies, with their contents.
    pub(crate) fn tree(&self) -> String {
        let folder = self.root().join(".belay/dependencies");
        let mut lines = Vec::new();
        collect(&folder, "", &mut lines);
        lines.sort();
        lines.join("\n")
    }

    /// Publishes a package of the index, in all of these versions, each with one module.
    pub(crate) fn publish(&self, packages: &[Published<'_>]) {
        let mut list: Vec<serde_json::Value> = Vec::new();
        for (name, version, needs) in packages {
            let content = format!("# {name} {version}\n");
            let hash = self.file(&content);
            let needs: Vec<[&str; 2]> = needs.iter().map(|(name, range)| [*name, *range]).collect();
            let description = json!({"v": 1, "version": version, "hashes": [[format!("{name}.py"), hash]], "deps": needs});
            let path = format!("/pi/package/py/{name}/{version}.json");
            self.index.put(&path, description.to_string());
            match list.iter_mut().find(|entry| entry["name"] == *name) {
                Some(entry) => {
                    entry["version"] = json!(version);
                    entry["versions"]["py"].as_array_mut().unwrap().push(json!(version));
                }
                None => list.push(json!({"name": name, "version": version, "description": format!("the {name}"), "versions": {"py": [version]}})),
            }
        }
        self.index.put(
            "/pi/index.json",
            json!({"v": 2, "packages": list}).to_string(),
        );
    }

    fn file(&self, content: &str) -> String {
        let hash = Sha256Hex::of(content.as_bytes()).to_string();
        let hash = hash[..8].to_owned();
        self.index
            .put(&format!("/pi/file/{}/{hash}", &hash[..2]), content);
        hash
    }

    /// Publishes a repository on GitHub: its branches, its files, an archive of it.
    pub(crate) fn repository(&self, name: &str, branch: &str, files: &[(&str, &str)]) {
        let mut refs = "001e# service=git-upload-pack\n0000".to_owned();
        for line in [
            format!("{COMMIT} HEAD\0symref=HEAD:refs/heads/{branch}"),
            format!("{COMMIT} refs/heads/{branch}"),
        ] {
            refs.push_str(&format!("{:04x}{line}\n", line.len() + 5));
        }
        refs.push_str("0000");
        self.index.put(
            &format!("/github.com/{name}.git/info/refs?service=git-upload-pack"),
            refs,
        );
        let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(
            Vec::new(),
            flate2::Compression::fast(),
        ));
        for (path, content) in files {
            self.index.put(
                &format!("/raw.githubusercontent.com/{name}/{COMMIT}/{path}"),
                *content,
            );
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            archive
                .append_data(&mut header, format!("r-1/{path}"), content.as_bytes())
                .unwrap();
        }
        let archive = archive.into_inner().unwrap().finish().unwrap();
        self.index.put(
            &format!("/codeload.github.com/{name}/tar.gz/{COMMIT}"),
            archive,
        );
    }
}

fn collect(folder: &Path, below: &str, lines: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let entry = entry.unwrap();
        let name = format!("{below}{}", entry.file_name().to_str().unwrap());
        match entry.file_type().unwrap().is_dir() {
            true => collect(&entry.path(), &format!("{name}/"), lines),
            false => lines.push(format!(
                "{name}: {}",
                fs::read_to_string(entry.path()).unwrap().trim_end()
            )),
        }
    }
}

#[test]
fn versions_are_chosen_locked_and_kept_until_they_are_to_be_updated() {
    let place = Place::new("[tool.belay.dependencies]\nmenu = '^1'\nleaf = '*'\n");
    place.publish(&[
        ("menu", "1.0", &[("leaf", "latest")]),
        ("menu", "2.0", &[]),
        ("leaf", "1.0", &[]),
    ]);
    assert_eq!(place.lock(Update::Nothing), "+leaf 1.0 +menu 1.0");
    assert_eq!(
        place.tree(),
        "main/leaf.py: # leaf 1.0\nmain/menu.py: # menu 1.0"
    );
    let lock = fs::read_to_string(place.root().join("piton.lock")).unwrap();
    assert!(
        lock.contains("needs = [\"leaf\"]") && lock.contains("source = \"menu ^1\""),
        "{lock}"
    );
    place.publish(&[
        ("menu", "1.0", &[("leaf", "^1")]),
        ("menu", "1.1", &[("leaf", ">=1.1")]),
        ("leaf", "1.0", &[]),
        ("leaf", "1.2", &[]),
    ]);
    assert_eq!(
        place.lock(Update::Nothing),
        "",
        "the lock is that of the settings"
    );
    assert_eq!(
        place.lock(Update::Named(vec!["leaf".to_owned()])),
        "~leaf 1.2"
    );
    assert_eq!(place.lock(Update::Everything), "~menu 1.1");
    assert_eq!(
        place.tree(),
        "main/leaf.py: # leaf 1.2\nmain/menu.py: # menu 1.1"
    );
    place.settings("[tool.belay.dependencies]\nmenu = '==1.0'\n");
    assert_eq!(
        place.lock(Update::Nothing),
        "~menu 1.0",
        "the version of `leaf` stays"
    );
    place.settings("[tool.belay.dependencies]\nmenu = '^3'\n");
    assert_eq!(
        place.lock(Update::Nothing),
        "no versions of the packages fit together:\n  your project needs menu ^3\n  there is no menu ^3 (there are only 1.1 and 1.0)"
    );
    assert!(place.tree().contains("menu 1.0"), "nothing was changed");
}

#[test]
fn an_unchanged_project_asks_no_server_and_offline_takes_the_cache() {
    let mut place = Place::new("[tool.belay.dependencies]\na = '*'\n");
    place.publish(&[("a", "1.0", &[])]);
    place.lock(Update::Nothing);
    place.offline = true;
    assert_eq!(place.lock(Update::Nothing), "");
    assert_eq!(
        place.lock(Update::Everything),
        "",
        "all of it is in the cache"
    );
    fs::remove_dir_all(place.root().join(".belay")).unwrap();
    let workspace = place.workspace();
    assert_eq!(
        workspace.compare().unwrap()[0].to_string(),
        "`main/a.py` is missing"
    );
    let events = &mut |_: PackageEvent<'_>| Continue(());
    let locked = workspace
        .fetch_locked(&place.fetch_settings(), &Cancel::new(), events)
        .unwrap();
    place.workspace().write(&locked).unwrap();
    assert_eq!(place.tree(), "main/a.py: # a 1.0");
    place.settings("[tool.belay.dependencies]\na = '*'\nb = '*'\n");
    fs::remove_dir_all(place.folder.path().join("cache")).unwrap();
    assert_eq!(
        place.lock(Update::Nothing),
        "SERVER/pi/index.json is not in the cache, and `--offline` asks no server"
    );
}

#[test]
fn files_folders_and_packages_of_repositories() {
    let place = Place::new(
        "[tool.belay.dependencies]
file = 'https://github.com/o/r/blob/feature/x/lib/file.py'
plain = 'https://github.com/o/r/tree/feature/x/lib'
package = 'github:o/p'
library = 'github:o/lib/micropython/b'
os = ['https://github.com/o/r/blob/feature/x/lib/file.py', './own.py']
",
    );
    place.write("own.py", "own");
    place.repository(
        "o/r",
        "feature/x",
        &[("lib/file.py", "file"), ("lib/sub/two.py", "two")],
    );
    place.repository(
        "o/p",
        "main",
        &[
            ("package.json", r#"{"version": "3", "urls": [["p/__init__.py", "src/p.py"], ["p/x.py", "github:o/p/src/x.py"]], "deps": [["leaf", "^1"]]}"#),
            ("src/p.py", "p"),
            ("src/x.py", "x"),
        ],
    );
    place.repository(
        "o/lib",
        "main",
        &[
            (
                "micropython/a/manifest.py",
                "metadata(version='0.2')\nmodule('a.py')\n",
            ),
            ("micropython/a/a.py", "a"),
            ("micropython/b/manifest.py", "require('a')\npackage('b')\n"),
            ("micropython/b/b/__init__.py", "b"),
            ("python-stdlib/x", ""),
            ("python-ecosys/x", ""),
        ],
    );
    place.publish(&[("leaf", "1.0", &[])]);
    assert_eq!(
        place.lock(Update::Nothing),
        "+file - +github:o/lib/micropython/a 0.2 +github:o/lib/micropython/b - +github:o/p 3 +leaf 1.0 +os - +plain -"
    );
    assert_eq!(
        place.tree(),
        "main/a.py: a\nmain/b/__init__.py: b\nmain/file/__init__.py: file\nmain/leaf.py: # leaf 1.0\n\
         main/os/file.py: file\nmain/os/own.py: own\nmain/p/__init__.py: p\nmain/p/x.py: x\n\
         main/plain/file.py: file\nmain/plain/sub/two.py: two"
    );
    let lock = fs::read_to_string(place.root().join("piton.lock")).unwrap();
    assert!(
        lock.contains(&format!(
            "https://raw.githubusercontent.com/o/lib/{COMMIT}/micropython/b/b/__init__.py"
        )),
        "{lock}"
    );
    assert!(
        !lock.contains(place.index.url().trim_start_matches("http://127")) || lock.contains("/pi"),
        "no mirror is in it"
    );
    place.write("own.py", "changed");
    assert_eq!(
        place.workspace().stale().unwrap(),
        ["the files of `os` were changed"]
    );
    assert_eq!(place.lock(Update::Nothing), "~os -");
}

/// Runs git in a repository. Returns what it prints.
fn git_in(repository: &Path, words: &[&str]) -> String {
    let done = Command::new("git")
        .args([
            "-c",
            "user.name=x",
            "-c",
            "user.email=x@y",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(words)
        .current_dir(repository)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

#[test]
fn the_lock_of_a_package_at_the_top_of_a_git_repository_is_enough_on_another_computer() {
    let place = Place::new("");
    let repository = place.folder.path().join("repository");
    fs::create_dir_all(repository.join("src")).unwrap();
    fs::write(repository.join("src/p.py"), "p").unwrap();
    let json = json!({"version": "1", "urls": [["p/__init__.py", "src/p.py"]]});
    fs::write(repository.join("package.json"), json.to_string()).unwrap();
    git_in(&repository, &["init", "--quiet"]);
    git_in(&repository, &["add", "."]);
    git_in(&repository, &["commit", "--quiet", "-m", "x"]);
    let commit = git_in(&repository, &["rev-parse", "HEAD"]);
    let url = format!("git+file://{}", repository.display());
    place.settings(&format!("[tool.belay.dependencies]\np = '{url}'\n"));
    assert_eq!(place.lock(Update::Nothing), format!("+{url} 1"));
    let lock = fs::read_to_string(place.root().join("piton.lock")).unwrap();
    assert!(lock.contains(&format!("@{commit}#src/p.py\"")), "{lock}");
    for folder in ["project/.belay", "cache"] {
        fs::remove_dir_all(place.folder.path().join(folder)).unwrap();
    }
    let events = &mut |_: PackageEvent<'_>| Continue(());
    let locked = place
        .workspace()
        .fetch_locked(&place.fetch_settings(), &Cancel::new(), events)
        .unwrap();
    place.workspace().write(&locked).unwrap();
    assert_eq!(place.tree(), "main/p/__init__.py: p");
}

#[test]
fn a_repository_of_any_git_server_is_read_by_the_program_git() {
    let place = Place::new("");
    let repository = place.folder.path().join("repository");
    let git = |words: &[&str]| git_in(&repository, words);
    fs::create_dir_all(repository.join("lib")).unwrap();
    fs::write(repository.join("lib/one.py"), "one").unwrap();
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "x"]);
    git(&["tag", "v1"]);
    let commit = git(&["rev-parse", "HEAD"]);
    fs::write(repository.join("lib/one.py"), "two").unwrap();
    git(&["commit", "--quiet", "-am", "y"]);
    let url = format!("git+file://{}", repository.display());
    place.settings(&format!(
        "[tool.belay.dependencies]\nlib = '{url}@v1#lib'\nmodule = '{url}#lib/one.py'\n"
    ));
    assert_eq!(place.lock(Update::Nothing), "+lib - +module -");
    assert_eq!(
        place.tree(),
        "main/lib/one.py: one\nmain/module/__init__.py: two"
    );
    let lock = fs::read_to_string(place.root().join("piton.lock")).unwrap();
    assert!(lock.contains(&format!("@{commit}#lib/one.py")), "{lock}");
    // The lock alone is enough.
    fs::remove_dir_all(place.root().join(".belay")).unwrap();
    fs::remove_dir_all(place.folder.path().join("cache/documents")).unwrap();
    let events = &mut |_: PackageEvent<'_>| Continue(());
    let locked = place
        .workspace()
        .fetch_locked(&place.fetch_settings(), &Cancel::new(), events)
        .unwrap();
    place.workspace().write(&locked).unwrap();
    assert_eq!(
        place.tree(),
        "main/lib/one.py: one\nmain/module/__init__.py: two"
    );
    place.settings(&format!(
        "[tool.belay.dependencies]\nlib = '{url}@v2#lib'\n"
    ));
    let error = place.resolve(Update::Nothing).unwrap_err();
    assert!(
        matches!(&error, PackageError::NoReference { names, .. } if names == &["main", "v1"]),
        "{error}"
    );
}

#[test]
fn what_is_hostile_or_damaged_is_refused_and_nothing_is_written() {
    let place = Place::new("");
    place.publish(&[("ok", "1", &[])]);
    let hash = place.file("x");
    let publish = |name: &str, description: serde_json::Value| {
        place.index.put(
            &format!("/pi/package/py/{name}/1.json"),
            description.to_string(),
        );
        place.index.put(
            "/pi/index.json",
            json!({"packages": [{"name": name, "version": "1"}]}).to_string(),
        );
    };
    for (description, problem) in [
        (
            json!({"hashes": [["../x.py", hash]]}),
            "is not a path below a folder",
        ),
        (
            json!({"hashes": [["/x.py", hash]]}),
            "is not a path below a folder",
        ),
        (
            json!({"hashes": [["a/../../x.py", hash]]}),
            "is not a path below a folder",
        ),
        (json!({"hashes": [[".piton-swap", hash]]}), "is refused"),
        (json!({"hashes": [["x.py", "00000000"]]}), "does not exist"),
        (
            json!({"urls": [["x.py", "file:///etc/passwd"]]}),
            "is not a file of the index",
        ),
        (
            json!({"deps": [["./x", "1"]]}),
            "a package cannot name files of this computer",
        ),
        (
            json!({"deps": [["git+file:///x", "1"]]}),
            "a package cannot name files of this computer",
        ),
        (
            json!({"deps": [["x", "^^"]]}),
            "is neither a source nor a range",
        ),
        (json!([1]), "cannot be used"),
    ] {
        publish("bad", description.clone());
        place.settings("[tool.belay.dependencies]\nbad = '*'\n");
        let said = place.lock(Update::Nothing);
        assert!(said.contains(problem), "{description}: {said}");
    }
    // A content that does not have its hash.
    place
        .index
        .put(&format!("/pi/file/{}/{hash}", &hash[..2]), "y");
    publish("bad", json!({"hashes": [["x.py", hash]]}));
    let said = place.lock(Update::Nothing);
    assert!(
        said.contains("is damaged or was changed: its SHA-256 is"),
        "{said}"
    );
    for source in [
        "https://github.com/o/none/blob/main/x.py",
        "github:o/none",
        "SERVER/none/x.py",
        "../none.py",
    ] {
        let source = source.replace("SERVER", place.index.url());
        place.settings(&format!("[tool.belay.dependencies]\nx = '{source}'\n"));
        assert!(place.resolve(Update::Nothing).is_err(), "{source}");
    }
    assert_eq!(place.tree(), "");
    assert!(!place.root().join("piton.lock").exists());
}

#[test]
fn a_package_that_changed_without_a_new_version_is_named() {
    let place = Place::new("[tool.belay.dependencies]\na = '*'\n");
    place.publish(&[("a", "1.0", &[])]);
    place.lock(Update::Nothing);
    let hash = place.file("other");
    let description = json!({"version": "1.0", "hashes": [["a.py", hash]]});
    place
        .index
        .put("/pi/package/py/a/1.0.json", description.to_string());
    place.settings("[tool.belay.dependencies]\na = '>=1'\n");
    assert_eq!(
        place.lock(Update::Nothing),
        "a 1.0 was changed without a new version: a.py"
    );
    assert_eq!(place.lock(Update::Named(vec!["a".to_owned()])), "~a 1.0");
    assert_eq!(place.tree(), "main/a.py: other");
}

#[test]
fn two_packages_with_one_path_are_a_conflict_that_names_both() {
    let place = Place::new("[tool.belay.dependencies]\na = '*'\nb = '*'\n");
    place.publish(&[("a", "1", &[]), ("b", "1", &[])]);
    let hash = place.file("other");
    let description = json!({"hashes": [["a.py", hash]]});
    place
        .index
        .put("/pi/package/py/b/1.json", description.to_string());
    assert_eq!(
        place.lock(Update::Nothing),
        "a and b have different files `a.py`"
    );
    assert_eq!(place.tree(), "");
}

#[test]
fn cycles_end() {
    let place = Place::new("[tool.belay.dependencies]\na = '*'\n");
    place.publish(&[("a", "1", &[("b", "*")]), ("b", "1", &[("a", "^1")])]);
    assert_eq!(place.lock(Update::Nothing), "+a 1 +b 1");
}

#[test]
fn dependencies_are_added_and_removed_with_comments_kept() {
    let place = Place::new("ignore = [] # mine\n");
    place.publish(&[("a", "1.0", &[]), ("umqtt.simple", "1.0", &[])]);
    let events = &mut |_: PackageEvent<'_>| Continue(());
    let add = |source: &str| {
        let (mut next, name) =
            place
                .workspace()
                .with_dependency(None, source, &AddOptions::default())?;
        let resolved = next.resolve(
            &LockOptions::default(),
            &place.fetch_settings(),
            &Cancel::new(),
            &mut |_| Continue(()),
        )?;
        next.write(&resolved).map(|_| name)
    };
    assert_eq!(add("a").unwrap(), "a");
    assert_eq!(add("umqtt.simple").unwrap(), "umqtt_simple");
    assert!(matches!(add("a"), Err(PackageError::Exists { .. })));
    assert!(add("none").is_err());
    let text = fs::read_to_string(place.root().join("pyproject.toml")).unwrap();
    assert!(
        text.contains("# mine\n")
            && text.ends_with(
                "[tool.belay.dependencies]\na = \"*\"\numqtt_simple = \"umqtt.simple\"\n"
            ),
        "{text}"
    );
    assert_eq!(
        place.tree(),
        "main/a.py: # a 1.0\nmain/umqtt.simple.py: # umqtt.simple 1.0"
    );
    let mut next = place.workspace().without_dependency("a", None).unwrap();
    let resolved = next
        .resolve(
            &LockOptions::default(),
            &place.fetch_settings(),
            &Cancel::new(),
            events,
        )
        .unwrap();
    next.write(&resolved).unwrap();
    assert_eq!(place.tree(), "main/umqtt.simple.py: # umqtt.simple 1.0");
    assert!(matches!(
        place.workspace().without_dependency("a", None),
        Err(PackageError::Unknown { .. })
    ));
}

#[test]
fn an_image_has_the_chosen_groups_and_what_is_in_development() {
    let place = Place::new(
        "[tool.belay.dependencies]
a = '*'
dev = {uri = './dev.py', develop = true}
[tool.belay.group.test]
optional = true
[tool.belay.group.test.dependencies]
b = '*'
",
    );
    place.write("dev.py", "first");
    place.publish(&[("a", "1", &[]), ("b", "1", &[("a", "*")])]);
    place.lock(Update::Nothing);
    place.write("dev.py", "second");
    let shown = |selection: &Selection| {
        let image = place.workspace().image(selection).unwrap();
        let files = image.files.iter().map(|file| {
            format!(
                "{}={}",
                file.path,
                String::from_utf8_lossy(&file.content).trim()
            )
        });
        files.collect::<Vec<_>>().join(" ")
    };
    let mut selection = Selection::default();
    assert_eq!(shown(&selection), "a.py=# a 1 dev/__init__.py=second");
    selection.with.push("test".to_owned());
    assert_eq!(
        shown(&selection),
        "a.py=# a 1 b.py=# b 1 dev/__init__.py=second"
    );
    selection.without.push("main".to_owned());
    assert_eq!(shown(&selection), "a.py=# a 1 b.py=# b 1");
    place.write(".belay/dependencies/main/a.py", "mine");
    let error = place.workspace().image(&Selection::default()).unwrap_err();
    assert!(
        error.to_string().contains("`main/a.py` was changed"),
        "{error}"
    );
    // Without a lock, the folder is the lock: that of a project of belay.
    fs::remove_file(place.root().join("piton.lock")).unwrap();
    assert_eq!(
        shown(&Selection::default()),
        "a.py=mine dev/__init__.py=second"
    );
    place.write(".belay/dependencies/old/x.py", "x");
    place.write(".belay/dependencies/main/old/x.py", "x");
    assert_eq!(
        place.workspace().clean(true).unwrap(),
        ["main/a.py", "main/old", "old", "test/a.py", "test/b.py"]
    );
}
