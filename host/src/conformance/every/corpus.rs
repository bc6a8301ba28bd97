//! What people, programs and attackers send: a fixed list, and seeded mutations of what is valid.

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _};
use serde_json::{Map, Value, json};

use super::super::client::Call;
use super::super::recipe::{escape, parameters};
use super::super::schema;
use crate::wasm::Route;

/// As deep as parsers of JSON go, and then some.
const DEEP: usize = 5_000;
/// Bytes of what is long: below what a body may have.
const LONG: usize = 50_000;
/// Bytes of what is long in a path or a query: below what hyper takes.
const LONG_TARGET: usize = 4_000;

/// Values of any type, for a member that has one.
fn values() -> Vec<String> {
    let mut values: Vec<String> = [
        "null",
        "true",
        "0",
        "-1",
        "1.5",
        "-0.0",
        "1e308",
        "1e999",
        "99999999999999999999",
        "18446744073709551616",
        "4294967296",
        "2147483648",
        "9007199254740993",
        r#""""#,
        r#"" ""#,
        r#""x""#,
        r#""0""#,
        r#""\u0000""#,
        r#""\ud800""#,
        r#""\u202e""#,
        r#""a@b.c\r\nbcc: d@e.f""#,
        r#""\u00e9\ud83c\udfab""#,
        r#""unknown_value""#,
        "[]",
        "[[]]",
        "[null]",
        "{}",
        r#"{"a":{"b":null}}"#,
        "NaN",
        "Infinity",
        "0x10",
        "01",
        "+1",
        "'x'",
    ]
    .map(str::to_owned)
    .into();
    values.push(format!("\"{}\"", "x".repeat(300)));
    values.push(format!("\"{}\"", "x".repeat(LONG)));
    values.push(format!("\"{}\"", "\\u0001".repeat(500)));
    values.push("9".repeat(400));
    values.push(format!("{}1{}", "[".repeat(DEEP), "]".repeat(DEEP)));
    values.push(format!("[{}1]", "1,".repeat(LONG / 2)));
    values
}

/// Bodies: what is no JSON, what is another JSON, and each member of the valid one with another value, twice, or not at all.
pub(super) fn bodies(schema: Option<&Value>, valid: &Value, text: &[u8]) -> Vec<Bytes> {
    let mut bodies: Vec<Bytes> = [
        &b""[..],
        b" ",
        b"{",
        b"}",
        b"[]",
        b"[{}]",
        b"{}",
        b"null",
        b"true",
        b"5",
        b"\"text\"",
        b"{\"a\"}",
        b"{\"a\":}",
        b"{,}",
        b"{}{}",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
        b"{\"a\":\"\xff\"}",
        b"{\"\xc3\":1}",
        b"\0",
        b"{}\0",
        b"{\"\":\"\"}",
        b"{\"a\":1,\"a\":2}",
        b"{\"__proto__\":{\"a\":1}}",
        b"/*x*/{}",
        b"<xml/>",
        b"a=b&c=d",
    ]
    .map(Bytes::from_static)
    .into();
    let cut = text.len() / 2;
    bodies.push(Bytes::copy_from_slice(&text[..cut]));
    bodies.push([text, b"x"].concat().into());
    bodies.push("[".repeat(DEEP).into());
    bodies.push(format!("{}1{}", "{\"a\":".repeat(DEEP), "}".repeat(DEEP)).into());
    bodies.push(format!("{{\"{}\":1}}", "x".repeat(LONG)).into());
    let none = Map::new();
    let members = valid.as_object().unwrap_or(&none);
    let described = schema.and_then(|schema| schema.get("properties")).and_then(Value::as_object);
    let mut names: Vec<&str> = described.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    names.extend(
        members.keys().map(String::as_str).filter(|name| described.is_none_or(|known| !known.contains_key(*name))),
    );
    for name in &names {
        bodies.extend(values().iter().map(|value| with(members, name, value)));
        bodies.push(twice(members, name));
        let mut without = members.clone();
        without.remove(*name);
        bodies.push(Value::Object(without).to_string().into());
    }
    bodies.push(with(members, "unknown_field", "true"));
    bodies.push(with(members, "constructor", "{}"));
    bodies
}

