//! The tickets of an event as CSV.

use harness::{Answer, TestServer};

async fn export(server: &TestServer, path: &str) -> Answer {
    let answer = server.get(path).role("organizer").header("accept", "text/csv").send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
}

#[tokio::test]
async fn an_export_is_a_table_that_a_spreadsheet_opens_and_runs_nothing_of() {
    let server = TestServer::start().await;
    let event = server.event(9).await;
    let ticket = server.hold(&event, "=1+1@example.org").await;
    let answer = export(&server, &format!("/events/{event}/tickets")).await;
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"tickets.csv\"");
    assert_eq!((answer.header("vary"), answer.header("cache-control")), ("accept", "no-store"));
    let expected = format!(
        "id,event_id,email,quantity,status,reserved_at,expires_at,confirmed_at,cancelled_at\r\n\
         {ticket},{event},'=1+1@example.org,1,reserved,2026-11-21T09:30:00.000Z,2026-11-21T09:35:00.000Z,,\r\n"
    );
    assert_eq!(answer.text, expected);
}

#[tokio::test]
async fn the_pages_of_an_export_are_linked_and_have_every_ticket_once() {
    let server = TestServer::start().await;
    let event = server.event(9).await;
    let mut made = Vec::new();
    for n in 0..5 {
        made.push(server.hold(&event, &format!("u{n}@example.org")).await);
    }
    made.sort();
    for accept in ["text/csv", "application/json"] {
        let (mut seen, mut next) = (Vec::new(), format!("/events/{event}/tickets?limit=2"));
        for pages in 1.. {
            let page = server.get(&next).role("organizer").header("accept", accept).send().await;
            assert_eq!((page.status, page.header("vary")), (200, "accept"), "{}", page.text);
            match page.body["items"].as_array() {
                Some(items) => seen.extend(items.iter().map(|ticket| ticket["id"].as_str().unwrap().to_owned())),
                None => seen.extend(page.text.lines().skip(1).map(|row| row.split(',').next().unwrap().to_owned())),
            }
            let link = page.header("link");
            if link.is_empty() {
                assert_eq!(pages, 3);
                break;
            }
            next = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
        }
        assert_eq!(seen, made, "{accept}");
    }
}

#[tokio::test]
async fn whoever_would_not_rather_have_csv_gets_json() {
    let server = TestServer::start().await;
    let path = format!("/events/{}/tickets", server.event(1).await);
    for accept in ["*/*", "text/csv;q=0.4, application/json;q=0.5", "text/csv, application/json", "image/png", ""] {
        let answer = server.get(&path).role("organizer").header("accept", accept).send().await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"), "{accept}");
    }
    let refused = server.get("/events/nothing/tickets").role("organizer").header("accept", "text/csv").send().await;
    refused.assert_problem(404, "event_not_found");
    let refused = server.get(&path).role("user").header("accept", "text/csv").send().await;
    refused.assert_problem(403, "forbidden");
}
