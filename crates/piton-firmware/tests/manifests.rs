//! Manifests, evaluated as tools/manifestfile.py of MicroPython evaluates them.
//!
//! `manifest/cases.txt` holds sources, each after a line `=== MODE`, for the folders that [`tree`] makes. `manifest/expected.txt` has one
//! line for each: what the evaluation gave. [`UPSTREAM`] is the SHA-256 of these lines as upstream's tool gives them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]
#![cfg_attr(
    not(unix),
    expect(
        dead_code,
        unused_imports,
        reason = "the large comparison has names of files that only Unix allows"
    )
)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use piton_firmware::manifest::{Data, ErrorKind, Evaluation, Metadata, Mode, Request, evaluate};
use sha2::{Digest as _, Sha256};

/// The SHA-256 of the results of upstream's tool, MicroPython 1.29.
const UPSTREAM: &str = include_str!("manifest/upstream.sha256");

/// Files of the tree. No folder has two Python files, or two folders, where their order in the file system would show.
const FILES: &[(&str, &str)] = &[
    ("proj/a.py", "x = 1\n"),
    ("proj/b.py", ""),
    ("proj/pkg/__init__.py", ""),
    ("proj/pkg/inner/one.py", ""),
    ("proj/pkg/inner/data.txt", ""),
    ("proj/mpys/m.mpy", ""),
    ("proj/upper/D.PY", ""),
    ("proj/cmod/micropython.mk", ""),
    ("proj/cmake/micropython.cmake", ""),
    ("proj/nomod/x.c", ""),
    ("proj/sub/manifest.py", "module('c.py')\n"),
    ("proj/sub/c.py", ""),
    ("proj/included.py", "module('b.py', opt=options.level)\n"),
    (
        "proj/defaults.py",
        "options.defaults(level=3, other=1)\nmodule('b.py', opt=options.level)\nprint(options.other)\n",
    ),
    ("proj/broken.py", "module('a.py'\n"),
    ("proj/failing.py", "module('b.py')\nmodule('missing.py')\n"),
    ("proj/circle.py", "include('circle.py')\nmodule('a.py')\n"),
    (
        "proj/described.py",
        "metadata(version='7.7', author='someone')\nmodule('b.py')\n",
    ),
    (
        "board/manifest.py",
        "freeze('$(PORT_DIR)/modules')\nrequire('plain')\n",
    ),
    ("port/modules/boot.py", ""),
    (
        "lib/micropython/plain/manifest.py",
        "metadata(version='1.0')\nmodule('plain.py', opt=3)\n",
    ),
    ("lib/micropython/plain/plain.py", ""),
    (
        "lib/python-stdlib/standard/manifest.py",
        "metadata(version='2', stdlib=True)\nmodule('standard.py')\n",
    ),
    ("lib/python-stdlib/standard/standard.py", ""),
    (
        "lib/python-ecosys/other/manifest.py",
        "metadata(version='3', pypi='other-pypi')\nrequire('plain')\nmodule('other.py')\n",
    ),
    ("lib/python-ecosys/other/other.py", ""),
    (
        "lib/python-ecosys/broken/manifest.py",
        "metadata(version='4')\nrequire('missing')\n",
    ),
    (
        "lib/unix-ffi/plain/manifest.py",
        "metadata(version='9')\nmodule('ffi.py')\n",
    ),
    ("lib/unix-ffi/plain/ffi.py", ""),
    (
        "more/extra/manifest.py",
        "metadata(version='0.1')\nif options.all:\n    module('all.py')\nmodule('extra.py')\n",
    ),
    ("more/extra/extra.py", ""),
    ("more/extra/all.py", ""),
];

