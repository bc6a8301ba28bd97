//! Lists of events and of tickets.

use futures_util::FutureExt as _;

use super::super::bench::Stop;
use super::super::case::{Case, Check};
use super::super::client::Call;
use super::super::recipe::escape;
use super::NOBODY;
use super::shapes::{ids, is_event, is_page, is_ticket, moment};
use crate::domain::{Millis, NewEvent, Role};

const GROUP: &str = "standard: lists";

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "std-list-order",
        group: GROUP,
        promise: "`GET /events`: 200 `{items, next_cursor}`; soonest start first (none: last), then id.",
        advice: "answer the page of events.list in its order",
        run: |case| order(case).boxed(),
    },
    Check {
        id: "std-list-pages",
        group: GROUP,
        promise: "List: `limit` (1 to 100, default 50), `cursor` (opaque); `next_cursor` is a string or null.",
        advice: "hand limit and cursor to events.list, and its next-cursor back",
        run: |case| pages(case).boxed(),
    },
    Check {
        id: "std-list-limits",
        group: GROUP,
        promise: "A limit outside 1 to 100, or a cursor of another list, is 400 `invalid_request`.",
        advice: "answer `invalid` of events.list as 400; refuse a limit that is no number",
        run: |case| limits(case).boxed(),
    },
    Check {
        id: "std-list-filters",
        group: GROUP,
        promise: "List: `q` (words of the name), `tag`, `starts_after`, `starts_before`, `available=true`.",
        advice: "hand each parameter to events.list",
        run: |case| filters(case).boxed(),
    },
    Check {
        id: "std-event-tickets",
        group: GROUP,
        promise: "`GET /events/{id}/tickets`: 200 page of tickets; 404.",
        advice: "answer tickets.list of the event; an organizer may read it",
        run: |case| event_tickets(case).boxed(),
    },
    Check {
        id: "std-event-tickets-csv",
        group: GROUP,
        promise: "`GET /events/{id}/tickets`: `Accept: text/csv` gives CSV.",
        advice: "answer text/csv with a header row to whoever prefers it",
        run: |case| event_tickets_csv(case).boxed(),
    },
    Check {
        id: "std-email-tickets",
        group: GROUP,
        promise: "`GET /tickets?email=`: 200 page of tickets; 400.",
        advice: "answer tickets.list of the email, and refuse a query without one",
        run: |case| email_tickets(case).boxed(),
    },
];

async fn event(case: &mut Case, name: &str, starts_at: Option<Millis>, tag: &str) -> Result<String, Stop> {
    let tags = if tag.is_empty() { Vec::new() } else { vec![tag.to_owned()] };
    let new = NewEvent { name: name.to_owned(), capacity: 1, starts_at, tags, attributes: "{}".to_owned() };
    case.bench.event_like(new).await
}

fn hours(case: &Case, hours: u64) -> Millis {
    case.bench.now().plus(std::time::Duration::from_hours(hours))
}

async fn order(case: &mut Case) -> Result<(), Stop> {
    let (soon, later) = (hours(case, 1), hours(case, 2));
    let never = event(case, "Without a start", None, "").await?;
    let second = event(case, "Later", Some(later), "").await?;
    let mut same = [event(case, "Soon", Some(soon), "").await?, event(case, "As soon", Some(soon), "").await?];
    same.sort();
    let [first, other] = same;
    let talk = case.send(Call::get("/events")).await;
    case.expect(&talk, "The soonest start comes first, none last, and the same start by id.", |talk| {
        is_page(talk, &[first, other, second, never])?;
        is_event(talk, "/items/0")
    });
    Ok(())
}

async fn pages(case: &mut Case) -> Result<(), Stop> {
    let mut all = Vec::new();
    for n in 0..55 {
        let starts = hours(case, n);
        all.push(event(case, &format!("Event {n}"), Some(starts), "").await?);
    }
    let talk = case.send(Call::get("/events")).await;
    case.expect(&talk, "A page has 50 items where nothing is said, and a cursor for the next.", |talk| {
        is_page(talk, &all[..50])?;
        if talk.at("/next_cursor").is_string() { Ok(()) } else { Err("next_cursor is no string".to_owned()) }
    });
    let cursor = escape(talk.text_at("/next_cursor"));
    let talk = case.send(Call::get(format!("/events?cursor={cursor}"))).await;
    case.expect(&talk, "The next page goes on where the one before ended, and the last has no cursor.", |talk| {
        is_page(talk, &all[50..])?;
        talk.has("/next_cursor", serde_json::Value::Null)
    });
    let talk = case.send(Call::get("/events?limit=3")).await;
    case.expect(&talk, "A page has as many items as the limit says.", |talk| is_page(talk, &all[..3]));
    let talk = case.send(Call::get("/events?limit=100")).await;
    case.expect(&talk, "A page can have 100 items.", |talk| is_page(talk, &all));
    Ok(())
}

