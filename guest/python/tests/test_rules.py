"""The rule that is this module's own."""

import json
import re
import unittest
from dataclasses import replace
from pathlib import Path

from boxoffice import Rules
from boxoffice.testing import App
from rules import NamedTickets


class TheNameOnTheBadge(unittest.TestCase):
    def setUp(self):
        self.app = App(NamedTickets())
        self.path = f"/events/{self.app.post('/events', {'name': 'Rust night', 'capacity': 20}).json['id']}/register"

    def test_is_kept_with_the_ticket_and_shown_on_it(self):
        ticket = self.app.post(self.path, {"email": "ada@example.org", "name": "Ada Lovelace"}).json
        self.assertEqual(ticket["name"], "Ada Lovelace")
        self.assertEqual(self.app.post(f"/tickets/{ticket['id']}/confirm").json["name"], "Ada Lovelace")
        self.assertEqual(self.app.get("/tickets?email=ada%40example.org").json["items"][0]["name"], "Ada Lovelace")

    def test_may_be_left_out(self):
        for body in ({"email": "ada@example.org"}, {"email": "bob@example.org", "name": None}):
            answer = self.app.post(self.path, body)
            self.assertEqual(answer.status, 201)
            self.assertNotIn("name", answer.json)

    def test_has_1_to_80_characters_on_one_line(self):
        self.assertEqual(self.app.post(self.path, {"email": "ada@example.org", "name": "é" * 80}).status, 201)
        for name in ("", "x" * 81, "two\nlines", 5, ["Ada"]):
            answer = self.app.post(self.path, {"email": "bob@example.org", "name": name})
            self.assertEqual(answer.status, 400, name)
            self.assertEqual([error["pointer"] for error in answer.json["errors"]], ["/name"], name)

    def test_is_not_looked_for_in_what_other_rules_kept_with_a_ticket(self):
        for kept in ({"seat": "A1"}, {"name": 7}, {}):

            class Others(NamedTickets):
                def register(self, cx, registration):
                    return Rules.register(self, cx, replace(registration, attributes=json.dumps(kept)))

            others = App(Others(), self.app.host)
            ticket = others.post(self.path, {"email": f"{len(str(kept))}@example.org"}).json
            answer = self.app.get(f"/tickets/{ticket['id']}")
            self.assertEqual(answer.status, 200)
            self.assertNotIn("name", answer.json)

    def test_is_in_the_description(self):
        routes = {route["id"]: route for route in self.app.module.describe()["routes"]}
        self.assertIn('"name": {', routes["register"]["body_schema"])
        self.assertIn("The name on the badge", routes["get-ticket"]["answers"][0]["schema"])


class TheModule(unittest.TestCase):
    def test_is_called_what_its_makefile_calls_it(self):
        makefile = Path(__file__).parent.parent.joinpath("Makefile").read_text()
        self.assertEqual(re.search(r"^NAME +:= (.*)$", makefile, re.MULTILINE)[1], NamedTickets.name)
