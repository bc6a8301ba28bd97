//! The contract of bookings: another API, every answer of the module in an envelope.

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::bench::{Stop, Talk};
use super::case::{Case, Check};
use super::client::Call;
use super::recipe::escape;
use crate::domain::Role;

const GROUP: &str = "bookings";
/// An id that no event has.
const NOBODY: &str = "01930000-0000-7000-8000-000000000000";

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "book-envelope",
        group: GROUP,
        promise: "Every answer of the module is `{\"success\",\"message\",\"data\"}`, refusals too: `success` is false, and `data` has the `code`.",
        advice: "write every answer through one function that makes the envelope",
        run: |case| envelope(case).boxed(),
    },
    Check {
        id: "book-create-event",
        group: GROUP,
        promise: "`POST /events`: 201, and the event in `data`.",
        advice: "answer with the event that events.create gave",
        run: |case| create_event(case).boxed(),
    },
    Check {
        id: "book-book",
        group: GROUP,
        promise: "`POST /bookings` `{event_id, user_email, quantity}`: 201, and the booking in `data`; it is confirmed at once.",
        advice: "register and confirm in one request, and answer with the booking",
        run: |case| book(case).boxed(),
    },
    Check {
        id: "book-refusals",
        group: GROUP,
        promise: "`POST /bookings`: 404 for an event that there is not, 409 when it is sold out or the email has a booking, 400 for what cannot be.",
        advice: "answer each refusal of tickets.atomic-register with its status",
        run: |case| refusals(case).boxed(),
    },
    Check {
        id: "book-race",
        group: GROUP,
        promise: "10 concurrent bookings of 5 seats: exactly 5 succeed.",
        advice: "let tickets.atomic-register decide; look at no availability first",
        run: |case| race(case).boxed(),
    },
    Check {
        id: "book-by-email",
        group: GROUP,
        promise: "`GET /bookings?email=`: the email's bookings, and nobody else's.",
        advice: "answer tickets.list of the email",
        run: |case| by_email(case).boxed(),
    },
    Check {
        id: "book-availability",
        group: GROUP,
        promise: "`GET /events/{id}/availability`: the seats in `data`.",
        advice: "answer the numbers of events.get as they are",
        run: |case| availability(case).boxed(),
    },
    Check {
        id: "book-host-answers",
        group: GROUP,
        promise: "What the host answers by itself stays `application/problem+json`.",
        advice: "leave roles and unknown routes to the host: say in the manifest who may call a route",
        run: |case| host_answers(case).boxed(),
    },
];

fn booking(event: &str, email: &str, quantity: u32) -> Call {
    Call::post("/bookings").json(&json!({"event_id": event, "user_email": email, "quantity": quantity}))
}

/// An envelope of a success with this status.
fn is_success(talk: &Talk, status: u16) -> Result<(), String> {
    talk.has_status(status)?;
    is_envelope(talk, true)
}

/// An envelope of a refusal with this status.
fn is_refusal(talk: &Talk, status: u16) -> Result<(), String> {
    talk.has_status(status)?;
    is_envelope(talk, false)
}

fn is_envelope(talk: &Talk, success: bool) -> Result<(), String> {
    talk.has_type("application/json")?;
    talk.has("/success", success)?;
    if talk.text_at("/message").is_empty() {
        return Err("there is no message".to_owned());
    }
    match talk.at("").get("data") {
        None => Err("there is no data".to_owned()),
        Some(data) if !success && data["code"].as_str().is_none_or(str::is_empty) => Err("data has no code".to_owned()),
        Some(_) => Ok(()),
    }
}

async fn envelope(case: &mut Case) -> Result<(), Stop> {
    let subject = case.bench.subject(10).await?;
    let good = [
        (Call::post("/events").json(&json!({"name": "Concert", "capacity": 5})), Role::Organizer),
        (booking(&subject.event, &subject.email, 1), Role::User),
        (Call::get(format!("/bookings?email={}", escape(&subject.holder))), Role::User),
        (Call::get(format!("/events/{}/availability", subject.event)), Role::User),
    ];
    for (call, role) in good {
        let talk = case.send(call.by(role)).await;
        case.expect(&talk, "A success is in an envelope that says so.", |talk| is_envelope(talk, true));
    }
    let bad = [
        (Call::post("/events").json(&json!({"name": "", "capacity": 0})), Role::Organizer),
        (booking(NOBODY, &subject.email, 1), Role::User),
        (booking(&subject.event, "nobody", 1), Role::User),
        (Call::post("/bookings").text("{"), Role::User),
        (Call::get("/bookings"), Role::User),
        (Call::get(format!("/events/{NOBODY}/availability")), Role::User),
    ];
    for (call, role) in bad {
        let talk = case.send(call.by(role)).await;
        case.expect(&talk, "A refusal is in an envelope that says so, with its code in data.", |talk| {
            is_envelope(talk, false)
        });
    }
    Ok(())
}

async fn create_event(case: &mut Case) -> Result<(), Stop> {
    let talk = case.as_organizer(Call::post("/events").json(&json!({"name": "Concert", "capacity": 5}))).await;
    case.expect(&talk, "A new event is answered with 201, and is in data.", |talk| {
        is_success(talk, 201)?;
        talk.has("/data/name", "Concert")?;
        talk.has("/data/capacity", 5)
    });
    let id = talk.text_at("/data/id").to_owned();
    let stored = if id.is_empty() { None } else { Some(case.bench.stored(&id).await?) };
    let held = match stored {
        Some(event) if event.name == "Concert" && event.capacity == 5 => Ok(()),
        Some(event) => Err(format!("the store has {event:?}")),
        None => Err("data has no id".to_owned()),
    };
    case.judge(Some(&talk.call), "It is there under that id.", held);
    Ok(())
}

