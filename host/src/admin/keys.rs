//! What operators do with API keys.

use std::fmt::Display;
use std::sync::Arc;

use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{HeaderValue, LOCATION};
use hyper::http::request::Parts;
use serde::{Deserialize, Serialize};

use super::Admin;
use super::action::Action;
use super::answer::Trouble;
use super::modules::{MAX_WISH, answer, unreadable};
use crate::auth::KeyRefusal;
use crate::config::Expiry;
use crate::domain::{ApiKey, MAX_PAGE, Millis, NewApiKey, Role};
use crate::error::Error;
use crate::http::Reply;
use crate::http::request::{self, BodyLimits};

/// What is to be made: the body of `POST /v1/keys`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    name: String,
    roles: Vec<String>,
    subject: Option<String>,
    /// How long it is good, or until when.
    expires: Option<String>,
}

/// A key, as it is shown to operators.
#[derive(Debug, Serialize)]
struct Shown {
    id: String,
    name: String,
    subject: String,
    roles: Vec<&'static str>,
    /// `active`, `expired` or `revoked`.
    state: &'static str,
    created_at: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    last_used_at: Option<String>,
}

impl Shown {
    fn of(key: &ApiKey, now: Millis) -> Self {
        let state = match key {
            ApiKey { revoked_at: Some(_), .. } => "revoked",
            _ if key.is_expired(now) => "expired",
            _ => "active",
        };
        Self {
            id: key.id.to_string(),
            name: key.name.clone(),
            subject: key.subject.clone(),
            roles: key.roles.iter().map(Role::name).collect(),
            state,
            created_at: rfc3339(key.created_at),
            expires_at: key.expires_at.map(rfc3339),
            revoked_at: key.revoked_at.map(rfc3339),
            last_used_at: key.last_used_at.map(rfc3339),
        }
    }
}

/// What `POST` answers: the one time that the key itself is shown.
#[derive(Serialize)]
struct Created {
    #[serde(flatten)]
    shown: Shown,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
}

#[derive(Serialize)]
struct Listed {
    keys: Vec<Shown>,
    /// The `after` of the next page.
    next: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
}

fn rfc3339(at: Millis) -> String {
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_millis(at.as_u64());
    humantime::format_rfc3339_millis(at).to_string()
}

impl Admin {
    /// What operators should know who make keys that let nobody in.
    fn warning(&self) -> Option<String> {
        let mode = self.app.auth.mode();
        let why = "which takes no API keys; start it with --auth keys or --auth jwt,keys";
        (!mode.takes_keys()).then(|| format!("This host runs with --auth {mode}, {why}."))
    }

    pub(super) async fn list_keys(&self, parts: &Parts) -> Result<Reply, Trouble> {
        let (mut after, mut limit) = (None, MAX_PAGE);
        for (name, value) in request::query(parts.uri.query())? {
            match name.as_str() {
                "after" => after = Some(value),
                "limit" => {
                    let range = value.parse().ok().filter(|limit| (1..=MAX_PAGE).contains(limit));
                    limit = range.ok_or_else(|| invalid(format!("limit is a number from 1 to {MAX_PAGE}.")))?;
                }
                _ => return Err(invalid("The parameters are limit and after.").into()),
            }
        }
        let now = self.app.clock.wall();
        let page = self.app.auth.keys().list(after.as_deref(), limit).await?;
        let keys = page.items.iter().map(|key| Shown::of(key, now)).collect();
        answer(StatusCode::OK, &Listed { keys, next: page.next_cursor, warning: self.warning() })
    }

    pub(super) async fn show_key(&self, id: &str) -> Result<Reply, Trouble> {
        let key = self.app.auth.keys().show(id).await?;
        answer(StatusCode::OK, &Shown::of(&key, self.app.clock.wall()))
    }

    pub(super) async fn create_key(
        &self,
        parts: &Parts,
        body: &mut Incoming,
        action: &mut Action,
    ) -> Result<Reply, Trouble> {
        let limits = BodyLimits { bytes: MAX_WISH, timeout: self.app.body_timeout };
        let body = request::body(&parts.headers, body, limits).await?;
        let wish: Wish = serde_json::from_slice(&body).map_err(|error| {
            unreadable(&error, r#"send {"name":"shop","roles":["user"]}, with "subject" and "expires" if you like"#)
        })?;
        let now = self.app.clock.wall();
        let new = wish.checked(now)?;
        let keys = Arc::clone(self.app.auth.keys());
        // A task of its own: what is committed gets into memory even if the client goes away.
        let (key, shown) = joined(tokio::spawn(async move { keys.create(now, new).await }).await)?;
        action.key(&key.id);
        let location = HeaderValue::try_from(format!("/v1/keys/{}", key.id));
        let location = location.map_err(|error| Error::Internal(error.to_string()))?;
        let created = Created { shown: Shown::of(&key, now), key: shown, warning: self.warning() };
        Ok(answer(StatusCode::CREATED, &created)?.header(LOCATION, location))
    }

    pub(super) async fn revoke_key(
        &self,
        id: &str,
        parts: &Parts,
        body: &mut Incoming,
        action: &mut Action,
    ) -> Result<Reply, Trouble> {
        self.no_body(parts, body).await?;
        let now = self.app.clock.wall();
        let (keys, asked) = (Arc::clone(self.app.auth.keys()), id.to_owned());
        let key = joined(tokio::spawn(async move { keys.revoke(now, &asked).await }).await)?;
        action.key(&key.id);
        answer(StatusCode::OK, &Shown::of(&key, now))
    }
}

impl Wish {
    fn checked(self, now: Millis) -> Result<NewApiKey, Error> {
        let unknown = |name: &String| invalid(format!("/roles has {name:?}; the roles are user, organizer and admin."));
        let roles = self.roles.iter().map(|name| Role::named(name).ok_or_else(|| unknown(name)));
        let roles = roles.collect::<Result<_, _>>()?;
        let expires = self.expires.as_deref().map(str::parse::<Expiry>).transpose();
        let expires = expires.map_err(|why| invalid(format!("/expires: {why}.")))?;
        Ok(NewApiKey { name: self.name, subject: self.subject, roles, expires_at: expires.map(|end| end.at(now)) })
    }
}

fn invalid(why: impl Display) -> Error {
    Error::InvalidRequest(why.to_string())
}

fn joined<T>(done: Result<Result<T, KeyRefusal>, tokio::task::JoinError>) -> Result<T, Trouble> {
    Ok(done.map_err(|panic| Error::Internal(panic.to_string()))??)
}
