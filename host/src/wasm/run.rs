//! What the host keeps about one run: the data of its wasmtime store.

use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView};

use super::cpu::CpuMeter;
use super::imports::{Logged, Quota};
use super::limits::Limits;
use super::memory::Memory;
use super::output::Output;
use super::playback::Playback;
use super::recording::Recording;
use super::wasi;
use crate::clock::Stopwatch;
use crate::domain::{Actor, Millis, RegistrationLimits};
use crate::store::Store;

/// What a request's host calls work on, and for whom. The guest can change none of it.
#[derive(Clone)]
pub struct Grants {
    /// Where seats are.
    pub store: Arc<dyn Store>,
    /// Who is asking, in which request.
    pub actor: Actor,
    /// What the host allows of a registration.
    pub limits: RegistrationLimits,
}

/// Where a run's host functions have their answers from.
pub(super) enum Answers {
    /// Nowhere, as while a module describes itself: then every host function denies.
    Nobody,
    /// The store.
    Live(Grants),
    /// What was said to another run.
    Played(Box<Playback>),
}

/// The state of one run.
pub(super) struct Run {
    pub(super) answers: Answers,
    /// What it does, where somebody wants to know.
    pub(super) recording: Option<Recording>,
    /// The one time of the request.
    pub(super) now: Millis,
    /// For the log.
    pub(super) request_id: String,
    /// The module's digest, shortened, for the log.
    pub(super) digest: Arc<str>,
    pub(super) limits: Limits,
    pub(super) memory: Memory,
    pub(super) cpu: Arc<CpuMeter>,
    pub(super) output: Output,
    pub(super) store_time: StoreTime,
    /// What host calls have used up.
    pub(super) quota: Quota,
    /// What the guest has logged.
    pub(super) logged: Logged,
    /// Whether the guest has asked the host for what is this caller's, or this moment's: a host function whose answer depends on who asks,
    /// a clock, or randomness.
    pub(super) asked_for_its_own: bool,
    seed: u64,
    /// Made when the guest first asks for it: most runs of a lean guest never do.
    wasi: Option<Box<WasiCtx>>,
    handles: ResourceTable,
}

impl Run {
    pub(super) fn new(answers: Answers, now: Millis, seed: u64, limits: Limits) -> Self {
        let mut handles = ResourceTable::new();
        handles.set_max_capacity(Limits::RESOURCES);
        Self {
            answers,
            recording: None,
            now,
            request_id: String::new(),
            digest: "".into(),
            limits,
            memory: Memory::within(limits),
            cpu: Arc::default(),
            output: Output::up_to(limits.output_bytes),
            store_time: StoreTime::default(),
            quota: Quota::default(),
            logged: Logged::default(),
            asked_for_its_own: false,
            seed,
            wasi: None,
            handles,
        }
    }

    /// Begins the next run in the same instance, and gives the one before. Nothing goes over but the account of its memory, the handles,
    /// which the guest may have kept, and the way that its streams lead, which is empty again.
    pub(super) fn replace(&mut self, mut next: Self) -> Self {
        std::mem::swap(&mut self.memory, &mut next.memory);
        std::mem::swap(&mut self.handles, &mut next.handles);
        std::mem::swap(&mut self.output, &mut next.output);
        next.output.clear();
        std::mem::replace(self, next)
    }

    /// Puts what the guest wrote into the recording, if there is one: the stream is its instance's, which may serve again.
    pub(super) fn keep_output(&mut self) {
        if let Some(recording) = &mut self.recording {
            recording.output = self.output.text();
        }
    }

    /// The WASI context and the guest's handles.
    pub(super) fn wasi(&mut self) -> WasiCtxView<'_> {
        let (now, seed, output) = (self.now, self.seed, &self.output);
        let ctx = self.wasi.get_or_insert_with(|| Box::new(wasi::context(now, seed, output)));
        WasiCtxView { ctx, table: &mut self.handles }
    }
}

/// How long a run's host calls took, waiting included.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StoreTime {
    pub(super) micros: u64,
}

impl StoreTime {
    /// Runs a call to the store: its time is not the guest's, and is told in the access log.
    pub(super) async fn measure<F: Future>(&mut self, cpu: &CpuMeter, call: F) -> F::Output {
        let watch = Stopwatch::start();
        let outcome = cpu.outside(call).await;
        self.micros += watch.micros();
        outcome
    }
}
