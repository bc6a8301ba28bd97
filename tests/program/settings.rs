//! Flags, environment and file.

use std::net::TcpListener;

use tempfile::TempDir;

use crate::running::{Running, assert_refused, program, run};

#[test]
fn a_bad_flag_or_value_is_one_line_that_names_it() {
    let dir = TempDir::new().unwrap();
    let cases: [(&[&str], &str); 35] = [
        (&["serve", "--colour"], "--colour"),
        (&["dance"], "dance"),
        (&["serve", "--listen", "nowhere"], "--listen"),
        (&["serve", "--hold", "5"], "--hold"),
        (&["serve", "--hold", "400days"], "--hold"),
        (&["serve", "--rate-limit", "5"], "--rate-limit"),
        (&["serve", "--rules-memory", "1TiB"], "--rules-memory"),
        (&["serve", "--memo", "64KiB"], "must be 1MiB to 64GiB, or off"),
        (&["serve", "--memo", "much"], "--memo"),
        (&["serve", "--max-instances", "0"], "--max-instances"),
        (&["serve", "--auth", "none"], "--auth"),
        (&["serve", "--log", "boxoffice=loud"], "--log"),
        (&["serve", "--log", "inof"], "--log"),
        (&["serve", "--log", ""], "--log"),
        (&["serve", "--rate-limit-by", "colour"], "--rate-limit-by"),
        (&["serve", "--audit-retention", "0s"], "--audit-retention"),
        (&["serve", "--tls-cert", "cert.pem"], "--tls-key"),
        (&["serve", "--tls-key", "key.pem"], "--tls-cert"),
        (&["serve", "--trusted-proxy", "10.0.0.1/8"], "--trusted-proxy"),
        (&["serve", "--trusted-proxy", "proxy.example"], "--trusted-proxy"),
        // Everybody would be believed about everybody.
        (&["serve", "--trusted-proxy", "0.0.0.0/0"], "'--trusted-proxy <CIDR>': is everybody"),
        (&["serve", "--auth", "keys", "--trusted-proxy", "0.0.0.0/1,128.0.0.0/1"], "--trusted-proxy: together"),
        (&["serve", "--trusted-proxy", "::/0"], "'--trusted-proxy <CIDR>': is everybody"),
        (&["serve", "--trusted-proxy", "::ffff:0:0/96"], "'--trusted-proxy <CIDR>': is everybody"),
        // IPv4 in IPv6's form, and more than that.
        (&["serve", "--trusted-proxy", "::ffff:0:0/80"], "write the IPv4 network itself"),
        (&["serve", "--trusted-proxy", "::ffff:10.0.0.1/104"], "is 10.0.0.0/8 meant?"),
        // Anybody behind it could take any role.
        (&["serve", "--trusted-proxy", "10.0.0.0/8"], "--trusted-proxy"),
        (&["serve", "--cors-origin", "*"], "every page in the world"),
        (&["serve", "--cors-origin", "shop.example"], "--cors-origin"),
        (&["serve", "--cors-origin", "ftp://shop.example"], "--cors-origin"),
        (&["serve", "--cors-origin", "https://shop.example/"], "--cors-origin"),
        (&["serve", "--cors-origin", "https://user@shop.example"], "--cors-origin"),
        (&["serve", "--cors-origin", "https://Shop.example"], "in lower case: https://shop.example"),
        (&["serve", "--cors-origin", "https://shop.example:443"], "as browsers do: https://shop.example"),
        (&["serve", "--cors-origin", "null"], "--cors-origin"),
    ];
    for (arguments, flag) in cases {
        assert_refused(&run(dir.path(), arguments), 2, &[flag]);
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn header_roles_bind_to_loopback_only_unless_somebody_insists() {
    let dir = TempDir::new().unwrap();
    assert_refused(
        &run(dir.path(), &["serve", "--listen", "0.0.0.0:0"]),
        2,
        &["--listen", "--allow-insecure-header-auth"],
    );
    let print = run(dir.path(), &["serve", "--listen", "0.0.0.0:0", "--allow-insecure-header-auth", "--print-config"]);
    assert!(print.status.success());
}

#[test]
fn a_port_in_use_is_one_line_that_names_it() {
    let dir = TempDir::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(dir.path(), &["serve", "--listen", &address, "--admin-listen", "127.0.0.1:0"]);
    assert_refused(&output, 1, &["--listen", &address]);
    let output = run(dir.path(), &["serve", "--listen", "127.0.0.1:0", "--admin-listen", &address]);
    assert_refused(&output, 1, &["--admin-listen", &address]);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "no database was made");
}

#[test]
fn rules_that_cannot_be_served_are_one_line_and_make_no_database() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("rules.wasm"), "nonsense").unwrap();
    for file in ["rules.wasm", "missing.wasm"] {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--rules", file];
        assert_refused(&run(dir.path(), &arguments), 1, &["--rules", file]);
    }
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--rules", "rules.wasm"];
    assert_refused(&run(dir.path(), &arguments), 1, &["not-a-component", "build it for wasm32-wasip2"]);
    assert!(!dir.path().join("events.db").exists());
}

