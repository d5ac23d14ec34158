use super::*;

fn parse(text: &str) -> BoardException {
    BoardException::parse(text.as_bytes())
}

fn frame(file: &str, line: u32, scope: Option<&str>) -> Frame {
    Frame {
        file: file.to_owned(),
        line,
        scope: scope.map(str::to_owned),
    }
}

#[test]
fn a_traceback_has_frames_type_and_message() {
    let text = "Traceback (most recent call last):\r\n  File \"<stdin>\", line 3, in <module>\r\n  File \"lib/a.py\", line 12, in f\r\nValueError: bad value: 7\r\n";
    let exception = parse(text);
    assert_eq!(exception.type_name, "ValueError");
    assert_eq!(exception.message, "bad value: 7");
    assert_eq!(
        exception.frames,
        [
            frame("<stdin>", 3, Some("<module>")),
            frame("lib/a.py", 12, Some("f"))
        ]
    );
    assert_eq!(exception.traceback, text.as_bytes());
    assert_eq!(
        exception.to_string(),
        "ValueError: bad value: 7, lib/a.py line 12 in f"
    );
}

#[test]
fn a_syntax_error_has_a_line_without_scope() {
    let exception = parse(
        "Traceback (most recent call last):\r\n  File \"<stdin>\", line 2\r\nSyntaxError: invalid syntax\r\n",
    );
    assert_eq!(exception.type_name, "SyntaxError");
    assert_eq!(exception.frames, [frame("<stdin>", 2, None)]);
    assert_eq!(
        exception.to_string(),
        "SyntaxError: invalid syntax, <stdin> line 2"
    );
}

#[test]
fn messages_may_be_empty_or_have_several_lines() {
    let exception = parse("KeyboardInterrupt: \r\n");
    assert!(exception.is_keyboard_interrupt());
    assert_eq!(exception.message, "");
    assert_eq!(exception.to_string(), "KeyboardInterrupt");

    let exception = parse(
        "Traceback (most recent call last):\r\n  File \"<stdin>\", line 1, in <module>\r\nmy.Error: one\r\n  File \"x\", line 9, in y\r\nthree\r\n",
    );
    assert_eq!(exception.type_name, "my.Error");
    assert_eq!(exception.message, "one\n  File \"x\", line 9, in y\nthree");
    assert_eq!(exception.frames.len(), 1);
}

#[test]
fn a_chain_ends_with_the_last_exception() {
    let exception = parse(
        "Traceback (most recent call last):\r\n  File \"<stdin>\", line 2, in <module>\r\nValueError: a\r\n\r\nDuring handling of the above exception, another exception occurred:\r\n\r\nTraceback (most recent call last):\r\n  File \"<stdin>\", line 4, in <module>\r\nTypeError: b\r\n",
    );
    assert_eq!(exception.type_name, "TypeError");
    assert_eq!(exception.message, "b");
    assert_eq!(exception.frames, [frame("<stdin>", 4, Some("<module>"))]);
}

#[test]
fn a_translated_heading_is_skipped() {
    let exception = parse(
        "Zurückverfolgung (jüngste Aufforderung zuletzt):\r\n  File \"<stdin>\", line 1, in <module>\r\nNameError: Name 'x' ist nirgends definiert worden\r\n",
    );
    assert_eq!(exception.type_name, "NameError");
    assert_eq!(exception.frames.len(), 1);
}

#[test]
fn text_that_is_not_an_exception_is_a_message() {
    for text in [
        "",
        "hello, world",
        "12: no",
        "\u{fffd}\u{0}: x",
        "File \"x\"",
    ] {
        assert_eq!(parse(text).type_name, "", "{text}");
        assert_eq!(parse(text).message, text);
    }
}

#[test]
fn bad_input_never_panics() {
    let text = "Traceback (most recent call last):\r\n  File \"\u{fc}\", line 99999999999, in <module>\r\nOSError: [Errno 2] ENOENT\r\n";
    for end in 0..text.len() {
        for start in 0..end {
            let exception = BoardException::parse(&text.as_bytes()[start..end]);
            let _ = (exception.to_string(), exception.os_error());
        }
    }
}

#[track_caller]
fn check_os_error(message: &str, expected: Option<(i32, Option<&str>, Option<&str>)>) {
    let exception = parse(&format!("OSError: {message}\r\n"));
    let error = exception.os_error();
    let found = error
        .as_ref()
        .map(|error| (error.number, error.name.as_deref(), error.text));
    assert_eq!(found, expected, "{message}");
}

#[test]
fn os_errors_have_a_number_a_name_and_a_meaning() {
    let missing = Some((2, Some("ENOENT"), Some("no such file or directory")));
    check_os_error("[Errno 2] ENOENT", missing);
    check_os_error("[Errno 2] ENOENT: data.txt", missing);
    check_os_error("2", missing);
    check_os_error("[Errno 2] No such file/directory", missing);
    check_os_error("[Errno 2] No such file/directory: /x", missing);
    check_os_error(
        "28",
        Some((28, Some("ENOSPC"), Some("no space left on device"))),
    );
    // esp32 has its C library's numbers: the printed name decides.
    check_os_error(
        "[Errno 116] ETIMEDOUT",
        Some((116, Some("ETIMEDOUT"), Some("connection timed out"))),
    );
    check_os_error("(-202, 'EAI_FAIL')", Some((-202, Some("EAI_FAIL"), None)));
    check_os_error("-2", Some((-2, None, None)));
    check_os_error("[Errno 9999] what", Some((9999, None, None)));
    check_os_error(
        "[Errno 30] Read-only filesystem",
        Some((30, Some("EROFS"), Some("read-only file system"))),
    );
    check_os_error("no answer", None);
    check_os_error("", None);
    check_os_error("[Errno x] ENOENT", None);
    assert_eq!(parse("ValueError: 2").os_error(), None);
}

#[test]
fn an_os_error_is_shown_with_its_meaning() {
    let exception = parse(
        "Traceback (most recent call last):\r\n  File \"main.py\", line 3, in f\r\nOSError: [Errno 2] ENOENT\r\n",
    );
    assert_eq!(
        exception.to_string(),
        "OSError: [Errno 2] ENOENT (no such file or directory), main.py line 3 in f"
    );
    assert_eq!(
        parse("OSError: 28").to_string(),
        "OSError: 28 (ENOSPC, no space left on device)"
    );
    assert_eq!(
        exception.os_error().unwrap().to_string(),
        "ENOENT (2): no such file or directory"
    );
}
