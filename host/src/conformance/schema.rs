//! Values that a JSON Schema takes, made from it: enough to reach a module's routes, and no more than a schema says.
//!
//! What is made is validated; a schema that this cannot fill gives nothing, and the route is skipped with that reason.

use std::cell::Cell;

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::{Map, Value, json};

use super::bench::Subject;

/// Most parts of a schema, its references followed: compiling takes time and memory that grow exponentially with them.
const MAX_PARTS: usize = 5_000;
/// Deepest value that is made.
const MAX_DEPTH: usize = 16;
/// Parts of values that are made of one schema, and what making them costs: each can ask for many, which ask for many again.
const MAX_MAKES: usize = 10_000;
/// What compiling a part of a schema costs beside making a value.
const COMPILING: usize = 20;
/// Bytes that a compiled pattern may take.
const MAX_PATTERN: usize = 512 * 1024;
/// Most characters or items that are made where a schema asks for many.
const MAX_LENGTH: usize = 4_096;

/// Texts that patterns of APIs often take: codes, numbers, words, moments, names of files.
const TEXTS: [&str; 22] = [
    "a",
    "A",
    "1",
    "10",
    "true",
    "abc",
    "ABC",
    "A1",
    "ABC-123",
    "AB12CD",
    "abc-def",
    "2027-01-15",
    "12:30",
    "12:30:00",
    "2027-01-15T12:30:00Z",
    "+4915112345678",
    "12345",
    "#a0b1c2",
    "1.0.0",
    "example.org",
    "en-GB",
    "EUR",
];

/// How much of an object is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fullness {
    /// What is required.
    Least,
    /// All that the schema names.
    All,
}

/// Compiles a schema of a module's; `None`: it is too large to be compiled by a stranger.
pub(super) fn validator(schema: &Value) -> Option<Validator> {
    let mut budget = MAX_PARTS;
    if !is_small(schema, schema, &mut budget, 0) {
        return None;
    }
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .with_pattern_options(PatternOptions::fancy_regex().size_limit(MAX_PATTERN))
        .build(schema)
        .ok()
}

/// Whether it has few parts, counted as often as it refers to them. A schema that refers to itself is large.
fn is_small(whole: &Value, part: &Value, budget: &mut usize, depth: usize) -> bool {
    let Some(left) = budget.checked_sub(1) else { return false };
    *budget = left;
    if depth > 4 * MAX_DEPTH {
        return false;
    }
    match part {
        Value::Object(members) => members.iter().all(|(name, value)| match (name.as_str(), value) {
            ("$ref", Value::String(reference)) => {
                resolve(whole, reference).is_none_or(|target| is_small(whole, target, budget, depth + 1))
            }
            _ => is_small(whole, value, budget, depth + 1),
        }),
        Value::Array(values) => values.iter().all(|value| is_small(whole, value, budget, depth + 1)),
        _ => true,
    }
}

fn resolve<'a>(whole: &'a Value, reference: &str) -> Option<&'a Value> {
    let fragment = percent_encoding::percent_decode_str(reference.strip_prefix('#')?).decode_utf8_lossy();
    whole.pointer(&fragment)
}

/// A value that the schema takes and that is about the subject; `None`: this cannot make one.
pub(super) fn value(schema: &Value, subject: &Subject, fullness: Fullness) -> Option<Value> {
    let maker = Maker { whole: schema, subject, fullness, left: Cell::new(MAX_MAKES) };
    let made = maker.make(schema, "", 0)?;
    // What is half made is not what the schema asks for.
    if maker.left.get() == 0 {
        return None;
    }
    match validator(schema) {
        Some(validator) => validator.is_valid(&made).then_some(made),
        // It is too large to be sure; the module judges it.
        None => Some(made),
    }
}

struct Maker<'a> {
    whole: &'a Value,
    subject: &'a Subject,
    fullness: Fullness,
    /// What may still be spent, of [`MAX_MAKES`].
    left: Cell<usize>,
}

