//! `select`: a person finds out which USB board is which, by an LED, and how to name it.

mod specifier;

use std::time::Duration;

use piton::blink::{Led, switch};
use piton::discovery::{SerialPortFacts, list_serial_ports};
use piton::error::BoardError;
use piton::facts::BoardFacts;
use piton::selector::BoardSelector;
use serde::Serialize;

use crate::context::Context;
use crate::error::{CommandError, SelectError};
use crate::interrupt;
use crate::terminal::{self, Keys};
use crate::ui;

pub(crate) use specifier::Specifier;

/// How long the LED stays on or off.
const HALF_PERIOD: Duration = Duration::from_millis(500);

/// How often an answer and Ctrl-C are looked for.
const SLICE: Duration = Duration::from_millis(20);

/// A board, and how to name it.
#[derive(Serialize)]
struct Choice<'a> {
    port: &'a str,
    /// For `piton connect`.
    selector: String,
    /// For `BELAY_DEVICE`.
    specifier: Specifier,
}

pub(super) fn run(ctx: &mut Context) -> Result<(), CommandError> {
    let ports = usb_ports();
    if ctx.ui.json() {
        let choices = ports.iter().map(choice).collect::<Vec<Choice<'_>>>();
        return ctx.ui.json_line(&choices);
    }
    if ctx.session.is_connected() {
        return blink(ctx);
    }
    if ports.is_empty() {
        let skipped = Vec::new();
        return Err(BoardError::NoBoard { skipped }.into());
    }
    let port = choose(ctx, &ports)?;
    let choice = choice(port);
    blink(ctx)?;
    ctx.ui.text(&format!(
        "\nOn the command line:\n    piton connect {}\nAs a name of your own, in config.toml:\n    [boards]\n    NAME = \"{}\"\n",
        choice.selector, choice.selector
    ))?;
    ctx.ui.text(&in_python(&choice.specifier, "piton")?)
}

/// Does what `belay select` does.
pub(crate) fn run_as_belay(ctx: &mut Context) -> Result<(), CommandError> {
    let ports = usb_ports();
    if ports.is_empty() {
        ctx.ui.line("Detected no devices.")?;
        return Err(CommandError::Printed);
    }
    let specifier = Specifier::of(choose(ctx, &ports)?);
    blink(ctx)?;
    ctx.ui.text(&in_python(&specifier, "belay")?)
}

/// Returns the ports of USB devices.
fn usb_ports() -> Vec<SerialPortFacts> {
    let mut ports = list_serial_ports();
    ports.retain(SerialPortFacts::is_usb);
    ports
}

fn choice(port: &SerialPortFacts) -> Choice<'_> {
    // A port's name may be another one tomorrow.
    let selector = match &port.serial_number {
        Some(serial_number) => BoardSelector::Id(serial_number.clone()),
        None => BoardSelector::Port(port.path.clone()),
    };
    Choice {
        port: &port.path,
        selector: selector.to_string(),
        specifier: Specifier::of(port),
    }
}

/// Asks for one of the ports, and connects to it.
fn choose<'p>(
    ctx: &mut Context,
    ports: &'p [SerialPortFacts],
) -> Result<&'p SerialPortFacts, CommandError> {
    ctx.ui.text(&table(ports))?;
    let port = loop {
        let answer = ask(ctx, "Select USB Device (number) [1]: ")?;
        let number = match answer.trim() {
            "" => Some(1),
            text => text.parse::<usize>().ok(),
        };
        let index = number.and_then(|number| number.checked_sub(1));
        match index.and_then(|index| ports.get(index)) {
            Some(port) => break port,
            None => ctx
                .ui
                .note(&format!("expected a number from 1 to {}", ports.len())),
        }
    };
    let selector = BoardSelector::Port(port.path.clone());
    ctx.session.connect_to(&selector)?;
    Ok(port)
}

