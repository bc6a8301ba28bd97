//! HEAD and OPTIONS of every route that the module has.

use std::collections::BTreeMap;

use harness::TestServer;

/// The module's routes as paths with something behind them, and the methods of each.
async fn paths(event: &str, ticket: &str) -> BTreeMap<String, Vec<&'static str>> {
    let rules = boxoffice::load_rules(&harness::settings()).await.expect("the rules load");
    let mut paths = BTreeMap::<_, Vec<_>>::new();
    for route in &rules.manifest.routes {
        let id = if route.path.starts_with("/tickets") { ticket } else { event };
        paths.entry(route.path.replace("{id}", id)).or_default().push(route.method.name());
    }
    paths
}

#[tokio::test]
async fn head_of_every_route_answers_as_get_does_without_the_body() {
    let server = TestServer::builder().with(|s| s.allow_insecure_header_auth = true).start().await;
    let event = server.event(3).await;
    let ticket = server.hold(&event, "a@example.org").await;
    let mut heads = 0;
    for (path, methods) in paths(&event, &ticket).await {
        let path = if path == "/tickets" { "/tickets?email=a@example.org".to_owned() } else { path };
        let (get, head) = (server.get(&path), server.call("HEAD", &path));
        let (get, head) = (get.role("admin").send().await, head.role("admin").send().await);
        assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path}");
        assert_eq!(get.status, if methods.contains(&"GET") { 200 } else { 405 }, "{path}: {}", get.text);
        assert_eq!(head.header("content-length"), get.text.len().to_string(), "{path}");
        for name in ["content-type", "etag", "cache-control", "vary", "allow"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
        heads += usize::from(head.status == 200);
        // What is refused to GET is refused to HEAD.
        let nobody = server.call("HEAD", &path).send().await;
        assert_eq!(nobody.status, server.get(&path).send().await.status, "{path}");
    }
    assert_eq!(heads, 6);
}

#[tokio::test]
async fn options_of_every_route_tells_exactly_its_methods() {
    let server = TestServer::start().await;
    for (path, methods) in paths("x", "x").await {
        let answer = server.call("OPTIONS", &path).send().await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""), "{path}");
        let allow: Vec<_> = answer.header("allow").split(", ").collect();
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
            let has = methods.contains(&if method == "HEAD" { "GET" } else { method });
            assert_eq!(allow.contains(&method), has, "{method} {path}");
            // And those are what it answers; any other is refused before anything is looked at.
            let status = server.call(method, &path).role("nobody").send().await.status;
            assert_eq!(status == 405, !has, "{method} {path}: {status}");
        }
        assert_eq!(
            (allow.last(), answer.header("accept-patch").is_empty()),
            (Some(&"OPTIONS"), !allow.contains(&"PATCH"))
        );
    }
}
