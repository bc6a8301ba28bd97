//! HTTP itself: methods, framing, limits, request ids, and connections that behave badly.

use std::time::Duration;

use harness::{Call, TestServer, raw};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[tokio::test]
async fn an_unknown_path_is_not_found_and_an_unknown_method_is_not_allowed() {
    let server = TestServer::start().await;
    for path in ["/", "/nothing", "/events/1/2/3", "/Events", "/events/"] {
        server.get(path).send().await.assert_problem(404, "route_not_found");
    }
    let cases = [("DELETE", "/events", "GET, HEAD, POST, OPTIONS"), ("GET", "/tickets/x/confirm", "POST, OPTIONS")];
    for (method, path, allow) in cases {
        let answer = server.call(method, path).role("admin").send().await;
        answer.assert_problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allow);
    }
    for method in ["TRACE", "PATCH", "BREW"] {
        server.call(method, "/events").send().await.assert_problem(405, "method_not_allowed");
    }
}

#[tokio::test]
async fn options_tells_the_methods_of_a_path() {
    let server = TestServer::start().await;
    let answer = server.call("OPTIONS", "/events").send().await;
    assert_eq!((answer.status, answer.header("allow")), (204, "GET, HEAD, POST, OPTIONS"));
    let all = server.call("OPTIONS", "*").send().await;
    assert_eq!((all.status, all.header("allow")), (204, "GET, HEAD, POST, PATCH, OPTIONS"));
    server.call("OPTIONS", "/nothing").send().await.assert_problem(404, "route_not_found");
}

#[tokio::test]
async fn a_sane_request_id_comes_back_and_any_other_is_replaced() {
    let server = TestServer::start().await;
    let sane = server.get("/events").header("x-request-id", "order-17.a_B").send().await;
    assert_eq!(sane.header("x-request-id"), "order-17.a_B");
    for id in ["", "with space", "\"quoted\"", "a\tb", &"x".repeat(129)] {
        let answer = server.get("/events").header("x-request-id", id).send().await;
        let given = answer.header("x-request-id");
        assert!(given != id && given.len() == 36, "{id:?} came back as {given:?}");
    }
    let twice = server.get("/events").header("x-request-id", "a").header("x-request-id", "b").send().await;
    assert_eq!(twice.header("x-request-id").len(), 36);
}

#[tokio::test]
async fn heads_that_are_no_http_get_a_bare_answer_and_a_closed_connection() {
    let server = TestServer::start().await;
    let cases: [&[u8]; 12] = [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\nhost: h\r\n\r\n",
        b"GET /events HTTP/1.1\r\nhost: h\r\nbad header: x\r\n\r\n",
        b"GET /events HTTP/1.1\r\nhost: h\r\nx: a\r\n folded\r\n\r\n",
        b"GET /events HTTP/1.1\r\nhost: h\r\nx: a\x00b\r\n\r\n",
        b"GET /ev\x01ents HTTP/1.1\r\nhost: h\r\n\r\n",
        b"POST /events HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"POST /events HTTP/1.1\r\nhost: h\r\ncontent-length: -1\r\n\r\n",
        b"POST /events HTTP/1.1\r\nhost: h\r\ncontent-length: 5x\r\n\r\nhello",
        b"POST /events HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"POST /events HTTP/1.1\r\nhost: h\r\ntransfer-encoding: gzip\r\n\r\n",
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03",
    ];
    for case in cases {
        let answer = raw(server.address(), case).await;
        let text = String::from_utf8_lossy(case);
        // Refused with a bare 400, or just closed; and closed in any case, or `raw` would have panicked.
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{text:?}: {answer}");
    }
    assert_eq!(server.get("/events").send().await.status, 200);
}

