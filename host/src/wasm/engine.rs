//! wasmtime, set up: what every module shares.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Config, InstanceAllocationStrategy, OptLevel, PoolingAllocatorMetrics};
use wasmtime::{UpdateDeadline, WasmBacktraceDetails};

use super::backtrace::Lines;
use super::bindings::Rules;
use super::cpu::{CpuExceeded, LongRuns};
use super::failure::{Cause, Failure};
use super::instances::Idle;
use super::limits::Limits;
use super::memory::SharedMemory;
use super::policy::PoolPolicy;
use super::run::Run;
use super::wasi;

/// How often running guests are interrupted: each time they let other requests go on, and their CPU time is looked at.
const TICK: Duration = Duration::from_millis(2);
/// How long a request waits for an instance before it is `overloaded`: longer than a burst takes to drain, shorter than a client waits.
const PERMIT_WAIT: Duration = Duration::from_secs(1);
/// The part of the native stack that host functions have below the guest's.
const HOST_STACK: usize = 512 * 1024;

/// The engine, its instances and its clock.
pub struct Engine {
    pub(super) inner: wasmtime::Engine,
    pub(super) linker: Linker<Run>,
    pub(super) limits: Limits,
    /// How a trap's files and lines are told; `None`: not at all.
    pub(super) lines: Option<Lines>,
    clients: Room,
    shadows: Room,
    pub(super) idle: Idle,
    _ticker: Ticker,
}

/// For whom a run is. Each lane has permits, memory and turns of its own, so that whatever shadows do, clients have theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Somebody waits for the answer.
    Clients,
    /// Nobody does.
    Shadows,
}

/// Runs in the lane of shadows at the same time: one, and one more where that one waits.
pub(super) const SHADOWS: u32 = 2;
/// What they have of memory together, beyond 4 MiB for each: two of JavaScript or Python.
const SHADOW_MEMORY: usize = 128 * 1024 * 1024;

/// What one lane has.
struct Room {
    /// Runs at the same time.
    size: u32,
    permits: Arc<Semaphore>,
    memory: Arc<SharedMemory>,
    long_runs: LongRuns,
}

impl Room {
    fn new(size: u32, memory: usize, threads: usize) -> Self {
        Self {
            size,
            permits: Arc::new(Semaphore::new(size as usize)),
            memory: Arc::new(SharedMemory::new(memory)),
            long_runs: LongRuns::for_threads(threads),
        }
    }

    fn taken(&self) -> u64 {
        (self.size as usize).saturating_sub(self.permits.available_permits()) as u64
    }
}

/// What runs hold at one moment. All zero when nothing runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Occupancy {
    /// Permits to run for clients.
    pub permits: u64,
    /// Permits to run as a shadow.
    pub shadows: u64,
    /// Component instances of the pool.
    pub instances: u64,
    /// Linear memories of the pool.
    pub memories: u64,
    /// Stacks of the pool.
    pub stacks: u64,
}

impl Engine {
    /// Sets wasmtime up. Reserves address space for every instance, and touches none of it.
    pub fn new(limits: Limits) -> wasmtime::Result<Self> {
        Self::with(limits, PoolPolicy::default())
    }

    /// The same with a policy other than the one that was chosen: to measure it.
    pub fn with(limits: Limits, policy: PoolPolicy) -> wasmtime::Result<Self> {
        Self::made(limits, policy, None)
    }

    /// One that tells the files and lines of traps, those below this folder relative to it. For authors alone: it reads the module's
    /// debug information, which is a stranger's, and takes 6 ms for each trap.
    pub fn telling_lines(limits: Limits, base: &Path) -> wasmtime::Result<Self> {
        Self::made(limits, PoolPolicy::default(), Some(Lines::from(base)))
    }

    fn made(limits: Limits, policy: PoolPolicy, lines: Option<Lines>) -> wasmtime::Result<Self> {
        let inner = wasmtime::Engine::new(&config(&limits, policy, lines.is_some()))?;
        let mut linker = Linker::new(&inner);
        wasi::link(&mut linker)?;
        Rules::add_to_linker::<Run, HasSelf<Run>>(&mut linker, |run| run)?;
        let ticker = Ticker::start(&inner)?;
        // As many as the runtime has.
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let clients = Room::new(limits.instances, limits.memory_in_all, threads);
        let shadows = Room::new(SHADOWS, SHADOW_MEMORY.min(limits.memory_in_all), 1);
        Ok(Self { inner, linker, limits, lines, clients, shadows, idle: Idle::default(), _ticker: ticker })
    }

