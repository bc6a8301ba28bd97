//! Carries out the attacks on a server that runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use boxoffice::clock::Stopwatch;
use boxoffice::wasm::Cause;
use futures_util::future::join_all;
use serde_json::Value;

use super::catalogue::{Attack, Expected, Source, attacks};
use super::innocents::{ask, send};
use super::program::{Log, Program, rss};
use super::{Outcome, Plan, from_text};
use crate::client::{Answer, Call};
use crate::unruly_rules;

/// How long memory may take to come back, and the log to be written.
const SETTLE: Duration = Duration::from_secs(5);
/// Lines that one request may leave in the log: the module's own, how many were dropped, why it failed, the access log's.
const MAX_LINES: usize = 64 + 3;
/// Bytes of one line of the log.
const MAX_LINE: usize = 64 * 1024;

/// Carries out all attacks that are wanted; each module has one server, on which they come one after the other.
pub(super) async fn carry_out(plan: &Plan, tell: &mut impl FnMut(Outcome)) {
    let wanted: Vec<_> = attacks().into_iter().filter(|attack| plan.wants(attack.name)).collect();
    for group in wanted.chunk_by(|one, other| one.source == other.source) {
        let rules = match group[0].source {
            Source::Unruly => std::fs::read(unruly_rules()).expect("the module was built with the tests"),
            Source::Text(name) => from_text(name),
        };
        let mut outcomes = on_one_server(plan, &rules, group).await;
        let last = outcomes.pop();
        outcomes.into_iter().chain(last).for_each(&mut *tell);
    }
}

/// The outcomes on one server; what is found when it ends is told with the last.
async fn on_one_server(plan: &Plan, rules: &[u8], group: &[Attack]) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let mut program = match Program::start(plan, rules) {
        Ok(program) => program,
        Err(error) => {
            let outcome = |attack: &Attack| Outcome {
                attack: attack.name.to_owned(),
                faults: vec![error.clone()],
                ..Outcome::default()
            };
            return group.iter().map(outcome).collect();
        }
    };
    // Warm, so that what is measured afterwards is the attack's.
    ask(program.address, group[0].innocent, Arc::new(AtomicBool::new(true))).await;
    for attack in group {
        outcomes.push(one(plan, &mut program, attack).await);
    }
    let at_the_end = program.stop();
    if let Some(last) = outcomes.last_mut() {
        last.faults.extend(at_the_end);
    }
    outcomes
}

async fn one(plan: &Plan, program: &mut Program, attack: &Attack) -> Outcome {
    let watch = Stopwatch::start();
    let mut outcome = Outcome { attack: attack.name.to_owned(), attackers: attack.at_once, ..Outcome::default() };
    let before = rss(program.id());
    let counted = match attack.expected {
        Expected::Failure(causes, _) => counts(program, causes).await,
        Expected::Answer(..) => 0,
    };
    let over = Arc::new(AtomicBool::new(false));
    let innocents = tokio::spawn(ask(program.address, attack.innocent, Arc::clone(&over)));
    let peak = tokio::spawn(peak(program.id(), Arc::clone(&over)));
    let ids: Vec<_> = (0..attack.at_once).map(|n| format!("{:x}-{n}", name_digest(attack.name))).collect();
    let call = |id: &String| {
        let call = Call::new(program.address, attack.method, attack.path).header("x-request-id", id);
        if attack.role.is_empty() { call } else { call.role(attack.role) }
    };
    let answers = join_all(ids.iter().map(|id| send(call(id)))).await;
    let recovering = Stopwatch::start();
    let next = send(Call::new(program.address, "GET", attack.innocent)).await;
    outcome.recovery = Some(recovering.elapsed());
    over.store(true, Ordering::Release);
    if next.as_ref().is_ok_and(|next| next.status != 200) || next.is_err() {
        outcome.fault(format!("the next request was not served: {next:?}"));
    }
    let served = innocents.await.unwrap_or_default();
    outcome.rss_peak = peak.await.ok().map(|peak| peak - before);
    outcome.innocents = served.took.len();
    outcome.p99 = Some(served.p99());
    if let Some(refused) = served.refused.first() {
        let (count, all) = (served.refused.len(), served.refused.len() + served.took.len());
        outcome.fault(format!("{count} of {all} innocent requests were not served, for example: {refused}"));
    }
    if served.p99() > plan.p99 {
        outcome.fault(format!("the innocents' p99 is {:?}, more than {:?}", served.p99(), plan.p99));
    }
    settle(|| rss(program.id()) - before <= plan.kept).await;
    let delta = rss(program.id()) - before;
    outcome.rss_delta = Some(delta);
    if delta > plan.kept {
        outcome.fault(format!("{delta} bytes of memory did not come back"));
    }
    check_answers(&mut outcome, attack, &answers);
    check_log(&mut outcome, attack, program.log(), &ids).await;
    if let Expected::Failure(causes, _) = attack.expected {
        let told = counts(program, causes).await - counted;
        if told != attack.at_once as u64 {
            outcome.fault(format!("the metrics count {told} failures of this cause, not {}", attack.at_once));
        }
    }
    if !program.is_alive() {
        outcome.fault("the program has ended");
    }
    outcome.took = Some(watch.elapsed());
    outcome
}