async fn book(case: &mut Case) -> Result<(), Stop> {
    let event = case.bench.event(10).await?;
    let email = case.bench.email();
    let talk = case.as_user(booking(&event, &email, 3)).await;
    case.expect(&talk, "A booking is answered with 201, and is in data.", |talk| {
        is_success(talk, 201)?;
        talk.has("/data/event_id", event.as_str())?;
        talk.has("/data/user_email", email.as_str())?;
        talk.has("/data/quantity", 3)
    });
    let stored = case.bench.stored(&event).await?;
    let held = if (stored.reserved, stored.confirmed) == (0, 3) {
        Ok(())
    } else {
        Err(format!("{} seats are held and {} confirmed", stored.reserved, stored.confirmed))
    };
    case.judge(Some(&talk.call), "Its seats are confirmed at once.", held);
    Ok(())
}

async fn refusals(case: &mut Case) -> Result<(), Stop> {
    let subject = case.bench.subject(2).await?;
    let (other, third) = (case.bench.email(), case.bench.email());
    let cases = [
        (booking(NOBODY, &other, 1), 404),
        (booking(&subject.event, &subject.holder, 1), 409),
        (booking(&subject.event, &other, 2), 409),
        (booking(&subject.event, "nobody", 1), 400),
        (booking(&subject.event, &third, 0), 400),
        (Call::post("/bookings").json(&json!({"event_id": subject.event})), 400),
    ];
    for (call, status) in cases {
        let talk = case.as_user(call).await;
        case.expect(&talk, &format!("This is refused with {status}."), |talk| is_refusal(talk, status));
    }
    let taken = case.bench.taken(&subject.event).await?;
    case.judge(
        None,
        "A refusal takes no seat.",
        if taken == 1 { Ok(()) } else { Err(format!("{taken} seats are taken, not 1")) },
    );
    Ok(())
}

async fn race(case: &mut Case) -> Result<(), Stop> {
    let event = case.bench.event(5).await?;
    let mut calls = Vec::new();
    for _ in 0..10 {
        let email = case.bench.email();
        calls.push(booking(&event, &email, 1).by(Role::User));
    }
    let talks = case.bench.send_together(calls).await;
    let booked = talks.iter().filter(|talk| is_success(talk, 201).is_ok()).count();
    let refused = talks.iter().filter(|talk| is_refusal(talk, 409).is_ok()).count();
    let taken = case.bench.taken(&event).await?;
    let held = if (booked, refused, taken) == (5, 5, 5) {
        Ok(())
    } else {
        Err(format!("{booked} got 201, {refused} got 409, and {taken} seats are taken"))
    };
    case.judge(talks.first().map(|talk| &talk.call), "Exactly five succeed, and the others get 409.", held);
    Ok(())
}

/// The list in `data`, wherever in it the list is.
fn list(data: &Value) -> &[Value] {
    let lists = [Some(data), data.get("items"), data.get("bookings")];
    lists.into_iter().flatten().find_map(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

async fn by_email(case: &mut Case) -> Result<(), Stop> {
    let subject = case.bench.subject(10).await?;
    let booked = case.as_user(booking(&subject.event, &subject.email, 2)).await;
    let id = booked.text_at("/data/id").to_owned();
    let talk = case.as_user(Call::get(format!("/bookings?email={}", escape(&subject.email)))).await;
    case.expect(&talk, "Whoever has booked finds the booking by email, and no other's.", |talk| {
        is_success(talk, 200)?;
        match list(talk.at("/data")) {
            [one] if !id.is_empty() && one["id"] == id.as_str() && one["quantity"] == 2 => Ok(()),
            others => Err(format!("data has {} bookings, and should have {id:?} alone", others.len())),
        }
    });
    let talk = case.as_user(Call::get("/bookings?email=somebody.else%40example.org")).await;
    case.expect(&talk, "Whoever has not booked finds none.", |talk| {
        is_success(talk, 200)?;
        if list(talk.at("/data")).is_empty() { Ok(()) } else { Err("there are some".to_owned()) }
    });
    let talk = case.as_user(Call::get("/bookings")).await;
    case.expect(&talk, "Without an email: 400.", |talk| is_refusal(talk, 400));
    Ok(())
}

async fn availability(case: &mut Case) -> Result<(), Stop> {
    let subject = case.bench.subject(10).await?;
    let talk = case.send(Call::get(format!("/events/{}/availability", subject.event))).await;
    case.expect(&talk, "The seats that are left are in data.", |talk| {
        is_success(talk, 200)?;
        talk.has("/data/capacity", 10)?;
        talk.has("/data/available", 9)
    });
    let talk = case.send(Call::get(format!("/events/{NOBODY}/availability"))).await;
    case.expect(&talk, "There is no such event: 404.", |talk| is_refusal(talk, 404));
    Ok(())
}

async fn host_answers(case: &mut Case) -> Result<(), Stop> {
    let subject = case.bench.subject(10).await?;
    let cases = [
        (booking(&subject.event, &subject.email, 1), 403),
        (Call::post("/events").json(&json!({"name": "Concert", "capacity": 5})).by(Role::User), 403),
        (Call::get("/nowhere"), 404),
        (Call::new("DELETE", "/bookings"), 405),
    ];
    for (call, status) in cases {
        let talk = case.send(call).await;
        case.expect(&talk, &format!("The host answers this with a problem of its own, {status}."), |talk| {
            talk.has_status(status)?;
            talk.has_type("application/problem+json")
        });
    }
    Ok(())
}
