//! Exchanges the keys when their file changes, as `--watch` does with rules.

use std::sync::Arc;

use super::{Jwt, KeySet, KeySource};
use crate::metrics::Outcomes;
use crate::watch::{INTERVAL, Look, Step, Watch};

/// The keys of tokens, and the file that may have others.
pub(crate) struct Rotation {
    pub(crate) jwt: Arc<Jwt>,
    pub(crate) source: KeySource,
    /// A look from before the keys were read.
    pub(crate) first: Look,
    pub(crate) changes: Outcomes,
}

impl Rotation {
    /// Watches until it is dropped.
    pub(crate) async fn run(self) {
        let Self { jwt, source, first, changes } = self;
        let mut watch = Watch::from(first);
        let mut told = None;
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(seen) = look(&source).await else { return };
            match watch.looked(seen) {
                Step::Wait => {}
                Step::TellMissing => tracing::warn!("{}: there is no file; the keys before go on", source.name()),
                Step::Read => {
                    let reading = source.clone();
                    let Ok(read) = tokio::task::spawn_blocking(move || reading.read()).await else { return };
                    let Some(after) = look(&source).await else { return };
                    if watch.is_whole(after) {
                        let failed = exchange(&jwt, &source, read, &changes).err().map(|why| (after, why));
                        if failed.is_some() {
                            // It may be the machine's fault, which passes; the file need not change for that.
                            watch.try_again();
                        }
                        // Once for each state of the file and each reason.
                        if let Some((_, why)) = failed.as_ref().filter(|_| failed != told) {
                            tracing::error!("{} {why}; the keys before go on", source.name());
                            changes.count("refused");
                        }
                        told = failed;
                    }
                }
            }
        }
    }
}

fn exchange(jwt: &Jwt, source: &KeySource, read: Result<KeySet, String>, changes: &Outcomes) -> Result<(), String> {
    let keys = read?;
    // A set says of each key what it is. A file with one key that was public and is a secret now is more likely something else.
    if matches!(source, KeySource::Key(_)) && keys.has_secret() && !jwt.keys().has_secret() {
        return Err("has a secret where a public key was: restart the server if that is meant".to_owned());
    }
    tracing::info!(keys = keys.len(), "{}: the keys of tokens are exchanged", source.name());
    jwt.exchange(keys);
    changes.count("exchanged");
    Ok(())
}

/// On another thread: a file system that hangs holds up nobody else. `None`: the server ends.
async fn look(source: &KeySource) -> Option<Look> {
    let source = source.clone();
    tokio::task::spawn_blocking(move || source.look()).await.ok()
}
