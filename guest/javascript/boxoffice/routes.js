// The routes of the standard contract: what the manifest says of each, and what runs.

import * as shapes from './shapes.js';
import { codes } from './refusals.js';
import * as events from './event_routes.js';
import * as tickets from './ticket_routes.js';

/** Bytes of a body that has nothing to say: room for `{}` with some white space. */
const NOTHING_BYTES_MAX = 1024;

/**
 * A route. `id` names it in logs and metrics, `summary` is its line in the API's description.
 * @param more `access` (public, user, organizer, admin; public unless said), `cacheable`, `query` (a shape), `body` (`{ title,
 * description, shape }`), `maxBodyBytes`, `answers` (`[{ status, description, schema, type }]`), `refuses` (codes), and
 * `run(rules, cx)`, which gives the response: `json(200, {...})`
 */
export function route(method, id, path, summary, more) {
    const maxBodyBytes = method === 'get' ? 0 : undefined;
    return { method, id, path, summary, access: 'public', cacheable: false, maxBodyBytes, answers: [], refuses: [], ...more };
}

/** The routes of the standard contract, for these rules. */
export function standardRoutes(rules) {
    return [...eventRoutes(rules), ...ticketRoutes(rules)];
}

function eventRoutes(rules) {
    const event = shapes.objectSchema('Event', 'An event.', rules.event);
    const { eventNotFound, forbidden, invalidRequest } = codes;
    return [
        route('post', 'create-event', '/events', 'Create an event', {
            access: 'organizer',
            body: { title: 'NewEvent', description: 'What an organizer says of a new event.', shape: rules.newEvent },
            answers: [{ status: 201, description: 'The event was created', schema: event }],
            refuses: [invalidRequest, forbidden],
            run: events.create,
        }),
        route('get', 'list-events', '/events', 'List events, soonest first', {
            cacheable: true,
            query: { title: 'EventParameters', description: 'Which events, and which page of them. All conditions must hold.', shape: shapes.eventQuery },
            answers: [{ status: 200, description: 'One page of events', schema: shapes.page('EventPage', 'A page of events, soonest start first.', event) }],
            refuses: [invalidRequest, forbidden],
            run: events.list,
        }),
        route('get', 'get-event', '/events/{id}', 'Read an event', {
            cacheable: true,
            answers: [
                { status: 304, description: 'The event is still what `If-None-Match` names', type: null },
                { status: 200, description: 'The event', schema: event },
            ],
            refuses: [invalidRequest, eventNotFound, forbidden],
            run: events.get,
        }),
        route('patch', 'update-event', '/events/{id}', 'Change an event, by a JSON merge patch', {
            access: 'organizer',
            body: {
                title: 'EventPatch',
                description: 'What is to change in an event: a JSON merge patch. What is absent stays as it is.',
                shape: rules.eventPatch,
            },
            answers: [{ status: 200, description: 'The event after the change', schema: event }],
            refuses: [invalidRequest, eventNotFound, forbidden, codes.preconditionFailed, codes.capacityBelowSold, codes.editConflict],
            run: events.update,
        }),
        // Not cacheable: the answer tells the time.
        route('get', 'get-availability', '/events/{id}/availability', 'Read how many seats are left', {
            answers: [{ status: 200, description: 'The seats of the event', schema: shapes.objectSchema('Availability', 'The seats of an event.', shapes.availability) }],
            refuses: [invalidRequest, eventNotFound, forbidden],
            run: events.availability,
        }),
    ];
}

function ticketRoutes(rules) {
    const ticket = shapes.objectSchema('Ticket', 'A ticket.', rules.ticket);
    const page = { status: 200, description: 'One page of tickets', schema: shapes.page('TicketPage', 'A page of tickets, oldest first.', ticket) };
    const { eventNotFound, forbidden, invalidRequest, ticketNotFound } = codes;
    const nothing = { title: 'Nothing', description: 'Nothing: the body may be absent too.', shape: {} };
    return [
        route('post', 'register', '/events/{id}/register', 'Reserve seats', {
            access: 'user',
            body: { title: 'Registration', description: 'Who wants how many seats.', shape: rules.registration },
            answers: [{ status: 201, description: 'The seats are held; or, for a repeated idempotency key, the ticket as it is', schema: ticket }],
            refuses: [invalidRequest, codes.idempotencyKeyReused, eventNotFound, codes.alreadyRegistered, codes.soldOut, forbidden],
            run: tickets.register,
        }),
        route('get', 'list-event-tickets', '/events/{id}/tickets', "List an event's tickets, oldest first", {
            access: 'organizer',
            query: { title: 'PageParameters', description: "Which page of an event's tickets.", shape: shapes.pageQuery },
            answers: [page, { status: 200, description: 'One page of tickets, as a table with a header row', type: tickets.CSV }],
            refuses: [invalidRequest, eventNotFound, forbidden],
            run: tickets.ofEvent,
        }),
        route('get', 'list-tickets', '/tickets', "List an email's tickets, oldest first", {
            access: 'user',
            query: { title: 'EmailParameters', description: "Which page of an email's tickets.", shape: shapes.emailQuery },
            answers: [page],
            refuses: [invalidRequest, forbidden],
            run: tickets.ofEmail,
        }),
        route('get', 'get-ticket', '/tickets/{id}', 'Read a ticket', {
            access: 'user',
            answers: [{ status: 200, description: 'The ticket', schema: ticket }],
            refuses: [invalidRequest, ticketNotFound, forbidden],
            run: tickets.get,
        }),
        route('post', 'confirm-ticket', '/tickets/{id}/confirm', 'Confirm a reserved ticket', {
            access: 'user',
            maxBodyBytes: NOTHING_BYTES_MAX,
            body: nothing,
            answers: [{ status: 200, description: 'The ticket is confirmed', schema: ticket }],
            refuses: [invalidRequest, ticketNotFound, codes.holdExpired, codes.ticketCancelled, forbidden],
            run: tickets.confirm,
        }),
        route('post', 'cancel-ticket', '/tickets/{id}/cancel', 'Cancel a ticket', {
            access: 'user',
            maxBodyBytes: NOTHING_BYTES_MAX,
            body: nothing,
            answers: [{ status: 200, description: 'The ticket is cancelled and its seats are free', schema: ticket }],
            refuses: [invalidRequest, ticketNotFound, forbidden],
            run: tickets.cancel,
        }),
    ];
}
