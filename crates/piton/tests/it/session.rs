//! The rules of a session, on boards that are reset, unplugged, busy and silent.

use std::fs;
#[cfg(unix)]
use std::ops::ControlFlow;
#[cfg(unix)]
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use piton::deadline::Deadline;
use piton::error::BoardError;
use piton::mount::Settings;
use piton::selector::BoardSelector;
use piton::session::output::ProgramOutput;
use piton::{Board, ConnectOptions, Error, Session, SessionOptions};
use virtual_board::serve::{TcpServer, tcp};
use virtual_board::{BoardOptions, Fault, VirtualBoard, VmImage};

use crate::support::{self, soon};

/// A board that can be connected to many times.
struct Served {
    board: Arc<VirtualBoard>,
    server: TcpServer,
}

impl Served {
    fn new() -> Served {
        let image = VmImage::open(&test_programs::vm()).unwrap();
        let board = Arc::new(VirtualBoard::start(&image, BoardOptions::default()).unwrap());
        let server = tcp(Arc::clone(&board), "127.0.0.1:0").unwrap();
        Served { board, server }
    }

    fn selector(&self) -> BoardSelector {
        let address = self.server.local_addr();
        format!("socket://{address}").parse().unwrap()
    }

    fn session(&self) -> Session {
        let mut tries = 0;
        loop {
            let mut session =
                Session::connect(&self.selector(), SessionOptions::default()).unwrap();
            // The server needs a moment to notice that the connection before was closed, and refuses another until then.
            thread::sleep(Duration::from_millis(50));
            let mut buffer = [0; 64];
            let state = session
                .board()
                .unwrap()
                .read_output(&mut buffer, Duration::ZERO);
            tries += 1;
            if state.is_ok() || tries > 40 {
                return session;
            }
        }
    }
}

/// The value of an expression in the raw REPL, by the rules of the session.
#[track_caller]
fn eval(session: &mut Session, expression: &str) -> String {
    let mut raw_repl = session.raw_repl().unwrap();
    let source = format!("print({expression})");
    let printed = raw_repl.run(source.as_bytes(), soon()).unwrap();
    String::from_utf8(printed).unwrap().trim_end().to_owned()
}

#[track_caller]
fn run(session: &mut Session, source: &str) {
    let mut raw_repl = session.raw_repl().unwrap();
    raw_repl.run(source.as_bytes(), soon()).unwrap();
}

#[test]
fn each_connection_resets_the_board_once_unless_it_resumes() {
    let served = Served::new();
    let mut session = served.session();
    run(&mut session, "x = 1");
    assert_eq!(eval(&mut session, "x"), "1", "the second entry keeps it");
    drop(session);

    let mut session = served.session();
    session.resume();
    assert_eq!(eval(&mut session, "x"), "1");
    session.soft_reset().unwrap();
    assert_eq!(eval(&mut session, "'x' in globals()"), "False");
    run(&mut session, "x = 2");
    drop(session);

    let mut session = served.session();
    assert_eq!(eval(&mut session, "'x' in globals()"), "False");
}

#[test]
fn a_resume_before_the_first_connection_counts_for_it() {
    let served = Served::new();
    run(&mut served.session(), "x = 1");
    thread::sleep(Duration::from_millis(200));
    let mut session = Session::new(served.selector(), SessionOptions::default());
    session.disconnect();
    session.resume();
    assert_eq!(eval(&mut session, "x"), "1");
    // After a disconnect the rule holds again.
    session.disconnect();
    thread::sleep(Duration::from_millis(200));
    assert_eq!(eval(&mut session, "'x' in globals()"), "False");
}

#[test]
fn a_dropped_session_leaves_the_board_at_its_prompt() {
    let served = Served::new();
    let mut session = served.session();
    session.raw_repl().unwrap();
    drop(session);
    let session = served.session();
    let mut session = session;
    let board = session.board().unwrap();
    board.type_keys(b"\r", soon()).unwrap();
    assert!(support::output_until(board, ">>> ").ends_with(">>> "));
}

