//! Why a call into the firmware ended without a result.

use std::time::Duration;

use crate::options::Outage;

/// Why a call into the firmware ended without a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A C `longjmp` is unwinding the stack: MicroPython raises an exception.
    LongJump,
    /// The board is dropped.
    Shutdown,
    /// The board boots again.
    Reset(ResetCause),
    /// The firmware does not react to Ctrl-C.
    Unresponsive,
    /// The line is gone for this time (`None`: until the board is switched on), and so is the power.
    PowerLost(Option<Duration>),
    /// The firmware called `abort()`.
    Abort,
    /// The firmware passed an address outside of its memory.
    BadAddress,
}

/// The cause of a reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResetCause {
    /// Power came on.
    Power,
    /// `machine.reset()`, or the reset line.
    Hard,
    /// The watchdog was not fed.
    Watchdog,
    /// `machine.deepsleep()` ended.
    DeepSleep,
    /// Ctrl-D at the prompt, `machine.soft_reset()` or `sys.exit()`.
    Soft,
}

impl ResetCause {
    /// Returns the result of `machine.reset_cause()`, with the numbers of the ESP32 port (`ports/esp32/modmachine.c`).
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
    /// Returns whether the running program requested the reset.
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

/// Returns the stop as an error that passes through the interpreter.
pub(crate) fn stop(stop: Stop) -> wasmi::Error {
    wasmi::Error::host(stop)
}

/// Returns the stop that an error of the interpreter carries, if it is one of ours.
pub(crate) fn why(error: &wasmi::Error) -> Option<Stop> {
    error.downcast_ref::<Stop>().copied()
}
