//! Random histories of the store against the model.

use std::fmt::Debug;
use std::time::Duration;

use boxoffice::domain::{
    Actor, AuditQuery, Email, EventId, EventPatch, EventQuery, Millis, NewEvent, RegistrationLimits,
    RegistrationRequest, TicketFilter, TicketId, TicketQuery,
};
use boxoffice::store::sqlite::{SeededFault, SqliteStore, violations};
use boxoffice::store::{Registered, Store};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, RngSeed, TestRng, TestRunner};
use rusqlite::Connection;

use super::model::{Done, Model};
use super::support::{Place, START, admin, at, faulty, somebody, user};

/// One thing that happens. Events and tickets are chosen by number among those that there are, and one more that
/// there is not.
#[derive(Debug, Clone)]
#[expect(clippy::option_option, reason = "a patch may remove the start")]
pub(super) enum Op {
    Create {
        who: u8,
        capacity: u32,
        starts: Option<i64>,
        tag: u8,
    },
    Update {
        who: u8,
        event: usize,
        capacity: Option<u32>,
        starts: Option<Option<i64>>,
        version: Option<bool>,
    },
    Register {
        who: u8,
        event: usize,
        email: u8,
        quantity: u32,
        hold: u64,
        key: Option<u8>,
    },
    Confirm {
        who: u8,
        ticket: usize,
    },
    Cancel {
        who: u8,
        ticket: usize,
    },
    Expire {
        batch: u32,
    },
    Wait {
        ms: i64,
    },
    /// To a moment beside the end of some hold.
    WaitForHold {
        hold: usize,
        beside: i64,
    },
    Restart,
    ListEvents {
        limit: u32,
        words: u8,
        tag: Option<u8>,
        after: Option<i64>,
        before: Option<i64>,
        available: bool,
    },
    ListTickets {
        who: u8,
        event: Option<usize>,
        email: u8,
        limit: u32,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let who = 0..4_u8;
    let starts = prop::option::of(0..4_i64);
    prop_oneof![
        1 => (who.clone(), 1..6_u32, starts.clone(), 0..3_u8)
            .prop_map(|(who, capacity, starts, tag)| Op::Create { who, capacity, starts, tag }),
        2 => (who.clone(), 0..4_usize, prop::option::of(1..8_u32), prop::option::of(starts.clone()),
            prop::option::of(any::<bool>()))
            .prop_map(|(who, event, capacity, starts, version)| Op::Update { who, event, capacity, starts, version }),
        12 => (who.clone(), 0..4_usize, 0..5_u8, 1..4_u32, 1..4_u64, prop::option::of(0..4_u8))
            .prop_map(|(who, event, email, quantity, hold, key)|
                Op::Register { who, event, email, quantity, hold: hold * 500, key }),
        5 => (who.clone(), 0..40_usize).prop_map(|(who, ticket)| Op::Confirm { who, ticket }),
        4 => (who.clone(), 0..40_usize).prop_map(|(who, ticket)| Op::Cancel { who, ticket }),
        2 => (0..4_u32).prop_map(|batch| Op::Expire { batch }),
        2 => (1..600_i64).prop_map(|ms| Op::Wait { ms }),
        4 => (0..8_usize, -1..2_i64).prop_map(|(hold, beside)| Op::WaitForHold { hold, beside }),
        1 => Just(Op::Restart),
        1 => (1..4_u32, 0..3_u8, prop::option::of(0..3_u8), starts.clone(), starts, any::<bool>())
            .prop_map(|(limit, words, tag, after, before, available)|
                Op::ListEvents { limit, words, tag, after, before, available }),
        1 => (who, prop::option::of(0..4_usize), 0..5_u8, 1..4_u32)
            .prop_map(|(who, event, email, limit)| Op::ListTickets { who, event, email, limit }),
    ]
}

fn caller(who: u8) -> Actor {
    match who {
        0 => somebody(),
        1 => user("ann"),
        2 => user("bob"),
        _ => admin(),
    }
}

/// Also in capitals and with white space: it is the same email.
fn email(number: u8) -> String {
    if number == 4 {
        " ZERO@Example.org ".to_owned()
    } else {
        format!("{}@example.org", ["zero", "one", "two", "three"][usize::from(number)])
    }
}

fn starts(number: i64) -> Millis {
    at(number * 1000)
}

fn same<T: PartialEq + Debug>(store: &T, model: &T, what: &str) -> Result<(), String> {
    if store == model { Ok(()) } else { Err(format!("{what}: the store says {store:?}, the model {model:?}")) }
}

/// A store and a model that live through the same.
struct Machine {
    place: Place,
    store: Option<SqliteStore>,
    /// Looks at the file beside it.
    witness: Option<Connection>,
    fault: Option<SeededFault>,
    model: Model,
    now: Millis,
}

impl Machine {
    fn store(&self) -> &SqliteStore {
        self.store.as_ref().expect("it is open between operations")
    }

    fn event(&self, number: usize) -> EventId {
        let ids = self.model.event_ids();
        ids.get(number).or_else(|| ids.get(number % 2)).cloned().unwrap_or_else(|| EventId::new("none"))
    }

