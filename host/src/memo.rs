//! Answers of the rules that are kept, and given again as long as a run would give the same.
//!
//! A run is a pure function of its module, its request and what the host told it (`wasm/wasi.rs`). So an answer can be given to another
//! request that is the same in all that the rules see, while the store is in the same state and no hold has run out. What is kept is
//! found by [`Key`], which has all that the rules see of such a request but its time and its id; of what was read since, the store's
//! stamp tells (`store/sqlite/stamps.rs` has the proof), and of time the end of the first hold.
//!
//! Which requests and which runs are fit for it is decided where they are known: [`crate::http`] and [`crate::wasm::Report::reads_alone`].
//! A manifest's `cacheable` is needed, and never enough: a module that is wrong about it gives old answers of its own making, and no
//! caller what is another's.

mod key;

use std::sync::Arc;

use hyper::StatusCode;
use prometheus_client::metrics::counter::Counter;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

use crate::domain::Millis;
use crate::store::{Stamp, Store};
use crate::wasm::Answer;

pub(crate) use key::Key;

/// Most bytes of an answer that is kept, body and headers. A page of 100 common events has 40 KiB; larger ones are rare, and cost the rules
/// little more than they cost the connection.
const MAX_ANSWER: usize = 64 * 1024;
/// What an entry takes beside its answer and key, near enough: the table's slots, the map of headers, counts of references.
const OVERHEAD: usize = 512;
/// Bytes of an answer of a usual size. From it the cache makes its parts, each with a lock of its own, never so many that one would not have
/// room for the largest answer.
const USUAL: usize = 4 * 1024;

/// What was kept.
#[derive(Debug)]
struct Kept {
    answer: Answer,
    stamp: Stamp,
    /// The time of the run. Whoever asked earlier is not given it.
    from: Millis,
    /// When the first hold ends that the answer counts; `None`: there is none.
    until: Option<Millis>,
}

impl Kept {
    fn holds(&self, stamp: Stamp, now: Millis) -> bool {
        self.stamp == stamp && self.from <= now && self.until.is_none_or(|until| now < until)
    }
}

/// Bytes, near enough.
#[derive(Clone)]
struct Bytes;

impl Weighter<Key, Arc<Kept>> for Bytes {
    fn weight(&self, key: &Key, kept: &Arc<Kept>) -> u64 {
        (OVERHEAD + key.bytes() + size(&kept.answer)) as u64
    }
}

fn size(answer: &Answer) -> usize {
    let headers = answer.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    answer.body.len() + headers.sum::<usize>()
}

/// What came of a look.
pub(crate) enum Found {
    /// What a run would answer.
    Answer(Answer),
    /// Nothing that could be given; the run's answer may be kept here.
    Nothing(Place),
}

/// Where an answer can be kept, as of the moment before its run.
pub(crate) struct Place {
    key: Key,
    stamp: Stamp,
}

/// What is kept. Bounded in bytes: what was not asked for goes first, so that many different requests do not drive out what many ask for.
pub(crate) struct Memo {
    kept: Cache<Key, Arc<Kept>, Bytes>,
    store: Arc<dyn Store>,
    hits: Counter,
    misses: Counter,
}

impl Memo {
    /// Keeps up to `bytes` of what is read of this store, and counts here.
    pub(crate) fn new(bytes: usize, store: Arc<dyn Store>, hits: Counter, misses: Counter) -> Option<Self> {
        let mut options = OptionsBuilder::new();
        let options = options.weight_capacity(bytes as u64).estimated_items_capacity((bytes / USUAL).max(1));
        // All that it needs was said.
        let options = options.build().ok()?;
        let kept = Cache::with_options(options, Bytes, DefaultHashBuilder::default(), DefaultLifecycle::default());
        Some(Self { kept, store, hits, misses })
    }

    /// What a run would answer at `now`; or the place for its answer. `None`: the state is about to change, and nothing is given or kept.
    pub(crate) fn look(&self, key: Key, now: Millis) -> Option<Found> {
        // Once: what is found must be of this state, and what is not found will be kept with it.
        let Some(stamp) = self.store.stamp() else {
            self.misses.inc();
            return None;
        };
        let kept = self.kept.get(&key).filter(|kept| kept.holds(stamp, now));
        Some(if let Some(kept) = kept {
            self.hits.inc();
            Found::Answer(kept.answer.clone())
        } else {
            self.misses.inc();
            Found::Nothing(Place { key, stamp })
        })
    }

    /// Keeps what a run has answered whose time was `now`, if that is worth it. The run has read nothing but what everybody may.
    pub(crate) async fn keep(&self, place: Place, answer: &Answer, now: Millis) {
        let Place { key, stamp } = place;
        let is_fit = answer.status == StatusCode::OK && size(answer) <= MAX_ANSWER;
        // No proof, but where much is written most answers are of yesterday when they are there.
        if !is_fit || self.store.stamp() != Some(stamp) {
            return;
        }
        // Of the state of the stamp, or of a later one; then what is kept is never given.
        let Ok(until) = self.store.next_expiry(now).await else { return };
        let answer = answer.clone();
        self.kept.insert(key, Arc::new(Kept { answer, stamp, from: now, until }));
    }

    /// Answers that are kept, those that will not be given again included.
    pub(crate) fn answers(&self) -> usize {
        self.kept.len()
    }

    /// Their bytes, near enough.
    pub(crate) fn bytes(&self) -> u64 {
        self.kept.weight()
    }
}
