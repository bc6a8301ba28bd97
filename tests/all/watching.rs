//! `--watch`: what the file has is served whenever it changes, whole and only whole.

use std::fs;
use std::path::Path;

use boxoffice::trust::{sign, signature_path};
use boxoffice::watch::{Identity, Look, Step, Watch};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePublicKey as _;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use harness::{Builder, TestServer, unruly_rules, until};
use tempfile::TempDir;

use crate::made::{Made, Said};

/// A module's file in its `n`th state, without a signature.
fn state(n: i64) -> Look {
    Look { module: Some(Identity { file: (1, 1), size: 10, modified: (0, n), changed: (0, n) }), signature: None }
}

const MISSING: Look = Look { module: None, signature: None };

/// The steps that follow from these looks, as long as nothing is read.
fn steps(watch: &mut Watch, looks: &[Look]) -> Vec<Step> {
    looks.iter().map(|look| watch.looked(*look)).collect()
}

#[test]
fn a_change_is_read_when_it_has_stood_still_for_two_looks() {
    let mut watch = Watch::from(state(0));
    assert_eq!(steps(&mut watch, &[state(0), state(0), state(1)]), [Step::Wait; 3]);
    assert_eq!(watch.looked(state(1)), Step::Read);
    assert!(watch.is_whole(state(1)));
    assert_eq!(steps(&mut watch, &[state(1), state(1), state(1)]), [Step::Wait; 3], "it is dealt with, once");
}

#[test]
fn a_file_that_grows_is_not_read_before_it_has_stopped() {
    let mut watch = Watch::from(state(0));
    let growing: Vec<_> = (1..50).map(state).collect();
    assert_eq!(steps(&mut watch, &growing), vec![Step::Wait; 49]);
    assert_eq!(watch.looked(state(49)), Step::Read);
}

#[test]
fn what_changed_while_it_was_read_is_not_taken() {
    let mut watch = Watch::from(state(0));
    assert_eq!(steps(&mut watch, &[state(1), state(1)]), [Step::Wait, Step::Read]);
    assert!(!watch.is_whole(state(2)), "the end is another file's");
    assert_eq!(watch.looked(state(2)), Step::Read, "it has stood still since then");
    assert!(!watch.is_whole(MISSING), "removed under the reader");
    assert_eq!(steps(&mut watch, &[MISSING, state(3), state(3)]), [Step::Wait, Step::Wait, Step::Read]);
    assert!(watch.is_whole(state(3)));
}

#[test]
fn what_could_not_be_loaded_this_time_is_read_again_after_a_pause() {
    let mut watch = Watch::from(state(0));
    assert_eq!(steps(&mut watch, &[state(1), state(1)]), [Step::Wait, Step::Read]);
    assert!(watch.is_whole(state(1)));
    for _ in 0..3 {
        watch.try_again();
        let looks = steps(&mut watch, &[state(1); 20]);
        assert_eq!((&looks[..19], looks[19]), (&[Step::Wait; 19][..], Step::Read));
        assert!(watch.is_whole(state(1)));
        assert_eq!(steps(&mut watch, &[state(1); 50]), [Step::Wait; 50], "once, as long as nobody asks for more");
    }
    watch.try_again();
    assert_eq!(steps(&mut watch, &[state(2), state(2)]), [Step::Wait, Step::Read], "a change does not wait");
    assert!(watch.is_whole(state(2)));
    assert_eq!(steps(&mut watch, &[state(2); 50]), [Step::Wait; 50], "and there is nothing to try again");
}

#[test]
fn a_change_that_is_undone_is_none() {
    let mut watch = Watch::from(state(0));
    assert_eq!(steps(&mut watch, &[state(1), state(0), state(1), state(0)]), [Step::Wait; 4]);
}

#[test]
fn every_part_of_the_identity_counts_and_the_signatures_too() {
    let before = state(0);
    let identity = before.module.unwrap();
    let others = [
        Look { module: Some(Identity { file: (1, 2), ..identity }), ..before },
        Look { module: Some(Identity { file: (2, 1), ..identity }), ..before },
        Look { module: Some(Identity { size: 11, ..identity }), ..before },
        Look { module: Some(Identity { modified: (1, 0), ..identity }), ..before },
        Look { module: Some(Identity { changed: (1, 0), ..identity }), ..before },
        Look { signature: Some(identity), ..before },
    ];
    for other in others {
        assert_eq!(steps(&mut Watch::from(before), &[other, other]), [Step::Wait, Step::Read], "{other:?}");
    }
}

