//! Whether each route can be reached at all.

use super::super::bench::Stop;
use super::super::case::Case;

pub(super) async fn answer(case: &mut Case) -> Result<(), Stop> {
    let suite = case.suite.clone();
    for recipe in &suite.recipes.known {
        let subject = case.bench.subject(100).await?;
        let talk = case.send(recipe.call(&subject).role(recipe.role)).await;
        let id = &recipe.route().id;
        case.expect(&talk, &format!("The route {id} answers a valid request with success, each time."), |talk| {
            if talk.is_success() { Ok(()) } else { Err("it did so before, for another event and email".to_owned()) }
        });
    }
    for (id, talk) in &suite.recipes.unreached {
        match talk.fault() {
            Some(fault) => {
                let held = Err(format!("{fault}; {}", talk.told()));
                case.judge(Some(&talk.call), &format!("The route {id} answers a request made from its schemas."), held);
            }
            None => case.skip(format!("{id}: no request was made that it takes; {} {}", talk.call.curl(), talk.told())),
        }
    }
    for id in &suite.recipes.unmade {
        case.skip(format!("{id}: no request can be made from its schemas; add examples to them"));
    }
    Ok(())
}
