//! Events: made and read.

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::super::bench::Stop;
use super::super::case::{Case, Check};
use super::super::client::Call;
use super::NOBODY;
use super::shapes::{is_event, moment};
use crate::domain::Role;

const GROUP: &str = "standard: events";

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "std-create-event",
        group: GROUP,
        promise: "`POST /events`: 201, `Location`, event.",
        advice: "answer with the event that events.create gave, and the header location: /events/{id}",
        run: |case| create(case).boxed(),
    },
    Check {
        id: "std-create-limits",
        group: GROUP,
        promise: "To create: `name` (1 to 200 characters), `capacity` (1 to 1,000,000), `tags` (up to 16), `attributes` (an object, up to 8 KiB); else 400 `invalid_request`.",
        advice: "answer `invalid` of events.create as 400 with its pointers, and refuse what is of another type",
        run: |case| create_limits(case).boxed(),
    },
    Check {
        id: "std-read-event",
        group: GROUP,
        promise: "`GET /events/{id}`: 200 event, `ETag`; 404 `event_not_found`.",
        advice: "answer with events.get, and an ETag that changes with the event",
        run: |case| read(case).boxed(),
    },
    Check {
        id: "std-not-modified",
        group: GROUP,
        promise: "`GET /events/{id}`: 304 on `If-None-Match`.",
        advice: "compare if-none-match with the event's ETag, weakly, and answer 304 with the ETag and no body",
        run: |case| not_modified(case).boxed(),
    },
    Check {
        id: "std-availability",
        group: GROUP,
        promise: "`GET /events/{id}/availability`: 200 `{event_id, capacity, available, reserved, confirmed, server_time}`; 404.",
        advice: "answer the numbers of events.get as they are, and now-ms as server_time",
        run: |case| availability(case).boxed(),
    },
];

async fn create(case: &mut Case) -> Result<(), Stop> {
    let starts = moment(case.bench.now().plus(std::time::Duration::from_hours(24)));
    let body = json!({
        "name": "Concert", "capacity": 5, "starts_at": starts, "tags": ["rock", "open air"], "attributes": {"stage": 1}
    });
    let talk = case.as_organizer(Call::post("/events").json(&body)).await;
    case.expect(&talk, "A new event is answered with 201, itself, and where it is.", |talk| {
        talk.is_json(201)?;
        is_event(talk, "")?;
        for (name, value) in body.as_object().into_iter().flatten() {
            talk.has(&format!("/{name}"), value.clone())?;
        }
        talk.has("/available", 5)?;
        talk.has("/version", 1)?;
        talk.has_header("location", &format!("/events/{}", talk.text_at("/id")))
    });
    let id = talk.text_at("/id").to_owned();
    if !id.is_empty() {
        let stored = case.bench.stored(&id).await?;
        let same = stored.name == "Concert" && stored.capacity == 5 && stored.tags == ["rock", "open air"];
        let held = if same { Ok(()) } else { Err(format!("the store has {stored:?}")) };
        case.judge(Some(&talk.call), "What is answered is what was made.", held);
    }
    Ok(())
}

async fn create_limits(case: &mut Case) -> Result<(), Stop> {
    let good = json!({"name": "x", "capacity": 5});
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    let tags: Vec<String> = (0..17).map(|n| format!("tag {n}")).collect();
    let wrong = [
        (json!({"capacity": 5}), "/name"),
        (json!({"name": "x"}), "/capacity"),
        (with("name", json!("")), "/name"),
        (with("name", json!("x".repeat(201))), "/name"),
        (with("name", json!(5)), "/name"),
        (with("capacity", json!(0)), "/capacity"),
        (with("capacity", json!(-1)), "/capacity"),
        (with("capacity", json!(1_000_001)), "/capacity"),
        (with("capacity", json!(1.5)), "/capacity"),
        (with("capacity", json!("5")), "/capacity"),
        (with("starts_at", json!("tomorrow")), "/starts_at"),
        (with("tags", json!("rock")), "/tags"),
        (with("tags", json!(tags)), "/tags"),
        (with("attributes", json!([])), "/attributes"),
        (with("attributes", json!({"a": "x".repeat(8_200)})), "/attributes"),
    ];
    for (body, pointer) in wrong {
        let talk = case.as_organizer(Call::post("/events").json(&body)).await;
        case.expect(&talk, "What is outside the limits is 400 invalid_request, and errors points at it.", |talk| {
            talk.points_at(pointer)
        });
    }
    for body in
        [with("name", json!("é".repeat(200))), with("capacity", json!(1_000_000)), with("tags", json!(&tags[..16]))]
    {
        let talk = case.as_organizer(Call::post("/events").json(&body)).await;
        case.expect(&talk, "What is at the limit is taken.", |talk| {
            if talk.is_success() { Ok(()) } else { Err("it is refused".to_owned()) }
        });
    }
    Ok(())
}

