//! Which route a request is for, as the host's router finds it.

use crate::manifest::{Access, Manifest, Method, RouteManifest};
use crate::request::Roles;

/// What there is for a request.
pub(super) enum Found<'a> {
    /// A route, and its parameters, decoded.
    Route(&'a RouteManifest, Vec<(String, String)>),
    /// The path is there, with these methods.
    OtherMethods(String),
    /// Nothing.
    Nothing,
}

/// Finds what there is for `method` at `path`. Where a literal segment and a parameter both fit, the literal wins.
pub(super) fn find<'a>(manifest: &'a Manifest, method: &str, path: &str) -> Found<'a> {
    let fitting = manifest.routes.iter().filter(|route| fits(&route.path, path));
    // `{` sorts after every letter, so of two paths that fit, the one that is literal first is the lesser.
    let Some(best) = fitting.map(|route| route.path.as_str()).min_by_key(|path| shape(path)) else {
        return Found::Nothing;
    };
    let here = || manifest.routes.iter().filter(|route| route.path == best);
    let serving = if method == "HEAD" { "GET" } else { method };
    if let Some(route) = here().find(|route| name(route.method) == serving) {
        return Found::Route(route, parameters(best, path));
    }
    let order = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];
    let mut allow = Vec::new();
    for method in order.into_iter().filter(|method| here().any(|route| route.method == *method)) {
        allow.push(name(method));
        allow.extend((method == Method::Get).then_some("HEAD"));
    }
    allow.push("OPTIONS");
    Found::OtherMethods(allow.join(", "))
}

/// The segments of a path: whether each is a parameter.
fn shape(path: &str) -> Vec<bool> {
    path.split('/').map(|segment| segment.starts_with('{')).collect()
}

fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    let fits =
        |(wanted, given): (&&str, &&str)| if wanted.starts_with('{') { !given.is_empty() } else { wanted == given };
    template.len() == path.len() && template.iter().zip(&path).all(fits)
}

fn parameters(template: &str, path: &str) -> Vec<(String, String)> {
    let pairs = template.split('/').zip(path.split('/'));
    let named = pairs.filter_map(|(wanted, given)| Some((wanted.strip_prefix('{')?.strip_suffix('}')?, given)));
    named.map(|(name, given)| (name.to_owned(), decode(given))).collect()
}

/// The parameters of a query in order, decoded; `+` is a space, as in forms.
pub(super) fn query(text: &str) -> Vec<(String, String)> {
    let part = |text: &str| decode(&text.replace('+', " "));
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (part(name), part(value)))
        .collect()
}

/// What is percent-encoded, decoded; what is no UTF-8 then, is replaced.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let coded = after.get(..2).filter(|_| byte == b'%').and_then(|pair| str::from_utf8(pair).ok());
        let decoded = coded.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        bytes.push(decoded.unwrap_or(byte));
        rest = if decoded.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(super) fn name(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    }
}

/// The role that is missing, if one is.
pub(super) fn lacks(access: Access, roles: Roles) -> Option<&'static str> {
    let (may, needs) = match access {
        Access::Public => (true, ""),
        Access::User => (roles.user, "user"),
        Access::Organizer => (roles.organizer, "organizer"),
        Access::Admin => (false, "admin"),
    };
    (!may && !roles.admin).then_some(needs)
}

/// What a host would not take of a manifest, in words; none if it would take it.
pub(super) fn faults(manifest: &Manifest) -> Vec<String> {
    let mut found = Vec::new();
    let about = manifest.about;
    let good_name = about.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !good_name || !(1..=64).contains(&about.name.len()) {
        found.push(format!("the name {:?} is not 1 to 64 of a-z 0-9 -", about.name));
    }
    if about.summary.len() > 256 || about.summary.contains('\n') {
        found.push("the summary is not one line of at most 256 bytes".to_owned());
    }
    if !(1..=256).contains(&manifest.routes.len()) {
        found.push(format!("there are {} routes, and there can be 1 to 256", manifest.routes.len()));
    }
    for (at, route) in manifest.routes.iter().enumerate() {
        let before = &manifest.routes[..at];
        if before.iter().any(|other| other.id == route.id) {
            found.push(format!("two routes have the id {:?}", route.id));
        }
        for other in before.iter().filter(|other| same_requests(&other.path, &route.path)) {
            if other.path != route.path {
                found.push(format!("{} and {} differ in nothing but names of parameters", other.path, route.path));
            } else if other.method == route.method {
                found.push(format!("two routes have {} {}", name(route.method), route.path));
            }
        }
    }
    found
}

/// Whether two paths differ in nothing but the names of their parameters.
fn same_requests(one: &str, other: &str) -> bool {
    let plain = |path: &str| -> Vec<String> {
        path.split('/').map(|s| if s.starts_with('{') { "{}".to_owned() } else { s.to_owned() }).collect()
    };
    plain(one) == plain(other)
}
