//! `guest/early-access` on the real server.

use std::time::Duration;

use harness::{TestServer, early_access_rules};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn members_register_first_and_everybody_afterwards() {
    let server = TestServer::builder().rules(early_access_rules()).start().await;
    // An hour after the test begins.
    let window = json!({"until": "2026-11-21T10:30:00Z", "domains": ["example.org"]});
    let event = json!({"name": "An event", "capacity": 5, "attributes": {"early_access": window}});
    let event = server.post("/events").role("organizer").json(&event).send().await;
    assert_eq!(event.status, 201, "{}", event.text);
    let event = event.body["id"].as_str().unwrap();

    assert_eq!(server.register(event, "ada@EXAMPLE.org").send().await.status, 201);
    server.clock.advance(Duration::from_hours(1) - Duration::from_millis(1));
    let refused = server.register(event, "ada@example.com").send().await;
    refused.assert_problem(403, "members_first");
    assert!(refused.body["detail"].as_str().unwrap().contains("2026-11-21T10:30:00.000Z"), "{}", refused.text);
    server.clock.advance(Duration::from_millis(1));
    assert_eq!(server.register(event, "ada@example.com").send().await.status, 201);

    let broken = json!({"attributes": {"early_access": {"until": "soon"}}});
    let patched = server.call("PATCH", &format!("/events/{event}")).role("organizer").json(&broken).send().await;
    assert_eq!(patched.status, 200, "{}", patched.text);
    let refused = server.register(event, "bob@example.org").send().await;
    refused.assert_problem(409, "wrong_attribute");
    assert!(refused.body["detail"].as_str().unwrap().contains("/attributes/early_access/until"), "{}", refused.text);
    server.stop().await;
}
