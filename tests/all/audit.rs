//! `GET /audit`: who did what, from where, by which module; to whom that is told, and what is refused.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::time::Duration;

use harness::{Answer, Operator, TestServer, fresh_address};
use serde_json::json;

async fn server() -> TestServer {
    TestServer::builder().with(|s| s.allow_insecure_header_auth = true).start().await
}

/// All entries as an admin sees them.
async fn trail(server: &TestServer) -> Vec<serde_json::Value> {
    let answer = server.get("/audit").role("admin").send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn each_effect_has_one_entry_and_refusals_and_repetitions_have_none() {
    let server = server().await;
    let event = server.event(1).await;
    let address = fresh_address();
    let register = server.register(&event, "ann@example.org").key("k").header("x-request-id", "order-1");
    let ticket = register.clone().from(address).send().await.body["id"].as_str().unwrap().to_owned();
    server.clock.advance(Duration::from_millis(1500));
    assert_eq!(register.send().await.header("idempotency-replayed"), "true");
    server.register(&event, "bob@example.org").send().await.assert_problem_code(409, "sold_out");
    for action in ["confirm", "confirm", "cancel", "cancel", "confirm"] {
        server.post(&format!("/tickets/{ticket}/{action}")).role("user").send().await;
    }
    let trail = trail(&server).await;
    let told: Vec<_> = trail.iter().map(|entry| (entry["seq"].clone(), entry["action"].as_str().unwrap())).collect();
    let actions = ["events.create", "tickets.atomic-register", "tickets.confirm", "tickets.cancel"];
    assert_eq!(told, (1..5).map(|n| json!(n)).zip(actions).collect::<Vec<_>>());
    let module = server.server().module().digest.to_string();
    let expected = json!({
        "seq": 2, "at": "2026-11-21T09:30:00.000Z", "action": "tickets.atomic-register", "event_id": event,
        "ticket_id": ticket, "owner": "", "roles": ["user"], "address": address.to_string(), "module": module,
        "request_id": "order-1",
    });
    assert_eq!(trail[1], expected);
    assert_eq!((&trail[2]["at"], &trail[0]["ticket_id"]), (&json!("2026-11-21T09:30:01.500Z"), &json!(null)));
}

/// A problem of the rules has the code and not all that the host's have.
trait Coded {
    fn assert_problem_code(&self, status: u16, code: &str);
}

impl Coded for Answer {
    #[track_caller]
    fn assert_problem_code(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.text);
    }
}

#[tokio::test]
async fn a_hold_that_ran_out_is_nobody_s_doing_and_its_cancel_has_no_effect() {
    let server = server().await;
    let event = server.event(2).await;
    let [swept, due] = [server.hold(&event, "a@x.org").await, server.hold(&event, "b@x.org").await];
    server.clock.advance(Duration::from_mins(5));
    server.post(&format!("/tickets/{due}/cancel")).role("user").send().await;
    server.server().sweep().await.unwrap();
    server.post(&format!("/tickets/{swept}/cancel")).role("user").send().await;
    assert_eq!(trail(&server).await.len(), 3, "the event and two registrations");
}

#[tokio::test]
async fn an_organizer_names_an_event_and_an_admin_need_not() {
    let server = server().await;
    let [one, other] = [server.event(5).await, server.event(5).await];
    let ticket = server.hold(&one, "a@x.org").await;
    server.hold(&other, "a@x.org").await;
    let count = async |role: &str, query: &str| {
        let answer = server.get(&format!("/audit{query}")).role(role).send().await;
        answer.body["items"].as_array().map_or_else(|| answer.code().to_owned(), |items| items.len().to_string())
    };
    let cases = [
        ("admin", String::new(), "4"),
        ("admin", format!("?ticket_id={ticket}"), "1"),
        ("organizer", format!("?event_id={one}"), "2"),
        ("organizer", format!("?event_id={one}&ticket_id={ticket}"), "1"),
        ("organizer", format!("?event_id={other}&ticket_id={ticket}"), "0"),
        ("organizer", String::new(), "invalid_request"),
        ("organizer", format!("?ticket_id={ticket}"), "invalid_request"),
        ("organizer", "?event_id=none".to_owned(), "event_not_found"),
        ("user", format!("?event_id={one}"), "forbidden"),
        ("", format!("?event_id={one}"), "forbidden"),
    ];
    for (role, query, expected) in cases {
        assert_eq!(count(role, &query).await, expected, "{role} {query}");
    }
}

#[tokio::test]
async fn a_role_that_anybody_can_claim_is_not_enough_unless_the_operator_says_so() {
    let server = TestServer::start().await;
    for role in ["organizer", "admin"] {
        let refused = server.get("/audit").role(role).send().await;
        refused.assert_problem(403, "forbidden");
        assert!(refused.text.contains("--allow-insecure-header-auth"), "{}", refused.text);
    }
    let refused = server.get("/audit").role("user").send().await;
    assert!(refused.text.contains("organizer"), "{}", refused.text);
}