/// A request's id must not contain what the client must not be told, as a name might.
fn name_digest(name: &str) -> u32 {
    name.bytes().fold(5381, |digest: u32, byte| digest.wrapping_mul(33) ^ u32::from(byte))
}

async fn counts(program: &Program, causes: &[Cause]) -> u64 {
    let mut sum = 0;
    for cause in causes {
        sum += program.failures(cause.name()).await;
    }
    sum
}

/// The most memory that is resident until `over`.
async fn peak(process: u32, over: Arc<AtomicBool>) -> i64 {
    let mut most = 0;
    while !over.load(Ordering::Acquire) {
        most = most.max(rss(process));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    most
}

/// Waits until `holds`, for a while.
async fn settle(mut holds: impl FnMut() -> bool) {
    let watch = Stopwatch::start();
    while !holds() && watch.elapsed() < SETTLE {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn check_answers(outcome: &mut Outcome, attack: &Attack, answers: &[Result<Answer, String>]) {
    let mut told: Vec<_> = answers
        .iter()
        .map(|answer| match answer {
            Ok(answer) => format!("{} {}", answer.status, answer.code()).trim_end().to_owned(),
            Err(error) => error.clone(),
        })
        .collect();
    told.sort_unstable();
    told.dedup();
    outcome.answer = told.join(", ");
    for answer in answers {
        let as_promised = match (answer, attack.expected) {
            (Err(_), _) => false,
            (Ok(answer), Expected::Answer(status, text)) => answer.status == status && answer.text.contains(text),
            (Ok(answer), Expected::Failure(causes, text)) => {
                // A client learns the code, and nothing of the inside.
                let inside = text.len() > 3 && answer.text.contains(text);
                causes.iter().any(|cause| promised(*cause) == (answer.status, answer.code())) && !inside
            }
        };
        if !as_promised {
            outcome.fault(format!("an attacker was told: {:?}", answer.as_ref().map(|answer| &answer.text)));
            return;
        }
    }
}

/// What a client is told, by cause: the contract.
const fn promised(cause: Cause) -> (u16, &'static str) {
    match cause {
        Cause::CpuBudget | Cause::WallClock => (504, "rules_timeout"),
        Cause::NoInstance => (503, "overloaded"),
        Cause::Trap | Cause::MemoryLimit | Cause::HostCallQuota | Cause::BadResponse => (500, "rules_failed"),
    }
}

/// Every failed attacker has one line that says why, with its module; nobody has more lines, or longer ones, than a request may have.
async fn check_log(outcome: &mut Outcome, attack: &Attack, log: &Log, ids: &[String]) {
    let of = |line: &Value| line["request_id"].as_str().is_some_and(|id| ids.iter().any(|known| known == id));
    settle(|| log.lines(|line| line["message"] == "request" && of(line)).len() == ids.len()).await;
    let lines = log.lines(of);
    if lines.iter().filter(|line| line["message"] == "request").count() != ids.len() {
        outcome.fault("not every attacker has a line in the access log");
    }
    if lines.len() > ids.len() * MAX_LINES {
        outcome.fault(format!("{} attackers left {} lines in the log", ids.len(), lines.len()));
    }
    if let Some(long) = lines.iter().map(|line| line.to_string().len()).find(|bytes| *bytes > MAX_LINE) {
        outcome.fault(format!("a line of the log has {long} bytes"));
    }
    let mut causes: Vec<_> = lines.iter().filter_map(|line| line["cause"].as_str()).collect();
    let count = causes.len();
    causes.sort_unstable();
    causes.dedup();
    outcome.cause = if causes.is_empty() { "-".to_owned() } else { causes.join(", ") };
    let Expected::Failure(expected, text) = attack.expected else {
        if count > 0 {
            outcome.fault(format!("the log names a cause: {}", outcome.cause));
        }
        return;
    };
    if count != ids.len() || causes.iter().any(|cause| !expected.iter().any(|known| known.name() == *cause)) {
        outcome.fault(format!("{count} causes in the log for {} attackers: {}", ids.len(), outcome.cause));
    }
    for line in lines.iter().filter(|line| line["cause"].is_string()) {
        if !line.to_string().contains(text) || line["module"].as_str().is_none_or(str::is_empty) {
            outcome.fault(format!("the log does not say {text:?}, or not of which module: {line}"));
            return;
        }
    }
}
