//! API keys: the rows behind [`crate::auth::ApiKeys`]. No part of the trait: only the host's own authenticator asks for them.

use std::convert::Infallible;

use rusqlite::{Connection, Row};

use super::rows::{all, optional};
use super::trouble::Trouble;
use super::{SqliteStore, unrefused};
use crate::domain::{ApiKey, ApiKeyId, MAX_PAGE, Millis, Page, Roles};
use crate::store::StoreFailure;

/// Of an API key, the SHA-256 of its secret.
pub type SecretHash = [u8; 32];

/// The columns that [`key`] reads.
macro_rules! key_columns {
    () => {
        "id, name, subject, roles, created_at_ms, expires_at_ms, revoked_at_ms, last_used_at_ms"
    };
}

/// When a key ended or will end: what the index `api_keys_by_end` has, in the very same words.
macro_rules! ended_at {
    () => {
        "min(coalesce(revoked_at_ms, 9223372036854775807), coalesce(expires_at_ms, 9223372036854775807))"
    };
}

/// Asks for the index of when keys end.
pub(super) const PROBE_BY_END: &str =
    concat!("SELECT 1 FROM api_keys INDEXED BY api_keys_by_end WHERE ", ended_at!(), " < 0");

impl SqliteStore {
    /// Keeps a new key.
    pub async fn add_api_key(&self, key: ApiKey, hash: SecretHash) -> Result<(), StoreFailure> {
        let added = self.writer.submit::<_, Infallible, _>(move |desk| {
            let sql = concat!(
                "INSERT INTO api_keys (",
                key_columns!(),
                ", secret_hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULL, NULL, ?7)"
            );
            desk.db.prepare_cached(sql)?.execute((
                key.id.as_str(),
                &key.name,
                &key.subject,
                key.roles.names(),
                key.created_at.0,
                key.expires_at.map(|at| at.0),
                hash,
            ))?;
            Ok(Ok(()))
        });
        unrefused(added.await)
    }

    /// Revokes a key, and gives it as it is then; one that is revoked stays as it is. `None`: there is no such key.
    pub async fn revoke_api_key(&self, id: &ApiKeyId, now: Millis) -> Result<Option<ApiKey>, StoreFailure> {
        let id = id.clone();
        let revoked = self.writer.submit::<_, Infallible, _>(move |desk| {
            let sql = "UPDATE api_keys SET revoked_at_ms = coalesce(revoked_at_ms, ?2) WHERE id = ?1";
            desk.db.prepare_cached(sql)?.execute((id.as_str(), now.0))?;
            find(desk.db, &id).map(Ok)
        });
        unrefused(revoked.await)
    }

    /// Remembers when keys were used last; never an earlier time than it knows.
    pub async fn api_keys_used(&self, used: Vec<(ApiKeyId, Millis)>) -> Result<(), StoreFailure> {
        let noted = self.writer.submit::<_, Infallible, _>(move |desk| {
            let sql = "UPDATE api_keys SET last_used_at_ms = max(coalesce(last_used_at_ms, 0), ?2) WHERE id = ?1";
            let mut update = desk.db.prepare_cached(sql)?;
            for (id, at) in &used {
                update.execute((id.as_str(), at.0))?;
            }
            Ok(Ok(()))
        });
        unrefused(noted.await)
    }

    /// One key.
    pub async fn api_key(&self, id: &ApiKeyId) -> Result<Option<ApiKey>, StoreFailure> {
        self.points.read(|db| find(db, id)).await
    }

    /// One page of all keys, revoked ones included, oldest first: those after the key `after`, at most `limit` and [`MAX_PAGE`].
    /// `None`: there is no key `after`.
    pub async fn api_keys(&self, after: Option<&ApiKeyId>, limit: u32) -> Result<Option<Page<ApiKey>>, StoreFailure> {
        let limit = limit.min(MAX_PAGE);
        self.points.read(|db| page(db, after, limit)).await
    }

    /// At most `most` keys and the hashes of their secrets: first those that are in force at `now`, then those that ended last.
    pub async fn known_api_keys(&self, now: Millis, most: u32) -> Result<Vec<(ApiKey, SecretHash)>, StoreFailure> {
        let known = self.scans.scan(move |db| {
            let sql = concat!(
                "SELECT ",
                key_columns!(),
                ", secret_hash FROM api_keys ORDER BY revoked_at_ms IS NULL AND coalesce(expires_at_ms > ?1, 1) DESC, ",
                ended_at!(),
                " DESC, id LIMIT ?2"
            );
            all(db.prepare_cached(sql)?, (now.0, most), |row| Ok((key(row)?, row.get(8)?)))
        });
        known.await
    }

    /// Forgets at most `batch` keys that ended before this moment, oldest first; gives their number.
    pub async fn forget_api_keys(&self, before: Millis, batch: u32) -> Result<u32, StoreFailure> {
        let forgotten = self.writer.submit::<_, Infallible, _>(move |desk| {
            let sql = concat!(
                "DELETE FROM api_keys WHERE id IN (SELECT id FROM api_keys WHERE ",
                ended_at!(),
                " < ?1 ORDER BY ",
                ended_at!(),
                " LIMIT ?2)"
            );
            let gone = desk.db.prepare_cached(sql)?.execute((before.0, batch))?;
            // At most `batch`, which is a u32.
            Ok(Ok(u32::try_from(gone).unwrap_or(batch)))
        });
        unrefused(forgotten.await)
    }
}

fn page(db: &Connection, after: Option<&ApiKeyId>, limit: u32) -> Result<Option<Page<ApiKey>>, Trouble> {
    let from = match after {
        None => (i64::MIN, String::new()),
        Some(id) => match find(db, id)? {
            Some(key) => (key.created_at.0, key.id.as_str().to_owned()),
            None => return Ok(None),
        },
    };
    let sql = concat!(
        "SELECT ",
        key_columns!(),
        " FROM api_keys WHERE (created_at_ms, id) > (?1, ?2) ORDER BY created_at_ms, id LIMIT ?3"
    );
    // One more than asked for: whether there is another page.
    let mut items = all(db.prepare_cached(sql)?, (from.0, from.1, limit + 1), key)?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next_cursor = items.last().filter(|_| more).map(|last| last.id.as_str().to_owned());
    Ok(Some(Page { items, next_cursor }))
}

fn find(db: &Connection, id: &ApiKeyId) -> Result<Option<ApiKey>, Trouble> {
    let sql = concat!("SELECT ", key_columns!(), " FROM api_keys WHERE id = ?1");
    optional(db.prepare_cached(sql)?, [id.as_str()], key)
}

fn key(row: &Row<'_>) -> Result<ApiKey, Trouble> {
    let roles = Roles::named(row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?);
    let at = |column| row.get::<_, Option<i64>>(column).map(|at| at.map(Millis));
    Ok(ApiKey {
        id: ApiKeyId::new(row.get::<_, String>(0)?),
        name: row.get(1)?,
        subject: row.get(2)?,
        roles: roles.ok_or(Trouble::Broken("an API key has an unknown role"))?,
        created_at: Millis(row.get(4)?),
        expires_at: at(5)?,
        revoked_at: at(6)?,
        last_used_at: at(7)?,
    })
}
