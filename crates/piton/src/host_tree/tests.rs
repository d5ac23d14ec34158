use std::fs;

use super::*;

/// Makes files with these paths in a new folder; a path that ends with a slash is a folder.
fn folder(paths: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for path in paths {
        let place = folder.path().join(path);
        if path.ends_with('/') {
            fs::create_dir_all(&place).unwrap();
        } else {
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(&place, "x").unwrap();
        }
    }
    folder
}

/// Describes each entry by a letter for its kind and its path; `skipped` are the folders that are not walked.
fn check_skipping(root: &Path, rules: Rules, skipped: &[&str], expected: &[&str]) {
    let mut found = Vec::new();
    let mut entries = walk(root, rules);
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(WalkError::TooDeep { path, .. }) => {
                let path = path.strip_prefix(root).unwrap();
                found.push(format!("too deep {}", path.display()));
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        let kind = match &entry.kind {
            Kind::File => "file",
            Kind::Folder => "folder",
            Kind::FolderLink => "folder link",
            Kind::Link => "link",
            Kind::Circle => "circle",
            Kind::Broken(error) if error.kind() == io::ErrorKind::NotFound => "dangling",
            Kind::Broken(_) => "broken",
            Kind::Special => "special",
        };
        let path = entry.lossy_text();
        if skipped.contains(&path.as_str()) {
            entries.skip_folder();
        }
        found.push(format!("{kind} {path}"));
    }
    assert_eq!(found, expected);
}

fn check(root: &Path, rules: Rules, expected: &[&str]) {
    check_skipping(root, rules, &[], expected);
}

#[test]
fn entries_are_sorted_and_a_folder_comes_before_what_is_in_it() {
    let folder = folder(&["b/d.py", "b/c/e.py", "a.py", "b.py", "empty/"]);
    let expected = [
        "file a.py",
        "folder b",
        "folder b/c",
        "file b/c/e.py",
        "file b/d.py",
        "file b.py",
        "folder empty",
    ];
    check(folder.path(), Rules::default(), &expected);
    let skipped = [
        "file a.py",
        "folder b",
        "folder b/c",
        "file b/d.py",
        "file b.py",
        "folder empty",
    ];
    // Skipping something that is not a folder leaves nothing out.
    check_skipping(folder.path(), Rules::default(), &["a.py", "b/c"], &skipped);
}

#[test]
fn hidden_folders_are_walked_unless_the_rules_say_no() {
    let folder = folder(&[".a/b.py", ".c.py"]);
    check(
        folder.path(),
        Rules::default(),
        &["folder .a", "file .a/b.py", "file .c.py"],
    );
    let rules = Rules {
        hidden_folders: false,
        ..Rules::default()
    };
    check(folder.path(), rules, &["file .c.py"]);
}

#[test]
fn a_folder_that_lies_too_deep_is_an_error_unless_it_is_skipped() {
    let folder = folder(&["a/b/c/d.py", "e.py"]);
    let rules = Rules {
        max_depth: 2,
        ..Rules::default()
    };
    let expected = [
        "folder a",
        "folder a/b",
        "folder a/b/c",
        "too deep a/b/c",
        "file e.py",
    ];
    check(folder.path(), rules, &expected);
    let skipped = ["folder a", "folder a/b", "folder a/b/c", "file e.py"];
    check_skipping(folder.path(), rules, &["a/b/c"], &skipped);
}

#[test]
fn a_root_that_is_missing_or_no_folder_is_an_error_or_empty() {
    let folder = folder(&["a.py"]);
    let mut missing = walk(&folder.path().join("b"), Rules::default());
    let error = missing.next().unwrap().unwrap_err();
    assert!(matches!(error, WalkError::Read { ref source, .. }
        if source.kind() == io::ErrorKind::NotFound));
    assert!(missing.next().is_none());
    // Nothing is below a file.
    assert!(
        walk(&folder.path().join("a.py"), Rules::default())
            .next()
            .is_none()
    );
}

#[cfg(unix)]
mod links {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn with_links() -> tempfile::TempDir {
        let folder = folder(&["real/a.py", "tree/b.py"]);
        let tree = folder.path().join("tree");
        symlink("../real", tree.join("folder")).unwrap();
        symlink("../real/a.py", tree.join("file")).unwrap();
        symlink("nowhere", tree.join("nothing")).unwrap();
        symlink("..", tree.join("up")).unwrap();
        symlink("self", tree.join("self")).unwrap();
        let pipe = std::process::Command::new("mkfifo")
            .arg(folder.path().join("pipe"))
            .status();
        assert!(pipe.unwrap().success());
        symlink("../pipe", tree.join("pipe")).unwrap();
        folder
    }

    fn rules(links: Links) -> Rules {
        Rules {
            links,
            ..Rules::default()
        }
    }

    #[test]
    fn links_are_what_the_rules_say() {
        let folder = with_links();
        let tree = folder.path().join("tree");
        let files = [
            "file b.py",
            "file file",
            "folder link folder",
            "dangling nothing",
            "special pipe",
            "broken self",
            "folder link up",
        ];
        check(&tree, rules(Links::FollowToFiles), &files);
        let kept = [
            "file b.py",
            "link file",
            "link folder",
            "link nothing",
            "link pipe",
            "link self",
            "link up",
        ];
        check(&tree, rules(Links::Keep), &kept);
    }

    #[test]
    fn a_walk_that_follows_links_ends() {
        let folder = with_links();
        let followed = [
            "file b.py",
            "file file",
            "folder folder",
            "file folder/a.py",
            "dangling nothing",
            "special pipe",
            "broken self",
            "folder up",
            "special up/pipe",
            "folder up/real",
            "file up/real/a.py",
            "folder up/tree",
            "file up/tree/b.py",
            "file up/tree/file",
            "folder up/tree/folder",
            "file up/tree/folder/a.py",
            "dangling up/tree/nothing",
            "special up/tree/pipe",
            "broken up/tree/self",
            "circle up/tree/up",
        ];
        // `up` leads out of the root and back to it; the second time the link is known.
        let tree = folder.path().join("tree");
        check(&tree, rules(Links::Follow), &followed);
    }

    #[test]
    fn a_root_may_be_a_link() {
        let folder = with_links();
        let root = folder.path().join("tree/folder");
        for links in [Links::Follow, Links::FollowToFiles, Links::Keep] {
            check(&root, rules(links), &["file a.py"]);
        }
    }

    #[test]
    fn a_name_that_is_not_text_is_an_entry_without_a_text() {
        let folder = folder(&[]);
        let name = OsStr::from_bytes(b"a\xff.py");
        // Not every file system takes such a name.
        if fs::write(folder.path().join(name), "").is_err() {
            return;
        }
        let entry = walk(folder.path(), Rules::default());
        let entry = entry.map(Result::unwrap).next().unwrap();
        assert_eq!(entry.relative(), Path::new(name));
        assert_eq!(entry.lossy_text(), "a\u{fffd}.py");
        assert!(matches!(entry.text(), Err(WalkError::NotText { .. })));
    }

    #[test]
    fn a_closed_folder_is_an_error_unless_it_is_skipped() {
        let folder = folder(&["a/b.py", "c.py"]);
        let closed = folder.path().join("a");
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
        // Root reads it all the same.
        let is_closed = fs::read_dir(&closed).is_err();
        if is_closed {
            let errors = walk(folder.path(), Rules::default()).filter(Result::is_err);
            assert_eq!(errors.count(), 1);
            let expected = ["folder a", "file c.py"];
            check_skipping(folder.path(), Rules::default(), &["a"], &expected);
        }
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    }
}
