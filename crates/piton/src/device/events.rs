//! Events that the board sends by itself, and the threads of the host that take them.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use piton_board::literal::{from_literal, py_str};
use serde::de::DeserializeOwned;

use super::error::DeviceError;
use super::returned::read;
use super::session::Declared;
use super::source::Source;
use super::turns::Turns;
use super::{Device, lock};

/// device/events.py, as `cargo xtask codegen` minifies it.
const PROGRAM: &str = include_str!("../../device/minified/events.py");

/// How long the thread that reads events lets a caller go first.
const GIVE_WAY: Duration = Duration::from_micros(200);

/// Takes the text of an event's value.
type Handler = Arc<Mutex<dyn FnMut(&str) + Send>>;

/// Handlers by the names of their events.
#[derive(Clone, Default)]
pub(super) struct Handlers(Arc<Mutex<BTreeMap<String, Handler>>>);

impl Device {
    /// Has `handler` take each event of this name. Code on the board sends one with `piton_event(name, value)`: at any time, and
    /// also from a timer, from the handler of a pin, or from a thread.
    ///
    /// The function `piton_event` is on the board from the first call of this on. Handlers run on one thread of their own, one
    /// event after the other in the order of the board, and may use the device. They get an error for a value that can't be read.
    /// The board keeps up to 64 events that it can't send at once, such as in the middle of a long transfer, and drops the
    /// oldest of more.
    ///
    /// A later handler of the same name replaces the earlier one. While there are handlers a call may wait 5 ms longer when none
    /// came before it.
    ///
    /// # Errors
    ///
    /// As for [`Device::exec`]; [`DeviceError::Unavailable`] on boards without `binascii` or `sys.stdin`.
    pub fn on_event<T: DeserializeOwned>(
        &self,
        name: &str,
        mut handler: impl FnMut(Result<T, DeviceError>) + Send + 'static,
    ) -> Result<(), DeviceError> {
        self.on_event_text(name, move |text| handler(read(text)))
    }

    /// Has `handler` take each event of this name as [`Device::on_event`] does, with what `repr()` gives for its value.
    ///
    /// # Errors
    ///
    /// As for [`Device::on_event`].
    pub fn on_event_text(
        &self,
        name: &str,
        handler: impl FnMut(&str) + Send + 'static,
    ) -> Result<(), DeviceError> {
        if !self.session().can_serve() {
            return Err(DeviceError::Unavailable { feature: "events" });
        }
        let handlers = &self.shared.handlers;
        lock(&handlers.0).insert(name.to_owned(), Arc::new(Mutex::new(handler)));
        let mut session = self.session();
        let installs = format!("_piton_events({},_h)", py_str(session.mark()));
        if !session.has_events() {
            let (sender, receiver) = mpsc::channel();
            session.send_events(sender);
            let handlers = handlers.clone();
            thread::spawn(move || handlers.take_all(&receiver));
            let turns = Arc::clone(&self.shared.turns);
            thread::spawn(move || read_events(&turns));
        }
        let declared = Declared::code("None", Source::new(PROGRAM));
        if !session.has_declared(&declared) {
            drop(session);
            self.exec(Source::new(PROGRAM))?;
            self.declare_expression(&installs)?;
            // The loop that runs is the one from before.
            self.session().leave_loop()?;
        }
        Ok(())
    }
}

impl Device {
    /// Takes the handler of an event away.
    pub(super) fn forget_event(&self, name: &str) {
        let handler = lock(&self.shared.handlers.0).remove(name);
        // Without the lock: what it holds may need it.
        drop(handler);
    }
}

impl Handlers {
    /// Lets go of all handlers.
    pub(super) fn clear(&self) {
        drop(std::mem::take(&mut *lock(&self.0)));
    }

    /// Has the handlers take events, until no session sends any more.
    fn take_all(&self, events: &Receiver<String>) {
        for event in events {
            let Some((name, value)) = parts(&event) else {
                continue;
            };
            // A handler may add another one.
            let handler = lock(&self.0).get(&name).cloned();
            if let Some(handler) = handler {
                (lock(&handler))(value);
            }
        }
    }
}

/// Reads events while no call runs, until the session is closed.
fn read_events(turns: &Turns) {
    loop {
        if turns.are_wanted() {
            thread::sleep(GIVE_WAY);
            continue;
        }
        let pause = {
            let mut session = turns.take();
            if session.is_closed() {
                break;
            }
            session.listen()
        };
        thread::sleep(pause);
    }
}

/// Divides the text of an event, `('name', value)`, into the name and the text of the value.
fn parts(event: &str) -> Option<(String, &str)> {
    let inner = event.strip_prefix('(')?.strip_suffix(')')?;
    let quote = inner.chars().next()?;
    let mut is_escaped = false;
    let end = inner.char_indices().skip(1).find(|&(_, character)| {
        let is_end = character == quote && !is_escaped;
        is_escaped = character == '\\' && !is_escaped;
        is_end
    });
    let (name, value) = inner.split_at_checked(end?.0 + quote.len_utf8())?;
    let name = from_literal(name.as_bytes()).ok()?;
    Some((name, value.strip_prefix(", ")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_a_name_and_a_value() {
        for (event, name, value) in [
            ("('button', 1)", "button", "1"),
            ("(\"it's\", (1, ')'))", "it's", "(1, ')')"),
            (r"('a\'b\\', None)", r"a'b\", "None"),
        ] {
            assert_eq!(parts(event), Some((name.to_owned(), value)), "{event}");
        }
        for event in ["", "()", "(1, 2)", "('a', ", "('a)"] {
            assert_eq!(parts(event), None, "{event}");
        }
    }
}
