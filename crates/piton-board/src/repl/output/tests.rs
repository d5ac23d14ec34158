use super::*;

/// Feed `stream` in pieces of `piece` bytes: the output, the end, and what is left behind the end.
fn scan(stream: &[u8], piece: usize) -> (Vec<u8>, Option<End>, Vec<u8>) {
    let mut scanner = Scanner::default();
    let mut output = Vec::new();
    let mut at = 0;
    for bytes in stream.chunks(piece) {
        let found = scanner.feed(bytes, &mut |bytes| output.extend_from_slice(bytes));
        if let Some((end, used)) = found {
            return (output, Some(end), stream[at + used..].to_vec());
        }
        at += bytes.len();
    }
    (output, None, Vec::new())
}

/// However the stream is cut, it gives this output, this exception, and leaves nothing.
#[track_caller]
fn check(stream: &[u8], output: &[u8], exception: &[u8]) {
    for piece in 1..=stream.len() {
        assert_eq!(
            scan(stream, piece),
            (
                output.to_vec(),
                Some(End::Prompt {
                    exception: exception.to_vec()
                }),
                Vec::new()
            ),
            "in pieces of {piece}: {}",
            stream.escape_ascii()
        );
    }
}

#[test]
fn output_without_an_exception_ends() {
    check(b"\x04\x04>", b"", b"");
    check(b"2\r\n\x04\x04>", b"2\r\n", b"");
    check(b"a > b\r\n\x04\x04>", b"a > b\r\n", b"");
}

#[test]
fn exceptions_end_the_output_with_and_without_a_traceback() {
    let traceback = b"Traceback (most recent call last):\r\n  File \"<stdin>\", line 1, in <module>\r\nZeroDivisionError: divide by zero\r\n";
    let stream = [b"before\r\n\x04", &traceback[..], b"\x04>"].concat();
    check(&stream, b"before\r\n", traceback);
    check(
        b"\x04KeyboardInterrupt: \r\n\x04>",
        b"",
        b"KeyboardInterrupt: \r\n",
    );
    check(
        b"\x04\r\nKeyboardInterrupt: \r\n\x04>",
        b"",
        b"\r\nKeyboardInterrupt: \r\n",
    );
}

#[test]
fn a_translated_heading_is_an_exception() {
    let text = "Zurückverfolgung (jüngste Aufforderung zuletzt):\r\n  File \"<stdin>\", line 1\r\nNameError: x\r\n";
    let stream = [b"\x04", text.as_bytes(), b"\x04>"].concat();
    check(&stream, b"", text.as_bytes());
}

#[test]
fn an_end_byte_in_output_is_output() {
    check(b"a\x04b\r\n\x04\x04>", b"a\x04b\r\n", b"");
    check(b"\x04\x04\x04>", b"\x04", b"");
    check(b"\x04\x04\x04\x04\x04>", b"\x04\x04\x04", b"");
    check(b"\x04\x04x\x04\x04>", b"\x04\x04x", b"");
    check(b"\x04>\x04\x04>", b"\x04>", b"");
    check(b"\x04hello world\r\n\x04\x04>", b"\x04hello world\r\n", b"");
    check(b"\x04Name: text\x04\x04>", b"\x04Name: text", b"");
    check(b"\x04Name: text\r\n\x04\x04>", b"\x04Name: text\r\n", b"");
    check(b"\x04\x00\xff\x04\x04>", b"\x04\x00\xff", b"");
    check(b"\x04MPY: soft\x04\x04>", b"\x04MPY: soft", b"");
    check(
        b"\x04\x04MPY: soft drink\x04\x04>",
        b"\x04\x04MPY: soft drink",
        b"",
    );
}

#[test]
fn every_byte_is_passed_on() {
    let all: Vec<u8> = (0..=255).collect();
    check(&[&all[..], b"\x04\x04>"].concat(), &all, b"");
}

#[test]
fn an_end_byte_in_a_message_is_part_of_it() {
    let text = b"Traceback (most recent call last):\r\nValueError: a\x04b\x04\x04>c\r\n";
    let stream = [b"x\x04", &text[..], b"\x04>"].concat();
    check(&stream, b"x", text);
}

#[test]
fn system_exit_announces_a_soft_reset() {
    for line in [
        "MPY: soft reboot\r\n",
        "PYB: soft reboot\r\n",
        "\r\nsoft reboot\r\n",
    ] {
        let stream = [b"bye\r\n\x04\x04", line.as_bytes()].concat();
        for piece in 1..=stream.len() {
            let (output, end, _) = scan(&stream, piece);
            assert_eq!((output, end), (b"bye\r\n".to_vec(), Some(End::SoftReset)));
        }
    }
}

#[test]
fn bytes_behind_the_end_are_not_used() {
    let (output, end, rest) = scan(b"1\x04\x04>tick\r\n", 64);
    assert_eq!(output, b"1");
    assert!(end.is_some());
    assert_eq!(rest, b"tick\r\n");
}

#[test]
fn output_streams_without_waiting_for_more() {
    let mut scanner = Scanner::default();
    let mut output = Vec::new();
    assert_eq!(
        scanner.feed(b"partial line", &mut |bytes| output
            .extend_from_slice(bytes)),
        None
    );
    assert_eq!(output, b"partial line");
}

#[test]
fn the_bytes_held_after_an_end_byte_are_limited() {
    let mut scanner = Scanner::default();
    let mut count = 0;
    scanner.feed(b"\x04Traceback (most recent call last):\r\n", &mut |_| ());
    for _ in 0..100 {
        scanner.feed(&[b'x'; 1024], &mut |bytes| count += bytes.len());
    }
    assert!(count > LONGEST_EXCEPTION);
}

#[test]
fn an_end_behind_the_beginning_of_a_traceback_is_found_after_silence() {
    let mut scanner = Scanner::default();
    let mut output = Vec::new();
    let start = b"\x04Traceback (most recent call last):";
    let stream = [&start[..], b"\x04\x04>"].concat();
    assert_eq!(
        scanner.feed(&stream, &mut |bytes| output.extend_from_slice(bytes)),
        None
    );
    let end = scanner.end_here(&mut |bytes| output.extend_from_slice(bytes));
    assert_eq!(
        end,
        Some(End::Prompt {
            exception: Vec::new()
        })
    );
    assert_eq!(output, start);
}