async fn limits(case: &mut Case) -> Result<(), Stop> {
    let tickets = format!("/tickets?email={}", escape("guest@example.org"));
    for target in [
        "/events?limit=0".to_owned(),
        "/events?limit=101".to_owned(),
        "/events?limit=many".to_owned(),
        "/events?limit=-1".to_owned(),
        format!("{tickets}&limit=0"),
        format!("{tickets}&limit=101"),
    ] {
        let talk = case.as_user(Call::get(target)).await;
        case.expect(&talk, "A limit outside 1 to 100 is 400 invalid_request.", |talk| {
            talk.is_problem(400, "invalid_request")
        });
    }
    for n in 0..2 {
        let _ = event(case, &format!("Event {n}"), None, "music").await?;
    }
    let page = case.send(Call::get("/events?limit=1")).await;
    let real = escape(page.text_at("/next_cursor"));
    for target in [
        "/events?cursor=made-up".to_owned(),
        format!("{tickets}&cursor=made-up"),
        format!("/events?tag=music&cursor={real}"),
        format!("{tickets}&cursor={real}"),
    ] {
        let talk = case.as_user(Call::get(target)).await;
        case.expect(&talk, "A cursor that no page of this very list has given is 400 invalid_request.", |talk| {
            talk.is_problem(400, "invalid_request")
        });
    }
    Ok(())
}

async fn filters(case: &mut Case) -> Result<(), Stop> {
    let (early, late) = (hours(case, 1), hours(case, 48));
    let rock = event(case, "Rock in the park", Some(early), "music").await?;
    let jazz = event(case, "Jazz at night", Some(late), "music").await?;
    let talk_night = event(case, "A talk in the park", None, "words").await?;
    let email = case.bench.email();
    case.bench.hold(&jazz, &email, 1).await?;
    let between = escape(&moment(hours(case, 24)));
    let cases = [
        ("q=park".to_owned(), vec![&rock, &talk_night]),
        ("q=PARK%20rock".to_owned(), vec![&rock]),
        ("tag=music".to_owned(), vec![&rock, &jazz]),
        (format!("starts_after={between}"), vec![&jazz]),
        (format!("starts_before={between}"), vec![&rock]),
        ("available=true".to_owned(), vec![&rock, &talk_night]),
        ("tag=music&available=true".to_owned(), vec![&rock]),
    ];
    for (query, wanted) in cases {
        let talk = case.send(Call::get(format!("/events?{query}"))).await;
        let wanted: Vec<String> = wanted.into_iter().cloned().collect();
        case.expect(&talk, &format!("A list with {query} has what that means, and nothing else."), |talk| {
            is_page(talk, &wanted)
        });
    }
    for query in ["starts_after=tomorrow", "starts_before=tomorrow", "available=maybe"] {
        let talk = case.send(Call::get(format!("/events?{query}"))).await;
        case.expect(&talk, "What a parameter cannot be is 400 invalid_request.", |talk| {
            talk.is_problem(400, "invalid_request")
        });
    }
    Ok(())
}

/// Three tickets of an event, oldest first.
async fn three(case: &mut Case) -> Result<(String, Vec<String>), Stop> {
    let event = case.bench.event(10).await?;
    let mut tickets = Vec::new();
    for _ in 0..3 {
        let email = case.bench.email();
        tickets.push(case.bench.hold(&event, &email, 1).await?);
        case.bench.clock.advance(std::time::Duration::from_secs(1));
    }
    Ok((event, tickets))
}

async fn event_tickets(case: &mut Case) -> Result<(), Stop> {
    let (event, tickets) = three(case).await?;
    let target = format!("/events/{event}/tickets");
    let talk = case.as_organizer(Call::get(&target)).await;
    case.expect(&talk, "An organizer reads the event's tickets, oldest first.", |talk| {
        is_page(talk, &tickets)?;
        is_ticket(talk, "/items/0")?;
        talk.has("/next_cursor", serde_json::Value::Null)
    });
    let first = case.as_organizer(Call::get(format!("{target}?limit=2"))).await;
    case.expect(&first, "A page has as many tickets as the limit says.", |talk| is_page(talk, &tickets[..2]));
    let cursor = escape(first.text_at("/next_cursor"));
    let next = case.as_organizer(Call::get(format!("{target}?limit=2&cursor={cursor}"))).await;
    case.expect(&next, "The next page goes on where the one before ended.", |talk| is_page(talk, &tickets[2..]));
    case.bench.clock.advance(case.bench.hold_time());
    let due = case.as_organizer(Call::get(&target)).await;
    case.expect(&due, "A hold that is due is listed as cancelled.", |talk| talk.has("/items/2/status", "cancelled"));
    let none = case.as_organizer(Call::get(format!("/events/{NOBODY}/tickets"))).await;
    case.expect(&none, "There is no such event: 404 event_not_found.", |talk| talk.is_problem(404, "event_not_found"));
    Ok(())
}

