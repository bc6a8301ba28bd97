//! Tickets as CSV (RFC 4180), for spreadsheets.

use serde::{Serialize, Serializer};

use crate::handler::Response;
use crate::problem::Problem;
use crate::reply;
use crate::ticket::StatusJson;
use crate::time::Moment;
use crate::types::Ticket;

/// The media type of an export.
pub(crate) const CSV: &str = "text/csv; charset=utf-8; header=present";

/// The header row. Who reads an export goes by these names: new columns come last.
const COLUMNS: [&str; 9] =
    ["id", "event_id", "email", "quantity", "status", "reserved_at", "expires_at", "confirmed_at", "cancelled_at"];

/// One row; its fields are the columns.
#[derive(Serialize)]
struct Row<'a> {
    id: Cell<'a>,
    event_id: Cell<'a>,
    email: Cell<'a>,
    quantity: u32,
    status: StatusJson,
    reserved_at: Moment,
    expires_at: Moment,
    confirmed_at: Option<Moment>,
    cancelled_at: Option<Moment>,
}

/// A text that is not ours. A spreadsheet takes what begins like a formula for one, and runs it on the reader's machine: an
/// apostrophe in front makes it a text again.
struct Cell<'a>(&'a str);

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.starts_with(['=', '+', '-', '@', '\t', '\r']) {
            serializer.collect_str(&format_args!("'{}", self.0))
        } else {
            serializer.serialize_str(self.0)
        }
    }
}

/// A page of tickets, with a header row.
pub(crate) fn csv(tickets: &[Ticket]) -> Result<Response, Problem> {
    let body = rows(tickets).map_err(|error| Problem::failed(format_args!("No answer: {error}")))?;
    let headers = reply::headers([
        ("content-type", CSV),
        ("content-disposition", "attachment; filename=\"tickets.csv\""),
        reply::PRIVATE,
    ]);
    Ok(Response { status: 200, headers, body })
}

fn rows(tickets: &[Ticket]) -> Result<Vec<u8>, csv::Error> {
    // The names of the fields are not taken for a header row: a page without tickets would have none.
    let mut writer =
        csv::WriterBuilder::new().has_headers(false).terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for ticket in tickets {
        writer.serialize(Row {
            id: Cell(&ticket.id),
            event_id: Cell(&ticket.event_id),
            email: Cell(&ticket.email),
            quantity: ticket.quantity,
            status: ticket.status.into(),
            reserved_at: Moment(ticket.reserved_at_ms),
            expires_at: Moment(ticket.expires_at_ms),
            confirmed_at: ticket.confirmed_at_ms.map(Moment),
            cancelled_at: ticket.cancelled_at_ms.map(Moment),
        })?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}
