//! `action.yml`, run step by step as GitHub's runner does it, and the example workflow around it.
//!
//! What the runner does is from GitHub's documentation: "Metadata syntax", "Workflow commands", "Workflow syntax"
//! (`bash --noprofile --norc -eo pipefail {0}`), "Contexts".

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use insta::assert_snapshot;

use crate::build::{piton, project, told};
use crate::support::{Sandbox, run};
use crate::yaml::Yaml;

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap()
}

fn read(path: &str) -> Yaml {
    Yaml::parse(&std::fs::read_to_string(root().join(path)).unwrap())
}

/// Outputs, by name.
type Values = BTreeMap<String, String>;

/// What a run of the action came to.
struct Done {
    code: i32,
    /// What the steps printed.
    log: String,
    outputs: Values,
    summary: String,
    /// The ids of the steps that ran.
    steps: Vec<String>,
    /// What the program is kept under.
    key: String,
}

/// A runner with one job, whose repository is the sandbox.
struct Runner {
    sandbox: Sandbox,
    action: Yaml,
    /// Whether the cache has the program.
    cached: bool,
    /// Where programs are looked for.
    path: String,
}

impl Runner {
    fn new() -> Runner {
        let sandbox = project();
        std::fs::create_dir(sandbox.path().join("../temp dir")).unwrap();
        // Not the repository itself, where other tests may write.
        let action = sandbox.path().join("../action dir");
        std::fs::create_dir_all(action.join("crates/a")).unwrap();
        for name in ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"] {
            std::fs::copy(root().join(name), action.join(name)).unwrap();
        }
        std::fs::write(action.join("crates/a/main.rs"), "fn main() {}").unwrap();
        Runner {
            sandbox,
            action: read("action.yml"),
            cached: true,
            path: std::env::var("PATH").unwrap(),
        }
    }

    fn temp(&self) -> PathBuf {
        let temp = self.sandbox.path().join("../temp dir");
        temp.canonicalize().unwrap()
    }

    /// Where the action lies.
    fn checkout(&self) -> PathBuf {
        let checkout = self.sandbox.path().join("../action dir");
        checkout.canonicalize().unwrap()
    }

    /// Run the action with these inputs, and the defaults of the others.
    fn run(&self, given: &[(&str, &str)]) -> Done {
        let known = self.action.get("inputs");
        for (name, _) in given {
            assert!(known.find(name).is_some(), "unexpected input {name}");
        }
        let mut values = Values::new();
        for (name, input) in known.pairs() {
            let given = given.iter().find(|(given, _)| given == name);
            let value = given.map_or_else(|| input.get("default").text(), |(_, value)| *value);
            values.insert(format!("inputs.{name}"), value.to_owned());
        }
        values.insert("runner.temp".to_owned(), self.temp().display().to_string());
        let mut done = Done {
            code: 0,
            log: String::new(),
            outputs: Values::new(),
            summary: String::new(),
            steps: Vec::new(),
            key: String::new(),
        };
        assert_eq!(self.action.get("runs").get("using").text(), "composite");
        for step in self.action.get("runs").get("steps").items() {
            let id = step.get("id").text();
            if !step
                .find("if")
                .is_none_or(|text| holds(text.text(), &values))
            {
                continue;
            }
            done.steps.push(id.to_owned());
            let outputs = match step.find("uses") {
                Some(action) => self.cache(action.text(), step.get("with"), &values),
                None => self.script(step, &values, &mut done),
            };
            for (name, value) in outputs {
                values.insert(format!("steps.{id}.outputs.{name}"), value);
            }
            if done.code != 0 {
                break;
            }
        }
        done.key = fill("${{ steps.key.outputs.key }}", &values);
        for (name, output) in self.action.get("outputs").pairs() {
            let value = fill(output.get("value").text(), &values);
            done.outputs.insert(name.clone(), value);
        }
        done
    }

    fn assert_no_key(&self) {
        for entry in self.temp().read_dir().unwrap() {
            let name = entry.unwrap().file_name();
            let name = name.to_str().unwrap();
            assert!(["piton", "cache"].contains(&name), "{name} is left");
        }
    }

    /// What `actions/cache` does: the program under test is what it has.
    fn cache(&self, action: &str, with: &Yaml, values: &Values) -> Values {
        assert_eq!(with.keys(), ["path", "key"]);
        let [path, key] = ["path", "key"].map(|name| fill(with.get(name).text(), values));
        assert!(action.starts_with("actions/cache/"), "{action}");
        assert!(key.starts_with("piton-Linux-X64-"), "{key}");
        let hash = key.rsplit('-').next().unwrap();
        assert!(hash.len() == 40 && hash.bytes().all(|digit| digit.is_ascii_hexdigit()));
        assert!(Path::new(&path).starts_with(self.temp()), "{path}");
        // A commit, not a tag: who can move a tag could run code in everybody's builds.
        let (name, commit) = action.split_once('@').unwrap();
        assert!(commit.len() == 40 && commit.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match name {
            "actions/cache/restore" if self.cached => {
                let bin = Path::new(&path).join("bin");
                std::fs::create_dir_all(&bin).unwrap();
                let _ = std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_piton"), bin.join("piton"));
                Values::from([("cache-hit".to_owned(), "true".to_owned())])
            }
            "actions/cache/restore" => Values::from([("cache-hit".to_owned(), String::new())]),
            "actions/cache/save" => {
                assert!(
                    Path::new(&path).join("bin/piton").exists(),
                    "there is something to keep"
                );
                Values::new()
            }
            other => panic!("an action that this test does not know: {other}"),
        }
    }

    fn script(&self, step: &Yaml, values: &Values, done: &mut Done) -> Values {
        assert_eq!(step.get("shell").text(), "bash");
        let script = step.get("run").text();
        assert!(!script.contains("${{"), "values are not pasted into code");
        let file = |name: &str| self.temp().join(format!("{name}.sh"));
        let [script_file, output, summary] = ["script", "output", "summary"].map(file);
        std::fs::write(&script_file, script).unwrap();
        std::fs::write(&output, "").unwrap();
        std::fs::write(&summary, "").unwrap();
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc", "-eo", "pipefail"]);
        command.arg(&script_file).current_dir(self.sandbox.path());
        command.env_clear();
        command.envs([
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("RUNNER_OS", "Linux"),
            ("RUNNER_ARCH", "X64"),
            ("SOURCE_DATE_EPOCH", "1770374762"),
            ("PATH", &self.path),
        ]);
        command.env("GITHUB_ACTION_PATH", self.checkout());
        command.env("GITHUB_WORKSPACE", self.sandbox.path());
        command.env("RUNNER_TEMP", self.temp());
        command.env("GITHUB_OUTPUT", &output);
        command.env("GITHUB_STEP_SUMMARY", &summary);
        command.env("PITON_CACHE_DIR", self.temp().join("cache"));
        for (name, value) in step.find("env").map_or(&[][..], Yaml::pairs) {
            command.env(name, fill(value.text(), values));
        }
        let outcome = run(command);
        done.code = outcome.code.unwrap();
        done.log += &outcome.stdout();
        done.log += &outcome.stderr();
        done.summary += &std::fs::read_to_string(&summary).unwrap();
        let outputs = std::fs::read_to_string(&output).unwrap();
        for file in [script_file, output, summary] {
            std::fs::remove_file(file).unwrap();
        }
        outputs_of(&outputs)
    }
}

