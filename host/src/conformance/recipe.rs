//! How each route is reached: found out by trying, from what the manifest says, before anything is checked.

use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::bench::{Bench, Stop, Subject, Talk};
use super::client::Call;
use super::schema::{self, Fullness};
use crate::domain::Role;
use crate::wasm::{Became, Exchange, Method, Module, Route};

/// What stands for itself in a path or a query (RFC 3986, 2.3).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a parameter of a path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    Event,
    Ticket,
    Email,
}

impl Names {
    const ALL: [Self; 3] = [Self::Event, Self::Ticket, Self::Email];

    fn of(self, subject: &Subject) -> &str {
        match self {
            Self::Event => &subject.event,
            Self::Ticket => &subject.ticket,
            Self::Email => &subject.holder,
        }
    }

    /// What it is likely to be, by what stands before it in the path and by its own name.
    fn likely(path: &str, parameter: &str) -> Self {
        let before = path.split(&format!("{{{parameter}}}")).next().unwrap_or_default();
        let words = format!("{parameter} {}", before.trim_end_matches('/').rsplit('/').next().unwrap_or_default());
        let has = |word: &str| words.to_ascii_lowercase().contains(word);
        if has("mail") {
            Self::Email
        } else if has("ticket") || has("booking") || has("registration") {
            Self::Ticket
        } else {
            Self::Event
        }
    }
}

/// A way to reach a route.
#[derive(Clone)]
pub(super) struct Recipe {
    module: Arc<Module>,
    place: usize,
    names: Vec<Names>,
    fullness: Fullness,
    /// Who reached it.
    pub(super) role: Option<Role>,
    /// The status of the success.
    pub(super) status: u16,
    /// The host calls that it made then, without a refusal.
    pub(super) reached: Vec<Exchange>,
}

impl Recipe {
    pub(super) fn route(&self) -> &Route {
        // The place was found in this very list.
        &self.module.manifest.routes[self.place]
    }

    /// Whether a request makes a registration.
    pub(super) fn registers(&self) -> bool {
        self.reached.iter().any(|exchange| exchange.function() == "tickets.atomic-register")
    }

    /// A valid request about this subject, without a caller's role.
    pub(super) fn call(&self, subject: &Subject) -> Call {
        // It was made once, so it is made again.
        made(self.route(), &self.names, self.fullness, subject).unwrap_or_else(|| self.bare(subject))
    }

    fn bare(&self, subject: &Subject) -> Call {
        Call::new(self.route().method.name(), path(self.route(), &self.names, subject))
    }

    /// The same with all that its schemas name; whether the module takes that is to be seen.
    pub(super) fn fuller(&self) -> Self {
        Self { fullness: Fullness::All, ..self.clone() }
    }

    /// The schema of a member of its body.
    pub(super) fn member(&self, name: &str) -> Option<&Value> {
        self.route().described.body.as_ref()?.get("properties")?.get(name)
    }

    /// Whether a request without a body is not one: the schema that describes it asks for members.
    pub(super) fn body_is_required(&self) -> bool {
        let required = self.route().described.body.as_ref().and_then(|schema| schema.get("required"));
        required.and_then(Value::as_array).is_some_and(|names| !names.is_empty())
    }

    /// The body of a valid request; null where it has none.
    pub(super) fn body(&self, subject: &Subject) -> Value {
        serde_json::from_slice(&self.call(subject).body).unwrap_or_default()
    }
}

/// What the module's routes are, and how each is reached.
#[derive(Default)]
pub(super) struct Recipes {
    pub(super) known: Vec<Recipe>,
    /// Routes without one: their ids, and the last try.
    pub(super) unreached: Vec<(String, Talk)>,
    /// Routes for which no request can even be made.
    pub(super) unmade: Vec<String>,
}

