//! The parts of a request, in process: `cargo bench --package boxoffice --bench micro`. `-- WORD` measures only those with the word in
//! their names.

mod kit;

use std::time::Duration;

use boxoffice::domain::EventQuery;
use boxoffice::limiter::{ClientKey, Limiter, RateLimit, Verdict};
use boxoffice::store::Store as _;
use boxoffice::wasm::{Found, Router};
use divan::{Bencher, black_box};
use hyper::Method;

use kit::{Kit, NOW};

fn main() {
    divan::main();
}

/// What is read of one row.
#[divan::bench]
fn store_reads_one_event(bencher: Bencher) {
    let kit = Kit::get();
    bencher.bench_local(|| {
        let event = kit.runtime.block_on(kit.store.event(NOW, &kit.event)).expect("the store answers");
        assert!(event.is_some());
    });
}

/// A page of 20.
#[divan::bench]
fn store_lists_20_events(bencher: Bencher) {
    let kit = Kit::get();
    bencher.bench_local(|| {
        let page = kit.runtime.block_on(kit.store.events(NOW, EventQuery { limit: 20, ..EventQuery::all() }));
        assert_eq!(page.expect("the store answers").expect("a page").items.len(), 20);
    });
}

/// One registration alone, so that it is a commit and a sync alone.
#[divan::bench]
fn store_registers_alone(bencher: Bencher) {
    let kit = Kit::get();
    bencher.bench_local(|| kit.runtime.block_on(kit.register()));
}

/// From a path to its route and its parameter.
#[divan::bench]
fn router_finds_a_route(bencher: Bencher) {
    let kit = Kit::get();
    let (router, manifest): (&Router, _) = (&kit.fresh.router, &kit.fresh.manifest);
    bencher.bench_local(|| {
        let found = router.find(manifest, &Method::POST, black_box("/events/0193-a4d2-7c55/register"));
        assert!(matches!(found, Found::Route(route, _) if route.id == "register"));
    });
}

/// A client of 10,000 that has asked before, within its limit.
#[divan::bench]
fn limiter_admits(bencher: Bencher) {
    let window = Duration::from_millis(10);
    let mut limiter = Limiter::new(RateLimit { requests: 5, window }, 20_000);
    let clients: Vec<_> = (0..10_000_u32).map(|n| ClientKey::of(std::net::Ipv4Addr::from_bits(n).into())).collect();
    let (mut now, mut at) = (Duration::ZERO, 0);
    bencher.bench_local(|| {
        at = (at + 1) % clients.len();
        // Each client comes again when its window is over.
        now += window / 5_000;
        assert!(matches!(limiter.admit(clients[at], now), Verdict::Admitted(_)));
    });
}

/// What a run costs without rules: a permit, and the check of a fixed answer of 1 KiB.
#[divan::bench]
fn run_of_no_rules(bencher: Bencher) {
    let kit = Kit::get();
    bencher.bench_local(|| kit.get_event(&kit.fixed));
}

/// GET /events/{id}, in an instance of its own.
#[divan::bench]
fn run_of_a_fresh_guest(bencher: Bencher) {
    let kit = Kit::get();
    bencher.bench_local(|| kit.get_event(&kit.fresh));
}

/// GET /events/{id}, in an instance that has served before.
#[divan::bench]
fn run_of_a_reused_guest(bencher: Bencher) {
    let kit = Kit::get();
    bencher.bench_local(|| kit.get_event(&kit.reused));
}
