//! The envelope that every answer of the module comes in, refusals too.

use boxoffice_sdk::{Context, Fault, Refusal, RefusalBody};
use schemars::JsonSchema;
use serde::Serialize;

/// An answer: whether it went well, what to tell a person, and the rest for programs.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Envelope<T> {
    success: bool,
    /// For a person.
    message: String,
    data: T,
}

impl<T> Envelope<T> {
    /// What went well, and what came of it.
    pub(crate) fn new(message: &str, data: T) -> Self {
        Self { success: true, message: message.to_owned(), data }
    }
}

/// Why a request was refused.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Refused {
    /// The name of the refusal.
    code: &'static str,
    /// For the operator.
    request_id: String,
    /// All that is wrong with the request, where that is the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault>,
}

impl RefusalBody for Envelope<Refused> {
    fn new(refusal: Refusal, cx: &Context<'_>) -> Self {
        let code = refusal.code().name();
        let data = Refused { code, request_id: cx.request_id().to_owned(), errors: refusal.faults().to_vec() };
        Self { success: false, message: refusal.detail().to_owned(), data }
    }
}
