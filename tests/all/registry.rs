//! Which version serves whom: one for each request, at every moment, and the same after a restart.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use boxoffice::STANDARD_RULES;
use boxoffice::domain::{Millis, Principal};
use boxoffice::registry::{Back, Deployment, Ending, Event, Kept, Mode, Refusal, Registry, Share, Version};
use boxoffice::wasm::Digest;
use futures_util::FutureExt as _;
use harness::swap::Buyers;
use harness::{Operator, TestServer, fresh_address, logged, token_file, under_another_digest, until, watched_id};
use proptest::prelude::*;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::made::{Made, Said};

/// A module that answers every request for `/one` with this status.
fn answering(status: u16) -> Vec<u8> {
    Made { status, summary: format!("Answers {status}"), ..Made::default() }.component()
}

fn version(name: &str) -> Vec<u8> {
    under_another_digest(STANDARD_RULES, name)
}

async fn pushed(registry: &Arc<Registry>, component: Vec<u8>) -> Digest {
    registry.upload(component).await.unwrap().digest
}

#[tokio::test]
async fn what_serves_and_what_happened_survives_a_restart() {
    let server = TestServer::start().await;
    let registry = server.server().registry();
    let [first, second, third] = [
        pushed(registry, version("1")).await,
        pushed(registry, version("2")).await,
        pushed(registry, version("3")).await,
    ];
    registry.activate(&first.to_string(), Mode::All).await.unwrap();
    registry.activate(&second.to_string(), Mode::All).await.unwrap();
    registry.activate(&third.to_string(), Mode::Canary(Share::percent(12.5).unwrap())).await.unwrap();
    let told = |listing: boxoffice::registry::Listing| {
        let states: Vec<_> = listing.modules.iter().map(|module| (module.digest, module.state)).skip(1).collect();
        (listing.active, states, format!("{:?}", listing.history), listing.canary.map(|canary| canary.percent))
    };
    let before = told(registry.list().await);
    assert_eq!(before.0, second);

    let server = server.restart().await;
    let registry = server.server().registry();
    assert_eq!(told(registry.list().await), before);
    assert_eq!(server.get("/events").send().await.status, 200);
    let ended = registry.roll_back(Back::Step).await.unwrap().ended_canary;
    assert_eq!(ended, Some(third.into()));
    assert_eq!(registry.roll_back(Back::Step).await.unwrap().active, first.into());
    let server = server.restart().await;
    assert_eq!(server.server().module().digest, first);
}

