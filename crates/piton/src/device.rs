//! Functions of the host that run on a board: a session that defines Python code on the board and calls it with values.
//!
//! ```no_run
//! use piton::device::{Device, Source};
//!
//! let device = Device::connect(&"auto".parse()?, &Default::default(), Default::default())?;
//! device.exec("from machine import Pin")?;
//! let blink = device.task(Source::new("def blink(pin, on):\n    Pin(pin, Pin.OUT).value(on)\n"), "blink")?;
//! blink.call::<()>((25, true))?;
//! let level: i64 = device.eval("Pin(25).value()")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Device`] may be cloned and used from several threads: calls follow one another. What code on the board prints goes
//! to [`Device::on_output`] as it comes, and changes no result.
//!
//! # Standard input
//!
//! What code on the board reads from `sys.stdin`, with `input()` for example, is the line to the host, on which the session sends
//! calls. No answer of a person comes there. After a second without output the session asks the board whether a call is over: a
//! task that reads then gets an empty line or a byte 0x01. Have a task take what it needs as an argument.
//!
//! # State
//!
//! [`Device::exec`], [`Device::setup`] and [`Device::task`] declare what a session needs. When the board was reset, or its connection was
//! lost and is there again, the next call first restores what was declared, in the order in which it was declared first.
//! Calls are never repeated by that: a call during which the board went away fails, with an error that says so.

mod arguments;
mod clock;
mod error;
mod events;
mod exchange;
mod frame;
mod generator;
mod options;
mod payload;
mod proxy;
mod raised;
mod returned;
mod session;
mod source;
mod start;
mod startup;
mod stream;
mod task;
mod turns;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use piton_board::deadline::{Cancel, Deadline};
use piton_board::selector::BoardSelector;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::board::{Board, ConnectOptions};
pub use arguments::Arguments;
use clock::Clock;
pub use error::DeviceError;
use events::Handlers;
pub use generator::Generator;
use options::reconnecting;
pub use options::{CallOptions, Connector, DeviceOptions, ExecOptions, OutputSink};
pub use proxy::{Proxy, ProxyValue};
pub use raised::{HostFrame, Raised};
pub use returned::Returned;
use session::{Declared, Request, Session};
pub use source::Source;
pub use startup::startup_code;
pub use stream::Stream;
pub use task::{Task, Thread};
use turns::{Turn, Turns};

/// A session with a board: see the module. Clones share it.
#[derive(Clone)]
pub struct Device {
    shared: Arc<Shared>,
}

struct Shared {
    turns: Arc<Turns>,
    handlers: Handlers,
    clock: Mutex<Option<Clock>>,
    teardowns: Mutex<Vec<Declared>>,
    cancel: Cancel,
}