fn tree(root: &Path) {
    for (path, text) in FILES {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn request(root: &str, mode: &str, source: &str) -> Request {
    let mode = match mode {
        "freeze" => Mode::Freeze,
        "compile" => Mode::Compile,
        "pyproject" => Mode::Pyproject,
        _ => Mode::ListCModules,
    };
    let manifest = format!("{root}/proj/manifest.py");
    fs::write(&manifest, source).unwrap();
    let mut request = Request::new(mode, vec![manifest]);
    request.folder = format!("{root}/proj");
    for (name, folder) in [
        ("MPY_DIR", "mpy"),
        ("MPY_LIB_DIR", "lib"),
        ("PORT_DIR", "port"),
        ("BOARD_DIR", "board"),
    ] {
        request
            .variables
            .push((name.to_owned(), format!("{root}/{folder}")));
    }
    request
}

fn data(data: &Data) -> String {
    let all = |items: &[Data]| items.iter().map(self::data).collect::<Vec<_>>().join(" ");
    match data {
        Data::None => "-".to_owned(),
        Data::Bool(value) => value.to_string(),
        Data::Integer(value) => value.to_string(),
        Data::Float(value) => value.to_string(),
        Data::Text(text) | Data::Other(text) => format!("'{text}'"),
        Data::Sequence(items) => format!("[{}]", all(items)),
        Data::Mapping(pairs) => format!("{{{}}}", pairs.len()),
    }
}

fn metadata(metadata: &Metadata) -> String {
    let fields = [
        &metadata.version,
        &metadata.description,
        &metadata.license,
        &metadata.author,
        &metadata.pypi,
        &metadata.pypi_publish,
    ];
    fields.map(data).join(",")
}

fn line(evaluation: &Evaluation) -> String {
    let mut line = String::new();
    for file in &evaluation.files {
        let _ = write!(
            line,
            "{} < {} {} {} {}; ",
            file.target,
            file.source,
            file.kind.name(),
            data(&file.opt),
            metadata(&file.metadata)
        );
    }
    for module in &evaluation.c_modules {
        let _ = write!(line, "C {module}; ");
    }
    for name in &evaluation.pypi {
        let _ = write!(line, "P {}; ", data(name));
    }
    let _ = write!(line, "= {}", metadata(&evaluation.metadata));
    line
}

fn run(root: &str, mode: &str, source: &str) -> String {
    let line = match evaluate(&request(root, mode, source)) {
        Ok(evaluation) => line(&evaluation),
        Err(error) if error.kind == ErrorKind::Unsupported => format!("? {}", error.message),
        Err(error) => format!("! {}", error.message),
    };
    line.replace(root, "$ROOT").replace('\n', "\\n")
}

fn cases() -> Vec<(&'static str, &'static str)> {
    let text = include_str!("manifest/cases.txt");
    text.split("=== ")
        .skip(1)
        .map(|case| case.split_once('\n').unwrap())
        .collect()
}

#[cfg(unix)]
#[test]
fn generated_manifests_give_what_upstream_gives() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    tree(&root);
    let root = root.to_str().unwrap();
    let lines: Vec<String> = cases()
        .into_iter()
        .map(|(mode, source)| run(root, mode, source))
        .collect();
    if std::env::var_os("PITON_WRITE_EXPECTED").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifest/expected.txt");
        fs::write(path, lines.join("\n") + "\n").unwrap();
    }
    let expected: Vec<&str> = include_str!("manifest/expected.txt").lines().collect();
    assert!(lines.len() > 500);
    for ((mode, source), (found, expected)) in cases().into_iter().zip(lines.iter().zip(&expected))
    {
        assert_eq!(found, expected, "{mode}:\n{source}");
    }
    let digest = Sha256::digest(lines.join("\n"));
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, UPSTREAM.trim());
}

#[test]
fn a_manifest_cannot_write_and_does_not_run_on_after_trying() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    tree(&root);
    let root = root.to_str().unwrap().replace('\\', "/");
    let target = format!("{root}/proj/new.txt");
    let attempts = [
        format!("try:\n    open('{target}', 'w')\nexcept BaseException:\n    module('a.py')\n"),
        format!("import os\ntry:\n    os.mkdir('{target}')\nfinally:\n    module('a.py')\n"),
        format!("import subprocess\nsubprocess.run(['touch', '{target}'])\n"),
        format!("import os\nos.system('touch {target}')\n"),
        format!("from pathlib import Path\nPath('{target}').write_text('x')\n"),
        format!("__import__('os').system('touch {target}')\n"),
        format!("exec(\"open('{target}', 'w')\")\n"),
    ];
    for source in attempts {
        let error = evaluate(&request(&root, "freeze", &source)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unsupported, "{source}");
        assert!(!Path::new(&target).exists(), "{source}");
    }
}

