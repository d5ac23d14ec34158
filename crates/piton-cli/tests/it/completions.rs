//! Completion in a real shell, and of the paths on a board.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{Sandbox, run, virtual_board};

/// What Bash would offer for `line`, one candidate a line.
fn bash(sandbox: &Sandbox, line: &str) -> String {
    // A busy computer is late; the time of a completion is not what is tested.
    bash_in_time(sandbox, line, "60")
}

/// The same, with this factor of the time that a completion may take.
fn bash_in_time(sandbox: &Sandbox, line: &str, factor: &str) -> String {
    let script = sandbox.run("completions bash");
    sandbox.write("completions.bash", script.stdout);
    let program = env!("CARGO_BIN_EXE_piton");
    let mut command = Command::new("bash");
    // The environment is that of our own commands.
    for (name, value) in sandbox.piton().get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.env("PITON_TIMEOUT", factor);
    command.current_dir(sandbox.path()).args([
        "--noprofile",
        "--norc",
        "-c",
        ". ./completions.bash; COMP_LINE=$1; COMP_POINT=${#1}; _piton \"$0\"; printf '%s\\n' \"${COMPREPLY[@]}\"",
        program,
        line,
    ]);
    let outcome = run(command);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    outcome.stdout()
}

#[test]
fn bash_completes_commands_ports_and_paths_on_the_board() {
    let sandbox = Sandbox::new();
    let server = virtual_board::serve::pty(Arc::new(virtual_board())).unwrap();
    let port = server.path().to_str().unwrap();
    sandbox.write("a.txt", "");
    let line = format!(
        "connect {port} mkdir lib + cp a.txt ':my file' + cp a.txt :lib/a.py + cp a.txt ':$(reboot)'"
    );
    let outcome = sandbox.run(&line);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());

    assert_eq!(bash(&sandbox, "piton soft"), "soft-reset\n");
    assert_eq!(bash(&sandbox, "piton connect rfc"), "rfc2217://\n");
    assert_eq!(
        bash(&sandbox, &format!("piton connect {port} ls :l")),
        "lib/\n"
    );
    assert_eq!(
        bash(&sandbox, &format!("piton connect {port} cat lib/")),
        "lib/a.py\n"
    );
    // What the board says is not a shell's to run.
    assert_eq!(
        bash(&sandbox, &format!("piton connect {port} resume rm ")),
        "\\$\\(reboot\\)\nlib/\nmy\\ file\n"
    );
    // The board was not reset, and is at its prompt again.
    let outcome = sandbox.run(&format!("connect {port} resume exec 'x = 5'"));
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    bash(&sandbox, &format!("piton connect {port} ls :"));
    let outcome = sandbox.run(&format!("connect {port} resume eval x"));
    assert_eq!(outcome.stdout(), "5\r\n", "{}", outcome.stderr());
}

#[test]
fn a_board_that_is_busy_or_away_is_left_alone() {
    let sandbox = Sandbox::new();
    let server = virtual_board::serve::pty(Arc::new(virtual_board())).unwrap();
    let port = server.path().to_str().unwrap();
    let program = "import time; end = time.time() + 600\nwhile time.time() < end: pass";
    let words = ["connect", port, "exec", "--no-follow", program];
    assert_eq!(sandbox.run_words(&words).code, Some(0));
    let start = Instant::now();
    let line = format!("piton connect {port} ls :");
    assert_eq!(bash_in_time(&sandbox, &line, "1"), "\n");
    // Far from what entering a board's REPL takes, and from the test's limit.
    assert!(start.elapsed() < Duration::from_secs(20));
    assert_eq!(bash(&sandbox, "piton connect /no/such/port ls :"), "\n");
    assert_eq!(bash(&sandbox, "piton connect virtual ls :"), "\n");
    let mark = sandbox.path().join("mark");
    let line = format!("piton connect 'exec:touch {}' ls :", mark.display());
    assert_eq!(bash(&sandbox, &line), "\n");
    assert!(!mark.exists());
    // The program still runs: it was not interrupted.
    let outcome = sandbox.run_words(&[
        "connect",
        port,
        "resume",
        "exec",
        "print(end > time.time())",
    ]);
    assert_eq!(outcome.stdout(), "True\r\n", "{}", outcome.stderr());
}

#[test]
fn values_are_completed() {
    let sandbox = Sandbox::new();
    assert_eq!(
        bash(&sandbox, "piton mip "),
        "install\nlist\nuninstall\nupdate\n"
    );
    assert_eq!(
        bash(&sandbox, "piton romfs "),
        "build\ncat\ndeploy\ndiff\nextract\nls\nquery\nverify\n"
    );
    assert_eq!(bash(&sandbox, "piton virtual "), "serve\n");
    assert_eq!(
        bash(&sandbox, "piton build --target circ"),
        "circuitpython-7\ncircuitpython-8\ncircuitpython-9\ncircuitpython-10\n"
    );
    // After `=` Bash completes the value alone.
    assert_eq!(
        bash(&sandbox, "piton build --target=micropython-1.2"),
        (20..30)
            .map(|minor| format!("micropython-1.{minor}\n"))
            .collect::<String>()
    );
    assert_eq!(bash(&sandbox, "piton sync --links f"), "follow\n");
    assert_eq!(bash(&sandbox, "piton connect virt"), "virtual\nvirtual:\n");
    assert_eq!(bash(&sandbox, "piton help roms"), "\n");
    assert_eq!(bash(&sandbox, "piton help rom"), "romfs\n");
}

