//! A board that is unplugged and plugged in again, under the same name and on another pty.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::process::{Signal, kill_process};
use virtual_board::serve::{PtyServer, pty};
use virtual_board::{BoardOptions, Flash, VirtualBoard, VmImage};

use crate::support::Sandbox;
use crate::terminal::Terminal;

/// A socket for boards: a link that names the pty of the board that is plugged in.
struct Place {
    link: PathBuf,
    flash: PathBuf,
    server: Option<PtyServer>,
}

impl Place {
    fn new(sandbox: &Sandbox) -> Place {
        let flash = sandbox.path().join("flash");
        std::fs::create_dir(&flash).unwrap();
        let link = sandbox.path().join("port");
        let mut place = Place {
            link,
            flash,
            server: None,
        };
        place.plug_in();
        place
    }

    fn plug_in(&mut self) {
        let image = VmImage::open(&test_programs::vm()).unwrap();
        let options = BoardOptions {
            flash: Flash::Directory(self.flash.clone()),
            ..BoardOptions::default()
        };
        let server = pty(Arc::new(VirtualBoard::start(&image, options).unwrap())).unwrap();
        symlink(server.path(), &self.link).unwrap();
        self.server = Some(server);
    }

    fn unplug(&mut self) {
        std::fs::remove_file(&self.link).unwrap();
        self.server = None;
    }

    /// Start `piton` with these words after those that connect to the board.
    fn start(&self, sandbox: &Sandbox, before: &[&str], words: &[&str]) -> Terminal {
        let mut command = sandbox.piton();
        command.args(before).arg("connect").arg(&self.link);
        command.args(words);
        Terminal::start(command)
    }
}

#[test]
fn the_repl_goes_on_with_a_board_that_comes_back() {
    let sandbox = Sandbox::new();
    let mut place = Place::new(&sandbox);
    sandbox.write("five.py", "print(6 * 7)");
    let mut terminal = place.start(&sandbox, &[], &["repl", "--inject-file", "five.py"]);
    terminal.wait_for("Use Ctrl-K");
    terminal.type_keys(b"\rx = 'old'\r");
    terminal.wait_for("x = 'old'\r\n>>> ");
    for _ in 0..2 {
        let start = terminal.shown().len();
        place.unplug();
        let at = terminal.wait_for_after(start, "the connection to the board was lost: waiting");
        // Typed to nobody.
        terminal.type_keys(b"unheard\r");
        place.plug_in();
        let link = place.link.display().to_string();
        let at = terminal.wait_for_after(at, &format!("connected again, at {link}"));
        terminal.type_keys(b"\r'x' in globals()\r");
        let at = terminal.wait_for_after(at, "False\r\n>>> ");
        terminal.type_keys(b"\x0b");
        terminal.wait_for_after(at, "42\r\n");
    }
    assert!(
        !terminal.shown().contains("unheard"),
        "{}",
        terminal.shown()
    );
    let start = terminal.shown().len();
    place.unplug();
    terminal.wait_for_after(start, "waiting");
    terminal.type_keys(b"\x1d");
    assert_eq!(terminal.wait_for_end().code(), Some(3));
    terminal.wait_for("piton: device disconnected");
}

#[test]
fn a_mounted_folder_comes_back_with_the_board() {
    let sandbox = Sandbox::new();
    let mut place = Place::new(&sandbox);
    sandbox.write("answer.py", "print(6 * 7)");
    let mut terminal = place.start(&sandbox, &[], &["mount", "."]);
    terminal.wait_for("Use Ctrl-]");
    terminal.type_keys(b"\rimport answer\r");
    terminal.wait_for("import answer\r\n42\r\n>>> ");
    for main in ["", "print('busy')\nwhile True: pass"] {
        let start = terminal.shown().len();
        place.unplug();
        let at = terminal.wait_for_after(start, "the connection to the board was lost: waiting");
        sandbox.write("flash/main.py", main);
        place.plug_in();
        let mut at = terminal.wait_for_after(at, "connected again, at ");
        if !main.is_empty() {
            // It is not disturbed; a person may stop it.
            at = terminal.wait_for_after(at, "busy\r\n");
            terminal.type_keys(b"\x03");
        }
        let at = terminal.wait_for_after(at, "Remount local directory ./ at /remote\r\n");
        terminal.type_keys(b"\rimport answer\r");
        terminal.wait_for_after(at, "import answer\r\n42\r\n>>> ");
    }
    let start = terminal.shown().len();
    place.unplug();
    terminal.wait_for_after(start, "waiting");
    terminal.type_keys(b"\x1d");
    assert_eq!(terminal.wait_for_end().code(), Some(3));
}

#[test]
fn what_a_board_prints_after_its_reset_is_followed() {
    let sandbox = Sandbox::new();
    let mut place = Place::new(&sandbox);
    let words = ["exec", "print('up')\nwhile True: pass"];
    let mut terminal = place.start(&sandbox, &[], &words);
    terminal.wait_for("up\r");
    place.unplug();
    let at = terminal.wait_for("the connection to the board was lost: waiting for the board");
    // It prints once, maybe before the port is open again.
    let main = "import os\nprint('from', 'main')\nwhile 'stop' not in os.listdir(): pass";
    sandbox.write("flash/main.py", main);
    place.plug_in();
    let at = terminal.wait_for_after(at, "connected again, at ");
    let at = terminal.wait_for_after(at, "from main\r");
    sandbox.write("flash/stop", "");
    let at = terminal.wait_for_after(at, ">>> ");
    assert_eq!(terminal.wait_for_end().code(), Some(1));
    terminal.wait_for_after(at, "piton: the board was reset");

    let mut terminal = place.start(&sandbox, &["--no-reconnect"], &words);
    terminal.wait_for("up\r");
    place.unplug();
    assert_eq!(terminal.wait_for_end().code(), Some(3));
    terminal.wait_for("piton: lost the connection to the board");
    place.plug_in();

    // Ctrl-C stops what runs after the reset, too.
    std::fs::remove_file(sandbox.path().join("flash/stop")).unwrap();
    let mut terminal = place.start(&sandbox, &[], &words);
    terminal.wait_for("up\r");
    place.unplug();
    terminal.wait_for("the connection to the board was lost");
    place.plug_in();
    terminal.wait_for("from main\r");
    kill_process(terminal.pid(), Signal::INT).unwrap();
    assert_eq!(terminal.wait_for_end().code(), Some(1));
    terminal.wait_for("piton: interrupted");
}
