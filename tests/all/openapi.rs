//! The API describes itself: what is served is what is said.

use std::collections::HashSet;
use std::io::Read as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use harness::{Operator, TestServer, token_file};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::made::{Made, Said};

async fn description(server: &TestServer) -> Value {
    let answer = server.get("/openapi.json").send().await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"), "{}", answer.text);
    answer.body
}

/// Everything in it, from the outside in.
fn parts(value: &Value) -> Vec<&Value> {
    let inner: Vec<&Value> = match value {
        Value::Object(members) => members.values().collect(),
        Value::Array(values) => values.iter().collect(),
        _ => Vec::new(),
    };
    std::iter::once(value).chain(inner.into_iter().flat_map(parts)).collect()
}

#[track_caller]
fn assert_leads_somewhere(description: &Value) {
    let references = parts(description).into_iter().filter_map(|part| part.get("$ref")?.as_str());
    let mut count = 0;
    for reference in references {
        let place = reference.strip_prefix('#').expect("a reference into the description");
        assert!(description.pointer(place).is_some(), "{reference} leads nowhere");
        count += 1;
    }
    assert!(count > 0);
}

#[tokio::test]
async fn every_route_of_the_module_and_of_the_host_is_in_the_description() {
    let server = TestServer::start().await;
    let said = description(&server).await;
    assert_eq!(said["openapi"], "3.1.1");
    assert_leads_somewhere(&said);
    let module = server.server().module();
    assert_eq!(said["info"]["x-boxoffice-rules"]["digest"], module.digest.to_string());
    let mut ids = HashSet::new();
    for route in &module.manifest.routes {
        let operation = &said["paths"][&route.path][route.method.name().to_ascii_lowercase()];
        assert_eq!(operation["operationId"], route.id, "{}", route.path);
        assert!(ids.insert(&route.id));
        for answer in &route.described.answers {
            let told = &operation["responses"][answer.status.as_str()];
            assert!(told["description"].as_str().unwrap().contains(&answer.description), "{}: {told}", route.id);
        }
        // What the host answers by itself.
        for status in ["400", "413", "415", "429", "500", "503", "504"] {
            assert!(operation["responses"][status].is_object(), "{status} of {}", route.id);
        }
        let takes_body = operation["requestBody"].is_object();
        assert_eq!(takes_body, route.described.body.is_some(), "{}", route.id);
    }
    for path in boxoffice::own_paths() {
        assert!(said["paths"][path]["get"]["operationId"].is_string(), "{path}");
        let given = server.get(path).send().await;
        assert!(given.status == 200 || given.code() == "forbidden", "{path}: {}", given.text);
    }
}

#[tokio::test]
async fn headers_that_decide_are_parameters() {
    let server = TestServer::start().await;
    let said = description(&server).await;
    let names = |path: &str, method: &str| -> Vec<String> {
        let parameters = said["paths"][path][method]["parameters"].as_array().unwrap();
        parameters.iter().map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
    };
    assert!(names("/events/{id}", "get").contains(&"If-None-Match".to_owned()));
    assert!(names("/events/{id}/register", "post").contains(&"Idempotency-Key".to_owned()));
    assert!(names("/events", "get").contains(&"cursor".to_owned()));
    assert!(names("/tickets/{id}", "get").contains(&"id".to_owned()));
}

#[tokio::test]
async fn the_description_is_that_of_the_module_that_serves_everybody() {
    let token = token_file();
    let path = token.path().to_owned();
    let server = TestServer::builder().with(|s| s.operating.admin_token_file = Some(path)).own_engine().start().await;
    let before = server.get("/openapi.json").send().await;
    let operator = Operator::of(&server);
    let schema = json!({
        "title": "Basket", "type": "object",
        "properties": { "inner": { "$ref": "#/$defs/Piece" }, "again": { "$ref": "#" } },
        "$defs": { "Piece": { "type": "integer" } },
    });
    let other = json!({ "title": "Basket", "type": "string" });
    let route =
        |id: &str, schema: &Value| Said { body_schema: Some(schema.to_string()), ..Said::post(id, &format!("/{id}")) };
    let routes = vec![route("one", &schema), route("two", &other), route("three", &schema)];
    let digest = operator.pushed(Made { routes, ..Made::default() }.component()).await;
    let still = server.get("/openapi.json").header("if-none-match", before.header("etag")).send().await;
    assert_eq!((still.status, still.text.as_str()), (304, ""), "nobody is served by it yet");
    operator.activate_for_all(&digest).await;
    let after = server.get("/openapi.json").header("if-none-match", before.header("etag")).send().await;
    assert_eq!(after.status, 200);
    let said = after.body;
    assert_eq!(said["info"]["x-boxoffice-rules"]["digest"], digest.as_str());
    assert!(said["paths"]["/events"].is_null());
    assert_leads_somewhere(&said);
    let body = |id: &str| {
        said["paths"][format!("/{id}")]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"].clone()
    };
    assert_eq!(body("one"), "#/components/schemas/Basket");
    assert_eq!((body("three"), body("two")), (body("one"), json!("#/components/schemas/Basket2")));
    let basket = &said["components"]["schemas"]["Basket"];
    assert_eq!(basket["properties"]["inner"]["$ref"], "#/components/schemas/Basket/$defs/Piece");
    assert_eq!(basket["properties"]["again"]["$ref"], "#/components/schemas/Basket");
    operator.activate_for_all("standard").await;
    assert!(server.get("/openapi.json").send().await.text == before.text, "the standard rules' again");
}

