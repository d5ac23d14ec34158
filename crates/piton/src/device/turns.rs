//! Whose turn it is to use the session of a device: calls of several threads follow one another.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

use super::lock;
use super::session::Session;

/// How long a thread waits before it checks whether it still wants the session.
const SLICE: Duration = Duration::from_millis(50);

/// A session, and the threads that wait for it.
pub(super) struct Turns {
    session: Mutex<Session>,
    /// How many threads wait.
    waiting: AtomicUsize,
    /// Is locked between the look at the session and the wait for its release, so that no release is missed.
    looking: Mutex<()>,
    released: Condvar,
}

/// The session, for as long as this is there.
pub(super) struct Turn<'t> {
    // Dropped before the release is announced.
    session: MutexGuard<'t, Session>,
    _release: Release<'t>,
}

struct Release<'t>(&'t Turns);

impl Turns {
    pub(super) fn new(session: Session) -> Turns {
        Turns {
            session: Mutex::new(session),
            waiting: AtomicUsize::new(0),
            looking: Mutex::new(()),
            released: Condvar::new(),
        }
    }

    /// Waits for the session.
    pub(super) fn take(&self) -> Turn<'_> {
        loop {
            if let Some(turn) = self.take_while(SLICE, || true) {
                return turn;
            }
        }
    }

    /// Waits for the session for some time.
    pub(super) fn take_within(&self, time: Duration) -> Option<Turn<'_>> {
        let end = Instant::now() + time;
        self.take_while(time, || Instant::now() < end)
    }

    /// Waits for the session, until `goes_on` returns false. It is called every 50 ms.
    pub(super) fn take_unless_stopped(&self, goes_on: impl FnMut() -> bool) -> Option<Turn<'_>> {
        self.take_while(SLICE, goes_on)
    }

    /// Whether threads wait for the session.
    pub(super) fn are_wanted(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0
    }

    fn take_while(&self, slice: Duration, mut goes_on: impl FnMut() -> bool) -> Option<Turn<'_>> {
        if let Some(turn) = self.try_take() {
            return Some(turn);
        }
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let turn = loop {
            if let Some(turn) = self.take_or_wait(slice) {
                break Some(turn);
            }
            if !goes_on() {
                break None;
            }
        };
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        turn
    }

    /// Takes the session if it is free, and waits for its release otherwise.
    fn take_or_wait(&self, time: Duration) -> Option<Turn<'_>> {
        let looking = lock(&self.looking);
        let turn = self.try_take();
        if turn.is_none() {
            drop(self.released.wait_timeout(looking, time));
        }
        turn
    }

    fn try_take(&self) -> Option<Turn<'_>> {
        let session = match self.session.try_lock() {
            Ok(session) => session,
            // The next call mends a session that a panic left in the middle of an exchange.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(Turn {
            session,
            _release: Release(self),
        })
    }
}

impl Deref for Turn<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl DerefMut for Turn<'_> {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}

impl Drop for Release<'_> {
    fn drop(&mut self) {
        if self.0.are_wanted() {
            drop(lock(&self.0.looking));
            self.0.released.notify_one();
        }
    }
}
