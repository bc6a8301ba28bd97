//! What is refused when a module is loaded: each by its name, in words that say what to do about it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use boxoffice::config::{ByteSize, Serve};
use boxoffice::wasm::{CompilerProgram, Engine, LoadError, LoadRefusal, Loader, Module, host_functions};
use harness::settings;

use crate::made::{Made, Said};

/// Loads a component with these settings, as the host does.
async fn load_with(component: Vec<u8>, settings: &Serve) -> Result<Module, LoadError> {
    let engine = Arc::new(Engine::new(settings.limits.limits()).unwrap());
    Loader::new(engine, settings.compiling.compiler()).load(component).await
}

async fn load(component: Vec<u8>) -> Result<Module, LoadError> {
    load_with(component, &settings()).await
}

/// It is refused by this name, in one line that says all of this.
#[track_caller]
fn assert_refused(loaded: Result<Module, LoadError>, refusal: LoadRefusal, says: &[&str]) {
    let error = loaded.err().expect("it is refused");
    assert_eq!(error.refusal, refusal, "{error}");
    assert_eq!(error.message.lines().count(), 1, "{error}");
    for words in says {
        assert!(error.message.contains(words), "{words:?} is missing in {error}");
    }
}

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[tokio::test]
async fn what_is_no_component_is_refused() {
    let cut = Made::default().component();
    let cut = cut[..cut.len() - 1].to_vec();
    for bytes in [Vec::new(), b"hello".to_vec(), cut] {
        assert_refused(load(bytes).await, LoadRefusal::NotAComponent, &["not a valid component"]);
    }
    let core = load(wat("(module)")).await;
    assert_refused(core, LoadRefusal::NotAComponent, &["component", "module"]);
    assert_refused(load(vec![0; 65 * 1024 * 1024]).await, LoadRefusal::TooLarge, &["64 MiB"]);
}

