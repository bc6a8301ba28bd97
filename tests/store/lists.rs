//! Pages and cursors. What a list has is compared with the model in the histories.

use boxoffice::domain::{Actor, Email, EventQuery, Page, TicketFilter, TicketQuery};
use boxoffice::store::sqlite::SqliteStore;
use boxoffice::store::{ListRefusal, Store};

use super::support::{Place, START, admin, at, event, new_event, register, somebody, user, wish};

async fn page(store: &SqliteStore, query: &EventQuery) -> Result<Page<boxoffice::domain::Event>, ListRefusal> {
    store.events(START, query.clone()).await.expect("an answer")
}

fn is_refused(answer: &Result<Page<boxoffice::domain::Event>, ListRefusal>) -> bool {
    matches!(answer, Err(ListRefusal::Invalid(field)) if field.pointer == "/cursor")
}

#[tokio::test]
async fn a_cursor_of_another_query_or_an_edited_one_is_refused() {
    let place = Place::new();
    let store = place.open();
    for _ in 0..4 {
        event(&store, 1).await;
    }
    let query = EventQuery { limit: 2, ..EventQuery::all() };
    let cursor = page(&store, &query).await.expect("a page").next_cursor.expect("there is more");
    let at_it = |cursor: &str| EventQuery { cursor: Some(cursor.to_owned()), ..query.clone() };
    assert!(page(&store, &at_it(&cursor)).await.is_ok());
    assert!(page(&store, &EventQuery { limit: 1, ..at_it(&cursor) }).await.is_ok(), "its limit may change");
    let others = [
        EventQuery { available_only: true, ..at_it(&cursor) },
        EventQuery { tag: Some("t".to_owned()), ..at_it(&cursor) },
        EventQuery { words: Some("w".to_owned()), ..at_it(&cursor) },
        EventQuery { starts_after: Some(START), ..at_it(&cursor) },
        EventQuery { starts_before: Some(START), ..at_it(&cursor) },
    ];
    for other in others {
        assert!(is_refused(&page(&store, &other).await), "{other:?}");
    }
    for place in 0..cursor.len() {
        let mut edited = cursor.clone().into_bytes();
        edited[place] = if edited[place] == b'A' { b'B' } else { b'A' };
        let edited = String::from_utf8(edited).expect("ASCII");
        assert!(is_refused(&page(&store, &at_it(&edited)).await), "{edited}");
    }
    for strange in ["", "%", "A", "\u{fc}", &"A".repeat(100_000)] {
        assert!(is_refused(&page(&store, &at_it(strange)).await), "{strange:.20}");
    }
    let filter = TicketFilter::OfEvent(event(&store, 1).await.id);
    let tickets = store.tickets(START, &somebody(), TicketQuery { filter, limit: 1, cursor: Some(cursor) }).await;
    assert!(matches!(tickets, Ok(Err(ListRefusal::Invalid(_)))));
}

#[tokio::test]
async fn pages_neither_repeat_nor_lose_an_event_while_others_are_added() {
    let place = Place::new();
    let store = place.open();
    for start in 0..10 {
        let new = boxoffice::domain::NewEvent { starts_at: Some(at(start * 10)), ..new_event("Gala", 1) };
        store.create_event(START, &somebody(), new).await.expect("an event");
    }
    let all = page(&store, &EventQuery::all()).await.expect("a page").items;
    let mut query = EventQuery { limit: 3, ..EventQuery::all() };
    let mut seen = Vec::new();
    loop {
        let next = page(&store, &query).await.expect("a page");
        seen.extend(next.items);
        // One before and one behind where the reader is.
        for start in [-5, 1000] {
            let new = boxoffice::domain::NewEvent { starts_at: Some(at(start)), ..new_event("Late", 1) };
            store.create_event(START, &somebody(), new).await.expect("an event");
        }
        query.cursor = next.next_cursor;
        if query.cursor.is_none() || seen.len() > 12 {
            break;
        }
    }
    seen.retain(|event| event.name == "Gala");
    assert_eq!(seen, all);
}

#[tokio::test]
async fn a_cursor_of_another_callers_tickets_is_refused() {
    let place = Place::new();
    let store = place.open();
    let callers = [user("ada"), user("bob"), admin()];
    for caller in &callers[..2] {
        for _ in 0..2 {
            let gala = event(&store, 9).await;
            let registered = store.register(START, caller, wish(&gala.id, "shared@example.org", 1, None)).await;
            registered.expect("an answer").expect("a seat");
        }
    }
    let filter = || TicketFilter::OfEmail(Email::parse("shared@example.org").expect("an email"));
    let page = async |caller: &Actor, cursor: Option<String>| {
        store.tickets(START, caller, TicketQuery { filter: filter(), limit: 1, cursor }).await.expect("an answer")
    };
    for (n, caller) in callers.iter().enumerate() {
        let cursor = page(caller, None).await.expect("a page").next_cursor;
        assert!(cursor.is_some());
        for (m, another) in callers.iter().enumerate() {
            assert_eq!(page(another, cursor.clone()).await.is_ok(), n == m, "the cursor of {n}, used by {m}");
        }
    }
}

#[tokio::test]
async fn the_last_page_has_no_cursor_even_when_it_is_full() {
    let place = Place::new();
    let store = place.open();
    let gala = event(&store, 9).await;
    for email in ["a@example.org", "b@example.org"] {
        register(&store, &gala.id, email, None).await.expect("an answer").expect("a seat");
    }
    let query = TicketQuery { filter: TicketFilter::OfEvent(gala.id), limit: 2, cursor: None };
    let page = store.tickets(START, &somebody(), query).await.expect("an answer").expect("a page");
    assert_eq!((page.items.len(), page.next_cursor), (2, None));
}

#[test]
fn every_list_follows_an_index() {
    let place = Place::new();
    drop(place.open());
    let db = place.sqlite();
    let queries = [
        "SELECT id FROM events WHERE (starts_order, id) > (1, 'a') AND starts_order <= 5 ORDER BY starts_order, id",
        "SELECT id FROM tickets WHERE event_id = 'a' AND id > 'b' ORDER BY id",
        "SELECT id FROM tickets WHERE email_key = 'a' AND id > 'b' ORDER BY id",
        "SELECT sum(quantity) FROM tickets WHERE event_id = 'a' AND status = 'reserved' AND expires_at_ms <= 5",
        "SELECT id FROM tickets WHERE status = 'reserved' AND expires_at_ms <= 5 ORDER BY expires_at_ms",
        "SELECT min(expires_at_ms) FROM tickets WHERE status = 'reserved'",
        "SELECT id FROM tickets WHERE owner = '' AND idempotency_key = 'k'",
        "SELECT id FROM tickets WHERE event_id = 'a' AND email_key = 'b' AND status <> 'cancelled'",
        "SELECT action FROM audit WHERE event_id = 'a' AND seq > 1 ORDER BY seq LIMIT 5",
    ];
    for query in queries {
        let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {query}")).expect("a plan");
        let steps: Vec<String> = plan.query_map([], |row| row.get(3)).expect("steps").flatten().collect();
        assert!(steps.iter().all(|step| step.starts_with("SEARCH") && step.contains("INDEX")), "{query}: {steps:?}");
    }
}
