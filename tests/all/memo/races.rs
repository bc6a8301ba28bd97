//! Readers and writers at the same time: nobody is given an answer that is older than one that somebody has had before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use boxoffice::store::sqlite::{Faults, SeededFault};
use futures_util::future::join_all;
use harness::{TestServer, unruly_rules, until};

use super::{ask, is_kept};

const SEATS: u32 = 1_000_000;
/// Registrations of one trial.
const WRITES: u32 = 60;
const READERS: usize = 6;

/// What all clients together know.
#[derive(Default)]
struct Known {
    /// Seats that somebody has seen taken, or has had a ticket of.
    taken: AtomicU64,
    over: AtomicBool,
    kept: AtomicU64,
    reads: AtomicU64,
}

/// Reads the event again and again; each answer must be as new as what anybody had known before it was asked for. Some readers want a run
/// each time: they see a commit as soon as it can be seen, whatever is kept.
async fn read_on(server: &TestServer, event: &str, known: &Known, runs: bool) -> Result<(), String> {
    while !known.over.load(Ordering::SeqCst) {
        let before = known.taken.load(Ordering::SeqCst);
        let call = server.get(&format!("/events/{event}"));
        let (answer, kept) = ask(if runs { call.header("if-none-match", "\"another\"") } else { call }).await;
        let available = answer.body["available"].as_u64().ok_or_else(|| answer.text.clone())?;
        let taken = u64::from(SEATS) - available;
        if taken < before {
            let kept = if kept { "kept" } else { "run" };
            return Err(format!(
                "{taken} seats are taken, says an answer ({kept}); there were {before} before it was asked"
            ));
        }
        known.taken.fetch_max(taken, Ordering::SeqCst);
        known.reads.fetch_add(1, Ordering::SeqCst);
        known.kept.fetch_add(kept.into(), Ordering::SeqCst);
    }
    Ok(())
}

/// One writer and some readers; how many reads there were, and how many of them of what was kept.
pub(super) async fn trial(fault: Option<SeededFault>) -> Result<(u64, u64), String> {
    // Wherever it matters in which order things happen, the writer leaves the others some time in between.
    let faults = fault.map_or_else(Faults::default, Faults::mutant).dawdling();
    let server = Arc::new(TestServer::builder().store(|options| options.faults = faults).start().await);
    let event = server.event(SEATS).await;
    let known = Arc::new(Known::default());
    let readers = (0..READERS).map(|reader| {
        let (server, event, known) = (Arc::clone(&server), event.clone(), Arc::clone(&known));
        tokio::spawn(async move { read_on(&server, &event, &known, reader % 3 == 0).await })
    });
    let readers: Vec<_> = readers.collect();
    for n in 0..WRITES {
        server.hold(&event, &format!("c{n}@example.org")).await;
        known.taken.fetch_max(u64::from(n) + 1, Ordering::SeqCst);
        // By turns at once, and when what is kept has been given a few times.
        let kept = known.kept.load(Ordering::SeqCst) + 3 * u64::from(n % 2);
        let one_has_ended = async || readers.iter().any(tokio::task::JoinHandle::is_finished);
        until("it is kept", async || known.kept.load(Ordering::SeqCst) >= kept || one_has_ended().await).await;
    }
    known.over.store(true, Ordering::SeqCst);
    let found: Result<Vec<()>, String> =
        join_all(readers).await.into_iter().map(|read| read.expect("no panic")).collect();
    found.map(|_| (known.reads.load(Ordering::SeqCst), known.kept.load(Ordering::SeqCst)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_given_an_answer_that_is_older_than_what_anybody_has_seen() {
    let (reads, kept) = trial(None).await.unwrap_or_else(|found| panic!("{found}"));
    // That none was old means something only where both kinds came.
    assert!(kept >= u64::from(WRITES) && reads > kept, "{kept} of {reads} were kept");
}

#[tokio::test]
async fn a_read_that_began_before_a_write_is_not_kept_beyond_it() {
    let faults = Faults::default();
    let builder = TestServer::builder().rules(unruly_rules()).store(|options| options.faults = faults.clone());
    let minute = std::time::Duration::from_mins(1);
    let server = builder.with(|s| (s.limits.rules_cpu, s.limits.rules_timeout) = (minute, minute)).start().await;
    let text = server.post("/create").role("organizer").send().await.text;
    let event = text.split("id: \"").nth(1).and_then(|rest| rest.split('"').next()).expect("an id").to_owned();
    let twice = || server.get(&format!("/kept/event-twice?id={event}"));
    // It reads, stands still, and reads again what has changed meanwhile.
    faults.hold_searches(Some("held"));
    let reading = tokio::spawn(twice().send());
    until("it stands still", async || faults.held_searches() == 1).await;
    let register = server.post("/register").body(event.clone()).header("content-type", "application/json");
    assert!(register.role("user").send().await.text.contains("Ok("));
    faults.hold_searches(None);
    assert_eq!(reading.await.expect("no panic").text, "5 4", "of a moment before and one after");
    let (answer, kept) = ask(twice()).await;
    assert_eq!((answer.text.as_str(), kept), ("4 4", false));
    assert!(is_kept(twice()).await);
}
