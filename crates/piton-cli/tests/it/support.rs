//! Running commands in an environment of their own, with a watchdog.

use std::fmt::Write as _;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// No command under test may take longer; none comes near.
pub(crate) const WATCHDOG: Duration = Duration::from_secs(60);

/// A home of its own for the commands of one test, and a folder that they run in.
pub(crate) struct Sandbox {
    folder: TempDir,
}

/// What a command left behind.
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Sandbox {
    pub(crate) fn new() -> Sandbox {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("home")).unwrap();
        std::fs::create_dir(folder.path().join("work")).unwrap();
        Sandbox { folder }
    }

    /// The folder that the commands run in.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Write a file into the folder that the commands run in.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path().join(name), content).unwrap();
    }

    /// Read a file back.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path().join(name)).unwrap()
    }

    /// `piton`, without arguments yet.
    pub(crate) fn piton(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_piton"));
        self.settle(&mut command);
        command
    }

    /// mpremote, without arguments yet; its text goes out at once, in the order in which it was written.
    #[cfg(unix)]
    pub(crate) fn mpremote(&self) -> Command {
        let mut command = test_programs::mpremote();
        self.settle(&mut command);
        command.env("PYTHONUNBUFFERED", "1");
        command
    }

    fn settle(&self, command: &mut Command) {
        let vm = test_programs::vm();
        let cache = vm.ancestors().nth(3).unwrap();
        command
            .current_dir(self.path())
            .env("HOME", self.folder.path().join("home"))
            .env("PITON_CACHE_DIR", cache)
            .env_remove("PITON_CONFIG")
            .env_remove("PITON_VM")
            .env_remove("PITON_VM_URL")
            .env_remove("PITON_SIGN_PASSWORD")
            .env_remove("PITON_WEBREPL_PASSWORD")
            .env_remove("XDG_CONFIG_HOME")
            .stdin(Stdio::null());
    }

    /// Run `piton` with the words of `line`.
    pub(crate) fn run(&self, line: &str) -> Outcome {
        self.run_words(&words(line))
    }

    /// Run `piton` with these arguments.
    pub(crate) fn run_words(&self, words: &[impl AsRef<str>]) -> Outcome {
        let mut command = self.piton();
        command.args(words.iter().map(AsRef::as_ref));
        run(command)
    }

    /// Run `piton`, and put down in words what happened, for a snapshot.
    pub(crate) fn show(&self, line: &str) -> String {
        let outcome = self.run(line);
        let mut text = format!("$ piton {line}\n");
        for (name, bytes) in [("stdout", &outcome.stdout), ("stderr", &outcome.stderr)] {
            if !bytes.is_empty() {
                let _ = write!(
                    text,
                    "--- {name}\n{}",
                    String::from_utf8_lossy(bytes).replace('\r', "\\r")
                );
            }
        }
        let place = self.folder.path().display().to_string();
        text = text
            .replace(&format!("{place}/home"), "[HOME]")
            .replace(&place, "[FOLDER]");
        let _ = write!(
            text,
            "--- exit {}",
            outcome
                .code
                .map_or_else(|| "by signal".to_owned(), |code| code.to_string())
        );
        text
    }
}

impl Outcome {
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.stdout.clone()).unwrap()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8(self.stderr.clone()).unwrap()
    }
}

/// The words of a line, split as a shell does: at spaces, but for what is in single quotes.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(ToOwned::to_owned));
        }
    }
    words
}

/// Run a command to its end.
pub(crate) fn run(command: Command) -> Outcome {
    run_within(command, WATCHDOG)
}

/// Run a command to its end, on a board that takes longer than others.
pub(crate) fn run_within(mut command: Command, limit: Duration) -> Outcome {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let stdout = collect(child.stdout.take().unwrap());
    let stderr = collect(child.stderr.take().unwrap());
    let status = wait_within(&mut child, limit);
    Outcome {
        code: status.code(),
        stdout: stdout.join().unwrap(),
        stderr: stderr.join().unwrap(),
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

#[cfg(unix)]
/// Wait for a command's end; one that hangs fails the test.
pub(crate) fn wait(child: &mut Child) -> ExitStatus {
    wait_within(child, WATCHDOG)
}

fn wait_within(child: &mut Child, limit: Duration) -> ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if start.elapsed() > limit {
            child.kill().unwrap();
            panic!("the command hangs");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// The virtual board's machine.
pub(crate) fn image() -> &'static virtual_board::VmImage {
    static IMAGE: std::sync::OnceLock<virtual_board::VmImage> = std::sync::OnceLock::new();
    IMAGE.get_or_init(|| virtual_board::VmImage::open(&test_programs::vm()).unwrap())
}

/// A virtual board with files in memory.
pub(crate) fn virtual_board() -> virtual_board::VirtualBoard {
    virtual_board::VirtualBoard::start(image(), virtual_board::BoardOptions::default()).unwrap()
}
