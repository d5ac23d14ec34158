//! The errors of the macro: their messages, and the lines that they point at.

use std::fs;

use proc_macro2::TokenStream;

use crate::expand::expand;

/// The files that the traits of these tests name.
const FILES: [(&str, &str); 3] = [
    (
        "sensor.py",
        "from machine import ADC\n\n\ndef read(channel, count, scale=1):\n    # Slow.\n    return [scale] * count\n",
    ),
    (
        "broken.py",
        "def read(channel):\n    x = 1\n    return (channel\n",
    ),
    ("indent.py", "def read(channel):\n    x = 1\n   return x\n"),
];

fn expand_with_files(arguments: &str, item: &str) -> syn::Result<TokenStream> {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in FILES {
        fs::write(folder.path().join(name), content).unwrap();
    }
    expand(
        arguments.parse().unwrap(),
        item.parse().unwrap(),
        folder.path(),
    )
}

/// The errors of a trait: the line that each one is at, and its message.
#[track_caller]
fn errors(arguments: &str, item: &str) -> Vec<(usize, String)> {
    let error = expand_with_files(arguments, item).unwrap_err();
    error
        .into_iter()
        .map(|error| (error.span().start().line, error.to_string()))
        .collect()
}

/// Checks the only error of a trait with this body, whose first line is line 2. Lines of Rust files are left out of the message.
#[track_caller]
fn check(body: &str, line: usize, message: &str) {
    let errors = errors("", &format!("trait Sensor {{\n{body}\n}}"));
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0], (line, message.to_owned()));
}

#[test]
fn a_syntax_error_in_a_file_has_its_line_there() {
    check(
        "\n#[py(file = \"indent.py\")]\nfn read(&self, channel: u8) -> Result<u8, DeviceError>;",
        3,
        "indent.py:2: IndentationError: unindent doesn't match any outer indent level",
    );
    check(
        "#[py(file = \"broken.py\")]\nfn read(&self, channel: u8) -> Result<u8, DeviceError>;",
        2,
        "broken.py:4: SyntaxError: invalid syntax",
    );
}

#[test]
fn a_syntax_error_in_a_literal_has_its_line_in_the_rust_file() {
    let item = "trait Sensor {\n    #[py(r#\"\n        def read(channel):\n            return 1 +\n    \"#)]\n    \
                fn read(&self, channel: u8) -> Result<u8, DeviceError>;\n}";
    let errors = errors("", item);
    assert_eq!(errors.len(), 1, "{errors:?}");
    let (line, message) = &errors[0];
    assert_eq!(*line, 2);
    assert!(
        message.ends_with(":4: SyntaxError: invalid syntax"),
        "{message}"
    );
}

#[test]
fn a_syntax_error_behind_escapes_has_its_line_in_the_code() {
    check(
        "#[py(\"def read():\\n    return 1 +\\n\")]\nfn read(&self) -> Result<u8, DeviceError>;",
        2,
        "line 2 of the Python code: SyntaxError: invalid syntax",
    );
}

#[test]
fn a_function_that_is_missing_is_an_error_at_its_name() {
    check(
        "#[py(file = \"sensor.py\")]\n\nfn reed(&self) -> Result<u8, DeviceError>;",
        4,
        "`sensor.py` does not define the function `reed`",
    );
    check(
        "#[py(\n\"def a(): pass\",\nfn = \"b\")]\nfn a(&self) -> Result<(), DeviceError>;",
        4,
        "the Python code does not define the function `b`",
    );
    check(
        "#[py(\"class C:\\n  def a(self): pass\\n\")]\nfn a(&self) -> Result<(), DeviceError>;",
        3,
        "the Python code does not define the function `a`",
    );
}

#[test]
fn arguments_that_do_not_fit_are_an_error_at_the_method() {
    check(
        "#[py(file = \"sensor.py\")]\nfn read(&self, channel: u8) -> Result<u8, DeviceError>;",
        3,
        "`read` takes 2 to 3 arguments, and the method gives 1",
    );
    for (parameters, arguments, expected) in [
        ("a", "", "1 argument, and the method gives 0"),
        ("", "a: u8", "0 arguments, and the method gives 1"),
        (
            "a, b, *c",
            "a: u8,",
            "2 or more arguments, and the method gives 1",
        ),
        (
            "a, *, b",
            "a: u8",
            "1 argument and `b=`, which a method can't give, and the method gives 1",
        ),
    ] {
        check(
            &format!(
                "#[py(\"def f({parameters}): pass\")]\nfn f(&self, {arguments}) -> Result<(), DeviceError>;"
            ),
            3,
            &format!("`f` takes {expected}"),
        );
    }
}

#[test]
fn functions_that_a_call_does_not_run_are_errors() {
    check(
        "#[py(\"def f(): yield 1\")]\nfn f(&self) -> Result<u8, DeviceError>;",
        3,
        "`f` yields: the method returns `Result<Generator<T>, DeviceError>`",
    );
    check(
        "#[py(\"async def f(): pass\")]\nfn f(&self) -> Result<(), DeviceError>;",
        3,
        "`f` is an `async def`, which a call does not run: call `asyncio.run` in a `def`",
    );
    check(
        "#[py(\"def _piton_f(): pass\")]\nfn _piton_f(&self) -> Result<(), DeviceError>;",
        3,
        "the name `_piton_f` is reserved: names with `_piton` are Piton's own",
    );
    check(
        "#[py(\"def f(): pass\")]\nfn f(&self) -> Result<(), DeviceError>;\n\
         #[py(\"def f(): pass\", fn = \"f\")]\nfn g(&self) -> Result<(), DeviceError>;",
        4,
        "two sources define `f`: on the board the second would replace the first",
    );
}

