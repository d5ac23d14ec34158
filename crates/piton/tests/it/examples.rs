//! The programs in `examples/`, against virtual boards.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The path of an example, which cargo builds beside this test.
#[track_caller]
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().and_then(Path::parent).unwrap();
    let path = target
        .join("examples")
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.exists(),
        "`{}` is missing: `cargo build -p piton --examples` builds it",
        path.display()
    );
    path
}

#[track_caller]
fn run(folder: &Path, name: &str, words: &[&str]) -> Output {
    let mut command = Command::new(example(name));
    command.current_dir(folder).args(words);
    command.env("PITON_VM", test_programs::vm());
    command.output().unwrap()
}

/// Checks that an example ends well, and returns what it prints.
#[track_caller]
fn check(folder: &Path, name: &str, words: &[&str]) -> String {
    let output = run(folder, name, words);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout).unwrap().replace('\r', "")
}

#[test]
fn a_script_runs_and_its_exception_ends_the_example() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("hello.py"), "print('hello')\n").unwrap();
    let printed = check(folder.path(), "run_script", &["virtual", "hello.py"]);
    assert_eq!(printed, "hello\n");

    fs::write(folder.path().join("fails.py"), "print('one')\n1 / 0\n").unwrap();
    let output = run(folder.path(), "run_script", &["virtual", "fails.py"]);
    assert!(!output.status.success());
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.starts_with("one\r\n"), "{printed}");
    assert!(printed.contains("line 2"), "{printed}");
}

#[test]
fn a_folder_is_copied_and_the_second_time_nothing_is() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [("src/a.py", "a = 1\n"), ("src/sub/b.py", "b = 2\n")] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    fs::create_dir(folder.path().join("flash")).unwrap();
    let words = ["virtual:flash", "src", "/lib"];
    let printed = check(folder.path(), "copy_folder", &words);
    assert!(printed.contains("a.py\n"), "{printed}");
    let copy = fs::read_to_string(folder.path().join("flash/lib/sub/b.py"));
    assert_eq!(copy.unwrap(), "b = 2\n");
    assert_eq!(check(folder.path(), "copy_folder", &words), "0 changed\n");
}

#[test]
fn the_output_of_main_is_shown_up_to_a_line() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("flash")).unwrap();
    fs::write(
        folder.path().join("flash/main.py"),
        "print('starts')\nprint('ready')\n",
    )
    .unwrap();
    let printed = check(folder.path(), "watch_output", &["virtual:flash", "ready"]);
    assert_eq!(printed, "starts\nready\n");
}

#[test]
fn without_a_reset_only_the_script_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("hello.py"), "print('hello')\n").unwrap();
    let printed = check(folder.path(), "follow_reset", &["virtual", "hello.py"]);
    assert_eq!(printed, "hello\n");
}

#[test]
fn a_sensor_is_logged() {
    let folder = tempfile::tempdir().unwrap();
    let printed = check(folder.path(), "sensor_logger", &["virtual", "3", "20"]);
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines[..2], ["# at the start: 27.0", "milliseconds,celsius"]);
    let rows: Vec<(u32, &str)> = lines[2..]
        .iter()
        .map(|line| line.split_once(',').unwrap())
        .map(|(time, temperature)| (time.parse().unwrap(), temperature))
        .collect();
    assert_eq!(rows.len(), 3, "{printed}");
    assert!(rows.iter().all(|(_, temperature)| *temperature == "27.0"));
    assert!(rows[1].0 >= 20 && rows[2].0 >= 40, "{printed}");
}

#[test]
fn events_are_counted_on_the_board() {
    let folder = tempfile::tempdir().unwrap();
    let printed = check(folder.path(), "event_counter", &["virtual", "2", "3"]);
    assert_eq!(printed, "counted 1\ncounted 2\ncounted 3\n");
}

/// A board whose own USB is the line: the pty goes away with it, and comes back.
#[cfg(unix)]
#[test]
fn a_board_that_resets_is_followed() {
    use std::os::unix::fs::symlink;
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    use virtual_board::serve::pty;
    use virtual_board::{BoardOptions, Flash, VirtualBoard, VmImage};

    let folder = tempfile::tempdir().unwrap();
    let flash = folder.path().join("flash");
    fs::create_dir(&flash).unwrap();
    let link = folder.path().join("port");
    let plug_in = || {
        let image = VmImage::open(&test_programs::vm()).unwrap();
        let options = BoardOptions {
            flash: Flash::Directory(flash.clone()),
            ..BoardOptions::default()
        };
        let server = pty(Arc::new(VirtualBoard::start(&image, options).unwrap())).unwrap();
        symlink(server.path(), &link).unwrap();
        server
    };
    let script = "with open('main.py', 'w') as file: file.write('print(\"after\")')\nprint('before')\nwhile True: pass";
    fs::write(folder.path().join("update.py"), script).unwrap();
    let first = plug_in();
    let port = link.display().to_string();
    let (flash_file, folder_path) = (flash.join("main.py"), folder.path().to_owned());
    let running = thread::spawn(move || check(&folder_path, "follow_reset", &[&port, "update.py"]));
    while !fs::read_to_string(&flash_file).is_ok_and(|text| text.contains("after")) {
        thread::sleep(Duration::from_millis(20));
    }
    // Time for `before` to arrive.
    thread::sleep(Duration::from_millis(300));
    fs::remove_file(&link).unwrap();
    drop(first);
    let _second = plug_in();
    let printed = running.join().unwrap();
    assert!(printed.starts_with("before\n"), "{printed}");
    assert!(printed.contains("after\n"), "{printed}");
}
