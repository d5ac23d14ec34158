use super::*;

/// What is understood of a `config.py`: the shortcuts, then the remarks.
fn check(text: &str) -> String {
    let mut config = Config::default();
    read(Path::new("config.py"), text, &mut config);
    let mut lines: Vec<String> = config
        .shortcuts
        .iter()
        .map(|shortcut| {
            let words = match &shortcut.words {
                Ok(words) => format!("{words:?}"),
                Err(_) => "?".to_owned(),
            };
            format!("{}: {words} {:?}", shortcut.signature(), shortcut.help)
        })
        .collect();
    lines.extend(config.remarks.iter().map(ToString::to_string));
    lines.join("\n")
}

#[test]
fn the_example_of_the_reference() {
    // docs/reference/mpremote.rst, "Shortcuts", with what people add.
    insta::assert_snapshot!(check(r#"
"""My board's commands."""
# PORT is on the left.
commands = {
    "c33": "connect id:334D335C3138",  # a "quoted" comment, with {
    "bl": "bootloader",
    'double x=4': {"command": "eval x*2", "help": "x" ' times 2'},  # x=4 is the default
    "wl_scan": ["exec", """
import network
wl = network.WLAN()
print('#', wl.scan())
""",],
    r"test ": (
        "mount . "
        "exec \"import test\""  # goes on
    ),
    f'x': u"run x.py", "": "a",
}
"#), @r#"
    c33: ["connect", "id:334D335C3138"] ""
    bl: ["bootloader"] ""
    double x=4: ["eval", "x*2"] "x times 2"
    wl_scan: ["exec", "\nimport network\nwl = network.WLAN()\nprint('#', wl.scan())\n"] ""
    test: ["mount", ".", "exec", "\"import", "test\""] ""
    x: ["run", "x.py"] ""
    config.py, line 17: a command needs a name
    "#);
}

#[test]
fn forms_of_assignment() {
    insta::assert_snapshot!(check(
        "\u{feff}commands: dict[str, str] = {'a': 'b'}; commands['c'] = 'd'\r\npass\r\n\
         x = y = 1 \\\n\n commands = 1\n"
    ), @r#"
    a: ["b"] ""
    c: ["d"] ""
    config.py, line 5: unexpected indentation
    "#);
    // The last one counts; the same name counts once.
    insta::assert_snapshot!(check(
        "commands = {'a': 'b'}\nother = commands = ({'c': 'd', 'c x': ('e', 'f')})"
    ), @r#"c x: ["e", "f"] """#);
    assert_eq!(check(""), "");
    assert_eq!(check("commands = {}"), "");
}

#[test]
fn what_needs_python_is_named_and_costs_only_itself() {
    insta::assert_snapshot!(check(r#"import os
PORT = os.environ["PORT"]
if PORT:
    commands = {}
    commands["x"] = "y"
commands = {
    "good": "ls",
    "bad": "connect " + PORT,
    "worse": f"connect {PORT}",
    PORT: "ls",
    **more,
    "number": 1,
    "list": ["a", 1],
    "dict": {"help": "none"},
    "help": {"command": "a", "help": 1},
    "bytes": b"ls",
}
commands |= {"a": "b"}
commands.update({"a": "b"})
a, b = 1, 2
print("hello")
@decorated
def f():
    pass
commands["late"] = "ls"
commands[f()] = "ls"
"#), @r#"
    good: ["ls"] ""
    bad: ? ""
    worse: ? ""
    number: ? ""
    list: ? ""
    dict: ? ""
    help: ? ""
    bytes: ? ""
    late: ["ls"] ""
    config.py, line 1: `import` needs Python
    config.py, line 2: expected a value, found `os.environ["PORT"]`
    config.py, line 3: `if` needs Python
    config.py, line 8: command `bad`: expected nothing more after the literal, found `+ PORT`
    config.py, line 9: command `worse`: an f-string needs Python
    config.py, line 10: expected a value, found `PORT`
    config.py, line 11: expected `"name": command` in `commands`
    config.py, line 12: command `number`: expected a string, a list of strings, or a dict with `command` and `help`
    config.py, line 13: command `list`: expected a string, a list of strings, or a dict with `command` and `help`
    config.py, line 14: command `dict`: its dict has no `command`
    config.py, line 15: command `help`: its `help` must be a string
    config.py, line 16: command `bytes`: expected a string, a list of strings, or a dict with `command` and `help`
    config.py, line 18: expected a value, found `commands |= {"a": "b"}`
    config.py, line 19: expected a value, found `commands.update({"a": "b"})`
    config.py, line 20: expected a name before `=`
    config.py, line 21: expected a value, found `print("hello")`
    config.py, line 22: a decorator needs Python
    config.py, line 23: `def` needs Python
    config.py, line 26: expected a value, found `f()`
    "#);
}

#[test]
fn names_of_literals_are_known_until_something_can_change_them() {
    insta::assert_snapshot!(check(
        "PORT = 'a0'\ncommands = {'a': ['connect', PORT]}\nfor x in y:\n  PORT = 'b'\ncommands['b'] = PORT\n"
    ), @r#"
    a: ["connect", "a0"] ""
    b: ? ""
    config.py, line 3: `for` needs Python
    config.py, line 5: command `b`: expected a value, found `PORT`
    "#);
}

#[test]
fn broken_text_never_panics() {
    for (text, expected) in [
        (
            "commands = {'a': 'b'",
            "config.py, line 1: this bracket is not closed",
        ),
        (
            "commands = {'a': 'b}",
            "config.py, line 1: this string is not closed",
        ),
        (
            "commands = '''",
            "config.py, line 1: this string is not closed",
        ),
        (
            "commands = 1",
            "config.py, line 1: `commands` is not a dict literal: piton reads this file without Python",
        ),
        (
            ")",
            "config.py, line 1: nothing is open that this bracket closes",
        ),
        (
            "commands = ",
            "config.py, line 1: `commands` is not a dict literal: piton reads this file without Python",
        ),
        (
            "commands = {'a' 'b', , }",
            "config.py, line 1: expected `\"name\": command` in `commands`",
        ),
    ] {
        let found = check(text);
        assert_eq!(found.lines().next(), Some(expected), "{text}: {found}");
    }
    let hard = "c = {[(\"'\\\n#f\"\"\"'''{}:=,;é\u{0}";
    let symbols: Vec<char> = hard.chars().collect();
    let mut state = 1_u32;
    for _ in 0..3000 {
        let text: String = (0..24)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                symbols[(state >> 8) as usize % symbols.len()]
            })
            .collect();
        check(&format!("commands = {text}"));
        check(&text);
    }
    check(&format!("commands = {}", "{'a':".repeat(100_000)));
}
