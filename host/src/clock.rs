//! The edge where time comes in. Everywhere else, time is an argument.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::domain::Millis;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Now, by the time that this process keeps: what holds, limits and the audit trail go by.
    fn now(&self) -> Millis;

    /// Now, as everybody else's clocks have it: what credentials and certificates are judged by, whose times somebody else has set. It jumps
    /// when the machine's clock is set, and knows of the time for which the machine stood still; [`Clock::now`] does neither.
    fn wall(&self) -> Millis;

    /// What has passed since the clock was started, to the nanosecond, never going back: for the limiter, to which a millisecond
    /// rounded down would be a request too many.
    fn elapsed(&self) -> Duration;
}

/// The machine's clock: the wall clock as it was at the start, plus what has passed since by the monotonic clock. A wall
/// clock that is set while the server runs thus neither ends a hold early nor keeps one alive.
#[derive(Debug)]
pub struct SystemClock {
    wall_at_start: Millis,
    started: Instant,
}

impl SystemClock {
    /// Begins with the wall clock as it is.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the edge")]
    pub fn start() -> Self {
        Self { wall_at_start: machine_wall(), started: Instant::now() }
    }
}

/// What the machine's wall clock says.
#[expect(clippy::disallowed_methods, reason = "this is the edge")]
fn machine_wall() -> Millis {
    Millis(0).plus(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        self.wall_at_start.plus(self.started.elapsed())
    }

    fn wall(&self) -> Millis {
        machine_wall()
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A clock that somebody sets: for tests, simulations and replays.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicI64,
    /// How far its wall clock is ahead, in milliseconds.
    wall_ahead: AtomicI64,
    started: Millis,
}

impl ManualClock {
    /// A clock that stands still at `now`.
    #[must_use]
    pub fn at(now: Millis) -> Self {
        Self { now: AtomicI64::new(now.0), wall_ahead: AtomicI64::new(0), started: now }
    }

    /// Moves it, forward or back.
    pub fn set(&self, now: Millis) {
        self.now.store(now.0, Ordering::SeqCst);
    }

    /// Sets its wall clock apart, as a machine's is when it is set or stood still. From then on both move together.
    pub fn set_wall(&self, wall: Millis) {
        self.wall_ahead.store(wall.0.saturating_sub(self.now().0), Ordering::SeqCst);
    }

    /// Moves it forward.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().plus(by));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Millis {
        Millis(self.now.load(Ordering::SeqCst))
    }

    fn wall(&self) -> Millis {
        Millis(self.now().0.saturating_add(self.wall_ahead.load(Ordering::SeqCst)))
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis((self.now().0 - self.started.0).try_into().unwrap_or(0))
    }
}

/// Measures how long something took, for logs, and whether a shadow hung. Never decides what a client is told.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts it.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the edge")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// What has passed.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// What has passed, in microseconds.
    #[must_use]
    pub fn micros(self) -> u64 {
        u64::try_from(self.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}
