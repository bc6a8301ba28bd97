// What bodies, queries and answers are made of. A shape is `{ name: field }`; from it come the JSON Schema of the manifest and the check
// of a request, so that the two cannot differ.

import * as kinds from './kinds.js';

/** A field that must be there. */
export function required(kind, description) {
    return { kind, description, required: true };
}

/** A field that may be absent or null. */
export function optional(kind, description) {
    return { kind, description, nullable: true };
}

/** A field of a patch that may be absent, and that null does not remove. */
export function kept(kind, description) {
    return { kind, description, kept: true };
}

/** The JSON Schema of an object that is read: it has these fields and no other. */
export function readSchema(title, description, shape) {
    return { ...objectSchema(title, description, shape), additionalProperties: false };
}

/** The JSON Schema of an object that is written. */
export function objectSchema(title, description, shape) {
    const fields = Object.entries(shape);
    const needed = fields.filter(([, field]) => field.required).map(([name]) => name);
    const properties = Object.fromEntries(fields.map(([name, field]) => [name, fieldSchema(field)]));
    return { title, description, type: 'object', ...(fields.length > 0 && { properties }), ...(needed.length > 0 && { required: needed }) };
}

function fieldSchema({ kind, description, nullable, initial }) {
    const schema = { ...kind.schema };
    if (nullable) schema.type = [schema.type, 'null'];
    if (initial !== undefined) schema.default = initial;
    if (description !== undefined) schema.description = description;
    return schema;
}

/** The kind of a field that is only written. */
export function written(schema) {
    return { schema };
}

const text = written({ type: 'string' });
const count = written({ type: 'integer', format: 'uint32', minimum: 0 });
const moment = written({ type: 'string', format: 'date-time' });
/** In a written shape: it may be absent, and is never null. */
const sometimes = (kind, description) => ({ kind, description });

/** To create an event. */
export const newEvent = {
    name: required(kinds.name, 'Trimmed.'),
    capacity: required(kinds.capacity, 'Seats in all.'),
    starts_at: optional(kinds.moment, 'When it begins.'),
    tags: optional(kinds.tags),
    attributes: optional(kinds.attributes, 'At most 8 KiB of anything, no name twice in one object.'),
};

/** To change an event: a JSON merge patch. */
export const eventPatch = {
    name: kept(kinds.name, 'Trimmed.'),
    capacity: kept(kinds.capacity, 'Seats in all, never fewer than are reserved and confirmed.'),
    starts_at: optional(kinds.moment, 'When it begins; null removes it.'),
    tags: optional(kinds.tags, 'All tags anew; null removes them all.'),
    attributes: {
        ...optional(
            kinds.attributesPatch,
            'Merged with what is there, objects in it too; null removes a member, and in place of the object all of them. At most 8 KiB\nafterwards.',
        ),
        initial: null,
    },
};

/** To register. */
export const registration = {
    email: required(kinds.email, 'Trimmed.'),
    quantity: optional(kinds.quantity, 'Seats; the host allows at most 10, unless configured otherwise.'),
    idempotency_key: optional(kinds.key, 'Makes a repetition harmless. The header `Idempotency-Key` says the same.'),
};

/** An event, as it is shown. */
export const event = {
    id: required(text),
    name: required(text),
    capacity: required(count, 'Seats in all.'),
    available: required(count, 'Seats that can be reserved now.'),
    starts_at: sometimes(moment, 'When it begins; absent where the organizer did not say.'),
    tags: required(written({ type: 'array', items: { type: 'string' } })),
    attributes: required(written({ type: 'object', additionalProperties: true }), 'Whatever the organizer stored.'),
    created_at: required(moment),
    version: required(written({ type: 'integer', format: 'uint64', minimum: 0 }), "Counts the organizer's edits, from 1."),
};

/** The seats of an event. */
export const availability = {
    event_id: required(text),
    capacity: required(count, '`available + reserved + confirmed`.'),
    available: required(count),
    reserved: required(count, 'Seats held and not yet confirmed.'),
    confirmed: required(count),
    server_time: required(moment),
};

/** A ticket, as it is shown. */
export const ticket = {
    id: required(text),
    event_id: required(text),
    email: required(text),
    quantity: required(count, 'Seats.'),
    status: required(
        written({ type: 'string', enum: ['reserved', 'confirmed', 'cancelled'] }),
        'Where a ticket stands; a hold that has run out is cancelled.',
    ),
    reserved_at: required(moment),
    expires_at: required(moment, 'From this moment on, a hold that is not confirmed is over.'),
    confirmed_at: sometimes(moment),
    cancelled_at: sometimes(moment),
    server_time: required(moment, 'For a countdown that does not trust the caller\'s clock.'),
};

/** The JSON Schema of a page of things. */
export function page(title, description, item) {
    return objectSchema(title, description, {
        items: required(written({ type: 'array', items: item })),
        next_cursor: required(written({ type: ['string', 'null'] }), 'Null on the last page.'),
    });
}

const limit = (things) => ({
    kind: kinds.kind(
        { type: 'string', pattern: '^([1-9][0-9]?|100)$', default: '50' },
        'must be a whole number from 1 to 100',
        (value) => (/^([1-9][0-9]?|100)$/.test(value) ? Number(value) : undefined),
    ),
    description: `${things} of the page, 1 to 100.`,
});
const cursor = (of) => ({
    kind: kinds.kind({ type: 'string', minLength: 1, maxLength: 512 }, 'must be a cursor', (value) => value),
    description: `The \`next_cursor\` of the page before, of the same ${of}.`,
});
const bound = kinds.kind(kinds.moment.schema, `${kinds.moment.expected}; in a query, + is written as %2B`, kinds.moment.read);
const words = kinds.kind({ type: 'string', maxLength: 200 }, 'must be at most 200 characters', (value) =>
    kinds.characters(value) <= 200 ? value : undefined,
);
const yes = kinds.kind({ type: 'string', enum: ['true'] }, 'must be true; leave it out for all events', (value) =>
    value === 'true' ? true : undefined,
);

/** The query of `GET /events`. */
export const eventQuery = {
    limit: limit('Events'),
    cursor: cursor('query'),
    q: { kind: words, description: 'Words that the name contains, each anywhere, ASCII case ignored.' },
    tag: { kind: kinds.tag, description: 'A tag that the event has, exactly.' },
    starts_after: { kind: bound, description: 'Starts at this moment or later.' },
    starts_before: { kind: bound, description: 'Starts before this moment.' },
    available: { kind: yes, description: 'Only events with a seat available. Leave it out for all.' },
};

/** The query of `GET /tickets`. */
export const emailQuery = {
    email: required(kinds.email, 'Whose tickets; compared in ASCII lower case.'),
    limit: limit('Tickets'),
    cursor: cursor('email'),
};

/** The query of `GET /events/{id}/tickets`. */
export const pageQuery = { limit: limit('Tickets'), cursor: cursor('event') };
