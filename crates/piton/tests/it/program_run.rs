//! Programs that are run as a person runs them: how they end, what they print, what they read.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ops::ControlFlow::{Break, Continue};
use std::sync::Arc;
use std::time::Duration;

use piton::compiler::{Options, compile};
use piton::error::{BoardError, Error, ErrorKind};
use piton::mpy::writer;
use piton::program::{Code, Ended, ExitValue, Following, Line, MpyError, Program, ProgramError};
use piton::session::{Session, SessionOptions};
use piton::virtual_board::{BoardOptions, Fault, VirtualBoard, VmImage, serve};

fn session() -> Session {
    let mut options = SessionOptions::default();
    options.connect.vm = Some(test_programs::vm());
    Session::connect(&"virtual".parse().unwrap(), options).unwrap()
}

/// Runs a program that gets these lines, one for each time that it is asked. Returns what it printed, and how it ended.
fn run(
    session: &mut Session,
    program: &Program<'_>,
    lines: &[Option<&str>],
) -> (String, Result<Ended, Error>) {
    let mut printed = Vec::new();
    let mut lines: VecDeque<_> = lines.iter().collect();
    let ended = session.run_program(
        program,
        &mut Following {
            output: &mut |bytes| {
                printed.extend_from_slice(bytes);
                Continue(())
            },
            line: &mut || match lines.pop_front() {
                None => Some(Line::End),
                Some(None) => None,
                Some(Some(text)) => Some(Line::Text(text.as_bytes().to_vec())),
            },
        },
    );
    let printed = String::from_utf8(printed).unwrap().replace('\r', "");
    (printed, ended)
}

fn exited(code: u8, message: Option<&str>) -> Ended {
    Ended::Exited(ExitValue {
        code,
        message: message.map(str::to_owned),
    })
}

#[track_caller]
fn check(source: &str, lines: &[Option<&str>], output: &str, ended: &Ended) {
    let mut session = session();
    let program = Program::new(Code::Source(source.as_bytes()), "it.py");
    let (printed, found) = run(&mut session, &program, lines);
    assert_eq!(printed, output, "{source}");
    assert_eq!(found.unwrap(), *ended, "{source}");
    // The board is good for the next program.
    let again = Program::new(Code::Source(b"print('again')"), "again.py");
    assert_eq!(run(&mut session, &again, &[]).0, "again\n", "{source}");
}

#[test]
fn ends_by_themselves() {
    check("print(1)\n", &[], "1\n", &Ended::AtEnd);
    check("", &[], "", &Ended::AtEnd);
    check(
        "import sys\nprint(1)\nsys.exit()\n",
        &[],
        "1\n",
        &exited(0, None),
    );
    check("import sys; sys.exit(3)", &[], "", &exited(3, None));
    check("raise SystemExit(-1)", &[], "", &exited(255, None));
    check("raise SystemExit('no')", &[], "", &exited(1, Some("no")));
    check(
        "try: raise SystemExit(3)\nfinally: print('f')",
        &[],
        "f\n",
        &exited(3, None),
    );
    check(
        "try: raise SystemExit(3)\nexcept SystemExit: pass",
        &[],
        "",
        &Ended::AtEnd,
    );
}

#[test]
fn lines_are_read_when_the_program_asks() {
    let echo = "while True:\n line = input('? ')\n if line == 'end': break\n print(line)\n";
    check(
        echo,
        &[Some("one"), None, None, Some("two"), Some("end")],
        "? one\n? two\n? ",
        &Ended::AtEnd,
    );
    // Letters beyond ASCII come as they are.
    check(
        "print(input(), input())",
        &[Some("\u{20ac}"), Some("b")],
        "\u{20ac} b\n",
        &Ended::AtEnd,
    );
    check(
        "try: input()\nexcept EOFError: print('end')",
        &[],
        "end\n",
        &Ended::AtEnd,
    );
    // Nothing is taken by one that does not ask.
    let mut session = session();
    let program = Program::new(Code::Source(b"x = 'input'"), "it.py");
    let asked = RefCell::new(0);
    let ended = session.run_program(
        &program,
        &mut Following {
            output: &mut |_| Continue(()),
            line: &mut || {
                *asked.borrow_mut() += 1;
                None
            },
        },
    );
    assert_eq!((ended.unwrap(), asked.into_inner()), (Ended::AtEnd, 0));
}

/// Returns the traceback of a program, as it is shown.
#[track_caller]
fn traceback(program: &Program<'_>) -> String {
    match run(&mut session(), program, &[]).1.unwrap() {
        Ended::Raised { traceback } => String::from_utf8(traceback).unwrap().replace('\r', ""),
        other => panic!("{other:?}"),
    }
}

