"""The contract that the library beside the rule keeps. `boxoffice rules test` tries all of it with the real host."""

import unittest

from boxoffice import Rules
from boxoffice.host import HostRefused
from boxoffice.testing import App


class Standard(Rules):
    name, version, summary = "standard", "1.0.0", "The standard rules"


def pointers(answer):
    return [error["pointer"] for error in answer.json["errors"]]


class Contract(unittest.TestCase):
    def setUp(self):
        self.app = App(Standard())
        new = {"name": " Rust night ", "capacity": 2, "starts_at": "2026-12-01T10:00:00+01:00", "tags": ["a"]}
        self.event = self.app.post("/events", new)
        self.id = self.event.json["id"]

    def register(self, body, headers=None):
        return self.app.post(f"/events/{self.id}/register", body, headers)


class Events(Contract):
    def test_an_event_is_created_shown_and_not_sent_again_to_who_has_it(self):
        self.assertEqual((self.event.status, self.event.headers["location"]), (201, f"/events/{self.id}"))
        self.assertEqual((self.event.json["name"], self.event.json["starts_at"]), ("Rust night", "2026-12-01T09:00:00.000Z"))
        self.assertEqual(self.app.get(f"/events/{self.id}").headers["etag"], '"1-2"')
        self.assertEqual(self.app.get(f"/events/{self.id}", {"if-none-match": 'W/"1-2"'}).status, 304)
        self.assertEqual(self.app.get("/events/nope").json["code"], "event_not_found")

    def test_all_that_is_wrong_with_a_body_is_said_at_once_by_its_place(self):
        body = {"name": "", "capacity": 0, "tags": ["a", "a"], "starts_at": "soon", "attributes": [], "nam": 1}
        answer = self.app.post("/events", body)
        self.assertEqual(answer.json["code"], "invalid_request")
        self.assertEqual(pointers(answer), ["/nam", "/name", "/capacity", "/starts_at", "/tags/1", "/attributes"])

    def test_what_is_no_body_is_refused(self):
        for body, place in (
            ('{"name":', ""),
            ("[1]", ""),
            ("", ""),
            ('{"name":"a","capacity":NaN}', ""),
            ('{"name":"a","capacity":1,"name":"b"}', "/name"),
            ('{"name":"a","capacity":1,"attributes":{"x/y":[{"b":1,"\\u0062":2}]}}', "/attributes/x~1y/0/b"),
            ('{"name":"\\ud800","capacity":1}', ""),
            ("[" * 30000 + "]" * 30000, ""),
            ("[" * 30000, ""),
        ):
            answer = self.app.post("/events", body)
            self.assertEqual((answer.status, pointers(answer)), (400, [place]), body[:80])

    def test_attributes_keep_the_digits_of_their_numbers_in_a_patch_too(self):
        body = '{"name":"a","capacity":1,"attributes":{"a":1.10,"b":{"c":12345678901234567890}}}'
        event = self.app.post("/events", body).json
        patched = self.app.patch(f"/events/{event['id']}", '{"attributes":{"a":null,"b":{"d":2e3}}}')
        self.assertIn('"attributes":{"b":{"c":12345678901234567890,"d":2e3}}', patched.text)

    def test_a_change_asks_for_the_version_that_it_was_made_from(self):
        path = f"/events/{self.id}"
        self.assertEqual(self.app.patch(path, {"name": "b"}, {"if-match": '"1-2"'}).json["version"], 2)
        self.assertEqual(self.app.patch(path, {"name": "c"}, {"if-match": '"1-2"'}).json["code"], "precondition_failed")
        self.assertEqual(self.app.patch(path, {}, {"if-match": '"1-2"'}).json["code"], "precondition_failed")
        self.assertEqual(self.app.patch(path, {}).json["version"], 2)
        self.assertEqual(pointers(self.app.patch(path, {"name": None}, {"if-match": "x"})), ["/name", "/If-Match"])

    def test_a_merge_that_others_were_quicker_than_is_tried_again(self):
        path = f"/events/{self.id}"
        self.app.host.refusals["update_event"] = [HostRefused("version-mismatch", 1)]
        self.assertEqual(self.app.patch(path, {"attributes": {"a": 1}}).json["attributes"], {"a": 1})
        self.app.host.refusals["update_event"] = [HostRefused("version-mismatch", 1) for _ in range(16)]
        self.assertEqual(self.app.patch(path, {"attributes": {"a": 1}}).json["code"], "edit_conflict")

    def test_a_parameter_that_a_route_does_not_have_is_refused_and_so_is_one_given_twice(self):
        self.assertEqual(pointers(self.app.get("/events?limt=5&limit=0&available=no")), ["/limt", "/limit", "/available"])
        self.assertEqual(pointers(self.app.get("/events?tag=a&tag=b")), ["/tag"])
        self.assertEqual(pointers(self.app.get(f"/events/{self.id}?limit=5")), ["/limit"])
        self.assertEqual(pointers(self.app.get("/tickets")), ["/email"])