impl Recipes {
    /// Tries each route as long as it takes until the module answers with success: with what is required and with all that there is,
    /// about events and about tickets, as those who may call it.
    pub(super) async fn find(module: &Arc<Module>, bench: &mut Bench) -> Result<Self, Stop> {
        let mut found = Self::default();
        for (place, route) in module.manifest.routes.iter().enumerate() {
            let mut last = None;
            let mut known = None;
            for (names, fullness, role) in tries(route) {
                let subject = bench.subject(100).await?;
                let Some(call) = made(route, &names, fullness, &subject) else { continue };
                let talk = bench.send(call.role(role)).await;
                if talk.is_success() {
                    let answered = talk.exchanges().iter().filter(|exchange| exchange.became() == Became::Answered);
                    let (reached, status) = (answered.cloned().collect(), talk.status().unwrap_or_default());
                    known = Some(Recipe { module: Arc::clone(module), place, names, fullness, role, status, reached });
                    break;
                }
                // What it fails for, it fails for again.
                if talk.fault().is_some() {
                    last = Some(talk);
                    break;
                }
                // The first try is the likeliest one.
                last.get_or_insert(talk);
            }
            match (known, last) {
                (Some(recipe), _) => found.known.push(recipe),
                (None, Some(talk)) => found.unreached.push((route.id.clone(), talk)),
                (None, None) => found.unmade.push(route.id.clone()),
            }
        }
        Ok(found)
    }

    /// Those whose requests make registrations.
    pub(super) fn registering(&self) -> Vec<Recipe> {
        self.known.iter().filter(|recipe| recipe.registers()).cloned().collect()
    }
}

/// What to try, the likeliest first.
fn tries(route: &Route) -> Vec<(Vec<Names>, Fullness, Option<Role>)> {
    let parameters = parameters(route);
    let likely: Vec<_> = parameters.iter().map(|name| Names::likely(&route.path, name)).collect();
    let mut all_names = vec![likely.clone()];
    // With several parameters the likely ones have to do; one alone may be anything.
    if parameters.len() == 1 {
        all_names.extend(Names::ALL.into_iter().map(|name| vec![name]).filter(|names| *names != likely));
    }
    let roles = [Some(Role::User), Some(Role::Organizer), Some(Role::Admin), None];
    let allowed = roles.into_iter().filter(|role| {
        route.access.check(&role.map_or_else(Default::default, crate::domain::Principal::with_role)).is_ok()
    });
    let allowed: Vec<_> = allowed.collect();
    let mut tries = Vec::new();
    for names in all_names {
        for fullness in [Fullness::Least, Fullness::All] {
            tries.extend(allowed.iter().map(|role| (names.clone(), fullness, *role)));
        }
    }
    tries
}

/// The parameters of a path template, in order.
pub(super) fn parameters(route: &Route) -> Vec<&str> {
    route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect()
}

pub(super) fn escape(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

fn path(route: &Route, names: &[Names], subject: &Subject) -> String {
    let mut path = route.path.clone();
    for (parameter, names) in parameters(route).into_iter().zip(names) {
        path = path.replace(&format!("{{{parameter}}}"), &escape(names.of(subject)));
    }
    path
}

/// Whether requests to the route have a body.
pub(super) fn takes_body(route: &Route) -> bool {
    !matches!(route.method, Method::Get | Method::Delete) && route.max_body != Some(0)
}

/// A request; `None`: its schemas say what this cannot make.
fn made(route: &Route, names: &[Names], fullness: Fullness, subject: &Subject) -> Option<Call> {
    let mut target = path(route, names, subject);
    if let Some(query) = &route.described.query {
        // A list is asked for what is there.
        let about = Subject { email: subject.holder.clone(), ..subject.clone() };
        let made = schema::value(query, &about, fullness)?;
        let pairs = made
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, _)| fullness == Fullness::Least || name.as_str() != "cursor");
        let pairs: Vec<_> =
            pairs.map(|(name, value)| format!("{}={}", escape(name), escape(&as_text(value)))).collect();
        if !pairs.is_empty() {
            target = format!("{target}?{}", pairs.join("&"));
        }
    }
    let call = Call::new(route.method.name(), target);
    if !takes_body(route) {
        return Some(call);
    }
    match &route.described.body {
        Some(body) => {
            let body = schema::value(body, subject, fullness)?;
            // What may be left out is left out, where only the least is asked for.
            let is_nothing =
                fullness == Fullness::Least && body == serde_json::json!({}) && route.method == Method::Post;
            Some(if is_nothing { call } else { call.json(&body) })
        }
        None if fullness == Fullness::All => Some(call.json(&serde_json::json!({}))),
        None => Some(call),
    }
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
