//! Lists: what filters choose, who may have them, and pages that stay right while rows come and go.

use std::collections::HashSet;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use harness::{Answer, TestServer};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// A server that gives lists to header roles, and the same with its own event.
async fn open_server() -> TestServer {
    TestServer::builder().with(|s| s.allow_insecure_header_auth = true).start().await
}

async fn create(server: &TestServer, event: Value) -> String {
    let answer = server.post("/events").role("organizer").json(&event).send().await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.body["id"].as_str().expect("an id").to_owned()
}

/// The names of the events that a query chooses.
async fn chosen(server: &TestServer, query: &str) -> Vec<String> {
    let answer = server.get(&format!("/events?{query}")).send().await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    values(&answer, "name")
}

fn values(page: &Answer, field: &str) -> Vec<String> {
    let items = page.body["items"].as_array().expect("a page");
    items.iter().map(|item| item[field].as_str().expect("a text").to_owned()).collect()
}

#[tokio::test]
async fn filters_choose_events_and_all_of_them_must_hold() {
    let server = TestServer::start().await;
    let january =
        json!({"name": "Rust in January", "capacity": 1, "starts_at": "2027-01-01T00:00:00Z", "tags": ["rust", "x"]});
    let sold = create(&server, january).await;
    create(
        &server,
        json!({"name": "Go in February", "capacity": 1, "starts_at": "2027-02-01T00:00:00Z", "tags": ["go"]}),
    )
    .await;
    create(&server, json!({"name": "Rust some day", "capacity": 1, "tags": ["rust"]})).await;
    server.hold(&sold, "a@example.org").await;
    let (january, february, some_day) = ("Rust in January", "Go in February", "Rust some day");
    for (query, expected) in [
        ("", &[january, february, some_day][..]),
        ("q=", &[january, february, some_day]),
        ("q=RUST", &[january, some_day]),
        ("q=in%20rust", &[january]),
        ("q=day+some", &[some_day]),
        ("q=python", &[]),
        ("tag=rust", &[january, some_day]),
        ("tag=Rust", &[]),
        ("tag=rus", &[]),
        ("starts_after=2027-01-01T00:00:00Z", &[january, february]),
        ("starts_after=2027-01-01T00:00:00.001Z", &[february]),
        ("starts_after=2027-01-01T02:00:00%2B02:00", &[january, february]),
        ("starts_before=2027-02-01T00:00:00Z", &[january]),
        ("starts_after=2027-02-01T00:00:00Z&starts_before=2027-01-01T00:00:00Z", &[]),
        ("available=true", &[february, some_day]),
        ("available=true&tag=rust&q=some", &[some_day]),
        ("available=true&tag=rust&starts_after=2027-01-01T00:00:00Z", &[]),
        ("limit=1&available=true", &[february]),
    ] {
        assert_eq!(chosen(&server, query).await, expected, "{query}");
    }
    // From its end on a hold is no seat taken.
    server.clock.advance(Duration::from_mins(5));
    assert_eq!(chosen(&server, "available=true").await, [january, february, some_day]);
}

#[tokio::test]
async fn a_filter_that_cannot_be_is_refused_by_name() {
    let server = open_server().await;
    let (long_words, long_tag) = (format!("q={}", "x".repeat(201)), format!("tag={}", "x".repeat(65)));
    for query in [
        long_words.as_str(),
        "q=a&q=b",
        "tag=",
        "tag=a%07",
        &long_tag,
        "tag=a&tag=a",
        "starts_after=soon",
        "starts_after=2027-01-01T02:00:00+02:00",
        "starts_after=1969-12-31T23:59:59Z",
        "starts_before=",
        "starts_before=2027-01-01",
        "starts_before=2027-01-01T00:00:00Z&starts_before=2027-01-01T00:00:00Z",
        "available=false",
        "available=TRUE",
        "available=1",
        "available",
        "available=true&available=true",
        "email=a@example.org",
        "Limit=5",
    ] {
        refused(&server, &format!("/events?{query}"), "").await;
    }
    for query in ["email=nobody", "email=", "email=a@example.org&email=a@example.org", "limit=5"] {
        let pointer = if query == "limit=5" { "/email" } else { "" };
        refused(&server, &format!("/tickets?{query}"), pointer).await;
    }
    refused(&server, "/tickets", "/email").await;
    for query in ["limit=0", "limit=1&limit=1", "cursor=", "cursor=x", "email=a@example.org", "status=reserved"] {
        refused(&server, &format!("/events/{}/tickets?{query}", server.event(1).await), "").await;
        refused(&server, &format!("/tickets?email=a@example.org&{query}"), "").await;
    }
}

