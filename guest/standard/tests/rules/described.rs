//! What the schemas of the manifest take is taken, and what they refuse is refused.

use boxoffice_sdk::RouteManifest as Route;
use serde_json::{Value, json as value};

use crate::mock::*;

fn route(id: &str) -> Route {
    describe().routes.into_iter().find(|route| route.id == id).unwrap()
}

fn fits(json: &Value, schema: Option<&String>) -> bool {
    let schema: Value = serde_json::from_str(schema.unwrap()).unwrap();
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap().is_valid(json)
}

/// Sends the body and compares with the schema what comes of it.
fn compare(route: &Route, body: &Value) {
    let response = Mock::new().answer(&request(&route.id, Some("e1"), &body.to_string()));
    assert_eq!(
        response.status < 300,
        fits(body, route.body_schema.as_ref()),
        "{}: {body}: {}",
        route.id,
        text(&response)
    );
}

/// Values of every kind, at and around every limit of a field.
fn values() -> Vec<Value> {
    let mut values = vec![value!(null), value!(true), value!({}), value!([]), value!({"a": null}), value!([1])];
    values.extend([0.0, -1.0, 0.5, 1.0, 2.5, 1e30].map(Value::from));
    values.extend([-1, 0, 1, 10, 11, 1_000_000, 1_000_001, i64::MAX].map(Value::from));
    for text in [
        "",
        " ",
        "\u{3000}",
        "a",
        " a ",
        "a\u{0}",
        "\ta",
        "a\n",
        "\u{7f}",
        "\u{9f}",
        "\u{a0}",
        "\u{2028}x",
        "é",
        "\u{1f600}",
    ] {
        values.push(text.into());
        values.push(value!([text]));
    }
    for chars in [64, 65, 200, 201, 255, 256] {
        values.push("é".repeat(chars).into());
        values.push(value!(["é".repeat(chars)]));
    }
    for count in [16, 17] {
        values.push((0..count).map(|n| format!("t{n}")).collect());
    }
    values.extend([value!(["a", "b", "a"]), value!(["a", null]), value!("a@example.org")]);
    values.extend(moments().map(Value::from));
    values
}

/// Moments, and what looks like some.
fn moments() -> [&'static str; 28] {
    [
        "2026-11-21T09:30:00Z",
        "2026-11-21t09:30:00.001999z",
        "2026-11-21T11:30:00+02:00",
        "2026-11-21T11:30:00-23:59",
        "2026-11-21T11:30:00+24:00",
        "2026-11-21T11:30:00+02:60",
        "1970-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "9999-12-31T23:59:59.999Z",
        "10000-01-01T00:00:00Z",
        "2024-02-29T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T09:60:00Z",
        "2026-12-31T23:59:60Z",
        "2026-11-21T09:30:61Z",
        "2026-11-21 09:30:00Z",
        "2026-11-21T09:30:00",
        "2026-11-21T09:30Z",
        "2026-11-21",
        "2026-11-21T09:30:00.Z",
        "2026-11-21T09:30:00,5Z",
        "20261121T093000Z",
        "2026-11-21T09:30:00Z ",
    ]
}

#[test]
fn of_a_new_event() {
    let route = route("create-event");
    for field in ["name", "capacity", "starts_at", "tags", "attributes", "price"] {
        for given in values() {
            let mut body = value!({"name": "a", "capacity": 1});
            body[field] = given;
            compare(&route, &body);
        }
    }
    for body in [value!({}), value!({"name": "a"}), value!({"capacity": 1}), value!([])] {
        compare(&route, &body);
    }
}

#[test]
fn of_a_patch() {
    let route = route("update-event");
    for field in ["name", "capacity", "starts_at", "tags", "attributes", "version"] {
        for given in values() {
            compare(&route, &value!({ field: given, "name": "a" }));
            compare(&route, &value!({ "capacity": 2, field: given }));
        }
    }
}

#[test]
fn of_a_registration() {
    let route = route("register");
    for field in ["quantity", "idempotency_key", "hold_ms"] {
        for given in values().into_iter().filter(|given| !is_many(field, given)) {
            compare(&route, &value!({ "email": "a@example.org", field: given }));
        }
    }
    for email in [value!(null), value!(1), value!([]), value!("a@example.org"), value!("nobody"), value!("")] {
        compare(&route, &value!({ "email": email }));
    }
    compare(&route, &value!({}));
}

/// More seats than the schema allows: the host refuses those, as it was configured.
fn is_many(field: &str, given: &Value) -> bool {
    field == "quantity" && given.as_f64().is_some_and(|seats| seats > 10.0)
}

#[test]
fn of_nothing() {
    for id in ["confirm-ticket", "cancel-ticket"] {
        for body in [value!({}), value!({"a": 1}), value!([]), value!(null), value!("x")] {
            compare(&route(id), &body);
        }
    }
}

/// Every parameter of a list, and one that no list has.
const PARAMETERS: [&str; 9] =
    ["limit", "cursor", "q", "tag", "starts_after", "starts_before", "available", "email", "page"];

#[test]
fn of_a_query() {
    for id in ["list-events", "list-tickets", "list-event-tickets"] {
        let route = route(id);
        let long = "é".repeat(201);
        let texts =
            ["", "0", "1", "100", "101", "007", "+5", " 5", "true", "false", "TRUE", "x", "a\u{1}", &long, "a@b.cd"];
        let schema: Value = serde_json::from_str(route.query_schema.as_ref().unwrap()).unwrap();
        for name in schema["properties"].as_object().unwrap().keys() {
            assert!(PARAMETERS.contains(&name.as_str()), "{id} has {name}, which is not tried here");
        }
        for name in PARAMETERS {
            for text in texts.into_iter().chain(moments()) {
                // What a cursor may be is the host's to say; the empty one it never is.
                if name == "cursor" && text.is_empty() {
                    continue;
                }
                let mut query = vec![(name, text)];
                if id == "list-tickets" && name != "email" {
                    query.push(("email", "a@b.cd"));
                }
                let json: Value = query.iter().map(|(name, text)| ((*name).to_owned(), Value::from(*text))).collect();
                let response = Mock::new().answer(&with_query(request(id, Some("e1"), ""), &query));
                let taken = response.status < 300;
                assert_eq!(
                    taken,
                    fits(&json, route.query_schema.as_ref()),
                    "{id}: {json}: {}",
                    crate::mock::text(&response)
                );
            }
        }
    }
}

#[test]
fn of_the_moments_that_utc_does_not_have() {
    // The pattern is of the text; what an offset makes of the first and the last day of all is beyond it.
    for moment in ["1970-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"] {
        let body = value!({"name": "a", "capacity": 1, "starts_at": moment});
        assert!(fits(&body, route("create-event").body_schema.as_ref()));
        assert_eq!(pointers(&Mock::new().answer(&create(&body.to_string()))), ["/starts_at"]);
    }
}
