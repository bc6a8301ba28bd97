//! Refusals, and how they look: RFC 9457 problems, unless the rules say otherwise.

use schemars::JsonSchema;
use serde::Serialize;
use std::borrow::Cow;
use std::fmt;

use crate::code::Code;
use crate::context::Context;
use crate::host::Level;
use crate::output;
use crate::request::Response;
use crate::schema;

/// Faults that one refusal lists: enough to work with, too few to make an answer large.
const FAULTS_MAX: usize = 32;

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(description = "One thing that is wrong with a request.")]
pub struct Fault {
    /// A JSON Pointer to the field, parameter or header; empty for the whole body.
    pub pointer: String,
    /// What is wrong and what would be right.
    pub detail: Cow<'static, str>,
}

impl Fault {
    /// A fault: a JSON Pointer to what is wrong, for example `/email`, and what would be right.
    #[must_use]
    pub fn new(pointer: impl Into<String>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

/// All that is wrong with a request, while it is read: at most 32 faults.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Adds one, unless there are plenty.
    pub fn add(&mut self, pointer: impl Into<String>, detail: impl Into<Cow<'static, str>>) {
        if self.0.len() < FAULTS_MAX {
            self.0.push(Fault::new(pointer, detail));
        }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Refuses, if something is wrong.
    pub fn check(self) -> Result<(), Refusal> {
        if self.is_empty() { Ok(()) } else { Err(self.into_refusal()) }
    }

    /// The refusal that these make; there is at least one.
    pub(crate) fn into_refusal(self) -> Refusal {
        Refusal { faults: self.0, ..Refusal::from(Code::INVALID_REQUEST) }
    }
}

/// A refusal on its way to the caller: a code, what is special about it this time, and the faults of the request, if those are why.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    code: Code,
    detail: Cow<'static, str>,
    faults: Vec<Fault>,
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self { code, detail: code.advice().into(), faults: Vec::new() }
    }
}

impl Refusal {
    /// The same, with what is special about it this time, and what to do.
    #[must_use]
    pub fn because(self, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    /// One thing is wrong with the request: a JSON Pointer to it, and what would be right.
    #[must_use]
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::invalid_all([Fault::new(pointer, detail)])
    }

    /// These things are wrong with the request. At most 32 are kept.
    #[must_use]
    pub fn invalid_all(faults: impl IntoIterator<Item = Fault>) -> Self {
        Faults(faults.into_iter().take(FAULTS_MAX).collect()).into_refusal()
    }

    /// The host refused for a reason that has no name here; its text says which.
    #[must_use]
    pub fn other(text: String) -> Self {
        if text.is_empty() { Code::REFUSED.into() } else { Code::REFUSED.because(text) }
    }

    /// Something happened that must not: the host gave what it promised not to give, or the rules are wrong. A 500, with a sentence
    /// that says what, without its full stop.
    #[must_use]
    pub fn failed(why: impl fmt::Display) -> Self {
        Code::RULES_FAILED.because(format!("{why}. {}", Code::RULES_FAILED.advice()))
    }

    /// The caller is an organizer, and the event is not theirs.
    #[must_use]
    pub fn of_another_organizer() -> Self {
        Code::FORBIDDEN
            .because("Only the organizer who created the event, or an admin, may do this; call with their credential.")
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// What happened this time, and what to do about it.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What is wrong with the request, where that is the reason.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

/// What the body of a refusal looks like: a type that is made of one. [`Problem`] is the standard one.
pub trait RefusalBody: Serialize + JsonSchema {
    /// The media type of it as JSON.
    const CONTENT_TYPE: &'static str = output::JSON;

    /// The body for this refusal.
    fn new(refusal: Refusal, cx: &Context<'_>) -> Self;
}

/// How the refusals of a module look: how they are written, and their schema, both from one [`RefusalBody`].
#[derive(Clone, Copy)]
pub struct RefusalShape {
    pub(crate) content_type: &'static str,
    pub(crate) schema: fn() -> String,
    write: fn(Refusal, &Context<'_>) -> Result<Vec<u8>, serde_json::Error>,
}

impl RefusalShape {
    /// Refusals look like a `T`.
    #[must_use]
    pub fn of<T: RefusalBody>() -> Self {
        Self {
            content_type: T::CONTENT_TYPE,
            schema: schema::written::<T>,
            write: |refusal, cx| serde_json::to_vec(&T::new(refusal, cx)),
        }
    }

    pub(crate) fn answer(self, refusal: Refusal, cx: &Context<'_>) -> Response {
        let code = refusal.code;
        let answer = |content_type, body| {
            let headers = output::headers([("content-type", content_type), output::PRIVATE]);
            Response { status: code.status(), headers, body }
        };
        match (self.write)(refusal.clone(), cx) {
            Ok(body) => answer(self.content_type, body),
            Err(error) => {
                // The caller is still told why; what the rules wanted to say is the operator's to hear.
                let why = error.to_string();
                cx.log(Level::Error, "A refusal cannot be written as its RefusalBody", &[("why", &why)]);
                // Texts and numbers cannot fail to become JSON; should they, an empty body still carries the status.
                let body = serde_json::to_vec(&Problem::new(refusal, cx)).unwrap_or_default();
                answer(Problem::CONTENT_TYPE, body)
            }
        }
    }
}

/// A refusal, as RFC 9457 has it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(description = "A refusal, as RFC 9457 has it.")]
pub struct Problem {
    /// A URN that ends in the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same for every problem of this code.
    pub title: &'static str,
    #[allow(missing_docs, reason = "a line here would be one in the API's description")]
    pub status: u16,
    /// What happened this time, and what to do about it.
    pub detail: Cow<'static, str>,
    /// The name of the refusal.
    pub code: &'static str,
    #[allow(missing_docs, reason = "as above")]
    pub request_id: String,
    /// All that is wrong with the request, where that is the problem.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
}

impl RefusalBody for Problem {
    const CONTENT_TYPE: &'static str = "application/problem+json";

    fn new(refusal: Refusal, cx: &Context<'_>) -> Self {
        let code = refusal.code;
        Self {
            kind: format!("urn:boxoffice:problem:{}", code.name()),
            title: code.title(),
            status: code.status(),
            detail: refusal.detail,
            code: code.name(),
            request_id: cx.request_id().to_owned(),
            errors: refusal.faults,
        }
    }
}
