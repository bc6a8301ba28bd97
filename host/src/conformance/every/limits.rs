//! What the largest requests and answers use.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;

use super::super::Suite;
use super::super::bench::{Stop, Subject, Talk};
use super::super::case::Case;
use super::super::recipe::{Recipe, escape, takes_body};
use super::super::schema;
use crate::domain::{MAX_PAGE, NewEvent};
use crate::http::body_limit;
use crate::seen::{Came, Ran, Used};
use crate::wasm::{Cause, Exchange};

/// Bytes of the attributes of a large event: at their limit, as JSON.
const ATTRIBUTES: usize = 8 * 1024 - 8;
/// Events and tickets that come on top of a full page, to see what they cost.
const MORE_ROWS: usize = 1_000;
/// Host calls and bytes of them that may be more then, beyond twice as many: of a page more or less.
const MORE_CALLS: u32 = 2;
const MORE_BYTES: usize = 256 * 1024;

/// What a route used at the most, of all that was asked of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Usage {
    pub(crate) route: String,
    pub(crate) runs: u64,
    /// CPU time, in microseconds.
    pub(crate) cpu_us: u64,
    pub(crate) memory_bytes: usize,
    pub(crate) host_calls: u32,
    pub(crate) host_bytes: usize,
    pub(crate) answer_bytes: usize,
}

impl Usage {
    fn add(&mut self, ran: &Ran, came: &Came) {
        let used = &ran.used;
        self.runs += 1;
        self.cpu_us = self.cpu_us.max(ran.guest_micros);
        self.memory_bytes = self.memory_bytes.max(used.memory_bytes);
        self.host_calls = self.host_calls.max(used.host_calls);
        self.host_bytes = self.host_bytes.max(used.host_bytes);
        self.answer_bytes = self.answer_bytes.max(came.body().len());
    }
}

/// What each route used, by its id.
pub(crate) fn usage(talks: &[Arc<Talk>]) -> Vec<Usage> {
    let mut routes: BTreeMap<String, Usage> = BTreeMap::new();
    for talk in talks {
        let Some(seen) = &talk.seen else { continue };
        let (Some(route), Some(ran)) = (&seen.route, &seen.ran) else { continue };
        let known = routes.entry(route.clone()).or_insert_with(|| Usage { route: route.clone(), ..Usage::default() });
        known.add(ran, &seen.came);
    }
    routes.into_values().collect()
}

pub(super) async fn hold(case: &mut Case) -> Result<(), Stop> {
    let suite = Arc::clone(&case.suite);
    let subject = crowd(case).await?;
    for recipe in &suite.recipes.known {
        for call in large(&suite, recipe, &subject) {
            let talk = case.send(call.role(recipe.role)).await;
            let id = &recipe.route().id;
            case.expect(
                &talk,
                &format!("{id} stays within its limits where requests and pages are largest."),
                |talk| talk.fault().map_or(Ok(()), Err),
            );
        }
    }
    growth(case, &subject).await?;
    for (id, _) in &suite.recipes.unreached {
        case.skip(format!("{id}: it was not reached"));
    }
    let (talks, dropped) = suite.said();
    if dropped > 0 {
        case.warn(format!("{dropped} requests were too many to be kept, and are not looked at here"));
    }
    over(case, &talks);
    close(case, &usage(&talks));
    Ok(())
}

/// Many more rows are to cost a reader of pages nothing: what reads all of them works today and fails in a year.
async fn growth(case: &mut Case, subject: &Subject) -> Result<(), Stop> {
    let suite = Arc::clone(&case.suite);
    let readers = |recipe: &&Recipe| !recipe.reached.iter().any(Exchange::writes);
    let mut before = Vec::new();
    for recipe in suite.recipes.known.iter().filter(readers) {
        let talk = case.send(recipe.call(subject).role(recipe.role)).await;
        before.push((recipe, cost(&talk)));
    }
    case.bench.more_rows(subject, MORE_ROWS).await?;
    for (recipe, few) in before {
        let talk = case.send(recipe.call(subject).role(recipe.role)).await;
        let Some(few) = few else { continue };
        let many = cost(&talk);
        let id = &recipe.route().id;
        let expected = format!("{id} asks the host for no more when there are {MORE_ROWS} more events and tickets.");
        case.expect(&talk, &expected, |talk| {
            // What used up a limit now has cost more too.
            let Some(many) = many else { return talk.fault().map_or(Ok(()), Err) };
            let (calls, bytes) = (few.host_calls * 2 + MORE_CALLS, few.host_bytes * 2 + MORE_BYTES);
            if many.host_calls <= calls && many.host_bytes <= bytes {
                return Ok(());
            }
            Err(format!(
                "{} host calls of {} bytes became {} of {}",
                few.host_calls, few.host_bytes, many.host_calls, many.host_bytes
            ))
        });
    }
    Ok(())
}

