// For tests: the host's functions in memory, and requests to rules that run natively, without a server and without wasm.
//
// The mock keeps what rules go by: seats are never sold twice, a hold ends, one live ticket for each event and email, a key is used once.
// Roles, limits of lengths and pages, the order of lists and the finer conditions of their queries are the host's own; `boxoffice rules test`
// tries those with the real one.

import { serve } from './serve.js';

const HOLD_MS = 300_000n;

/** What a host function throws: the name of a refusal in the WIT, and its value. */
export function refuse(tag, val) {
    throw Object.assign(new Error(tag), { payload: { tag, val } });
}

/** The host in memory. `now` is its clock, in milliseconds: move it as you like. `refusals`: `{ confirm: ['hold-expired'] }`, thrown next. */
export class MockHost {
    now = Date.UTC(2026, 10, 21, 9);
    refusals = {};
    logged = [];
    #events = new Map();
    #tickets = new Map();
    #keys = new Map();
    #count = 0;

    /** The imports of the component. */
    get imports() {
        const on = (name, run) => (...given) => {
            const refusal = this.refusals[name]?.shift();
            return refusal === undefined ? run.apply(this, given) : refuse(...[refusal].flat());
        };
        return {
            events: {
                create: on('create', this.#create),
                get: on('get', this.#event),
                list: on('list', this.#list),
                update: on('update', this.#update),
            },
            tickets: {
                atomicRegister: on('atomicRegister', this.#register),
                get: on('ticket', this.#ticket),
                list: on('tickets', this.#ticketsOf),
                confirm: on('confirm', this.#confirm),
                cancel: on('cancel', this.#cancel),
            },
            log: { write: (level, message, fields) => void this.logged.push({ level, message, ...Object.fromEntries(fields) }) },
        };
    }

    #id(kind) {
        this.#count += 1;
        return `${kind}-${this.#count}`;
    }

    #create({ name, capacity, startsAtMs, tags, attributes }) {
        const id = this.#id('event');
        this.#events.set(id, { id, name, capacity, startsAtMs, tags, attributes: attributes ?? '{}', createdAtMs: BigInt(this.now), version: 1n });
        return this.#event(id);
    }

    #event(id) {
        const event = this.#events.get(id) ?? refuse('event-not-found');
        const seats = (status) => this.#of((ticket) => ticket.eventId === id && ticket.status === status).reduce((sum, it) => sum + it.quantity, 0);
        const [reserved, confirmed] = [seats('reserved'), seats('confirmed')];
        return { ...event, reserved, confirmed, available: event.capacity - reserved - confirmed };
    }

    #list({ limit, cursor, words, tag, availableOnly }) {
        const fits = (event) =>
            (words === undefined || event.name.toLowerCase().includes(words.toLowerCase())) &&
            (tag === undefined || event.tags.includes(tag)) &&
            (!availableOnly || event.available > 0);
        const all = [...this.#events.keys()].map((id) => this.#event(id)).filter(fits);
        return page(all, limit, cursor);
    }

    #update(id, { name, capacity, startsAtMs, tags, attributes, ifVersion }) {
        const event = this.#event(id);
        if (ifVersion !== undefined && ifVersion !== event.version) refuse('version-mismatch', event.version);
        const sold = event.reserved + event.confirmed;
        if (capacity !== undefined && capacity < sold) refuse('capacity-below-sold', sold);
        const start = startsAtMs.tag === 'some' ? startsAtMs.val : event.startsAtMs;
        const change = { name: name ?? event.name, capacity: capacity ?? event.capacity, tags: tags ?? event.tags };
        const stored = this.#events.get(id);
        Object.assign(stored, change, { startsAtMs: start, attributes: attributes ?? event.attributes, version: event.version + 1n });
        return this.#event(id);
    }

    #register({ eventId, email, quantity, holdMs, idempotencyKey, attributes }) {
        const same = [eventId, email.toLowerCase(), quantity].join(' ');
        const used = this.#keys.get(idempotencyKey);
        if (used !== undefined && used.same !== same) refuse('idempotency-key-reused');
        if (used !== undefined) return { ticket: this.#ticket(used.id), replayed: true };
        const event = this.#event(eventId);
        const live = (it) => it.eventId === eventId && it.email.toLowerCase() === email.toLowerCase() && it.status !== 'cancelled';
        if (this.#of(live).length > 0) refuse('already-registered');
        if (event.available < quantity) refuse('sold-out');
        const now = BigInt(this.now);
        const hold = holdMs === undefined || BigInt(holdMs) > HOLD_MS ? HOLD_MS : BigInt(holdMs);
        const id = this.#id('ticket');
        this.#tickets.set(id, { id, eventId, email, quantity, status: 'reserved', reservedAtMs: now, expiresAtMs: now + hold, attributes });
        if (idempotencyKey !== undefined) this.#keys.set(idempotencyKey, { same, id });
        return { ticket: this.#ticket(id), replayed: false };
    }

    /** The tickets as they stand now: a hold whose time has run out reads as cancelled. */
    #of(filter) {
        const now = BigInt(this.now);
        const asOfNow = (it) => (it.status === 'reserved' && it.expiresAtMs <= now ? { ...it, status: 'cancelled', cancelledAtMs: it.expiresAtMs } : it);
        return [...this.#tickets.values()].map(asOfNow).filter(filter);
    }

    #ticket(id) {
        return this.#of((ticket) => ticket.id === id)[0] ?? refuse('ticket-not-found');
    }

    #ticketsOf({ filter, limit, cursor }) {
        if (filter.tag === 'of-event') this.#event(filter.val);
        const wanted = (it) => (filter.tag === 'of-event' ? it.eventId : it.email.toLowerCase()) === filter.val.toLowerCase();
        return page(this.#of(wanted), limit, cursor);
    }

    #confirm(id) {
        const ticket = this.#ticket(id);
        if (ticket.status === 'cancelled') refuse(this.#tickets.get(id).status === 'reserved' ? 'hold-expired' : 'ticket-cancelled');
        if (ticket.status === 'reserved') Object.assign(this.#tickets.get(id), { status: 'confirmed', confirmedAtMs: BigInt(this.now) });
        return this.#ticket(id);
    }

    #cancel(id) {
        const ticket = this.#ticket(id);
        if (ticket.status !== 'cancelled') Object.assign(this.#tickets.get(id), { status: 'cancelled', cancelledAtMs: BigInt(this.now) });
        return this.#ticket(id);
    }
}

function page(all, limit, cursor) {
    const from = Number(cursor ?? 0);
    const next = from + limit;
    return { items: all.slice(from, next), nextCursor: next < all.length ? String(next) : undefined };
}

/** Rules, with a host in memory: `const app = new App(new MyRules())`, `app.post('/events', { name: 'Rust night', capacity: 20 })`. */
export class App {
    constructor(rules, host = new MockHost()) {
        this.host = host;
        this.module = serve(rules, host.imports);
        this.routes = this.module.manifest.describe().routes;
    }

    get(path, headers) {
        return this.send('get', path, undefined, headers);
    }

    post(path, body, headers) {
        return this.send('post', path, body, headers);
    }

    patch(path, body, headers) {
        return this.send('patch', path, body, headers);
    }

    /** `{ status, headers, text, json }`. `body`: a value, or text as it is. Roles are the host's to check, so here all are given. */
    send(method, target, body, headers = {}) {
        const url = new URL(target, 'http://mock');
        const parts = url.pathname.split('/');
        const [route, params] = this.#find(method, parts);
        const bytes = new TextEncoder().encode(body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body));
        const response = this.module.handler.handle({
            routeId: route.id,
            params,
            query: [...url.searchParams],
            headers: Object.entries(headers),
            body: bytes,
            roles: { user: true, organizer: true, admin: true },
            requestId: 'test',
            nowMs: BigInt(this.host.now),
        });
        const text = new TextDecoder().decode(response.body);
        const isJson = response.headers.some(([name, value]) => name === 'content-type' && value.endsWith('json'));
        return { status: response.status, headers: Object.fromEntries(response.headers), text, json: isJson ? JSON.parse(text) : undefined };
    }

    /** The route and its parameters. Where both fit, a literal segment wins over a parameter. */
    #find(method, parts) {
        const literal = (route) => route.path.split('/').filter((it) => !it.startsWith('{')).length;
        const fits = (route) => {
            const template = route.path.split('/');
            return route.method === method && template.length === parts.length && template.every((it, at) => it.startsWith('{') || it === parts[at]);
        };
        const [route] = this.routes.filter(fits).sort((a, b) => literal(b) - literal(a));
        if (route === undefined) throw new Error(`no route of the module is ${method.toUpperCase()} ${parts.join('/')}`);
        const named = route.path.split('/').map((it, at) => [it.slice(1, -1), decodeURIComponent(parts[at]), it.startsWith('{')]);
        return [route, named.filter(([, , is]) => is).map(([name, value]) => [name, value])];
    }
}
