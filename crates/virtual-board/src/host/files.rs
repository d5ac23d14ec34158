//! The file system calls. Paths and flags come from the C library in the firmware, errors go back as
//! negative numbers.

use wasmi::Linker;

use super::control::{CONTROL_FD, CONTROL_PATH};
use super::{Ctx, Host, parts};
use crate::flash::{Errno, Files, Kind, OpenFlags, Stat};
use crate::vm::guest::{Guest, unsigned};

/// `unlinkat` removes a folder with this flag, else a file.
const REMOVE_DIRECTORY: i32 = 0x200;
const BLOCK: u64 = 4096;

type Answer = Result<i32, wasmi::Error>;

pub(super) fn link(linker: &mut Linker<Host>) -> Result<(), wasmi::Error> {
    linker.func_wrap(
        "env",
        "__syscall_openat",
        |ctx: Ctx<'_>, _: i32, path: i32, flags: i32, _: i32| open(ctx, path, flags),
    )?;
    linker.func_wrap("env", "__syscall_chdir", |ctx: Ctx<'_>, path: i32| {
        on_path(ctx, path, |files, path| Ok(files.change_dir(path)))
    })?;
    linker.func_wrap(
        "env",
        "__syscall_mkdirat",
        |ctx: Ctx<'_>, _: i32, path: i32, _: i32| on_path(ctx, path, Files::make_dir),
    )?;
    linker.func_wrap("env", "__syscall_rmdir", |ctx: Ctx<'_>, path: i32| {
        on_path(ctx, path, Files::remove_dir)
    })?;
    linker.func_wrap(
        "env",
        "__syscall_unlinkat",
        |ctx: Ctx<'_>, _: i32, path: i32, flags: i32| {
            if flags & REMOVE_DIRECTORY != 0 {
                on_path(ctx, path, Files::remove_dir)
            } else {
                on_path(ctx, path, Files::remove_file)
            }
        },
    )?;
    linker.func_wrap(
        "env",
        "__syscall_renameat",
        |ctx: Ctx<'_>, _: i32, from: i32, _: i32, to: i32| rename(ctx, from, to),
    )?;
    linker.func_wrap("env", "__syscall_getcwd", current_dir)?;
    linker.func_wrap("env", "__syscall_stat64", stat)?;
    linker.func_wrap("env", "__syscall_lstat64", stat)?;
    linker.func_wrap(
        "env",
        "__syscall_newfstatat",
        |ctx: Ctx<'_>, _: i32, path: i32, out: i32, _: i32| stat(ctx, path, out),
    )?;
    linker.func_wrap(
        "env",
        "__syscall_fstat64",
        |mut ctx: Ctx<'_>, fd: i32, out: i32| {
            let (guest, host) = parts(&mut ctx)?;
            let result = host.files.stat_open(fd);
            answer_stat(guest, out, result)
        },
    )?;
    linker.func_wrap("env", "__syscall_statfs64", space)?;
    linker.func_wrap("env", "__syscall_getdents64", entries)?;
    Ok(())
}

fn answer<T>(result: Result<T, Errno>) -> i32 {
    result.map_or_else(|errno| -errno.number(), |_| 0)
}

/// Returns the text of a path. No storage has names that are not UTF-8.
fn path_text(guest: &Guest<'_>, path: i32) -> Result<Result<String, Errno>, wasmi::Error> {
    Ok(guest.text(unsigned(path))?.ok_or(Errno::INVALID))
}

fn on_path(
    mut ctx: Ctx<'_>,
    path: i32,
    operation: impl Fn(&mut Files, &str) -> Result<Result<(), Errno>, wasmi::Error>,
) -> Answer {
    let (guest, host) = parts(&mut ctx)?;
    match path_text(&guest, path)? {
        Ok(path) => Ok(answer(operation(&mut host.files, &path)?)),
        Err(errno) => Ok(-errno.number()),
    }
}

fn open(mut ctx: Ctx<'_>, path: i32, flags: i32) -> Answer {
    let (guest, host) = parts(&mut ctx)?;
    let path = match path_text(&guest, path)? {
        Ok(path) => path,
        Err(errno) => return Ok(-errno.number()),
    };
    if host.files.boots && path == CONTROL_PATH {
        return Ok(CONTROL_FD);
    }
    let result = host.files.open(&path, OpenFlags::new(unsigned(flags)))?;
    Ok(result.unwrap_or_else(|errno| -errno.number()))
}

fn rename(mut ctx: Ctx<'_>, from: i32, to: i32) -> Answer {
    let (guest, host) = parts(&mut ctx)?;
    match (path_text(&guest, from)?, path_text(&guest, to)?) {
        (Ok(from), Ok(to)) => Ok(answer(host.files.rename(&from, &to)?)),
        (Err(errno), _) | (_, Err(errno)) => Ok(-errno.number()),
    }
}

