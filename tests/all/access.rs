//! Who may do what: the whole matrix, and what people try with header roles.

mod matrix;
mod table;

use boxoffice::domain::{Permission, Principal, Role};
use harness::TestServer;
use serde_json::json;

#[tokio::test]
async fn a_role_that_is_forged_doubled_or_misspelt_is_no_role() {
    let server = TestServer::start().await;
    let body = json!({"name": "x", "capacity": 1});
    for role in ["Organizer", "ORGANIZER", "organizer,admin", "organizer admin", "root", "\"admin\""] {
        server.post("/events").role(role).json(&body).send().await.assert_problem(403, "forbidden");
    }
    server.post("/events").json(&body).send().await.assert_problem(403, "forbidden");
    server
        .post("/events")
        .role("organizer")
        .role("organizer")
        .json(&body)
        .send()
        .await
        .assert_problem(403, "forbidden");
    server.post("/events").role("user").role("admin").json(&body).send().await.assert_problem(403, "forbidden");
    assert_eq!(server.get("/events").send().await.body["items"], json!([]));
}

#[tokio::test]
async fn the_role_is_checked_before_content_type_and_body() {
    let server = TestServer::start().await;
    let call = server.post("/events").role("user").header("content-type", "text/plain").body("{nonsense");
    call.send().await.assert_problem(403, "forbidden");
    let huge = server.post("/events").role("user").body(vec![b'x'; 200_000]);
    huge.send().await.assert_problem(403, "forbidden");
}

#[tokio::test]
async fn an_unknown_route_is_not_found_for_everybody() {
    let server = TestServer::start().await;
    for role in ["", "user", "admin"] {
        server.get("/nothing").role(role).send().await.assert_problem(404, "route_not_found");
    }
}

#[test]
fn every_permission_is_granted_to_exactly_the_roles_of_the_table() {
    use Permission as P;
    let table = [
        (P::ReadEvents, [true, true, true, true]),
        (P::CreateEvent, [false, false, true, true]),
        (P::UpdateEvent, [false, false, true, true]),
        (P::ListEventTickets, [false, false, true, true]),
        (P::ReadAudit, [false, false, true, true]),
        (P::Register, [false, true, false, true]),
        (P::Confirm, [false, true, false, true]),
        (P::Cancel, [false, true, false, true]),
        (P::ReadTicket, [false, true, false, true]),
        (P::ListOwnTickets, [false, true, false, true]),
    ];
    for (permission, expected) in table {
        let nobody = Principal::default().may(permission);
        let [user, organizer, admin] = Role::ALL.map(|role| Principal::with_role(role).may(permission));
        assert_eq!([nobody, user, organizer, admin], expected, "{permission:?}");
    }
}
