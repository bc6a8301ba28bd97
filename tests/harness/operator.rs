//! An operator: whoever has the token of the operator's surface.

use std::io::Write as _;
use std::net::SocketAddr;

use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::client::{Answer, Call};
use crate::server::TestServer;

/// The token of every test's operator.
pub const TOKEN: &str = "the-token-of-a-test";

/// A file with the token, for `admin_token_file`. Gone when it is dropped.
///
/// # Panics
/// If there is no room for it.
#[must_use]
pub fn token_file() -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a temporary file");
    writeln!(file, "{TOKEN}").expect("room for it");
    file
}

/// The same module under another digest: a custom section (of no meaning to anybody) makes the difference.
///
/// # Panics
/// If the name is longer than 100 bytes.
#[must_use]
pub fn under_another_digest(component: &[u8], name: &str) -> Vec<u8> {
    assert!(name.len() <= 100, "one byte says how long it is");
    let length = u8::try_from(name.len()).expect("at most 100");
    let section = [&[0, length + 1, length][..], name.as_bytes()].concat();
    [component, &section].concat()
}

/// Talks to the operator's surface of one server.
#[derive(Debug, Clone)]
pub struct Operator {
    surface: SocketAddr,
}

impl Operator {
    /// The operator of this server, which was started with the token's file.
    #[must_use]
    pub fn of(server: &TestServer) -> Self {
        Self { surface: server.admin_address() }
    }

    /// A request with the token, to be completed and sent.
    #[must_use]
    pub fn call(&self, method: &str, path: &str) -> Call {
        Call::new(self.surface, method, path).header("authorization", &format!("Bearer {TOKEN}"))
    }

    /// Uploads a module.
    pub async fn push(&self, component: Vec<u8>) -> Answer {
        self.call("POST", "/v1/modules").header("content-type", "application/wasm").body(component).send().await
    }

    /// Uploads a module that is taken; gives its digest.
    ///
    /// # Panics
    /// If it is not taken.
    pub async fn pushed(&self, component: Vec<u8>) -> String {
        let answer = self.push(component).await;
        assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
        answer.body["digest"].as_str().expect("a digest").to_owned()
    }

    /// Activates a module: `{"mode": ...}`.
    pub async fn activate(&self, digest: &str, mode: &Value) -> Answer {
        self.call("POST", &format!("/v1/modules/{digest}/activate")).json(mode).send().await
    }

    /// Activates a module for everybody.
    ///
    /// # Panics
    /// If that is refused.
    pub async fn activate_for_all(&self, digest: &str) {
        let answer = self.activate(digest, &json!({"mode": "all"})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    /// What there is.
    pub async fn list(&self) -> Value {
        self.call("GET", "/v1/modules").send().await.body
    }

    /// Makes an API key: `{"name": ..., "roles": [...]}`.
    pub async fn create_key(&self, wish: &Value) -> Answer {
        self.call("POST", "/v1/keys").json(wish).send().await
    }

    /// An API key with these roles; gives the key.
    ///
    /// # Panics
    /// If it is not made.
    pub async fn key(&self, subject: &str, roles: &[&str]) -> String {
        let answer = self.create_key(&json!({"name": "of a test", "subject": subject, "roles": roles})).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.body["key"].as_str().expect("a key").to_owned()
    }
}
