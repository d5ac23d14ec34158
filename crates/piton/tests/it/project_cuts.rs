//! The installation of a project on a board whose power fails.

use std::time::Duration;

use piton::mip::{Packages, ProjectImage, ProjectPackage, RecordUse};
use piton::virtual_board::{Fault, Outage};

use crate::mip::{Place, fetch, go_on, on_board};
use crate::package_index::Index;
use crate::support::board_files;

/// One cut in so many writes of the board is tried.
const EVERY: usize = 21;

/// A project with these files, of which those below `lib/` are of a package.
fn project(files: &[(&str, &str)]) -> ProjectImage {
    let mut image = ProjectImage::default();
    image.name = "app".to_owned();
    let mut package = ProjectPackage::default();
    package.name = "tools".to_owned();
    package.requested = true;
    for (path, content) in files {
        let path: piton::path::PortablePath = path.parse().unwrap();
        match path.as_str().starts_with("lib/") {
            true => package.files.push(path.clone()),
            false => drop(image.own.insert(path.clone())),
        }
        image.files.insert(path, content.as_bytes().to_vec());
    }
    image.packages.push(package);
    image
}

/// The files on the board that are of a project.
fn files(place: &Place) -> String {
    let all = board_files(&mut place.connect());
    // An empty folder may stay.
    let is_file = |line: &&str| !line.ends_with('/') && !line.contains(".piton-");
    let lines = all.lines().filter(is_file);
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_progress_of_a_project_is_that_of_all_its_files() {
    // Content that is long on the line, too.
    let hash = |number: u32| piton::path::Sha256Hex::of(&number.to_le_bytes()).to_string();
    let text: String = (0..400).map(hash).collect();
    let size = text.len() as u64;
    let image = project(&[("lib/a.py", &text), ("lib/b.py", &text), ("main.py", &text)]);
    let place = Place::new();
    let mut shown = Vec::new();
    let mut board = place.connect();
    on_board(&mut board)
        .install_project(&image, false, &mut |event| {
            if let piton::mip::MipEvent::Wrote { bytes, of } = event {
                assert_eq!(of, 3 * size);
                shown.push(bytes);
            }
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    let is_whole = shown.is_sorted() && shown.last().is_some_and(|last| *last > size);
    assert!(is_whole, "{shown:?}");
}

#[test]
fn a_project_is_old_or_new_on_a_board_whose_power_fails_at_any_write() {
    let old = project(&[
        ("lib/a.py", "a old"),
        ("lib/gone.py", "gone"),
        ("app/__init__.py", "old"),
        ("app/sub/x.py", "x"),
        ("main.py", "main old"),
    ]);
    let new = project(&[
        ("lib/a.py", "a new"),
        ("lib/b/__init__.py", "b"),
        ("app/__init__.py", "new"),
        ("app/y.py", "y"),
        ("main.py", "main new"),
    ]);
    let index = Index::start();
    index.publish_files("6", "other", "1", &[], &[]);
    let install = |packages: &mut Packages<'_>, image: &ProjectImage| {
        packages.install_project(image, false, &mut go_on)
    };
    let on = |place: &Place, image: &ProjectImage| {
        let mut board = place.connect();
        install(&mut on_board(&mut board), image).unwrap();
        drop(board);
        files(place)
    };
    let place = Place::new();
    let both = [on(&place, &old), on(&place, &new)];
    assert_ne!(both[0], both[1]);
    let mut cuts = 0;
    for after_writes in (0..).step_by(EVERY) {
        let place = Place::new();
        on(&place, &old);
        let mut board = place.connect();
        let mut packages = on_board(&mut board);
        place.virtual_board.inject(&Fault::PowerCut {
            after_writes,
            outage: Outage::Returns(Duration::from_millis(1)),
        });
        let installed = install(&mut packages, &new);
        drop(board);
        if installed.is_ok() {
            break;
        }
        cuts += 1;
        // The next change of the board completes it or undoes it; this one has no files.
        let mut board = place.connect_again();
        let mut packages = on_board(&mut board);
        let format = Some(packages.library().format.clone());
        let nothing = [fetch(&index, "other", format).unwrap()];
        packages
            .install(&nothing, None, RecordUse::Keep, &mut go_on)
            .unwrap();
        drop(board);
        let found = files(&place);
        assert!(both.contains(&found), "{after_writes}: {found}");
        assert_eq!(on(&place, &new), both[1], "{after_writes}");
    }
    assert!(cuts > 1, "{cuts}");
}
