//! `romfs`: images, beside mpremote's and on a board.

use std::sync::Arc;

use insta::assert_snapshot;

use crate::support::{Sandbox, run, words};

/// Gives a board partitions in its memory: 0 that is seen as bytes, 1 a block device, 2 that is not there.
const PARTITIONS: &str = include_str!("../rom_partitions.py");

/// Prints a hash of all that stands in each partition.
const CONTENTS: &str =
    "import hashlib; print([hashlib.sha256(x).digest() for x in (_bytes, _device.bytes)])";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    for folder in ["tree/lib/deep", "tree/empty"] {
        std::fs::create_dir_all(sandbox.path().join(folder)).unwrap();
    }
    sandbox.write("tree/main.py", "import helper\nprint('main')\n");
    sandbox.write("tree/lib/helper.py", "def help(): return 'helped'\n");
    sandbox.write(
        "tree/lib/deep/data.bin",
        (0..=255).cycle().take(20_000).collect::<Vec<u8>>(),
    );
    sandbox.write("tree/B.py", "");
    sandbox.write("tree/both.py", "x = 1\n");
    sandbox.write("tree/both.mpy", b"M\x06\0\x1f");
    sandbox.write("tree/text", "");
    sandbox
}

#[test]
fn images_are_those_of_mpremote() {
    let sandbox = sandbox();
    for (line, file) in [
        ("romfs build tree", "tree.romfs"),
        ("romfs --no-mpy build tree", "tree.romfs"),
        ("romfs -o out.img build tree/", "out.img"),
        ("romfs -m --output=out.img build ./tree/lib", "out.img"),
        ("romfs build tree/", "tree/.romfs"),
        ("romfs build", ""),
        ("romfs frobnicate", ""),
        ("romfs", ""),
    ] {
        let outcomes = [false, true].map(|ours| {
            let mut command = if ours {
                sandbox.piton()
            } else {
                sandbox.mpremote()
            };
            command.args(ours.then_some("mpremote")).args(words(line));
            let outcome = run(command);
            let image = std::fs::read(sandbox.path().join(file)).ok();
            let _ = std::fs::remove_file(sandbox.path().join(file));
            (outcome.code, outcome.stdout(), image)
        });
        let [expected, found] = outcomes;
        assert_eq!((&found.0, &found.1), (&expected.0, &expected.1), "{line}");
        assert!(found.2 == expected.2, "the images of {line} differ");
        assert_eq!(found.2.is_some(), !file.is_empty(), "{line}");
    }
}

#[test]
fn a_board_mounts_the_image() {
    let sandbox = sandbox();
    std::fs::remove_file(sandbox.path().join("tree/both.mpy")).unwrap();
    assert_eq!(sandbox.run("--quiet romfs build tree/").code, Some(0));
    let mount = "import vfs, sys, os\nvfs.mount(vfs.VfsRom(open('tree.romfs', 'rb').read()), '/rom')\n\
                 sys.path.insert(0, '/rom/lib')\nimport helper\nprint(helper.help(), sorted(os.listdir('/rom')))\n\
                 print(open('/rom/lib/deep/data.bin', 'rb').read() == bytes(range(256)) * 78 + bytes(range(32)))";
    let outcome = sandbox.run_words(&[
        "connect",
        "virtual",
        "--quiet",
        "cp",
        "tree.romfs",
        ":",
        "+",
        "exec",
        mount,
    ]);
    assert_eq!(
        outcome.stdout(),
        "helped ['B.mpy', 'both.mpy', 'empty', 'lib', 'main.mpy', 'text']\r\nTrue\r\n",
        "{}",
        outcome.stderr()
    );
}

