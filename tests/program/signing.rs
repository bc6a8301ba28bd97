//! `boxoffice rules keygen`, `rules sign`, and `--rules-trust`

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::checking::{STANDARD, check};
use crate::running::{Running, assert_refused, program, run};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Runs a command that must go well; gives the JSON that it prints.
fn told(dir: &TempDir, arguments: &[&str]) -> Value {
    let output = run(dir.path(), &[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A folder with a key, a module, and the module's signature.
fn signed() -> (TempDir, String) {
    let dir = TempDir::new().unwrap();
    fs::copy(STANDARD, dir.path().join("m.wasm")).unwrap();
    let made = told(&dir, &["rules", "keygen", "k"]);
    let signed = told(&dir, &["rules", "sign", "--key", "k", "m.wasm"]);
    assert_eq!((&signed["key"], signed["signature"].as_str()), (&made["key"], Some("m.wasm.sig")));
    let key = made["key"].as_str().unwrap().to_owned();
    assert_eq!(key.len(), 16, "{made}");
    (dir, key)
}

/// What `rules check --rules-trust k.pub` says of the module.
fn refusal(dir: &TempDir, trust: &str) -> (Option<String>, Value) {
    let (_, told, _) = check(dir, &["m.wasm", "--rules-trust", trust]);
    (told["refusal"].as_str().map(str::to_owned), told)
}

#[test]
fn a_signed_module_is_served_and_told_with_its_key() {
    let (dir, key) = signed();
    let (code, told, _) = check(&dir, &["m.wasm", "--rules-trust", "k.pub"]);
    assert_eq!((code, told["signed_by"].as_str()), (Some(0), Some(key.as_str())));
    let text = run(dir.path(), &["rules", "check", "m.wasm", "--rules-trust", "k.pub"]).stdout;
    assert!(String::from_utf8(text).unwrap().contains(&format!("signed  by key {key}")));
    assert_eq!(check(&dir, &["m.wasm"]).1["signed_by"], Value::Null, "nobody asked");
    let server = Running::start(&dir, &["--rules", "m.wasm", "--rules-trust", "k.pub"]);
    assert_eq!(server.rules_loaded()["module"], told["digest"]);
}

#[test]
fn without_a_fitting_signature_nothing_is_served_and_no_database_is_made() {
    let (dir, _) = signed();
    fs::copy(harness::unruly_rules(), dir.path().join("other.wasm")).unwrap();
    fs::copy(dir.path().join("m.wasm.sig"), dir.path().join("other.wasm.sig")).unwrap();
    fs::copy(STANDARD, dir.path().join("bare.wasm")).unwrap();
    let before = fs::read_dir(dir.path()).unwrap().count();
    let serve = |module: &str| {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--rules", module];
        program(dir.path()).args(arguments).env("BOXOFFICE_RULES_TRUST", "k.pub").output().unwrap()
    };
    assert_refused(&serve("bare.wasm"), 1, &["--rules bare.wasm", "(unsigned)", "boxoffice rules sign"]);
    assert_refused(&serve("other.wasm"), 1, &["--rules other.wasm", "(wrong-signature)", "sign it again"]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), before, "nothing was made");
    // Not one byte of it is looked at: what is no module is refused for its signature, too.
    fs::write(dir.path().join("m.wasm"), "nonsense").unwrap();
    assert_eq!(refusal(&dir, "k.pub").0.as_deref(), Some("wrong-signature"));
}

#[test]
fn the_built_in_rules_need_no_signature() {
    let (dir, _) = signed();
    let server = Running::start(&dir, &["--rules-trust", "k.pub"]);
    assert_eq!(server.rules_loaded()["name"], "standard");
}

#[test]
fn a_signature_that_is_not_whole_is_a_wrong_one() {
    let (dir, _) = signed();
    let path = dir.path().join("m.wasm.sig");
    let sound = fs::read(&path).unwrap();
    assert_eq!((sound.len(), sound.last()), (89, Some(&b'\n')), "one line");
    let mut changed = sound.clone();
    changed[0] = if changed[0] == b'A' { b'B' } else { b'A' };
    let twice = [&sound[..], &sound[..]].concat();
    let long = [&sound[..], &[b' '; 300][..]].concat();
    for spoiled in [&sound[..40], &sound[1..], b"", b"\xff\xfe", &changed, &twice, &long] {
        fs::write(&path, spoiled).unwrap();
        let (refusal, told) = refusal(&dir, "k.pub");
        assert_eq!(refusal.as_deref(), Some("wrong-signature"), "{told}");
    }
    // As an editor or another system leaves it.
    fs::write(&path, [sound.trim_ascii(), b"\r\n"].concat()).unwrap();
    assert_eq!(refusal(&dir, "k.pub").0, None);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let (refused, told) = refusal(&dir, "k.pub");
    assert_eq!(refused.as_deref(), Some("wrong-signature"));
    assert!(told["message"].as_str().unwrap().contains("m.wasm.sig: it is not a file"), "{told}");
    assert_eq!(check(&dir, &["m.wasm"]).0, Some(0), "who trusts everybody does not look");
}

#[test]
fn one_of_several_keys_is_enough_and_another_is_none() {
    let (dir, key) = signed();
    let other = told(&dir, &["rules", "keygen", "other"])["key"].as_str().unwrap().to_owned();
    let (refused, wrong) = refusal(&dir, "other.pub");
    assert_eq!(refused.as_deref(), Some("wrong-signature"));
    assert!(wrong["message"].as_str().unwrap().contains(&other), "it says which keys are trusted: {wrong}");
    assert_eq!(check(&dir, &["m.wasm", "--rules-trust", "other.pub", "--rules-trust", "k.pub"]).1["signed_by"], key);
    assert_eq!(check(&dir, &["m.wasm", "--rules-trust", "k.pub,other.pub"]).1["signed_by"], key);
    told(&dir, &["rules", "sign", "--key", "other", "m.wasm"]);
    assert_eq!(refusal(&dir, "k.pub").0.as_deref(), Some("wrong-signature"), "signed again, by another");
    let leftovers = fs::read_dir(dir.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".tmp"));
    assert_eq!(leftovers.count(), 0);
}

#[test]
fn keys_are_private_and_never_overwritten() {
    let (dir, _) = signed();
    let (private, public) = (dir.path().join("k"), dir.path().join("k.pub"));
    assert_eq!((mode(&private), mode(&public) & 0o600), (0o600, 0o600));
    let before = (fs::read(&private).unwrap(), fs::read(&public).unwrap());
    assert!(
        before.0.starts_with(b"-----BEGIN PRIVATE KEY-----\n") && before.1.starts_with(b"-----BEGIN PUBLIC KEY-----\n")
    );
    assert_refused(&run(dir.path(), &["rules", "keygen", "k"]), 1, &["k is there already", "never overwritten"]);
    assert_eq!((fs::read(&private).unwrap(), fs::read(&public).unwrap()), before);
    // Nor is half a key made where only the other half is.
    fs::write(dir.path().join("half.pub"), "mine").unwrap();
    assert_refused(&run(dir.path(), &["rules", "keygen", "half"]), 1, &["half.pub is there already"]);
    assert!(!dir.path().join("half").exists());
    assert_refused(&run(dir.path(), &["rules", "keygen", "no/folder"]), 1, &["no/folder cannot be made"]);
}

#[test]
fn a_private_key_that_others_can_read_signs_nothing() {
    let (dir, _) = signed();
    let sign = || run(dir.path(), &["rules", "sign", "--key", "k", "m.wasm"]);
    for bits in [0o640, 0o604, 0o620] {
        fs::set_permissions(dir.path().join("k"), Permissions::from_mode(bits)).unwrap();
        assert_refused(&sign(), 1, &["--key k", &format!("{bits:o}"), "chmod 600"]);
    }
    fs::set_permissions(dir.path().join("k"), Permissions::from_mode(0o400)).unwrap();
    assert!(sign().status.success());
}

#[test]
fn what_is_no_key_is_told_by_name_with_what_to_do() {
    let (dir, _) = signed();
    fs::write(dir.path().join("empty"), "").unwrap();
    fs::write(dir.path().join("garbage"), "-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----\n").unwrap();
    fs::write(dir.path().join("large"), vec![b'x'; 20_000]).unwrap();
    fs::create_dir(dir.path().join("folder")).unwrap();
    // The neutral element of the curve: everything is signed by it.
    let weak = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n-----END PUBLIC KEY-----\n";
    fs::write(dir.path().join("weak"), weak).unwrap();
    assert!(Command::new("mkfifo").arg(dir.path().join("pipe")).status().unwrap().success());
    let cases = [
        ("k", "private key: name its public half"),
        ("empty", "no public key in PEM"),
        ("garbage", "no Ed25519 public key"),
        ("large", "more than 16384 bytes"),
        ("folder", "not a file"),
        ("pipe", "not a file"),
        ("missing", "no such file"),
        ("weak", "weak key"),
    ];
    for (file, says) in cases {
        let output = run(dir.path(), &["rules", "check", "m.wasm", "--rules-trust", file]);
        assert_refused(&output, 1, &["--rules-trust", file, says]);
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--rules-trust", file];
        assert_refused(&run(dir.path(), &arguments), 1, &["--rules-trust", file, says]);
    }
    for (file, says) in
        [("k.pub", "a public key: name the private one"), ("missing", "no such file"), ("folder", "not a file")]
    {
        for path in ["k.pub", "folder"] {
            fs::set_permissions(dir.path().join(path), Permissions::from_mode(0o700)).unwrap();
        }
        assert_refused(&run(dir.path(), &["rules", "sign", "--key", file, "m.wasm"]), 1, &["--key", file, says]);
    }
    assert_refused(&run(dir.path(), &["rules", "sign", "--key", "k", "none.wasm"]), 1, &["none.wasm"]);
    assert_refused(&run(dir.path(), &["rules", "sign", "--key", "k", "-"]), 1, &["name the module's file"]);
    assert_refused(&run(dir.path(), &["rules", "sign", "m.wasm"]), 2, &["--key"]);
    let many = vec!["k.pub"; 17].join(",");
    assert_refused(&run(dir.path(), &["rules", "check", "m.wasm", "--rules-trust", &many]), 1, &["at most 16"]);
}
