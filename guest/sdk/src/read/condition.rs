//! Conditions on what the caller has (RFC 9110, 13.1): entity tags in `If-Match` and `If-None-Match`.

use crate::context::Context;
use crate::event;
use crate::refusal::Faults;

/// What a header names.
enum Named<'a> {
    /// Nothing: it is not there.
    Nothing,
    /// Neither `*` nor a list of entity tags.
    Garbage,
    /// `*`
    Anything,
    /// One tag at least.
    Tags(Vec<EntityTag<'a>>),
}

#[derive(Clone)]
struct EntityTag<'a> {
    weak: bool,
    /// With its quotes.
    text: &'a str,
}

/// Whether `If-None-Match` names this entity tag, compared weakly. What is not a list of entity tags matches nothing, so that the
/// caller gets the whole answer.
pub(crate) fn none_match(cx: &Context<'_>, etag: &str) -> bool {
    match read(cx, "if-none-match") {
        Named::Anything => true,
        Named::Tags(tags) => tags.iter().any(|tag| tag.text == etag),
        Named::Nothing | Named::Garbage => false,
    }
}

/// The versions of an event that the caller wants changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// Whichever there is.
    Any,
    /// One of these. None of them: what the caller has cannot be what there is.
    Versions(Vec<u64>),
}

impl Wanted {
    /// Whether this version is one of them.
    #[must_use]
    pub fn admits(&self, version: u64) -> bool {
        match self {
            Self::Any => true,
            Self::Versions(versions) => versions.contains(&version),
        }
    }
}

/// Reads `If-Match`. Weak tags and tags that were never ours match no version, as the strong comparison has it.
pub(crate) fn if_match(cx: &Context<'_>, faults: &mut Faults) -> Wanted {
    match read(cx, "if-match") {
        Named::Nothing | Named::Anything => Wanted::Any,
        Named::Tags(tags) => {
            let strong = tags.iter().filter(|tag| !tag.weak);
            Wanted::Versions(strong.filter_map(|tag| event::version_in(tag.text)).collect())
        }
        Named::Garbage => {
            let detail = "the header If-Match must be the ETag of the event, in its quotes, a list of such, or *";
            faults.add("/If-Match", detail);
            Wanted::Versions(Vec::new())
        }
    }
}

/// What all lines of a header name together.
fn read<'a>(cx: &Context<'a>, name: &str) -> Named<'a> {
    let all: Vec<_> = cx.header_lines(name).collect();
    match all[..] {
        [] => Named::Nothing,
        ["*"] => Named::Anything,
        _ => match all.into_iter().map(list).collect::<Option<Vec<_>>>().map(|lists| lists.concat()) {
            Some(tags) if !tags.is_empty() => Named::Tags(tags),
            _ => Named::Garbage,
        },
    }
}

/// One line of a list; elements may be empty (RFC 9110, 5.6.1.2).
fn list(line: &str) -> Option<Vec<EntityTag<'_>>> {
    let mut tags = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Some(tags);
        }
        let (weak, tag) = rest.strip_prefix("W/").map_or((false, rest), |tag| (true, tag));
        // A tag may contain commas, so its end is the next quote.
        let end = tag.strip_prefix('"')?.find('"')? + 2;
        let (text, after) = tag.split_at(end);
        if text.contains(|c: char| c.is_ascii_control() || c == ' ') {
            return None;
        }
        tags.push(EntityTag { weak, text });
        rest = after.trim_start_matches([' ', '\t']);
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
    }
}
