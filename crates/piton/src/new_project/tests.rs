use super::*;

fn names(files: &[PathBuf]) -> Vec<&str> {
    files.iter().map(|file| file.to_str().unwrap()).collect()
}

#[test]
fn files_that_exist_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("My.Lamp_x");
    fs::create_dir(&project).unwrap();
    fs::write(project.join("README.md"), "mine").unwrap();
    let created = create(&project, Stubs::Esp32).unwrap();
    assert_eq!(created.package, "my_lamp_x");
    assert_eq!(names(&created.kept), ["README.md"]);
    assert_eq!(
        names(&created.files),
        [
            "main.py",
            "my_lamp_x/__init__.py",
            "tests/test_my_lamp_x.py",
            ".github/workflows/test.yml",
            ".gitignore",
            "pyproject.toml"
        ]
    );
    assert_eq!(
        fs::read_to_string(project.join("README.md")).unwrap(),
        "mine"
    );
    let pyproject = fs::read_to_string(project.join("pyproject.toml")).unwrap();
    assert!(pyproject.contains("micropython-esp32-stubs"), "{pyproject}");
    assert!(pyproject.contains("name = \"my-lamp-x\""), "{pyproject}");
    for file in &created.files {
        let text = fs::read_to_string(project.join(file)).unwrap();
        for word in ["PROJECT", "PACKAGE", "STUBS"] {
            assert!(!text.contains(word), "{} has {word}", file.display());
        }
    }
    let error = create(&project, Stubs::Rp2).unwrap_err();
    assert!(
        matches!(error, NewProjectError::Configured { .. }),
        "{error}"
    );
}

#[test]
fn names_that_python_cannot_import_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["1st", "for", "ä b", "class"] {
        let error = create(&folder.path().join(name), Stubs::Rp2).unwrap_err();
        assert!(matches!(error, NewProjectError::Name { .. }), "{error}");
        assert!(!folder.path().join(name).exists());
    }
    let error = create(Path::new("/"), Stubs::Rp2).unwrap_err();
    assert!(matches!(error, NewProjectError::NoName { .. }), "{error}");
    // Belay takes them all; its template then does not import the package.
    let created = create_as_belay(&folder.path().join("1st")).unwrap();
    let main = fs::read_to_string(created.folder.join("main.py")).unwrap();
    assert!(!main.contains("import"), "{main}");
}

#[cfg(unix)]
#[test]
fn a_quote_in_the_name_of_a_folder_is_one_in_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["my \"lamp\"", "a\\b", "line\nbreak", "plain"] {
        let created = create_as_belay(&folder.path().join(name)).unwrap();
        let text = fs::read_to_string(created.folder.join("pyproject.toml")).unwrap();
        let document: toml_edit::DocumentMut = text.parse().unwrap();
        let found = document["tool"]["belay"]["name"].as_str();
        assert_eq!(found, Some(name), "{text}");
        assert!(
            document["tool"]["pytest"]["ini_options"].is_table(),
            "{text}"
        );
    }
}

#[test]
fn a_file_that_is_no_project_file_is_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pyproject.toml");
    for text in [
        "x = [\n",
        "tool = {a = 1}\n",
        "tool = 1\n",
        "[tool]\npytest = 1\n",
        "[tool.belay]\nname = 'x'\n",
    ] {
        fs::write(&path, text).unwrap();
        create_as_belay(folder.path()).unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn tables_are_added_and_the_rest_stays() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("lamp");
    fs::create_dir(&project).unwrap();
    let path = project.join("pyproject.toml");
    let added = |text: &str| {
        fs::write(&path, text).unwrap();
        create_as_belay(&project).unwrap();
        fs::read_to_string(&path).unwrap()
    };
    let belay = "\n[tool.belay]\nname = \"lamp\"\n\n[tool.belay.dependencies]\n";
    let path = "\".belay/dependencies/main\"";
    assert_eq!(
        added("[project]\nname = 'x' # mine\n"),
        format!(
            "[project]\nname = 'x' # mine\n{belay}\n[tool.pytest.ini_options]\npythonpath = {path}\n"
        )
    );
    assert_eq!(
        added("[tool.pytest.ini_options]\npythonpath = 'src lib' # ours\n[tool.ruff]\nx = 1\n"),
        format!(
            "[tool.pytest.ini_options]\npythonpath = [\"src\", \"lib\", {path}] # ours\n[tool.ruff]\nx = 1\n{belay}"
        )
    );
    assert_eq!(
        added("[tool.pytest.ini_options]\npythonpath = ['src']\n"),
        format!("[tool.pytest.ini_options]\npythonpath = ['src', {path}]\n{belay}")
    );
}
