//! Which route a request is for, as the host's router finds it.

use crate::manifest::{Access, Manifest, Method, RouteManifest};
use crate::request::Roles;

/// Most parameters of a query.
const MAX_QUERY: usize = 64;

/// What there is for a request.
pub(super) enum Found<'a> {
    /// A route, and its parameters, as they are in the path.
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
    named.map(|(name, given)| (name.to_owned(), given.to_owned())).collect()
}

/// The parameters of a path, decoded; or what is wrong with them.
pub(super) fn params(raw: Vec<(String, String)>) -> Result<Vec<(String, String)>, String> {
    let decoded = raw.into_iter().map(|(name, value)| Some((name, decode(&value)?)));
    decoded.collect::<Option<_>>().ok_or_else(|| "The path is not UTF-8.".to_owned())
}

/// The parameters of a query in order, decoded; `+` is a space, as in forms. Or what is wrong with them.
pub(super) fn query(text: &str) -> Result<Vec<(String, String)>, String> {
    let pairs: Vec<&str> = text.split('&').filter(|pair| !pair.is_empty()).collect();
    if pairs.len() > MAX_QUERY {
        return Err(format!("A query has at most {MAX_QUERY} parameters."));
    }
    let part = |text: &str| decode(&text.replace('+', " "));
    let decoded = pairs.into_iter().map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((part(name)?, part(value)?))
    });
    decoded.collect::<Option<_>>().ok_or_else(|| "The query is not UTF-8.".to_owned())
}

/// What is percent-encoded, decoded, if it is UTF-8 then. A `%` without two hexadecimal digits stands for itself.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    let half = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    while let Some((&byte, after)) = rest.split_first() {
        let coded = match (byte, after) {
            (b'%', [high, low, ..]) => half(*high).zip(half(*low)),
            _ => None,
        };
        bytes.push(coded.map_or(byte, |(high, low)| high << 4 | low));
        rest = if coded.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded_as_the_host_decodes_it() {
        let one = |text: &str| query(text).map(|all| all.into_iter().map(|(_, value)| value).collect::<Vec<_>>());
        assert_eq!(one("a=x+y&b=%C3%b6&c").unwrap(), ["x y", "ö", ""]);
        // Only two hexadecimal digits are a code.
        assert_eq!(one("a=%+5&b=%zz&c=%4&d=%").unwrap(), ["% 5", "%zz", "%4", "%"]);
        assert_eq!(one("a=%ff").unwrap_err(), "The query is not UTF-8.");
        assert_eq!(one(&"a=1&".repeat(64)).unwrap().len(), 64);
        assert!(one(&"a=1&".repeat(65)).unwrap_err().contains("at most 64"));
        assert_eq!(params(vec![("id".into(), "%c3".into())]).unwrap_err(), "The path is not UTF-8.");
        assert_eq!(params(vec![("id".into(), "a+%2F".into())]).unwrap()[0].1, "a+/");
    }
}
