//! The attacks on a server that runs, and what must come of each.

use boxoffice::wasm::Cause;

/// Where the module of an attack comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// `tests/guests/unruly`: many attacks, by route.
    Unruly,
    /// One file of `tests/guests/wat`: one attack.
    Text(&'static str),
}

/// What an attacker must get.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expected {
    /// The module's own answer: it may do this. The body contains this text.
    Answer(u16, &'static str),
    /// A failure of one of these causes, told to the operator in words that contain this text.
    Failure(&'static [Cause], &'static str),
}

/// One attack.
#[derive(Debug, Clone, Copy)]
pub struct Attack {
    /// Its name, and that of its route or file.
    pub name: &'static str,
    pub(super) source: Source,
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) role: &'static str,
    pub(super) innocent: &'static str,
    /// Attackers at the same time.
    pub(super) at_once: usize,
    pub(super) expected: Expected,
}

const TRAP: &[Cause] = &[Cause::Trap];
const CPU: &[Cause] = &[Cause::CpuBudget];
/// Spinning beside many others takes long: whichever limit is reached first.
const CPU_OR_WALL: &[Cause] = &[Cause::CpuBudget, Cause::WallClock];
const WALL: &[Cause] = &[Cause::WallClock];
const MEMORY: &[Cause] = &[Cause::MemoryLimit];
const CALLS: &[Cause] = &[Cause::HostCallQuota];
const CALLS_OR_WALL: &[Cause] = &[Cause::HostCallQuota, Cause::WallClock];
const ANSWER: &[Cause] = &[Cause::BadResponse];

/// All of them, those of one module together.
#[must_use]
pub fn attacks() -> Vec<Attack> {
    [rust(), text()].concat()
}

fn unruly(path: &'static str, expected: Expected) -> Attack {
    let name = path.trim_start_matches('/').split('?').next().unwrap_or(path);
    Attack { name, source: Source::Unruly, method: "GET", path, role: "", innocent: "/look", at_once: 8, expected }
}

fn wild(name: &'static str, expected: Expected) -> Attack {
    let source = Source::Text(name);
    Attack { name, source, method: "GET", path: "/attack", role: "", innocent: "/fine", at_once: 8, expected }
}

fn rust() -> Vec<Attack> {
    use Expected::{Answer, Failure};
    vec![
        unruly("/trap", Failure(TRAP, "trapped as asked")),
        unruly("/spin", Failure(CPU, "unruly_rules::attacks::spin")),
        Attack { name: "64 spin", at_once: 64, ..unruly("/spin", Failure(CPU_OR_WALL, "")) },
        unruly("/burn-then-trap", Failure(TRAP, "burnt and trapped as asked")),
        unruly("/alternate", Failure(CPU, "CPU budget")),
        unruly("/grow", Failure(MEMORY, "67108864")),
        Attack { name: "16 fill-memory", at_once: 16, ..unruly("/fill-memory", Answer(200, "24")) },
        unruly("/recurse", Failure(TRAP, "recurse")),
        unruly("/sleep?ms=60000", Failure(WALL, "no answer within")),
        unruly("/flood-log", Answer(200, "fine")),
        unruly("/flood-fields", Answer(200, "fine")),
        unruly("/forge-log", Failure(TRAP, "forged")),
        unruly("/chatter", Answer(200, "fine")),
        unruly("/flood-calls", Failure(CALLS_OR_CPU, "")),
        unruly("/flood-bytes", Failure(CALLS, "bytes of host calls")),
        unruly("/huge-call", Failure(CALLS, "")),
        Attack { method: "POST", role: "admin", ..unruly("/flood-registrations", Failure(CALLS_OR_WALL, "")) },
        unruly("/vast-answer", Failure(MEMORY, "67108864")),
        unruly("/whole-memory", Failure(ANSWER, "")),
        unruly("/big-answer", Failure(ANSWER, "1048577 bytes")),
        unruly("/many-headers", Failure(ANSWER, "10000 headers")),
        unruly("/long-header", Failure(ANSWER, "65536 bytes")),
        unruly("/bad-header", Failure(ANSWER, "x-bad")),
        unruly("/steal-header", Failure(ANSWER, "content-length")),
        unruly("/proxy-header", Failure(ANSWER, "x-accel-redirect")),
        unruly("/bad-status?status=600", Failure(ANSWER, "600")),
        Attack { role: "admin", ..unruly("/deep-json", Answer(200, "Invalid")) },
        unruly("/exit", Failure(TRAP, "")),
        unruly("/abort", Failure(TRAP, "unreachable")),
        // The route asks for no role; the host function does.
        Attack { name: "lie about access", method: "POST", ..unruly("/create", Answer(200, "AccessDenied")) },
    ]
}

/// A thousand pages cost more than the budget, if there is much to list.
const CALLS_OR_CPU: &[Cause] = &[Cause::HostCallQuota, Cause::CpuBudget];

fn text() -> Vec<Attack> {
    use Expected::Failure;
    vec![
        wild("post-return-traps", Failure(TRAP, "unreachable")),
        wild("post-return-loops", Failure(CPU, "")),
        wild("realloc-traps", Failure(TRAP, "unreachable")),
        wild("realloc-loops", Failure(CPU, "")),
        wild("realloc-lies", Failure(ANSWER, "realloc")),
        wild("realloc-misaligns", Failure(ANSWER, "realloc")),
        wild("realloc-calls-back", Failure(TRAP, "cannot leave")),
        wild("bad-utf8", Failure(TRAP, "utf-8")),
        wild("text-outside-memory", Failure(TRAP, "out of bounds")),
        wild("endless-list", Failure(TRAP, "out of bounds")),
        wild("no-such-level", Failure(TRAP, "")),
        wild("same-text-many-times", Failure(ANSWER, "")),
        wild("answer-outside-memory", Failure(ANSWER, "out of bounds")),
        wild("unaligned-answer", Failure(ANSWER, "aligned")),
        wild("forged-handle", Failure(TRAP, "handle")),
        wild("call-wrong-type", Failure(TRAP, "indirect call")),
        wild("memory-edges", Failure(TRAP, "out of bounds")),
        wild("grow-table", Failure(MEMORY, "20000")),
        wild("fill-in-a-row", Failure(CPU_OR_WALL, "")),
        wild("random-flood", Failure(CPU, "CPU budget")),
        wild("huge-random", Failure(TRAP, "")),
        wild("zero-flood", Failure(TRAP, "")),
        wild("poll-for-ever", Failure(WALL, "no answer within")),
        wild("poll-many", Failure(CPU, "")),
        wild("leak-pollables", Failure(MEMORY, "4096")),
        wild("leak-streams", Failure(MEMORY, "4096")),
        wild("hoard-handles", Failure(MEMORY, "4096")),
        Attack { at_once: 32, ..wild("long-names", Failure(TRAP, "nnnnnnnn")) },
    ]
}
