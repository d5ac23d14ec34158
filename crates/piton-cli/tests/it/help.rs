//! `help`, `version`, and what wrong usage gets.

use insta::assert_snapshot;

use crate::support::Sandbox;

#[test]
fn the_list_of_commands() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.show("help"));
    assert_eq!(sandbox.run("--help").stdout, sandbox.run("help").stdout);
}

#[test]
fn the_help_of_a_command() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.show("exec --help"));
    assert_snapshot!(sandbox.show("help cp"));
    assert_snapshot!(sandbox.show("help frobnicate"));
    assert_snapshot!(sandbox.show("tree --help"));
    let of_mv = sandbox.run("fs mv --help").stdout();
    assert!(
        of_mv.contains("Usage: piton fs mv SOURCE... DESTINATION"),
        "{of_mv}"
    );
    assert_eq!(sandbox.run("help mv").stdout(), of_mv);
    let of_all = sandbox.run("fs --help").stdout();
    assert!(
        of_all.contains("--recursive") && of_all.contains("--human"),
        "{of_all}"
    );
}

#[test]
fn a_mistyped_command() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.show("connect virtual exce 1"), @r"
    $ piton connect virtual exce 1
    --- stderr
    piton: 'exce' is not a command

    hint: did you mean `exec`?
    hint: `piton help` lists the commands
    --- exit 2
    ");
    assert_snapshot!(sandbox.show("help tre"), @r"
    $ piton help tre
    --- stderr
    piton: 'tre' is not a command

    hint: did you mean `tree`?
    hint: `piton help` lists the commands
    --- exit 2
    ");
}

#[test]
fn the_version_of_each_face() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.show("version"), @r"
    $ piton version
    --- stdout
    piton 0.1.0
    --- exit 0
    ");
    assert_snapshot!(sandbox.show("--version ignored"), @r"
    $ piton --version ignored
    --- stdout
    piton 0.1.0
    --- exit 0
    ");
    assert_snapshot!(sandbox.show("--json version"), @r#"
    $ piton --json version
    --- stdout
    {"version":"0.1.0"}
    --- exit 0
    "#);
    assert_snapshot!(sandbox.show("mpremote version"), @r"
    $ piton mpremote version
    --- stdout
    mpremote 1.29.0
    --- exit 0
    ");
}

#[cfg(unix)]
#[test]
fn a_link_named_mpremote_is_mpremote() {
    let sandbox = Sandbox::new();
    let link = sandbox.path().join("mpremote");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_piton"), &link).unwrap();
    let mut command = std::process::Command::new(link);
    command.arg("--version");
    let outcome = crate::support::run(command);
    assert_eq!(outcome.stdout(), "mpremote 1.29.0\n");
}

#[test]
fn wrong_usage_is_told_before_anything_runs() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.show("connect virtual eval 1 frobnicate"), @r"
    $ piton connect virtual eval 1 frobnicate
    --- stderr
    piton: 'frobnicate' is not a command

    hint: `piton help` lists the commands
    --- exit 2
    ");
    assert_snapshot!(sandbox.show("connect virtual exec"), @r"
    $ piton connect virtual exec
    --- stderr
    error: the following required arguments were not provided:
      <CODE>

    Usage: piton exec <CODE>

    For more information, try '--help'.
    --- exit 2
    ");
    assert_snapshot!(sandbox.show("connect virtual exec 1 --no-follow"), @r"
    $ piton connect virtual exec 1 --no-follow
    --- stderr
    piton: '--no-follow' is not a command

    hint: options come before the other arguments of their command
    --- exit 2
    ");
    assert_snapshot!(sandbox.show("exec --follow --no-follow 1"), @r"
    $ piton exec --follow --no-follow 1
    --- stderr
    error: the argument '--follow' cannot be used with '--no-follow'

    Usage: piton exec --follow <CODE>

    For more information, try '--help'.
    --- exit 2
    ");
    assert_snapshot!(sandbox.show("sleep soon"), @r"
    $ piton sleep soon
    --- stderr
    error: invalid value 'soon' for '<SECONDS>': expected a number of seconds

    For more information, try '--help'.
    --- exit 2
    ");
    assert_snapshot!(sandbox.show("eval 1 --vm"), @r"
    $ piton eval 1 --vm
    --- stderr
    piton: `--vm` needs a value
    --- exit 2
    ");
    sandbox.write("main.py", "");
    assert_snapshot!(sandbox.show("main.py"), @r"
    $ piton main.py
    --- stderr
    piton: 'main.py' is not a command

    hint: `piton run main.py` runs a local script on the board
    --- exit 2
    ");
}

#[test]
fn the_other_face_finds_out_when_it_gets_there() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.show("mpremote connect virtual eval 1 frobnicate"), @r"
    $ piton mpremote connect virtual eval 1 frobnicate
    --- stdout
    1\r
    --- stderr
    mpremote: 'frobnicate' is not a command

    hint: `mpremote help` lists the commands
    --- exit 1
    ");
}
