use super::*;

/// A folder with files that say what they are.
fn folder(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, name).unwrap();
    }
    folder
}

fn in_cache() -> String {
    format!("cache/vm/{VERSION}/{FILE_NAME}")
}

/// Says what is found with these names for the options and the environment, in a folder with these files.
fn located(files: &[&str], explicit: &str, environment: Option<&str>) -> String {
    let folder = folder(files);
    let path = |name: &str| folder.path().join(name);
    let places = Places {
        release: PINNED,
        explicit: (!explicit.is_empty()).then(|| path(explicit)),
        environment: environment.map(|name| match name {
            "" => PathBuf::new(),
            name => path(name),
        }),
        embedded: None,
        cache: Ok(path("cache")),
    };
    let found = places.locate(&mut |place| {
        assert_eq!(place, path(&in_cache()));
        Ok(b"fetched".to_vec())
    });
    let below = |path: &Path| {
        path.strip_prefix(folder.path())
            .unwrap()
            .display()
            .to_string()
    };
    match found {
        Ok(VmFile::Path(path) | VmFile::Cached { path, .. }) => format!(
            "{}: {}",
            below(&path),
            std::fs::read_to_string(&path).unwrap()
        )
        .replace('\\', "/"),
        Ok(VmFile::Embedded(bytes)) => format!("{} bytes in the program", bytes.len()),
        Err(VmFileError::Named { path, named_by, .. }) => {
            format!("{named_by} names {}", below(&path))
        }
        Err(VmFileError::Damaged { .. }) => "damaged".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_first_place_that_is_named_counts() {
    let both = ["one.wasm", "two.wasm"];
    assert_eq!(
        located(&both, "one.wasm", Some("two.wasm")),
        "one.wasm: one.wasm"
    );
    assert_eq!(located(&both, "", Some("two.wasm")), "two.wasm: two.wasm");
    // A name that is wrong is an error, and not a reason to look elsewhere.
    assert_eq!(
        located(&both, "no.wasm", Some("two.wasm")),
        "the options names no.wasm"
    );
    assert_eq!(
        located(&both, "", Some("no.wasm")),
        "PITON_VM names no.wasm"
    );
    assert_eq!(
        located(&["folder/a"], "folder", None),
        "the options names folder"
    );
}

#[test]
fn the_cache_is_filled_once_and_never_trusted() {
    let place = in_cache();
    let fetched = format!("{place}: fetched");
    assert_eq!(located(&[], "", None), fetched);
    assert_eq!(located(&[], "", Some("")), fetched);
    assert_eq!(located(&[&place], "", None), "damaged");
    // A folder in its place, or a file in the place of a folder.
    let below = format!("{place}/x");
    assert!(located(&[&below], "", None).starts_with("VM file `"));
    assert!(located(&["cache"], "", None).starts_with("VM file `"));
    let places = Places {
        release: PINNED,
        explicit: None,
        environment: None,
        embedded: None,
        cache: Err(NoCacheFolder),
    };
    let nowhere = places.locate(&mut |_| Ok(Vec::new()));
    assert!(matches!(nowhere, Err(VmFileError::NoCacheFolder)));
}

#[test]
fn what_cannot_be_fetched_leaves_nothing() {
    let folder = folder(&[]);
    let places = Places {
        release: PINNED,
        explicit: None,
        environment: None,
        embedded: None,
        cache: Ok(folder.path().join("cache")),
    };
    let failed = places.locate(&mut |place| {
        Err(VmFileError::Fetch {
            release: PINNED,
            place: place.to_owned(),
            attempts: vec![
                "no network".to_owned(),
                "npm client: not installed".to_owned(),
            ],
        })
    });
    let message = failed.unwrap_err().to_string();
    assert!(
        message.ends_with("no network; npm client: not installed"),
        "{message}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_embedded_file_needs_no_cache_and_no_network() {
    let places = |explicit| Places {
        release: PINNED,
        explicit,
        environment: None,
        embedded: Some(b"\0asm"),
        cache: Err(NoCacheFolder),
    };
    let fetch = &mut |_: &Path| -> Result<Vec<u8>, VmFileError> { panic!("nothing is fetched") };
    let found = places(None).locate(fetch).unwrap();
    assert_eq!(found, VmFile::Embedded(b"\0asm"));
    assert_eq!(found.to_string(), "(in the program)");
    let folder = folder(&["named.wasm"]);
    let named = folder.path().join("named.wasm");
    let found = places(Some(named.clone())).locate(fetch).unwrap();
    assert_eq!(found, VmFile::Path(named));
}
