//! Registrations: holds.

use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::super::bench::{Stop, Talk};
use super::super::case::{Case, Check};
use super::super::client::Call;
use super::NOBODY;
use super::shapes::{is_ticket, moment};
use crate::domain::Role;

const GROUP: &str = "standard: registrations";

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "std-register",
        group: GROUP,
        promise: "`POST /events/{id}/register`: 201, `Location: /tickets/{id}`, ticket; a hold lasts 5 minutes; `quantity` is 1 by default.",
        advice: "answer with the ticket that tickets.atomic-register gave, and ask for no hold-ms of your own",
        run: |case| register(case).boxed(),
    },
    Check {
        id: "std-register-limits",
        group: GROUP,
        promise: "To register: `email` (checked for shape, at most 254 bytes), `quantity` (at most 10); else 400 `invalid_request`.",
        advice: "check the email's shape, and answer `invalid` of tickets.atomic-register as 400 with its pointers",
        run: |case| limits(case).boxed(),
    },
    Check {
        id: "std-register-unknown",
        group: GROUP,
        promise: "`POST /events/{id}/register`: 404 `event_not_found`.",
        advice: "answer event-not-found of tickets.atomic-register with 404",
        run: |case| unknown(case).boxed(),
    },
    Check {
        id: "std-sold-out",
        group: GROUP,
        promise: "`POST /events/{id}/register`: 409 `sold_out`.",
        advice: "answer sold-out of tickets.atomic-register with 409, and register no fewer seats than were asked for",
        run: |case| sold_out(case).boxed(),
    },
    Check {
        id: "std-already-registered",
        group: GROUP,
        promise: "One live ticket for each event and email: 409 `already_registered`; after a cancelled or expired one the same email may register again.",
        advice: "answer already-registered of tickets.atomic-register with 409, and keep no list of your own",
        run: |case| already_registered(case).boxed(),
    },
    Check {
        id: "std-canonical-email",
        group: GROUP,
        promise: "The host trims the email and compares it in ASCII lower case; answers show it as trimmed.",
        advice: "hand the email over as it came, and show the ticket's",
        run: |case| canonical_email(case).boxed(),
    },
    Check {
        id: "std-last-seats",
        group: GROUP,
        promise: "20 callers at once for 5 seats: exactly 5 get 201, all others 409 `sold_out`.",
        advice: "let tickets.atomic-register decide; look at no availability first",
        run: |case| last_seats(case).boxed(),
    },
];

fn call(event: &str, body: &Value) -> Call {
    Call::post(format!("/events/{event}/register")).json(body)
}

async fn register(case: &mut Case) -> Result<(), Stop> {
    let event = case.bench.event(10).await?;
    let email = case.bench.email();
    let now = case.bench.now();
    let (at, until) = (moment(now), moment(now.plus(case.bench.hold_time())));
    let talk = case.as_user(call(&event, &json!({ "email": email }))).await;
    case.expect(
        &talk,
        "A registration is answered with 201, a hold of one seat for five minutes, and where it is.",
        |talk| {
            talk.is_json(201)?;
            is_ticket(talk, "")?;
            for (name, value) in [
                ("event_id", &event),
                ("email", &email),
                ("status", &"reserved".to_owned()),
                ("reserved_at", &at),
                ("expires_at", &until),
                ("server_time", &at),
            ] {
                talk.has(&format!("/{name}"), value.as_str())?;
            }
            talk.has("/quantity", 1)?;
            talk.has_header("location", &format!("/tickets/{}", talk.text_at("/id")))
        },
    );
    let stored = case.bench.ticket(talk.text_at("/id")).await?;
    let held = if stored.is_some_and(|ticket| ticket.email == email) {
        Ok(())
    } else {
        Err("the store has no such ticket".to_owned())
    };
    case.judge(Some(&talk.call), "What is answered is what was made.", held);
    let email = case.bench.email();
    let talk = case.as_user(call(&event, &json!({"email": email, "quantity": 4}))).await;
    case.expect(&talk, "As many seats are held as were asked for.", |talk| {
        talk.has_status(201)?;
        talk.has("/quantity", 4)
    });
    let taken = case.bench.taken(&event).await?;
    let held = if taken == 5 { Ok(()) } else { Err(format!("{taken} seats are taken, not 5")) };
    case.judge(Some(&talk.call), "As many seats are taken as the tickets say.", held);
    Ok(())
}

async fn limits(case: &mut Case) -> Result<(), Stop> {
    let event = case.bench.event(100).await?;
    let long = format!("{}@example.org", "x".repeat(250));
    let wrong = [
        (json!({}), "/email"),
        (json!({"email": ""}), "/email"),
        (json!({"email": "nobody"}), "/email"),
        (json!({"email": "a@"}), "/email"),
        (json!({"email": "a b@example.org"}), "/email"),
        (json!({"email": long}), "/email"),
        (json!({"email": 5}), "/email"),
        (json!({"email": "a@example.org", "quantity": 0}), "/quantity"),
        (json!({"email": "a@example.org", "quantity": 11}), "/quantity"),
        (json!({"email": "a@example.org", "quantity": 1.5}), "/quantity"),
        (json!({"email": "a@example.org", "quantity": "1"}), "/quantity"),
    ];
    for (body, pointer) in wrong {
        let talk = case.as_user(call(&event, &body)).await;
        case.expect(&talk, "What is outside the limits is 400 invalid_request, and errors points at it.", |talk| {
            talk.points_at(pointer)
        });
    }
    let taken = case.bench.taken(&event).await?;
    let held = if taken == 0 { Ok(()) } else { Err(format!("{taken} seats are taken")) };
    case.judge(None, "Nothing was reserved.", held);
    let talk = case.as_user(call(&event, &json!({"email": "a@example.org", "quantity": 10}))).await;
    case.expect(&talk, "Ten seats may be reserved at once.", |talk| talk.has_status(201));
    Ok(())
}

