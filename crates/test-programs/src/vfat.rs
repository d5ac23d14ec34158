//! Commands on a FAT drive, under Linux's own driver for it, with every write to the drive logged.
//!
//! A kernel that runs as an ordinary process (User Mode Linux) mounts an image of the drive, and sees the host's
//! files as they are: a command of the host runs there unchanged. Whatever it writes beside the drive is gone
//! afterwards. The kernel's `dm-log-writes` keeps each write in the order in which the drive got it, so every state
//! that a power cut can leave is known from one run.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::{debian, found};

/// The mount point of the drive.
pub const DRIVE: &str = "/drive";

/// Size of a sector, and of the unit in which writes are logged.
pub const SECTOR: usize = 512;

/// The guest's first process.
const INIT: &str = include_str!("../device/vfat-init.sh");

/// Timeout of a guest. Generous: it only limits a hang.
const LIMIT: Duration = Duration::from_secs(150);

/// Space for the log of a step, in the guest's memory, in bytes.
const LOG_SIZE: u64 = 8 << 20;

/// A command with its drive.
pub struct Step {
    /// The image of the drive: a multiple of [`SECTOR`] bytes.
    pub image: Vec<u8>,
    /// Options of `mount`, such as `rw,flush`.
    pub options: String,
    /// The command that runs while the drive is mounted on [`DRIVE`]. It has only the environment and the folder that
    /// are set here.
    pub command: Command,
    /// Whether [`Outcome::writes`] is recorded.
    pub logged: bool,
}

/// The result of a step.
pub struct Outcome {
    /// The command's exit code.
    pub code: i32,
    /// Its stdout.
    pub stdout: Vec<u8>,
    /// Its stderr.
    pub stderr: Vec<u8>,
    /// The drive after it was unmounted.
    pub image: Vec<u8>,
    /// The kernel's messages meanwhile: those of its FAT driver begin with `FAT-fs`.
    pub kernel: String,
    /// The commands to the drive, in order; empty unless they were recorded.
    pub writes: Vec<Write>,
}

/// A command to the drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Flush: all earlier writes must be on the medium.
    Flush,
    /// Write these bytes, a multiple of [`SECTOR`], from this sector on.
    Sectors {
        /// The first sector.
        at: usize,
        /// The new content of it and the next ones.
        bytes: Vec<u8>,
    },
    /// Not a command: the program has ended, and the rest is from unmounting.
    Ended,
}

/// Runs the steps one after the other in one guest.
///
/// Panics: the kernel and its tools are not set up, or the guest does not end.
#[track_caller]
pub fn run(steps: &[Step]) -> Vec<Outcome> {
    match try_run(steps) {
        Ok(outcomes) => outcomes,
        Err(error) => panic!("the guest failed: {error:#}"),
    }
}

fn try_run(steps: &[Step]) -> anyhow::Result<Vec<Outcome>> {
    let folder = tempfile::tempdir()?;
    let root = folder.path();
    for name in ["proc", "top", "host", "all", "dev", "bin", "steps"] {
        fs_err::create_dir(root.join(name))?;
    }
    let busybox = found("busybox-static").join("usr/bin/busybox");
    fs_err::copy(&busybox, root.join("bin/busybox"))?;
    fs_err::write(root.join("init"), INIT)?;
    fs_err::set_permissions(root.join("init"), PermissionsExt::from_mode(0o755))?;
    fs_err::write(root.join("settings"), settings(&busybox)?)?;
    let folders: Vec<PathBuf> = (0..steps.len())
        .map(|number| root.join("steps").join(format!("{number:04}")))
        .collect();
    for (step, folder) in steps.iter().zip(&folders) {
        prepare(step, folder)?;
    }
    let console = boot(root)?;
    let outcomes = folders.iter().zip(steps);
    outcomes
        .map(|(folder, step)| outcome(folder, step))
        .collect::<anyhow::Result<Vec<Outcome>>>()
        .map_err(|error| error.context(format!("the console of the guest says:\n{console}")))
}

/// Returns the paths that the init script needs, all of the host.
fn settings(busybox: &Path) -> anyhow::Result<Vec<u8>> {
    let modules = found("user-mode-linux").join("usr/lib/uml/modules");
    let version = fs_err::read_dir(&modules)?
        .next()
        .ok_or_else(|| anyhow::anyhow!("no modules in `{}`", modules.display()))??;
    found("dmsetup");
    let dmsetup = debian::command("dmsetup")?;
    let mut text = assignment("busybox", busybox.as_os_str());
    text.extend(assignment("modules", version.path().as_os_str()));
    // The script splits it at spaces.
    let words = std::iter::once(dmsetup.get_program()).chain(dmsetup.get_args());
    let words: Vec<&[u8]> = words.map(OsStr::as_bytes).collect();
    let line = words.join(&b' ');
    text.extend(assignment("dmsetup", OsStr::from_bytes(&line)));
    Ok(text)
}

fn assignment(name: &str, value: &OsStr) -> Vec<u8> {
    [name.as_bytes(), b"=", &quoted(value), b"\n"].concat()
}

/// Returns a word for the shell.
fn quoted(word: &OsStr) -> Vec<u8> {
    let mut text = vec![b'\''];
    for byte in word.as_bytes() {
        match byte {
            b'\'' => text.extend(b"'\\''"),
            byte => text.push(*byte),
        }
    }
    text.push(b'\'');
    text
}