async fn read(case: &mut Case) -> Result<(), Stop> {
    let subject = case.bench.subject(7).await?;
    let target = format!("/events/{}", subject.event);
    let first = case.send(Call::get(&target)).await;
    case.expect(&first, "An event is answered with 200, as it is, and its ETag.", |talk| {
        talk.is_json(200)?;
        is_event(talk, "")?;
        talk.has("/id", subject.event.as_str())?;
        talk.has("/capacity", 7)?;
        talk.has("/available", 6)?;
        if talk.header("etag").is_empty() { Err("there is no ETag".to_owned()) } else { Ok(()) }
    });
    let email = case.bench.email();
    case.bench.hold(&subject.event, &email, 1).await?;
    let second = case.send(Call::get(target)).await;
    case.expect(&second, "The ETag is another once a seat was taken.", |talk| {
        talk.has("/available", 5)?;
        if talk.header("etag") == first.header("etag") { Err("it is the same".to_owned()) } else { Ok(()) }
    });
    let none = case.send(Call::get(format!("/events/{NOBODY}"))).await;
    case.expect(&none, "There is no such event: 404 event_not_found.", |talk| talk.is_problem(404, "event_not_found"));
    Ok(())
}

async fn not_modified(case: &mut Case) -> Result<(), Stop> {
    let event = case.bench.event(5).await?;
    let target = format!("/events/{event}");
    let etag = case.send(Call::get(&target)).await.header("etag").to_owned();
    if etag.is_empty() {
        case.judge(None, "An event has an ETag to ask with.", Err("there is none".to_owned()));
        return Ok(());
    }
    for sent in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}"), "*".to_owned()] {
        let talk = case.send(Call::get(&target).header("if-none-match", sent)).await;
        case.expect(&talk, "Whoever has the event as it is gets 304, without a body.", |talk| {
            talk.has_status(304)?;
            talk.has_header("etag", &etag)
        });
    }
    let talk = case.send(Call::get(&target).header("if-none-match", "\"other\"")).await;
    case.expect(&talk, "Whoever has another gets it whole.", |talk| talk.is_json(200));
    let email = case.bench.email();
    case.bench.hold(&event, &email, 1).await?;
    let talk = case.send(Call::get(&target).header("if-none-match", etag)).await;
    case.expect(&talk, "Whoever has it as it was gets it whole.", |talk| talk.is_json(200));
    Ok(())
}

async fn availability(case: &mut Case) -> Result<(), Stop> {
    let subject = case.bench.subject(10).await?;
    let email = case.bench.email();
    let sold = case.bench.hold(&subject.event, &email, 3).await?;
    case.bench.confirm(&sold).await?;
    let now = moment(case.bench.now());
    let talk = case.send(Call::get(format!("/events/{}/availability", subject.event))).await;
    case.expect(&talk, "The seats add up: capacity is available, reserved and confirmed.", |talk| {
        talk.is_json(200)?;
        talk.has("/event_id", subject.event.as_str())?;
        for (name, seats) in [("capacity", 10), ("available", 6), ("reserved", 1), ("confirmed", 3)] {
            talk.has(&format!("/{name}"), seats)?;
        }
        talk.has("/server_time", now)
    });
    case.bench.clock.advance(case.bench.hold_time());
    let due = case.send(Call::get(format!("/events/{}/availability", subject.event))).await;
    case.expect(&due, "The seats of a hold are free at its expires_at, swept or not.", |talk| {
        talk.has("/available", 7)?;
        talk.has("/reserved", 0)
    });
    let talk = case.send(Call::get(format!("/events/{NOBODY}/availability")).by(Role::User)).await;
    case.expect(&talk, "There is no such event: 404.", |talk| talk.is_problem(404, "event_not_found"));
    Ok(())
}
