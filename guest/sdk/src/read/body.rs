//! Bodies: one JSON object each.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::error::Category;
use serde_path_to_error::Segment;

use crate::refusal::Refusal;

/// Nothing: the body may be absent too.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
// Some clients cannot help sending an empty object.
pub(crate) struct Nothing {}

/// Reads a body that must be there.
pub(crate) fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    // serde reads a struct from an array too, and speaks of structs when it gets neither.
    match body.trim_ascii_start().first() {
        Some(b'{') => {}
        Some(_) => return Err(Refusal::invalid("", "must be a JSON object")),
        None => return Err(Refusal::invalid("", "a JSON object is required")),
    }
    // Where the fault is costs time to track, so that is done only for bodies that have one.
    serde_json::from_slice(body).map_err(|_| fault::<T>(body))
}

/// Checks a body that may be absent and has nothing to say.
pub(crate) fn nothing(body: &[u8]) -> Result<(), Refusal> {
    if body.trim_ascii().is_empty() {
        return Ok(());
    }
    read::<Nothing>(body).map(|Nothing {}| ())
}

/// Reads again, to say where the body is at fault.
fn fault<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Refusal {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let (pointer, error) = match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Err(error) => (pointer(error.path()), error.into_inner()),
        // The object is right, so what follows it is wrong.
        Ok(_) => match deserializer.end() {
            Err(error) => (String::new(), error),
            Ok(()) => return Refusal::invalid("", "must be a JSON object"),
        },
    };
    let message = error.to_string();
    match error.classify() {
        // The end of the message is the place in the text, of no use beside a pointer.
        Category::Data => {
            let text = message.split(" at line ").next().unwrap_or_default();
            let named = |problem| text.strip_prefix(problem).and_then(|rest| rest.strip_suffix('`'));
            if let Some(name) = named("missing field `") {
                Refusal::invalid(format!("{pointer}/{}", escape(name)), "is required")
            } else if let Some(name) = named("duplicate field `") {
                // A field seen again is found after its path has been left, so only the message names it.
                Refusal::invalid(format!("/{}", escape(name)), "is given more than once; give it once")
            } else {
                Refusal::invalid(pointer, text.to_owned())
            }
        }
        Category::Io | Category::Syntax | Category::Eof => {
            Refusal::invalid(pointer, format!("the body is not valid JSON: {message}"))
        }
    }
}

/// A path as a JSON Pointer.
pub(crate) fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.extend(["/", &index.to_string()]),
            Segment::Map { key } => pointer.extend(["/", &escape(key)]),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// A name as one segment of a JSON Pointer.
pub(crate) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