#[tokio::test]
async fn a_strangers_manifest_makes_a_description_that_is_whole_or_none() {
    let token = token_file();
    let path = token.path().to_owned();
    let server = TestServer::builder().with(|s| s.operating.admin_token_file = Some(path)).own_engine().start().await;
    let operator = Operator::of(&server);
    let route = |n: usize, schema: &Value| {
        let id = format!("r{n}");
        Said {
            body_schema: Some(schema.to_string()),
            summary: "<script>alert(1)</script>".into(),
            ..Said::post(&id, &format!("/{id}"))
        }
    };
    // Names that are taken, have meaning elsewhere, or are as long as a schema may be.
    let own = json!({ "title": "HostProblem", "type": "string" });
    let proto = json!({ "title": "__proto__", "type": "object", "properties": { "__proto__": { "$ref": "#" } } });
    let long = json!({ "title": "x".repeat(30_000), "allOf": vec![json!({ "$ref": "#" }); 2_000] });
    let data = json!({ "type": "object", "properties": { "a": { "const": { "properties": {} } } } });
    let mut routes: Vec<Said> =
        [own, proto, long, data].iter().enumerate().map(|(n, schema)| route(n, schema)).collect();
    // And many of one title that are all different.
    routes.extend((4..64).map(|n| route(n, &json!({ "title": "Same", "const": n }))));
    let digest = operator.pushed(Made { routes, ..Made::default() }.component()).await;
    operator.activate_for_all(&digest).await;
    let said = description(&server).await;
    assert_leads_somewhere(&said);
    let schemas = said["components"]["schemas"].as_object().unwrap();
    assert_eq!(schemas["HostProblem"]["type"], "object", "the host's own");
    assert_eq!(schemas["HostProblem2"]["type"], "string");
    assert!(schemas.keys().all(|name| name.len() < 80));
    assert_eq!(schemas["r3-body"]["properties"]["a"]["const"], json!({ "properties": {} }));
    assert!(schemas.contains_key("Same") && schemas.contains_key("Same60"));

    let self_referring = |n: usize| {
        let refs: Vec<_> = (0..4_500).map(|_| json!({ "$ref": "#" })).collect();
        json!({ "title": format!("{n}{}", "x".repeat(100)), "allOf": refs })
    };
    let routes = (0..16).map(|n| route(n, &self_referring(n))).collect();
    let refused = operator.push(Made { routes, ..Made::default() }.component()).await;
    assert_eq!((refused.status, &refused.body["refusal"]), (422, &json!("bad-manifest")), "{}", refused.text);
    assert!(refused.text.contains("description"), "{}", refused.text);
}

#[tokio::test]
async fn the_page_for_people_is_whole_and_runs_no_script_but_its_own() {
    let server = TestServer::start().await;
    let page = server.get("/docs").send().await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = page.header("content-security-policy");
    let scripts: Vec<&str> =
        page.text.split("<script>").skip(1).map(|rest| rest.split("</script>").next().unwrap()).collect();
    assert_eq!(scripts.len(), 2);
    for script in scripts {
        let hash = format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(script)));
        assert!(policy.contains(&hash), "{hash} is missing in {policy}");
    }
    for says in ["default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(says), "{policy}");
    }
    assert!(!page.text.contains("<link rel=\"stylesheet\"") && !page.text.contains(" src=\"http"));
    let known = server.get("/docs").header("if-none-match", page.header("etag")).send().await;
    assert_eq!((known.status, known.text.len()), (304, 0));
}

#[tokio::test]
async fn the_page_is_sent_compressed_to_whoever_takes_that() {
    let server = TestServer::start().await;
    let whole = server.get("/docs").send().await;
    let raw = harness::raw_bytes(
        server.address(),
        b"GET /docs HTTP/1.1\r\nhost: a\r\nconnection: close\r\naccept-encoding: br, gzip;q=0.5\r\n\r\n",
    )
    .await;
    let at = raw.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&raw[..at]).to_ascii_lowercase();
    assert!(head.contains("content-encoding: gzip") && head.contains("vary: accept-encoding"), "{head}");
    let mut text = String::new();
    flate2::read::GzDecoder::new(&raw[at + 4..]).read_to_string(&mut text).unwrap();
    assert!(text == whole.text, "the same page");
    for refused in ["gzip;q=0", "br", "identity", ""] {
        let answer = server.get("/docs").header("accept-encoding", refused).send().await;
        assert_eq!(answer.header("content-encoding"), "", "{refused:?}");
    }
}

#[tokio::test]
async fn the_hosts_own_routes_have_the_methods_of_reading() {
    let server = TestServer::start().await;
    for path in ["/openapi.json", "/docs"] {
        let head = server.call("HEAD", path).send().await;
        assert_eq!((head.status, head.text.len()), (200, 0), "{path}");
        let options = server.call("OPTIONS", path).send().await;
        assert_eq!((options.status, options.header("allow")), (204, "GET, HEAD, OPTIONS"), "{path}");
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let other = server.call(method, path).send().await;
            other.assert_problem(405, "method_not_allowed");
            assert_eq!(other.header("allow"), "GET, HEAD, OPTIONS");
        }
    }
    server.get("/docs/").send().await.assert_problem(404, "route_not_found");
}