/// Put values in for `${{ ... }}`.
fn fill(text: &str, values: &Values) -> String {
    let mut parts = text.split("${{ ");
    let mut filled = parts.next().unwrap().to_owned();
    for part in parts {
        let (name, rest) = part.split_once(" }}").expect("a closing }}");
        let known = ["inputs.", "runner.temp", "steps.", "secrets."];
        let known = known.iter().any(|known| name.starts_with(known));
        let ours = name.starts_with("steps.piton.");
        assert!(known && (!ours || values.contains_key(name)), "{name}");
        // What has no value is empty.
        filled += values.get(name).map_or("", String::as_str);
        filled += rest;
    }
    filled
}

/// Whether a condition of a step holds.
fn holds(condition: &str, values: &Values) -> bool {
    condition.split(" && ").all(|part| {
        let value = |name: &str| values.get(name).map_or("", String::as_str).to_owned();
        if part == "startsWith(github.ref, 'refs/tags/')" {
            return value("github.ref").starts_with("refs/tags/");
        }
        if let Some((name, other)) = part.split_once(" != ") {
            return value(name) != other.trim_matches('\'');
        }
        assert!(
            part.starts_with("steps.") && !part.contains([' ', '(', '!']),
            "{part}"
        );
        !value(part).is_empty()
    })
}

