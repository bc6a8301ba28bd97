//! The rate limiter: an exact sliding window for each client, in bounded memory.
//!
//! A request is admitted if fewer than `requests` were admitted in `(now - window, now]`; refused requests do not count.
//! Pure: [`Limiter::admit`] takes the time, as what has passed since some start. Invariant: no live entry is ever evicted, so a flood of addresses cannot buy
//! anybody a fresh window; it gets [`Verdict::Full`] instead.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::domain::Principal;

/// How many requests in how long a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests in any window, 1 to 1,000.
    pub requests: u32,
    /// 1 ms to an hour.
    pub window: Duration,
}

/// Whose requests are counted together. Small, whatever a caller is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientKey {
    /// An IPv4 address, or an IPv6 /64, which is what one household or host gets.
    Address(IpAddr),
    /// A caller whose credential is valid: the beginning of SHA-256 of the owner that it stands for.
    Caller([u8; 16]),
}

impl ClientKey {
    /// The key of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self::Address(network(address))
    }

    /// The key of a caller; of nobody in particular, that of the address.
    #[must_use]
    pub fn of_caller(principal: &Principal, address: IpAddr) -> Self {
        let owner = principal.owner_key();
        if owner.is_empty() {
            return Self::of(address);
        }
        let hash: [u8; 32] = Sha256::digest(owner).into();
        let mut short = [0; 16];
        short.copy_from_slice(&hash[..16]);
        Self::Caller(short)
    }
}

/// What one client's addresses have in common: IPv4 as it is, also in IPv6 clothes; IPv6 up to the /64.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// What the limiter says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Admitted(Standing),
    /// Over the limit.
    Refused(Standing),
    /// The table holds only live entries, and this client is in none: nothing can be said about it.
    Full,
}

/// How a client stands, for the `RateLimit` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Requests that would be admitted now.
    pub remaining: u32,
    /// Until one more is: when the oldest request in the window leaves it.
    pub reset: Duration,
}

/// A table of clients.
#[derive(Debug)]
pub struct Limiter {
    limit: RateLimit,
    max_clients: usize,
    clients: HashMap<ClientKey, VecDeque<Duration>>,
    /// Every admission, oldest first, so that clients that are no longer live are found without a search. As
    /// bounded as the table: at most `requests` for each client.
    admissions: VecDeque<(Duration, ClientKey)>,
    latest: Duration,
}

/// Two tables, so that no flood of addresses takes the places of known callers; each is as bounded as the other.
#[derive(Debug)]
pub struct Limiters {
    addresses: Limiter,
    callers: Limiter,
}

impl Limiters {
    /// Empty tables of at most `max_clients` each.
    #[must_use]
    pub fn new(limit: RateLimit, max_clients: usize) -> Self {
        Self { addresses: Limiter::new(limit, max_clients), callers: Limiter::new(limit, max_clients) }
    }

    /// The limit in force.
    #[must_use]
    pub fn limit(&self) -> RateLimit {
        self.addresses.limit()
    }

    /// Clients with a request in the window at `now`, of both kinds.
    pub fn clients_at(&mut self, now: Duration) -> usize {
        self.addresses.clients_at(now) + self.callers.clients_at(now)
    }

    /// Admits a request of `key` at `now`, or refuses it, as [`Limiter::admit`] does.
    pub fn admit(&mut self, key: ClientKey, now: Duration) -> Verdict {
        match key {
            ClientKey::Address(_) => self.addresses.admit(key, now),
            ClientKey::Caller(_) => self.callers.admit(key, now),
        }
    }
}

/// Places that are kept when a flood is over, so that quiet times cost no allocation.
const KEPT_PLACES: usize = 1024;

impl Limiter {
    /// An empty table of at most `max_clients`.
    #[must_use]
    pub fn new(limit: RateLimit, max_clients: usize) -> Self {
        let clients = HashMap::new();
        Self { limit, max_clients, clients, admissions: VecDeque::new(), latest: Duration::ZERO }
    }

    /// The limit in force.
    #[must_use]
    pub fn limit(&self) -> RateLimit {
        self.limit
    }

    /// Clients with a request in the window, at the last call.
    #[must_use]
    pub fn live_clients(&self) -> usize {
        self.clients.len()
    }

    /// Clients and admissions that there is room for without asking for more memory: what it costs, whoever is live.
    #[must_use]
    pub fn room(&self) -> (usize, usize) {
        (self.clients.capacity(), self.admissions.capacity())
    }

    /// Clients with a request in the window at `now`, for whoever wants to know.
    pub fn clients_at(&mut self, now: Duration) -> usize {
        self.latest = self.latest.max(now);
        self.forget_until(self.latest);
        self.clients.len()
    }

    /// Admits a request of `key` at `now`, or refuses it. A `now` before the latest one counts as the latest one, so that
    /// threads that read the clock in one order and arrive in another cannot confuse the window.
    pub fn admit(&mut self, key: ClientKey, now: Duration) -> Verdict {
        let now = now.max(self.latest);
        self.latest = now;
        self.forget_until(now);
        if !self.clients.contains_key(&key) && self.clients.len() >= self.max_clients {
            return Verdict::Full;
        }
        let admitted = self.clients.entry(key).or_default();
        let used = u32::try_from(admitted.len()).unwrap_or(u32::MAX);
        let remaining = self.limit.requests.saturating_sub(used);
        let oldest = admitted.front().copied().unwrap_or(now);
        let reset = (oldest + self.limit.window).saturating_sub(now);
        if remaining == 0 {
            return Verdict::Refused(Standing { remaining, reset });
        }
        admitted.push_back(now);
        self.admissions.push_back((now, key));
        Verdict::Admitted(Standing { remaining: remaining - 1, reset })
    }

    /// Drops every admission at or before `now - window`, and the clients that have no other.
    fn forget_until(&mut self, now: Duration) {
        while let Some((at, key)) = self.admissions.front().copied() {
            if at + self.limit.window > now {
                break;
            }
            self.admissions.pop_front();
            if let Some(admitted) = self.clients.get_mut(&key) {
                admitted.pop_front();
                if admitted.is_empty() {
                    self.clients.remove(&key);
                }
            }
        }
        self.shrink();
    }

    /// Gives back what a flood has taken, once three quarters of it are free: so rarely that it costs each admission next to nothing.
    fn shrink(&mut self) {
        if self.clients.capacity() / 4 > self.clients.len().max(KEPT_PLACES) {
            self.clients.shrink_to(2 * self.clients.len().max(KEPT_PLACES));
        }
        if self.admissions.capacity() / 4 > self.admissions.len().max(KEPT_PLACES) {
            self.admissions.shrink_to(2 * self.admissions.len().max(KEPT_PLACES));
        }
    }
}
