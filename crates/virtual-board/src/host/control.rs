//! The control file, through which the Python side of the board (`device/*.py`) calls functions of the host. It can
//! be opened while the board starts, and the start-up code keeps it open.
//!
//! Each write is one command: a letter, and its argument.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use wasmi::AsContextMut;

use super::stdio::RAW_STDOUT;
use super::{Ctx, Host, exception_is_pending, look_while_waiting, parts};
use crate::flash::Errno;
use crate::vm::execute::{execute, raise_keyboard_interrupt};
use crate::vm::stop::{ResetCause, Stop, stop};
use crate::wire::Wake;

/// The folder of the start-up code, visible while the board starts.
pub(crate) const BOOT_DIRECTORY: &str = "/.virtual-board";
/// The path of the control file.
pub(crate) const CONTROL_PATH: &str = "/.virtual-board/control";
/// The file number of the open control file.
pub(crate) const CONTROL_FD: i32 = 901;

/// Runs the timers that are due; the `machine` module has them.
const RUN_TIMERS: &str = "__import__('machine')._run_timers()";

/// Time that the board is away after it enters its bootloader, which does not exist: it returns as after flashing.
const BOOTLOADER_TIME: Duration = Duration::from_secs(1);

/// The board's parts beside processor, memory and flash.
pub(crate) struct Control {
    unique_id: Vec<u8>,
    reset_cause: ResetCause,
    /// The answer to the last command.
    answer: Vec<u8>,
    timer_due: Option<Instant>,
    timers_run: bool,
    watchdog: Option<(Instant, Duration)>,
    /// Whether the program has switched Ctrl-C off.
    pub(crate) interrupt_is_off: bool,
    /// The offset of the real-time clock from the host's, in milliseconds.
    clock_offset_ms: f64,
    /// The program of the host that runs, if one does.
    pub(crate) program: ProgramControl,
}

/// The fields that a program of the host gets, and its exit code: see `device/_program.py`.
#[derive(Default)]
pub(crate) struct ProgramControl {
    /// The values that the program has not asked for yet.
    pub(crate) fields: VecDeque<Vec<u8>>,
    pub(crate) environment: BTreeMap<String, String>,
    /// The exit code of `sys.exit()`.
    pub(crate) exit_code: Option<u8>,
}

impl ProgramControl {
    /// Returns the value of an environment variable after one byte; nothing if there is no such variable.
    fn variable(&self, name: &[u8]) -> Vec<u8> {
        let value = std::str::from_utf8(name)
            .ok()
            .and_then(|name| self.environment.get(name));
        value.map_or_else(Vec::new, |value| [b"=", value.as_bytes()].concat())
    }
}

impl Control {
    pub(super) fn new(unique_id: Vec<u8>, reset_cause: ResetCause) -> Self {
        Self {
            unique_id,
            reset_cause,
            answer: Vec::new(),
            timer_due: None,
            timers_run: false,
            watchdog: None,
            interrupt_is_off: false,
            clock_offset_ms: 0.0,
            program: ProgramControl::default(),
        }
    }

    pub(super) fn read(&mut self, buf: &mut [u8]) -> usize {
        let count = buf.len().min(self.answer.len());
        for (to, byte) in buf.iter_mut().zip(self.answer.drain(..count)) {
            *to = byte;
        }
        count
    }

    pub(super) fn clock_offset_ms(&self) -> f64 {
        self.clock_offset_ms
    }

    /// Returns the time of the next timer or of the watchdog; `None` while timers run.
    pub(crate) fn timer_due(&self) -> Option<Instant> {
        let timer = self.timer_due.filter(|_| !self.timers_run);
        match (timer, self.watchdog) {
            (Some(timer), Some((watchdog, _))) => Some(timer.min(watchdog)),
            (timer, watchdog) => timer.or(watchdog.map(|(due, _)| due)),
        }
    }

    /// Carries out a command that only changes or reads this state.
    fn command(&mut self, letter: u8, argument: &[u8]) -> Result<(), Errno> {
        let milliseconds = || {
            let number = argument.first_chunk::<4>();
            let number = number.map(|bytes| u32::from_le_bytes(*bytes));
            number
                .filter(|number| *number < u32::MAX)
                .map(u64::from)
                .map(Duration::from_millis)
        };
        match letter {
            b't' => self.timer_due = milliseconds().map(|duration| Instant::now() + duration),
            b'w' => {
                self.watchdog = milliseconds().map(|timeout| (Instant::now() + timeout, timeout))
            }
            b'f' => {
                let feed = |(_, timeout)| (Instant::now() + timeout, timeout);
                self.watchdog = self.watchdog.map(feed);
            }
            b'z' => {
                let offset = argument.first_chunk::<8>().ok_or(Errno::INVALID)?;
                self.clock_offset_ms += i64::from_le_bytes(*offset) as f64;
            }
            b'k' => self.interrupt_is_off = argument == [0],
            b'a' => self.answer = self.program.fields.pop_front().unwrap_or_default(),
            b'v' => self.answer = self.program.variable(argument),
            b'e' => self.program.exit_code = argument.first().copied(),
            b'u' => self.answer.clone_from(&self.unique_id),
            b'c' => self.answer = vec![self.reset_cause.number()],
            _ => return Err(Errno::INVALID),
        }
        Ok(())
    }

