//! API keys: made, revoked and known by this host.
//!
//! All keys that let somebody in are in memory, so that a request costs no read. Invariant: a key is in memory only after its row is committed,
//! and lets nobody in from the moment on in which somebody asks for its revocation: that is in memory first, so that it needs no disk, and is
//! acknowledged when it is committed.

mod secret;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use subtle::ConstantTimeEq as _;
use tokio::sync::Mutex;

use super::owner;
use super::refusal::{CredentialRefusal, Refused};
use crate::domain::{ApiKey, ApiKeyId, InvalidField, Millis, NewApiKey, Page, Principal};
use crate::store::StoreFailure;
use crate::store::sqlite::{SecretHash, SqliteStore};
use secret::{Fresh, Presented};

pub(crate) use secret::PREFIX;

/// Most keys that are neither revoked nor expired, some 400 bytes each in memory.
pub const MAX_API_KEYS: u32 = 10_000;
/// How often it is written down when keys were used last: a crash forgets that much.
const NOTE_EVERY: Duration = Duration::from_mins(1);
/// Keys whose last use is written in one transaction: small, so that the writer is never held long.
const NOTE_BATCH: usize = 500;

/// Why nothing was done to a key.
#[derive(Debug)]
pub enum KeyRefusal {
    /// What was asked for is not possible.
    Invalid(Vec<InvalidField>),
    /// There are [`MAX_API_KEYS`] already.
    TooMany,
    /// There is no such key.
    NotFound,
    /// The store, or the system, could not.
    Failed(StoreFailure),
}

impl From<StoreFailure> for KeyRefusal {
    fn from(failure: StoreFailure) -> Self {
        Self::Failed(failure)
    }
}

/// Who a key lets in, in memory.
struct Known {
    principal: Principal,
    hash: SecretHash,
    expires_at: Option<Millis>,
    revoked: AtomicBool,
    /// In milliseconds; 0: never.
    last_used: AtomicI64,
    /// What of that is written down.
    noted: AtomicI64,
}

impl Known {
    fn of(key: &ApiKey, hash: SecretHash) -> Option<Self> {
        let last_used = key.last_used_at.map_or(0, |at| at.0);
        Some(Self {
            principal: Principal::known(owner::of_key(&key.subject)?, key.roles),
            hash,
            expires_at: key.expires_at,
            revoked: AtomicBool::new(key.revoked_at.is_some()),
            last_used: AtomicI64::new(last_used),
            noted: AtomicI64::new(last_used),
        })
    }

    fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::Acquire)
    }

    fn has_expired(&self, now: Millis) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    fn is_in_force(&self, now: Millis) -> bool {
        !self.is_revoked() && !self.has_expired(now)
    }
}

/// The keys of one host.
pub struct ApiKeys {
    store: Arc<SqliteStore>,
    known: RwLock<HashMap<ApiKeyId, Arc<Known>>>,
    /// One change after the other.
    changing: Mutex<()>,
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeys")
    }
}

impl ApiKeys {
    /// Reads all keys that let somebody in at `now`, and some of those that ended, to know them in the log.
    ///
    /// # Errors
    /// They cannot be read, or there are more than this host would ever have made.
    pub async fn load(store: Arc<SqliteStore>, now: Millis) -> Result<Self, String> {
        let rows = store.known_api_keys(now, MAX_API_KEYS * 2).await;
        let rows = rows.map_err(|failure| format!("the API keys cannot be read: {failure:?}"))?;
        if rows.iter().filter(|(key, _)| key.is_in_force(now)).count() > MAX_API_KEYS as usize {
            return Err(format!(
                "the database has more than {MAX_API_KEYS} API keys that are neither revoked nor, by this machine's clock, expired"
            ));
        }
        let known = rows.into_iter().filter_map(|(key, hash)| Some((key.id.clone(), Arc::new(Known::of(&key, hash)?))));
        Ok(Self { known: RwLock::new(known.collect()), store, changing: Mutex::new(()) })
    }

