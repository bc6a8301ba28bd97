//! The SDK's host in memory keeps the promises of the host: random requests get the same answers from the real server, and from the same
//! rules natively on `boxoffice_sdk::testing::App`.

use std::time::Duration;

use boxoffice::store::sqlite::{Faults, SeededFault};
use boxoffice_sdk::testing::{App, Client};
use boxoffice_sdk::{Moment, Roles};
use harness::{Answer, Issuer, START, TestServer, claims};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use standard_rules::Standard;

/// Histories, and requests of each.
const SEEDS: u64 = 8;
const STEPS: usize = 250;
/// A day that no history reaches, in seconds.
const LONG: i64 = 30 * 24 * 3600;

/// Somebody who asks: the name and the roles.
#[derive(Clone, Copy, Debug)]
struct Who {
    name: &'static str,
    roles: &'static [&'static str],
}

const PEOPLE: [Who; 7] = [
    Who { name: "ann", roles: &["user"] },
    Who { name: "bob", roles: &["user"] },
    Who { name: "org", roles: &["organizer"] },
    Who { name: "orla", roles: &["organizer"] },
    Who { name: "both", roles: &["user", "organizer"] },
    Who { name: "root", roles: &["admin"] },
    Who { name: "", roles: &[] },
];

/// One request, for both.
#[derive(Debug)]
struct Asked {
    who: Who,
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Option<Value>,
}

/// What both have answered so far that later requests are about: pairs of (the server's, the mock's).
#[derive(Default)]
struct Known {
    events: Vec<(String, String)>,
    tickets: Vec<(String, String)>,
    cursors: Vec<(String, String)>,
    etags: Vec<String>,
    ends: Vec<u64>,
}

/// Both of them, and what a history has come to.
struct Pair {
    server: TestServer,
    app: App<Standard>,
    issuer: Option<Issuer>,
    known: Known,
    random: StdRng,
}

impl Pair {
    /// With header roles, or with tokens.
    async fn start(seed: u64, tokens: bool, fault: Option<SeededFault>) -> Self {
        let issuer = tokens.then(Issuer::secret);
        // With header roles, tickets may be searched for on neither, or on both: so that lists are compared, on both.
        let builder = TestServer::builder().with(|settings| settings.allow_insecure_header_auth = true);
        let builder = builder.store(|store| store.faults = fault.map_or_else(Faults::default, Faults::mutant));
        let server = match &issuer {
            Some(issuer) => builder.auth("jwt").jwt_key(issuer.key_file()).start().await,
            None => builder.start().await,
        };
        let random = StdRng::seed_from_u64(seed);
        let app = App::new();
        app.allow_insecure_header_auth();
        Self { server, app, issuer, known: Known::default(), random }
    }

