// The rule that is this module's own.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { App } from '../boxoffice/testing.js';
import { ShortHolds } from '../rules.js';

/** An event with 20 seats, of which so many are taken. */
function eventWith(taken) {
    const app = new App(new ShortHolds());
    const { id } = app.post('/events', { name: 'Rust night', capacity: 20 }).json;
    for (let n = 0; n < taken; n += 1) app.post(`/events/${id}/register`, { email: `${n}@example.org` });
    return { app, id };
}

function holdSeconds({ app, id }, body = { email: 'ada@example.org' }) {
    const { json } = app.post(`/events/${id}/register`, body);
    return (Date.parse(json.expires_at) - Date.parse(json.reserved_at)) / 1000;
}

test('a hold lasts as long as the host says while a tenth of the seats is left', () => {
    assert.equal(holdSeconds(eventWith(0)), 300);
    assert.equal(holdSeconds(eventWith(18)), 300);
});

test('a hold lasts a minute when fewer are left', () => {
    assert.equal(holdSeconds(eventWith(19)), 60);
});

test('a short hold that has run out gives its seat back', () => {
    const { app, id } = eventWith(19);
    const { json: ticket } = app.post(`/events/${id}/register`, { email: 'ada@example.org' });
    app.host.now += 60_000;
    assert.equal(app.post(`/tickets/${ticket.id}/confirm`).json.code, 'hold_expired');
    assert.equal(app.get(`/events/${id}/availability`).json.available, 1);
});

test('a repeated request gets its ticket, also when nothing is left', () => {
    const { app, id } = eventWith(19);
    const body = { email: 'ada@example.org', idempotency_key: 'k' };
    const first = app.post(`/events/${id}/register`, body);
    const again = app.post(`/events/${id}/register`, body);
    assert.equal(again.status, 201);
    assert.equal(again.headers['idempotency-replayed'], 'true');
    assert.equal(again.json.id, first.json.id);
});

test('what comes before an unknown event is said first: a key that is another registration\'s', () => {
    const { app, id } = eventWith(0);
    const body = { email: 'ada@example.org', idempotency_key: 'k' };
    app.post(`/events/${id}/register`, body);
    assert.equal(app.post('/events/unknown/register', body).json.code, 'idempotency_key_reused');
    assert.equal(app.post('/events/unknown/register', { email: 'ada@example.org' }).json.code, 'event_not_found');
});

test('the module is called what the package is called', () => {
    const { name, version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    const { about } = new ShortHolds();
    assert.deepEqual([about.name, about.version], [name, version]);
});
