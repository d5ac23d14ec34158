//! Secret keys with a password: made, opened, asked for.

use insta::assert_snapshot;

use crate::build::{piton, project, told};
#[cfg(unix)]
use crate::support::Sandbox;
#[cfg(unix)]
use crate::terminal::Terminal;

/// Made by minisign 0.11, with little memory to be had; the password is `one two`.
pub(crate) const KEY: &str = "untrusted comment: minisign encrypted secret key\n\
    RWRTY0IygydDAR8lrNbdoUP4FfHqKZtb4IW6iv3c3x5PyqWIJ3UAABAAAAAAAAAAAAIAAAAAlmAeFUJpIppWJ9rX7O20d+YYKnFqfA7Kayu\
    +ict7J8/J0okOZoUvY2fZQ24Pyu/f6241+cLpHWPXES8U/UMtIOUsZLg8bZ1W2H60xjQ1MScQiVewfawsdB+iZOCb2QaoS7BJDspcOQM=\n";
const PUBLIC: &str = "RWRZprKi90mo2nENsolkDJwmdzDmBMwXHbS64rykctDgqqjiQW7GRO/M";

/// As [`told`], with a password in the environment.
fn told_with(sandbox: &crate::support::Sandbox, line: &str, password: &str) -> String {
    let outcome = piton(sandbox, line, &[("PITON_SIGN_PASSWORD", password)]);
    let text = format!("{}{}", outcome.stdout(), outcome.stderr());
    format!(
        "$ PITON_SIGN_PASSWORD={password:?} piton {line}\n{text}--- exit {}",
        outcome.code.unwrap()
    )
}

#[test]
fn without_a_terminal_the_password_is_in_the_environment() {
    let sandbox = project();
    sandbox.write("mini.key", KEY);
    assert_snapshot!(told(&sandbox, "build --sign mini.key"));
    // As a secret looks that a service does not hand out.
    assert_snapshot!(told_with(&sandbox, "build --sign mini.key", ""));
    assert_snapshot!(told_with(&sandbox, "build --sign mini.key", "one"));
    assert!(!sandbox.path().join("build").exists());
    // With the line end that a secret may have.
    assert_snapshot!(told_with(&sandbox, "build --sign mini.key", "one two\n"));
    assert_snapshot!(told(&sandbox, &format!("verify --key {PUBLIC}")));
    // A key without a password needs none: the variable does not matter.
    assert_eq!(piton(&sandbox, "keygen -W plain.key", &[]).code, Some(0));
    let outcome = told_with(&sandbox, "build --sign plain.key", "one");
    assert!(outcome.ends_with("--- exit 0"), "{outcome}");
}

#[test]
fn a_new_key_without_a_terminal() {
    let sandbox = project();
    assert_snapshot!(told(&sandbox, "keygen"));
    assert!(!sandbox.path().join("piton.key").exists());
    let made = told_with(&sandbox, "keygen", "horse");
    assert!(made.contains("its password cannot be recovered"), "{made}");
    let text = String::from_utf8(sandbox.read("piton.key")).unwrap();
    assert!(
        text.starts_with("untrusted comment: minisign encrypted secret key "),
        "{text}"
    );
    assert!(
        told_with(&sandbox, "build --sign piton.key", "horses").contains("the password is wrong")
    );
    let built = told_with(&sandbox, "build --sign piton.key", "horse");
    assert!(built.ends_with("--- exit 0"), "{built}");
    assert!(told(&sandbox, "verify --key piton.pub").ends_with("--- exit 0"));
    // Neither half is replaced.
    std::fs::remove_file(sandbox.path().join("piton.key")).unwrap();
    assert!(told_with(&sandbox, "keygen", "horse").contains("piton.pub"));
    assert!(!sandbox.path().join("piton.key").exists());
}

#[cfg(unix)]
fn at_a_terminal(sandbox: &Sandbox, line: &[&str]) -> Terminal {
    let mut command = sandbox.piton();
    command
        .args(line)
        .env_remove("CI")
        .env("SOURCE_DATE_EPOCH", "1770374762");
    Terminal::start(command)
}

#[cfg(unix)]
#[test]
fn a_person_is_asked() {
    let sandbox = project();
    let new = |first: &str, second: &str| {
        let mut terminal = at_a_terminal(&sandbox, &["keygen"]);
        terminal.wait_for("New password of `piton.key`: ");
        terminal.type_keys(format!("{first}\r").as_bytes());
        if !first.is_empty() {
            terminal.wait_for("Once more: ");
            terminal.type_keys(format!("{second}\r").as_bytes());
        }
        let status = terminal.wait_for_end();
        assert!(first.is_empty() || !terminal.shown().contains(first));
        (status.code(), terminal)
    };
    let (code, terminal) = new("horse", "house");
    assert_eq!(code, Some(1));
    terminal.wait_for("the two passwords are not the same");
    let (code, terminal) = new("", "");
    assert_eq!(code, Some(1));
    terminal.wait_for("an empty password protects nothing");
    assert!(!sandbox.path().join("piton.key").exists());
    let (code, _) = new("horse", "horse");
    assert_eq!(code, Some(0));

    let mut terminal = at_a_terminal(&sandbox, &["build", "--no-cache", "--sign", "piton.key"]);
    terminal.wait_for("Password of `piton.key`: ");
    terminal.type_keys(b"horse\r");
    assert!(terminal.wait_for_end().success());
    assert!(!terminal.shown().contains("horse"), "{}", terminal.shown());
    assert!(told(&sandbox, "verify --key piton.pub").ends_with("--- exit 0"));

    let mut terminal = at_a_terminal(&sandbox, &["build", "--sign", "piton.key"]);
    terminal.wait_for("Password of");
    terminal.type_keys(b"ho\x03");
    assert_eq!(terminal.wait_for_end().code(), Some(1));
}

#[cfg(unix)]
#[test]
fn a_build_that_watches_asks_once() {
    let sandbox = project();
    sandbox.write("mini.key", KEY);
    let line = ["build", "--no-cache", "--watch", "--sign", "mini.key"];
    let mut terminal = at_a_terminal(&sandbox, &line);
    terminal.wait_for("Password of `mini.key`: ");
    terminal.type_keys(b"one two\r");
    let at = terminal.wait_for("watching for changes");
    sandbox.write(
        "src/lib/answer.py",
        "def answer(n):\n    return n * 8 - 6\n",
    );
    terminal.wait_for_after(at, "watching for changes");
    rustix::process::kill_process(terminal.pid(), rustix::process::Signal::INT).unwrap();
    terminal.wait_for_end();
    assert_eq!(terminal.shown().matches("Password of").count(), 1);
    assert!(told(&sandbox, &format!("verify --key {PUBLIC}")).ends_with("--- exit 0"));
}
