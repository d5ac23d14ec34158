//! What our own face does with files beyond mpremote: sizes, folders, whole files.

use std::sync::Arc;

use insta::assert_snapshot;

use crate::support::{Sandbox, virtual_board};

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.path().join("app/lib/empty")).unwrap();
    sandbox.write("app/main.py", "import helper\n");
    sandbox.write("app/lib/helper.py", "print('helped')\n");
    sandbox
}

#[test]
fn sizes_are_measured_where_the_board_does_not_list_them() {
    let sandbox = sandbox();
    assert_snapshot!(sandbox.show("--quiet connect virtual cp -r app : + ls app + tree -s"), @r"
    $ piton --quiet connect virtual cp -r app : + ls app + tree -s
    --- stdout
               0 lib/
              14 main.py
    :/
    └── app
        ├── lib
        │   ├── empty
        │   └── [       16]  helper.py
        └── [       14]  main.py
    --- exit 0
    ");
}

#[test]
fn a_folder_without_folders_is_copied_to_a_new_name() {
    let sandbox = sandbox();
    // mpremote refuses this.
    assert_snapshot!(sandbox.show("connect virtual cp -r app/lib :new + tree + cp -r :new back"), @r"
    $ piton connect virtual cp -r app/lib :new + tree + cp -r :new back
    --- stdout
    cp app/lib :new
    tree :
    :/
    └── new
        ├── empty
        └── helper.py
    cp :new back
    --- exit 0
    ");
    assert_eq!(sandbox.read("back/helper.py"), b"print('helped')\n");
    assert!(sandbox.path().join("back/empty").is_dir());
}

#[test]
fn a_folder_of_the_board_comes_into_an_existing_one() {
    let sandbox = sandbox();
    std::fs::create_dir(sandbox.path().join("there")).unwrap();
    let outcome = sandbox.run("connect virtual cp -r app : + cp -r :app there");
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    assert_eq!(
        sandbox.read("there/app/lib/helper.py"),
        b"print('helped')\n"
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let sandbox = sandbox();
    assert_snapshot!(sandbox.show("connect virtual fs frobnicate x"), @r"
    $ piton connect virtual fs frobnicate x
    --- stderr
    piton: 'frobnicate' is not a command of `fs`

    hint: its commands are `cat`, `cp`, `ls`, `md5sum`, `mkdir`, `mv`, `rm`, `rmdir`, `sha1sum`, `sha256sum`, `sha384sum`, `sha512sum`, `touch` and `tree`
    --- exit 2
    ");
    assert_snapshot!(sandbox.show("connect virtual cp app :"), @r"
    $ piton connect virtual cp app :
    --- stdout
    cp app :
    --- stderr
    piton: cp: -r not specified; omitting directory
    --- exit 1
    ");
    assert_snapshot!(sandbox.show("connect virtual cp missing :"), @r"
    $ piton connect virtual cp missing :
    --- stdout
    cp missing :
    --- stderr
    piton: cp: missing: No such file or directory.
    --- exit 1
    ");
    assert_snapshot!(sandbox.show("connect virtual touch a + cp :a nowhere/b"), @r"
    $ piton connect virtual touch a + cp :a nowhere/b
    --- stdout
    touch :a
    cp :a nowhere/b
    --- stderr
    piton: cp: nowhere/b: No such file or directory.

    hint: there is no folder `nowhere` on this computer: make it first
    --- exit 1
    ");
    assert_snapshot!(sandbox.show("connect virtual ls nowhere"), @r"
    $ piton connect virtual ls nowhere
    --- stdout
    ls :nowhere
    --- stderr
    piton: ls: nowhere: No such file or directory.
    --- exit 1
    ");
}

#[test]
fn a_file_that_does_not_fit_leaves_the_old_one() {
    let sandbox = sandbox();
    sandbox.write("large", vec![7; 3 << 20]);
    sandbox.write("small", "kept");
    let server = virtual_board::serve::tcp(Arc::new(virtual_board()), "127.0.0.1:0").unwrap();
    let board = format!("connect socket://{}", server.local_addr());
    let outcome = sandbox.run(&format!("{board} cp small :file + cp large :file"));
    assert_eq!(outcome.code, Some(1));
    let message = outcome.stderr();
    let expected =
        "piton: cp: file: No space left on device.\n\nhint: no space for `file` on the board";
    assert!(message.starts_with(expected), "{message}");
    let outcome = sandbox.run(&format!("{board} ls + cat file"));
    assert_eq!(outcome.stdout(), "ls :\n           4 file\nkept");
}

#[cfg(unix)]
#[test]
fn a_local_file_keeps_its_permissions_and_links() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let sandbox = sandbox();
    sandbox.write("real", "old");
    let real = sandbox.path().join("real");
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real", sandbox.path().join("link")).unwrap();
    let outcome = sandbox.run("connect virtual cp app/main.py :m + cp :m link");
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    assert_eq!(sandbox.read("real"), b"import helper\n");
    assert_eq!(
        std::fs::metadata(&real).unwrap().permissions().mode() & 0o777,
        0o640
    );
    assert!(sandbox.path().join("link").is_symlink());
}

#[test]
fn files_and_folders_are_moved() {
    let sandbox = sandbox();
    let line = "connect virtual --quiet cp -r app : + mv app new + mv new/main.py : + fs mv :main.py :other.py + \
                touch a + mv a other.py new + tree";
    assert_snapshot!(sandbox.show(line), @r"
    $ piton connect virtual --quiet cp -r app : + mv app new + mv new/main.py : + fs mv :main.py :other.py + touch a + mv a other.py new + tree
    --- stdout
    :/
    └── new
        ├── a
        ├── lib
        │   ├── empty
        │   └── helper.py
        └── other.py
    --- exit 0
    ");
    assert_snapshot!(sandbox.show("connect virtual touch a b + mv a b nowhere"), @r"
    $ piton connect virtual touch a b + mv a b nowhere
    --- stdout
    touch :a
    touch :b
    --- stderr
    piton: mv: destination is not a directory
    --- exit 1
    ");
    assert_snapshot!(sandbox.show("connect virtual touch a + mv a b/"), @r"
    $ piton connect virtual touch a + mv a b/
    --- stdout
    touch :a
    --- stderr
    piton: mv: destination is not a directory
    --- exit 1
    ");
    assert_snapshot!(sandbox.show("connect virtual touch a + mv a b/c"), @r"
    $ piton connect virtual touch a + mv a b/c
    --- stdout
    touch :a
    mv :a :b/c
    --- stderr
    piton: mv: b/c: No such file or directory.

    hint: the folder :b is not there: `piton mkdir -p :b` makes it
    --- exit 1
    ");
    assert_snapshot!(sandbox.show("connect virtual touch main.py + mv mian.py b"), @r"
    $ piton connect virtual touch main.py + mv mian.py b
    --- stdout
    touch :main.py
    mv :mian.py :b
    --- stderr
    piton: mv: mian.py: No such file or directory.

    hint: did you mean `main.py`?
    --- exit 1
    ");
    assert_snapshot!(sandbox.show("connect virtual mkdir a + mv a a/b"), @r"
    $ piton connect virtual mkdir a + mv a a/b
    --- stdout
    mkdir :a
    mv :a :a/b
    --- stderr
    piton: mv: a: Invalid argument.

    hint: nothing is moved onto itself, and no folder into itself
    --- exit 1
    ");
    assert_snapshot!(sandbox.show("connect virtual mv a"), @r"
    $ piton connect virtual mv a
    --- stderr
    piton: `mv` needs a DESTINATION behind `a`

    hint: the form is `piton mv SOURCE... DESTINATION`, for example `piton mv main.py old.py`; `piton help mv` has more
    --- exit 2
    ");
}

#[test]
fn a_file_that_is_not_there_may_be_there_under_another_name() {
    let sandbox = sandbox();
    let put = "connect virtual --quiet mkdir lib + touch main.py lib/helper.py + ";
    assert_snapshot!(sandbox.show(&format!("{put} cat mian.py")), @r"
    $ piton connect virtual --quiet mkdir lib + touch main.py lib/helper.py +  cat mian.py
    --- stderr
    piton: cat: mian.py: No such file or directory.

    hint: did you mean `main.py`?
    --- exit 1
    ");
    assert_snapshot!(sandbox.show(&format!("{put} rm :lib/helpr.py")), @r"
    $ piton connect virtual --quiet mkdir lib + touch main.py lib/helper.py +  rm :lib/helpr.py
    --- stderr
    piton: rm: lib/helpr.py: No such file or directory.

    hint: did you mean `lib/helper.py`?
    --- exit 1
    ");
    assert_snapshot!(sandbox.show(&format!("{put} cp :lib/Helper.py .")), @r"
    $ piton connect virtual --quiet mkdir lib + touch main.py lib/helper.py +  cp :lib/Helper.py .
    --- stderr
    piton: cp: lib/Helper.py: No such file or directory.

    hint: did you mean `lib/helper.py`?
    --- exit 1
    ");
    assert_snapshot!(sandbox.show(&format!("{put} ls lob")), @r"
    $ piton connect virtual --quiet mkdir lib + touch main.py lib/helper.py +  ls lob
    --- stderr
    piton: ls: lob: No such file or directory.

    hint: did you mean `lib`?
    --- exit 1
    ");
    assert_snapshot!(sandbox.show(&format!("{put} rm -r something")), @r"
    $ piton connect virtual --quiet mkdir lib + touch main.py lib/helper.py +  rm -r something
    --- stderr
    piton: rm: something: No such file or directory.
    --- exit 1
    ");
    assert_snapshot!(sandbox.show("connect virtual --quiet cp app/mian.py :"), @r"
    $ piton connect virtual --quiet cp app/mian.py :
    --- stderr
    piton: cp: app/mian.py: No such file or directory.

    hint: did you mean `app/main.py`?
    --- exit 1
    ");
    assert_snapshot!(sandbox.show("connect virtual fs sha265sum x"), @r"
    $ piton connect virtual fs sha265sum x
    --- stderr
    piton: 'sha265sum' is not a command of `fs`

    hint: did you mean `piton connect virtual fs sha256sum x`?
    --- exit 2
    ");
}

/// Options that fingers know from other systems.
#[test]
fn options_of_unix() {
    let sandbox = Sandbox::new();
    sandbox.write("data", "x".repeat(2048));
    let put = "connect virtual --quiet cp data : +";
    let plain = sandbox.run(&format!("{put} ls")).stdout();
    assert_eq!(plain, "        2048 data\n");
    for option in ["-l", "-a", "-la", "--long", "-l -a"] {
        let line = format!("{put} ls {option} :");
        assert_eq!(sandbox.run(&line).stdout(), plain, "{option}");
    }
    assert_eq!(
        sandbox.run(&format!("{put} ls -lh")).stdout(),
        "        2.0K data\n"
    );
    assert_snapshot!(sandbox.show(&format!("{put} mkdir -p a/b/c + mkdir -p a/b /a + tree")), @r"
    $ piton connect virtual --quiet cp data : + mkdir -p a/b/c + mkdir -p a/b /a + tree
    --- stdout
    :/
    ├── a
    │   └── b
    │       └── c
    └── data
    --- exit 0
    ");
    assert_snapshot!(sandbox.show(&format!("{put} mkdir -p data/b")), @r"
    $ piton connect virtual --quiet cp data : + mkdir -p data/b
    --- stderr
    piton: mkdir: 'data' is not a directory
    --- exit 1
    ");
    assert_snapshot!(sandbox.show(&format!("{put} mkdir a/b")), @r"
    $ piton connect virtual --quiet cp data : + mkdir a/b
    --- stderr
    piton: mkdir: a/b: No such file or directory.

    hint: the folder :a is not there: `piton mkdir -p :a` makes it
    --- exit 1
    ");
    assert_snapshot!(sandbox.show(&format!("{put} rm -f missing + rm -rf nothing data + ls")), @r"
    $ piton connect virtual --quiet cp data : + rm -f missing + rm -rf nothing data + ls
    --- exit 0
    ");
    assert_snapshot!(sandbox.show(&format!("{put} rm missing")), @r"
    $ piton connect virtual --quiet cp data : + rm missing
    --- stderr
    piton: rm: missing: No such file or directory.
    --- exit 1
    ");
    assert_snapshot!(sandbox.show(&format!("{put} cp data :new/dir/data")), @r"
    $ piton connect virtual --quiet cp data : + cp data :new/dir/data
    --- stderr
    piton: cp: new/dir/data: No such file or directory.

    hint: the folder :new/dir is not there: `piton mkdir -p :new/dir` makes it
    --- exit 1
    ");
    assert_snapshot!(sandbox.show(&format!("{put} cp data :new/")), @r"
    $ piton connect virtual --quiet cp data : + cp data :new/
    --- stderr
    piton: cp: :new/: No such file or directory.

    hint: the folder :new is not there: `piton mkdir -p :new` makes it
    --- exit 1
    ");
    assert_snapshot!(sandbox.show(&format!("{put} cp data data :new")), @r"
    $ piton connect virtual --quiet cp data : + cp data data :new
    --- stderr
    piton: cp: :new: No such file or directory.

    hint: the folder :new is not there: `piton mkdir -p :new` makes it
    --- exit 1
    ");
    assert_snapshot!(sandbox.show(&format!("{put} cp :data new/dir/data")), @r"
    $ piton connect virtual --quiet cp data : + cp :data new/dir/data
    --- stderr
    piton: cp: new/dir/data: No such file or directory.

    hint: there is no folder `new/dir` on this computer: make it first
    --- exit 1
    ");
    assert_snapshot!(sandbox.show(&format!("{put} touch new/data")), @r"
    $ piton connect virtual --quiet cp data : + touch new/data
    --- stderr
    piton: touch: new/data: No such file or directory.

    hint: the folder :new is not there: `piton mkdir -p :new` makes it
    --- exit 1
    ");
}

/// What happens to `line` on a board with a few files, and what is there afterwards.
#[track_caller]
fn check_patterns(line: &str, code: i32, expected: &str) {
    let sandbox = Sandbox::new();
    for name in ["here.py", "there.py", "a[b].txt", "x.txt"] {
        sandbox.write(name, name);
    }
    let make = "import os; os.mkdir('lib'); [open(n,'w').write(n) for n in ('a.py','b.py','c.txt','lib/x.mpy','lib/y.py','a[b].txt')]";
    let mut words = vec![
        "connect".to_owned(),
        "virtual".to_owned(),
        "exec".to_owned(),
        make.to_owned(),
    ];
    words.extend(["+".to_owned(), "resume".to_owned()]);
    words.extend(crate::support::words(line));
    let outcome = sandbox.run_words(&words);
    assert_eq!(
        (outcome.stdout() + &outcome.stderr(), outcome.code),
        (expected.to_owned(), Some(code)),
        "{line}"
    );
}

#[test]
fn patterns_stand_for_files_of_the_board_and_here() {
    check_patterns(
        "rm ':*.py' + ls",
        0,
        "rm :a.py\nrm :b.py\nls :\n           8 a[b].txt\n           5 c.txt\n           0 lib/\n",
    );
    check_patterns("rm ':lib/*'", 0, "rm :lib/x.mpy\nrm :lib/y.py\n");
    check_patterns(
        "ls ':lib/*.mpy'",
        0,
        "ls :lib/x.mpy\n           9 lib/x.mpy\n",
    );
    check_patterns("cat ':*/x.*'", 0, "lib/x.mpy");
    check_patterns(
        "cp '*here.py' :lib",
        0,
        "cp here.py :lib\ncp there.py :lib\n",
    );
    check_patterns("cp ':*.py' .", 0, "cp :a.py .\ncp :b.py .\n");
    check_patterns("mv '*.py' lib", 0, "mv :a.py :lib\nmv :b.py :lib\n");
    // There as it is written.
    check_patterns("cat ':a[b].txt'", 0, "a[b].txt");
    check_patterns(
        "cp 'a[b].txt' :",
        0,
        "cp a[b].txt :\nUp to date: ./a[b].txt\n",
    );
    check_patterns(
        "rm ':*.c'",
        1,
        "piton: rm: :*.c: nothing fits this pattern.\n",
    );
    check_patterns(
        "cp '*.c' :",
        1,
        "piton: cp: *.c: nothing fits this pattern.\n",
    );
    check_patterns(
        "rm 'none/*'",
        1,
        "piton: rm: none/*: nothing fits this pattern.\n",
    );
}

#[test]
fn mpremote_knows_no_patterns() {
    let sandbox = Sandbox::new();
    sandbox.write("a.py", "");
    let outcome = sandbox.run("mpremote connect virtual cp '*.py' :");
    assert_eq!(outcome.code, Some(1));
    let stderr = outcome.stderr();
    let message = "mpremote: cp: *.py: No such file or directory.\n";
    assert!(stderr.starts_with(message), "{stderr}");
}

#[test]
fn a_copy_without_a_colon_is_remarked_on() {
    let sandbox = Sandbox::new();
    sandbox.write("hello.py", "x");
    let outcome = sandbox.run("connect virtual cp hello.py main.py");
    assert_eq!(outcome.stdout(), "cp hello.py main.py\n");
    assert_eq!(
        outcome.stderr(),
        "nothing of this is on the board: a path there begins with `:`, as in `cp hello.py :`\n"
    );
    assert_eq!(sandbox.read("main.py"), b"x");
    for line in [
        "mpremote connect virtual cp hello.py main.py",
        "connect virtual cp hello.py :main.py",
    ] {
        assert_eq!(sandbox.run(line).stderr(), "", "{line}");
    }
}

#[test]
fn a_copied_folder_leaves_out_what_nobody_wants_on_a_board() {
    let sandbox = Sandbox::new();
    for folder in ["app/.git", "app/__pycache__", "app/sub"] {
        std::fs::create_dir_all(sandbox.path().join(folder)).unwrap();
    }
    for file in [
        "app/.git/HEAD",
        "app/__pycache__/m.pyc",
        "app/.env",
        "app/m.py",
        "app/sub/.DS_Store",
    ] {
        sandbox.write(file, "");
    }
    let list = "+ exec 'import os; print(sorted(os.listdir(\"app\")))'";
    let outcome = sandbox.run(&format!("connect virtual cp -r app : {list}"));
    assert_eq!(outcome.stdout(), "cp app :\n['m.py', 'sub']\r\n");
    assert_eq!(
        outcome.stderr(),
        "left out: `.env`, `.git`, `__pycache__`, `sub/.DS_Store`; `--no-ignore` copies them\n"
    );
    let everything = "['.env', '.git', '__pycache__', 'm.py', 'sub']\r\n";
    for line in [
        "connect virtual cp -r --no-ignore app :",
        "mpremote connect virtual cp -r app :",
    ] {
        let outcome = sandbox.run(&format!("{line} {list}"));
        assert!(
            outcome.stdout().ends_with(everything),
            "{}",
            outcome.stdout()
        );
        assert_eq!(outcome.stderr(), "");
    }
    // What is named is wanted.
    let outcome = sandbox.run("connect virtual cp app/.env : + cp -r app/.git : + exec 'print(open(\".git/HEAD\").read())'");
    assert_eq!((outcome.code, outcome.stderr().as_str()), (Some(0), ""));
}
