//! The same request, again.

use super::super::bench::{Stop, Subject, Talk};
use super::super::case::Case;
use super::super::recipe::Recipe;
use super::seats::{seats_taken, tickets_given};

/// Repetitions at the same time.
const TOGETHER: usize = 8;

pub(super) async fn are_idempotent(case: &mut Case) -> Result<(), Stop> {
    let recipes = case.suite.recipes.registering();
    if recipes.is_empty() {
        case.skip("no route was seen to register anybody");
    }
    for recipe in recipes {
        one_after_the_other(case, &recipe).await?;
        at_the_same_time(case, &recipe).await?;
    }
    Ok(())
}

fn call(recipe: &Recipe, subject: &Subject) -> super::super::client::Call {
    recipe.call(subject).role(recipe.role).key(&subject.key)
}

async fn one_after_the_other(case: &mut Case, recipe: &Recipe) -> Result<(), Stop> {
    let subject = case.bench.subject(100).await?;
    let before = case.bench.taken(&subject.event).await?;
    let first = case.send(call(recipe, &subject)).await;
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
            after - taken
        ))
    };
    case.judge(Some(&first.call), "A repeated request takes seats once.", held);
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
    let before = case.bench.taken(&subject.event).await?;
    let talks = case.bench.send_together(vec![call(recipe, &subject); TOGETHER]).await;
    let asked: u64 = talks.iter().map(seats_taken).max().unwrap_or(0);
    let taken = u64::from(case.bench.taken(&subject.event).await? - before);
    let mut given: Vec<_> = talks.iter().flat_map(tickets_given).collect();
    given.sort();
    given.dedup();
    let held = if taken == asked && given.len() == 1 && talks.iter().any(Talk::is_success) {
        Ok(())
    } else {
        Err(format!("{taken} seats were taken, for {} tickets; answers: {}", given.len(), statuses(&talks)))
    };
    let expected =
        format!("{TOGETHER} requests with one key at the same time make one ticket, and take its seats once.");
    case.judge(talks.first().map(|talk| &talk.call), &expected, held);
    Ok(())
}

fn statuses(talks: &[Talk]) -> String {
    let all: Vec<_> =
        talks.iter().map(|talk| talk.status().map_or("none".to_owned(), |status| status.to_string())).collect();
    all.join(", ")
}
