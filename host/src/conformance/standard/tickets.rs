//! Tickets: read, confirmed, cancelled, expired.

use std::time::Duration;

use futures_util::FutureExt as _;

use super::super::bench::Stop;
use super::super::case::{Case, Check};
use super::super::client::Call;
use super::NOBODY;
use super::shapes::{is_ticket, moment};
use crate::domain::TicketStatus;

const GROUP: &str = "standard: tickets";

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "std-read-ticket",
        group: GROUP,
        promise: "`GET /tickets/{id}`: 200 ticket; a due hold reads as `cancelled`; 404 `ticket_not_found`.",
        advice: "answer tickets.get as it is",
        run: |case| read(case).boxed(),
    },
    Check {
        id: "std-confirm",
        group: GROUP,
        promise: "`POST /tickets/{id}/confirm`: 200 ticket, `confirmed` (again: 200, the same); 404.",
        advice: "answer tickets.confirm as it is; it gives a confirmed ticket again",
        run: |case| confirm(case).boxed(),
    },
    Check {
        id: "std-hold-expired",
        group: GROUP,
        promise: "A confirm at or after `expires_at` is 409 `hold_expired`, swept or not.",
        advice: "answer hold-expired of tickets.confirm with 409 and that code",
        run: |case| hold_expired(case).boxed(),
    },
    Check {
        id: "std-ticket-cancelled",
        group: GROUP,
        promise: "409 `ticket_cancelled` is for tickets that somebody cancelled.",
        advice: "answer ticket-cancelled of tickets.confirm with 409 and that code",
        run: |case| ticket_cancelled(case).boxed(),
    },
    Check {
        id: "std-cancel",
        group: GROUP,
        promise: "`POST /tickets/{id}/cancel`: 200 ticket, `cancelled` (again: 200); its seats are free at once; a confirmed ticket may be cancelled; 404.",
        advice: "answer tickets.cancel as it is; it gives a cancelled ticket again",
        run: |case| cancel(case).boxed(),
    },
    Check {
        id: "std-no-body",
        group: GROUP,
        promise: "A POST without a body needs no content type.",
        advice: "take no body, and an empty object, for nothing to say",
        run: |case| no_body(case).boxed(),
    },
];

async fn held(case: &mut Case) -> Result<(String, String), Stop> {
    let event = case.bench.event(5).await?;
    let email = case.bench.email();
    let ticket = case.bench.hold(&event, &email, 2).await?;
    Ok((event, ticket))
}

async fn read(case: &mut Case) -> Result<(), Stop> {
    let (event, ticket) = held(case).await?;
    let target = format!("/tickets/{ticket}");
    let talk = case.as_user(Call::get(&target)).await;
    case.expect(&talk, "A ticket is answered with 200, as it is.", |talk| {
        talk.is_json(200)?;
        is_ticket(talk, "")?;
        talk.has("/id", ticket.as_str())?;
        talk.has("/event_id", event.as_str())?;
        talk.has("/quantity", 2)?;
        talk.has("/status", "reserved")
    });
    let expires = talk.text_at("/expires_at").to_owned();
    case.bench.clock.advance(case.bench.hold_time());
    let now = moment(case.bench.now());
    let talk = case.as_user(Call::get(target)).await;
    case.expect(&talk, "A hold that is due reads as cancelled, since then.", |talk| {
        talk.has("/status", "cancelled")?;
        talk.has("/cancelled_at", expires)?;
        talk.has("/server_time", now)
    });
    let none = case.as_user(Call::get(format!("/tickets/{NOBODY}"))).await;
    case.expect(&none, "There is no such ticket: 404 ticket_not_found.", |talk| {
        talk.is_problem(404, "ticket_not_found")
    });
    Ok(())
}

