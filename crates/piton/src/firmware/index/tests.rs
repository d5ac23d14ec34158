use piton_firmware::manifest::Metadata;

use super::*;

fn package(folder: &str, version: Data) -> Found {
    Found {
        name: folder.rsplit('/').next().unwrap().to_owned(),
        folder: folder.to_owned(),
        evaluation: Evaluation {
            files: Vec::new(),
            c_modules: Vec::new(),
            pypi: Vec::new(),
            metadata: Metadata {
                version,
                description: Data::None,
                license: Data::None,
                author: Data::None,
                pypi: Data::None,
                pypi_publish: Data::None,
            },
            printed: String::new(),
            manifests: Vec::new(),
            ignored: Vec::new(),
        },
    }
}

fn text(text: &str) -> Data {
    Data::Text(text.to_owned())
}

/// Notes packages in an index. Returns what is announced.
fn noted(index: &mut Index, packages: &[Found]) -> String {
    let mut said = Vec::new();
    for package in packages {
        let version = version(package).unwrap();
        note(index, package, version.as_deref(), &mut |event| {
            said.push(match event {
                IndexEvent::Added { name } => format!("+{name}"),
                IndexEvent::NewVersion { name, version } => format!("{name}={version}"),
                IndexEvent::NoVersion { name } => format!("?{name}"),
                other => format!("{other:?}"),
            });
        });
    }
    said.join(" ")
}

#[test]
fn a_version_becomes_the_name_of_a_file_and_nothing_else() {
    let of = |data: Data| version(&package("micropython/a", data));
    assert_eq!(of(text("1.2.3")).unwrap().as_deref(), Some("1.2.3"));
    assert_eq!(of(Data::None).unwrap(), None);
    assert_eq!(of(text("")).unwrap(), None);
    for bad in [
        text("../1"),
        text("a/b"),
        text("c:d"),
        text("a\\b"),
        text("1\0"),
        // `latest.json` is another file.
        text("latest"),
        Data::Integer(1),
        Data::Float(1.5),
    ] {
        let error = of(bad.clone()).unwrap_err().to_string();
        assert!(
            error.contains("cannot be the version of a package"),
            "{bad:?}: {error}"
        );
    }
    // The name of the folder is a part of the path too.
    assert!(version(&package("micropython/a:b", text("1"))).is_err());
}

#[test]
fn packages_and_versions_are_announced_when_they_are_new() {
    let mut index = Index::default();
    let first = [package("m/a", text("1")), package("m/b", Data::None)];
    assert_eq!(noted(&mut index, &first), "+a a=1 +b ?b");
    let second = [
        package("m/a", text("2")),
        package("m/b", Data::None),
        package("m/a", text("2")),
    ];
    assert_eq!(noted(&mut index, &second), "a=2 ?b");
    assert_eq!(noted(&mut index, &[package("m/b", text("0.1"))]), "b=0.1");
    let json = String::from_utf8(index.to_json()).unwrap();
    assert_eq!(json.matches("\"name\"").count(), 2, "{json}");
}

#[test]
fn what_an_index_says_of_a_package_follows_its_metadata() {
    let mut index = Index::default();
    let mut a = package("micropython/net/a", text("1"));
    a.evaluation.metadata.description = text("It does.");
    a.evaluation.metadata.license = Data::None;
    noted(&mut index, &[a]);
    let entry = index.packages.first().unwrap();
    assert_eq!(
        (
            &*entry.version,
            &*entry.description,
            &*entry.license,
            &*entry.path
        ),
        ("1", "It does.", "MIT", "micropython/net/a")
    );
    let mut a = package("elsewhere/a", Data::None);
    a.evaluation.metadata.license = text("GPL");
    noted(&mut index, &[a]);
    let entry = index.packages.first().unwrap();
    assert_eq!(
        (
            &*entry.version,
            &*entry.description,
            &*entry.license,
            &*entry.path
        ),
        ("", "", "GPL", "elsewhere/a")
    );
}

