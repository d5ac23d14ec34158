//! Deadlines for files that do not support them: one thread reads, one writes.

use std::io::{self, Read, Write};
use std::marker::PhantomData;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::deadline::Deadline;

/// Maximum number of chunks of [`CHUNK`] bytes that are read ahead. After that the other end has to wait.
const CHUNKS_AHEAD: usize = 16;
const CHUNK: usize = 4096;

/// A pair of files, read and written by threads that end with the files.
#[derive(Debug)]
pub(super) struct Pumps<W, R> {
    incoming: Mutex<Incoming>,
    outgoing: Mutex<Outgoing>,
    files: PhantomData<fn(W, R)>,
}

#[derive(Debug)]
struct Incoming {
    chunks: Receiver<Vec<u8>>,
    /// The rest of the last chunk.
    rest: Vec<u8>,
}

#[derive(Debug)]
struct Outgoing {
    to_write: Sender<Vec<u8>>,
    results: Receiver<io::Result<()>>,
    /// Whether an earlier write, whose deadline has passed, is still running.
    is_busy: bool,
}

impl<W: Write + Send + 'static, R: Read + Send + 'static> Pumps<W, R> {
    pub(super) fn new(writer: W, reader: R) -> io::Result<Pumps<W, R>> {
        let (to_host, chunks) = sync_channel(CHUNKS_AHEAD);
        let (to_write, to_board) = channel();
        let (to_caller, results) = channel();
        thread::Builder::new().spawn(move || pump_in(reader, &to_host))?;
        thread::Builder::new().spawn(move || pump_out(writer, &to_board, &to_caller))?;
        Ok(Pumps {
            incoming: Mutex::new(Incoming {
                chunks,
                rest: Vec::new(),
            }),
            outgoing: Mutex::new(Outgoing {
                to_write,
                results,
                is_busy: false,
            }),
            files: PhantomData,
        })
    }

    pub(super) fn read(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize> {
        let mut incoming = self.incoming.lock().unwrap_or_else(PoisonError::into_inner);
        if incoming.rest.is_empty() {
            incoming.rest = receive(&incoming.chunks, deadline)?;
        }
        let count = buf.len().min(incoming.rest.len());
        for (to, from) in buf.iter_mut().zip(incoming.rest.drain(..count)) {
            *to = from;
        }
        Ok(count)
    }

    pub(super) fn write_all(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        let mut outgoing = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        if outgoing.is_busy {
            receive(&outgoing.results, deadline)??;
            outgoing.is_busy = false;
        }
        let sent = outgoing.to_write.send(bytes.to_vec());
        sent.map_err(|_| io::ErrorKind::UnexpectedEof)?;
        outgoing.is_busy = true;
        receive(&outgoing.results, deadline)??;
        outgoing.is_busy = false;
        Ok(())
    }
}

fn pump_in(mut reader: impl Read, chunks: &SyncSender<Vec<u8>>) {
    let mut buf = [0; CHUNK];
    loop {
        match reader.read(&mut buf) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Any other error has the same meaning as the end of the file.
            Ok(0) | Err(_) => return,
            Ok(count) => {
                let chunk = buf.get(..count).unwrap_or_default().to_vec();
                if chunks.send(chunk).is_err() {
                    return;
                }
            }
        }
    }
}

fn pump_out(
    mut writer: impl Write,
    to_write: &Receiver<Vec<u8>>,
    results: &Sender<io::Result<()>>,
) {
    for bytes in to_write {
        let result = writer.write_all(&bytes).and_then(|()| writer.flush());
        let result = result.map_err(|error| io::Error::new(io::ErrorKind::UnexpectedEof, error));
        if results.send(result).is_err() {
            return;
        }
    }
}

fn receive<T>(receiver: &Receiver<T>, deadline: Deadline) -> io::Result<T> {
    let received = match deadline.remaining() {
        Some(left) => receiver.recv_timeout(left),
        None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
    };
    received.map_err(|error| match error {
        RecvTimeoutError::Timeout => io::ErrorKind::TimedOut.into(),
        RecvTimeoutError::Disconnected => io::ErrorKind::UnexpectedEof.into(),
    })
}

#[cfg(test)]
mod tests {
    use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
    use std::time::Duration;

    use super::*;

    const WATCHDOG: Duration = Duration::from_secs(60);

    fn pumped(command: &mut Command) -> (Child, Pumps<ChildStdin, ChildStdout>) {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a command that every system has");
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        (child, Pumps::new(stdin, stdout).unwrap())
    }

    #[test]
    fn bytes_pass_a_process_and_its_end_is_reported() {
        let (mut child, pumps) = pumped(&mut Command::new("cat"));
        let deadline = Deadline::after(WATCHDOG);
        let sent: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        let received = thread::scope(|scope| {
            let writer = scope.spawn(|| pumps.write_all(&sent, deadline));
            let mut received = Vec::new();
            let mut buf = [0; 1000];
            while received.len() < sent.len() {
                let count = pumps.read(&mut buf, deadline).unwrap();
                received.extend_from_slice(&buf[..count]);
            }
            writer.join().unwrap().unwrap();
            received
        });
        assert_eq!(received, sent);

        child.kill().unwrap();
        child.wait().unwrap();
        let error = pumps.read(&mut [0], deadline).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        // The first write after the end may still fit into the pipe.
        let write = || {
            pumps
                .write_all(b"x", deadline)
                .and_then(|()| pumps.write_all(b"x", deadline))
        };
        assert_eq!(write().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn silence_and_a_full_pipe_end_at_the_deadline() {
        let (mut child, pumps) = pumped(Command::new("sleep").arg("1000"));
        let soon = || Deadline::after(Duration::from_millis(20));
        let error = pumps.read(&mut [0], soon()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        for _ in 0..2 {
            let error = pumps.write_all(&[0; 1_000_000], soon()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let error = pumps
            .write_all(b"x", Deadline::after(WATCHDOG))
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
