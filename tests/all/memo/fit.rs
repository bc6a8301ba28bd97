//! Which requests and which answers are fit to be kept.

use boxoffice::config::MemoSetting;
use harness::{Call, Exposition, TestServer};

use super::{ask, is_kept, unruly};

/// The same request three times: whether each was answered with what was kept.
async fn thrice(call: impl Fn() -> Call) -> [bool; 3] {
    [is_kept(call()).await, is_kept(call()).await, is_kept(call()).await]
}

const KEPT: [bool; 3] = [false, true, true];
const NEVER: [bool; 3] = [false; 3];

#[tokio::test]
async fn requests_that_the_rules_can_tell_apart_run_each() {
    let server = unruly().await;
    let get = |path: &str| server.get(path);
    // Each of them another run, and each kept by itself.
    assert_eq!(thrice(|| get("/kept/seen")).await, KEPT);
    assert_eq!(thrice(|| get("/kept/seen?a=1")).await, KEPT);
    assert_eq!(thrice(|| get("/kept/seen?a=2")).await, KEPT);
    assert_eq!(thrice(|| get("/kept/seen?a=1&b=1")).await, KEPT);
    assert_eq!(thrice(|| get("/kept/seen?a=1&b=").header("accept", "1")).await, KEPT);
    for accept in ["text/plain", "text/html", "text/plain, text/html"] {
        assert_eq!(thrice(|| get("/kept/seen").header("accept", accept)).await, KEPT, "{accept}");
    }
    let twice = || get("/kept/seen").header("accept", "text/plain").header("accept", "text/html");
    assert_eq!(thrice(twice).await, KEPT);
    for role in ["user", "organizer", "admin"] {
        assert_eq!(thrice(|| get("/kept/seen").role(role)).await, KEPT, "{role}");
    }
    // And all of them are there still.
    assert!(is_kept(get("/kept/seen")).await && is_kept(get("/kept/seen?a=2")).await && is_kept(twice()).await);
}

#[tokio::test]
async fn what_the_rules_do_not_see_makes_no_difference() {
    let server = unruly().await;
    let (first, _) = ask(server.get("/kept/seen")).await;
    for (name, value) in [("user-agent", "x"), ("cookie", "a=b"), ("x-forwarded-for", "10.0.0.1"), ("te", "trailers")] {
        let (answer, kept) = ask(server.get("/kept/seen").header(name, value)).await;
        assert!(kept && answer.text == first.text, "{name}");
    }
}

#[tokio::test]
async fn conditions_keys_and_bodies_make_the_rules_run() {
    let server = unruly().await;
    let get = || server.get("/kept/seen");
    assert_eq!(thrice(get).await, KEPT);
    for name in ["if-none-match", "if-match", "idempotency-key", "content-type"] {
        assert_eq!(thrice(|| get().header(name, "\"a\"")).await, NEVER, "{name}");
    }
    assert_eq!(thrice(|| get().json(&serde_json::json!({}))).await, NEVER);
    assert_eq!(thrice(|| server.post("/kept/posted")).await, NEVER);
    assert!(is_kept(get()).await, "what was kept before is there still");
}

#[tokio::test]
async fn a_header_that_the_rules_are_not_shown_is_refused_whatever_is_kept() {
    let server = unruly().await;
    assert_eq!(thrice(|| server.get("/kept/seen").header("accept", "a")).await, KEPT);
    let request = |accepts: &str| {
        format!("GET /kept/seen HTTP/1.1\r\nhost: x\r\n{accepts}connection: close\r\n\r\n").into_bytes()
    };
    let nine = harness::raw(server.address(), &request(&"accept: a\r\n".repeat(9))).await;
    assert!(nine.starts_with("HTTP/1.1 400 "), "{nine}");
    let mut no_text = request("accept: a?\r\n");
    let at = no_text.iter().position(|byte| *byte == b'?').expect("it is there");
    no_text[at] = 0xff;
    let no_text = harness::raw(server.address(), &no_text).await;
    assert!(no_text.starts_with("HTTP/1.1 400 "), "{no_text}");
}

#[tokio::test]
async fn only_a_200_that_is_not_too_large_is_kept() {
    let server = unruly().await;
    for status in [201, 202, 203, 301, 404, 409, 500, 503] {
        assert_eq!(thrice(|| server.get(&format!("/kept/status?status={status}"))).await, NEVER, "{status}");
    }
    assert_eq!(thrice(|| server.get("/kept/status?status=200")).await, KEPT);
    assert_eq!(thrice(|| server.get("/kept/bytes?bytes=65000")).await, KEPT);
    assert_eq!(thrice(|| server.get("/kept/bytes?bytes=65537")).await, NEVER);
}

#[tokio::test]
async fn a_run_that_asked_for_the_time_or_for_randomness_is_not_kept() {
    let server = unruly().await;
    assert_eq!(thrice(|| server.get("/kept/time")).await, NEVER);
    assert_eq!(thrice(|| server.get("/kept/random")).await, NEVER);
}

#[tokio::test]
async fn a_run_that_may_remember_others_is_not_kept() {
    let server =
        TestServer::builder().rules(harness::unruly_rules()).with(|s| s.limits.instance_reuse = 3).start().await;
    let get = |n: u32| server.get(&format!("/kept/remembered?n={n}"));
    // Others' runs make the instance older: 1, 2, 3, and then it is a fresh one.
    assert_eq!([is_kept(get(1)).await, is_kept(get(2)).await, is_kept(get(3)).await], [false; 3]);
    let kept = [is_kept(get(1)).await, is_kept(get(2)).await, is_kept(get(3)).await];
    assert_eq!(kept, [true, false, false], "only what the fresh instance answered");
}

#[tokio::test]
async fn nothing_is_kept_where_that_is_off() {
    let server = TestServer::builder().with(|s| s.memo = MemoSetting(None)).start().await;
    server.event(1).await;
    assert_eq!(thrice(|| server.get("/events")).await, NEVER);
    let told = Exposition::parse(&server.metrics().await);
    assert_eq!(
        (told.sum("boxoffice_memo_bytes", &[]), told.sum("boxoffice_memo_misses_total", &[])),
        (None, Some(0.0))
    );
}

#[tokio::test]
async fn what_is_kept_has_a_limit_in_bytes_whatever_is_asked() {
    let server = TestServer::builder().rules(harness::unruly_rules());
    let server = server.with(|s| s.memo = MemoSetting(Some(1 << 20))).start().await;
    let mut most = 0.0_f64;
    for n in 0..400 {
        let bytes = if n % 3 == 0 { 60_000 } else { 3_000 };
        let answer = server.get(&format!("/kept/bytes?bytes={bytes}&n={n}")).send().await;
        assert_eq!((answer.status, answer.text.len()), (200, bytes));
        if n % 20 == 0 {
            let told = Exposition::parse(&server.metrics().await);
            most = most.max(told.sum("boxoffice_memo_bytes", &[]).expect("it is told"));
        }
    }
    assert!((300_000.0..=f64::from(1 << 20)).contains(&most), "{most}");
    let get = || server.get("/kept/bytes?bytes=3000&n=last");
    assert_eq!(thrice(get).await, KEPT, "and it is of use still");
}