/// Checks that an admin is refused, and where: at the parameter that comes last, unless it is said.
async fn refused(server: &TestServer, path: &str, pointer: &str) {
    let answer = server.get(path).role("admin").send().await;
    answer.assert_problem(400, "invalid_request");
    let last = path.rsplit(['?', '&']).next().and_then(|last| last.split('=').next()).unwrap_or_default();
    let pointer = if pointer.is_empty() { format!("/{last}") } else { pointer.to_owned() };
    assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{path}: {}", answer.text);
}

#[tokio::test]
async fn with_header_roles_nobody_gets_the_tickets_of_an_email_and_is_told_why() {
    let server = TestServer::start().await;
    let event = server.event(5).await;
    server.hold(&event, "ada@example.org").await;
    for role in ["user", "admin"] {
        let answer = server.get("/tickets?email=ada@example.org").role(role).send().await;
        answer.assert_problem(403, "forbidden");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains("header roles") && detail.contains("--allow-insecure-header-auth"), "{detail}");
    }
    for role in ["", "organizer"] {
        let answer = server.get("/tickets?email=ada@example.org").role(role).send().await;
        answer.assert_problem(403, "forbidden");
        assert_eq!(answer.body["detail"], "This route needs the role user.");
    }
}

#[tokio::test]
async fn where_header_roles_are_allowed_on_purpose_an_email_has_its_tickets_of_all_events() {
    let server = open_server().await;
    let (first, second) = (server.event(5).await, server.event(5).await);
    let mut expected = vec![server.hold(&first, "Ada@example.org").await];
    server.hold(&first, "bob@example.org").await;
    server.clock.advance(Duration::from_millis(1));
    expected.push(server.hold(&second, "ada@example.org").await);
    server.post(&format!("/tickets/{}/cancel", expected[0])).role("user").send().await;
    let page = server.get("/tickets?email=%20ADA@example.org").role("user").send().await;
    assert_eq!((page.status, page.header("cache-control")), (200, "no-store"), "{}", page.text);
    assert_eq!(
        (values(&page, "id"), values(&page, "status")),
        (expected.clone(), vec!["cancelled".into(), "reserved".into()])
    );
    let single = server.get(&format!("/tickets/{}", expected[1])).role("user").send().await;
    assert_eq!(page.body["items"][1], single.body);
    assert_eq!(page.body["next_cursor"], Value::Null);
    let nobody = server.get("/tickets?email=nobody@example.org").role("user").send().await;
    assert_eq!(nobody.body, json!({"items": [], "next_cursor": null}));
}

#[tokio::test]
async fn an_event_has_its_tickets_for_organizers() {
    let server = TestServer::start().await;
    let (event, other) = (server.event(5).await, server.event(5).await);
    let ticket = server.hold(&event, "ada@example.org").await;
    server.hold(&other, "ada@example.org").await;
    for role in ["organizer", "admin"] {
        let page = server.get(&format!("/events/{event}/tickets")).role(role).send().await;
        assert_eq!((page.status, values(&page, "id")), (200, vec![ticket.clone()]), "{}", page.text);
    }
    server.clock.advance(Duration::from_mins(5));
    let page = server.get(&format!("/events/{event}/tickets")).role("organizer").send().await;
    assert_eq!(values(&page, "status"), ["cancelled"], "a hold that has run out, not swept yet");
    for role in ["", "user"] {
        server.get(&format!("/events/{event}/tickets")).role(role).send().await.assert_problem(403, "forbidden");
    }
    server.get("/events/nothing/tickets").role("organizer").send().await.assert_problem(404, "event_not_found");
}

