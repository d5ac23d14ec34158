//! TCP servers on this machine.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use piton_board::error::Error;
use piton_board::transport::Transport;
use piton_board::transport::tcp::Tcp;

use crate::support::{check_echo, end_of, read_exactly, soon, watchdog};

const PATIENCE: Duration = Duration::from_secs(30);

/// A server for one connection.
fn serve(address: &str, serve: impl FnOnce(TcpStream) -> io::Result<()> + Send + 'static) -> u16 {
    let listener = TcpListener::bind((address, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || serve(listener.accept()?.0));
    port
}

fn connect(host: &str, port: u16) -> Tcp {
    Tcp::connect(host, port, PATIENCE).unwrap_or_else(|error| panic!("{error}"))
}

fn echo(mut stream: TcpStream) -> io::Result<()> {
    io::copy(&mut stream.try_clone()?, &mut stream).map(drop)
}

#[test]
fn bytes_travel_in_both_directions_at_once() {
    check_echo(&connect("127.0.0.1", serve("127.0.0.1", echo)), 1_000_000);
}

#[test]
fn each_address_of_a_name_is_tried() {
    // The server is on one of the two families; the name stands for both where the system has both.
    check_echo(&connect("localhost", serve("127.0.0.1", echo)), 10);
    if TcpListener::bind("[::1]:0").is_ok() {
        check_echo(&connect("::1", serve("::1", echo)), 10);
    }
}

#[test]
fn an_address_without_a_server_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = Tcp::connect("127.0.0.1", port, PATIENCE).unwrap_err();
    let Error::Open { address, source } = error else {
        panic!("{error}");
    };
    assert_eq!(address, format!("socket://127.0.0.1:{port}"));
    assert_eq!(source.kind(), io::ErrorKind::ConnectionRefused);
    let error = Tcp::connect("no.such.host.invalid", 1, PATIENCE).unwrap_err();
    assert!(matches!(error, Error::Open { .. }), "{error}");
}

#[test]
fn silence_and_a_server_that_does_not_read_end_at_the_deadline() {
    let (keep, kept) = std::sync::mpsc::channel();
    let port = serve("127.0.0.1", move |stream| {
        keep.send(stream).map_err(io::Error::other)
    });
    let tcp = connect("127.0.0.1", port);
    let mut server = kept.recv().unwrap();
    let error = tcp.read(&mut [0], soon()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    let error = tcp.write_all(&vec![0; 50_000_000], soon()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    server.write_all(b"x").unwrap();
    assert_eq!(read_exactly(&tcp, 1), b"x");
    assert_eq!(tcp.read(&mut [], watchdog()).unwrap(), 0);
}

#[test]
fn closed_and_reset_connections_are_an_unexpected_eof() {
    let tcp = connect(
        "127.0.0.1",
        serve("127.0.0.1", |mut stream| stream.write_all(b"bye")),
    );
    assert_eq!(read_exactly(&tcp, 3), b"bye");
    assert_eq!(end_of(&tcp).kind(), io::ErrorKind::UnexpectedEof);

    // Closing with bytes unread resets the connection.
    let port = serve("127.0.0.1", |mut stream| stream.read_exact(&mut [0]));
    let tcp = connect("127.0.0.1", port);
    tcp.write_all(b"xyz", watchdog()).unwrap();
    assert_eq!(end_of(&tcp).kind(), io::ErrorKind::UnexpectedEof);
    let error = loop {
        if let Err(error) = tcp.write_all(b"x", watchdog()) {
            break error;
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn the_last_bytes_arrive_even_if_answers_are_unread() {
    let (done, received) = std::sync::mpsc::channel();
    let port = serve("127.0.0.1", move |mut stream| {
        let mut all = Vec::new();
        stream.write_all(&[0; 1000])?;
        let mut byte = [0];
        // An answer to each byte, whether the client still listens or not.
        while stream.read(&mut byte)? == 1 {
            all.push(byte[0]);
            stream.write_all(b"!")?;
        }
        done.send(all).map_err(io::Error::other)
    });
    let tcp = connect("127.0.0.1", port);
    read_exactly(&tcp, 1);
    tcp.write_all(&[b'x'; 1000], watchdog()).unwrap();
    drop(tcp);
    assert_eq!(received.recv().unwrap(), [b'x'; 1000]);
}
