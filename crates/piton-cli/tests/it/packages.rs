//! Projects and their packages, as a user has them: an index that the test serves, and the virtual board.

use insta::assert_snapshot;
use serde_json::json;

use crate::mip::Place;
use crate::web::Answer;

/// A project in the folder of the commands, and the packages `leaf` 1.0 and 1.1 and `tree` 2.0, which needs it, as sources.
fn project(dependencies: &str) -> Place {
    let place = Place::new();
    let mut list = Vec::new();
    for (name, version, needs) in [
        ("leaf", "1.0", None),
        ("leaf", "1.1", None),
        ("tree", "2.0", Some("^1")),
    ] {
        let content = format!("VERSION = '{name} {version}'\n");
        let digest = piton::path::Sha256Hex::of(content.as_bytes()).to_string();
        let hash = &digest[..8];
        let web = &place.index.web;
        web.put_text(&format!("/pi/file/{}/{hash}", &hash[..2]), content);
        let needs: Vec<[&str; 2]> = needs.iter().map(|range| ["leaf", *range]).collect();
        let description = json!({"v": 1, "version": version, "hashes": [[format!("{name}.py"), hash]], "deps": needs});
        web.put_text(
            &format!("/pi/package/py/{name}/{version}.json"),
            description.to_string(),
        );
        list.push((name, version));
    }
    let packages = json!([
        {"name": "leaf", "version": "1.1", "description": "a green thing", "versions": {"py": ["1.0", "1.1"]}},
        {"name": "tree", "version": "2.0", "description": "many of them", "versions": {"py": ["2.0"]}},
    ]);
    place.index.web.put_text(
        "/pi/index.json",
        json!({"v": 2, "packages": packages}).to_string(),
    );
    place.sandbox.write(
        "pyproject.toml",
        format!(
            "[tool.piton]\nname = \"app\"\npackage_indices = [\"{}\"]\n{dependencies}",
            place.index.url()
        ),
    );
    std::fs::create_dir(place.sandbox.path().join("app")).unwrap();
    place.sandbox.write(
        "app/__init__.py",
        "import tree\nprint('app with', tree.VERSION)\n",
    );
    place
}

/// What a line prints that needs no board.
fn show(place: &Place, line: &str) -> String {
    let mut command = place.sandbox.piton();
    command.args(crate::support::words(line));
    let cache = place.sandbox.path().parent().unwrap().join("cache");
    command.env("PITON_CACHE_DIR", cache).env("NETRC", "");
    let outcome = crate::support::run(command);
    let text = format!(
        "$ piton {line}\n{}{}--- exit {}",
        outcome.stdout(),
        outcome.stderr(),
        outcome.code.unwrap()
    );
    let folder = place.sandbox.path().display().to_string();
    text.replace(&place.index.url(), "INDEX")
        .replace(&folder, "[FOLDER]")
}

/// The names of the files on the board.
fn names(place: &Place) -> String {
    let root = place.sandbox.path().join("flash");
    let mut names = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => names.push(path.strip_prefix(&root).unwrap().display().to_string()),
            }
        }
    }
    names.sort();
    names.join(" ")
}

/// What these lines print, one after the other.
fn story(place: &Place, lines: &[&str]) -> String {
    let shown = lines.iter().map(|line| show(place, line));
    shown.collect::<Vec<_>>().join("\n\n")
}

#[test]
fn from_an_empty_project_to_one_with_packages_and_back() {
    let place = project("");
    assert_snapshot!(story(
        &place,
        &[
            "search green",
            "add --dry-run tree",
            "add tree leaf^1.0",
            "list",
            "list --tree",
            "why leaf",
            "lock",
            "lock --locked",
            "outdated",
            "remove tree",
            "remove tree",
            "why tree",
            "clean",
            "vendor out",
            "update none",
            "install leaf",
            "--json list",
            "--quiet --json add tree",
        ],
    ));
    let text = String::from_utf8(place.sandbox.read("pyproject.toml")).unwrap();
    assert!(
        text.ends_with("[tool.piton.dependencies]\nleaf = \"^1.0\"\ntree = \"*\"\n"),
        "{text}"
    );
}

#[test]
fn a_project_is_installed_once_and_again_and_what_it_lost_is_removed() {
    let place = project("[tool.piton.dependencies]\ntree = \"*\"\n");
    place.sandbox.write("start.py", "import app\n");
    show(&place, "lock");
    let mut text = Vec::new();
    for line in [
        "install --no-mpy --main start.py",
        "install --no-mpy --main start.py",
        "mip list",
        "exec 'import app'",
        "install --dry-run",
        "install",
        "exec 'import app'",
        "mip update",
    ] {
        text.push(place.show(line));
        if line.starts_with("install") {
            text.push(names(&place));
        }
    }
    show(&place, "remove tree");
    place
        .sandbox
        .write("app/__init__.py", "print('app alone')\n");
    for line in ["install", "mip list"] {
        text.push(place.show(line));
    }
    text.push(names(&place));
    assert_snapshot!(text.join("\n\n"));
}

