use super::*;

fn package(name: &str, needs: &[&str], files: &[(&str, &str)]) -> LockedPackage {
    LockedPackage {
        name: name.to_owned(),
        version: Some("1.0".to_owned()),
        source: "https://h/pi".to_owned(),
        commit: None,
        needs: needs.iter().map(ToString::to_string).collect(),
        files: files
            .iter()
            .map(|(path, content)| LockedFile {
                path: path.parse().unwrap(),
                size: content.len() as u64,
                sha256: Sha256Hex::of(content.as_bytes()),
                url: format!("https://h/{path}"),
            })
            .collect(),
    }
}

fn lock(packages: Vec<LockedPackage>) -> Lock {
    let dependency = |group: &str, name: &str| LockedDependency {
        group: group.to_owned(),
        name: name.to_owned(),
        source: format!("{name} *"),
        packages: vec![name.to_owned()],
    };
    let mut lock = Lock {
        mpy_version: None,
        indices: vec!["https://h/pi".to_owned()],
        dependencies: vec![dependency("main", "b"), dependency("dev", "a")],
        packages,
    };
    lock.sort();
    lock
}

#[test]
fn a_lock_reads_back_and_has_one_line_for_each_file() {
    let mut hosted = package("c", &[], &[("c/\u{e9}.py", "x")]);
    hosted.commit = Some("0123".to_owned());
    hosted.version = None;
    hosted.source = "a \"quoted\" \\ source".to_owned();
    let lock = lock(vec![
        package("b", &["c", "a", "c"], &[("b/z.py", "z"), ("b/a.py", "a")]),
        package("a", &[], &[]),
        hosted,
    ]);
    let text = lock.to_text();
    assert_eq!(Lock::parse(&text).unwrap(), lock);
    let short = text
        .lines()
        .map(|line| match line.split_once("sha256 = \"") {
            Some((before, after)) => format!("{before}sha256 = \"{}{}", &after[..4], &after[64..]),
            None => line.to_owned(),
        });
    insta::assert_snapshot!(short.collect::<Vec<_>>().join("\n"), @r#"
    # Made by `piton lock`. Keep it with the project's sources, and do not edit it.
    version = 1
    mpy_version = "py"
    indices = ["https://h/pi"]

    [[dependency]]
    group = "dev"
    name = "a"
    source = "a *"
    packages = ["a"]

    [[dependency]]
    group = "main"
    name = "b"
    source = "b *"
    packages = ["b"]

    [[package]]
    name = "a"
    version = "1.0"
    source = "https://h/pi"

    [[package]]
    name = "b"
    version = "1.0"
    source = "https://h/pi"
    needs = ["a", "c"]
    files = [
        { path = "b/a.py", size = 1, sha256 = "ca97", url = "https://h/b/a.py" },
        { path = "b/z.py", size = 1, sha256 = "594e", url = "https://h/b/z.py" },
    ]

    [[package]]
    name = "c"
    source = 'a "quoted" \ source'
    commit = "0123"
    files = [
        { path = "c/é.py", size = 1, sha256 = "2d71", url = "https://h/c/é.py" },
    ]
    "#);
}

#[test]
fn damaged_locks_are_refused() {
    let good = lock(vec![
        package("a", &[], &[("a.py", "a")]),
        package("b", &["a"], &[]),
    ])
    .to_text();
    for (old, new, problem) in [
        ("version = 1", "version = 2", "it has version 2"),
        ("version = 1", "versio = 1", "missing field `version`"),
        (
            "path = \"a.py\"",
            "path = \"../a.py\"",
            "is not a path below a folder",
        ),
        ("path = \"a.py\"", "path = \".piton-swap\"", "is refused"),
        ("sha256 = \"ca", "sha256 = \"zz", "is not a SHA-256"),
        (
            "needs = [\"a\"]",
            "needs = [\"x\"]",
            "`b` needs `x`, which is not in it",
        ),
        (
            "packages = [\"a\"]",
            "packages = [\"x\"]",
            "`a` needs `x`, which is not in it",
        ),
        (
            "name = \"b\"\nversion",
            "name = \"a\"\nversion",
            "there are two packages `a`",
        ),
        ("size = 1", "size = -1", "line 23"),
        ("[[package]]", "<<<<<<< ours\n[[package]]", "line 18"),
        ("[[package]]", "[[pakage]]", "unknown field `pakage`"),
    ] {
        assert!(good.contains(old), "{old}");
        let error = Lock::parse(&good.replacen(old, new, 1))
            .unwrap_err()
            .to_string();
        assert!(error.contains(problem), "{new}: {error}");
    }
    for end in 0..good.len() - 1 {
        if let Ok(read) = Lock::parse(&good[..end]) {
            assert_ne!(read, Lock::parse(&good).unwrap(), "cut at {end}");
        }
    }
}

#[test]
fn two_packages_with_different_files_at_one_path_are_a_conflict() {
    for (one, other, path) in [
        (("x.py", "1"), ("x.py", "2"), "x.py"),
        (("x.py", "1"), ("X.py", "1"), "X.py"),
        (("x", "1"), ("x/y.py", "1"), "x"),
        (("x/y.py", "1"), ("x", "1"), "x"),
    ] {
        let error = lock(vec![package("a", &[], &[one]), package("b", &[], &[other])]).check();
        let error = error.unwrap_err().to_string();
        assert_eq!(error, format!("a and b have different files `{path}`"));
    }
    let same = lock(vec![
        package("a", &[], &[("x.py", "1")]),
        package("b", &[], &[("x.py", "1")]),
    ]);
    same.check().unwrap();
}

#[test]
fn groups_have_what_their_packages_need() {
    let lock = lock(vec![
        package("a", &["d"], &[]),
        package("b", &["c"], &[]),
        package("c", &["b", "d"], &[]),
        package("d", &[], &[]),
        package("e", &[], &[]),
    ]);
    let names = |group: &str| {
        let packages = lock.of_groups(|name| name == group);
        packages
            .iter()
            .map(|one| one.name.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("main"), ["b", "c", "d"]);
    assert_eq!(names("dev"), ["a", "d"]);
    assert_eq!(
        lock.ways_to("d"),
        [vec!["a", "a", "d"], vec!["b", "b", "c", "d"]]
    );
    assert!(lock.ways_to("e").is_empty());
}
