// The contract that the library beside the rule keeps. `boxoffice rules test` tries all of it with the real host.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rules } from '../boxoffice/index.js';
import { App } from '../boxoffice/testing.js';

class Standard extends Rules {
    get about() {
        return { name: 'standard', version: '1.0.0', summary: 'The standard rules' };
    }
}

function app() {
    const app = new App(new Standard());
    const event = app.post('/events', { name: ' Rust night ', capacity: 2, starts_at: '2026-12-01T10:00:00+01:00', tags: ['a'] });
    return { app, event, id: event.json.id };
}

const pointers = ({ json }) => json.errors.map(({ pointer }) => pointer);

test('an event is created, shown, and not sent again to who has it', () => {
    const { app: it, event, id } = app();
    assert.equal(event.status, 201);
    assert.equal(event.headers.location, `/events/${id}`);
    assert.equal(event.json.name, 'Rust night');
    assert.equal(event.json.starts_at, '2026-12-01T09:00:00.000Z');
    assert.equal(it.get(`/events/${id}`).headers.etag, '"1-2"');
    assert.equal(it.get(`/events/${id}`, { 'if-none-match': 'W/"1-2"' }).status, 304);
    assert.equal(it.get('/events/nope').json.code, 'event_not_found');
});

test('all that is wrong with a body is said at once, by its place', () => {
    const { app: it } = app();
    const answer = it.post('/events', { name: '', capacity: 0, tags: ['a', 'a'], starts_at: 'soon', attributes: [], nam: 1 });
    assert.equal(answer.json.code, 'invalid_request');
    assert.deepEqual(pointers(answer), ['/nam', '/name', '/capacity', '/starts_at', '/tags/1', '/attributes']);
});

for (const [what, body, place] of [
    ['no JSON', '{"name":', ''],
    ['no object', '[1]', ''],
    ['nothing', '', ''],
    ['a name twice', '{"name":"a","capacity":1,"name":"b"}', '/name'],
    ['a name twice, further inside', '{"name":"a","capacity":1,"attributes":{"x/y":[{"b":1,"\\u0062":2}]}}', '/attributes/x~1y/0/b'],
    ['half a character', '{"name":"\\ud800","capacity":1}', ''],
]) {
    test(`a body with ${what} is refused`, () => {
        const answer = app().app.post('/events', body);
        assert.equal(answer.status, 400);
        assert.deepEqual(pointers(answer), [place]);
    });
}

test('attributes keep the digits of their numbers, in a patch too', () => {
    const { app: it } = app();
    const { json } = it.post('/events', '{"name":"a","capacity":1,"attributes":{"a":1.10,"b":{"c":12345678901234567890}}}');
    const patched = it.patch(`/events/${json.id}`, '{"attributes":{"a":null,"b":{"d":2e3}}}');
    assert.match(patched.text, /"attributes":\{"b":\{"c":12345678901234567890,"d":2e3\}\}/);
});

test('a change asks for the version that it was made from', () => {
    const { app: it, id } = app();
    assert.equal(it.patch(`/events/${id}`, { name: 'b' }, { 'if-match': '"1-2"' }).json.version, 2);
    assert.equal(it.patch(`/events/${id}`, { name: 'c' }, { 'if-match': '"1-2"' }).json.code, 'precondition_failed');
    assert.equal(it.patch(`/events/${id}`, {}, { 'if-match': '"1-2"' }).json.code, 'precondition_failed');
    assert.equal(it.patch(`/events/${id}`, {}).json.version, 2);
    assert.deepEqual(pointers(it.patch(`/events/${id}`, { name: null }, { 'if-match': 'x' })), ['/name', '/If-Match']);
});

test('a merge that others were quicker than is tried again', () => {
    const { app: it, id } = app();
    it.host.refusals.update = [['version-mismatch', 1n]];
    assert.equal(it.patch(`/events/${id}`, { attributes: { a: 1 } }).json.attributes.a, 1);
    it.host.refusals.update = Array(16).fill(['version-mismatch', 1n]);
    assert.equal(it.patch(`/events/${id}`, { attributes: { a: 1 } }).json.code, 'edit_conflict');
});

