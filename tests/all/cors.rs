//! Which web pages may call: by an allow-list, told to browsers as the Fetch standard has it.

use std::time::Duration;

use boxoffice::store::sqlite::{CommitFault, Faults};
use harness::{Answer, Builder, Call, TestServer, fresh_address, raw, unruly_rules};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const SHOP: &str = "https://shop.example";
const DEV: &str = "http://localhost:3000";

fn builder() -> Builder {
    TestServer::builder().with(|s| s.network.cors_origin = vec![SHOP.to_owned(), DEV.to_owned()])
}

async fn server() -> TestServer {
    builder().start().await
}

fn preflight(server: &TestServer, path: &str, origin: &str) -> Call {
    let asked = server.call("OPTIONS", path).header("origin", origin);
    asked.header("access-control-request-method", "POST").header("access-control-request-headers", "x-role")
}

/// Headers that only browsers look at.
fn told(answer: &Answer) -> Vec<&str> {
    answer
        .headers
        .keys()
        .map(hyper::header::HeaderName::as_str)
        .filter(|name| name.starts_with("access-control-"))
        .collect()
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_is_told_what_it_may_send() {
    let server = server().await;
    for origin in [SHOP, DEV] {
        let answer = preflight(&server, "/events", origin).send().await;
        let expected = [
            ("access-control-allow-origin", origin),
            ("access-control-allow-methods", "GET, HEAD, POST, OPTIONS"),
            (
                "access-control-allow-headers",
                "authorization, content-type, idempotency-key, if-match, if-none-match, x-request-id, x-role",
            ),
            ("access-control-max-age", "600"),
            ("access-control-allow-credentials", ""),
            ("vary", "Origin"),
        ];
        assert_eq!((answer.status, answer.text.as_str()), (204, ""));
        for (name, value) in expected {
            assert_eq!(answer.header(name), value, "{name}");
        }
    }
    let confirm = preflight(&server, "/tickets/x/confirm", SHOP).send().await;
    assert_eq!(confirm.header("access-control-allow-methods"), "POST, OPTIONS");
    let audit = preflight(&server, "/audit", SHOP).send().await;
    assert_eq!(audit.header("access-control-allow-methods"), "GET, HEAD, OPTIONS");
    let nothing = preflight(&server, "/nothing", SHOP).send().await;
    nothing.assert_problem(404, "route_not_found");
    assert_eq!(nothing.header("access-control-allow-methods"), "");
}

#[tokio::test]
async fn a_stranger_s_page_is_refused_at_its_first_question() {
    let server = server().await;
    let strangers = [
        "https://evil.example",
        "https://shop.example.evil.example",
        "https://shop.example:8443",
        "http://shop.example",
        "HTTPS://SHOP.EXAMPLE",
        "https://shop.example/",
        "null",
        "",
    ];
    for stranger in strangers {
        for path in ["/events", "/nothing"] {
            let refused = preflight(&server, path, stranger).send().await;
            refused.assert_problem(403, "forbidden");
            assert_eq!(told(&refused), [""; 0], "{stranger}");
        }
        // What is no question is answered to whoever asks; the browser keeps it from the page.
        let plain = server.get("/events").header("origin", stranger).send().await;
        assert_eq!((plain.status, told(&plain), plain.header("vary")), (200, Vec::new(), "Origin"), "{stranger}");
    }
    let twice = preflight(&server, "/events", SHOP).header("origin", SHOP).send().await;
    twice.assert_problem(403, "forbidden");
}

#[tokio::test]
async fn every_answer_to_an_allowed_page_can_be_read_by_it() {
    let server = server().await;
    let event = server.event(1).await;
    let address = fresh_address();
    let calls = [
        (server.get("/events"), 200),
        (server.get(&format!("/events/{event}")).header("if-none-match", "*"), 304),
        (server.post("/events").role("organizer").body("{").header("content-type", "application/json"), 400),
        (server.post("/events"), 403),
        (server.get("/nothing"), 404),
        (server.call("DELETE", "/events"), 405),
        (server.post("/events").role("organizer").body("x").header("content-type", "text/plain"), 415),
    ];
    for (call, status) in calls {
        let answer = call.header("origin", SHOP).send().await;
        // The rules of this host have entity tags, or do not have them yet.
        assert!(answer.status == status || (status, answer.status) == (304, 200), "{status}: {}", answer.text);
        assert_eq!(answer.header("access-control-allow-origin"), SHOP, "{status}");
        for name in ["etag", "location", "retry-after", "ratelimit", "x-request-id", "www-authenticate"] {
            let read = answer.header("access-control-expose-headers");
            assert!(read.split(", ").any(|known| known == name), "{name} in {read}");
        }
        assert!(answer.headers.get_all("vary").iter().any(|value| value == "Origin"), "{status}");
    }
    for status in [200, 200, 200, 200, 200, 429] {
        let answer = server.get("/events").from(address).header("origin", SHOP).send().await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, SHOP));
    }
}

/// Sends it from the shop's page, which must be able to read the refusal.
#[track_caller]
fn assert_readable(answer: &Answer, status: u16, code: &str) {
    answer.assert_problem(status, code);
    assert_eq!(answer.header("access-control-allow-origin"), SHOP, "{status}");
    let read = answer.header("access-control-expose-headers");
    for name in ["retry-after", "www-authenticate", "x-request-id"] {
        assert!(read.split(", ").any(|known| known == name), "{name} in {read}");
    }
    assert!(answer.headers.get_all("vary").iter().any(|value| value == "Origin"), "{status}");
}