/// The members, and one of them with another value, as it is written: it need not be JSON.
fn with(members: &Map<String, Value>, name: &str, value: &str) -> Bytes {
    let others =
        members.iter().filter(|(other, _)| *other != name).map(|(other, value)| format!("{}:{value}", json!(other)));
    let all: Vec<String> = others.chain([format!("{}:{value}", json!(name))]).collect();
    format!("{{{}}}", all.join(",")).into()
}

fn twice(members: &Map<String, Value>, name: &str) -> Bytes {
    let value = members.get(name).cloned().unwrap_or(Value::Null);
    let all: Vec<String> = members
        .iter()
        .chain([(&name.to_owned(), &value)])
        .map(|(name, value)| format!("{}:{value}", json!(name)))
        .collect();
    format!("{{{}}}", all.join(",")).into()
}

/// What stands for an id, escaped.
fn ids() -> Vec<String> {
    let mut ids: Vec<String> = [
        "0",
        "-1",
        "x",
        "null",
        "%00",
        "%20",
        "%2F",
        "..%2F..",
        "%ff",
        "%c3%28",
        "%",
        "%zz",
        "%22",
        "'",
        "%3Cb%3E",
        "%F0%9F%8E%AB",
        "%E2%80%AE",
        "*",
        "01930000-0000-7000-8000-000000000000",
        "%0d%0aX-Injected:%201",
    ]
    .map(str::to_owned)
    .into();
    ids.push("x".repeat(LONG_TARGET));
    ids
}

/// The path with another last id, for a route of which nothing is known.
pub(super) fn paths(target: &str) -> Vec<String> {
    let path = target.split('?').next().unwrap_or_default();
    let (before, _) = path.rsplit_once('/').unwrap_or(("", path));
    ids().into_iter().map(|id| format!("{before}/{id}")).chain([target.to_owned()]).collect()
}

/// Paths with other ids, and queries.
pub(super) fn targets(route: &Route, valid: &str) -> Vec<String> {
    let (path, query) = valid.split_once('?').unwrap_or((valid, ""));
    let mut targets = Vec::new();
    for parameter in parameters(route) {
        let place = route.path.split('/').position(|part| part == format!("{{{parameter}}}"));
        for id in ids() {
            let parts =
                path.split('/').enumerate().map(|(at, part)| if Some(at) == place { id.as_str() } else { part });
            let parts: Vec<_> = parts.collect();
            targets.push(format!("{}?{query}", parts.join("/")));
        }
    }
    let long = "x".repeat(LONG_TARGET);
    let values = [
        "",
        "0",
        "-1",
        "1.5",
        "101",
        "99999999999999999999",
        "%00",
        "%ff",
        "%F0%9F%8E%AB",
        "null",
        "true",
        "a%26b%3Dc",
        "%25",
        "*",
        "'",
        "%22",
        "2026-13-45T99:99:99Z",
        "9999-12-31T23:59:60Z",
        "AAAA",
        long.as_str(),
    ];
    let known = schema::parameters(route.described.query.as_ref());
    for (name, _) in &known {
        let name = escape(name);
        let others: Vec<_> = query.split('&').filter(|pair| pair.split('=').next() != Some(&name)).collect();
        let others = others.join("&");
        targets.extend(values.iter().map(|value| format!("{path}?{others}&{name}={value}")));
        targets.push(format!("{path}?{others}&{name}=1&{name}=2"));
        targets.push(format!("{path}?{others}&{name}"));
    }
    for odd in ["unknown=1", "=", "&&&", "a", "%ff=1", "a=b=c", "__proto__=1", "a[]=1&a[]=2"] {
        targets.push(format!("{path}?{query}&{odd}"));
    }
    let many: Vec<_> = (0..80).map(|n| format!("p{n}=1")).collect();
    targets.push(format!("{path}?{}", many.join("&")));
    targets
}

