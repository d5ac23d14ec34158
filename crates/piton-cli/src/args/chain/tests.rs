use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use super::*;

/// The commands as mpremote's own parser would have recorded them: see `tests/mpremote_parser.py`.
fn describe(words: &[&str], compatibility: &Compatibility, config: &Config) -> Value {
    let words = words
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<String>>();
    let chain = parse(&words, compatibility, config);
    let mut steps = chain
        .commands
        .iter()
        .map(describe_command)
        .collect::<Vec<Value>>();
    steps.extend(match &chain.end {
        End::Complete
            if matches!(
                chain.commands.last(),
                Some(Command::Help(_) | Command::Version)
            ) =>
        {
            Some(json!("exit 0"))
        }
        End::Complete if chain.commands.iter().any(Command::is_action) => None,
        End::Complete => Some(json!("repl")),
        End::Help(_) | End::MpremoteHelp(_) => Some(json!("exit 0")),
        End::Invalid(UsageError::Arguments(_) | UsageError::Argparse { .. }) => {
            Some(json!("exit 2"))
        }
        End::Invalid(error) => Some(json!(format!("error: mpremote: {error}"))),
    });
    Value::Array(steps)
}

fn describe_command(command: &Command) -> Value {
    match command {
        Command::Connect(args) => json!(["connect", { "device": [args.device] }]),
        Command::Disconnect => json!(["disconnect", {}]),
        Command::Resume => json!(["resume", {}]),
        Command::SoftReset => json!(["soft-reset", {}]),
        Command::Reset(_) => json!("reset"),
        Command::Bootloader => json!("bootloader"),
        Command::Df => json!("df"),
        Command::Eval(args) => json!(["eval", { "expr": [args.expression] }]),
        Command::Exec(args) => {
            json!(["exec", { "follow": !args.watch.no_follow, "expr": [args.code] }])
        }
        Command::Run(args) => {
            json!(["run", { "follow": !args.watch.no_follow, "path": [args.path] }])
        }
        Command::Repl(args) => json!(["repl", {
            "escape_non_printable": args.escape_non_printable,
            "capture": args.capture,
            "inject_code": args.inject_code,
            "inject_file": args.inject_file,
        }]),
        Command::Mount(args) => {
            json!(["mount", { "unsafe_links": args.unsafe_links, "path": [args.path] }])
        }
        Command::Umount => json!(["umount", {}]),
        Command::Sleep(args) => json!(["sleep", { "ms": [args.seconds.as_secs_f64()] }]),
        Command::Edit(args) => json!(["edit", { "files": args.files }]),
        Command::Romfs(args) => json!(["romfs", {
            "mpy": !args.no_mpy,
            "output": args.output,
            "partition": args.partition.unwrap_or(0),
            "command": [args.command],
            "path": args.path,
        }]),
        Command::Rtc(args) => json!(["rtc", { "set": args.set }]),
        Command::Fs(args) => json!(["fs", {
            "recursive": args.recursive,
            "force": args.force,
            "verbose": if args.verbose { Some(true) } else { args.no_verbose.then_some(false) },
            "size": args.size,
            "human": args.human,
            "command": [args.command],
            "path": if args.path.is_empty() { vec![String::new()] } else { args.path.clone() },
        }]),
        Command::Mip(args) => json!(["mip", {
            "mpy": !args.no_mpy,
            "target": args.target,
            "index": args.index,
            "command": [args.command],
            "packages": args.packages,
        }]),
        Command::Version => json!(["version", {}]),
        Command::Help(_) => json!(["help", {}]),
        Command::Info
        | Command::Devs
        | Command::Doctor
        | Command::Completions(_)
        | Command::Udev(_)
        | Command::Virtual(_)
        | Command::Latency(_)
        | Command::Select
        | Command::New(_)
        | Command::SelfCheck(_)
        | Command::Micropython(_)
        | Command::Test(_)
        | Command::Build(_)
        | Command::Verify(_)
        | Command::Deploy(_)
        | Command::Keygen(_)
        | Command::Compile(_)
        | Command::Minify(_)
        | Command::Manifest(_)
        | Command::Freeze(_)
        | Command::Index(_)
        | Command::Inspect(_)
        | Command::Project(_)
        | Command::Sync(_) => json!("not mpremote's"),
    }
}

