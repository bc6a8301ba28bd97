//! Whether a run is the same again: told the same, in a fresh instance and in one that has served others.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::bench::{Stop, Talk};
use super::super::case::Case;
use crate::recorder::file::{RecordedRequest, Why};
use crate::replay::replay;
use crate::wasm::Module;

/// Runs of one route, with one status, that are run again; more of them say nothing new.
const OF_A_KIND: u32 = 40;

pub(super) async fn are_the_same(case: &mut Case) -> Result<(), Stop> {
    let suite = Arc::clone(&case.suite);
    let (talks, _) = suite.said();
    let mut kinds: HashMap<(Option<String>, Option<u16>), u32> = HashMap::new();
    let mut recorded = Vec::new();
    for talk in &talks {
        let Some(seen) = &talk.seen else { continue };
        let count = kinds.entry((seen.route.clone(), talk.status())).or_default();
        *count += 1;
        if *count > OF_A_KIND {
            continue;
        }
        if let Some(request) = RecordedRequest::of(seen, Why::Sample, case.bench.now()) {
            // What ended for time may come to another end on a busy machine.
            if !request.outcome.is_of_time() {
                recorded.push((Arc::clone(talk), request));
            }
        }
    }
    if recorded.is_empty() {
        case.skip("no request reached the module");
    }
    let fresh = "A request that is run again on what it was told answers the same.";
    again(case, &suite.module, &recorded, fresh).await;
    let reused = "An instance that has served other requests answers as a fresh one does.";
    again(case, &suite.reused, &recorded, reused).await;
    Ok(())
}

async fn again(case: &mut Case, module: &Arc<Module>, recorded: &[(Arc<Talk>, RecordedRequest)], expected: &str) {
    for (talk, request) in recorded {
        let replayed = replay(request, module).await;
        case.expect(talk, expected, |_| match &replayed.difference {
            None => Ok(()),
            Some(difference) => {
                let was: String = difference.recorded.to_string().chars().take(300).collect();
                let now: String = difference.now.to_string().chars().take(300).collect();
                Err(format!("{} differs: {}; it was {was}, and is now {now}", difference.at, difference.what))
            }
        });
    }
}