/// Headers that reach a module, with values that nobody should send.
pub(super) fn headers() -> Vec<(&'static str, Vec<u8>)> {
    let long = "x".repeat(3_000);
    let tags = format!("{}\"x\"", "\"v\", ".repeat(400));
    let texts = [
        (
            "accept",
            vec!["", ",", ";", "*/*;q=", "*/*;q=2", "text/csv;q=0.5, application/json;q=0.4", "\"", "a/b;c=\"d", &long],
        ),
        (
            "idempotency-key",
            vec![
                "",
                "\"",
                "\"\"",
                "\"open",
                "\"a\\\"",
                "\"a\", \"b\"",
                "a b",
                "\"a\";x=1",
                "?1",
                "12.5",
                ":aGk=:",
                "()",
                &long,
            ],
        ),
        (
            "if-match",
            vec![
                "",
                "*",
                "\"",
                "\"x\"",
                "W/\"1-5\"",
                "\"18446744073709551616-0\"",
                "\"-1--1\"",
                "W/",
                "\"a\" \"b\"",
                ",,,",
                &tags,
                &long,
            ],
        ),
        ("if-none-match", vec!["", "*", "\"", "\"x\"", "W/\"x\"", "W/", "*, \"x\"", ",,,", &tags, &long]),
        ("content-type", vec!["", "text/plain", "application/json; charset=latin1", "application/json, text/plain"]),
    ];
    let mut headers: Vec<(&'static str, Vec<u8>)> = Vec::new();
    for (name, values) in texts {
        headers.extend(values.into_iter().map(|value| (name, value.as_bytes().to_vec())));
        headers.push((name, "Ünïcødé 🎫".as_bytes().to_vec()));
        headers.push((name, b"\xff\xfe".to_vec()));
        headers.push((name, b"\ttab\t".to_vec()));
    }
    headers
}

/// Headers that come twice.
pub(super) fn repeated() -> Vec<(&'static str, Vec<u8>)> {
    ["accept", "idempotency-key", "if-match", "if-none-match"].map(|name| (name, b"\"k\"".to_vec())).into()
}

/// A valid request, with something in its body, query or path that is not.
pub(super) fn mutated(valid: &Call, random: &mut StdRng) -> Call {
    if !valid.body.is_empty() && random.random_range(0..4) > 0 {
        let mut body = valid.body.to_vec();
        for _ in 0..random.random_range(1..4) {
            bite(&mut body, random);
        }
        return valid.clone().text(body);
    }
    let mut target = valid.target.clone().into_bytes();
    bite(&mut target, random);
    // What no client can send is not of interest here.
    let sane = target.into_iter().filter(|byte| byte.is_ascii_graphic() && *byte != b'#').map(char::from);
    let target: String = sane.collect();
    let target = if target.starts_with('/') { target } else { format!("/{target}") };
    if target.parse::<hyper::Uri>().is_ok() { valid.clone().to(target) } else { valid.clone() }
}

/// One mutation: a byte changed, taken out or put in, or a part doubled or cut.
fn bite(bytes: &mut Vec<u8>, random: &mut StdRng) {
    const LIKED: &[u8] = b"{}[]\",:\\0-9.eE \n\0\xff%/&=?";
    let at = random.random_range(0..=bytes.len().saturating_sub(1));
    let liked = LIKED[random.random_range(0..LIKED.len())];
    match random.random_range(0..6) {
        0 if !bytes.is_empty() => bytes[at] = liked,
        1 if !bytes.is_empty() => bytes[at] ^= 1 << random.random_range(0..8),
        2 if !bytes.is_empty() => drop(bytes.remove(at)),
        3 => bytes.truncate(at),
        4 => {
            let end = (at + random.random_range(1..32)).min(bytes.len());
            let part = bytes[at.min(end)..end].to_vec();
            bytes.splice(at..at, part);
        }
        _ => bytes.insert(
            at.min(bytes.len()),
            if random.random_range(0..2) == 0 { liked } else { (random.next_u32() & 0x7f) as u8 },
        ),
    }
}
