//! The calls of Windows about its consoles: the one module of this crate with `unsafe`.
//!
//! The standard library lacks them. Each block says why it is sound. Callers cannot make it unsound, since a handle is
//! borrowed from the stream that owns it.
#![expect(
    unsafe_code,
    reason = "Windows has its consoles behind a C interface only"
)]

use std::io;
use std::marker::PhantomData;
use std::os::windows::io::{AsRawHandle, RawHandle};
use std::time::Duration;

use windows_sys::Win32::Foundation::{WAIT_OBJECT_0, WAIT_TIMEOUT};
use windows_sys::Win32::System::Console::{
    CONSOLE_MODE, GetConsoleMode, INPUT_RECORD, KEY_EVENT, KEY_EVENT_RECORD, ReadConsoleInputW,
    SetConsoleCtrlHandler, SetConsoleMode,
};
use windows_sys::Win32::System::Threading::WaitForSingleObject;
use windows_sys::core::BOOL;

/// How many events are taken from a console at once.
const EVENTS: usize = 64;

/// The code of the Alt key (`VK_MENU`): its release carries the letter that was typed as digits.
const ALT: u16 = 0x12;

/// The handle of a standard stream, which may be a console, for as long as the stream is borrowed.
pub(crate) struct Console<'a> {
    handle: RawHandle,
    stream: PhantomData<&'a ()>,
}

impl Console<'_> {
    /// Returns the console of a standard stream. [`Console::mode`] fails if the stream is not a console.
    pub(crate) fn of(stream: &impl AsRawHandle) -> Console<'_> {
        Console {
            handle: stream.as_raw_handle(),
            stream: PhantomData,
        }
    }

    /// Returns the console's mode.
    ///
    /// # Errors
    ///
    /// The system's, also where the stream is not a console.
    pub(crate) fn mode(&self) -> io::Result<CONSOLE_MODE> {
        let mut mode = 0;
        // SAFETY: the place for the answer lives throughout the call. A handle of anything else, or of nothing, is
        // refused by the call.
        check(unsafe { GetConsoleMode(self.handle, &raw mut mode) })?;
        Ok(mode)
    }

    /// Sets the console's mode.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(crate) fn set_mode(&self, mode: CONSOLE_MODE) -> io::Result<()> {
        // SAFETY: takes no address; a handle of anything else is refused.
        check(unsafe { SetConsoleMode(self.handle, mode) })
    }

    /// Waits until there is an event to read, at most as long as `limit`, and returns whether there is one.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(crate) fn wait(&self, limit: Duration) -> io::Result<bool> {
        // The largest number would mean "for ever".
        let milliseconds = u32::try_from(limit.as_millis()).unwrap_or(u32::MAX - 1);
        // SAFETY: takes no address; a handle of anything else is refused.
        match unsafe { WaitForSingleObject(self.handle, milliseconds) } {
            WAIT_OBJECT_0 => Ok(true),
            WAIT_TIMEOUT => Ok(false),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Reads the pending events, and waits for one if there are none. Appends the letters of the pressed keys, as
    /// UTF-16, to `units`, and returns their number.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(crate) fn read_keys(&self, units: &mut Vec<u16>) -> io::Result<usize> {
        let mut records = [INPUT_RECORD::default(); EVENTS];
        let mut count = 0;
        let room = u32::try_from(records.len()).map_err(io::Error::other)?;
        // SAFETY: `records` has room for as many records as the call gets as its limit, and both places live throughout it.
        check(unsafe {
            ReadConsoleInputW(self.handle, records.as_mut_ptr(), room, &raw mut count)
        })?;
        let before = units.len();
        let count = usize::try_from(count).map_err(io::Error::other)?;
        for record in records.iter().take(count) {
            if u32::from(record.EventType) == KEY_EVENT {
                // SAFETY: the type says which of the union's fields the system has filled in. All of them are plain
                // numbers, and the record began as zeros.
                let key = unsafe { record.Event.KeyEvent };
                units.extend(letters(&key));
            }
        }
        Ok(units.len() - before)
    }
}

/// Returns what a key adds to the input: its letter as often as it repeats, nothing for a key without one.
fn letters(key: &KEY_EVENT_RECORD) -> impl Iterator<Item = u16> + use<> {
    // SAFETY: both fields of the union are plain numbers; this one is the larger, and what `ReadConsoleInputW` writes.
    let unit = unsafe { key.uChar.UnicodeChar };
    let is_pressed = key.bKeyDown != 0 || key.wVirtualKeyCode == ALT;
    let times = if is_pressed && unit != 0 {
        usize::from(key.wRepeatCount.max(1))
    } else {
        0
    };
    std::iter::repeat_n(unit, times)
}

/// Makes the system call `handler`, in a thread of its own, when the user presses Ctrl-C or Ctrl-Break, closes the
/// window, or the session ends (`CTRL_C_EVENT` .. `CTRL_SHUTDOWN_EVENT`). The handler returns whether it has handled
/// the event; if not, the system ends the program.
///
/// # Errors
///
/// The system's.
pub(crate) fn set_interrupt_handler(handler: extern "system" fn(u32) -> BOOL) -> io::Result<()> {
    // SAFETY: a function lives for ever, and this one takes a number and returns one, as the system wants it.
    check(unsafe { SetConsoleCtrlHandler(Some(handler), 1) })
}

/// Returns the system's error if a call failed.
fn check(succeeded: BOOL) -> io::Result<()> {
    if succeeded == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
