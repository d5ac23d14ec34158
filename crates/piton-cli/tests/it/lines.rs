//! The serial port itself: `--baud`, `--dtr`, `--rts`, and resets through the lines.

use std::sync::Arc;

use rustix::fs::{Mode, OFlags};
use rustix::termios::{ControlModes, OptionalActions, tcgetattr, tcsetattr};

use crate::support::{Sandbox, virtual_board};

#[test]
fn the_port_is_opened_as_told() {
    let sandbox = Sandbox::new();
    let server = virtual_board::serve::pty(Arc::new(virtual_board())).unwrap();
    let path = server.path().to_str().unwrap();
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let port = rustix::fs::open(path, flags, Mode::empty()).unwrap();
    for (options, speed, hangs_up) in [
        ("", 115_200, true),
        ("--baud 9600 --dtr off --rts off", 9600, true),
        (
            "--baud 230400 --reset-on-connect --rts keep",
            230_400,
            false,
        ),
    ] {
        // As serial ports have it: the system drops the lines when the port is closed.
        let mut settings = tcgetattr(&port).unwrap();
        settings.control_modes |= ControlModes::HUPCL;
        tcsetattr(&port, OptionalActions::Now, &settings).unwrap();
        let outcome = sandbox.run(&format!("{options} connect {path} eval 6*7 reset --lines"));
        assert_eq!(
            (outcome.code, outcome.stdout().as_str()),
            (Some(0), "42\r\n"),
            "{}",
            outcome.stderr()
        );
        let settings = tcgetattr(&port).unwrap();
        assert_eq!(settings.output_speed(), speed);
        let found = settings.control_modes.contains(ControlModes::HUPCL);
        assert_eq!(found, hangs_up, "{options}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let sandbox = Sandbox::new();
    let lines = [
        "--baud fast ls",
        "--baud 0 ls",
        "ls --dtr maybe",
        "mpremote --baud 9600 connect virtual eval 1",
        "connect virtual reset --lines",
    ];
    let shown = lines.map(|line| sandbox.show(line)).join("\n\n");
    insta::assert_snapshot!(shown);
}
