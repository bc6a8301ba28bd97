//! A test counts only if it can fail: every seeded fault of what is kept is caught by one of them.

use boxoffice::store::sqlite::SeededFault;

use super::{histories, races};

/// Races, and then histories, in one of which a fault must show.
const TRIALS: u64 = 10;

/// What caught it, and in which trial.
async fn catch(fault: SeededFault) -> Option<(&'static str, u64, String)> {
    // Time stands still in races.
    let most = if fault == SeededFault::DueHoldsForgotten { 0 } else { TRIALS };
    for number in 1..=most {
        if let Err(why) = races::trial(Some(fault)).await {
            return Some(("race", number, why));
        }
    }
    for number in 1..=TRIALS {
        if let Err(why) = histories::history(number, Some(fault)).await {
            return Some(("history", number, why));
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_seeded_fault_of_what_is_kept_is_caught() {
    let mut missed = Vec::new();
    for fault in SeededFault::OF_WHAT_IS_KEPT {
        match catch(fault).await {
            Some((by, number, found)) => println!("{fault:?}: caught by {by} {number} of {TRIALS}: {found:.160}"),
            None => missed.push(fault),
        }
    }
    assert!(missed.is_empty(), "not caught: {missed:?}");
}
