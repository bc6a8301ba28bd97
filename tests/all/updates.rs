//! `PATCH /events/{id}`: JSON merge patches, and the versions that they are for.

use std::time::Duration;

use harness::{Answer, Call, TestServer};
use serde_json::{Value, json};

fn patch(server: &TestServer, event: &str, body: &Value) -> Call {
    let call = server.call("PATCH", &format!("/events/{event}")).role("organizer").body(body.to_string());
    call.header("content-type", "application/merge-patch+json")
}

/// An event with something in every field; gives its id.
async fn full_event(server: &TestServer) -> String {
    let event = json!({
        "name": "Gala", "capacity": 5, "starts_at": "2026-12-24T19:00:00Z", "tags": ["a", "b"],
        "attributes": {"room": {"floor": 3, "wide": true}, "price": 10},
    });
    let answer = server.post("/events").role("organizer").json(&event).send().await;
    answer.body["id"].as_str().expect("an id").to_owned()
}

async fn read(server: &TestServer, event: &str) -> Answer {
    server.get(&format!("/events/{event}")).send().await
}

#[tokio::test]
async fn a_patch_changes_what_it_names_counts_the_version_up_and_is_read_back_the_same() {
    let server = TestServer::start().await;
    let event = full_event(&server).await;
    let before = read(&server, &event).await;
    let change = json!({"name": " Ball ", "capacity": 7, "starts_at": "2026-12-25T20:00:00+01:00", "tags": ["c"]});
    let changed = patch(&server, &event, &change).send().await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!((changed.header("etag"), changed.header("content-type")), ("\"2-7\"", "application/json"));
    let mut expected = before.body;
    for (field, value) in [
        ("name", json!("Ball")),
        ("capacity", json!(7)),
        ("available", json!(7)),
        ("starts_at", json!("2026-12-25T19:00:00.000Z")),
        ("tags", json!(["c"])),
        ("version", json!(2)),
    ] {
        expected[field] = value;
    }
    assert_eq!(changed.body, expected);
    let after = read(&server, &event).await;
    assert_eq!((after.body, after.headers["etag"].clone()), (expected, changed.headers["etag"].clone()));
}

#[tokio::test]
async fn null_removes_a_start_all_tags_and_all_attributes_and_neither_name_nor_capacity() {
    let server = TestServer::start().await;
    let event = full_event(&server).await;
    let emptied = patch(&server, &event, &json!({"starts_at": null, "tags": null, "attributes": null})).send().await;
    assert_eq!(emptied.status, 200, "{}", emptied.text);
    assert_eq!((&emptied.body["tags"], &emptied.body["attributes"]), (&json!([]), &json!({})));
    assert_eq!(emptied.body.get("starts_at"), None);
    let refused = patch(&server, &event, &json!({"name": null, "capacity": null})).send().await;
    refused.assert_problem(400, "invalid_request");
    let pointers: Vec<_> = refused.body["errors"].as_array().unwrap().iter().map(|e| &e["pointer"]).collect();
    assert_eq!(pointers, ["/name", "/capacity"]);
}

