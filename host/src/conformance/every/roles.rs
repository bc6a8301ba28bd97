//! What somebody may do who lacks a role.

use super::super::bench::{Stop, Talk};
use super::super::case::Case;
use crate::domain::Role;
use crate::wasm::Exchange;

pub(super) async fn hold(case: &mut Case) -> Result<(), Stop> {
    let suite = case.suite.clone();
    for recipe in &suite.recipes.known {
        for role in [None, Some(Role::User), Some(Role::Organizer), Some(Role::Admin)] {
            let subject = case.bench.subject(100).await?;
            let talk = case.send(recipe.call(&subject).role(role)).await;
            judge(case, &talk, &recipe.route().id, role);
        }
        let subject = case.bench.subject(100).await?;
        let talk = case.send(recipe.call(&subject).header("x-role", "root")).await;
        judge(case, &talk, &recipe.route().id, None);
    }
    for id in suite.recipes.unreached.iter().map(|(id, _)| id).chain(&suite.recipes.unmade) {
        case.skip(format!("{id}: it was not reached"));
    }
    Ok(())
}

fn judge(case: &mut Case, talk: &Talk, id: &str, role: Option<Role>) {
    let Some(seen) = talk.seen.clone() else { return };
    let who = role.map_or("nobody", Role::name);
    let denied: Vec<&Exchange> =
        talk.exchanges().iter().filter(|exchange| exchange.is_denied(&seen.principal)).collect();
    let wrote = denied.iter().find(|exchange| exchange.writes() && !exchange.said()["answer"].is_null());
    case.expect(talk, &format!("{who} changes nothing through {id} without the permission."), |_| match wrote {
        Some(exchange) => Err(format!("{} wrote", exchange.function())),
        None => Ok(()),
    });
    case.expect(talk, &format!("{who} is not answered with success by {id} where the host denied it."), |talk| {
        match denied.first() {
            Some(exchange) if talk.is_success() => Err(format!("{} was denied", exchange.function())),
            _ => Ok(()),
        }
    });
}
