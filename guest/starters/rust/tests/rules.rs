//! What these rules promise, natively: against a host in memory that keeps the real one's promises.

use boxoffice_sdk::testing::{Answer, App};
use serde_json::json;
use starter_rules::MyRules;

/// An event with this tag, and where to register for it.
fn event(app: &App<MyRules>, tag: &str) -> String {
    let event = app.organizer().post("/events", &json!({"name": "Concert", "capacity": 100, "tags": [tag]}));
    assert_eq!(event.status, 201);
    format!("/events/{}/register", event.json()["id"].as_str().expect("an id"))
}

fn ask(app: &App<MyRules>, path: &str, seats: u32) -> Answer {
    app.user().post(path, &json!({"email": "ada@example.org", "quantity": seats}))
}

#[test]
fn a_limited_event_gives_four_seats_and_no_more() {
    let app = App::<MyRules>::new();
    let path = event(&app, "limited");
    let refused = ask(&app, &path, 5);
    assert_eq!((refused.status, refused.code().as_str()), (409, "too_many_seats"));
    assert_eq!(ask(&app, &path, 4).status, 201);
}

#[test]
fn any_other_event_is_as_in_the_standard_rules() {
    let app = App::<MyRules>::new();
    assert_eq!(ask(&app, &event(&app, "open to all"), 5).status, 201);
}

#[test]
fn an_event_that_is_not_there_is_refused_as_in_the_standard_rules() {
    let app = App::<MyRules>::new();
    let path = format!("/events/{}/register", "00000000-0000-7000-8000-000000000000");
    assert_eq!(ask(&app, &path, 5).code(), "event_not_found");
}
