//! For people: a line for each request, and below it what it did.

use super::changes::{Changes, first_request};
use super::news::News;
use super::paint::Paint;
use super::shown::{HostCall, Shown, ShownFailure};
use crate::cli::check::routes;
use crate::cli::terminal::plain;
use crate::wasm::{Digest, LoadError, Module, Place};

/// Most characters of a line.
const MAX_LINE: usize = 400;
/// Most host calls of one request that are shown; `--json` has all.
const MAX_CALLS: usize = 32;
/// Most lines of what a guest wrote that are shown, the last ones: a panic's message comes last.
const MAX_OUTPUT_LINES: usize = 20;
/// What Rust says after a panic. There is no environment here to set anything in.
const USELESS_NOTE: &str = "note: run with `RUST_BACKTRACE=1` environment variable";
/// Most changed routes that are shown of another build.
const MAX_CHANGES: usize = 20;

/// Writes for people.
pub(super) struct People {
    paint: Paint,
    /// The build whose author was told how to have files and lines.
    hinted: Option<Digest>,
}

impl People {
    pub(super) fn with(paint: Paint) -> Self {
        Self { paint, hinted: None }
    }

    pub(super) fn text(&mut self, news: &News) -> String {
        let paint = self.paint;
        let name = |module: &Module| paint.bold(named(module)).to_string();
        match news {
            News::Waiting { file } => {
                format!("waiting for {}: it is not there yet", plain(&file.display().to_string()))
            }
            News::Serving { address, module } => {
                let (url, digest) = (format!("http://{address}"), module.digest.short());
                let first = first_request(*address, &module.manifest);
                format!(
                    "{}: {}\n  digest  {digest}\n\n{}\n\nserving on {}; nothing is kept; Ctrl-C ends it\ntry:  {}\n",
                    name(module),
                    plain(&module.manifest.summary),
                    routes(&module.manifest),
                    paint.bold(url),
                    plain(&first),
                )
            }
            News::Checking { bytes } => paint
                .dim(format!("the file has changed ({}), compiling and checking it", bytesize::ByteSize(*bytes as u64)))
                .to_string(),
            News::Refused { error, serving } => self.refused(error, serving.as_deref()),
            News::Same => paint.dim("the file has what is served already").to_string(),
            News::Swapped { module, before } => self.swapped(module, before),
            News::Missing { serving } => {
                format!("{} the file is not there; {} goes on serving", paint.warn("missing:"), name(serving))
            }
            News::Request(seen) => self.request(&Shown::of(seen)),
            News::Unrouted(unrouted) => self.request(&Shown::of_unrouted(unrouted)),
            News::NotShown(requests) => paint
                .warn(format!("{requests} requests are not shown: they came faster than they could be printed"))
                .to_string(),
            News::End(why) => why.as_ref().map_or_else(String::new, |why| plain(why)),
        }
    }

    fn refused(&self, error: &LoadError, serving: Option<&Module>) -> String {
        let goes_on = serving.map_or_else(
            || "waiting for a build that can be served".to_owned(),
            |module| format!("{} goes on serving", named(module)),
        );
        format!(
            "{} {}: {}\n  what to do: {}\n  {goes_on}",
            self.paint.bad("refused:"),
            error.refusal.name(),
            plain(&error.message),
            error.refusal.advice()
        )
    }

    fn swapped(&self, module: &Module, before: &Module) -> String {
        let paint = self.paint;
        let changes = Changes::between(&before.manifest, &module.manifest);
        let mut lines = vec![format!(
            "{} {} serves, in place of {}; {} ms",
            paint.good("swapped:"),
            paint.bold(named(module)),
            before.digest.short(),
            module.loaded.loaded_in.as_millis()
        )];
        let added = changes.added.iter().map(|route| format!("  {} {route}", paint.good("+")));
        let removed = changes.removed.iter().map(|route| format!("  {} {route}", paint.bad("-")));
        let altered = changes.changed.iter().map(|route| format!("  {} {route}", paint.warn("~")));
        let all: Vec<_> = altered.chain(added).chain(removed).collect();
        let more = all.len().saturating_sub(MAX_CHANGES);
        lines.extend(all.into_iter().take(MAX_CHANGES));
        if more > 0 {
            lines.push(format!("  and {more} more"));
        }
        if changes.is_empty() {
            lines.push(paint.dim("  the same routes").to_string());
        }
        lines.join("\n")
    }