test('a ticket is held, confirmed, cancelled, and its seats come back', () => {
    const { app: it, id } = app();
    const registered = it.post(`/events/${id}/register`, { email: ' Ada@example.org ', quantity: 2 });
    assert.equal(registered.status, 201);
    assert.equal(registered.headers.location, `/tickets/${registered.json.id}`);
    assert.deepEqual([registered.json.email, registered.json.status], ['Ada@example.org', 'reserved']);
    assert.equal(it.post(`/events/${id}/register`, { email: 'bob@example.org' }).json.code, 'sold_out');
    assert.equal(it.post(`/events/${id}/register`, { email: 'ADA@example.org' }).json.code, 'already_registered');
    assert.equal(it.post(`/tickets/${registered.json.id}/confirm`, '{}').json.status, 'confirmed');
    assert.equal(it.post(`/tickets/${registered.json.id}/cancel`).json.status, 'cancelled');
    assert.equal(it.post(`/tickets/${registered.json.id}/confirm`).json.code, 'ticket_cancelled');
    assert.equal(it.get(`/events/${id}/availability`).json.available, 2);
});

for (const [header, ofBody, expected] of [
    ['"k\\"1"', undefined, 'k"1'],
    ['"k"; a=1', undefined, 'k'],
    ['bare', 'bare', 'bare'],
    ['"one"', 'other', 400],
    ['half"', undefined, 400],
    ['', undefined, 400],
]) {
    test(`the header Idempotency-Key: ${header}, the body's: ${ofBody}`, () => {
        const { app: it, id } = app();
        const { status } = it.post(`/events/${id}/register`, { email: 'a@b.cd', idempotency_key: ofBody }, { 'idempotency-key': header });
        assert.equal(status, expected === 400 ? 400 : 201);
        const again = () => it.post(`/events/${id}/register`, { email: 'a@b.cd', idempotency_key: expected });
        if (expected !== 400) assert.equal(again().headers['idempotency-replayed'], 'true');
    });
}

test('an email is checked for its shape', () => {
    const { app: it, id } = app();
    const status = (email) => it.post(`/events/${id}/register`, { email, idempotency_key: email || undefined }).status;
    for (const email of ['ada', '@b', 'a@', 'a b@c.d', 'a..b@c.d', 'a@-c.d', 'a@[1.2.3.4]', 'a <b@c.d>', `${'x'.repeat(65)}@b.c`, '']) {
        assert.equal(status(email), 400, email);
    }
    for (const email of ['日本@例え.jp', '"a b"@c.d']) assert.equal(status(email), 201, email);
});

test('tickets are listed page by page, as JSON or as a table', () => {
    const { app: it, id } = app();
    for (const email of ['=ada@example.org', 'bob@example.org']) it.post(`/events/${id}/register`, { email });
    const first = it.get(`/events/${id}/tickets?limit=1`);
    assert.deepEqual([first.json.items.length, first.json.next_cursor], [1, '1']);
    assert.equal(first.headers.link, `</events/${id}/tickets?limit=1&cursor=1>; rel="next"`);
    const table = it.get(`/events/${id}/tickets`, { accept: 'text/csv, */*;q=0.1' });
    assert.match(table.headers['content-type'], /^text\/csv/);
    assert.match(table.text.split('\r\n')[1], /,'=ada@example.org,1,reserved,/);
    assert.equal(it.get('/tickets?email=bob%40example.org').json.items.length, 1);
});

test('a parameter that a route does not have is refused, and so is one given twice', () => {
    const { app: it, id } = app();
    assert.deepEqual(pointers(it.get('/events?limt=5&limit=0&available=no')), ['/limt', '/limit', '/available']);
    assert.deepEqual(pointers(it.get('/events?tag=a&tag=b')), ['/tag']);
    assert.deepEqual(pointers(it.get(`/events/${id}?limit=5`)), ['/limit']);
    assert.deepEqual(pointers(it.get('/tickets')), ['/email']);
});

test('a fault of the rules is logged with its place, and ends the run', () => {
    class Faulty extends Standard {
        getEvent() {
            return undefined.name;
        }
    }
    const it = new App(new Faulty());
    assert.throws(() => it.get('/events/x'), TypeError);
    assert.match(it.host.logged[0].stack, /getEvent/);
});

test('every refusal of the host has a name, and one without is still a refusal', () => {
    const { app: it, id } = app();
    for (const [refusal, code] of [
        ['access-denied', 'forbidden'],
        [['other', 'not on sundays'], 'refused'],
        [['invalid', [{ pointer: '/quantity', detail: 'is too many' }]], 'invalid_request'],
    ]) {
        it.host.refusals.atomicRegister = [refusal];
        assert.equal(it.post(`/events/${id}/register`, { email: 'a@b.cd' }).json.code, code);
    }
});
