//! The rate limiter: exact against a naive model, and as a client sees it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use boxoffice::config::{RateLimitBy, RateSetting};
use boxoffice::domain::{OwnerId, Principal, Role, Roles};
use boxoffice::limiter::{ClientKey, Limiter, Limiters, RateLimit, Verdict};
use futures_util::future::join_all;
use harness::{Answer, Operator, TestServer, fresh_address};
use proptest::prelude::*;

/// The definition itself: everything that was ever admitted, looked through each time.
struct Model {
    limit: RateLimit,
    admitted: HashMap<u8, Vec<Duration>>,
}

impl Model {
    fn admit(&mut self, client: u8, now: Duration) -> bool {
        let admitted = self.admitted.entry(client).or_default();
        let in_window = admitted.iter().filter(|at| **at + self.limit.window > now).count();
        let admit = in_window < self.limit.requests as usize;
        if admit {
            admitted.push(now);
        }
        admit
    }
}

fn key(client: u8) -> ClientKey {
    ClientKey::of(IpAddr::V4(Ipv4Addr::new(127, 0, 0, client)))
}

/// Runs the same requests through both; gives the first place where they differ.
fn first_difference(limit: RateLimit, window_of_model: Duration, steps: &[(u8, u64)]) -> Option<usize> {
    let mut limiter = Limiter::new(limit, 1_000);
    let mut model = Model { limit: RateLimit { window: window_of_model, ..limit }, admitted: HashMap::new() };
    let mut now = Duration::ZERO;
    steps.iter().position(|(client, micros)| {
        now += Duration::from_micros(*micros);
        let admitted = matches!(limiter.admit(key(*client), now), Verdict::Admitted(_));
        admitted != model.admit(*client, now)
    })
}

const LIMIT: RateLimit = RateLimit { requests: 5, window: Duration::from_secs(10) };

/// Steps of 0 to 4 s, many of them around the edges that matter.
fn steps() -> impl Strategy<Value = Vec<(u8, u64)>> {
    let pause = prop_oneof![Just(0), Just(1), Just(2_000_000), Just(9_999_999), Just(10_000_000), 0..4_000_000_u64];
    prop::collection::vec((0..4_u8, pause), 1..200)
}

proptest! {
    #[test]
    fn no_window_ever_admits_more_or_fewer_than_the_definition(steps in steps()) {
        prop_assert_eq!(first_difference(LIMIT, LIMIT.window, &steps), None);
    }

    #[test]
    fn a_full_table_refuses_strangers_and_forgets_nobody_who_is_live(strangers in 4..100_u8) {
        let mut limiter = Limiter::new(LIMIT, 3);
        for client in 0..3 {
            for _ in 0..5 {
                prop_assert!(matches!(limiter.admit(key(client), Duration::ZERO), Verdict::Admitted(_)));
            }
        }
        for stranger in 3..strangers {
            prop_assert_eq!(limiter.admit(key(stranger), Duration::from_secs(9)), Verdict::Full);
        }
        for client in 0..3 {
            prop_assert!(matches!(limiter.admit(key(client), Duration::from_secs(9)), Verdict::Refused(_)));
        }
        prop_assert!(matches!(limiter.admit(key(strangers), Duration::from_secs(10)), Verdict::Admitted(_)));
        prop_assert_eq!(limiter.live_clients(), 1);
    }
}

#[test]
fn a_window_that_is_off_by_a_microsecond_is_caught() {
    // The same comparison must fail when the limiter's window is not the definition's.
    let steps = [(1, 0), (1, 0), (1, 0), (1, 0), (1, 0), (1, 9_999_999)];
    assert_eq!(first_difference(LIMIT, LIMIT.window, &steps), None);
    assert_eq!(first_difference(LIMIT, Duration::from_micros(9_999_999), &steps), Some(5));
}

#[test]
fn a_clock_that_is_read_out_of_order_cannot_confuse_the_window() {
    let mut limiter = Limiter::new(LIMIT, 10);
    for at in [10, 9, 8, 7, 6] {
        assert!(matches!(limiter.admit(key(1), Duration::from_secs(at)), Verdict::Admitted(_)));
    }
    assert!(matches!(limiter.admit(key(1), Duration::from_millis(19_999)), Verdict::Refused(_)));
    assert!(matches!(limiter.admit(key(1), Duration::from_secs(20)), Verdict::Admitted(_)));
}

#[test]
fn an_ipv6_household_is_one_client_and_ipv4_in_ipv6_is_ipv4() {
    let v6 = |text: &str| ClientKey::of(IpAddr::V6(text.parse::<Ipv6Addr>().unwrap()));
    assert_eq!(v6("2001:db8::1"), v6("2001:db8::ffff:1"));
    assert_ne!(v6("2001:db8::1"), v6("2001:db8:0:1::1"));
    assert_eq!(v6("::ffff:127.0.0.7"), key(7));
}

