//! The jobs, and the files that they copy.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use sha2::{Digest, Sha256};

const RANDOM: &str = "random.bin";
const RANDOM_BYTES: usize = 100 * 1024;
const SOURCE: &str = "source.py";
const SOURCE_BYTES: usize = 100_000;
const TREE: &str = "tree";
const TREE_FOLDERS: usize = 5;
const FILES_IN_FOLDER: usize = 10;
const TREE_FILE_BYTES: usize = 2048;

/// Something that people do with files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    RandomUp,
    RandomDown,
    SourceUp,
    TreeUp,
    TreeAgain,
    TreeDown,
}

/// Which way the files go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Up,
    Down,
}

impl Job {
    /// In the order in which they are done: each finds what those before it have left on the board.
    pub(super) const ALL: [Job; 6] = [
        Job::RandomUp,
        Job::RandomDown,
        Job::SourceUp,
        Job::TreeUp,
        Job::TreeAgain,
        Job::TreeDown,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Job::RandomUp => "100 KiB random, up",
            Job::RandomDown => "the same, down",
            Job::SourceUp => "100 kB Python source, up",
            Job::TreeUp => "50 x 2 KiB random, up",
            Job::TreeAgain => "again, unchanged",
            Job::TreeDown => "the 50 files, down",
        }
    }

    pub(super) fn direction(self) -> Direction {
        match self {
            Job::RandomUp | Job::SourceUp | Job::TreeUp | Job::TreeAgain => Direction::Up,
            Job::RandomDown | Job::TreeDown => Direction::Down,
        }
    }

    /// Name of what is copied.
    pub(super) fn source(self) -> &'static str {
        match self {
            Job::RandomUp | Job::RandomDown => RANDOM,
            Job::SourceUp => SOURCE,
            Job::TreeUp | Job::TreeAgain | Job::TreeDown => TREE,
        }
    }

    pub(super) fn is_folder(self) -> bool {
        self.source() == TREE
    }

    /// How many bytes have to get to the other side.
    pub(super) fn payload(self) -> Option<usize> {
        match self {
            Job::RandomUp | Job::RandomDown => Some(RANDOM_BYTES),
            Job::SourceUp => Some(SOURCE_BYTES),
            Job::TreeUp | Job::TreeDown => Some(TREE_FOLDERS * FILES_IN_FOLDER * TREE_FILE_BYTES),
            Job::TreeAgain => None,
        }
    }

    /// Are the files where they were to go, as they were?
    pub(super) fn check(self, sources: &Sources, flash: &Path, down: &Path) -> anyhow::Result<()> {
        let copies = match self.direction() {
            Direction::Up => flash,
            Direction::Down => down,
        };
        for path in Sources::files(self) {
            let copy = copies.join(&path);
            ensure!(
                fs_err::read(sources.folder.join(&path))? == fs_err::read(&copy)?,
                "`{}` is not what was to be copied",
                copy.display()
            );
        }
        Ok(())
    }
}

/// The files to copy, the same each time.
pub(super) struct Sources {
    folder: PathBuf,
}

impl Sources {
    pub(super) fn write(folder: &Path) -> anyhow::Result<Sources> {
        let folder = folder.join("sources");
        fs_err::create_dir(&folder)?;
        fs_err::write(folder.join(RANDOM), random_bytes(RANDOM, RANDOM_BYTES))?;
        fs_err::write(folder.join(SOURCE), python_source()?)?;
        for path in Sources::files(Job::TreeUp) {
            let file = folder.join(&path);
            fs_err::create_dir_all(file.parent().unwrap_or(&folder))?;
            fs_err::write(file, random_bytes(&path, TREE_FILE_BYTES))?;
        }
        Ok(Sources { folder })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The files of a job, relative to the folder of the sources and to that of their copies.
    fn files(job: Job) -> Vec<String> {
        if !job.is_folder() {
            return vec![job.source().to_owned()];
        }
        (0..TREE_FOLDERS)
            .flat_map(|folder| {
                (0..FILES_IN_FOLDER)
                    .map(move |file| format!("{TREE}/folder{folder}/file{file}.bin"))
            })
            .collect()
    }
}

/// Bytes that nothing can compress.
fn random_bytes(seed: &str, count: usize) -> Vec<u8> {
    let blocks = (0_u32..).flat_map(|block| Sha256::digest(format!("{seed} {block}")));
    blocks.take(count).collect()
}

/// Python as people write it, the same on each machine because it is pinned: mpremote's own source, one
/// file behind the other, as many whole lines as fit and a comment to fill the size.
fn python_source() -> anyhow::Result<Vec<u8>> {
    let package = test_programs::site_packages_of("mpremote").join("mpremote");
    let mut files: Vec<PathBuf> = fs_err::read_dir(&package)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "py"))
        .collect();
    files.sort();
    let mut text = Vec::new();
    for file in files {
        text.extend(fs_err::read(file)?);
    }
    let fitting = text
        .get(..SOURCE_BYTES)
        .context("mpremote's source is too short")?;
    let end = fitting
        .iter()
        .rposition(|&byte| byte == b'\n')
        .context("no line")?;
    text.truncate(end + 1);
    text.resize(SOURCE_BYTES, b'#');
    Ok(text)
}
