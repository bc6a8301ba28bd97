//! What an operator is told of the registry.

use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use serde::{Serialize, Serializer};

use super::Registry;
use super::deployment::{Deployment, Event, Kept, Step, Version};
use super::refusal::Refusal;
use super::share::Share;
use super::window::Counts;
use crate::domain::Millis;
use crate::shadow::ShadowReport;
use crate::wasm::Digest;

/// One version, for an operator.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// What it is called here: `standard`, or its digest.
    pub id: Version,
    /// Its digest, where it is known: that of the built-in rules once they are compiled.
    pub digest: Option<Digest>,
    /// `active`, `canary`, `shadow`, `retired` (it was active before) or `checked`.
    pub state: &'static str,
    /// Whether it can serve at once.
    pub compiled: bool,
    /// What it calls itself; of the built-in rules, once they are compiled.
    pub name: Option<String>,
    /// Its own version.
    pub version: Option<String>,
    /// Its own words.
    pub summary: Option<String>,
    /// Bytes of the component.
    pub bytes: usize,
    /// When it was uploaded.
    #[serde(serialize_with = "rfc3339")]
    pub uploaded_at: Option<Millis>,
    /// When it was last uploaded or activated, in any mode.
    #[serde(serialize_with = "rfc3339")]
    pub used_at: Option<Millis>,
    /// The key that signed it, where that was asked for.
    pub signed_by: Option<String>,
}

/// The canary, and what is seen of it.
#[derive(Debug, Clone, Serialize)]
pub struct ListedCanary {
    /// Which version.
    pub id: Version,
    /// Its part of the callers.
    pub percent: Share,
    /// Since when.
    #[serde(serialize_with = "rfc3339")]
    pub since: Option<Millis>,
    /// How far back `seen` and `active` reach.
    pub window_seconds: f64,
    /// Requests before it is judged.
    pub min_requests: u32,
    /// What it did in the window.
    pub seen: Counts,
    /// What the active module did in the window.
    pub active: Counts,
}

/// The shadow, and what it has found.
#[derive(Debug, Clone, Serialize)]
pub struct ListedShadow {
    /// Which version.
    pub id: Version,
    /// The active version that it is compared with. Another one begins a new count.
    pub active: Version,
    /// Whether it runs: the log says why it could not be started.
    pub running: bool,
    /// Since when it runs beside this active version: at the latest, since the start of the host.
    #[serde(serialize_with = "rfc3339")]
    pub since: Option<Millis>,
    /// What it has found; nothing where it does not run.
    #[serde(flatten)]
    pub found: Option<ShadowReport>,
}

/// One step of the history.
#[derive(Debug, Clone, Serialize)]
pub struct ListedStep {
    /// When.
    #[serde(serialize_with = "rfc3339")]
    pub at: Option<Millis>,
    /// What happened.
    pub event: Event,
    /// To which version.
    pub id: Version,
    /// More about it, in words.
    pub detail: Option<String>,
}

/// Everything that an operator may want to know.
#[derive(Debug, Clone, Serialize)]
pub struct Listing {
    /// The file that the rules are pinned to.
    pub pinned: Option<PathBuf>,
    /// The digest of what serves everybody.
    pub active: Digest,
    /// The canary, its share, and how it does.
    pub canary: Option<ListedCanary>,
    /// The shadow, and what it has found.
    pub shadow: Option<ListedShadow>,
    /// All versions, the built-in rules first, then in the order in which they were uploaded.
    pub modules: Vec<Listed>,
    /// What happened, the last step first.
    pub history: Vec<ListedStep>,
}

/// RFC 3339 in UTC with milliseconds.
#[expect(clippy::ref_option, reason = "serde's form")]
fn rfc3339<S: Serializer>(at: &Option<Millis>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => {
            let at = UNIX_EPOCH + Duration::from_millis(at.as_u64());
            serializer.collect_str(&humantime::format_rfc3339_millis(at))
        }
        None => serializer.serialize_none(),
    }
}

impl Registry {
    /// The version that this text names.
    ///
    /// # Errors
    /// None, or several.
    pub async fn resolve(&self, asked: &str) -> Result<Version, Refusal> {
        self.book.lock().await.deployment.resolve(asked)
    }

    /// Everything that an operator may want to know. Waits for nothing that takes long: nobody compiles while the book is held.
    pub async fn list(&self) -> Listing {
        let book = self.book.lock().await;
        let deployment = &book.deployment;
        // One that the host has taken off may still be in the deployment, until that is kept.
        let serving = self.serving();
        let (canary, active) = (serving.canary.as_ref(), serving.active.digest);
        let since = deployment.canary.map(|canary| canary.since_ms);
        let (all, now) = (self.policy, self.clock.elapsed());
        let versions = deployment.modules.iter().map(|kept| (Version::Module(kept.digest), Some(kept)));
        let listed = std::iter::once((Version::Standard, None)).chain(versions).map(|(id, kept)| {
            let compiled = book.compiled.get(&id);
            let mut listed = Listed {
                id,
                digest: compiled.map(|module| module.digest),
                state: state(deployment, id, self.pinned.is_some(), canary.is_some()),
                compiled: compiled.is_some(),
                name: compiled.map(|module| module.manifest.name.clone()),
                version: compiled.map(|module| module.manifest.version.clone()),
                summary: compiled.map(|module| module.manifest.summary.clone()),
                bytes: self.standard.len(),
                uploaded_at: None,
                used_at: None,
                signed_by: None,
            };
            if let Some(kept) = kept {
                listed.kept(kept);
            }
            listed
        });
        Listing {
            pinned: self.pinned.clone(),
            active,
            canary: canary.map(|canary| {
                let (seen, active) = canary.counts(now);
                let (id, percent) = (canary.version, canary.share);
                let (window_seconds, min_requests) = (all.window.as_secs_f64(), all.min_requests);
                ListedCanary { id, percent, since, window_seconds, min_requests, seen, active }
            }),
            shadow: book.shadow.as_ref().map(|following| ListedShadow {
                id: following.version,
                active: following.active,
                running: following.shadow.is_some(),
                since: following.shadow.as_ref().map(|shadow| shadow.since()),
                found: following.shadow.as_ref().map(|shadow| shadow.report()),
            }),
            modules: listed.collect(),
            history: deployment.history.iter().map(ListedStep::of).collect(),
        }
    }
}

/// In which state a version is, in a word.
fn state(deployment: &Deployment, id: Version, pinned: bool, has_canary: bool) -> &'static str {
    match deployment.role(id) {
        Some("canary") if !has_canary => {}
        Some(role) if !pinned => return role,
        _ => {}
    }
    if deployment.before.contains(&id) { "retired" } else { "checked" }
}

impl Listed {
    fn kept(&mut self, kept: &Kept) {
        self.digest = Some(kept.digest);
        self.name = Some(kept.name.clone());
        self.version = Some(kept.version.clone());
        self.summary = Some(kept.summary.clone());
        self.bytes = kept.bytes;
        self.uploaded_at = Some(kept.uploaded_at_ms);
        self.used_at = Some(kept.used_at_ms);
        self.signed_by.clone_from(&kept.signed_by);
    }
}

impl ListedStep {
    fn of(step: &Step) -> Self {
        Self { at: Some(step.at_ms), event: step.event, id: step.version, detail: step.detail.clone() }
    }
}