#[test]
fn the_cancel_flag_ends_the_way_into_the_raw_repl_and_the_next_one_works() {
    let served = Served::new();
    let mut session = served.session();
    run(
        &mut session,
        "def stubborn():\n while True:\n  try:\n   while True: pass\n  except KeyboardInterrupt: pass",
    );
    session.friendly().unwrap();
    let board = session.board().unwrap();
    board.type_keys(b"stubborn()\r", soon()).unwrap();
    support::output_until(board, "stubborn()\r\n");
    let cancel = session.cancel().clone();
    let raised = thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        cancel.cancel();
    });
    let error = session.raw_repl().err().expect("the program does not stop");
    assert!(
        matches!(error, Error::Board(BoardError::Cancelled)),
        "{error}"
    );
    raised.join().unwrap();
    assert!(!session.cancel().is_cancelled(), "the flag was handled");
    served.board.reset();
    assert_eq!(eval(&mut session, "6 * 7"), "42");
}

#[test]
fn a_raised_flag_ends_one_session_and_no_other() {
    let one = Served::new();
    let other = Served::new();
    let (mut cancelled, mut running) = (one.session(), other.session());
    cancelled.cancel().cancel();
    assert!(matches!(
        cancelled.raw_repl().err(),
        Some(Error::Board(BoardError::Cancelled))
    ));
    assert_eq!(eval(&mut running, "6 * 7"), "42");
}

#[test]
fn a_mount_comes_back_after_a_soft_reset() {
    let served = Served::new();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("answer.py"), "value = 42\n").unwrap();
    let mut session = served.session();
    session.raw_repl().unwrap();
    let mut settings = Settings::default();
    settings.cache = None;
    session
        .board()
        .unwrap()
        .mount(folder.path(), &settings)
        .unwrap();
    assert_eq!(eval(&mut session, "__import__('answer').value"), "42");
    session.soft_reset().unwrap();
    assert_eq!(eval(&mut session, "__import__('os').getcwd()"), "/remote");
    assert_eq!(eval(&mut session, "__import__('answer').value"), "42");
    // So it does when the board was reset behind the session's back.
    served.board.reset();
    support::output_until(session.board().unwrap(), ">>> ");
    session.board().unwrap().repl().forget();
    session.board().unwrap().note_lost_mount();
    assert_eq!(eval(&mut session, "__import__('answer').value"), "42");
}

#[test]
fn a_board_that_resets_in_the_middle_is_reported_and_can_be_used_again() {
    let served = Served::new();
    let mut session = served.session();
    run(&mut session, "x = 1");
    let mut raw_repl = session.raw_repl().unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    let board = Arc::clone(&served.board);
    let reset = thread::spawn(move || {
        receiver.recv().unwrap();
        board.reset();
    });
    let error = raw_repl
        .exec(
            b"print('runs')\nwhile True: pass",
            &mut |_| sender.send(()).unwrap_or_default(),
            soon(),
        )
        .unwrap_err();
    reset.join().unwrap();
    assert!(matches!(error, BoardError::BoardReset), "{error}");
    assert_eq!(eval(&mut session, "'x' in globals()"), "False");
}

#[test]
fn a_lost_byte_on_the_way_in_does_not_matter() {
    for at in 0..2 {
        let served = Served::new();
        let mut session = served.session();
        served.board.inject(&Fault::DropToBoard { at });
        assert_eq!(eval(&mut session, "6 * 7"), "42", "byte {at}");
    }
}

#[test]
fn main_runs_when_it_is_started_and_only_its_output_is_shown() {
    let served = Served::new();
    let mut session = served.session();
    run(
        &mut session,
        "with open('/main.py', 'w') as file: file.write('print(1)\\nprint(2)')",
    );
    session.start_main().unwrap();
    let mut program = ProgramOutput::default();
    let mut shown = Vec::new();
    let mut buffer = [0; 256];
    let deadline = Deadline::after(Duration::from_secs(20));
    while !shown.ends_with(b"2\r\n") && !deadline.has_passed() {
        let board = session.board().unwrap();
        let bytes = board
            .read_output(&mut buffer, Duration::from_millis(50))
            .unwrap();
        program.take(bytes, &mut |bytes| shown.extend_from_slice(bytes));
    }
    assert_eq!(String::from_utf8(shown).unwrap(), "1\r\n2\r\n");
}

