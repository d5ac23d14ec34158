//! `fd_read` and `fd_write`: the line, and open files.

use wasmi::{ExternType, Linker, Module};

use super::control::CONTROL_FD;
use super::{Ctx, Host, exception_is_pending, look_while_waiting, parts};
use crate::flash::Errno;
use crate::vm::guest::unsigned;
use crate::wire::{BoardEnd, Wake};

const WASI: &str = "wasi_snapshot_preview1";

/// The file number of `sys.stdout.buffer`, which distinguishes its bytes from text.
pub(crate) const RAW_STDOUT: i32 = 900;

/// Length in bytes at which text output is sent.
const CHUNK: usize = 1024;

/// The stream that a program writes to. On the line of a board they are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// Receives the output of a program of the host. An error ends the program.
pub(crate) type OutputSink = Box<dyn FnMut(Stream, &[u8]) -> std::io::Result<()> + Send>;

/// Where the output goes.
pub(crate) enum Target {
    Line(BoardEnd),
    Program(OutputSink),
    /// A sink that has failed: the program ends.
    Closed,
}

/// The board's output before it is sent.
pub(crate) struct Output {
    target: Target,
    stream: Stream,
    waiting: Vec<u8>,
    /// The number of next bytes that are not sent.
    skip: usize,
    last: u8,
    /// A copy of the sent bytes while the output is watched.
    watched: Option<Vec<u8>>,
    /// Whether LF in text becomes CR LF.
    pub(crate) cooks: bool,
}

impl Output {
    pub(super) fn new(line: BoardEnd) -> Self {
        Self {
            target: Target::Line(line),
            stream: Stream::Stdout,
            waiting: Vec::new(),
            skip: 0,
            last: 0,
            watched: None,
            cooks: true,
        }
    }

    /// Sends text, with CR LF as boards do. The firmware's own CR LF stay as they are; so does a CR LF of
    /// the program, where a board would send CR CR LF.
    pub(crate) fn text(&mut self, text: &[u8]) {
        if !self.cooks {
            return self.raw(text);
        }
        let mut cooked = Vec::with_capacity(text.len() + 8);
        for &byte in text {
            if byte == b'\n' && self.last != b'\r' {
                cooked.push(b'\r');
            }
            cooked.push(byte);
            self.last = byte;
        }
        self.raw(&cooked);
    }

    /// Sends bytes unchanged.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        let skipped = self.skip.min(bytes.len());
        self.skip -= skipped;
        let bytes = bytes.get(skipped..).unwrap_or_default();
        if let Some(watched) = &mut self.watched {
            watched.extend_from_slice(bytes);
        }
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() > CHUNK || bytes.contains(&b'\n') {
            self.flush();
        }
    }

    pub(crate) fn flush(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        match &mut self.target {
            Target::Line(line) => line.send(&self.waiting),
            Target::Program(sink) => {
                if sink(self.stream, &self.waiting).is_err() {
                    self.target = Target::Closed;
                }
            }
            Target::Closed => {}
        }
        self.waiting.clear();
    }

    /// Sends the output to a program's sink from now on, as the program writes it.
    pub(crate) fn send_to(&mut self, sink: OutputSink) {
        self.target = Target::Program(sink);
    }

    /// Returns whether the sink of a program has failed.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.target, Target::Closed)
    }

    /// Selects the stream of what is written next.
    pub(crate) fn select(&mut self, stream: Stream) {
        if self.stream != stream {
            self.flush();
            self.stream = stream;
        }
    }

    /// Keeps a copy of the output from now on.
    pub(crate) fn watch(&mut self) {
        self.watched = Some(Vec::new());
    }

    /// Returns whether the prompt of the raw REPL was sent since [`Output::watch`].
    pub(crate) fn watched_raw_prompt(&mut self) -> bool {
        let watched = self.watched.take().unwrap_or_default();
        watched.ends_with(b"raw REPL; CTRL-B to exit\r\n>")
    }

    /// Removes `text` if the output since [`Output::watch`] ends with it and it is not on the line yet.
    pub(crate) fn take_back_watched(&mut self, text: &[u8]) -> bool {
        let watched = self.watched.take().unwrap_or_default();
        let is_last = watched.ends_with(text) && self.waiting.ends_with(text);
        if is_last {
            self.waiting.truncate(self.waiting.len() - text.len());
        }
        is_last
    }

    /// Does not send the next `count` bytes.
    pub(crate) fn skip(&mut self, count: usize) {
        self.skip = count;
    }
}

