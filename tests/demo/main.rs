//! `make demo`: a flash sale on a throw-away server, over real HTTP, with the real rules and the rate limiter on.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use boxoffice::clock::Stopwatch;
use futures_util::future::join_all;
use harness::{Answer, Call, TestServer, compile_if_asked};

const BUYERS: usize = 100;
const SEATS: u32 = 5;
/// So that nobody waits five minutes to see a hold run out.
const HOLD: Duration = Duration::from_secs(3);

#[tokio::main]
async fn main() -> ExitCode {
    if let Some(compiled) = compile_if_asked() {
        return compiled;
    }
    let settings = TestServer::builder().real_time();
    let server = settings.with(|s| (s.hold, s.sweep_interval) = (HOLD, Duration::from_secs(1))).start().await;
    let module = server.server().module();
    let manifest = &module.manifest;
    println!("A flash sale: {BUYERS} buyers, {SEATS} seats, holds of {} s", HOLD.as_secs());
    println!("on http://{}, with the rules \"{}\" {}\n", server.address(), manifest.name, manifest.version);
    println!("{:<44}{:<36}{:>10}{:>9}", "what they do", "what they are told", "seats free", "took");
    println!("{}", "-".repeat(99));

    let event = server.event(SEATS).await;
    let buyer = |n: usize| server.register(&event, &format!("buyer{n}@example.org")).key(&format!("order-{n}"));
    let table = Table { server: &server, event: &event };

    let sale = table.row(&format!("{BUYERS} buyers register at once"), (0..BUYERS).map(buyer)).await;
    let (winners, losers): (Vec<_>, Vec<_>) = (0..BUYERS).partition(|n| sale[*n].status == 201);
    let tickets: Vec<_> = winners.iter().map(|n| ticket(&sale[*n])).collect();
    table.row("the winners send the same request again", winners.iter().map(|n| buyer(*n))).await;
    let confirm = |ticket: &String| server.post(&format!("/tickets/{ticket}/confirm")).role("user");
    table.row("three of them confirm", tickets[..3].iter().map(confirm)).await;
    tokio::time::sleep(HOLD).await;
    table.row("the other two are late: their holds ran out", tickets[3..].iter().map(confirm)).await;
    let second = table.row("two who got none try again", losers[..2].iter().map(|n| buyer(*n))).await;
    let second: Vec<_> = second.iter().map(ticket).collect();
    table.row("and confirm", second.iter().map(confirm)).await;

    let availability = server.get(&format!("/events/{event}/availability")).send().await.body;
    println!(
        "\nThe books: {SEATS} seats = {} confirmed + {} reserved + {} available.",
        availability["confirmed"], availability["reserved"], availability["available"]
    );
    println!("Every seat was sold exactly once.");
    assert_eq!(availability["confirmed"], SEATS, "the demo went as it should");
    // Ends the server; the invariants of its database are proved when it is dropped.
    server.stop().await;
    ExitCode::SUCCESS
}

fn ticket(answer: &Answer) -> String {
    answer.body["id"].as_str().unwrap_or_default().to_owned()
}

/// Prints what happens, row by row.
struct Table<'a> {
    server: &'a TestServer,
    event: &'a str,
}

impl Table<'_> {
    /// Sends all of `calls` at once and prints what came back.
    async fn row(&self, what: &str, calls: impl Iterator<Item = Call>) -> Vec<Answer> {
        let watch = Stopwatch::start();
        let sent: Vec<_> = calls.map(|call| tokio::spawn(call.send())).collect();
        let answers: Vec<Answer> = join_all(sent).await.into_iter().map(|answer| answer.expect("an answer")).collect();
        let took = watch.elapsed();
        let mut told = BTreeMap::new();
        for answer in &answers {
            *told.entry(meaning(answer)).or_insert(0) += 1;
        }
        let told: Vec<_> = told.into_iter().map(|(meaning, count)| format!("{count} x {meaning}")).collect();
        let free = self.server.available(self.event).await;
        println!("{what:<44}{:<36}{free:>10}{:>6} ms", told.join(", "), took.as_millis());
        answers
    }
}

fn meaning(answer: &Answer) -> String {
    let word = if answer.header("idempotency-replayed") == "true" {
        "same ticket"
    } else if answer.code().is_empty() {
        answer.body["status"].as_str().unwrap_or_default()
    } else {
        answer.code()
    };
    format!("{} {word}", answer.status)
}
