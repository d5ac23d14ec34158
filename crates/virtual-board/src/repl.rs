//! A board from power-on to the next reset: `boot.py`, `main.py`, and the REPL.

use crate::host::run_timers;
use crate::vm::Vm;
use crate::vm::execute::Raised;

/// The kind of REPL that a board is in; it survives a soft reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Friendly,
    Raw,
}

const CTRL_A: u8 = 1;
const CTRL_B: u8 = 2;
const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const CTRL_E: u8 = 5;
const TAB: u8 = 9;
const CTRL_P: u8 = 16;
const ESCAPE: u8 = 27;

const PROMPT: &[u8] = b">>> ";

/// An upper bound of the length of a key's escape sequence, without the escape.
const KEY_LIMIT: usize = 8;

/// The window of raw-paste mode: half of the receive buffer of 256 bytes that MicroPython assumes
/// (`MICROPY_REPL_STDIN_BUFFER_MAX` in `shared/runtime/pyexec.c`).
const WINDOW: u16 = 128;

/// Runs a board until it asks for a soft reset.
pub(crate) fn run(vm: &mut Vm, mode: &mut Mode) -> Result<(), wasmi::Error> {
    if run_file(vm, "boot.py")? {
        return Ok(());
    }
    if *mode == Mode::Friendly && run_file(vm, "main.py")? {
        return Ok(());
    }
    start(vm, *mode)?;
    prompt(vm, mode)
}

/// Begins the friendly REPL after a program of the host, whose input is now keys.
pub(crate) fn run_after_program(vm: &mut Vm) -> Result<(), wasmi::Error> {
    start(vm, Mode::Friendly)?;
    prompt(vm, &mut Mode::Friendly)
}

/// Passes bytes to the REPL until it requests a soft reset.
fn prompt(vm: &mut Vm, mode: &mut Mode) -> Result<(), wasmi::Error> {
    let mut repl = Repl {
        vm,
        mode,
        held: Vec::new(),
        line_is_empty: true,
        forgotten: None,
    };
    while !repl.step()? {}
    vm.host().output.flush();
    Ok(())
}

/// Runs a file if it exists. Returns true if it requested a soft reset.
fn run_file(vm: &mut Vm, name: &str) -> Result<bool, wasmi::Error> {
    if vm.host().files.stat(name).is_err() {
        return Ok(false);
    }
    vm.host().always_interrupt = true;
    let raised = vm.execute(&format!("execfile('{name}')"));
    vm.host().always_interrupt = false;
    let Some(raised) = raised? else {
        return Ok(false);
    };
    if raised.type_name == "SystemExit" {
        return Ok(true);
    }
    let traceback = without_own_frame(&raised);
    vm.host().output.text(&traceback);
    Ok(false)
}

/// Returns the traceback without the frame of the `execfile` call, which a board does not have.
fn without_own_frame(raised: &Raised) -> Vec<u8> {
    let text = String::from_utf8_lossy(&raised.traceback);
    let lines = text.split_inclusive('\n');
    let own = "  File \"<stdin>\", line 1, in <module>";
    lines
        .filter(|line| line.trim_end() != own)
        .collect::<String>()
        .into_bytes()
}

/// Begins the REPL in the given mode.
fn start(vm: &mut Vm, mode: Mode) -> Result<(), wasmi::Error> {
    if mode == Mode::Friendly {
        // This port prints an empty line first, which boards do not.
        vm.host().output.skip(2);
        return vm.start_repl();
    }
    // The firmware always begins with the friendly REPL: keep its banner from the line, and the line feed
    // with which it goes over to raw mode.
    vm.host().output.skip(usize::MAX);
    vm.start_repl()?;
    vm.host().output.skip(2);
    vm.feed(CTRL_A)?;
    Ok(())
}

struct Repl<'a> {
    vm: &'a mut Vm,
    mode: &'a mut Mode,
    /// The beginning of a raw-paste command, which the firmware must not see.
    held: Vec<u8>,
    /// In raw mode: nothing was typed since the last prompt.
    line_is_empty: bool,
    /// The bytes after an escape that the firmware has dropped.
    forgotten: Option<Vec<u8>>,
}

