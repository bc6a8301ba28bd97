//! The matrix: kind of credential x role x route x method x owner, every cell a request.

use std::fmt::Write as _;
use std::time::Duration;

use harness::{Answer, Call, Issuer, Operator, TestServer};
use serde_json::{Value, json};

use super::table::{MAY_BE_MISSING, OPERATORS, OWN, ROUTES, Row};

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const ROLES: [&[&str]; 5] = [&[], &["user"], &["organizer"], &["admin"], &["user", "organizer"]];

/// How the caller is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Header,
    Jwt,
    Key,
}

/// Whose the event and the ticket are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Own,
    Anothers,
    Nobodys,
}

/// What comes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was done, or refused for a reason that has nothing to do with who asks.
    Done,
    Forbidden,
    Unauthenticated,
    /// As if there were nothing.
    Hidden,
    /// The path does not have the method.
    NoMethod,
    /// The path is none.
    NoRoute,
}

impl Outcome {
    fn of(answer: &Answer, cell: &str) -> Self {
        let code = answer.code();
        match answer.status {
            200..=299 | 304 | 409 | 412 | 422 => Self::Done,
            401 => Self::Unauthenticated,
            403 => Self::Forbidden,
            404 if code == "route_not_found" => Self::NoRoute,
            404 => Self::Hidden,
            405 => Self::NoMethod,
            _ => panic!("{cell}: {} {}", answer.status, answer.text),
        }
    }
}

/// An event and a ticket for it, of one owner.
#[derive(Debug, Clone)]
struct Rows {
    owner: Owner,
    event: String,
    ticket: String,
    email: String,
}

/// Makes an event and a ticket; `known` says who asks.
async fn rows(server: &TestServer, owner: Owner, email: &str, known: impl Fn(Call, &str) -> Call) -> Rows {
    let made = known(server.post("/events"), "organizer").json(&json!({"name": "x", "capacity": 100_000})).send().await;
    assert_eq!(made.status, 201, "{}", made.text);
    let event = made.body["id"].as_str().unwrap_or_default().to_owned();
    let call = known(server.post(&format!("/events/{event}/register")), "user").json(&json!({"email": email}));
    let held = call.send().await;
    assert_eq!(held.status, 201, "{}", held.text);
    let ticket = held.body["id"].as_str().unwrap_or_default().to_owned();
    Rows { owner, event, ticket, email: email.to_owned() }
}

/// A caller: what is sent, and as what.
struct Caller {
    kind: Kind,
    /// `None`: without a credential.
    roles: Option<&'static [&'static str]>,
    credential: String,
}

impl Caller {
    fn sends(&self, call: Call) -> Call {
        match (self.kind, self.roles) {
            (_, None) => call,
            (Kind::Header, _) => call.role(&self.credential),
            _ => call.bearer(&self.credential),
        }
    }
}

/// What was asked, and what came of it.
struct Matrix<'a> {
    server: &'a TestServer,
    number: u64,
    cells: u64,
    wrong: String,
}

impl<'a> Matrix<'a> {
    fn of(server: &'a TestServer) -> Self {
        Self { server, number: 0, cells: 0, wrong: String::new() }
    }

    fn call(&mut self, caller: &Caller, method: &str, row: &Row, rows: &Rows) -> Call {
        self.number += 1;
        let fill = |text: &str| {
            text.replace("{event}", &rows.event)
                .replace("{number}", &format!("cell{}", self.number))
                .replace("of.a.cell%40example.org", &rows.email.replace('@', "%40"))
        };
        let id = if row.path.starts_with("/tickets") { &rows.ticket } else { &rows.event };
        let path = row.path.replace("{id}", id);
        let call = caller.sends(self.server.call(method, &format!("{path}{}", fill(row.query))));
        if row.body.is_empty() || method == "GET" {
            return call;
        }
        call.header("content-type", "application/json").body(fill(row.body))
    }

