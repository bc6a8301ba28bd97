//! Databases that cannot be used: a clear line, exit code 1, and the file untouched.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::running::{Running, assert_refused, run};

const SERVE: [&str; 5] = ["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];

/// A database with something in it, closed in good order.
fn database(dir: &TempDir) {
    let server = Running::start(dir, &[]);
    server.json("POST", "/events", "organizer", r#"{"name": "x", "capacity": 1}"#);
    server.signal(rustix::process::Signal::TERM);
    assert!(server.wait().0.success());
}

/// Starts the program on the folder's database; it must refuse, and change nothing.
#[track_caller]
fn assert_untouched(dir: &Path, mentions: &[&str]) {
    let db = dir.join("events.db");
    let before = std::fs::read(&db).ok();
    assert_refused(&run(dir, &SERVE), 1, mentions);
    assert_eq!(std::fs::read(&db).ok(), before, "the file was changed");
    for leftover in ["events.db-wal", "events.db-shm"] {
        assert!(!dir.join(leftover).exists(), "{leftover} was left behind");
    }
}

#[test]
fn what_is_no_database_is_refused() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("events.db"), "dear diary, this is not a database\n".repeat(100)).unwrap();
    assert_untouched(dir.path(), &["events.db"]);
}

#[test]
fn a_truncated_database_is_refused() {
    let dir = TempDir::new().unwrap();
    database(&dir);
    let db = dir.path().join("events.db");
    let whole = std::fs::read(&db).unwrap();
    std::fs::write(&db, &whole[..whole.len() / 2]).unwrap();
    assert_untouched(dir.path(), &["events.db"]);
}

#[test]
fn another_programs_database_is_refused() {
    let dir = TempDir::new().unwrap();
    let other = Connection::open(dir.path().join("events.db")).unwrap();
    other.execute_batch("CREATE TABLE diary (entry TEXT); INSERT INTO diary VALUES ('private')").unwrap();
    drop(other);
    assert_untouched(dir.path(), &["events.db"]);
}

#[test]
fn a_database_of_a_newer_version_is_refused() {
    let dir = TempDir::new().unwrap();
    database(&dir);
    let db = Connection::open(dir.path().join("events.db")).unwrap();
    db.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA user_version = 9999").unwrap();
    drop(db);
    assert_untouched(dir.path(), &["events.db", "newer"]);
}

#[test]
fn a_second_host_is_refused_and_told_who_is_there() {
    let dir = TempDir::new().unwrap();
    let first = Running::start(&dir, &[]);
    let output = run(dir.path(), &SERVE);
    assert_refused(&output, 1, &["events.db"]);
    assert_eq!(first.json("GET", "/events", "", "").1["items"], serde_json::json!([]), "the first goes on");
}

/// Somebody who may not write what belongs to somebody else. Root may, so a child of root becomes nobody first.
const NOBODY: u32 = 65_534;

#[test]
fn a_database_that_cannot_be_written_is_refused() {
    let dir = TempDir::new().unwrap();
    database(&dir);
    let db = dir.path().join("events.db");
    std::fs::set_permissions(&db, std::fs::Permissions::from_mode(0o444)).unwrap();
    let before = std::fs::read(&db).unwrap();
    let output = if rustix::process::geteuid().is_root() {
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        // Where nobody may run it from; the original may lie in a private folder.
        let copy = dir.path().join("program");
        std::fs::copy(env!("CARGO_BIN_EXE_boxoffice"), &copy).unwrap();
        std::process::Command::new(copy).current_dir(dir.path()).args(SERVE).uid(NOBODY).output().unwrap()
    } else {
        run(dir.path(), &SERVE)
    };
    assert_refused(&output, 1, &["events.db"]);
    assert_eq!(std::fs::read(&db).unwrap(), before);
}

#[test]
fn a_database_with_two_names_is_refused() {
    let dir = TempDir::new().unwrap();
    database(&dir);
    std::fs::hard_link(dir.path().join("events.db"), dir.path().join("other.db")).unwrap();
    assert_untouched(dir.path(), &["events.db", "hard links"]);
}

#[test]
fn a_lock_that_is_somebodys_file_is_left_alone() {
    let dir = TempDir::new().unwrap();
    let (victim, lock) = (dir.path().join("victim"), dir.path().join("events.db-lock"));
    std::fs::write(&victim, "precious").unwrap();
    std::os::unix::fs::symlink(&victim, &lock).unwrap();
    assert_refused(&run(dir.path(), &SERVE), 1, &["events.db-lock"]);
    std::fs::remove_file(&lock).unwrap();
    std::fs::rename(&victim, &lock).unwrap();
    assert_refused(&run(dir.path(), &SERVE), 1, &["events.db-lock"]);
    assert_eq!(std::fs::read(&lock).unwrap(), b"precious");
    assert!(!dir.path().join("events.db").exists(), "no database was made");
}

#[test]
fn a_database_that_is_taken_away_stops_the_host_with_exit_code_1() {
    let dir = TempDir::new().unwrap();
    let server = Running::start(&dir, &["--sweep-interval", "20ms"]);
    std::fs::rename(dir.path().join("events.db"), dir.path().join("elsewhere.db")).unwrap();
    let (status, _, log) = server.wait();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("was moved or removed while in use"), "{log}");
}

#[test]
fn a_folder_that_is_not_there_is_refused() {
    let dir = TempDir::new().unwrap();
    let mut arguments = SERVE.to_vec();
    arguments.extend(["--db", "nowhere/events.db"]);
    assert_refused(&run(dir.path(), &arguments), 1, &["nowhere"]);
}
