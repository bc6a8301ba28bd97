// What the routes of tickets do: read the request, ask the rules, write the answer.

import { json, text } from './json.js';
import { Wrongs } from './refusals.js';
import { idempotencyKey, prefersCsv, readBody, readNothing } from './request.js';
import { writeMoment } from './kinds.js';

/** The media type of an export. */
export const CSV = 'text/csv; charset=utf-8; header=present';
/** Tickets are personal. */
const PRIVATE = ['cache-control', 'no-store'];

export function register(rules, cx) {
    const wrongs = new Wrongs();
    const body = readBody(cx.request, rules.registration, wrongs);
    const key = idempotencyKey(cx.request, body.idempotency_key, wrongs);
    wrongs.check();
    cx.body = body;
    const { ticket, replayed } = rules.register(cx, {
        eventId: cx.params.id,
        email: body.email,
        quantity: body.quantity ?? 1,
        // The host's.
        holdMs: undefined,
        idempotencyKey: key,
        attributes: undefined,
    });
    const headers = [['location', `/tickets/${ticket.id}`], PRIVATE];
    if (replayed) headers.push(['idempotency-replayed', 'true']);
    return json(201, rules.showTicket(cx, ticket), headers);
}

export function get(rules, cx) {
    return json(200, rules.showTicket(cx, rules.getTicket(cx, cx.params.id)), [PRIVATE]);
}

export function confirm(rules, cx) {
    readNothing(cx.request);
    return json(200, rules.showTicket(cx, rules.confirm(cx, cx.params.id)), [PRIVATE]);
}

export function cancel(rules, cx) {
    readNothing(cx.request);
    return json(200, rules.showTicket(cx, rules.cancel(cx, cx.params.id)), [PRIVATE]);
}

export function ofEmail(rules, cx) {
    const { email, limit = 50, cursor } = cx.query;
    return json(200, page(rules, cx, rules.ticketsOfEmail(cx, email, { limit, cursor })), [PRIVATE]);
}

export function ofEvent(rules, cx) {
    const { limit = 50, cursor } = cx.query;
    const tickets = rules.ticketsOfEvent(cx, cx.params.id, { limit, cursor });
    const answer = prefersCsv(cx.request) ? csv(tickets.items) : json(200, page(rules, cx, tickets), [PRIVATE]);
    answer.headers.push(['vary', 'accept']);
    if (tickets.nextCursor !== undefined) {
        const [id, next] = [cx.params.id, tickets.nextCursor].map(escape);
        answer.headers.push(['link', `</events/${id}/tickets?limit=${limit}&cursor=${next}>; rel="next"`]);
    }
    return answer;
}

function page(rules, cx, { items, nextCursor }) {
    return { items: items.map((ticket) => rules.showTicket(cx, ticket)), next_cursor: nextCursor ?? null };
}

/** A part of a URI: what is not unreserved (RFC 3986) is percent-encoded. */
function escape(part) {
    return encodeURIComponent(part).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The header row. Who reads an export goes by these names: new columns come last. */
const COLUMNS = ['id', 'event_id', 'email', 'quantity', 'status', 'reserved_at', 'expires_at', 'confirmed_at', 'cancelled_at'];

/** A page of tickets as a table (RFC 4180), with a header row. */
function csv(tickets) {
    const moment = (ms) => (ms === undefined ? '' : writeMoment(ms));
    const rows = tickets.map((ticket) => [
        cell(ticket.id),
        cell(ticket.eventId),
        cell(ticket.email),
        ticket.quantity,
        ticket.status,
        moment(ticket.reservedAtMs),
        moment(ticket.expiresAtMs),
        moment(ticket.confirmedAtMs),
        moment(ticket.cancelledAtMs),
    ]);
    const body = [COLUMNS, ...rows].map((row) => `${row.join(',')}\r\n`).join('');
    return text(200, CSV, body, [['content-disposition', 'attachment; filename="tickets.csv"'], PRIVATE]);
}

/**
 * A text that is not ours. A spreadsheet takes what begins like a formula for one, and runs it on the reader's machine: an apostrophe
 * in front makes it a text again.
 */
function cell(text) {
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
