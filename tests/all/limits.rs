//! Every limit of the rules: the last amount that is allowed, and the first that is not.

use std::time::Duration;

use boxoffice::config::{ByteSize, RulesLimits};
use boxoffice::domain::{Actor, NewEvent, Principal};
use boxoffice::store::Store as _;
use harness::{Answer, LogLine, START, TestServer, exact_rules, logged, watched_id};

const MINUTE: Duration = Duration::from_mins(1);

/// A server whose only tight limit is the one that a test sets.
async fn limited(set: impl FnOnce(&mut RulesLimits)) -> TestServer {
    let builder = TestServer::builder().rules(exact_rules());
    let roomy = builder.with(|s| (s.limits.rules_cpu, s.limits.rules_timeout) = (MINUTE, MINUTE));
    roomy.with(|s| set(&mut s.limits)).start().await
}

/// Asks a route to use so much; gives the answer, and what was logged of it.
async fn using(server: &TestServer, route: &str, n: usize) -> (Answer, Vec<LogLine>) {
    let id = watched_id();
    let answer = server.get(&format!("/{route}?n={n}")).header("x-request-id", &id).send().await;
    (answer, logged(&id))
}

/// Checks that a route may use `n`, and fails with this cause at `n + step`.
async fn assert_limit(server: &TestServer, route: &str, n: usize, step: usize, cause: &str) {
    let (below, _) = using(server, route, n).await;
    assert_eq!(below.status, 200, "{route} {n}: {}", below.text);
    let (over, lines) = using(server, route, n + step).await;
    over.assert_problem(500, "rules_failed");
    assert_eq!(failure(&lines).field("cause"), cause, "{route} {}", n + step);
    let (next, _) = using(server, "fine", 0).await;
    assert_eq!(next.status, 200, "{route}: the next request to the same module works");
}

/// The line that says why a run failed.
fn failure(lines: &[LogLine]) -> &LogLine {
    let found = lines.iter().find(|line| !line.field("cause").is_empty());
    found.unwrap_or_else(|| panic!("no line names a cause: {lines:?}"))
}

#[tokio::test]
async fn memory() {
    let server = limited(|l| l.rules_memory = ByteSize(2 * 1024 * 1024)).await;
    assert_limit(&server, "memory", 32, 1, "memory-limit").await;
}

#[tokio::test]
async fn memory_of_all_runs_together() {
    // 64 pages are everybody's own, and 32 more are all that there is.
    let server = limited(|l| l.rules_memory_in_all = ByteSize(2 * 1024 * 1024)).await;
    assert_limit(&server, "memory", 96, 1, "memory-limit").await;
    assert_eq!(using(&server, "memory", 96).await.0.status, 200, "what a run had comes back");
}

#[tokio::test]
async fn stack() {
    let server = limited(|l| l.rules_stack = ByteSize(64 * 1024)).await;
    // How deep that is depends on the machine's frames: between one byte for each level and a thousand.
    let (mut deepest, mut over) = (64, 64 * 1024);
    while over - deepest > 1 {
        let middle = usize::midpoint(deepest, over);
        let reached = using(&server, "stack", middle).await.0.status == 200;
        *(if reached { &mut deepest } else { &mut over }) = middle;
    }
    assert!(deepest > 64 && over < 64 * 1024, "{deepest} levels");
    assert_limit(&server, "stack", deepest, 1, "trap").await;
    let server = limited(|l| l.rules_stack = ByteSize(128 * 1024)).await;
    assert_eq!(using(&server, "stack", over).await.0.status, 200, "a larger stack is deeper");
}

#[tokio::test]
async fn host_calls() {
    let server = limited(|l| l.rules_host_calls = 10).await;
    assert_limit(&server, "calls", 10, 1, "host-call-quota").await;
}

#[tokio::test]
async fn bytes_of_one_host_call() {
    let server = limited(|l| l.rules_host_call_bytes = ByteSize(64 * 1024)).await;
    assert_limit(&server, "call-bytes", 64 * 1024, 1, "host-call-quota").await;
}

#[tokio::test]
async fn bytes_of_all_host_calls() {
    let server = limited(|l| l.rules_host_bytes = ByteSize(64 * 1024)).await;
    assert_limit(&server, "bytes", 64 * 1024, 1, "host-call-quota").await;
}

#[tokio::test]
async fn what_host_calls_answer_counts_too() {
    let server = limited(|l| l.rules_host_bytes = ByteSize(64 * 1024)).await;
    // 100 calls that find nothing hand over a few bytes each; 100 events come back with many.
    assert_eq!(using(&server, "calls", 100).await.0.status, 200);
    let event = NewEvent {
        name: "x".repeat(200),
        capacity: 1,
        starts_at: None,
        tags: Vec::new(),
        attributes: format!("{{\"a\":\"{}\"}}", "x".repeat(600)),
    };
    let event =
        server.server().store().create_event(START, &Actor::nowhere(Principal::default()), event).await.unwrap();
    let id = event.id.as_str();
    let (answer, lines) = using(&server, &format!("get/{id}"), 100).await;
    answer.assert_problem(500, "rules_failed");
    assert!(failure(&lines).field("message").contains("65536 bytes of host calls"), "{lines:?}");
    let (few, _) = using(&server, &format!("get/{id}"), 50).await;
    assert_eq!(few.status, 200);
}

#[tokio::test]
async fn body_of_an_answer() {
    let server = limited(|l| l.rules_answer_bytes = ByteSize(4096)).await;
    assert_limit(&server, "body", 4096, 1, "bad-response").await;
}