#[test]
fn what_cannot_be_installed_is_told() {
    let place = project("[tool.piton.dependencies]\ntree = \"*\"\n");
    show(&place, "lock");
    let mut text = Vec::new();
    place
        .sandbox
        .write(".belay/dependencies/main/tree.py", "mine");
    text.push(place.show("install"));
    place.sandbox.write("app/bad.py", "def (\n");
    show(&place, "lock");
    text.push(place.show("install"));
    let settings = format!(
        "[tool.piton]\npackage_indices = [\"{}\"]\n[tool.piton.dependencies]\ntree = \"^3\"\n",
        place.index.url()
    );
    place.sandbox.write("pyproject.toml", settings);
    for line in [
        "install --locked",
        "install",
        "install --with none",
        "install --device virtual --device tests://none --frozen",
        "install --device virtual --device virtual --frozen",
        "install --run x.txt",
    ] {
        text.push(place.show(line));
    }
    place
        .sandbox
        .write("pyproject.toml", "[tool.piton.dependencies]\nx = 1\n");
    text.push(show(&place, "list"));
    std::fs::remove_file(place.sandbox.path().join("pyproject.toml")).unwrap();
    text.push(show(&place, "list"));
    let folder = place.sandbox.path().display().to_string();
    assert_snapshot!(text.join("\n\n").replace(&folder, "[FOLDER]"));
}

#[test]
fn native_code_for_a_board_without_it_is_an_error_in_the_own_code_only() {
    let place = project("[tool.piton.dependencies]\ndriver = \"./driver.py\"\n");
    let native = "import micropython\n@micropython.viper\ndef f(): pass\n";
    place.sandbox.write("driver.py", native);
    show(&place, "lock");
    let installed = place.show("install");
    assert!(installed.ends_with("--- exit 0"), "{installed}");
    assert!(
        names(&place).contains("lib/driver/__init__.py"),
        "{}",
        names(&place)
    );
    place.sandbox.write("app/fast.py", native);
    let refused = place.show("install");
    assert!(
        refused.contains("fast.py`: its line 2 asks for native code"),
        "{refused}"
    );
    assert!(!names(&place).contains("fast.py"), "{}", names(&place));
}

#[test]
fn the_failure_of_one_board_does_not_stop_the_others() {
    let place = project("");
    let path = |name: &str| place.sandbox.path().join(name);
    for board in ["first", "second"] {
        std::fs::create_dir(path(board)).unwrap();
    }
    place.sandbox.write(
        "config.toml",
        "[boards]\ndesk = 'virtual:second'\n[groups]\nhouse = ['virtual:first', 'virtual:missing', 'desk']\n",
    );
    let piton = |line: &str| {
        let mut command = place.sandbox.piton();
        command.args(crate::support::words(line));
        command.env("PITON_CONFIG", path("config.toml"));
        crate::support::run(command)
    };
    let outcome = piton("install --no-mpy --device virtual:first --device house");
    let told = outcome.stderr();
    assert_eq!(outcome.code, Some(1), "{told}");
    assert!(
        told.contains("virtual:missing: could not use `missing`"),
        "{told}"
    );
    for (name, board) in [("virtual:first", "first"), ("desk", "second")] {
        let line = format!("{name}: 1 file written");
        assert_eq!(told.matches(&line).count(), 1, "{told}");
        let installed = std::fs::read(path(board).join("app/__init__.py")).unwrap();
        assert_eq!(installed, place.sandbox.read("app/__init__.py"));
    }
    let alone = piton("--json install --no-mpy --device desk").stdout();
    assert!(
        alone.starts_with("{\"board\":\"virtual:second\",\"written\":[]"),
        "{alone}"
    );
    let told = piton("connect house").stderr();
    let hint = "`house` is the group of virtual:first, virtual:missing, desk: a line is for one board; \
                `piton install --device house` is for all of them";
    assert!(told.contains(hint), "{told}");
    let told = piton("install --with nope").stderr();
    assert!(told.contains("there is no group `nope`"), "{told}");
}

#[test]
fn passwords_go_to_their_server_only_and_are_in_no_output() {
    let place = project("[tool.piton.dependencies]\nleaf = \"*\"\n");
    let netrc = place.sandbox.path().join("netrc");
    std::fs::write(&netrc, "machine 127.0.0.1 login me password s3cret\n").unwrap();
    let mut command = place.sandbox.piton();
    command.args(["-vv", "lock"]).env("NETRC", &netrc);
    let outcome = crate::support::run(command);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    let said = format!("{}{}", outcome.stdout(), outcome.stderr());
    let lock = String::from_utf8(place.sandbox.read("piton.lock")).unwrap();
    for text in [&said, &lock] {
        assert!(!text.contains("s3cret") && !text.contains("bWU6"), "{text}");
    }
    let heads = place.index.web.take_heads();
    let header = "authorization: basic bwu6cznjcmv0";
    assert!(
        heads
            .iter()
            .all(|head| head.to_lowercase().contains(header)),
        "{heads:?}"
    );
}