/// What a success has used.
fn cost(talk: &Talk) -> Option<Used> {
    let ran = talk.seen.as_ref().and_then(|seen| seen.ran.as_ref());
    ran.filter(|_| talk.is_success()).map(|ran| ran.used)
}

/// An event with a full page of tickets, and a full page of events as large as they may be.
async fn crowd(case: &mut Case) -> Result<Subject, Stop> {
    let attributes = json!({"a": "x".repeat(ATTRIBUTES)}).to_string();
    for _ in 0..MAX_PAGE {
        let new = NewEvent {
            name: "N".repeat(200),
            capacity: 10,
            starts_at: Some(case.bench.now()),
            tags: (0..16).map(|n| format!("{n:064}")).collect(),
            attributes: attributes.clone(),
        };
        let _ = case.bench.event_like(new).await?;
    }
    let subject = case.bench.subject(1_000_000).await?;
    for n in 0..MAX_PAGE {
        let email = format!("{}{n:03}@{}.example.org", "a".repeat(60), "b".repeat(60));
        let _ = case.bench.hold(&subject.event, &email, 10).await?;
    }
    Ok(subject)
}

/// Large requests to a route: a full page, and bodies at its limit.
fn large(suite: &Suite, recipe: &Recipe, subject: &Subject) -> Vec<super::super::client::Call> {
    let (route, valid) = (recipe.route(), recipe.call(subject));
    let mut calls = Vec::new();
    let known = schema::parameters(route.described.query.as_ref());
    for (name, _) in known.iter().filter(|(name, _)| matches!(*name, "limit" | "per_page" | "page_size" | "size")) {
        calls.push(valid.clone().to(with_parameter(&valid.target, name, &MAX_PAGE.to_string())));
    }
    if calls.is_empty() {
        calls.push(valid.clone());
    }
    if takes_body(route) {
        let most = body_limit(route, suite.settings.max_body.0);
        let room = most.saturating_sub(16);
        let blanks = [&valid.body[..], &vec![b' '; most.saturating_sub(valid.body.len())][..]].concat();
        calls.extend([
            valid.clone().text(blanks),
            valid.clone().text(format!("{{\"a\":\"{}\"}}", "x".repeat(room))),
            valid.clone().text(format!("{{\"a\":[{}0]}}", "0,".repeat(room / 2))),
            valid.clone().text(Bytes::from(format!("[{}1{}]", "{\"a\":[".repeat(room / 16), "]}".repeat(room / 16)))),
        ]);
    }
    calls
}

/// The target with this parameter, in place of those of its name.
fn with_parameter(target: &str, name: &str, value: &str) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let name = escape(name);
    let others = query.split('&').filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(&name));
    let pairs: Vec<_> = others.map(str::to_owned).chain([format!("{name}={value}")]).collect();
    format!("{path}?{}", pairs.join("&"))
}

/// Runs that ended because they had used up a limit, in whichever check.
fn over(case: &mut Case, talks: &[Arc<Talk>]) {
    let of_limits = [Cause::CpuBudget, Cause::WallClock, Cause::MemoryLimit, Cause::HostCallQuota, Cause::BadResponse];
    for talk in talks {
        let Some(Came::Failed(failure)) = talk.seen.as_ref().map(|seen| &seen.came) else { continue };
        if of_limits.contains(&failure.cause) {
            case.expect(talk, "No request uses up a limit.", |_| Err(failure.to_string()));
        }
    }
}

/// Over half of a limit is close to it.
fn close(case: &mut Case, usage: &[Usage]) {
    let limits = case.suite.settings.limits.limits();
    let cpu = u64::try_from(limits.cpu.as_micros()).unwrap_or(u64::MAX);
    for used in usage {
        let amounts = [
            ("CPU time (us)", used.cpu_us, cpu, "--rules-cpu"),
            ("memory (bytes)", used.memory_bytes as u64, limits.memory as u64, "--rules-memory"),
            ("host calls", u64::from(used.host_calls), u64::from(limits.host_calls), "--rules-host-calls"),
            ("bytes of host calls", used.host_bytes as u64, limits.host_bytes as u64, "--rules-host-bytes"),
            ("bytes of an answer", used.answer_bytes as u64, limits.answer_bytes as u64, "--rules-answer-bytes"),
        ];
        for (what, amount, limit, flag) in amounts {
            if amount > limit / 2 {
                case.warn(format!("{}: {what}: {amount} of {limit} ({flag})", used.route));
            }
        }
    }
}
