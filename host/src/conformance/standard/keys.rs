//! Idempotency keys.

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::super::bench::Stop;
use super::super::case::{Case, Check};
use super::super::client::Call;

const GROUP: &str = "standard: idempotency";

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "std-replay",
        group: GROUP,
        promise: "The same key with the same request answers 201 with that ticket as it is now and `Idempotency-Replayed: true`, and takes no second seat.",
        advice: "call tickets.atomic-register before refusing anything, and set idempotency-replayed where it says replayed",
        run: |case| replay(case).boxed(),
    },
    Check {
        id: "std-key-reused",
        group: GROUP,
        promise: "With another request (event, canonical email or quantity differ), 422 `idempotency_key_reused`.",
        advice: "answer idempotency-key-reused of tickets.atomic-register with 422",
        run: |case| reused(case).boxed(),
    },
    Check {
        id: "std-key-forms",
        group: GROUP,
        promise: "`idempotency_key` or the `Idempotency-Key` header: a structured string, quoted and unescaped, or bare; the same key in each form.",
        advice: "take the quotes and escapes off a quoted key, and take the body's member for the same key",
        run: |case| forms(case).boxed(),
    },
    Check {
        id: "std-key-limits",
        group: GROUP,
        promise: "The key has 1 to 255 characters; repeated, empty, or different from the body's: 400.",
        advice: "refuse a key that comes twice, is empty or too long, or differs between header and body",
        run: |case| limits(case).boxed(),
    },
    Check {
        id: "std-refusals-not-stored",
        group: GROUP,
        promise: "Refusals are not stored: a key that was refused can be used again.",
        advice: "keep nothing about keys yourself",
        run: |case| refusals(case).boxed(),
    },
];

fn call(event: &str, body: &Value) -> Call {
    Call::post(format!("/events/{event}/register")).json(body)
}

async fn replay(case: &mut Case) -> Result<(), Stop> {
    let event = case.bench.event(2).await?;
    let (email, other) = (case.bench.email(), case.bench.email());
    let ticket = case.bench.hold_with_key(&event, &email, 1, Some("k1")).await?;
    // Nothing is left for anybody else.
    case.bench.hold(&event, &other, 1).await?;
    let body = json!({ "email": email });
    let talk = case.as_user(call(&event, &body).key("k1")).await;
    let is_replay = |talk: &super::super::bench::Talk| {
        talk.is_json(201)?;
        talk.has("/id", ticket.as_str())?;
        talk.has_header("location", &format!("/tickets/{ticket}"))?;
        talk.has_header("idempotency-replayed", "true")
    };
    case.expect(&talk, "A replay is answered with the ticket, also where nothing is left.", is_replay);
    case.bench.confirm(&ticket).await?;
    let talk = case.as_user(call(&event, &body).key("k1")).await;
    case.expect(&talk, "A replay shows the ticket as it is now.", |talk| {
        is_replay(talk)?;
        talk.has("/status", "confirmed")
    });
    let taken = case.bench.taken(&event).await?;
    case.judge(
        None,
        "A replay takes no second seat.",
        if taken == 2 { Ok(()) } else { Err(format!("{taken} seats are taken, not 2")) },
    );
    let event = case.bench.event(5).await?;
    let email = case.bench.email();
    let fresh = case.as_user(call(&event, &json!({ "email": email })).key("k2")).await;
    case.expect(&fresh, "The first request with a key is no replay.", |talk| {
        talk.has_status(201)?;
        if talk.header("idempotency-replayed").is_empty() {
            Ok(())
        } else {
            Err("it says that it was replayed".to_owned())
        }
    });
    Ok(())
}

