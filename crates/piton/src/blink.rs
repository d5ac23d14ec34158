//! An LED of a board, which shows a person which board it is.
//!
//! ```
//! use piton::Board;
//! use piton::blink::{Led, switch};
//! use piton::deadline::Deadline;
//! use piton::repl::Entry;
//!
//! let mut board = Board::connect(&"virtual".parse()?, &Default::default())?;
//! let mut raw_repl = board.raw_repl(Entry::KeepState, Deadline::NEVER)?;
//! let led: Led = "25".parse().expect("a pin");
//! switch(&mut raw_repl, &led, Some(true))?;
//! switch(&mut raw_repl, &led, None)?;
//! # Ok::<(), piton::Error>(())
//! ```

use std::str::FromStr;
use std::time::Duration;

use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_board::literal::py_str;
use piton_board::repl::RawRepl;

/// device/blink.py, as `cargo xtask codegen` minifies it.
const PROGRAM: &str = include_str!("../device/minified/blink.py");

/// Timeout of the board's answer.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// An LED at a pin of a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Led {
    /// The pin.
    pub pin: Pin,
    /// Whether it is a NeoPixel.
    pub is_neopixel: bool,
}

/// A pin of a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pin {
    /// By its number.
    Number(u16),
    /// By the name of an LED that firmware gives it: [`NAMES`].
    Name(&'static str),
}

/// The names of LEDs that [`Led`] knows: those of firmware for common boards.
pub const NAMES: [&str; 7] = [
    "LED",
    "LED_RED",
    "LED_GREEN",
    "LED_BLUE",
    "RGB_LED_RED",
    "RGB_LED_GREEN",
    "RGB_LED_BLUE",
];

/// The text is neither a number nor a name of [`NAMES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the number of a pin, or one of {}", NAMES.join(", "))]
pub struct UnknownPin;

/// A plain LED at a pin. Case does not matter.
impl FromStr for Led {
    type Err = UnknownPin;

    fn from_str(text: &str) -> Result<Led, UnknownPin> {
        let text = text.trim();
        let named = || {
            let upper = text.to_uppercase();
            NAMES.into_iter().find(|name| *name == upper).map(Pin::Name)
        };
        let number = text.parse().ok().map(Pin::Number);
        Ok(Led {
            pin: number.or_else(named).ok_or(UnknownPin)?,
            is_neopixel: false,
        })
    }
}

/// Switches an LED on or off; `None` switches it off and ends the use of its pin. One LED is used at a time.
///
/// # Errors
///
/// As for [`RawRepl::run`]: a board without that pin raises an exception.
pub fn switch(
    raw_repl: &mut RawRepl<'_>,
    led: &Led,
    is_on: Option<bool>,
) -> Result<(), BoardError> {
    let pin = match &led.pin {
        Pin::Number(number) => number.to_string(),
        Pin::Name(name) => py_str(name),
    };
    let is_neopixel = if led.is_neopixel { "True" } else { "False" };
    let level = match is_on {
        Some(true) => "1",
        Some(false) => "0",
        None => "None",
    };
    let source = format!("{PROGRAM}\n_piton({pin},{is_neopixel},{level})\ndel _piton");
    raw_repl
        .run(source.as_bytes(), Deadline::after(ANSWER_TIME))
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_have_numbers_or_names() {
        for (text, pin) in [
            ("25", Some(Pin::Number(25))),
            (" 0 ", Some(Pin::Number(0))),
            ("led", Some(Pin::Name("LED"))),
            ("rgb_led_blue", Some(Pin::Name("RGB_LED_BLUE"))),
            ("", None),
            ("-1", None),
            ("x'y", None),
        ] {
            let found = text.parse::<Led>().ok().map(|led| led.pin);
            assert_eq!(found, pin, "{text}");
        }
    }
}
