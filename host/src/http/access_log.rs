//! The access log: one line for each request, whatever becomes of it.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::{Method, StatusCode};

use crate::clock::Stopwatch;
use crate::domain::Principal;
use crate::error::Error;

/// Told as the status where there was no answer: the client went away, or the server ended. Not a status of HTTP's; others use it so.
const ABORTED: u16 = 499;

/// A line in the making. It is written when it is dropped, so that a request whose client went away has one too.
pub(super) struct Entry {
    method: Method,
    address: IpAddr,
    request_id: String,
    module: Arc<str>,
    route: Option<String>,
    role: String,
    status: Option<StatusCode>,
    code: Option<&'static str>,
    guest_us: u64,
    store_us: u64,
    total: Stopwatch,
}

impl Entry {
    pub(super) fn start(method: &Method, address: IpAddr, request_id: &str, module: &Arc<str>) -> Self {
        Self {
            method: method.clone(),
            address,
            request_id: request_id.to_owned(),
            module: Arc::clone(module),
            route: None,
            role: String::new(),
            status: None,
            code: None,
            guest_us: 0,
            store_us: 0,
            total: Stopwatch::start(),
        }
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
    pub(super) fn ran(&mut self, guest_us: u64, store_us: u64) {
        (self.guest_us, self.store_us) = (guest_us, store_us);
    }

    /// The host answers by itself; if that is a fault of ours, a line of its own says why.
    pub(super) fn failed(&mut self, error: &Error) {
        self.code = Some(error.code());
        let Some(why) = error.logged() else { return };
        let (code, request_id, route) = (error.code(), &self.request_id, self.route.as_deref());
        let module = self.module.as_ref();
        if error.status() == StatusCode::SERVICE_UNAVAILABLE {
            tracing::warn!(code, request_id, route, module, "{why}");
        } else {
            tracing::error!(code, request_id, route, module, "{why}");
        }
    }

    /// There is an answer.
    pub(super) fn answered(&mut self, status: StatusCode) {
        self.status = Some(status);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !tracing::enabled!(target: "access", tracing::Level::INFO) {
            return;
        }
        tracing::info!(
            target: "access",
            method = %self.method,
            route = self.route.as_deref(),
            status = self.status.map_or(ABORTED, |status| status.as_u16()),
            code = if self.status.is_none() { Some("aborted") } else { self.code },
            role = %self.role,
            address = %self.address,
            request_id = %self.request_id,
            module = %self.module,
            guest_us = self.guest_us,
            store_us = self.store_us,
            total_us = self.total.micros(),
            "request"
        );
    }
}