#[tokio::test]
async fn an_import_that_is_not_offered_is_told_with_what_is() {
    let cases: [(&str, &[&str]); 8] = [
        (
            r#"(import "boxoffice:rules/tickets@0.2.0" (instance))"#,
            &["wants boxoffice:rules/tickets@0.2.0", "offers boxoffice:rules/tickets@0.1.0"],
        ),
        (r#"(import "boxoffice:rules/payments@0.1.0" (instance))"#, &["wants boxoffice:rules/payments@0.1.0"]),
        (
            r#"(import "boxoffice:rules/tickets@0.1.0" (instance (export "refund" (func))))"#,
            &["function refund", "does not have", "boxoffice:rules/tickets@0.1.0"],
        ),
        (
            r#"(import "boxoffice:rules/tickets@0.1.0" (instance (export "confirm" (func (param "id" u32)))))"#,
            &["function confirm", "another type", "boxoffice:rules/tickets@0.1.0"],
        ),
        (r#"(import "wasi:filesystem/types@0.2.6" (instance))"#, &["wasi:filesystem/types@0.2.6", "does not offer"]),
        (r#"(import "wasi:sockets/tcp@0.2.6" (instance))"#, &["wasi:sockets/tcp@0.2.6", "does not offer"]),
        (r#"(import "wasi:cli/exit@0.3.0" (instance))"#, &["wasi:cli/exit@0.3.0", "wasi:cli/exit@0.2"]),
        (r#"(import "spend" (func))"#, &["wants spend"]),
    ];
    for (import, says) in cases {
        assert_refused(load(wat(&format!("(component {import})"))).await, LoadRefusal::WrongImports, says);
    }
    // All of them at once: the first ones are told, the others counted.
    let all: String = cases.iter().step_by(2).chain(cases[1..2].iter()).map(|(import, _)| *import).collect();
    let says = ["tickets@0.2.0", "refund", "filesystem", "exit@0.3.0", "and 1 more"];
    assert_refused(load(wat(&format!("(component {all})"))).await, LoadRefusal::WrongImports, &says);
}

#[tokio::test]
async fn a_patch_version_of_the_contract_is_taken_and_wasi_s_functions_are_the_linker_s() {
    let patch = r#"(import "boxoffice:rules/tickets@0.1.7" (instance)) (import "wasi:cli/exit@0.2.99" (instance))"#;
    assert_refused(load(wat(&format!("(component {patch})"))).await, LoadRefusal::WrongExports, &["manifest"]);
    let unknown = r#"(import "wasi:cli/exit@0.2.6" (instance (export "abort" (func))))"#;
    assert_refused(load(wat(&format!("(component {unknown})"))).await, LoadRefusal::WrongImports, &["abort"]);
}

#[tokio::test]
async fn an_export_that_is_missing_or_other_is_told() {
    let exporting = |interface: &str, function: &str| {
        wat(&format!(
            r#"(component
              (core module $m (func (export "f")))
              (core instance $i (instantiate $m))
              (func $f (canon lift (core func $i "f")))
              (instance $exports (export "{function}" (func $f)))
              (export "boxoffice:rules/{interface}" (instance $exports)))"#
        ))
    };
    let missing = ["does not export boxoffice:rules/manifest@0.1.0", "does not export boxoffice:rules/handler@0.1.0"];
    assert_refused(load(wat("(component)")).await, LoadRefusal::WrongExports, &missing);
    let cases: [(&str, &str, &[&str]); 3] = [
        (
            "manifest@0.2.0",
            "describe",
            &["exports boxoffice:rules/manifest@0.2.0", "calls boxoffice:rules/manifest@0.1.0"],
        ),
        ("manifest@0.1.0", "tell", &["does not export the function describe of boxoffice:rules/manifest@0.1.0"]),
        ("manifest@0.1.0", "describe", &["describe of boxoffice:rules/manifest@0.1.0 with another type"]),
    ];
    for (interface, function, says) in cases {
        assert_refused(load(exporting(interface, function)).await, LoadRefusal::WrongExports, says);
    }
}

#[test]
fn the_host_functions_that_are_checked_are_those_of_the_contract() {
    let mut written = Vec::new();
    for interface in ["events", "log", "tickets"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../wit/{interface}.wit"));
        for line in std::fs::read_to_string(path).unwrap().lines() {
            if let Some((name, _)) = line.trim().split_once(": func(") {
                written.push(format!("{interface}.{}", name.trim_start_matches('%')));
            }
        }
    }
    written.sort();
    assert_eq!(host_functions(), written);
}

#[tokio::test]
async fn a_module_over_the_limits_is_told_which_one() {
    let instances = |module: &str, count: usize| {
        let instances = "(core instance (instantiate $m))".repeat(count);
        wat(&format!("(component (core module $m {module}) {instances})"))
    };
    let cases = [
        (instances("(memory 1)", 3), "--rules-memories"),
        (instances("(memory 1) (memory 1) (memory 1)", 1), "--rules-memories"),
        (instances("(memory 1025)", 1), "--rules-memory)"),
        (instances("(table 1 funcref)", 9), "--rules-tables"),
        (instances(&"(table 1 funcref)".repeat(9), 1), "--rules-tables"),
        (instances("(table 20001 funcref)", 1), "--rules-table-elements"),
        (instances("", 65), "65 core module instances"),
        (instances(&"(global i64 (i64.const 0))".repeat(80_000), 1), "instance"),
    ];
    for (component, says) in cases {
        assert_refused(load(component).await, LoadRefusal::OverLimits, &[says]);
    }
    // Just within them it is another check that refuses.
    for component in [instances("(memory 1024)", 2), instances("(table 20000 funcref)", 8), instances("", 64)] {
        assert_refused(load(component).await, LoadRefusal::WrongExports, &[]);
    }
}

#[tokio::test]
async fn a_module_within_the_contract_is_loaded() {
    let module = load(Made::default().component()).await.unwrap();
    assert_eq!((module.manifest.name.as_str(), module.manifest.summary.as_str()), ("made", "Made for a test"));
    assert_eq!(module.loaded.imports, Vec::new(), "it can call nothing");
}

#[tokio::test]
async fn a_module_that_does_not_describe_itself_is_refused() {
    let trap = Made { describe: "unreachable", ..Made::default() };
    assert_refused(load(trap.component()).await, LoadRefusal::NoManifest, &["trap", "describe"]);
    let spin = Made { describe: "(loop (br 0))", ..Made::default() };
    assert_refused(load(spin.component()).await, LoadRefusal::NoManifest, &["cpu-budget"]);
}

#[tokio::test]
async fn a_compiler_that_is_none_is_the_machine_s_fault_and_never_run() {
    let mut settings = settings();
    let cases = [
        ("/nowhere/compiler", "", "cannot be started"),
        ("/bin/sh", "exit 0", "the compiler failed"),
        ("/bin/sh", "echo running 0 tests", "the compiler failed"),
        ("/bin/sh", "echo out of luck >&2; exit 7", "out of luck"),
        ("/bin/sh", "printf 'boxoffice code 1and then no code at all'", "does not fit this host"),
        ("/bin/sh", "kill -TERM $$", "signal 15"),
    ];
    for (path, script, says) in cases {
        let arguments = vec!["-c".to_owned(), script.to_owned()];
        settings.compiling.program = CompilerProgram::Started { path: path.into(), arguments };
        let loaded = load_with(Made::default().component(), &settings).await;
        assert_refused(loaded, LoadRefusal::Unavailable, &[says]);
    }
    // What an overloaded compiler looks like.
    for script in ["kill -KILL $$", "kill -ABRT $$", "echo no memory >&2; exit 4", "exit 101"] {
        let arguments = vec!["-c".to_owned(), script.to_owned()];
        settings.compiling.program = CompilerProgram::Started { path: "/bin/sh".into(), arguments };
        assert_refused(
            load_with(Made::default().component(), &settings).await,
            LoadRefusal::TooComplex,
            &["compiling"],
        );
    }
}

/// A manifest with one thing changed.
async fn with(change: impl FnOnce(&mut Made)) -> Result<Module, LoadError> {
    let mut made = Made::default();
    change(&mut made);
    load(made.component()).await
}

#[tokio::test]
async fn a_manifest_outside_the_contract_is_refused_by_what_is_wrong() {
    let bad = LoadRefusal::BadManifest;
    assert_refused(with(|made| made.name = "My Rules".into()).await, bad, &["name", "My Rules"]);
    assert_refused(with(|made| made.name = "n".repeat(100_000)).await, bad, &["name"]);
    assert_refused(with(|made| made.version = "one".into()).await, bad, &["version", "one"]);
    assert_refused(with(|made| made.summary = "a\nb".into()).await, bad, &["summary", "line break"]);
    assert_refused(with(|made| made.summary = "s".repeat(257)).await, bad, &["summary", "257"]);
    assert_refused(with(|made| made.routes.clear()).await, bad, &["0 routes"]);
    assert_refused(with(|made| made.routes[0].id = "A".into()).await, bad, &["route id"]);
    assert_refused(with(|made| made.routes[0].path = "/{a".into()).await, bad, &["path", "/{a"]);
    assert_refused(with(|made| made.routes[0].path = "/\u{1b}[2J".into()).await, bad, &["path", "\\u{1b}"]);
    assert_refused(with(|made| made.routes[0].summary = "s".repeat(257)).await, bad, &["summary of route one"]);
    assert_refused(with(|made| made.routes[0].answers = vec![(99, None)]).await, bad, &["answers 99"]);
    assert_refused(with(|made| made.routes[0].answers = vec![(200, None); 65]).await, bad, &["65 answers"]);
    for own in boxoffice::own_paths() {
        for path in [own.to_owned(), format!("{own}/x"), format!("{own}/{{part}}")] {
            let refused = with(|made| made.routes[0].path.clone_from(&path)).await;
            assert_refused(refused, bad, &[&path, "the host's own"]);
        }
    }
    for path in ["/auditing", "/docs.html", "/{any}"] {
        assert!(with(|made| made.routes[0].path = path.into()).await.is_ok(), "{path}");
    }
    let twice = |id: &str, path: &str| {
        let route = Said::get(id, path);
        move |made: &mut Made| made.routes.push(route)
    };
    assert_refused(with(twice("one", "/two")).await, bad, &["two routes have the id"]);
    assert_refused(with(twice("two", "/one")).await, bad, &["two routes have GET /one"]);
    let conflict = with(|made| made.routes = vec![Said::get("a", "/{a}"), Said::get("b", "/{b}")]).await;
    assert_refused(conflict, bad, &["/{b}"]);
}

#[tokio::test]
async fn a_manifest_may_be_as_large_as_the_contract_says_and_no_larger() {
    let x = |count: usize| "x".repeat(count);
    let routes = |count: usize| (0..count).map(|n| Said::get(&format!("r{n}"), &format!("/r{n}"))).collect::<Vec<_>>();
    let parameters = |count: usize| (0..count).fold(String::new(), |path, n| format!("{path}/{{p{n}}}"));
    let limits: [(usize, Change, Change); 8] = [
        limit(64, move |made, n| made.name = x(n)),
        limit(64, move |made, n| made.version = format!("1.2.3-{}", x(n - 6))),
        limit(256, move |made, n| made.summary = x(n)),
        limit(256, move |made, n| made.routes = routes(n)),
        limit(64, move |made, n| made.routes[0].id = x(n)),
        limit(256, move |made, n| made.routes[0].path = format!("/{}", x(n - 1))),
        limit(8, move |made, n| made.routes[0].path = parameters(n)),
        limit(256, move |made, n| made.routes[0].summary = x(n)),
    ];
    for (most, last, beyond) in limits {
        let taken = with(|made| last(made, most)).await;
        assert!(taken.is_ok(), "{most}: {:?}", taken.err());
        assert_refused(with(|made| beyond(made, most + 1)).await, LoadRefusal::BadManifest, &[]);
    }
}

/// Makes something of a manifest this large.
type Change = Box<dyn FnOnce(&mut Made, usize)>;

/// A limit, and the same change for the last amount that is allowed and the first that is not.
fn limit(most: usize, change: impl Fn(&mut Made, usize) + Clone + 'static) -> (usize, Change, Change) {
    (most, Box::new(change.clone()), Box::new(change))
}

#[tokio::test]
async fn a_path_of_any_length_is_refused_at_once() {
    let path = (0..20_000).fold(String::new(), |path, n| format!("{path}/{{p{n}}}"));
    assert_refused(with(|made| made.routes[0].path = path).await, LoadRefusal::BadManifest, &["at most 8 parameters"]);
}

#[tokio::test]
async fn text_that_shows_something_else_than_it_says_is_refused() {
    for turned in ["good \u{202e}evil", "one\u{2028}two", "in\u{200b}visible"] {
        let refused = with(|made| made.summary = turned.into()).await;
        assert_refused(refused, LoadRefusal::BadManifest, &["summary"]);
    }
}

/// Small schemas whose references a compiler of schemas would follow for hours, or until its memory or its stack is used up.
#[tokio::test]
async fn no_reference_of_a_schema_is_followed() {
    let double =
        |n: usize| format!(r##""s{n}": {{"allOf": [{{"$ref": "#/$defs/s{0}"}}, {{"$ref": "#/$defs/s{0}"}}]}}"##, n + 1);
    let doubling: Vec<_> = (0..40).map(double).collect();
    let once = |n: usize| format!(r##""s{n}": {{"unevaluatedItems": {{"$ref": "#/$defs/s{}"}}}}"##, n + 1);
    let chain: Vec<_> = (0..1_000).map(once).collect();
    let schemas = [
        format!(
            r##"{{"$ref": "#/$defs/s0", "unevaluatedProperties": false, "$defs": {{{}, "s40": true}}}}"##,
            doubling.join(",")
        ),
        format!(
            r##"{{"$ref": "#/$defs/s0", "unevaluatedProperties": false, "$defs": {{{}, "s1000": true}}}}"##,
            chain.join(",")
        ),
        format!("{}{}", r#"{"items":"#.repeat(100), "}".repeat(100)).replace(":}", ":true}"),
    ];
    for schema in schemas {
        let taken = with(|made| made.routes[0].body_schema = Some(schema.clone())).await;
        assert!(taken.is_ok(), "{:?}: {schema}", taken.err());
    }
}

#[tokio::test]
async fn a_schema_that_cannot_stand_in_the_description_is_refused() {
    for keyword in [r#""$id": "a""#, r#""$anchor": "a""#, r#""$dynamicAnchor": "a""#, r##""$dynamicRef": "#""##] {
        let refused = with(|made| made.routes[0].body_schema = Some(format!("{{{keyword}}}"))).await;
        assert_refused(refused, LoadRefusal::BadManifest, &["$ref", "#/$defs/"]);
    }
    let host = with(|made| made.routes[0].id = "host.audit".into()).await;
    assert_refused(host, LoadRefusal::BadManifest, &["host.audit", "host's own"]);
}

#[tokio::test]
async fn memory_that_could_not_grow_is_nobody_s() {
    let mut settings = settings();
    settings.limits.rules_memory_in_all = ByteSize(2 * 1024 * 1024);
    // 32 pages beyond the allowance are there; the memory's own maximum is less, so that each of these comes to nothing.
    let grow = "(drop (memory.grow (i32.const 16)))".repeat(9).leak();
    let bounded = Made { memory: "64 64", handle: grow, ..Made::default() };
    assert!(load_with(bounded.component(), &settings).await.is_ok());
    let unbounded = Made { handle: grow, ..Made::default() };
    let refused = load_with(unbounded.component(), &settings).await;
    assert_refused(refused, LoadRefusal::SmokeCall, &["memory-limit", "--rules-memory-in-all"]);
}

#[tokio::test]
async fn without_memory_for_an_instance_the_machine_is_at_fault() {
    let mut settings = settings();
    settings.limits.rules_memory_in_all = ByteSize(0);
    let larger = Made { memory: "65", ..Made::default() };
    let refused = load_with(larger.component(), &settings).await;
    assert_refused(refused, LoadRefusal::Unavailable, &["no-instance", "--rules-memory-in-all"]);
    assert!(load_with(Made::default().component(), &settings).await.is_ok(), "4 MiB are everybody's own");
}

#[tokio::test]
async fn schemas_that_nobody_can_use_are_refused() {
    let cases = [
        ("{nonsense", "not JSON"),
        (r#"{"type": "strange"}"#, "/type"),
        (r#"{"minLength": -1}"#, "/minLength"),
        (r#"{"pattern": "("}"#, "pattern"),
        (r#"{"pattern": "((a{1000}){1000}){1000}"}"#, "pattern"),
        (r#"{"$ref": "https://example.org/schema.json"}"#, "example.org"),
        (r#"{"$ref": "file:///etc/passwd"}"#, "passwd"),
        (r##"{"$ref": "#/$defs/missing"}"##, "missing"),
        (r#"{"$schema": "http://json-schema.org/draft-07/schema#"}"#, "2020-12"),
    ];
    for (schema, says) in cases {
        let schema = schema.to_owned();
        let refused = with(|made| made.routes[0].body_schema = Some(schema.clone())).await;
        assert_refused(refused, LoadRefusal::BadManifest, &["schema of route one", says]);
        let refused = with(|made| made.routes[0].answers = vec![(200, Some(schema))]).await;
        assert_refused(refused, LoadRefusal::BadManifest, &["schema of route one", says]);
    }
    let deep = format!("{}{}", r#"{"not":"#.repeat(200), "}".repeat(200));
    assert_refused(with(|made| made.routes[0].body_schema = Some(deep)).await, LoadRefusal::BadManifest, &["not JSON"]);
    let sized = |bytes: usize| format!(r#"{{"title": "{}"}}"#, "t".repeat(bytes - 13));
    let large = with(|made| made.routes[0].body_schema = Some(sized(65_537))).await;
    assert_refused(large, LoadRefusal::BadManifest, &["65537 bytes"]);
    let many = with(|made| made.routes[0].answers = vec![(200, Some(sized(65_536))); 17]).await;
    assert_refused(many, LoadRefusal::BadManifest, &["in all"]);
    let patterns: Vec<_> = (0..129).map(|n| format!(r#"{{"pattern": "{n}"}}"#)).collect();
    let patterns = format!(r#"{{"anyOf": [{}]}}"#, patterns.join(","));
    let many = with(|made| made.routes[0].body_schema = Some(patterns)).await;
    assert_refused(many, LoadRefusal::BadManifest, &["128 regular expressions"]);
    let good = r##"{"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": {"a": {"type": "string", "pattern": "^(?!no)[a-z]{1,20}$"}}, "$ref": "#/$defs/a"}"##;
    assert!(with(|made| made.routes[0].body_schema = Some(good.into())).await.is_ok());
    assert!(with(|made| made.routes[0].answers = vec![(200, Some(sized(65_536))); 16]).await.is_ok());
}

#[tokio::test]
async fn references_that_double_at_each_step_do_not_multiply() {
    let step =
        |n: usize| format!(r##""s{n}": {{"allOf": [{{"$ref": "#/$defs/s{0}"}}, {{"$ref": "#/$defs/s{0}"}}]}}"##, n + 1);
    let steps: Vec<_> = (0..60).map(step).collect();
    let schema = format!(r##"{{"$ref": "#/$defs/s0", "$defs": {{{}, "s60": true}}}}"##, steps.join(","));
    assert!(with(|made| made.routes[0].body_schema = Some(schema)).await.is_ok());
}

#[tokio::test]
async fn a_module_that_fails_the_smoke_call_is_refused_with_cause_and_functions() {
    let smoke = LoadRefusal::SmokeCall;
    let trap = Made { handle: "unreachable", ..Made::default() };
    assert_refused(load(trap.component()).await, smoke, &["GET /one", "route one", "trap", "unreachable", "handle"]);
    let spin = Made { handle: "(loop (br 0))", ..Made::default() };
    assert_refused(load(spin.component()).await, smoke, &["cpu-budget"]);
    let grow = Made { handle: "(drop (memory.grow (i32.const 2000)))", ..Made::default() };
    assert_refused(load(grow.component()).await, smoke, &["memory-limit"]);
    let no_answer = Made { handle: "(return (i32.const 4))", ..Made::default() };
    assert_refused(load(no_answer.component()).await, smoke, &["bad-response", "status 0"]);
    let mut settings = settings();
    (settings.limits.rules_cpu, settings.limits.rules_timeout) = (Duration::from_mins(1), Duration::from_millis(500));
    assert_refused(load_with(spin.component(), &settings).await, smoke, &["wall-clock"]);
}

#[tokio::test]
async fn the_smoke_call_asks_what_an_honest_module_answers_without_a_body() {
    // It says of which route it was asked: the call fails, and the refusal names it.
    let asked = async |routes: Vec<Said>| {
        let made = Made { handle: "unreachable", routes, ..Made::default() };
        load(made.component()).await.err().expect("it traps").message
    };
    let (post, with_id, plain) = (Said::post("p", "/p"), Said::get("i", "/i/{id}"), Said::get("g", "/g"));
    assert!(asked(vec![post.clone(), with_id.clone(), plain]).await.contains("(route g)"));
    assert!(asked(vec![post.clone(), with_id]).await.contains("(route i)"));
    assert!(asked(vec![post]).await.contains("(route p)"));
}
