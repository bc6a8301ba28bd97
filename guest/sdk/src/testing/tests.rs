//! What the host in memory does not let pass.

use super::App;
use super::answer::fault;
use super::quota::Quota;
use crate::prelude::*;

#[derive(Default)]
struct Standard;

impl Rules for Standard {
    fn about() -> About {
        about!()
    }
}

#[derive(Default)]
struct Misspelt;

impl Rules for Misspelt {
    const REFUSES: MoreRefusals = &[("registre", &[Code::SOLD_OUT])];

    fn about() -> About {
        about!()
    }
}

#[derive(Default)]
struct Forgetful;

impl Rules for Forgetful {
    fn about() -> About {
        about!()
    }

    fn routes() -> Routes<Self> {
        Routes::standard().without("list-ticket")
    }
}

/// Asks for one event again and again, each time more than the host allows in all.
#[derive(Default)]
struct Greedy;

impl Rules for Greedy {
    fn about() -> About {
        about!()
    }

    fn event(&self, cx: &Context<'_>, id: &EventId) -> Result<Event, Refusal> {
        loop {
            standard::event(cx, id)?;
        }
    }
}

#[test]
#[should_panic(expected = "REFUSES names the route registre")]
fn refusals_of_a_route_that_there_is_not_are_told() {
    let _ = App::<Misspelt>::new();
}

#[test]
#[should_panic(expected = "the id list-ticket")]
fn leaving_out_a_route_that_there_is_not_is_told() {
    let _ = App::<Forgetful>::new();
}

#[test]
fn rules_that_call_the_host_without_end_are_stopped() {
    let app = App::<Greedy>::new();
    let event = app.organizer().post("/events", &serde_json::json!({"name": "Jazz", "capacity": 1})).json();
    let path = format!("/events/{}", event["id"].as_str().unwrap());
    let stopped = app.nobody().get(&path);
    assert_eq!((stopped.status, stopped.code().as_str()), (500, "rules_failed"));
    assert!(stopped.text().contains("1000 calls"), "{}", stopped.text());
}

#[test]
fn calls_are_bounded_in_number_and_in_bytes() {
    const MIB: usize = 1024 * 1024;
    let mut quota = Quota::default();
    assert!((0..1000).all(|_| quota.call(1).is_ok()));
    assert!(quota.call(1).unwrap_err().contains("1000 calls"));
    assert!(Quota::default().call(2 * MIB).is_ok());
    assert!(Quota::default().call(2 * MIB + 1).unwrap_err().contains("2 MiB"));
    let mut quota = Quota::default();
    // An answer is finished, however large; it is the next call that is too many.
    quota.answered(8 * MIB);
    assert!(quota.call(1).unwrap_err().contains("8 MiB"));
}

#[test]
fn a_request_logs_so_much_and_no_more() {
    let app = App::<Standard>::new();
    let host = app.nobody().host();
    (0..100).for_each(|_| crate::Host::log(&host, Level::Info, "short", &[]));
    assert_eq!(app.logged().len(), 64);
    let (host, long) = (app.nobody().host(), "x".repeat(5000));
    (0..100).for_each(|_| crate::Host::log(&host, Level::Info, &long, &[]));
    let lines = app.logged();
    assert_eq!((lines.len(), lines[0].message.len()), (32, 1024));
}

#[test]
fn a_header_of_a_name_that_is_none_is_told() {
    let with = |name: &str| {
        let response = Response { status: 200, headers: Vec::new(), body: Vec::new() };
        fault(&response.with_header(name, "1"))
    };
    for good in ["x-seats", "x-a_b.1", "etag"] {
        assert_eq!(with(good), None, "{good}");
    }
    for wrong in ["x-Seats", "x-a b", "x-ä", "x-a:", "x-request-id", "x-accel-redirect", "server", "Etag"] {
        assert!(with(wrong).is_some(), "{wrong}");
    }
}
