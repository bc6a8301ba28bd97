//! What the host keeps about one run: the data of its wasmtime store.

use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView};

use super::cpu::CpuMeter;
use super::imports::{Logged, Quota};
use super::limits::Limits;
use super::memory::Memory;
use super::output::Output;
use super::wasi;
use crate::clock::Stopwatch;
use crate::domain::{Millis, Principal, RegistrationLimits};
use crate::store::Store;

/// What a request's host calls work on, and for whom. The guest can change none of it.
#[derive(Clone)]
pub struct Grants {
    /// Where seats are.
    pub store: Arc<dyn Store>,
    /// Who is asking.
    pub principal: Principal,
    /// What the host allows of a registration.
    pub limits: RegistrationLimits,
}

/// The state of one run.
pub(super) struct Run {
    /// `None` while a module describes itself: then every host function denies.
    pub(super) grants: Option<Grants>,
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
    /// Microseconds that host calls took, waiting included.
    pub(super) store_micros: u64,
    /// What host calls have used up.
    pub(super) quota: Quota,
    /// What the guest has logged.
    pub(super) logged: Logged,
    seed: u64,
    /// Made when the guest first asks for it: most runs of a lean guest never do.
    wasi: Option<Box<WasiCtx>>,
    handles: ResourceTable,
}

impl Run {
    pub(super) fn new(grants: Option<Grants>, now: Millis, seed: u64, limits: Limits) -> Self {
        let mut handles = ResourceTable::new();
        handles.set_max_capacity(Limits::RESOURCES);
        Self {
            grants,
            now,
            request_id: String::new(),
            digest: "".into(),
            limits,
            memory: Memory::within(limits),
            cpu: Arc::default(),
            output: Output::up_to(limits.output_bytes),
            store_micros: 0,
            quota: Quota::default(),
            logged: Logged::default(),
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

    /// The WASI context and the guest's handles.
    pub(super) fn wasi(&mut self) -> WasiCtxView<'_> {
        let (now, seed, output) = (self.now, self.seed, &self.output);
        let ctx = self.wasi.get_or_insert_with(|| Box::new(wasi::context(now, seed, output)));
        WasiCtxView { ctx, table: &mut self.handles }
    }

    /// Runs a call to the store: its time is not the guest's, and is told in the access log.
    pub(super) async fn store_call<F: Future>(&mut self, call: F) -> F::Output {
        let cpu = Arc::clone(&self.cpu);
        let watch = Stopwatch::start();
        let outcome = cpu.outside(call).await;
        self.store_micros += watch.micros();
        outcome
    }
}