    /// What is in use now.
    #[must_use]
    pub fn occupancy(&self) -> Occupancy {
        let pool = self.inner.pooling_allocator_metrics();
        Occupancy {
            permits: self.clients.taken(),
            shadows: self.shadows.taken(),
            instances: pool.as_ref().map_or(0, PoolingAllocatorMetrics::component_instances),
            memories: pool.as_ref().map_or(0, |pool| pool.memories() as u64),
            stacks: pool.as_ref().map_or(0, |pool| pool.stacks() as u64),
        }
    }

    /// Waits a little for the permit of a run for clients, and sees that there is room for a new instance.
    pub(super) async fn permit(&self) -> Result<OwnedSemaphorePermit, Failure> {
        let permit = self.turn(Lane::Clients).await?;
        self.make_room();
        Ok(permit)
    }

    /// Makes room for the new instance of one who holds a permit for clients.
    pub(super) fn make_room(&self) {
        // With fresh instances for all, none ever waits.
        if self.limits.reuse > 1 {
            self.idle.make_room(self.clients.permits.available_permits());
        }
    }

    /// Waits a little for the permit of a run.
    pub(super) async fn turn(&self, lane: Lane) -> Result<OwnedSemaphorePermit, Failure> {
        let room = self.room(lane);
        if let Ok(permit) = Arc::clone(&room.permits).try_acquire_owned() {
            return Ok(permit);
        }
        let waited = tokio::time::timeout(PERMIT_WAIT, Arc::clone(&room.permits).acquire_owned()).await;
        match waited {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Failure::new(Cause::NoInstance, format!("all {} instances are taken", room.size))),
        }
    }

    fn room(&self, lane: Lane) -> &Room {
        match lane {
            Lane::Clients => &self.clients,
            Lane::Shadows => &self.shadows,
        }
    }

    /// Where this lane's long runs take turns.
    pub(super) fn long_runs(&self, lane: Lane) -> &LongRuns {
        &self.room(lane).long_runs
    }

    /// A wasmtime store for one run, with every limit set.
    pub(super) fn store_for(&self, run: Run, lane: Lane) -> wasmtime::Store<Run> {
        let budget = u64::try_from(self.limits.cpu.as_nanos()).unwrap_or(u64::MAX);
        let mut store = wasmtime::Store::new(&self.inner, run);
        store.data_mut().memory.share(&self.room(lane).memory);
        store.limiter(|run| &mut run.memory);
        store.set_max_component_handles(Limits::RESOURCES);
        self.arm(&mut store);
        store.epoch_deadline_callback(move |context| {
            if context.data().cpu.used_at_tick() > budget {
                return Err(CpuExceeded.into());
            }
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }

    /// What wasmtime counts down, from the start.
    fn arm(&self, store: &mut wasmtime::Store<Run>) {
        store.set_hostcall_fuel(self.limits.host_call_bytes);
        store.set_epoch_deadline(1);
    }

    /// The next run of an instance, with every limit as in a new one.
    pub(super) fn renew(&self, store: &mut wasmtime::Store<Run>, run: Run) {
        store.data_mut().replace(run);
        self.arm(store);
    }
}

/// What decides about native code. The compiler's process has this and no pool: what it makes runs in an engine with [`config`], and
/// `precompile_compatibility_hash` is the same for both. With `lines`, what a module has of debug information is kept beside its code.
pub(super) fn code_config(lines: bool) -> Config {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::Speed)
        // So that a run is the same on every machine, to the bit.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .epoch_interruption(true)
        .memory_init_cow(true)
        // The contract's functions are sync; what only concurrent tasks need is not even set up.
        .concurrency_support(false)
        // Names cost 15 us for each trap; files and lines 6 ms, so they are not for serving.
        .wasm_backtrace_details(if lines { WasmBacktraceDetails::Enable } else { WasmBacktraceDetails::Disable });
    config
}

fn config(limits: &Limits, policy: PoolPolicy, lines: bool) -> Config {
    let mut config = code_config(lines);
    config
        .max_wasm_stack(limits.stack)
        .async_stack_size(limits.stack + HOST_STACK)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(policy.pool(limits)));
    config
}

/// Ticks the engine's epoch on a thread of its own, which ends with it.
struct Ticker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    fn start(engine: &wasmtime::Engine) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let engine = engine.weak();
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("epoch-ticker".into()).spawn(move || {
            while !stopped.load(Ordering::Acquire) {
                std::thread::park_timeout(TICK);
                let Some(engine) = engine.upgrade() else { return };
                engine.increment_epoch();
            }
        });
        Ok(Self { stop, thread: Some(thread?) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It only ticks, so it has nothing to say at its end.
            let _ = thread.join();
        }
    }
}
