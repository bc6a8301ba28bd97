//! What is not a database of ours, or not now: a clear refusal, and not one byte changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use boxoffice::domain::IdSource;
use boxoffice::store::StoreFailure;
use boxoffice::store::sqlite::{CommitFault, Faults, OpenError, SqliteOptions, SqliteStore};
use rusqlite::Connection;

use super::support::{Place, event, register};

fn open(path: &Path) -> Result<SqliteStore, OpenError> {
    let busy_timeout = std::time::Duration::from_millis(20);
    SqliteStore::open(path, SqliteOptions { busy_timeout, ..SqliteOptions::default() }, IdSource::seeded(2))
}

/// Every file of the folder, but SQLite's shared memory: that is no data, and rebuilt at will.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("the folder").flatten().filter(|entry| entry.path().is_file());
    let named = entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()));
    named
        .filter(|(name, _)| !name.ends_with("-shm"))
        .map(|(name, path)| (name, fs::read(path).expect("a file")))
        .collect()
}

/// The refusal, once it is seen that it changed nothing.
fn refused(place: &Place) -> OpenError {
    let before = files(place.folder.path());
    let refusal = open(&place.path).err().expect("it is refused");
    assert_eq!(files(place.folder.path()), before, "left as it was");
    let message = refusal.to_string();
    println!("{message}");
    assert!(!message.contains('\n') && message.contains(':'), "one line that says what to do: {message}");
    refusal
}

/// A healthy database with a few hundred tickets, closed.
async fn database() -> Place {
    let place = Place::new();
    let store = place.open();
    let gala = event(&store, 1000).await;
    for client in 0..300 {
        register(&store, &gala.id, &format!("{client}@example.org"), None).await.expect("an answer").expect("a seat");
    }
    store.close().await;
    place
}

#[tokio::test]
async fn a_second_host_is_told_who_holds_the_database() {
    let place = Place::new();
    let first = place.open();
    let refusal = open(&place.path).err().expect("it is refused");
    let us = std::process::id().to_string();
    assert!(matches!(&refusal, OpenError::LockedByHost { holder, .. } if *holder == us), "{refusal}");
    let link = place.folder.path().join("link.db");
    std::os::unix::fs::symlink(&place.path, &link).expect("a link");
    assert!(matches!(open(&link), Err(OpenError::LockedByHost { .. })), "by another name too");
    event(&first, 1).await;
    drop(first);
    drop(place.open());
}

#[tokio::test]
async fn a_database_that_another_program_has_locked() {
    let place = database().await;
    let other = Connection::open(&place.path).expect("SQLite opens it");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    assert!(matches!(open(&place.path), Err(OpenError::LockedBySqlite { .. })));
    other.execute_batch("ROLLBACK").expect("it unlocks");
    drop(other);
    drop(place.open());
}

#[test]
fn a_folder_and_a_file_in_no_folder() {
    let place = Place::new();
    let folder = open(place.folder.path());
    assert!(matches!(folder, Err(OpenError::NotAFile { .. })));
    let nowhere = open(&place.folder.path().join("no").join("box.db"));
    assert!(matches!(nowhere, Err(OpenError::NoFolder { .. })));
    assert_eq!(files(place.folder.path()), BTreeMap::new());
}

#[test]
fn a_place_that_may_not_be_written_to() {
    assert!(matches!(open(Path::new("/sys/box.db")), Err(OpenError::ReadOnly { .. })));
}

#[tokio::test]
async fn a_file_that_may_not_be_written_to() {
    let place = database().await;
    let mut permissions = fs::metadata(&place.path).expect("the file").permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&place.path, permissions).expect("permissions");
    if fs::OpenOptions::new().write(true).open(&place.path).is_ok() {
        println!("skipped: this user may write to everything");
        return;
    }
    assert!(matches!(refused(&place), OpenError::ReadOnly { .. }));
}

#[test]
fn a_file_that_is_no_database() {
    for content in [b"Dear diary".to_vec(), vec![0; 4096], vec![b'x'; 100_000]] {
        let place = Place::new();
        fs::write(&place.path, content).expect("a file");
        assert!(matches!(refused(&place), OpenError::NotADatabase { .. }));
    }
}

#[tokio::test]
async fn a_database_that_is_cut_short_anywhere() {
    let place = database().await;
    let whole = fs::read(&place.path).expect("the file");
    for left in [20, 99, 100, 512, 4096, 5000, whole.len() / 2, whole.len() - 1] {
        fs::write(&place.path, &whole[..left]).expect("a file");
        assert!(matches!(refused(&place), OpenError::Truncated { .. }), "{left} bytes");
    }
}

