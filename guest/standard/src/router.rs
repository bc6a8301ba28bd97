//! From the id of a route to the function that answers it.

use crate::handler::{Request, Response};
use crate::host::Host;
use crate::problem::Problem;
use crate::query;
use crate::{event, event_reads, register, ticket};

/// Answers one request to one of the routes that [`describe`](crate::describe) names.
pub fn handle(host: &impl Host, request: &Request) -> Response {
    let answer = match request.route_id.as_str() {
        route if route != "list-events" && !request.query.is_empty() => Err(query::none_known(request)),
        "create-event" => event::create(host, request),
        "list-events" => event_reads::list(host, request),
        "get-event" => event_reads::get(host, request),
        "get-availability" => event_reads::availability(host, request),
        "register" => register::register(host, request),
        "get-ticket" => ticket::get(host, request),
        "confirm-ticket" => ticket::confirm(host, request),
        "cancel-ticket" => ticket::cancel(host, request),
        other => Err(Problem::failed(format_args!("The host asked for the route {other:?}, which there is not"))),
    };
    answer.unwrap_or_else(|problem| problem.into_response(&request.request_id))
}

/// The path's parameter `id`. No thing has the empty id, so without the parameter nothing is found.
pub(crate) fn id(request: &Request) -> &str {
    request.params.iter().find(|(name, _)| name == "id").map_or("", |(_, value)| value)
}
