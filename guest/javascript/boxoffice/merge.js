// JSON merge patches (RFC 7396) of attributes, on text: a number that the rules cannot hold stays as it is written.

import { members } from './json.js';
import { Refusal } from './refusals.js';

const BYTES_MAX = 8 * 1024;

/** The attributes, as JSON text, after a patch that is a tree: `members(text, true)`. */
export function mergeAttributes(present, patch) {
    const merged = write(merge(members(present, true), patch));
    const bytes = new TextEncoder().encode(merged).length;
    if (bytes > BYTES_MAX) {
        throw Refusal.invalid('/attributes', `would have ${bytes} bytes in all with this, and can have 8 KiB: remove some with null`);
    }
    return merged;
}

/** Trees are maps of names to trees or to texts. As deep as the patch, whose depth was checked when it was read. */
function merge(present, patch) {
    if (!(patch instanceof Map)) return patch;
    const merged = new Map(present instanceof Map ? present : []);
    for (const [name, change] of patch) {
        if (change === 'null') merged.delete(name);
        else merged.set(name, merge(merged.get(name), change));
    }
    return merged;
}

function write(tree) {
    if (!(tree instanceof Map)) return tree;
    return `{${[...tree].map(([name, value]) => `${JSON.stringify(name)}:${write(value)}`).join(',')}}`;
}
