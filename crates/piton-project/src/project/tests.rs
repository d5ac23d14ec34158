use super::edit::{NewDependency, Tool, tool_of, with_dependency, without_dependency};
use super::*;

fn shown(project: &Project) -> String {
    let lines = project.dependencies().map(|(group, one)| {
        format!(
            "{} {} (line {}): {}",
            group.name,
            one.name,
            one.line,
            one.text()
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The examples of Belay's documentation, section 4.5.1, word for word.
#[test]
fn all_forms_of_a_dependency_are_read() {
    let text = r#"[tool.belay]
name = "my_project_name"

[tool.belay.dependencies]
some_dependency = "https://github.com/BrianPugh/some-dependency/blob/main/some_dependency.py"
pathlib = {uri="../micropython-lib/python-stdlib/pathlib/pathlib.py", develop=true}
os = [
    "https://github.com/micropython/micropython-lib/blob/master/python-stdlib/os/os/__init__.py",
    "https://github.com/micropython/micropython-lib/blob/master/python-stdlib/os-path/os/path.py",
]
folder = "https://github.com/micropython/micropython-lib/tree/master/python-stdlib/os/os"
index = "*"
[tool.belay.dependencies.table]
uri = "github:o/r/x.py"
rename_to_init = false

[tool.belay.group.dev]
optional = true
[tool.belay.group.dev.dependencies]
mixed = [{uri = "a.py", rename_to_init = true}, "./b.py"]
"#;
    let project = Project::parse(text).unwrap();
    assert_eq!(project.name.as_deref(), Some("my_project_name"));
    assert!(project.is_configured && project.groups[1].optional);
    assert_eq!(
        shown(&project),
        "\
main some_dependency (line 5): github:BrianPugh/some-dependency/some_dependency.py@main
main pathlib (line 6): ../micropython-lib/python-stdlib/pathlib/pathlib.py; develop
main os (line 7): github:micropython/micropython-lib/python-stdlib/os/os/__init__.py@master | \
github:micropython/micropython-lib/python-stdlib/os-path/os/path.py@master
main folder (line 11): github:micropython/micropython-lib/python-stdlib/os/os@master
main index (line 12): index
main table (line 13): github:o/r/x.py; own name
dev mixed (line 20): a.py; as __init__ | ./b.py"
    );
}

#[test]
fn both_tables_have_the_same_keys() {
    let text = "
[tool.piton]
name = 'x'
mpy_version = '6'
package_indices = ['https://h/pi/']
dependencies_path = './x/dependencies'
ignore = ['*.txt']
dependencies.a = '^1'
[tool.piton.build]
out = 'dist'
[tool.belay.dependencies]
b = '1.0'
[tool.belay.group.dev]
unheard = 1
[tool.other]
name = 7
";
    let project = Project::parse(text).unwrap();
    assert_eq!(
        shown(&project),
        "main b (line 12): b 1.0\nmain a (line 8): a ^1"
    );
    assert_eq!(project.mpy_version, Some(6));
    assert_eq!(project.package_indices, ["https://h/pi"]);
    assert_eq!(project.dependencies_path.as_str(), "x/dependencies");
    assert_eq!(project.ignore, ["*.txt"]);
    assert_eq!(project.unknown, [("group.dev.unheard".to_owned(), 14)]);
    assert_eq!(
        Project::parse("[project]\nname = 'y'\n").unwrap(),
        Project::default()
    );
}

#[test]
fn problems_are_told_with_their_line() {
    for (text, line, problem) in [
        ("[tool.belay\n", 1, "unclosed table"),
        ("[tool]\nbelay = 1\n", 2, "`tool.belay` is not a table"),
        (
            "[tool.belay]\nname = 1\n",
            2,
            "`name` is an integer, expected a text",
        ),
        (
            "[tool.belay]\nname = '../x'\n",
            2,
            "is not the name of a folder",
        ),
        (
            "[tool.belay]\ndependencies_path = '../x'\n",
            2,
            "expected a folder below",
        ),
        (
            "[tool.belay]\ndependencies_path = '/x'\n",
            2,
            "expected a folder below",
        ),
        (
            "[tool.belay]\npackage_indices = ['file:///x']\n",
            2,
            "expected http:// or https://",
        ),
        (
            "[tool.belay]\npackage_indices = []\n",
            2,
            "expected one at least",
        ),
        ("[tool.belay]\nmpy_version = 'x'\n", 2, "expected \"py\""),
        (
            "[tool.belay.dependencies]\nok = '*'\n'a-b' = '*'\n",
            3,
            "is not a Python identifier",
        ),
        (
            "[tool.belay.dependencies]\nx = '^^1'\n",
            2,
            "`x`: `^^1`: it is neither a source nor",
        ),
        ("[tool.belay.dependencies]\nx = 1\n", 2, "`x` is an integer"),
        (
            "[tool.belay.dependencies]\nx = []\n",
            2,
            "`x` has no source",
        ),
        (
            "[tool.belay.dependencies]\nx = ['a.py', ['b.py']]\n",
            2,
            "a list in a list",
        ),
        (
            "[tool.belay.dependencies]\nx = {develop = true}\n",
            2,
            "`x` has no `uri`",
        ),
        (
            "[tool.belay.dependencies]\nx = {uri = 'a.py', devlop = true}\n",
            2,
            "unknown field `devlop`",
        ),
        (
            "[tool.belay.dependencies]\nx = {uri = '*', develop = true}\n",
            2,
            "as `develop` needs",
        ),
        (
            "[tool.belay.dependencies]\nx = [{uri='a.py',rename_to_init=true},{uri='b.py',rename_to_init=true}]\n",
            2,
            "more than one source with `rename_to_init`",
        ),
        ("[tool.belay.group.main]\n", 1, "the group `main` is"),
        (
            "[tool.belay.group.'../x']\n",
            1,
            "is not a name for a group",
        ),
        (
            "[tool.belay.group.dev]\noptional = 1\n",
            2,
            "`optional` is not",
        ),
        (
            "[tool.belay]\nname = 'a'\n[tool.piton]\nname = 'a'\n",
            4,
            "is both in",
        ),
        (
            "[tool.belay.dependencies]\na = '*'\n[tool.piton.dependencies]\na = '*'\n",
            4,
            "`a` is both in",
        ),
    ] {
        let error = Project::parse(text).unwrap_err();
        assert_eq!(error.line, line, "{text}: {error}");
        assert!(error.to_string().contains(problem), "{text}: {error}");
    }
}

#[test]
fn the_file_is_found_in_the_folders_above() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("a/b");
    std::fs::create_dir_all(&below).unwrap();
    std::fs::create_dir(below.join(FILE_NAME)).unwrap();
    std::fs::write(folder.path().join(FILE_NAME), "[tool.belay]\nname = 1\n").unwrap();
    let path = find(&below).unwrap();
    assert_eq!(path, folder.path().join(FILE_NAME));
    let error = Project::read(&path).unwrap_err().to_string();
    assert!(error.contains("line 2: `name` is an integer"), "{error}");
}

#[test]
fn a_dependency_is_written_and_everything_else_stays() {
    let text = "\
# A project.
[project]   # its name
name = 'x'

[tool.belay.dependencies]
# The first.
a = \"*\"  # any
b = [ 'b.py',
      'c.py' ]

[tool.other]
x = 1
";
    let new = |group: &str, name: &str, uri: &str| NewDependency {
        group: group.to_owned(),
        name: name.to_owned(),
        uri: uri.to_owned(),
        develop: false,
        rename_to_init: true,
    };
    let more = with_dependency(text, Tool::Belay, &new(MAIN, "d", "^1.2")).unwrap();
    assert_eq!(more, text.replace("'c.py' ]\n", "'c.py' ]\nd = \"^1.2\"\n"));
    let changed = with_dependency(text, Tool::Belay, &new(MAIN, "a", "^1.2")).unwrap();
    assert_eq!(changed, text.replace("a = \"*\"", "a = \"^1.2\""));
    let removed = without_dependency(&more, MAIN, "d").unwrap();
    assert_eq!(removed.as_deref(), Some(text));
    assert_eq!(without_dependency(text, "dev", "a").unwrap(), None);
    let mut develop = new("dev", "e", "./e.py");
    develop.develop = true;
    develop.rename_to_init = false;
    let grouped = with_dependency(text, Tool::Piton, &develop).unwrap();
    let end = "[tool.piton.group.dev.dependencies]\n\
        e = { uri = \"./e.py\", develop = true, rename_to_init = false }\n";
    assert_eq!(grouped, format!("{text}\n{end}"));
    assert_eq!(tool_of(&grouped).unwrap(), Tool::Piton);
    assert_eq!(tool_of(text).unwrap(), Tool::Belay);
    assert_eq!(
        with_dependency("", Tool::Belay, &new(MAIN, "a", "*")).unwrap(),
        "[tool.belay.dependencies]\na = \"*\"\n"
    );
    assert!(with_dependency("[tool]\nbelay = 1\n", Tool::Belay, &develop).is_err());
}
