//! Whether each route can be reached at all.

use super::super::bench::Stop;
use super::super::case::Case;

pub(super) async fn answer(case: &mut Case) -> Result<(), Stop> {
    let suite = case.suite.clone();
    let reached = if suite.recipes.known.is_empty() {
        Err("none did, whoever asked, for whatever can be made from its schemas".to_owned())
    } else {
        Ok(())
    };
    case.judge(None, "One route at least answers a request with success.", reached);
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
                let expected = format!("The route {id} answers a request made from its schemas.");
                case.judge(Some(&talk.call), &expected, Err(fault));
            }
            None => case.skip(format!("{id}: no request was made that it takes; {} {}", talk.call.curl(), talk.told())),
        }
    }
    for id in &suite.recipes.unmade {
        case.skip(format!("{id}: no request can be made from its schemas; add examples to them"));
    }
    Ok(())
}