async fn confirm(case: &mut Case) -> Result<(), Stop> {
    let (_, ticket) = held(case).await?;
    case.bench.clock.advance(case.bench.hold_time().saturating_sub(Duration::from_millis(1)));
    let now = moment(case.bench.now());
    let target = format!("/tickets/{ticket}/confirm");
    let first = case.as_user(Call::post(&target)).await;
    case.expect(&first, "A hold is confirmed until a millisecond before it ends.", |talk| {
        talk.is_json(200)?;
        is_ticket(talk, "")?;
        talk.has("/status", "confirmed")?;
        talk.has("/confirmed_at", now.as_str())
    });
    let stored = case.bench.ticket(&ticket).await?.map(|ticket| ticket.status);
    let held =
        if stored == Some(TicketStatus::Confirmed) { Ok(()) } else { Err(format!("in the store it is {stored:?}")) };
    case.judge(Some(&first.call), "What is answered is what was done.", held);
    case.bench.clock.advance(Duration::from_hours(1));
    let again = case.as_user(Call::post(target)).await;
    case.expect(&again, "A confirmed ticket is confirmed again with 200, the same.", |talk| {
        talk.has_status(200)?;
        talk.has("/status", "confirmed")?;
        talk.has("/confirmed_at", now.as_str())
    });
    let none = case.as_user(Call::post(format!("/tickets/{NOBODY}/confirm"))).await;
    case.expect(&none, "There is no such ticket: 404 ticket_not_found.", |talk| {
        talk.is_problem(404, "ticket_not_found")
    });
    Ok(())
}

async fn hold_expired(case: &mut Case) -> Result<(), Stop> {
    let (event, ticket) = held(case).await?;
    case.bench.clock.advance(case.bench.hold_time());
    let target = format!("/tickets/{ticket}/confirm");
    let talk = case.as_user(Call::post(&target)).await;
    case.expect(&talk, "A confirm at expires_at is 409 hold_expired.", |talk| talk.is_problem(409, "hold_expired"));
    // Another registration that needs all seats releases what is due.
    let email = case.bench.email();
    case.bench.hold(&event, &email, 5).await?;
    let talk = case.as_user(Call::post(target)).await;
    case.expect(&talk, "So is one after the hold was released.", |talk| talk.is_problem(409, "hold_expired"));
    Ok(())
}

async fn ticket_cancelled(case: &mut Case) -> Result<(), Stop> {
    let (_, ticket) = held(case).await?;
    case.bench.cancel(&ticket).await?;
    let target = format!("/tickets/{ticket}/confirm");
    let talk = case.as_user(Call::post(&target)).await;
    case.expect(&talk, "A confirm of a cancelled ticket is 409 ticket_cancelled.", |talk| {
        talk.is_problem(409, "ticket_cancelled")
    });
    case.bench.clock.advance(case.bench.hold_time());
    let talk = case.as_user(Call::post(target)).await;
    case.expect(&talk, "It stays so when its hold would have run out.", |talk| {
        talk.is_problem(409, "ticket_cancelled")
    });
    Ok(())
}

async fn cancel(case: &mut Case) -> Result<(), Stop> {
    for confirmed in [false, true] {
        let (event, ticket) = held(case).await?;
        if confirmed {
            case.bench.confirm(&ticket).await?;
        }
        case.bench.clock.advance(Duration::from_secs(1));
        let now = moment(case.bench.now());
        let target = format!("/tickets/{ticket}/cancel");
        let what = if confirmed { "confirmed ticket" } else { "hold" };
        let is_cancelled = |talk: &super::super::bench::Talk| {
            talk.is_json(200)?;
            is_ticket(talk, "")?;
            talk.has("/status", "cancelled")?;
            talk.has("/cancelled_at", now.as_str())
        };
        let first = case.as_user(Call::post(&target)).await;
        case.expect(&first, &format!("A {what} is cancelled with 200."), is_cancelled);
        let taken = case.bench.taken(&event).await?;
        let held = if taken == 0 { Ok(()) } else { Err(format!("{taken} seats are taken")) };
        case.judge(Some(&first.call), "Its seats are free at once.", held);
        case.bench.clock.advance(Duration::from_secs(1));
        let again = case.as_user(Call::post(target)).await;
        case.expect(&again, "A cancelled ticket is cancelled again with 200, the same.", is_cancelled);
    }
    let none = case.as_user(Call::post(format!("/tickets/{NOBODY}/cancel"))).await;
    case.expect(&none, "There is no such ticket: 404 ticket_not_found.", |talk| {
        talk.is_problem(404, "ticket_not_found")
    });
    Ok(())
}

async fn no_body(case: &mut Case) -> Result<(), Stop> {
    for action in ["confirm", "cancel"] {
        for body in [None, Some("{}")] {
            let (_, ticket) = held(case).await?;
            let call = Call::post(format!("/tickets/{ticket}/{action}"));
            let call = body.map_or(call.clone(), |body| call.text(body));
            let talk = case.as_user(call).await;
            case.expect(&talk, "Without a body, or with an empty object, it is done.", |talk| talk.has_status(200));
        }
    }
    Ok(())
}
