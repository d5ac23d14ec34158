//! Why a call into the firmware ended without a result.

use std::time::Duration;

use crate::options::Outage;

/// Why a call into the firmware ended without a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A C `longjmp` is unwinding the stack: MicroPython raises an exception.
    LongJump,
    /// Nobody wants the board any more.
    Shutdown,
    /// The board boots anew.
    Reset(ResetCause),
    /// The firmware does not react to Ctrl-C.
    Unresponsive,
    /// The line is gone for this time (`None`: until the board is switched on), and so is the power.
    PowerLost(Option<Duration>),
    /// The firmware called `abort()`.
    Abort,
    /// The firmware handed the host an address outside its memory.
    BadAddress,
}

/// Why the board boots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResetCause {
    /// Power came on.
    Power,
    /// `machine.reset()`, or the reset line.
    Hard,
    /// The watchdog bit.
    Watchdog,
    /// `machine.deepsleep()` ended.
    DeepSleep,
    /// Ctrl-D at the prompt, `machine.soft_reset()` or `sys.exit()`.
    Soft,
}

impl ResetCause {
    /// The number that `machine.reset_cause()` returns; those of `machine.PWRON_RESET` and so on are
    /// the ones of the ESP32 port (`ports/esp32/modmachine.c`).
    pub(crate) fn number(self) -> u8 {
        match self {
            ResetCause::Power => 1,
            ResetCause::Hard => 2,
            ResetCause::Watchdog => 3,
            ResetCause::DeepSleep => 4,
            ResetCause::Soft => 5,
        }
    }
}

impl ResetCause {
    /// Did the running program ask for it?
    pub(crate) fn is_by_program(self) -> bool {
        matches!(
            self,
            ResetCause::Hard | ResetCause::Watchdog | ResetCause::DeepSleep
        )
    }
}

impl From<Outage> for Stop {
    fn from(outage: Outage) -> Self {
        match outage {
            Outage::Brownout => Stop::Reset(ResetCause::Power),
            Outage::Returns(after) => Stop::PowerLost(Some(after)),
            Outage::Dead => Stop::PowerLost(None),
        }
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Stop::LongJump => "an exception that nothing caught",
            Stop::Shutdown => "the board was switched off",
            Stop::Reset(_) => "the board resets",
            Stop::Unresponsive => "the firmware does not react to Ctrl-C",
            Stop::PowerLost(_) => "the board has no power",
            Stop::Abort => "the firmware called abort()",
            Stop::BadAddress => "the firmware used an address outside its memory",
        })
    }
}

impl std::error::Error for Stop {}

impl wasmi::errors::HostError for Stop {}

/// The stop as an error that passes through the interpreter.
pub(crate) fn stop(stop: Stop) -> wasmi::Error {
    wasmi::Error::host(stop)
}

/// The stop that an error of the interpreter carries, if it is one of ours.
pub(crate) fn why(error: &wasmi::Error) -> Option<Stop> {
    error.downcast_ref::<Stop>().copied()
}