#[test]
fn a_known_caller_is_one_client_from_everywhere_and_whoever_is_not_known_goes_by_address() {
    let address = |n| IpAddr::V4(Ipv4Addr::new(127, 0, 0, n));
    let known = |name: &str| Principal::known(OwnerId::new(name).unwrap(), Roles::from_iter([Role::User]));
    let [ann, bob] = [known("ann"), known("bob")];
    assert_eq!(ClientKey::of_caller(&ann, address(1)), ClientKey::of_caller(&ann, address(2)));
    assert_ne!(ClientKey::of_caller(&ann, address(1)), ClientKey::of_caller(&bob, address(1)), "behind one address");
    for nobody in [Principal::default(), Principal::with_role(Role::Admin)] {
        assert_eq!(ClientKey::of_caller(&nobody, address(1)), ClientKey::of(address(1)));
    }
}

#[test]
fn a_million_addresses_find_bounded_memory_and_leave_none_of_it() {
    const MOST: usize = 100_000;
    let mut limiter = Limiter::new(LIMIT, MOST);
    let address = |n: u32| ClientKey::of(IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + n)));
    let honest = key(1);
    let second = Duration::from_secs(1);
    assert!(matches!(limiter.admit(honest, second), Verdict::Admitted(_)));
    let (mut admitted, mut full) = (0, 0);
    for n in 0..1_000_000 {
        match limiter.admit(address(n), second + Duration::from_micros(n.into())) {
            Verdict::Admitted(_) => admitted += 1,
            Verdict::Full => full += 1,
            Verdict::Refused(_) => panic!("{n} is refused at its first request"),
        }
    }
    assert_eq!((admitted, full, limiter.live_clients()), (MOST - 1, 1_000_000 - MOST + 1, MOST));
    // Tables grow by doubling, and keep an eighth free.
    let (clients, admissions) = limiter.room();
    assert!(clients <= 4 * MOST && admissions <= 4 * MOST, "{clients} {admissions}");
    // Whoever was there before the flood has what is left of its window, and no more.
    for _ in 0..4 {
        assert!(matches!(limiter.admit(honest, 3 * second), Verdict::Admitted(_)));
    }
    assert!(matches!(limiter.admit(honest, 3 * second), Verdict::Refused(_)));
    // The window passes: everybody is let in again, and the memory is given back.
    assert!(matches!(limiter.admit(address(999_999), 15 * second), Verdict::Admitted(_)));
    assert_eq!(limiter.live_clients(), 1);
    let (clients, admissions) = limiter.room();
    assert!(clients < 10_000 && admissions < 10_000, "{clients} {admissions}");
}

#[test]
fn callers_and_addresses_do_not_take_each_others_places() {
    let caller = |name: &str| {
        let known = Principal::known(OwnerId::new(name).unwrap(), Roles::from_iter([Role::User]));
        ClientKey::of_caller(&known, IpAddr::V4(Ipv4Addr::LOCALHOST))
    };
    let (now, later) = (Duration::from_secs(1), Duration::from_secs(11));
    let mut limiters = Limiters::new(LIMIT, 2);
    for client in [key(1), key(2), caller("ann"), caller("bob")] {
        assert!(matches!(limiters.admit(client, now), Verdict::Admitted(_)), "{client:?}");
    }
    // Each is bounded, too.
    for client in [key(3), caller("eve")] {
        assert_eq!(limiters.admit(client, now), Verdict::Full);
    }
    assert_eq!((limiters.clients_at(now), limiters.clients_at(later)), (4, 0));
}

#[tokio::test]
async fn the_sixth_request_in_ten_seconds_is_refused_and_told_when_to_come_back() {
    let server = TestServer::start().await;
    let address = fresh_address();
    for remaining in (0..5).rev() {
        let answer = server.get("/events").from(address).send().await;
        assert_eq!(answer.status, 200);
        // The first request leaves the window 10 s after it came, and one second passes between them.
        assert_eq!(answer.header("ratelimit"), format!("\"default\";r={remaining};t={}", remaining + 6));
        assert_eq!(answer.header("ratelimit-policy"), "\"default\";q=5;w=10");
        server.clock.advance(Duration::from_secs(1));
    }
    // The first request was at 0 s, and it is 5 s now. Refused ones do not count.
    for _ in 0..3 {
        let refused = server.get("/events").from(address).send().await;
        refused.assert_problem(429, "rate_limited");
        assert_eq!(refused.header("retry-after"), "5");
        assert_eq!(refused.header("ratelimit"), "\"default\";r=0;t=5");
        assert_eq!(refused.header("ratelimit-policy"), "\"default\";q=5;w=10");
    }
    assert_eq!(server.get("/events").send().await.status, 200, "another address");
    server.clock.advance(Duration::from_millis(4_999));
    server.get("/events").from(address).send().await.assert_problem(429, "rate_limited");
    server.clock.advance(Duration::from_millis(1));
    assert_eq!(server.get("/events").from(address).send().await.status, 200);
    server.get("/events").from(address).send().await.assert_problem(429, "rate_limited");
}

#[tokio::test]
async fn requests_that_fail_count_too() {
    let server = TestServer::start().await;
    let address = fresh_address();
    for _ in 0..5 {
        server.get("/nothing").from(address).send().await.assert_problem(404, "route_not_found");
    }
    server.get("/nothing").from(address).send().await.assert_problem(429, "rate_limited");
}