#[tokio::test]
async fn a_change_whose_client_went_away_is_made_whole_or_not_at_all() {
    let server = TestServer::start().await;
    let registry = server.server().registry();
    let (first, second) = (pushed(registry, answering(201)).await, pushed(registry, answering(202)).await);
    for (n, digest) in [first, second].into_iter().cycle().take(60).enumerate() {
        let text = digest.to_string();
        let activating = registry.activate(&text, Mode::All);
        // Given up after so many steps of its way.
        let mut activating = Box::pin(activating);
        for _ in 0..n % 12 {
            if activating.as_mut().now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(activating);
        // The next change waits for it.
        registry.activate("standard", Mode::Off).await.unwrap_err();
        let listing = registry.list().await;
        assert_eq!(listing.active, server.server().module().digest);
    }
    let active = server.server().module().digest;
    let server = server.restart().await;
    assert_eq!(server.server().module().digest, active, "what serves is what is on disk");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_swaps_under_load_fail_nobody_and_each_request_sees_one_version() {
    let file = token_file();
    let token = file.path().to_owned();
    let server = TestServer::builder().with(|s| s.operating.admin_token_file = Some(token)).start().await;
    let operator = Operator::of(&server);
    let versions = [(201, answering(201)), (202, answering(202))];
    let mut digests = Vec::new();
    for (status, component) in versions {
        digests.push((status, operator.pushed(component).await));
    }
    operator.activate_for_all(&digests[0].1).await;
    let over = Arc::new(AtomicBool::new(false));
    let address = server.address();
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let over = Arc::clone(&over);
            tokio::spawn(async move {
                let mut seen = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    let id = watched_id();
                    let answer = harness::Call::new(address, "GET", "/one").header("x-request-id", &id).send().await;
                    seen.push((id, answer.status));
                }
                seen
            })
        })
        .collect();
    for n in 1..=50 {
        operator.activate_for_all(&digests[n % 2].1).await;
    }
    over.store(true, Ordering::Relaxed);
    let mut by_each = [0, 0];
    for client in clients {
        for (id, status) in client.await.unwrap() {
            let by = digests.iter().position(|(answers, _)| *answers == status);
            let by = by.unwrap_or_else(|| panic!("{status} is no version's answer"));
            by_each[by] += 1;
            let line = logged(&id).into_iter().find(|line| line.target == "access").unwrap();
            assert!(digests[by].1.starts_with(line.field("module")), "{status}, and {line:?}");
        }
    }
    assert!(by_each[0] > 0 && by_each[1] > 0, "both have served: {by_each:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buyers_do_not_notice_swaps() {
    let file = token_file();
    let token = file.path().to_owned();
    let server = TestServer::builder().with(|s| s.operating.admin_token_file = Some(token)).start().await;
    let operator = Operator::of(&server);
    let event = server.event(100_000).await;
    let versions = vec!["standard".to_owned(), operator.pushed(version("swapped")).await];
    let buyers = Buyers::start(server.address(), &event, 4);
    let swapped = harness::swap::swap(&operator, &versions, 50, |_| {}).await;
    let seen = buyers.stop().await;
    assert_eq!((swapped.faults.as_slice(), seen.failures.as_slice(), seen.failed), (&[][..], &[][..], 0));
    assert!(seen.confirmed > 10 && swapped.swaps == 50, "{} were confirmed", seen.confirmed);
}

#[tokio::test]
async fn a_request_in_flight_finishes_on_the_version_that_it_began_with() {
    let server = TestServer::start().await;
    let registry = server.server().registry();
    let route = vec![Said::post("one", "/one")];
    let before = Made { routes: route.clone(), status: 201, ..Made::default() }.component();
    let after = Made { routes: route, status: 202, ..Made::default() }.component();
    let (before, after) = (pushed(registry, before).await, pushed(registry, after).await);
    registry.activate(&before.to_string(), Mode::All).await.unwrap();
    let mut stream = server.get("/").connect().await.unwrap();
    let request = "POST /one HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\
                   expect: 100-continue\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    // The version is chosen, and waits for the body.
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).await.unwrap();
    registry.activate(&after.to_string(), Mode::All).await.unwrap();
    assert_eq!(server.post("/one").send().await.status, 202);
    stream.write_all(b"{}").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_canary_that_fails_does_not_take_its_successor_with_it() {
    let server = TestServer::builder().with(|s| s.operating.canary_min_requests = 1).start().await;
    let registry = server.server().registry();
    let canary = pushed(registry, answering(201)).await.to_string();
    for n in 0..200 {
        let (old, new) = (Share::percent(100.0).unwrap(), Share::percent(50.0).unwrap());
        registry.activate(&canary, Mode::Canary(old)).await.unwrap();
        let failing = registry.choose(&Principal::default(), fresh_address());
        let ends = tokio::spawn(async move {
            for _ in 0..n % 20 {
                tokio::task::yield_now().await;
            }
            failing.trial().ended(Ending::Failed);
        });
        registry.activate(&canary, Mode::Canary(new)).await.unwrap();
        ends.await.unwrap();
        // What is to be kept of the failure is kept before the next change.
        registry.activate("standard", Mode::Off).await.unwrap_err();
        let serving = registry.serving();
        assert_eq!(serving.canary.as_ref().map(|canary| canary.share), Some(new), "round {n}");
        assert_eq!(registry.list().await.canary.map(|canary| canary.percent), Some(new), "round {n}");
        registry.roll_back(Back::Step).await.unwrap();
    }
}

