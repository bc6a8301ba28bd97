// What a request says: its body and its query, read by their shapes, and the headers that the contract knows.

import { BadJson, members, parseObject, segment } from './json.js';
import { key as keyKind } from './kinds.js';
import { Refusal, Wrongs, WRONGS_MAX } from './refusals.js';

/** Reads a body that must be there: `{ name: value }`, with `undefined` for what is absent or wrong and null for what is null. */
export function readBody(request, shape, wrongs) {
    const { text, value } = objectIn(request.body);
    const unknown = Object.keys(value).filter((name) => !Object.hasOwn(shape, name));
    // A body can have thousands, of which few are told.
    for (const name of unknown.slice(0, WRONGS_MAX)) {
        wrongs.add(`/${segment(name)}`, `is not a field of this request, which has ${Object.keys(shape).join(', ') || 'none'}`);
    }
    const body = {};
    let texts;
    for (const [name, field] of Object.entries(shape)) {
        const given = Object.hasOwn(value, name) ? value[name] : undefined;
        if (given === undefined || given === null) {
            body[name] = given;
            if (field.required) wrongs.add(`/${name}`, 'is required');
            if (field.kept && given === null) wrongs.add(`/${name}`, 'cannot be removed; leave it out to keep it as it is');
        } else {
            if (field.kind.raw) texts ??= members(text);
            body[name] = readField(field.kind, `/${name}`, field.kind.raw ? texts.get(name) : given, wrongs);
        }
    }
    return body;
}

function readField(kind, pointer, value, wrongs) {
    const before = wrongs.errors.length;
    const read = kind.read(value, (place, detail) => wrongs.add(`${pointer}${place}`, detail));
    if (wrongs.errors.length > before) return undefined;
    if (read === undefined) wrongs.add(pointer, kind.expected);
    return read;
}

/** Checks a body that may be absent and has nothing to say. */
export function readNothing(request) {
    if (request.body.every((byte) => [0x20, 0x09, 0x0a, 0x0c, 0x0d].includes(byte))) return;
    const wrongs = new Wrongs();
    readBody(request, {}, wrongs);
    wrongs.check();
}

function objectIn(body) {
    try {
        return parseObject(body);
    } catch (error) {
        if (error instanceof BadJson) throw Refusal.invalid(error.pointer, error.message);
        throw error;
    }
}

/** The parameters of the query by name, as the shape has read them. Each may come once, and no other than the shape's. */
export function readQuery(request, shape, wrongs) {
    const given = new Map();
    for (const [name, value] of request.query) {
        if (!Object.hasOwn(shape, name)) {
            const known = Object.keys(shape).join(', ');
            wrongs.add(`/${segment(name)}`, `is not a parameter of this route, which has ${known || 'none'}`);
        } else if (given.has(name)) {
            wrongs.add(`/${name}`, 'is given more than once; give it once');
        } else {
            given.set(name, value);
        }
    }
    const query = {};
    for (const [name, { kind, required }] of Object.entries(shape)) {
        if (given.has(name)) query[name] = readField(kind, `/${name}`, given.get(name), wrongs);
        else if (required) wrongs.add(`/${name}`, 'is required');
    }
    return query;
}

/** The values of a header, one for each of its lines, trimmed. */
export function lines(request, name) {
    return request.headers.filter(([other]) => other === name).map(([, value]) => value.trim());
}

