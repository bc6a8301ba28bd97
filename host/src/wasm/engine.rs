//! wasmtime, set up: what every module shares.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};
use wasmtime::{PoolingAllocatorMetrics, ResourceLimiter};
use wasmtime::{UpdateDeadline, WasmBacktraceDetails};

use super::bindings::Rules;
use super::cpu::{CpuExceeded, LongRuns};
use super::failure::{Cause, Failure};
use super::limits::Limits;
use super::run::Run;
use super::wasi;

/// How often running guests are interrupted: each time they let other requests go on, and their CPU time is looked at.
const TICK: Duration = Duration::from_millis(2);
/// How long a request waits for an instance before it is `overloaded`: longer than a burst takes to drain, shorter than a client waits.
const PERMIT_WAIT: Duration = Duration::from_secs(1);
/// The part of the native stack that host functions have below the guest's.
const HOST_STACK: usize = 512 * 1024;
/// Memory of an instance that stays resident for the next one; `pagemap_scan` finds what was written, so that only that is cleared.
const KEEP_RESIDENT: usize = 1024 * 1024;
/// The engine, its instances and its clock.
pub struct Engine {
    pub(super) inner: wasmtime::Engine,
    pub(super) linker: Linker<Run>,
    pub(super) limits: Limits,
    pub(super) long_runs: LongRuns,
    permits: Arc<Semaphore>,
    _ticker: Ticker,
}

/// What runs hold at one moment. All zero when nothing runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Occupancy {
    /// Permits to run.
    pub permits: u64,
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
        let inner = wasmtime::Engine::new(&config(limits))?;
        let mut linker = Linker::new(&inner);
        wasi::link(&mut linker)?;
        Rules::add_to_linker::<Run, HasSelf<Run>>(&mut linker, |run| run)?;
        let permits = Arc::new(Semaphore::new(limits.instances as usize));
        let ticker = Ticker::start(&inner)?;
        // As many as the runtime has.
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let long_runs = LongRuns::for_threads(threads);
        Ok(Self { inner, linker, limits, long_runs, permits, _ticker: ticker })
    }

    /// What is in use now.
    #[must_use]
    pub fn occupancy(&self) -> Occupancy {
        let taken = (self.limits.instances as usize).saturating_sub(self.permits.available_permits());
        let pool = self.inner.pooling_allocator_metrics();
        Occupancy {
            permits: taken as u64,
            instances: pool.as_ref().map_or(0, PoolingAllocatorMetrics::component_instances),
            memories: pool.as_ref().map_or(0, |pool| pool.memories() as u64),
            stacks: pool.as_ref().map_or(0, |pool| pool.stacks() as u64),
        }
    }

    /// Waits a little for an instance to be free.
    pub(super) async fn permit(&self) -> Result<OwnedSemaphorePermit, Failure> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Ok(permit);
        }
        let waited = tokio::time::timeout(PERMIT_WAIT, Arc::clone(&self.permits).acquire_owned()).await;
        match waited {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Failure::new(Cause::NoInstance, format!("all {} instances are taken", self.limits.instances))),
        }
    }

    /// A wasmtime store for one run, with every limit set.
    pub(super) fn store_for(&self, run: Run) -> wasmtime::Store<Run> {
        let budget = u64::try_from(self.limits.cpu.as_nanos()).unwrap_or(u64::MAX);
        let mut store = wasmtime::Store::new(&self.inner, run);
        store.limiter(|run| &mut run.memory);
        store.set_hostcall_fuel(self.limits.host_call_bytes);
        store.set_max_component_handles(Limits::RESOURCES);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |context| {
            if context.data().cpu.used_now() > budget {
                return Err(CpuExceeded.into());
            }
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }
}

/// What decides about native code. The compiler's process has this and no pool: what it makes runs in an engine with [`config`], and
/// `precompile_compatibility_hash` is the same for both.
pub(super) fn code_config() -> Config {
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
        .wasm_backtrace_details(WasmBacktraceDetails::Disable);
    config
}

fn config(limits: Limits) -> Config {
    let mut config = code_config();
    config
        .max_wasm_stack(limits.stack)
        .async_stack_size(limits.stack + HOST_STACK)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits)));
    config
}

fn pool(limits: Limits) -> PoolingAllocationConfig {
    let instances = limits.instances;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances * Limits::CORE_INSTANCES)
        .max_core_instances_per_component(Limits::CORE_INSTANCES)
        .total_memories(instances * limits.memories)
        .max_memories_per_component(limits.memories)
        .total_tables(instances * limits.tables)
        .max_tables_per_component(limits.tables)
        .table_elements(limits.table_elements)
        .total_stacks(instances)
        .max_memory_size(limits.memory)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(KEEP_RESIDENT)
        // Where the kernel has it (6.7): 27 us for a fresh call without, 10 with.
        .pagemap_scan(Enabled::Auto);
    pool
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

/// The guest wanted more memory, or a larger table, than it may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct MemoryLimitExceeded {
    what: &'static str,
    wanted: usize,
    limit: usize,
}

impl fmt::Display for MemoryLimitExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} wanted, {} allowed", self.wanted, self.what, self.limit)
    }
}

impl std::error::Error for MemoryLimitExceeded {}

/// Refuses growth beyond the limit with an error that says so; a mere `false` would show as an `unreachable` in the guest.
#[derive(Debug, Clone, Copy)]
pub(super) struct MemoryLimits(pub(super) Limits);

impl ResourceLimiter for MemoryLimits {
    fn memory_growing(&mut self, _: usize, wanted: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        within("bytes of memory", wanted, self.0.memory)
    }

    fn table_growing(&mut self, _: usize, wanted: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        within("elements of a table", wanted, self.0.table_elements)
    }

    fn instances(&self) -> usize {
        Limits::CORE_INSTANCES as usize
    }

    fn memories(&self) -> usize {
        self.0.memories as usize
    }

    fn tables(&self) -> usize {
        self.0.tables as usize
    }
}

fn within(what: &'static str, wanted: usize, limit: usize) -> wasmtime::Result<bool> {
    if wanted > limit {
        return Err(MemoryLimitExceeded { what, wanted, limit }.into());
    }
    Ok(true)
}
