//! The log of what operators do: one line for each action, whatever becomes of it.

use std::net::IpAddr;

use hyper::StatusCode;

use super::answer::Trouble;
use super::route::Route;
use crate::clock::Stopwatch;
use crate::domain::ApiKeyId;
use crate::registry::Version;

/// Most characters of what somebody calls a module that are told.
const MAX_TOLD: usize = 80;
/// Most bytes of what somebody calls an API key that are told: those of an id, and of a key its beginning and its id at the most.
const MAX_KEY_TOLD: usize = 19;

/// A line in the making. It is written when it is dropped, so that an upload whose client went away has one too.
pub(super) struct Action {
    peer: IpAddr,
    request_id: String,
    /// What is done; `None`: nothing that is told, a look or a stranger.
    name: Option<&'static str>,
    module: Option<String>,
    mode: Option<String>,
    /// The API key's id, never the key.
    key: Option<String>,
    status: Option<StatusCode>,
    why: Option<String>,
    took: Stopwatch,
}

impl Action {
    pub(super) fn begin(peer: IpAddr, request_id: &str) -> Self {
        let request_id = request_id.to_owned();
        let took = Stopwatch::start();
        Self { peer, request_id, name: None, module: None, mode: None, key: None, status: None, why: None, took }
    }

    pub(super) fn peer(&self) -> IpAddr {
        self.peer
    }

    /// It is known what is wanted.
    pub(super) fn is(&mut self, route: &Route<'_>) {
        self.name = route.is_change().then(|| route.name());
        let told = |asked: &str| asked.chars().take(MAX_TOLD).flat_map(char::escape_debug).collect();
        self.module = route.module().map(told);
        // Somebody may take the key itself for its id.
        self.key = route.key().map(|id| told(id.get(..MAX_KEY_TOLD).unwrap_or(id)));
    }

    /// How a module is to serve.
    pub(super) fn mode(&mut self, mode: String) {
        self.mode = Some(mode);
    }

    /// The module is known.
    pub(super) fn module(&mut self, version: Version) {
        self.module = Some(version.into());
    }

    /// The API key is known, by its id.
    pub(super) fn key(&mut self, id: &ApiKeyId) {
        self.key = Some(id.to_string());
    }

    /// Nothing was done.
    pub(super) fn failed(&mut self, trouble: &Trouble) {
        self.why = Some(format!("{}: {}", trouble.code(), trouble.logged()));
        if self.name.is_none() && trouble.is_ours() {
            self.name = Some("look");
        }
    }

    /// There is an answer.
    pub(super) fn answered(&mut self, status: StatusCode) {
        self.status = Some(status);
    }
}

impl Drop for Action {
    fn drop(&mut self) {
        let Some(action) = self.name else { return };
        let outcome = match (self.status, &self.why) {
            (None, _) => "aborted",
            (_, Some(_)) => "refused",
            (_, None) => "done",
        };
        tracing::info!(
            target: "operator",
            action,
            module = self.module.as_deref(),
            mode = self.mode.as_deref(),
            key = self.key.as_deref(),
            outcome,
            why = self.why.as_deref(),
            status = self.status.map(|status| status.as_u16()),
            address = %self.peer,
            request_id = %self.request_id,
            total_ms = u64::try_from(self.took.elapsed().as_millis()).unwrap_or(u64::MAX),
            "operator"
        );
    }
}
