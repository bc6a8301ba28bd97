//! What a host would not take of a manifest: its checks, in words that say where.
//!
//! The schemas are written by `schemars` from types, so of them only the size and a query's form are checked here. That each is JSON Schema
//! 2020-12 without `$id` and the like, and that its regular expressions compile, is left to `boxoffice rules check`.

use serde_json::Value;

use super::routing::name;
use crate::manifest::{About, AnswerManifest, Manifest, RouteManifest};

/// Most routes of a module.
const MAX_ROUTES: usize = 256;
/// Most bytes of a name, a version or a route's id.
const MAX_NAME: usize = 64;
/// Most bytes of a summary, and of a media type.
const MAX_SUMMARY: usize = 256;
/// Most bytes of what is said of one answer.
const MAX_DESCRIPTION: usize = 2048;
/// Most answers of a route.
const MAX_ANSWERS: usize = 64;
/// Most bytes of a path, and parameters in it.
const MAX_PATH: usize = 256;
const MAX_PARAMETERS: usize = 8;
/// Most bytes of one schema, and of all of a module.
const MAX_SCHEMA: usize = 64 * 1024;
const MAX_SCHEMAS: usize = 1024 * 1024;
/// Paths that the host keeps for itself, and those below them.
const OF_THE_HOST: [&str; 3] = ["/openapi.json", "/docs", "/audit"];

/// What a host would not take of it; none if it would take it.
pub(super) fn faults(manifest: &Manifest) -> Vec<String> {
    let mut found = Vec::new();
    about(manifest.about, &mut found);
    let routes = &manifest.routes;
    if !(1..=MAX_ROUTES).contains(&routes.len()) {
        found.push(format!("there are {} routes, and there can be 1 to {MAX_ROUTES}", routes.len()));
    }
    for (at, each) in routes.iter().enumerate() {
        route(each, &mut found);
        twice(each, &routes[..at], &mut found);
    }
    let schemas = routes.iter().flat_map(schemas).map(String::len).sum::<usize>();
    if schemas > MAX_SCHEMAS {
        found.push(format!("the schemas have more than {MAX_SCHEMAS} bytes in all"));
    }
    found
}

fn about(about: About, found: &mut Vec<String>) {
    if !is_name(about.name, "") {
        found.push(format!("the name {:?} is not 1 to {MAX_NAME} of a-z 0-9 -", about.name));
    }
    if about.version.len() > MAX_NAME || !is_version(about.version) {
        found.push(format!("the version {:?} is not a semantic version such as 1.2.3", about.version));
    }
    line("the summary", about.summary, MAX_SUMMARY, found);
}

fn route(route: &RouteManifest, found: &mut Vec<String>) {
    let id = route.id.as_str();
    if !is_name(id, "_.") {
        found.push(format!("the route id {id:?} is not 1 to {MAX_NAME} of a-z 0-9 - _ ."));
    }
    if id.starts_with("host.") {
        found.push(format!("the route id {id:?} is the host's own (host. and more)"));
    }
    path(&route.path, found);
    line(&format!("the summary of route {id}"), &route.summary, MAX_SUMMARY, found);
    if route.answers.len() > MAX_ANSWERS {
        found.push(format!("route {id} has {} answers, more than {MAX_ANSWERS}", route.answers.len()));
    }
    for each in &route.answers {
        answer(id, each, found);
    }
    for schema in schemas(route).filter(|schema| schema.len() > MAX_SCHEMA) {
        found.push(format!("a schema of route {id} has {} bytes, more than {MAX_SCHEMA}", schema.len()));
    }
    let query: Value =
        route.query_schema.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let elsewhere = ["$ref", "allOf", "anyOf", "oneOf", "if", "not"];
    if let Some(keyword) = elsewhere.into_iter().find(|keyword| query.get(*keyword).is_some()) {
        found.push(format!(
            "the query's schema of route {id} has {keyword}; it must have its parameters as its own properties, so make it a struct"
        ));
    }
}

fn schemas(route: &RouteManifest) -> impl Iterator<Item = &String> {
    let of_answers = route.answers.iter().filter_map(|answer| answer.schema.as_ref());
    route.query_schema.iter().chain(&route.body_schema).chain(of_answers)
}

fn answer(route: &str, answer: &AnswerManifest, found: &mut Vec<String>) {
    if !(200..600).contains(&answer.status) {
        found.push(format!("route {route} answers {}, which is not 200 to 599", answer.status));
    }
    line(&format!("the description of an answer of route {route}"), &answer.description, MAX_DESCRIPTION, found);
    if let Some(content_type) = &answer.content_type {
        line(&format!("the content type of an answer of route {route}"), content_type, MAX_SUMMARY, found);
    }
}

/// Two routes have no one id, and take no one request.
fn twice(route: &RouteManifest, before: &[RouteManifest], found: &mut Vec<String>) {
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

/// Whether two paths differ in nothing but the names of their parameters.
fn same_requests(one: &str, other: &str) -> bool {
    let plain = |path: &str| -> Vec<String> {
        path.split('/').map(|s| if s.starts_with('{') { "{}".to_owned() } else { s.to_owned() }).collect()
    };
    plain(one) == plain(other)
}

fn is_name(text: &str, also: &str) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || also.contains(c);
    (1..=MAX_NAME).contains(&text.len()) && text.chars().all(good)
}

