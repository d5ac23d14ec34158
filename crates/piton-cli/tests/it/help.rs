//! `help`, `version`, and what wrong usage gets.

use insta::assert_snapshot;

use crate::support::Sandbox;

#[test]
fn the_list_of_commands() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.show("help"));
    let list = sandbox.run("help").stdout();
    for line in ["--help", "-h", "--verbose -h"] {
        assert_eq!(sandbox.run(line).stdout(), list, "{line}");
    }
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
        of_mv.contains("Usage: piton mv SOURCE... DESTINATION"),
        "{of_mv}"
    );
    assert_eq!(sandbox.run("help mv").stdout(), of_mv);
    let of_all = sandbox.run("fs --help").stdout();
    assert!(
        of_all.contains("--recursive") && of_all.contains("--human"),
        "{of_all}"
    );
}

/// `-h` after a command is its help, with an example, whatever else is or is not there. `tree -h` and `ls -lh` show sizes.
#[test]
fn each_command_explains_itself() {
    let sandbox = Sandbox::new();
    let list = sandbox.run("help").stdout();
    let names: Vec<&str> = list
        .lines()
        .take_while(|line| !line.starts_with("Boards"))
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .collect();
    assert!(names.len() > 40, "{names:?}");
    for name in names {
        let long = sandbox.run(&format!("{name} --help"));
        assert_eq!(long.code, Some(0), "{name}: {}", long.stderr());
        assert!(
            long.stdout().contains("\nExample"),
            "{name}: {}",
            long.stdout()
        );
        if name != "tree" {
            let short = sandbox.run(&format!("{name} -h"));
            assert_eq!(short.code, Some(0), "{name}: {}", short.stderr());
            assert!(
                short.stdout().contains("\nUsage: piton "),
                "{name}: {}",
                short.stdout()
            );
        }
    }
    let of_cp = sandbox.run("help cp").stdout();
    for line in [
        "cp -h",
        "cp --help",
        "fs cp -h",
        "-h cp",
        "cp -r -h",
        "cp -h a :",
    ] {
        assert_eq!(sandbox.run(line).stdout(), of_cp, "{line}");
    }
}

#[test]
fn words_of_other_tools_get_the_line_to_type() {
    let sandbox = Sandbox::new();
    let mut all = String::new();
    for line in [
        "install aioble",
        "instal aioble",
        "a0 put main.py lib/main.py + repl",
        "get data.csv",
        "devices",
        "list",
        "monitor",
        "reboot",
        "flash firmware.uf2",
        "erase_flash",
        "pytest",
        "freeze",
        "init",
        "mip instal aioble",
        "mip remove aioble",
        "romfs bild assets",
        "virtual start --pty",
        "fs delete main.py",
        "mip frobnicate",
        "help upload",
    ] {
        all += &sandbox.show(line);
        all.push_str("\n\n");
    }
    assert_snapshot!(all);
    // Nothing was done.
    assert!(std::fs::read_dir(sandbox.path()).unwrap().next().is_none());
}

#[test]
fn wrong_arguments_are_told_in_one_style() {
    let sandbox = Sandbox::new();
    let mut all = String::new();
    for line in [
        "cp",
        "cp -a lib :",
        "cp main.py",
        "cp :main.py",
        "mv main.py",
        "mkdir",
        "mkdir -a x",
        "ls -lR",
        "eval",
        "mip",
        "mip install",
        "virtual serve",
        "virtual serve --pty --tcp 127.0.0.1:0",
        "run -x main.py",
        "run --vebose main.py",
        "--vebose ls",
        "--port /dev/ttyACM0 ls",
        "ls : --rec",
        "exec --follow=3 1",
        "build --target circuitpython",
        "build --target esp32",
        "build -O9",
        "sync --links maybe app",
        "sync --links",
        "sync --follow app",
        "completions tcsh",
        "keygen one two",
        "sleep -x",
    ] {
        all += &sandbox.show(line);
        all.push_str("\n\n");
    }
    assert_snapshot!(all);
}