    fn below(&mut self, most: usize) -> usize {
        self.random.random_range(0..most)
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.random.random_range(0..of.len())].clone()
    }

    /// Moves both clocks.
    fn wait(&mut self) {
        let now = self.app.now();
        let ends: Vec<u64> = self.known.ends.iter().copied().filter(|end| *end > now.as_ms() + 1).collect();
        let to = match self.below(12) {
            // To the end of a hold, or beside it.
            0..4 if !ends.is_empty() => self.one(&ends) + [0, 0, 1][self.below(3)] - u64::from(self.below(3) == 0),
            4 => now.as_ms() + 60_000,
            // Ids that are made in different moments have the order of these.
            _ => now.as_ms() + 1,
        };
        let to = Moment::from_ms(to).max(now.after(Duration::from_millis(1)));
        self.server.clock.advance(Duration::from_millis(to.as_ms() - now.as_ms()));
        self.app.set_now(to);
    }

    /// The next request; ids and cursors in it are the server's.
    fn next(&mut self) -> Asked {
        let who = self.one(&PEOPLE);
        let mut headers = Vec::new();
        let event = self.some_event();
        let ticket = self.some_ticket();
        let (method, path, body) = match self.below(40) {
            0..4 => ("POST", "/events".to_owned(), Some(self.new_event())),
            4..6 => ("GET", format!("/events/{event}"), None),
            6..9 => ("GET", format!("/events/{event}/availability"), None),
            9..12 => {
                let query = self.event_query();
                ("GET", format!("/events{query}"), None)
            }
            12..16 => {
                if self.below(2) == 0 && !self.known.etags.is_empty() {
                    let etag = self.one(&self.known.etags.clone());
                    headers.push(("if-match", etag));
                }
                ("PATCH", format!("/events/{event}"), Some(self.patch()))
            }
            16..26 => {
                if self.below(3) == 0 {
                    headers.push(("idempotency-key", self.one(&["k1", "k2", "k3", "\"k1\"", ""]).to_owned()));
                }
                ("POST", format!("/events/{event}/register"), Some(self.registration()))
            }
            26..30 => ("POST", format!("/tickets/{ticket}/confirm"), self.nothing()),
            30..33 => ("POST", format!("/tickets/{ticket}/cancel"), self.nothing()),
            33 => ("GET", format!("/tickets/{ticket}"), None),
            34..36 => {
                let email = self.email();
                let page = self.page();
                ("GET", format!("/tickets?email={email}{page}"), None)
            }
            36..38 => {
                let page = self.page();
                headers.push(("accept", self.one(&["text/csv", "application/json", "*/*"]).to_owned()));
                ("GET", format!("/events/{event}/tickets?{}", page.trim_start_matches('&')), None)
            }
            38 => {
                let method = self.one(&["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
                let paths = ["/nothing", "/events//register", "/tickets/x/confirm", "/events/a/b/c", "/events"];
                (method, self.one(&paths).to_owned(), None)
            }
            _ => {
                let etag = self.known.etags.last().cloned().unwrap_or_default();
                headers.push(("if-none-match", etag));
                ("GET", format!("/events/{event}"), None)
            }
        };
        Asked { who, method, path, headers, body }
    }

    fn some_event(&mut self) -> String {
        let place = self.below(self.known.events.len() + 1);
        self.known.events.get(place).map_or("no-such-event".to_owned(), |(real, _)| real.clone())
    }

    fn some_ticket(&mut self) -> String {
        let place = self.below(self.known.tickets.len() + 1);
        self.known.tickets.get(place).map_or("no-such-ticket".to_owned(), |(real, _)| real.clone())
    }

    fn email(&mut self) -> String {
        self.one(&["ada@x.org", "Ada@X.org", "bob@x.org", "eve@x.org", "jörg@x.org", "JÖRG@x.org", "nobody"]).to_owned()
    }

    fn new_event(&mut self) -> Value {
        match self.below(8) {
            0 => json!({"name": "", "capacity": 0, "tags": ["a", "a"], "price": 1}),
            1 => json!({"name": "x".repeat(201), "capacity": 1_000_001, "starts_at": "soon"}),
            2 => json!({"name": "Big", "capacity": 1, "attributes": {"a": "x".repeat(9000)}}),
            _ => {
                let mut event =
                    json!({"name": self.one(&["Rust meetup", "Meet Rust", "Jazz"]), "capacity": 1 + self.below(6)});
                if self.below(3) > 0 {
                    event["starts_at"] = self.one(&["2026-12-01T10:00:00Z", "2026-12-02T10:00:00+01:00"]).into();
                }
                event["tags"] = self.one(&[json!([]), json!(["rust"]), json!(["rust", "jazz"])]);
                event["attributes"] = self.one(&[json!({}), json!({"room": {"n": 1.5}}), json!(null)]);
                event
            }
        }
    }

    fn patch(&mut self) -> Value {
        match self.below(8) {
            0 => json!({}),
            1 => json!({"name": null}),
            2 => json!({"capacity": 0}),
            3 => json!({"attributes": {"room": {"n": null, "m": 2}}}),
            4 => json!({"starts_at": null, "tags": ["jazz"]}),
            _ => json!({"capacity": 1 + self.below(8)}),
        }
    }

    fn registration(&mut self) -> Value {
        let mut body = json!({"email": self.email()});
        match self.below(8) {
            0 => body["quantity"] = 0.into(),
            1 => body["quantity"] = 11.into(),
            2 => body["hold_ms"] = 5.into(),
            3..6 => body["quantity"] = (1 + self.below(3)).into(),
            _ => {}
        }
        if self.below(4) == 0 {
            body["idempotency_key"] = self.one(&["k1", "k2"]).into();
        }
        body
    }

    fn nothing(&mut self) -> Option<Value> {
        self.one(&[None, None, Some(json!({})), Some(json!({"a": 1})), Some(json!({"a": "x".repeat(2000)}))])
    }

    fn page(&mut self) -> String {
        let mut page = self.one(&["", "&limit=1", "&limit=2", "&limit=101", "&limit=1&limit=2", "&page=2"]).to_owned();
        if self.below(2) == 0 && !self.known.cursors.is_empty() {
            let (cursor, _) = self.one(&self.known.cursors.clone());
            page = format!("{page}&cursor={cursor}");
        }
        page
    }

    fn event_query(&mut self) -> String {
        let conditions = [
            "",
            "",
            "&q=rust",
            "&q=RUST%20meet",
            "&tag=rust",
            "&available=true",
            "&available=1",
            "&starts_after=2026-12-01T10:00:00Z",
            "&starts_before=2026-12-02T00:00:00Z",
            "&q=rust&tag=jazz",
            "&tag=",
        ];
        let conditions = self.one(&conditions);
        format!("?{}", format!("{conditions}{}", self.page()).trim_start_matches('&'))
    }

    async fn ask_server(&self, asked: &Asked) -> Answer {
        let mut call = self.server.call(asked.method, &asked.path);
        call = match &self.issuer {
            Some(_) if asked.who.name.is_empty() => call,
            Some(issuer) => {
                let mut claims = claims(asked.who.name, asked.who.roles);
                claims["exp"] = (START.0 / 1000 + LONG).into();
                call.bearer(&issuer.sign(&issuer.header(), &claims))
            }
            None => asked.who.roles.iter().fold(call, |call, role| call.role(role)),
        };
        for (name, value) in &asked.headers {
            call = call.header(name, value);
        }
        match &asked.body {
            Some(body) => call.json(body).send().await,
            None => call.send().await,
        }
    }

    fn ask_mock(&self, asked: &Asked) -> boxoffice_sdk::testing::Answer {
        let client = self.client(asked.who);
        let mut call = client.request(asked.method, &self.mocked(&asked.path));
        for (name, value) in &asked.headers {
            call = call.header(name, value);
        }
        match &asked.body {
            Some(body) => call.json(body).send(),
            None => call.send(),
        }
    }

    fn client(&self, who: Who) -> Client<'_, Standard> {
        let has = |role| who.roles.contains(&role);
        let roles = Roles { user: has("user"), organizer: has("organizer"), admin: has("admin") };
        match (&self.issuer, who.roles) {
            (Some(_), []) => self.app.stranger(),
            (Some(_), _) => self.app.known(who.name, roles),
            // Two roles in one header are none.
            (None, ["user"]) => self.app.user(),
            (None, ["organizer"]) => self.app.organizer(),
            (None, ["admin"]) => self.app.admin(),
            (None, _) => self.app.nobody(),
        }
    }

    /// The server's ids and cursors in a text, as the mock has them.
    fn mocked(&self, text: &str) -> String {
        let known = &self.known;
        let pairs = known.events.iter().chain(&known.tickets).chain(&known.cursors);
        pairs.fold(text.to_owned(), |text, (real, mock)| text.replace(real, mock))
    }

    /// Asks both, and learns from what they answer.
    async fn step(&mut self) -> Result<u16, String> {
        self.wait();
        let asked = self.next();
        let (real, mock) = (self.ask_server(&asked).await, self.ask_mock(&asked));
        let differs = |what: &str| {
            Err(format!("{what} of {asked:?}\nserver: {real:?}\nmock: {} {:?}", mock.text(), mock.headers))
        };
        if real.status != mock.status {
            return differs("the status");
        }
        let (body, mocked) = (real.body.clone(), mock.json());
        self.learn(&body, &mocked);
        for name in
            ["content-type", "etag", "location", "cache-control", "idempotency-replayed", "link", "vary", "allow"]
        {
            let (real, mock) = (self.mocked(real.header(name)), mock.header(name).to_owned());
            if real != mock {
                return differs(&format!("the header {name} ({real:?}, {mock:?})"));
            }
        }
        let of_server = self.mocked(&without_id(&real.text));
        let same = match serde_json::from_str::<Value>(&of_server) {
            Ok(json) => json == serde_json::from_str::<Value>(&without_id(&mock.text())).unwrap_or_default(),
            Err(_) => of_server == mock.text(),
        };
        if !same {
            return differs("the body");
        }
        if !real.header("etag").is_empty() {
            self.known.etags.push(real.header("etag").to_owned());
        }
        Ok(real.status)
    }

    fn learn(&mut self, real: &Value, mock: &Value) {
        let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
        let known = &mut self.known;
        if let (Some(real), Some(mock)) = (text(&real["next_cursor"]), text(&mock["next_cursor"])) {
            known.cursors.push((real, mock));
        }
        let Some(pair) = text(&real["id"]).zip(text(&mock["id"])) else { return };
        let all = if real["event_id"].is_string() { &mut known.tickets } else { &mut known.events };
        if !all.contains(&pair) {
            all.push(pair);
        }
        let end = real["expires_at"].as_str().and_then(Moment::parse);
        known.ends.extend(end.map(Moment::as_ms));
    }
}

