//! Sources at the limits of the bytecode: just below, the official compiler's bytes; above, an error with a line where
//! the official one stops with an assertion, or writes a module that does something else.
#![expect(
    clippy::unwrap_used,
    reason = "a test that can't call the other compiler fails"
)]

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;

use piton_compiler::{ErrorType, Options, compile};

/// The bytes that both compilers make of a source.
#[track_caller]
fn accepted(source: &str) {
    let module = compile(source.as_bytes(), &Options::new("<stdin>")).unwrap();
    let ours = piton_mpy::writer::write(&module).unwrap();
    let mut child = test_programs::mpy_cross()
        .args(["-X", "heapsize=64m", "-o", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The official compiler reads all before it writes.
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(source.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(ours == output.stdout, "other bytes than the official ones");
}

/// The error of a source: message, line and scope.
#[track_caller]
fn refused(source: &str, message: &str, line: u32, scope: &str) {
    let diagnostic = compile(source.as_bytes(), &Options::new("a.py")).unwrap_err();
    assert_eq!(diagnostic.error_type(), ErrorType::RuntimeError);
    assert_eq!(diagnostic.message, message);
    let location = diagnostic.location.unwrap();
    assert_eq!(location.line, line);
    assert_eq!(location.scope.as_deref(), Some(scope.as_bytes()));
}

/// `text` with each number below `count` in the place of `#`.
fn numbered(count: usize, text: &str) -> String {
    (0..count).fold(String::new(), |mut all, number| {
        all += &text.replace('#', &number.to_string());
        all
    })
}

fn list(count: usize, item: &str) -> String {
    numbered(count, &format!("{item},"))
}

#[test]
fn a_captured_variable_has_a_number_of_one_byte() {
    const MESSAGE: &str = "an inner function uses a local variable numbered above 255";
    // The inner function is a local too, and the captured variable comes after the others.
    let captured = |count| {
        let locals = numbered(count, "    v# = 0\n");
        format!("x = 1\ndef f():\n{locals}    c = 1\n    def g(): return c\n    return g\n")
    };
    accepted(&captured(254));
    refused(&captured(255), MESSAGE, 2, "f");
    refused(&captured(300), MESSAGE, 2, "f");
    // Parameters keep their number.
    let parameter = |count| {
        let parameters = list(count, "v#");
        let last = count - 1;
        format!("def f({parameters}):\n    return lambda: v{last}\n")
    };
    accepted(&parameter(256));
    refused(&parameter(257), MESSAGE, 1, "f");
    // Others may have any number.
    let first = format!("def f({}):\n    return lambda: v0\n", list(300, "v#"));
    accepted(&first);
    accepted(&format!("def f():\n{}", numbered(1000, "    v# = 0\n")));
}

#[test]
fn an_inner_function_has_so_many_variables_of_outer_ones() {
    let inner = |count: usize| {
        let names = (0..count).map(|number| format!("v{number}"));
        let sum = names.collect::<Vec<String>>().join("+");
        format!("def f({}):\n    return lambda: {sum}\n", list(count, "v#"))
    };
    accepted(&inner(255));
    let message = "an inner function uses more than 255 outer variables";
    refused(&inner(256), message, 1, "f");
}

#[test]
fn a_call_has_so_many_arguments() {
    const MESSAGE: &str = "more than 255 arguments in a call";
    for call in [
        "f(LIST)",
        "a.f(LIST)",
        "f(*a, LIST)",
        "f(LIST **a)",
        "f(LIST a=1)",
    ] {
        let positional = |count| format!("x = 1\n{}\n", call.replace("LIST", &list(count, "a")));
        let fits = if call.contains('*') && !call.contains("**") {
            254
        } else {
            255
        };
        accepted(&positional(fits));
        refused(&positional(fits + 1), MESSAGE, 2, "<module>");
    }
    let keyword = |count| format!("f(1, {})\n", list(count, "v#=1"));
    accepted(&keyword(255));
    refused(&keyword(256), MESSAGE, 1, "<module>");
    // The name and the body of a class are arguments as well.
    let bases = |count| format!("class A({}): pass\n", list(count, "b"));
    accepted(&bases(253));
    refused(&bases(254), MESSAGE, 1, "<module>");
    // Each replacement field of a format string is one.
    let fields = |count| format!("x = f'{}'\n", numbered(count, "{a}"));
    accepted(&fields(255));
    refused(&fields(256), MESSAGE, 1, "<module>");
}

#[test]
fn a_starred_target_has_so_many_beside_it() {
    const MESSAGE: &str = "more than 255 targets on one side of the starred one";
    let left = |count| format!("{}*b = x\n", list(count, "a"));
    let right = |count| format!("*b, {} = x\n", list(count, "a"));
    for source in [left, right] {
        accepted(&source(255));
        refused(&source(256), MESSAGE, 1, "<module>");
    }
    accepted(&format!("{} = x\n", list(300, "a")));
}

#[test]
fn break_leaves_so_many_blocks() {
    const MESSAGE: &str = "'break'/'continue' out of more than 127 blocks";
    for word in ["break", "continue"] {
        let source = |count: usize| {
            format!(
                "while x:\n  with {}b:\n    {word}\n",
                "a,".repeat(count - 1)
            )
        };
        accepted(&source(127));
        refused(&source(128), MESSAGE, 3, "<module>");
    }
}

#[test]
fn a_function_has_so_many_values_on_its_stack() {
    let items = |count| format!("def f(a, b):\n    return [{}]\n", list(count, "a"));
    accepted(&items(65_533));
    let message = "more than 65535 values on a function's stack";
    refused(&items(65_534), message, 1, "f");
    refused(&items(70_000), message, 1, "f");
}

#[test]
fn a_module_has_so_many_names() {
    const MESSAGE: &str = "more than 65535 names and short strings";
    // The official compiler takes minutes for so many: ours is asked alone.
    let ours = |source: &str| compile(source.as_bytes(), &Options::new("a.py")).map(|_| ());
    // 581 strings are built in, and the name of the file is one more.
    let variables = |count| numbered(count, "v#=0\n");
    assert_eq!(ours(&variables(64_953)), Ok(()));
    refused(&variables(64_954), MESSAGE, 64_954, "<module>");
    refused(&variables(70_000), MESSAGE, 64_954, "<module>");
    // The table of the module holds attributes too, which are not variables.
    let attributes = |count| numbered(count, "a.v#\n");
    assert_eq!(ours(&attributes(65_532)), Ok(()));
    refused(&attributes(65_534), MESSAGE, 65_534, "<module>");
    // Names of local variables and strings in constant tuples are not in it.
    let mut locals = numbered(40_000, "    v# = 0\n");
    locals.insert_str(0, "def f():\n");
    writeln!(locals, "x = ({})", list(40_000, "'w#'")).unwrap();
    assert_eq!(ours(&locals), Ok(()));
    refused(
        &format!("{locals}def late(): pass\n"),
        MESSAGE,
        40_003,
        "<module>",
    );
    // With so many parameters their number does not wrap.
    let parameters = |count| format!("\ndef f({}): pass\n", list(count, "v#"));
    assert_eq!(ours(&parameters(64_952)), Ok(()));
    for count in [64_954, 65_537, 131_073] {
        refused(&parameters(count), MESSAGE, 2, "f");
    }
}