    fn judge(&mut self, cell: &str, outcome: Outcome, expected: Outcome) {
        self.cells += 1;
        if outcome != expected {
            // Writing to a String cannot fail.
            let _ = writeln!(self.wrong, "{cell}: {outcome:?} instead of {expected:?}");
        }
    }

    /// All methods of one path, for one caller and one owner. `methods` are those that the path has.
    async fn path(&mut self, caller: &Caller, table: &[Row], methods: &[&str], path: &str, rows: &Rows) {
        let of = |method: &str| table.iter().find(|row| row.path == path && row.method == method);
        for method in METHODS {
            // HEAD is GET without a body.
            let stands_for = if method == "HEAD" { "GET" } else { method };
            let there = methods.contains(&stands_for);
            let Some(row) = (if there { of(stands_for) } else { table.iter().find(|row| row.path == path) }) else {
                panic!("{method} {path} is missing in the table");
            };
            let cell = format!("{method} {path} as {:?} {:?} on {:?}", caller.kind, caller.roles, rows.owner);
            let answer = self.call(caller, method, row, rows).send().await;
            let expected = match method {
                "OPTIONS" => Outcome::Done,
                _ if there => row.expected(caller.kind, caller.roles, rows.owner),
                _ => Outcome::NoMethod,
            };
            let outcome = Outcome::of(&answer, &cell);
            self.judge(&cell, outcome, expected);
            if method == "GET"
                && outcome == Outcome::Done
                && let Some(finds) = row.finds(caller.roles, rows.owner)
            {
                let found =
                    answer.body["items"].as_array().is_some_and(|items| items.iter().any(|t| t["id"] == rows.ticket));
                assert_eq!(found, finds, "{cell}: {}", answer.text);
            }
        }
    }

    fn end(self, name: &str) {
        println!("{name}: {} cells", self.cells);
        assert!(self.wrong.is_empty(), "of {} cells:\n{}", self.cells, self.wrong);
    }
}

/// The module's routes, each path once with its methods; every one is in the table, and every row has its route.
async fn paths() -> Vec<(String, Vec<&'static str>)> {
    let rules = boxoffice::load_rules(&harness::settings()).await.expect("the standard rules load");
    let mut paths: Vec<(String, Vec<&'static str>)> = Vec::new();
    for route in &rules.manifest.routes {
        let method = route.method.name();
        let row = ROUTES.iter().find(|row| row.method == method && row.path == route.path);
        let row = row.unwrap_or_else(|| panic!("{method} {} is missing in the table", route.path));
        assert_eq!(row.needs.unwrap_or("public"), route.access.name(), "{method} {}", route.path);
        match paths.iter_mut().find(|(path, _)| *path == route.path) {
            Some((_, methods)) => methods.push(method),
            None => paths.push((route.path.clone(), vec![method])),
        }
    }
    for row in &ROUTES {
        let name = format!("{} {}", row.method, row.path);
        let there = paths.iter().any(|(path, methods)| path == row.path && methods.contains(&row.method));
        assert!(there || MAY_BE_MISSING.contains(&name.as_str()), "{name} is in the table and not in the module");
    }
    for function in boxoffice::wasm::HOST_FUNCTIONS {
        assert!(ROUTES.iter().any(|row| row.functions.contains(&function)), "{function} is missing in the table");
    }
    paths
}

/// The host's own routes that are there; every one is in the table.
async fn own_paths(server: &TestServer, someone: &Caller) -> Vec<&'static str> {
    let mut there = Vec::new();
    for path in boxoffice::own_paths() {
        let row = OWN.iter().find(|row| row.path == path);
        let row = row.unwrap_or_else(|| panic!("{path} is missing in the table"));
        let answer = someone.sends(server.call("GET", path)).send().await;
        if answer.code() == "route_not_found" {
            assert!(MAY_BE_MISSING.contains(&format!("GET {}", row.path).as_str()), "{path} is not there");
        } else {
            there.push(path);
        }
    }
    there
}

