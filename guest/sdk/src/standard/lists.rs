//! Lists: events, the tickets of an email, the tickets of an event.

use crate::context::Context;
use crate::csv;
use crate::event::{EventPage, EventQuery};
use crate::manifest::AnswerManifest;
use crate::output::{Json, Output, Reply, Written};
use crate::paging;
use crate::read::accept;
use crate::read::query::{TicketsOfEmail, TicketsOfEvent};
use crate::refusal::Refusal;
use crate::request::Response;
use crate::rules::Rules;
use crate::ticket::TicketPage;

/// `GET /events`.
pub(crate) fn events<R: Rules>(rules: &R, cx: &Context<'_>, query: EventQuery) -> Result<Written<EventPage>, Refusal> {
    paging::fitting(query, |query| Ok(Reply::new(rules.events(cx, query)?).revalidated()))
}

/// `GET /tickets?email=`.
pub(crate) fn of_email<R: Rules>(
    rules: &R,
    cx: &Context<'_>,
    TicketsOfEmail(query): TicketsOfEmail,
) -> Result<Json<TicketPage>, Refusal> {
    // A hundred tickets have some 100 KiB at the very most: no page is too large for an answer.
    rules.tickets(cx, query).map(Json)
}

/// `GET /events/{id}/tickets`, as JSON or as CSV.
pub(crate) fn of_event<R: Rules>(
    rules: &R,
    cx: &Context<'_>,
    TicketsOfEvent(query): TicketsOfEvent,
) -> Result<TicketList, Refusal> {
    let limit = query.limit;
    Ok(TicketList { page: rules.tickets(cx, query)?, limit })
}

/// A page of an event's tickets, in the form that the caller would rather have.
pub(crate) struct TicketList {
    page: TicketPage,
    limit: u32,
}

impl Output for TicketList {
    fn answers(description: &str) -> Vec<AnswerManifest> {
        Json::<TicketPage>::answers(description)
    }

    /// The same as the page in JSON, for those who would rather have a table.
    fn other_answers(description: &str) -> Vec<AnswerManifest> {
        vec![AnswerManifest {
            status: 200,
            description: format!("{description}, as a table with a header row"),
            content_type: Some(csv::CSV.to_owned()),
            schema: None,
        }]
    }

    fn into_response(self, cx: &Context<'_>) -> Result<Response, Refusal> {
        let cursor = self.page.next_cursor.clone();
        let response =
            if accept::prefers_csv(cx) { csv::csv(&self.page.items)? } else { Json(self.page).into_response(cx)? };
        let response = response.with_header("vary", "accept");
        Ok(match cursor {
            Some(cursor) => {
                let path = format!("/events/{}/tickets", paging::escape(cx.param("id")));
                response.with_header("link", paging::next_link(&path, &[], self.limit, &cursor))
            }
            None => response,
        })
    }
}
