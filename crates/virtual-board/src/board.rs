//! A virtual board and the thread that it runs on.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;
use std::time::Instant;

use crate::error::VmError;
use crate::flash::{
    DirectoryStorage, Files, FolderStorage, MemoryStorage, Meter, ScratchStorage, Storage,
};
use crate::host::{Host, HostParts};
use crate::image::VmImage;
use crate::line::Line;
use crate::options::{BoardOptions, Fault, Flash, LineOptions, Processor, Reset, Traffic};
use crate::repl::{self, Mode};
use crate::vm::Vm;
use crate::vm::stop::{ResetCause, Stop, why};
use crate::wire::{BoardEnd, Event, HostEnd, Wire};

/// Stack of the board's thread in bytes. Every Python call nests calls of the interpreter on it.
pub(crate) const THREAD_STACK: usize = 16 << 20;

/// Printed by a board that was reset because it was stuck.
const STUCK: &[u8] =
    b"\r\nvirtual board: it was stuck in C code, where Ctrl-C does nothing, and was reset\r\n";

/// A running board. Dropping it ends the board, whatever it is doing.
pub struct VirtualBoard {
    wire: Arc<Wire>,
    meter: Meter,
    thread: Option<JoinHandle<()>>,
}

impl VirtualBoard {
    /// Starts a board. Returns when the firmware runs, before `boot.py`.
    ///
    /// # Errors
    ///
    /// The flash folder can't be used, or the firmware does not start.
    pub fn start(image: &VmImage, options: BoardOptions) -> Result<VirtualBoard, VmError> {
        let storage = storage(&options.flash)?;
        let wire = Wire::new(options.line, options.processor);
        let meter = Meter::default();
        for fault in &options.faults {
            wire.arm(fault);
            meter.arm(fault);
        }
        let (started, start) = mpsc::channel();
        let power = Power {
            image: image.clone(),
            line: BoardEnd::new(Arc::clone(&wire)),
            meter: meter.clone(),
            made: Instant::now(),
            unique_id: options.unique_id,
            heap_limit: options.heap_limit,
            unresponsive_after: options.unresponsive_after,
            reset: options.reset,
        };
        let thread = std::thread::Builder::new()
            .name("virtual board".into())
            .stack_size(THREAD_STACK)
            .spawn(move || power.run(storage, &started))
            .map_err(VmError::Thread)?;
        let board = VirtualBoard {
            wire,
            meter,
            thread: Some(thread),
        };
        match start.recv() {
            Ok(Ok(())) => Ok(board),
            Ok(Err(message)) => Err(VmError::Boot(message)),
            Err(_) => Err(VmError::Boot("its thread ended".into())),
        }
    }

    /// Opens the line to the board. Only one can be open at a time.
    ///
    /// Output from before the first opening is kept; later, output is lost while no line is open.
    ///
    /// # Errors
    ///
    /// - [`io::ErrorKind::ResourceBusy`]: another [`Line`] is open.
    /// - [`io::ErrorKind::NotFound`]: the board has vanished, and has not returned.
    pub fn open(&self) -> io::Result<Line> {
        HostEnd::open(&self.wire).map(Line::new)
    }

    /// Arms a fault now; its counts begin at 0 with the next byte or operation.
    pub fn inject(&self, fault: &Fault) {
        self.wire.arm(fault);
        self.meter.arm(fault);
    }

    /// Changes the properties of the line, for what is sent from now on. Its random errors begin again.
    pub fn set_line(&self, options: LineOptions) {
        self.wire.set_options(options);
    }

    /// Changes the speed of the processor, from its next piece of work on: within some milliseconds.
    pub fn set_processor(&self, processor: Processor) {
        self.wire.set_processor(processor);
    }

    /// Returns the traffic of the line so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.wire.traffic()
    }

    /// Presses the reset button: the program ends wherever it is, and the board boots. The line stays.
    pub fn reset(&self) {
        self.wire.raise(Event::Reset);
    }

    /// Switches the power on: a dead or vanished board boots and its line returns. A running one resets.
    pub fn power_on(&self) {
        self.wire.raise(Event::PowerOn);
    }

    /// Returns whether the board's line exists; false while it has vanished.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.wire.is_there()
    }
}

