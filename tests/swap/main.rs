//! `make swap-demo`: changes the rules of a throw-away server a thousand times while buyers buy, with bad modules among them; then a
//! canary that fails and is taken off by itself; then a shadow that finds a planted difference.

mod show;

use std::process::ExitCode;
use std::time::Duration;

use boxoffice::STANDARD_RULES;
use boxoffice::clock::Stopwatch;
use clap::Parser;
use harness::swap::{Buyers, bad_modules, swap};
use harness::{Answer, Operator, TestServer, altered_rules, compile_if_asked, token_file, under_another_digest};
use serde_json::{Value, json};
use show::{progress, row, title};

/// Versions that are swapped: as many as stay compiled.
const VERSIONS: usize = 5;
/// Seats of the event that is sold: more than a thousand swaps leave time for.
const SEATS: u32 = 1_000_000;
/// How long the buyers buy without a swap, to compare with.
const QUIET: Duration = Duration::from_secs(3);
/// Requests after which a failing canary must be gone, or a shadow must have seen a difference.
const PATIENCE: usize = 10_000;

/// Swaps the rules under load and says what clients saw of it.
#[derive(Debug, Parser)]
struct Arguments {
    /// How often
    #[arg(long, default_value_t = 1_000)]
    swaps: u32,

    /// How many buyers at the same time
    #[arg(long, default_value_t = 16)]
    buyers: usize,
}

fn main() -> ExitCode {
    if let Some(compiled) = compile_if_asked() {
        return compiled;
    }
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("swap-demo: {error}");
            return ExitCode::from(2);
        }
    };
    if runtime.block_on(demo(&arguments)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Gives whether everything went as promised.
async fn demo(arguments: &Arguments) -> bool {
    let token = token_file();
    let path = token.path().to_owned();
    let server = TestServer::builder().real_time().with(|s| s.operating.admin_token_file = Some(path)).start().await;
    println!(
        "Rules that change while people buy, on http://{} and http://{}",
        server.address(),
        server.admin_address()
    );
    let swapped = swaps(&server, arguments).await;
    let canary = canary(&server).await;
    let shadow = shadow(&server).await;
    // The invariants of the database are proved when the server is dropped.
    server.stop().await;
    println!("\nThe books are right: every seat was sold once, or is still there.");
    swapped && canary && shadow
}

/// A thousand swaps under load.
async fn swaps(server: &TestServer, arguments: &Arguments) -> bool {
    title(&format!("{} swaps under load, {} buyers at a time", arguments.swaps, arguments.buyers));
    let operator = Operator::of(server);
    let mut versions = vec!["standard".to_owned()];
    for n in 1..VERSIONS {
        versions.push(operator.pushed(under_another_digest(STANDARD_RULES, &format!("version {n}"))).await);
    }
    let event = server.event(SEATS).await;
    let buyers = Buyers::start(server.address(), &event, arguments.buyers);
    tokio::time::sleep(QUIET).await;
    let quiet = buyers.stop().await;
    let (progress, watch) = (progress(arguments.swaps, "swaps"), Stopwatch::start());
    let buyers = Buyers::start(server.address(), &event, arguments.buyers);
    let swapped = swap(&operator, &versions, arguments.swaps, |done| progress.set_position(done.into())).await;
    let took = watch.elapsed();
    let busy = buyers.stop().await;
    progress.finish_and_clear();
    row("swaps", &format!("{} in {:.1} s, among {VERSIONS} versions", swapped.swaps, took.as_secs_f64()));
    let kinds = bad_modules().len();
    let refused: u32 = swapped.refused.values().sum();
    row("bad modules offered in between", &format!("{refused} of {kinds} kinds, all refused: {:?}", swapped.refused));
    for (name, seen) in [("without swaps", &quiet), ("while swapping", &busy)] {
        let (p99, longest) = (millis(seen.quantile(0.99)), millis(seen.longest()));
        let (requests, confirmed) = (seen.took.len(), seen.confirmed);
        row(name, &format!("{requests} requests, {confirmed} tickets sold; p99 {p99}, longest pause {longest}"));
    }
    row("failed requests", &(quiet.failed + busy.failed).to_string());
    for fault in swapped.faults.iter().chain(&quiet.failures).chain(&busy.failures) {
        println!("  NOT AS PROMISED: {fault}");
    }
    swapped.faults.is_empty() && quiet.failed + busy.failed == 0
}

/// A canary that traps for one event, until it is taken off.
async fn canary(server: &TestServer) -> bool {
    title("a canary that traps, for half of the callers");
    let operator = Operator::of(server);
    let altered = operator.pushed(std::fs::read(altered_rules()).unwrap_or_default()).await;
    let event = event_named(server, "planted trap").await;
    operator.activate(&altered, &json!({"mode": "canary", "percent": 50})).await;
    let watch = Stopwatch::start();
    let mut answers: Vec<Answer> = Vec::new();
    while is_canary(&operator).await && answers.len() < PATIENCE {
        answers.push(server.get(&format!("/events/{event}/availability")).send().await);
    }
    let failed = answers.iter().filter(|answer| answer.status == 500).count();
    let listing = operator.list().await;
    let step = &listing["history"][0];
    row(
        "requests until it was gone",
        &format!("{}, of which {failed} failed, in {}", answers.len(), millis(watch.elapsed())),
    );
    row("what `rules list` says", &format!("{}: {}", text(&step["event"]), text(&step["detail"])));
    let fine = server.get(&format!("/events/{event}/availability")).send().await.status == 200;
    row("and then", if fine { "everybody is served by the active version" } else { "NOT AS PROMISED: not served" });
    fine && step["event"] == "canary-rolled-back"
}

/// A shadow that answers one event otherwise.
async fn shadow(server: &TestServer) -> bool {
    title("a shadow with a planted difference, on live requests");
    let operator = Operator::of(server);
    let altered = operator.pushed(std::fs::read(altered_rules()).unwrap_or_default()).await;
    let (planted, plain) = (event_named(server, "planted answer").await, event_named(server, "an event").await);
    operator.activate(&altered, &json!({"mode": "shadow"})).await;
    let mut asked = 0;
    while operator.list().await["shadow"]["divergent"].as_u64().unwrap_or_default() == 0 && asked < PATIENCE {
        for event in [&plain, &plain, &planted] {
            assert_eq!(server.get(&format!("/events/{event}/availability")).send().await.status, 200);
            asked += 1;
        }
    }
    let found = operator.list().await["shadow"].clone();
    let count = |name: &str| found[name].as_u64().unwrap_or_default();
    let (compared, identical, divergent) = (count("compared"), count("identical"), count("divergent"));
    row("requests", &format!("{asked}: {compared} compared, {identical} identical, {divergent} divergent"));
    let example = &found["examples"][0];
    for side in ["active", "candidate"] {
        row(&format!("the first example, {side}"), &example[side].to_string());
    }
    operator.activate(&altered, &json!({"mode": "off"})).await;
    divergent > 0
}

async fn event_named(server: &TestServer, name: &str) -> String {
    let event = json!({"name": name, "capacity": 100});
    text(&server.post("/events").role("organizer").json(&event).send().await.body["id"])
}

async fn is_canary(operator: &Operator) -> bool {
    !operator.list().await["canary"].is_null()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn millis(span: Duration) -> String {
    format!("{:.1} ms", span.as_secs_f64() * 1000.0)
}
