//! Compiled modules are kept, and never trusted further than this user.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::checking::{STANDARD, check};
use crate::running::Running;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

/// What lies in the cache, by name.
fn entries(cache: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// A cache with the standard rules in it, and the path of their entry.
fn filled() -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let (code, told, stderr) = check(&dir, &[STANDARD, "--cache-dir", "cache"]);
    assert_eq!((code, &told["cached"], stderr.as_str()), (Some(0), &Value::from(false), ""));
    let entry = entries(&dir.path().join("cache")).remove(0);
    (dir, entry)
}

/// Checks the standard rules with the cache; gives whether it had them, and the warnings.
fn again(dir: &TempDir) -> (bool, String) {
    let (code, told, stderr) = check(dir, &[STANDARD, "--cache-dir", "cache"]);
    assert_eq!(code, Some(0), "whatever becomes of the cache, the module is good: {told}");
    (told["cached"].as_bool().unwrap(), stderr)
}

#[test]
fn a_second_start_finds_the_code_beside_the_database() {
    let dir = TempDir::new().unwrap();
    let first = Running::start(&dir, &[]);
    assert_eq!(first.rules_loaded()["cached"], false);
    assert!(first.rules_loaded()["load_ms"].is_u64() && first.rules_loaded()["name"] == "standard");
    drop(first);
    let cache = dir.path().join("events.db.cache");
    let entry = entries(&cache).remove(0);
    assert_eq!((mode(&cache), mode(&entry)), (0o700, 0o600));
    let second = Running::start(&dir, &[]);
    assert_eq!(second.rules_loaded()["cached"], true);
    let digest = second.rules_loaded()["module"].as_str().unwrap();
    assert!(entry.file_name().unwrap().to_str().unwrap().starts_with(&format!("{digest}-")), "{entry:?}");
    assert!(second.json("GET", "/events", "", "").0.starts_with("HTTP/1.1 200"), "the code from the cache runs");
    drop(second);
    let off = Running::start(&dir, &["--cache-dir", "off"]);
    assert_eq!(off.rules_loaded()["cached"], false);
}

#[test]
fn an_entry_that_is_not_what_was_written_is_made_anew() {
    let (dir, entry) = filled();
    assert_eq!(again(&dir), (true, String::new()));
    let sound = fs::read(&entry).unwrap();
    let mut flipped = sound.clone();
    flipped[sound.len() / 2] ^= 1;
    let mut other_magic = sound.clone();
    other_magic[0] ^= 1;
    let longer = [&sound[..], b"x"].concat();
    let broken = [flipped, other_magic, longer, sound[..sound.len() - 1].to_vec(), sound[..20].to_vec(), Vec::new()];
    for bytes in broken {
        fs::write(&entry, bytes).unwrap();
        let (cached, warnings) = again(&dir);
        assert!(!cached && warnings.contains("WARN") && warnings.contains("made anew"), "{warnings}");
        assert_eq!(again(&dir), (true, String::new()), "it is whole again");
    }
}

#[test]
fn the_code_of_another_module_under_this_name_is_not_taken() {
    let (dir, entry) = filled();
    fs::copy(harness::unruly_rules(), dir.path().join("other.wasm")).unwrap();
    let (_, told, _) = check(&dir, &["other.wasm", "--cache-dir", "cache"]);
    assert_eq!(told["accepted"], true);
    let others = entries(&dir.path().join("cache")).into_iter().find(|path| *path != entry).unwrap();
    fs::rename(others, &entry).unwrap();
    let (cached, warnings) = again(&dir);
    assert!(!cached && warnings.contains("not what was written"), "{warnings}");
}

#[test]
fn a_module_that_is_refused_takes_nobody_s_place() {
    let (dir, entry) = filled();
    let refused = wat::parse_str("(component (core module $m) (core instance (instantiate $m)))").unwrap();
    fs::write(dir.path().join("refused.wasm"), refused).unwrap();
    let (_, told, _) = check(&dir, &["refused.wasm", "--cache-dir", "cache"]);
    assert_eq!(told["refusal"], "wrong-exports");
    assert_eq!(entries(&dir.path().join("cache")), [entry]);
}

#[test]
fn an_entry_that_others_could_have_put_there_is_not_taken() {
    let (dir, entry) = filled();
    let moved = dir.path().join("elsewhere.cwasm");
    let cases: [(&dyn Fn(), &str); 4] = [
        (&|| fs::set_permissions(&entry, Permissions::from_mode(0o620)).unwrap(), "620"),
        (&|| fs::set_permissions(&entry, Permissions::from_mode(0o604)).unwrap(), "604"),
        (
            &|| {
                fs::rename(&entry, &moved).unwrap();
                symlink(&moved, &entry).unwrap();
            },
            "symbolic link",
        ),
        (
            &|| {
                fs::remove_file(&entry).unwrap();
                assert!(Command::new("mkfifo").arg(&entry).status().unwrap().success());
            },
            "not a file",
        ),
    ];
    for (spoil, says) in cases {
        spoil();
        let (cached, warnings) = again(&dir);
        assert!(!cached && warnings.contains(says), "{says} is missing in {warnings}");
        assert_eq!((again(&dir), mode(&entry)), ((true, String::new()), 0o600), "it is made anew");
    }
}

