//! The current unix port as a board: its REPL on a pseudo-terminal. It is restarted when it ends.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};

use crate::relay::{Relay, Traffic, pseudo_terminal};
use crate::start_unix_current;

/// Interval of checking whether the program has ended.
const LOOK: Duration = Duration::from_millis(10);

/// A unix port behind a serial port. Its files are those of this computer, and its current folder is the one that it
/// was started in. Dropping it ends it; when the test is killed, it ends too.
///
/// A soft reset ends the program. It is started again then, as a board that was switched off and on. Ctrl-C
/// interrupts a program unless it came by raw-paste: the firmware leaves the terminal in raw mode then.
pub struct UnixBoard {
    relay: Relay,
    shared: Arc<Shared>,
    supervisor: Option<JoinHandle<()>>,
}

struct Shared {
    program: Mutex<Child>,
    stopping: AtomicBool,
}

impl UnixBoard {
    /// Starts the unix port in a folder.
    /// Panics: it is not set up, or the system gives no pseudo-terminal.
    #[track_caller]
    pub fn start(folder: &Path) -> UnixBoard {
        let program = || start_unix_current(&["--terminal"]);
        match UnixBoard::try_start(program, folder.to_owned()) {
            Ok(board) => board,
            Err(error) => panic!("cannot start MicroPython's unix port: {error}"),
        }
    }

    fn try_start(program: fn() -> Command, folder: PathBuf) -> io::Result<UnixBoard> {
        let (master, terminal, _) = pseudo_terminal()?;
        interrupt_by_ctrl_c(&terminal)?;
        let shared = Arc::new(Shared {
            program: Mutex::new(spawn(program(), &folder, &terminal)?),
            stopping: AtomicBool::new(false),
        });
        let relay = Relay::of(master)?;
        let ours = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("unix board".to_owned());
        let supervisor =
            thread.spawn(move || ours.supervise(|| spawn(program(), &folder, &terminal)))?;
        Ok(UnixBoard {
            relay,
            shared,
            supervisor: Some(supervisor),
        })
    }

    /// Returns the path of its serial port, a pseudo-terminal.
    pub fn port(&self) -> &str {
        self.relay.port()
    }

    /// Returns the traffic of the port since the last call.
    pub fn take_traffic(&self) -> Traffic {
        self.relay.take_traffic()
    }

    /// Returns the id of the current process.
    pub fn id(&self) -> u32 {
        let program = self.shared.program.lock();
        program.unwrap_or_else(PoisonError::into_inner).id()
    }
}

impl Shared {
    /// Starts the program again whenever it has ended, until the board is dropped.
    fn supervise(&self, start: impl Fn() -> io::Result<Child>) {
        while !self.stopping.load(Ordering::SeqCst) {
            std::thread::sleep(LOOK);
            let mut program = self.program.lock().unwrap_or_else(PoisonError::into_inner);
            if let Ok(Some(_)) = program.try_wait()
                && let Ok(next) = start()
            {
                *program = next;
            }
        }
    }
}

impl Drop for UnixBoard {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        if let Some(supervisor) = self.supervisor.take() {
            // A thread that panicked has printed its own message.
            let _ = supervisor.join();
        }
        let program = self.shared.program.lock();
        let mut program = program.unwrap_or_else(PoisonError::into_inner);
        // This fails if it has ended by itself.
        let _ = program.kill();
        let _ = program.wait();
    }
}

/// Makes Ctrl-C interrupt the program, and leaves all other input unchanged. MicroPython switches this off at its
/// prompt, and back to this mode while a program runs.
fn interrupt_by_ctrl_c(terminal: &OwnedFd) -> io::Result<()> {
    let mut attributes = tcgetattr(terminal)?;
    attributes.local_modes |= LocalModes::ISIG;
    // A zero disables a special character.
    attributes.special_codes[SpecialCodeIndex::VINTR] = 3;
    attributes.special_codes[SpecialCodeIndex::VQUIT] = 0;
    attributes.special_codes[SpecialCodeIndex::VSUSP] = 0;
    Ok(tcsetattr(terminal, OptionalActions::Now, &attributes)?)
}

fn spawn(mut command: Command, folder: &Path, terminal: &OwnedFd) -> io::Result<Child> {
    command
        .current_dir(folder)
        .stdin(terminal.try_clone()?)
        .stdout(terminal.try_clone()?)
        .stderr(terminal.try_clone()?)
        .spawn()
}