/// Asks mpremote. Its folder of settings is below `config_home`.
fn ask_mpremote(lines: &[Vec<&str>], config_home: &Path) -> Vec<Value> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mpremote_parser.py");
    // The interpreter of the environment that mpremote is installed in.
    let mut python = std::process::Command::new(
        Path::new(test_programs::mpremote().get_program()).with_file_name("python3"),
    )
    .arg(script)
    .env("XDG_CONFIG_HOME", config_home)
    .stdin(Stdio::piped())
    .stdout(Stdio::piped())
    .spawn()
    .unwrap();
    let question = serde_json::to_vec(lines).unwrap();
    python.stdin.take().unwrap().write_all(&question).unwrap();
    let output = python.wait_with_output().unwrap();
    let answer: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    answer.into_iter().map(normalize).collect()
}

/// Replaces different words with the same meaning.
fn normalize(steps: Value) -> Value {
    let Value::Array(steps) = steps else {
        return steps;
    };
    let steps = steps.into_iter().map(|mut step| {
        // A flag of mpremote that sets a name without effect.
        if let Some(arguments) = step.get_mut(1).and_then(Value::as_object_mut) {
            arguments.remove("escape-non-printable");
        }
        // Shortcuts for code there, commands here.
        let code = step
            .pointer("/1/expr/0")
            .and_then(Value::as_str)
            .unwrap_or_default();
        match code {
            _ if code.starts_with("\nimport os,vfs\n") => json!("df"),
            _ if code.ends_with("machine.reset()") => json!("reset"),
            _ if code.ends_with("machine.bootloader()") => json!("bootloader"),
            _ => step,
        }
    });
    Value::Array(steps.collect())
}

fn check_against_mpremote(lines: &[Vec<&str>]) {
    check_with_config(lines, "");
}

/// Check lines with a `config.py`.
fn check_with_config(lines: &[Vec<&str>], config_py: &str) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("mpremote")).unwrap();
    std::fs::write(folder.path().join("mpremote/config.py"), config_py).unwrap();
    let config = Config::from_python(config_py);
    assert_eq!(config.remarks, []);
    for (line, expected) in lines.iter().zip(ask_mpremote(lines, folder.path())) {
        assert_eq!(
            describe(line, Compatibility::MPREMOTE, &config),
            expected,
            "{line:?}"
        );
    }
}

#[test]
fn lines_that_people_write_mean_what_they_mean_to_mpremote() {
    let lines: &[&str] = &[
        "",
        "+",
        "a0",
        "u1 ls",
        "c3",
        "devs",
        "df",
        "df ls",
        "reset",
        "bootloader",
        "help",
        "--help",
        "version",
        "--version",
        "version ls",
        "connect list",
        "connect auto",
        "connect id:334D335C3138 ls",
        "connect port:/dev/ttyUSB0 repl",
        "connect /dev/ttyUSB0 repl --capture log.txt",
        "connect",
        "connect --list",
        "connect -h",
        "disconnect resume",
        "resume",
        "resume --verbose",
        "resume exec x",
        "resume -- ls",
        "soft-reset exec x",
        "sleep 0.5 eval 1",
        "sleep soon",
        "sleep",
        "eval 1/2 eval 3/4",
        "eval -1",
        "eval -1.5",
        "eval -.5",
        "eval -x",
        "eval -- -x",
        "eval",
        "exec --no-follow x ls",
        "exec --no-f x",
        "exec --foll x",
        "exec -f -f x",
        "exec -ff x",
        "exec -f --no-follow x",
        "exec x --no-follow",
        "exec --help",
        "exec -h",
        "exec --helpless",
        "exec --follow=1 x",
        "run main.py ls",
        "run --no-follow main.py + ls",
        "repl",
        "repl eval 1",
        "repl -e eval 1",
        "repl --esc",
        "repl --capture=x --inject-c 1+1 eval 1",
        "repl --inject x",
        "repl --capture",
        "repl --capture -x",
        "repl --inject-file f --inject-code c --capture d",
        "fs",
        "fs ls",
        "fs ls :",
        "fs ls :lib eval 1",
        "fs ls :lib + eval 1",
        "fs --help",
        "fs cp a b :",
        "fs -r cp a b :",
        "fs cp -r a b :",
        "fs cp a -r b :",
        "fs cp a b : -r",
        "fs cp",
        "fs tree -s",
        "fs -v ls x",
        "ls",
        "ls -v",
        "ls --no-verbose",
        "ls + + +",
        "ls + sleep 1 eval 1",
        "cp -rf a :b + ls",
        "cp -rfv a :b",
        "cp --rec --forc a :b",
        "cp a",
        "cat :main.py",
        "cat -v :main.py + cat :boot.py",
        "tree -sh",
        "tree -hv",
        "tree -h -s",
        "tree --size :lib",
        "rm -r :/",
        "rm -v --no-verbose :a",
        "touch a b c",
        "mkdir a + rmdir a",
        "sha256sum -- -odd-",
        "edit",
        "edit :main.py",
        "edit a b + ls",
        "edit a -x",
        "rtc",
        "rtc --set ls",
        "rtc -s --no-set",
        "rtc --no-set eval 1",
        "mip install a",
        "mip install a@1 github:o/r + ls",
        "mip --target /x --index http://i install --no-mpy a",
        "mip install --target /x a b --index=i",
        "mip -m install a ls",
        "mip install -m --tar /x a",
        "mip install",
        "mip --mpy --no-mpy install a",
        "mip install a --target /x",
        "romfs query",
        "romfs query ls",
        "romfs -p 1 query",
        "romfs --partition=1 query + ls",
        "romfs -p x query",
        "romfs -p1 deploy app exec x",
        "romfs deploy",
        "romfs build app",
        "romfs -o out.img build app + ls",
        "romfs --no-mpy -m build app",
        "romfs --out a --part 3 build app ls",
        "romfs",
        "foo",
        "ls + foo",
        "eval 1 foo",
        "eval 1 --no-follow",
        "ls -x",
        "ls -h",
        "-v",
    ];
    let mut lines = lines
        .iter()
        .map(|line| line.split(' ').filter(|word| !word.is_empty()).collect())
        .collect::<Vec<Vec<&str>>>();
    lines.push(vec!["exec", "-x + 1", "ls"]);
    lines.push(vec!["exec", ""]);
    lines.push(vec!["ls", ""]);
    check_against_mpremote(&lines);
}