async fn reused(case: &mut Case) -> Result<(), Stop> {
    let (event, other) = (case.bench.event(10).await?, case.bench.event(10).await?);
    case.bench.hold_with_key(&event, "ada@example.org", 1, Some("k1")).await?;
    let others = [
        (&event, json!({"email": "grace@example.org"})),
        (&event, json!({"email": "ada@example.org", "quantity": 2})),
        (&other, json!({"email": "ada@example.org"})),
    ];
    for (event, body) in others {
        let talk = case.as_user(call(event, &body).key("k1")).await;
        case.expect(&talk, "The key of another request is 422 idempotency_key_reused.", |talk| {
            talk.is_problem(422, "idempotency_key_reused")
        });
    }
    let talk = case.as_user(call(&event, &json!({"email": "ADA@example.org"})).key("k1")).await;
    case.expect(&talk, "The same email in other letters is the same request.", |talk| talk.has_status(201));
    Ok(())
}

async fn forms(case: &mut Case) -> Result<(), Stop> {
    let event = case.bench.event(10).await?;
    let ticket = case.bench.hold_with_key(&event, "ada@example.org", 1, Some(r#"a"b"#)).await?;
    let plain = case.bench.hold_with_key(&event, "grace@example.org", 1, Some("k1")).await?;
    let (ada, grace) = (json!({"email": "ada@example.org"}), json!({"email": "grace@example.org"}));
    let with_key = |body: &Value, key: &str| {
        let mut body = body.clone();
        body["idempotency_key"] = json!(key);
        body
    };
    let cases = [
        (call(&event, &ada).key(r#""a\"b""#), &ticket, "quoted, with an escape"),
        (call(&event, &grace).key(r#""k1""#), &plain, "quoted"),
        (call(&event, &grace).key("k1"), &plain, "bare"),
        (call(&event, &with_key(&grace, "k1")), &plain, "in the body"),
        (call(&event, &with_key(&grace, "k1")).key(r#""k1""#), &plain, "in both"),
    ];
    for (call, ticket, form) in cases {
        let talk = case.as_user(call).await;
        case.expect(&talk, &format!("A key is the same key {form}."), |talk| {
            talk.has_status(201)?;
            talk.has("/id", ticket.as_str())
        });
    }
    Ok(())
}

async fn limits(case: &mut Case) -> Result<(), Stop> {
    let event = case.bench.event(10).await?;
    let body = json!({"email": "ada@example.org"});
    let long = "k".repeat(256);
    let wrong = [
        call(&event, &body).key(&long),
        call(&event, &body).key(""),
        call(&event, &body).key(r#""""#),
        call(&event, &body).key(r#""open"#),
        call(&event, &body).key("k1").key("k1"),
        call(&event, &json!({"email": "ada@example.org", "idempotency_key": "other"})).key("k1"),
        call(&event, &json!({"email": "ada@example.org", "idempotency_key": ""})),
        call(&event, &json!({"email": "ada@example.org", "idempotency_key": long})),
    ];
    for call in wrong {
        let talk = case.as_user(call).await;
        case.expect(&talk, "A key that cannot be is 400 invalid_request, and errors points at it.", |talk| {
            talk.points_at("/idempotency_key")
        });
    }
    let taken = case.bench.taken(&event).await?;
    case.judge(
        None,
        "Nothing was reserved.",
        if taken == 0 { Ok(()) } else { Err(format!("{taken} seats are taken")) },
    );
    let talk = case.as_user(call(&event, &body).key(&long[..255])).await;
    case.expect(&talk, "A key of 255 characters is taken.", |talk| talk.has_status(201));
    Ok(())
}

async fn refusals(case: &mut Case) -> Result<(), Stop> {
    let event = case.bench.event(1).await?;
    let email = case.bench.email();
    let ticket = case.bench.hold(&event, &email, 1).await?;
    let body = json!({"email": "ada@example.org"});
    let refused = case.as_user(call(&event, &body).key("k1")).await;
    case.bench.cancel(&ticket).await?;
    let talk = case.as_user(call(&event, &body).key("k1")).await;
    case.expect(&talk, "A request that was refused is tried anew with its key.", |talk| {
        if refused.is_success() {
            return Err(format!("the one before was not refused: {}", refused.told()));
        }
        talk.has_status(201)
    });
    Ok(())
}