#[test]
fn installed_packages_are_completed() {
    let sandbox = Sandbox::new();
    let server = virtual_board::serve::pty(Arc::new(virtual_board())).unwrap();
    let port = server.path().to_str().unwrap();
    for name in ["blinker", "beeper"] {
        sandbox.write(&format!("{name}.py"), "");
    }
    let line = format!("connect {port} mip install ./blinker.py ./beeper.py");
    let outcome = sandbox.run(&line);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    let uninstall = format!("piton connect {port} mip uninstall ");
    assert_eq!(bash(&sandbox, &uninstall), "./blinker.py\n./beeper.py\n");
    assert_eq!(
        bash(&sandbox, &format!("{uninstall}./bl")),
        "./blinker.py\n"
    );
    let second = format!("{uninstall}./beeper.py ");
    assert_eq!(bash(&sandbox, &second), "./blinker.py\n");
    // A board that does not take part is no trouble.
    assert_eq!(bash(&sandbox, "piton connect virtual mip uninstall "), "\n");
}

#[test]
fn scripts_are_put_where_shells_look() {
    let sandbox = Sandbox::new();
    let home = sandbox.path();
    let piton = |words: &[&str], shell: &str| {
        let mut command = sandbox.piton();
        command.args(words).env("HOME", &home).env("SHELL", shell);
        for variable in [
            "XDG_DATA_HOME",
            "XDG_CONFIG_HOME",
            "ZDOTDIR",
            "BASH_COMPLETION_USER_DIR",
        ] {
            command.env_remove(variable);
        }
        run(command)
    };
    for (shell, place) in [
        ("bash", ".local/share/bash-completion/completions/piton"),
        ("zsh", ".zfunc/_piton"),
        ("fish", ".config/fish/completions/piton.fish"),
    ] {
        let path = home.join(place);
        let script = sandbox.run(&format!("completions {shell}")).stdout();
        let outcome = piton(&["completions", "--install"], &format!("/usr/bin/{shell}"));
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
        assert_eq!(
            outcome.stdout(),
            format!("{} has the script\n", path.display())
        );
        assert!(
            outcome.stderr().contains("new terminal"),
            "{}",
            outcome.stderr()
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), script);
        let again = piton(&["completions", "--install", shell], "/bin/sh");
        assert_eq!(
            again.stdout(),
            format!("{} has the script already\n", path.display())
        );
        // An older script of ours is replaced, in one step.
        std::fs::write(&path, "# Completion of piton's command line, of old\n").unwrap();
        let outcome = piton(&["--json", "completions", "--install", shell], "/bin/sh");
        let facts: serde_json::Value = serde_json::from_slice(&outcome.stdout).unwrap();
        assert_eq!(facts["changed"], true);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), script);
        let names = std::fs::read_dir(path.parent().unwrap()).unwrap();
        assert_eq!(names.count(), 1, "something is left beside {place}");

        let outcome = piton(&["completions", "--uninstall", shell], "/bin/sh");
        assert_eq!(outcome.stdout(), format!("{} is removed\n", path.display()));
        assert!(!path.exists());
        let outcome = piton(&["completions", "--uninstall", shell], "/bin/sh");
        assert_eq!(
            (outcome.code, outcome.stdout()),
            (Some(0), format!("{} was not there\n", path.display()))
        );
        // What is not ours stays.
        std::fs::write(&path, "# somebody's own\n").unwrap();
        for option in ["--install", "--uninstall"] {
            let outcome = piton(&["completions", option, shell], "/bin/sh");
            assert_eq!(outcome.code, Some(1), "{}", outcome.stdout());
            assert_eq!(
                std::fs::read_to_string(&path).unwrap(),
                "# somebody's own\n"
            );
        }
    }
    for (words, shell) in [
        (["completions", "--install"].as_slice(), "/bin/sh"),
        (&["completions", "--install", "powershell"], "/bin/bash"),
        (&["completions"], "/bin/bash"),
        (&["completions", "--install", "--uninstall"], "/bin/bash"),
    ] {
        let outcome = piton(words, shell);
        assert_eq!(outcome.code, Some(2), "{words:?}");
        assert!(
            outcome.stderr().contains("\n\nhint: "),
            "{}",
            outcome.stderr()
        );
    }
    // zsh is told the rest, once its `.zshrc` names the folder.
    let told = |outcome: crate::support::Outcome| outcome.stderr().contains(".zshrc");
    std::fs::remove_file(home.join(".zfunc/_piton")).unwrap();
    assert!(told(piton(&["completions", "--install", "zsh"], "/bin/sh")));
    std::fs::write(home.join(".zshrc"), "fpath+=(~/.zfunc)\n").unwrap();
    assert!(!told(piton(
        &["completions", "--install", "zsh"],
        "/bin/sh"
    )));
}

#[test]
fn each_shell_has_a_script() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let outcome = sandbox.run(&format!("completions {shell}"));
        assert_eq!(outcome.code, Some(0));
        let call = format!("__complete {shell}");
        assert!(outcome.stdout().contains(&call), "{}", outcome.stdout());
    }
    assert_eq!(sandbox.run("completions tcsh").code, Some(2));
}