#[tokio::test]
async fn forwarded_for_buys_nobody_a_window() {
    let server = TestServer::start().await;
    let address = fresh_address();
    for n in 0..5 {
        let forged = format!("10.0.0.{n}");
        let answer = server.get("/events").from(address).header("x-forwarded-for", &forged).send().await;
        assert_eq!(answer.status, 200);
    }
    let forged = server.get("/events").from(address).header("x-forwarded-for", "10.0.0.9").send().await;
    forged.assert_problem(429, "rate_limited");
}

#[tokio::test]
async fn the_limiter_can_be_switched_off_and_then_says_nothing() {
    let server = TestServer::builder().with(|s| s.rate_limit = boxoffice::config::RateSetting(None)).start().await;
    let address = fresh_address();
    for _ in 0..20 {
        let answer = server.get("/events").from(address).send().await;
        assert_eq!((answer.status, answer.header("ratelimit")), (200, ""));
    }
}

/// A host that lets callers in by API keys and counts by this, and the keys of two callers.
async fn counting(by: RateLimitBy) -> (TestServer, [String; 2]) {
    let server = TestServer::builder().auth("keys").operated().with(|s| s.network.rate_limit_by = by).start().await;
    let operator = Operator::of(&server);
    let keys = [operator.key("ann", &["user"]).await, operator.key("bob", &["user"]).await];
    (server, keys)
}

async fn ask(server: &TestServer, from: IpAddr, key: &str) -> Answer {
    server.get("/events").from(from).bearer(key).send().await
}

#[tokio::test]
async fn by_credential_callers_behind_one_address_do_not_pay_for_each_other() {
    let (server, [ann, bob]) = counting(RateLimitBy::Credential).await;
    let school = fresh_address();
    for key in [&ann, &bob] {
        for remaining in (0..5).rev() {
            let answer = ask(&server, school, key).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert!(answer.header("ratelimit").starts_with(&format!("\"default\";r={remaining};")));
        }
        ask(&server, school, key).await.assert_problem(429, "rate_limited");
    }
    // Nor does whoever has no credential there.
    assert_eq!(server.get("/events").from(school).send().await.status, 200);
}

#[tokio::test]
async fn by_credential_a_caller_is_one_client_from_every_address_and_with_every_key() {
    let (server, [ann, _]) = counting(RateLimitBy::Credential).await;
    let again = Operator::of(&server).key("ann", &["user"]).await;
    for key in [&ann, &again, &ann, &again, &ann] {
        assert_eq!(ask(&server, fresh_address(), key).await.status, 200);
    }
    for key in [&ann, &again] {
        ask(&server, fresh_address(), key).await.assert_problem(429, "rate_limited");
    }
}

#[tokio::test]
async fn invalid_and_missing_credentials_count_by_address_whatever_they_say() {
    let (server, [ann, _]) = counting(RateLimitBy::Credential).await;
    let address = fresh_address();
    for n in 0..4 {
        ask(&server, address, &format!("bo_made_up_{n}")).await.assert_problem(401, "unauthenticated");
    }
    assert_eq!(server.get("/events").from(address).send().await.status, 200);
    ask(&server, address, "bo_made_up_5").await.assert_problem(429, "rate_limited");
    server.get("/events").from(address).send().await.assert_problem(429, "rate_limited");
    assert_eq!(ask(&server, address, &ann).await.status, 200, "who is known does not pay for strangers");
    ask(&server, fresh_address(), "bo_made_up_6").await.assert_problem(401, "unauthenticated");
}

#[tokio::test]
async fn by_address_callers_behind_one_address_are_one_client() {
    let (server, [ann, bob]) = counting(RateLimitBy::Address).await;
    let school = fresh_address();
    for key in [&ann, &bob, &ann, &bob, &ann] {
        assert_eq!(ask(&server, school, key).await.status, 200);
    }
    ask(&server, school, &bob).await.assert_problem(429, "rate_limited");
    assert_eq!(ask(&server, fresh_address(), &bob).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_credential_no_flood_of_addresses_locks_a_known_caller_out() {
    // A thousand requests each leave room for 2,000 addresses.
    let limit = RateLimit { requests: 1_000, window: Duration::from_secs(10) };
    let builder = TestServer::builder().auth("keys").operated();
    let builder = builder.with(|s| s.network.rate_limit_by = RateLimitBy::Credential);
    let server = builder.with(|s| s.rate_limit = RateSetting(Some(limit))).start().await;
    let ann = Operator::of(&server).key("ann", &["user"]).await;
    for _ in 0..20 {
        let strangers = join_all((0..100).map(|_| server.get("/nothing").send())).await;
        assert!(strangers.iter().all(|answer| answer.status == 404), "there is room for all of these");
    }
    server.get("/nothing").send().await.assert_problem(503, "overloaded");
    ask(&server, fresh_address(), "bo_made_up").await.assert_problem(503, "overloaded");
    assert_eq!(ask(&server, fresh_address(), &ann).await.status, 200);
}