class Tickets(Contract):
    def test_a_ticket_is_held_confirmed_cancelled_and_its_seats_come_back(self):
        registered = self.register({"email": " Ada@example.org ", "quantity": 2})
        ticket = f"/tickets/{registered.json['id']}"
        self.assertEqual((registered.status, registered.headers["location"]), (201, ticket))
        self.assertEqual((registered.json["email"], registered.json["status"]), ("Ada@example.org", "reserved"))
        self.assertEqual(self.register({"email": "bob@example.org"}).json["code"], "sold_out")
        self.assertEqual(self.register({"email": "ADA@example.org"}).json["code"], "already_registered")
        self.assertEqual(self.app.post(f"{ticket}/confirm", "{}").json["status"], "confirmed")
        self.assertEqual(self.app.post(f"{ticket}/cancel").json["status"], "cancelled")
        self.assertEqual(self.app.post(f"{ticket}/confirm").json["code"], "ticket_cancelled")
        self.assertEqual(self.app.get(f"/events/{self.id}/availability").json["available"], 2)

    def test_a_hold_that_has_run_out_is_not_confirmed(self):
        ticket = self.register({"email": "ada@example.org"}).json
        self.app.host.now += 300_000
        self.assertEqual(self.app.post(f"/tickets/{ticket['id']}/confirm").json["code"], "hold_expired")

    def test_the_key_in_the_header_is_that_in_the_body(self):
        for header, of_body, key in (
            ('"k\\"1"', None, 'k"1'),
            ('"k"; a=1', None, "k"),
            ("bare", "bare", "bare"),
            ('"one"', "other", None),
            ('half"', None, None),
            ("", None, None),
        ):
            self.setUp()
            answer = self.register({"email": "a@b.cd", "idempotency_key": of_body}, {"idempotency-key": header})
            self.assertEqual(answer.status, 201 if key else 400, header)
            if key:
                again = self.register({"email": "a@b.cd", "idempotency_key": key})
                self.assertEqual(again.headers["idempotency-replayed"], "true", header)

    def test_an_email_is_checked_for_its_shape(self):
        for email in ("ada", "@b", "a@", "a b@c.d", "a..b@c.d", "a@-c.d", "a@[1.2.3.4]", "a <b@c.d>", "x" * 65 + "@b.c", "", 5):
            self.assertEqual(self.register({"email": email}).status, 400, email)
        for email in ("日本@例え.jp", '"a b"@c.d'):
            self.assertEqual(self.register({"email": email}).status, 201, email)

    def test_tickets_are_listed_page_by_page_as_json_or_as_a_table(self):
        for email in ("=ada@example.org", "bob@example.org"):
            self.register({"email": email})
        first = self.app.get(f"/events/{self.id}/tickets?limit=1")
        self.assertEqual((len(first.json["items"]), first.json["next_cursor"]), (1, "1"))
        self.assertEqual(first.headers["link"], f'</events/{self.id}/tickets?limit=1&cursor=1>; rel="next"')
        table = self.app.get(f"/events/{self.id}/tickets", {"accept": "text/csv, */*;q=0.1"})
        self.assertTrue(table.headers["content-type"].startswith("text/csv"))
        self.assertIn(",'=ada@example.org,1,reserved,", table.text.split("\r\n")[1])
        self.assertEqual(len(self.app.get("/tickets?email=bob%40example.org").json["items"]), 1)


class Faults(Contract):
    def test_a_fault_of_the_rules_is_logged_with_its_place_and_ends_the_run(self):
        class Faulty(Standard):
            def get_event(self, cx, event_id):
                return None.name

        app = App(Faulty())
        with self.assertRaises(AttributeError):
            app.get("/events/x")
        self.assertIn("get_event (test_contract.py:", app.host.logged[0]["stack"])

    def test_every_refusal_of_the_host_has_a_name_and_one_without_is_still_a_refusal(self):
        class Field:
            pointer, detail = "/quantity", "is too many"

        for refused, code in (
            (HostRefused("access-denied"), "forbidden"),
            (HostRefused("other", "not on sundays"), "refused"),
            (HostRefused("invalid", [Field]), "invalid_request"),
        ):
            self.app.host.refusals["register"] = [refused]
            self.assertEqual(self.register({"email": "a@b.cd"}).json["code"], code)
