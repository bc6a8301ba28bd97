//! Commits that fail.

use boxoffice::store::sqlite::{CommitFault, Faults, SeededFault, SqliteOptions};
use boxoffice::store::{RegisterRefusal, Registered, Store, StoreFailure};
use futures_util::future::join_all;

use super::support::{Place, START, event, expiry, faulty, register, somebody, wish};

fn options(faults: &Faults) -> SqliteOptions {
    SqliteOptions { faults: faults.clone(), ..SqliteOptions::default() }
}

/// Lets the `nth` commit of a registration fail, opens the database anew, and repeats it with its key.
async fn one_failure(fault: Option<SeededFault>, nth: u32, how: CommitFault) -> Result<(), String> {
    let place = Place::new();
    let faults = fault.map_or_else(Faults::default, Faults::mutant);
    let store = place.open_with(options(&faults));
    let gala = event(&store, 5).await;
    faults.fail_commit(nth, how);
    let first = register(&store, &gala.id, "ann@example.org", Some("k")).await;
    // A healthy store's registration has one commit. What a second one comes to, the repetition shows.
    let wanted = match (nth, how) {
        (1, CommitFault::DiskFull) => Some(StoreFailure::Overloaded),
        (1, _) => Some(StoreFailure::OutcomeUnknown),
        _ => None,
    };
    if nth == 1 && first.as_ref().err() != wanted.as_ref() {
        return Err(format!("commit {nth} {how:?}: {first:?}"));
    }
    let fatal = matches!(wanted, Some(StoreFailure::OutcomeUnknown));
    if fatal {
        let why = store.fatal().await;
        if !why.contains("unknown") {
            return Err(why);
        }
        let later = register(&store, &gala.id, "bob@example.org", None).await;
        if later != Err(StoreFailure::ShuttingDown) {
            return Err(format!("after a commit of unknown outcome: {later:?}"));
        }
        if store.event(START, &gala.id).await.is_err() {
            return Err("reads did not go on".to_owned());
        }
    }
    store.close().await;
    drop(store);
    let store = place.open_with(faulty(fault));
    if let Ok(Ok(acknowledged)) = &first
        && place.count(&format!("id = '{}'", acknowledged.ticket.id)) != 1
    {
        return Err("acknowledged and lost".to_owned());
    }
    match register(&store, &gala.id, "ann@example.org", Some("k")).await {
        Ok(Ok(Registered { .. }))
            if place.count("idempotency_key = 'k'") == 1 && place.count("1") == 1 && place.audited() == 1 =>
        {
            Ok(())
        }
        other => Err(format!("repeated after commit {nth} {how:?}: {other:?}")),
    }
}

pub(super) fn every_commit_fails_in_turn(fault: Option<SeededFault>) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    for how in [CommitFault::DiskFull, CommitFault::SyncLost, CommitFault::SyncKept] {
        for nth in 1..=2 {
            runtime.block_on(one_failure(fault, nth, how))?;
        }
    }
    Ok(())
}

#[test]
fn after_a_failed_commit_the_key_finds_out_what_is_there() {
    every_commit_fails_in_turn(None).expect("no acknowledged ticket is lost and none is made twice");
}