#[test]
fn tracebacks_show_the_source_of_an_extended_program() {
    let source = "# A comment.\ndef f():\n    return 1 / 0\n\nf()\n";
    let mut program = Program::new(Code::Source(source.as_bytes()), "it.py");
    let shown = traceback(&program);
    for part in [
        "it.py\", line 3",
        "return 1 / 0",
        "it.py\", line 5",
        "ZeroDivisionError",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    program.extended = false;
    let plain = traceback(&program);
    assert!(plain.contains("\"<stdin>\", line 3"), "{plain}");
    assert!(
        !plain.contains("it.py") && !plain.contains("return"),
        "{plain}"
    );
    let expression = Code::Expression {
        text: "1 / 0",
        source: b"print(1 / 0)",
    };
    let shown = traceback(&Program::new(expression, "<eval>"));
    assert!(
        shown.contains("<eval>") && shown.contains("1 / 0"),
        "{shown}"
    );
    let mut snippet = Program::new(Code::Snippet(b"1 / 0"), "mine");
    snippet.argv = Some(Vec::new());
    let shown = traceback(&snippet);
    assert!(!shown.contains("mine"), "{shown}");
}

#[test]
fn a_program_that_is_not_extended_exits_without_a_value() {
    for source in ["import sys; sys.exit(3)", "print('x')"] {
        let mut program = Program::new(Code::Source(source.as_bytes()), "it.py");
        program.extended = false;
        let (_, ended) = run(&mut session(), &program, &[]);
        assert_eq!(ended.unwrap(), Ended::AtEnd, "{source}");
    }
}

#[test]
fn arguments_are_the_board_s_own_list() {
    let mut session = session();
    let mut program = Program::new(Code::Source(b"import sys; print(sys.argv)"), "it.py");
    program.argv = Some(vec!["it.py".to_owned(), "it's".to_owned(), String::new()]);
    let (printed, _) = run(&mut session, &program, &[]);
    assert_eq!(printed, "['it.py', \"it's\", '']\n");
    // Those of the last program stay until others come.
    program.argv = None;
    assert_eq!(run(&mut session, &program, &[]).0, printed);
    program.argv = Some(Vec::new());
    assert_eq!(run(&mut session, &program, &[]).0, "[]\n");
    session
        .board()
        .unwrap()
        .run(b"import sys; del sys.argv")
        .unwrap_or_default();
}

fn mpy(source: &str) -> Vec<u8> {
    let module = compile(source.as_bytes(), &Options::new("it.py")).unwrap();
    writer::write(&module).unwrap()
}

#[test]
fn a_compiled_program_runs_from_memory() {
    let mut session = session();
    let run_file = |session: &mut Session, file: &[u8], lines: &[Option<&str>]| {
        run(session, &Program::new(Code::Mpy(file), "it.mpy"), lines)
    };
    let (printed, ended) = run_file(
        &mut session,
        &mpy("print('hello', input())\n"),
        &[Some("you")],
    );
    assert_eq!(
        (printed.as_str(), ended.unwrap()),
        ("hello you\n", Ended::AtEnd)
    );
    let (_, ended) = run_file(&mut session, &mpy("import sys\nsys.exit(7)\n"), &[]);
    assert_eq!(ended.unwrap(), exited(7, None));
    let (_, ended) = run_file(&mut session, &mpy("\n1 / 0\n"), &[]);
    let Ended::Raised { traceback } = ended.unwrap() else {
        panic!("it divides by zero");
    };
    let traceback = String::from_utf8(traceback).unwrap();
    assert!(traceback.contains("it.py\", line 2"), "{traceback}");
    let cut = mpy("print(1)\n");
    let (_, refused) = run_file(&mut session, &cut[..cut.len() - 1], &[]);
    let refused = refused.unwrap_err();
    assert!(
        matches!(
            refused,
            Error::Program(ProgramError::Mpy(MpyError::Damaged(_)))
        ),
        "{refused}"
    );
    assert_eq!(refused.kind(), ErrorKind::Refused);
    assert!(refused.board().is_none());
    // Nothing of it is left on the board.
    let files: Vec<String> = session
        .board()
        .unwrap()
        .eval("__import__('os').listdir('/')")
        .unwrap();
    assert!(files.is_empty(), "{files:?}");
}

/// A program whose bytecode is too long to jump over runs without the guard: only its exit value is unknown.
#[test]
fn a_large_program_runs_without_a_guard() {
    let lines = "x = 1234567890\n".repeat(8000);
    check(
        &format!("{lines}print('done')\n"),
        &[],
        "done\n",
        &Ended::AtEnd,
    );
}

#[test]
fn an_interruption_stops_the_program_or_only_the_wait() {
    let source = "import time\ntry:\n print('begun')\n while True: time.sleep_ms(5)\nfinally:\n print('finally')\n";
    for (interrupt, expected) in [(true, "begun\nfinally\n"), (false, "begun\n")] {
        let mut session = session();
        let cancel = session.cancel().clone();
        let mut program = Program::new(Code::Source(source.as_bytes()), "it.py");
        program.interrupt = interrupt;
        let mut printed = Vec::new();
        let ended = session.run_program(
            &program,
            &mut Following {
                output: &mut |bytes| {
                    printed.extend_from_slice(bytes);
                    if printed.ends_with(b"begun\r\n") {
                        cancel.cancel();
                    }
                    Continue(())
                },
                line: &mut || None,
            },
        );
        assert!(!cancel.is_cancelled(), "the next operation is not meant");
        let printed = String::from_utf8(printed).unwrap().replace('\r', "");
        assert_eq!(printed, expected);
        match ended.unwrap() {
            Ended::Interrupted => {}
            // The exception of the interruption came to its end.
            Ended::Raised { traceback } if interrupt => {
                let text = String::from_utf8_lossy(&traceback).into_owned();
                assert!(text.contains("KeyboardInterrupt"), "{text}");
            }
            other => panic!("{other:?}"),
        }
        session.soft_reset().unwrap();
        assert_eq!(session.board().unwrap().eval::<u32>("6 * 7").unwrap(), 42);
    }
}

#[test]
fn a_program_whose_output_nobody_sees_is_stopped() {
    let mut session = session();
    let mut program = Program::new(Code::Source(b"while True: print('y')"), "it.py");
    program.interrupt = false;
    let ended = session.run_program(
        &program,
        &mut Following {
            output: &mut |_| Break(()),
            line: &mut || None,
        },
    );
    match ended.unwrap() {
        Ended::Interrupted | Ended::Raised { .. } => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(session.board().unwrap().eval::<u32>("6 * 7").unwrap(), 42);
}

#[test]
fn a_program_that_is_started_runs_on() {
    let mut session = session();
    for (name, source) in [
        (
            "source",
            Code::Source(b"open('/source', 'w').close()".as_slice()),
        ),
        ("snippet", Code::Snippet(b"open('/snippet', 'w').close()")),
        ("mpy", Code::Mpy(&mpy("open('/mpy', 'w').close()\n"))),
    ] {
        let mut program = Program::new(source, name);
        program.argv = Some(vec![name.to_owned()]);
        session.start_program(&program).unwrap();
        // It ends by itself: whoever comes next interrupts what runs.
        std::thread::sleep(Duration::from_millis(300));
        let files: Vec<String> = session
            .board()
            .unwrap()
            .eval("__import__('os').listdir('/')")
            .unwrap();
        assert!(files.iter().any(|file| file == name), "{files:?}");
    }
}

/// Whenever the line breaks, the error says so.
#[test]
fn a_line_that_breaks_is_an_error() {
    let image = VmImage::open(&test_programs::vm()).unwrap();
    let board = Arc::new(VirtualBoard::start(&image, BoardOptions::default()).unwrap());
    let server = serve::tcp(Arc::clone(&board), "127.0.0.1:0").unwrap();
    let selector = format!("socket://{}", server.local_addr()).parse().unwrap();
    let mut broken = 0;
    for after_bytes_to_host in (0..).step_by(20) {
        let mut session = Session::connect(&selector, SessionOptions::default()).unwrap();
        let until = std::time::Instant::now() + Duration::from_secs(60);
        while session.raw_repl().is_err() {
            assert!(std::time::Instant::now() < until, "the board stays away");
            std::thread::sleep(Duration::from_millis(5));
            let _ = session.connect_to(&selector);
        }
        board.inject(&Fault::Vanish {
            after_bytes_to_host,
            returns_after: Duration::from_millis(1),
        });
        let program = Program::new(Code::Source(b"print('0123456789' * 9)\ninput()"), "it.py");
        match run(&mut session, &program, &[Some("x")]) {
            (_, Ok(ended)) => {
                assert_eq!(ended, Ended::AtEnd);
                break;
            }
            (_, Err(error)) => {
                broken += 1;
                assert!(
                    matches!(error.board(), Some(BoardError::Disconnected { .. })),
                    "after {after_bytes_to_host}: {error}"
                );
            }
        }
    }
    assert!(broken > 3, "{broken}");
}