#[test]
fn a_file_that_is_missing_for_a_moment_is_nothing_and_for_long_is_told_once() {
    let mut watch = Watch::from(state(0));
    for _ in 0..3 {
        assert_eq!(steps(&mut watch, &[MISSING; 39]), [Step::Wait; 39]);
        assert_eq!(watch.looked(state(0)), Step::Wait);
    }
    assert_eq!(steps(&mut watch, &[MISSING; 39]), [Step::Wait; 39]);
    assert_eq!(watch.looked(MISSING), Step::TellMissing);
    assert_eq!(steps(&mut watch, &[MISSING; 100]), [Step::Wait; 100]);
    assert_eq!(steps(&mut watch, &[state(1), state(1)]), [Step::Wait, Step::Read]);
}

/// A server that watches `rules.wasm` in this folder.
fn watching(folder: &Path) -> Builder {
    TestServer::builder().rules(&folder.join("rules.wasm")).with(|settings| settings.watch = true)
}

/// A module with one route, by this name.
fn made(name: &str) -> Vec<u8> {
    let routes = vec![Said::get("one", &format!("/{name}"))];
    Made { name: name.into(), routes, ..Made::default() }.component()
}

fn name(server: &TestServer) -> String {
    server.server().module().manifest.name.clone()
}

async fn serves(server: &TestServer, wanted: &str) {
    until(&format!("{wanted} is served"), async || name(server) == wanted).await;
    assert_eq!(server.get(&format!("/{wanted}")).send().await.status, 200);
}

#[tokio::test]
async fn what_is_saved_is_served_and_what_is_broken_leaves_the_one_before() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("rules.wasm");
    fs::write(&path, made("first")).unwrap();
    let server = watching(folder.path()).start().await;
    serves(&server, "first").await;
    fs::write(&path, made("in-place")).unwrap();
    serves(&server, "in-place").await;
    // Half of it, and nobody goes on writing: refused, as it is no module.
    let renamed = made("renamed");
    fs::write(&path, &renamed[..renamed.len() / 2]).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    serves(&server, "in-place").await;
    fs::remove_file(&path).unwrap();
    fs::write(folder.path().join("new"), renamed).unwrap();
    fs::rename(folder.path().join("new"), &path).unwrap();
    serves(&server, "renamed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_in_flight_is_answered_by_the_module_that_it_began_with() {
    let folder = TempDir::new().unwrap();
    fs::copy(unruly_rules(), folder.path().join("rules.wasm")).unwrap();
    let minute = std::time::Duration::from_mins(1);
    let server = watching(folder.path()).with(|s| s.limits.rules_timeout = minute).start().await;
    let (before, mut asleep) = (name(&server), tokio::spawn(server.get("/sleep?ms=4000").send()));
    until("it is in flight", async || server.server().in_flight() == 1).await;
    fs::write(folder.path().join("rules.wasm"), made("next")).unwrap();
    serves(&server, "next").await;
    assert_eq!(server.get("/fine").send().await.status, 404, "{before} is gone for new requests");
    assert_eq!((&mut asleep).await.unwrap().status, 200);
}

#[tokio::test]
async fn where_signatures_are_asked_for_a_save_is_served_when_it_is_signed() {
    let folder = TempDir::new().unwrap();
    let key = SigningKey::from_bytes(&[7; 32]);
    let (path, public) = (folder.path().join("rules.wasm"), folder.path().join("k.pub"));
    fs::write(&public, key.verifying_key().to_public_key_pem(LineEnding::LF).unwrap()).unwrap();
    let save = |bytes: &[u8]| fs::write(&path, bytes).unwrap();
    let sign = |bytes: &[u8]| fs::write(signature_path(&path), sign(&key, bytes)).unwrap();
    save(&made("first"));
    sign(&made("first"));
    let server = watching(folder.path()).with(|settings| settings.trusting.rules_trust = vec![public]).start().await;
    save(&made("second"));
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    serves(&server, "first").await;
    sign(&made("second"));
    serves(&server, "second").await;
}
