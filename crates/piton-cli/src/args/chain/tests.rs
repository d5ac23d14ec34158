use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use super::*;

/// The commands as mpremote's own parser would have recorded them: see `tests/mpremote_parser.py`.
fn describe(words: &[&str], face: Face) -> Value {
    let words = words
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<String>>();
    let chain = parse(&words, face);
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
        End::Help(_) => Some(json!("exit 0")),
        End::Invalid(UsageError::Arguments(_)) => Some(json!("exit 2")),
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
        Command::Reset => json!("reset"),
        Command::Bootloader => json!("bootloader"),
        Command::Df => json!("df"),
        Command::Eval(args) => json!(["eval", { "expr": [args.expression] }]),
        Command::Exec(args) => {
            json!(["exec", { "follow": !args.no_follow, "expr": [args.code] }])
        }
        Command::Run(args) => json!(["run", { "follow": !args.no_follow, "path": [args.path] }]),
        Command::Repl(args) => json!(["repl", {
            "escape_non_printable": args.escape_non_printable,
            "capture": args.capture,
            "inject_code": args.inject_code,
            "inject_file": args.inject_file,
        }]),
        Command::Sleep(args) => json!(["sleep", { "ms": [args.seconds.as_secs_f64()] }]),
        Command::Fs(args) => json!(["fs", {
            "recursive": args.recursive,
            "force": args.force,
            "verbose": if args.verbose { Some(true) } else { args.no_verbose.then_some(false) },
            "size": args.size,
            "human": args.human,
            "command": [args.command],
            "path": if args.path.is_empty() { vec![String::new()] } else { args.path.clone() },
        }]),
        Command::Version => json!(["version", {}]),
        Command::Help(_) => json!(["help", {}]),
        Command::Info | Command::Virtual(_) | Command::Compile(_) | Command::Inspect(_) => {
            json!("not mpremote's")
        }
    }
}

/// Ask mpremote.
fn ask_mpremote(lines: &[Vec<&str>]) -> Vec<Value> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mpremote_parser.py");
    // The interpreter of the environment that mpremote is installed in.
    let mut python = std::process::Command::new(
        Path::new(test_programs::mpremote().get_program()).with_file_name("python3"),
    )
    .arg(script)
    // No macros of whoever runs this.
    .env("XDG_CONFIG_HOME", "/nonexistent")
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

/// What is said in other words but means the same.
fn normalize(steps: Value) -> Value {
    let Value::Array(steps) = steps else {
        return steps;
    };
    let steps = steps.into_iter().map(|mut step| {
        // A flag of mpremote's that sets a name nobody reads.
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
    for (line, expected) in lines.iter().zip(ask_mpremote(lines)) {
        assert_eq!(describe(line, Face::Mpremote), expected, "{line:?}");
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
    // A linear congruential generator (Numerical Recipes): the same lines every time.
    let mut state = 1u32;
    let mut below = |limit: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % limit
    };
    let mut lines = Vec::new();
    for _ in 0..4000 {
        let length = 1 + below(8);
        let line = (0..length)
            .map(|_| WORDS[below(WORDS.len())])
            .collect::<Vec<&str>>();
        // There `df` is a word for `exec CODE`, whose parser drops a `--` after the code; and what a second `--`
        // means depends on the version of Python.
        let dashes = line.iter().filter(|word| **word == "--").count();
        if dashes <= 1 && !line.windows(2).any(|pair| pair == ["df", "--"]) {
            lines.push(line);
        }
    }
    check_against_mpremote(&lines);
}

fn check(line: &str) -> String {
    let words = line
        .split(' ')
        .map(ToOwned::to_owned)
        .collect::<Vec<String>>();
    let chain = parse(&words, Face::Piton);
    let end = match &chain.end {
        End::Invalid(error) => format!("{error}"),
        end => format!("{end:?}"),
    };
    format!("{line}\n{:?}\n{:#?}\n{end}", chain.options, chain.commands)
}

#[test]
fn global_options_may_stand_wherever_a_command_or_option_may() {
    insta::assert_snapshot!(check("--quiet --vm file info --json"), @r#"
--quiet --vm file info --json
GlobalOptions { json: true, verbose: false, quiet: true, vm: Some("file") }
[
    Info,
]
Complete
"#);
    insta::assert_snapshot!(check("ls --json : --verbose"), @r#"
    ls --json : --verbose
    GlobalOptions { json: true, verbose: true, quiet: false, vm: None }
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
    GlobalOptions { json: false, verbose: false, quiet: false, vm: None }
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