/// What a step wrote into the file of its outputs.
fn outputs_of(text: &str) -> Values {
    let mut outputs = Values::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let (name, value) = match line.split_once("<<") {
            Some((name, end)) => {
                let value = lines.by_ref().take_while(|line| *line != end);
                (name, value.collect::<Vec<_>>().join("\n"))
            }
            None => {
                let (name, value) = line.split_once('=').expect("an output");
                (name, value.to_owned())
            }
        };
        let before = outputs.insert(name.to_owned(), value);
        assert_eq!(before, None, "{name} twice");
    }
    outputs
}

/// Code, outputs and summary, for a snapshot.
fn shown(done: &Done) -> String {
    let mut text = format!("exit {}\n", done.code);
    for (name, value) in &done.outputs {
        text += &format!("{name}: {}\n", value.replace('\n', "\n    "));
    }
    text + "---\n" + &done.summary
}

#[test]
fn the_action_builds() {
    let runner = Runner::new();
    let done = runner.run(&[]);
    assert_eq!(
        done.steps,
        ["key", "cache", "install", "build"],
        "{}",
        done.log
    );
    assert!(!done.log.contains("::"), "{}", done.log);
    assert_snapshot!(shown(&done));
    let written = runner.sandbox.path().join("build/manifest.json");
    assert!(written.is_file());
}

#[test]
fn the_action_with_all_inputs() {
    let runner = Runner::new();
    let sandbox = &runner.sandbox;
    std::fs::rename(sandbox.path().join("src"), sandbox.path().join("--version")).unwrap();
    sandbox.write("--version/bad.py", "x = {**a}\n");
    assert_eq!(piton(sandbox, "keygen --no-password", &[]).code, Some(0));
    let secret = String::from_utf8(sandbox.read("piton.key")).unwrap();
    for (source, targets) in [
        ("--version", "micropython, circuitpython-10"),
        ("./--version", "micropython\ncircuitpython-10\n"),
    ] {
        let done = runner.run(&[
            ("source", source),
            ("output", "made here"),
            ("targets", targets),
            ("strict", "false"),
            ("sign", &secret),
        ]);
        assert_eq!(done.code, 0, "{}", done.log);
        let warning = "\n::warning file=--version/bad.py,line=1,title=SyntaxError::invalid syntax";
        assert!(done.log.contains(warning), "{}", done.log);
        // The second time, everything is compiled already.
        let text = shown(&done).replace(" 1 |\n", " 0 |\n");
        assert_snapshot!("the_action_with_all_inputs", text);
        assert!(!done.log.contains(secret.lines().nth(1).unwrap()));
        runner.assert_no_key();
        let text = told(sandbox, "verify 'made here' --key piton.pub");
        assert!(text.ends_with("--- exit 0"), "{text}");
    }
    // As an editor on Windows leaves it, and its second line alone.
    for secret in [
        secret.replace('\n', "\r\n"),
        secret.lines().nth(1).unwrap().to_owned(),
    ] {
        let done = runner.run(&[
            ("source", "--version"),
            ("strict", "false"),
            ("sign", &secret),
        ]);
        assert_eq!(done.code, 0, "{}", done.log);
        assert_eq!(done.outputs["signatures"], "build/manifest.json.minisig");
    }
    let mut inputs = vec![
        ("source", "--version"),
        ("strict", "false"),
        ("sign", crate::signing::KEY),
    ];
    let done = runner.run(&inputs);
    assert_eq!(done.code, 1, "{}", done.log);
    assert!(done.log.contains("has a password"), "{}", done.log);
    inputs.push(("sign-password", "one two"));
    let done = runner.run(&inputs);
    assert_eq!(done.code, 0, "{}", done.log);
    runner.assert_no_key();
}

