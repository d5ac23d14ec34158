//! A Python program that runs to its end, as `micropython` of the unix port runs one: no line, no `boot.py`, and output,
//! input and interrupts as a process has them.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::board::{THREAD_STACK, storage};
use crate::error::VmError;
use crate::flash::{Files, Meter, Storage};
use crate::host::{Host, HostParts, ProgramControl, Stream};
use crate::image::VmImage;
use crate::options::{BoardOptions, Flash, LineOptions, Processor};
use crate::repl;
use crate::vm::Vm;
use crate::vm::execute::Raised;
use crate::vm::stop::{ResetCause, Stop, why};
use crate::wire::{BoardEnd, ConsoleEnd, Event, Wire};

/// What a program runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    /// A file, by its path on the board.
    File(String),
    /// Source text, whose file is named `<stdin>` in tracebacks. Empty text runs nothing.
    Source(String),
    /// A module that is found in [`ProgramOptions::path`], as `__main__`; one that is frozen or compiled has its own
    /// name.
    Module(String),
}

/// Output of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output<'a> {
    /// Bytes for stdout.
    Stdout(&'a [u8]),
    /// Bytes for stderr.
    Stderr(&'a [u8]),
    /// The prompt of [`ProgramOptions::inspect`] begins. From now on the input is keys, as a raw terminal sends them,
    /// and lines of the output end in CR LF.
    Prompt,
}

/// Receives the output of a program, in the thread of the program. An error ends the program.
pub type OutputReceiver = Box<dyn FnMut(Output<'_>) -> io::Result<()> + Send>;

/// The properties of a program.
pub struct ProgramOptions {
    /// What is run.
    pub run: Run,
    /// `sys.argv`.
    pub arguments: Vec<String>,
    /// `sys.path`.
    pub path: Vec<String>,
    /// Whether the prompt follows the program.
    pub inspect: bool,
    /// The files.
    pub files: Flash,
    /// The current folder, which must exist in `files`.
    pub current: String,
    /// The variables that `os.getenv` finds.
    pub environment: BTreeMap<String, String>,
    /// As [`BoardOptions::heap_limit`].
    pub heap_limit: usize,
    /// As [`BoardOptions::unresponsive_after`], after [`Console::interrupt`].
    pub unresponsive_after: u64,
    /// Receives the output.
    pub output: OutputReceiver,
}

/// How a program has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It ran to its end (0), or called `sys.exit()`. An uncaught exception, whose traceback is on stderr, is 1.
    Exited(u8),
    /// It has reset the board, with `machine.reset()` and the like, or by its watchdog.
    Reset,
    /// It did not react to [`Console::interrupt`]: it is in a long step of C code.
    Unresponsive,
    /// The firmware has crashed: the cause.
    Crashed(String),
    /// It was ended by [`Program::stop`], or because its output could not be written.
    Stopped,
}

/// A running program. Dropping it ends it, whatever it is doing.
pub struct Program {
    wire: Arc<Wire>,
    console: Console,
    thread: Option<JoinHandle<()>>,
    ended: Receiver<Ending>,
    ending: Option<Ending>,
}

/// The input of a program, and its interrupts. Cheap to clone.
#[derive(Clone)]
pub struct Console {
    end: ConsoleEnd,
}

impl Console {
    /// Waits until the program wants input. Returns false if it has ended.
    #[must_use]
    pub fn wait_wanted(&self) -> bool {
        self.end.wait_wanted()
    }

    /// Sends input. While 64 KiB are unread this waits. What the program does not read is lost.
    pub fn send(&self, bytes: &[u8]) {
        self.end.send(bytes);
    }

    /// Ends the input: a read after what was sent returns nothing.
    pub fn end(&self) {
        self.end.end();
    }

    /// Raises `KeyboardInterrupt` in the program. Returns how many interrupts it has not taken yet, with this one.
    pub fn interrupt(&self) -> usize {
        self.end.interrupt()
    }
}

impl Program {
    /// Starts a program.
    ///
    /// # Errors
    ///
    /// [`VmError::Flash`] if a folder can't be used, [`VmError::Thread`].
    pub fn start(image: &VmImage, options: ProgramOptions) -> Result<Program, VmError> {
        let storage = storage(&options.files)?;
        let wire = Wire::new(LineOptions::default(), Processor::default());
        let end = ConsoleEnd::open(&wire).map_err(VmError::Thread)?;
        let line = BoardEnd::new(Arc::clone(&wire));
        line.take_all_bytes(true);
        let (done, ended) = mpsc::channel();
        let image = image.clone();
        let run = move || {
            // The ending of a dropped program has no receiver.
            let _ = done.send(run(&image, storage, line, options));
        };
        let thread = std::thread::Builder::new()
            .name("program".into())
            .stack_size(THREAD_STACK)
            .spawn(run)
            .map_err(VmError::Thread)?;
        Ok(Program {
            wire,
            console: Console { end },
            thread: Some(thread),
            ended,
            ending: None,
        })
    }

    /// Returns the input and the interrupts of the program.
    #[must_use]
    pub fn console(&self) -> &Console {
        &self.console
    }

    /// Waits for the end of the program, for at most `patience`. `None`: it still runs.
    pub fn wait(&mut self, patience: Duration) -> Option<Ending> {
        if self.ending.is_none() {
            self.ending = match self.ended.recv_timeout(patience) {
                Ok(ending) => Some(ending),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => {
                    Some(Ending::Crashed("its thread ended".into()))
                }
            };
        }
        self.ending.clone()
    }

    /// Ends the program, whatever it is doing, unless it waits in the receiver of its output.
    pub fn stop(&self) {
        self.wire.raise(Event::Shutdown);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has printed its own message.
            let _ = thread.join();
        }
    }
}

