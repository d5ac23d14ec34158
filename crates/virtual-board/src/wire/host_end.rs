//! The host's end of the line.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::transmit::transmit;
use super::{State, Wire, earlier, sleep};

/// An open host end of the line.
pub(crate) struct HostEnd {
    wire: Arc<Wire>,
    number: u64,
}

impl HostEnd {
    pub(crate) fn open(wire: &Arc<Wire>) -> io::Result<HostEnd> {
        let mut state = wire.lock();
        if state.shutdown || state.gone.is_some() {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "the virtual board has vanished",
            ));
        }
        if state.open.is_some() {
            return Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                "the virtual board's line is open already",
            ));
        }
        state.opened += 1;
        // The bytes of a vanished board belong to the connection that was open then.
        if state.opened > 1 {
            state.received.clear();
        }
        let number = state.opened;
        state.open = Some(number);
        Ok(HostEnd {
            wire: Arc::clone(wire),
            number,
        })
    }

    /// Reads received bytes; see [`Line::read`](crate::Line::read).
    pub(crate) fn read(&self, buf: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut state = self.wire.lock();
        loop {
            let now = Instant::now();
            state.settle_host(now);
            if !self.may_read(&state) {
                return Err(gone());
            }
            let count = buf.len().min(state.received.len());
            if count > 0 {
                for (to, byte) in buf.iter_mut().zip(state.received.drain(..count)) {
                    *to = byte;
                }
                state.count_received(count);
                drop(state);
                self.wire.board_wakes.notify_all();
                return Ok(count);
            }
            if !self.is_open(&state) || state.shutdown {
                return Err(gone());
            }
            if deadline.is_some_and(|deadline| deadline <= now) {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let next = earlier(deadline, state.to_host.next_arrival());
            state = sleep(&self.wire.host_wakes, state, next, now);
        }
    }

    /// Sends bytes; see [`Line::write_all`](crate::Line::write_all).
    pub(crate) fn write_all(&self, bytes: &[u8], timeout: Option<Duration>) -> io::Result<()> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut rest = bytes;
        let mut state = self.wire.lock();
        while !rest.is_empty() {
            let now = Instant::now();
            if !self.is_open(&state) || state.shutdown {
                return Err(gone());
            }
            let room = state.room_to_board();
            if room == 0 {
                if deadline.is_some_and(|deadline| deadline <= now) {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                let next = earlier(deadline, state.next_at_board());
                state = sleep(&self.wire.host_wakes, state, next, now);
                state.settle_board_from_host(Instant::now());
                continue;
            }
            let (now_sent, later) = rest.split_at(room.min(rest.len()));
            rest = later;
            state.send_to_board(now_sent, now);
            self.wire.board_wakes.notify_all();
        }
        Ok(())
    }

    /// Closes this end. Its users get the error that the board is gone.
    pub(crate) fn close(&self) {
        let mut state = self.wire.lock();
        if self.is_open(&state) {
            state.open = None;
            state.received.clear();
            state.to_host.clear();
        }
        drop(state);
        // The board may wait for room that no reader makes any more.
        self.wire.board_wakes.notify_all();
        self.wire.host_wakes.notify_all();
    }

    fn is_open(&self, state: &State) -> bool {
        state.open == Some(self.number)
    }

    /// Returns whether this end may read: the last bytes of a vanished board stay until the line is opened again.
    fn may_read(&self, state: &State) -> bool {
        self.is_open(state) || (state.open.is_none() && state.opened == self.number)
    }
}

impl Drop for HostEnd {
    fn drop(&mut self) {
        self.close();
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the virtual board is gone")
}

impl State {
    /// Returns how many more bytes the host may send now. A line without flow control accepts all.
    fn room_to_board(&self) -> usize {
        let waiting = match self.options.receive_ring {
            Some(_) => self.to_board.len(),
            None => self.to_board.len() + self.ring.len(),
        };
        self.in_flight().saturating_sub(waiting)
    }

    fn count_received(&mut self, count: usize) {
        self.traffic.to_host += count as u64;
        self.traffic.turns += u64::from(self.host_spoke_last);
        self.host_spoke_last = false;
    }

    fn send_to_board(&mut self, bytes: &[u8], now: Instant) {
        self.traffic.to_board += bytes.len() as u64;
        self.host_spoke_last = true;
        let options = self.options;
        transmit(
            bytes,
            &mut self.faults.to_board,
            &mut self.to_board,
            &options,
            now,
        );
        self.settle_board_from_host(now);
    }
}
