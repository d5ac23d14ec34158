//! `devs`: prints the serial ports as a table. `connect list` prints mpremote's lines.

use piton::discovery::{SerialPortFacts, is_without_hardware, list_serial_ports};

use crate::context::Context;
use crate::error::CommandError;

pub(super) fn run(ctx: &Context) -> Result<(), CommandError> {
    let mut ports = list_serial_ports();
    ports.retain(|port| !is_without_hardware(&port.path));
    if ctx.ui.json() {
        return ctx.ui.json_line(&ports);
    }
    if ports.is_empty() {
        ctx.ui
            .note("no serial ports: is the board plugged in, with a cable that carries data?");
        return Ok(());
    }
    for line in table(&ports) {
        ctx.ui.line(&line)?;
    }
    if !ports.iter().any(SerialPortFacts::is_usb) {
        ctx.ui.note(
            "none of these is on USB, where boards are: is the board plugged in, with a cable that carries data?",
        );
    }
    Ok(())
}

/// Returns one line for each port below the heading, USB ports first.
fn table(ports: &[SerialPortFacts]) -> Vec<String> {
    let heading = ["PORT", "VID:PID", "SERIAL NUMBER", "PRODUCT"].map(str::to_owned);
    let (usb, others): (Vec<_>, Vec<_>) = ports.iter().partition(|port| port.is_usb());
    let mut rows = vec![heading];
    rows.extend(usb.into_iter().chain(others).map(row));
    let widths: Vec<usize> = (0..3)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let lines = rows.iter().map(|row| {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths.iter().chain(&[0])) {
            line.push_str(&format!("{cell:width$}  "));
        }
        line.trim_end().to_owned()
    });
    lines.collect()
}

fn row(port: &SerialPortFacts) -> [String; 4] {
    let ids = match (port.vid, port.pid) {
        (Some(vid), Some(pid)) => format!("{vid:04x}:{pid:04x}"),
        _ => "-".to_owned(),
    };
    // The product's name often contains the vendor's.
    let product = match (&port.manufacturer, &port.product) {
        (Some(vendor), Some(product)) if !product.starts_with(vendor.as_str()) => {
            format!("{vendor} {product}")
        }
        (_, Some(product)) => product.clone(),
        (Some(vendor), None) => vendor.clone(),
        (None, None) if is_built_in(&port.path) => "(a port of this computer)".to_owned(),
        (None, None) => "-".to_owned(),
    };
    let serial_number = port.serial_number.clone();
    [
        port.path.clone(),
        ids,
        printable(&serial_number.unwrap_or_else(|| "-".to_owned())),
        printable(&product),
    ]
}

/// Returns whether a port is one of the computer's own UARTs: most have no board, or nothing at all, connected.
fn is_built_in(path: &str) -> bool {
    let names = ["/dev/ttyS", "/dev/ttyAMA"];
    names.iter().any(|start| path.starts_with(start))
}

/// Returns a device's text with its control characters replaced.
fn printable(text: &str) -> String {
    let dotted = text.chars().map(|c| if c.is_control() { '.' } else { c });
    dotted.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_as_a_table() {
        let usb =
            |path: &str, serial: Option<&str>, vendor: Option<&str>, product: Option<&str>| {
                SerialPortFacts {
                    path: path.to_owned(),
                    serial_number: serial.map(str::to_owned),
                    vid: Some(0x2e8a),
                    pid: Some(5),
                    manufacturer: vendor.map(str::to_owned),
                    product: product.map(str::to_owned),
                    location: None,
                }
            };
        let ports = [
            SerialPortFacts {
                vid: None,
                pid: None,
                ..usb("/dev/ttyS0", None, None, None)
            },
            usb(
                "/dev/ttyACM0",
                Some("e6616407e3496e28"),
                Some("MicroPython"),
                Some("Board in FS mode"),
            ),
            usb(
                "/dev/ttyACM10",
                None,
                Some("Arm"),
                Some("Arm \"micro:bit\"\n\x1b[31m"),
            ),
            usb("/dev/ttyUSB0", Some("1"), Some("FTDI"), None),
        ];
        insta::assert_snapshot!(table(&ports).join("\n"), @r#"
        PORT           VID:PID    SERIAL NUMBER     PRODUCT
        /dev/ttyACM0   2e8a:0005  e6616407e3496e28  MicroPython Board in FS mode
        /dev/ttyACM10  2e8a:0005  -                 Arm "micro:bit"..[31m
        /dev/ttyUSB0   2e8a:0005  1                 FTDI
        /dev/ttyS0     -          -                 (a port of this computer)
        "#);
    }
}
