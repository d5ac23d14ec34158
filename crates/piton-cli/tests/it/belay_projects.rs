//! Projects as Belay's documentation has them: every form of a dependency, groups, and each command, with the words of belay's
//! command line. GitHub is a server of the test.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::{Outcome, Sandbox, run, words};
use crate::web::{Answer, Web};

const COMMIT: &str = "0123456789012345678901234567890123456789";

/// The files of the repository `team/parts`, whose branch is `master`.
const PARTS: &[(&str, &str)] = &[
    ("path/path.py", "name = 'path'\n"),
    ("system/system/__init__.py", "name = 'system'\n"),
    ("system-path/system/path.py", "name = 'system.path'\n"),
    ("check/check/__init__.py", "name = 'check'\n"),
    ("check-find/check/__main__.py", "name = 'find'\n"),
];

/// Each form of a dependency, and the files that it brings.
const FORMS: &[(&str, &str)] = &[
    (
        "part = \"https://github.com/team/parts/blob/master/path/path.py\"",
        "main/part/__init__.py",
    ),
    (
        "path = \"../parts/path/path.py\"\nsystem = \"../parts/system/system\"",
        "main/path/__init__.py main/system/__init__.py",
    ),
    (
        "path = \"https://github.com/team/parts/blob/master/path/path.py\"\n\
         system = \"https://github.com/team/parts/tree/master/system/system\"",
        "main/path/__init__.py main/system/__init__.py",
    ),
    (
        "path = {uri=\"../parts/path/path.py\", develop=true}",
        "main/path/__init__.py",
    ),
    (
        "system = [\n    \"https://github.com/team/parts/blob/master/system/system/__init__.py\",\n    \
         \"https://github.com/team/parts/blob/master/system-path/system/path.py\",\n]",
        "main/system/__init__.py main/system/path.py",
    ),
    (
        "[tool.belay.group.dev.dependencies]\ncheck = [\n    \
         \"https://github.com/team/parts/blob/master/check/check/__init__.py\",\n    \
         \"https://github.com/team/parts/blob/master/check-find/check/__main__.py\",\n]",
        "dev/check/__init__.py dev/check/__main__.py",
    ),
];

/// Serves the repository as GitHub does: its branches, its files, an archive.
fn serve() -> Web {
    let web = Web::start();
    let mut refs = "001e# service=git-upload-pack\n0000".to_owned();
    for line in [
        format!("{COMMIT} HEAD\0symref=HEAD:refs/heads/master"),
        format!("{COMMIT} refs/heads/master"),
    ] {
        refs.push_str(&format!("{:04x}{line}\n", line.len() + 5));
    }
    refs.push_str("0000");
    web.put_text(
        "/github.com/team/parts.git/info/refs?service=git-upload-pack",
        refs,
    );
    let packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut archive = tar::Builder::new(packed);
    for (path, content) in PARTS {
        web.put_text(
            &format!("/raw.githubusercontent.com/team/parts/{COMMIT}/{path}"),
            *content,
        );
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        let place = format!("parts-1/{path}");
        archive
            .append_data(&mut header, place, content.as_bytes())
            .unwrap();
    }
    let archive = archive.into_inner().unwrap().finish().unwrap();
    web.put(
        &format!("/codeload.github.com/team/parts/tar.gz/{COMMIT}"),
        Answer::Body(archive),
    );
    web
}

/// A folder with the repository's files beside the projects.
struct Desk {
    sandbox: Sandbox,
    web: Web,
}

impl Desk {
    fn new() -> Desk {
        let desk = Desk {
            sandbox: Sandbox::new(),
            web: serve(),
        };
        for (path, content) in PARTS {
            desk.write(&format!("parts/{path}"), content);
        }
        desk
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.sandbox.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Runs a line of belay in a project.
    fn belay(&self, project: &str, line: &str) -> Outcome {
        let servers = [
            "github.com",
            "raw.githubusercontent.com",
            "codeload.github.com",
        ];
        let mirror = |server| format!("https://{server}/={}", self.web.url(&format!("/{server}/")));
        let mut command = self.sandbox.piton();
        command
            .current_dir(self.sandbox.path().join(project))
            .env("PITON_MIRRORS", servers.map(mirror).join(" "))
            .env("PITON_CACHE_DIR", self.sandbox.path().join("cache"))
            .env("PITON_VM", test_programs::vm())
            .env("PATH", "")
            .arg("belay")
            .args(words(line));
        let outcome = run(command);
        assert_eq!(outcome.code, Some(0), "{line}: {}", outcome.stderr());
        outcome
    }

    /// The files below a folder of a project.
    fn files(&self, folder: &str) -> String {
        let mut files = BTreeMap::new();
        collect(&self.sandbox.path().join(folder), "", &mut files);
        files.into_keys().collect::<Vec<String>>().join(" ")
    }
}

fn collect(folder: &Path, below: &str, files: &mut BTreeMap<String, ()>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let entry = entry.unwrap();
        let path = format!("{below}{}", entry.file_name().to_str().unwrap());
        match entry.file_type().unwrap().is_dir() {
            true => collect(&entry.path(), &format!("{path}/"), files),
            false => drop(files.insert(path, ())),
        }
    }
}

