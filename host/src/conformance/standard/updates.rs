//! Events, changed.

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::super::bench::Stop;
use super::super::case::{Case, Check};
use super::super::client::Call;
use super::NOBODY;
use super::shapes::is_event;
use crate::domain::NewEvent;

const GROUP: &str = "standard: changes of events";

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "std-update-event",
        group: GROUP,
        promise: "`PATCH /events/{id}`: 200 event; JSON merge patch of name, capacity, starts_at, tags, attributes; 404.",
        advice: "hand what is given to events.update; null removes, what is absent stays (RFC 7396)",
        run: |case| merge_patch(case).boxed(),
    },
    Check {
        id: "std-update-limits",
        group: GROUP,
        promise: "A change outside the limits of an event is 400 `invalid_request`, and changes nothing.",
        advice: "answer `invalid` of events.update as 400 with its pointers",
        run: |case| limits(case).boxed(),
    },
    Check {
        id: "std-if-match",
        group: GROUP,
        promise: "`PATCH /events/{id}`: `If-Match` on the version (412 `precondition_failed`).",
        advice: "hand the version of if-match to events.update as if-version, and answer version-mismatch with 412",
        run: |case| if_match(case).boxed(),
    },
    Check {
        id: "std-capacity-below-sold",
        group: GROUP,
        promise: "`PATCH /events/{id}`: 409 `capacity_below_sold`.",
        advice: "answer capacity-below-sold of events.update with 409",
        run: |case| capacity(case).boxed(),
    },
];

async fn sample(case: &mut Case) -> Result<String, Stop> {
    let new = NewEvent {
        name: "Concert".to_owned(),
        capacity: 10,
        starts_at: Some(case.bench.now()),
        tags: vec!["rock".to_owned()],
        attributes: r#"{"stage":{"name":"A","doors":2},"kept":1}"#.to_owned(),
    };
    case.bench.event_like(new).await
}

async fn merge_patch(case: &mut Case) -> Result<(), Stop> {
    let event = sample(case).await?;
    let target = format!("/events/{event}");
    let steps = [
        (json!({"name": "Another"}), "/name", json!("Another")),
        (json!({"capacity": 12}), "/capacity", json!(12)),
        (json!({"tags": ["pop", "jazz"]}), "/tags", json!(["pop", "jazz"])),
        (
            json!({"attributes": {"stage": {"doors": null}, "more": true}}),
            "/attributes",
            json!({"stage": {"name": "A"}, "kept": 1, "more": true}),
        ),
        (json!({"starts_at": null}), "/starts_at", Value::Null),
        (json!({"starts_at": "2027-01-15T12:30:00Z"}), "/starts_at", json!("2027-01-15T12:30:00.000Z")),
    ];
    for (version, (patch, pointer, wanted)) in (2..).zip(steps) {
        let mut call = Call::patch(&target);
        if version == 2 {
            call = call.header("content-type", "application/merge-patch+json");
        }
        let talk = case.as_organizer(call.json(&patch)).await;
        case.expect(&talk, "A merge patch changes what it names, keeps the rest, and counts the version up.", |talk| {
            talk.is_json(200)?;
            is_event(talk, "")?;
            talk.has(pointer, wanted)?;
            talk.has("/version", version)
        });
    }
    let stored = case.bench.stored(&event).await?;
    let same =
        stored.name == "Another" && stored.capacity == 12 && stored.tags == ["pop", "jazz"] && stored.version == 7;
    case.judge(
        None,
        "What is answered is what is stored.",
        if same { Ok(()) } else { Err(format!("the store has {stored:?}")) },
    );
    let none = case.as_organizer(Call::patch(format!("/events/{NOBODY}")).json(&json!({"name": "x"}))).await;
    case.expect(&none, "There is no such event: 404 event_not_found.", |talk| talk.is_problem(404, "event_not_found"));
    Ok(())
}

async fn limits(case: &mut Case) -> Result<(), Stop> {
    let event = sample(case).await?;
    let wrong = [
        (json!({"name": null}), "/name"),
        (json!({"name": ""}), "/name"),
        (json!({"capacity": 0}), "/capacity"),
        (json!({"capacity": null}), "/capacity"),
        (json!({"starts_at": "tomorrow"}), "/starts_at"),
        (json!({"tags": "rock"}), "/tags"),
        (json!({"attributes": 5}), "/attributes"),
        (json!({"attributes": {"a": "x".repeat(8_200)}}), "/attributes"),
    ];
    for (patch, pointer) in wrong {
        let talk = case.as_organizer(Call::patch(format!("/events/{event}")).json(&patch)).await;
        case.expect(&talk, "A change outside the limits is 400, and errors points at it.", |talk| {
            talk.points_at(pointer)
        });
    }
    let version = case.bench.stored(&event).await?.version;
    let held = if version == 1 { Ok(()) } else { Err(format!("the event has version {version}")) };
    case.judge(None, "Nothing was changed.", held);
    Ok(())
}

async fn if_match(case: &mut Case) -> Result<(), Stop> {
    let event = sample(case).await?;
    let target = format!("/events/{event}");
    let etag = case.send(Call::get(&target)).await.header("etag").to_owned();
    if etag.is_empty() {
        case.judge(None, "An event has an ETag to change it by.", Err("there is none".to_owned()));
        return Ok(());
    }
    let email = case.bench.email();
    case.bench.hold(&event, &email, 1).await?;
    let change = |name: &str| Call::patch(&target).json(&json!({ "name": name }));
    let talk = case.as_organizer(change("First").header("if-match", etag.as_str())).await;
    case.expect(&talk, "A change of the version that is there is made, whatever was sold meanwhile.", |talk| {
        talk.is_json(200)
    });
    let talk = case.as_organizer(change("Second").header("if-match", etag)).await;
    case.expect(&talk, "A change of a version that is gone is 412 precondition_failed.", |talk| {
        talk.is_problem(412, "precondition_failed")
    });
    let talk = case.as_organizer(change("Third").header("if-match", "\"not-ours\"")).await;
    case.expect(&talk, "So is one of what was never a version.", |talk| talk.is_problem(412, "precondition_failed"));
    let name = case.bench.stored(&event).await?.name;
    let held = if name == "First" { Ok(()) } else { Err(format!("the event is called {name:?}")) };
    case.judge(None, "Only the first change was made.", held);
    let talk = case.as_organizer(change("Fourth").header("if-match", "*")).await;
    case.expect(&talk, "A star stands for any version.", |talk| talk.is_json(200));
    Ok(())
}

async fn capacity(case: &mut Case) -> Result<(), Stop> {
    let event = sample(case).await?;
    let email = case.bench.email();
    case.bench.hold(&event, &email, 4).await?;
    let target = format!("/events/{event}");
    let talk = case.as_organizer(Call::patch(&target).json(&json!({"capacity": 3}))).await;
    case.expect(&talk, "Fewer seats than are taken is 409 capacity_below_sold.", |talk| {
        talk.is_problem(409, "capacity_below_sold")
    });
    let talk = case.as_organizer(Call::patch(&target).json(&json!({"capacity": 4}))).await;
    case.expect(&talk, "As many seats as are taken is taken.", |talk| {
        talk.is_json(200)?;
        talk.has("/available", 0)
    });
    Ok(())
}