#[test]
fn errors_as_json() {
    let sandbox = Sandbox::new();
    let error = |line: &str| {
        let outcome = sandbox.run(line);
        let stderr = outcome.stderr();
        let last = stderr.lines().last().unwrap_or_default();
        let value: serde_json::Value = serde_json::from_str(last).unwrap();
        assert_eq!(value["error"]["exit_code"], outcome.code.unwrap(), "{line}");
        value["error"].clone()
    };
    assert_snapshot!(error("--json connect virtual ls nofile").to_string(), @r#"{"exit_code":1,"hints":[],"kind":"file","message":"ls: nofile: No such file or directory."}"#);
    assert_snapshot!(error("mip instal x --json").to_string(), @r#"{"exit_code":2,"hints":["did you mean `piton mip install x --json`?"],"kind":"usage","message":"'instal' is not a command of `mip`"}"#);
    let kinds: Vec<String> = [
        "--json connect virtual exec 1/0",
        "--json connect virtual run exit.py",
        "--json connect /dev/ttyMISSING ls",
        "--json connect id:nobody ls",
        "--json connect exec:true ls",
        "--json connect ws:// ls",
        "--json run missing.py",
        "--json verify",
        "--json compile missing",
        "exec --json",
        "--json connect virtual cp missing :",
        "--baud x --json",
    ]
    .iter()
    .map(|line| {
        sandbox.write("exit.py", "import sys\nsys.exit(7)");
        let error = error(line);
        format!("{line}: {} {}", error["kind"], error["exit_code"])
    })
    .collect();
    assert_snapshot!(kinds.join("\n"));
    // What a program is given is the program's.
    let outcome = sandbox.run("connect virtual frobnicate -- --json");
    assert!(
        outcome.stderr().starts_with("piton: "),
        "{}",
        outcome.stderr()
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
    for line in ["-V", "-v", "-V ignored"] {
        assert_eq!(sandbox.run(line).stdout(), "piton 0.1.0\n", "{line}");
    }
    // With a command it is `--verbose`, and twice it has the bytes.
    let outcome = sandbox.run("-vv connect virtual eval 1");
    assert_eq!(
        (outcome.code, outcome.stdout().as_str()),
        (Some(0), "1\r\n")
    );
    assert!(
        outcome.stderr().contains("raw REPL"),
        "{}",
        outcome.stderr()
    );
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
    assert_snapshot!(sandbox.show("connect virtual exec"), @r#"
    $ piton connect virtual exec
    --- stderr
    piton: `exec` needs CODE

    hint: the form is `piton exec [OPTIONS] <CODE>`, for example `piton exec "import machine; print(machine.freq())"`; `piton help exec` has more
    --- exit 2
    "#);
    assert_snapshot!(sandbox.show("connect virtual exec 1 --no-follow"), @r"
    $ piton connect virtual exec 1 --no-follow
    --- stderr
    piton: `--no-follow` must come before the other arguments of `exec`

    hint: put it before them: `piton connect virtual exec --no-follow 1`
    --- exit 2
    ");
    assert_snapshot!(sandbox.show("exec --follow --no-follow 1"), @r#"
    $ piton exec --follow --no-follow 1
    --- stderr
    piton: `exec`: `--follow` and `--no-follow` do not go together

    hint: the form is `piton exec [OPTIONS] <CODE>`, for example `piton exec "import machine; print(machine.freq())"`; `piton help exec` has more
    --- exit 2
    "#);
    assert_snapshot!(sandbox.show("sleep soon"), @r"
    $ piton sleep soon
    --- stderr
    piton: `sleep soon`: expected a number of seconds

    hint: the form is `piton sleep <SECONDS>`, for example `piton reset sleep 2 repl`; `piton help sleep` has more
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

/// What is new under our own name is not there under mpremote's.
#[test]
fn the_other_face_has_no_part_in_this() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.show("mpremote -h"), @r"
    $ piton mpremote -h
    --- stderr
    mpremote: '-h' is not a command

    hint: options come before the other arguments of their command
    --- exit 1
    ");
    assert_snapshot!(sandbox.show("mpremote pip aioble"), @r"
    $ piton mpremote pip aioble
    --- stderr
    mpremote: 'pip' is not a command

    hint: did you mean `mip`?
    hint: `mpremote help` lists the commands
    --- exit 1
    ");
    assert_snapshot!(sandbox.show("mpremote ls -l"), @r"
    $ piton mpremote ls -l
    --- stderr
    usage: fs [--help] [--recursive | --no-recursive] [--force | --no-force]
              [--verbose | --no-verbose] [--size | --human]
              command path [path ...] ...
    fs: error: unrecognized arguments: -l
    --- exit 2
    ");
    assert_snapshot!(sandbox.show("mpremote mkdir -p a"), @r"
    $ piton mpremote mkdir -p a
    --- stderr
    usage: fs [--help] [--recursive | --no-recursive] [--force | --no-force]
              [--verbose | --no-verbose] [--size | --human]
              command path [path ...] ...
    fs: error: unrecognized arguments: -p
    --- exit 2
    ");
    assert_snapshot!(sandbox.show("mpremote ls --all"), @r"
    $ piton mpremote ls --all
    --- stderr
    usage: fs [--help] [--recursive | --no-recursive] [--force | --no-force]
              [--verbose | --no-verbose] [--size | --human]
              command path [path ...] ...
    fs: error: unrecognized arguments: --all
    --- exit 2
    ");
    assert_snapshot!(sandbox.show("mpremote sync --foo a"), @r"
    $ piton mpremote sync --foo a
    --- stderr
    error: unexpected argument '--foo' found

      tip: a similar argument exists: '--follow'

    Usage: mpremote sync --follow <SOURCE> [DESTINATION]

    For more information, try '--help'.
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
