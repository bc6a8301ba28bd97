//! The race for the last seats.

use std::collections::{BTreeSet, HashMap};

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::super::bench::{Stop, Talk};
use super::super::case::Case;
use super::super::client::Call;
use super::super::recipe::Recipe;
use crate::wasm::Exchange;

/// Seats that there are.
const SEATS: u32 = 5;
/// Callers at the same time, each with an email of its own.
const CALLERS: usize = 20;

/// The events that a run's registrations were for, refused ones included.
pub(super) fn events_asked(talk: &Talk) -> Vec<String> {
    let registered = talk.exchanges().iter().filter(|exchange| exchange.function() == "tickets.atomic-register");
    registered.filter_map(|exchange| exchange.asked()["event_id"].as_str().map(str::to_owned)).collect()
}

/// Seats of the event that these runs took and did not give back.
fn seats_kept(talks: &[Talk], event: &str) -> u64 {
    let mut kept: HashMap<String, u64> = HashMap::new();
    let said = |function: &'static str| {
        let exchanges = talks.iter().flat_map(Talk::exchanges).filter(move |all| all.function() == function);
        exchanges.map(|exchange| exchange.said()["answer"].take())
    };
    for registered in said("tickets.atomic-register") {
        let ticket = &registered["ticket"];
        if let (Some(id), Some(quantity)) = (ticket["id"].as_str(), ticket["quantity"].as_u64())
            && ticket["event_id"] == event
        {
            kept.insert(id.to_owned(), quantity);
        }
    }
    for ticket in said("tickets.cancel") {
        kept.remove(ticket["id"].as_str().unwrap_or_default());
    }
    kept.values().sum()
}

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
        let seats = seats_member(case, &recipe).await?;
        let talk = case.send(one_seat(recipe.call(&alone), seats.as_deref()).role(recipe.role)).await;
        honest(case, &talk, &recipe, seats.as_deref());
        let full = case.bench.subject(100).await?;
        let talk = case.send(one_seat(recipe.fuller().call(&full), seats.as_deref()).role(recipe.role)).await;
        honest(case, &talk, &recipe, seats.as_deref());
        // The ticket of a request that also names one is for another event, so that all of these seats are free.
        let other = case.bench.subject(1).await?;
        let mut calls = Vec::new();
        for _ in 0..CALLERS {
            let subject = case.bench.another(&other);
            let subject = super::super::bench::Subject { event: event.clone(), ..subject };
            calls.push(one_seat(recipe.call(&subject), seats.as_deref()).role(recipe.role));
        }
        let talks = case.bench.send_together(calls).await;
        for talk in &talks {
            honest(case, talk, &recipe, seats.as_deref());
        }
        let id = &recipe.route().id;
        let (taken, stored) = (seats_kept(&talks, &event), case.bench.stored(&event).await?);
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

/// Names of the member that says how many seats, where trying does not tell.
const SEATS_NAMES: [&str; 6] = ["quantity", "seats", "places", "tickets", "count", "number"];

/// The member of the body that says how many seats: the one that the registration follows, or one whose name says so.
async fn seats_member(case: &mut Case, recipe: &Recipe) -> Result<Option<String>, Stop> {
    let recipe = recipe.fuller();
    let subject = case.bench.subject(100).await?;
    let body = recipe.body(&subject);
    let numbers = body.as_object().into_iter().flatten().filter(|(_, value)| value.is_u64());
    let names: Vec<String> = numbers.map(|(name, _)| name.clone()).collect();
    for name in &names {
        let mut registered = Vec::new();
        for seats in [1, 2] {
            let subject = case.bench.subject(100).await?;
            let mut body = recipe.body(&subject);
            body[name.as_str()] = Value::from(seats);
            let talk = case.send(recipe.call(&subject).json(&body).role(recipe.role)).await;
            let exchange = talk.exchanges().iter().find(|exchange| exchange.function() == "tickets.atomic-register");
            registered.extend(exchange.and_then(|exchange| exchange.asked()["quantity"].as_u64()));
        }
        if matches!(registered[..], [one, two] if one != two) {
            return Ok(Some(name.clone()));
        }
    }
    Ok(names.into_iter().find(|name| SEATS_NAMES.contains(&name.as_str())))
}

/// One seat for each, where the request says how many.
fn one_seat(call: Call, seats: Option<&str>) -> Call {
    let mut body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    match seats.and_then(|seats| body.get_mut(seats)) {
        Some(quantity) => {
            *quantity = Value::from(1);
            call.json(&body)
        }
        None => call,
    }
}

/// Those that a run registered and that its request names, whatever their letters' case: a group has several.
fn people(talk: &Talk) -> u64 {
    let body = String::from_utf8_lossy(&talk.call.body);
    let target = percent_decode_str(&talk.call.target).decode_utf8_lossy();
    let request = format!("{target} {body}").to_lowercase();
    let registered = talk.exchanges().iter().filter(|exchange| exchange.function() == "tickets.atomic-register");
    let emails = registered.filter_map(|exchange| exchange.asked()["email"].as_str().map(str::to_lowercase));
    emails.filter(|email| request.contains(email)).collect::<BTreeSet<_>>().len() as u64
}

/// Whoever is told yes has a ticket, for no more than was asked for. A yes is what the route answered when there were seats: a place on
/// a list of those who wait has another status.
fn honest(case: &mut Case, talk: &Talk, recipe: &Recipe, seats: Option<&str>) {
    let tickets = tickets_given(talk);
    case.expect(talk, "A success has a ticket behind it, which a registration of this request gave.", |talk| {
        if talk.status() == Some(recipe.status) && tickets.is_empty() {
            return Err("no registration of this request gave a ticket".to_owned());
        }
        talk.fault().map_or(Ok(()), Err)
    });
    let body: Value = serde_json::from_slice(&talk.call.body).unwrap_or_default();
    // Who does not say how many wants what the manifest says, or one.
    let least =
        |seats| recipe.member(seats).and_then(|schema| schema.get("default")).and_then(Value::as_u64).unwrap_or(1);
    let asked = seats.map(|seats| body.get(seats).and_then(Value::as_u64).unwrap_or_else(|| least(seats)));
    let (taken, people) = (seats_taken(talk), people(talk).max(1));
    if asked.is_none() && taken > people {
        case.warn(format!(
            "{}: {taken} seats were taken, and no member of the request says how many",
            recipe.route().id
        ));
    }
    let expected = "A request takes no more seats than it asks for, in one registration for each email that it names.";
    case.expect(talk, expected, |_| match asked.map(|asked| asked.saturating_mul(people)) {
        Some(asked) if taken > asked => Err(format!("{taken} seats were taken, and {asked} asked for")),
        None if tickets.len() as u64 > people => {
            Err(format!("{} registrations were made, for {people} that the request names", tickets.len()))
        }
        _ => Ok(()),
    });
}
