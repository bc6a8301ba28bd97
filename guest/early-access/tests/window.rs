//! When who may register.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use boxoffice_sdk::Moment;
use boxoffice_sdk::testing::{Answer, App};
use early_access::EarlyAccess;
use serde_json::{Value, json};

/// The host in memory begins at half past nine on 21 November.
const UNTIL: &str = "2026-12-01T10:00:00Z";

/// An event with this attribute, and the path at which to register for it.
fn event(app: &App<EarlyAccess>, early_access: &Value) -> String {
    let body = json!({"name": "Rust meetup", "capacity": 50, "attributes": {"early_access": early_access}});
    let event = app.organizer().post("/events", &body);
    assert_eq!(event.status, 201, "{}", event.text());
    format!("/events/{}/register", event.json()["id"].as_str().unwrap())
}

fn register(app: &App<EarlyAccess>, path: &str, email: &str) -> Answer {
    app.user().post(path, &json!({ "email": email }))
}

#[test]
fn members_register_first_and_everybody_afterwards() {
    let app = App::<EarlyAccess>::new();
    let path = event(&app, &json!({"until": UNTIL, "domains": ["example.org", "Members.Example"]}));
    for member in ["ada@example.org", "bob@EXAMPLE.ORG", "eve@members.example", "\"a@b\"@example.org"] {
        assert_eq!(register(&app, &path, member).status, 201, "{member}");
    }
    for other in ["ada@example.com", "ada@sub.example.org", "ada@notexample.org", "ada@example.org.example.com"] {
        let refused = register(&app, &path, other);
        assert_eq!((refused.status, refused.code().as_str()), (403, "members_first"), "{other}");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("2026-12-01T10:00:00.000Z"), "{detail}");
    }
    let until = Moment::parse(UNTIL).unwrap();
    app.set_now(until.before(std::time::Duration::from_millis(1)));
    assert_eq!(register(&app, &path, "ada@example.com").code(), "members_first");
    app.set_now(until);
    assert_eq!(register(&app, &path, "ada@example.com").status, 201);
}

#[test]
fn an_event_without_the_attribute_is_open_to_everybody() {
    let app = App::<EarlyAccess>::new();
    let path = event(&app, &Value::Null);
    assert_eq!(register(&app, &path, "ada@example.com").status, 201);
    assert_eq!(register(&app, "/events/none/register", "ada@example.com").code(), "event_not_found");
}

/// An event that cannot be read is the host's to refuse, in the order of the contract: what is invalid, then a used key, then no event.
#[test]
fn an_event_that_there_is_not_is_refused_in_the_order_of_the_contract() {
    let app = App::<EarlyAccess>::new();
    let path = event(&app, &json!({"until": UNTIL, "domains": ["example.org"]}));
    let ask = |path: &str, body: Value| app.user().request("POST", path).key("k1").json(&body).send();
    assert_eq!(ask(&path, json!({"email": "ada@example.org"})).status, 201);
    let none = "/events/none/register";
    let reused = ask(none, json!({"email": "ada@example.org"}));
    assert_eq!((reused.status, reused.code().as_str()), (422, "idempotency_key_reused"), "{}", reused.text());
    let invalid = ask(none, json!({"email": "ada@example.org", "quantity": 11}));
    assert_eq!((invalid.status, invalid.code().as_str()), (400, "invalid_request"), "{}", invalid.text());
}

#[test]
fn a_wrong_attribute_is_named_with_its_place() {
    let app = App::<EarlyAccess>::new();
    for (attribute, place) in [
        (json!({"until": "soon", "domains": []}), "/attributes/early_access/until"),
        (json!({"until": UNTIL, "domains": [1]}), "/attributes/early_access/domains/0"),
        (json!({"until": UNTIL}), "`domains`"),
        (json!("members"), "`early_access`"),
    ] {
        let path = event(&app, &attribute);
        let refused = register(&app, &path, "ada@example.org");
        assert_eq!((refused.status, refused.code().as_str()), (409, "wrong_attribute"), "{attribute}");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("`early_access`") && detail.contains(place), "{detail}");
    }
}

#[test]
fn the_manifest_names_the_new_refusals() {
    let app = App::<EarlyAccess>::new();
    let register = app.manifest().routes.iter().find(|route| route.id == "register").unwrap();
    let said: Vec<&str> = register.answers.iter().map(|answer| answer.description.as_str()).collect();
    assert!(said.iter().any(|text| text.contains("`forbidden`") && text.contains("`members_first`")), "{said:?}");
    assert!(said.iter().any(|text| text.contains("`wrong_attribute`")), "{said:?}");
}
