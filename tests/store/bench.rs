//! How fast the store is in this process: `cargo test --release -- --ignored --nocapture in_process`.

use std::sync::Arc;
use std::time::Instant;

use boxoffice::store::{RegisterRefusal, Store};

use super::support::{Place, at, event, somebody, wish};

#[expect(clippy::disallowed_methods, reason = "a measurement")]
fn time() -> Instant {
    Instant::now()
}

/// Registrations each second, `clients` at a time.
fn registrations(clients: u32, each: u32, capacity: u32) -> f64 {
    let place = Place::new();
    let store = Arc::new(place.open());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let gala = event(&store, capacity).await;
        let begun = time();
        let tasks: Vec<_> = (0..clients)
            .map(|client| {
                let (store, id) = (Arc::clone(&store), gala.id.clone());
                tokio::spawn(async move {
                    for n in 0..each {
                        let wish = wish(&id, &format!("{client}.{n}@example.org"), 1, Some(&format!("{client}/{n}")));
                        let answer = store.register(at(i64::from(n)), &somebody(), wish).await.expect("an answer");
                        assert!(answer.is_ok() || answer == Err(RegisterRefusal::SoldOut));
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }
        f64::from(clients * each) / begun.elapsed().as_secs_f64()
    })
}

#[test]
#[ignore = "a measurement"]
fn in_process_throughput() {
    println!("register, 1 client: {:.0}/s", registrations(1, 3000, 1_000_000));
    println!("register, 128 clients: {:.0}/s", registrations(128, 800, 1_000_000));
    println!("sold out, 128 clients: {:.0}/s", registrations(128, 2000, 1));
}
