//! What a canary and the active module did lately, and whether the canary has to go. Pure: time is an argument.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// Parts of a window; the oldest is forgotten as a whole.
const PARTS: usize = 12;

/// How one request of a version ended, as far as it tells of the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With an answer.
    Answered {
        /// The answer has a status of 500 or more.
        server_error: bool,
    },
    /// The run failed: a trap, a limit, an answer outside the contract.
    Failed,
    /// The client went away before there was an answer: that tells something if it had waited longer than a p99 may be.
    Abandoned,
    /// For a reason that is not the module's: a full queue, a failed commit, no free instance, no memory. Tells nothing.
    NotItsFault,
}

/// When a canary is rolled back by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CanaryPolicy {
    /// What is looked at: so much of the past.
    pub window: Duration,
    /// Requests of the canary in the window, before anything is concluded from them.
    pub min_requests: u32,
    /// Percent of its runs that may fail.
    pub max_failed: f64,
    /// Percent of its answers that may be 5xx, failed runs included.
    pub max_server_errors: f64,
    /// What 99 percent of its answers must be faster than.
    pub max_p99: Duration,
}

/// Why a canary was rolled back. What counts is told with its figures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reason {
    /// Too many of its runs failed.
    Failed {
        /// So many of them.
        failed: u32,
        /// Of so many requests.
        of: u32,
    },
    /// Too many of its answers were 5xx.
    ServerErrors {
        /// So many of them.
        errors: u32,
        /// Of so many requests.
        of: u32,
    },
    /// Too many of its answers were slow.
    Slow {
        /// So many of them.
        slow: u32,
        /// Of so many requests.
        of: u32,
        /// Slow is what takes longer.
        than: Duration,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { failed, of } => write!(f, "{failed} of {of} runs failed"),
            Self::ServerErrors { errors, of } => write!(f, "{errors} of {of} answers were 5xx"),
            Self::Slow { slow, of, than } => {
                let than = humantime::format_duration(*than);
                write!(f, "{slow} of {of} answers took longer than {than}, so its p99 did")
            }
        }
    }
}

/// What one version did in the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Requests that tell something of it.
    pub requests: u32,
    /// Of them, runs that failed.
    pub failed: u32,
    /// Of them, answers of 500 or more, failed runs included.
    pub server_errors: u32,
    /// Of them, answers that took longer than a p99 may.
    pub slow: u32,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.failed = self.failed.saturating_add(other.failed);
        self.server_errors = self.server_errors.saturating_add(other.server_errors);
        self.slow = self.slow.saturating_add(other.slow);
    }

    fn part(&self, count: u32) -> f64 {
        if self.requests == 0 { 0.0 } else { f64::from(count) / f64::from(self.requests) }
    }
}

/// The counts of one version, in parts.
#[derive(Debug, Clone, Default)]
struct Window {
    parts: [Counts; PARTS],
    /// The number of the newest part, counted from the beginning of the clock.
    newest: u64,
}

impl Window {
    fn at(&mut self, number: u64) -> &mut Counts {
        // At most all of them are forgotten, however long nothing happened.
        for gone in (self.newest + 1..=number).rev().take(PARTS) {
            self.parts[slot(gone)] = Counts::default();
        }
        self.newest = self.newest.max(number);
        &mut self.parts[slot(self.newest)]
    }

    fn total(&mut self, number: u64) -> Counts {
        self.at(number);
        self.parts.iter().fold(Counts::default(), |mut total, part| {
            total.add(*part);
            total
        })
    }
}

fn slot(number: u64) -> usize {
    usize::try_from(number % PARTS as u64).unwrap_or(0)
}

/// Watches a canary beside the active module.
#[derive(Debug)]
pub struct CanaryWatch {
    policy: CanaryPolicy,
    canary: Window,
    active: Window,
}

impl CanaryWatch {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(policy: CanaryPolicy) -> Self {
        Self { policy, canary: Window::default(), active: Window::default() }
    }

    /// One request has ended, at `now` by a clock that never goes back. Says why the canary has to go, once it has to.
    pub fn ended(&mut self, by_canary: bool, ending: Ending, took: Duration, now: Duration) -> Option<Reason> {
        let slow = took > self.policy.max_p99;
        if ending == Ending::NotItsFault || ending == Ending::Abandoned && !slow {
            return None;
        }
        let seen = Counts {
            requests: 1,
            failed: u32::from(ending == Ending::Failed),
            server_errors: u32::from(matches!(ending, Ending::Failed | Ending::Answered { server_error: true })),
            slow: u32::from(slow),
        };
        let number = self.number(now);
        let window = if by_canary { &mut self.canary } else { &mut self.active };
        window.at(number).add(seen);
        let (canary, active) = (self.canary.total(number), self.active.total(number));
        judge(canary, active, self.policy)
    }

    /// What the canary and the active module did in the window that ends now.
    pub(super) fn counts(&mut self, now: Duration) -> (Counts, Counts) {
        let number = self.number(now);
        (self.canary.total(number), self.active.total(number))
    }

    /// The part of the window that `now` is in.
    fn number(&self, now: Duration) -> u64 {
        let part = self.policy.window.as_nanos().div_ceil(PARTS as u128).max(1);
        u64::try_from(now.as_nanos() / part).unwrap_or(u64::MAX)
    }

    /// Requests that the canary and the active module have answered in the window.
    #[must_use]
    pub fn requests(&mut self) -> (u32, u32) {
        let newest = self.canary.newest.max(self.active.newest);
        (self.canary.total(newest).requests, self.active.total(newest).requests)
    }
}

/// Whether the canary has to go. A slow disk or a broken dependency shows in both versions: what the active module has half as often, too,
/// or nearly always, is not the canary's fault; if the active module has answered enough to say so. Failed runs always are its fault.
fn judge(canary: Counts, active: Counts, policy: CanaryPolicy) -> Option<Reason> {
    let enough = policy.min_requests.max(1);
    if canary.requests < enough {
        return None;
    }
    let of = canary.requests;
    let over = |count: u32, percent: f64| canary.part(count) * 100.0 > percent;
    let its_own = |canaries: u32, actives: u32| {
        let usual = active.part(actives);
        // Twice as often, or halfway to always.
        active.requests < enough || canary.part(canaries) > (2.0 * usual).min(f64::midpoint(usual, 1.0))
    };
    if over(canary.failed, policy.max_failed) {
        return Some(Reason::Failed { failed: canary.failed, of });
    }
    if over(canary.server_errors, policy.max_server_errors) && its_own(canary.server_errors, active.server_errors) {
        return Some(Reason::ServerErrors { errors: canary.server_errors, of });
    }
    // One slow answer among few is no percentile.
    if canary.slow > 1 && over(canary.slow, 1.0) && its_own(canary.slow, active.slow) {
        return Some(Reason::Slow { slow: canary.slow, of, than: policy.max_p99 });
    }
    None
}
