//! The SDK's host in memory, and the real one, asked what no standard route asks: each host function with arguments that nobody has checked.

use std::time::Duration;

use boxoffice_sdk::testing::App;
use forwarding_rules::Forwarding;
use harness::{Answer, TestServer, forwarding_rules as component};
use serde_json::{Value, json};

/// Both of them, with one event each, and the ids that later requests are about: the server's, and the mock's.
struct Both<const HOLDS: bool> {
    server: TestServer,
    app: App<Forwarding<HOLDS>>,
    ids: Vec<(String, String)>,
}

impl<const HOLDS: bool> Both<HOLDS> {
    async fn start() -> Self {
        let builder = TestServer::builder().with(|settings| settings.allow_insecure_header_auth = true);
        let server = builder.rules(component()).start().await;
        let app = App::new();
        app.allow_insecure_header_auth();
        let mut both = Self { server, app, ids: Vec::new() };
        let event = json!({"name": "An event", "capacity": 5, "attributes": {"a": 1}});
        both.ask("POST", "/events", &event).await.expect("an event that both make");
        both
    }

    /// Asks both as an admin; what they agree on, or how they differ.
    async fn ask(&mut self, method: &str, path: &str, body: &Value) -> Result<Answer, String> {
        let real = self.server.call(method, path).role("admin").json(body).send().await;
        let asked = self.mocked(&body.to_string());
        let call = self.app.admin().request(method, path).header("content-type", "application/json");
        let mock = call.body(asked).send();
        let told = mock.json();
        for part in [(&real.body["id"], &told["id"]), (&real.body["ticket"]["id"], &told["ticket"]["id"])] {
            let (Some(id), Some(of_mock)) = (part.0.as_str(), part.1.as_str()) else { continue };
            self.ids.push((id.to_owned(), of_mock.to_owned()));
        }
        let mut of_server: Value =
            serde_json::from_str(&self.mocked(&real.body.to_string())).expect("ids in place of ids");
        let mut of_mock = told;
        for body in [&mut of_server, &mut of_mock] {
            if let Some(body) = body.as_object_mut() {
                body.remove("request_id");
            }
        }
        if (real.status, &of_server) == (mock.status, &of_mock) {
            return Ok(real);
        }
        Err(format!("{path} {body}\nserver: {} {of_server}\nmock: {} {of_mock}", real.status, mock.status))
    }

    /// The server's ids in a text, as the mock has them.
    fn mocked(&self, text: &str) -> String {
        self.ids.iter().fold(text.to_owned(), |text, (real, mock)| text.replace(real, mock))
    }

    fn event(&self) -> String {
        self.ids[0].0.clone()
    }

    /// A registration with these arguments besides, or instead.
    async fn register(&mut self, email: &str, more: &Value) -> Result<Answer, String> {
        let mut body = json!({"event_id": self.event(), "email": email, "quantity": 1});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        self.ask("POST", "/raw/register", &body).await
    }

    fn wait(&self, time: Duration) {
        self.server.clock.advance(time);
        self.app.advance(time);
    }

    /// Holds of all lengths, and what is left when they have run out.
    async fn holds(&mut self) -> Result<(), String> {
        let holds = [Some(0), Some(1), Some(60_000), None, Some(299_999), Some(u32::MAX)];
        for (n, hold_ms) in holds.into_iter().enumerate() {
            self.wait(Duration::from_millis(1));
            let answer = self.register(&format!("holder{n}@example.org"), &json!({"hold_ms": hold_ms})).await?;
            assert_eq!(answer.status, if hold_ms == Some(0) { 400 } else { 200 }, "{}", answer.text);
        }
        for wait in [1, 59_995, 10, 239_990, 10_000] {
            self.wait(Duration::from_millis(wait));
            self.ask("POST", "/raw/list", &json!({"limit": 100, "event_id": self.event()})).await?;
            self.ask("POST", "/raw/list", &json!({"limit": 1})).await?;
        }
        Ok(())
    }

    /// The attributes of tickets, keys and quantities.
    async fn registrations(&mut self) -> Result<(), String> {
        let long = json!({"a": "x".repeat(8 * 1024)}).to_string();
        for (n, attributes) in [r#"{"seat":"A1"}"#, "{}", "[]", "nothing", "", &long].into_iter().enumerate() {
            self.wait(Duration::from_millis(1));
            let answer = self.register(&format!("guest{n}@example.org"), &json!({"attributes": attributes})).await?;
            assert_eq!(answer.status, if n < 2 { 200 } else { 400 }, "{}", answer.text);
        }
        for more in [
            json!({"quantity": 0}),
            json!({"quantity": u32::MAX, "idempotency_key": ""}),
            json!({"idempotency_key": "k".repeat(256)}),
            json!({"idempotency_key": "a\nb", "email": " "}),
            json!({"email": format!("{}@example.org", "x".repeat(250))}),
            json!({"event_id": "none", "quantity": 11}),
            json!({"event_id": "none"}),
        ] {
            assert_ne!(self.register("guest@example.org", &more).await?.status, 200);
        }
        let first =
            self.register("key@example.org", &json!({"idempotency_key": "k", "attributes": "{\"a\":1}"})).await?;
        let again =
            self.register("key@example.org", &json!({"idempotency_key": "k", "attributes": "{\"a\":2}"})).await?;
        assert_eq!((first.status, &again.body["attributes"]), (200, &first.body["attributes"]), "{}", again.text);
        Ok(())
    }

    /// Versions, and patches that nobody has checked.
    async fn updates(&mut self) -> Result<(), String> {
        for more in [
            json!({"if_version": 0}),
            json!({"if_version": 1, "name": "Another"}),
            json!({"if_version": 1, "name": "A third"}),
            json!({"if_version": 2, "capacity": 0, "tags": ["", "a", "a"]}),
            json!({"capacity": 1_000_001, "name": " "}),
            json!({"attributes": "1", "tags": vec!["t"; 17]}),
            json!({"event_id": "none", "if_version": 7}),
            json!({"if_version": 2}),
        ] {
            let mut body = json!({"event_id": self.event()});
            body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            self.ask("POST", "/raw/update", &body).await?;
        }
        Ok(())
    }

    /// Limits and texts of lists.
    async fn lists(&mut self) -> Result<(), String> {
        for body in [
            json!({"limit": 0}),
            json!({"limit": 101, "words": "x".repeat(201), "tag": ""}),
            json!({"limit": u32::MAX, "event_id": "none"}),
            json!({"limit": 100, "event_id": "none"}),
            json!({"limit": 0, "email": ""}),
            json!({"limit": 1, "email": "GUEST0@example.org", "cursor": "mine"}),
            json!({"limit": 1, "email": " guest0@EXAMPLE.org "}),
            json!({"limit": 1, "cursor": ""}),
        ] {
            self.ask("POST", "/raw/list", &body).await?;
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_in_memory_takes_the_arguments_that_the_server_takes() {
    let mut both = Both::<true>::start().await;
    let found = async {
        both.registrations().await?;
        both.lists().await?;
        both.updates().await?;
        // The holds are over, and all seats free again.
        both.wait(Duration::from_mins(6));
        both.holds().await
    };
    let found = found.await;
    both.server.stop().await;
    found.unwrap();
}

/// A host in memory that had no ear for `hold_ms` would not pass.
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_is_not_as_long_as_was_asked_for_is_a_difference() {
    let mut both = Both::<false>::start().await;
    let found = both.holds().await;
    both.server.stop().await;
    let differs = found.unwrap_err();
    assert!(differs.contains("hold_ms"), "{differs}");
}