async fn event_tickets_csv(case: &mut Case) -> Result<(), Stop> {
    let (event, mut tickets) = three(case).await?;
    tickets.push(case.bench.hold(&event, "=1+1@example.org", 1).await?);
    let target = format!("/events/{event}/tickets");
    let talk = case.as_organizer(Call::get(&target).header("accept", "text/csv")).await;
    case.expect(&talk, "Whoever accepts text/csv gets a header row and a row for each ticket.", |talk| {
        talk.has_status(200)?;
        talk.has_type("text/csv")?;
        let rows = csv_rows(talk.text());
        let [names, rows @ ..] = &rows[..] else { return Err("there is no row".to_owned()) };
        if let Some(row) = rows.iter().find(|row| row.len() != names.len()) {
            return Err(format!("a row has {} columns, and the first has {}", row.len(), names.len()));
        }
        let are_there = rows.iter().zip(&tickets).all(|(row, id)| row.contains(id));
        if are_there && rows.len() == tickets.len() { Ok(()) } else { Err("the rows are not the tickets'".to_owned()) }
    });
    if csv_rows(talk.text()).iter().flatten().any(|field| field.starts_with("=1+1")) {
        case.warn("an email that begins like a formula is one in a spreadsheet: put a ' before it");
    }
    let json = case.as_organizer(Call::get(target).header("accept", "application/json")).await;
    case.expect(&json, "Whoever accepts JSON gets JSON.", |talk| talk.is_json(200));
    Ok(())
}

/// The fields of each row (RFC 4180).
fn csv_rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field, mut is_quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if is_quoted && rest.peek() == Some(&'"') => field.extend(rest.next()),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => row.push(std::mem::take(&mut field)),
            '\r' if !is_quoted => {}
            '\n' if !is_quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            other => field.push(other),
        }
    }
    if !field.is_empty() || !row.is_empty() {
        row.push(field);
        rows.push(row);
    }
    rows
}

async fn email_tickets(case: &mut Case) -> Result<(), Stop> {
    let email = "Guest.One@example.org";
    let mut tickets = Vec::new();
    for _ in 0..3 {
        let event = case.bench.event(10).await?;
        tickets.push(case.bench.hold(&event, email, 1).await?);
        case.bench.clock.advance(std::time::Duration::from_secs(1));
    }
    let _ = case.bench.subject(5).await?;
    let talk = case.as_user(Call::get(format!("/tickets?email={}", escape("guest.one@EXAMPLE.org")))).await;
    case.expect(&talk, "The email's tickets, oldest first, however its letters are written.", |talk| {
        is_page(talk, &tickets)?;
        is_ticket(talk, "/items/0")?;
        talk.has("/items/0/email", email)
    });
    let first = case.as_user(Call::get(format!("/tickets?email={}&limit=2", escape(email)))).await;
    let cursor = escape(first.text_at("/next_cursor"));
    let next = case.as_user(Call::get(format!("/tickets?email={}&limit=2&cursor={cursor}", escape(email)))).await;
    case.expect(&next, "The next page goes on where the one before ended.", |talk| {
        if ids(&first) != tickets[..2] {
            return Err(format!("the first page has {:?}", ids(&first)));
        }
        is_page(talk, &tickets[2..])
    });
    case.bench.clock.advance(case.bench.hold_time());
    let due = case.as_user(Call::get(format!("/tickets?email={}", escape(email)))).await;
    case.expect(&due, "A hold that is due is listed as cancelled.", |talk| talk.has("/items/2/status", "cancelled"));
    for target in ["/tickets".to_owned(), "/tickets?email=".to_owned(), "/tickets?email=nobody".to_owned()] {
        let talk = case.send(Call::get(target).by(Role::User)).await;
        case.expect(&talk, "Without an email, or with what is none: 400 invalid_request.", |talk| {
            talk.is_problem(400, "invalid_request")
        });
    }
    Ok(())
}
