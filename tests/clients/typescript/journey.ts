// What a client does, from the first event to the export: compiled against the description, and run against a server by `make api-test`.
import assert from "node:assert/strict";
import { answered, boxoffice, Refused } from "./boxoffice.ts";

const { ORIGIN, ORGANIZER, USER, OTHER } = process.env;
assert.ok(ORIGIN && ORGANIZER && USER && OTHER, "ORIGIN, ORGANIZER, USER and OTHER are set");
const organizer = boxoffice(ORIGIN, ORGANIZER);
const user = boxoffice(ORIGIN, USER);
const other = boxoffice(ORIGIN, OTHER);

const refusal = async (code: string, call: Promise<{ data?: unknown; error?: unknown; response: Response }>) => {
  const answer = await call;
  assert.throws(() => answered(answer), (thrown) => thrown instanceof Refused && thrown.code === code, code);
};

const event = answered(
  await organizer.POST("/events", { body: { name: "A journey", capacity: 2, tags: ["demo"], starts_at: "2031-05-01T18:00:00Z" } }),
);
const path = { id: event.id };

// The same key, twice: one ticket.
const registration = { params: { path, header: { "Idempotency-Key": `journey-${event.id}` } }, body: { email: "ada@example.org" } };
const first = await user.POST("/events/{id}/register", registration);
const ticket = answered(first);
const again = await user.POST("/events/{id}/register", registration);
assert.equal(answered(again).id, ticket.id);
assert.equal(again.response.headers.get("idempotency-replayed"), "true");

await refusal("already_registered", user.POST("/events/{id}/register", { params: { path }, body: { email: "ADA@example.org" } }));
answered(await user.POST("/events/{id}/register", { params: { path }, body: { email: "bob@example.org" } }));
await refusal("sold_out", user.POST("/events/{id}/register", { params: { path }, body: { email: "cy@example.org" } }));

const confirmed = answered(await user.POST("/tickets/{id}/confirm", { params: { path: { id: ticket.id } } }));
assert.equal(confirmed.status, "confirmed");
// Another caller's ticket is none.
await refusal("ticket_not_found", other.GET("/tickets/{id}", { params: { path: { id: ticket.id } } }));

const mine = answered(await user.GET("/tickets", { params: { query: { email: "ada@example.org" } } }));
assert.deepEqual(mine.items.map((item) => item.id), [ticket.id]);

// Edited by two at once: the second is told.
const seen = await organizer.GET("/events/{id}", { params: { path } });
const etag = seen.response.headers.get("etag") ?? "";
const edit = (capacity: number) =>
  organizer.PATCH("/events/{id}", { params: { path, header: { "If-Match": etag } }, body: { capacity } });
assert.equal(answered(await edit(3)).capacity, 3);
await refusal("precondition_failed", edit(4));

// Page by page.
const found: string[] = [];
let cursor: string | null | undefined;
do {
  const query = { tag: "demo", limit: "1", ...(cursor ? { cursor } : {}) };
  const page = answered(await user.GET("/events", { params: { query } }));
  found.push(...page.items.map((item) => item.id));
  cursor = page.next_cursor;
} while (cursor);
assert.ok(found.includes(event.id));

const csv = await organizer.GET("/events/{id}/tickets", { params: { path }, headers: { Accept: "text/csv" }, parseAs: "text" });
const lines = String(answered(csv)).trim().split("\r\n");
assert.equal(lines.length, 3, "a header and two tickets");
console.log(`journey: event ${event.id}, ticket ${ticket.id} ${confirmed.status}, ${lines.length - 1} rows exported`);
