//! What one run of the rules costs under each policy of instances: `cargo bench --package boxoffice --bench instances`.
//!
//! Every round measures every variant once, so that what the machine does meanwhile falls on all of them; the table has the medians of
//! all rounds, and the ratio to the first variant. `-- WORD` measures only the variants that have the word in their names, and the first.
//! `-- --wall` measures with the clock on the wall, which has the threads' waiting for each other in it. `-- --profile NAME COLUMN`
//! makes one variant run for long, for a profiler.

mod store;

use std::sync::Arc;

use boxoffice::config::Serve;
use boxoffice::domain::{Actor, Principal, RegistrationLimits, Roles};
use boxoffice::wasm::{CompilerProgram, Engine, Grants, GuestRequest, Loader, Module, PoolPolicy, roles_for_guest};
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Runtime;
use tokio::sync::Barrier;

use store::OneEvent;

const RULES: &[u8] = include_bytes!(env!("STANDARD_RULES_COMPONENT"));
/// Rounds, each of which measures every variant.
const ROUNDS: usize = 15;
/// Calls of one measurement, on each thread.
const CALLS: u32 = 2000;
/// Instances that run at the same time when resident memory is measured.
const AT_ONCE: u32 = 64;

/// What a call's time is.
#[derive(Clone, Copy)]
enum Time {
    /// The thread's CPU time: who else wants the machine is not in it.
    Cpu,
    /// The wall's: with what threads wait for each other. For a quiet machine.
    Wall,
}

/// A policy under a name.
struct Variant {
    name: &'static str,
    reuse: u32,
    policy: PoolPolicy,
    /// Whether each thread has an engine of its own.
    engines: usize,
}

fn variants() -> Vec<Variant> {
    const KIB: usize = 1024;
    let usual = PoolPolicy::default();
    let fresh = |name, policy| Variant { name, reuse: 1, policy, engines: 1 };
    vec![
        fresh("chosen", usual),
        fresh("scan off", PoolPolicy { pagemap_scan: false, ..usual }),
        fresh("memory 0", PoolPolicy { memory_resident: 0, ..usual }),
        fresh("memory 64 KiB", PoolPolicy { memory_resident: 64 * KIB, ..usual }),
        fresh("memory 1 MiB", PoolPolicy { memory_resident: 1024 * KIB, ..usual }),
        fresh("memory 4 MiB", PoolPolicy { memory_resident: 4096 * KIB, ..usual }),
        fresh("memory 1 MiB scan off", PoolPolicy { memory_resident: 1024 * KIB, pagemap_scan: false, ..usual }),
        fresh("table 64 KiB", PoolPolicy { table_resident: 64 * KIB, ..usual }),
        fresh("table 0", PoolPolicy { table_resident: 0, ..usual }),
        Variant { name: "engine for each thread", reuse: 1, policy: usual, engines: 2 },
        Variant { name: "reuse 10", reuse: 10, policy: usual, engines: 1 },
        Variant { name: "reuse 100", reuse: 100, policy: usual, engines: 1 },
        Variant { name: "reuse unlimited", reuse: u32::MAX, policy: usual, engines: 1 },
        Variant { name: "reuse 100, engine for each", reuse: 100, policy: usual, engines: 2 },
    ]
}

/// A variant, loaded: one module for each thread, the same one twice where they share the engine.
struct Loaded {
    name: &'static str,
    modules: [Arc<Module>; 2],
}

async fn load(variant: &Variant) -> Loaded {
    let mut defaults = Serve::defaults();
    // This process is no compiler, and its modules are no strangers.
    defaults.compiling.program = CompilerProgram::Here;
    let mut limits = defaults.limits.limits();
    (limits.reuse, limits.instances) = (variant.reuse, AT_ONCE);
    let module = async || {
        let engine = Engine::with(limits, variant.policy).expect("an engine");
        let loader = Loader::new(Arc::new(engine), defaults.compiling.compiler());
        Arc::new(loader.load(RULES.to_vec()).await.expect("the standard rules load"))
    };
    let first = module().await;
    let second = if variant.engines == 2 { module().await } else { Arc::clone(&first) };
    Loaded { name: variant.name, modules: [first, second] }
}

/// What is asked for.
#[derive(Clone, Copy)]
enum Asked {
    /// `GET /events?limit=x`: a problem, without a call of the store.
    Problem,
    /// `GET /events/{id}`: one call of the store, which answers at once.
    Event,
}

fn request(asked: Asked) -> GuestRequest {
    let pairs = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    let (route_id, params, query) = match asked {
        Asked::Problem => ("list-events", Vec::new(), pairs("limit", "x")),
        Asked::Event => ("get-event", pairs("id", "0193-a4d2-7c55"), Vec::new()),
    };
    GuestRequest {
        route_id: route_id.into(),
        params,
        query,
        headers: pairs("accept", "application/json"),
        body: Vec::new(),
        roles: roles_for_guest(Roles::NONE),
        request_id: "0193a4d2-7c55-7000-8000-000000000001".into(),
        now_ms: 1_795_253_400_000,
    }
}

fn grants(barrier: Option<Barrier>) -> Grants {
    let limits = RegistrationLimits { hold: Serve::defaults().hold, max_quantity: 10 };
    Grants { store: Arc::new(OneEvent { barrier }), actor: Actor::nowhere(Principal::default()), limits }
}