fn prepare(step: &Step, folder: &Path) -> anyhow::Result<()> {
    fs_err::create_dir(folder)?;
    fs_err::write(folder.join("image"), &step.image)?;
    fs_err::write(folder.join("options"), &step.options)?;
    fs_err::write(folder.join("command"), script(&step.command))?;
    if step.logged {
        // A sparse file, which takes no space until it is written.
        fs_err::File::create(folder.join("log"))?.set_len(LOG_SIZE)?;
    }
    Ok(())
}

/// Returns the command as a script for the shell.
fn script(command: &Command) -> Vec<u8> {
    let mut text = Vec::new();
    if let Some(folder) = command.get_current_dir() {
        text.extend(b"cd ");
        text.extend(quoted(folder.as_os_str()));
        text.extend(b" || exit\n");
    }
    text.extend(b"exec env -i");
    for (name, value) in command.get_envs() {
        let Some(value) = value else { continue };
        let pair = [name.as_bytes(), b"=", value.as_bytes()].concat();
        text.push(b' ');
        text.extend(quoted(OsStr::from_bytes(&pair)));
    }
    for word in std::iter::once(command.get_program()).chain(command.get_args()) {
        text.push(b' ');
        text.extend(quoted(word));
    }
    text.extend(b" </dev/null\n");
    text
}

/// A running guest. Dropping it ends it.
struct Guest(Child);

impl Drop for Guest {
    fn drop(&mut self) {
        // The kernel calls `setsid`, so its processes form their own group. It may have ended by itself.
        if let Ok(None) = self.0.try_wait() {
            let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a guest to its end. Returns what its console said.
fn boot(root: &Path) -> anyhow::Result<String> {
    let kernel = found("user-mode-linux").join("usr/bin/linux.uml");
    let console = root.join("console");
    let output = fs_err::File::create(&console)?.into_file();
    let mut command = Command::new(kernel);
    command
        .args(["mem=128M", "rootfstype=hostfs", "rw", "init=/init", "quiet"])
        .args(["root=/dev/root", "con=null", "con0=null,fd:1", "con1=null"])
        .arg(format!("rootflags={}", root.display()))
        // The folder of its sockets and process ids, which is the user's home otherwise.
        .arg(format!("uml_dir={}/", root.display()))
        .env_remove("LD_PRELOAD")
        .stdin(Stdio::null())
        .stderr(output.try_clone()?)
        .stdout(output);
    let mut guest = Guest(command.spawn()?);
    let start = Instant::now();
    while guest.0.try_wait()?.is_none() {
        if start.elapsed() > LIMIT {
            anyhow::bail!("it hangs; its console says:\n{}", text(&console)?);
        }
        thread::sleep(Duration::from_millis(10));
    }
    text(&console)
}

fn text(path: &Path) -> anyhow::Result<String> {
    Ok(String::from_utf8_lossy(&fs_err::read(path)?).into_owned())
}

fn outcome(folder: &Path, step: &Step) -> anyhow::Result<Outcome> {
    Ok(Outcome {
        code: text(&folder.join("code"))?.trim().parse()?,
        stdout: fs_err::read(folder.join("stdout"))?,
        stderr: fs_err::read(folder.join("stderr"))?,
        image: fs_err::read(folder.join("image"))?,
        kernel: text(&folder.join("kernel"))?,
        writes: match step.logged {
            true => log::parse(&fs_err::read(folder.join("log"))?)?,
            false => Vec::new(),
        },
    })
}

/// What `dm-log-writes` wrote: Documentation/admin-guide/device-mapper/log-writes.rst of the kernel, and the
/// structures in drivers/md/dm-log-writes.c.
mod log {
    use anyhow::{Context, ensure};

    use super::{SECTOR, Write};

    const MAGIC: u64 = 0x006a_7366_7773_6872;
    const FLUSH: u64 = 1;
    const FUA: u64 = 2;
    const DISCARD: u64 = 4;
    const MARK: u64 = 8;

    fn word(bytes: &[u8], at: usize) -> anyhow::Result<u64> {
        let word = bytes.get(at..at + 8).context("the log is cut off")?;
        Ok(u64::from_le_bytes(word.try_into()?))
    }

    /// Parses a log. The first sector has the number of entries; each entry is one sector, followed by its data.
    pub(super) fn parse(log: &[u8]) -> anyhow::Result<Vec<Write>> {
        ensure!(word(log, 0)? == MAGIC, "no log of writes");
        let count = word(log, 16)?;
        let mut at = SECTOR;
        let mut writes = Vec::new();
        for _ in 0..count {
            let first = usize::try_from(word(log, at)?)?;
            let size = usize::try_from(word(log, at + 8)?)? * SECTOR;
            let flags = word(log, at + 16)?;
            ensure!(flags & DISCARD == 0, "vfat was not to discard");
            if flags & MARK != 0 {
                // The text of the mark follows. The driver adds its own mark at the end.
                let mark = log.get(at + 32..).context("the log is cut off")?;
                if mark.starts_with(b"ended") {
                    writes.push(Write::Ended);
                }
            }
            at += SECTOR;
            if flags & FLUSH != 0 {
                writes.push(Write::Flush);
            }
            if size > 0 {
                let bytes = log.get(at..at + size).context("the log is cut off")?;
                at += size;
                writes.push(Write::Sectors {
                    at: first,
                    bytes: bytes.to_vec(),
                });
            }
            if flags & FUA != 0 {
                writes.push(Write::Flush);
            }
        }
        Ok(writes)
    }
}