async fn unknown(case: &mut Case) -> Result<(), Stop> {
    let talk = case.as_user(call(NOBODY, &json!({"email": "a@example.org"}))).await;
    case.expect(&talk, "There is no such event: 404 event_not_found.", |talk| talk.is_problem(404, "event_not_found"));
    Ok(())
}

async fn sold_out(case: &mut Case) -> Result<(), Stop> {
    let event = case.bench.event(3).await?;
    let (first, second, third) = (case.bench.email(), case.bench.email(), case.bench.email());
    case.bench.hold(&event, &first, 1).await?;
    let talk = case.as_user(call(&event, &json!({"email": second, "quantity": 3}))).await;
    case.expect(&talk, "Fewer seats are left than were asked for: 409 sold_out, and none is taken.", |talk| {
        talk.is_problem(409, "sold_out")
    });
    case.bench.hold(&event, &second, 2).await?;
    let talk = case.as_user(call(&event, &json!({ "email": third }))).await;
    case.expect(&talk, "No seat is left: 409 sold_out.", |talk| talk.is_problem(409, "sold_out"));
    let taken = case.bench.taken(&event).await?;
    case.judge(
        None,
        "A refusal takes no seat.",
        if taken == 3 { Ok(()) } else { Err(format!("{taken} seats are taken, not 3")) },
    );
    case.bench.clock.advance(case.bench.hold_time());
    let talk = case.as_user(call(&event, &json!({ "email": third }))).await;
    case.expect(
        &talk,
        "From `expires_at` on a hold's seats count as free, whether or not the sweeper has run.",
        |talk| talk.has_status(201),
    );
    Ok(())
}

async fn already_registered(case: &mut Case) -> Result<(), Stop> {
    let event = case.bench.event(10).await?;
    let again = |case: &Case, email: &str| {
        let _ = case;
        call(&event, &json!({ "email": email }))
    };
    let (held, cancelled, expired) = (case.bench.email(), case.bench.email(), case.bench.email());
    case.bench.hold(&event, &expired, 1).await?;
    case.bench.clock.advance(case.bench.hold_time());
    let over = case.bench.hold(&event, &cancelled, 1).await?;
    case.bench.cancel(&over).await?;
    case.bench.hold(&event, &held, 1).await?;
    let talk = case.as_user(again(case, &held)).await;
    case.expect(&talk, "An email with a live ticket gets 409 already_registered.", |talk| {
        talk.is_problem(409, "already_registered")
    });
    for (email, was) in [(cancelled, "cancelled"), (expired, "expired")] {
        let talk = case.as_user(again(case, &email)).await;
        case.expect(&talk, &format!("An email whose ticket was {was} may register again."), |talk| {
            talk.has_status(201)
        });
    }
    Ok(())
}

async fn canonical_email(case: &mut Case) -> Result<(), Stop> {
    let event = case.bench.event(10).await?;
    let talk = case.as_user(call(&event, &json!({"email": "  Ada.Lovelace@Example.org "}))).await;
    case.expect(&talk, "The email is shown as it was written, trimmed.", |talk| {
        talk.has_status(201)?;
        talk.has("/email", "Ada.Lovelace@Example.org")
    });
    case.bench.hold(&event, "grace@example.org", 1).await?;
    let talk = case.as_user(call(&event, &json!({"email": "GRACE@example.ORG"}))).await;
    case.expect(&talk, "The same email in other letters is the same: 409 already_registered.", |talk| {
        talk.is_problem(409, "already_registered")
    });
    Ok(())
}

async fn last_seats(case: &mut Case) -> Result<(), Stop> {
    let event = case.bench.event(5).await?;
    let mut calls = Vec::new();
    for _ in 0..20 {
        let email = case.bench.email();
        calls.push(call(&event, &json!({ "email": email })).by(Role::User));
    }
    let talks = case.bench.send_together(calls).await;
    let count = |wanted: u16| talks.iter().filter(|talk| talk.status() == Some(wanted)).count();
    let refused = talks.iter().filter(|talk| talk.is_problem(409, "sold_out").is_ok()).count();
    let taken = case.bench.taken(&event).await?;
    let held = if (count(201), refused, taken) == (5, 15, 5) {
        Ok(())
    } else {
        let odd = talks.iter().find(|talk| talk.status() != Some(201) && talk.is_problem(409, "sold_out").is_err());
        let odd = odd.map(Talk::told).unwrap_or_default();
        Err(format!("{} got 201, {refused} got 409 sold_out, and {taken} seats are taken; {odd}", count(201)))
    };
    case.judge(talks.first().map(|talk| &talk.call), "Exactly as many are told yes as there are seats.", held);
    case.bench.clock.advance(Duration::from_secs(1));
    Ok(())
}