fn current_dir(mut ctx: Ctx<'_>, out: i32, size: i32) -> Answer {
    let (mut guest, host) = parts(&mut ctx)?;
    let mut path = host.files.current().into_bytes();
    path.push(0);
    if path.len() > unsigned(size) as usize {
        return Ok(-Errno::RANGE.number());
    }
    guest.write(unsigned(out), &path)?;
    Ok(i32::try_from(path.len()).unwrap_or(i32::MAX))
}

fn stat(mut ctx: Ctx<'_>, path: i32, out: i32) -> Answer {
    let (guest, host) = parts(&mut ctx)?;
    let path = path_text(&guest, path)?;
    let result = path.and_then(|path| host.files.stat(&path));
    answer_stat(guest, out, result)
}

/// Fills in a `struct stat` of Emscripten: 96 bytes.
fn answer_stat(mut guest: Guest<'_>, out: i32, result: Result<Stat, Errno>) -> Answer {
    let stat = match result {
        Ok(stat) => stat,
        Err(errno) => return Ok(-errno.number()),
    };
    let out = unsigned(out);
    guest.bytes_mut(out, 96)?.fill(0);
    // The type alone, without permissions, as the file systems of boards have it (`extmod/vfs_lfsx.c`).
    let mode = match stat.kind {
        Kind::File => 0o100_000,
        Kind::Directory => 0o040_000,
    };
    guest.set_u32(out, 1)?; // device
    guest.set_u32(out + 4, mode)?;
    guest.set_u32(out + 8, 1)?; // links
    guest.set_u64(out + 24, stat.size)?;
    guest.set_u32(out + 32, 4096)?; // block size
    guest.set_u32(
        out + 36,
        u32::try_from(stat.size.div_ceil(512)).unwrap_or(u32::MAX),
    )?;
    for time in [40, 56, 72] {
        guest.set_u64(out + time, stat.modified.cast_unsigned())?;
    }
    Ok(0)
}

/// The size of Emscripten's `struct statfs` before 4.0, with counts of 32 bits.
const NARROW_SPACE: u32 = 64;
/// Its size since 4.0, with counts of 64 bits.
const WIDE_SPACE: u32 = 88;

/// Fills in a `struct statfs` of Emscripten, whose size selects the version.
fn space(mut ctx: Ctx<'_>, _path: i32, size: i32, out: i32) -> Answer {
    let (mut guest, host) = parts(&mut ctx)?;
    let space = host.files.space();
    let (total, free) = (space.total / BLOCK, space.free / BLOCK);
    let (size, out) = (unsigned(size), unsigned(out));
    let (longest_name, fragment_size) = match size {
        NARROW_SPACE => (36, 40),
        WIDE_SPACE => (56, 60),
        _ => return Ok(-Errno::INVALID.number()),
    };
    guest.bytes_mut(out, size)?.fill(0);
    // Total, free and available blocks follow each other in both.
    for (index, count) in (0..).zip([total, free, free]) {
        if size == NARROW_SPACE {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            guest.set_u32(out + 8 + 4 * index, count)?;
        } else {
            guest.set_u64(out + 8 + 8 * index, count)?;
        }
    }
    guest.set_u32(out + 4, 4096)?; // block size
    guest.set_u32(out + longest_name, 255)?;
    guest.set_u32(out + fragment_size, 4096)?;
    Ok(0)
}

/// Fills in as many `struct dirent` of Emscripten as fit, 280 bytes each.
fn entries(mut ctx: Ctx<'_>, fd: i32, out: i32, size: i32) -> Answer {
    const RECORD: u32 = 280;
    let (mut guest, host) = parts(&mut ctx)?;
    let mut used = 0;
    while used + RECORD <= unsigned(size) {
        let entry = match host.files.peek_entry(fd) {
            Ok(Some(entry)) => entry,
            Ok(None) => break,
            Err(errno) => return Ok(-errno.number()),
        };
        host.files.next_entry(fd).ok();
        // The record has room for 255 bytes and a NUL; the board cannot open a longer name anyway.
        if entry.name.len() > 255 {
            continue;
        }
        let at = unsigned(out) + used;
        guest.bytes_mut(at, RECORD)?.fill(0);
        guest.set_u64(at, 1)?; // inode: anything but 0
        guest.set_u16(at + 16, 280)?;
        let kind = match entry.kind {
            Kind::Directory => 4,
            Kind::File => 8,
        };
        guest.write(at + 18, &[kind])?;
        guest.write(at + 19, entry.name.as_bytes())?;
        used += RECORD;
    }
    Ok(used.cast_signed())
}
