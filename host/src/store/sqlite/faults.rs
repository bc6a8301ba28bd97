//! Seeded faults: what the tests must catch. Without the feature `seeded-faults` none of this is in the program.

#[cfg(feature = "seeded-faults")]
pub use seeded::{CommitFault, Faults, SeededFault};

/// Whether this is that mutant. Without the feature a constant `false`, and the mutant's branch is compiled away.
macro_rules! mutant {
    ($faults:expr, $fault:ident) => {{
        #[cfg(feature = "seeded-faults")]
        {
            $faults.is($crate::store::sqlite::faults::SeededFault::$fault)
        }
        #[cfg(not(feature = "seeded-faults"))]
        {
            let _: &$crate::store::sqlite::faults::Faults = &$faults;
            false
        }
    }};
}
pub(super) use mutant;

/// A healthy store on a healthy disk.
#[cfg(not(feature = "seeded-faults"))]
#[derive(Debug, Clone, Default)]
pub(super) struct Faults;

#[cfg(not(feature = "seeded-faults"))]
impl Faults {
    /// Loses no time.
    #[expect(clippy::unused_self, reason = "a slow one looks at it")]
    pub(super) fn dawdle(&self) {}

    /// Commits.
    #[expect(clippy::unused_self, reason = "a mutant looks at it")]
    pub(super) fn commit(
        &self,
        db: &rusqlite::Connection,
        commit: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        commit(db)
    }
}

#[cfg(feature = "seeded-faults")]
mod seeded {
    use std::sync::{Arc, Condvar, Mutex, PoisonError};
    use std::time::Duration;

    use rusqlite::{Connection, ffi};

