//! Takes people out of what is shown: the local part of whatever looks like an email.

use serde_json::{Map, Value};

/// What stands for a local part.
const MASK: &str = "***";
/// `@` as it is, as it is in a URL, twice, and in HTML.
const AT: [&str; 4] = ["@", "%40", "%2540", "&#64;"];

/// All texts of a value masked, names of fields too.
pub(super) fn masked(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(masked_text(&text)),
        Value::Array(items) => items.into_iter().map(masked).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (masked_text(&name), masked(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        other => other,
    }
}

/// A text in which local parts are masked. Rather too much than too little: what cannot be told from a local part is taken for one.
pub(super) fn masked_text(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, at, after)) = split_at_sign(rest) {
        let begins = local_part(before);
        out.push_str(&before[..begins]);
        if begins < before.len() {
            out.push_str(MASK);
        }
        out.push_str(at);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// A text that may have been cut at so many bytes before anybody could mask it: its end may be the beginning of an email.
pub(super) fn without_cut_end(text: &str, most: usize) -> String {
    // A character that did not fit has up to 4 bytes.
    if text.len() + 4 <= most {
        return text.to_owned();
    }
    format!("{}{MASK}", &text[..local_part(text)])
}

/// A path and a query. Each segment and each parameter is one text, whatever it has in front of its at sign.
pub(super) fn masked_path(path: &str, query: Option<&str>) -> String {
    let segments: Vec<_> = path.split('/').map(whole).collect();
    let mut masked = segments.join("/");
    if let Some(query) = query {
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, value)) => format!("{}={}", whole(name), whole(value)),
            None => whole(pair),
        });
        masked.push('?');
        masked.push_str(&pairs.collect::<Vec<_>>().join("&"));
    }
    masked
}

/// Masks all that is before the last at sign.
fn whole(text: &str) -> String {
    let last = AT.iter().filter_map(|at| text.rfind(at)).max();
    last.map_or_else(|| text.to_owned(), |last| format!("{MASK}{}", &text[last..]))
}

/// The text before its first at sign, the sign, and the text after.
fn split_at_sign(text: &str) -> Option<(&str, &str, &str)> {
    let (begins, at) = AT.iter().filter_map(|at| Some((text.find(at)?, *at))).min()?;
    Some((&text[..begins], at, &text[begins + at.len()..]))
}

/// Where the local part at the end of a text begins (RFC 5321: a dotted string of symbols, or a quoted one).
fn local_part(before: &str) -> usize {
    if before.ends_with('"') {
        // Where it begins cannot be told: quotes in it are escaped, or meant to mislead.
        return 0;
    }
    // Comments may stand in parentheses.
    let symbol = |c: char| c.is_alphanumeric() || !c.is_ascii() || ".!#$%&'*+-/=?^_`{|}~()\\".contains(c);
    before.trim_end_matches(symbol).len()
}
