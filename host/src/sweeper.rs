//! The sweeper: releases holds that ran out. Their seats count as free before that, so it only tidies.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;

use crate::clock::Clock;
use crate::store::{Store, StoreFailure};

/// Holds released in one transaction: small, so that the writer is never held long.
const BATCH: u32 = 500;

/// Sweeps every `interval`, until it is dropped.
pub(crate) async fn run(store: Arc<dyn Store>, clock: Arc<dyn Clock>, interval: Duration, sweeps: Counter) {
    // Not at once: a start has better things to do, and the seats of due holds count as free already.
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + interval, interval);
    // A sweep that took long is not followed by several at once.
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match sweep(store.as_ref(), clock.as_ref(), &sweeps).await {
            Ok(0) => {}
            Ok(released) => tracing::info!(released, "swept"),
            Err(failure) => tracing::warn!(?failure, "the sweep failed; the next one tries again"),
        }
    }
}

/// Releases everything that is due now, batch by batch, and counts the sweep; gives the number of holds released.
pub(crate) async fn sweep(store: &dyn Store, clock: &dyn Clock, sweeps: &Counter) -> Result<u64, StoreFailure> {
    let mut released = 0;
    loop {
        let now = clock.now();
        let swept = store.expire_due(now, BATCH).await?;
        released += u64::from(swept.released);
        if swept.released == 0 || swept.next_deadline.is_none_or(|next| next > now) {
            sweeps.inc();
            return Ok(released);
        }
    }
}
