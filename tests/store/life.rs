//! Opening, queueing, closing.

use std::time::Duration;

use boxoffice::clock::Stopwatch;
use boxoffice::store::sqlite::SqliteOptions;
use boxoffice::store::{Store, StoreFailure};
use futures_util::FutureExt as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use super::support::{Place, START, event, register, somebody};

#[tokio::test]
async fn a_restart_keeps_everything() {
    let place = Place::new();
    let store = place.open();
    let gala = event(&store, 3).await;
    let ticket = register(&store, &gala.id, "ann@example.org", None).await.expect("an answer").expect("a seat").ticket;
    let ticket = store.confirm(START, &somebody(), &ticket.id).await.expect("an answer").expect("confirmed");
    let before = store.event(START, &gala.id).await;
    store.close().await;
    let store = place.open();
    assert_eq!(store.event(START, &gala.id).await, before);
    assert_eq!(store.ticket(START, &somebody(), &ticket.id).await, Ok(Ok(ticket)));
}

#[tokio::test]
async fn closing_leaves_one_file_and_answers_from_then_on_that_it_is_closed() {
    let place = Place::new();
    let store = place.open();
    let gala = event(&store, 3).await;
    store.close().await;
    store.close().await;
    let files: Vec<_> =
        std::fs::read_dir(place.folder.path()).expect("the folder").flatten().map(|f| f.file_name()).collect();
    assert_eq!(files, ["box.db"]);
    assert_eq!(store.event(START, &gala.id).await, Err(StoreFailure::ShuttingDown));
    assert_eq!(register(&store, &gala.id, "ann@example.org", None).await, Err(StoreFailure::ShuttingDown));
    // Not even dropped: another host may open it now.
    drop(place.open());
}

#[tokio::test]
async fn the_writer_closes_last_also_when_it_has_long_been_told_to() {
    for _ in 0..10 {
        let place = Place::new();
        let store = place.open();
        event(&store, 3).await;
        store.begin_shutdown();
        // A writer that waits for nobody empties the log now, and is not the last to close.
        let log = place.path.with_extension("db-wal");
        let watch = Stopwatch::start();
        while watch.elapsed() < Duration::from_millis(20) && std::fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
            tokio::task::yield_now().await;
        }
        store.close().await;
        assert!(!log.exists(), "the log was left behind");
    }
}

#[tokio::test]
async fn the_database_is_in_wal_mode_with_our_name_in_it() {
    let place = Place::new();
    drop(place.open());
    let header = std::fs::read(&place.path).expect("the file");
    assert_eq!(header[18..20], [2, 2], "WAL");
    assert_eq!(&header[68..72], b"boxf");
}

#[tokio::test]
async fn a_full_queue_answers_at_once_and_what_was_queued_is_done() {
    let place = Place::new();
    let store = place.open_with(SqliteOptions { queue: 4, max_batch: 1, ..SqliteOptions::default() });
    let gala = event(&store, 100).await;
    let gate = place.sqlite();
    gate.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let emails: Vec<_> = (0..20).map(|client| format!("{client}@example.org")).collect();
    let mut asked: FuturesUnordered<_> = emails.iter().map(|email| register(&store, &gala.id, email, None)).collect();
    // Four wait in the queue, and one may be in the writer's hands.
    for _ in 0..15 {
        assert_eq!(asked.next().await, Some(Err(StoreFailure::Overloaded)));
    }
    gate.execute_batch("ROLLBACK").expect("it unlocks");
    let mut sold = 0;
    while let Some(answer) = asked.next().await {
        match answer {
            Ok(made) => sold += usize::from(made.is_ok()),
            Err(failure) => assert_eq!(failure, StoreFailure::Overloaded),
        }
    }
    assert!((4..=5).contains(&sold), "{sold}");
    assert_eq!(place.count("1"), i64::try_from(sold).expect("few"));
}

#[tokio::test]
async fn another_programs_lock_is_waited_for_and_then_nothing_was_written() {
    let place = Place::new();
    let busy_timeout = std::time::Duration::from_millis(20);
    let store = place.open_with(SqliteOptions { busy_timeout, ..SqliteOptions::default() });
    let gala = event(&store, 100).await;
    let gate = place.sqlite();
    gate.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    assert_eq!(register(&store, &gala.id, "ann@example.org", None).await, Err(StoreFailure::Overloaded));
    gate.execute_batch("ROLLBACK").expect("it unlocks");
    assert!(register(&store, &gala.id, "ann@example.org", None).await.expect("an answer").is_ok());
}

#[tokio::test]
async fn shutdown_discards_what_has_not_begun_and_says_so() {
    let place = Place::new();
    let store = place.open();
    let gala = event(&store, 100).await;
    let gate = place.sqlite();
    gate.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let emails: Vec<_> = (0..20).map(|client| format!("{client}@example.org")).collect();
    let mut asked: FuturesUnordered<_> = emails.iter().map(|email| register(&store, &gala.id, email, None)).collect();
    assert!(asked.next().now_or_never().is_none(), "all of them wait");
    store.begin_shutdown();
    gate.execute_batch("ROLLBACK").expect("it unlocks");
    while let Some(answer) = asked.next().await {
        assert_eq!(answer, Err(StoreFailure::ShuttingDown));
    }
    assert!(store.event(START, &gala.id).await.expect("reads go on").is_some());
    store.close().await;
    assert_eq!(place.count("1"), 0);
}

#[tokio::test]
async fn a_job_whose_caller_went_away_before_it_began_is_not_done() {
    let place = Place::new();
    let store = place.open();
    let gala = event(&store, 100).await;
    let gate = place.sqlite();
    gate.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    assert!(register(&store, &gala.id, "gone@example.org", None).now_or_never().is_none());
    gate.execute_batch("ROLLBACK").expect("it unlocks");
    assert!(register(&store, &gala.id, "ann@example.org", None).await.expect("an answer").is_ok());
    assert_eq!(place.count("email = 'gone@example.org'"), 0);
}

#[tokio::test]
async fn the_invariants_can_be_proved_while_it_runs() {
    let place = Place::new();
    let store = place.open();
    for _ in 0..250 {
        event(&store, 3).await;
    }
    assert_eq!(store.invariants().await, Ok(Vec::new()));
    place.sqlite().execute_batch("UPDATE events SET available_spots = 2").expect("the damage");
    assert_eq!(store.invariants().await.expect("a proof").len(), 100);
}
