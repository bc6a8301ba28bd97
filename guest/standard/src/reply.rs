//! Answers with a body of JSON.

use serde::Serialize;

use crate::handler::Response;
use crate::problem::Problem;

/// The media type of what was asked for.
pub(crate) const JSON: &str = "application/json";
/// The media type of refusals.
pub(crate) const PROBLEM: &str = "application/problem+json";
/// For events: may be kept, but has to be asked about each time.
pub(crate) const REVALIDATE: (&str, &str) = ("cache-control", "no-cache");
/// For tickets: they are personal.
pub(crate) const PRIVATE: (&str, &str) = ("cache-control", "no-store");

/// An answer, or the refusal that takes its place.
pub(crate) type Answer = Result<Response, Problem>;

/// An answer with a body; its content type comes first, then `more`.
pub(crate) fn json<const N: usize>(status: u16, body: &impl Serialize, more: [(&str, &str); N]) -> Answer {
    let body = serde_json::to_vec(body).map_err(|error| Problem::failed(format_args!("No answer: {error}")))?;
    let mut all = Vec::with_capacity(N + 1);
    all.push(("content-type".to_owned(), JSON.to_owned()));
    all.extend(headers(more));
    Ok(Response { status, headers: all, body })
}

/// Headers as the contract has them.
pub(crate) fn headers<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
