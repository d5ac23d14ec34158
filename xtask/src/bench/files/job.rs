//! The jobs, and the files that they copy.

use std::path::{Path, PathBuf};

use anyhow::ensure;

use crate::bench::content::{IMPORTED, python_module, python_source, random_bytes};

const RANDOM: &str = "random.bin";
const RANDOM_BYTES: usize = 100 * 1024;
const SOURCE: &str = "source.py";
const SOURCE_BYTES: usize = 100_000;
const TREE: &str = "tree";
const TREE_FOLDERS: usize = 5;
const FILES_IN_FOLDER: usize = 10;
const TREE_FILE_BYTES: usize = 2048;
const MODULES: &str = "modules";
const SMALL_MODULE: &str = "small";
const SMALL_MODULE_BYTES: usize = 2_000;
const LARGE_MODULE: &str = "large";
const LARGE_MODULE_BYTES: usize = 20_000;

/// Something that people do with files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    RandomUp,
    RandomDown,
    SourceUp,
    TreeUp,
    TreeAgain,
    TreeDown,
    ImportSmall,
    ImportLarge,
}

/// Which way the files go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Up,
    Down,
    /// A folder of the host is mounted, and this module of it imported.
    Import(&'static str),
}

impl Job {
    /// In the order in which they are done: each finds what those before it have left on the board.
    pub(super) const ALL: [Job; 8] = [
        Job::RandomUp,
        Job::RandomDown,
        Job::SourceUp,
        Job::TreeUp,
        Job::TreeAgain,
        Job::TreeDown,
        Job::ImportSmall,
        Job::ImportLarge,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Job::RandomUp => "100 KiB random, up",
            Job::RandomDown => "the same, down",
            Job::SourceUp => "100 kB Python source, up",
            Job::TreeUp => "50 x 2 KiB random, up",
            Job::TreeAgain => "again, unchanged",
            Job::TreeDown => "the 50 files, down",
            Job::ImportSmall => "2 kB module, mounted and imported",
            Job::ImportLarge => "20 kB module, mounted and imported",
        }
    }

    pub(super) fn direction(self) -> Direction {
        match self {
            Job::RandomUp | Job::SourceUp | Job::TreeUp | Job::TreeAgain => Direction::Up,
            Job::RandomDown | Job::TreeDown => Direction::Down,
            Job::ImportSmall => Direction::Import(SMALL_MODULE),
            Job::ImportLarge => Direction::Import(LARGE_MODULE),
        }
    }

    /// Name of what is copied or mounted.
    pub(super) fn source(self) -> &'static str {
        match self {
            Job::RandomUp | Job::RandomDown => RANDOM,
            Job::SourceUp => SOURCE,
            Job::TreeUp | Job::TreeAgain | Job::TreeDown => TREE,
            Job::ImportSmall | Job::ImportLarge => MODULES,
        }
    }

    pub(super) fn is_folder(self) -> bool {
        self.source() == TREE
    }

    /// Returns how many bytes must be transferred.
    pub(super) fn payload(self) -> Option<usize> {
        match self {
            Job::RandomUp | Job::RandomDown => Some(RANDOM_BYTES),
            Job::SourceUp => Some(SOURCE_BYTES),
            Job::TreeUp | Job::TreeDown => Some(TREE_FOLDERS * FILES_IN_FOLDER * TREE_FILE_BYTES),
            Job::TreeAgain => None,
            Job::ImportSmall => Some(SMALL_MODULE_BYTES),
            Job::ImportLarge => Some(LARGE_MODULE_BYTES),
        }
    }

    /// Are the files where they were to go, as they were? Did the module run?
    pub(super) fn check(
        self,
        sources: &Sources,
        flash: &Path,
        down: &Path,
        stdout: &[u8],
    ) -> anyhow::Result<()> {
        let copies = match self.direction() {
            Direction::Up => flash,
            Direction::Down => down,
            Direction::Import(module) => {
                let said = String::from_utf8_lossy(stdout);
                ensure!(said.contains(IMPORTED), "`{module}` did not run: {said}");
                return Ok(());
            }
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
        fs_err::write(folder.join(SOURCE), python_source(SOURCE_BYTES)?)?;
        for path in Sources::files(Job::TreeUp) {
            let file = folder.join(&path);
            fs_err::create_dir_all(file.parent().unwrap_or(&folder))?;
            fs_err::write(file, random_bytes(&path, TREE_FILE_BYTES))?;
        }
        let modules = folder.join(MODULES);
        fs_err::create_dir(&modules)?;
        for (name, size) in [
            (SMALL_MODULE, SMALL_MODULE_BYTES),
            (LARGE_MODULE, LARGE_MODULE_BYTES),
        ] {
            fs_err::write(modules.join(format!("{name}.py")), python_module(size))?;
        }
        Ok(Sources { folder })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the files of a job, relative to the folder of the sources and to that of their copies.
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
