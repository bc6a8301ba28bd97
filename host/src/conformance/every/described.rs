//! Whether answers are as the manifest describes them.

use std::collections::{HashMap, HashSet};

use jsonschema::Validator;
use serde_json::Value;

use super::super::bench::Talk;
use super::super::case::{Case, essence};
use super::super::schema;
use crate::seen::Came;
use crate::wasm::{DescribedAnswer, Route};

/// The schemas of a route's answers, compiled when they are first needed.
type Compiled = HashMap<(String, usize), Option<Validator>>;

pub(super) fn fits(case: &mut Case) {
    let suite = case.suite.clone();
    let (talks, _) = suite.said();
    let mut compiled = Compiled::new();
    let mut told = HashSet::new();
    for route in suite.module.manifest.routes.iter().filter(|route| route.described.answers.is_empty()) {
        case.skip(format!("{}: the manifest describes none of its answers", route.id));
    }
    for talk in &talks {
        let Some(seen) = &talk.seen else { continue };
        // What the host answers by itself is the host's to describe.
        let (Some(id), Some(_), Came::Answer(_)) = (&seen.route, &seen.ran, &seen.came) else { continue };
        let route = suite.module.manifest.routes.iter().find(|route| route.id == *id);
        let Some(route) = route.filter(|route| !route.described.answers.is_empty()) else { continue };
        let held = fit(case, route, talk, &mut compiled);
        // The same fault of the same route is told once.
        if held.as_ref().is_err_and(|why| !told.insert((id.clone(), why.clone()))) {
            continue;
        }
        case.expect(talk, &format!("{id} answers as its manifest says."), |_| held);
    }
}

fn fit(case: &mut Case, route: &Route, talk: &Talk, compiled: &mut Compiled) -> Result<(), String> {
    let Ok(answer) = &talk.answer else { return Ok(()) };
    let of_status = |described: &&DescribedAnswer| described.status.as_u16() == answer.status;
    let described: Vec<_> = route.described.answers.iter().filter(of_status).collect();
    if described.is_empty() {
        return Err(format!("the manifest describes no answer with status {}", answer.status));
    }
    let found = essence(talk.header("content-type"));
    let same_type =
        |described: &&&DescribedAnswer| described.content_type.as_deref().map(essence).unwrap_or_default() == found;
    let described: Vec<_> = described.iter().filter(same_type).collect();
    if described.is_empty() {
        return Err(format!("the manifest describes no answer {} of type {found:?}", answer.status));
    }
    // A schema says what JSON is; of a text or a table it is for readers.
    if !is_json(&found) {
        return Ok(());
    }
    let Ok(json) = serde_json::from_slice(&answer.body) else {
        return Err(format!("the body of the answer {} is not JSON", answer.status));
    };
    // It may be any of those that are described.
    let mut last = Ok(());
    for described in described {
        last = fits_schema(case, route, described, &json, compiled);
        if last.is_ok() {
            break;
        }
    }
    last
}

/// Whether it is JSON, of whatever kind.
fn is_json(essence: &str) -> bool {
    essence == "application/json" || essence.ends_with("+json")
}

fn fits_schema(
    case: &mut Case,
    route: &Route,
    described: &DescribedAnswer,
    json: &Value,
    compiled: &mut Compiled,
) -> Result<(), String> {
    let status = described.status.as_u16();
    let Some(schema) = &described.schema else { return Ok(()) };
    let place = route.described.answers.iter().position(|other| std::ptr::eq(other, described)).unwrap_or(0);
    let validator = compiled.entry((route.id.clone(), place)).or_insert_with(|| schema::validator(schema));
    let Some(validator) = validator else {
        case.skip(format!("{}: the schema of its answer {} is too large to be looked at", route.id, status));
        return Ok(());
    };
    validator.validate(json).map_err(|error| {
        let what: String = error.to_string().chars().take(200).collect();
        format!(
            "the body of the answer {} is not as its schema says, at {:?}: {what}",
            status,
            error.instance_path().to_string()
        )
    })
}