    fn request(&mut self, shown: &Shown<'_>) -> String {
        let paint = self.paint;
        let query = shown.query.map_or_else(String::new, |query| format!("?{query}"));
        let role = if shown.role.is_empty() { "nobody" } else { &shown.role };
        let cpu = shown.cpu_us.map_or_else(String::new, |cpu| format!(", {} of CPU", span(cpu)));
        let code = shown.code.as_deref().map_or_else(String::new, |code| format!(" {}", one_line(code)));
        let mut lines = vec![format!(
            "{} {}  {}{code}  {}  {}",
            paint.bold(shown.method),
            one_line(&format!("{}{query}", shown.path)),
            paint.status(shown.status),
            role,
            paint.dim(format!("{}{cpu}", span(shown.took_us))),
        )];
        if shown.failure.is_none()
            && let Some(detail) = &shown.detail
        {
            let who = if shown.by_host { "the host: " } else { "" };
            lines.push(format!("    {}", one_line(&format!("{who}{detail}"))));
        }
        lines.extend(shown.host_calls.iter().take(MAX_CALLS).map(|call| self.host_call(call)));
        if shown.host_calls.len() > MAX_CALLS {
            lines.push(format!("    and {} host calls more", shown.host_calls.len() - MAX_CALLS));
        }
        lines.extend(shown.log.iter().map(|line| {
            let text = one_line(&format!("{} {}", line.message, line.fields));
            format!("    {} {text}", paint.dim(format!("log {:<5}", line.level)))
        }));
        let says = |line: &&str| !line.trim().is_empty() && !line.starts_with(USELESS_NOTE);
        let all: Vec<_> = shown.output.lines().filter(says).collect();
        let skipped = all.len().saturating_sub(MAX_OUTPUT_LINES);
        if skipped > 0 {
            lines.push(format!("    {} {skipped} lines before", paint.dim("output")));
        }
        lines.extend(all[skipped..].iter().map(|line| format!("    {} {}", paint.dim("output |"), one_line(line))));
        if let Some(failure) = &shown.failure {
            self.failure(failure, shown.module, &mut lines);
        }
        lines.join("\n")
    }

    fn host_call(&self, call: &HostCall) -> String {
        let paint = self.paint;
        let refusal = call.refusal.as_deref().unwrap_or_default();
        let outcome = match call.outcome {
            "ok" => paint.good("ok").to_string(),
            "refused" => paint.warn(format!("refused: {refusal}")).to_string(),
            "denied" => paint.bad("denied: the caller's role may not").to_string(),
            "store-failed" => paint.bad("the store could not say").to_string(),
            other => paint.warn(other).to_string(),
        };
        format!("    {:<24} {outcome}  {}", call.function, paint.dim(span(call.took_us)))
    }

    fn failure(&mut self, failure: &ShownFailure<'_>, module: Option<Digest>, lines: &mut Vec<String>) {
        let paint = self.paint;
        let message = failure.message.strip_prefix("wasm trap: ").unwrap_or(failure.message);
        lines.push(format!("    {} {}", paint.bad(format!("{}:", failure.cause)), one_line(message)));
        let own = Place::own(failure.places);
        lines.extend(own.iter().map(|place| format!("      at {}", paint.bold(one_line(&place.to_string())))));
        let all = if failure.places.is_empty() {
            failure.functions.to_vec()
        } else {
            failure.places.iter().map(Place::to_string).collect()
        };
        // With its author's places the rest is what leads there and away, which `--json` has.
        if own.is_empty() && !all.is_empty() {
            lines.push(format!("      {}", paint.dim(one_line(&format!("in {}", all.join(" < "))))));
        }
        let has_lines = failure.places.iter().any(|place| place.line.is_some());
        if !failure.functions.is_empty() && !has_lines && self.hinted != module {
            self.hinted = module;
            let hint = "for files and lines keep debug information: debug = \"line-tables-only\", strip = \"none\" in its Cargo profile";
            lines.push(format!("      {}", paint.dim(hint)));
        }
    }
}

fn named(module: &Module) -> String {
    format!("{} {} ({})", module.manifest.name, module.manifest.version, module.digest.short())
}

/// Microseconds, with three digits.
fn span(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..10_000 => format!("{}.{:02} ms", micros / 1_000, micros % 1_000 / 10),
        10_000..1_000_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        _ => format!("{}.{} s", micros / 1_000_000, micros % 1_000_000 / 100_000),
    }
}

/// Text of clients' and modules', cut, in one line, without what would move a cursor.
fn one_line(text: &str) -> String {
    let mut chars = text.trim_end().chars();
    let cut: String = chars.by_ref().take(MAX_LINE).collect();
    let more = if chars.next().is_some() { "…" } else { "" };
    plain(&cut) + more
}
