//! Requests that nobody should send.

use std::collections::HashMap;

use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::super::bench::{Stop, Subject};
use super::super::case::Case;
use super::super::client::Call;
use super::super::recipe::{Recipe, takes_body};
use super::corpus;
use crate::domain::Role;

/// Mutations of a valid request for each route.
const MUTATIONS: usize = 60;
/// Failures of one kind at one route that are told: the first shows it.
const TOLD: u32 = 1;

pub(super) async fn is_refused(case: &mut Case) -> Result<(), Stop> {
    let suite = case.suite.clone();
    let mut random = StdRng::seed_from_u64(suite.seed);
    for recipe in &suite.recipes.known {
        // Some of it is valid after all, and takes seats.
        let subject = case.bench.subject(1_000_000).await?;
        let calls = calls(recipe, &subject, &mut random);
        send_all(case, &recipe.route().id, recipe.role, calls).await;
        no_json(case, recipe, &subject).await;
    }
    for (id, talk) in &suite.recipes.unreached {
        // Without a valid request there is still its path.
        let targets = corpus::paths(&talk.call.target);
        let calls = targets.into_iter().map(|target| Call { headers: Vec::new(), ..talk.call.clone() }.to(target));
        send_all(case, id, Some(Role::Admin), calls.collect()).await;
        case.skip(format!("{id}: no valid request is known, so only its path was tried"));
    }
    for id in &suite.recipes.unmade {
        case.skip(format!("{id}: no request can be made from its schemas"));
    }
    Ok(())
}

/// A route that requires a body refuses one that is none: what it makes of it is not what anybody asked for.
async fn no_json(case: &mut Case, recipe: &Recipe, subject: &Subject) {
    let valid = recipe.call(subject);
    if valid.body.is_empty() || !recipe.body_is_required() {
        return;
    }
    for body in ["{", "{\"a\":", "nonsense"] {
        let talk = case.send(valid.clone().text(body).role(recipe.role)).await;
        let expected = format!("{} refuses a body that is no JSON.", recipe.route().id);
        case.expect(&talk, &expected, |talk| match talk.status() {
            Some(400..500) => Ok(()),
            Some(status) => Err(format!("the status is {status}, not 4xx")),
            None => Err("there is no answer".to_owned()),
        });
    }
}

fn calls(recipe: &Recipe, subject: &Subject, random: &mut StdRng) -> Vec<Call> {
    let (route, valid) = (recipe.route(), recipe.call(subject));
    let mut calls: Vec<Call> =
        corpus::targets(route, &valid.target).into_iter().map(|target| valid.clone().to(target)).collect();
    calls.extend(corpus::headers().into_iter().map(|(name, value)| valid.clone().header(name, value)));
    calls.extend(
        corpus::repeated()
            .into_iter()
            .map(|(name, value)| valid.clone().header(name, value.clone()).header(name, value)),
    );
    if takes_body(route) {
        let bodies = corpus::bodies(route.described.body.as_ref(), &recipe.body(subject), &valid.body);
        calls.extend(bodies.into_iter().map(|body| valid.clone().text(body)));
    }
    for _ in 0..MUTATIONS {
        calls.push(corpus::mutated(&valid, random));
    }
    calls
}

async fn send_all(case: &mut Case, id: &str, role: Option<Role>, calls: Vec<Call>) {
    let mut told: HashMap<String, u32> = HashMap::new();
    let mut more = 0;
    for call in calls {
        let talk = case.send(call.role(role)).await;
        let fault = talk.fault();
        if let Some(fault) = &fault {
            let times = told.entry(fault.clone()).or_default();
            *times += 1;
            if *times > TOLD {
                more += 1;
                continue;
            }
        }
        case.expect(&talk, &format!("{id} answers anything by itself."), |_| fault.map_or(Ok(()), Err));
    }
    if more > 0 {
        case.warn(format!("{id}: {more} more requests failed in the same ways"));
    }
}
