//! The audit trail: how it ends at its old end, and what proves that it is whole. What is in it is compared with the model in the histories.

use boxoffice::domain::{AuditEntry, AuditQuery, EventId, TicketId};
use boxoffice::store::sqlite::SqliteStore;
use boxoffice::store::{ListRefusal, Store};

use super::support::{Place, START, admin, at, event, register, somebody, user};

fn query() -> AuditQuery {
    AuditQuery { event_id: None, ticket_id: None, limit: 100, cursor: None }
}

async fn all(store: &SqliteStore) -> Vec<AuditEntry> {
    store.audit(&admin(), query()).await.expect("an answer").expect("a page").items
}

/// Ten confirmed tickets of one event, one each second: 21 entries.
async fn ten_sold(store: &SqliteStore) -> (EventId, Vec<TicketId>) {
    let gala = event(store, 20).await.id;
    let mut tickets = Vec::new();
    for n in 0..10 {
        let email = format!("{n}@example.org");
        let ticket = register(store, &gala, &email, None).await.expect("an answer").expect("a seat").ticket;
        store.confirm(at(1000 * n), &somebody(), &ticket.id).await.expect("an answer").expect("confirmed");
        tickets.push(ticket.id);
    }
    (gala, tickets)
}

#[tokio::test]
async fn what_is_too_old_goes_from_the_old_end_in_batches_and_the_newest_never() {
    let place = Place::new();
    let store = place.open();
    ten_sold(&store).await;
    let before = all(&store).await;
    assert_eq!(before.len(), 21);
    assert_eq!(store.forget_audit(START, 100).await, Ok(0), "nothing is older than the first");
    // The event, and a registration and its confirm; what was registered at the start after it stays, for the confirm before it.
    assert_eq!(store.forget_audit(at(1), 100).await, Ok(4));
    assert_eq!(all(&store).await, before[4..]);
    assert_eq!(store.forget_audit(at(60_000), 5).await, Ok(5), "a batch");
    assert_eq!(store.forget_audit(at(60_000), 100).await, Ok(11));
    assert_eq!(store.forget_audit(at(60_000), 100).await, Ok(0));
    assert_eq!(all(&store).await, before[20..]);
    // Its number is not used again, not even after a restart.
    store.close().await;
    let store = place.open();
    event(&store, 1).await;
    assert_eq!(all(&store).await[1].seq, before[20].seq + 1);
    assert_eq!(place.violations(), [""; 0], "what is forgotten is missed by nobody");
}

#[tokio::test]
async fn a_follower_sees_every_entry_once_while_others_are_written() {
    let place = Place::new();
    let store = place.open();
    let (gala, _) = ten_sold(&store).await;
    let mut next = AuditQuery { event_id: Some(gala.clone()), limit: 4, ..query() };
    let mut seen = Vec::new();
    for round in 0..10 {
        let page = store.audit(&user("ann"), next.clone()).await.expect("an answer");
        assert_eq!(page.unwrap_err(), ListRefusal::NotYours);
        let page = store.audit(&somebody(), next.clone()).await.expect("an answer").expect("a page");
        if page.items.is_empty() {
            assert_eq!(page.next_cursor, None);
        } else {
            next.cursor = page.next_cursor;
            assert!(next.cursor.is_some(), "also on the last page");
        }
        seen.extend(page.items);
        let email = format!("late{round}@example.org");
        if round < 3 {
            register(&store, &gala, &email, None).await.expect("an answer").expect("a seat");
        }
    }
    assert_eq!(seen, all(&store).await);
    assert_eq!(seen.len(), 24);
}

#[tokio::test]
async fn a_ticket_has_its_own_entries_and_a_cursor_is_its_query_s_alone() {
    let place = Place::new();
    let store = place.open();
    let (gala, tickets) = ten_sold(&store).await;
    let other = event(&store, 1).await.id;
    let of_ticket = AuditQuery { ticket_id: Some(tickets[3].clone()), ..query() };
    let page = store.audit(&admin(), of_ticket.clone()).await.expect("an answer").expect("a page");
    let actions: Vec<_> = page.items.iter().map(|entry| entry.action.name()).collect();
    assert_eq!(actions, ["tickets.atomic-register", "tickets.confirm"]);
    let in_other = AuditQuery { event_id: Some(other), ..of_ticket.clone() };
    assert_eq!(store.audit(&admin(), in_other).await.expect("an answer").expect("a page").items, []);
    for strange in [page.next_cursor.expect("a cursor"), String::new(), "x".repeat(1000)] {
        let edited = AuditQuery { event_id: Some(gala.clone()), cursor: Some(strange), ..query() };
        let refused = store.audit(&admin(), edited).await.expect("an answer");
        assert!(matches!(refused, Err(ListRefusal::Invalid(field)) if field.pointer == "/cursor"));
    }
    let nowhere = AuditQuery { event_id: Some(EventId::new("none")), ..query() };
    assert_eq!(store.audit(&admin(), nowhere).await.expect("an answer"), Err(ListRefusal::EventNotFound));
    let everywhere = store.audit(&user("ann"), query()).await.expect("an answer");
    assert!(matches!(everywhere, Err(ListRefusal::Invalid(field)) if field.pointer == "/event_id"));
}

#[tokio::test]
async fn a_trail_that_was_tampered_with_is_seen() {
    let damages = [
        "DELETE FROM audit WHERE action = 4 AND seq = 7",
        "UPDATE audit SET action = 5 WHERE seq = 7",
        "UPDATE audit SET ticket_id = 'none' WHERE seq = 7",
        "UPDATE tickets SET status = 'cancelled', cancelled_at_ms = 1",
        "UPDATE audit SET event_id = 'none' WHERE seq = 7",
    ];
    for damage in damages {
        let place = Place::new();
        let store = place.open();
        ten_sold(&store).await;
        assert_eq!(place.violations(), [""; 0]);
        place.sqlite().execute_batch(damage).expect("the damage");
        assert!(!place.violations().is_empty(), "{damage}");
    }
}