pub(super) fn link(linker: &mut Linker<Host>, module: &Module) -> Result<(), wasmi::Error> {
    linker.func_wrap(WASI, "fd_write", fd_write)?;
    linker.func_wrap(WASI, "fd_read", fd_read)?;
    linker.func_wrap(WASI, "fd_close", |mut ctx: Ctx<'_>, fd: i32| -> i32 {
        if is_stdio(fd) {
            return 0;
        }
        ctx.data_mut()
            .files
            .close(fd)
            .map_or_else(Errno::number, |()| 0)
    })?;
    linker.func_wrap(WASI, "fd_sync", |_: Ctx<'_>, _: i32| -> i32 { 0 })?;
    let halves = module.imports().any(|import| {
        let five = matches!(import.ty(), ExternType::Func(ty) if ty.params().len() == 5);
        import.name() == "fd_seek" && five
    });
    if halves {
        // Emscripten before 4.0 passes the offset as two 32-bit halves.
        linker.func_wrap(
            WASI,
            "fd_seek",
            |ctx: Ctx<'_>, fd: i32, low: i32, high: i32, whence: i32, out: i32| {
                let offset = i64::from(high) << 32 | i64::from(unsigned(low));
                fd_seek(ctx, fd, offset, whence, out)
            },
        )?;
    } else {
        linker.func_wrap(WASI, "fd_seek", fd_seek)?;
    }
    Ok(())
}

fn is_stdio(fd: i32) -> bool {
    (0..=2).contains(&fd) || fd == RAW_STDOUT || fd == CONTROL_FD
}

/// Returns the pieces of memory of a vectored read or write: address and length of each.
fn pieces(ctx: &mut Ctx<'_>, list: i32, count: i32) -> Result<Vec<(u32, u32)>, wasmi::Error> {
    let (guest, _) = parts(ctx)?;
    (0..unsigned(count))
        .map(|index| {
            let entry = unsigned(list).wrapping_add(index.wrapping_mul(8));
            Ok((guest.u32(entry)?, guest.u32(entry.wrapping_add(4))?))
        })
        .collect()
}

fn fd_write(
    mut ctx: Ctx<'_>,
    fd: i32,
    list: i32,
    count: i32,
    out: i32,
) -> Result<i32, wasmi::Error> {
    let mut total = 0;
    for (address, len) in pieces(&mut ctx, list, count)? {
        let result = if fd == CONTROL_FD {
            super::control::write(&mut ctx, address, len)?
        } else {
            let (guest, host) = parts(&mut ctx)?;
            let bytes = guest.bytes(address, len)?;
            match fd {
                2 => host.output.select(Stream::Stderr),
                1 | RAW_STDOUT => host.output.select(Stream::Stdout),
                _ => {}
            }
            match fd {
                1 | 2 => host.output.text(bytes),
                RAW_STDOUT => host.output.raw(bytes),
                _ => {}
            }
            if is_stdio(fd) {
                Ok(len)
            } else {
                let written = host.files.write(fd, bytes)?;
                if let Ok(count) = written {
                    host.stall_on_write(count);
                }
                written
            }
        };
        match result {
            Ok(written) => total += written,
            // The bytes written before the error count; the next write returns the error.
            Err(_) if total > 0 => break,
            Err(errno) => return Ok(errno.number()),
        }
    }
    let (mut guest, host) = parts(&mut ctx)?;
    guest.set_u32(unsigned(out), total)?;
    host.check_events()?;
    Ok(0)
}

fn fd_read(
    mut ctx: Ctx<'_>,
    fd: i32,
    list: i32,
    count: i32,
    out: i32,
) -> Result<i32, wasmi::Error> {
    if fd == 0 && !wait_for_input(&mut ctx)? {
        return Ok(Errno::INTERRUPTED.number());
    }
    let mut total = 0;
    for (address, len) in pieces(&mut ctx, list, count)? {
        let (mut guest, host) = parts(&mut ctx)?;
        let buf = guest.bytes_mut(address, len)?;
        let result = match fd {
            0 => Ok(host.line.read(buf)),
            CONTROL_FD => Ok(host.control.read(buf)),
            _ => host.files.read(fd, buf),
        };
        match result {
            Ok(got) => {
                total += u32::try_from(got).unwrap_or(0);
                if got < buf.len() {
                    break;
                }
            }
            Err(_) if total > 0 => break,
            Err(errno) => return Ok(errno.number()),
        }
    }
    parts(&mut ctx)?.0.set_u32(unsigned(out), total)?;
    Ok(0)
}

/// Waits until there is input for the program. Returns false if an exception must be raised first.
fn wait_for_input(ctx: &mut Ctx<'_>) -> Result<bool, wasmi::Error> {
    ctx.data_mut().output.flush();
    loop {
        look_while_waiting(ctx)?;
        if exception_is_pending(&*ctx)? {
            return Ok(false);
        }
        if ctx.data().line.has_searched_input() {
            return Ok(true);
        }
        let due = ctx.data().control.timer_due();
        if ctx.data().line.wait_input(due) == Wake::Timeout {
            super::control::run_timers(&mut *ctx)?;
        }
    }
}

fn fd_seek(
    mut ctx: Ctx<'_>,
    fd: i32,
    offset: i64,
    whence: i32,
    out: i32,
) -> Result<i32, wasmi::Error> {
    if is_stdio(fd) {
        return Ok(Errno::ILLEGAL_SEEK.number());
    }
    let (mut guest, host) = parts(&mut ctx)?;
    match host.files.seek(fd, offset, whence) {
        Ok(position) => {
            guest.set_u64(unsigned(out), position)?;
            Ok(0)
        }
        Err(errno) => Ok(errno.number()),
    }
}
