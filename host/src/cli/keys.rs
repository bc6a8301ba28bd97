//! `boxoffice keys create|list|revoke`: the API keys of a running host.

use std::process::ExitCode;

use hyper::Method;
use serde_json::{Value, json};

use super::client::{Answer, Client, Failed, Sent};
use super::listing::ago;
use super::operate::{finish, told_answer};
use super::tell;
use super::terminal::{plain, table};
use crate::config::{CreateKey, ListKeys, RevokeKey, Surface};
use crate::domain::Role;

/// What shows which keys there are.
const SEE: &str = "boxoffice keys list";
/// The same for whoever does not know whether a key was made: one that was not shown is of no use to anybody.
const SEE_MADE: &str = "boxoffice keys list; revoke the one that nobody has";
/// The same for whoever does not know whether a key was revoked.
const SEE_REVOKED: &str = "boxoffice keys list; revoke it again if it is active";

/// Makes a key, and shows it.
pub(super) async fn create(settings: &CreateKey) -> ExitCode {
    let done = async {
        let client = Client::of(&settings.surface, SEE_MADE)?;
        let roles: Vec<_> = settings.roles.iter().copied().map(Role::name).collect();
        let mut wish = json!({"name": settings.name, "roles": roles});
        for (field, value) in [("subject", &settings.subject), ("expires", &settings.expires)] {
            if let Some(value) = value {
                wish[field] = json!(value);
            }
        }
        let answer = client.call(Method::POST, "/v1/keys", Sent::Json(wish), "key").await?;
        warn(&settings.surface, &answer);
        Ok(told_answer(&settings.surface, &answer, created))
    };
    finish(&settings.surface, done.await)
}

fn created(json: &Value) -> String {
    let text = |name: &str| plain(json[name].as_str().unwrap_or_default());
    format!(
        "{}\n\nThis is shown once: keep it where only its bearer reads it, and send it as Authorization: Bearer KEY.\n  \
         id       {}\n  name     {}\n  subject  {}\n  roles    {}\n  expires  {}",
        text("key"),
        text("id"),
        text("name"),
        text("subject"),
        roles(json),
        json["expires_at"].as_str().map_or_else(|| "never".to_owned(), plain),
    )
}

fn roles(json: &Value) -> String {
    let names = json["roles"].as_array().map_or(&[][..], Vec::as_slice);
    names.iter().filter_map(Value::as_str).map(plain).collect::<Vec<_>>().join(", ")
}

/// What the host says beside its answer.
fn warn(surface: &Surface, answer: &Answer) {
    if let Some(warning) = answer.json["warning"].as_str().filter(|_| !surface.json) {
        eprintln!("boxoffice: {}", plain(warning));
    }
}

/// Says which keys there are.
pub(super) async fn list(settings: &ListKeys) -> ExitCode {
    finish(&settings.surface, listed(settings).await)
}

async fn listed(settings: &ListKeys) -> Result<bool, Failed> {
    let client = Client::of(&settings.surface, SEE)?;
    let mut told = table();
    told.set_header(["id", "name", "subject", "roles", "state", "created", "expires", "used"]);
    let (mut path, mut count) = ("/v1/keys".to_owned(), 0);
    loop {
        let answer = client.call(Method::GET, &path, Sent::Nothing, "keys").await?;
        if settings.surface.json || !answer.status.is_success() {
            if !told_answer(&settings.surface, &answer, |_| String::new()) {
                return Ok(false);
            }
        } else if count == 0 {
            warn(&settings.surface, &answer);
        }
        for key in answer.json["keys"].as_array().map_or(&[][..], Vec::as_slice) {
            let text = |name: &str| key[name].as_str().map_or_else(|| "-".to_owned(), plain);
            let (created, used) = (ago(&key["created_at"]), ago(&key["last_used_at"]));
            let row = [
                text("id"),
                text("name"),
                text("subject"),
                roles(key),
                text("state"),
                created,
                text("expires_at"),
                used,
            ];
            told.add_row(row);
            count += 1;
        }
        match answer.json["next"].as_str().filter(|next| next.bytes().all(|b| b.is_ascii_alphanumeric())) {
            Some(next) => path = format!("/v1/keys?after={next}"),
            None => break,
        }
    }
    if settings.surface.json {
        return Ok(true);
    }
    let text = if count == 0 { "There are no API keys.".to_owned() } else { told.trim_fmt() };
    Ok(tell(&text).is_ok())
}

/// Revokes a key.
pub(super) async fn revoke(settings: &RevokeKey) -> ExitCode {
    let done = async {
        let client = Client::of(&settings.surface, SEE_REVOKED)?;
        let path = format!("/v1/keys/{}", settings.id);
        let answer = client.call(Method::DELETE, &path, Sent::Nothing, "revoked_at").await?;
        Ok(told_answer(&settings.surface, &answer, |json| {
            let text = |name: &str| plain(json[name].as_str().unwrap_or_default());
            format!("{} ({}) lets nobody in since {}", text("id"), text("name"), text("revoked_at"))
        }))
    };
    finish(&settings.surface, done.await)
}