#[test]
fn a_busy_server_is_asked_again_and_a_redirection_to_a_file_is_refused() {
    let place = project("[tool.piton.dependencies]\nleaf = \"*\"\n");
    let web = &place.index.web;
    web.put("/pi/index.json", Answer::Status(503));
    let busy = show(&place, "lock");
    let secret = place.sandbox.path().join("secret");
    std::fs::write(&secret, "s3cret").unwrap();
    web.put(
        "/pi/index.json",
        Answer::Redirect(format!("file://{}", secret.display())),
    );
    let said = show(&place, "lock");
    let lock = place.sandbox.path().join("piton.lock");
    let lock = std::fs::read_to_string(lock).unwrap_or_default();
    assert!(
        !said.contains("s3cret") && !lock.contains("file:"),
        "{said}{lock}"
    );
    assert_snapshot!(busy);
}

#[test]
fn the_cache_is_shown_and_cleared() {
    let place = project("[tool.piton.dependencies]\nleaf = \"*\"\n");
    show(&place, "lock");
    let text = story(
        &place,
        &[
            "cache list",
            "cache clear git",
            "cache clear",
            "cache -n --all clear",
            "cache --all clear",
            "cache list",
        ],
    );
    let lines = text.lines().map(|line| match line.split_once(" (") {
        Some((before, _)) if line.ends_with("bytes)") => format!("{before} (... bytes)"),
        _ => line.to_owned(),
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    assert_snapshot!(text);
}

/// The settings, the lock and the dependencies of a project.
fn state_of(place: &Place) -> String {
    let read = |path: &str| {
        let bytes = std::fs::read(place.sandbox.path().join(path)).unwrap_or_default();
        String::from_utf8(bytes).unwrap()
    };
    let own = (0..10).map(|module| read(&format!(".belay/dependencies/main/own/m{module}.py")));
    read("pyproject.toml") + &read("piton.lock") + &own.collect::<String>()
}

#[test]
fn a_process_that_is_killed_leaves_the_old_state_or_the_new_one() {
    let place = project("[tool.piton.dependencies]\nown = \"./own\"\n");
    let sandbox = &place.sandbox;
    std::fs::create_dir(sandbox.path().join("own")).unwrap();
    let write_state = |state: u32| {
        for module in 0..10 {
            let content = format!("STATE = {state}, {module}\n");
            sandbox.write(&format!("own/m{module}.py"), content);
        }
    };
    let piton = |line: &str| {
        let mut command = sandbox.piton();
        let cache = sandbox.path().parent().unwrap().join("cache");
        command.env("PITON_CACHE_DIR", cache).env("NETRC", "");
        command.env("PITON_VM", test_programs::vm());
        // The board is in the process that is killed: its power is cut, too.
        command.args(["connect", "virtual:flash"]);
        command.args(crate::support::words(line));
        command
    };
    let finish = |line: &str| {
        let outcome = crate::support::run(piton(line));
        assert_eq!(outcome.code, Some(0), "{line}: {}", outcome.stderr());
    };
    write_state(0);
    finish("install --no-mpy");
    let mut state = 0;
    for (line, again, kills) in [
        ("update", "update", 3),
        ("add leaf", "lock", 2),
        ("install --no-mpy", "install --no-mpy", 3),
    ] {
        let start = std::time::Instant::now();
        finish(again);
        let whole = start.elapsed();
        let mut killed = 0;
        for kill in 0..kills {
            state += 1;
            write_state(state);
            let before = state_of(&place);
            let mut child = piton(line)
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(whole * (kill * 2 + 1) / (kills * 2));
            killed += usize::from(child.try_wait().unwrap().is_none());
            child.kill().unwrap();
            child.wait().unwrap();
            let shown = show(&place, "list");
            assert!(shown.ends_with("--- exit 0"), "{shown}");
            let after = state_of(&place);
            finish(again);
            let new = state_of(&place);
            let is_whole = before == after || new == after;
            assert!(is_whole, "{line} {state}:\n{before}\n{after}\n{new}");
            let last = format!("STATE = {state}, 9\n");
            assert!(new.ends_with(&last), "{line} {state}:\n{new}");
        }
        assert!(
            killed > 0,
            "{line}: every process ended before it was killed"
        );
    }
    let installed = sandbox.read("flash/lib/own/m9.py");
    assert_eq!(installed, format!("STATE = {state}, 9\n").as_bytes());
}
