//! What the module says of itself.

use boxoffice_sdk::RegisterRefusal;
use boxoffice_sdk::{Access, Method, RouteManifest as Route};
use serde_json::{Value, json as value};

use crate::mock::*;

fn route(id: &str) -> Route {
    describe().routes.into_iter().find(|route| route.id == id).unwrap()
}

fn parsed(schema: Option<&String>) -> Value {
    serde_json::from_str(schema.unwrap()).unwrap()
}

/// The schema of the answer of this status.
fn answer(route: &Route, status: u16) -> Value {
    parsed(route.answers.iter().find(|answer| answer.status == status).unwrap().schema.as_ref())
}

/// Asserts that `json` is as the schema says, and has nothing that the schema does not name.
fn assert_fits(json: &Value, schema: &Value) {
    assert!(fits(json, schema), "{json} does not fit {schema}");
    for name in json.as_object().unwrap().keys() {
        assert!(schema["properties"].get(name).is_some(), "{name} is not in {schema}");
    }
}

fn fits(json: &Value, schema: &Value) -> bool {
    jsonschema::options().should_validate_formats(true).build(schema).unwrap().is_valid(json)
}

#[test]
fn the_module_is_named_and_versioned() {
    let manifest = describe();
    assert_eq!((manifest.about.name, manifest.about.version), ("standard", env!("CARGO_PKG_VERSION")));
    assert!(!manifest.about.summary.is_empty());
}

#[test]
fn the_routes_are_those_of_the_contract() {
    let routes: Vec<_> = describe()
        .routes
        .into_iter()
        .map(|route| (route.id, route.method, route.path, route.access, route.max_body_bytes, route.cacheable))
        .collect();
    let expected = [
        ("create-event", Method::Post, "/events", Access::Organizer, None, false),
        ("list-events", Method::Get, "/events", Access::Public, Some(0), true),
        ("get-event", Method::Get, "/events/{id}", Access::Public, Some(0), true),
        ("update-event", Method::Patch, "/events/{id}", Access::Organizer, None, false),
        ("get-availability", Method::Get, "/events/{id}/availability", Access::Public, Some(0), false),
        ("register", Method::Post, "/events/{id}/register", Access::User, None, false),
        ("list-event-tickets", Method::Get, "/events/{id}/tickets", Access::Organizer, Some(0), false),
        ("list-tickets", Method::Get, "/tickets", Access::User, Some(0), false),
        ("get-ticket", Method::Get, "/tickets/{id}", Access::User, Some(0), false),
        ("confirm-ticket", Method::Post, "/tickets/{id}/confirm", Access::User, Some(1024), false),
        ("cancel-ticket", Method::Post, "/tickets/{id}/cancel", Access::User, Some(1024), false),
    ];
    let expected = expected.map(|(id, method, path, access, bytes, cacheable)| {
        (id.to_owned(), method, path.to_owned(), access, bytes, cacheable)
    });
    assert_eq!(routes, expected);
}

#[test]
fn every_route_of_the_manifest_is_answered() {
    for route in describe().routes {
        let body = match route.id.as_str() {
            "create-event" => r#"{"name":"a","capacity":1}"#,
            "register" => r#"{"email":"a@b.cd"}"#,
            "update-event" => r#"{"capacity":60}"#,
            _ => "",
        };
        let query: &[_] = if route.id == "list-tickets" { &[("email", "a@b.cd")] } else { &[] };
        let response = Mock::new().answer(&with_query(request(&route.id, Some("1"), body), query));
        assert!(response.status < 300, "{}: {}", route.id, text(&response));
        assert_fits(&json(&response), &answer(&route, response.status));
    }
}

#[test]
fn the_answers_of_a_route_have_each_status_and_media_type_once_and_name_every_code() {
    for (id, expected) in [
        ("create-event", "201; 400 invalid_request; 403 forbidden; 409 refused"),
        ("list-events", "200; 400 invalid_request; 403 forbidden; 409 refused"),
        ("get-event", "200; 304; 400 invalid_request; 403 forbidden; 404 event_not_found; 409 refused"),
        (
            "update-event",
            "200; 400 invalid_request; 403 forbidden; 404 event_not_found; \
             409 capacity_below_sold edit_conflict refused; 412 precondition_failed",
        ),
        ("get-availability", "200; 400 invalid_request; 403 forbidden; 404 event_not_found; 409 refused"),
        (
            "register",
            "201; 400 invalid_request; 403 forbidden; 404 event_not_found; 409 already_registered sold_out refused; \
             422 idempotency_key_reused",
        ),
        ("list-event-tickets", "200; 200 table; 400 invalid_request; 403 forbidden; 404 event_not_found; 409 refused"),
        ("list-tickets", "200; 400 invalid_request; 403 forbidden; 409 refused"),
        ("get-ticket", "200; 400 invalid_request; 403 forbidden; 404 ticket_not_found; 409 refused"),
        (
            "confirm-ticket",
            "200; 400 invalid_request; 403 forbidden; 404 ticket_not_found; 409 hold_expired ticket_cancelled refused",
        ),
        ("cancel-ticket", "200; 400 invalid_request; 403 forbidden; 404 ticket_not_found; 409 refused"),
    ] {
        let mut answers = route(id).answers;
        answers.sort_by_key(|answer| (answer.status, answer.content_type.clone()));
        let summaries: Vec<_> = answers.iter().map(summary).collect();
        assert_eq!(summaries.join("; "), expected, "{id}");
    }
}

