// JSON, read so that nothing is lost and written so that nothing is changed.

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** JSON that is already text: it is written as it is. */
export class Raw {
    constructor(text) {
        this.text = text;
    }
}

/** A value as JSON. Members that are `undefined` are left out. */
export function write(value) {
    if (value instanceof Raw) return value.text;
    if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
    if (value === null || typeof value !== 'object') return JSON.stringify(value);
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${write(member)}`).join(',')}}`;
}

/** An answer with a body of JSON. `more`: headers, `[[name, value]]`. */
export function json(status, value, more = [], type = 'application/json') {
    return { status, headers: [['content-type', type], ...more], body: encoder.encode(write(value)) };
}

/** An answer with a body of text. */
export function text(status, type, body, more = []) {
    return { status, headers: [['content-type', type], ...more], body: encoder.encode(body) };
}

/** A name as one segment of a JSON Pointer. */
export function segment(name) {
    return String(name).replaceAll('~', '~0').replaceAll('/', '~1');
}

/** The body is not what it must be. `pointer` says where, in words of RFC 6901. */
export class BadJson extends Error {
    constructor(pointer, detail) {
        super(detail);
        this.pointer = pointer;
    }
}

/** The text of a body. */
export function decode(bytes) {
    try {
        return decoder.decode(bytes);
    } catch {
        throw new BadJson('', 'the body is not valid JSON: it is not UTF-8');
    }
}

/** The object that a body is, as its text and as JavaScript has it: `{ text, value }`. */
export function parseObject(bytes) {
    const text = decode(bytes);
    if (text.trim() === '') throw new BadJson('', 'a JSON object is required');
    const value = parse(text);
    if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new BadJson('', 'must be a JSON object');
    // Of two members of one name, readers take whichever they like; written again, there is one less.
    const again = stringify(value);
    if (names(text) !== names(again)) throw new BadJson(twice(text), 'is given more than once; give it once');
    // Half a character cannot be kept, and is written with its escape.
    if (/\\u[dD][89a-fA-F]/.test(text) && /(^|[^\\])(\\\\)*\\ud[89a-f]/.test(again)) {
        throw new BadJson('', 'the body is not valid JSON: it has half of a surrogate pair');
    }
    return { text, value };
}

function parse(text) {
    try {
        return JSON.parse(text);
    } catch (error) {
        throw new BadJson('', `the body is not valid JSON: ${error.message}`);
    }
}

function stringify(value) {
    try {
        return JSON.stringify(value);
    } catch {
        throw new BadJson('', 'the body is nested too deeply');
    }
}

const STRING = String.raw`"[^"\\]*(?:\\.[^"\\]*)*"`;
const STRINGS = new RegExp(STRING, 'g');

/** How many members all objects in it have. */
function names(text) {
    return text.replace(STRINGS, '').split(':').length - 1;
}

const TOKEN = new RegExp(`${STRING}|[{}[\\],]`, 'g');
/** Beyond this, looking for the place would take longer than it is worth. */
const SEARCH_MAX = 16 * 1024;

/** The place of a name that is there twice. */
function twice(text) {
    if (text.length > SEARCH_MAX) return '';
    const stack = [];
    TOKEN.lastIndex = 0;
    for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
        const top = stack[stack.length - 1];
        if (match[0] === '{') stack.push({ names: new Set(), naming: true });
        else if (match[0] === '[') stack.push({ at: 0 });
        else if (match[0] === ',' && top.names) top.naming = true;
        else if (match[0] === ',') top.at += 1;
        else if (match[0] === '}' || match[0] === ']') stack.pop();
        else if (top.naming) {
            top.at = JSON.parse(match[0]);
            top.naming = false;
            if (top.names.has(top.at)) return stack.map(({ at }) => `/${segment(at)}`).join('');
            top.names.add(top.at);
        }
    }
    return '';
}

/** A name, and its value too, unless that has brackets. */
const MEMBER = new RegExp(`[\\s{,]*(${STRING})\\s*:\\s*(${STRING}|[^\\s,{}[\\]"]+)?`, 'y');
/** What has no text and no brackets in it is passed over at once. */
const NEXT = new RegExp(`${STRING}|[[{][^"{}[\\]]*[\\]}]|[{}[\\]]`, 'g');
/** Levels of objects that are looked into. The host takes no more of attributes. */
const DEPTH_MAX = 127;

/**
 * The members of an object that is known to be valid JSON: a `Map` of names to the texts of values, so that a number keeps all its
 * digits. `deep`: to a `Map` again, where the value is an object.
 */
export function members(text, deep = false) {
    return membersAt(text, { at: 0 }, deep, 1);
}

function membersAt(text, cursor, deep, depth) {
    if (depth > DEPTH_MAX) throw new BadJson('', `is nested too deeply: at most ${DEPTH_MAX} levels are taken`);
    const found = new Map();
    for (;;) {
        MEMBER.lastIndex = cursor.at;
        const match = text[cursor.at] === '}' ? null : MEMBER.exec(text);
        if (match === null) break;
        cursor.at = MEMBER.lastIndex;
        const [, quoted, scalar] = match;
        const name = quoted.includes('\\') ? JSON.parse(quoted) : quoted.slice(1, -1);
        if (scalar !== undefined) found.set(name, scalar);
        else if (deep && text[cursor.at] === '{') found.set(name, membersAt(text, cursor, deep, depth + 1));
        else found.set(name, bracketed(text, cursor));
    }
    cursor.at = text.indexOf('}', cursor.at) + 1;
    return found;
}

/** The text of the array or object at the cursor, which moves behind it. */
function bracketed(text, cursor) {
    const start = cursor.at;
    NEXT.lastIndex = start;
    let depth = 0;
    do {
        const [token] = NEXT.exec(text);
        if (token === '{' || token === '[') depth += 1;
        else if (token === '}' || token === ']') depth -= 1;
    } while (depth > 0);
    cursor.at = NEXT.lastIndex;
    return text.slice(start, cursor.at);
}
