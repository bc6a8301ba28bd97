//! Which modules there are and which of them serves whom, as it is kept on disk. Pure: every change gives a new one or a refusal.
//!
//! Invariant: what is active, canary, shadow or among the versions before is a module that is kept, or the built-in rules.

use serde::{Deserialize, Serialize};

use super::refusal::Refusal;
use super::share::Share;
use super::window::Reason;
use crate::domain::Millis;
use crate::wasm::Digest;

/// The form of the file; a newer one is refused.
pub(super) const FORMAT: u32 = 1;
/// Versions before the active one that stay compiled, so that going back takes no time.
pub(super) const MAX_BEFORE: usize = 5;
/// Modules that are kept; the ones that were not used for the longest time go first.
const MAX_MODULES: usize = 16;
/// Steps of the history that are kept.
const MAX_HISTORY: usize = 100;

/// Names a version: the built-in rules, whatever this program's are, or a module that was uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Version {
    /// The standard rules of the program.
    Standard,
    /// The module of this digest.
    Module(Digest),
}

/// How [`Version::Standard`] is written.
const STANDARD: &str = "standard";

impl Version {
    /// Its name, shortened for people.
    #[must_use]
    pub fn short(self) -> String {
        match self {
            Self::Standard => STANDARD.to_owned(),
            Self::Module(digest) => digest.short(),
        }
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        match version {
            Version::Standard => STANDARD.to_owned(),
            Version::Module(digest) => digest.to_string(),
        }
    }
}

impl From<Digest> for Version {
    fn from(digest: Digest) -> Self {
        Self::Module(digest)
    }
}

impl TryFrom<String> for Version {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == STANDARD {
            return Ok(Self::Standard);
        }
        Digest::parse(&text).map(Self::Module).ok_or_else(|| format!("{text:?} is no digest"))
    }
}

/// A module that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// Its name for machines.
    pub digest: Digest,
    /// What it calls itself.
    pub name: String,
    /// Its own version.
    pub version: String,
    /// Its own words.
    pub summary: String,
    /// Bytes of the component.
    pub bytes: usize,
    /// When it was uploaded.
    pub uploaded_at_ms: Millis,
    /// When it was last activated, in any mode; at first when it was uploaded.
    pub used_at_ms: Millis,
    /// The key that signed it, where that was asked for.
    pub signed_by: Option<String>,
}

/// A canary, as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanaryRecord {
    /// Which version.
    pub version: Version,
    /// Its part of the callers.
    pub percent: Share,
    /// Since when.
    pub since_ms: Millis,
}

/// What happened to the deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// It serves everybody now.
    Activated,
    /// It serves a share of the callers now.
    Canary,
    /// It runs beside the active one now.
    Shadow,
    /// It is no longer canary or shadow.
    Off,
    /// An operator went back to it.
    RolledBack,
    /// It was a canary, and the host took it off by itself.
    CanaryRolledBack,
    /// It could not be loaded at the start, so it is no longer canary or shadow.
    NotLoaded,
    /// It was uploaded.
    Uploaded,
    /// It was deleted, by an operator or to make room.
    Deleted,
}

/// One step of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// When.
    pub at_ms: Millis,
    /// What happened.
    pub event: Event,
    /// To which version.
    pub version: Version,
    /// More about it, in words: a canary's share, why it was rolled back.
    pub detail: Option<String>,
}

/// What an operator wants of a module.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mode {
    /// To serve everybody.
    All,
    /// To serve a share of the callers.
    Canary(Share),
    /// To run beside the active one and change nothing.
    Shadow,
    /// To be neither canary nor shadow any longer.
    Off,
}

/// How far an operator wants to go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Back {
    /// One step: a canary ends, otherwise the active module goes.
    Step,
    /// To the version before the active one.
    Active,
}

/// What is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    pub(super) format: u32,
    /// Serves everybody who is not the canary's.
    pub active: Version,
    /// Served before it, the last one first.
    pub before: Vec<Version>,
    /// Serves a share of the callers.
    pub canary: Option<CanaryRecord>,
    /// Runs beside the active one.
    pub shadow: Option<Version>,
    /// All that are kept, beside the built-in rules, in the order in which they were uploaded.
    pub modules: Vec<Kept>,
    /// What happened, the last step first.
    pub history: Vec<Step>,
}

impl Default for Deployment {
    /// The built-in rules, and nothing else.
    fn default() -> Self {
        Self {
            format: FORMAT,
            active: Version::Standard,
            before: Vec::new(),
            canary: None,
            shadow: None,
            modules: Vec::new(),
            history: Vec::new(),
        }
    }
}

