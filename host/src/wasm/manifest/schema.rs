//! The JSON Schemas of a manifest: whoever reads the API's description should be able to use them.

use jsonschema::{Draft, PatternOptions};
use serde_json::Value;

use super::refuse;
use crate::wasm::failure::{LoadError, readable};

/// Most bytes of one schema. The standard rules' largest has 3 KiB.
const MAX_SCHEMA: usize = 64 * 1024;
/// Most bytes of all schemas of a module.
const MAX_SCHEMAS: usize = 1024 * 1024;
/// Bytes that one compiled regular expression may take: nested repetitions multiply.
const MAX_PATTERN: usize = 512 * 1024;
/// Most regular expressions of all schemas of a module, so that checking them takes a second and some megabytes at the most.
const MAX_PATTERNS: usize = 128;
/// Most characters of what is told about a schema: the validator quotes it.
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
    /// Checks one schema of a route.
    pub(super) fn check(&mut self, route: &str, text: &str) -> Result<(), LoadError> {
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
        self.patterns += count_patterns(&schema);
        if self.patterns > MAX_PATTERNS {
            return Err(refuse(format!("its schemas have more than {MAX_PATTERNS} regular expressions in all")));
        }
        let options = jsonschema::options()
            .with_draft(Draft::Draft202012)
            // References lead nowhere but into the schema itself. Without features for files and HTTP they could not; this says so.
            .offline()
            .with_pattern_options(PatternOptions::fancy_regex().size_limit(MAX_PATTERN));
        match options.build(&schema) {
            Ok(_) => Ok(()),
            Err(error) => {
                let told: String = error.to_string().chars().take(MAX_TOLD).flat_map(char::escape_debug).collect();
                let place: String = error.instance_path().to_string().chars().take(MAX_TOLD).collect();
                Err(named(format!("is no valid JSON Schema 2020-12, at {place:?}: {told}")))
            }
        }
    }
}

/// Regular expressions in a schema; too many rather than too few, where one of these names is something else's.
fn count_patterns(schema: &Value) -> usize {
    match schema {
        Value::Object(members) => {
            let here = members.iter().map(|(name, value)| match name.as_str() {
                "pattern" => 1,
                "patternProperties" => value.as_object().map_or(0, serde_json::Map::len),
                _ => 0,
            });
            here.sum::<usize>() + members.values().map(count_patterns).sum::<usize>()
        }
        Value::Array(values) => values.iter().map(count_patterns).sum(),
        _ => 0,
    }
}
