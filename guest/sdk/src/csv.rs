//! Tickets as CSV (RFC 4180), for spreadsheets.

use serde::{Serialize, Serializer};

use crate::moment::Moment;
use crate::output;
use crate::refusal::Refusal;
use crate::request::Response;
use crate::ticket::{Ticket, TicketStatus};

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
    status: TicketStatus,
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
pub(crate) fn csv(tickets: &[Ticket]) -> Result<Response, Refusal> {
    let body = rows(tickets).map_err(|error| Refusal::failed(format_args!("No answer: {error}")))?;
    let headers = output::headers([
        ("content-type", CSV),
        ("content-disposition", "attachment; filename=\"tickets.csv\""),
        output::PRIVATE,
    ]);
    Ok(Response { status: 200, headers, body })
}

fn rows(tickets: &[Ticket]) -> Result<Vec<u8>, ::csv::Error> {
    // The names of the fields are not taken for a header row: a page without tickets would have none.
    let mut writer =
        ::csv::WriterBuilder::new().has_headers(false).terminator(::csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for ticket in tickets {
        writer.serialize(Row {
            id: Cell(ticket.id.as_str()),
            event_id: Cell(ticket.event_id.as_str()),
            email: Cell(&ticket.email),
            quantity: ticket.quantity,
            status: ticket.status,
            reserved_at: ticket.reserved_at,
            expires_at: ticket.expires_at,
            confirmed_at: ticket.confirmed_at,
            cancelled_at: ticket.cancelled_at,
        })?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}
