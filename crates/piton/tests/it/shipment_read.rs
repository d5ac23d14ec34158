//! Reading builds whose documents and files are in other places, and what is not a build.

use std::fs;
use std::path::Path;

use piton::deadline::Cancel;
use piton::error::ErrorKind;
use piton::shipment::{Demands, Places, Purpose, Reading, Shipment, ShipmentError, read};

use crate::shipment::{Project, names, try_load};

fn read_with(path: &Path, places: &Places) -> Result<Vec<Shipment>, ShipmentError> {
    let reading = Reading {
        places,
        purpose: Purpose::Copy,
        cancel: &Cancel::new(),
    };
    read(path, &reading)
}

/// Reads the only shipment, and returns its findings.
#[track_caller]
fn findings(path: &Path, places: &Places) -> Vec<String> {
    let shipments = read_with(path, places).unwrap();
    assert_eq!(shipments.len(), 1);
    names(&shipments[0].check(&Demands::default()))
}

#[test]
fn the_manifest_and_the_files_may_be_elsewhere() {
    let project = Project::new();
    project.build("build", &["micropython"], |_| {});
    let build = project.path("build");
    let nothing: [&str; 0] = [];
    // The files moved away: all of them are missing, until somebody says where they are.
    fs::rename(build.join("mpy"), project.path("files")).unwrap();
    let places = Places::default();
    assert_eq!(
        findings(&build, &places),
        [
            "app.mpy missing",
            "font.bin missing",
            "lib_a.mpy missing",
            "main.py missing"
        ]
    );
    let mut places = Places {
        files: Some(project.path("files")),
        ..Places::default()
    };
    assert_eq!(findings(&build, &places), nothing);
    assert_eq!(findings(&build.join("manifest.json"), &places), nothing);
    // The manifest too, under another name.
    fs::rename(build.join("manifest.json"), project.path("other.json")).unwrap();
    places.manifest = Some(project.path("other.json"));
    assert_eq!(findings(&build, &places), nothing);
    // A manifest and the folder of its files, as scripts have them.
    places.files = None;
    assert_eq!(findings(&project.path("files"), &places), nothing);
    // A folder that somebody names must exist: its files are not merely missing.
    places.files = Some(project.path("nothing"));
    let error = read_with(&build, &places).unwrap_err();
    assert!(
        matches!(&error, ShipmentError::Read { path, .. } if *path == project.path("nothing")),
        "{error}"
    );
}

#[test]
fn a_manifest_given_for_an_archive_replaces_the_one_in_it() {
    let project = Project::new();
    project.build("build", &["micropython"], |_| {});
    let manifest = fs::read_to_string(project.path("build/manifest.json")).unwrap();
    let newer = manifest.replace("\"1.0\"", "\"2.0\"");
    assert_ne!(newer, manifest);
    fs::write(project.path("newer.json"), newer).unwrap();
    let places = Places {
        manifest: Some(project.path("newer.json")),
        ..Places::default()
    };
    for name in ["mpy-files.zip", "mpy-files.tar.gz"] {
        let archive = project.path("build").join(name);
        let shipments = read_with(&archive, &places).unwrap();
        assert_eq!(shipments[0].manifest.version, "2.0", "{name}");
        assert!(shipments[0].check(&Demands::default()).is_empty(), "{name}");
        let own = read_with(&archive, &Places::default()).unwrap();
        assert_eq!(own[0].manifest.version, "1.0", "{name}");
    }
}

#[test]
fn the_list_of_targets_is_read_by_its_name_or_its_folder() {
    let project = Project::new();
    project.build("build", &["circuitpython-10", "micropython"], |_| {});
    for path in ["build", "build/index.json"] {
        let shipments = try_load(&project.path(path), Purpose::Check).unwrap();
        let targets = shipments
            .iter()
            .map(|shipment| shipment.manifest.target.as_deref().unwrap());
        assert_eq!(
            targets.collect::<Vec<_>>(),
            ["circuitpython-10", "micropython"],
            "{path}"
        );
        for shipment in &shipments {
            assert_eq!(
                names(&shipment.check(&Demands::default())),
                [""; 0],
                "{path}"
            );
        }
    }
    // One target alone is held to the list in the folder above.
    let one = project.path("build/micropython");
    assert_eq!(findings(&one, &Places::default()), [""; 0]);
    let manifest = fs::read_to_string(one.join("manifest.json")).unwrap();
    fs::write(
        one.join("manifest.json"),
        manifest.replace("\"1.0\"", "\"2.0\""),
    )
    .unwrap();
    assert_eq!(findings(&one, &Places::default()).len(), 1);
}

#[test]
fn what_is_not_a_build_is_named() {
    let project = Project::new();
    let cases: [(&str, &[u8]); 5] = [
        ("nothing/manifest.json", b"{"),
        ("build.zip", b"PK\x03\x04"),
        ("build.tar.gz", b"\x1f\x8b"),
        ("build.txt", b"a text"),
        ("index/index.json", b"{}"),
    ];
    for (name, content) in cases {
        let path = project.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        let error = try_load(&path, Purpose::Check).unwrap_err();
        let is_expected = match name {
            "nothing/manifest.json" => matches!(error, ShipmentError::Manifest { .. }),
            "index/index.json" => matches!(error, ShipmentError::Index { .. }),
            _ => matches!(error, ShipmentError::Archive { .. }),
        };
        assert!(is_expected, "{name}: {error:?}");
        assert!(
            error.to_string().contains(name.rsplit('/').next().unwrap()),
            "{error}"
        );
        assert_eq!(error.kind(), ErrorKind::Refused, "{name}");
    }
    let error = try_load(&project.path("src"), Purpose::Check).unwrap_err();
    assert!(
        matches!(&error, ShipmentError::NoManifest { path } if *path == project.path("src")),
        "{error}"
    );
}

#[test]
fn a_cancelled_reading_ends_with_its_own_error() {
    let project = Project::new();
    project.build("build", &["micropython"], |_| {});
    for name in ["build", "build/mpy-files.zip", "build/mpy-files.tar.gz"] {
        let cancel = Cancel::new();
        cancel.cancel();
        let reading = Reading {
            places: &Places::default(),
            purpose: Purpose::Copy,
            cancel: &cancel,
        };
        let error = read(&project.path(name), &reading).unwrap_err();
        assert!(
            matches!(error, ShipmentError::Interrupted),
            "{name}: {error:?}"
        );
        assert_eq!(error.kind(), ErrorKind::Interrupted);
    }
}