#[tokio::test]
async fn pages_follow_one_another_and_the_last_one_leads_on() {
    let server = server().await;
    let event = server.event(9).await;
    for n in 0..4 {
        server.hold(&event, &format!("{n}@x.org")).await;
    }
    let mut cursor = String::new();
    let mut seen = Vec::new();
    for expected in [2, 2, 1, 0] {
        let answer = server.get(&format!("/audit?event_id={event}&limit=2{cursor}")).role("organizer").send().await;
        let items = answer.body["items"].as_array().unwrap();
        assert_eq!(items.len(), expected);
        seen.extend(items.iter().map(|item| item["seq"].as_u64().unwrap()));
        match answer.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => assert_eq!(expected, 0, "also the last page has one"),
        }
    }
    assert_eq!(seen, [1, 2, 3, 4, 5]);
    server.hold(&event, "late@x.org").await;
    let more = server.get(&format!("/audit?event_id={event}{cursor}")).role("organizer").send().await;
    assert_eq!(more.body["items"][0]["seq"], 6, "{}", more.text);
}

#[tokio::test]
async fn what_is_asked_wrongly_is_told_by_name() {
    let server = server().await;
    let cases = [
        ("?colour=red", "colour"),
        ("?limit=0", "limit"),
        ("?limit=101", "limit"),
        ("?limit=many", "limit"),
        ("?limit=%2B5", "limit"),
        ("?limit=007", "limit"),
        ("?limit=", "limit"),
        ("?limit=1&limit=2", "limit"),
        ("?cursor=edited", "cursor"),
        ("?event_id=%ff", "UTF-8"),
    ];
    for (query, says) in cases {
        let refused = server.get(&format!("/audit{query}")).role("admin").send().await;
        refused.assert_problem(400, "invalid_request");
        assert!(refused.body["detail"].as_str().unwrap().contains(says), "{}", refused.text);
    }
    for method in ["POST", "DELETE", "PUT"] {
        let refused = server.call(method, "/audit").role("admin").send().await;
        refused.assert_problem(405, "method_not_allowed");
        assert_eq!(refused.header("allow"), "GET, HEAD, OPTIONS");
    }
    let options = server.call("OPTIONS", "/audit").send().await;
    assert_eq!((options.status, options.header("allow")), (204, "GET, HEAD, OPTIONS"));
    let head = server.call("HEAD", "/audit").role("admin").send().await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    server.get("/audit/x").role("admin").send().await.assert_problem(404, "route_not_found");
}

#[tokio::test]
async fn the_sweeper_forgets_what_is_older_than_the_retention_and_counts_it() {
    let keep = Duration::from_hours(1);
    let builder = TestServer::builder().with(|s| (s.audit_retention, s.allow_insecure_header_auth) = (keep, true));
    let server = builder.start().await;
    for _ in 0..3 {
        server.event(1).await;
    }
    server.clock.advance(keep);
    let last = server.event(1).await;
    server.server().sweep().await.unwrap();
    assert_eq!(trail(&server).await.len(), 4, "none is older");
    server.clock.advance(Duration::from_millis(1));
    server.server().sweep().await.unwrap();
    let left = trail(&server).await;
    assert_eq!((left.len(), &left[0]["event_id"]), (1, &json!(last)));
    let metrics = server.metrics().await;
    assert!(metrics.contains("boxoffice_audit_written_total 4\n"), "{metrics}");
    assert!(metrics.contains("boxoffice_audit_forgotten_total 3\n"), "{metrics}");
}

#[tokio::test]
async fn with_credentials_an_organizer_reads_the_trail_of_own_events_only() {
    let server = TestServer::builder().auth("keys").operated().start().await;
    let operator = Operator::of(&server);
    let [ann, bob] = [operator.key("ann", &["organizer"]).await, operator.key("bob", &["organizer"]).await];
    let [buyer, admin] = [operator.key("eve", &["user"]).await, operator.key("root", &["admin"]).await];
    let made = server.post("/events").bearer(&ann).json(&json!({"name": "x", "capacity": 2})).send().await;
    let event = made.body["id"].as_str().unwrap();
    let wish = json!({"email": "eve@example.org"});
    let hold = server.post(&format!("/events/{event}/register")).bearer(&buyer).json(&wish).send().await;
    assert_eq!(hold.status, 201, "{}", hold.text);
    let read = async |key: &str, query: &str| server.get(&format!("/audit{query}")).bearer(key).send().await;
    let of_event = format!("?event_id={event}");
    let own = read(&ann, &of_event).await;
    let told = |item: usize, field: &str| own.body["items"][item][field].clone();
    assert_eq!((told(0, "action"), told(1, "action")), (json!("events.create"), json!("tickets.atomic-register")));
    assert_ne!(told(0, "owner"), told(1, "owner"));
    assert!(told(1, "owner").as_str().unwrap().contains("eve"), "{}", own.text);
    assert_eq!(read(&admin, "").await.body["items"].as_array().unwrap().len(), 2);
    read(&bob, &of_event).await.assert_problem(403, "forbidden");
    read(&buyer, &of_event).await.assert_problem(403, "forbidden");
    read(&ann, "").await.assert_problem(400, "invalid_request");
    server.get("/audit").send().await.assert_problem(401, "unauthenticated");
}