impl Maker<'_> {
    /// Pays for so much; `None`: there is not so much left, and from now on there is nothing.
    fn spend(&self, cost: usize) -> Option<()> {
        self.left.set(self.left.get().saturating_sub(cost));
        (self.left.get() > 0).then_some(())
    }

    fn make(&self, schema: &Value, name: &str, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.spend(1)?;
        let Value::Object(members) = schema else {
            // `true` takes anything.
            return (*schema == Value::Bool(true)).then(|| self.about(name).unwrap_or_else(|| json!({})));
        };
        if let Some(target) = members.get("$ref").and_then(Value::as_str).and_then(|r| resolve(self.whole, r)) {
            return self.make(target, name, depth + 1);
        }
        if let Some(value) = members.get("const") {
            return Some(value.clone());
        }
        if let Some(values) = members.get("enum").and_then(Value::as_array) {
            return values.iter().find(|value| !value.is_null()).or(values.first()).cloned();
        }
        let kind = kind_of(members);
        if kind == "string"
            && let Some(value) = self.about(name)
        {
            self.spend(COMPILING)?;
            if takes(schema, &value) {
                return Some(value);
            }
        }
        if let Some(values) = members.get("examples").and_then(Value::as_array)
            && let Some(value) = values.iter().find(|value| !value.is_null())
        {
            return Some(value.clone());
        }
        if let Some(value) = members.get("default").filter(|value| !value.is_null()) {
            return Some(value.clone());
        }
        if let Some(parts) = members.get("allOf").and_then(Value::as_array) {
            self.spend(parts.len())?;
            return self.make(&merged(members, parts), name, depth + 1);
        }
        for choice in ["oneOf", "anyOf"] {
            if let Some(parts) = members.get(choice).and_then(Value::as_array) {
                let without_null = parts.iter().filter(|part| part.get("type") != Some(&json!("null")));
                return without_null.into_iter().find_map(|part| {
                    self.spend(members.len())?;
                    let mut own = members.clone();
                    own.remove(choice);
                    self.make(&merged(&own, std::slice::from_ref(part)), name, depth + 1)
                });
            }
        }
        match kind {
            "object" => self.object(members, depth),
            "array" => self.array(members, name, depth),
            "string" => {
                self.spend(COMPILING)?;
                text(schema, members)
            }
            "integer" | "number" => Some(number(members)),
            "boolean" => Some(Value::Bool(true)),
            "null" => Some(Value::Null),
            _ => None,
        }
    }

    /// What a member of this name is likely to be.
    fn about(&self, name: &str) -> Option<Value> {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        let text = match plain.as_str() {
            "event" | "eventid" | "id" => &self.subject.event,
            "ticket" | "ticketid" | "booking" | "bookingid" | "registration" | "registrationid" => &self.subject.ticket,
            "idempotencykey" => &self.subject.key,
            email if email.contains("email") || email.contains("mail") => &self.subject.email,
            _ => return None,
        };
        Some(Value::from(text.as_str()))
    }

    fn object(&self, members: &Map<String, Value>, depth: usize) -> Option<Value> {
        let none = Map::new();
        let properties = members.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let required: Vec<&str> =
            members.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let mut made = Map::new();
        for (name, schema) in properties {
            self.spend(1)?;
            let is_required = required.contains(&name.as_str());
            if !is_required && self.fullness == Fullness::Least {
                continue;
            }
            match self.make(schema, name, depth + 1) {
                Some(value) => drop(made.insert(name.clone(), value)),
                None if is_required => return None,
                None => {}
            }
        }
        // Required, and described nowhere: anything will do.
        for name in required {
            if !made.contains_key(name) {
                let value = self.about(name).unwrap_or_else(|| Value::from("x"));
                made.insert(name.to_owned(), value);
            }
        }
        Some(Value::Object(made))
    }

    fn array(&self, members: &Map<String, Value>, name: &str, depth: usize) -> Option<Value> {
        let least = length(members, "minItems").unwrap_or(0);
        let wanted = if self.fullness == Fullness::All { least.max(1) } else { least };
        let wanted = wanted.min(length(members, "maxItems").unwrap_or(usize::MAX)).min(MAX_LENGTH);
        let items = members.get("items").cloned().unwrap_or(Value::Bool(true));
        let single = name.strip_suffix('s').unwrap_or(name);
        let mut made = Vec::new();
        for at in 0..wanted {
            let item = self.make(&items, single, depth + 1)?;
            // No two the same, where that is asked for.
            made.push(match item {
                Value::String(text) if at > 0 && made.contains(&Value::String(text.clone())) => {
                    format!("{text}{at}").into()
                }
                Value::Number(number) if at > 0 && number.is_u64() => json!(number.as_u64().unwrap_or(0) + at as u64),
                other => other,
            });
        }
        Some(Value::Array(made))
    }
}

/// The types of JSON but null.
const KINDS: [&str; 6] = ["object", "array", "string", "integer", "number", "boolean"];

/// The type of what it takes; said, or to be guessed from what else it says.
fn kind_of(members: &Map<String, Value>) -> &str {
    let named = |kind: &Value| kind.as_str().map(str::to_owned);
    let said = match members.get("type") {
        Some(Value::String(kind)) => return kind,
        Some(Value::Array(kinds)) => kinds.iter().filter_map(named).find(|kind| kind != "null"),
        _ => None,
    };
    if let Some(kind) = said {
        return KINDS.into_iter().find(|known| *known == kind).unwrap_or("null");
    }
    let has = |names: &[&str]| names.iter().any(|name| members.contains_key(*name));
    if has(&["properties", "required", "additionalProperties"]) {
        "object"
    } else if has(&["items", "minItems"]) {
        "array"
    } else if has(&["minimum", "maximum", "multipleOf"]) {
        "integer"
    } else {
        "string"
    }
}