impl Device {
    /// Connects to the board that `selector` names, and begins a session on it. A lost board is found again by its USB serial
    /// number, if it has one: its port may have another name then.
    ///
    /// [`ConnectOptions::cancel`] stops a call that waits: see [`Device::cancel_flag`].
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotConnected`], and those of the session's begin.
    pub fn connect(
        selector: &BoardSelector,
        connection: &ConnectOptions,
        mut options: DeviceOptions,
    ) -> Result<Device, DeviceError> {
        // A soft reset ends the connection: the firmware forgets the WebREPL.
        options.keep_state |= matches!(selector, BoardSelector::WebRepl { .. });
        let cancel = connection.cancel.clone();
        let connector = reconnecting(selector.clone(), connection.clone());
        Device::open(connector, cancel, options)
    }

    /// Begins a session over connections that `connector` makes: the first one now, others when it was lost. `cancel` is
    /// the flag that these connections look at.
    ///
    /// # Errors
    ///
    /// As for [`Device::connect`].
    pub fn open(
        connector: Connector,
        cancel: Cancel,
        options: DeviceOptions,
    ) -> Result<Device, DeviceError> {
        let session = Session::open(connector, cancel.clone(), options)?;
        Ok(Device {
            shared: Arc::new(Shared {
                turns: Arc::new(Turns::new(session)),
                handlers: Handlers::default(),
                clock: Mutex::default(),
                teardowns: Mutex::default(),
                cancel,
            }),
        })
    }

    /// Returns the flag that stops the call which waits at the moment: the code on the board is interrupted, the call
    /// fails with [`DeviceError::Interrupted`], and the session goes on.
    pub fn cancel_flag(&self) -> Cancel {
        self.shared.cancel.clone()
    }

    /// Sets what hears the output of code on the board, from now on. At first it is dropped.
    pub fn on_output(&self, output: impl FnMut(&[u8]) + Send + 'static) {
        self.session().set_output(Box::new(output));
    }

    /// Executes code among the globals of the board, and declares it as state.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Raised`] for an exception; all others say what became of the session.
    pub fn exec(&self, source: impl Into<Source>) -> Result<(), DeviceError> {
        self.exec_with(source, &ExecOptions::default())
    }

    /// Executes code among the globals of the board, with options.
    ///
    /// # Errors
    ///
    /// As for [`Device::exec`]; [`DeviceError::Timeout`] after the time limit.
    pub fn exec_with(
        &self,
        source: impl Into<Source>,
        options: &ExecOptions,
    ) -> Result<(), DeviceError> {
        self.exec_with_globals(source.into(), options.globals.clone(), options)
    }

    fn exec_with_globals(
        &self,
        source: Source,
        globals: Arguments,
        options: &ExecOptions,
    ) -> Result<(), DeviceError> {
        let (globals, data) = globals.into_parts();
        let expression = match globals.as_str() {
            "" | "{}" => "None".to_owned(),
            globals => format!("globals().update({globals})"),
        };
        let declared = Declared {
            data,
            ..Declared::code(&expression, source)
        };
        self.execute(&declared, options.call)?;
        if options.declare {
            self.session().declare(declared);
        }
        Ok(())
    }

    /// Executes code among the globals of the board. Nothing is declared: a reset forgets what it did.
    ///
    /// # Errors
    ///
    /// As for [`Device::exec`]; [`DeviceError::Timeout`] after the time limit.
    pub fn exec_once(
        &self,
        source: impl Into<Source>,
        options: CallOptions,
    ) -> Result<(), DeviceError> {
        let options = ExecOptions {
            declare: false,
            call: options,
            ..ExecOptions::default()
        };
        self.exec_with(source, &options)
    }

    /// Executes code among the globals of the board, with `arguments` as globals, and declares it as state. A struct or a
    /// map gives the names and their values; `()` gives none.
    ///
    /// # Errors
    ///
    /// As for [`Device::exec`]; [`DeviceError::Argument`].
    pub fn setup(
        &self,
        source: impl Into<Source>,
        arguments: impl Serialize,
    ) -> Result<(), DeviceError> {
        let globals = Arguments::named(&arguments)?;
        self.exec_with_globals(source.into(), globals, &ExecOptions::default())
    }

    /// Declares an expression, such as a call, as state: it is evaluated again when the board was reset. It is not evaluated
    /// now.
    pub fn declare(&self, expression: &str) {
        let declared = Declared::expression(expression, false);
        self.session().declare(declared);
    }

    /// Executes code when the session is closed, after that of earlier teardowns.
    pub fn teardown(&self, source: impl Into<Source>) {
        lock(&self.shared.teardowns).push(Declared::code("None", source.into()));
    }

    /// Returns the value of a Python expression.
    ///
    /// # Errors
    ///
    /// As for [`Device::exec`]; [`DeviceError::Value`] when the value has no form as a literal, or not that of `T`.
    pub fn eval<T: DeserializeOwned>(&self, expression: &str) -> Result<T, DeviceError> {
        self.eval_returned(expression, CallOptions::default())?
            .read()
    }

    /// Returns what `repr()` gives for the value of a Python expression.
    ///
    /// # Errors
    ///
    /// As for [`Device::exec`]; [`DeviceError::Timeout`] after the time limit.
    pub fn eval_text(&self, expression: &str, options: CallOptions) -> Result<String, DeviceError> {
        self.eval_returned(expression, options)
            .map(Returned::into_text)
    }

    /// Returns the value of a Python expression as the board sent it.
    ///
    /// # Errors
    ///
    /// As for [`Device::eval_text`].
    pub fn eval_returned(
        &self,
        expression: &str,
        options: CallOptions,
    ) -> Result<Returned, DeviceError> {
        let written = Source::new(expression);
        let request = Request {
            written: Some(&written),
            ..Request::of_user(expression)
        };
        self.turn()?.call(request, options.deadline())
    }

    /// Defines the function `name` on the board by executing `source`, and declares it as state.
    ///
    /// # Errors
    ///
    /// As for [`Device::exec`]; [`DeviceError::NoSuchFunction`], [`DeviceError::ReservedName`].
    pub fn task(&self, source: impl Into<Source>, name: &str) -> Result<Task, DeviceError> {
        let [task] = self.tasks(source, [name])?;
        Ok(task)
    }

    /// Defines several functions on the board by executing `source` once, and declares it as state.
    ///
    /// # Errors
    ///
    /// As for [`Device::task`].
    pub fn tasks<const COUNT: usize>(
        &self,
        source: impl Into<Source>,
        names: [&str; COUNT],
    ) -> Result<[Task; COUNT], DeviceError> {
        let source = source.into();
        for name in names {
            if name.starts_with("_piton") {
                let name = name.to_owned();
                return Err(DeviceError::ReservedName { name });
            }
            if !source.defines(name) {
                let name = name.to_owned();
                return Err(DeviceError::NoSuchFunction { name });
            }
        }
        self.exec(source.clone())?;
        Ok(names.map(|name| Task::new(self.clone(), source.clone(), name.to_owned())))
    }

    /// Defines the function `name` on the board as [`Device::task`] does, to run it in threads of the board.
    ///
    /// # Errors
    ///
    /// As for [`Device::task`]; [`DeviceError::Unavailable`] on boards without threads.
    pub fn thread(&self, source: impl Into<Source>, name: &str) -> Result<Thread, DeviceError> {
        let task = self.task(source, name)?;
        match self.eval_text("__import__('_thread') and None", CallOptions::default()) {
            Ok(_) => Ok(Thread::new(task)),
            Err(DeviceError::Raised(raised)) if raised.exception.type_name == "ImportError" => {
                let feature = "threads";
                Err(DeviceError::Unavailable { feature })
            }
            Err(error) => Err(error),
        }
    }

    /// Returns a proxy of the object that an expression gives: the object stays on the board.
    ///
    /// # Errors
    ///
    /// As for [`Device::exec`].
    pub fn proxy(&self, expression: &str) -> Result<Proxy, DeviceError> {
        Proxy::of(self, expression)
    }

    /// Returns the value of an expression, or a proxy if it is an object that can change.
    ///
    /// # Errors
    ///
    /// As for [`Device::eval`].
    pub fn expose(&self, expression: &str) -> Result<ProxyValue, DeviceError> {
        proxy::expose(self, for_brackets(expression).as_str().into())
    }

    /// Runs operations of [`Board`], such as a transfer of files, between two calls. When they reset the board, the next call
    /// restores what was declared.
    ///
    /// # Errors
    ///
    /// Those of `operation`; and [`DeviceError::NotConnected`] and the like, when there is no board to hand out.
    pub fn with_board<T, E: From<DeviceError>>(
        &self,
        operation: impl FnOnce(&mut Board) -> Result<T, E>,
    ) -> Result<T, E> {
        operation(self.turn()?.board()?)
    }

    /// Closes the connection, opens it anew, and restores what was declared. `attempts` tries, a second apart.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotConnected`] when no try succeeded; [`DeviceError::Closed`].
    pub fn reconnect(&self, attempts: u32) -> Result<(), DeviceError> {
        self.turn()?.reconnect(attempts)
    }

    /// Starts the board's interpreter afresh, and restores what was declared.
    ///
    /// # Errors
    ///
    /// As for [`Device::exec`].
    pub fn soft_reset(&self) -> Result<(), DeviceError> {
        self.turn()?.soft_reset()
    }

    /// Starts the board's interpreter afresh as a person at its prompt does: boot.py and main.py run. Waits for main.py to
    /// end, for `limit` at most; a main.py that goes on is stopped by the next call, which restores what was declared.
    ///
    /// # Errors
    ///
    /// As for [`Device::exec`]. A board that ends with its interpreter, a process for example, is lost.
    pub fn start_main(&self, limit: Duration) -> Result<(), DeviceError> {
        // The limit of a caller is exact.
        let deadline = Deadline::NEVER.slice(limit);
        self.turn()?.start_main(deadline)
    }

    /// Runs the teardowns, gives the board back its prompt, and closes the connection. A closed session stays closed.
    ///
    /// # Errors
    ///
    /// The first error of a teardown; the others run nevertheless.
    pub fn close(&self) -> Result<(), DeviceError> {
        let teardowns = std::mem::take(&mut *lock(&self.shared.teardowns));
        let mut outcome = Ok(());
        if self.is_closed() {
            return outcome;
        }
        for teardown in teardowns {
            let torn_down = self.execute(&teardown, CallOptions::default());
            outcome = outcome.and(torn_down);
        }
        self.session().close();
        // Handlers may hold the device.
        self.shared.handlers.clear();
        outcome
    }

    /// Whether [`Device::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.session().is_closed()
    }

    fn execute(&self, declared: &Declared, options: CallOptions) -> Result<(), DeviceError> {
        let mut session = self.turn()?;
        session
            .call(declared.request(), options.deadline())
            .map(drop)
    }

    /// Waits for the session, unless the thread is interrupted meanwhile. The call of another thread goes on then.
    fn turn(&self) -> Result<Turn<'_>, DeviceError> {
        let cancel = &self.shared.cancel;
        let turn = self.shared.turns.take_unless_stopped(|| !cancel.probe());
        turn.ok_or(DeviceError::Interrupted)
    }

    /// Waits for the session: for what is no call, and takes no time.
    fn session(&self) -> Turn<'_> {
        self.shared.turns.take()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.turns.take().close();
    }
}

/// A thread that panicked while it held the lock leaves the session as any broken exchange does: the next call mends it.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns an expression for between brackets: a comment at its end does not take the bracket.
fn for_brackets(expression: &str) -> String {
    match expression.contains('#') {
        true => format!("{expression}\n"),
        false => expression.to_owned(),
    }
}