/// Shortcuts of all the forms there are.
const CONFIG_PY: &str = r#"
# "quoted
commands = {
    "one": "eval 1",
    "list": ["exec", "print('a b')", "ls"],
    "double x=4": {"command": "eval x*2", "help": "x" " times 2",},
    "sum a b=2 c": {"command": ["eval", "a+b+c"]},
    "flash x": "double + one",
    "twice": "double 5 double",
    "both x=1": "double",
    "empty": "",
    "none x=1": "",
    "ls": "fs -v ls",
    "reset": "soft-reset",
    "a0": """connect
        id:1""",
    r'raw\d': u'eval 1' ' eval 2',
    "tuple": ("sleep", "1"),
    "bad": "frobnicate",
}
commands["late"] = "run x.py"
"#;

#[test]
fn shortcuts_of_config_py_mean_what_they_mean_to_mpremote() {
    let lines: &[&str] = &[
        "one",
        "one one",
        "list",
        "list :lib",
        "double",
        "double 5",
        "double x=6",
        "double x=6=7",
        "double y=6",
        "double 5 y=6",
        "double 5 6",
        "double + 5",
        "sum",
        "sum 1",
        "sum 1 2",
        "sum 1 2 3",
        "sum 1 b=2 3",
        "sum a=1 c=3",
        "sum b=1 c=3",
        "sum +",
        "sum 1 2 3 d=4",
        "flash 7",
        "flash 7 x=8",
        "flash",
        "twice",
        "twice 6",
        "both",
        "both 2 3",
        "both x=2 x=3",
        "both 2 y=3",
        "empty one",
        "empty empty one",
        "none 3 one",
        "none ls",
        "ls",
        "ls :lib",
        "reset",
        "a0 ls",
        r"raw\d",
        "tuple one",
        "bad",
        "late ls",
        "eval 1 double",
        "eval 1 double 3 one x=3",
        "connect double one",
    ];
    let lines = lines
        .iter()
        .map(|line| line.split(' ').collect())
        .collect::<Vec<Vec<&str>>>();
    check_with_config(&lines, CONFIG_PY);
}

#[test]
fn random_lines_of_shortcuts_mean_what_they_mean_to_mpremote() {
    const WORDS: &[&str] = &[
        "one",
        "list",
        "double",
        "sum",
        "flash",
        "twice",
        "both",
        "empty one",
        "ls",
        "reset",
        "a0",
        "late",
        "+",
        "+",
        "5",
        "x=6",
        "a=1",
        "b=2",
        "z=3",
        "eval",
        "x",
    ];
    let lines = random_lines(WORDS, 400);
    let lines = lines
        .iter()
        .map(|line| line.iter().flat_map(|word| word.split(' ')).collect())
        .collect::<Vec<Vec<&str>>>();
    check_with_config(&lines, CONFIG_PY);
}

