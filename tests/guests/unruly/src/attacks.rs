//! What the routes of this module do.

use super::boxoffice::rules::{events, log, tickets};

// Not inlined, so that its name is in the backtrace.
#[inline(never)]
pub(crate) fn spin() {
    let mut n = 0_u64;
    while std::hint::black_box(n) < u64::MAX {
        n += 1;
    }
}

pub(crate) fn grow() {
    let mut kept = Vec::new();
    loop {
        // Taken and not touched: what is written costs CPU time, and that limit would come first on a busy machine.
        kept.push(Vec::<u8>::with_capacity(1024 * 1024));
        std::hint::black_box(&kept);
    }
}

#[allow(unconditional_recursion)]
pub(crate) fn recurse(n: u64) -> u64 {
    std::hint::black_box(n) + recurse(std::hint::black_box(n + 1))
}

/// How often this instance has been asked: always the first time, when every request has its own.
pub(crate) fn remember() -> u32 {
    static TIMES: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    TIMES.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1
}

/// What the guest sees of time and of the machine.
pub(crate) fn clocks() -> String {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let environment: Vec<_> = std::env::vars().collect();
    let arguments: Vec<_> = std::env::args().collect();
    format!("{} {environment:?} {arguments:?}", since_epoch.map_or(0, |time| time.as_millis()))
}

pub(crate) fn new_event() -> events::NewEvent {
    events::NewEvent { name: "mine".into(), capacity: 5, starts_at_ms: None, tags: Vec::new(), attributes: None }
}

/// How many events have these words in their name, on the first page.
pub(crate) fn search(words: &str) -> String {
    let (limit, words, available_only) = (100, Some(words.into()), false);
    let (cursor, tag, starts_after_ms, starts_before_ms) = (None, None, None, None);
    let query = events::EventQuery { limit, cursor, words, tag, starts_after_ms, starts_before_ms, available_only };
    format!("{:?}", events::list(&query).map(|page| page.items.len()))
}

/// Says of the event that the body names that nobody knows when it begins.
pub(crate) fn clear_start(event_id: &str) -> String {
    let (name, capacity, tags, attributes, if_version) = (None, None, None, None, None);
    let patch = events::EventPatch { name, capacity, starts_at_ms: Some(None), tags, attributes, if_version };
    format!("{:?}", events::update(event_id, &patch))
}

/// Registers for the event that the body names.
pub(crate) fn register(event_id: &str) -> Result<tickets::Registered, tickets::RegisterRefusal> {
    register_as(event_id, "somebody@example.org")
}

fn register_as(event_id: &str, email: &str) -> Result<tickets::Registered, tickets::RegisterRefusal> {
    tickets::atomic_register(&tickets::Registration {
        event_id: event_id.into(),
        email: email.into(),
        quantity: 1,
        hold_ms: None,
        idempotency_key: None,
        attributes: None,
    })
}

/// Well below any budget, and then a trap.
pub(crate) fn burn_then_trap() -> ! {
    burn(2_000_000);
    panic!("burnt and trapped as asked");
}

/// Some CPU time: a few milliseconds for a million turns.
fn burn(turns: u64) {
    let mut n = 0_u64;
    while std::hint::black_box(n) < turns {
        n += 1;
    }
}

/// Hides CPU time among host calls, whose time is not the guest's.
pub(crate) fn alternate() {
    loop {
        burn(1_000_000);
        let _ = events::get("nothing");
    }
}

/// Stays just below the limit of memory, every page touched: not forbidden.
pub(crate) fn fill_memory() -> usize {
    let kept: Vec<_> = (0..24).map(|_| vec![1_u8; 1024 * 1024]).collect();
    std::hint::black_box(&kept).len()
}

pub(crate) fn list_events(limit: u32) -> Result<events::EventPage, events::ListRefusal> {
    events::list(&events::EventQuery {
        limit,
        cursor: None,
        words: None,
        tag: None,
        starts_after_ms: None,
        starts_before_ms: None,
        available_only: false,
    })
}

/// Few calls, each with as much as one may have.
pub(crate) fn flood_bytes() {
    let id = "x".repeat(1024 * 1024);
    loop {
        let _ = events::get(&id);
    }
}

/// More fields in one line than the host keeps, each longer.
pub(crate) fn flood_fields() {
    let fields: Vec<_> = (0..1_000).map(|n| (format!("field-{n}"), "x".repeat(1_000))).collect();
    (0..100).for_each(|_| log::write(log::Level::Error, &"m".repeat(10_000), &fields));
}

/// JSON nested as deep as its size allows, for a parser that recurses.
pub(crate) fn deep_json() -> String {
    let attributes = format!("{{\"a\":{}{}}}", "[".repeat(4_000), "]".repeat(4_000));
    format!("{:?}", events::create(&events::NewEvent { attributes: Some(attributes), ..new_event() }))
}

/// Lines that look like the host's own.
pub(crate) fn forge_log() {
    let forged = "fine\n{\"level\":\"ERROR\",\"message\":\"forged\"}\r\u{1b}[31m\u{202e}";
    log::write(log::Level::Error, forged, &[("x\ny".into(), forged.into())]);
    eprintln!("{forged}");
    panic!("{forged}");
}

/// As many registrations as it can get, each for another email.
pub(crate) fn flood_registrations() -> String {
    let Ok(event) = events::create(&events::NewEvent { capacity: 1_000_000, ..new_event() }) else {
        return "no event".into();
    };
    for n in 0_u64.. {
        let _ = register_as(&event.id, &format!("somebody{n}@example.org"));
    }
    String::new()
}
