//! The audit trail, described.

use serde_json::{Value, json};

use crate::domain::{AuditAction, MAX_PAGE};

/// Who may ask, and how it is read.
pub(super) const DESCRIPTION: &str = "An organizer reads the trail of an own event, named by `event_id`; an admin may read all. Every page that is \
    not empty has a `next_cursor`: with it, one goes on where the page ended, now or later. With header roles it is refused unless the server \
    allows insecure header roles.";

/// What can be asked for.
pub(super) fn parameters() -> Value {
    let parameter = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "query", "required": false, "description": description, "schema": schema });
    let text = json!({ "type": "string" });
    json!([
        parameter("event_id", "Of this event and its tickets; only an admin may leave it out.", text.clone()),
        parameter("ticket_id", "Of this ticket.", text.clone()),
        parameter(
            "limit",
            "Entries of the page.",
            json!({ "type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 50 })
        ),
        parameter("cursor", "The `next_cursor` of the page before.", text),
    ])
}

/// The answer.
pub(super) fn page() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    json!({
        "title": "AuditPage",
        "description": "A page of the audit trail.",
        "type": "object",
        "properties": {
            "items": {
                "type": "array",
                "items": {
                    "description": "One effect, and who caused it.",
                    "type": "object",
                    "properties": {
                        "seq": { "type": "integer", "minimum": 1, "description": "Counts up." },
                        "at": { "type": "string", "format": "date-time" },
                        "action": { "enum": AuditAction::ALL.map(AuditAction::name), "description": "The host function." },
                        "event_id": text("The event, or that of the ticket."),
                        "ticket_id": { "type": ["string", "null"], "description": "The ticket, if it was done to one." },
                        "owner": text("Who: what the credential stands for; empty with header roles."),
                        "roles": { "type": "array", "items": { "enum": ["user", "organizer", "admin"] } },
                        "address": text("The client's address."),
                        "module": text("SHA-256 of the rules that served the request."),
                        "request_id": text("The request, as in X-Request-Id."),
                    },
                    "required": ["seq", "at", "action", "event_id", "ticket_id", "owner", "roles", "address", "module", "request_id"],
                },
            },
            "next_cursor": { "type": ["string", "null"] },
        },
        "required": ["items", "next_cursor"],
    })
}
