//! The attack suite against the program as it is shipped, with its default limits.

use harness::attack::{Outcome, Plan, attacks, load_attacks};

/// Carries out the suite and lists everything that was not as promised.
///
/// One test, so that attacks do not disturb each other's measurements; what takes long are three attacks that wait until the wall-clock
/// limit ends them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_module_does_the_host_its_memory_and_everybody_else_stay_whole() {
    let plan = Plan::against(env!("CARGO_BIN_EXE_boxoffice").into());
    let outcomes = plan.carry_out(|_| {}).await;
    assert_eq!(outcomes.len(), attacks().len() + load_attacks().len());
    let faults: Vec<_> = outcomes.iter().flat_map(told).collect();
    assert!(faults.is_empty(), "{} of {} attacks:\n{}", faults.len(), outcomes.len(), faults.join("\n"));
}

fn told(outcome: &Outcome) -> Vec<String> {
    outcome.faults.iter().map(|fault| format!("{}: {fault}", outcome.attack)).collect()
}
