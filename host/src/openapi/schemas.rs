//! Schemas, by name: one that is used in several places stands once, so that generated clients have one type for it.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

/// Where a schema of that name stands.
const PLACE: &str = "#/components/schemas/";
/// Most characters of what a schema calls itself that become part of its name: the name is repeated in every reference.
const MAX_NAME: usize = 64;

/// The schemas of a description in the making. Every step takes time in proportion to the schema: they are strangers'.
#[derive(Default)]
pub(super) struct Schemas {
    /// The name of each, by its text.
    names: HashMap<String, String>,
    /// As they stand in the description.
    placed: Map<String, Value>,
    /// How many wanted the same name.
    wanted: HashMap<String, u32>,
}

impl Schemas {
    /// Gives a reference to this schema. It is called by its title, or else as said here.
    pub(super) fn place(&mut self, otherwise: &str, schema: &Value) -> Value {
        reference(&self.named(otherwise, schema))
    }

    /// The properties of this schema, and those of them that are required, fit to stand anywhere in the description.
    pub(super) fn properties(&mut self, otherwise: &str, schema: &Value) -> Vec<(String, Value, bool)> {
        let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        let properties = if refers(schema) {
            let name = self.named(otherwise, schema);
            self.placed.get(&name).and_then(|placed| placed.get("properties"))
        } else {
            schema.get("properties")
        };
        let properties = properties.and_then(Value::as_object).into_iter().flatten();
        properties.map(|(name, schema)| (name.clone(), schema.clone(), required.iter().any(|r| r == name))).collect()
    }

    fn named(&mut self, otherwise: &str, schema: &Value) -> String {
        let text = schema.to_string();
        if let Some(name) = self.names.get(&text) {
            return name.clone();
        }
        let title = schema.get("title").and_then(Value::as_str).map(sane).filter(|name| !name.is_empty());
        let wanted = title.unwrap_or_else(|| sane(otherwise));
        let name = loop {
            let times = self.wanted.entry(wanted.clone()).or_default();
            *times += 1;
            let name = if *times == 1 { wanted.clone() } else { format!("{wanted}{times}") };
            // Another may be called so by itself.
            if !self.placed.contains_key(&name) {
                break name;
            }
        };
        let mut placed = schema.clone();
        lead_from(&mut placed, &name);
        self.names.insert(text, name.clone());
        self.placed.insert(name.clone(), placed);
        name
    }

    /// All of them, for `components`. What one has of another inside is referred to.
    pub(super) fn into_components(self) -> Map<String, Value> {
        let names: HashMap<String, String> =
            self.placed.iter().map(|(name, placed)| (untitled(placed).to_string(), name.clone())).collect();
        let mut all = self.placed;
        // Where one refers into itself, nothing may move.
        for placed in all.values_mut().filter(|placed| !refers(placed)) {
            inner(placed, &mut |part| share(part, &names));
        }
        all
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("{PLACE}{name}") })
}

/// What a component may be called.
fn sane(name: &str) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    name.chars().filter(fits).take(MAX_NAME).collect()
}

/// Whether there is any reference in it.
fn refers(part: &Value) -> bool {
    match part {
        Value::Object(members) => members.contains_key("$ref") || members.values().any(refers),
        Value::Array(values) => values.iter().any(refers),
        _ => false,
    }
}

/// References that led from the schema's root lead from the document's. (Where data has a member `$ref`, it is changed, too: in an example.)
fn lead_from(part: &mut Value, name: &str) {
    match part {
        Value::Object(members) => {
            for (member, value) in members.iter_mut() {
                match value {
                    Value::String(text) if member == "$ref" && text.starts_with('#') => {
                        *text = format!("{PLACE}{name}{}", &text[1..]);
                    }
                    other => lead_from(other, name),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| lead_from(value, name)),
        _ => {}
    }
}

/// Does it to each schema that this one is made of, and to nothing that is only data.
fn inner(schema: &mut Value, to: &mut dyn FnMut(&mut Value)) {
    let Value::Object(members) = schema else { return };
    for (keyword, value) in members.iter_mut() {
        match (keyword.as_str(), value) {
            ("properties" | "patternProperties" | "dependentSchemas", Value::Object(schemas)) => {
                schemas.values_mut().for_each(&mut *to);
            }
            ("allOf" | "anyOf" | "oneOf" | "prefixItems", Value::Array(schemas)) => {
                schemas.iter_mut().for_each(&mut *to);
            }
            (
                "items" | "additionalProperties" | "contains" | "not" | "if" | "then" | "else" | "propertyNames",
                schema,
            ) => {
                to(schema);
            }
            _ => {}
        }
    }
}

/// A part that is a schema with a name becomes a reference.
fn share(part: &mut Value, names: &HashMap<String, String>) {
    if part.get("properties").is_some()
        && let Some(name) = names.get(&untitled(part).to_string())
    {
        *part = reference(name);
        return;
    }
    inner(part, &mut |part| share(part, names));
}

fn untitled(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Value::Object(members) = &mut schema {
        members.remove("title");
    }
    schema
}
