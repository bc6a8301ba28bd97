//! The seed's race: 100 clients for 5 seats, over TCP, limiter on. Exactly 5 get one.

use std::sync::Arc;

use futures_util::future::join_all;
use harness::{Answer, TestServer};
use tokio::sync::Barrier;

const CLIENTS: usize = 100;
const SEATS: u32 = 5;
/// How often each kind of race is run.
const TRIALS: usize = 20;

/// What came of one race.
fn count(answers: &[Answer]) -> (usize, usize) {
    let sold = answers.iter().filter(|answer| answer.status == 201).count();
    let sold_out = answers.iter().filter(|answer| answer.status == 409 && answer.code() == "sold_out").count();
    (sold, sold_out)
}

#[track_caller]
fn assert_exact(answers: &[Answer]) {
    let (sold, sold_out) = count(answers);
    let others: Vec<_> =
        answers.iter().filter(|a| a.status != 201 && a.code() != "sold_out").map(|a| &a.text).collect();
    assert_eq!((sold, sold_out), (SEATS as usize, CLIENTS - SEATS as usize), "{others:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_clients_running_free_get_five_seats() {
    let server = TestServer::start().await;
    for _ in 0..TRIALS {
        let event = server.event(SEATS).await;
        let calls = (0..CLIENTS).map(|n| tokio::spawn(server.register(&event, &format!("c{n}@example.org")).send()));
        let answers: Vec<_> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
        assert_exact(&answers);
        assert_eq!(server.available(&event).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_clients_released_at_once_get_five_seats() {
    let server = TestServer::start().await;
    for _ in 0..TRIALS {
        let event = server.event(SEATS).await;
        let barrier = Arc::new(Barrier::new(CLIENTS));
        let calls = (0..CLIENTS).map(|n| {
            let (call, barrier) = (server.register(&event, &format!("c{n}@example.org")), Arc::clone(&barrier));
            tokio::spawn(async move {
                // All are connected before any sends: the requests arrive together.
                let stream = call.connect().await.unwrap();
                barrier.wait().await;
                call.send_over(stream).await.unwrap()
            })
        });
        let answers: Vec<_> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
        assert_exact(&answers);
        assert_eq!(server.available(&event).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_clients_who_repeat_themselves_get_five_seats_and_one_ticket_each() {
    let server = TestServer::start().await;
    for trial in 0..TRIALS {
        let event = server.event(SEATS).await;
        // Each request is sent 1 to 5 times at once under its key, as an impatient client does.
        let calls = (0..CLIENTS).map(|n| {
            let call = server.register(&event, &format!("c{n}@example.org")).key(&format!("{trial}-{n}"));
            tokio::spawn(async move { join_all((0..=n % 5).map(|_| call.clone().send())).await })
        });
        let answers: Vec<Vec<Answer>> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
        let mut tickets = Vec::new();
        for repeated in &answers {
            let mut ids: Vec<_> = repeated
                .iter()
                .filter(|a| a.status == 201)
                .map(|a| a.body["id"].as_str().unwrap().to_owned())
                .collect();
            assert!(repeated.iter().all(|a| a.status == 201 || a.code() == "sold_out"), "{repeated:?}");
            let first_time = repeated.iter().filter(|a| a.status == 201 && a.header("idempotency-replayed") != "true");
            assert_eq!(first_time.count(), usize::from(!ids.is_empty()), "one seat for one key");
            ids.sort();
            ids.dedup();
            assert!(ids.len() <= 1, "one key, several tickets: {ids:?}");
            tickets.extend(ids);
        }
        assert_eq!(tickets.len(), SEATS as usize);
        assert_eq!(server.available(&event).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seats_of_different_sizes_never_add_up_to_more_than_there_are() {
    let server = TestServer::start().await;
    for _ in 0..TRIALS {
        let event = server.event(17).await;
        let calls = (0..40_u32).map(|n| {
            let body = serde_json::json!({"email": format!("c{n}@example.org"), "quantity": n % 10 + 1});
            tokio::spawn(server.post(&format!("/events/{event}/register")).role("user").json(&body).send())
        });
        let answers: Vec<_> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
        let sold: u64 = answers.iter().filter(|a| a.status == 201).map(|a| a.body["quantity"].as_u64().unwrap()).sum();
        assert!(answers.iter().all(|a| a.status == 201 || a.code() == "sold_out"));
        assert_eq!(sold + server.available(&event).await, 17);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn confirm_and_cancel_of_one_ticket_at_once_leave_it_in_one_state() {
    let server = TestServer::start().await;
    let event = server.event(1).await;
    for n in 0..TRIALS {
        let ticket = server.hold(&event, &format!("c{n}@example.org")).await;
        let act = |action: &str| tokio::spawn(server.post(&format!("/tickets/{ticket}/{action}")).role("user").send());
        let acts: Vec<_> = ["confirm", "cancel", "confirm", "cancel"].map(act).into_iter().collect();
        let answers: Vec<_> = join_all(acts).await.into_iter().map(Result::unwrap).collect();
        assert!(answers.iter().all(|a| a.status == 200 || a.code() == "ticket_cancelled"), "{answers:?}");
        let read = server.get(&format!("/tickets/{ticket}")).role("user").send().await;
        assert_eq!(read.body["status"], "cancelled", "whoever came last cancelled it");
        assert_eq!(server.available(&event).await, 1);
    }
}
