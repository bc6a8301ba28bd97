//! A test counts only if it can fail: every seeded fault is caught by one of them.

use boxoffice::store::sqlite::SeededFault;

use super::{commits, machine, races};

/// What caught it.
fn catch(fault: SeededFault) -> Option<(&'static str, String)> {
    if let Err(found) = commits::every_commit_fails_in_turn(Some(fault)) {
        return Some(("failed commit", found));
    }
    if let Err(found) = commits::a_job_panics(Some(fault)) {
        return Some(("panic", found));
    }
    if let Err(found) = races::a_hundred_for_five_at_once(Some(fault)) {
        return Some(("race", found));
    }
    machine::histories(0, 75, 80, 0, Some(fault)).err().map(|found| ("histories", found))
}

#[test]
fn every_seeded_fault_is_caught() {
    let mut caught = 0;
    for fault in SeededFault::OF_THE_STORE {
        match catch(fault) {
            Some((by, found)) => {
                caught += 1;
                let what = found.lines().next().unwrap_or_default();
                println!("{fault:?}: caught by {by}: {what:.160}");
            }
            None => println!("{fault:?}: NOT CAUGHT"),
        }
    }
    println!("mutants caught {caught}/{}", SeededFault::OF_THE_STORE.len());
    assert_eq!(caught, SeededFault::OF_THE_STORE.len());
}
