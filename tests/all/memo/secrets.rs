//! A module that lies about what may be kept shows nobody what is another's.

use harness::{Call, Issuer, TestServer, unruly_rules};

use super::{ask, is_kept};

/// The module that lies, with callers who are known.
async fn with_tokens() -> (TestServer, Issuer) {
    let issuer = Issuer::secret();
    let server = TestServer::builder().rules(unruly_rules()).auth("jwt").jwt_key(issuer.key_file()).start().await;
    (server, issuer)
}

/// A ticket of Ann's; its id.
async fn ticket_of_ann(server: &TestServer, issuer: &Issuer) -> String {
    let text = server.post("/create").bearer(&issuer.token("orga", &["organizer"])).send().await.text;
    let event = text.split("id: \"").nth(1).and_then(|rest| rest.split('"').next()).expect("an event's id").to_owned();
    let text = server.post("/register").body(event).header("content-type", "application/json");
    let text = text.bearer(&issuer.token("ann", &["user"])).send().await.text;
    text.split("id: \"").nth(1).and_then(|rest| rest.split('"').next()).expect("a ticket's id").to_owned()
}

#[tokio::test]
async fn the_ticket_of_one_is_not_given_to_another_with_the_same_roles() {
    let (server, issuer) = with_tokens().await;
    let ticket = ticket_of_ann(&server, &issuer).await;
    let paths = [format!("/kept/ticket?id={ticket}"), "/kept/tickets?email=somebody@example.org".to_owned()];
    for path in paths {
        let as_caller = |call: Call, name: &str| match name {
            "" => call,
            "root" => call.bearer(&issuer.token(name, &["admin"])),
            name => call.bearer(&issuer.token(name, &["user"])),
        };
        // Each has been asked by all others before.
        for round in 0..3 {
            for (name, sees) in [("ann", true), ("bob", false), ("", false), ("eve", false), ("root", true)] {
                let (answer, kept) = ask(as_caller(server.get(&path), name)).await;
                let told = answer.text.contains(&ticket);
                assert_eq!((told, kept), (sees, false), "{path} {name} in round {round}: {}", answer.text);
            }
        }
    }
}

#[tokio::test]
async fn a_denial_is_not_kept_for_those_who_may() {
    let (server, issuer) = with_tokens().await;
    let (denied, kept) = ask(server.get("/kept/created")).await;
    assert!(denied.text.contains("AccessDenied") && !kept, "{}", denied.text);
    for _ in 0..3 {
        let (made, kept) = ask(server.get("/kept/created").bearer(&issuer.token("orga", &["organizer"]))).await;
        assert!(made.text.contains("Ok(") && !kept, "a write is made each time: {}", made.text);
    }
}

#[tokio::test]
async fn callers_of_the_same_roles_share_what_everybody_may_read() {
    let (server, issuer) = with_tokens().await;
    let get = |name: &str, roles: &[&str]| server.get("/kept/event-twice?id=none").bearer(&issuer.token(name, roles));
    assert!(!is_kept(get("ann", &["user"])).await);
    assert!(is_kept(get("bob", &["user"])).await);
    assert!(!is_kept(get("bob", &["user", "organizer"])).await);
    assert!(!is_kept(server.get("/kept/event-twice?id=none")).await);
    assert!(is_kept(get("ann", &["organizer", "user"])).await);
}

#[tokio::test]
async fn a_credential_that_is_not_good_is_refused_whatever_is_kept() {
    let (server, issuer) = with_tokens().await;
    for _ in 0..2 {
        assert_eq!(server.get("/kept/seen").bearer(&issuer.token("ann", &["user"])).send().await.status, 200);
    }
    server.get("/kept/seen").bearer(&Issuer::stranger().token("ann", &["user"])).send().await;
    let wrong = server.get("/kept/seen").bearer("none").send().await;
    assert_eq!(wrong.status, 401, "{}", wrong.text);
}