#[test]
fn each_form_of_a_dependency_brings_its_files() {
    let desk = Desk::new();
    for (at, (form, expected)) in FORMS.iter().enumerate() {
        let project = format!("project{at}");
        let settings =
            format!("[tool.belay]\nname = \"app\"\n\n[tool.belay.dependencies]\n{form}\n");
        desk.write(&format!("{project}/pyproject.toml"), &settings);
        let said = desk.belay(&project, "update").stdout();
        let folder = format!("{project}/.belay/dependencies");
        assert_eq!(desk.files(&folder), *expected, "{form}");
        assert!(said.contains("Updated."), "{form}: {said}");
        let again = desk.belay(&project, "update").stdout();
        assert!(!again.contains("Updated."), "{form}: {again}");
    }
}

#[test]
fn each_command_does_what_the_documentation_says() {
    let desk = Desk::new();
    desk.belay("", "new my-app");
    assert_eq!(
        desk.files("my-app"),
        "README.md main.py my-app/__init__.py pyproject.toml"
    );
    let settings = format!(
        "[tool.belay]\nname = \"app\"\n\n[tool.belay.dependencies]\n{}\n\n{}\n\n[tool.belay.group.dev]\noptional = true\n\n\
         [tool.pytest.ini_options]\npythonpath = \".belay/dependencies/main .belay/dependencies/dev\"\n",
        FORMS[1].0, FORMS[5].0
    );
    for (path, content) in [
        ("pyproject.toml", settings.as_str()),
        ("app/__init__.py", "name = 'app'\n"),
        (
            "main.py",
            "import app, path, system\nprint(app.name, path.name, system.name)\n",
        ),
        (
            "my_script.py",
            "import check, path\nprint(check.name, path.name)\n",
        ),
    ] {
        desk.write(&format!("board/{path}"), content);
    }
    std::fs::create_dir(desk.sandbox.path().join("board/flash")).unwrap();
    desk.belay("board", "update");
    let board = |line: &str| desk.belay("board", &line.replace("[PORT]", "virtual:flash"));
    let main = "app/__init__.py lib/path/__init__.py lib/system/__init__.py";
    let dev = "app/__init__.py lib/check/__init__.py lib/check/__main__.py lib/path/__init__.py lib/system/__init__.py";
    for (line, printed, files) in [
        ("install [PORT]", "", main),
        ("install [PORT] --with dev", "", dev),
        ("run [PORT] my_script.py", "check path", dev),
        ("install [PORT] --with=dev", "", dev),
        ("install [PORT] --run main.py", "app path system", main),
    ] {
        let said = board(line).stdout();
        assert!(said.contains(printed), "{line}: {said}");
        assert_eq!(desk.files("board/flash"), files, "{line}");
    }
    board("install [PORT] --main main.py");
    assert!(desk.files("board/flash").ends_with(" main.py"));
    // All groups are there for a program of this computer, also optional ones.
    let said = board("run micropython my_script.py").stdout();
    assert_eq!(said, "check path\n");
    let said = board("update path nothing").stdout();
    assert!(said.contains("path: No changes detected."), "{said}");
    // What is not in the settings any more goes with the next update, or by itself.
    desk.write(
        "board/pyproject.toml",
        &settings.replace("path = \"../parts/path/path.py\"\n", ""),
    );
    board("clean");
    let left = desk.files("board/.belay/dependencies");
    assert_eq!(
        left,
        "dev/check/__init__.py dev/check/__main__.py main/system/__init__.py"
    );
    let listed = board("cache list").stdout();
    assert!(board("cache info").stdout().starts_with("Location: "));
    board("cache clear --all --yes");
    assert_ne!(board("cache list").stdout(), listed);
}