/// The same of an answer as it is on the wire.
#[track_caller]
fn assert_readable_raw(answer: &str, status: u16, code: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(&format!("\"{code}\"")), "{answer}");
    for line in [&format!("access-control-allow-origin: {SHOP}"), "access-control-expose-headers: ", "vary: Origin"] {
        assert!(answer.contains(line), "{line} is missing in {answer}");
    }
}

#[tokio::test]
async fn a_refused_credential_and_a_body_that_is_too_large_can_be_read_by_an_allowed_page() {
    let keys = builder().auth("keys").operated().start().await;
    for call in [keys.post("/events"), keys.get("/events").bearer("bo_made_up")] {
        let answer = call.header("origin", SHOP).send().await;
        assert_readable(&answer, 401, "unauthenticated");
        assert!(answer.header("www-authenticate").starts_with("Bearer "));
    }
    let server = server().await;
    let large = server.post("/events").role("organizer").body("x".repeat(65 * 1024));
    let large = large.header("content-type", "application/json").header("origin", SHOP);
    assert_readable(&large.send().await, 413, "body_too_large");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_of_the_host_or_its_rules_can_be_read_by_an_allowed_page() {
    let faults = Faults::default();
    let full = builder().store(|options| options.faults = faults.clone()).start().await;
    let event = full.event(5).await;
    faults.fail_commit(1, CommitFault::DiskFull);
    let overloaded = full.register(&event, "a@example.org").header("origin", SHOP).send().await;
    assert_readable(&overloaded, 503, "overloaded");
    let panicking = builder().store(|options| options.faults = Faults::panicking()).start().await;
    let event = panicking.event(5).await;
    let panicked = panicking.register(&event, "panic@example.org").header("origin", SHOP).send().await;
    assert_readable(&panicked, 500, "internal");
    let impatient = builder().rules(unruly_rules());
    let impatient = impatient.with(|s| s.limits.rules_timeout = Duration::from_millis(300)).start().await;
    for (path, status, code) in [("/trap", 500, "rules_failed"), ("/sleep?ms=60000", 504, "rules_timeout")] {
        assert_readable(&impatient.get(path).header("origin", SHOP).send().await, status, code);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_too_late_can_be_read_by_an_allowed_page() {
    let short = builder().with(|s| s.body_timeout = Duration::from_millis(50)).start().await;
    let head = format!(
        "POST /events HTTP/1.1\r\nhost: h\r\norigin: {SHOP}\r\nx-role: organizer\r\n\
         content-type: application/json\r\ncontent-length: 28\r\n\r\n"
    );
    assert_readable_raw(&raw(short.address(), head.as_bytes()).await, 408, "request_timeout");
    let minute = Duration::from_mins(1);
    let server = builder().with(|s| (s.grace, s.body_timeout) = (minute, minute)).start().await;
    let mut idle = server.get("/events").connect().await.unwrap();
    idle.write_all(b"GET /events HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    assert!(idle.read(&mut [0; 2048]).await.unwrap() > 0);
    let mut busy = server.get("/").connect().await.unwrap();
    busy.write_all(head.as_bytes()).await.unwrap();
    harness::until("it is in flight", async || server.server().in_flight() == 1).await;
    let admin = server.admin_address();
    let stopping = tokio::spawn(server.stop());
    let ready = async || Call::new(admin, "GET", "/readyz").send().await.status;
    harness::until("it is not ready any more", async || ready().await == 503).await;
    idle.write_all(format!("GET /events HTTP/1.1\r\nhost: h\r\norigin: {SHOP}\r\n\r\n").as_bytes()).await.unwrap();
    let mut refused = String::new();
    idle.read_to_string(&mut refused).await.unwrap();
    assert_readable_raw(&refused, 503, "shutting_down");
    busy.write_all(br#"{"name":"late","capacity":1}"#).await.unwrap();
    stopping.await.unwrap();
}

#[tokio::test]
async fn without_the_setting_nothing_is_said() {
    let server = TestServer::start().await;
    let answer = preflight(&server, "/events", SHOP).send().await;
    assert_eq!((answer.status, answer.header("allow")), (204, "GET, HEAD, POST, OPTIONS"));
    assert_eq!((told(&answer), answer.header("vary")), (Vec::new(), ""));
    let answer = server.get("/events").header("origin", SHOP).send().await;
    assert_eq!((told(&answer), answer.header("vary")), (Vec::new(), ""));
}

#[tokio::test]
async fn options_that_is_no_preflight_is_answered_as_ever() {
    let server = server().await;
    let answer = server.call("OPTIONS", "/events").header("origin", "https://evil.example").send().await;
    assert_eq!((answer.status, answer.header("allow")), (204, "GET, HEAD, POST, OPTIONS"));
    let star = server.call("OPTIONS", "*").send().await;
    assert_eq!((star.status, star.headers.get("access-control-allow-origin")), (204, None));
    assert_eq!(star.headers.get_all("vary").iter().next().unwrap(), "Origin");
}
