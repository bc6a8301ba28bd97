//! What somebody may do who lacks a role.

use super::super::bench::{Stop, Talk};
use super::super::case::Case;
use super::super::recipe::Recipe;
use crate::domain::Role;
use crate::wasm::Exchange;

pub(super) async fn hold(case: &mut Case) -> Result<(), Stop> {
    let suite = case.suite.clone();
    for recipe in &suite.recipes.known {
        for role in [None, Some(Role::User), Some(Role::Organizer), Some(Role::Admin)] {
            let subject = case.bench.subject(100).await?;
            let talk = case.send(recipe.call(&subject).role(role)).await;
            judge(case, &talk, recipe, role);
        }
        let subject = case.bench.subject(100).await?;
        let talk = case.send(recipe.call(&subject).header("x-role", "root")).await;
        judge(case, &talk, recipe, None);
    }
    for id in suite.recipes.unreached.iter().map(|(id, _)| id).chain(&suite.recipes.unmade) {
        case.skip(format!("{id}: it was not reached"));
    }
    Ok(())
}

fn judge(case: &mut Case, talk: &Talk, recipe: &Recipe, role: Option<Role>) {
    let id = &recipe.route().id;
    let Some(seen) = talk.seen.clone() else { return };
    let who = role.map_or("nobody", Role::name);
    let denied: Vec<&Exchange> =
        talk.exchanges().iter().filter(|exchange| exchange.is_denied(&seen.principal)).collect();
    let wrote = denied.iter().find(|exchange| exchange.writes() && !exchange.said()["answer"].is_null());
    case.expect(talk, &format!("{who} changes nothing through {id} without the permission."), |_| match wrote {
        Some(exchange) => Err(format!("{} wrote", exchange.function())),
        None => Ok(()),
    });
    // A module that asked the host for nothing may say yes all the same: what a success takes is known.
    let refused = denied.iter().find(|exchange| exchange.writes()).map(|exchange| exchange.function());
    let needs = recipe.reached.iter().filter(|exchange| exchange.writes());
    let lacks = needs.filter(|exchange| exchange.is_denied(&seen.principal)).map(Exchange::function).next();
    case.expect(
        talk,
        &format!("{who} is not answered with success by {id} where a success changes what {who} may not."),
        |talk| match refused.or(lacks) {
            Some(function) if talk.is_success() => Err(format!("{function} is not for {who}")),
            _ => Ok(()),
        },
    );
    // An answer may leave out what its caller may not see; or it was meant for others.
    if talk.is_success()
        && let Some(read) = denied.iter().find(|exchange| !exchange.writes())
    {
        case.warn(format!(
            "{id} answers {who} with success though {} was denied: see that it leaves that out",
            read.function()
        ));
    }
}
