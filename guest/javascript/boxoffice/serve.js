// From the component's exports to the rules: the manifest once, and then one request each.

import { Host } from './host.js';
import { codes, Refusal, Wrongs } from './refusals.js';
import { readQuery } from './request.js';
import { objectSchema, readSchema, required, written } from './shapes.js';

const text = (description) => required(written({ type: 'string' }), description);

/** How refusals look. */
const problem = objectSchema('Problem', 'A refusal, as RFC 9457 has it.', {
    type: text('A URN that ends in the code.'),
    title: text('The same for every problem of this code.'),
    status: required(written({ type: 'integer', format: 'uint16', minimum: 0, maximum: 65535 })),
    detail: text('What happened this time, and what to do about it.'),
    code: text('The name of the refusal.'),
    request_id: text(),
    errors: {
        kind: written({
            type: 'array',
            items: {
                type: 'object',
                description: 'One thing that is wrong with a request.',
                properties: {
                    pointer: { type: 'string', description: 'A JSON Pointer to the field, parameter or header; empty for the whole body.' },
                    detail: { type: 'string', description: 'What is wrong and what would be right.' },
                },
                required: ['pointer', 'detail'],
            },
        }),
        description: 'All that is wrong with the request, where that is the problem.',
    },
});

/** The exports of a component: these rules, with these imports. */
export function serve(rules, imports) {
    const routes = rules.routes();
    const described = manifest(rules.about, routes);
    const host = new Host(imports);
    return {
        manifest: { describe: () => described },
        handler: { handle: (request) => handle(rules, routes, host, request) },
    };
}

function handle(rules, routes, host, request) {
    try {
        const route = routes.find(({ id }) => id === request.routeId);
        const cx = {
            host,
            request,
            now: Number(request.nowMs),
            roles: request.roles,
            requestId: request.requestId,
            params: { id: '', ...Object.fromEntries(request.params) },
        };
        const wrongs = new Wrongs();
        cx.query = readQuery(request, route.query?.shape ?? {}, wrongs);
        wrongs.check();
        return route.run(rules, cx);
    } catch (error) {
        if (error instanceof Refusal) return error.response(request.requestId);
        // A fault of the rules. The operator gets to know where; thrown again, it ends the run, and the caller gets a 500.
        host.log('error', `${error?.name ?? 'Error'}: ${error?.message ?? error}`, { stack: places(error) });
        throw error;
    }
}

/** Where an exception came from: function and line, the innermost first. */
function places(error) {
    const lines = String(error?.stack ?? 'unknown').split('\n').map((line) => line.trim());
    return lines.filter((line) => line !== '' && !line.includes('initializer.js')).slice(0, 6).join(' < ');
}

function manifest({ name, version, summary }, routes) {
    return { name, version, summary, routes: routes.map(described) };
}

function described({ id, method, path, summary, access, maxBodyBytes, cacheable, query, body, answers, refuses }) {
    const schema = (it) => it && JSON.stringify(readSchema(it.title, it.description, it.shape));
    return {
        id,
        method,
        path,
        summary,
        access,
        maxBodyBytes,
        cacheable,
        querySchema: schema(query),
        bodySchema: schema(body),
        answers: [...answers.map(fine), ...problems(refuses)],
    };
}

function fine({ status, description, schema, type = 'application/json' }) {
    return { status, description, contentType: type ?? undefined, schema: schema && JSON.stringify(schema) };
}

/** One answer for each status, as OpenAPI has it; any host function can refuse for a reason without a name here. */
function problems(refuses) {
    const found = new Map();
    for (const { status, title, name } of [...refuses, codes.refused]) {
        found.set(status, [...(found.get(status) ?? []), `${title} (\`${name}\`)`]);
    }
    const contentType = 'application/problem+json';
    return [...found].map(([status, texts]) => ({ status, description: texts.join('; '), contentType, schema: JSON.stringify(problem) }));
}