#[test]
fn signatures_that_a_board_cannot_have_are_errors() {
    for (method, message) in [
        (
            "fn f(&self);",
            "a board's method returns a `Result`, for example `Result<(), DeviceError>`",
        ),
        (
            "fn f(&self) -> u8;",
            "a board's method returns a `Result`, for example `Result<(), DeviceError>`",
        ),
        ("fn f() -> Result<u8>;", "expected `&self` or `&mut self`"),
        (
            "fn f(self) -> Result<u8>;",
            "expected `&self` or `&mut self`",
        ),
        (
            "fn f<T>(&self) -> Result<T>;",
            "a board's method has no type parameters",
        ),
        ("fn f(&self) -> Result<u8> { Ok(1) }", "expected `;`"),
        ("async fn f(&self) -> Result<u8>;", "expected `fn`"),
        (
            "fn f(&self) -> Result<u8>;",
            "no Python code for `f`: expected `#[py(\"...\")]` or `#[py(file = \"...\")]` here, or a source in \
             `#[piton::board(...)]`",
        ),
        (
            "#[py(path = \"x.py\")] fn f(&self) -> Result<u8>;",
            "expected Python code as a string literal, `file = \"...\"`, `fn = \"...\"` or `deadline_ms = ...`",
        ),
        (
            "#[py(\"x\", \"y\")] fn f(&self) -> Result<u8>;",
            "expected one source, one function and one deadline",
        ),
        (
            "#[py(\"x\")] #[setup(\"y\")] fn f(&self) -> Result<u8>;",
            "a method has one source: one `#[py(...)]` or `#[setup(...)]`",
        ),
        (
            "#[setup(\"y\", fn = \"f\")] fn f(&self) -> Result<u8>;",
            "a setup executes its source: it has no function",
        ),
        (
            "#[setup()] fn f(&self) -> Result<()>;",
            "expected Python code, or `file = \"...\"`",
        ),
        (
            "#[py(\"def attach(): pass\")] fn attach(&self) -> Result<u8>;",
            "the name `attach` belongs to the struct that the macro writes",
        ),
    ] {
        check(method, 2, message);
    }
    let message = "a board's trait has no type parameters and no supertraits";
    assert_eq!(errors("", "trait Sensor<T> {}"), [(1, message.to_owned())]);
}

#[test]
fn all_methods_are_checked_and_a_missing_file_is_named() {
    let item = "trait Sensor {\nfn read(&self) -> Result<u8>;\nfn write(&self) -> Result<u8>;\n}";
    let found = errors("file = \"sensor.py\"", item);
    assert_eq!(
        found,
        [
            (
                2,
                "`read` takes 2 to 3 arguments, and the method gives 0".to_owned()
            ),
            (
                3,
                "`sensor.py` does not define the function `write`".to_owned()
            ),
        ]
    );
    let found = errors("file = \"missing.py\"", "trait Sensor {}");
    assert!(found[0].1.starts_with("can't read `"), "{found:?}");
    assert!(found[0].1.contains("missing.py`: "), "{found:?}");
}

#[test]
fn a_literal_that_methods_share_is_executed_once() {
    let item = "trait Pair {\nfn a(&self) -> Result<()>;\nfn b(&self) -> Result<()>;\n}";
    let code = "\"def a(): pass\\ndef b(): pass\\n\"";
    let written = expand_with_files(code, item).unwrap().to_string();
    assert!(
        written.contains("[task_a , task_b] = device . tasks"),
        "{written}"
    );
}

#[test]
fn a_deadline_is_a_number_of_milliseconds() {
    let method = |arguments: &str| {
        format!("#[py(\"def a(): pass\", {arguments})]\nfn a(&self) -> Result<(), DeviceError>;")
    };
    let expanded = expand_with_files(
        "",
        &format!("trait Sensor {{{}}}", method("deadline_ms = 1_500")),
    );
    let expanded = expanded.unwrap().to_string();
    assert!(expanded.contains("from_millis (1500u64)"), "{expanded}");
    for wrong in ["0", "-1", "\"1\"", "1.5"] {
        let message = "expected a number of milliseconds, from 1";
        check(&method(&format!("deadline_ms = {wrong}")), 2, message);
    }
    let twice = method("deadline_ms = 1, deadline_ms = 2");
    check(
        &twice,
        2,
        "expected one source, one function and one deadline",
    );
    let errors = errors("\"def a(): pass\", deadline_ms = 1", "trait Sensor {}");
    assert_eq!(
        errors[0].1,
        "expected only a source here: `deadline_ms = ...` stands on a method"
    );
}

#[test]
fn a_source_is_minified_and_executed_once() {
    let item = "trait Sensor {\nfn read(&self, channel: u8, count: u32) -> Result<Vec<u8>, DeviceError>;\n\
                #[py(fn = \"read\")]\nfn scaled(&mut self, a: u8, b: u8, c: u8) -> Result<Vec<u8>, DeviceError>;\n}";
    let written = expand_with_files("file = \"sensor.py\"", item)
        .unwrap()
        .to_string();
    assert!(!written.contains("Slow"), "{written}");
    assert_eq!(written.matches("device . tasks").count(), 1, "{written}");
    assert_eq!(written.matches("include_bytes").count(), 1, "{written}");
    assert!(written.contains("\"sensor.py\" , 1"), "{written}");
}
