// The standard policy. A module is a class that extends `Rules` and overrides what it does otherwise.

import { event, eventPatch, newEvent, registration, ticket } from './shapes.js';
import { mergeAttributes } from './merge.js';
import { codes, Refusal } from './refusals.js';
import { VersionMismatch } from './host.js';
import { Raw } from './json.js';
import { writeMoment } from './kinds.js';
import { standardRoutes } from './routes.js';

/** How often a change is tried before others, who were quicker each time, win. */
const ATTEMPTS_MAX = 16;
/** Versions count from 1: asked for this one, the host says who may change the event and which version it has, and changes nothing. */
const NO_VERSION = 0;

/**
 * The rules of the standard contract, one method for each thing that can be done. Override a method to change the rule; call
 * `super.method(...)` for what the standard does.
 *
 * `cx` is the request: `cx.host` (the host functions), `cx.now` (milliseconds; the one time of the whole run), `cx.roles`
 * (`{ user, organizer, admin }`), `cx.requestId`, `cx.params`, `cx.body` (the body as its shape has read it), `cx.request` (all of it).
 * Throw a `Refusal` to refuse; any other exception is a fault of yours, which the caller sees as a 500 and the operator in the log.
 */
export class Rules {
    /** The module: `{ name, version, summary }`. */
    get about() {
        throw new Error('the rules need `get about()`, which gives { name, version, summary }');
    }

    // What bodies and answers are made of. To add a field: `registration = { ...this.registration, seat: optional(line(1, 8)) }`.
    newEvent = newEvent;
    eventPatch = eventPatch;
    registration = registration;
    event = event;
    ticket = ticket;

    /** The routes, from which the manifest is made. Add your own, or leave some out. */
    routes() {
        return standardRoutes(this);
    }

    /** Creates an event. `it`: `{ name, capacity, startsAtMs, tags, attributes }`, attributes as JSON text. */
    createEvent(cx, it) {
        return cx.host.createEvent(it);
    }

    /** One event. */
    getEvent(cx, id) {
        return cx.host.event(id);
    }

    /** One page of events. `query`: `{ limit, cursor, words, tag, startsAfterMs, startsBeforeMs, availableOnly }`. */
    listEvents(cx, query) {
        return cx.host.events(query);
    }

    /**
     * Changes an event. `change`: what is to change, and `merge`, with which its attributes are to be merged (a tree of `Map`s). `versions`:
     * those that may be changed; `undefined` for any. Merging takes a read before the write, so that is tried again where others
     * changed the event in between.
     */
    updateEvent(cx, id, { merge, ...change }, versions) {
        const admits = (version) => versions === undefined || versions.includes(version);
        let told;
        for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
            const patch = { ...change };
            if (merge !== undefined) {
                const present = cx.host.event(id);
                patch.attributes = mergeAttributes(present.attributes, merge);
                told = present.version;
            }
            if (versions === undefined) patch.ifVersion = merge === undefined ? undefined : told;
            else if (told === undefined) patch.ifVersion = versions[0] ?? NO_VERSION;
            else patch.ifVersion = admits(told) ? told : NO_VERSION;
            try {
                return cx.host.updateEvent(id, patch);
            } catch (error) {
                if (!(error instanceof VersionMismatch && admits(error.present))) throw error;
                told = error.present;
            }
        }
        throw new Refusal(codes.editConflict);
    }

    /** The event as it is, for whoever may change it: what an empty patch comes to. It makes no new version. */
    keepEvent(cx, id, versions) {
        try {
            cx.host.updateEvent(id, { ifVersion: NO_VERSION });
        } catch (error) {
            if (!(error instanceof VersionMismatch)) throw error;
            if (versions !== undefined && !versions.includes(error.present)) throw error;
            return cx.host.event(id);
        }
        throw new Error('the host changed an event of a version that there is not');
    }

    /**
     * Takes seats: `{ ticket, replayed }`. `it`: `{ eventId, email, quantity, holdMs, idempotencyKey, attributes }`. Availability is
     * the host's to judge: a check before the call would refuse the repetition of a request that was granted.
     */
    register(cx, it) {
        return cx.host.register(it);
    }

    /** One ticket. */
    getTicket(cx, id) {
        return cx.host.ticket(id);
    }

    /** One page of an event's tickets. `page`: `{ limit, cursor }`. */
    ticketsOfEvent(cx, id, page) {
        return cx.host.ticketsOfEvent(id, page);
    }

    /** One page of an email's tickets. */
    ticketsOfEmail(cx, email, page) {
        return cx.host.ticketsOfEmail(email, page);
    }

    /** Confirms a hold. */
    confirm(cx, id) {
        return cx.host.confirm(id);
    }

    /** Cancels a ticket. */
    cancel(cx, id) {
        return cx.host.cancel(id);
    }

    /** How an event is shown: what the shape `event` says. */
    showEvent(cx, event) {
        return {
            id: event.id,
            name: event.name,
            capacity: event.capacity,
            available: event.available,
            starts_at: moment(event.startsAtMs),
            tags: event.tags,
            attributes: new Raw(event.attributes),
            created_at: moment(event.createdAtMs),
            version: event.version,
        };
    }

    /** How a ticket is shown: what the shape `ticket` says. */
    showTicket(cx, ticket) {
        return {
            id: ticket.id,
            event_id: ticket.eventId,
            email: ticket.email,
            quantity: ticket.quantity,
            status: ticket.status,
            reserved_at: moment(ticket.reservedAtMs),
            expires_at: moment(ticket.expiresAtMs),
            confirmed_at: moment(ticket.confirmedAtMs),
            cancelled_at: moment(ticket.cancelledAtMs),
            server_time: moment(cx.now),
        };
    }
}

function moment(ms) {
    return ms === undefined ? undefined : writeMoment(ms);
}
