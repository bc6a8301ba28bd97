//! What holds for all routes of the contract.

use futures_util::FutureExt as _;
use serde_json::json;

use super::super::bench::Stop;
use super::super::case::{Case, Check};
use super::super::client::Call;
use super::NOBODY;
use crate::domain::Role;

const GROUP: &str = "standard: all routes";

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "std-routes",
        group: GROUP,
        promise: "The contract's eleven routes are there, by method and path.",
        advice: "add the route to the manifest, with the method and path of the contract",
        run: |case| routes(case).boxed(),
    },
    Check {
        id: "std-roles",
        group: GROUP,
        promise: "A missing, unknown or other role is 403 `forbidden` where the contract names one; an admin may everything.",
        advice: "give each route the access that the contract's table has",
        run: |case| roles(case).boxed(),
    },
    Check {
        id: "std-problems",
        group: GROUP,
        promise: "Errors are RFC 9457 `application/problem+json`: type, title, status, detail, code, request_id.",
        advice: "write every refusal with all of these members and that content type",
        run: |case| problems(case).boxed(),
    },
    Check {
        id: "std-unknown-fields",
        group: GROUP,
        promise: "Unknown fields in a request are a 400, so that a typo is not silently ignored.",
        advice: "refuse members and parameters that the route does not know",
        run: |case| unknown_fields(case).boxed(),
    },
];

/// Method, path and role of each line of the contract's table.
const ROUTES: [(&str, &str, Option<Role>); 11] = [
    ("POST", "/events", Some(Role::Organizer)),
    ("GET", "/events", None),
    ("GET", "/events/{event}", None),
    ("GET", "/events/{event}/availability", None),
    ("PATCH", "/events/{event}", Some(Role::Organizer)),
    ("GET", "/events/{event}/tickets", Some(Role::Organizer)),
    ("POST", "/events/{event}/register", Some(Role::User)),
    ("GET", "/tickets/{ticket}", Some(Role::User)),
    ("GET", "/tickets?email={holder}", Some(Role::User)),
    ("POST", "/tickets/{ticket}/confirm", Some(Role::User)),
    ("POST", "/tickets/{ticket}/cancel", Some(Role::User)),
];

async fn call(case: &mut Case, method: &'static str, path: &str) -> Result<Call, Stop> {
    let subject = case.bench.subject(10).await?;
    let target = path
        .replace("{event}", &subject.event)
        .replace("{ticket}", &subject.ticket)
        .replace("{holder}", &subject.holder);
    let call = Call::new(method, target);
    Ok(match (method, path) {
        ("POST", "/events") => call.json(&json!({"name": "An event", "capacity": 5})),
        ("POST", "/events/{event}/register") => call.json(&json!({"email": subject.email})),
        ("PATCH", _) => call.json(&json!({"name": "Another name"})),
        _ => call,
    })
}

async fn routes(case: &mut Case) -> Result<(), Stop> {
    for (method, path, _) in ROUTES {
        let call = call(case, method, path).await?;
        let talk = case.send(call.by(Role::Admin)).await;
        case.expect(&talk, &format!("There is a route {method} {path}."), |talk| match talk.at("/code").as_str() {
            Some("route_not_found" | "method_not_allowed") => Err("the manifest has no such route".to_owned()),
            _ => Ok(()),
        });
    }
    Ok(())
}

async fn roles(case: &mut Case) -> Result<(), Stop> {
    for (method, path, needs) in ROUTES {
        for role in [None, Some(Role::User), Some(Role::Organizer), Some(Role::Admin)] {
            let is_allowed = needs.is_none() || role == needs || role == Some(Role::Admin);
            let talk = call(case, method, path).await?.role(role);
            let talk = case.send(talk).await;
            let who = role.map_or("nobody", Role::name);
            if is_allowed {
                case.expect(&talk, &format!("{who} may call {method} {path}."), |talk| {
                    if talk.status() == Some(403) { Err("it is forbidden".to_owned()) } else { Ok(()) }
                });
            } else {
                case.expect(&talk, &format!("{who} may not call {method} {path}: 403 forbidden."), |talk| {
                    talk.is_problem(403, "forbidden")
                });
            }
        }
    }
    let talk = call(case, "POST", "/events/{event}/register").await?.header("x-role", "root");
    let talk = case.send(talk).await;
    case.expect(&talk, "An unknown role is 403, too.", |talk| talk.is_problem(403, "forbidden"));
    Ok(())
}

async fn problems(case: &mut Case) -> Result<(), Stop> {
    let subject = case.bench.subject(1).await?;
    let calls = [
        (Call::get(format!("/events/{NOBODY}")), 404),
        (Call::get(format!("/tickets/{NOBODY}")), 404),
        (Call::post("/events").json(&json!({"name": "", "capacity": 0})), 400),
        (Call::post(format!("/events/{}/register", subject.event)).json(&json!({"email": subject.email})), 409),
    ];
    for (call, status) in calls {
        let talk = case.send(call.by(Role::Admin)).await;
        let id = talk.header("x-request-id").to_owned();
        case.expect(
            &talk,
            &format!("A refusal is a problem with all of its members, and the status {status} in it, too."),
            |talk| {
                talk.has_type("application/problem+json")?;
                for member in ["type", "title", "detail", "code"] {
                    if talk.text_at(&format!("/{member}")).is_empty() {
                        return Err(format!("the problem has no {member}"));
                    }
                }
                let answered = talk.status().unwrap_or(0);
                talk.has("/status", answered)?;
                talk.has("/request_id", id.as_str())
            },
        );
    }
    let both = case.as_organizer(Call::post("/events").json(&json!({"name": "", "capacity": 0}))).await;
    case.expect(&both, "A validation lists all that is wrong: errors with pointer and detail.", |talk| {
        talk.points_at("/name")?;
        talk.points_at("/capacity")?;
        let errors = talk.at("/errors").as_array().cloned().unwrap_or_default();
        let told = errors.iter().all(|error| error["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
        if told { Ok(()) } else { Err("an error has no detail".to_owned()) }
    });
    Ok(())
}

async fn unknown_fields(case: &mut Case) -> Result<(), Stop> {
    let subject = case.bench.subject(10).await?;
    let event = format!("/events/{}", subject.event);
    let register = format!("{event}/register");
    let calls = [
        (Call::post("/events").json(&json!({"name": "An event", "capacity": 5, "colour": "red"})), "/colour"),
        (Call::patch(event).json(&json!({"colour": "red"})), "/colour"),
        (Call::post(register).json(&json!({"email": subject.email, "seats": 2})), "/seats"),
        (Call::get("/events?colour=red"), "/colour"),
        (Call::get(format!("/tickets?email={}&colour=red", subject.holder)), "/colour"),
    ];
    for (call, pointer) in calls {
        let talk = case.send(call.by(Role::Admin)).await;
        case.expect(&talk, "An unknown field or parameter is 400 invalid_request, and errors points at it.", |talk| {
            talk.points_at(pointer)
        });
    }
    Ok(())
}