    fn ticket(&self, number: usize) -> TicketId {
        let ids = self.model.ticket_ids();
        let chosen = if ids.is_empty() { None } else { ids.get(number % (ids.len() + 1)) };
        chosen.cloned().unwrap_or_else(|| TicketId::new("none"))
    }

    async fn step(&mut self, op: &Op) -> Result<(), String> {
        match op {
            Op::Create { who, capacity, starts: start, tag } => {
                let new = NewEvent {
                    name: format!("Gala number {tag}"),
                    capacity: *capacity,
                    starts_at: start.map(starts),
                    tags: vec![format!("tag{tag}")],
                    attributes: "{}".to_owned(),
                };
                let made = self.store().create_event(self.now, &caller(*who), new).await.map_err(text)?;
                self.model.created(self.now, &caller(*who), &made);
                same(&Some(made.clone()), &self.model.event(self.now, &made.id), "create")
            }
            Op::Update { who, event, capacity, starts: start, version } => {
                let id = self.event(*event);
                let version = version.map(|right| {
                    let version = self.model.event(self.now, &id).map_or(1, |event| event.version);
                    if right { version } else { version + 1 }
                });
                let patch = EventPatch {
                    capacity: *capacity,
                    starts_at: start.map(|start| start.map(starts)),
                    if_version: version,
                    ..EventPatch::default()
                };
                let said =
                    self.store().update_event(self.now, &caller(*who), &id, patch.clone()).await.map_err(text)?;
                same(&said, &self.model.update(self.now, &caller(*who), &id, &patch), "update")
            }
            Op::Register { .. } => self.register(op).await,
            Op::Confirm { who, ticket } => {
                let (id, who) = (self.ticket(*ticket), caller(*who));
                let said = self.store().confirm(self.now, &who, &id).await.map_err(text)?;
                same(&said, &self.model.confirm(self.now, &who, &id), "confirm")
            }
            Op::Cancel { who, ticket } => {
                let (id, who) = (self.ticket(*ticket), caller(*who));
                let said = self.store().cancel(self.now, &who, &id).await.map_err(text)?;
                same(&said, &self.model.cancel(self.now, &who, &id), "cancel")
            }
            Op::Expire { batch } => self.expire(*batch).await,
            Op::Wait { ms } => {
                self.now.0 += ms;
                Ok(())
            }
            Op::WaitForHold { hold, beside } => {
                let deadlines = self.model.deadlines(self.now);
                let Some(deadline) = deadlines.get(hold % deadlines.len().max(1)) else { return Ok(()) };
                self.now.0 = self.now.0.max(deadline.0 + beside);
                Ok(())
            }
            Op::Restart => {
                self.witness = None;
                self.store().close().await;
                self.store = None;
                self.store = Some(self.place.open_with(faulty(self.fault)));
                Ok(())
            }
            Op::ListEvents { .. } => self.list_events(op).await,
            Op::ListTickets { .. } => self.list_tickets(op).await,
        }
    }

    async fn register(&mut self, op: &Op) -> Result<(), String> {
        let Op::Register { who, event, email: number, quantity, hold, key } = op else { return Ok(()) };
        let request = RegistrationRequest {
            event_id: self.event(*event),
            email: email(*number),
            quantity: *quantity,
            hold: Some(Duration::from_millis(*hold)),
            key: key.map(|key| format!("key{key}")),
            attributes: Some(format!("{{\"n\":{quantity}}}")),
        };
        let limits = RegistrationLimits { hold: Duration::from_millis(1200), max_quantity: 10 };
        let wish = request.check(limits).map_err(text)?;
        let who = caller(*who);
        let said = self.store().register(self.now, &who, wish.clone()).await.map_err(text)?;
        let wanted = self.model.register(self.now, &who, &wish);
        match (said, wanted) {
            (Ok(made), Ok(None)) => {
                let wanted = self.model.registered(self.now, &who, wish, &made.ticket.id);
                same(&made, &Registered { ticket: wanted, replayed: false }, "register")
            }
            (said, wanted) => {
                let wanted = wanted.map(|ticket| ticket.map(|ticket| Registered { ticket, replayed: true }));
                same(&said.map(Some), &wanted, "register")
            }
        }
    }

    async fn expire(&mut self, batch: u32) -> Result<(), String> {
        let swept = self.store().expire_due(self.now, batch).await.map_err(text)?;
        if swept.released > batch {
            return Err(format!("a sweep of {batch} released {}", swept.released));
        }
        // How many are left to release depends on what was released on the way; what comes next does not.
        if swept.released < batch {
            return same(&swept.next_deadline, &self.model.deadlines(self.now).into_iter().min(), "next deadline");
        }
        Ok(())
    }

