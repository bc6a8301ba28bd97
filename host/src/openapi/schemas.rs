//! Schemas, by name: one that is used in several places stands once, so that generated clients have one type for it.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

/// Where a schema of that name stands.
const PLACE: &str = "#/components/schemas/";

/// The schemas of a description in the making.
#[derive(Default)]
pub(super) struct Schemas {
    /// By name; each as the module said it, and as it stands in the description.
    named: Vec<(String, Value, Value)>,
}

impl Schemas {
    /// Gives a reference to this schema. It is called by its title, or else as said here.
    pub(super) fn place(&mut self, otherwise: &str, schema: &Value) -> Value {
        let title = schema.get("title").and_then(Value::as_str).map(sane).filter(|name| !name.is_empty());
        let wanted = title.unwrap_or_else(|| sane(otherwise));
        for number in 1_u32.. {
            let name = if number == 1 { wanted.clone() } else { format!("{wanted}{number}") };
            match self.named.iter().find(|(taken, ..)| *taken == name) {
                Some((_, same, _)) if same == schema => return reference(&name),
                Some(_) => {}
                None => {
                    let mut placed = schema.clone();
                    lead_from(&mut placed, &name);
                    let found = reference(&name);
                    self.named.push((name, schema.clone(), placed));
                    return found;
                }
            }
        }
        unreachable!("there are fewer schemas than numbers")
    }

    /// All of them, for `components`. What one has of another inside is referred to.
    pub(super) fn into_components(self) -> Map<String, Value> {
        let names: HashMap<String, String> =
            self.named.iter().map(|(name, _, placed)| (untitled(placed).to_string(), name.clone())).collect();
        let mut all = Map::new();
        for (name, _, mut placed) in self.named {
            if let Value::Object(members) = &mut placed {
                members.values_mut().for_each(|part| share(part, &names));
            }
            all.insert(name, placed);
        }
        all
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("{PLACE}{name}") })
}

/// What a component may be called.
fn sane(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')).collect()
}

/// References that led from the schema's root lead from the document's.
fn lead_from(part: &mut Value, name: &str) {
    match part {
        Value::Object(members) => {
            for (member, value) in members.iter_mut() {
                match value {
                    Value::String(text) if member == "$ref" && (text == "#" || text.starts_with("#/")) => {
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

/// A part that is a schema with a name becomes a reference.
fn share(part: &mut Value, names: &HashMap<String, String>) {
    if part.get("properties").is_some()
        && let Some(name) = names.get(&untitled(part).to_string())
    {
        *part = reference(name);
        return;
    }
    match part {
        Value::Object(members) => members.values_mut().for_each(|value| share(value, names)),
        Value::Array(values) => values.iter_mut().for_each(|value| share(value, names)),
        _ => {}
    }
}

fn untitled(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Value::Object(members) = &mut schema {
        members.remove("title");
    }
    schema
}