#[test]
fn an_idle_board_is_told_from_a_busy_one_without_disturbing_it() {
    let served = Served::new();
    let mut session = served.session();
    let soon = || Deadline::after(Duration::from_secs(5));
    assert!(session.board().unwrap().is_idle(soon()).unwrap());
    // From the raw REPL too.
    session.raw_repl().unwrap();
    assert!(session.board().unwrap().is_idle(soon()).unwrap());

    let board = session.board().unwrap();
    board
        .type_keys(b"import time\rtime.sleep(2); print('end')\r", soon())
        .unwrap();
    support::output_until(board, "print('end')\r\n");
    let short = Deadline::after(Duration::from_millis(500));
    assert!(!board.is_idle(short).unwrap());
    assert!(support::output_until(board, ">>> ").contains("end\r\n"));
}

#[test]
fn the_prompt_comes_alone_or_with_the_output_of_a_running_program() {
    let served = Served::new();
    let mut session = served.session();
    let board = session.board().unwrap();
    let shown = board.await_prompt(b"left over".to_vec()).unwrap();
    assert_eq!(String::from_utf8(shown).unwrap(), ">>> ");
    board
        .type_keys(
            b"import time\rfor n in range(40): print(n); time.sleep_ms(100)\r\r",
            soon(),
        )
        .unwrap();
    support::output_until(board, "0\r\n");
    let shown = String::from_utf8(board.await_prompt(Vec::new()).unwrap()).unwrap();
    assert!(shown.starts_with("1\r\n2\r\n"), "{shown:?}");
    assert!(!shown.contains(">>>"), "{shown:?}");
}

#[test]
fn a_board_without_control_lines_says_so() {
    let served = Served::new();
    let mut session = served.session();
    let error = session.reset_by_lines().unwrap_err();
    assert!(
        matches!(error, Error::Board(BoardError::NoControlLines { .. })),
        "{error}"
    );
    let mut options = SessionOptions::default();
    options.reset_on_connect = true;
    drop(session);
    let error = Session::connect(&served.selector(), options).unwrap_err();
    assert!(
        matches!(error, Error::Board(BoardError::NoControlLines { .. })),
        "{error}"
    );
}

#[test]
fn another_board_is_connected_after_the_first_was_left() {
    let (one, other) = (Served::new(), Served::new());
    let mut session = one.session();
    run(&mut session, "x = 1");
    session.connect_to(&other.selector()).unwrap();
    assert_eq!(eval(&mut session, "'x' in globals()"), "False");
    // The first one was left at its prompt, with its state.
    let mut session = one.session();
    session.resume();
    assert!(session.board().unwrap().is_idle(soon()).unwrap());
    assert_eq!(eval(&mut session, "x"), "1");
}

#[test]
fn what_ends_with_its_connection_is_not_found_again() {
    let mut options = SessionOptions::default();
    options.connect.vm = Some(test_programs::vm());
    let mut session = Session::connect(&"virtual".parse().unwrap(), options).unwrap();
    assert_eq!(session.identity(), None);
    assert_eq!(eval(&mut session, "1"), "1");
    let error = session.reconnect(&mut |_| true).unwrap_err();
    assert!(
        matches!(error, Error::Board(BoardError::NoBoard { .. })),
        "{error}"
    );

    let served = Served::new();
    let mut options = SessionOptions::default();
    assert!(served.session().identity().is_some());
    options.reconnects = false;
    let session = Session::connect(&served.selector(), options).unwrap();
    assert_eq!(session.identity(), None, "as the options have it");
}

#[test]
fn a_connection_reports_that_it_is_made() {
    let served = Served::new();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let mut options = ConnectOptions::default();
    let sink = Arc::clone(&heard);
    options.report = Some(Arc::new(move |event| {
        sink.lock().unwrap().push(event.to_string());
    }));
    Board::connect(&served.selector(), &options).unwrap();
    let heard = heard.lock().unwrap();
    assert_eq!(*heard, [format!("connecting to `{}`", served.selector())]);
}