#[test]
fn a_flag_wins_over_the_environment_which_wins_over_the_file() {
    let dir = TempDir::new().unwrap();
    let file = "hold = \"1m\"\nmax-quantity = 7\nsweep-interval = \"1s\"\nallow-insecure-header-auth = true\n";
    std::fs::write(dir.path().join("boxoffice.toml"), file).unwrap();
    let output = program(dir.path())
        .args(["serve", "--config", "boxoffice.toml", "--hold", "3m", "--print-config"])
        .env("BOXOFFICE_HOLD", "2m")
        .env("BOXOFFICE_MAX_QUANTITY", "8")
        .output()
        .unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    let expected = [
        ("hold", "3m", "flag"),
        ("max-quantity", "8", "environment"),
        ("sweep-interval", "1s", "file"),
        ("allow-insecure-header-auth", "true", "file"),
        ("grace", "5s", "default"),
    ];
    for (name, value, source) in expected {
        let row = table.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap_or_default();
        assert_eq!(row.split_whitespace().collect::<Vec<_>>(), [name, value, source], "{table}");
    }
}

#[test]
fn an_environment_variable_that_is_no_setting_is_told_and_stops_nobody() {
    let dir = TempDir::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = program(dir.path());
    let output = command.args(["serve", "--listen", &address]).env("BOXOFFICE_HOLDD", "2m").output().unwrap();
    // It goes on to the next thing that stops it.
    assert_refused(&output, 1, &["--listen"]);
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("WARN") && log.contains("BOXOFFICE_HOLDD is no setting"), "{log}");
}

#[test]
fn a_file_with_an_unknown_key_or_an_impossible_value_is_refused_by_name() {
    let dir = TempDir::new().unwrap();
    let cases = [
        ("colour = 1", "colour"),
        ("hold = \"never\"", "--hold"),
        ("hold = [1]", "hold"),
        ("allow-insecure-header-auth = 1", "allow-insecure-header-auth"),
        ("listen = \"0.0.0.0:80\"", "--listen"),
        ("\n\nhold = ", "line 3"),
    ];
    for (text, names) in cases {
        std::fs::write(dir.path().join("boxoffice.toml"), text).unwrap();
        let output = run(dir.path(), &["serve", "--config", "boxoffice.toml", "--print-config"]);
        assert_refused(&output, 2, &[names]);
    }
    assert_refused(&run(dir.path(), &["serve", "--config", "missing.toml"]), 2, &["missing.toml"]);
}

#[test]
fn help_has_examples_and_every_flag() {
    let dir = TempDir::new().unwrap();
    let help = String::from_utf8(run(dir.path(), &["serve", "--help"]).stdout).unwrap();
    for word in ["Examples:", "--listen", "--db", "--rate-limit", "BOXOFFICE_HOLD", "[default: 300s]"] {
        assert!(help.contains(word), "{word} is missing in {help}");
    }
    assert!(String::from_utf8(run(dir.path(), &["--version"]).stdout).unwrap().starts_with("boxoffice 0."));
}

#[test]
fn each_request_is_one_line_in_the_log_and_mistakes_of_clients_are_no_errors() {
    let dir = TempDir::new().unwrap();
    let server = Running::start(&dir, &["--rate-limit", "off"]);
    let (_, event) = server.json("POST", "/events", "organizer", r#"{"name": "x", "capacity": 1}"#);
    let path = format!("/events/{}/register", event["id"].as_str().unwrap());
    server.json("POST", &path, "user", r#"{"email": "a@example.org"}"#);
    server.json("POST", &path, "user", "{nonsense");
    server.json("POST", &path, "organizer", "{}");
    server.json("GET", "/nothing", "", "");
    server.signal(rustix::process::Signal::TERM);
    let (_, lines, text) = server.wait();
    let requests: Vec<_> = lines.iter().filter(|line| line["message"] == "request").collect();
    let told: Vec<_> = requests
        .iter()
        .map(|line| (line["method"].as_str().unwrap(), line["route"].as_str(), line["status"].as_u64().unwrap()))
        .collect();
    let expected = [
        ("POST", Some("create-event"), 201),
        ("POST", Some("register"), 201),
        ("POST", Some("register"), 400),
        ("POST", Some("register"), 403),
        ("GET", None, 404),
    ];
    assert_eq!(told, expected, "{text}");
    for field in ["role", "address", "request_id", "module", "guest_us", "store_us", "total_us"] {
        assert!(requests[1].get(field).is_some(), "{field} is missing in {}", requests[1]);
    }
    assert!(requests[1]["store_us"].as_u64().unwrap() > 0, "a write takes time: {}", requests[1]);
    assert!(lines.iter().all(|line| line["level"] == "INFO"), "{text}");
    assert!(!text.contains("a@example.org"), "an email is nobody's business: {text}");
}
