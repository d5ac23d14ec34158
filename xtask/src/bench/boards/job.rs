//! The jobs: the files on the board before and after, and the local files.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use test_programs::cache::sha256_hex;

use super::index::Index;
use crate::bench::content::{IMPORTED, python_module, python_source, random_bytes};

const LISTED_FILES: usize = 30;
const TREE_FILES: usize = 50;
const TREE_FILE_BYTES: usize = 2048;
const PROJECT_FILES: usize = 30;
const PROJECT_FILE_BYTES: usize = 1000;

/// Something that people do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Job {
    /// `eval 6*7`
    Eval,
    /// `exec "print(6*7)"`
    Exec,
    /// `ls` of 30 files
    Ls,
    /// 300 random bytes, up
    #[value(name = "up-300")]
    Up300,
    /// 10 kB random, up
    #[value(name = "up-10k")]
    Up10k,
    /// 100 kB random, up
    #[value(name = "up-100k")]
    Up100k,
    /// 10 kB of Python source, up
    #[value(name = "source-10k")]
    Source10k,
    /// 100 kB of Python source, up
    #[value(name = "source-100k")]
    Source100k,
    /// 10 kB random, down
    #[value(name = "down-10k")]
    Down10k,
    /// 50 files of 2 KiB random, up
    Tree,
    /// The 50 files again, unchanged
    Again,
    /// A module of 2 kB, mounted and imported
    #[value(name = "mount-2k")]
    Mount2k,
    /// A module of 20 kB, mounted and imported
    #[value(name = "mount-20k")]
    Mount20k,
    /// Five packages from an index on this computer
    Mip,
    /// A folder of 30 sources of 1 kB (the peers: `cp -r`)
    Sync,
    /// 100 KiB and 1 MiB up and down, against what the board itself needs for them
    Floor,
}

/// A file, and what it holds.
struct Expected {
    path: String,
    content: Vec<u8>,
}

impl Job {
    /// The jobs that are measured one by one: all but [`Job::Floor`].
    pub(super) const EACH: [Job; 15] = [
        Job::Eval,
        Job::Exec,
        Job::Ls,
        Job::Up300,
        Job::Up10k,
        Job::Up100k,
        Job::Source10k,
        Job::Source100k,
        Job::Down10k,
        Job::Tree,
        Job::Again,
        Job::Mount2k,
        Job::Mount20k,
        Job::Mip,
        Job::Sync,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Job::Eval => "eval",
            Job::Exec => "exec",
            Job::Ls => "ls, 30 files",
            Job::Up300 => "300 B random, up",
            Job::Up10k => "10 kB random, up",
            Job::Up100k => "100 kB random, up",
            Job::Source10k => "10 kB source, up",
            Job::Source100k => "100 kB source, up",
            Job::Down10k => "10 kB random, down",
            Job::Tree => "50 x 2 KiB random, up",
            Job::Again => "again, unchanged",
            Job::Mount2k => "mount, import 2 kB",
            Job::Mount20k => "mount, import 20 kB",
            Job::Mip => "mip install, 5 packages",
            Job::Sync => "sync of 30 x 1 kB source",
            Job::Floor => "floor",
        }
    }

    /// Name of the file or folder that the job is about, here and on the board.
    pub(super) fn source(self) -> &'static str {
        match self {
            Job::Eval | Job::Exec | Job::Mip | Job::Floor => "",
            Job::Ls => "listed",
            Job::Up300 => "up300.bin",
            Job::Up10k => "up10k.bin",
            Job::Up100k => "up100k.bin",
            Job::Source10k => "up10k.py",
            Job::Source100k => "up100k.py",
            Job::Down10k => "down10k.bin",
            Job::Tree | Job::Again => "tree",
            Job::Mount2k | Job::Mount20k => "modules",
            Job::Sync => "project",
        }
    }

    /// Returns the module that is imported from the mounted folder.
    pub(super) fn module(self) -> &'static str {
        match self {
            Job::Mount2k => "small",
            _ => "large",
        }
    }

    /// Returns the files that the job copies, in either direction.
    fn copied(self) -> anyhow::Result<Vec<Expected>> {
        let one = |content: Vec<u8>| {
            vec![Expected {
                path: self.source().to_owned(),
                content,
            }]
        };
        let random = |size: usize| one(random_bytes(self.source(), size));
        Ok(match self {
            Job::Up300 => random(300),
            Job::Up10k | Job::Down10k => random(10_000),
            Job::Up100k => random(100_000),
            Job::Source10k => one(python_source(10_000)?),
            Job::Source100k => one(python_source(100_000)?),
            Job::Tree | Job::Again => tree(),
            Job::Sync => project()?,
            Job::Mip => Index::files()
                .map(|(path, content)| Expected {
                    path: format!("lib/{path}"),
                    content,
                })
                .collect(),
            Job::Eval | Job::Exec | Job::Ls | Job::Mount2k | Job::Mount20k | Job::Floor => {
                Vec::new()
            }
        })
    }

    /// Returns a program that prepares the board for the job; `None` for a board without files.
    pub(super) fn preparation(self) -> Option<String> {
        let mut program = String::from(
            "import hashlib, os\n\
             def make(path, size):\n\
             \x20with open(path, 'wb') as f:\n\
             \x20 block = 0\n\
             \x20 while size > 0:\n\
             \x20  part = hashlib.sha256(('%s %d' % (path, block)).encode()).digest()[:size]\n\
             \x20  f.write(part)\n\
             \x20  size -= len(part)\n\
             \x20  block += 1\n",
        );
        match self {
            Job::Ls => {
                program.push_str("os.mkdir('listed')\n");
                let _ = writeln!(
                    program,
                    "for n in range({LISTED_FILES}): open('listed/file%02d.txt' % n, 'w').close()"
                );
            }
            Job::Down10k => program.push_str("make('down10k.bin', 10000)\n"),
            Job::Again => {
                program.push_str("os.mkdir('tree')\n");
                for folder in 0..TREE_FILES / 10 {
                    let _ = writeln!(program, "os.mkdir('tree/folder{folder}')");
                }
                let _ = writeln!(
                    program,
                    "for n in range({TREE_FILES}): make('tree/folder%d/file%d.bin' % (n // 10, n % 10), {TREE_FILE_BYTES})"
                );
            }
            _ => return None,
        }
        Some(program)
    }

    /// Did the job do what it was to? `read` runs a program on the board.
    pub(super) fn check(
        self,
        stdout: &str,
        down: &Path,
        read: impl FnOnce(&str) -> anyhow::Result<String>,
    ) -> anyhow::Result<()> {
        let said = match self {
            Job::Eval | Job::Exec => "42",
            Job::Ls => "file29.txt",
            Job::Mount2k | Job::Mount20k => IMPORTED,
            _ => "",
        };
        ensure!(stdout.contains(said), "`{said}` was not printed: {stdout}");
        let expected = self.copied()?;
        if self == Job::Down10k {
            for file in expected {
                let copy = fs_err::read(down.join(&file.path))?;
                ensure!(copy == file.content, "`{}` is another file", file.path);
            }
            return Ok(());
        }
        if expected.is_empty() {
            return Ok(());
        }
        let paths: Vec<String> = expected
            .iter()
            .map(|file| format!("'{}'", file.path))
            .collect();
        let found = read(&format!(
            "import hashlib\nfor p in [{}]:\n with open(p, 'rb') as f: print(hashlib.sha256(f.read()).digest().hex())\n",
            paths.join(",")
        ))?;
        let mut found = found.lines().map(str::trim);
        for file in &expected {
            ensure!(
                found.next() == Some(sha256_hex(&file.content).as_str()),
                "`{}` is not on the board as it was to be",
                file.path
            );
        }
        Ok(())
    }
}