#[test]
fn what_cannot_become_an_image() {
    let sandbox = sandbox();
    assert_snapshot!(sandbox.show("romfs build nowhere"), @r"
    $ piton romfs build nowhere
    --- stdout
    Building romfs filesystem, source directory: nowhere/
    /
    --- stderr
    piton: romfs: could not read `nowhere/`: No such file or directory (os error 2)
    --- exit 1
    ");
    sandbox.write("tree/lib/wrong.py", "x = = 1\n");
    assert_snapshot!(sandbox.show("romfs build tree"), @r#"
    $ piton romfs build tree
    --- stdout
    Building romfs filesystem, source directory: tree/
    /
    --- stderr
    piton: romfs: tree/lib/wrong.py: Traceback (most recent call last):
      File "tree/lib/wrong.py", line 1
    SyntaxError: invalid syntax
    --- exit 1
    "#);
    assert!(!sandbox.path().join("tree.romfs").exists());
    std::os::unix::fs::symlink(".", sandbox.path().join("tree/empty/again")).unwrap();
    let outcome = sandbox.run("romfs build tree/empty");
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stderr().ends_with("is deeper than 32 folders\n"),
        "{}",
        outcome.stderr()
    );
}

#[test]
fn partitions_are_filled_as_mpremote_does() {
    let sandbox = sandbox();
    sandbox.write("partitions.py", PARTITIONS);
    std::fs::create_dir(sandbox.path().join("large")).unwrap();
    sandbox.write("large/file", vec![7; 200_000]);
    sandbox.write("wrong.img", vec![7; 5000]);
    assert_eq!(
        sandbox.run("--quiet romfs -o made.romfs build tree").code,
        Some(0)
    );
    let board = crate::support::virtual_board();
    let board = virtual_board::serve::pty(Arc::new(board)).unwrap();
    for line in [
        "romfs deploy tree",
        "romfs -p 1 deploy tree",
        "romfs deploy made.romfs",
        "romfs deploy wrong.img",
        "romfs deploy large",
        "romfs -p 2 deploy tree",
        "romfs -p 3 deploy tree",
        "romfs deploy",
        "exec '_in_steps = True' romfs deploy made.romfs",
        "exec 'del _partitions[1:]' romfs query",
        "exec '_partitions.clear()' romfs query",
        "exec '_off()' romfs query",
        "exec '_off()' romfs deploy tree",
    ] {
        let outcomes = [false, true].map(|ours| {
            let mut command = match ours {
                true => sandbox.piton(),
                false => sandbox.mpremote(),
            };
            command
                .args(ours.then_some("mpremote"))
                .args(["connect", board.path().to_str().unwrap()])
                .args(["run", "partitions.py"])
                .args(words(line))
                .args(["exec", CONTENTS]);
            let outcome = run(command);
            (outcome.code, outcome.stdout())
        });
        let [expected, found] = outcomes;
        assert_eq!(found, expected, "{line}");
    }
}

#[test]
fn a_board_runs_what_was_deployed() {
    let sandbox = sandbox();
    sandbox.write("partitions.py", PARTITIONS);
    std::fs::remove_file(sandbox.path().join("tree/both.mpy")).unwrap();
    for partition in ["0", "1"] {
        let check = format!(
            "import sys\n_real.mount(_real.VfsRom(memoryview(({partition} and _device.bytes) or _bytes)), '/rom')\n\
             sys.path.insert(0, '/rom/lib')\nimport helper\nprint(helper.help(), '_piton' in globals())\n\
             print(open('/rom/lib/deep/data.bin', 'rb').read() == bytes(range(256)) * 78 + bytes(range(32)))"
        );
        let deploy = ["romfs", "-p", partition, "deploy", "tree"];
        let mut line = vec!["--quiet", "connect", "virtual", "run", "partitions.py"];
        line.extend(deploy);
        line.extend(["exec", &check]);
        // It is mounted now, and taken off first.
        line.extend(deploy);
        line.extend([
            "exec",
            "import os; print(os.listdir('/'))",
            "romfs",
            "-p",
            partition,
            "query",
        ]);
        let outcome = sandbox.run_words(&line);
        let stdout = outcome.stdout();
        assert!(
            stdout.starts_with("helped False\r\nTrue\r\n[]\r\n"),
            "{stdout}{}",
            outcome.stderr()
        );
        let rest = stdout.split_once("[]\r\n").unwrap().1;
        assert!(
            rest.starts_with(&format!("ROMFS{partition} partition has size ")),
            "{rest}"
        );
        assert!(rest.contains("\n  Raw contents: d2:cd:31:"), "{rest}");
        assert!(rest.contains("\n  ROMFS image size: 2"), "{rest}");
    }
}

#[test]
fn deployments_that_fail() {
    let sandbox = sandbox();
    sandbox.write("partitions.py", PARTITIONS);
    std::fs::create_dir(sandbox.path().join("large")).unwrap();
    sandbox.write("large/file", vec![7; 200_000]);
    sandbox.write("wrong.img", vec![7; 5000]);
    for (before, deploy, message) in [
        (
            "",
            "deploy large",
            "has 200020 bytes, but partition ROMFS0 has only 100000",
        ),
        (
            "",
            "deploy wrong.img",
            "romfs: `wrong.img`: not a romfs image",
        ),
        ("", "-p 3 deploy tree", "the board has no partition ROMFS3"),
        ("", "-p 3 query", "the board has no partition ROMFS3"),
        ("_answers[4] = -5", "deploy tree", "OSError: [Errno 5] EIO"),
        ("_answers[3] = -28", "deploy tree", "OSError: 28"),
        ("_answers[5] = -5", "deploy tree", "OSError: [Errno 5] EIO"),
        // Nothing is written, and the board does not say so.
        (
            "_answers[4] = 0",
            "deploy tree",
            "partition ROMFS0 differs from the image",
        ),
        (
            "_off()",
            "deploy tree",
            "the board's firmware has no ROMFS partitions",
        ),
    ] {
        let mut line = vec!["--quiet", "connect", "virtual", "run", "partitions.py"];
        line.extend(["exec", before, "romfs"]);
        line.extend(deploy.split(' '));
        let outcome = sandbox.run_words(&line);
        assert_eq!(outcome.code, Some(1), "{before} {deploy}");
        let stderr = outcome.stderr();
        assert!(stderr.contains(message), "{before} {deploy}: {stderr}");
    }
}

#[test]
fn a_deployment_that_breaks_off_leaves_no_image() {
    let sandbox = sandbox();
    sandbox.write("partitions.py", PARTITIONS);
    let board = crate::support::virtual_board();
    let board = virtual_board::serve::pty(Arc::new(board)).unwrap();
    let port = board.path().to_str().unwrap();
    for (writes, code, head) in [
        (0, 1, r"b'\xff\xff\xff'"),
        (4, 1, r"b'\xff\xff\xff'"),
        (5, 0, r"b'\xd2\xcd1'"),
    ] {
        let limit = format!("_writes_left = {writes}");
        let mut line = vec!["--quiet", "connect", port, "run", "partitions.py"];
        line.extend(["exec", &limit, "romfs", "deploy", "tree"]);
        assert_eq!(sandbox.run_words(&line).code, Some(code), "{writes}");
        let look = [
            "connect",
            port,
            "resume",
            "exec",
            "print(bytes(_bytes[:3]))",
        ];
        let seen = sandbox.run_words(&look).stdout();
        assert_eq!(seen.trim_end(), head, "{writes}");
    }
}

#[test]
fn image_files_are_looked_at_compared_and_unpacked() {
    let sandbox = sandbox();
    sandbox.write(
        "tree/copy.bin",
        (0..=255).cycle().take(20_000).collect::<Vec<u8>>(),
    );
    let plain = sandbox.run("romfs -o plain.romfs build tree");
    assert_eq!(plain.code, Some(0), "{}", plain.stderr());
    let line = "romfs --relative --share --align 16 --hashes --exclude /both.py --exclude empty/ -o own.romfs build tree";
    let own = sandbox.run(line);
    assert_eq!(own.code, Some(0), "{}", own.stderr());
    assert!(sandbox.read("own.romfs").len() + 19_000 < sandbox.read("plain.romfs").len());
    // Another folder with the same content gives the same bytes.
    std::fs::rename(sandbox.path().join("tree"), sandbox.path().join("moved")).unwrap();
    let again = line
        .replace("own.romfs", "again.romfs")
        .replace(" tree", " moved");
    assert_eq!(sandbox.run(&again).code, Some(0));
    assert_eq!(sandbox.read("own.romfs"), sandbox.read("again.romfs"));
    assert_snapshot!(sandbox.run("romfs ls own.romfs").stdout(), @"
          19 B.mpy
           4 both.mpy
       20000 copy.bin
       20000 lib/deep/data.bin
          54 lib/helper.mpy
          49 main.mpy
           0 text
    ");
    assert_eq!(
        sandbox
            .run("romfs cat own.romfs lib/deep/data.bin")
            .stdout
            .len(),
        20_000
    );
    assert_snapshot!(sandbox.run("romfs diff plain.romfs own.romfs").stdout(), @"
    changed B.mpy
    removed both.py
    changed lib/helper.mpy
    changed main.mpy
    ");
    assert_eq!(
        sandbox.run("romfs diff own.romfs again.romfs").code,
        Some(0)
    );
    assert_snapshot!(sandbox.run("romfs verify own.romfs").stdout(), @"own.romfs: 7 files, all as the hashes in the image say");
    let unpacked = sandbox.run("romfs extract own.romfs -o out");
    assert_eq!(
        unpacked.stdout(),
        "7 files in out\n",
        "{}",
        unpacked.stderr()
    );
    assert_eq!(sandbox.read("out/lib/deep/data.bin").len(), 20_000);
    let refused = sandbox.run("romfs extract own.romfs -o out");
    assert!(
        refused.stderr().contains("`out` is not empty"),
        "{}",
        refused.stderr()
    );
    // A byte in the last file.
    let mut damaged = sandbox.read("own.romfs");
    let at = damaged
        .windows(4)
        .position(|four| four == [0, 1, 2, 3])
        .unwrap();
    damaged[at] = 7;
    sandbox.write("damaged.romfs", damaged);
    let found = sandbox.run("romfs verify damaged.romfs");
    assert_eq!(found.code, Some(1));
    assert!(
        found
            .stdout()
            .contains("changed: copy.bin, lib/deep/data.bin"),
        "{}",
        found.stdout()
    );
    sandbox.write("cut.romfs", &sandbox.read("own.romfs")[..1000]);
    assert!(
        sandbox
            .run("romfs verify cut.romfs")
            .stderr()
            .contains("is cut off")
    );
}

#[test]
fn the_image_of_a_board_is_read_back() {
    let sandbox = sandbox();
    sandbox.write("partitions.py", PARTITIONS);
    let made = sandbox.run("--quiet romfs --hashes -o made.romfs build tree");
    assert_eq!(made.code, Some(0), "{}", made.stderr());
    std::fs::create_dir(sandbox.path().join("other")).unwrap();
    sandbox.write("other/main.py", "");
    let line = "--quiet connect virtual run partitions.py romfs deploy made.romfs romfs -p 1 --no-mpy deploy other \
                romfs ls : + romfs cat : lib/helper.mpy + romfs verify : + romfs diff made.romfs :0 + romfs extract : -o out \
                + romfs -p 1 ls : + romfs diff : :1";
    let outcome = sandbox.run(line);
    // The last one finds differences.
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr());
    let file = sandbox.run("romfs ls made.romfs");
    let module = sandbox.run("romfs cat made.romfs lib/helper.mpy");
    let mut expected = file.stdout.clone();
    expected.extend(module.stdout);
    expected.extend(b"ROMFS0: 7 files, all as the hashes in the image say\n");
    expected.extend(b"       0 main.py\n");
    assert!(
        outcome.stdout.starts_with(&expected),
        "{}",
        outcome.stdout()
    );
    let differences = outcome.stdout().split_once("main.py\n").unwrap().1.len();
    assert!(differences > 0);
    assert!(
        outcome
            .stdout()
            .ends_with("added   main.py\nremoved text\n"),
        "{}",
        outcome.stdout()
    );
    assert_eq!(sandbox.read("out/lib/deep/data.bin").len(), 20_000);
}

#[test]
fn hostile_images_on_a_board_are_errors() {
    let sandbox = sandbox();
    sandbox.write("partitions.py", PARTITIONS);

    sandbox.write(
        "fill.py",
        "def fill(head, rest=b''):\n    _bytes[:] = b'\\xff' * len(_bytes)\n    _bytes[:len(head)] = head\n    _bytes[len(head):len(head) + len(rest)] = rest\n",
    );
    for (content, command, message) in [
        ("b''", "ls :", "`ROMFS0`: not a romfs image"),
        (
            "b'\\xd2\\xcd\\x31\\xff\\xff\\xff\\x7f'",
            "ls :",
            "`ROMFS0`: ",
        ),
        (
            "b'\\xd2\\xcd\\x31' + b'\\xff' * 9",
            "verify :",
            "`ROMFS0`: ",
        ),
        (
            "b'\\xd2\\xcd\\x31\\x85\\x00', b'\\x04\\x85\\x00' * 200",
            "extract : -o out",
            "`ROMFS0`: ",
        ),
        (
            "b'\\xd2\\xcd\\x31\\x0d\\x05\\x0b\\x07../evil\\x02\\x01x'",
            "extract : -o out",
            "no name for a file",
        ),
        (
            "b'\\xd2\\xcd\\x31\\x00'",
            "-p 2 ls :",
            "the board has no partition ROMFS2",
        ),
        ("b'\\xd2\\xcd\\x31\\x00'", "cat : main.py", "main.py"),
    ] {
        let fill = format!("fill({content})");
        let mut line = vec![
            "--quiet",
            "connect",
            "virtual",
            "run",
            "partitions.py",
            "run",
            "fill.py",
        ];
        line.extend(["exec", &fill, "romfs"]);
        line.extend(command.split(' '));
        let outcome = sandbox.run_words(&line);
        assert_eq!(
            outcome.code,
            Some(1),
            "{content} {command}: {}",
            outcome.stdout()
        );
        assert!(
            outcome.stderr().contains(message),
            "{content} {command}: {}",
            outcome.stderr()
        );
    }
    assert!(!sandbox.path().join("out").exists());
    assert!(!sandbox.path().join("evil").exists());
}

#[test]
fn folders_and_a_manifest_become_one_image_within_its_size() {
    let sandbox = sandbox();
    std::fs::create_dir(sandbox.path().join("more")).unwrap();
    sandbox.write("more/second.py", "x = 1\n");
    sandbox.write("third.py", "y = 2\n");
    sandbox.write(
        "manifest.py",
        "metadata(version='3')\nmodule('third.py', opt=3)\nfreeze_as_str('more')\n",
    );
    let built = sandbox
        .run("romfs --add more --manifest manifest.py --exclude both.py -o all.romfs build tree");
    assert!(
        built.stderr().contains("`second.py`") || built.code == Some(0),
        "{}",
        built.stderr()
    );
    let listed = sandbox.run("romfs ls all.romfs").stdout();
    for path in [
        "B.mpy",
        "second.mpy",
        "second.py",
        "third.mpy",
        "lib/helper.mpy",
    ] {
        assert!(
            listed
                .lines()
                .any(|line| line.ends_with(&format!(" {path}"))),
            "{listed}"
        );
    }
    let alone = sandbox.run("romfs --manifest manifest.py build");
    assert_eq!(alone.code, Some(0), "{}", alone.stderr());
    let listed = sandbox.run("romfs ls manifest.romfs").stdout();
    assert!(
        listed.contains("third.mpy") && listed.contains("second.py"),
        "{listed}"
    );
    let tight = sandbox.run("romfs --max-size 1000 -o small.romfs build tree");
    assert_eq!(tight.code, Some(1));
    assert!(
        tight
            .stderr()
            .contains("the largest files are lib/deep/data.bin (20000)"),
        "{}",
        tight.stderr()
    );
    assert!(!sandbox.path().join("small.romfs").exists());
    let twice = sandbox.run("romfs --add tree -o twice.romfs build tree");
    assert!(
        twice.stderr().contains("is in two of the folders"),
        "{}",
        twice.stderr()
    );
    sandbox.write("partitions.py", PARTITIONS);
    let line = "connect virtual run partitions.py romfs --fit -o fits.romfs build tree";
    assert_eq!(sandbox.run(line).code, Some(0));
    sandbox.write("tree/lib/deep/large.bin", vec![1; 120_000]);
    let large = sandbox.run(line);
    assert!(
        large
            .stderr()
            .contains("more than the 100000 that it may have"),
        "{}",
        large.stderr()
    );
}
