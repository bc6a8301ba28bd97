//! The race for the last seats.

use serde_json::Value;

use super::super::bench::{Stop, Talk};
use super::super::case::Case;
use super::super::client::Call;
use crate::wasm::Exchange;

/// Seats that there are.
const SEATS: u32 = 5;
/// Callers at the same time, each with an email of its own.
const CALLERS: usize = 20;

/// Seats that a run's registrations took, replays left out.
pub(super) fn seats_taken(talk: &Talk) -> u64 {
    let registered = talk.exchanges().iter().filter(|exchange| exchange.function() == "tickets.atomic-register");
    let fresh = registered.map(Exchange::said).filter(|said| said["answer"]["replayed"] == false);
    fresh.map(|said| said["answer"]["ticket"]["quantity"].as_u64().unwrap_or(0)).sum()
}

/// The tickets that a run's registrations gave, replays included.
pub(super) fn tickets_given(talk: &Talk) -> Vec<String> {
    let registered = talk.exchanges().iter().filter(|exchange| exchange.function() == "tickets.atomic-register");
    let ids = registered.map(|exchange| exchange.said()["answer"]["ticket"]["id"].clone());
    ids.filter_map(|id| id.as_str().map(str::to_owned)).collect()
}

pub(super) async fn race(case: &mut Case) -> Result<(), Stop> {
    let recipes = case.suite.recipes.registering();
    if recipes.is_empty() {
        case.skip("no route was seen to register anybody");
    }
    for recipe in recipes {
        let event = case.bench.event(SEATS).await?;
        // One alone, with seats for everybody: in a race, what it takes too much is often gone already.
        let alone = case.bench.subject(100).await?;
        let talk = case.send(one_seat(recipe.call(&alone)).role(recipe.role)).await;
        honest(case, &talk);
        // The ticket of a request that also names one is for another event, so that all of these seats are free.
        let other = case.bench.subject(1).await?;
        let mut calls = Vec::new();
        for _ in 0..CALLERS {
            let subject = case.bench.another(&other);
            let subject = super::super::bench::Subject { event: event.clone(), ..subject };
            calls.push(one_seat(recipe.call(&subject)).role(recipe.role));
        }
        let talks = case.bench.send_together(calls).await;
        for talk in &talks {
            honest(case, talk);
        }
        let id = &recipe.route().id;
        let (taken, stored) = (talks.iter().map(seats_taken).sum::<u64>(), case.bench.stored(&event).await?);
        let sold = u64::from(stored.reserved + stored.confirmed);
        let expected =
            format!("{CALLERS} callers at once of {id} get {SEATS} seats at the most, and the store's seats add up.");
        let mut wrong = case.bench.violations().await?;
        if sold > u64::from(SEATS) || sold != taken {
            wrong.push(format!(
                "{sold} seats are taken of {SEATS}, and the registrations of these callers took {taken}"
            ));
        }
        let held = if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) };
        case.judge(talks.first().map(|talk| &talk.call), &expected, held);
    }
    Ok(())
}

/// One seat for each, where the request says how many.
fn one_seat(call: Call) -> Call {
    let mut body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    match body.get_mut("quantity") {
        Some(quantity) => {
            *quantity = Value::from(1);
            call.json(&body)
        }
        None => call,
    }
}

/// Whoever is told yes has a ticket, for no more than was asked for.
fn honest(case: &mut Case, talk: &Talk) {
    let tickets = tickets_given(talk);
    case.expect(talk, "A success has a ticket behind it, which a registration of this request gave.", |talk| {
        if talk.is_success() && tickets.is_empty() {
            return Err("no registration of this request gave a ticket".to_owned());
        }
        talk.fault().map_or(Ok(()), Err)
    });
    let body: Value = serde_json::from_slice(&talk.call.body).unwrap_or_default();
    let (asked, taken) = (body.get("quantity").and_then(Value::as_u64), seats_taken(talk));
    case.expect(talk, "A request takes no more seats than it asks for, in one registration.", |_| match asked {
        Some(asked) if taken > asked => Err(format!("{taken} seats were taken, and {asked} asked for")),
        None if tickets.len() > 1 => Err(format!("{} registrations were made", tickets.len())),
        _ => Ok(()),
    });
}