#[tokio::test]
async fn a_failed_commit_fails_everybody_in_its_batch_and_refusals_too() {
    let place = Place::new();
    let faults = Faults::default();
    let store = place.open_with(options(&faults));
    let gala = event(&store, 1).await;
    faults.fail_commit(1, CommitFault::DiskFull);
    let gate = place.sqlite();
    gate.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let clients: Vec<_> = (0..10).map(|client| format!("{client}@example.org")).collect();
    let asked = join_all(clients.iter().map(|email| register(&store, &gala.id, email, None)));
    let (answers, ()) = tokio::join!(asked, async { gate.execute_batch("ROLLBACK").expect("it unlocks") });
    // One got the seat and nine were refused for its sake; none of that is true.
    assert!(answers.iter().all(|answer| *answer == Err(StoreFailure::Overloaded)), "{answers:?}");
    assert_eq!(place.count("1"), 0);
    assert!(register(&store, &gala.id, "ann@example.org", None).await.expect("an answer").is_ok());
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_loses_nothing() {
    let place = Place::new();
    let store = place.open_with(options(&Faults::small_disk(40)));
    let gala = event(&store, 100_000).await;
    let mut sold = Vec::new();
    let full = loop {
        match register(&store, &gala.id, &format!("{}@example.org", sold.len()), Some(&sold.len().to_string())).await {
            Ok(made) => sold.push(made.expect("a seat").ticket),
            Err(failure) => break failure,
        }
        assert!(sold.len() < 100_000, "the disk is never full");
    };
    assert_eq!(full, StoreFailure::Overloaded);
    assert_eq!(store.ticket(START, &somebody(), &sold[0].id).await.expect("reads go on").as_ref(), Ok(&sold[0]));
    assert_eq!(place.violations(), [""; 0]);
    assert!(store.cancel(START, &somebody(), &sold[0].id).await.expect("this needs no space").is_ok());
    drop(store);
    let store = place.open();
    assert_eq!(place.count("1"), i64::try_from(sold.len()).expect("few"));
    let wish = wish(&gala.id, "more@example.org", 1, None);
    assert!(store.register(START, &somebody(), wish).await.expect("there is space again").is_ok());
    assert_eq!(place.violations(), [""; 0]);
}

/// Three register in one batch, and the second one's job panics when it has taken its seat.
async fn one_of_three_panics(fault: Option<SeededFault>) -> Result<(), String> {
    let place = Place::new();
    let store = place.open_with(options(&Faults::panicking().with(fault)));
    let gala = event(&store, 3).await;
    let gate = place.sqlite();
    gate.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let emails = ["ann@example.org", "panic@example.org", "bob@example.org"];
    let asked = join_all(emails.iter().map(|email| register(&store, &gala.id, email, None)));
    let (answers, ()) = tokio::join!(asked, async { gate.execute_batch("ROLLBACK").expect("it unlocks") });
    if !matches!(answers[..], [Ok(Ok(_)), Err(StoreFailure::Internal(_)), Ok(Ok(_))]) {
        return Err(format!("{answers:?}"));
    }
    let free = store.event(START, &gala.id).await.expect("an answer").expect("the event").available;
    let violations = place.violations();
    if free == 1 && violations.is_empty() { Ok(()) } else { Err(format!("{free} free, {violations:?}")) }
}

pub(super) fn a_job_panics(fault: Option<SeededFault>) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(one_of_three_panics(fault))
}

#[test]
fn a_job_that_panics_fails_alone_and_leaves_nothing_behind() {
    a_job_panics(None).expect("the two others have their seats, and nobody else has one");
}

#[tokio::test]
async fn a_refusal_undoes_what_it_has_written_and_costs_its_batch_nothing() {
    let place = Place::new();
    let store = place.open();
    let gala = event(&store, 2).await;
    let held = register(&store, &gala.id, "old@example.org", None).await.expect("an answer").expect("a seat").ticket;
    let gate = place.sqlite();
    gate.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let (who, late) = (somebody(), expiry(0));
    // One seat is free. The second one wants three: the hold that ran out is released for it, in vain.
    let one = store.register(late, &who, wish(&gala.id, "ann@example.org", 1, None));
    let three = store.register(late, &who, wish(&gala.id, "bob@example.org", 3, None));
    let ((first, second), ()) =
        tokio::join!(async { tokio::join!(one, three) }, async { gate.execute_batch("ROLLBACK").expect("it unlocks") });
    assert!(matches!(first, Ok(Ok(_))), "{first:?}");
    assert_eq!(second, Ok(Err(RegisterRefusal::SoldOut)));
    assert_eq!(place.count(&format!("id = '{}' AND status = 'reserved'", held.id)), 1, "the release was undone");
    assert_eq!(place.violations(), [""; 0]);
}

#[tokio::test]
async fn a_job_on_a_damaged_row_fails_alone() {
    let place = Place::new();
    let store = place.open();
    let (gala, ball) = (event(&store, 3).await, event(&store, 3).await);
    let ticket = register(&store, &gala.id, "ann@example.org", None).await.expect("an answer").expect("a seat").ticket;
    let other = place.sqlite();
    other.execute_batch("PRAGMA foreign_keys = OFF").expect("a setting");
    other.execute("DELETE FROM events WHERE id = ?1", [gala.id.as_str()]).expect("the damage");
    let who = somebody();
    let (broken, fine) =
        tokio::join!(store.confirm(START, &who, &ticket.id), register(&store, &ball.id, "ann@example.org", None));
    assert!(matches!(broken, Err(StoreFailure::Internal(_))), "{broken:?}");
    assert!(matches!(fine, Ok(Ok(_))), "{fine:?}");
    assert_eq!(place.count("status = 'confirmed'"), 0);
    assert!(!place.violations().is_empty(), "the damage is seen");
}
