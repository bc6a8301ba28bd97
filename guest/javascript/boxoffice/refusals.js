// Refusals, as RFC 9457 problems.

import { json } from './json.js';

/** Faults that one problem lists: enough to work with, too few to make an answer large. */
export const WRONGS_MAX = 32;

/**
 * A kind of refusal: its status, the name that clients go by, the title, and what to do about it.
 * Make your own: `const membersFirst = code(403, 'members_first', 'Members first', 'Come back tomorrow.')`.
 */
export function code(status, name, title, advice) {
    return Object.freeze({ status, name, title, advice });
}

/** The kinds of refusal of the standard contract. */
export const codes = Object.freeze({
    invalidRequest: code(400, 'invalid_request', 'The request is not valid', 'Correct what `errors` lists and send the request again.'),
    forbidden: code(403, 'forbidden', 'Not allowed', "The caller's role does not allow this; call with a role that does."),
    eventNotFound: code(404, 'event_not_found', 'No such event', 'No event has this id; GET /events lists those there are.'),
    ticketNotFound: code(404, 'ticket_not_found', 'No such ticket', 'No ticket of this caller has this id; check the id that the registration gave.'),
    soldOut: code(409, 'sold_out', 'Not enough seats are available', 'Fewer seats are available than were asked for; ask for fewer, or try again when holds have run out.'),
    alreadyRegistered: code(409, 'already_registered', 'This email is registered already', 'The email has a live ticket for this event; use that one, or cancel it before registering again.'),
    holdExpired: code(409, 'hold_expired', 'The hold has run out', 'The hold ran out before it was confirmed and its seats are free again; register anew.'),
    ticketCancelled: code(409, 'ticket_cancelled', 'The ticket is cancelled', 'A cancelled ticket cannot be confirmed; register anew.'),
    capacityBelowSold: code(409, 'capacity_below_sold', 'More seats are taken than there would be', 'More seats are reserved or confirmed than there would be; ask for more.'),
    editConflict: code(409, 'edit_conflict', 'Others are changing the event', 'The event changed each time that this was to be merged with it; send the request again.'),
    refused: code(409, 'refused', 'The request was refused', 'The host refused this without a reason that these rules know.'),
    preconditionFailed: code(412, 'precondition_failed', 'The event has changed', 'Read the event again and send the change with its new ETag.'),
    idempotencyKeyReused: code(422, 'idempotency_key_reused', 'The idempotency key belongs to another request', 'The key was used for another event, email or quantity; use a new key for a new registration.'),
});

/** A refusal on its way to the caller: throw it. */
export class Refusal extends Error {
    /**
     * @param code one of `codes`, or one that you have made with `code`
     * @param detail what is special about it this time, and what to do; otherwise the advice of the code
     * @param errors what is wrong with the request: `[{ pointer, detail }]`
     */
    constructor(code, detail = code.advice, errors = []) {
        super(detail);
        this.code = code;
        this.errors = errors;
    }

    /** One thing is wrong with the request. `pointer` is a JSON Pointer: `/email`. */
    static invalid(pointer, detail) {
        return new Refusal(codes.invalidRequest, undefined, [{ pointer, detail }]);
    }

    /** The answer. */
    response(requestId) {
        const { status, name, title } = this.code;
        const problem = { type: `urn:boxoffice:problem:${name}`, title, status, detail: this.message, code: name, request_id: requestId };
        if (this.errors.length > 0) problem.errors = this.errors;
        return json(status, problem, [['cache-control', 'no-store']], 'application/problem+json');
    }
}

/** All that is wrong with a request: collected, so that it is said at once. */
export class Wrongs {
    errors = [];

    /** Adds one, unless there are plenty. */
    add(pointer, detail) {
        if (this.errors.length < WRONGS_MAX) this.errors.push({ pointer, detail });
    }

    /** Throws the refusal that these make, if there are any. */
    check() {
        if (this.errors.length > 0) throw new Refusal(codes.invalidRequest, undefined, this.errors);
    }
}
