// What a module uses. `rules.js` beside this folder is the module itself.

export { Rules } from './rules.js';
export { code, codes, Refusal } from './refusals.js';
export { json, text, Raw } from './json.js';
export { kind, line, whole } from './kinds.js';
export { optional, required, written, objectSchema } from './shapes.js';
export { route } from './routes.js';
export { serve } from './serve.js';
