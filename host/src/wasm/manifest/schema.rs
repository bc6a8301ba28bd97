//! The JSON Schemas of a manifest: whoever reads the API's description should be able to use them.

use jsonschema::{Draft, PatternOptions};
use serde_json::{Value, json};

use super::refuse;
use crate::wasm::backtrace::readable;
use crate::wasm::failure::LoadError;

/// Most bytes of one schema. The standard rules' largest has 3 KiB.
const MAX_SCHEMA: usize = 64 * 1024;
/// Most bytes of all schemas of a module.
const MAX_SCHEMAS: usize = 1024 * 1024;
/// Bytes that one compiled regular expression may take: nested repetitions multiply.
const MAX_PATTERN: usize = 512 * 1024;
/// Most regular expressions of all schemas of a module, so that checking them takes a second and some megabytes at the most.
const MAX_PATTERNS: usize = 128;
/// Most characters of what is told about a schema.
const MAX_TOLD: usize = 300;
/// The only draft, where a schema names one.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Checks the schemas of one module, one by one.
#[derive(Default)]
pub(super) struct Schemas {
    bytes: usize,
    patterns: usize,
}

impl Schemas {
    /// Checks one schema of a route, and gives it.
    pub(super) fn check(&mut self, route: &str, text: &str) -> Result<Value, LoadError> {
        let named = |what: String| refuse(format!("a schema of route {route} {what}"));
        self.bytes = self.bytes.saturating_add(text.len());
        if text.len() > MAX_SCHEMA {
            return Err(named(format!("has {} bytes, more than {MAX_SCHEMA}", text.len())));
        }
        if self.bytes > MAX_SCHEMAS {
            return Err(refuse(format!("its schemas have more than {MAX_SCHEMAS} bytes in all")));
        }
        let schema: Value = serde_json::from_str(text).map_err(|error| named(format!("is not JSON: {error}")))?;
        if let Some(draft) =
            schema.get("$schema").filter(|draft| draft.as_str().map(|d| d.trim_end_matches('#')) != Some(DRAFT))
        {
            let draft = readable(&draft.to_string());
            return Err(named(format!("names {draft} as its $schema, and must be JSON Schema 2020-12 ({DRAFT})")));
        }
        // The meta-schema, and not the schema itself, is what is compiled: compiling a stranger's references takes time and memory that grow
        // exponentially with them (1.3 KB of schema took 14 s and 3.9 GB).
        if let Err(error) = jsonschema::draft202012::meta::validate(&schema) {
            let told = cut(&error.to_string());
            let place = cut(&error.instance_path().to_string());
            return Err(named(format!("is no valid JSON Schema 2020-12, at {place:?}: {told}")));
        }
        self.parts(&schema, &schema).map_err(named)?;
        Ok(schema)
    }

    /// Checks the schema of a query, whose properties become parameters one by one.
    pub(super) fn check_query(&mut self, route: &str, text: &str) -> Result<Value, LoadError> {
        let schema = self.check(route, text)?;
        let elsewhere = ["$ref", "allOf", "anyOf", "oneOf", "if", "not"];
        if let Some(keyword) = elsewhere.into_iter().find(|keyword| schema.get(*keyword).is_some()) {
            return Err(refuse(format!(
                "the query's schema of route {route} has {keyword}; it must have its parameters as its own properties"
            )));
        }
        Ok(schema)
    }

    /// What the meta-schema does not say of a schema and of what is in it. (Its depth is bounded by that of JSON.)
    fn parts(&mut self, whole: &Value, part: &Value) -> Result<(), String> {
        let inner: Vec<&Value> = match part {
            Value::Object(members) => {
                for (name, value) in members {
                    match (name.as_str(), value) {
                        ("$id" | "$anchor" | "$dynamicAnchor" | "$dynamicRef", Value::String(_)) => {
                            return Err(format!(
                                "has {name}, which means something else in the API's description; use $ref with #/$defs/..."
                            ));
                        }
                        ("$ref", Value::String(reference)) => has(whole, reference)?,
                        ("pattern", Value::String(pattern)) => self.pattern(pattern)?,
                        ("patternProperties", Value::Object(patterns)) => {
                            patterns.keys().try_for_each(|pattern| self.pattern(pattern))?;
                        }
                        _ => {}
                    }
                }
                members.values().collect()
            }
            Value::Array(values) => values.iter().collect(),
            _ => return Ok(()),
        };
        inner.into_iter().try_for_each(|part| self.parts(whole, part))
    }

    /// One regular expression, compiled by itself.
    fn pattern(&mut self, pattern: &str) -> Result<(), String> {
        self.patterns += 1;
        if self.patterns > MAX_PATTERNS {
            return Err(format!("is one too many: the module may have {MAX_PATTERNS} regular expressions in all"));
        }
        let options = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_pattern_options(PatternOptions::fancy_regex().size_limit(MAX_PATTERN));
        match options.build(&json!({ "pattern": pattern })) {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("has a pattern that is none, or too large: {}", cut(&error.to_string()))),
        }
    }
}

/// References lead into the schema itself.
fn has(whole: &Value, reference: &str) -> Result<(), String> {
    let shown = cut(reference);
    let Some(fragment) = reference.strip_prefix('#') else {
        return Err(format!("refers to \"{shown}\", and must refer to nothing but itself (#/$defs/...)"));
    };
    let fragment = percent_encoding::percent_decode_str(fragment).decode_utf8_lossy();
    if whole.pointer(&fragment).is_some() { Ok(()) } else { Err(format!("refers to \"{shown}\", which is not in it")) }
}

/// The beginning of what is told about a schema: the validator quotes it.
fn cut(text: &str) -> String {
    text.chars().take(MAX_TOLD).flat_map(char::escape_debug).collect()
}
