//! Packages and boards for the tests of this folder, without a board and a network.

use std::path::PathBuf;

use piton_path::{PortablePath, Sha256Hex};
use piton_project::mip::record::Installed;
use piton_project::mip::resolve::{File, Package, Resolution, Visit};
use piton_project::mip::source::Location;

use super::fetch::Content;
use super::{Fetched, Library};

/// Returns the library `/lib` of a board.
pub(super) fn library() -> Library {
    Library::from_answer(b"('micropython', 1, 4870, ['', '/lib'])", None).unwrap()
}

pub(super) fn path(text: &str) -> PortablePath {
    text.parse().unwrap()
}

/// Returns a file of a package, which no hash describes.
pub(super) fn file(text: &str) -> File {
    File {
        path: path(text),
        location: Location::Local {
            file: PathBuf::from(text),
            within: None,
        },
        hash: None,
    }
}

/// Returns packages as they were fetched, each with its name and its files: `PATH=CONTENT`. The first one was asked for.
pub(super) fn fetched(packages: &[(&str, &[&str])]) -> Fetched {
    let mut resolution = Resolution::default();
    let mut contents = Vec::new();
    for (index, (name, files)) in packages.iter().enumerate() {
        let (paths, texts): (Vec<&str>, Vec<&str>) = files
            .iter()
            .map(|file| file.split_once('=').unwrap())
            .unzip();
        let source: piton_project::mip::source::Source = name.parse().unwrap();
        resolution.packages.push(Package {
            location: Location::Local {
                file: PathBuf::from(name),
                within: None,
            },
            version: Some("2".to_owned()),
            files: paths.into_iter().map(file).collect(),
            needs: Vec::new(),
            source: source.clone(),
        });
        resolution.visits.push(Visit {
            package: index,
            source,
            again: false,
        });
        contents.push(texts.into_iter().map(content).collect());
    }
    Fetched {
        resolution,
        contents,
        index: "http://index".to_owned(),
        mpy: true,
    }
}

pub(super) fn content(text: &str) -> Content {
    Content::Fetched {
        bytes: text.as_bytes().to_vec(),
        sha256: hash(text),
    }
}

pub(super) fn hash(text: &str) -> String {
    Sha256Hex::of(text.as_bytes()).into()
}

/// Returns a package on record, with its files: `PATH=CONTENT`.
pub(super) fn installed(name: &str, files: &[&str], project: Option<&str>) -> Installed {
    let files = files.iter().map(|file| {
        let (place, text) = file.split_once('=').unwrap();
        (path(place), hash(text))
    });
    Installed {
        name: name.to_owned(),
        version: Some("1".to_owned()),
        source: name.to_owned(),
        index: None,
        mpy: true,
        requested: true,
        needs: Vec::new(),
        files: files.collect(),
        project: project.map(str::to_owned),
    }
}

#[test]
fn errors_of_packages_are_refusals_unless_the_line_or_a_server_failed() {
    use piton_board::error::{Error as BoardError, ErrorKind};
    use piton_fs::error::Error as FsError;

    use super::MipError;
    use crate::http::HttpError;

    let gone = || BoardError::Disconnected {
        waiting_for: "an answer",
        source: std::io::ErrorKind::BrokenPipe.into(),
    };
    for (error, kind, of_board, of_files) in [
        (MipError::NoLibrary, ErrorKind::Refused, false, false),
        (
            MipError::TooMuch { limit: 1 },
            ErrorKind::Refused,
            false,
            false,
        ),
        (
            MipError::Http(HttpError::Cancelled),
            ErrorKind::Interrupted,
            false,
            false,
        ),
        (
            MipError::Board(gone()),
            ErrorKind::NoConnection,
            true,
            false,
        ),
        (
            MipError::Fs(FsError::Board(gone())),
            ErrorKind::NoConnection,
            true,
            true,
        ),
        (
            MipError::Fs(FsError::NotFound {
                path: "/lib/a.py".parse().unwrap(),
            }),
            ErrorKind::Refused,
            false,
            true,
        ),
    ] {
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.board().is_some(), of_board, "{error}");
        assert_eq!(error.fs().is_some(), of_files, "{error}");
    }
}
