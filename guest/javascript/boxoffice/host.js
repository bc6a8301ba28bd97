// The host functions, as the rules see them: plain numbers for times and versions, and a `Refusal` thrown for each refusal.

import { codes, Refusal, Wrongs } from './refusals.js';

const anothersEvent = 'Only the organizer who created the event, or an admin, may do this; call with their credential.';
const headerRoles =
    'With header roles anybody may claim to be anybody, and the ids that a list gives away are keys to the tickets. Call a ' +
    'server with credentials (--auth), or one that was started with --allow-insecure-header-auth.';

/** What a refusal of the host's is called in the contract of the module. */
const refusals = {
    'access-denied': (_, denied) => new Refusal(codes.forbidden, denied),
    'event-not-found': () => new Refusal(codes.eventNotFound),
    'ticket-not-found': () => new Refusal(codes.ticketNotFound),
    'sold-out': () => new Refusal(codes.soldOut),
    'already-registered': () => new Refusal(codes.alreadyRegistered),
    'idempotency-key-reused': () => new Refusal(codes.idempotencyKeyReused),
    'hold-expired': () => new Refusal(codes.holdExpired),
    'ticket-cancelled': () => new Refusal(codes.ticketCancelled),
    'version-mismatch': (present) => new VersionMismatch(Number(present)),
    'capacity-below-sold': (taken) =>
        new Refusal(
            codes.capacityBelowSold,
            `${taken} seats are reserved or confirmed, so the capacity must be at least ${taken}; cancel tickets to have fewer.`,
        ),
    invalid: (fields) => {
        const wrongs = new Wrongs();
        for (const { pointer, detail } of fields) wrongs.add(pointer, detail);
        return new Refusal(codes.invalidRequest, undefined, wrongs.errors);
    },
    other: (text) => new Refusal(codes.refused, text || undefined),
};

/** The event has another version than the one that was asked for. */
export class VersionMismatch extends Refusal {
    constructor(present) {
        super(
            codes.preconditionFailed,
            `The event has version ${present} now, which If-Match does not name; read it again and send the change with its new ETag.`,
        );
        this.present = present;
    }
}

/** Calls a host function. `denied`: what to say where the caller may not; otherwise, that the role does not allow it. */
function call(denied, run) {
    try {
        return run();
    } catch (error) {
        const refusal = refusals[error?.payload?.tag];
        if (refusal === undefined) throw error;
        throw refusal(error.payload.val, denied);
    }
}

const ms = (time) => (time === undefined || time === null ? undefined : Number(time));
const time = (ms) => (ms === undefined || ms === null ? undefined : BigInt(ms));

function event(event) {
    return { ...event, startsAtMs: ms(event.startsAtMs), createdAtMs: ms(event.createdAtMs), version: Number(event.version) };
}

function ticket(ticket) {
    const { reservedAtMs, expiresAtMs, confirmedAtMs, cancelledAtMs } = ticket;
    return {
        ...ticket,
        reservedAtMs: ms(reservedAtMs),
        expiresAtMs: ms(expiresAtMs),
        confirmedAtMs: ms(confirmedAtMs),
        cancelledAtMs: ms(cancelledAtMs),
    };
}

const page = (page, item) => ({ items: page.items.map(item), nextCursor: page.nextCursor });

/**
 * The host functions. `wit/events.wit` and `wit/tickets.wit` say what each promises; each is one atomic use case, and the host checks
 * the caller's role again in each.
 */
export class Host {
    constructor({ events, tickets, log }) {
        this.raw = { events, tickets, log };
    }

    createEvent(it) {
        return event(call(undefined, () => this.raw.events.create({ ...it, startsAtMs: time(it.startsAtMs) })));
    }

    event(id) {
        return event(call(undefined, () => this.raw.events.get(id)));
    }

    events(query) {
        const times = { startsAfterMs: time(query.startsAfterMs), startsBeforeMs: time(query.startsBeforeMs) };
        return page(call(undefined, () => this.raw.events.list({ ...query, ...times })), event);
    }

    /** What is `undefined` stays as it is; `startsAtMs: null` removes the start. */
    updateEvent(id, { startsAtMs, ifVersion, ...patch }) {
        const start = startsAtMs === undefined ? { tag: 'none' } : { tag: 'some', val: time(startsAtMs) };
        const whole = { ...patch, startsAtMs: start, ifVersion: time(ifVersion) };
        return event(call(anothersEvent, () => this.raw.events.update(id, whole)));
    }

    /** `{ ticket, replayed }` */
    register(registration) {
        const registered = call(undefined, () => this.raw.tickets.atomicRegister(registration));
        return { ticket: ticket(registered.ticket), replayed: registered.replayed };
    }

    ticket(id) {
        return ticket(call(undefined, () => this.raw.tickets.get(id)));
    }

    ticketsOfEvent(id, { limit, cursor }) {
        const filter = { tag: 'of-event', val: id };
        return page(call(anothersEvent, () => this.raw.tickets.list({ filter, limit, cursor })), ticket);
    }

    ticketsOfEmail(email, { limit, cursor }) {
        const filter = { tag: 'of-email', val: email };
        return page(call(headerRoles, () => this.raw.tickets.list({ filter, limit, cursor })), ticket);
    }

    confirm(id) {
        return ticket(call(undefined, () => this.raw.tickets.confirm(id)));
    }

    cancel(id) {
        return ticket(call(undefined, () => this.raw.tickets.cancel(id)));
    }

    /** Writes a line to the operator's log. `level`: debug, info, warn, error. `fields`: `{ name: value }`. */
    log(level, message, fields = {}) {
        this.raw.log.write(level, message, Object.entries(fields).map(([name, value]) => [name, String(value)]));
    }
}
