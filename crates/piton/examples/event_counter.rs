//! Counts the rising edges of a pin: `cargo run -p piton --example event_counter -- virtual 2 3`.
//!
//! The board counts in an interrupt, so no edge is missed between two calls. The program makes the edges on the pin
//! itself, so nothing must be connected to the pin.

use std::error::Error;
use std::io::{Write as _, stdout};

use piton::device::{Device, DeviceError};

/// A counter on the board.
#[piton::board(
    r#"
    def count():
        """Returns the number of edges since the last call."""
        global _edges
        edges, _edges = _edges, 0
        return edges

    def pulse(times):
        for _ in range(times):
            _pin.on()
            _pin.off()
    "#
)]
trait EventCounter {
    /// Starts to count the rising edges of a pin. After a reset of the board this is repeated.
    #[setup(
        r#"
        from machine import Pin

        def _on_edge(pin):
            global _edges
            _edges += 1

        _edges = 0
        _pin = Pin(pin, Pin.OUT, value=0)
        _pin.irq(_on_edge, Pin.IRQ_RISING)
        "#
    )]
    fn start(&self, pin: u8) -> Result<(), DeviceError>;

    /// Returns the number of edges since the last call.
    fn count(&self) -> Result<u64, DeviceError>;

    /// Makes edges.
    fn pulse(&self, times: u32) -> Result<(), DeviceError>;
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [board, pin, rounds] = words.as_slice() else {
        return Err("expected a board, the number of a pin, and a number of rounds".into());
    };
    let device = Device::connect(&board.parse()?, &Default::default(), Default::default())?;
    let counter = EventCounter::attach(&device)?;
    counter.start(pin.parse()?)?;
    for round in 1..=rounds.parse::<u32>()? {
        counter.pulse(round)?;
        writeln!(stdout(), "counted {}", counter.count()?)?;
    }
    device.close()?;
    Ok(())
}
