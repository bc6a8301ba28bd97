//! The WASI that a guest's standard library asks for, made inert: no files, no sockets, no environment, no arguments; the wall clock
//! stands at the request's `now`, randomness is seeded for each request, output goes to the bounded log. A run is thus a pure
//! function of module, request and host answers.

use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{HostMonotonicClock, HostWallClock, WasiClocks, WasiClocksCtxView, WasiClocksView as _};
use wasmtime_wasi::p2::bindings::{cli, clocks, random};
use wasmtime_wasi::random::{WasiRandom, WasiRandomCtx};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::output::Output;
use super::run::Run;
use crate::domain::Millis;

/// Most bytes of randomness in one call: no honest guest wants more, and the host would have to make them.
const MAX_RANDOM_BYTES: u64 = 64 * 1024;

/// The context of one run.
pub(super) fn context(now: Millis, seed: u64, output: &Output) -> WasiCtx {
    WasiCtx::builder()
        .wall_clock(Standing(now))
        .monotonic_clock(Standing(now))
        .secure_random(StdRng::seed_from_u64(seed))
        .insecure_random(StdRng::seed_from_u64(!seed))
        .insecure_random_seed(u128::from(seed))
        .max_random_size(MAX_RANDOM_BYTES)
        .stdout(output.clone())
        .stderr(output.clone())
        .build()
}

impl WasiView for Run {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi()
    }
}

/// A clock that does not move during a request.
struct Standing(Millis);

impl HostWallClock for Standing {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_millis(self.0.as_u64())
    }
}

impl HostMonotonicClock for Standing {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        self.0.as_u64().saturating_mul(1_000_000)
    }
}

fn clocks_of(run: &mut Run) -> WasiClocksCtxView<'_> {
    run.asked_for_its_own = true;
    run.clocks()
}

fn random_of(run: &mut Run) -> &mut WasiRandomCtx {
    run.asked_for_its_own = true;
    let WasiCtxView { ctx, .. } = run.ctx();
    ctx.random()
}

/// Links the inert interfaces one by one, so that files and sockets stay absent.
pub(super) fn link(linker: &mut Linker<Run>) -> wasmtime::Result<()> {
    use wasmtime_wasi_io::bindings::wasi::io;

    io::error::add_to_linker::<Run, Tables>(linker, |run| run.ctx().table)?;
    io::poll::add_to_linker::<Run, Tables>(linker, |run| run.ctx().table)?;
    io::streams::add_to_linker::<Run, Tables>(linker, |run| run.ctx().table)?;
    clocks::wall_clock::add_to_linker::<Run, WasiClocks>(linker, clocks_of)?;
    clocks::monotonic_clock::add_to_linker::<Run, WasiClocks>(linker, clocks_of)?;
    random::random::add_to_linker::<Run, WasiRandom>(linker, random_of)?;
    random::insecure::add_to_linker::<Run, WasiRandom>(linker, random_of)?;
    random::insecure_seed::add_to_linker::<Run, WasiRandom>(linker, random_of)?;
    cli::exit::add_to_linker::<Run, WasiCli>(linker, Run::cli)?;
    cli::environment::add_to_linker::<Run, WasiCli>(linker, Run::cli)?;
    cli::stdin::add_to_linker::<Run, WasiCli>(linker, Run::cli)?;
    cli::stdout::add_to_linker::<Run, WasiCli>(linker, Run::cli)?;
    cli::stderr::add_to_linker::<Run, WasiCli>(linker, Run::cli)?;
    cli::terminal_input::add_to_linker::<Run, WasiCli>(linker, Run::cli)?;
    cli::terminal_output::add_to_linker::<Run, WasiCli>(linker, Run::cli)?;
    cli::terminal_stdin::add_to_linker::<Run, WasiCli>(linker, Run::cli)?;
    cli::terminal_stdout::add_to_linker::<Run, WasiCli>(linker, Run::cli)?;
    cli::terminal_stderr::add_to_linker::<Run, WasiCli>(linker, Run::cli)?;
    Ok(())
}

/// The interfaces that [`link`] links.
const OFFERED: [&str; 18] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// Whether an interface, named without its version, is linked.
pub(super) fn offers(interface: &str) -> bool {
    OFFERED.contains(&interface)
}

struct Tables;

impl wasmtime::component::HasData for Tables {
    type Data<'a> = &'a mut ResourceTable;
}
