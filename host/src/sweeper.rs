//! The sweeper: releases holds that ran out, and forgets what is too old of the audit trail and of API keys that ended. The seats of such
//! holds count as free before that, so it only tidies.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;

use crate::auth::ApiKeys;
use crate::clock::Clock;
use crate::domain::Millis;
use crate::store::{Store, StoreFailure};

/// Holds released, or entries forgotten, in one transaction: small, so that the writer is never held long.
const BATCH: u32 = 500;
/// How far the two clocks may be apart before nothing is forgotten: a suspended machine or a late correction is within it, and what is kept
/// for a day too long harms nobody.
const MAX_APART_MS: u64 = 24 * 60 * 60 * 1000;

/// What it sweeps, and by which rules.
#[derive(Clone)]
pub(crate) struct Sweeper {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) keys: Arc<ApiKeys>,
    /// How long entries of the audit trail are kept, and API keys that ended.
    pub(crate) audit_retention: Duration,
    /// Counts sweeps that were finished.
    pub(crate) sweeps: Counter,
    /// Whether it was told that the clocks are too far apart.
    pub(crate) doubted: Arc<AtomicBool>,
}

impl Sweeper {
    /// Sweeps every `interval`, until it is dropped.
    pub(crate) async fn run(self, interval: Duration) {
        // Not at once: a start has better things to do, and the seats of due holds count as free already.
        let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + interval, interval);
        // A sweep that took long is not followed by several at once.
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.sweep().await {
                Ok(0) => {}
                Ok(released) => tracing::info!(released, "swept"),
                Err(failure) => tracing::warn!(?failure, "the sweep failed; the next one tries again"),
            }
        }
    }

    /// Does everything that is due now, batch by batch, and counts the sweep; gives the number of holds released.
    pub(crate) async fn sweep(&self) -> Result<u64, StoreFailure> {
        let mut released = 0;
        loop {
            let now = self.clock.now();
            let swept = self.store.expire_due(now, BATCH).await?;
            released += u64::from(swept.released);
            if swept.released == 0 || swept.next_deadline.is_none_or(|next| next > now) {
                break;
            }
        }
        self.forget().await?;
        self.sweeps.inc();
        Ok(released)
    }

    async fn forget(&self) -> Result<(), StoreFailure> {
        if self.doubts_the_time() {
            return Ok(());
        }
        let kept = i64::try_from(self.audit_retention.as_millis()).unwrap_or(i64::MAX);
        let before = |now: Millis| Millis(now.0.saturating_sub(kept));
        while self.store.forget_audit(before(self.clock.now()), BATCH).await? == BATCH {}
        while self.keys.forget_ended(before(self.clock.wall()), BATCH).await? == BATCH {}
        Ok(())
    }

    /// Whether the two clocks are so far apart that one of them must be wrong. Which one is not known here, and what was forgotten by a wrong
    /// one does not come back.
    fn doubts_the_time(&self) -> bool {
        let doubts = self.clock.now().0.abs_diff(self.clock.wall().0) > MAX_APART_MS;
        if self.doubted.swap(doubts, Ordering::Relaxed) != doubts && doubts {
            tracing::warn!(
                "the machine's clock was set by more than a day since the start: nothing is forgotten of the audit trail and of API keys; \
                 start the host again once the clock is right"
            );
        }
        doubts
    }
}
