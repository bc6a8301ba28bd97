//! The same request, again.

use super::super::bench::{Stop, Subject, Talk};
use super::super::case::Case;
use super::super::recipe::Recipe;
use super::seats::{events_asked, seats_taken, tickets_given};

/// Repetitions at the same time.
const TOGETHER: usize = 8;
/// Seats of one hold that fills an event: what a host allows at the least.
const HOLD: u32 = 10;

pub(super) async fn are_idempotent(case: &mut Case) -> Result<(), Stop> {
    let recipes = case.suite.recipes.registering();
    if recipes.is_empty() {
        case.skip("no route was seen to register anybody");
    }
    for recipe in recipes {
        if !one_after_the_other(case, &recipe).await? {
            case.skip(format!("{}: it registers for an event that it makes itself", recipe.route().id));
            continue;
        }
        sold_out_meanwhile(case, &recipe).await?;
        at_the_same_time(case, &recipe).await?;
    }
    Ok(())
}

fn call(recipe: &Recipe, subject: &Subject) -> super::super::client::Call {
    recipe.call(subject).role(recipe.role).key(&subject.key)
}

/// Whether the route registers for the event that it is asked about; else there is nothing to judge.
async fn one_after_the_other(case: &mut Case, recipe: &Recipe) -> Result<bool, Stop> {
    let subject = case.bench.subject(100).await?;
    let before = case.bench.taken(&subject.event).await?;
    let first = case.send(call(recipe, &subject)).await;
    let events = events_asked(&first);
    if !events.is_empty() && !events.contains(&subject.event) {
        return Ok(false);
    }
    let taken = case.bench.taken(&subject.event).await?;
    again(case, &first, call(recipe, &subject), "at once").await;
    // Somebody else's request, with a key of its own, and some time.
    let other = case.bench.another(&subject);
    let _ = case.send(call(recipe, &other)).await;
    case.bench.clock.advance(std::time::Duration::from_secs(30));
    let after = case.bench.taken(&subject.event).await?;
    again(case, &first, call(recipe, &subject), "after another's request").await;
    let last = case.bench.taken(&subject.event).await?;
    let held = if last == after && taken > before {
        Ok(())
    } else {
        Err(format!(
            "{before} seats were taken before, {taken} after the first request, {last} in the end; another's request took {}",
            // A hold of before may have run out meanwhile.
            i64::from(after) - i64::from(taken)
        ))
    };
    case.judge(Some(&first.call), "A repeated request takes seats once.", held);
    Ok(true)
}

/// Whoever has a ticket is not told that there are none.
async fn sold_out_meanwhile(case: &mut Case, recipe: &Recipe) -> Result<(), Stop> {
    let subject = case.bench.subject(100).await?;
    let first = case.send(call(recipe, &subject)).await;
    let mut left = 100_u32.saturating_sub(case.bench.taken(&subject.event).await?);
    while left > 0 {
        let email = case.bench.email();
        let seats = left.min(HOLD);
        case.bench.hold(&subject.event, &email, seats).await?;
        left -= seats;
    }
    again(case, &first, call(recipe, &subject), "when all seats are taken").await;
    Ok(())
}

async fn again(case: &mut Case, first: &Talk, call: super::super::client::Call, when: &str) {
    let second = case.send(call).await;
    let given = tickets_given(first);
    case.expect(&second, &format!("A request repeated {when} is answered with the same ticket."), |second| {
        if !second.is_success() {
            return Err(format!("the first {}, and the repetition is refused", first.told()));
        }
        if seats_taken(second) > 0 || tickets_given(second) != given {
            return Err(format!("the first gave the tickets {given:?}, the repetition {:?}", tickets_given(second)));
        }
        match given.iter().find(|id| first.text().contains(id.as_str()) && !second.text().contains(id.as_str())) {
            Some(id) => Err(format!("the first answer names the ticket {id}, and this one does not")),
            None => Ok(()),
        }
    });
}

async fn at_the_same_time(case: &mut Case, recipe: &Recipe) -> Result<(), Stop> {
    let subject = case.bench.subject(100).await?;
    let before = i64::from(case.bench.taken(&subject.event).await?);
    let talks = case.bench.send_together(vec![call(recipe, &subject); TOGETHER]).await;
    for talk in &talks {
        let expected = "A request that is repeated at the same time does not fail.";
        case.expect(talk, expected, |talk| talk.fault().map_or(Ok(()), Err));
    }
    // What the first of them has taken; the others take nothing.
    let asked = talks.iter().map(seats_taken).max().and_then(|asked| i64::try_from(asked).ok());
    let taken = i64::from(case.bench.taken(&subject.event).await?) - before;
    let mut given: Vec<_> =
        talks.iter().filter(|talk| talk.is_success()).map(|talk| (tickets_given(talk), named(talk))).collect();
    given.sort();
    given.dedup();
    let held = match &given[..] {
        [(tickets, _)] if Some(taken) == asked && !tickets.is_empty() => Ok(()),
        _ => Err(format!(
            "{taken} seats were taken, and those with success were given, and told of, {} different things; answers: {}",
            given.len(),
            statuses(&talks)
        )),
    };
    let expected =
        format!("{TOGETHER} requests with one key at the same time make one ticket, and take its seats once.");
    case.judge(talks.first().map(|talk| &talk.call), &expected, held);
    Ok(())
}

/// Those of a run's tickets that its answer names.
fn named(talk: &Talk) -> Vec<String> {
    tickets_given(talk).into_iter().filter(|id| talk.text().contains(id.as_str())).collect()
}

fn statuses(talks: &[Talk]) -> String {
    let all: Vec<_> =
        talks.iter().map(|talk| talk.status().map_or("none".to_owned(), |status| status.to_string())).collect();
    all.join(", ")
}