impl Drop for VirtualBoard {
    fn drop(&mut self) {
        self.wire.raise(Event::Shutdown);
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has printed its own message.
            let _ = thread.join();
        }
    }
}

/// Returns the storage of a board's files.
pub(crate) fn storage(flash: &Flash) -> Result<Box<dyn Storage>, VmError> {
    let refuse = |(path, source)| VmError::Flash { path, source };
    Ok(match flash {
        Flash::Memory { capacity } => Box::new(MemoryStorage::new(*capacity)),
        Flash::Directory(path) => {
            let storage = DirectoryStorage::new(path);
            Box::new(storage.map_err(|source| refuse((path.clone(), source)))?)
        }
        Flash::Folders(folders) => Box::new(FolderStorage::new(folders).map_err(refuse)?),
        Flash::Scratch { folders, capacity } => {
            let host = FolderStorage::new(folders).map_err(refuse)?;
            Box::new(ScratchStorage::new(host, *capacity))
        }
    })
}

/// The parts of a board that survive a reset.
struct Power {
    image: VmImage,
    line: BoardEnd,
    meter: Meter,
    made: Instant,
    unique_id: Vec<u8>,
    heap_limit: usize,
    unresponsive_after: u64,
    reset: Reset,
}

/// The next state of a board after its program has ended.
enum Next {
    Boot(ResetCause, Mode),
    End,
}

impl Power {
    /// Runs the board, from one boot to the next.
    fn run(self, mut storage: Box<dyn Storage>, started: &Sender<Result<(), String>>) {
        let (mut cause, mut mode) = (ResetCause::Power, Mode::Friendly);
        loop {
            let mut vm = match self.boot(storage, cause) {
                Ok(vm) => vm,
                Err(error) => {
                    // After the first boot this has no receiver: the host has no memory for another one.
                    let _ = started.send(Err(error.to_string()));
                    return self.line.vanish(None);
                }
            };
            let _ = started.send(Ok(()));
            self.line.listen();
            let result = repl::run(&mut vm, &mut mode);
            vm.host().output.flush();
            storage = vm.into_host().files.into_storage();
            match self.next(result, mode) {
                Next::Boot(next_cause, next_mode) => (cause, mode) = (next_cause, next_mode),
                Next::End => return,
            }
        }
    }

    fn boot(&self, storage: Box<dyn Storage>, reset_cause: ResetCause) -> Result<Vm, wasmi::Error> {
        let host = Host::new(HostParts {
            line: self.line.clone(),
            files: Files::new(storage, self.meter.clone()),
            unique_id: self.unique_id.clone(),
            reset_cause,
            started: self.made,
            memory_limit: usize::MAX,
            unresponsive_after: self.unresponsive_after,
        });
        self.image.start(host, self.heap_limit)
    }

    fn next(&self, result: Result<(), wasmi::Error>, mode: Mode) -> Next {
        let Err(error) = result else {
            self.line.send(b"MPY: soft reboot\r\n");
            // The line may have vanished in the middle of this.
            return match self.line.wait_return() {
                true => Next::Boot(ResetCause::Soft, mode),
                false => Next::End,
            };
        };
        let cause = match why(&error) {
            Some(Stop::Shutdown) => return Next::End,
            Some(Stop::Reset(cause)) => {
                self.line.forget_input();
                if let (Reset::Vanish(duration), true) = (self.reset, cause.is_by_program()) {
                    self.line.vanish(Some(duration));
                }
                cause
            }
            Some(Stop::PowerLost(duration)) => {
                self.line.vanish(duration);
                ResetCause::Power
            }
            Some(Stop::Unresponsive) => {
                self.line.send(STUCK);
                self.line.forget_input();
                ResetCause::Watchdog
            }
            Some(Stop::LongJump | Stop::Abort | Stop::BadAddress) | None => {
                let message = format!("\r\nvirtual board: the firmware crashed: {error}\r\n");
                self.line.send(message.as_bytes());
                self.line.forget_input();
                ResetCause::Hard
            }
        };
        if self.line.wait_return() {
            Next::Boot(cause, Mode::Friendly)
        } else {
            Next::End
        }
    }
}