/// All of these at once, as far as their members do not stand in each other's way.
fn merged(own: &Map<String, Value>, parts: &[Value]) -> Value {
    let mut all = own.clone();
    all.remove("allOf");
    for part in parts.iter().filter_map(Value::as_object) {
        for (name, value) in part {
            match (all.get_mut(name), value) {
                (Some(Value::Object(known)), Value::Object(more)) => known.extend(more.clone()),
                (Some(Value::Array(known)), Value::Array(more)) if name == "required" => known.extend(more.clone()),
                _ => drop(all.insert(name.clone(), value.clone())),
            }
        }
    }
    Value::Object(all)
}

fn takes(schema: &Value, value: &Value) -> bool {
    validator(schema).is_none_or(|validator| validator.is_valid(value))
}

fn length(members: &Map<String, Value>, name: &str) -> Option<usize> {
    members.get(name).and_then(Value::as_u64).map(|length| usize::try_from(length).unwrap_or(MAX_LENGTH))
}

fn text(schema: &Value, members: &Map<String, Value>) -> Option<Value> {
    let of_format = match members.get("format").and_then(Value::as_str) {
        Some("email" | "idn-email") => Some("guest@example.org"),
        Some("date-time") => Some("2027-01-15T12:30:00Z"),
        Some("date") => Some("2027-01-15"),
        Some("time") => Some("12:30:00Z"),
        Some("duration") => Some("PT1H"),
        Some("uri" | "uri-reference" | "iri") => Some("https://example.org/"),
        Some("hostname" | "idn-hostname") => Some("example.org"),
        Some("ipv4") => Some("192.0.2.1"),
        Some("ipv6") => Some("2001:db8::1"),
        Some("uuid") => Some("01930000-0000-7000-8000-000000000000"),
        _ => None,
    };
    let least = length(members, "minLength").unwrap_or(0).min(MAX_LENGTH);
    let most = length(members, "maxLength").unwrap_or(usize::MAX);
    let long = "x".repeat(least.max(1).min(most));
    let digits = "1".repeat(least.max(1).min(most));
    let candidates = of_format.into_iter().chain([long.as_str(), digits.as_str()]).chain(TEXTS);
    let compiled = validator(schema);
    let fits = |text: &&str| compiled.as_ref().is_none_or(|validator| validator.is_valid(&Value::from(*text)));
    candidates.into_iter().find(fits).map(Value::from)
}

fn number(members: &Map<String, Value>) -> Value {
    let of = |name: &str| members.get(name).and_then(Value::as_f64);
    let step = of("multipleOf").filter(|step| *step > 0.0).unwrap_or(1.0);
    let least = of("minimum").or_else(|| of("exclusiveMinimum").map(|least| least + step));
    let most = of("maximum").or_else(|| of("exclusiveMaximum").map(|most| most - step));
    let made = match (least, most) {
        (Some(least), _) if least > 1.0 => (least / step).ceil() * step,
        (_, Some(most)) if most < 1.0 => (most / step).floor() * step,
        _ => step,
    };
    #[expect(clippy::cast_possible_truncation, reason = "as far as it is whole, which a schema's numbers are")]
    let whole = made as i64;
    #[expect(clippy::cast_precision_loss, reason = "only to see whether anything is lost")]
    let is_whole = (whole as f64 - made).abs() < f64::EPSILON;
    if is_whole { json!(whole) } else { json!(made) }
}

/// The parameters that a query's schema names, and the schema of each.
pub(super) fn parameters(query: Option<&Value>) -> Vec<(&str, &Value)> {
    let properties = query.and_then(|query| query.get("properties")).and_then(Value::as_object);
    properties.into_iter().flatten().map(|(name, schema)| (name.as_str(), schema)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject() -> Subject {
        let text = |text: &str| text.to_owned();
        Subject { event: text("e"), ticket: text("t"), holder: text("h"), email: text("a@example.org"), key: text("k") }
    }

    #[test]
    fn a_schema_that_asks_for_itself_many_times_is_given_up_and_the_least_of_it_is_made() {
        let members: Map<String, Value> =
            (0..20).map(|n| (format!("m{n}"), json!({"type": "object", "$ref": "#"}))).collect();
        let schema = json!({"type": "object", "properties": members});
        assert_eq!(value(&schema, &subject(), Fullness::All), None);
        assert_eq!(value(&schema, &subject(), Fullness::Least), Some(json!({})));
    }

    #[test]
    fn a_large_schema_of_an_api_is_filled() {
        let members: Map<String, Value> = (0..100)
            .map(|n| (format!("m{n}"), json!({"anyOf": [{"type": "string", "maxLength": 200}, {"type": "null"}]})))
            .collect();
        let made = value(&json!({"type": "object", "properties": members}), &subject(), Fullness::All);
        assert_eq!(made.and_then(|made| made.as_object().map(Map::len)), Some(100));
    }
}