#[tokio::test]
async fn an_answer_too_large_to_be_lifted_is_the_answers_fault() {
    let server = limited(|l| l.rules_host_call_bytes = ByteSize(64 * 1024)).await;
    // An answer's header costs a little of the same allowance.
    assert_limit(&server, "body", 64 * 1024 - 256, 512, "bad-response").await;
}

#[tokio::test]
async fn headers_of_an_answer() {
    let server = limited(|l| l.rules_answer_headers = 5).await;
    assert_limit(&server, "headers", 5, 1, "bad-response").await;
}

#[tokio::test]
async fn the_name_of_a_header() {
    assert_limit(&limited(|_| ()).await, "header-name", 64, 1, "bad-response").await;
}

#[tokio::test]
async fn the_value_of_a_header() {
    let server = limited(|l| l.rules_answer_header_bytes = ByteSize(100)).await;
    assert_limit(&server, "header-bytes", 100, 1, "bad-response").await;
}

#[tokio::test]
async fn lines_of_the_log() {
    let server = limited(|l| l.rules_log_lines = 3).await;
    for (asked, dropped) in [(3, None), (5, Some("2"))] {
        let (answer, lines) = using(&server, "log-lines", asked).await;
        assert_eq!(answer.status, 200, "a chatty guest lives");
        let (kept, told): (Vec<_>, Vec<_>) =
            lines.iter().filter(|line| line.target == "rules").partition(|line| line.field("message") == "line");
        assert_eq!(kept.len(), 3);
        assert_eq!(told.first().map(|line| line.field("dropped")), dropped, "what is dropped is counted: {told:?}");
    }
}

#[tokio::test]
async fn bytes_of_the_log() {
    let server = limited(|l| l.rules_log_bytes = ByteSize(2048)).await;
    for (asked, kept, dropped) in [(2048, 2, 0), (2049, 2, 1), (4096, 2, 2)] {
        let (answer, lines) = using(&server, "log-bytes", asked).await;
        assert_eq!(answer.status, 200);
        let lines: Vec<_> = lines.iter().filter(|line| line.target == "rules").collect();
        assert_eq!(lines.iter().filter(|line| line.field("message").starts_with('x')).count(), kept, "{asked}");
        let told: u32 = lines.iter().filter_map(|line| line.field("dropped").parse::<u32>().ok()).sum();
        assert_eq!(told, dropped, "{asked}");
    }
}

#[tokio::test]
async fn bytes_of_stdout_that_are_kept() {
    let server = limited(|l| l.rules_output_bytes = ByteSize(100)).await;
    for (written, kept) in [(99, 99), (100, 100), (5_000, 100)] {
        let (answer, lines) = using(&server, "output", written).await;
        answer.assert_problem(500, "rules_failed");
        let output = failure(&lines).field("output").to_owned();
        assert_eq!(output.chars().filter(|c| *c == 'x').count(), kept, "{output}");
    }
}

#[tokio::test]
async fn wall_clock_time() {
    let server = limited(|l| l.rules_timeout = Duration::from_secs(5)).await;
    assert_eq!(using(&server, "wait", 50).await.0.status, 200);
    let server = limited(|l| l.rules_timeout = Duration::from_millis(500)).await;
    let (late, lines) = using(&server, "wait", 5_000).await;
    late.assert_problem(504, "rules_timeout");
    assert_eq!(failure(&lines).field("cause"), "wall-clock");
}

#[tokio::test]
async fn cpu_time() {
    const ROUNDS: usize = 100_000_000;
    let roomy = limited(|_| ()).await;
    let (answer, lines) = using(&roomy, "cpu", ROUNDS).await;
    assert_eq!(answer.status, 200);
    let used: u64 = lines.iter().find_map(|line| line.field("guest_us").parse().ok()).unwrap();
    let used = Duration::from_micros(used);
    // The same work, with half of the time that it took, and with ten times as much.
    let tight = limited(|l| l.rules_cpu = used / 2).await;
    let (over, lines) = using(&tight, "cpu", ROUNDS).await;
    over.assert_problem(504, "rules_timeout");
    assert_eq!(failure(&lines).field("cause"), "cpu-budget");
    let wide = limited(|l| l.rules_cpu = used * 10).await;
    assert_eq!(using(&wide, "cpu", ROUNDS).await.0.status, 200);
}

#[tokio::test]
async fn a_failure_tells_the_operator_where_and_the_client_only_whom_to_ask() {
    let server = limited(|_| ()).await;
    let (answer, lines) = using(&server, "output", 20).await;
    answer.assert_problem(500, "rules_failed");
    assert!(!answer.text.contains("xxxx") && !answer.text.contains("exact"), "{}", answer.text);
    let line = failure(&lines);
    assert_eq!((line.field("code"), line.field("route")), ("rules_failed", "output"));
    assert_eq!(line.field("module").len(), 12, "the digest, shortened");
    let functions = line.field("functions");
    assert!(functions.contains("boxoffice:rules/handler@0.1.0#handle"), "{functions}");
    assert!(functions.contains("core::panicking::panic < "), "demangled, innermost first: {functions}");
    assert!(line.field("output").contains("panicked at"), "{}", line.field("output"));
    let metrics = server.metrics().await;
    let counted = format!("boxoffice_rules_failures_total{{module=\"{}\",cause=\"trap\"}} 1", line.field("module"));
    assert!(metrics.contains(&counted), "{metrics}");
}
