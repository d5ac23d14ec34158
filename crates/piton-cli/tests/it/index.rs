//! `index build`: the folders are those of tools/build.py of micropython-lib (ee4bb8ff, with mpy-cross 1.29.0), which ran on the same files.

use std::fs;
use std::path::Path;

use piton::path::Sha256Hex;

use crate::support::Sandbox;

/// The files of a small library.
const LIBRARY: &[(&str, &str)] = &[
    (
        "micropython/alpha/manifest.py",
        "metadata(description='\u{e9}t\u{e9} \\x7f \u{1f600}', version='1.0.1', license='GPL')\npackage('alpha', opt=3)\nrequire('beta')\n",
    ),
    (
        "micropython/alpha/alpha/__init__.py",
        "from .inner import f\r\nassert f\r\n",
    ),
    (
        "micropython/alpha/alpha/inner.py",
        "def f(x):\n    return x * 2.5\n",
    ),
    (
        "micropython/net/beta/manifest.py",
        "metadata(version='0.1')\nmodule('beta.py')\n",
    ),
    (
        "micropython/net/beta/beta.py",
        "__version__ = '7'\nprint('\u{e4}')\n",
    ),
    ("micropython/.hidden/manifest.py", "metadata(version='1')\n"),
    (
        "python-stdlib/gamma/manifest.py",
        "metadata(author='x')\nmodule('gamma.py')\nrequire('alpha')\n",
    ),
    ("python-stdlib/gamma/gamma.py", "import alpha\n"),
    (
        "python-ecosys/beta/manifest.py",
        "metadata(version='0.1', description='the other')\nmodule('beta.py')\n",
    ),
    ("python-ecosys/beta/beta.py", "x = 1\n"),
    ("unix-ffi/delta/manifest.py", "no manifest\n"),
];

/// What upstream makes of it, and of the same with alpha 1.1.0 beside 1.0.1: the hash of [`tree`].
const TREE: &str = "3f40b59712aaa79d326ad2646268b8c726039f887a635c920271c63d9a28f815";
const RENEWED: &str = "9016ff054beabd5c205ab2f33a405d3faf6060715c99f3e980e5c68a28807218";

const LINE: &str = "index build library --output public/v2 --updated 1770374762 --sorted";

fn library() -> Sandbox {
    let sandbox = Sandbox::new();
    for (path, content) in LIBRARY {
        let path = sandbox.path().join("library").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    sandbox
}

/// The paths of all files, sorted, each with the hash of its content.
fn tree(folder: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
            let hash = Sha256Hex::of(&fs::read(&path).unwrap());
            lines.push(format!("{} {hash}\n", name.replace('\\', "/")));
        }
    }
    lines.sort();
    lines
}

fn hash(sandbox: &Sandbox) -> String {
    let lines = tree(&sandbox.path().join("public/v2")).concat();
    Sha256Hex::of(lines.as_bytes()).to_string()
}

#[test]
fn an_index_is_that_of_upstream_and_is_renewed() {
    let sandbox = library();
    let first = sandbox.run(LINE);
    assert_eq!(first.code, Some(0), "{}", first.stderr());
    assert_eq!(
        first.stdout(),
        "4 packages, 10 files, 20 written to public/v2\n"
    );
    for remark in [
        "gamma has no version",
        "beta: new version 0.1",
        "`micropython/net/beta` and `python-ecosys/beta` have one name, beta",
    ] {
        assert!(first.stderr().contains(remark), "{}", first.stderr());
    }
    assert!(!first.stderr().contains("hidden"));
    assert_eq!(
        hash(&sandbox),
        TREE,
        "{}",
        tree(&sandbox.path().join("public/v2")).concat()
    );
    // Nothing is new.
    let again = sandbox.run(LINE);
    assert_eq!(
        again.stdout(),
        "4 packages, 10 files, 0 written to public/v2\n"
    );
    let manifest = LIBRARY[0].1.replace("1.0.1", "1.1.0");
    sandbox.write("library/micropython/alpha/manifest.py", manifest);
    let renewed = sandbox.run(LINE);
    assert!(
        renewed.stderr().contains("alpha: new version 1.1.0"),
        "{}",
        renewed.stderr()
    );
    assert_eq!(hash(&sandbox), RENEWED);
}

#[test]
fn a_version_that_was_published_stays_and_a_wrong_package_changes_nothing() {
    let sandbox = library();
    assert_eq!(sandbox.run(LINE).code, Some(0));
    let version = "public/v2/package/6/alpha/1.0.1.json";
    let published = sandbox.read(version);
    sandbox.write(
        "library/micropython/alpha/alpha/inner.py",
        "def f(x):\n    return x\n",
    );
    let changed = sandbox.run(LINE);
    assert!(
        changed.stderr().contains("alpha 1.0.1 has other files"),
        "{}",
        changed.stderr()
    );
    assert_eq!(sandbox.read(version), published);
    assert_ne!(
        sandbox.read("public/v2/package/6/alpha/latest.json"),
        published
    );
    let before = hash(&sandbox);
    for (source, message) in [
        (
            "metadata(version='1')\nmodule('missing.py')\n",
            "Cannot stat",
        ),
        (
            "metadata(version='../../1')\nmodule('gamma.py')\n",
            "cannot be the version",
        ),
        (
            "metadata(version=2)\nmodule('gamma.py')\n",
            "cannot be the version",
        ),
        (
            "metadata(author='x')\nmodule('../../micropython/net/beta/beta.py')\n",
            "is not a path of",
        ),
        ("metadata(author='x')\nmodule('broken.py')\n", "broken.py"),
    ] {
        sandbox.write("library/python-stdlib/gamma/broken.py", "def\n");
        sandbox.write("library/python-stdlib/gamma/manifest.py", source);
        let refused = sandbox.run(LINE);
        assert_eq!(refused.code, Some(1), "{source}");
        assert!(refused.stderr().contains("gamma"), "{}", refused.stderr());
        assert!(refused.stderr().contains(message), "{}", refused.stderr());
        assert_eq!(hash(&sandbox), before, "{source}");
    }
    let empty = sandbox.run("index build public --output elsewhere");
    assert_eq!(empty.code, Some(1));
    assert!(
        empty.stderr().contains("has no package"),
        "{}",
        empty.stderr()
    );
}
