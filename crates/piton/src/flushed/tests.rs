use std::ffi::OsStr;

use super::*;

/// Makes a folder with files of these contents; a path that ends with a slash is a folder.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        if name.ends_with('/') {
            fs::create_dir_all(path).unwrap();
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
    folder
}

/// The names in a folder with the contents of its files.
fn content(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut found = entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            match fs::read_to_string(entry.path()) {
                Ok(text) => format!("{name}: {text}"),
                Err(_) => format!("{name}/"),
            }
        })
        .collect::<Vec<_>>();
    found.sort();
    found
}

#[test]
fn a_file_takes_the_place_of_the_old_one_and_leaves_nothing_else() {
    for old in [None, Some("old")] {
        let folder = folder(&[("parts/a", "new"), ("place/", "")]);
        let (part, place) = (folder.path().join("parts/a"), folder.path().join("place/a"));
        if let Some(old) = old {
            fs::write(&place, old).unwrap();
        }
        rename(&part, &File::open(&part).unwrap(), &place).unwrap();
        assert_eq!(content(&folder.path().join("place")), ["a: new"]);
        assert_eq!(content(&folder.path().join("parts")), [""; 0]);
    }
}

#[test]
fn a_name_of_the_greatest_length_has_room_as_well() {
    let folder = folder(&[("parts/a", "new"), ("place/", "")]);
    let part = folder.path().join("parts/a");
    let place = folder.path().join("place").join("x".repeat(255));
    rename(&part, &File::open(&part).unwrap(), &place).unwrap();
    assert_eq!(fs::read_to_string(place).unwrap(), "new");
    assert_eq!(content(&folder.path().join("place")).len(), 1);
}

#[test]
fn folders_are_made_and_removed() {
    let folder = folder(&[("scratch/", ""), ("place/", "")]);
    let path = |name: &str| folder.path().join(name);
    make_folder(&path("scratch/x"), &path("place/a")).unwrap();
    assert_eq!(content(&path("place")), ["a/"]);
    assert_eq!(content(&path("scratch")), [""; 0]);
    remove_folder(&path("place/a")).unwrap();
    remove_folder(&path("place/a")).unwrap();
    assert_eq!(content(&path("place")), [""; 0]);
    fs::write(path("place/file"), "x").unwrap();
    assert!(remove_folder(&path("place")).is_err(), "it is not empty");
    assert!(remove(&path("place/none")).is_err());
    remove(&path("place/file")).unwrap();
    remove_folder(&path("place")).unwrap();
}

#[test]
fn a_tree_goes_with_more_files_than_are_open_at_once() {
    let folder = folder(&[("tree/deep/er/a", "1"), ("tree/b", "2")]);
    let tree = folder.path().join("tree");
    for number in 0..=REMOVED_AT_ONCE {
        fs::write(tree.join(number.to_string()), "").unwrap();
    }
    remove_tree(&tree).unwrap();
    assert_eq!(content(folder.path()), [""; 0]);
    remove_tree(&tree).unwrap();
}

#[cfg(unix)]
#[test]
fn a_link_in_a_tree_goes_and_what_it_names_stays() {
    let folder = folder(&[("tree/", ""), ("precious/a", "1")]);
    std::os::unix::fs::symlink("../precious", folder.path().join("tree/link")).unwrap();
    remove_tree(&folder.path().join("tree")).unwrap();
    assert_eq!(content(folder.path()), ["precious/"]);
    assert_eq!(content(&folder.path().join("precious")), ["a: 1"]);
}

#[test]
fn a_hidden_folder_is_used_only_with_its_mark() {
    let folder = folder(&[]);
    let find = || Hidden::find(folder.path(), OsStr::new("-x")).unwrap();
    let hidden = find();
    assert!(!hidden.is_left());
    hidden.make(&["one", "two"]).unwrap();
    assert!(hidden.is_left());
    assert_eq!(content(hidden.inner()), ["one/", "two/"]);
    // An interrupted run left it whole: the next one takes it.
    assert!(find().is_left());
    // A cut came before the mark: the folder is not used, another one takes its place.
    remove(&folder.path().join(".piton-made-x")).unwrap();
    let second = find();
    assert!(!second.is_left());
    assert_ne!(second.inner(), hidden.inner());
    second.make(&[]).unwrap();
    let names = content(folder.path());
    assert_eq!(
        names,
        [".piton-made-x~2: ", ".piton-part-x/", ".piton-part-x~2/"]
    );
    second.remove().unwrap();
    assert_eq!(content(folder.path()), [".piton-part-x/"]);
    // The hidden folder of others is another one.
    let other = Hidden::find(folder.path(), OsStr::new("-y")).unwrap();
    assert!(
        other
            .inner()
            .starts_with(folder.path().join(".piton-part-y"))
    );
}

#[test]
fn there_are_not_more_hidden_folders_than_names() {
    let folder = folder(&[(".piton-part-x/", "")]);
    for number in 2..=100 {
        fs::create_dir(folder.path().join(format!(".piton-part-x~{number}"))).unwrap();
    }
    assert!(Hidden::find(folder.path(), OsStr::new("-x")).is_err());
}

#[cfg(unix)]
#[test]
fn a_hidden_folder_that_is_a_link_is_refused() {
    let folder = folder(&[("precious/", ""), (".piton-made-x", "")]);
    std::os::unix::fs::symlink("precious", folder.path().join(".piton-part-x")).unwrap();
    assert!(Hidden::find(folder.path(), OsStr::new("-x")).is_err());
}
