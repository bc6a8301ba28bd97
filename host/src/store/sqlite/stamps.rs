//! The stamp: names the state that readers see, so that what was read from it can be kept until it changes.
//!
//! # Why an answer that is kept is never too old
//!
//! The stamp is even while nothing changes, and odd while a commit may become visible. Only the writer moves it: it makes the stamp odd
//! *before* a COMMIT that changes rows, even again *after* it, and only then sends the answers of the batch. Whoever keeps answers
//!
//! 1. looks at the stamp before the first read, and keeps an answer with that stamp only if it was even;
//! 2. gives a kept answer only to who, having looked at the stamp, finds the same number.
//!
//! Let an answer be kept with the even stamp `s` and given at a moment at which somebody looked and found `s`; call that moment `g`.
//!
//! - *It is the answer of the state at `g`.* The stamp only grows, so it was `s` from the first look to `g`. All that had been committed before
//!   `s` came was visible to its reads: the writer stored `s` (release) after COMMIT had returned, and the reader loaded it (acquire) before it
//!   began its snapshot. And no later commit was visible to them: had a read seen one, the stamp would have been odd before (next point), and
//!   never `s` again at `g`, which comes after that read.
//! - *Whoever sees a commit finds the stamp moved.* The odd stamp is stored before COMMIT writes a word of the log's index, with a full fence
//!   in between: a store that is only a release may be overtaken by later ones. A reader gets to see the commit by loading the index's header,
//!   between whose two copies SQLite has full barriers on both sides, and it takes only headers whose copies agree. So whatever happens after
//!   such a read, in this thread or in one that has heard from it (answers go through channels and the kernel), loads the odd stamp or a later
//!   one, and is given nothing that was kept before.
//! - *Whoever has an acknowledgement finds the stamp moved*, since it is even again before the first answer of the batch is sent.
//!
//! So each answer that is given, kept or not, is that of a moment between its request and its arrival (linearizability), but for time: due holds
//! count as free without a commit, which is why [`crate::store::Store::next_expiry`] bounds how long an answer is kept.
//!
//! A commit whose outcome is not known leaves the stamp odd for good: nothing is kept any more, and the host ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use rusqlite::Connection;

use crate::store::Stamp;

/// Seen by everybody, moved by the writer alone. Clones are one and the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Stamps(Arc<AtomicU64>);

impl Stamps {
    /// The present one; `None` while a commit may become visible.
    pub(super) fn present(&self) -> Option<Stamp> {
        let now = self.0.load(Ordering::Acquire);
        now.is_multiple_of(2).then_some(Stamp(now))
    }

    /// A commit that changes rows is about to begin.
    pub(super) fn unsettle(&self) {
        // One writer: between the load and the store nobody moves it.
        self.0.store(self.0.load(Ordering::Relaxed) | 1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// It is visible to whoever begins to read from now on, or has surely come to nothing.
    pub(super) fn settle(&self) {
        self.0.store((self.0.load(Ordering::Relaxed) | 1).wrapping_add(1), Ordering::Release);
    }
}

/// What the writer knows of the changes so far.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Rows changed by this connection, those that were rolled back included.
    rows: u64,
    /// Moves when another connection has written: an operator's `sqlite3`, which no lock of ours keeps out.
    others: Option<i64>,
}

impl Ledger {
    /// Whether there may be something new since this was asked last: rows of the open transaction, or commits of other programs, which are
    /// seen here only, at the next write or sweep. Transactions that change nothing (refusals, replays, sweeps that find nothing) keep what
    /// is kept.
    pub(super) fn has_moved(&mut self, db: &Connection) -> bool {
        let asked = db.prepare_cached("PRAGMA data_version").and_then(|mut sql| sql.query_row([], |row| row.get(0)));
        let now = Self { rows: db.total_changes(), others: asked.ok() };
        let moved = now.rows != self.rows || now.others != self.others || now.others.is_none();
        *self = now;
        moved
    }
}