#[tokio::test]
async fn a_canary_that_fell_stays_off_after_a_restart() {
    let server = TestServer::builder().with(|s| s.operating.canary_min_requests = 1).start().await;
    let registry = server.server().registry();
    let canary = pushed(registry, answering(201)).await.to_string();
    registry.activate(&canary, Mode::Canary(Share::percent(100.0).unwrap())).await.unwrap();
    registry.choose(&Principal::default(), fresh_address()).trial().ended(Ending::Failed);
    assert!(registry.serving().canary.is_none(), "at once");
    until("it is in the history", async || registry.list().await.history[0].event == Event::CanaryRolledBack).await;
    let server = server.restart().await;
    assert!(server.server().registry().serving().canary.is_none());
    assert_eq!(server.server().registry().list().await.history[0].event, Event::CanaryRolledBack);
}

#[tokio::test]
async fn a_fall_that_the_disk_does_not_take_holds_up_nobody_and_is_kept_by_the_stop() {
    let server = TestServer::builder().with(|s| s.operating.canary_min_requests = 1).start().await;
    let registry = server.server().registry();
    let canary = pushed(registry, answering(201)).await.to_string();
    registry.activate(&canary, Mode::Canary(Share::percent(100.0).unwrap())).await.unwrap();
    let deployment = server.db().with_file_name("events.db.modules").join("deployment.json");
    let aside = deployment.with_file_name("aside");
    std::fs::rename(&deployment, &aside).unwrap();
    // No file can be put in the place of a folder.
    std::fs::create_dir(&deployment).unwrap();
    registry.choose(&Principal::default(), fresh_address()).trial().ended(Ending::Failed);
    // It is tried again after 5 s; nobody waits for that.
    let others = async {
        let refused = registry.activate("standard", Mode::Off).await;
        assert!(matches!(refused, Err(Refusal::NotKept(_))), "{refused:?}");
        registry.list().await.history[0].event
    };
    let last = tokio::time::timeout(std::time::Duration::from_secs(4), others).await;
    assert_eq!(last.expect("others do not wait"), Event::Canary, "it is not kept");
    std::fs::remove_dir(&deployment).unwrap();
    std::fs::rename(&aside, &deployment).unwrap();
    let server = server.restart().await;
    assert!(server.server().registry().serving().canary.is_none());
    assert_eq!(server.server().registry().list().await.history[0].event, Event::CanaryRolledBack);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_at_the_same_time_leave_a_deployment_that_holds_together() {
    let file = token_file();
    let token = file.path().to_owned();
    let server = TestServer::builder().with(|s| s.operating.admin_token_file = Some(token)).start().await;
    let registry = server.server().registry();
    let mut digests = Vec::new();
    for n in 0..4 {
        digests.push(pushed(registry, answering(201 + n)).await.to_string());
    }
    let doing: Vec<_> = (0..8_usize)
        .map(|worker| {
            let (registry, digests) = (Arc::clone(registry), digests.clone());
            tokio::spawn(async move {
                for n in 0..25 {
                    let digest = &digests[(worker + n) % 4];
                    let done = match (worker + 3 * n) % 7 {
                        0 => registry.activate(digest, Mode::All).await.err(),
                        1 => registry.activate(digest, Mode::Canary(Share::percent(10.0).unwrap())).await.err(),
                        2 => registry.activate(digest, Mode::Shadow).await.err(),
                        3 => registry.activate(digest, Mode::Off).await.err(),
                        4 => registry.roll_back(Back::Step).await.err(),
                        5 => registry.delete(digest).await.err(),
                        _ => registry.upload(answering(201 + u16::try_from((worker + n) % 4).unwrap())).await.err(),
                    };
                    let expected = |refusal: &Refusal| !matches!(refusal, Refusal::NotKept(_) | Refusal::Module(_));
                    assert!(done.as_ref().is_none_or(expected), "{done:?}");
                    let listing = registry.list().await;
                    assert_eq!(listing.modules.iter().filter(|module| module.state == "active").count(), 1);
                }
            })
        })
        .collect();
    for worker in doing {
        worker.await.unwrap();
    }
    let active = server.server().module().digest;
    assert!(matches!(server.get("/one").send().await.status, 201..=204 | 404));
    let server = server.restart().await;
    assert_eq!(server.server().module().digest, active);
}

#[tokio::test]
async fn the_modules_used_last_are_kept_and_those_in_use_always() {
    let server = TestServer::start().await;
    let registry = server.server().registry();
    let mut digests = Vec::new();
    for n in 0..20 {
        server.clock.advance(std::time::Duration::from_secs(1));
        digests.push(pushed(registry, Made { summary: format!("{n}"), ..Made::default() }.component()).await);
        if n == 0 {
            registry.activate(&digests[0].to_string(), Mode::All).await.unwrap();
        }
    }
    let listing = registry.list().await;
    let kept: Vec<_> = listing.modules.iter().skip(1).filter_map(|module| module.digest).collect();
    let expected: Vec<_> = std::iter::once(digests[0]).chain(digests[5..].iter().copied()).collect();
    assert_eq!(kept, expected);
    let mut folder = server.db().as_os_str().to_owned();
    folder.push(".modules");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<_> = files.collect();
    files.sort();
    let mut named: Vec<_> = expected.iter().map(|digest| format!("{digest}.wasm")).collect();
    named.push("deployment.json".into());
    named.sort();
    assert_eq!(files, named);
    assert!(listing.modules.iter().filter(|module| module.compiled).count() <= 13, "not all of them stay compiled");
    // One that is not compiled any more is, before it serves.
    registry.activate(&digests[5].to_string(), Mode::All).await.unwrap();
    assert_eq!(server.get("/one").send().await.status, 200);
    assert_eq!(server.server().module().digest, digests[5]);
}

/// What an operator, or the host, may do to a deployment.
#[derive(Debug, Clone)]
enum Act {
    Upload(u8),
    Activate(u8, Mode),
    RollBack,
    Fall(u8),
    NotLoaded(u8),
    Delete(u8),
}

fn digest(n: u8) -> Digest {
    Digest::of(&[n])
}

/// Version 0 is the built-in one.
fn named(n: u8) -> Version {
    if n == 0 { Version::Standard } else { digest(n).into() }
}

fn acts() -> impl Strategy<Value = Act> {
    let mode = prop_oneof![
        4 => Just(Mode::All),
        2 => (1_u32..=10_000).prop_map(|hundredths| Mode::Canary(Share::percent(f64::from(hundredths) / 100.0).unwrap())),
        2 => Just(Mode::Shadow),
        1 => Just(Mode::Off),
    ];
    prop_oneof![
        4 => (1_u8..24).prop_map(Act::Upload),
        6 => (0_u8..24, mode).prop_map(|(n, mode)| Act::Activate(n, mode)),
        2 => Just(Act::RollBack),
        1 => (0_u8..24).prop_map(Act::Fall),
        1 => (1_u8..24).prop_map(Act::NotLoaded),
        2 => (0_u8..24).prop_map(Act::Delete),
    ]
}

fn act(deployment: &Deployment, act: &Act, now: Millis) -> Result<Deployment, Refusal> {
    let deployment = deployment.clone();
    match *act {
        Act::Upload(n) => {
            let (name, version, summary) = (format!("m{n}"), "1.0.0".to_owned(), String::new());
            let (digest, bytes) = (digest(n), usize::from(n));
            let kept =
                Kept { digest, name, version, summary, bytes, uploaded_at_ms: now, used_at_ms: now, signed_by: None };
            Ok(deployment.uploaded(kept))
        }
        Act::Activate(n, mode) => deployment.activated(named(n), mode, now),
        Act::RollBack => deployment.rolled_back(Back::Step, now),
        Act::Fall(n) => {
            let reason = boxoffice::registry::Reason::Failed { failed: 1, of: 1 };
            Ok(deployment.canary_rolled_back(named(n), reason, now))
        }
        // What is active and cannot be loaded ends the start.
        Act::NotLoaded(n) if deployment.active == named(n) => Ok(deployment),
        Act::NotLoaded(n) => Ok(deployment.not_loaded(named(n), "gone".into(), now)),
        Act::Delete(n) => deployment.deleted(named(n), now),
    }
}

proptest! {
    #[test]
    fn whatever_is_done_to_a_deployment_it_holds_together(done in prop::collection::vec(acts(), 0..120)) {
        let mut deployment = Deployment::default();
        for (n, step) in done.iter().enumerate() {
            let now = Millis(i64::try_from(n).unwrap());
            let before = deployment.clone();
            match act(&deployment, step, now) {
                Ok(next) => deployment = next,
                Err(_) => continue,
            }
            prop_assert_eq!(deployment.is_sound(), Ok(()), "after {:?}", step);
            // As it is kept, and read again.
            let text = serde_json::to_string(&deployment).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Deployment>(&text).unwrap(), &deployment);
            // Going back undoes what was activated, if there was no canary, which an activation ends.
            if let Act::Activate(asked, Mode::All) = *step && before.canary.is_none() && before.active != named(asked) {
                let back = deployment.clone().rolled_back(Back::Active, now).unwrap();
                prop_assert_eq!(back.active, before.active);
                let older = before.before.iter().filter(|version| **version != named(asked));
                prop_assert!(back.before.iter().eq(older.take(4)), "{:?} after {:?}", back.before, before.before);
            }
            // And ends a canary first, and nothing else.
            if deployment.canary.is_some() {
                let back = deployment.clone().rolled_back(Back::Step, now).unwrap();
                prop_assert_eq!((back.active, back.canary, &back.before), (deployment.active, None, &deployment.before));
            }
        }
    }
}