/// The status of an answer and the codes that its description names; checks its media type by the way.
fn summary(answer: &boxoffice_sdk::AnswerManifest) -> String {
    if answer.content_type.as_deref().is_some_and(|media| media.starts_with("text/csv")) {
        assert_eq!((answer.status, &answer.schema), (200, &None));
        return "200 table".to_owned();
    }
    let media = match answer.status {
        200 | 201 => Some("application/json"),
        304 => None,
        _ => Some("application/problem+json"),
    };
    assert_eq!(answer.content_type.as_deref(), media);
    assert_eq!(answer.schema.is_some(), media.is_some());
    let codes = answer.description.split('`').skip(1).step_by(2).filter(|_| answer.status >= 400);
    codes.fold(answer.status.to_string(), |summary, code| format!("{summary} {code}"))
}

#[test]
fn every_schema_stands_alone() {
    for route in describe().routes {
        let answers = route.answers.iter().filter_map(|answer| answer.schema.as_ref());
        for schema in answers.chain(&route.query_schema).chain(&route.body_schema) {
            assert!(!schema.contains("$ref") && !schema.contains("$defs") && !schema.contains("$schema"), "{schema}");
            assert_eq!(parsed(Some(schema))["type"], "object", "{schema}");
        }
    }
}

#[test]
fn the_schema_of_a_new_event_tells_its_limits() {
    let schema = parsed(route("create-event").body_schema.as_ref());
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["required"], value!(["name", "capacity"]));
    let fields = &schema["properties"];
    assert_eq!((&fields["name"]["minLength"], &fields["name"]["maxLength"]), (&value!(1), &value!(200)));
    assert_eq!((&fields["capacity"]["minimum"], &fields["capacity"]["maximum"]), (&value!(1), &value!(1_000_000)));
    assert_eq!(fields["starts_at"]["format"], "date-time");
    for name in ["starts_at", "tags"] {
        assert_eq!(fields[name]["type"][1], "null", "{name}");
    }
    assert_eq!((&fields["tags"]["maxItems"], &fields["tags"]["uniqueItems"]), (&value!(16), &value!(true)));
    assert_eq!(fields["tags"]["items"]["maxLength"], 64);
    assert_eq!(fields["attributes"]["type"], value!(["object", "null"]));
    for (name, field) in fields.as_object().unwrap() {
        assert_eq!(field.get("default"), None, "{name}");
    }
}

#[test]
fn the_schema_of_a_registration_tells_its_limits() {
    let schema = parsed(route("register").body_schema.as_ref());
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["required"], value!(["email"]));
    let fields = &schema["properties"];
    assert_eq!((&fields["email"]["format"], &fields["email"]["maxLength"]), (&value!("email"), &value!(254)));
    let quantity = &fields["quantity"];
    assert_eq!(
        (&quantity["minimum"], &quantity["maximum"], &quantity["default"]),
        (&value!(1), &value!(10), &value!(1))
    );
    let key = &fields["idempotency_key"];
    assert_eq!((&key["minLength"], &key["maxLength"]), (&value!(1), &value!(255)));
}

#[test]
fn the_schema_of_a_query_is_an_object_of_strings_that_may_be_absent_but_for_the_email() {
    for (id, expected) in [
        ("list-events", &["available", "cursor", "limit", "q", "starts_after", "starts_before", "tag"][..]),
        ("list-tickets", &["cursor", "email", "limit"]),
        ("list-event-tickets", &["cursor", "limit"]),
    ] {
        let schema = parsed(route(id).query_schema.as_ref());
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema.get("required"), (id == "list-tickets").then(|| value!(["email"])).as_ref());
        let fields = schema["properties"].as_object().unwrap();
        assert_eq!(fields.keys().collect::<Vec<_>>(), expected);
        for (name, field) in fields {
            assert_eq!(field["type"], "string", "{field}");
            assert_eq!(field.get("default").is_some(), name == "limit", "{field}");
            assert!(field["description"].is_string(), "{field}");
        }
        assert_eq!(fields["limit"]["default"], "50");
    }
}

#[test]
fn only_what_may_be_absent_is_not_required_of_an_answer() {
    let event = answer(&route("get-event"), 200);
    let optional = |schema: &Value| {
        let required = schema["required"].as_array().unwrap().clone();
        let names = schema["properties"].as_object().unwrap().keys().cloned();
        names.filter(|name| !required.contains(&value!(name))).collect::<Vec<_>>()
    };
    assert_eq!(optional(&event), ["starts_at"]);
    assert_eq!(event["properties"]["starts_at"]["type"], "string");
    assert_eq!(optional(&answer(&route("get-ticket"), 200)), ["cancelled_at", "confirmed_at"]);
    assert_eq!(optional(&answer(&route("get-ticket"), 404)), ["errors"]);
    assert_eq!(optional(&answer(&route("get-availability"), 200)), [""; 0]);
    let tickets = answer(&route("list-tickets"), 200);
    assert_eq!(tickets["properties"]["items"]["items"]["properties"], answer(&route("get-ticket"), 200)["properties"]);
    let page = answer(&route("list-events"), 200);
    assert_eq!(optional(&page), [""; 0]);
    assert_eq!(page["properties"]["next_cursor"]["type"], value!(["string", "null"]));
    assert_eq!(page["properties"]["items"]["items"]["properties"], event["properties"]);
}

#[test]
fn a_problem_fits_its_schema() {
    let schema = answer(&route("register"), 409);
    let host = Mock { register: Err(RegisterRefusal::SoldOut), ..Mock::new() };
    assert_fits(&json(&host.answer(&register(r#"{"email":"a@b.cd"}"#))), &schema);
    assert_fits(&json(&host.answer(&register("{}"))), &schema);
    assert_eq!(schema["properties"]["errors"]["items"]["required"], value!(["pointer", "detail"]));
}
