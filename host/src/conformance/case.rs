//! One check while it runs, and what came of it.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;

use super::Suite;
use super::bench::{Bench, Said, Stop, Talk};
use super::client::Call;
use crate::domain::Role;

/// Failures that are told of one check; more are counted.
const MAX_FAILURES: usize = 8;
/// Reasons to skip and warnings that are told of one check.
const MAX_NOTES: usize = 32;
/// Most bytes of an answer's body that are shown.
const MAX_SHOWN: usize = 400;

/// What a check does. It runs in a host of its own.
pub(super) type Run = for<'a> fn(&'a mut Case) -> BoxFuture<'a, Result<(), Stop>>;

/// One promise, and how it is tried.
pub(super) struct Check {
    /// Names it: for `--only`, scripts and tests.
    pub(super) id: &'static str,
    /// What it belongs to, in a line.
    pub(super) group: &'static str,
    /// What is promised, in a sentence.
    pub(super) promise: &'static str,
    /// What an author does who breaks it.
    pub(super) advice: &'static str,
    pub(super) run: Run,
}

/// One thing that was not as promised.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Broken {
    /// The request, as a command line; empty where it is not one alone.
    pub(crate) request: String,
    /// What should have been, in a sentence.
    pub(crate) expected: String,
    /// What was.
    pub(crate) seen: String,
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    Passed,
    Failed,
    /// Nothing of it could be tried.
    Skipped,
}

/// A check that has run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Verdict {
    pub(crate) id: &'static str,
    pub(crate) group: &'static str,
    pub(crate) promise: &'static str,
    pub(crate) outcome: Outcome,
    /// What was looked at.
    pub(crate) cases: u32,
    /// The first few.
    pub(crate) failures: Vec<Broken>,
    /// All of them.
    pub(crate) failed: u32,
    /// What could not be tried, and why.
    pub(crate) skipped: Vec<String>,
    pub(crate) warnings: Vec<String>,
    /// What to do about its failures.
    pub(crate) advice: &'static str,
}

impl Verdict {
    fn of(check: &Check) -> Self {
        Self {
            id: check.id,
            group: check.group,
            promise: check.promise,
            outcome: Outcome::Skipped,
            cases: 0,
            failures: Vec::new(),
            failed: 0,
            skipped: Vec::new(),
            warnings: Vec::new(),
            advice: check.advice,
        }
    }
}

/// A check while it runs.
pub(super) struct Case {
    pub(super) suite: Arc<Suite>,
    pub(super) bench: Bench,
    verdict: Verdict,
}

impl Case {
    pub(super) fn new(suite: Arc<Suite>, bench: Bench, check: &Check) -> Self {
        Self { suite, bench, verdict: Verdict::of(check) }
    }

    /// It is over: all that was said, and what came of it.
    pub(super) async fn end(mut self, ended: Result<(), Stop>) -> (Said, Verdict) {
        if let Err(Stop(why)) = ended {
            self.failed(String::new(), "The throw-away host does what the check needs.".to_owned(), why);
        }
        let verdict = &mut self.verdict;
        verdict.outcome = match (verdict.failed, verdict.cases) {
            (0, 0) => Outcome::Skipped,
            (0, _) => Outcome::Passed,
            _ => Outcome::Failed,
        };
        if verdict.outcome == Outcome::Skipped && verdict.skipped.is_empty() {
            verdict.skipped.push("there was nothing to look at".to_owned());
        }
        (self.bench.stop().await, self.verdict)
    }

    fn failed(&mut self, request: String, expected: String, seen: String) {
        self.verdict.failed += 1;
        if self.verdict.failures.len() < MAX_FAILURES {
            self.verdict.failures.push(Broken { request, expected, seen });
        }
    }

    /// One thing was looked at: it held, or this was seen instead of what the sentence says.
    pub(super) fn judge(&mut self, call: Option<&Call>, expected: &str, held: Result<(), String>) {
        self.verdict.cases += 1;
        if let Err(seen) = held {
            self.failed(call.map(Call::curl).unwrap_or_default(), expected.to_owned(), seen);
        }
    }

    /// Looks at one answer: the first thing that is not as the sentence has it is told, and with it the answer.
    pub(super) fn expect(&mut self, talk: &Talk, expected: &str, holds: impl FnOnce(&Talk) -> Result<(), String>) {
        let held = holds(talk).map_err(|why| {
            // Of a fault there is no more to say.
            if talk.fault().as_ref() == Some(&why) { why } else { format!("{why}; {}", talk.told()) }
        });
        self.judge(Some(&talk.call), expected, held);
    }