/** A structured string (RFC 9651), whose parameters mean nothing here. */
const QUOTED = /^"((?:[ !#-[\]-~]|\\["\\])*)"(?: *; *[a-z*][a-z0-9_.*-]*(?:=(?:"(?:[ !#-[\]-~]|\\["\\])*"|[^\s";,]+))?)*$/;

/** The idempotency key, from the body and the header, which must not differ. */
export function idempotencyKey(request, ofBody, wrongs) {
    const wrong = (detail) => void wrongs.add('/idempotency_key', detail);
    const values = lines(request, 'idempotency-key');
    if (values.length === 0) return ofBody ?? undefined;
    if (values.length > 1) return wrong('the header Idempotency-Key is given more than once; send it once');
    const [value] = values;
    const quoted = QUOTED.exec(value);
    // A quote further in is half of a quoted key, or two keys that a proxy has joined.
    if (quoted === null && value.includes('"')) {
        return wrong('the header Idempotency-Key must be a bare key, or a string in double quotes (RFC 9651)');
    }
    const key = quoted === null ? value : quoted[1].replace(/\\(.)/g, '$1');
    if (keyKind.read(key) === undefined) {
        return wrong('the header Idempotency-Key must hold 1 to 255 characters, none of them a control character');
    }
    if ((ofBody ?? key) !== key) {
        return wrong('the header Idempotency-Key and the field differ; send one of them, or the same in both');
    }
    return key;
}

/** The entity tags that a header names: `undefined` where it is not there, `'*'`, `[{ weak, text }]`, or null where it is none of these. */
function entityTags(request, name) {
    const all = lines(request, name);
    if (all.length === 0) return undefined;
    if (all.length === 1 && all[0] === '*') return '*';
    const tags = [];
    for (const line of all) {
        // A tag may contain commas, so its end is the next quote; elements may be empty.
        let rest = line.replace(/^[ \t,]+/, '');
        while (rest !== '') {
            const match = /^(W\/)?("[^"\x00-\x20\x7f]*")[ \t]*(?=,|$)/.exec(rest);
            if (match === null) return null;
            tags.push({ weak: match[1] !== undefined, text: match[2] });
            rest = rest.slice(match[0].length).replace(/^[ \t,]+/, '');
        }
    }
    return tags.length > 0 ? tags : null;
}

/** Whether `If-None-Match` names this entity tag. What is no list of entity tags matches nothing: the caller gets the whole answer. */
export function noneMatch(request, etag) {
    const named = entityTags(request, 'if-none-match') ?? [];
    return named === '*' || named.some(({ text }) => text === etag);
}

/**
 * The versions that `If-Match` wants, as numbers; `undefined`: whichever there is. Weak tags and tags that were never ours match no
 * version, as the strong comparison has it.
 */
export function ifMatch(request, wrongs) {
    const named = entityTags(request, 'if-match');
    if (named === undefined || named === '*') return undefined;
    if (named === null) {
        wrongs.add('/If-Match', 'the header If-Match must be the ETag of the event, in its quotes, a list of such, or *');
        return [];
    }
    const ours = named.filter(({ weak }) => !weak).map(({ text }) => /^"([1-9][0-9]{0,14})-(0|[1-9][0-9]{0,9})"$/.exec(text));
    return ours.filter((match) => match !== null).map((match) => Number(match[1]));
}

/** Whether the caller would rather have CSV than JSON (RFC 9110, 12.5.1): not where both are as welcome, or neither is. */
export function prefersCsv(request) {
    const ranges = lines(request, 'accept').flatMap((line) => split(line, ',')).map(range).filter((range) => range !== undefined);
    return quality(ranges, 'text', 'csv') > quality(ranges, 'application', 'json');
}

/** The welcome of a media type: that of the narrowest range that has it. */
function quality(ranges, kind, subtype) {
    let best = { narrow: -1, weight: 0 };
    for (const range of ranges) {
        const narrow = [['*', '*'], [kind, '*'], [kind, subtype]].findIndex(([k, s]) => range.kind === k && range.subtype === s);
        if (narrow >= 0 && (narrow > best.narrow || (narrow === best.narrow && range.weight > best.weight))) {
            best = { narrow, weight: range.weight };
        }
    }
    return best.weight;
}

/** One element of the list; `undefined` where it is none. Of its parameters only the weight is looked at. */
function range(element) {
    const [type, ...parameters] = split(element, ';');
    const slash = type.indexOf('/');
    if (slash < 0) return undefined;
    let weight = 1;
    for (const parameter of parameters) {
        const [name, value] = parameter.split(/=(.*)/s);
        if (value === undefined || name.trim().toLowerCase() !== 'q') continue;
        if (!/^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(value.trim())) return undefined;
        weight = Number(value);
    }
    return { kind: type.slice(0, slash).toLowerCase(), subtype: type.slice(slash + 1).toLowerCase(), weight };
}

/** The parts of a list, trimmed; what is in double quotes is no separator. */
function split(text, separator) {
    const parts = text.match(separator === ',' ? /(?:"(?:[^"\\]|\\.?)*"?|[^",])+/g : /(?:"(?:[^"\\]|\\.?)*"?|[^";])+/g) ?? [''];
    return parts.map((part) => part.trim());
}
