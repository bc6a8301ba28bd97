//! What operators do with modules, and the proof of the invariants.

use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

use super::Admin;
use super::action::Action;
use super::answer::Trouble;
use crate::error::Error;
use crate::http::Reply;
use crate::http::request::{self, BodyLimits};
use crate::registry::{Back, Mode, Refusal, Share, Version};

/// Most bytes of a body that says what to do.
pub(super) const MAX_WISH: usize = 4 * 1024;
/// Most characters that are told of why such a body cannot be read: it can name any field.
const MAX_TOLD: usize = 300;

/// How a module is to serve: the body of `activate`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(tag = "mode", rename_all = "kebab-case", deny_unknown_fields)]
enum Wish {
    All {},
    Canary { percent: f64 },
    Shadow {},
    Off {},
}

impl TryFrom<Wish> for Mode {
    type Error = Refusal;

    fn try_from(wish: Wish) -> Result<Self, Refusal> {
        Ok(match wish {
            Wish::All {} => Self::All,
            Wish::Canary { percent } => Self::Canary(Share::percent(percent).map_err(Refusal::InvalidPercent)?),
            Wish::Shadow {} => Self::Shadow,
            Wish::Off {} => Self::Off,
        })
    }
}

/// How far to go back: the body of `rollback`, if it has one.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct BackWish {
    /// Behind the active module, whatever there is of a canary.
    active: bool,
}

pub(super) fn unreadable(error: &serde_json::Error, example: &str) -> Error {
    let why: String = error.to_string().chars().take(MAX_TOLD).flat_map(char::escape_debug).collect();
    Error::InvalidRequest(format!("The body cannot be read ({why}); {example}."))
}

/// For the log.
fn mode_name(mode: Mode) -> String {
    match mode {
        Mode::All => "all".into(),
        Mode::Canary(share) => format!("canary {share}"),
        Mode::Shadow => "shadow".into(),
        Mode::Off => "off".into(),
    }
}

pub(super) fn answer(status: StatusCode, body: &impl Serialize) -> Result<Reply, Trouble> {
    let body = serde_json::to_vec(body).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(Reply::json(status, body))
}

impl Admin {
    pub(super) async fn list(&self) -> Result<Reply, Trouble> {
        answer(StatusCode::OK, &self.app.registry.list().await)
    }

    pub(super) async fn show(&self, asked: &str) -> Result<Reply, Trouble> {
        let version = self.app.registry.resolve(asked).await?;
        let listing = self.app.registry.list().await;
        match listing.modules.into_iter().find(|listed| listed.id == version) {
            Some(listed) => answer(StatusCode::OK, &listed),
            // Deleted in between.
            None => Err(Refusal::ModuleNotFound(asked.to_owned()).into()),
        }
    }

    pub(super) async fn activate(
        &self,
        asked: &str,
        parts: &Parts,
        body: &mut Incoming,
        action: &mut Action,
    ) -> Result<Reply, Trouble> {
        let limits = BodyLimits { bytes: MAX_WISH, timeout: self.app.body_timeout };
        let body = request::body(&parts.headers, body, limits).await?;
        let wish: Wish = serde_json::from_slice(&body).map_err(|error| {
            let example = r#"send {"mode":"all"}, {"mode":"canary","percent":5}, {"mode":"shadow"} or {"mode":"off"}"#;
            unreadable(&error, example)
        })?;
        let mode = Mode::try_from(wish)?;
        action.mode(mode_name(mode));
        let version = self.app.registry.activate(asked, mode).await?;
        action.module(version);
        self.show(&String::from(version)).await
    }

    pub(super) async fn roll_back(
        &self,
        parts: &Parts,
        body: &mut Incoming,
        action: &mut Action,
    ) -> Result<Reply, Trouble> {
        let limits = BodyLimits { bytes: MAX_WISH, timeout: self.app.body_timeout };
        let body = request::body(&parts.headers, body, limits).await?;
        let wish: BackWish = if body.is_empty() {
            BackWish::default()
        } else {
            serde_json::from_slice(&body).map_err(|error| {
                unreadable(&error, r#"send {"active":true} to go back behind the active module, or nothing"#)
            })?
        };
        let back = if wish.active { Back::Active } else { Back::Step };
        let rolled_back = self.app.registry.roll_back(back).await?;
        action.module(rolled_back.ended_canary.unwrap_or(rolled_back.active));
        answer(StatusCode::OK, &rolled_back)
    }

    pub(super) async fn delete(
        &self,
        asked: &str,
        parts: &Parts,
        body: &mut Incoming,
        action: &mut Action,
    ) -> Result<Reply, Trouble> {
        self.no_body(parts, body).await?;
        let version: Version = self.app.registry.delete(asked).await?;
        action.module(version);
        answer(StatusCode::OK, &json!({"deleted": version}))
    }

    pub(super) async fn no_body(&self, parts: &Parts, body: &mut Incoming) -> Result<(), Error> {
        let limits = BodyLimits { bytes: 0, timeout: self.app.body_timeout };
        request::body(&parts.headers, body, limits).await.map(|_| ())
    }

    pub(super) async fn invariants(&self) -> Result<Reply, Trouble> {
        let permit = Arc::clone(&self.proving).try_acquire_owned().map_err(|_| Trouble::ProofInProgress)?;
        let database = Arc::clone(&self.app.database);
        // A task of its own: it reads on when the client goes away, and nobody begins another one meanwhile.
        let proof = tokio::spawn(async move {
            let violations = database.invariants().await;
            drop(permit);
            violations
        });
        let violations = proof.await.map_err(|panic| Error::Internal(panic.to_string()))??;
        let told: Value = json!({"sound": violations.is_empty(), "violations": violations});
        answer(StatusCode::OK, &told)
    }
}
