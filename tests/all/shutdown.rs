//! The end of a server: what is in flight has its time, what comes is turned away, and nothing acknowledged is lost.

use std::time::Duration;

use boxoffice::config::RateSetting;
use harness::{Call, TestServer, unruly_rules, until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

const MINUTE: Duration = Duration::from_mins(1);

/// A request whose body does not come: in flight as long as the test likes.
async fn unfinished(server: &TestServer) -> TcpStream {
    let mut stream = server.get("/").connect().await.expect("it accepts");
    let head = "POST /events HTTP/1.1\r\nhost: h\r\nx-role: organizer\r\ncontent-type: application/json\r\n\
                content-length: 28\r\nconnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("it reads");
    until("it is in flight", async || server.server().in_flight() == 1).await;
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_in_flight_is_answered_and_new_ones_are_turned_away() {
    let server = TestServer::builder().with(|s| (s.grace, s.body_timeout) = (MINUTE, MINUTE)).start().await;
    let (address, admin) = (server.address(), server.admin_address());
    // A connection that is open and idle when the end begins.
    let mut idle = server.get("/events").connect().await.unwrap();
    idle.write_all(b"GET /events HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let mut seen = [0; 2048];
    let read = idle.read(&mut seen).await.unwrap();
    assert!(seen[..read].starts_with(b"HTTP/1.1 200 "));
    let mut in_flight = unfinished(&server).await;

    let stopping = tokio::spawn(server.stop());
    let ready = async || Call::new(admin, "GET", "/readyz").send().await.status;
    until("it is not ready any more", async || ready().await == 503).await;
    idle.write_all(b"GET /events HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let mut refused = String::new();
    idle.read_to_string(&mut refused).await.unwrap();
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("\"shutting_down\""), "{refused}");
    assert!(refused.contains("retry-after: ") && refused.contains("connection: close"), "{refused}");
    let accepted = async || Call::new(address, "GET", "/events").connect().await.is_ok();
    until("nobody new is accepted", async || !accepted().await).await;

    in_flight.write_all(br#"{"name":"late","capacity":1}"#).await.unwrap();
    let mut answer = String::new();
    in_flight.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    stopping.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_outlasts_the_grace_is_ended() {
    let grace = Duration::from_millis(100);
    let server = TestServer::builder().with(|s| (s.grace, s.body_timeout) = (grace, MINUTE)).start().await;
    let mut in_flight = unfinished(&server).await;
    server.stop().await;
    let mut answer = Vec::new();
    // Closed or reset; but not answered.
    let _ = in_flight.read_to_end(&mut answer).await;
    assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_read_slowly_is_finished_within_the_grace() {
    let builder = TestServer::builder().rules(unruly_rules());
    let server =
        builder.with(|s| (s.grace, s.write_timeout, s.rate_limit) = (MINUTE, MINUTE, RateSetting(None))).start().await;
    // More than all buffers take, so that the server is in the middle of an answer when the end begins.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut slow = socket.connect(server.address()).await.unwrap();
    let requests = "GET /large-answer HTTP/1.1\r\nhost: h\r\n\r\n".repeat(64);
    slow.write_all(requests.as_bytes()).await.unwrap();
    let mut seen = vec![0; 1024];
    slow.read_exact(&mut seen).await.unwrap();
    let stopping = tokio::spawn(server.stop());
    // Longer than connections get at the least: whoever ends them then cuts this one off.
    tokio::time::sleep(Duration::from_millis(300)).await;
    // Closed or reset: what came before that is looked at.
    let _ = slow.read_to_end(&mut seen).await;
    let seen = String::from_utf8_lossy(&seen);
    let bodies: Vec<_> = seen.split("HTTP/1.1 200 OK").skip(1).map(|answer| answer.matches('x').count()).collect();
    let whole = |body: &usize| *body >= 1024 * 1024;
    assert!(!bodies.is_empty() && bodies.iter().all(whole), "cut off: {bodies:?}");
    stopping.await.unwrap();
}

#[tokio::test]
async fn an_idle_server_stops_at_once() {
    let server = TestServer::builder().with(|s| s.grace = Duration::from_hours(1)).start().await;
    // Open, with nothing in flight: not worth waiting for.
    let idle = server.get("/events").connect().await.unwrap();
    server.stop().await;
    drop(idle);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_before_the_end_is_there_afterwards() {
    let server = TestServer::builder().with(|s| s.grace = Duration::ZERO).start().await;
    let event = server.event(1_000).await;
    let first = server.hold(&event, "first@example.org").await;
    let calls: Vec<_> = (0..100)
        .map(|n| {
            let call = server.register(&event, &format!("c{n}@example.org"));
            tokio::spawn(async move {
                let stream = call.connect().await.ok()?;
                call.send_over(stream).await.ok().filter(|answer| answer.status == 201)
            })
        })
        .collect();
    let dir = server.stop().await;
    let again = TestServer::builder().database_of(dir).start().await;
    let mut acknowledged = vec![first];
    for call in calls {
        let Some(answer) = call.await.unwrap() else { continue };
        acknowledged.push(answer.body["id"].as_str().unwrap().to_owned());
    }
    for ticket in acknowledged {
        let read = again.get(&format!("/tickets/{ticket}")).role("user").send().await;
        assert_eq!(read.status, 200, "acknowledged and lost");
    }
}
