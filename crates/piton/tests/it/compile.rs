//! Folders of sources that become `.mpy` files.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use piton::compile::{Output, PlanError, Settings, Status, plan, run, sources};
use piton::compiler::Options;
use piton::deadline::Cancel;
use piton::project::cache::Cache;

use crate::support::{files, folder};

/// The sources below a folder, as paths below it.
fn found(root: &Path) -> Vec<String> {
    let sources = sources(&[root.to_owned()]).unwrap();
    let sources = sources.iter();
    let below = sources.map(|source| source.relative.to_string_lossy().replace('\\', "/"));
    below.collect()
}

/// Compiles a folder into another. Returns each status as a word.
fn compile(root: &Path, out: &Path, cache: Option<&Path>) -> Vec<&'static str> {
    let plan = plan(
        &sources(&[root.to_owned()]).unwrap(),
        &Output::Folder(out.to_owned()),
    );
    let mut settings = Settings::new(Options::new(""));
    settings.threads = NonZeroUsize::new(3).unwrap();
    settings.cache = cache.map(|folder| Cache::new(folder, 1 << 20));
    let outcomes = run(&plan.unwrap(), &settings, &Cancel::new(), &|_| {});
    let words = outcomes.iter().map(|outcome| match &outcome.status {
        Status::Compiled { changed: true, .. } => "written",
        Status::Compiled { .. } => "unchanged",
        Status::Rejected { .. } => "rejected",
        Status::Unreadable(_) => "unreadable",
        Status::Unwritable(_) => "unwritable",
        _ => "unknown",
    });
    words.collect()
}

#[test]
fn sources_are_the_python_files_outside_of_hidden_folders() {
    let folder = folder(&[
        ("b/c.py", ""),
        ("b.py", ""),
        ("a.py", ""),
        ("a.txt", ""),
        (".git/hook.py", ""),
        (".hidden.py", ""),
        ("empty/", ""),
    ]);
    assert_eq!(
        found(folder.path()),
        [".hidden.py", "a.py", "b/c.py", "b.py"]
    );
    // A file that is named is taken whatever its name is.
    let text = folder.path().join("a.txt");
    let named = sources(std::slice::from_ref(&text)).unwrap();
    assert_eq!(named[0].relative, Path::new("a.txt"));
    let missing = sources(&[folder.path().join("no")]);
    assert!(matches!(missing, Err(PlanError::Read { .. })));
}

#[cfg(unix)]
#[test]
fn links_to_files_are_followed_and_links_to_folders_are_not() {
    use std::os::unix::fs::symlink;
    let folder = folder(&[("lib/a.py", ""), ("src/b.py", "")]);
    let link = |to: &str, name: &str| symlink(to, folder.path().join(name)).unwrap();
    link("../lib", "src/lib");
    link("../lib/a.py", "src/a.py");
    link("nowhere.py", "src/nowhere.py");
    link(".", "src/again");
    assert_eq!(found(&folder.path().join("src")), ["a.py", "b.py"]);
}

#[test]
fn what_is_as_it_should_be_is_not_written_again() {
    let folder = folder(&[("src/a.py", "x = 1\n"), ("src/lib/b.py", "y = 2\n")]);
    let (src, out) = (folder.path().join("src"), folder.path().join("out"));
    assert_eq!(compile(&src, &out, None), ["written", "written"]);
    assert_eq!(files(&out), ["a.mpy", "lib/b.mpy"]);
    assert_eq!(compile(&src, &out, None), ["unchanged", "unchanged"]);
    fs::write(out.join("a.mpy"), "broken").unwrap();
    assert_eq!(compile(&src, &out, None), ["written", "unchanged"]);
    let module = piton::mpy::reader::read(&fs::read(out.join("lib/b.mpy")).unwrap()).unwrap();
    assert_eq!(module.source_name(), Some(&b"lib/b.py"[..]));
}

#[test]
fn a_source_that_is_wrong_does_not_stop_the_others() {
    let folder = folder(&[
        ("a.py", "x = = 1\n"),
        ("b.py", "x = 1\n"),
        ("c.py", "return\n  x\n"),
    ]);
    let out = folder.path().join("out");
    let cache = folder.path().join("cache");
    for second in ["written", "unchanged"] {
        let words = compile(folder.path(), &out, Some(&cache));
        assert_eq!(words, ["rejected", second, "rejected"]);
    }
    assert_eq!(files(&out), ["b.mpy"]);
}

#[test]
fn the_cache_gives_what_the_compiler_gives() {
    let folder = folder(&[("src/a.py", "x = 1\n")]);
    let src = folder.path().join("src");
    let path = |name: &str| folder.path().join(name);
    compile(&src, &path("plain"), None);
    compile(&src, &path("first"), Some(&path("cache")));
    let kept = files(&path("cache"));
    assert_eq!(kept.len(), 1);
    compile(&src, &path("second"), Some(&path("cache")));
    assert_eq!(files(&path("cache")), kept);
    let mpy = |out: &str| fs::read(path(out).join("a.mpy")).unwrap();
    assert_eq!(mpy("plain"), mpy("first"));
    assert_eq!(mpy("plain"), mpy("second"));
    // A folder that cannot be made is done without.
    let words = compile(&src, &path("third"), Some(&src.join("a.py")));
    assert_eq!(words, ["written"]);
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link_out_of_the_folder() {
    use std::os::unix::fs::symlink;
    let folder = folder(&[
        ("src/a.py", "x = 1\n"),
        ("src/lib/b.py", "x = 1\n"),
        ("out/", ""),
        ("elsewhere/", ""),
    ]);
    let path = |name: &str| folder.path().join(name);
    symlink("../elsewhere", path("out/lib")).unwrap();
    symlink("../elsewhere/a.mpy", path("out/a.mpy")).unwrap();
    let words = compile(&path("src"), &path("out"), None);
    assert_eq!(words, ["unwritable", "unwritable"]);
    assert_eq!(files(&path("elsewhere")), Vec::<String>::new());
}

#[test]
fn after_cancel_no_source_is_begun() {
    let folder = folder(&[("a.py", ""), ("b.py", "")]);
    let plan = plan(
        &sources(&[folder.path().to_owned()]).unwrap(),
        &Output::Beside,
    );
    let cancel = Cancel::new();
    cancel.cancel();
    let settings = Settings::new(Options::new(""));
    assert!(run(&plan.unwrap(), &settings, &cancel, &|_| {}).is_empty());
    assert_eq!(files(folder.path()), ["a.py", "b.py"]);
}

#[test]
fn the_output_is_beside_each_source_unless_it_is_said() {
    let folder = folder(&[("a.py", "x = 1\n"), ("lib/b.py", "")]);
    let sources = sources(&[folder.path().to_owned()]).unwrap();
    let beside = plan(&sources, &Output::Beside).unwrap();
    let outputs = beside.jobs.iter().map(|job| job.output.clone());
    let expected = ["a.mpy", "lib/b.mpy"].map(|name| folder.path().join(name));
    assert_eq!(outputs.collect::<Vec<PathBuf>>(), expected);
    let one = plan(&sources, &Output::File("x.mpy".into()));
    assert!(matches!(one, Err(PlanError::NotOneSource { count: 2 })));
}
