// What the routes of events do: read the request, ask the rules, write the answer.

import { json } from './json.js';
import { Wrongs } from './refusals.js';
import { ifMatch, noneMatch, readBody } from './request.js';
import { writeMoment } from './kinds.js';

/** Bytes of an answer's body that the host takes at most. */
const BODY_BYTES_MAX = 1024 * 1024;
/** May be kept, but has to be asked about each time. */
const REVALIDATE = ['cache-control', 'no-cache'];

/**
 * The entity tag of an event: nothing that is shown changes without its version or its availability. `If-Match` compares the version
 * alone: a change that somebody makes of what they have read holds whether or not a seat was sold since.
 */
export function etag({ version, available }) {
    return `"${version}-${available}"`;
}

export function create(rules, cx) {
    const wrongs = new Wrongs();
    const body = readBody(cx.request, rules.newEvent, wrongs);
    wrongs.check();
    cx.body = body;
    const { name, capacity, starts_at, tags, attributes } = body;
    const event = rules.createEvent(cx, { name, capacity, startsAtMs: starts_at ?? undefined, tags: tags ?? [], attributes: attributes ?? undefined });
    return json(201, rules.showEvent(cx, event), [['location', `/events/${event.id}`], ['etag', etag(event)], REVALIDATE]);
}

export function list(rules, cx) {
    const { limit = 50, cursor, q = '', tag, starts_after, starts_before, available = false } = cx.query;
    const query = {
        limit,
        cursor,
        // A search form that was left empty looks for nothing in particular.
        words: q.trim() === '' ? undefined : q,
        tag,
        startsAfterMs: starts_after,
        startsBeforeMs: starts_before,
        availableOnly: available,
    };
    for (;;) {
        const { items, nextCursor } = rules.listEvents(cx, query);
        const page = { items: items.map((event) => rules.showEvent(cx, event)), next_cursor: nextCursor ?? null };
        const answer = json(200, page, [REVALIDATE]);
        // Events as large as they may be fill an answer at some 70: such a page is cut shorter. The cursor goes on from wherever it
        // ends, and one event always fits.
        if (answer.body.length <= BODY_BYTES_MAX || query.limit === 1) return answer;
        query.limit = Math.floor(query.limit / 2);
    }
}

export function get(rules, cx) {
    const event = rules.getEvent(cx, cx.params.id);
    const tag = etag(event);
    const headers = [['etag', tag], REVALIDATE];
    if (noneMatch(cx.request, tag)) return { status: 304, headers, body: new Uint8Array() };
    return json(200, rules.showEvent(cx, event), headers);
}

export function availability(rules, cx) {
    const { id, capacity, available, reserved, confirmed } = rules.getEvent(cx, cx.params.id);
    return json(200, { event_id: id, capacity, available, reserved, confirmed, server_time: writeMoment(cx.now) }, [REVALIDATE]);
}

export function update(rules, cx) {
    const wrongs = new Wrongs();
    const body = readBody(cx.request, rules.eventPatch, wrongs);
    const versions = ifMatch(cx.request, wrongs);
    wrongs.check();
    cx.body = body;
    const change = changeOf(body);
    const empty = Object.values(change).every((value) => value === undefined);
    const event = empty ? rules.keepEvent(cx, cx.params.id, versions) : rules.updateEvent(cx, cx.params.id, change, versions);
    return json(200, rules.showEvent(cx, event), [['etag', etag(event)], REVALIDATE]);
}

/** What a patch says: null removes, and attributes are merged. */
function changeOf({ name, capacity, starts_at, tags, attributes }) {
    return {
        name,
        capacity,
        startsAtMs: starts_at,
        tags: tags === null ? [] : tags,
        attributes: attributes === null ? '{}' : undefined,
        merge: attributes?.size > 0 ? attributes : undefined,
    };
}