fn tree() -> Vec<Expected> {
    let file = |number: usize| {
        let path = format!("tree/folder{}/file{}.bin", number / 10, number % 10);
        let content = random_bytes(&path, TREE_FILE_BYTES);
        Expected { path, content }
    };
    (0..TREE_FILES).map(file).collect()
}

/// Returns the sources of a project, made of pieces of real ones.
fn project() -> anyhow::Result<Vec<Expected>> {
    let source = python_source(PROJECT_FILES * PROJECT_FILE_BYTES)?;
    let pieces = source.chunks(PROJECT_FILE_BYTES).enumerate();
    Ok(pieces
        .map(|(number, piece)| Expected {
            path: format!("project/part{}/module{number:02}.py", number % 3),
            content: piece.to_vec(),
        })
        .collect())
}

/// Writes the files that the jobs send, into a folder in which the tools run.
pub(super) fn write_sources(folder: &Path) -> anyhow::Result<PathBuf> {
    let folder = folder.join("sources");
    for job in Job::EACH {
        if matches!(job, Job::Down10k | Job::Again | Job::Mip) {
            continue;
        }
        for file in job.copied()? {
            let path = folder.join(&file.path);
            fs_err::create_dir_all(path.parent().context("a file lies in a folder")?)?;
            fs_err::write(path, file.content)?;
        }
    }
    let modules = folder.join("modules");
    fs_err::create_dir_all(&modules)?;
    for (name, size) in [("small", 2_000), ("large", 20_000)] {
        fs_err::write(modules.join(format!("{name}.py")), python_module(size))?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_checked_by_what_is_on_the_board() {
        let right = |_: &str| Ok(sha256_hex(&random_bytes("up300.bin", 300)) + "\r\n");
        let nowhere = Path::new("");
        assert!(Job::Up300.check("", nowhere, right).is_ok());
        let wrong = |_: &str| Ok("00\r\n".to_owned());
        assert!(Job::Up300.check("", nowhere, wrong).is_err());
        assert!(Job::Eval.check("41", nowhere, wrong).is_err());
    }

    #[test]
    fn all_jobs_but_the_floor_are_measured_one_by_one() {
        use clap::ValueEnum;
        assert_eq!(Job::EACH.len() + 1, Job::value_variants().len());
    }
}