#[cfg(unix)]
#[test]
fn iterators_annotations_and_mistakes_are_those_of_python() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    tree(&root);
    let root = root.to_str().unwrap();
    let one = "a.py < $ROOT/proj/a.py freeze_as_mpy - -,-,-,-,-,-; = -,-,-,-,-,-";
    let none = "= -,-,-,-,-,-";
    let error = "! Error in manifest file: $ROOT/proj/manifest.py: ";
    for (source, expected) in [
        // Nothing asks for the items.
        ("map(module, ['a.py'])", none.to_owned()),
        ("(module(n) for n in ['a.py'])", none.to_owned()),
        ("filter(module, ['a.py'])", none.to_owned()),
        // These stop asking.
        (
            "any(module(n) is None for n in ('a.py', 'missing.py'))",
            one.to_owned(),
        ),
        (
            "next(module(n) for n in ('a.py', 'missing.py'))",
            one.to_owned(),
        ),
        (
            "for n, m in zip(['a.py'], map(module, ['a.py', 'missing.py'])): pass",
            one.to_owned(),
        ),
        (
            "[module(n) for m in 'ab' if m == 'a' for n in (m + x for x in ['.py'])]",
            one.to_owned(),
        ),
        (
            "list(m + n for m in 'ab' for n in 'cd') == ['ac', 'ad', 'bc', 'bd'] and module('a.py')",
            one.to_owned(),
        ),
        (
            "g = (next(g) for x in 'a')\nnext(g)",
            format!("{error}generator already executing"),
        ),
        (
            "module(enumerate('a'))",
            format!("{error}expected str, bytes or os.PathLike object, not enumerate"),
        ),
        (
            "freeze(iter([]))",
            format!("{error}'list_iterator' object has no attribute 'replace'"),
        ),
        (
            "freeze(metadata)",
            format!("{error}'function' object has no attribute 'replace'"),
        ),
        ("x: int = 3\nmodule('a.py')", one.to_owned()),
        (
            "def f():\n    x: unknown = 3\nf()\nmodule('a.py')",
            one.to_owned(),
        ),
        (
            "x: unknown = 3",
            format!("{error}name 'unknown' is not defined"),
        ),
        (
            "def d(f): module('a.py')\n@d\ndef g(): pass",
            one.to_owned(),
        ),
        ("len(b'\\\\x%02x') == 6 and module('a.py')", one.to_owned()),
        (
            "b'\\x4'",
            format!("{error}(value error) invalid \\x escape at position 0 (<string>, line 1)"),
        ),
        (
            "module(*'', *None)",
            format!("{error}Value after * must be an iterable, not NoneType"),
        ),
        (
            "metadata(version=1, stdlib=1, stdlib=2, version=2)",
            format!("{error}keyword argument repeated: version (<string>, line 1)"),
        ),
        (
            "require(('plain', opt=3))",
            format!(
                "{error}invalid syntax. Maybe you meant '==' or ':=' instead of '='? (<string>, line 1)"
            ),
        ),
        (
            "x = (a.b=3)",
            format!(
                "{error}cannot assign to attribute here. Maybe you meant '==' instead of '='? (<string>, line 1)"
            ),
        ),
        (
            "x = (a=)",
            format!("{error}invalid syntax (<string>, line 1)"),
        ),
        (
            "package('pkg', opt=1, f(2)\n",
            format!("{error}'(' was never closed (<string>, line 1)"),
        ),
        (
            "x = 1\n\\\n",
            format!("{error}unexpected EOF while parsing (<string>, line 2)"),
        ),
    ] {
        assert_eq!(run(root, "freeze", source), expected, "{source}");
    }
}

#[test]
fn damaged_and_endless_sources_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    tree(&root);
    let root = root.to_str().unwrap();
    let deep = format!("x = {}1{}\n", "(".repeat(5000), ")".repeat(5000));
    let long = format!("x = {}\n", "-".repeat(100_000));
    let nested: String = (0..600)
        .map(|depth| format!("{}if 1:\n", " ".repeat(depth)))
        .collect();
    for source in [
        deep,
        long,
        nested,
        "def f():\n    f()\nf()\n".to_owned(),
        "x = []\nx.append(x)\nprint(x)\n".to_owned(),
    ] {
        let error = evaluate(&request(root, "freeze", &source)).unwrap_err();
        assert!(matches!(
            error.kind,
            ErrorKind::Manifest | ErrorKind::Unsupported
        ));
    }
    // Every prefix of a source with all constructs, and the source with each byte changed.
    let source = "import os\nfor n, (a, *b) in enumerate([(1, 2)]):\n    with open('a.py') as f:\n        print(f'{n!r:>{a}}', *b, **{})\n\
                  try:\n    x = [i for i in range(3) if i][::-1]\nexcept (OSError, ValueError) as e:\n    raise\nelse:\n    lambda q=1, *r: q\n";
    for end in 0..source.len() {
        let _ = evaluate(&request(root, "freeze", &source[..end]));
        let mut bytes = source.as_bytes().to_vec();
        bytes[end] = b"(]:'\n x1#"[end % 9];
        let _ = evaluate(&request(root, "freeze", &String::from_utf8(bytes).unwrap()));
    }
}
