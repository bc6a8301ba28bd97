//! One module that can be served, and how it is run.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use wasmtime::Store;

use super::answer::Answer;
use super::bindings::RulesPre;
use super::bindings::exports::boxoffice::rules::handler::{Guest, GuestIndices, Request};
use super::cpu::{CpuMeter, metered};
use super::engine::{Engine, Lane, Occupancy};
use super::failure::{Cause, Failure, NotBegun, RunError, explain};
use super::imports::tell_dropped;
use super::instances::Instance;
use super::limits::Limits;
use super::load::Loaded;
use super::manifest::Manifest;
use super::native::{self, NativeRules};
use super::playback::{Playback, Played};
use super::recording::Recording;
use super::router::Router;
use super::run::{Answers, Grants, Run};
use super::waits::Waits;
use crate::domain::Millis;
use crate::openapi::Descriptions;

/// SHA-256 of a component's bytes: the name of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Digest([u8; 32]);

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("{text:?} is no digest"))
    }
}

impl Digest {
    /// The bytes of the hash.
    #[must_use]
    pub fn bytes(self) -> [u8; 32] {
        self.0
    }

    /// Of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// From its 64 hexadecimal digits, in lower case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let mut bytes = [0; 32];
        if text.len() != 64 || !digits {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// The first 12 hexadecimal digits: enough to tell modules apart in a log line.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A module that can be served.
pub struct Module {
    /// Its name for machines.
    pub digest: Digest,
    /// What it says of itself.
    pub manifest: Manifest,
    /// Its routes, compiled.
    pub router: Router,
    /// The API with it, described.
    pub described: Descriptions,
    /// How it was loaded.
    pub loaded: Loaded,
    pub(super) short: Arc<str>,
    pub(super) pre: RulesPre<Run>,
    /// Where its handler is in an instance: all that a request calls.
    pub(super) handler: GuestIndices,
    /// Answers clients in the component's place, where somebody measures.
    pub(super) native: Option<Arc<dyn NativeRules>>,
    pub(super) engine: Arc<Engine>,
}

/// What a run is for, and who answers its host calls.
pub struct Errand {
    answers: Answers,
    /// What the guest's randomness comes from.
    seed: u64,
    record: bool,
    lane: Lane,
}

impl Errand {
    /// For a client, on the store.
    #[must_use]
    pub fn live(grants: Grants, seed: u64) -> Self {
        Self { answers: Answers::Live(grants), seed, record: false, lane: Lane::Clients }
    }

    /// Records what the run does, if somebody wants it: every host call is then copied.
    #[must_use]
    pub fn recorded(self, record: bool) -> Self {
        Self { record, ..self }
    }

    /// On what another run was told, recorded, in this lane. What it logs goes nowhere else.
    #[must_use]
    pub fn played(playback: Playback, seed: u64, lane: Lane) -> Self {
        Self { answers: Answers::Played(Box::new(playback)), seed, record: true, lane }
    }
}

/// A run, and what became of it.
#[derive(Debug)]
pub struct Report {
    /// The answer, or why there is none.
    pub result: Result<Answer, RunError>,
    /// CPU time that the guest used, in microseconds, instantiation included.
    pub guest_micros: u64,
    /// Time that its host calls took, in microseconds, waiting included.
    pub store_micros: u64,
    /// Time that it waited by itself, in microseconds: for its own timers, and neither for the host nor for its turn. Only of shadows.
    pub waited_micros: u64,
    /// Its calls of events and tickets.
    pub host_calls: u32,
    /// Bytes of those calls, both ways, near enough.
    pub host_bytes: usize,
    /// Bytes of its memories, at the most.
    pub memory_bytes: usize,
    /// Whether its instance had served another request before.
    pub served_before: bool,
    /// Whether nothing went into it but the request and what everybody may read: a fresh instance, in which nothing was left of other
    /// requests, and no host function whose answer depends on who asks, no clock and no randomness.
    pub reads_alone: bool,
    /// Whether it failed for want of memory that others had taken.
    pub crowded_out: bool,
    /// What it did, where that was recorded.
    pub recording: Option<Recording>,
    /// How it compares with the run whose calls answered it, where that was so.
    pub played: Option<Played>,
}

impl Report {
    fn nothing_ran(failure: Failure) -> Self {
        Self::natively(Err(RunError::Failed(failure)))
    }

    /// Of a run in no sandbox: nobody counted what it used.
    pub(super) fn natively(result: Result<Answer, RunError>) -> Self {
        Self {
            result,
            guest_micros: 0,
            store_micros: 0,
            waited_micros: 0,
            host_calls: 0,
            host_bytes: 0,
            memory_bytes: 0,
            served_before: false,
            reads_alone: false,
            crowded_out: false,
            recording: None,
            played: None,
        }
    }

    fn of(run: Run, result: Result<Answer, RunError>, served_before: bool) -> Self {
        Self {
            result,
            guest_micros: run.cpu.used() / 1000,
            store_micros: run.store_time.micros,
            waited_micros: run.cpu.waited(),
            host_calls: run.quota.calls(),
            host_bytes: run.quota.bytes(),
            memory_bytes: run.memory.bytes(),
            served_before,
            reads_alone: !served_before && !run.asked_for_its_own,
            crowded_out: run.memory.is_crowded_out(),
            recording: run.recording,
            played: if let Answers::Played(playback) = run.answers { Some(playback.finish()) } else { None },
        }
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        self.engine.idle.forget(&self.short);
    }
}

impl Module {
    /// Runs the guest for one request of a client's; see [`Module::run`].
    pub async fn handle(&self, request: &Request, grants: Grants, seed: u64) -> Report {
        self.run(request, Errand::live(grants, seed)).await
    }

    /// Runs the guest for one request, in an instance of its own, which is gone afterwards; or, where `--instance-reuse` is more than 1 and
    /// a client waits, in one that has answered before.
    pub async fn run(&self, request: &Request, errand: Errand) -> Report {
        let lane = errand.lane;
        let permit = match self.engine.turn(lane).await {
            Ok(permit) => permit,
            Err(failure) => return Report::nothing_ran(failure),
        };
        if let (Some(rules), Answers::Live(grants)) = (&self.native, &errand.answers) {
            return native::run(rules.as_ref(), request, grants.clone(), &self.engine.limits).await;
        }
        let (mut store, guest, left) = self.instance_for(self.run_of(request, errand), lane);
        let served_before = guest.is_some();
        let cpu = Arc::clone(&store.data().cpu);
        let called = within_limits(&self.engine, lane, &cpu, async {
            let guest = match guest {
                Some(guest) => guest,
                None => self.instantiate(&mut store).await.map_err(|error| error.context(NotBegun))?,
            };
            let response = guest.call_handle(&mut store, request).await?;
            Ok((guest, response))
        })
        .await;
        let checked = match called {
            Ok(Ok((guest, response))) => match Answer::check(response, &self.engine.limits) {
                Ok(answer) => Ok((guest, answer)),
                Err(failure) => Err(RunError::Failed(failure)),
            },
            Ok(Err(error)) => Err(explain(&error, store.data().output.text(), self.engine.lines.as_ref())),
            Err(timeout) => Err(RunError::Failed(Failure { output: store.data().output.text(), ..timeout })),
        };
        store.data_mut().keep_output();
        // Only after a clean answer may an instance serve again. It is back, or gone, before the next request is let in.
        let (run, result) = match checked {
            // One that has grown beyond its allowance gives back what it took of everybody's.
            Ok((guest, answer)) if left > 0 && store.data().memory.is_within_allowance() => {
                (self.give_back(Instance { store, guest, left }), Ok(answer))
            }
            Ok((_, answer)) => (store.into_data(), Ok(answer)),
            Err(error) => (store.into_data(), Err(error)),
        };
        drop(permit);
        tell_dropped(&run);
        Report::of(run, result, served_before)
    }

    /// A new instance. The manifest's functions, which no request calls, are not even looked up.
    async fn instantiate(&self, store: &mut Store<Run>) -> wasmtime::Result<Guest> {
        let instance = self.pre.instance_pre().instantiate_async(&mut *store).await?;
        self.handler.load(store, &instance)
    }

    fn run_of(&self, request: &Request, errand: Errand) -> Run {
        let now = Millis::from_u64(request.now_ms).unwrap_or(Millis::MAX);
        let mut run = Run::new(errand.answers, now, errand.seed, self.engine.limits);
        if errand.record {
            run.recording = Some(Recording::default());
            run.cpu.be_exact();
        }
        run.request_id.clone_from(&request.request_id);
        run.digest = Arc::clone(&self.short);
        run
    }

    /// A store for this run: of an instance that waits, or else of one that is still to be made. And how often it may serve after this.
    fn instance_for(&self, run: Run, lane: Lane) -> (Store<Run>, Option<Guest>, u32) {
        if lane == Lane::Shadows {
            return (self.engine.store_for(run, lane), None, 0);
        }
        let idle = if self.engine.limits.reuse > 1 { self.engine.idle.take(&self.short) } else { None };
        let Some(Instance { mut store, guest, left }) = idle else {
            self.engine.make_room();
            return (self.engine.store_for(run, lane), None, self.engine.limits.reuse.saturating_sub(1));
        };
        self.engine.renew(&mut store, run);
        (store, Some(guest), left - 1)
    }

    /// Lets an instance wait for its next run, with nothing of this one in it. Gives this one, for its report.
    fn give_back(&self, mut instance: Instance) -> Run {
        let run = instance.store.data_mut().replace(Run::new(Answers::Nobody, Millis(0), 0, self.engine.limits));
        self.engine.idle.give_back(&self.short, instance);
        run
    }

    /// What runs in its engine hold now.
    #[must_use]
    pub fn occupancy(&self) -> Occupancy {
        self.engine.occupancy()
    }

    /// What one of its runs may use.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.engine.limits
    }

    /// The engine that it runs in.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Runs that its engine allows at the same time.
    #[must_use]
    pub fn max_instances(&self) -> u32 {
        self.engine.limits.instances
    }

    /// Its digest, shortened, for log lines.
    #[must_use]
    pub fn short_digest(&self) -> &Arc<str> {
        &self.short
    }
}

/// Measures the CPU time of a run and bounds its wall-clock time.
pub(super) async fn within_limits<T>(
    engine: &Engine,
    lane: Lane,
    cpu: &Arc<CpuMeter>,
    run: impl Future<Output = wasmtime::Result<T>>,
) -> Result<wasmtime::Result<T>, Failure> {
    let (limit, long_runs) = (engine.limits.timeout, engine.long_runs(lane));
    let timed = if lane == Lane::Shadows {
        let mut waits = Waits::default();
        // Boxed, so that the future of a client's run is no larger for it.
        let watched = Box::pin(metered(waits.watch(run, cpu), cpu, long_runs));
        let timed = tokio::time::timeout(limit, watched).await;
        cpu.has_waited(waits.micros());
        timed
    } else {
        tokio::time::timeout(limit, metered(run, cpu, long_runs)).await
    };
    timed.map_err(|_| Failure::new(Cause::WallClock, format!("no answer within {}", humantime::format_duration(limit))))
}
