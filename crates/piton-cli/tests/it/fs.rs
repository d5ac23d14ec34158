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
    piton: fs: 'frobnicate' is not a command; pass fs --help for a list
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