/// Without the request's id, which is each host's own.
fn without_id(body: &str) -> String {
    match serde_json::from_str::<Value>(body) {
        Ok(Value::Object(mut object)) => {
            object.remove("request_id");
            Value::Object(object).to_string()
        }
        _ => body.to_owned(),
    }
}

/// A history from a seed, header roles and tokens by turns; the statuses that came.
async fn history(seed: u64, fault: Option<SeededFault>) -> Result<Vec<u16>, String> {
    let mut pair = Pair::start(seed, seed % 2 == 1, fault).await;
    let mut statuses = Vec::new();
    let mut found = Ok(());
    for step in 0..STEPS {
        match pair.step().await {
            Ok(status) => statuses.push(status),
            Err(differs) => {
                found = Err(format!("seed {seed}, step {step}: {differs}"));
                break;
            }
        }
    }
    pair.server.stop().await;
    found.map(|()| statuses)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_in_memory_answers_as_the_server_does() {
    let mut statuses = Vec::new();
    for seed in 0..SEEDS {
        statuses.extend(history(seed, None).await.unwrap_or_else(|found| panic!("{found}")));
    }
    // That they agree means something only where all kinds of answers came.
    for status in [200, 201, 304, 400, 401, 403, 404, 405, 409, 412, 413, 422] {
        assert!(statuses.contains(&status), "no answer was a {status}");
    }
}

/// That they agree means something only if they can differ: a store that breaks a promise is told from a mock that keeps it. (Stores that
/// lose count of seats are not among these: the harness finds those by itself.)
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_breaks_a_promise_is_told_from_the_host_in_memory() {
    for fault in [
        SeededFault::ExpiryOffByOne,
        SeededFault::FingerprintIgnored,
        SeededFault::KeysOfEverybody,
        SeededFault::PlainUnique,
        SeededFault::DueHoldsCountAsTaken,
        SeededFault::CursorOffByOne,
        SeededFault::OwnersIgnored,
    ] {
        let mut found = false;
        for seed in 0..SEEDS {
            if history(seed, Some(fault)).await.is_err() {
                found = true;
                break;
            }
        }
        assert!(found, "{fault:?} made no difference");
    }
}