/// All pages of a list, and what happens between them.
async fn walk(server: &TestServer, path: &str, mut between: impl AsyncFnMut(usize)) -> Vec<String> {
    let (mut seen, mut pages, mut next) = (Vec::new(), 0, path.to_owned());
    loop {
        let page = server.get(&next).role("admin").send().await;
        assert_eq!(page.status, 200, "{}", page.text);
        seen.extend(values(&page, "id"));
        pages += 1;
        assert!(pages < 50, "the list does not end");
        between(pages).await;
        let Some(cursor) = page.body["next_cursor"].as_str() else { return seen };
        next = format!("{path}&cursor={cursor}");
    }
}

fn assert_once_each(seen: &[String], all: &[String]) {
    let distinct: HashSet<_> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len(), "a row came twice");
    for row in all {
        assert!(distinct.contains(row), "{row} did not come");
    }
}

#[tokio::test]
async fn pages_of_events_stay_right_while_events_come_move_and_sell_out() {
    let server = TestServer::start().await;
    let mut all = Vec::new();
    for day in 10..19 {
        let event =
            json!({"name": "Gala", "capacity": 1, "starts_at": format!("2027-01-{day}T00:00:00Z"), "tags": ["t"]});
        all.push(create(&server, event).await);
    }
    let seen = walk(&server, "/events?limit=2&tag=t&q=gala", async |page| {
        for day in ["01", "31"] {
            let late = json!({"name": "Late gala", "capacity": 1, "starts_at": format!("2027-01-{day}T00:00:00Z"), "tags": ["t"]});
            if page < 4 {
                create(&server, late).await;
            }
        }
        // One that was seen moves before all others; the cursor points at where it was.
        let moved = server.call("PATCH", &format!("/events/{}", all[page.min(5) - 1])).role("organizer");
        assert_eq!(moved.json(&json!({"starts_at": "2026-12-01T00:00:00Z"})).send().await.status, 200);
        server.register(&all[8], &format!("u{page}@example.org")).send().await;
    })
    .await;
    assert_once_each(&seen, &all);
    assert_eq!(seen.len(), 12, "nine, and three that came behind where the reader was");
}

#[tokio::test]
async fn pages_of_tickets_stay_right_while_tickets_come_and_end() {
    let server = open_server().await;
    let event = server.event(100).await;
    let mut of_event = Vec::new();
    for n in 0..7 {
        of_event.push(server.hold(&event, &format!("u{n}@example.org")).await);
        server.clock.advance(Duration::from_millis(1));
    }
    let between = async |page: usize| {
        server.post(&format!("/tickets/{}/cancel", of_event[page])).role("user").send().await;
        server.clock.advance(Duration::from_millis(1));
        if page < 3 {
            server.hold(&event, &format!("late{page}@example.org")).await;
        }
    };
    let seen = walk(&server, &format!("/events/{event}/tickets?limit=2"), between).await;
    assert_once_each(&seen, &of_event);
    assert_eq!((&seen[..7], seen.len()), (&of_event[..], 9), "oldest first, then the two that came");
    let mut of_email = Vec::new();
    for _ in 0..5 {
        of_email.push(server.hold(&server.event(1).await, "ada@example.org").await);
        server.clock.advance(Duration::from_millis(1));
    }
    let seen = walk(&server, "/tickets?email=ada@example.org&limit=2", async |page| {
        server.post(&format!("/tickets/{}/cancel", of_email[page])).role("user").send().await;
        server.hold(&server.event(1).await, "bob@example.org").await;
    })
    .await;
    assert_eq!(seen, of_email);
}

