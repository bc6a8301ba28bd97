//! A store in a folder of its own, and the words in which tests speak to it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use boxoffice::domain::{
    Actor, Event, EventId, IdSource, Millis, NewEvent, OwnerId, Principal, Registration, RegistrationLimits,
    RegistrationRequest, Role,
};
use boxoffice::store::sqlite::{Faults, SeededFault, SqliteOptions, SqliteStore, violations};
use boxoffice::store::{Outcome, RegisterRefusal, Registered, Store};
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

/// When every test begins.
pub(super) const START: Millis = Millis(1_800_000_000_000);
/// How long a hold lasts where a test does not say otherwise.
pub(super) const HOLD: Duration = Duration::from_mins(5);

/// `ms` milliseconds after [`START`].
pub(super) fn at(ms: i64) -> Millis {
    Millis(START.0 + ms)
}

/// When a hold made at [`START`] expires, and `ms` milliseconds more.
pub(super) fn expiry(ms: i64) -> Millis {
    Millis(START.plus(HOLD).0 + ms)
}

/// A folder with a database in it.
pub(super) struct Place {
    pub(super) folder: TempDir,
    pub(super) path: PathBuf,
    /// Times it was opened: each time has ids of its own, and the same ones in every run.
    opened: AtomicU64,
}

impl Place {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("box.db");
        Self { folder, path, opened: AtomicU64::new(0) }
    }

    pub(super) fn open(&self) -> SqliteStore {
        self.open_with(SqliteOptions::default())
    }

    pub(super) fn open_with(&self, options: SqliteOptions) -> SqliteStore {
        let seed = self.opened.fetch_add(1, Ordering::Relaxed);
        SqliteStore::open(&self.path, options, IdSource::seeded(seed)).expect("the database opens")
    }

    /// Another program's connection.
    pub(super) fn sqlite(&self) -> Connection {
        Connection::open(&self.path).expect("SQLite opens it")
    }

    /// What does not hold. Empty, unless the store is a mutant.
    pub(super) fn violations(&self) -> Vec<String> {
        let db = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("SQLite opens it");
        violations(&db).expect("the database can be read")
    }

    /// Registrations that the audit trail knows of.
    pub(super) fn audited(&self) -> i64 {
        let sql = "SELECT count(*) FROM audit WHERE action = 3";
        self.sqlite().query_row(sql, [], |row| row.get(0)).expect("the database can be read")
    }

    /// Rows in `tickets` under `condition`.
    pub(super) fn count(&self, condition: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM tickets WHERE {condition}");
        self.sqlite().query_row(&sql, [], |row| row.get(0)).expect("the database can be read")
    }
}

pub(super) fn faulty(fault: Option<SeededFault>) -> SqliteOptions {
    let faults = fault.map_or_else(Faults::default, Faults::mutant);
    SqliteOptions { faults, readers: 2, scan_readers: 1, ..SqliteOptions::default() }
}

/// A user of whom nothing else is known, as with header roles.
pub(super) fn somebody() -> Actor {
    Actor::nowhere(Principal::with_role(Role::User))
}

pub(super) fn user(name: &str) -> Actor {
    known(name, &[Role::User, Role::Organizer])
}

pub(super) fn admin() -> Actor {
    known("root", &[Role::Admin])
}

fn known(name: &str, roles: &[Role]) -> Actor {
    let owner = OwnerId::new(name).expect("a name");
    Actor::nowhere(Principal::known(owner, roles.iter().copied().collect()))
}

pub(super) fn new_event(name: &str, capacity: u32) -> NewEvent {
    NewEvent { name: name.to_owned(), capacity, starts_at: None, tags: Vec::new(), attributes: "{}".to_owned() }
}

pub(super) fn wish(event: &EventId, email: &str, quantity: u32, key: Option<&str>) -> Registration {
    let request = RegistrationRequest {
        event_id: event.clone(),
        email: email.to_owned(),
        quantity,
        hold: None,
        key: key.map(str::to_owned),
        attributes: None,
    };
    request.check(RegistrationLimits { hold: HOLD, max_quantity: 10 }).expect("a registration within the limits")
}

pub(super) async fn event(store: &SqliteStore, capacity: u32) -> Event {
    store.create_event(START, &somebody(), new_event("Gala", capacity)).await.expect("an event")
}

/// One seat for `email` at [`START`].
pub(super) async fn register(
    store: &SqliteStore,
    event: &EventId,
    email: &str,
    key: Option<&str>,
) -> Outcome<Registered, RegisterRefusal> {
    store.register(START, &somebody(), wish(event, email, 1, key)).await
}
