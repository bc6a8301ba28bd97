//! The access log: one line for each request, whatever becomes of it; and the same, counted.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::{Method, StatusCode};

use crate::clock::Stopwatch;
use crate::domain::Principal;
use crate::error::Error;
use crate::metrics::{Metrics, Seen};
use crate::wasm::Report;

/// Told as the status where there was no answer: the client went away, or the server ended. Not a status of HTTP's; others use it so.
const ABORTED: u16 = 499;

/// Counted as the module where none was chosen yet.
const NO_MODULE: &str = "-";

/// A line in the making. It is written when it is dropped, so that a request whose client went away has one too.
pub(super) struct Entry<'a> {
    metrics: &'a Metrics,
    method: Method,
    address: IpAddr,
    request_id: String,
    module: Option<Arc<str>>,
    route: Option<String>,
    role: String,
    status: Option<StatusCode>,
    code: Option<&'static str>,
    guest_us: u64,
    store_us: u64,
    host_calls: u32,
    has_run: bool,
    remembered: bool,
    total: Stopwatch,
}

impl<'a> Entry<'a> {
    pub(super) fn start(metrics: &'a Metrics, method: &Method, address: IpAddr, request_id: &str) -> Self {
        Self {
            metrics,
            method: method.clone(),
            address,
            request_id: request_id.to_owned(),
            module: None,
            route: None,
            role: String::new(),
            status: None,
            code: None,
            guest_us: 0,
            store_us: 0,
            host_calls: 0,
            has_run: false,
            remembered: false,
            total: Stopwatch::start(),
        }
    }

    /// The version that serves it is chosen.
    pub(super) fn module(&mut self, digest: &Arc<str>) {
        self.module = Some(Arc::clone(digest));
    }

    /// The route has been found.
    pub(super) fn route(&mut self, id: &str) {
        self.route = Some(id.to_owned());
    }

    /// The caller is known.
    pub(super) fn caller(&mut self, principal: &Principal) {
        self.role = principal.roles.names();
    }

    /// The guest has run.
    pub(super) fn ran(&mut self, report: &Report) {
        (self.guest_us, self.store_us) = (report.guest_micros, report.store_micros);
        self.host_calls = report.host_calls;
        self.has_run = true;
    }

    /// Its answer was kept: no guest runs.
    pub(super) fn remembered(&mut self) {
        self.remembered = true;
    }

    /// How long it has taken so far, in microseconds.
    pub(super) fn micros(&self) -> u64 {
        self.total.micros()
    }

    /// Names of the caller's roles, once they are known.
    pub(super) fn roles(&self) -> &str {
        &self.role
    }

    /// Whether a version was chosen for it.
    pub(super) fn has_module(&self) -> bool {
        self.module.is_some()
    }

    /// Whether the guest has run.
    pub(super) fn has_run(&self) -> bool {
        self.has_run
    }

    /// The host answers by itself; if that is a fault of ours, a line of its own says why.
    pub(super) fn failed(&mut self, error: &Error) {
        self.code = Some(error.code());
        self.metrics.refused(error.code());
        let Some(why) = error.logged() else { return };
        let (code, request_id, route) = (error.code(), &self.request_id, self.route.as_deref());
        let module = self.module.as_deref();
        let failure = if let Error::Rules(failure) = error { Some(failure) } else { None };
        let cause = failure.map(|failure| failure.cause.name());
        let functions = failure.map(|failure| failure.functions.join(" < ")).filter(|names| !names.is_empty());
        // JSON is escaped by its writer; lines for people are not.
        let output = failure.map(|failure| failure.output.escape_debug().to_string()).filter(|text| !text.is_empty());
        if error.status() == StatusCode::SERVICE_UNAVAILABLE {
            tracing::warn!(code, cause, request_id, route, module, "{why}");
        } else {
            tracing::error!(code, cause, request_id, route, module, functions, output, "{why}");
        }
    }

    /// There is an answer.
    pub(super) fn answered(&mut self, status: StatusCode) {
        self.status = Some(status);
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let status = self.status.map_or(ABORTED, |status| status.as_u16());
        let took = self.total.elapsed();
        self.metrics.answered(&Seen {
            module: self.module.as_deref().unwrap_or(NO_MODULE),
            route: self.route.as_deref(),
            status,
            took,
            guest_micros: self.guest_us,
            host_call_micros: self.store_us,
            host_calls: self.host_calls,
        });
        if !tracing::enabled!(target: "access", tracing::Level::INFO) {
            return;
        }
        tracing::info!(
            target: "access",
            method = %self.method,
            route = self.route.as_deref(),
            status,
            code = if self.status.is_none() { Some("aborted") } else { self.code },
            role = %self.role,
            address = %self.address,
            request_id = %self.request_id,
            module = self.module.as_deref(),
            guest_us = self.guest_us,
            store_us = self.store_us,
            host_calls = self.host_calls,
            memo = self.remembered.then_some(true),
            total_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            "request"
        );
    }
}