#[test]
fn files_are_named_by_their_hash_and_two_of_one_name_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store {
        folder: folder.path().to_owned(),
        prefix: SHORTEST_PREFIX,
        files: BTreeMap::new(),
    };
    let of = ("a", "a.py");
    let name = store.add(of, b"one").unwrap();
    assert_eq!(name, Sha256Hex::of(b"one").as_str()[..4]);
    assert_eq!(store.add(of, b"one").unwrap(), name);
    assert_eq!(store.files.len(), 1);
    let (path, content) = store.files.iter().next().unwrap();
    assert_eq!(*path, folder.path().join(&name[..2]).join(&name));
    assert_eq!(content, b"one");
    // A file with the same first digits, of this index or of an older one.
    let twin = (0..).map(|number: u32| number.to_string());
    let twin = twin
        .into_iter()
        .find(|text| Sha256Hex::of(text.as_bytes()).as_str().starts_with(&name))
        .unwrap();
    let collision = |error: IndexError| error.to_string().contains("which is another file");
    assert!(collision(
        store.add(("b", "b.py"), twin.as_bytes()).unwrap_err()
    ));
    store.files.clear();
    fs::create_dir_all(folder.path().join(&name[..2])).unwrap();
    fs::write(folder.path().join(&name[..2]).join(&name), "one").unwrap();
    assert!(store.add(of, b"one").is_ok());
    store.files.clear();
    assert!(collision(
        store.add(("b", "b.py"), twin.as_bytes()).unwrap_err()
    ));
}

#[test]
fn the_description_of_a_version_stays_as_it_was_first_published() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.json");
    let mut descriptions = BTreeMap::new();
    assert!(keep_first(&mut descriptions, path.clone(), b"first"));
    assert!(keep_first(&mut descriptions, path.clone(), b"first"));
    assert!(!keep_first(&mut descriptions, path.clone(), b"second"));
    assert_eq!(descriptions[&path], b"first");
    // One that an older index has.
    let mut descriptions = BTreeMap::new();
    fs::write(&path, "first").unwrap();
    assert!(!keep_first(&mut descriptions, path.clone(), b"second"));
    assert!(keep_first(&mut descriptions, path.clone(), b"first"));
    assert!(
        descriptions.is_empty(),
        "it is there and is not written again"
    );
}

#[test]
fn a_file_with_the_same_content_is_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/a.json");
    assert!(write(&path, b"1").unwrap());
    assert!(!write(&path, b"1").unwrap());
    assert!(write(&path, b"2").unwrap());
    assert_eq!(fs::read(&path).unwrap(), b"2");
    // A folder is in its place.
    assert!(matches!(
        write(&folder.path().join("deep"), b"1"),
        Err(IndexError::Write { .. })
    ));
}

#[test]
fn an_index_that_is_not_one_is_refused_and_a_missing_one_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index.json");
    assert!(read_index(&path).unwrap().packages.is_empty());
    for text in [
        "",
        "[]",
        "{}",
        "{\"packages\": [1]}",
        "{\"packages\": [{}]}",
    ] {
        fs::write(&path, text).unwrap();
        let error = read_index(&path).err().unwrap().to_string();
        assert!(
            error.contains("is not an index of packages"),
            "{text}: {error}"
        );
    }
    fs::write(&path, "{\"packages\": [{\"name\": \"a\"}]}").unwrap();
    assert_eq!(read_index(&path).unwrap().packages.len(), 1);
    assert!(matches!(
        read_index(folder.path()),
        Err(IndexError::Read { .. })
    ));
}

#[test]
fn packages_are_all_folders_with_a_manifest_except_hidden_ones() {
    let folder = tempfile::tempdir().unwrap();
    for path in [
        "micropython/b/manifest.py",
        "micropython/a/manifest.py",
        "micropython/a/inner/manifest.py",
        "micropython/.hidden/manifest.py",
        "micropython/none/other.py",
        "elsewhere/c/manifest.py",
    ] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    let found = |folders: &[&str]| {
        let folders: Vec<String> = folders.iter().map(|&name| name.to_owned()).collect();
        search::packages(folder.path(), &folders, true)
            .unwrap()
            .join(" ")
    };
    assert_eq!(
        found(&["micropython", "none"]),
        "micropython/a micropython/a/inner micropython/b"
    );
    assert_eq!(found(&["elsewhere/c"]), "elsewhere/c");
    assert_eq!(
        found(&["micropython/a/manifest.py"]),
        "",
        "a file is not a folder"
    );
}

#[cfg(unix)]
#[test]
fn a_link_to_a_folder_above_ends() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("m")).unwrap();
    fs::write(folder.path().join("m/manifest.py"), "").unwrap();
    std::os::unix::fs::symlink(".", folder.path().join("m/again")).unwrap();
    let found = search::packages(folder.path(), &["m".to_owned()], true).unwrap();
    // As many as Python's `glob` finds: Linux follows 40 links in a path.
    assert!((2..=42).contains(&found.len()), "{}", found.len());
    assert_eq!(found[1], "m/again");
}