impl Repl<'_> {
    /// Takes one byte from the line. Returns true if the firmware requests a soft reset.
    fn step(&mut self) -> Result<bool, wasmi::Error> {
        let byte = next_byte(self.vm)?;
        match *self.mode {
            Mode::Friendly => self.friendly(byte),
            Mode::Raw => self.raw(byte),
        }
    }

    /// Passes a byte to the firmware, which may run a program.
    fn feed(&mut self, byte: u8) -> Result<bool, wasmi::Error> {
        if matches!(byte, CTRL_D | b'\r' | b'\n') {
            self.vm.host().line.leave_prompt();
            // The firmware turns Ctrl-C on for each program.
            self.vm.host().control.interrupt_is_off = false;
        }
        self.vm.feed(byte)
    }

    fn friendly(&mut self, byte: u8) -> Result<bool, wasmi::Error> {
        if let Some(key) = self.forgotten.take() {
            return self.forgotten_key(key, byte);
        }
        if byte != CTRL_A {
            return self.key(byte);
        }
        // Whether this enters raw mode depends on the keys before; the firmware's output shows it.
        self.vm.host().output.watch();
        let resets = self.feed(byte)?;
        if self.vm.host().output.watched_raw_prompt() {
            *self.mode = Mode::Raw;
            self.line_is_empty = true;
        }
        Ok(resets)
    }

    /// Passes a key to the firmware. This port's event-driven REPL treats any key that leaves an empty line as Enter
    /// (`pyexec_friendly_repl_process_char` in `shared/runtime/pyexec.c`): it prompts again and drops an escape.
    /// Boards do not, so this is corrected here.
    fn key(&mut self, byte: u8) -> Result<bool, wasmi::Error> {
        if matches!(byte, CTRL_A..=CTRL_E | TAB | b'\r' | b'\n') {
            return self.feed(byte);
        }
        self.vm.host().output.watch();
        let resets = self.feed(byte)?;
        let line_is_empty = self.vm.host().output.take_back_watched(PROMPT);
        if line_is_empty && byte == ESCAPE {
            self.forgotten = Some(Vec::new());
        }
        Ok(resets)
    }

    /// Takes the next byte of a key whose escape the firmware has dropped. On an empty line only the upward arrow has
    /// an effect, and Ctrl-P is the same key.
    fn forgotten_key(&mut self, mut key: Vec<u8>, byte: u8) -> Result<bool, wasmi::Error> {
        key.push(byte);
        match key.as_slice() {
            [b'[' | b'O', b'A'] => self.key(CTRL_P),
            [b'[' | b'O'] | [b'[', .., b'0'..=b'9' | b';'] if key.len() < KEY_LIMIT => {
                self.forgotten = Some(key);
                Ok(false)
            }
            _ => Ok(false),
        }
    }

    /// Takes a byte in raw mode. Raw-paste is implemented here: the firmware's own cannot read from the line, because
    /// this port's `mp_hal_stdin_rx_chr` is a stub.
    fn raw(&mut self, byte: u8) -> Result<bool, wasmi::Error> {
        let is_control = (CTRL_A..=CTRL_D).contains(&byte);
        match self.held.as_slice() {
            [] if self.line_is_empty && byte == CTRL_E => {
                self.held.push(byte);
                return Ok(false);
            }
            [_] if !is_control => {
                self.held.push(byte);
                return Ok(false);
            }
            [_, command] if byte == CTRL_A => {
                let supported = *command == b'A';
                self.held.clear();
                return if supported {
                    self.raw_paste()
                } else {
                    self.refuse()
                };
            }
            _ => {}
        }
        for held in std::mem::take(&mut self.held) {
            self.feed(held)?;
        }
        if byte == CTRL_B {
            *self.mode = Mode::Friendly;
        }
        self.line_is_empty = is_control;
        self.feed(byte)
    }

    fn refuse(&mut self) -> Result<bool, wasmi::Error> {
        self.vm.host().output.raw(b"R\x00>");
        Ok(false)
    }

    /// Receives a program with flow control, then passes it to the plain raw REPL.
    ///
    /// The bytes 1 to 5 mean something to the plain raw REPL, so that source text can't have them.
    fn raw_paste(&mut self) -> Result<bool, wasmi::Error> {
        let [low, high] = WINDOW.to_le_bytes();
        self.vm.host().output.raw(&[b'R', 1, low, high, 1]);
        let mut source = Vec::new();
        let mut window = WINDOW;
        let end = loop {
            let byte = next_byte(self.vm)?;
            if byte == CTRL_C || byte == CTRL_D {
                break byte;
            }
            source.push(byte);
            window -= 1;
            if window == 0 {
                self.vm.host().output.raw(&[1]);
                window = WINDOW;
            }
        };
        let output = &mut self.vm.host().output;
        output.raw(b"\x04");
        if end == CTRL_C {
            output.raw(b"\x04KeyboardInterrupt: \r\n\x04>");
            return Ok(false);
        }
        if source.is_empty() {
            output.raw(b"\x04\x04>");
            return Ok(false);
        }
        for byte in source {
            self.feed(byte)?;
        }
        // The plain raw REPL prints `OK`, raw-paste does not.
        self.vm.host().output.skip(2);
        self.feed(CTRL_D)
    }
}

/// Returns the next byte from the line; timers run while it waits.
fn next_byte(vm: &mut Vm) -> Result<u8, wasmi::Error> {
    loop {
        vm.host().check_events()?;
        if let Some(byte) = vm.host().line.pop() {
            return Ok(byte);
        }
        if vm.host().line.take_interrupts() {
            return Ok(CTRL_C);
        }
        if vm.host().line.input_has_ended() {
            return Ok(CTRL_D);
        }
        let host = vm.host();
        host.output.flush();
        host.line.wait_input(host.control.timer_due());
        run_timers(vm.store())?;
    }
}
