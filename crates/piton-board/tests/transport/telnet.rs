//! The login of a board's telnet server.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use piton_board::deadline::Deadline;
use piton_board::open::{OpenOptions, open};
use piton_board::transport::webrepl::Password;

/// Serves one connection, and returns its port.
fn serve(session: impl FnOnce(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || session(listener.accept().unwrap().0));
    port
}

fn line(stream: &mut TcpStream) -> String {
    let mut line = Vec::new();
    while !line.ends_with(b"\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap().trim_end().to_owned()
}

/// Asks for a user and a password as the WiPy does, and lets `micro` in.
fn wipy(mut stream: TcpStream) {
    // The server echoes, and says so.
    stream.write_all(b"\xff\xfb\x01Login as: ").unwrap();
    let mut agreement = [0; 3];
    stream.read_exact(&mut agreement).unwrap();
    assert_eq!(agreement, *b"\xff\xfd\x01");
    let user = line(&mut stream);
    stream.write_all(b"Password: ").unwrap();
    let password = line(&mut stream);
    if (user.as_str(), password.as_str()) != ("micro", "python") {
        stream
            .write_all(b"\r\nInvalid credentials, try again.\r\nLogin as: ")
            .unwrap();
        thread::sleep(Duration::from_secs(1));
        return;
    }
    stream
        .write_all(b"\r\nLogin succeeded!\r\nType \"help()\" for more information.\r\n>>> ")
        .unwrap();
    let mut text = [0; 16];
    let count = stream.read(&mut text).unwrap();
    stream.write_all(&text[..count]).unwrap();
    thread::sleep(Duration::from_secs(1));
}

fn connect(address: &str, password: Option<&str>) -> Result<(), String> {
    let options = OpenOptions {
        password: password.map(Password::new),
        ..OpenOptions::default()
    };
    let (transport, _) =
        open(&address.parse().unwrap(), &options).map_err(|error| error.to_string())?;
    transport
        .write_all(b"print\r", Deadline::after(Duration::from_secs(5)))
        .unwrap();
    let mut received = Vec::new();
    while !received.ends_with(b"print\r") {
        let mut buffer = [0; 64];
        let deadline = Deadline::after(Duration::from_secs(5));
        let count = transport.read(&mut buffer, deadline).unwrap();
        received.extend_from_slice(&buffer[..count]);
    }
    Ok(())
}

#[test]
fn the_right_password_logs_in() {
    let port = serve(wipy);
    assert_eq!(
        connect(&format!("telnet://127.0.0.1:{port}"), Some("python")),
        Ok(())
    );
}

#[test]
fn a_wrong_password_is_refused() {
    let port = serve(wipy);
    let address = format!("telnet://micro@127.0.0.1:{port}");
    let refused = format!("`{address}` refuses the password");
    assert_eq!(connect(&address, Some("wrong")), Err(refused));
}

#[test]
fn a_missing_password_is_an_error() {
    let port = serve(wipy);
    let address = format!("telnet://micro@127.0.0.1:{port}");
    let needed = format!("`{address}` needs a password");
    assert_eq!(connect(&address, None), Err(needed));
}

#[test]
fn a_server_may_require_no_login() {
    let port = serve(|mut stream| {
        let mut text = [0; 16];
        let count = stream.read(&mut text).unwrap();
        stream.write_all(&text[..count]).unwrap();
        thread::sleep(Duration::from_secs(1));
    });
    assert_eq!(connect(&format!("telnet://127.0.0.1:{port}"), None), Ok(()));
}