    /// Whom a token that begins with [`PREFIX`] lets in at `now`. Takes the same time whether or not there is such a key, and whatever of
    /// its secret is right.
    pub(super) fn principal(&self, token: &str, now: Millis) -> Result<Principal, Refused> {
        let Some(presented) = Presented::parse(token) else {
            return Err(Refused::invalid("it does not have the form of an API key"));
        };
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&presented.id).cloned();
        // Something to compare with, where there is no such key.
        let expected = known.as_ref().map_or([0; 32], |known| known.hash);
        let fits = bool::from(expected.ct_eq(&presented.hash));
        let Some(known) = known.filter(|_| fits) else {
            return Err(Refused::invalid("there is no such API key"));
        };
        if known.is_revoked() {
            return Err(Refused::new(CredentialRefusal::Revoked, "the API key was revoked"));
        }
        if known.has_expired(now) {
            return Err(Refused::new(CredentialRefusal::Expired, "the API key has expired"));
        }
        known.last_used.fetch_max(now.0, Ordering::Relaxed);
        Ok(known.principal.clone())
    }

    /// Makes a key. Gives what is known of it, and the key itself, which nobody sees again.
    ///
    /// # Errors
    /// Nothing was made.
    pub async fn create(&self, now: Millis, new: NewApiKey) -> Result<(ApiKey, String), KeyRefusal> {
        new.check(now).map_err(KeyRefusal::Invalid)?;
        let _alone = self.changing.lock().await;
        let in_force = self.read(|known| known.values().filter(|known| known.is_in_force(now)).count());
        if in_force >= MAX_API_KEYS as usize {
            return Err(KeyRefusal::TooMany);
        }
        let Fresh { id, hash, shown } = Fresh::make().map_err(StoreFailure::Internal)?;
        let NewApiKey { name, subject, roles, expires_at } = new;
        let subject = subject.unwrap_or_else(|| id.as_str().to_owned());
        let key =
            ApiKey { id, name, subject, roles, created_at: now, expires_at, revoked_at: None, last_used_at: None };
        let nobody = || StoreFailure::Internal("the subject of an API key is empty".to_owned());
        let known = Known::of(&key, hash).ok_or_else(nobody)?;
        self.store.add_api_key(key.clone(), hash).await?;
        let mut all = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= 2 * MAX_API_KEYS as usize {
            // The others let nobody in either way; the log only does not call them revoked or expired any more.
            all.retain(|_, known| known.is_in_force(now));
        }
        all.insert(key.id.clone(), Arc::new(known));
        drop(all);
        Ok((key, shown))
    }

    /// Revokes a key: whoever shows it from now on is not let in, whatever the database says. Again: it stays as it is.
    ///
    /// # Errors
    /// There is no such key; or the database could not, or it is not known whether it did: then the key lets nobody in until the next start
    /// of the host, and is to be revoked again.
    pub async fn revoke(&self, now: Millis, id: &str) -> Result<ApiKey, KeyRefusal> {
        let id = ApiKeyId::new(id);
        // Before anything that can fail or wait.
        let known = self.shut_out(&id);
        let _alone = self.changing.lock().await;
        let key = self.store.revoke_api_key(&id, now).await.inspect_err(|failure| {
            if known {
                tracing::warn!(%id, ?failure, "the API key lets nobody in, but only until the next start; revoke it again");
            }
        })?;
        let key = key.ok_or(KeyRefusal::NotFound)?;
        // One that was being made meanwhile.
        self.shut_out(&id);
        Ok(self.as_used(key))
    }

    /// Gives whether there is such a key in memory.
    fn shut_out(&self, id: &ApiKeyId) -> bool {
        let known = self.read(|known| known.get(id).cloned());
        known.inspect(|known| known.revoked.store(true, Ordering::Release)).is_some()
    }

    /// Forgets the rows of at most `batch` keys that ended before this moment; gives their number.
    ///
    /// # Errors
    /// None of them is forgotten; the next time tries again.
    pub async fn forget_ended(&self, before: Millis, batch: u32) -> Result<u32, StoreFailure> {
        self.store.forget_api_keys(before, batch).await
    }

    /// One key.
    ///
    /// # Errors
    /// There is no such key.
    pub async fn show(&self, id: &str) -> Result<ApiKey, KeyRefusal> {
        let key = self.store.api_key(&ApiKeyId::new(id)).await?;
        key.map(|key| self.as_used(key)).ok_or(KeyRefusal::NotFound)
    }

    /// One page of all keys, oldest first.
    ///
    /// # Errors
    /// There is no key `after`.
    pub async fn list(&self, after: Option<&str>, limit: u32) -> Result<Page<ApiKey>, KeyRefusal> {
        let from = after.map(ApiKeyId::new);
        let page = self.store.api_keys(from.as_ref(), limit).await?;
        let page = page.ok_or(KeyRefusal::NotFound)?;
        let items = page.items.into_iter().map(|key| self.as_used(key)).collect();
        Ok(Page { items, ..page })
    }

    /// With what is not written down yet.
    fn as_used(&self, mut key: ApiKey) -> ApiKey {
        let used = self.read(|known| known.get(&key.id).map(|known| known.last_used.load(Ordering::Relaxed)));
        key.last_used_at = used.filter(|at| *at > 0).map(Millis).max(key.last_used_at);
        key
    }

    fn read<T>(&self, look: impl FnOnce(&HashMap<ApiKeyId, Arc<Known>>) -> T) -> T {
        look(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes down when keys were used last.
    ///
    /// # Errors
    /// Some of it is not written; the next time tries again.
    pub async fn note_uses(&self) -> Result<(), StoreFailure> {
        let used: Vec<_> = self.read(|known| {
            let used = known.iter().map(|(id, known)| (id, known, known.last_used.load(Ordering::Relaxed)));
            let unnoted = used.filter(|(_, known, at)| *at > known.noted.load(Ordering::Relaxed));
            unnoted.map(|(id, known, at)| (id.clone(), Arc::clone(known), at)).collect()
        });
        for batch in used.chunks(NOTE_BATCH) {
            let rows = batch.iter().map(|(id, _, at)| (id.clone(), Millis(*at))).collect();
            self.store.api_keys_used(rows).await?;
            for (_, known, at) in batch {
                known.noted.store(*at, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

/// Writes down every minute when keys were used last, until it is dropped.
pub(crate) async fn run(keys: Arc<ApiKeys>) {
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + NOTE_EVERY, NOTE_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(failure) = keys.note_uses().await {
            tracing::warn!(?failure, "when API keys were used last is not written down; the next minute tries again");
        }
    }
}
