//! `udev`: prints the rules that let everybody at a Linux computer use its boards.

use piton::discovery::known::KNOWN_DEVICES;
use piton::discovery::{SerialPortFacts, list_serial_ports};

use crate::context::Context;
use crate::error::{CommandError, FileError};

/// The path of the rules. It sorts before `73-seat-late.rules`, which gives devices with the tag `uaccess` to the
/// person at the computer.
const RULES_PATH: &str = "/etc/udev/rules.d/60-piton.rules";

/// Arguments of `udev`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Rules for all devices that boards are known to have, not only for those that are plugged in
    #[arg(long)]
    all: bool,
    /// Also give the board a name of its own: `/dev/NAME`. It must be the only one that is plugged in, or PORT says which
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The port of one board, such as `/dev/ttyACM0`
    #[arg(long, value_name = "PORT")]
    port: Option<String>,
}

pub(super) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    let mut ports = list_serial_ports();
    ports.retain(SerialPortFacts::is_usb);
    if let Some(wanted) = &args.port {
        ports.retain(|port| port.path == *wanted);
    }
    let rules = rules(args, &ports).map_err(|problem| {
        CommandError::from(FileError::Arguments {
            command: "udev",
            problem,
        })
    })?;
    ctx.ui.note(&format!(
        "the rules go to {RULES_PATH}, and hold for devices plugged in after this:\n\n    \
         piton udev{} | sudo tee {RULES_PATH}\n    sudo udevadm control --reload\n",
        if args.all { " --all" } else { "" }
    ));
    for rule in rules {
        ctx.ui.line(&rule)?;
    }
    Ok(())
}

fn rules(args: &Args, ports: &[SerialPortFacts]) -> Result<Vec<String>, &'static str> {
    if let Some(name) = &args.name {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if name.is_empty() || !name.chars().all(is_plain) {
            return Err("a name is made of letters, digits, `-` and `_`");
        }
        let [port] = ports else {
            return Err("a name needs one board: name its port with `--port`");
        };
        return Ok(vec![rule(
            port.vid.unwrap_or(0),
            port.pid,
            port.serial_number.as_deref(),
            Some(name),
            port.product.as_deref().unwrap_or("board"),
        )]);
    }
    if args.port.is_some() && ports.is_empty() {
        return Err("there is no USB device at this port");
    }
    if args.all || ports.is_empty() {
        let all = KNOWN_DEVICES.iter();
        return Ok(all
            .map(|device| rule(device.vid, device.pid, None, None, device.name))
            .collect());
    }
    let mut rules = Vec::new();
    for port in ports {
        let product = port.product.as_deref().unwrap_or("board");
        let rule = rule(port.vid.unwrap_or(0), port.pid, None, None, product);
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    Ok(rules)
}

/// Returns one rule, with a comment above it: open to the person at the computer and the group `dialout`, and left
/// alone by ModemManager, which would type at it.
fn rule(
    vid: u16,
    pid: Option<u16>,
    serial_number: Option<&str>,
    name: Option<&str>,
    label: &str,
) -> String {
    let product = pid.map_or_else(String::new, |pid| {
        format!(", ATTRS{{idProduct}}==\"{pid:04x}\"")
    });
    let serial = serial_number.map_or_else(String::new, |serial| {
        format!(", ATTRS{{serial}}==\"{}\"", pattern(serial))
    });
    let link = name.map_or_else(String::new, |name| format!(", SYMLINK+=\"{name}\""));
    let label = label.chars().map(|c| if c.is_control() { ' ' } else { c });
    format!(
        "# {}\nSUBSYSTEM==\"tty\", ATTRS{{idVendor}}==\"{vid:04x}\"{product}{serial}{link}, MODE=\"0660\", \
         GROUP=\"dialout\", TAG+=\"uaccess\", ENV{{ID_MM_DEVICE_IGNORE}}=\"1\"",
        label.collect::<String>()
    )
}

/// Returns a device's serial number as a pattern of udev: what could end the quotes, or is a pattern itself, matches
/// any letter.
fn pattern(serial_number: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " ._:-".contains(c);
    let letters = serial_number.chars();
    letters.map(|c| if is_plain(c) { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(path: &str, serial_number: &str, product: &str) -> SerialPortFacts {
        SerialPortFacts {
            path: path.to_owned(),
            serial_number: Some(serial_number.to_owned()),
            vid: Some(0x2e8a),
            pid: Some(5),
            manufacturer: None,
            product: Some(product.to_owned()),
            location: None,
        }
    }

    #[test]
    fn rules_for_the_boards_that_are_there() {
        let pico = port("/dev/ttyACM0", "e66", "Pico");
        let hostile = port("/dev/ttyACM1", "1\", RUN+=\"sh", "x\nRUN+=\"sh\"");
        let both = [
            pico.clone(),
            port("/dev/ttyACM3", "e67", "Pico"),
            hostile.clone(),
        ];
        let named = Args {
            name: Some("pico".to_owned()),
            ..asked_for(false)
        };
        let mut text = rules(&asked_for(false), &both).unwrap().join("\n");
        for ports in [
            std::slice::from_ref(&pico),
            std::slice::from_ref(&hostile),
            &both,
        ] {
            text.push_str("\n--\n");
            text.push_str(
                &rules(&named, ports)
                    .unwrap_or_else(|error| vec![error.to_owned()])
                    .join("\n"),
            );
        }
        insta::assert_snapshot!(text, @r#"
        # Pico
        SUBSYSTEM=="tty", ATTRS{idVendor}=="2e8a", ATTRS{idProduct}=="0005", MODE="0660", GROUP="dialout", TAG+="uaccess", ENV{ID_MM_DEVICE_IGNORE}="1"
        # x RUN+="sh"
        SUBSYSTEM=="tty", ATTRS{idVendor}=="2e8a", ATTRS{idProduct}=="0005", MODE="0660", GROUP="dialout", TAG+="uaccess", ENV{ID_MM_DEVICE_IGNORE}="1"
        --
        # Pico
        SUBSYSTEM=="tty", ATTRS{idVendor}=="2e8a", ATTRS{idProduct}=="0005", ATTRS{serial}=="e66", SYMLINK+="pico", MODE="0660", GROUP="dialout", TAG+="uaccess", ENV{ID_MM_DEVICE_IGNORE}="1"
        --
        # x RUN+="sh"
        SUBSYSTEM=="tty", ATTRS{idVendor}=="2e8a", ATTRS{idProduct}=="0005", ATTRS{serial}=="1?? RUN???sh", SYMLINK+="pico", MODE="0660", GROUP="dialout", TAG+="uaccess", ENV{ID_MM_DEVICE_IGNORE}="1"
        --
        a name needs one board: name its port with `--port`
        "#);
        let all = rules(&asked_for(true), &both).unwrap();
        assert_eq!(all, rules(&asked_for(false), &[]).unwrap());
        assert_eq!(all.len(), KNOWN_DEVICES.len());
    }

    fn asked_for(all: bool) -> Args {
        Args {
            all,
            name: None,
            port: None,
        }
    }
}
