//! What a person has set up: mpremote's `config.py` and our own `config.toml`.

use insta::assert_snapshot;

use crate::support::{Sandbox, run, words};

/// A sandbox with these two files, where Linux has them.
fn sandbox(config_py: &str, config_toml: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    for (folder, name, text) in [
        ("mpremote", "config.py", config_py),
        ("piton", "config.toml", config_toml),
    ] {
        let folder = sandbox.path().join("../home/.config").join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), text).unwrap();
    }
    sandbox
}

const CONFIG_PY: &str = r#"
import os
commands = {
    "double x=4": {"command": "eval x*2", "help": "Print the double of x"},
    "port": "connect " + os.environ["PORT"],
    "both": "eval 1",
}
"#;

const CONFIG_TOML: &str = r#"
board = "desk"

[boards]
desk = "virtual"

[commands]
both = "eval 2"

[commands.greet]
command = ["exec", "print('hello', name)"]
params = ["name='you'"]
"#;

#[test]
fn shortcuts_and_boards() {
    let sandbox = sandbox(CONFIG_PY, CONFIG_TOML);
    assert_snapshot!(sandbox.show("--quiet connect desk double 21 both + greet"), @r"
    $ piton --quiet connect desk double 21 both + greet
    --- stdout
    42\r
    2\r
    hello you\r
    --- exit 0
    ");
    assert_snapshot!(sandbox.show("both"), @r#"
    $ piton both
    --- stdout
    2\r
    --- stderr
    piton: [HOME]/.config/mpremote/config.py, line 2: `import` needs Python
    piton: [HOME]/.config/mpremote/config.py, line 5: command `port`: expected nothing more after the literal, found `+ os.environ["PORT"]`

    hint: piton reads config.py without running it: write a literal there, or set the shortcut up in piton's config.toml
    --- exit 0
    "#);
    assert_snapshot!(sandbox.show("--quiet port"), @r#"
    $ piton --quiet port
    --- stderr
    piton: shortcut `port` is not known: [HOME]/.config/mpremote/config.py, line 5: command `port`: expected nothing more after the literal, found `+ os.environ["PORT"]`

    hint: piton reads config.py without running it: write a literal there, or set the shortcut up in piton's config.toml
    --- exit 1
    "#);
    assert_snapshot!(sandbox.show("--quiet double y=1"), @r"
    $ piton --quiet double y=1
    --- stderr
    piton: Command double given unexpected argument y; signature is:
        double x=4
    --- exit 2
    ");
    assert_snapshot!(sandbox.show("mpremote connect virtual both"), @r#"
    $ piton mpremote connect virtual both
    --- stdout
    1\r
    --- stderr
    mpremote: [HOME]/.config/mpremote/config.py, line 2: `import` needs Python
    mpremote: [HOME]/.config/mpremote/config.py, line 5: command `port`: expected nothing more after the literal, found `+ os.environ["PORT"]`

    hint: piton reads config.py without running it: write a literal there, or set the shortcut up in piton's config.toml
    --- exit 0
    "#);
    assert_snapshot!(sandbox.show("--quiet help double"), @r"
    $ piton --quiet help double
    --- stdout
    Print the double of x

    Usage: double x=4

    Stands for: eval x*2
    --- exit 0
    ");
    let help = sandbox.run("help").stdout();
    let from = help.find("Your shortcuts").unwrap();
    let to = help.find("Options:").unwrap();
    assert_snapshot!(&help[from..to], @r"
    Your shortcuts:
      double x=4        Print the double of x
      port              (not read)
      both              eval 2
      greet name='you'  exec print('hello', name)
    ");
}

#[test]
fn a_mistake_in_config_toml_stops_everything() {
    let sandbox = sandbox("", "\n[commands]\nx = 1\n");
    assert_snapshot!(sandbox.show("version"), @r"
    $ piton version
    --- stderr
    piton: [HOME]/.config/piton/config.toml, line 3: command `x` must be a string or an array of strings
    --- exit 1
    ");
    // The other face knows nothing of it.
    assert_eq!(sandbox.run("mpremote version").code, Some(0));
}

#[test]
fn a_file_that_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write("mine.toml", "board = 'virtual'");
    let mut command = sandbox.piton();
    command
        .env("PITON_CONFIG", "mine.toml")
        .args(words("eval 6*7"));
    let outcome = run(command);
    assert_eq!(
        (outcome.stdout(), outcome.code),
        ("42\r\n".to_owned(), Some(0))
    );
    let mut command = sandbox.piton();
    command.env("PITON_CONFIG", ".").arg("version");
    let outcome = run(command);
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stderr().starts_with("piton: could not read `.`: "),
        "{}",
        outcome.stderr()
    );
}