#[cfg(unix)]
mod unplugged {
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use piton::session::ReturnEvent;
    use virtual_board::Flash;
    use virtual_board::serve::{PtyServer, pty};

    use super::*;

    /// A place where a board is plugged in: a link to its pty, and its flash.
    struct Place {
        folder: tempfile::TempDir,
        server: Option<PtyServer>,
    }

    impl Place {
        fn new() -> Place {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir(folder.path().join("flash")).unwrap();
            let mut place = Place {
                folder,
                server: None,
            };
            place.plug_in();
            place
        }

        fn link(&self) -> PathBuf {
            self.folder.path().join("port")
        }

        fn write(&self, name: &str, content: &str) {
            fs::write(self.folder.path().join("flash").join(name), content).unwrap();
        }

        fn plug_in(&mut self) {
            let image = VmImage::open(&test_programs::vm()).unwrap();
            let options = BoardOptions {
                flash: Flash::Directory(self.folder.path().join("flash")),
                ..BoardOptions::default()
            };
            let server = pty(Arc::new(VirtualBoard::start(&image, options).unwrap())).unwrap();
            symlink(server.path(), self.link()).unwrap();
            self.server = Some(server);
        }

        fn unplug(&mut self) {
            fs::remove_file(self.link()).unwrap();
            self.server = None;
        }

        fn session(&self) -> Session {
            let selector = BoardSelector::Port(self.link().display().to_string());
            Session::connect(&selector, SessionOptions::default()).unwrap()
        }
    }

    /// What [`Session::follow_return`] reported, as text.
    fn follow(
        session: &mut Session,
        mut each: impl FnMut(&str) -> ControlFlow<()>,
    ) -> (String, Result<(), Error>) {
        let mut text = String::new();
        let result = session.follow_return(&mut |event| {
            text += &match event {
                ReturnEvent::Waiting => "waiting\n".to_owned(),
                ReturnEvent::Reconnected { device_name } => {
                    format!("back at {}\n", device_name.rsplit('/').next().unwrap())
                }
                ReturnEvent::Output { bytes } => String::from_utf8_lossy(bytes).into_owned(),
                _ => String::new(),
            };
            each(&text)
        });
        (text, result)
    }

    #[test]
    fn a_board_is_reached_again_with_its_mount_and_without_its_state() {
        let mut place = Place::new();
        let shared = tempfile::tempdir().unwrap();
        fs::write(shared.path().join("answer.py"), "value = 42\n").unwrap();
        let mut session = place.session();
        run(&mut session, "x = 1");
        let mut settings = Settings::default();
        settings.cache = None;
        let board = session.board().unwrap();
        board.mount(shared.path(), &settings).unwrap();
        assert!(
            session
                .identity()
                .is_some_and(|identity| identity.is_port())
        );

        place.unplug();
        let mut raw_repl = session.raw_repl().unwrap();
        let error = raw_repl.run(b"print(1)", soon()).unwrap_err();
        assert!(matches!(error, BoardError::Disconnected { .. }), "{error}");
        let mut tries = 0;
        session
            .reconnect(&mut |pause| {
                assert!(pause <= Duration::from_millis(50), "a port may be quick");
                tries += 1;
                if tries == 3 {
                    place.plug_in();
                }
                tries < 100
            })
            .unwrap();
        assert_eq!(tries, 3);
        assert_eq!(eval(&mut session, "'x' in globals()"), "False");
        assert_eq!(eval(&mut session, "__import__('answer').value"), "42");
    }

    #[test]
    fn a_board_that_does_not_return_gives_the_last_error() {
        let mut place = Place::new();
        let mut session = place.session();
        session.raw_repl().unwrap();
        place.unplug();
        let mut tries = 0;
        let error = session
            .reconnect(&mut |_| {
                tries += 1;
                tries < 3
            })
            .unwrap_err();
        assert!(
            matches!(error, Error::Board(BoardError::NoSuchPort { .. })),
            "{error}"
        );
        session.cancel().cancel();
        let error = session.reconnect_soon().unwrap_err();
        assert!(
            matches!(error, Error::Board(BoardError::Cancelled)),
            "{error}"
        );
    }