#[test]
fn shortcuts_that_stand_for_themselves_end() {
    let config = Config::from_python(
        "commands = {'a': 'b', 'b': 'a x', 'c': 'c', 'd': 'e', 'e': '', 'ls': 'fs ls'}",
    );
    for (line, expected) in [
        ("a", "shortcut `a` refers to itself: a -> b -> a"),
        ("b", "shortcut `b` refers to itself: b -> a -> b"),
        ("c", "shortcut `c` refers to itself: c -> c"),
        ("d e d e ls ls", "Complete"),
        ("d", "Complete"),
    ] {
        let words: Vec<String> = line.split(' ').map(ToOwned::to_owned).collect();
        let found = match parse(&words, Compatibility::PITON, &config).end {
            End::Invalid(error) => error.to_string(),
            end => format!("{end:?}"),
        };
        assert_eq!(found, expected, "{line}");
    }
}

#[test]
fn random_lines_mean_what_they_mean_to_mpremote() {
    const WORDS: &[&str] = &[
        "connect",
        "port:x",
        "disconnect",
        "resume",
        "soft-reset",
        "sleep",
        "1",
        "2.5",
        "eval",
        "exec",
        "run",
        "repl",
        "fs",
        "ls",
        "cp",
        "cat",
        "rm",
        "tree",
        "+",
        "+",
        "+",
        "--no-follow",
        "--follow",
        "-f",
        "-r",
        "-v",
        "-rf",
        "--verb",
        "--capture",
        "--inject-code",
        "-e",
        "--",
        "a",
        ":b",
        "x y",
        "-s",
        "--human",
        "df",
        "a0",
        "devs",
    ];
    let mut lines = random_lines(WORDS, 4000);
    lines.retain(|line| {
        // There `df` is a word for `exec CODE`, whose parser drops a `--` after the code; and what a second `--`
        // means depends on the version of Python.
        let dashes = line.iter().filter(|word| **word == "--").count();
        dashes <= 1 && !line.windows(2).any(|pair| pair == ["df", "--"])
    });
    check_against_mpremote(&lines);
}

/// Lines of up to 8 of these words: the same lines every time.
fn random_lines(words: &[&'static str], count: usize) -> Vec<Vec<&'static str>> {
    // A linear congruential generator (Numerical Recipes).
    let mut state = 1u32;
    let mut below = |limit: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % limit
    };
    (0..count)
        .map(|_| {
            let length = 1 + below(8);
            (0..length).map(|_| words[below(words.len())]).collect()
        })
        .collect()
}

fn check(line: &str) -> String {
    let words = line
        .split(' ')
        .map(ToOwned::to_owned)
        .collect::<Vec<String>>();
    let chain = parse(&words, Compatibility::PITON, &Config::default());
    let end = match &chain.end {
        End::Invalid(error) => format!("{error}"),
        end => format!("{end:?}"),
    };
    format!("{line}\n{:?}\n{:#?}\n{end}", chain.options, chain.commands)
}

#[test]
fn global_options_may_stand_wherever_a_command_or_option_may() {
    let line = "--quiet --baud 9600 --dtr off --vm file info --rts keep --json --password x \
                --reset-on-connect";
    insta::assert_snapshot!(check(line), @r#"
--quiet --baud 9600 --dtr off --vm file info --rts keep --json --password x --reset-on-connect
GlobalOptions { json: true, verbosity: Normal, quiet: true, vm: Some("file"), timeout: None, open: OpenOptions { baud_rate: 9600, lines: LineStates { dtr: Off, rts: Keep }, unread: Drop, connect_timeout: 10s, password: Some(Password(..)) }, reset_on_connect: true, no_reconnect: false }
[
    Info,
]
Complete
"#);
    insta::assert_snapshot!(check("ls --json : --verbose"), @r#"
    ls --json : --verbose
    GlobalOptions { json: true, verbosity: Decisions, quiet: false, vm: None, timeout: None, open: OpenOptions { baud_rate: 115200, lines: LineStates { dtr: On, rts: On }, unread: Drop, connect_timeout: 10s, password: None }, reset_on_connect: false, no_reconnect: false }
    [
        Fs(
            Args {
                help: None,
                recursive: false,
                no_recursive: false,
                force: false,
                no_force: false,
                verbose: false,
                no_verbose: false,
                size: false,
                human: false,
                long: false,
                all: false,
                parents: false,
                no_ignore: false,
                command: "ls",
                path: [
                    ":",
                ],
            },
        ),
    ]
    Complete
    "#);
    insta::assert_snapshot!(check("eval 1 --vm"), @r#"
    eval 1 --vm
    GlobalOptions { json: false, verbosity: Normal, quiet: false, vm: None, timeout: None, open: OpenOptions { baud_rate: 115200, lines: LineStates { dtr: On, rts: On }, unread: Drop, connect_timeout: 10s, password: None }, reset_on_connect: false, no_reconnect: false }
    [
        Eval(
            Args {
                expression: "1",
            },
        ),
    ]
    `--vm` needs a value
    "#);
}