#[test]
fn the_action_is_as_strict_as_it_is_told() {
    let runner = Runner::new();
    let sandbox = &runner.sandbox;
    sandbox.write("src/bad.py", "\nx = {**a}\n");
    let done = runner.run(&[]);
    assert!(
        done.log.contains("::error file=src/bad.py,line=2,"),
        "{}",
        done.log
    );
    assert_snapshot!(shown(&done));
    let code = |strict: &str| runner.run(&[("strict", strict)]).code;
    assert_eq!(code("true"), 1);
    assert_eq!(code("False"), 0);
    sandbox.write("pyproject.toml", "[tool.piton.build]\nstrict = false\n");
    assert_eq!(code(""), 0);
    assert_eq!(code("TRUE"), 1);
}

/// What must fail, and what the log says of it.
#[test]
fn the_action_refuses() {
    let mut runner = Runner::new();
    let check = |runner: &Runner, name: &str, value: &str, code: i32, message: &str| {
        let done = runner.run(&[(name, value)]);
        assert_eq!(done.code, code, "{name}: {}", done.log);
        let errors = done.log.lines().filter(|line| line.starts_with("::error "));
        let errors = errors.collect::<Vec<_>>();
        assert!(
            errors.len() == 1 && errors[0].contains(message),
            "{}",
            done.log
        );
        assert_eq!(done.outputs["manifest"], "");
        done
    };
    check(
        &runner,
        "strict",
        "yes",
        2,
        "input strict is yes, expected true, false or nothing",
    );
    check(
        &runner,
        "strict",
        "\n::warning::x",
        2,
        "input strict is $'\\n::warning::x'",
    );
    for targets in ["esp32", "*", "--strict"] {
        let done = runner.run(&[("targets", targets)]);
        assert_eq!(done.code, 2, "{}", done.log);
        let message = format!("`build --target {targets}`: `{targets}` is not a target");
        assert!(done.log.contains(&message), "{}", done.log);
    }
    check(
        &runner,
        "source",
        "verify",
        1,
        "there is no folder `verify` with sources%0A%0Ahint: ",
    );
    check(&runner, "source", "+", 1, "there is no folder `./+`");
    check(&runner, "source", "$(id)", 1, "there is no folder `$(id)`");
    check(
        &runner,
        "output",
        "src",
        1,
        "the results cannot be written to `src`",
    );
    let done = check(
        &runner,
        "sign",
        "top\nsecret",
        1,
        "not a minisign secret key",
    );
    assert!(!done.log.contains("secret\n"), "{}", done.log);
    runner.assert_no_key();
    // No cargo: of what it takes, `bash` and the tools of the first step are there.
    runner.cached = false;
    std::fs::remove_dir_all(runner.temp().join("piton")).unwrap();
    let bin = runner.temp().join("bin");
    std::fs::create_dir(&bin).unwrap();
    for name in ["bash", "cut", "find", "sha256sum", "sort"] {
        let mut places = std::env::split_paths(&runner.path).map(|folder| folder.join(name));
        let place = places.find(|path| path.is_file()).unwrap();
        std::os::unix::fs::symlink(place, bin.join(name)).unwrap();
    }
    runner.path = bin.display().to_string();
    check(&runner, "strict", "", 1, "install Rust in a step before");
}