    /// Something could not be tried.
    pub(super) fn skip(&mut self, why: impl Into<String>) {
        note(&mut self.verdict.skipped, why.into());
    }

    /// Something holds, and is close to not holding.
    pub(super) fn warn(&mut self, what: impl Into<String>) {
        note(&mut self.verdict.warnings, what.into());
    }

    pub(super) async fn send(&mut self, call: Call) -> Talk {
        self.bench.send(call).await
    }

    pub(super) async fn as_user(&mut self, call: Call) -> Talk {
        self.bench.send(call.by(Role::User)).await
    }

    pub(super) async fn as_organizer(&mut self, call: Call) -> Talk {
        self.bench.send(call.by(Role::Organizer)).await
    }
}

fn note(notes: &mut Vec<String>, text: String) {
    if notes.len() < MAX_NOTES && !notes.contains(&text) {
        notes.push(text);
    }
}

impl Talk {
    /// What came back, in a line.
    pub(super) fn told(&self) -> String {
        let answer = match &self.answer {
            Ok(answer) => answer,
            Err(why) => return why.clone(),
        };
        let body = String::from_utf8_lossy(&answer.body);
        let shown = &body[..body.floor_char_boundary(MAX_SHOWN)];
        let more = if shown.len() < body.len() { "..." } else { "" };
        let answered = if body.is_empty() {
            format!("answered {} without a body", answer.status)
        } else {
            format!("answered {} {shown}{more}", answer.status)
        };
        self.fault().map_or(answered.clone(), |fault| format!("{fault}; {answered}"))
    }

    pub(super) fn has_status(&self, status: u16) -> Result<(), String> {
        match self.status() {
            Some(other) if other == status => Ok(()),
            Some(other) => Err(format!("the status is {other}, not {status}")),
            None => Err("there is no answer".to_owned()),
        }
    }

    /// A header's value; empty where there is none.
    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.answer.as_ref().ok().and_then(|answer| answer.headers.get(name));
        value.and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(super) fn has_header(&self, name: &str, value: &str) -> Result<(), String> {
        match self.header(name) {
            other if other == value => Ok(()),
            "" => Err(format!("the header {name} is missing, which should be {value}")),
            other => Err(format!("the header {name} is {other}, not {value}")),
        }
    }

    pub(super) fn text(&self) -> &str {
        self.answer.as_ref().ok().and_then(|answer| std::str::from_utf8(&answer.body).ok()).unwrap_or_default()
    }

    /// The value at this JSON Pointer; null where there is none.
    pub(super) fn at(&self, pointer: &str) -> &Value {
        const NONE: &Value = &Value::Null;
        self.answer.as_ref().ok().and_then(|answer| answer.json().pointer(pointer)).unwrap_or(NONE)
    }

    /// The same as text; empty where it is none.
    pub(super) fn text_at(&self, pointer: &str) -> &str {
        self.at(pointer).as_str().unwrap_or_default()
    }

    pub(super) fn has(&self, pointer: &str, value: impl Into<Value>) -> Result<(), String> {
        let (seen, wanted) = (self.at(pointer), value.into());
        if *seen == wanted { Ok(()) } else { Err(format!("{pointer} is {seen}, not {wanted}")) }
    }

    /// A success in JSON with this status.
    pub(super) fn is_json(&self, status: u16) -> Result<(), String> {
        self.has_status(status)?;
        self.has_type("application/json")
    }

    pub(super) fn has_type(&self, wanted: &str) -> Result<(), String> {
        let found = self.header("content-type");
        if essence(found) == wanted { Ok(()) } else { Err(format!("the content type is {found:?}, not {wanted}")) }
    }

    /// A refusal with this status and code.
    pub(super) fn is_problem(&self, status: u16, code: &str) -> Result<(), String> {
        self.has_status(status)?;
        self.has_type("application/problem+json")?;
        self.has("/status", status)?;
        self.has("/code", code)
    }

    /// A refusal of the request itself, which points at this.
    pub(super) fn points_at(&self, pointer: &str) -> Result<(), String> {
        self.is_problem(400, "invalid_request")?;
        let errors = self.at("/errors").as_array().map(Vec::as_slice).unwrap_or_default();
        if errors.iter().any(|error| error["pointer"] == pointer) {
            return Ok(());
        }
        Err(format!("no member of errors has the pointer {pointer:?}"))
    }
}

/// A media type without its parameters, in lower case.
pub(super) fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
