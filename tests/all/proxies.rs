//! `--trusted-proxy`: who the client is behind proxies, and what people make up.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use boxoffice::config::{Cli, Command};
use clap::Parser as _;
use harness::{Call, TestServer, fresh_address, logged, watched_id};

/// A server behind proxies on loopback and in 10.0.0.0/8, and the IPv6 network of another.
async fn server() -> TestServer {
    let trusted = ["127.0.0.0/8", "10.0.0.0/8", "2001:db8:1::/48"].map(|net| net.parse().unwrap());
    TestServer::builder()
        .with(|s| (s.network.trusted_proxy, s.allow_insecure_header_auth) = (trusted.to_vec(), true))
        .start()
        .await
}

/// The client's address in the access log.
async fn seen(call: Call) -> String {
    let id = watched_id();
    assert_eq!(call.header("x-request-id", &id).send().await.status, 200);
    let lines = logged(&id);
    lines.iter().find(|line| line.target == "access").expect("it is logged").field("address").to_owned()
}

#[tokio::test]
async fn the_client_is_the_right_most_address_that_is_no_proxy_s() {
    let server = server().await;
    let long = format!("203.0.113.1, {}", "10.0.0.1, ".repeat(31));
    let longer = format!("203.0.113.1, {}", "10.0.0.1, ".repeat(32));
    let peer = "127.1.255.1";
    let cases: [(&[&str], &str); 24] = [
        (&[], peer),
        (&["203.0.113.7"], "203.0.113.7"),
        // What is left of it is what the client says of itself.
        (&["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        (&["10.9.9.9, 203.0.113.7, 10.0.0.1"], "203.0.113.7"),
        (&["127.0.0.1, 203.0.113.7"], "203.0.113.7"),
        // Several headers are one list, in their order.
        (&["198.51.100.1", "203.0.113.7"], "203.0.113.7"),
        (&["203.0.113.7", "10.0.0.2, 10.0.0.1"], "203.0.113.7"),
        // Proxies only: the first of them began it.
        (&["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        // Garbage on the way: the proxy that passed it on is as far as is known.
        (&["unknown"], peer),
        (&["203.0.113.7, unknown"], peer),
        (&["203.0.113.7, unknown, 10.0.0.1"], "10.0.0.1"),
        (&["203.0.113.7, _hidden, 10.0.0.1"], "10.0.0.1"),
        (&["203.0.113.7, for=198.51.100.1"], peer),
        (&["203.0.113.7, 198.51.100.1.5"], peer),
        (&["203.0.113.7, \"198.51.100.1\""], peer),
        (&["203.0.113.7, fe80::1%eth0"], peer),
        (&["203.0.113.7,, ,"], "203.0.113.7"),
        (&[""], peer),
        // As proxies write them.
        (&["203.0.113.7:52100"], "203.0.113.7"),
        (&["[2001:db8::7]:443"], "2001:db8::7"),
        (&["[2001:db8::7]"], "2001:db8::7"),
        (&["2001:db8::7, 2001:db8:1::9, ::ffff:10.0.0.1"], "2001:db8::7"),
        (&[&long], "203.0.113.1"),
        (&[&longer], "10.0.0.1"),
    ];
    for (headers, expected) in cases {
        server.clock.advance(std::time::Duration::from_secs(10));
        let call = server.get("/events").from(peer.parse().unwrap());
        let call = headers.iter().fold(call, |call, value| call.header("x-forwarded-for", value));
        assert_eq!(seen(call).await, expected, "{headers:?}");
    }
    let mapped = server.get("/events").header("x-forwarded-for", "::ffff:203.0.113.9");
    assert_eq!(seen(mapped).await, "203.0.113.9");
}

#[tokio::test]
async fn a_stranger_s_header_is_not_believed() {
    let trusted = vec!["10.0.0.0/8".parse().unwrap()];
    let server = TestServer::builder().with(|s| s.network.trusted_proxy = trusted).start().await;
    let peer = fresh_address();
    for forged in ["203.0.113.7", "10.0.0.1", "203.0.113.7, 10.0.0.1"] {
        let call = server.get("/events").from(peer).header("x-forwarded-for", forged);
        assert_eq!(seen(call).await, peer.to_string(), "{forged}");
    }
    let none = TestServer::start().await;
    let call = none.get("/events").from(peer).header("x-forwarded-for", "203.0.113.7");
    assert_eq!(seen(call).await, peer.to_string(), "nobody is trusted");
}

#[tokio::test]
async fn the_limiter_and_the_audit_trail_go_by_the_client_and_not_by_the_proxy() {
    let server = server().await;
    let proxy = fresh_address();
    let ask = |client: &str| server.get("/events").from(proxy).header("x-forwarded-for", client).send();
    for _ in 0..5 {
        assert_eq!(ask("203.0.113.7").await.status, 200);
    }
    ask("203.0.113.7").await.assert_problem(429, "rate_limited");
    ask("198.51.100.1, 203.0.113.7").await.assert_problem(429, "rate_limited");
    assert_eq!(ask("203.0.113.8").await.status, 200);
    let body = serde_json::json!({"name": "x", "capacity": 1});
    let made = server.post("/events").role("organizer").json(&body).header("x-forwarded-for", "2001:db8::7, 10.0.0.1");
    assert_eq!(made.send().await.status, 201);
    let trail = server.get("/audit").role("admin").send().await;
    assert_eq!(trail.body["items"][0]["address"], "2001:db8::7", "{}", trail.text);
}

#[test]
fn a_network_of_ipv4_addresses_in_ipv6_s_form_is_that_of_ipv4() {
    let cases = [
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:a00:0/120", "10.0.0.0/24"),
        ("::ffff:10.0.0.7", "10.0.0.7/32"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("2001:db8::/32", "2001:db8::/32"),
    ];
    for (said, meant) in cases {
        let arguments = ["boxoffice", "serve", "--allow-insecure-header-auth", "--trusted-proxy", said];
        let Command::Serve(serve) = Cli::try_parse_from(arguments).unwrap().command else { panic!("it is serve") };
        assert_eq!(serve.network.trusted_proxy, [meant.parse().unwrap()], "{said}");
    }
}
