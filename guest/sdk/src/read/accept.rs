//! `Accept` (RFC 9110, 12.5.1): which of two forms of one answer the caller would rather have.

use crate::context::Context;

/// Whether the caller would rather have CSV than JSON. Not where both are as welcome, and not where neither is: an answer in JSON says
/// more than a refusal.
pub(crate) fn prefers_csv(cx: &Context<'_>) -> bool {
    let ranges: Vec<Range> = cx.header_lines("accept").flat_map(|line| split(line, ',')).filter_map(range).collect();
    quality(&ranges, "text", "csv") > quality(&ranges, "application", "json")
}

/// A range of media types, and how welcome they are, in thousandths.
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    quality: u16,
}

/// The welcome of a media type: that of the narrowest range that has it.
fn quality(ranges: &[Range], kind: &str, subtype: &str) -> u16 {
    let narrowness = |range: &Range| {
        if range.kind.eq_ignore_ascii_case(kind) && range.subtype.eq_ignore_ascii_case(subtype) {
            Some(2)
        } else if range.kind.eq_ignore_ascii_case(kind) && range.subtype == "*" {
            Some(1)
        } else {
            (range.kind == "*" && range.subtype == "*").then_some(0)
        }
    };
    let fitting = ranges.iter().filter_map(|range| Some((narrowness(range)?, range.quality)));
    fitting.max().map_or(0, |(_, quality)| quality)
}

/// One element of the list; `None` where it is none. Of its parameters only the weight is looked at: we have one form of each type.
fn range(element: &str) -> Option<Range<'_>> {
    let mut parts = split(element, ';');
    let (kind, subtype) = parts.next()?.split_once('/')?;
    let mut quality = 1000;
    for (name, value) in parts.filter_map(|part| part.split_once('=')) {
        if name.trim().eq_ignore_ascii_case("q") {
            quality = weight(value.trim())?;
        }
    }
    Some(Range { kind, subtype, quality })
}

/// `0` to `1` with up to three decimals, in thousandths.
fn weight(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

/// The parts of a list, trimmed; what is in double quotes is no separator.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c: char| {
        let is_escaped = std::mem::take(&mut escaped);
        match c {
            '\\' if quoted && !is_escaped => escaped = true,
            '"' if !is_escaped => quoted = !quoted,
            _ => {}
        }
        c == separator && !quoted
    })
    .map(str::trim_ascii)
}
