//! The attack suite: what strangers' modules do to a host, carried out against the real program, and what has to come of it.
//!
//! Each attack on a running server has 50 innocent clients beside it, of the same module. All of them must be served, in time; the
//! attackers must get the answer that is promised, and the operator the cause; memory must come back; and the next request must work.

mod catalogue;
mod component;
mod innocents;
mod loading;
mod program;
mod requests;

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

pub use catalogue::{Attack, attacks};
pub use component::{encode, from_text};
pub use loading::{LoadAttack, load_attacks};

/// How attacks are carried out, and what is asked of the host.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The program that is attacked.
    pub program: PathBuf,
    /// More flags for it.
    pub flags: Vec<String>,
    /// Only attacks whose name contains this.
    pub filter: String,
    /// What 99 of 100 innocent requests must be answered within.
    pub p99: Duration,
    /// Resident memory that may be left of an attack, in bytes.
    pub kept: i64,
}

impl Plan {
    /// Against this program, with its defaults.
    #[must_use]
    pub fn against(program: PathBuf) -> Self {
        Self { program, flags: Vec::new(), filter: String::new(), p99: Duration::from_secs(2), kept: 64 << 20 }
    }

    fn wants(&self, name: &str) -> bool {
        name.contains(&self.filter)
    }

    /// How many attacks it has.
    #[must_use]
    pub fn count(&self) -> usize {
        let running = attacks().iter().filter(|attack| self.wants(attack.name)).count();
        running + load_attacks().iter().filter(|attack| self.wants(&attack.name)).count()
    }

    /// Carries all of them out, one after the other, and tells each outcome as it is known.
    pub async fn carry_out(&self, mut tell: impl FnMut(&Outcome)) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        requests::carry_out(self, &mut |outcome: Outcome| {
            tell(&outcome);
            outcomes.push(outcome);
        })
        .await;
        for attack in load_attacks().iter().filter(|attack| self.wants(&attack.name)) {
            let outcome = loading::carry_out(self, attack);
            tell(&outcome);
            outcomes.push(outcome);
        }
        outcomes
    }
}

/// What came of an attack. Figures that make no sense for it are `None`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Outcome {
    /// The attack.
    pub attack: String,
    /// What the attackers were told.
    pub answer: String,
    /// What the operator was told.
    pub cause: String,
    /// How many attackers there were at the same time.
    pub attackers: usize,
    /// Bytes of resident memory that were there afterwards and not before.
    pub rss_delta: Option<i64>,
    /// Bytes of resident memory that were there at most, and not before.
    pub rss_peak: Option<i64>,
    /// Innocent requests that were answered beside it.
    pub innocents: usize,
    /// What 99 of 100 innocent requests were answered within.
    #[serde(serialize_with = "millis")]
    pub p99: Option<Duration>,
    /// How long after the last attacker's answer an innocent one had its own.
    #[serde(serialize_with = "millis")]
    pub recovery: Option<Duration>,
    /// How long it all took.
    #[serde(serialize_with = "millis")]
    pub took: Option<Duration>,
    /// What was not as promised. Empty: contained.
    pub faults: Vec<String>,
}

impl Outcome {
    /// Whether everything was as promised.
    #[must_use]
    pub fn contained(&self) -> bool {
        self.faults.is_empty()
    }

    fn fault(&mut self, what: impl Into<String>) {
        self.faults.push(what.into());
    }
}

#[expect(clippy::ref_option, reason = "serde hands the field over like this")]
fn millis<S: serde::Serializer>(span: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    span.map(|span| span.as_secs_f64() * 1000.0).serialize(to)
}
