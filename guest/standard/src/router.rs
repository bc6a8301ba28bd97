//! From the id of a route to the function that answers it.

use crate::handler::{Request, Response};
use crate::host::Host;
use crate::problem::Problem;
use crate::query;
use crate::reply::Answer;
use crate::{event, event_reads, event_update, register, ticket, ticket_lists};

/// Answers one request to one of the routes that [`describe`](crate::describe) names.
pub fn handle(host: &impl Host, request: &Request) -> Response {
    let lists = matches!(request.route_id.as_str(), "list-events" | "list-tickets" | "list-event-tickets");
    let answer = if lists { Ok(()) } else { query::none(request) }.and_then(|()| answer(host, request));
    answer.unwrap_or_else(|problem| problem.into_response(&request.request_id))
}

fn answer(host: &impl Host, request: &Request) -> Answer {
    match request.route_id.as_str() {
        "create-event" => event::create(host, request),
        "list-events" => event_reads::list(host, request),
        "get-event" => event_reads::get(host, request),
        "update-event" => event_update::update(host, request),
        "get-availability" => event_reads::availability(host, request),
        "list-event-tickets" => ticket_lists::of_event(host, request),
        "register" => register::register(host, request),
        "list-tickets" => ticket_lists::of_email(host, request),
        "get-ticket" => ticket::get(host, request),
        "confirm-ticket" => ticket::confirm(host, request),
        "cancel-ticket" => ticket::cancel(host, request),
        other => Err(Problem::failed(format_args!("The host asked for the route {other:?}, which there is not"))),
    }
}

/// The path's parameter `id`. No thing has the empty id, so without the parameter nothing is found.
pub(crate) fn id(request: &Request) -> &str {
    request.params.iter().find(|(name, _)| name == "id").map_or("", |(_, value)| value)
}
