//! `romfs`: images, beside mpremote's and on a board.

use insta::assert_snapshot;

use crate::support::{Sandbox, run, words};

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
        outcome.stderr().ends_with("lies deeper than 32 folders\n"),
        "{}",
        outcome.stderr()
    );
}