#[tokio::test]
async fn attributes_are_merged_as_rfc_7396_says() {
    let server = TestServer::start().await;
    let event = full_event(&server).await;
    let change = json!({"attributes": {"room": {"floor": 4, "wide": null, "door": {"code": null}}, "new": [null, 1]}});
    let merged = patch(&server, &event, &change).send().await;
    let expected = json!({"room": {"floor": 4, "door": {}}, "price": 10, "new": [null, 1]});
    assert_eq!((&merged.body["attributes"], &merged.body["version"]), (&expected, &json!(2)), "{}", merged.text);
    let twice = patch(&server, &event, &json!({})).body(r#"{"attributes": {"room": {"a": 1, "a": 2}}}"#).send().await;
    twice.assert_problem(400, "invalid_request");
    assert_eq!(twice.body["errors"][0]["pointer"], "/attributes/room/a");
    let large = patch(&server, &event, &json!({"attributes": {"x": "y".repeat(8_200)}})).send().await;
    large.assert_problem(400, "invalid_request");
    assert_eq!(large.body["errors"][0]["pointer"], "/attributes");
    assert_eq!(read(&server, &event).await.body["attributes"], expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attributes_that_are_merged_at_the_same_time_are_all_there_afterwards() {
    let server = TestServer::start().await;
    let event = full_event(&server).await;
    let names: Vec<_> = (0..8).map(|n| format!("k{n}")).collect();
    let calls = names.iter().map(|name| tokio::spawn(patch(&server, &event, &json!({"attributes": {name: 1}})).send()));
    for call in calls.collect::<Vec<_>>() {
        let answer = call.await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let after = read(&server, &event).await.body;
    assert_eq!(after["version"], 9);
    for name in names {
        assert_eq!(after["attributes"][&name], 1, "{name} is lost: {after}");
    }
}

#[tokio::test]
async fn a_change_of_what_somebody_else_has_changed_fails_and_one_of_what_was_only_sold_does_not() {
    let server = TestServer::start().await;
    let event = full_event(&server).await;
    let tag = read(&server, &event).await.header("etag").to_owned();
    assert_eq!(tag, "\"1-5\"");
    server.hold(&event, "a@example.org").await;
    let change = |name: &str, tag: &str| patch(&server, &event, &json!({"name": name})).header("if-match", tag).send();
    let first = change("First", &tag).await;
    assert_eq!((first.status, first.header("etag")), (200, "\"2-4\""), "{}", first.text);
    let second = change("Second", &tag).await;
    second.assert_problem(412, "precondition_failed");
    let detail = second.body["detail"].as_str().unwrap();
    assert!(detail.contains("version 2") && detail.contains("read it again"), "{detail}");
    assert_eq!(change("Third", first.header("etag")).await.status, 200);
    assert_eq!(change("Fourth", "\"1-5\", \"3-4\"").await.body["version"], 4);
    assert_eq!(change("Fifth", "*").await.body["version"], 5);
    for never in ["W/\"5-4\"", "\"5\"", "\"other\"", "\"05-4\""] {
        change("Never", never).await.assert_problem(412, "precondition_failed");
    }
    let merging = patch(&server, &event, &json!({"attributes": {"a": 1}})).header("if-match", "\"4-4\"");
    merging.send().await.assert_problem(412, "precondition_failed");
    let after = read(&server, &event).await;
    assert_eq!((&after.body["name"], after.header("etag")), (&json!("Fifth"), "\"5-4\""));
}

#[tokio::test]
async fn an_if_match_that_is_no_list_of_entity_tags_is_refused_by_name() {
    let server = TestServer::start().await;
    let event = full_event(&server).await;
    for value in ["", "1-5", "\"1-5", "*, \"1-5\"", "w/\"1-5\"", "\"1-5\" \"2-5\""] {
        let answer = patch(&server, &event, &json!({"name": "x"})).header("if-match", value).send().await;
        answer.assert_problem(400, "invalid_request");
        assert_eq!(answer.body["errors"][0]["pointer"], "/If-Match", "{value}");
    }
    assert_eq!(read(&server, &event).await.body["version"], 1);
}

#[tokio::test]
async fn a_capacity_below_the_seats_that_are_taken_is_refused_with_their_number() {
    let server = TestServer::start().await;
    let event = server.event(5).await;
    let three = json!({"email": "a@example.org", "quantity": 3});
    let ticket = server.post(&format!("/events/{event}/register")).role("user").json(&three).send().await;
    let capacity = |seats: u32| patch(&server, &event, &json!({"capacity": seats})).send();
    let refused = capacity(2).await;
    refused.assert_problem(409, "capacity_below_sold");
    assert!(
        refused.body["detail"].as_str().unwrap().starts_with("3 seats are reserved or confirmed"),
        "{}",
        refused.text
    );
    let exact = capacity(3).await;
    assert_eq!((exact.status, &exact.body["available"]), (200, &json!(0)));
    server.register(&event, "b@example.org").send().await.assert_problem(409, "sold_out");
    assert_eq!(capacity(4).await.body["available"], 1);
    server.hold(&event, "b@example.org").await;
    // Holds that have run out are no seats taken, swept or not.
    server.clock.advance(Duration::from_mins(5));
    assert_eq!(capacity(1).await.body["available"], 1);
    let path = format!("/tickets/{}/confirm", ticket.body["id"].as_str().unwrap());
    server.post(&path).role("user").send().await.assert_problem(409, "hold_expired");
}

#[tokio::test]
async fn an_empty_patch_gives_the_event_as_it_is_and_makes_no_version() {
    let server = TestServer::start().await;
    let event = full_event(&server).await;
    let before = read(&server, &event).await;
    for body in [json!({}), json!({"attributes": {}})] {
        let same = patch(&server, &event, &body).header("if-match", "\"1-5\"").send().await;
        assert_eq!((same.status, &same.body, same.header("etag")), (200, &before.body, "\"1-5\""));
        patch(&server, &event, &body)
            .header("if-match", "\"2-5\"")
            .send()
            .await
            .assert_problem(412, "precondition_failed");
        patch(&server, "nothing", &body).send().await.assert_problem(404, "event_not_found");
    }
    assert_eq!(read(&server, &event).await.body["version"], 1);
}

#[tokio::test]
async fn a_patch_of_what_is_not_there_or_cannot_be_is_refused_and_changes_nothing() {
    let server = TestServer::start().await;
    let event = full_event(&server).await;
    for body in [json!({"name": "x"}), json!({"attributes": {"a": 1}})] {
        patch(&server, "nothing", &body).send().await.assert_problem(404, "event_not_found");
        patch(&server, "nothing", &body).header("if-match", "*").send().await.assert_problem(404, "event_not_found");
    }
    for (body, pointer) in [
        (json!({"name": ""}), "/name"),
        (json!({"name": "a\u{7}"}), "/name"),
        (json!({"capacity": 0}), "/capacity"),
        (json!({"starts_at": "2026-12-24 19:00:00Z"}), "/starts_at"),
        (json!({"tags": ["a", "a"]}), "/tags/1"),
        (json!({"attributes": []}), "/attributes"),
        (json!({"id": "x"}), "/id"),
        (json!({"version": 2}), "/version"),
        (json!([]), ""),
    ] {
        let answer = patch(&server, &event, &body).send().await;
        answer.assert_problem(400, "invalid_request");
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{}", answer.text);
    }
    patch(&server, &event, &json!({})).body("").send().await.assert_problem(400, "invalid_request");
    let dry =
        server.call("PATCH", &format!("/events/{event}?dry_run=true")).role("organizer").json(&json!({"name": "x"}));
    dry.send().await.assert_problem(400, "invalid_request");
    for role in ["", "user"] {
        let call = server.call("PATCH", &format!("/events/{event}")).role(role).json(&json!({"name": "x"}));
        call.send().await.assert_problem(403, "forbidden");
    }
    assert_eq!(read(&server, &event).await.body["version"], 1);
}

#[tokio::test]
async fn a_patch_is_a_merge_patch_or_plain_json_and_nothing_else() {
    let server = TestServer::start().await;
    let event = server.event(5).await;
    let call = || server.call("PATCH", &format!("/events/{event}")).role("organizer").body(r#"{"name":"x"}"#);
    for good in ["application/merge-patch+json", "Application/Merge-Patch+JSON; charset=utf-8", "application/json"] {
        assert_eq!(call().header("content-type", good).send().await.status, 200, "{good}");
    }
    for bad in ["application/json-patch+json", "text/plain", "application/merge-patch+json; charset=utf-16"] {
        let refused = call().header("content-type", bad).send().await;
        refused.assert_problem(415, "unsupported_media_type");
        assert_eq!(refused.header("accept-patch"), "application/merge-patch+json, application/json");
    }
    let post = server.post("/events").role("organizer").body("x").header("content-type", "text/plain").send().await;
    post.assert_problem(415, "unsupported_media_type");
    assert_eq!(post.header("accept-patch"), "");
    let options = server.call("OPTIONS", &format!("/events/{event}")).send().await;
    assert_eq!(options.header("accept-patch"), "application/merge-patch+json, application/json");
    assert_eq!(server.call("OPTIONS", "/events").send().await.header("accept-patch"), "");
}
