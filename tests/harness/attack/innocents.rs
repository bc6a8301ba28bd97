//! The clients beside an attack: they want the same module, and must not notice.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use boxoffice::clock::Stopwatch;
use futures_util::future::join_all;

use crate::client::{Answer, Call};

/// How many there are at the same time.
const INNOCENTS: usize = 50;
/// Requests that each sends at the least.
const ROUNDS: usize = 3;
/// What each waits between its requests: they are clients, not a load test.
const PAUSE: Duration = Duration::from_millis(10);
/// After which a request counts as never answered.
pub(super) const NEVER: Duration = Duration::from_secs(20);

/// What became of them.
#[derive(Debug, Default)]
pub(super) struct Served {
    /// How long each answer took, the connection included.
    pub(super) took: Vec<Duration>,
    /// Those that were not served.
    pub(super) refused: Vec<String>,
}

impl Served {
    pub(super) fn p99(&self) -> Duration {
        let mut took = self.took.clone();
        took.sort_unstable();
        let at = (took.len() * 99).div_ceil(100).saturating_sub(1);
        took.get(at).copied().unwrap_or_default()
    }
}

/// Sends requests to `path`, each over a connection of its own, until `over`.
pub(super) async fn ask(server: SocketAddr, path: &'static str, over: Arc<AtomicBool>) -> Served {
    let clients = (0..INNOCENTS).map(|_| tokio::spawn(client(server, path, Arc::clone(&over))));
    let mut all = Served::default();
    for served in join_all(clients).await.into_iter().flatten() {
        all.took.extend(served.took);
        all.refused.extend(served.refused);
    }
    all
}

async fn client(address: SocketAddr, path: &'static str, over: Arc<AtomicBool>) -> Served {
    let mut served = Served::default();
    let mut round = 0;
    while round < ROUNDS || !over.load(Ordering::Acquire) {
        round += 1;
        let watch = Stopwatch::start();
        match send(Call::new(address, "GET", path)).await {
            Ok(answer) if answer.status == 200 => served.took.push(watch.elapsed()),
            Ok(answer) => served.refused.push(format!("{} {}", answer.status, answer.code())),
            Err(error) => served.refused.push(error),
        }
        tokio::time::sleep(PAUSE).await;
    }
    served
}

/// Sends it over a connection of its own.
pub(super) async fn send(call: Call) -> Result<Answer, String> {
    let sending = async {
        let stream = call.connect().await.map_err(|error| format!("no connection: {error}"))?;
        call.send_over(stream).await.map_err(|error| format!("no answer: {error}"))
    };
    tokio::time::timeout(NEVER, sending).await.unwrap_or_else(|_| Err(format!("no answer within {NEVER:?}")))
}