    /// Returns whether the watchdog was not fed in time.
    pub(super) fn watchdog_bites(&self) -> bool {
        self.watchdog.is_some_and(|(due, _)| due <= Instant::now())
    }
}

/// Carries out the command that the program has written.
pub(super) fn write(
    ctx: &mut Ctx<'_>,
    address: u32,
    len: u32,
) -> Result<Result<u32, Errno>, wasmi::Error> {
    let (guest, _) = parts(ctx)?;
    let command = guest.bytes(address, len)?.to_vec();
    let Some((&letter, argument)) = command.split_first() else {
        return Ok(Ok(0));
    };
    let number = argument
        .first_chunk::<4>()
        .map(|bytes| u32::from_le_bytes(*bytes));
    let milliseconds = || Duration::from_millis(u64::from(number.unwrap_or(0)));
    match letter {
        b'b' => give_stdout_buffer_its_own_file(ctx, number.unwrap_or(0))?,
        b's' if sleep(ctx, milliseconds())? => {}
        b's' => return Ok(Err(Errno::INTERRUPTED)),
        b'r' => return Err(stop(Stop::Reset(ResetCause::Hard))),
        b'l' => return Err(stop(Stop::PowerLost(Some(BOOTLOADER_TIME)))),
        b'd' => return Err(stop(Stop::Reset(ResetCause::DeepSleep))),
        _ => {
            return Ok(ctx
                .data_mut()
                .control
                .command(letter, argument)
                .map(|()| len));
        }
    }
    Ok(Ok(len))
}

/// Gives `sys.stdout.buffer` its own file number, since it and `sys.stdout` are both file 1 and bytes must be
/// distinguished from text. The number is the word after the type of the object at `address`. If it is not there, LF
/// never becomes CR LF, which is the safer error.
fn give_stdout_buffer_its_own_file(ctx: &mut Ctx<'_>, address: u32) -> Result<(), wasmi::Error> {
    let (mut guest, host) = parts(ctx)?;
    let field = address.wrapping_add(4);
    if guest.u32(field).is_ok_and(|fd| fd == 1) {
        guest.set_u32(field, RAW_STDOUT.cast_unsigned())?;
    } else {
        host.output.cooks = false;
    }
    Ok(())
}

/// Sleeps, and runs the timers that become due. Returns false if an exception must be raised first.
fn sleep(ctx: &mut Ctx<'_>, duration: Duration) -> Result<bool, wasmi::Error> {
    ctx.data_mut().output.flush();
    let deadline = Instant::now() + duration;
    loop {
        look_while_waiting(ctx)?;
        if exception_is_pending(&*ctx)? {
            return Ok(false);
        }
        let due = ctx.data().control.timer_due();
        let until = due.map_or(deadline, |due| due.min(deadline));
        if ctx.data().line.wait_unsearched(Some(until)) == Wake::Timeout {
            if deadline <= Instant::now() {
                return Ok(true);
            }
            run_timers(&mut *ctx)?;
        }
    }
}

/// Runs the callbacks of all timers that are due.
///
/// They run inside the call that the program is in. This is safe where the firmware waits for the host,
/// because it allows callbacks of JavaScript into Python there.
pub(crate) fn run_timers(mut ctx: impl AsContextMut<Data = Host>) -> Result<(), wasmi::Error> {
    let mut ctx = ctx.as_context_mut();
    let now = Instant::now();
    let control = &mut ctx.data_mut().control;
    if control.timers_run || control.timer_due.is_none_or(|due| due > now) {
        return Ok(());
    }
    control.timer_due = None;
    control.timers_run = true;
    let result = execute(&mut ctx, RUN_TIMERS);
    ctx.data_mut().control.timers_run = false;
    // Callbacks report their own exceptions. Ctrl-C is for the program, also while a callback runs.
    if result?.is_some_and(|raised| raised.type_name == "KeyboardInterrupt") {
        raise_keyboard_interrupt(&mut ctx)?;
    }
    Ok(())
}