impl Deployment {
    /// In which role a version serves, in a word; `None`: in none.
    #[must_use]
    pub fn role(&self, version: Version) -> Option<&'static str> {
        let canary = self.canary.map(|canary| canary.version);
        if self.active == version {
            Some("active")
        } else if canary == Some(version) {
            Some("canary")
        } else if self.shadow == Some(version) {
            Some("shadow")
        } else {
            None
        }
    }

    /// The versions that stay compiled: those in a role, those before, and as many of the others that were used last.
    pub(super) fn warm(&self) -> Vec<Version> {
        let canary = self.canary.map(|canary| canary.version);
        let mut warm: Vec<_> = [Some(self.active), canary, self.shadow].into_iter().flatten().collect();
        warm.extend(self.before.iter().take(MAX_BEFORE));
        let mut others: Vec<_> = self.modules.iter().collect();
        others.sort_by_key(|kept| std::cmp::Reverse(kept.used_at_ms));
        warm.extend(others.iter().map(|kept| Version::Module(kept.digest)).take(MAX_BEFORE));
        let mut seen = std::collections::HashSet::new();
        warm.retain(|version| seen.insert(*version));
        warm
    }

    /// Keeps a module that was uploaded, in place of those that were not used for the longest time where there are too many. One that is
    /// there already counts as used now.
    #[must_use]
    pub fn uploaded(mut self, kept: Kept) -> Self {
        let (now, version) = (kept.uploaded_at_ms, Version::Module(kept.digest));
        if let Some(known) = self.modules.iter_mut().find(|known| known.digest == kept.digest) {
            *known = kept;
            return self;
        }
        while self.modules.len() >= MAX_MODULES {
            let unused = self.modules.iter().filter(|kept| {
                let version = Version::Module(kept.digest);
                self.role(version).is_none() && !self.before.contains(&version)
            });
            // At most 3 have a role and 5 were before.
            let Some(oldest) = unused.min_by_key(|kept| kept.used_at_ms).map(|kept| kept.digest) else { break };
            self.modules.retain(|kept| kept.digest != oldest);
            self.tell(now, Event::Deleted, Version::Module(oldest), Some("to make room".to_owned()));
        }
        self.modules.push(kept);
        self.tell(now, Event::Uploaded, version, None);
        self
    }

    /// Does what an operator wants of a version.
    pub fn activated(mut self, version: Version, mode: Mode, now: Millis) -> Result<Self, Refusal> {
        self.known(version)?;
        let off = |role: Option<Version>| role.filter(|other| *other != version);
        match mode {
            // A second time, it is done already.
            Mode::All if self.active == version && self.canary.is_none() => return Ok(self),
            Mode::All => {
                self.make_active(version);
                self.tell(now, Event::Activated, version, None);
            }
            Mode::Canary(_) | Mode::Shadow if self.active == version => return Err(Refusal::AlreadyActive),
            Mode::Canary(percent) => {
                self.canary = Some(CanaryRecord { version, percent, since_ms: now });
                self.shadow = off(self.shadow);
                self.tell(now, Event::Canary, version, Some(percent.to_string()));
            }
            Mode::Shadow => {
                self.canary = self.canary.filter(|canary| canary.version != version);
                self.shadow = Some(version);
                self.tell(now, Event::Shadow, version, None);
            }
            Mode::Off => match self.role(version) {
                Some("active") => return Err(Refusal::ModuleInUse("active")),
                None => return Err(Refusal::ModuleNotInUse),
                Some(role) => {
                    self.take_off(version);
                    self.tell(now, Event::Off, version, Some(format!("was {role}")));
                }
            },
        }
        if let Some(kept) = self.modules.iter_mut().find(|kept| Version::Module(kept.digest) == version) {
            kept.used_at_ms = now;
        }
        Ok(self)
    }

    /// Goes back. [`Back::Step`]: a canary ends, otherwise the version before serves again; unless the host has just ended the canary by
    /// itself, which is likely what was wanted. [`Back::Active`]: the version before serves again in any case, and no canary does.
    pub fn rolled_back(mut self, back: Back, now: Millis) -> Result<Self, Refusal> {
        if back == Back::Step {
            if let Some(canary) = self.canary.take() {
                self.tell(now, Event::Off, canary.version, Some("was canary, rolled back".to_owned()));
                return Ok(self);
            }
            let kept = |step: &&Step| !matches!(step.event, Event::Uploaded | Event::Deleted);
            if let Some(Step { event: Event::CanaryRolledBack, version, detail, .. }) = self.history.iter().find(kept) {
                return Err(Refusal::CanaryHasEnded(*version, detail.clone().unwrap_or_default()));
            }
        }
        if self.before.is_empty() {
            return Err(Refusal::NothingBefore);
        }
        let version = self.before.remove(0);
        self.canary = None;
        self.take_off(version);
        self.active = version;
        self.tell(now, Event::RolledBack, version, None);
        Ok(self)
    }

    /// The host took the canary off by itself. Nothing, if it is canary no longer.
    #[must_use]
    pub fn canary_rolled_back(mut self, version: Version, reason: Reason, now: Millis) -> Self {
        if self.canary.is_some_and(|canary| canary.version == version) {
            self.canary = None;
            self.tell(now, Event::CanaryRolledBack, version, Some(reason.to_string()));
        }
        self
    }

    /// A canary or shadow could not be loaded at the start.
    #[must_use]
    pub fn not_loaded(mut self, version: Version, why: String, now: Millis) -> Self {
        self.take_off(version);
        self.tell(now, Event::NotLoaded, version, Some(why));
        self
    }

    /// Forgets a module that is in no role.
    pub fn deleted(mut self, version: Version, now: Millis) -> Result<Self, Refusal> {
        self.known(version)?;
        let Version::Module(digest) = version else { return Err(Refusal::BuiltIn) };
        if let Some(role) = self.role(version) {
            return Err(Refusal::ModuleInUse(role));
        }
        self.modules.retain(|kept| kept.digest != digest);
        self.before.retain(|before| *before != version);
        self.tell(now, Event::Deleted, version, None);
        Ok(self)
    }

    /// The version that this text names: `standard`, a digest, or the beginning of one.
    pub fn resolve(&self, asked: &str) -> Result<Version, Refusal> {
        if asked == STANDARD {
            return Ok(Version::Standard);
        }
        let mut found =
            self.modules.iter().filter(|kept| !asked.is_empty() && kept.digest.to_string().starts_with(asked));
        match (found.next(), found.next()) {
            (Some(kept), None) => Ok(Version::Module(kept.digest)),
            (Some(_), Some(_)) => Err(Refusal::ModuleAmbiguous(asked.to_owned())),
            (None, _) => Err(Refusal::ModuleNotFound(asked.to_owned())),
        }
    }

    fn known(&self, version: Version) -> Result<(), Refusal> {
        let known = match version {
            Version::Standard => true,
            Version::Module(digest) => self.modules.iter().any(|kept| kept.digest == digest),
        };
        if known { Ok(()) } else { Err(Refusal::ModuleNotFound(version.into())) }
    }

    fn make_active(&mut self, version: Version) {
        self.canary = None;
        self.take_off(version);
        if self.active != version {
            self.before.retain(|before| *before != version);
            self.before.insert(0, self.active);
            self.before.truncate(MAX_BEFORE);
            self.active = version;
        }
    }

    fn take_off(&mut self, version: Version) {
        self.canary = self.canary.filter(|canary| canary.version != version);
        self.shadow = self.shadow.filter(|shadow| *shadow != version);
    }

    fn tell(&mut self, at_ms: Millis, event: Event, version: Version, detail: Option<String>) {
        self.history.insert(0, Step { at_ms, event, version, detail });
        self.history.truncate(MAX_HISTORY);
    }

    /// Whether it holds together: what is named is there, in one role at most, and within the bounds. Every change keeps it so; what was
    /// read from a file may not be.
    ///
    /// # Errors
    /// What does not hold.
    pub fn is_sound(&self) -> Result<(), String> {
        if self.format != FORMAT {
            return Err(format!("its format is {}, and this program knows {FORMAT}", self.format));
        }
        if self.modules.len() > MAX_MODULES || self.before.len() > MAX_BEFORE || self.history.len() > MAX_HISTORY {
            return Err("it has more modules, versions before or steps than any host keeps".into());
        }
        let times = self.modules.iter().flat_map(|kept| [kept.uploaded_at_ms, kept.used_at_ms]);
        let mut times =
            times.chain(self.canary.map(|canary| canary.since_ms)).chain(self.history.iter().map(|s| s.at_ms));
        if let Some(beyond) = times.find(|at| !(Millis(0)..=Millis::MAX).contains(at)) {
            return Err(format!("it has a time of {} ms, which is not in the years 1970 to 9999", beyond.0));
        }
        let in_roles = [Some(self.active), self.canary.map(|canary| canary.version), self.shadow];
        let in_roles: Vec<_> = in_roles.into_iter().flatten().collect();
        if has_repeats(&in_roles) {
            return Err("one version has two roles".into());
        }
        if has_repeats(&self.before) || self.before.contains(&self.active) {
            return Err("a version stands twice among those before".into());
        }
        if has_repeats(&self.modules.iter().map(|kept| kept.digest).collect::<Vec<_>>()) {
            return Err("a module is kept twice".into());
        }
        let unknown = |version: &&Version| self.known(**version).is_err();
        match in_roles.iter().chain(&self.before).find(unknown) {
            Some(version) => Err(format!("it names {}, which is not among its modules", String::from(*version))),
            None => Ok(()),
        }
    }
}

fn has_repeats<T: PartialEq>(list: &[T]) -> bool {
    list.iter().enumerate().any(|(at, one)| list[..at].contains(one))
}