#[tokio::test]
async fn a_cursor_that_was_edited_or_is_of_another_query_is_refused_by_every_list() {
    let server = open_server().await;
    let (event, other) = (server.event(9).await, server.event(9).await);
    for (event, email) in
        [(&event, "a@example.org"), (&event, "b@example.org"), (&other, "a@example.org"), (&other, "b@example.org")]
    {
        server.hold(event, email).await;
    }
    let of_event = format!("/events/{event}/tickets?limit=1");
    let of_other = format!("/events/{other}/tickets?limit=1");
    let lists = [
        "/events?limit=1",
        "/events?limit=1&q=event",
        "/events?limit=1&available=true",
        "/events?limit=1&starts_before=2099-01-01T00:00:00Z",
        "/tickets?email=a@example.org&limit=1",
        "/tickets?email=b@example.org&limit=1",
        &of_event,
        &of_other,
    ];
    for list in lists {
        let page = server.get(list).role("admin").send().await;
        let Some(cursor) = page.body["next_cursor"].as_str() else {
            assert!(list.contains("starts_before"), "{list}: {}", page.text);
            continue;
        };
        assert_eq!(server.get(&format!("{list}&cursor={cursor}")).role("admin").send().await.status, 200);
        for another in lists.iter().filter(|another| **another != list) {
            refused(&server, &format!("{another}&cursor={cursor}"), "/cursor").await;
        }
        for place in [0, 7, cursor.len() - 2] {
            let mut edited = cursor.to_owned().into_bytes();
            edited[place] = if edited[place] == b'A' { b'B' } else { b'A' };
            refused(&server, &format!("{list}&cursor={}", String::from_utf8(edited).unwrap()), "/cursor").await;
        }
        refused(&server, &format!("{list}&cursor={cursor}A"), "/cursor").await;
        refused(&server, &format!("{list}&cursor={}", &cursor[1..]), "/cursor").await;
        refused(&server, &format!("{list}&cursor={}", "A".repeat(5_000)), "/cursor").await;
    }
}

/// A cursor that somebody made up who has read how they are made: the digest has no key.
fn made_up(conditions: &[Option<&str>], position: &[u8]) -> String {
    let digest = conditions.iter().fold(Sha256::new(), |digest, condition| {
        let text = condition.unwrap_or_default();
        let length = (text.len() as u64).to_be_bytes();
        digest.chain_update([u8::from(condition.is_some())]).chain_update(length).chain_update(text)
    });
    let digest = digest.chain_update(position).finalize();
    BASE64_URL_SAFE_NO_PAD.encode([&digest[..12], position].concat())
}

#[tokio::test]
async fn a_cursor_that_is_made_up_is_refused_as_any_other_foreign_one() {
    let server = open_server().await;
    let event = server.event(9).await;
    let events = |position: &[u8]| made_up(&[Some("events"), None, None, None, None, None], position);
    assert_eq!(events(b""), "EfuBrN0QHsUjnAa-");
    for position in [&b""[..], b"1234567", b"12345678\xff"] {
        refused(&server, &format!("/events?cursor={}", events(position)), "/cursor").await;
    }
    // As it is: whoever makes up a place reads a page that anybody may read.
    let everything = events(&i64::MIN.to_be_bytes());
    assert_eq!(server.get(&format!("/events?cursor={everything}")).send().await.status, 200);
    for position in [&b"\xff"[..], b"\xc3\x28", b"a\xed\xa0\x80"] {
        let of_event = made_up(&[Some("tickets-of-event"), Some(&event)], position);
        refused(&server, &format!("/events/{event}/tickets?cursor={of_event}"), "/cursor").await;
        let of_email = made_up(&[Some("tickets-of-email"), Some("a@example.org"), None], position);
        refused(&server, &format!("/tickets?email=a@example.org&cursor={of_email}"), "/cursor").await;
    }
    for position in [&b""[..], b"1234567", b"123456789"] {
        let cursor = made_up(&[Some("audit"), None, None], position);
        let answer = server.get(&format!("/audit?cursor={cursor}")).role("admin").send().await;
        answer.assert_problem(400, "invalid_request");
        assert!(answer.body["detail"].as_str().is_some_and(|text| text.contains("cursor")), "{}", answer.text);
    }
    let trail = made_up(&[Some("audit"), None, None], &0_i64.to_be_bytes());
    assert_eq!(server.get(&format!("/audit?cursor={trail}")).role("admin").send().await.status, 200);
}
