//! The parts of a recording, and what they are made of.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::{Identity, OwnerId, Principal, RegistrationLimits, Role};
use crate::seen::Seen;
use crate::wasm::{Answer, Failure, GuestRequest, Module, roles_for_guest};

/// The module that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModulePart {
    /// SHA-256 of its bytes.
    pub(crate) digest: String,
    pub(crate) name: String,
    pub(crate) version: String,
}

impl ModulePart {
    pub(crate) fn of(module: &Module) -> Self {
        let manifest = &module.manifest;
        Self { digest: module.digest.to_string(), name: manifest.name.clone(), version: manifest.version.clone() }
    }
}

/// Bytes: as text where they are text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Body(pub(crate) Vec<u8>);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Written {
    Text(String),
    Base64(String),
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = match std::str::from_utf8(&self.0) {
            Ok(text) => Written::Text(text.to_owned()),
            Err(_) => Written::Base64(BASE64_STANDARD.encode(&self.0)),
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Text(text) => Ok(Self(text.into_bytes())),
            Written::Base64(text) => BASE64_STANDARD.decode(text).map(Self).map_err(D::Error::custom),
        }
    }
}

/// The request, as the client sent it and as the module got it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestPart {
    pub(crate) method: String,
    /// As it was sent.
    pub(crate) path: String,
    /// As it was sent.
    pub(crate) raw_query: Option<String>,
    pub(crate) request_id: String,
    pub(crate) route_id: String,
    pub(crate) params: Vec<(String, String)>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
    pub(crate) now_ms: u64,
}

impl RequestPart {
    pub(crate) fn of(seen: &Seen, request: &GuestRequest) -> Self {
        Self {
            method: seen.method.to_string(),
            path: seen.path.clone(),
            raw_query: seen.query.clone(),
            request_id: request.request_id.clone(),
            route_id: request.route_id.clone(),
            params: request.params.clone(),
            query: request.query.clone(),
            headers: request.headers.clone(),
            body: Body(request.body.clone()),
            now_ms: request.now_ms,
        }
    }

    /// As the module got it.
    pub(crate) fn for_guest(&self, caller: &CallerPart) -> GuestRequest {
        GuestRequest {
            route_id: self.route_id.clone(),
            params: self.params.clone(),
            query: self.query.clone(),
            headers: self.headers.clone(),
            body: self.body.0.clone(),
            roles: roles_for_guest(caller.principal().roles),
            request_id: self.request_id.clone(),
            now_ms: self.now_ms,
        }
    }
}

/// A caller with header roles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unproved {
    pub(crate) may_search: bool,
}

/// Who asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallerPart {
    pub(crate) roles: Vec<String>,
    /// Which caller it is; `None`: nobody known.
    pub(crate) owner: Option<String>,
    /// Whether nobody was known because roles came as headers, which makes ids keys; and whether rows may be searched for then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unproved: Option<Unproved>,
}

impl CallerPart {
    pub(crate) fn of(principal: &Principal) -> Self {
        let roles = Role::ALL.into_iter().filter(|role| principal.roles.has(*role));
        let (owner, unproved) = match principal.identity {
            Identity::Nobody => (None, None),
            Identity::Unproved { may_search } => (None, Some(Unproved { may_search })),
            Identity::Known(_) => (Some(principal.owner_key().to_owned()), None),
        };
        Self { roles: roles.map(|role| role.name().to_owned()).collect(), owner, unproved }
    }

    /// Roles that there are none of are left out: reading refuses them.
    pub(crate) fn principal(&self) -> Principal {
        let roles = self.roles.iter().filter_map(|name| Role::named(name)).collect();
        let identity = match (self.owner.as_deref().and_then(OwnerId::new), &self.unproved) {
            (Some(owner), _) => Identity::Known(owner),
            (None, Some(Unproved { may_search })) => Identity::Unproved { may_search: *may_search },
            (None, None) => Identity::Nobody,
        };
        Principal { roles, identity }
    }
}

/// What the host allowed of a registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegistrationPart {
    pub(crate) hold_ms: u64,
    pub(crate) max_quantity: u32,
}

impl RegistrationPart {
    pub(crate) fn of(limits: RegistrationLimits) -> Self {
        let hold_ms = u64::try_from(limits.hold.as_millis()).unwrap_or(u64::MAX);
        Self { hold_ms, max_quantity: limits.max_quantity }
    }
}

/// A module's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerPart {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
}

impl AnswerPart {
    pub(crate) fn of(answer: &Answer) -> Self {
        // A guest's headers came as texts.
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = answer.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value)));
        Self { status: answer.status.as_u16(), headers: headers.collect(), body: Body(answer.body.to_vec()) }
    }

    /// The answer; `None`: HTTP has no such answer.
    pub(crate) fn answer(&self) -> Option<Answer> {
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?)));
        let mut all = hyper::HeaderMap::new();
        for header in headers {
            let (name, value) = header?;
            all.append(name, value);
        }
        let body = self.body.0.clone().into();
        Some(Answer { status: StatusCode::from_u16(self.status).ok()?, headers: all, body })
    }
}

/// A failed run. What it wrote is beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FailurePart {
    pub(crate) cause: String,
    pub(crate) message: String,
    /// Innermost first.
    pub(crate) functions: Vec<String>,
}

impl FailurePart {
    pub(crate) fn of(failure: &Failure) -> Self {
        let (message, functions) = (failure.message.clone(), failure.functions.clone());
        Self { cause: failure.cause.name().to_owned(), message, functions }
    }
}