/// Text for people: bounded, and without what would break lines, turn text or not be seen.
fn line(what: &str, text: &str, most: usize, found: &mut Vec<String>) {
    if text.len() > most {
        found.push(format!("{what} has {} bytes, more than {most}", text.len()));
    }
    let turns = |c| matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    if text.chars().any(|c| c.is_control() || turns(c)) {
        found.push(format!("{what} has a line break or another control character"));
    }
}

/// `1.2.3`, with `-more` for what comes before it and `+more` for builds of it.
fn is_version(text: &str) -> bool {
    let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
    let (core, before) = text.split_once('-').map_or((text, None), |(core, before)| (core, Some(before)));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let number = |part: &str| digits(part) && (part == "0" || !part.starts_with('0')) && part.parse::<u64>().is_ok();
    let word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    core.split('.').count() == 3
        && core.split('.').all(number)
        && before
            .is_none_or(|before| before.split('.').all(|part| if digits(part) { number(part) } else { word(part) }))
        && build.is_none_or(|build| build.split('.').all(word))
}

/// A path is `/`, or segments that are each literal or one whole parameter, and not the host's own.
fn path(path: &str, found: &mut Vec<String>) {
    let literal = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    let parameter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let good_segment = |segment: &str| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) => !name.is_empty() && name.chars().all(parameter),
        None => !segment.is_empty() && segment.chars().all(literal),
    };
    let segments = path.strip_prefix('/').filter(|_| path.len() <= MAX_PATH);
    let good = segments.is_some_and(|segments| segments.is_empty() || segments.split('/').all(good_segment));
    let names: Vec<_> = path.split('/').filter(|segment| segment.starts_with('{')).collect();
    let distinct = names.iter().enumerate().all(|(at, name)| !names[..at].contains(name));
    if !good || names.len() > MAX_PARAMETERS || !distinct {
        found.push(format!(
            "the path {path:?} is not / and segments that are each literal (letters, digits, - . _ ~) or one {{parameter}}, with at most \
             {MAX_PARAMETERS} parameters, no two of one name, and {MAX_PATH} bytes in all"
        ));
    }
    let below = |own: &str| path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if let Some(own) = OF_THE_HOST.into_iter().find(|own| below(own)) {
        found.push(format!("the path {path:?} is the host's own ({own} and below)"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Access, Method};

    fn manifest(id: &str, path: &str) -> Manifest {
        let answer = AnswerManifest { status: 200, description: "Done".into(), content_type: None, schema: None };
        let route = RouteManifest {
            id: id.into(),
            method: Method::Get,
            path: path.into(),
            summary: "A route".into(),
            access: Access::Public,
            max_body_bytes: None,
            cacheable: false,
            query_schema: None,
            body_schema: None,
            answers: vec![answer],
        };
        Manifest { about: About { name: "a", version: "1.2.3-rc.1+b.007", summary: "A" }, routes: vec![route] }
    }

    #[track_caller]
    fn assert_fault(manifest: &Manifest, part: &str) {
        let found = faults(manifest);
        assert!(found.len() == 1 && found[0].contains(part), "{part}: {found:?}");
    }

    #[test]
    fn a_good_manifest_has_no_faults() {
        for path in ["/", "/a", "/a/{id}/b-._~/{x_1}", "/document"] {
            assert_eq!(faults(&manifest("a.b_c-1", path)), [""; 0], "{path}");
        }
    }

    #[test]
    fn an_id_or_a_path_that_the_host_would_not_take_is_told() {
        for id in ["", "Room", "a b", &"a".repeat(65)] {
            assert_fault(&manifest(id, "/a"), "the route id");
        }
        assert_fault(&manifest("host.metrics", "/a"), "the host's own (host.");
        let nine = "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}";
        for path in [
            "",
            "a",
            "/a/",
            "//",
            "/a b",
            "/{}",
            "/{a-b}",
            "/x{id}",
            "/{a}/{a}",
            nine,
            &format!("/{}", "a".repeat(256)),
        ] {
            assert_fault(&manifest("a", path), "is not / and segments");
        }
        for path in ["/docs", "/docs/a", "/openapi.json", "/audit/{id}"] {
            assert_fault(&manifest("a", path), "the host's own");
        }
    }

    #[test]
    fn a_version_that_is_none_and_text_that_is_no_line_are_told() {
        for version in ["", "1", "1.2", "01.2.3", "1.2.3-", "1.2.3-01", "1.2.3+", "v1.2.3", "1.2.3.4"] {
            let mut wrong = manifest("a", "/a");
            wrong.about.version = version;
            assert_fault(&wrong, "semantic version");
        }
        for summary in ["a\nb", "a\u{202e}b", &"a".repeat(257)] {
            let mut wrong = manifest("a", "/a");
            wrong.routes[0].summary = summary.to_owned();
            assert_fault(&wrong, "the summary of route a");
        }
    }

    #[test]
    fn an_answer_or_a_schema_that_the_host_would_not_take_is_told() {
        let mut wrong = manifest("a", "/a");
        wrong.routes[0].answers[0].status = 199;
        assert_fault(&wrong, "199");
        let answer = AnswerManifest { status: 200, ..wrong.routes[0].answers[0].clone() };
        wrong.routes[0].answers = vec![answer; 65];
        assert_fault(&wrong, "65 answers");
        let mut wrong = manifest("a", "/a");
        wrong.routes[0].query_schema = Some(r#"{"oneOf": []}"#.to_owned());
        assert_fault(&wrong, "oneOf");
        wrong.routes[0].query_schema = None;
        wrong.routes[0].body_schema = Some(" ".repeat(MAX_SCHEMA + 1));
        assert_fault(&wrong, "a schema of route a");
    }
}
