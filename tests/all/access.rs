//! Who may do what, with header roles: the whole matrix, and what people try.

use boxoffice::domain::{Permission, Principal, Role};
use harness::TestServer;
use serde_json::json;

/// Every route in scope, and the role it needs; `None`: everybody.
const ROUTES: [(&str, &str, Option<&str>); 11] = [
    ("POST", "/events", Some("organizer")),
    ("GET", "/events", None),
    ("GET", "/events/x", None),
    ("PATCH", "/events/x", Some("organizer")),
    ("GET", "/events/x/availability", None),
    ("GET", "/events/x/tickets", Some("organizer")),
    ("POST", "/events/x/register", Some("user")),
    ("GET", "/tickets", Some("user")),
    ("GET", "/tickets/x", Some("user")),
    ("POST", "/tickets/x/confirm", Some("user")),
    ("POST", "/tickets/x/cancel", Some("user")),
];

#[tokio::test]
async fn every_route_admits_exactly_its_role_and_admins() {
    let server = TestServer::start().await;
    for (method, path, needs) in ROUTES {
        for role in ["", "user", "organizer", "admin"] {
            let answer = server.call(method, path).role(role).send().await;
            let admitted = needs.is_none_or(|needed| role == needed || role == "admin");
            assert_eq!(answer.code() != "forbidden", admitted, "{method} {path} as {role:?}: {}", answer.text);
            if !admitted {
                answer.assert_problem(403, "forbidden");
            }
        }
    }
}

#[tokio::test]
async fn the_matrix_of_routes_has_every_route_of_the_module() {
    let server = TestServer::builder().start().await;
    let rules = boxoffice::load_rules(&harness::settings()).await.unwrap();
    assert_eq!(rules.manifest.routes.len(), ROUTES.len(), "a route is missing in this test's matrix");
    for route in &rules.manifest.routes {
        let known = ROUTES
            .iter()
            .any(|(method, path, _)| *method == route.method.name() && path.replace("/x", "/{id}") == route.path);
        assert!(known, "{} {} is missing in this test's matrix", route.method.name(), route.path);
    }
    drop(server);
}

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
