//! Many at once.

use std::sync::Arc;

use boxoffice::domain::TicketStatus;
use boxoffice::store::sqlite::{SeededFault, SqliteStore};
use boxoffice::store::{ConfirmRefusal, RegisterRefusal, Registered, Store};
use futures_util::future::join_all;

use super::support::{Place, START, event, expiry, faulty, register, somebody, wish};

fn one_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
}

fn many_threads() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().expect("a runtime")
}

/// 100 clients for 5 seats. On one thread all of them have asked before the first is answered, every time.
pub(super) fn a_hundred_for_five(runtime: &tokio::runtime::Runtime, fault: Option<SeededFault>) -> Result<(), String> {
    let place = Place::new();
    let store = Arc::new(place.open_with(faulty(fault)));
    let answers = runtime.block_on(async {
        let gala = event(&store, 5).await;
        let clients = (0..100).map(|client| {
            let (store, id) = (Arc::clone(&store), gala.id.clone());
            async move { register(&store, &id, &format!("{client}@example.org"), None).await }
        });
        join_all(clients.map(tokio::spawn)).await
    });
    let mut sold = 0;
    for answer in answers {
        match answer.map_err(|error| error.to_string())? {
            Ok(Ok(Registered { replayed: false, .. })) => sold += 1,
            Ok(Err(RegisterRefusal::SoldOut)) => {}
            other => return Err(format!("{other:?}")),
        }
    }
    let (rows, found) = (place.count("status = 'reserved'"), place.violations());
    if sold == 5 && rows == 5 && found.is_empty() {
        return Ok(());
    }
    Err(format!("sold {sold}, rows {rows}, {found:?}"))
}

pub(super) fn a_hundred_for_five_at_once(fault: Option<SeededFault>) -> Result<(), String> {
    a_hundred_for_five(&one_thread(), fault)
}

#[test]
fn a_hundred_clients_get_exactly_five_seats() {
    let threads = many_threads();
    for _ in 0..20 {
        a_hundred_for_five(&threads, None).expect("five seats for five clients");
        a_hundred_for_five_at_once(None).expect("five seats for five clients");
    }
}

#[test]
fn a_hundred_clients_who_repeat_themselves_get_exactly_five_seats_and_their_own_each_time() {
    let place = Place::new();
    let store = Arc::new(place.open());
    many_threads().block_on(async {
        let gala = event(&store, 5).await;
        let clients = (0..100).flat_map(|client| (0..=client % 5).map(move |_| client)).map(|client| {
            let (store, id) = (Arc::clone(&store), gala.id.clone());
            tokio::spawn(async move {
                let key = format!("key of {client}");
                let answer = register(&store, &id, &format!("{client}@example.org"), Some(&key)).await;
                (client, answer.expect("the store answers"))
            })
        });
        let mut tickets = std::collections::HashMap::new();
        let mut made = 0;
        for answer in join_all(clients).await {
            let (client, answer) = answer.expect("no panic");
            match answer {
                Ok(registered) => {
                    made += usize::from(!registered.replayed);
                    let id = tickets.entry(client).or_insert_with(|| registered.ticket.id.clone());
                    assert_eq!(*id, registered.ticket.id, "one ticket for each key");
                }
                Err(refusal) => assert_eq!(refusal, RegisterRefusal::SoldOut),
            }
        }
        assert_eq!((made, tickets.len()), (5, 5));
    });
    assert_eq!(place.count("1"), 5);
    assert_eq!(place.violations(), [""; 0]);
}

#[test]
fn one_key_used_by_fifty_at_once_makes_one_ticket() {
    let place = Place::new();
    let store = Arc::new(place.open());
    many_threads().block_on(async {
        let gala = event(&store, 50).await;
        let answers = join_all((0..50).map(|_| register(&store, &gala.id, "ann@example.org", Some("k")))).await;
        let made = answers.iter().filter(|answer| matches!(answer, Ok(Ok(Registered { replayed: false, .. })))).count();
        let again = answers.iter().filter(|answer| matches!(answer, Ok(Ok(Registered { replayed: true, .. })))).count();
        assert_eq!((made, again), (1, 49));
    });
    assert_eq!(place.count("1"), 1);
}

async fn confirm_beside_the_sweeper(store: &SqliteStore, beside: i64, sweep_first: bool) -> bool {
    let gala = event(store, 1).await;
    let ticket = register(store, &gala.id, "ann@example.org", None).await.expect("an answer").expect("a seat").ticket;
    let now = expiry(beside);
    let who = somebody();
    let (confirmed, swept) = if sweep_first {
        let (swept, confirmed) = tokio::join!(store.expire_due(now, 10), store.confirm(now, &who, &ticket.id));
        (confirmed, swept)
    } else {
        tokio::join!(store.confirm(now, &who, &ticket.id), store.expire_due(now, 10))
    };
    let released = swept.expect("a sweep").released;
    let seats = store.event(now, &gala.id).await.expect("an answer").expect("the event");
    match confirmed.expect("an answer") {
        Ok(ticket) => {
            assert_eq!((ticket.status, released), (TicketStatus::Confirmed, 0));
            assert_eq!((seats.available, seats.confirmed), (0, 1));
            true
        }
        Err(refusal) => {
            assert_eq!((refusal, released), (ConfirmRefusal::HoldExpired, 1));
            assert_eq!((seats.available, seats.confirmed), (1, 0));
            false
        }
    }
}

#[test]
fn a_confirm_beside_the_sweeper_holds_before_expiry_and_not_from_then_on() {
    let place = Place::new();
    let store = place.open();
    one_thread().block_on(async {
        for sweep_first in [false, true] {
            for (beside, holds) in [(-1, true), (0, false), (1, false)] {
                assert_eq!(confirm_beside_the_sweeper(&store, beside, sweep_first).await, holds, "{beside} ms");
            }
        }
    });
    assert_eq!(place.violations(), [""; 0]);
}

#[test]
fn a_due_hold_is_sold_again_without_the_sweeper_to_exactly_one() {
    let place = Place::new();
    let store = Arc::new(place.open());
    many_threads().block_on(async {
        let gala = event(&store, 3).await;
        store
            .register(START, &somebody(), wish(&gala.id, "old@example.org", 3, None))
            .await
            .expect("an answer")
            .expect("seats");
        // Everybody knows that it is sold out.
        assert_eq!(register(&store, &gala.id, "early@example.org", None).await, Ok(Err(RegisterRefusal::SoldOut)));
        let clients = (0..40).map(|client| {
            let (store, id) = (Arc::clone(&store), gala.id.clone());
            tokio::spawn(async move {
                store.register(expiry(0), &somebody(), wish(&id, &format!("{client}@example.org"), 3, None)).await
            })
        });
        let answers = join_all(clients).await;
        let sold = answers.into_iter().filter(|answer| matches!(answer, Ok(Ok(Ok(_))))).count();
        assert_eq!(sold, 1);
    });
    assert_eq!(place.violations(), [""; 0]);
}