#[tokio::test]
async fn content_length_beside_chunked_is_never_two_requests() {
    let server = TestServer::start().await;
    // By its length the body is 4 bytes, and a second request hides in the rest; by its chunks it is all one request.
    let body = r#"{"name":"x","capacity":1}"#;
    let smuggled = format!(
        "POST /events HTTP/1.1\r\nhost: h\r\nx-role: organizer\r\ncontent-type: application/json\r\ncontent-length: 4\r\n\
         transfer-encoding: chunked\r\n\r\n19\r\n{body}\r\n0\r\n\r\nGET /events HTTP/1.1\r\nhost: h\r\n\r\n"
    );
    let answer = raw(server.address(), smuggled.as_bytes()).await;
    // Refused, or read by its chunks and the connection closed after it (RFC 9112, 6.3): one answer in any case.
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    assert!(answer.starts_with("HTTP/1.1 201 ") || answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn broken_chunks_are_refused_by_name() {
    let server = TestServer::start().await;
    for body in ["zz\r\nhello\r\n0\r\n\r\n", "5\r\nhelloX0\r\n\r\n", "ffffffffffffffffff\r\nx"] {
        let head = "POST /events HTTP/1.1\r\nhost: h\r\nx-role: organizer\r\ncontent-type: application/json\r\n\
                    transfer-encoding: chunked\r\n\r\n";
        let answer = raw(server.address(), format!("{head}{body}").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{body:?}: {answer}");
        assert!(answer.contains("\"invalid_request\""), "{body:?}: {answer}");
    }
}

#[tokio::test]
async fn http_1_1_needs_exactly_one_host() {
    let server = TestServer::start().await;
    for head in ["", "host: a\r\nhost: b\r\n"] {
        let request = format!("GET /events HTTP/1.1\r\n{head}connection: close\r\n\r\n");
        let answer = raw(server.address(), request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("invalid_request"), "{answer}");
    }
    let odd = raw(server.address(), b"GET /events HTTP/1.1\r\nhost: a b/@\r\nconnection: close\r\n\r\n").await;
    assert!(odd.starts_with("HTTP/1.1 400 "), "{odd}");
    let old = raw(server.address(), b"GET /events HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.0 200 ") || old.starts_with("HTTP/1.1 200 "), "{old}");
}

#[tokio::test]
async fn headers_over_the_limit_are_too_large() {
    let server = TestServer::start().await;
    let long = format!("GET /events HTTP/1.1\r\nhost: h\r\nx-long: {}\r\n\r\n", "x".repeat(20_000));
    let many = "x-many: y\r\n".repeat(200);
    let many = format!("GET /events HTTP/1.1\r\nhost: h\r\n{many}\r\n");
    for request in [long, many] {
        let answer = raw(server.address(), request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = TestServer::start().await;
    let requests = b"GET /events HTTP/1.1\r\nhost: h\r\nx-request-id: first\r\n\r\n\
                     GET /nothing HTTP/1.1\r\nhost: h\r\nx-request-id: second\r\nconnection: close\r\n\r\n";
    let answer = raw(server.address(), requests).await;
    let (first, second) = (answer.find("x-request-id: first").unwrap(), answer.find("x-request-id: second").unwrap());
    assert!(first < second, "{answer}");
}

#[tokio::test]
async fn a_head_that_never_ends_is_not_waited_for() {
    let server = TestServer::builder().with(|s| s.header_timeout = Duration::from_millis(50)).start().await;
    let answer = raw(server.address(), b"GET /events HTTP/1.1\r\nhost: h\r\n").await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test]
async fn a_connection_that_stays_idle_is_closed() {
    let server = TestServer::builder().with(|s| s.header_timeout = Duration::from_millis(50)).start().await;
    assert_eq!(raw(server.address(), b"").await, "");
    let kept = raw(server.address(), b"GET /events HTTP/1.1\r\nhost: h\r\n\r\n").await;
    assert!(kept.starts_with("HTTP/1.1 200 "), "{kept}");
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answers_is_not_waited_for() {
    let builder = TestServer::builder().rules(harness::unruly_rules());
    let server = builder
        .with(|s| {
            s.write_timeout = Duration::from_millis(100);
            s.max_connections = 1;
            s.rate_limit = boxoffice::config::RateSetting(None);
        })
        .start()
        .await;
    // More answers than all buffers between here and there can take.
    let mut stuck = server.get("/large-answer").connect().await.unwrap();
    let requests = "GET /large-answer HTTP/1.1\r\nhost: h\r\n\r\n".repeat(64);
    stuck.write_all(requests.as_bytes()).await.unwrap();
    // The only connection there may be: so it is served when the other has been closed.
    assert_eq!(server.get("/fine").send().await.status, 200);
}

#[tokio::test]
async fn a_body_that_never_comes_is_a_request_timeout() {
    let server = TestServer::builder().with(|s| s.body_timeout = Duration::from_millis(50)).start().await;
    let request = b"POST /events HTTP/1.1\r\nhost: h\r\nx-role: organizer\r\ncontent-type: application/json\r\n\
                    content-length: 100\r\n\r\n{";
    let answer = raw(server.address(), request).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("\"request_timeout\""), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn whoever_expects_100_continue_is_told_before_the_body_is_sent() {
    let server = TestServer::start().await;
    let head = |role: &str| {
        format!(
            "POST /events HTTP/1.1\r\nhost: h\r\nx-role: {role}\r\ncontent-type: application/json\r\n\
             content-length: 26\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n"
        )
    };
    let refused = raw(server.address(), head("user").as_bytes()).await;
    assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
    let mut stream = Call::new(server.address(), "POST", "/").connect().await.unwrap();
    stream.write_all(head("organizer").as_bytes()).await.unwrap();
    let mut first = [0; 25];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(br#"{"name":"x","capacity": 5}"#).await.unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert!(rest.starts_with("HTTP/1.1 201 "), "{rest}");
}

#[tokio::test]
async fn connections_over_the_limit_wait_and_are_served_when_others_end() {
    let server = TestServer::builder().with(|s| s.max_connections = 2).start().await;
    let idle = [server.get("/events").connect().await.unwrap(), server.get("/events").connect().await.unwrap()];
    let mut waiting = tokio::spawn(server.get("/events").send());
    // It cannot be answered while the two are open: nobody has a permit for it.
    let early = tokio::time::timeout(Duration::from_millis(100), &mut waiting).await;
    assert!(early.is_err(), "served beyond the limit");
    drop(idle);
    assert_eq!(waiting.await.unwrap().status, 200);
}

#[tokio::test]
async fn health_and_readiness_are_on_the_operators_listener_and_nowhere_else() {
    let server = TestServer::start().await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(Call::new(server.admin_address(), "GET", path).send().await.status, 200);
        server.get(path).send().await.assert_problem(404, "route_not_found");
    }
    assert_eq!(Call::new(server.admin_address(), "GET", "/events").send().await.status, 404);
    assert_eq!(Call::new(server.admin_address(), "POST", "/healthz").send().await.status, 405);
}

/// How a body is sent: the headers that say so, and its bytes.
const BODIES: [(&str, &str); 2] =
    [("content-length: 5", "hello"), ("transfer-encoding: chunked", "5\r\nhello\r\n0\r\n\r\n")];

#[tokio::test]
async fn a_body_that_nobody_wants_is_read_and_the_next_request_is_answered() {
    let server = TestServer::builder().with(|s| s.rate_limit = boxoffice::config::RateSetting(None)).start().await;
    let next = "GET /nothing HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
    let firsts = [
        ("GET /openapi.json", 200),
        ("GET /docs", 200),
        ("GET /audit", 403),
        ("POST /docs", 405),
        ("OPTIONS /docs", 204),
        ("OPTIONS /events", 204),
        ("OPTIONS *", 204),
        ("GET /nothing", 404),
    ];
    for (first, status) in firsts {
        for (framing, body) in BODIES {
            let request = format!("{first} HTTP/1.1\r\nhost: h\r\n{framing}\r\n\r\n{body}{next}");
            let answer = raw(server.address(), request.as_bytes()).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{first}, {framing}: {answer}");
            let (before, after) =
                answer.rsplit_once("HTTP/1.1 404 Not Found").expect("the next request has its answer");
            assert!(
                !before.contains("connection: close") && after.contains("\"route_not_found\""),
                "{first}, {framing}"
            );
        }
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_to_be_read_for_nothing_ends_the_connection_and_not_the_answer() {
    let server = TestServer::start().await;
    let large = "x".repeat(2 * 1024 * 1024);
    for first in ["GET /openapi.json", "OPTIONS /events"] {
        let request = format!("{first} HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n{large}", large.len());
        let answer = raw(server.address(), request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 20") && answer.contains("connection: close"), "{first}: {answer}");
        // Whoever asks first is told that nobody reads it.
        let request = format!("{first} HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n");
        let answer = raw(server.address(), request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 20") && answer.contains("connection: close"), "{first}: {answer}");
    }
}