    /// One way to be wrong, each of which a test must catch.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum SeededFault {
        /// Availability is read before the transaction, and the update has no guard.
        CheckThenInsert,
        /// The answer goes out before the commit.
        AcknowledgeBeforeCommit,
        /// The idempotency key is stored after the ticket.
        KeyInAnotherTransaction,
        /// A key is looked up without its owner.
        KeysOfEverybody,
        /// A replay is not compared with what the key was used for.
        FingerprintIgnored,
        /// Cancelling twice returns the seats twice.
        DoubleReturnOfSeats,
        /// A hold is over one millisecond too late.
        ExpiryOffByOne,
        /// The sweeper releases confirmed tickets too.
        SweeperIgnoresConfirm,
        /// A swept hold looks as if somebody had cancelled it.
        SweeperStampsNow,
        /// One ticket for each event and email for ever.
        PlainUnique,
        /// Due holds keep their seats until they are swept.
        DueHoldsCountAsTaken,
        /// Once sold out, always sold out.
        HintIsAPromise,
        /// The capacity may fall below what is sold.
        CapacityUnchecked,
        /// A page begins with the last item of the page before.
        CursorOffByOne,
        /// Everybody sees every ticket.
        OwnersIgnored,
        /// Who registered is written after the ticket.
        AuditInAnotherTransaction,
        /// Who cancelled is not written.
        CancelUnaudited,
        /// What a job has written that failed is not undone.
        HalfAJobStays,
        /// What is kept of reads is let go of only when the writes have been answered.
        StampAfterAnswers,
        /// What is kept of reads is let go of only when others can see the writes.
        StampAfterCommit,
        /// What is kept of reads outlives the holds that it counts.
        DueHoldsForgotten,
    }

    impl SeededFault {
        /// Those that show in what the store says.
        pub const OF_THE_STORE: [Self; 18] = [
            Self::CheckThenInsert,
            Self::AcknowledgeBeforeCommit,
            Self::KeyInAnotherTransaction,
            Self::KeysOfEverybody,
            Self::FingerprintIgnored,
            Self::DoubleReturnOfSeats,
            Self::ExpiryOffByOne,
            Self::SweeperIgnoresConfirm,
            Self::SweeperStampsNow,
            Self::PlainUnique,
            Self::DueHoldsCountAsTaken,
            Self::HintIsAPromise,
            Self::CapacityUnchecked,
            Self::CursorOffByOne,
            Self::OwnersIgnored,
            Self::AuditInAnotherTransaction,
            Self::CancelUnaudited,
            Self::HalfAJobStays,
        ];

        /// Those that show only in what somebody keeps of it.
        pub const OF_WHAT_IS_KEPT: [Self; 3] =
            [Self::StampAfterAnswers, Self::StampAfterCommit, Self::DueHoldsForgotten];
    }

    /// How a commit fails.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum CommitFault {
        /// The disk is full; nothing was written.
        DiskFull,
        /// The sync fails and the transaction is lost.
        SyncLost,
        /// The sync fails and the transaction is there all the same.
        SyncKept,
    }

    /// What is wrong with a store. Its clones are one and the same.
    #[derive(Debug, Clone, Default)]
    pub struct Faults {
        mutant: Option<SeededFault>,
        max_pages: Option<u32>,
        panics: bool,
        dawdles: bool,
        commit: Arc<Mutex<Option<(u32, CommitFault)>>>,
        held: Arc<(Mutex<Held>, Condvar)>,
    }

    /// The words whose searches stand still, and how many do.
    type Held = (Option<String>, u32);

    /// Longest that a search stands still: a test that fails ends all the same.
    const HELD: Duration = Duration::from_secs(30);
    /// How much time a writer loses that dawdles.
    const PAUSE: Duration = Duration::from_millis(2);

    impl Faults {
        /// A mutant.
        #[must_use]
        pub fn mutant(fault: SeededFault) -> Self {
            Self { mutant: Some(fault), ..Self::default() }
        }

        /// A healthy store on a disk that has only this many pages.
        #[must_use]
        pub fn small_disk(pages: u32) -> Self {
            Self { max_pages: Some(pages), ..Self::default() }
        }

        /// A store that panics when somebody called `panic@example.org` registers.
        #[must_use]
        pub fn panicking() -> Self {
            Self { panics: true, ..Self::default() }
        }

        /// The same as a mutant, too.
        #[must_use]
        pub fn with(self, mutant: Option<SeededFault>) -> Self {
            Self { mutant, ..self }
        }

        /// The same, with a writer that loses some time wherever it could be seen: before each commit, after it, and after the answers.
        #[must_use]
        pub fn dawdling(self) -> Self {
            Self { dawdles: true, ..self }
        }

        /// Loses some time, if it is to.
        pub(in super::super) fn dawdle(&self) {
            if self.dawdles {
                // Nobody unparks it; if somebody did, it would lose less.
                std::thread::park_timeout(PAUSE);
            }
        }

        /// Gives the disk its size.
        pub(in super::super) fn prepare(&self, db: &Connection) -> rusqlite::Result<()> {
            match self.max_pages {
                Some(pages) => db.execute_batch(&format!("PRAGMA max_page_count = {pages}")),
                None => Ok(()),
            }
        }

        /// Panics if it is to.
        pub(in super::super) fn stumble(&self, email: &str) {
            assert!(!(self.panics && email == "panic@example.org"), "a seeded panic");
        }

        /// Lets the `nth` commit from now on fail; 1 is the next one.
        pub fn fail_commit(&self, nth: u32, how: CommitFault) {
            *self.commit.lock().unwrap_or_else(PoisonError::into_inner) = Some((nth, how));
        }

        /// Lets searches for exactly these words stand still, each with its reader, until they are to go on (`None`).
        pub fn hold_searches(&self, words: Option<&str>) {
            let (held, changed) = &*self.held;
            held.lock().unwrap_or_else(PoisonError::into_inner).0 = words.map(str::to_owned);
            changed.notify_all();
        }

        /// Searches that stand still.
        #[must_use]
        pub fn held_searches(&self) -> u32 {
            self.held.0.lock().unwrap_or_else(PoisonError::into_inner).1
        }

        /// Stands still if it is to.
        pub(in super::super) fn stand_still(&self, words: Option<&str>) {
            let (held, changed) = &*self.held;
            let mut now = held.lock().unwrap_or_else(PoisonError::into_inner);
            if words.is_none() || now.0.as_deref() != words {
                return;
            }
            now.1 += 1;
            let waited = changed.wait_timeout_while(now, HELD, |now| now.0.as_deref() == words);
            waited.unwrap_or_else(PoisonError::into_inner).0.1 -= 1;
        }

        pub(in super::super) fn is(&self, fault: SeededFault) -> bool {
            self.mutant == Some(fault)
        }

        /// Commits, or fails as it was told to.
        pub(in super::super) fn commit(
            &self,
            db: &Connection,
            commit: impl FnOnce(&Connection) -> rusqlite::Result<()>,
        ) -> rusqlite::Result<()> {
            let error = |code| Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
            match self.due() {
                None => commit(db),
                Some(CommitFault::DiskFull) => error(ffi::SQLITE_FULL),
                Some(CommitFault::SyncLost) => {
                    db.execute_batch("ROLLBACK")?;
                    error(ffi::SQLITE_IOERR_FSYNC)
                }
                Some(CommitFault::SyncKept) => {
                    commit(db)?;
                    error(ffi::SQLITE_IOERR_FSYNC)
                }
            }
        }

        fn due(&self) -> Option<CommitFault> {
            let mut planned = self.commit.lock().unwrap_or_else(PoisonError::into_inner);
            let (nth, how) = (*planned)?;
            *planned = (nth > 1).then_some((nth - 1, how));
            (nth <= 1).then_some(how)
        }
    }
}