    async fn list_events(&mut self, op: &Op) -> Result<(), String> {
        let Op::ListEvents { limit, words, tag, after, before, available } = op else { return Ok(()) };
        let mut query = EventQuery {
            limit: *limit,
            words: (*words > 0).then(|| if *words == 1 { "GALA".to_owned() } else { "1 num".to_owned() }),
            tag: tag.map(|tag| format!("tag{tag}")),
            starts_after: after.map(starts),
            starts_before: before.map(starts),
            available_only: *available,
            ..EventQuery::all()
        };
        let wanted = self.model.events(self.now, &query);
        let mut all = Vec::new();
        loop {
            let page = self.store().events(self.now, query.clone()).await.map_err(text)?.map_err(text)?;
            all.extend(page.items);
            query.cursor = page.next_cursor;
            if query.cursor.is_none() || all.len() > wanted.len() {
                return same(&all, &wanted, "list of events");
            }
        }
    }

    async fn list_tickets(&mut self, op: &Op) -> Result<(), String> {
        let Op::ListTickets { who, event, email: number, limit } = op else { return Ok(()) };
        let filter = match event {
            Some(event) => TicketFilter::OfEvent(self.event(*event)),
            None => TicketFilter::OfEmail(Email::parse(&email(*number)).map_err(text)?),
        };
        let who = caller(*who);
        let wanted = self.model.tickets(self.now, &who, &filter);
        let mut query = TicketQuery { filter, limit: *limit, cursor: None };
        let mut all = Vec::new();
        loop {
            match self.store().tickets(self.now, &who, query.clone()).await.map_err(text)? {
                Err(refusal) => return same(&Err(refusal), &wanted, "list of tickets"),
                Ok(page) => {
                    all.extend(page.items);
                    query.cursor = page.next_cursor;
                }
            }
            if query.cursor.is_none() {
                return same(&Ok(all), &wanted, "list of tickets");
            }
        }
    }

    /// The trail is what was done, and nothing else: all of it, and that of each event as somebody sees it.
    async fn look_at_the_trail(&mut self) -> Result<(), String> {
        let ids = self.model.event_ids();
        let of_events = ids.into_iter().zip((0..4).cycle()).map(|(id, who)| (caller(who), Some(id)));
        for (who, event_id) in std::iter::once((admin(), None)).chain(of_events) {
            let wanted = self.model.trail(&who, event_id.as_ref());
            let mut query = AuditQuery { event_id, ticket_id: None, limit: 7, cursor: None };
            let mut all = Vec::new();
            let said = loop {
                match self.store().audit(&who, query.clone()).await.map_err(text)? {
                    Err(refusal) => break Err(refusal),
                    Ok(page) => {
                        all.extend(page.items.into_iter().map(Done::from));
                        query.cursor = page.next_cursor;
                    }
                }
                if query.cursor.is_none() {
                    break Ok(all);
                }
            };
            same(&said, &wanted, "audit trail")?;
        }
        Ok(())
    }

    /// After every step: what anybody may read is what the model says, and the promises hold.
    async fn look(&mut self) -> Result<(), String> {
        let witness = self.witness.get_or_insert_with(|| self.place.sqlite());
        let found = violations(witness).map_err(text)?;
        if !found.is_empty() {
            return Err(format!("invariants: {found:?}"));
        }
        for id in self.model.event_ids() {
            let said = self.store().event(self.now, &id).await.map_err(text)?;
            same(&said, &self.model.event(self.now, &id), "event")?;
        }
        for (number, id) in self.model.ticket_ids().into_iter().enumerate() {
            let who = caller(u8::try_from(number % 4).unwrap_or(0));
            let said = self.store().ticket(self.now, &who, &id).await.map_err(text)?;
            same(&said, &self.model.ticket(self.now, &who, &id), "ticket")?;
        }
        Ok(())
    }
}

fn text(error: impl Debug) -> String {
    format!("{error:?}")
}

async fn live(ops: &[Op], fault: Option<SeededFault>) -> Result<(), String> {
    let place = Place::new();
    let store = Some(place.open_with(faulty(fault)));
    let mut machine = Machine { place, store, witness: None, fault, model: Model::default(), now: START };
    machine.step(&Op::Create { who: 0, capacity: 3, starts: None, tag: 0 }).await?;
    machine.step(&Op::Create { who: 1, capacity: 5, starts: Some(1), tag: 1 }).await?;
    for op in ops {
        machine.step(op).await?;
        machine.look().await?;
    }
    machine.look_at_the_trail().await
}

/// Histories from one seed, of up to `length` operations each, against a healthy store or a mutant. The error has
/// the seed and, if it is to be looked for, the shortest history that fails.
pub(super) fn histories(
    seed: u64,
    cases: u32,
    length: usize,
    shrink: u32,
    fault: Option<SeededFault>,
) -> Result<(), String> {
    let config = Config {
        cases,
        max_shrink_iters: shrink,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let history = prop::collection::vec(op(), 1..=length);
    let ran = runner.run(&history, |ops| runtime.block_on(live(&ops, fault)).map_err(TestCaseError::fail));
    ran.map_err(|error| format!("seed {seed}: {error}"))
}

#[test]
fn every_history_goes_as_the_model_says() {
    let (seeds, cases, length) = (0..4, 75, 80);
    for seed in seeds.clone() {
        if let Err(found) = histories(seed, cases, length, 2000, None) {
            panic!("{found}");
        }
    }
    println!("{} histories of up to {length} operations, divergences 0", seeds.count() * cases as usize);
}