    #[test]
    fn what_a_board_prints_after_its_return_is_followed_to_its_prompt() {
        let mut place = Place::new();
        let mut session = place.session();
        session.raw_repl().unwrap();
        place.unplug();
        place.write(
            "main.py",
            "import time\nprint('main begins')\ntime.sleep(1)\nprint('main ends')",
        );
        place.plug_in();
        let (text, result) = follow(&mut session, |_| ControlFlow::Continue(()));
        result.unwrap();
        assert!(text.starts_with("waiting\nback at port\n"), "{text:?}");
        // The pause in the middle is no end.
        assert!(text.contains("main ends\r\n"), "{text:?}");
        assert!(text.ends_with(">>> "), "{text:?}");
    }

    #[test]
    fn following_ends_when_nobody_listens_and_when_it_is_cancelled() {
        let mut place = Place::new();
        let mut session = place.session();
        session.raw_repl().unwrap();
        place.unplug();
        place.write(
            "main.py",
            "import time\nwhile True:\n print('busy')\n time.sleep_ms(50)",
        );
        place.plug_in();
        let (text, result) = follow(&mut session, |text| match text.contains("busy") {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        });
        result.unwrap();
        assert!(text.contains("busy"), "{text:?}");

        let cancel = session.cancel().clone();
        let (_, result) = follow(&mut session, |text| {
            if text.contains("busy") {
                cancel.cancel();
            }
            ControlFlow::Continue(())
        });
        assert!(matches!(result, Err(Error::Board(BoardError::Cancelled))));
        // The Ctrl-C has stopped the program.
        support::output_until(session.board().unwrap(), "KeyboardInterrupt");
    }
}

#[cfg(unix)]
mod webrepl {
    use piton::transport::webrepl::Password;
    use test_programs::WebReplServer;

    use super::*;

    fn board(served: &Served, folder: &tempfile::TempDir) -> (WebReplServer, BoardSelector) {
        let port = served.server.local_addr().port();
        let server = WebReplServer::start(port, "secret", folder.path());
        let selector = format!("ws://127.0.0.1:{}", server.port());
        (server, selector.parse().unwrap())
    }

    #[test]
    fn a_password_is_asked_for_once_and_a_soft_reset_reconnects() {
        let served = Served::new();
        let folder = tempfile::tempdir().unwrap();
        let (_server, selector) = board(&served, &folder);
        let asked = Arc::new(AtomicUsize::new(0));
        let mut options = SessionOptions::default();
        options.reconnects = false;
        let count = Arc::clone(&asked);
        options.ask_password = Some(Arc::new(move |address| {
            assert!(address.starts_with("ws://127.0.0.1:"), "{address}");
            count.fetch_add(1, Ordering::SeqCst);
            Ok(Some(Password::new("secret".to_owned())))
        }));
        let mut session = Session::connect(&selector, options).unwrap();
        run(&mut session, "x = 1");
        // An entry does not reset it: that would end the connection.
        assert_eq!(eval(&mut session, "x"), "1");
        session.soft_reset().unwrap();
        assert_eq!(eval(&mut session, "'x' in globals()"), "False");
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn the_error_of_the_one_who_asks_is_the_error_of_the_connection() {
        let served = Served::new();
        let folder = tempfile::tempdir().unwrap();
        let (_server, selector) = board(&served, &folder);
        let mut options = SessionOptions::default();
        options.ask_password = Some(Arc::new(|_| Err(BoardError::Cancelled.into())));
        let error = Session::connect(&selector, options).unwrap_err();
        assert!(
            matches!(error, Error::Board(BoardError::Cancelled)),
            "{error}"
        );
        let error = Session::connect(&selector, SessionOptions::default()).unwrap_err();
        assert!(
            matches!(error, Error::Board(BoardError::PasswordNeeded { .. })),
            "{error}"
        );
        let mut options = SessionOptions::default();
        options.ask_password = Some(Arc::new(|_| Ok(Some(Password::new("wrong".to_owned())))));
        let error = Session::connect(&selector, options).unwrap_err();
        assert!(
            matches!(error, Error::Board(BoardError::PasswordRefused { .. })),
            "{error}"
        );
    }
}