/// Returns a numbered line for each port below the heading.
fn table(ports: &[SerialPortFacts]) -> String {
    let mut text =
        "   vid    pid    serial_number      manufacturer       product            location\n"
            .to_owned();
    for (number, port) in (1..).zip(ports) {
        let Specifier {
            vid,
            pid,
            serial_number,
            manufacturer,
            product,
            location,
            ..
        } = Specifier::of(port);
        let number_text =
            |value: Option<u16>| value.map_or("None".to_owned(), |value| value.to_string());
        let words = [serial_number, manufacturer, product, location].map(|value| {
            let text = value.unwrap_or_else(|| "None".to_owned());
            format!("{:<18.18}", printable::line(&text))
        });
        let line = format!(
            "{number:>2} {:<6} {:<6} {}",
            number_text(vid),
            number_text(pid),
            words.join(" ")
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Prints what runs on the board, asks for an LED, and blinks it until Enter.
fn blink(ctx: &mut Context) -> Result<(), CommandError> {
    let facts = ctx.session.facts()?;
    ctx.ui.line(&firmware(&facts))?;
    let Some(led) = ask_led(ctx)? else {
        return Ok(());
    };
    interrupt::install(&ctx.cancel);
    ui::question("Press Enter to continue...");
    let mut raw = ctx.session.raw_repl()?;
    let mut begun = Vec::new();
    let mut is_on = false;
    let ended = loop {
        is_on = !is_on;
        switch(&mut raw, &led, Some(is_on))?;
        match wait_for_line(&mut begun, HALF_PERIOD, ctx.cancel.is_cancelled())? {
            Keys::Nothing if ctx.cancel.take() => break Err(CommandError::Interrupted),
            Keys::Nothing => {}
            Keys::Bytes(_) | Keys::End => break Ok(()),
        }
    };
    switch(&mut raw, &led, None)?;
    ended
}

/// Returns a line about a firmware, as `belay info` prints it.
pub(crate) fn firmware(facts: &BoardFacts) -> String {
    let or_unknown = |fact: &Option<String>| fact.clone().unwrap_or_else(|| "unknown".to_owned());
    format!(
        "{} v{} - {}",
        or_unknown(&facts.implementation),
        or_unknown(&facts.release).replace('-', "."),
        or_unknown(&facts.platform)
    )
}

fn ask_led(ctx: &Context) -> Result<Option<Led>, CommandError> {
    let mut led = loop {
        let answer = ask(ctx, "Blink LED Pin (number or 'LED') [skip]? ")?;
        if answer.trim().is_empty() {
            return Ok(None);
        }
        match answer.parse::<Led>() {
            Ok(led) => break led,
            Err(error) => ctx.ui.note(&error.to_string()),
        }
    };
    let answer = ask(ctx, "Is this a NeoPixel? [y/N] ")?;
    led.is_neopixel = matches!(answer.trim().to_lowercase().as_str(), "y" | "yes");
    Ok(Some(led))
}

/// Prints a question, and returns the line that is typed.
///
/// # Errors
///
/// [`SelectError::NoAnswer`] at the end of the input.
pub(crate) fn ask(ctx: &Context, question: &str) -> Result<String, CommandError> {
    ui::question(question);
    let mut begun = Vec::new();
    loop {
        match wait_for_line(&mut begun, HALF_PERIOD, false)? {
            Keys::Bytes(line) => return Ok(String::from_utf8_lossy(&line).into_owned()),
            Keys::End => {
                ui::question("\n");
                return Err(SelectError::NoAnswer.into());
            }
            Keys::Nothing if ctx.cancel.take() => return Err(CommandError::Interrupted),
            Keys::Nothing => {}
        }
    }
}

/// Waits so long for the rest of a line; not at all if the command is to end.
fn wait_for_line(begun: &mut Vec<u8>, limit: Duration, ends: bool) -> Result<Keys, CommandError> {
    let mut rest = if ends { Duration::ZERO } else { limit };
    loop {
        let keys = terminal::read_line(begun).map_err(CommandError::Terminal)?;
        if keys != Keys::Nothing || rest.is_zero() {
            return Ok(keys);
        }
        std::thread::sleep(SLICE);
        rest = rest.saturating_sub(SLICE);
    }
}

/// Returns what to write in Python, in Belay's words.
fn in_python(specifier: &Specifier, package: &str) -> Result<String, CommandError> {
    let json = specifier.to_json()?;
    Ok(format!(
        "\n\nEither set the BELAY_DEVICE environment variable:\n    export BELAY_DEVICE='{json}'\nAnd in python code, instantiate Device \
         without arguments:\n    device = {package}.Device()\n\nOr, add the following (or a subset) to your python code:\n    spec = \
         {package}.{specifier}\n    device = {package}.Device(spec)\n\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(serial_number: Option<&str>, product: &str) -> SerialPortFacts {
        SerialPortFacts {
            path: "/dev/ttyACM0".to_owned(),
            serial_number: serial_number.map(str::to_owned),
            vid: Some(11914),
            pid: Some(5),
            manufacturer: Some("MicroPython".to_owned()),
            product: Some(product.to_owned()),
            location: None,
        }
    }

    #[test]
    fn ports_as_a_table() {
        let ports = [
            port(Some("e6614c311b137637"), "Board in FS mode, rev. 2"),
            port(None, "a\u{1b}[31m"),
        ];
        insta::assert_snapshot!(table(&ports), @r"
           vid    pid    serial_number      manufacturer       product            location
         1 11914  5      e6614c311b137637   MicroPython        Board in FS mode,  None
         2 11914  5      None               MicroPython        a\x1b[31m          None
        ");
    }

    #[test]
    fn a_board_is_named_by_its_serial_number_where_it_has_one() {
        let with = port(Some("e661"), "Board");
        assert_eq!(choice(&with).selector, "id:e661");
        assert_eq!(choice(&port(None, "Board")).selector, "/dev/ttyACM0");
        insta::assert_snapshot!(in_python(&Specifier::of(&with), "belay").unwrap(), @r#"
        Either set the BELAY_DEVICE environment variable:
            export BELAY_DEVICE='{"vid":11914,"pid":5,"serial_number":"e661","manufacturer":"MicroPython","product":"Board"}'
        And in python code, instantiate Device without arguments:
            device = belay.Device()

        Or, add the following (or a subset) to your python code:
            spec = belay.UsbSpecifier(vid=11914, pid=5, serial_number='e661', manufacturer='MicroPython', product='Board')
            device = belay.Device(spec)
        "#);
    }
}
