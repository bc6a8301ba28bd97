//! Swaps under load: what clients see while the rules are changed under them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use boxoffice::STANDARD_RULES;
use boxoffice::clock::Stopwatch;
use serde_json::json;
use tokio::task::JoinSet;

use crate::attack::from_text;
use crate::client::{Answer, Call};
use crate::operator::Operator;

/// After which a request counts as never answered.
const NEVER: Duration = Duration::from_secs(20);
/// Failures that are told; one is one too many.
const MAX_TOLD: usize = 10;

/// What clients saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// How long each request took, the connection included.
    pub took: Vec<Duration>,
    /// Requests that were not answered as they should have been; the first of them in words.
    pub failed: u64,
    /// Those words.
    pub failures: Vec<String>,
    /// Tickets that were confirmed.
    pub confirmed: u64,
}

impl Seen {
    /// The longest that any client waited for an answer.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.took.iter().max().copied().unwrap_or_default()
    }

    /// What `part` of all requests (0.99, for example) took at most.
    #[must_use]
    pub fn quantile(&self, part: f64) -> Duration {
        let mut took = self.took.clone();
        took.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "counts"
        )]
        let at = ((took.len() as f64 * part).ceil() as usize).saturating_sub(1);
        took.get(at).copied().unwrap_or_default()
    }

    fn add(&mut self, other: Self) {
        self.took.extend(other.took);
        self.failed += other.failed;
        self.confirmed += other.confirmed;
        self.failures.extend(other.failures);
        self.failures.truncate(MAX_TOLD);
    }
}

/// Buyers who look, reserve and confirm, one request after the other, until they are stopped.
pub struct Buyers {
    over: Arc<AtomicBool>,
    tasks: JoinSet<Seen>,
}

impl Buyers {
    /// So many of them want seats of this event.
    #[must_use]
    pub fn start(server: SocketAddr, event: &str, count: usize) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let over = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let (over, event) = (Arc::clone(&over), event.to_owned());
            tasks.spawn(async move {
                let mut seen = Seen::default();
                while !over.load(Ordering::Acquire) {
                    let name = format!("buyer{}", NEXT.fetch_add(1, Ordering::Relaxed));
                    buy(server, &event, &name, &mut seen).await;
                }
                seen
            });
        }
        Self { over, tasks }
    }

    /// Lets them finish what they have begun; gives what they saw.
    pub async fn stop(mut self) -> Seen {
        self.over.store(true, Ordering::Release);
        let mut all = Seen::default();
        while let Some(seen) = self.tasks.join_next().await {
            match seen {
                Ok(seen) => all.add(seen),
                Err(error) => all.add(Seen { failed: 1, failures: vec![error.to_string()], ..Seen::default() }),
            }
        }
        all
    }
}

/// One buyer looks, reserves and confirms.
async fn buy(server: SocketAddr, event: &str, name: &str, seen: &mut Seen) {
    let look = Call::new(server, "GET", &format!("/events/{event}/availability"));
    expect(look, 200, seen).await;
    let wish = json!({"email": format!("{name}@example.org")});
    let register = Call::new(server, "POST", &format!("/events/{event}/register")).role("user").key(name).json(&wish);
    let Some(ticket) = expect(register, 201, seen).await else { return };
    let id = ticket.body["id"].as_str().unwrap_or_default().to_owned();
    let confirm = Call::new(server, "POST", &format!("/tickets/{id}/confirm")).role("user");
    seen.confirmed += u64::from(expect(confirm, 200, seen).await.is_some());
}

/// Sends it over a connection of its own, from an address of its own, and notes how that went.
async fn expect(call: Call, status: u16, seen: &mut Seen) -> Option<Answer> {
    let watch = Stopwatch::start();
    let sending = async {
        let stream = call.connect().await.map_err(|error| format!("no connection: {error}"))?;
        call.send_over(stream).await.map_err(|error| format!("no answer: {error}"))
    };
    let answer = tokio::time::timeout(NEVER, sending).await.unwrap_or_else(|_| Err(format!("none in {NEVER:?}")));
    seen.took.push(watch.elapsed());
    let what = match answer {
        Ok(answer) if answer.status == status => return Some(answer),
        Ok(answer) => format!("{} instead of {status}: {}", answer.status, answer.text),
        Err(error) => error,
    };
    seen.failed += 1;
    if seen.failures.len() < MAX_TOLD {
        seen.failures.push(what);
    }
    None
}

/// Modules that no host should serve, and what they are refused as.
#[must_use]
pub fn bad_modules() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    vec![
        ("half of a module", "not-a-component", STANDARD_RULES[..STANDARD_RULES.len() / 2].to_vec()),
        ("a core module", "not-a-component", b"\0asm\x01\0\0\0".to_vec()),
        ("one that wants sockets", "wrong-imports", from_text("imports-sockets")),
        ("one that hangs in its manifest", "no-manifest", from_text("describe-loops")),
        ("one that traps in its manifest", "no-manifest", from_text("describe-traps")),
        ("one that traps when it is tried", "smoke-call", from_text("smoke-traps")),
        ("a component for another world", "wrong-exports", b"\0asm\x0d\0\x01\0".to_vec()),
    ]
}

/// What an operator did.
#[derive(Debug, Default)]
pub struct Swapped {
    /// Swaps that were done.
    pub swaps: u32,
    /// Bad modules that were refused, by the name of the refusal.
    pub refused: BTreeMap<String, u32>,
    /// What did not go as it should have.
    pub faults: Vec<String>,
}

/// Swaps `versions` in turn, `swaps` times, and offers a bad module before every tenth swap.
pub async fn swap(operator: &Operator, versions: &[String], swaps: u32, mut tell: impl FnMut(u32)) -> Swapped {
    let bad = bad_modules();
    let mut done = Swapped::default();
    for (n, version) in (0..swaps).zip(versions.iter().cycle()) {
        if n % 10 == 5 {
            let (name, refusal, bytes) = &bad[(n / 10) as usize % bad.len()];
            let answer = operator.push(bytes.clone()).await;
            let said = answer.body["refusal"].as_str().unwrap_or_default();
            *done.refused.entry(said.to_owned()).or_default() += 1;
            if (answer.status, said) != (422, *refusal) {
                done.faults.push(format!("{name} was not refused as {refusal}: {} {}", answer.status, answer.text));
            }
        }
        let answer = operator.activate(version, &json!({"mode": "all"})).await;
        if answer.status != 200 {
            done.faults.push(format!("swap {n}: {} {}", answer.status, answer.text));
        }
        done.swaps += 1;
        tell(done.swaps);
    }
    done
}