#[test]
fn a_folder_that_others_can_write_in_is_not_used_and_the_module_is_served_all_the_same() {
    let (dir, entry) = filled();
    let cache = dir.path().join("cache");
    let before = fs::read(&entry).unwrap();
    for bits in [0o720, 0o702, 0o777] {
        fs::set_permissions(&cache, Permissions::from_mode(bits)).unwrap();
        let (cached, warnings) = again(&dir);
        assert!(!cached && warnings.contains("others may write") && warnings.contains("cache"), "{warnings}");
    }
    fs::set_permissions(&cache, Permissions::from_mode(0o700)).unwrap();
    assert_eq!((again(&dir).0, fs::read(&entry).unwrap()), (true, before), "it was left alone");

    fs::rename(&cache, dir.path().join("real")).unwrap();
    symlink(dir.path().join("real"), &cache).unwrap();
    let (cached, warnings) = again(&dir);
    assert!(!cached && warnings.contains("symbolic link"), "{warnings}");
    let (_, told, warnings) = check(&dir, &[STANDARD, "--cache-dir", "cache/"]);
    assert!(told["cached"] == false && warnings.contains("symbolic link"), "nor with a slash: {warnings}");
    fs::remove_file(&cache).unwrap();
    fs::write(&cache, "").unwrap();
    assert!(again(&dir).1.contains("not a folder"));

    let server = Running::start(&dir, &["--cache-dir", "cache"]);
    let warned = server
        .started
        .iter()
        .any(|line| line["level"] == "WARN" && line["message"].to_string().contains("--cache-dir"));
    assert!(warned, "{:?}", server.started);
}

#[test]
fn a_folder_of_another_user_is_not_used() {
    let dir = TempDir::new().unwrap();
    let cache = if rustix::process::geteuid().is_root() {
        let cache = dir.path().join("cache");
        fs::create_dir(&cache).unwrap();
        std::os::unix::fs::chown(&cache, Some(65_534), None).unwrap();
        cache
    } else {
        "/usr".into()
    };
    let (code, told, warnings) = check(&dir, &[STANDARD, "--cache-dir", cache.to_str().unwrap()]);
    assert_eq!((code, &told["cached"]), (Some(0), &Value::from(false)));
    assert!(warnings.contains("belongs to user"), "{warnings}");
}

#[test]
fn a_full_disk_costs_a_warning_and_leaves_nothing_half_written() {
    let dir = TempDir::new().unwrap();
    // 750 KiB a file: enough for what wasmtime keeps in memory as files, too little for 1.5 MiB of code.
    let limited = "trap '' XFSZ; ulimit -f 1500; exec \"$0\" \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", limited, env!("CARGO_BIN_EXE_boxoffice"), "rules", "check", STANDARD, "--cache-dir", "cache"]);
    let output = command.current_dir(dir.path()).env_clear().stdin(Stdio::null()).output().unwrap();
    let warnings = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && warnings.contains("WARN") && warnings.contains("cache"), "{warnings}");
    assert_eq!(entries(&dir.path().join("cache")), Vec::<PathBuf>::new());
}

#[test]
fn many_processes_at_once_agree() {
    let dir = TempDir::new().unwrap();
    std::thread::scope(|scope| {
        let checks: Vec<_> = (0..4).map(|_| scope.spawn(|| again(&dir))).collect();
        for check in checks {
            assert_eq!(check.join().unwrap().1, "", "none of them warns");
        }
    });
    assert_eq!(entries(&dir.path().join("cache")).len(), 1);
    assert!(again(&dir).0);
}

#[test]
fn the_cache_keeps_the_16_entries_used_last_and_no_leftovers() {
    let (dir, entry) = filled();
    let cache = dir.path().join("cache");
    let leftover = cache.join(format!("{}.00000000000000ff.tmp", entry.file_name().unwrap().to_str().unwrap()));
    fs::write(&leftover, "half").unwrap();
    let private = Permissions::from_mode(0o600);
    for n in 0..20 {
        let path = cache.join(format!("{n:064x}-0.cwasm"));
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, private.clone()).unwrap();
    }
    // Used after the others were written, though it was written before them.
    assert!(again(&dir).0);
    fs::copy(harness::unruly_rules(), dir.path().join("other.wasm")).unwrap();
    check(&dir, &["other.wasm", "--cache-dir", "cache"]);
    let left = entries(&cache);
    assert_eq!(left.len(), 16, "{left:?}");
    assert!(left.contains(&entry) && !left.contains(&leftover), "{left:?}");
}