#[test]
fn a_deployment_that_does_not_hold_together_is_not_taken() {
    let sound =
        act(&act(&Deployment::default(), &Act::Upload(1), Millis(0)).unwrap(), &Act::Upload(2), Millis(0)).unwrap();
    let told = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut value = serde_json::to_value(&sound).unwrap();
        change(&mut value);
        match serde_json::from_value::<Deployment>(value) {
            Ok(read) => read.is_sound().unwrap_err(),
            Err(error) => error.to_string(),
        }
    };
    let (one, three) = (digest(1).to_string(), digest(3).to_string());
    assert!(told(&|d| d["active"] = json!(three)).contains("not among its modules"));
    assert!(told(&|d| d["before"] = json!([three])).contains("not among its modules"));
    assert!(told(&|d| d["shadow"] = json!("standard")).contains("two roles"));
    assert!(told(&|d| d["before"] = json!([one, one])).contains("twice"));
    assert!(told(&|d| d["before"] = json!(["standard"])).contains("twice"));
    assert!(told(&|d| d["modules"][1] = d["modules"][0].clone()).contains("kept twice"));
    assert!(told(&|d| d["canary"] = json!({"version": one, "percent": 101, "since_ms": 0})).contains("0.01 to 100"));
    for beyond in [-1, Millis::MAX.0 + 1, i64::MAX] {
        assert!(told(&|d| d["modules"][0]["uploaded_at_ms"] = json!(beyond)).contains("time"));
        assert!(told(&|d| d["modules"][1]["used_at_ms"] = json!(beyond)).contains("time"));
        assert!(told(&|d| d["canary"] = json!({"version": one, "percent": 1, "since_ms": beyond})).contains("time"));
        assert!(told(&|d| d["history"][1]["at_ms"] = json!(beyond)).contains("time"));
    }
    assert!(told(&|d| d["format"] = json!(2)).contains("format"));
    assert!(told(&|d| d["active"] = json!("ABC")).contains("no digest"));
    assert!(told(&|d| d["color"] = json!("red")).contains("unknown field"));
    assert!(told(&|d| d["modules"][0]["color"] = json!("red")).contains("unknown field"));
}
