//! Signals, and the end without one.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::running::{Running, until};

/// A request whose body does not come: in flight as long as the client likes.
fn in_flight(server: &Running) -> TcpStream {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let head = "POST /events HTTP/1.1\r\nhost: h\r\nx-role: organizer\r\ncontent-type: application/json\r\n\
                content-length: 28\r\nexpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    // The server asks for the body: so the request is in flight now.
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

#[test]
fn a_signal_ends_it_in_good_order_with_exit_code_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let dir = TempDir::new().unwrap();
        let server = Running::start(&dir, &[]);
        server.json("POST", "/events", "organizer", r#"{"name": "x", "capacity": 1}"#);
        server.signal(signal);
        let (status, lines, _) = server.wait();
        assert_eq!(status.code(), Some(0));
        assert!(lines.iter().any(|line| line["message"] == "stopped"));
        let log = std::fs::metadata(dir.path().join("events.db-wal")).map_or(0, |file| file.len());
        assert_eq!(log, 0, "the write-ahead log is in the database");
    }
}

#[test]
fn a_request_in_flight_is_finished_after_the_signal() {
    let dir = TempDir::new().unwrap();
    let server = Running::start(&dir, &["--grace", "1m"]);
    let mut stream = in_flight(&server);
    server.signal(Signal::TERM);
    // It listens no more: so the end has begun.
    until("nobody is accepted", || TcpStream::connect(&server.address).is_err());
    stream.write_all(br#"{"name":"late","capacity":1}"#).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 201");
    assert_eq!(server.wait().0.code(), Some(0));
}

#[test]
fn what_outlasts_the_grace_is_aborted_and_the_exit_code_is_still_0() {
    let dir = TempDir::new().unwrap();
    let server = Running::start(&dir, &["--grace", "50ms"]);
    let mut stream = in_flight(&server);
    server.signal(Signal::TERM);
    assert_eq!(server.wait().0.code(), Some(0));
    let mut answer = Vec::new();
    // Closed or reset; but not answered.
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let dir = TempDir::new().unwrap();
    let server = Running::start(&dir, &["--grace", "1h", "--body-timeout", "1h"]);
    let _stream = in_flight(&server);
    server.signal(Signal::TERM);
    until("nobody is accepted", || TcpStream::connect(&server.address).is_err());
    server.signal(Signal::TERM);
    assert_eq!(server.wait().0.code(), Some(1));
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill() {
    let dir = TempDir::new().unwrap();
    let server = Running::start(&dir, &["--rate-limit", "off"]);
    let (_, event) = server.json("POST", "/events", "organizer", r#"{"name": "x", "capacity": 100}"#);
    let path = format!("/events/{}/register", event["id"].as_str().unwrap());
    let tickets: Vec<_> = (0..20)
        .map(|n| server.json("POST", &path, "user", &format!(r#"{{"email": "c{n}@example.org"}}"#)).1)
        .map(|ticket| ticket["id"].as_str().unwrap().to_owned())
        .collect();
    server.signal(Signal::KILL);
    server.wait();
    let again = Running::start(&dir, &["--rate-limit", "off"]);
    for ticket in tickets {
        assert_eq!(again.json("GET", &format!("/tickets/{ticket}"), "user", "").1["status"], "reserved");
    }
}

#[test]
fn a_hold_is_swept_by_itself() {
    let dir = TempDir::new().unwrap();
    let server = Running::start(&dir, &["--rate-limit", "off", "--hold", "50ms", "--sweep-interval", "20ms"]);
    let (_, event) = server.json("POST", "/events", "organizer", r#"{"name": "x", "capacity": 1}"#);
    let id = event["id"].as_str().unwrap().to_owned();
    server.json("POST", &format!("/events/{id}/register"), "user", r#"{"email": "a@example.org"}"#);
    let db = rusqlite::Connection::open(dir.path().join("events.db")).unwrap();
    db.busy_timeout(Duration::from_secs(5)).unwrap();
    // Not through the API, which counts due holds as free: the row itself changes.
    let swept = "SELECT count(*) FROM tickets WHERE status = 'cancelled' AND cancelled_at_ms = expires_at_ms";
    until("it is swept", || db.query_row(swept, [], |row| row.get::<_, u32>(0)).unwrap() == 1);
}

#[test]
fn idle_connections_leave_the_database_and_the_operator_their_descriptors() {
    let dir = TempDir::new().unwrap();
    // Room for 72 connections; more wait.
    let server = Running::start_limited(&dir, 200, &["--rate-limit", "off"]);
    let (_, event) = server.json("POST", "/events", "organizer", r#"{"name": "x", "capacity": 1}"#);
    let mut kept = TcpStream::connect(&server.address).unwrap();
    let mut ask = || {
        let path = event["id"].as_str().unwrap();
        kept.write_all(format!("GET /events/{path} HTTP/1.1\r\nhost: h\r\n\r\n").as_bytes()).unwrap();
        let mut status = [0; 2048];
        let read = kept.read(&mut status).unwrap();
        String::from_utf8_lossy(&status[..read.min(12)]).into_owned()
    };
    assert_eq!(ask(), "HTTP/1.1 200");
    let idle: Vec<_> = (0..300).map(|_| TcpStream::connect(&server.address).unwrap()).collect();
    assert_eq!(ask(), "HTTP/1.1 200");
    assert!(server.ready().starts_with("HTTP/1.1 200"));
    drop(idle);
    assert_eq!(server.json("GET", "/events", "", "").0.split(' ').nth(1), Some("200"));
}
