// The kinds of value that bodies and queries are made of: how each looks in a JSON Schema, and how it is read.
//
// The host checks every limit again. They are checked here too, so that all that is wrong with a request is said at once.

import { isEmail } from './email.js';
import { BadJson, members } from './json.js';

const CONTROL = /[\x00-\x1f\x7f-\x9f]/;
/** White space as Unicode has it. */
const SPACE = '[\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+';
const ENDS = new RegExp(`^${SPACE}|${SPACE}$`, 'g');
const LINE = '^[^\\x00-\\x1f\\x7f-\\x9f]+$';
const MOMENT =
    '^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$';
/** The last moment of the year 9999, after which RFC 3339 has no text. */
const LAST_MS = 253_402_300_799_999;

/** The text without white space around it. */
export function trim(text) {
    return text.replace(ENDS, '');
}

/** Characters, as people count them: a letter beyond the 65,536th is one. */
export function characters(text) {
    let count = 0;
    for (const _ of text) count += 1;
    return count;
}

/**
 * A kind of value.
 * @param schema its JSON Schema
 * @param expected what it must be, for a person: `must be ...`
 * @param read makes of a JSON value what the rules work with; `undefined` says that it is wrong
 */
export function kind(schema, expected, read) {
    return Object.freeze({ schema, expected, read });
}

/** A text of one line, `least` to `most` characters, as it is written. */
export function line(least, most) {
    const expected = `must be a text of ${least} to ${most} characters, none of them a control character`;
    return kind({ type: 'string', minLength: least, maxLength: most, pattern: LINE }, expected, (value) => {
        if (typeof value !== 'string' || CONTROL.test(value)) return undefined;
        const count = characters(value);
        return count >= least && count <= most ? value : undefined;
    });
}

/** A whole number, `least` to `most`. 5.0 is one too, as JSON Schema has it. */
export function whole(least, most, expected = `must be a whole number from ${least} to ${most}`) {
    const schema = { type: 'integer', format: 'uint32', minimum: least, maximum: most };
    return kind(schema, expected, (value) => (Number.isInteger(value) && value >= least && value <= most ? value : undefined));
}

/** The name of an event: trimmed, and then not empty. */
export const name = (() => {
    const { schema, read } = line(1, 200);
    const pattern = '^[^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]*$';
    const expected = 'must be a text of 1 to 200 characters, none of them a control character, not only white space';
    return kind({ ...schema, pattern }, expected, (value) => (read(value) === undefined ? undefined : trim(value) || undefined));
})();

/** The seats of an event. */
export const capacity = whole(1, 1_000_000);

/** A moment in RFC 3339, in milliseconds. */
export const moment = kind(
    { type: 'string', format: 'date-time', pattern: MOMENT },
    'must be a moment in RFC 3339, in the years 1970 to 9999, for example 2026-11-21T09:30:00Z',
    (value) => (typeof value === 'string' ? parseMoment(value) : undefined),
);

/** A tag of an event. */
export const tag = line(1, 64);

/** The tags of an event, in order. */
export const tags = {
    schema: {
        type: 'array',
        items: { ...tag.schema, description: 'A tag of an event.' },
        maxItems: 16,
        uniqueItems: true,
        description: 'The tags of an event, in order.',
    },
    expected: 'must be a list of at most 16 texts, no two the same',
    read(value, wrong) {
        if (!Array.isArray(value)) return undefined;
        // Past the limit the rest is only counted: 64 KiB of wrong tags need not be listed one by one.
        value.slice(0, 16).forEach((item, place) => {
            if (tag.read(item) === undefined) wrong(`/${place}`, tag.expected);
            else if (value.indexOf(item) < place) wrong(`/${place}`, 'is given twice');
        });
        if (value.length > 16) wrong('', this.expected);
        return value;
    },
};

/** An email address, trimmed: a shape that mail can be sent to, nothing more. */
export const email = kind(
    { type: 'string', format: 'email', maxLength: 254 },
    'must be an email address of at most 254 bytes, for example ada@example.org',
    (value) => (typeof value === 'string' && isEmail(trim(value)) ? trim(value) : undefined),
);

/** The seats of a registration. Only the host knows how many it allows at most; the schema tells its default. */
export const quantity = kind(
    { type: 'integer', format: 'uint32', minimum: 1, maximum: 10, default: 1 },
    'must be a whole number of seats, 1 or more',
    // Too many for 32 bits are too many for the host: it refuses them and names its limit.
    (value) => (typeof value === 'number' && value >= 1 && (Number.isInteger(value) || value === Infinity) ? Math.min(value, 0xffff_ffff) : undefined),
);

/** An idempotency key. */
export const key = line(1, 255);

/** Attributes: any object of at most 8 KiB, as the text that it is written as. */
export const attributes = {
    schema: { type: 'object', additionalProperties: true },
    expected: 'must be a JSON object of at most 8 KiB',
    raw: true,
    read: (text) => (isObject(text) && new TextEncoder().encode(text).length <= 8 * 1024 ? text : undefined),
};

/** A patch of attributes, as a tree: an object of any size, since names can be many that are to go. */
export const attributesPatch = {
    ...attributes,
    expected: 'must be a JSON object, or null',
    read(text, wrong) {
        if (!isObject(text)) return undefined;
        try {
            return members(text, true);
        } catch (error) {
            if (!(error instanceof BadJson)) throw error;
            return void wrong(error.pointer, error.message);
        }
    },
};

function isObject(text) {
    return text.startsWith('{');
}

/** RFC 3339 in milliseconds; `undefined` for other text, a leap second, and years outside of 1970 to 9999 (in UTC). */
export function parseMoment(text) {
    const parts = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/.exec(text);
    if (parts === null) return undefined;
    const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number);
    const [fraction = '', sign, hours = '0', minutes = '0'] = parts.slice(7);
    if (hour > 23 || minute > 59 || second > 59 || hours > 23 || minutes > 59) return undefined;
    const midnight = new Date(Date.UTC(2000, month - 1, day));
    midnight.setUTCFullYear(year, month - 1, day);
    if (midnight.getUTCMonth() !== month - 1 || midnight.getUTCDate() !== day) return undefined;
    const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
    const ms = midnight.getTime() + ((hour * 60 + minute - offset) * 60 + second) * 1000 + Number(fraction.padEnd(3, '0').slice(0, 3));
    return ms >= 0 && ms <= LAST_MS ? ms : undefined;
}

/** Milliseconds as RFC 3339 in UTC, with milliseconds always. */
export function writeMoment(ms) {
    return new Date(Math.min(ms, LAST_MS)).toISOString();
}

