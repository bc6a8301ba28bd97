//! What holds for every module, whatever its routes are.

mod bad_input;
mod corpus;
mod described;
mod limits;
mod replays;
mod retries;
mod roles;
mod routes;
mod seats;

use std::future::ready;

use futures_util::FutureExt as _;

use super::case::Check;
pub(super) use limits::{Usage, usage};

/// Those that look at all that was said come last.
pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "routes-answer",
        group: GROUP,
        promise: "Each route answers a request that its manifest calls valid, and with no trap, timeout or 5xx.",
        advice: "handle every refusal of a host function, and describe in the manifest what a request needs",
        run: |case| routes::answer(case).boxed(),
    },
    Check {
        id: "no-oversell",
        group: GROUP,
        promise: "However many call at once, no seat is sold twice, nobody is told yes without a ticket, and nobody gets more than was asked for.",
        advice: "register once with tickets.atomic-register, and answer with success only what it has answered",
        run: |case| seats::race(case).boxed(),
    },
    Check {
        id: "roles-hold",
        group: GROUP,
        promise: "Who lacks the permission to change something changes nothing, and is not answered as if it had.",
        advice: "answer access-denied of a host function with 403; a manifest can tighten what a role may do and never loosen it",
        run: |case| roles::hold(case).boxed(),
    },
    Check {
        id: "idempotent-retries",
        group: GROUP,
        promise: "The same request with the same Idempotency-Key takes seats once and is answered with the same ticket, however it is repeated.",
        advice: "hand the header idempotency-key to tickets.atomic-register, unquoted, and call that before refusing anything",
        run: |case| retries::are_idempotent(case).boxed(),
    },
    Check {
        id: "bad-input",
        group: GROUP,
        promise: "Whatever is sent, the module answers by itself: no trap, no timeout, no 5xx; and what is no JSON, where a body is required, is refused.",
        advice: "parse without panicking; look at the function and the message of the trap",
        run: |case| bad_input::is_refused(case).boxed(),
    },
    Check {
        id: "within-limits",
        group: GROUP,
        promise: "The largest requests and answers stay within what one run may use, and reading costs no more when there are more rows.",
        advice: "read one page and not all; see the limits in guest/README.md, and raise a flag where the module needs more",
        run: |case| limits::hold(case).boxed(),
    },
    Check {
        id: "as-described",
        group: GROUP,
        promise: "Each answer's status, content type and body are those that the manifest describes for the route.",
        advice: "add the answer to the route's list in the manifest, or answer as it says",
        run: |case| {
            described::fits(case);
            ready(Ok(())).boxed()
        },
    },
    Check {
        id: "deterministic",
        group: GROUP,
        promise: "A request is answered the same when it runs again, and by an instance that has served others before.",
        advice: "keep nothing between requests (statics, caches, counters), and no order of a hash map in an answer",
        run: |case| replays::are_the_same(case).boxed(),
    },
];

const GROUP: &str = "every module";
