//! Random histories of writes, reads and time: what is kept is what a run would answer at the same moment.

use std::time::Duration;

use boxoffice::clock::Clock as _;
use boxoffice::domain::Millis;
use boxoffice::store::sqlite::{Faults, SeededFault};
use harness::{Call, TestServer};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;

use super::ask;

/// Histories, and steps of each.
const SEEDS: u64 = 12;
const STEPS: usize = 200;

/// One history: the server, and what is known of it.
struct History {
    server: TestServer,
    random: StdRng,
    events: Vec<String>,
    tickets: Vec<String>,
    /// When holds end.
    ends: Vec<Millis>,
    /// Reads of what was kept, and all of them.
    kept: u32,
    reads: u32,
}

impl History {
    async fn begin(seed: u64, fault: Option<SeededFault>) -> Self {
        let faults = match fault {
            Some(fault) => Faults::mutant(fault).dawdling(),
            None => Faults::default(),
        };
        let server = TestServer::builder().store(|options| options.faults = faults).start().await;
        let events = vec![server.event(6).await, server.event(3).await];
        let random = StdRng::seed_from_u64(seed);
        Self { server, random, events, tickets: Vec::new(), ends: Vec::new(), kept: 0, reads: 0 }
    }

    fn below(&mut self, most: usize) -> usize {
        self.random.random_range(0..most)
    }

    fn one(&mut self, of: &[String]) -> String {
        if of.is_empty() { "none".to_owned() } else { of[self.below(of.len())].clone() }
    }

    async fn step(&mut self) -> Result<(), String> {
        match self.below(30) {
            0 => self.create().await,
            1 => self.patch().await,
            2..4 => self.register().await,
            4 => self.act("confirm").await,
            5 => self.act("cancel").await,
            6 => drop(self.server.server().sweep().await),
            7..10 => self.wait(),
            _ => return self.read().await,
        }
        Ok(())
    }

    async fn create(&mut self) {
        if self.events.len() < 8 {
            let capacity = u32::try_from(self.below(4)).unwrap_or(0) + 1;
            self.events.push(self.server.event(capacity).await);
        }
    }

    async fn patch(&mut self) {
        let event = self.one(&self.events.clone());
        let body = json!({"capacity": self.below(6) + 1, "name": format!("Event {}", self.below(3))});
        self.server.call("PATCH", &format!("/events/{event}")).role("organizer").json(&body).send().await;
    }

    async fn register(&mut self) {
        let (event, email) = (self.one(&self.events.clone()), format!("c{}@example.org", self.below(6)));
        let answer = self.server.register(&event, &email).send().await;
        if answer.status == 201 {
            self.tickets.push(answer.body["id"].as_str().unwrap_or_default().to_owned());
            self.ends.push(self.server.clock.now().plus(Duration::from_mins(5)));
        }
    }

    async fn act(&mut self, action: &str) {
        let ticket = self.one(&self.tickets.clone());
        self.server.post(&format!("/tickets/{ticket}/{action}")).role("user").send().await;
    }

    /// To the end of a hold, or just before it, or a little.
    fn wait(&mut self) {
        let now = self.server.clock.now();
        let ahead: Vec<Millis> = self.ends.iter().copied().filter(|end| *end > now).collect();
        let to = match self.below(4) {
            0 => now.plus(Duration::from_secs(7)),
            _ if ahead.is_empty() => now.plus(Duration::from_secs(20)),
            before => Millis(ahead[self.below(ahead.len())].0 - i64::from(before == 1)).max(now),
        };
        self.server.clock.set(to);
    }

    /// Reads, and then the same with a condition, for which the rules run always.
    async fn read(&mut self) -> Result<(), String> {
        let event = self.one(&self.events.clone());
        let paths = [
            "/events".to_owned(),
            "/events?limit=2".to_owned(),
            "/events?available=true".to_owned(),
            "/events?q=event+1".to_owned(),
            format!("/events/{event}"),
            format!("/events/{event}"),
        ];
        let path = self.one(&paths);
        let role = ["user", "user", "organizer"][self.below(3)];
        let call = || -> Call { self.server.get(&path).role(role) };
        let (told, kept) = ask(call()).await;
        let (truth, ran) = ask(call().header("if-none-match", "\"another\"")).await;
        assert!(!ran, "a condition makes the rules run");
        self.reads += 1;
        self.kept += u32::from(kept);
        let of = |answer: &harness::Answer| (answer.status, answer.text.clone(), answer.header("etag").to_owned());
        if of(&told) == of(&truth) {
            return Ok(());
        }
        Err(format!("{path} as {role}, kept: {kept}\n told {}\ntruth {}", told.text, truth.text))
    }
}

/// A history from a seed: its reads, and how many were of what was kept.
pub(super) async fn history(seed: u64, fault: Option<SeededFault>) -> Result<(u32, u32), String> {
    let mut history = History::begin(seed, fault).await;
    for step in 0..STEPS {
        history.step().await.map_err(|why| format!("seed {seed}, step {step}: {why}"))?;
    }
    Ok((history.reads, history.kept))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_is_what_a_run_would_answer() {
    let (mut reads, mut kept) = (0, 0);
    for seed in 0..SEEDS {
        let (more_reads, more_kept) = history(seed, None).await.unwrap_or_else(|found| panic!("{found}"));
        (reads, kept) = (reads + more_reads, kept + more_kept);
    }
    println!("{kept} of {reads} reads were of what was kept");
    assert!(kept > reads / 10 && kept < reads, "{kept} of {reads}");
}
