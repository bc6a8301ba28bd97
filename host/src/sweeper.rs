//! The sweeper: releases holds that ran out, and forgets what is too old of the audit trail. The seats of such holds count as free before
//! that, so it only tidies.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;

use crate::clock::Clock;
use crate::domain::Millis;
use crate::store::{Store, StoreFailure};

/// Holds released, or entries forgotten, in one transaction: small, so that the writer is never held long.
const BATCH: u32 = 500;

/// What it sweeps, and by which rules.
#[derive(Clone)]
pub(crate) struct Sweeper {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    /// How long entries of the audit trail are kept.
    pub(crate) audit_retention: Duration,
    /// Counts sweeps that were finished.
    pub(crate) sweeps: Counter,
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
        let kept = i64::try_from(self.audit_retention.as_millis()).unwrap_or(i64::MAX);
        let before = Millis(self.clock.now().0.saturating_sub(kept));
        while self.store.forget_audit(before, BATCH).await? == BATCH {}
        Ok(())
    }
}
