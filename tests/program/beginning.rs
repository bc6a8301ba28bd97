//! `boxoffice rules new NAME`

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::running::run;

/// What each language's project is called in the repository, also as an identifier and as a type: none of it is left in a new one.
const TEMPLATES: [(&str, &[&str]); 3] =
    [("rust", &["starter-rules", "starter_rules"]), ("js", &["short-holds", "ShortHolds"]), ("python", &["badges"])];

/// Runs it with `--json`: the exit code, and what it says.
fn new(dir: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
    let output = run(dir, &[&["rules", "new", "--json"], arguments].concat());
    (output.status.code(), serde_json::from_slice(&output.stdout).expect("one JSON object"))
}

/// All files below a folder, relative to it, in order.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        for entry in fs::read_dir(folder.join(&below)).unwrap() {
            let entry = entry.unwrap();
            let path = below.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else {
                found.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn read(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).unwrap_or_else(|_| panic!("{file} is missing"))
}

/// Whether the text has this as a word, and not as a part of one.
fn has_word(text: &str, word: &str) -> bool {
    let of_a_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    text.split(|c: char| !of_a_word(c)).any(|found| found == word)
}

#[test]
fn each_language_gets_a_whole_project_under_its_own_name() {
    let dir = TempDir::new().unwrap();
    for (language, names) in TEMPLATES {
        let name = format!("sold-by-{language}");
        let (code, told) = new(dir.path(), &[&name, "--lang", language]);
        assert_eq!((code, &told["made"], &told["lang"]), (Some(0), &json!(name), &json!(language)), "{told}");
        let project = dir.path().join(&name);
        let written = files(&project);
        assert_eq!(json!(written), told["files"]);
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for wit in files(&repository.join("wit")) {
            assert_eq!(read(&project, &format!("wit/{wit}")), read(&repository.join("wit"), &wit), "the contract");
        }
        let mut has_name = false;
        for file in &written {
            let text = read(&project, file);
            has_name |= has_word(&text, &name);
            for left in names {
                assert!(!has_word(&text, left), "{left} is left in {file} of {language}");
            }
            let made = ["node_modules", ".venv", "__pycache__", "target/"];
            assert!(made.iter().all(|folder| !file.contains(folder)) && !file.contains(".wasm"), "{file}");
        }
        assert!(has_name, "nothing in the project has its name");
        assert!(written.iter().any(|file| file == ".gitignore"), "{written:?}");
        let next: Vec<_> = told["next"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(next.iter().any(|step| step.starts_with("boxoffice rules dev ") && step.contains(".wasm")), "{next:?}");
    }
}

#[test]
fn a_project_in_rust_has_the_sdk_where_it_was_asked_for() {
    let dir = TempDir::new().unwrap();
    let manifest = |name: &str| read(&dir.path().join(name), "Cargo.toml");
    assert_eq!(new(dir.path(), &["copied", "--lang", "rust"]).0, Some(0));
    assert!(manifest("copied").contains("boxoffice-sdk = { path = \"vendor/boxoffice-sdk\" }"));
    let sdk = dir.path().join("copied/vendor/boxoffice-sdk");
    // Whole by itself: what belongs to the repository's workspace is not there, and the contract is.
    let own = read(&sdk, "Cargo.toml");
    assert!(own.contains("name = \"boxoffice-sdk\"") && !own.contains("workspace"), "{own}");
    assert!(!read(&sdk, "wit/world.wit").is_empty() && !read(&sdk, "src/lib.rs").is_empty());

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest/sdk");
    assert_eq!(new(dir.path(), &["beside", "--lang", "rust", "--sdk", folder.to_str().unwrap()]).0, Some(0));
    let whole = folder.canonicalize().unwrap();
    assert!(manifest("beside").contains(&format!("boxoffice-sdk = {{ path = {:?} }}", whole.to_str().unwrap())));
    assert!(!dir.path().join("beside/vendor").exists());

    assert_eq!(new(dir.path(), &["published", "--lang", "rust", "--sdk", "0.1.0"]).0, Some(0));
    assert!(manifest("published").contains("boxoffice-sdk = \"0.1.0\""));

    // One that this program was not built with is told, and made all the same.
    let (code, told) = new(dir.path(), &["later", "--lang", "rust", "--sdk", "7.0.0"]);
    let note = told["note"].as_str().expect("a word about that");
    assert!(code == Some(0) && note.contains("7.0.0") && note.contains("0.1.0"), "{note}");
    assert_eq!(new(dir.path(), &["same", "--lang", "rust", "--sdk", "0.1.0"]).1["note"], Value::Null);
    let people = run(dir.path(), &["rules", "new", "later-too", "--lang", "rust", "--sdk", "7.0.0"]);
    assert!(String::from_utf8(people.stdout).unwrap().contains("note: the SDK asked for is 7.0.0"));

    let wrong = [("nowhere", "rust", 1), ("copied/src", "rust", 1), ("copied", "rust", 1), ("0.1.0", "js", 2)];
    for (sdk, lang, expected) in wrong {
        let (code, told) = new(dir.path(), &["another", "--lang", lang, "--sdk", sdk]);
        assert_eq!((code, &told["refusal"]), (Some(expected), &json!("no-sdk")), "{told}");
    }
    assert!(!dir.path().join("another").exists());
}

/// The packages of a Cargo.lock, as they stand there: name and version.
fn locked(text: &str) -> Vec<(String, String)> {
    let lock: toml::Table = text.parse().unwrap();
    let packages = lock["package"].as_array().unwrap().iter();
    packages
        .map(|one| (one["name"].as_str().unwrap().to_owned(), one["version"].as_str().unwrap().to_owned()))
        .collect()
}

#[test]
fn a_project_in_rust_is_built_from_the_versions_that_are_tested_here() {
    let dir = TempDir::new().unwrap();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let tested = locked(&read(&repository, "Cargo.lock"));
    // Names that come first, last and in between.
    for name in ["a", "my-rules", "zzz"] {
        assert_eq!(new(dir.path(), &[name, "--lang", "rust"]).0, Some(0));
        let lock = locked(&read(&dir.path().join(name), "Cargo.lock"));
        assert!(lock.is_sorted(), "cargo --locked takes no other order: {lock:?}");
        let (own, others): (Vec<_>, Vec<_>) = lock.into_iter().partition(|(package, _)| package == name);
        assert_eq!(own, [(name.to_owned(), "0.1.0".to_owned())]);
        assert!(others.len() > 20 && others.iter().all(|package| tested.contains(package)), "{others:?}");
    }
    // Where it would be wrong there is none, and cargo writes one.
    let lock = |name: &str| dir.path().join(name).join("Cargo.lock").exists();
    assert_eq!(new(dir.path(), &["csv", "--lang", "rust"]).0, Some(0));
    assert_eq!(new(dir.path(), &["published", "--lang", "rust", "--sdk", "0.1.0"]).0, Some(0));
    assert!(!lock("csv") && !lock("published") && lock("a"));
}

#[test]
fn names_that_no_module_can_have_are_refused() {
    let dir = TempDir::new().unwrap();
    let long = "a".repeat(65);
    for name in ["", "My-Rules", "my_rules", "1st", "my--rules", "rules-", "../out", "a/b", "é", &long] {
        let (code, told) = new(dir.path(), &[name, "--lang", "js"]);
        assert_eq!(
            (code, &told["refusal"], &told["made"]),
            (Some(2), &json!("bad-name"), &Value::Null),
            "{name}: {told}"
        );
    }
    for name in ["fn", "std", "serde", "boxoffice-sdk"] {
        assert_eq!(new(dir.path(), &[name, "--lang", "rust"]).1["refusal"], "bad-name", "{name}");
    }
    assert_eq!(new(dir.path(), &["fn", "--lang", "python"]).0, Some(0), "which is Rust's word alone");
    assert_eq!(files(dir.path()).iter().filter(|file| !file.starts_with("fn/")).count(), 0);
}

#[test]
fn nothing_is_overwritten_and_what_fails_leaves_nothing() {
    let dir = TempDir::new().unwrap();
    let refusal = |arguments: &[&str]| new(dir.path(), arguments).1["refusal"].clone();
    fs::create_dir(dir.path().join("mine")).unwrap();
    fs::write(dir.path().join("mine/notes.txt"), "mine").unwrap();
    assert_eq!(refusal(&["mine", "--lang", "rust"]), "folder-there");
    fs::write(dir.path().join("file"), "mine").unwrap();
    assert_eq!(refusal(&["file", "--lang", "rust"]), "folder-there");
    std::os::unix::fs::symlink("mine", dir.path().join("link")).unwrap();
    assert_eq!(refusal(&["link", "--lang", "rust"]), "folder-there");
    assert_eq!(refusal(&["rules", "--lang", "rust", "--dir", "nowhere"]), "no-folder");
    assert_eq!(files(dir.path()), ["file", "link", "mine/notes.txt"]);
    assert_eq!(read(dir.path(), "mine/notes.txt"), "mine");

    // An empty one is as good as none.
    fs::create_dir(dir.path().join("empty")).unwrap();
    assert_eq!(new(dir.path(), &["empty", "--lang", "rust"]).0, Some(0));
    let mode = fs::metadata(dir.path().join("empty")).unwrap().permissions().mode();
    assert_eq!(mode & 0o700, 0o700);
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_by_name() {
    let dir = TempDir::new().unwrap();
    // Nobody can make anything there, whoever they are.
    let (code, told) = new(dir.path(), &["rules", "--lang", "rust", "--dir", "/proc"]);
    assert_eq!((code, &told["refusal"]), (Some(1), &json!("unwritable")), "{told}");
    assert!(told["message"].as_str().unwrap().contains("/proc/rules") && told["advice"].is_string());
    let output = run(dir.path(), &["rules", "new", "rules", "--lang", "rust", "--dir", "/proc"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("boxoffice: refused: unwritable: ") && stderr.contains("what to do: "), "{stderr}");
}

#[test]
fn people_are_told_how_to_go_on() {
    let dir = TempDir::new().unwrap();
    let output = run(dir.path(), &["rules", "new", "my-rules", "--lang", "rust"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let steps = ["cd my-rules", "cargo test", "wasm32-wasip2", "boxoffice rules test", "release/my_rules.wasm"];
    assert!(steps.iter().all(|step| text.contains(step)), "{text}");
    assert_eq!(run(dir.path(), &["rules", "new", "my-rules"]).status.code(), Some(2), "which language?");
}