/// Without a program in the cache, or with one that does not run, cargo is asked for it. Here, something else answers
/// to that name.
#[test]
fn the_action_makes_its_program_once() {
    use std::os::unix::fs::PermissionsExt;
    let mut runner = Runner::new();
    let bin = runner.temp().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let cargo = bin.join("cargo");
    let script = format!(
        "#!/bin/bash\necho cargo \"$@\" in $PWD\nmkdir -p \"$7/bin\"\nln -sf '{}' \"$7/bin/piton\"\n",
        env!("CARGO_BIN_EXE_piton")
    );
    std::fs::write(&cargo, script).unwrap();
    std::fs::set_permissions(&cargo, PermissionsExt::from_mode(0o755)).unwrap();
    runner.path = format!("{}:{}", bin.display(), runner.path);
    runner.cached = false;
    let done = runner.run(&[]);
    let call = format!(
        "cargo install --locked --force --path crates/piton-cli --root {}/piton in {}\n",
        runner.temp().display(),
        runner.checkout().display()
    );
    assert!(done.log.starts_with(&call), "{}", done.log);
    assert_eq!(done.steps, ["key", "cache", "install", "keep", "build"]);
    assert_eq!(done.code, 0, "{}", done.log);
    runner.cached = true;
    let program = runner.temp().join("piton/bin/piton");
    std::fs::remove_file(&program).unwrap();
    std::fs::write(&program, "of another system").unwrap();
    let done = runner.run(&[]);
    assert!(done.log.starts_with(&call), "{}", done.log);
    assert_eq!(done.code, 0, "{}", done.log);
    // Another version of it is kept under another key.
    assert_eq!(runner.run(&[]).key, done.key);
    let source = runner.checkout().join("crates/a/main.rs");
    std::fs::write(source, "fn main() { }").unwrap();
    assert_ne!(runner.run(&[]).key, done.key);
}

/// The paths that the steps of the example workflow upload are there, for one target and for several.
#[test]
fn the_example_workflow_uploads_what_is_there() {
    let workflow = read("examples/workflows/build-mpy.yml");
    let on = workflow.get("on");
    assert_eq!(on.keys(), ["push", "pull_request", "workflow_dispatch"]);
    assert_eq!(on.get("push").keys(), ["branches", "tags", "paths"]);
    assert_eq!(
        on.get("push").get("tags").items(),
        [Yaml::Text("*".to_owned())]
    );
    let permissions = workflow.get("permissions").pairs();
    assert_eq!(
        permissions,
        [("contents".to_owned(), Yaml::Text("read".to_owned()))]
    );
    let steps = workflow.get("jobs").get("build").get("steps").items();
    let ours = steps.iter().find(|step| step.find("id").is_some()).unwrap();
    assert_eq!(ours.get("id").text(), "piton");
    let runner = Runner::new();
    assert_eq!(
        piton(&runner.sandbox, "keygen --no-password", &[]).code,
        Some(0)
    );
    let secret = String::from_utf8(runner.sandbox.read("piton.key")).unwrap();
    let with = ours.get("with");
    let mut text = String::new();
    for (targets, secret, tag) in [
        (with.get("targets").text(), secret.as_str(), "refs/tags/v1"),
        (with.get("targets").text(), "", "refs/heads/main"),
        ("micropython circuitpython-10", &secret, "refs/tags/v1"),
    ] {
        let secrets = Values::from([("secrets.PITON_KEY".to_owned(), secret.to_owned())]);
        let inputs = with.pairs().iter().map(|(name, value)| {
            let value = fill(value.text(), &secrets);
            (
                name.as_str(),
                if name == "targets" {
                    targets.to_owned()
                } else {
                    value
                },
            )
        });
        let inputs = inputs.collect::<Vec<_>>();
        let inputs = inputs.iter().map(|(name, value)| (*name, value.as_str()));
        let done = runner.run(&inputs.collect::<Vec<_>>());
        assert_eq!(done.code, 0, "{}", done.log);
        let outputs = done.outputs.into_iter();
        let mut values = outputs
            .map(|(name, value)| (format!("steps.piton.outputs.{name}"), value))
            .collect::<Values>();
        values.insert("github.ref".to_owned(), tag.to_owned());
        text += &format!("{targets}, {tag}\n");
        for step in steps {
            let upload = step
                .find("uses")
                .is_some_and(|uses| uses.text().contains("upload"));
            if !upload
                || !step
                    .find("if")
                    .is_none_or(|text| holds(text.text(), &values))
            {
                continue;
            }
            let with = step.get("with");
            assert_eq!(with.get("retention-days").text(), "90");
            assert_eq!(with.get("if-no-files-found").text(), "error");
            text += &format!("  {}\n", with.get("name").text());
            let paths = fill(with.get("path").text(), &values);
            for path in paths.lines().filter(|line| !line.trim().is_empty()) {
                assert!(runner.sandbox.path().join(path).exists(), "{path}");
                text += &format!("    {path}\n");
            }
        }
    }
    assert_snapshot!(text);
}