async fn all_cells(matrix: &mut Matrix<'_>, callers: &[Caller], owned: &[Rows], own: &[&'static str]) {
    let paths = paths().await;
    for caller in callers {
        for rows in owned {
            for (path, methods) in &paths {
                matrix.path(caller, &ROUTES, methods, path, rows).await;
            }
            for path in own {
                matrix.path(caller, &OWN, &["GET"], path, rows).await;
            }
        }
        let nothing = caller.sends(matrix.server.get("/nothing")).send().await;
        matrix.judge("GET /nothing", Outcome::of(&nothing, "GET /nothing"), Outcome::NoRoute);
        for (method, path) in OPERATORS {
            let asked = caller.sends(Call::new(matrix.server.admin_address(), method, path));
            let cell = format!("{method} {path} as {:?} {:?}", caller.kind, caller.roles);
            let outcome = Outcome::of(&asked.send().await, &cell);
            matrix.judge(&cell, outcome, Outcome::Unauthenticated);
        }
    }
}

#[tokio::test]
async fn with_header_roles_every_cell_of_the_matrix_is_as_the_table_has_it() {
    let server = TestServer::builder().operated().start().await;
    let owned = [rows(&server, Owner::Nobodys, "nobody@example.org", Call::role).await];
    // One header has one role.
    let caller = |roles: &'static [&'static str]| Caller {
        kind: Kind::Header,
        roles: (!roles.is_empty()).then_some(roles),
        credential: roles.concat(),
    };
    let callers: Vec<_> = ROLES.into_iter().filter(|roles| roles.len() < 2).map(caller).collect();
    let own = own_paths(&server, &caller(&["admin"])).await;
    let mut matrix = Matrix::of(&server);
    all_cells(&mut matrix, &callers, &owned, &own).await;
    matrix.end("header roles");
}

#[tokio::test]
async fn with_credentials_every_cell_of_the_matrix_is_as_the_table_has_it() {
    // Rows of nobody's are from the time before there were credentials.
    let before = TestServer::start().await;
    let nobodys = rows(&before, Owner::Nobodys, "nobody@example.org", Call::role).await;
    let dir = before.stop().await;
    let issuer = Issuer::p256();
    let server = TestServer::builder().auth("jwt,keys").jwt_key(issuer.key_file()).operated().database_of(dir);
    let server = server.start().await;
    // The same seed makes the same ids at the same moment.
    server.clock.advance(Duration::from_secs(1));
    let operator = Operator::of(&server);
    let mut matrix = Matrix::of(&server);
    for kind in [Kind::Jwt, Kind::Key] {
        let mut callers = vec![Caller { kind, roles: None, credential: String::new() }];
        for roles in ROLES {
            let credential = match kind {
                Kind::Jwt => issuer.token("own", roles),
                // There are no keys without a role.
                _ if roles.is_empty() => continue,
                _ => operator.key("own", roles).await,
            };
            callers.push(Caller { kind, roles: Some(roles), credential });
        }
        let all = &["user", "organizer"];
        let (own, another) = match kind {
            Kind::Jwt => (issuer.token("own", all), issuer.token("another", all)),
            _ => (operator.key("own", all).await, operator.key("another", all).await),
        };
        let of = |email: &str| format!("{email}.{kind:?}@example.org");
        let owned = [
            rows(&server, Owner::Own, &of("own"), |call, _| call.bearer(&own)).await,
            rows(&server, Owner::Anothers, &of("another"), |call, _| call.bearer(&another)).await,
            nobodys.clone(),
        ];
        let hosts = own_paths(&server, &callers[callers.len() - 2]).await;
        all_cells(&mut matrix, &callers, &owned, &hosts).await;
    }
    // What was forbidden was not done, either.
    let event = server.get(&format!("/events/{}", nobodys.event)).send().await;
    assert_eq!(event.status, 200, "{}", event.text);
    assert_ne!(event.body["capacity"], Value::Null);
    matrix.end("credentials");
}
