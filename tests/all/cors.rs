//! Which web pages may call: by an allow-list, told to browsers as the Fetch standard has it.

use harness::{Answer, Call, TestServer, fresh_address};

const SHOP: &str = "https://shop.example";
const DEV: &str = "http://localhost:3000";

async fn server() -> TestServer {
    TestServer::builder().with(|s| s.network.cors_origin = vec![SHOP.to_owned(), DEV.to_owned()]).start().await
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