/// Calls the Python side; nothing of this stays in `__main__`.
const CALL: &str = "__import__('_program').run()";
/// The folder of the Python side, which `sys.path` has at its end.
const MODULES: &str = "/.virtual-board";

/// Runs a program from its start to its end.
fn run(
    image: &VmImage,
    storage: Box<dyn Storage>,
    line: BoardEnd,
    options: ProgramOptions,
) -> Ending {
    let host = Host::new(HostParts {
        line,
        files: Files::new(storage, Meter::default()),
        unique_id: BoardOptions::default().unique_id,
        reset_cause: ResetCause::Power,
        started: Instant::now(),
        memory_limit: usize::MAX,
        unresponsive_after: options.unresponsive_after,
    });
    let heap_limit = options.heap_limit;
    let result = image
        .start(host, heap_limit)
        .and_then(|mut vm| run_in(&mut vm, options));
    let error = match result {
        Ok(code) => return Ending::Exited(code),
        Err(error) => error,
    };
    match why(&error) {
        Some(Stop::Shutdown | Stop::PowerLost(_)) => Ending::Stopped,
        Some(Stop::Reset(ResetCause::Soft)) => Ending::Exited(0),
        Some(Stop::Reset(_)) => Ending::Reset,
        Some(Stop::Unresponsive) => Ending::Unresponsive,
        Some(Stop::LongJump | Stop::Abort | Stop::BadAddress) | None => {
            Ending::Crashed(error.to_string())
        }
    }
}

/// Runs a program in a started firmware. Returns its exit code.
fn run_in(vm: &mut Vm, options: ProgramOptions) -> Result<u8, wasmi::Error> {
    let receiver = Arc::new(Mutex::new(options.output));
    let send = Arc::clone(&receiver);
    let output = move |output: Output<'_>| {
        // A receiver that panicked ends the program with its next output.
        let mut receiver = send.lock().unwrap_or_else(PoisonError::into_inner);
        receiver(output)
    };
    let to_stream = output.clone();
    let host = vm.host();
    let cooks = std::mem::replace(&mut host.output.cooks, false);
    host.output.send_to(Box::new(move |stream, bytes| {
        to_stream(match stream {
            Stream::Stdout => Output::Stdout(bytes),
            Stream::Stderr => Output::Stderr(bytes),
        })
    }));
    let missing = |_| wasmi::Error::new(format!("there is no folder `{}`", options.current));
    host.files.change_dir(&options.current).map_err(missing)?;
    let mut path = options.path;
    path.push(MODULES.to_owned());
    host.control.program = ProgramControl {
        fields: fields(&options.run, &options.arguments, &path),
        environment: options.environment,
        exit_code: None,
    };
    host.always_interrupt = true;
    let raised = vm.execute(CALL)?;
    let host = vm.host();
    let code = match &raised {
        Some(raised) => {
            host.output.select(Stream::Stderr);
            host.output.text(&without_own_frames(raised));
            1
        }
        None => host.control.program.exit_code.unwrap_or(0),
    };
    host.output.flush();
    if !options.inspect {
        return Ok(code);
    }
    host.always_interrupt = false;
    host.line.take_all_bytes(false);
    host.output.select(Stream::Stdout);
    host.output.cooks = cooks;
    if output(Output::Prompt).is_ok() {
        repl::run_after_program(vm)?;
    }
    // The firmware does not report the value of a `sys.exit()` at the prompt.
    Ok(0)
}

/// Returns the values that the Python side asks for, in its order.
fn fields(run: &Run, arguments: &[String], path: &[String]) -> VecDeque<Vec<u8>> {
    let (kind, what) = match run {
        Run::File(path) => ("file", path),
        Run::Source(source) => ("source", source),
        Run::Module(name) => ("module", name),
    };
    let counts = [arguments.len().to_string(), path.len().to_string()];
    let [arguments_count, path_count] = &counts;
    let head = [kind, what.as_str(), arguments_count.as_str()].into_iter();
    let list = head
        .chain(arguments.iter().map(String::as_str))
        .chain([path_count.as_str()])
        .chain(path.iter().map(String::as_str));
    list.map(|field| field.as_bytes().to_vec()).collect()
}

/// Returns the traceback without the frames of [`CALL`] and of the Python side, which an interpreter does not have.
fn without_own_frames(raised: &Raised) -> Vec<u8> {
    const OWN: &[u8] = b"  File \"<stdin>\", line 1, in <module>";
    const PYTHON_SIDE: &[u8] = b"  File \"/.virtual-board/_program.py\"";
    let mut seen = false;
    let lines = raised.traceback.split_inclusive(|&byte| byte == b'\n');
    let kept = lines.filter(|line| {
        let is_call = !seen && line.starts_with(OWN);
        seen |= is_call;
        !is_call && !line.starts_with(PYTHON_SIDE)
    });
    let text: Vec<u8> = kept.flatten().copied().collect();
    // Without a frame there is no traceback, as the unix port prints an exception of no program.
    match text.strip_prefix(b"Traceback (most recent call last):\n") {
        Some(rest) if !rest.starts_with(b"  ") => rest.to_vec(),
        _ => text,
    }
}