#[tokio::test]
async fn a_database_that_is_cut_short_beside_its_log() {
    let place = Place::new();
    let faults = Faults::default();
    let store = place.open_with(SqliteOptions { faults: faults.clone(), ..SqliteOptions::default() });
    let gala = event(&store, 1000).await;
    register(&store, &gala.id, "ann@example.org", None).await.expect("an answer").expect("a seat");
    // A store that failed leaves the log where it is.
    faults.fail_commit(1, CommitFault::SyncLost);
    assert_eq!(register(&store, &gala.id, "bob@example.org", None).await, Err(StoreFailure::OutcomeUnknown));
    store.close().await;
    let log = place.folder.path().join("box.db-wal");
    assert!(fs::metadata(&log).expect("the log").len() > 0);
    let (whole, log_before) = (fs::read(&place.path).expect("the file"), fs::read(&log).expect("the log"));
    fs::write(&place.path, &whole[..4096]).expect("a file");
    assert!(matches!(refused(&place), OpenError::Truncated { .. }));
    fs::write(&place.path, b"").expect("a file");
    assert!(matches!(refused(&place), OpenError::Damaged { .. }), "a log without its database");
    fs::write(&place.path, &whole).expect("a file");
    assert_eq!(fs::read(&log).expect("the log"), log_before);
    drop(place.open());
    assert_eq!(place.count("1"), 1);
    assert_eq!(place.violations(), [""; 0]);
}

#[tokio::test]
async fn a_file_that_a_crash_in_a_checkpoint_left_short_is_whole_with_its_log() {
    let place = Place::new();
    let faults = Faults::default();
    let options = SqliteOptions { faults: faults.clone(), checkpoint_pages: 100_000, ..SqliteOptions::default() };
    let store = place.open_with(options);
    let gala = event(&store, 1000).await;
    for client in 0..300 {
        register(&store, &gala.id, &format!("{client}@example.org"), None).await.expect("an answer").expect("a seat");
    }
    faults.fail_commit(1, CommitFault::SyncLost);
    assert!(register(&store, &gala.id, "bob@example.org", None).await.is_err());
    store.close().await;
    drop(store);
    // What a checkpoint writes first: the first page, which says how many there are.
    let mut file = fs::read(&place.path).expect("the file");
    file[28..32].copy_from_slice(&60_u32.to_be_bytes());
    fs::write(&place.path, file).expect("a file");
    drop(place.open());
    assert_eq!(place.count("1"), 300);
    assert_eq!(place.violations(), [""; 0]);
}

#[tokio::test]
async fn a_database_whose_structure_is_broken() {
    let place = database().await;
    let whole = fs::read(&place.path).expect("the file");
    let db = place.sqlite();
    let roots: Vec<u32> = db
        .prepare("SELECT rootpage FROM sqlite_schema WHERE rootpage > 0")
        .expect("the schema")
        .query_map([], |row| row.get(0))
        .expect("the schema")
        .flatten()
        .collect();
    drop(db);
    assert_eq!(roots.len(), 17);
    for page in roots.into_iter().chain([1]) {
        let page = page as usize;
        let mut broken = whole.clone();
        let begin = if page == 1 { 100 } else { (page - 1) * 4096 };
        broken[begin..page * 4096].fill(0xa5);
        fs::write(&place.path, broken).expect("a file");
        assert!(matches!(refused(&place), OpenError::Damaged { .. }), "page {page}");
    }
}

#[test]
fn another_applications_database_with_or_without_a_log() {
    for mode in ["DELETE", "WAL"] {
        let place = Place::new();
        let other = place.sqlite();
        other
            .execute_batch(&format!("PRAGMA journal_mode = {mode}; PRAGMA application_id = 7; CREATE TABLE t (x)"))
            .expect("a database");
        if mode == "WAL" {
            // Its log is still there, since the other program is.
            assert!(matches!(refused(&place), OpenError::Foreign { application_id: 0 | 7, .. }));
        }
        drop(other);
        assert!(matches!(refused(&place), OpenError::Foreign { application_id: 7, .. }));
    }
    let place = Place::new();
    place.sqlite().execute_batch("CREATE TABLE t (x)").expect("a database");
    assert!(matches!(refused(&place), OpenError::Foreign { application_id: 0, .. }), "one that names nobody");
}

#[tokio::test]
async fn a_database_of_a_newer_host_even_if_only_its_log_says_so() {
    let place = database().await;
    let newer = place.sqlite();
    newer.execute_batch("PRAGMA user_version = 3").expect("a newer host");
    assert!(matches!(refused(&place), OpenError::NewerSchema { found: 3, known: 2, .. }));
    drop(newer);
    assert!(matches!(refused(&place), OpenError::NewerSchema { found: 3, known: 2, .. }));
}

#[test]
fn an_empty_file_is_a_new_database() {
    let place = Place::new();
    fs::write(&place.path, b"").expect("a file");
    drop(place.open());
    assert_eq!(place.violations(), [""; 0]);
}