async fn call(module: &Module, asked: Asked, grants: &Grants, seed: u64) {
    let answer = module.handle(&request(asked), grants.clone(), seed).await.result.expect("an answer");
    let status = match asked {
        Asked::Problem => 400,
        Asked::Event => 200,
    };
    assert_eq!(answer.status.as_u16(), status, "{:?}", answer.body);
}

/// Nanoseconds of one call on each of `threads` threads.
fn nanos(loaded: &Loaded, question: &Question, time: Time) -> f64 {
    let Question { asked, threads, at_once, .. } = *question;
    let ready = std::sync::Barrier::new(threads);
    let measure = |module: &Module| {
        let grants = grants(None);
        let calls = async |many| {
            for seed in 0..many / at_once {
                let calls = (0..at_once).map(|_| call(module, asked, &grants, u64::from(seed)));
                futures_util::future::join_all(calls).await;
            }
        };
        let runtime = runtime();
        runtime.block_on(calls(CALLS / 20));
        ready.wait();
        let began = now(time);
        runtime.block_on(calls(CALLS));
        (now(time) - began) / f64::from(CALLS)
    };
    let mut times: Vec<f64> = std::thread::scope(|scope| {
        let threads = loaded.modules[..threads].iter().map(|module| scope.spawn(|| measure(module)));
        let threads: Vec<_> = threads.collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    median(&mut times)
}

fn now(time: Time) -> f64 {
    let clock = match time {
        Time::Cpu => ClockId::ThreadCPUTime,
        Time::Wall => ClockId::Monotonic,
    };
    let time = clock_gettime(clock);
    #[expect(clippy::cast_precision_loss, reason = "it is a measurement")]
    let seconds = time.tv_sec as f64 + time.tv_nsec as f64 / 1e9;
    seconds * 1e9
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// KiB that stay resident for each of [`AT_ONCE`] instances that have run at the same time.
fn resident(variant: &Variant) -> f64 {
    let runtime = runtime();
    let loaded = runtime.block_on(load(variant));
    let before = resident_kib();
    runtime.block_on(async {
        let grants = grants(Some(Barrier::new(AT_ONCE as usize)));
        let tasks: Vec<_> = (0..AT_ONCE)
            .map(|seed| {
                let (module, grants) = (Arc::clone(&loaded.modules[0]), grants.clone());
                tokio::spawn(async move { call(&module, Asked::Event, &grants, seed.into()).await })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }
    });
    (resident_kib() - before) / f64::from(AT_ONCE)
}

fn resident_kib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(f64::NAN)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// One column of the table.
struct Question {
    name: &'static str,
    asked: Asked,
    threads: usize,
    /// Calls that each thread has in flight.
    at_once: u32,
}

const QUESTIONS: [Question; 5] = [
    Question { name: "problem, 1 thread", asked: Asked::Problem, threads: 1, at_once: 1 },
    Question { name: "event, 1 thread", asked: Asked::Event, threads: 1, at_once: 1 },
    Question { name: "problem, 2 threads", asked: Asked::Problem, threads: 2, at_once: 1 },
    Question { name: "event, 2 threads", asked: Asked::Event, threads: 2, at_once: 1 },
    Question { name: "event, 2 threads x 25", asked: Asked::Event, threads: 2, at_once: 25 },
];

fn main() {
    let (flags, words): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).filter(|word| word != "--bench").partition(|word| word.starts_with("--"));
    let time = if flags.iter().any(|flag| flag == "--wall") { Time::Wall } else { Time::Cpu };
    let mut variants = variants();
    if flags.iter().any(|flag| flag == "--profile") {
        let name = words.first().map_or(variants[0].name, String::as_str);
        let variant = variants.iter().find(|variant| variant.name == name).expect("a variant of this name");
        let asked = words.get(1).map_or(QUESTIONS[1].name, String::as_str);
        let question = QUESTIONS.iter().find(|question| question.name == asked).expect("a column of this name");
        let loaded = runtime().block_on(load(variant));
        for _ in 0..100 {
            println!("{:.0} ns", nanos(&loaded, question, time));
        }
        return;
    }
    let first = variants[0].name;
    variants.retain(|variant| {
        words.is_empty() || variant.name == first || words.iter().any(|word| variant.name.contains(word.as_str()))
    });
    let resident: Vec<f64> = variants.iter().map(resident).collect();
    let loaded: Vec<Loaded> = variants.iter().map(|variant| runtime().block_on(load(variant))).collect();
    let mut times = vec![vec![Vec::with_capacity(ROUNDS); QUESTIONS.len()]; loaded.len()];
    for round in 0..ROUNDS {
        for n in 0..loaded.len() {
            let at = (n + round) % loaded.len();
            for (column, question) in QUESTIONS.iter().enumerate() {
                times[at][column].push(nanos(&loaded[at], question, time));
            }
        }
    }
    report(&loaded, &mut times, &resident);
}

fn report(loaded: &[Loaded], times: &mut [Vec<Vec<f64>>], resident: &[f64]) {
    print!("{:28}", "ns of a call (ratio)");
    for question in &QUESTIONS {
        print!("{:>22}", question.name);
    }
    println!("{:>22}", "resident KiB each");
    let firsts = times[0].clone();
    for ((loaded, times), resident) in loaded.iter().zip(times).zip(resident) {
        print!("{:28}", loaded.name);
        for (column, times) in times.iter_mut().enumerate() {
            let mut ratios: Vec<f64> = times.iter().zip(&firsts[column]).map(|(nanos, first)| nanos / first).collect();
            print!("{:>22}", format!("{:.0} ({:.2})", median(times), median(&mut ratios)));
        }
        println!("{resident:>22.0}");
    }
}
