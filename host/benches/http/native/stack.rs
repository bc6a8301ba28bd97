//! The rules on a stack of their own: they are synchronous, and when the store makes them wait, the stack is left and entered again.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use boxoffice::store::StoreFailure;
use boxoffice::wasm::{Grants, GuestRequest, GuestResponse, NativeRules, NativeRun};
use boxoffice_sdk::{Context as Asked, Request, Response, Rules as _};
use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};
use standard_rules::Standard;

use super::convert;
use super::host::OnStore;

/// Bytes of a stack. SQLite's readers may run on it.
const STACK_BYTES: usize = 256 * 1024;
/// Stacks that are kept: as many as runs at the same time, by default.
const STACKS_KEPT: usize = 256;

/// Why the rules have left their stack.
pub(super) enum Left {
    /// The store is not ready.
    Waiting,
    /// The store could not say: they are not to be entered again.
    Failed(StoreFailure),
}

/// What the rules leave their stack by; they are entered with whom to wake.
pub(super) type Leave = Yielder<Waker, Left>;
type Stack = Coroutine<Waker, Left, Response>;

/// The standard rules, natively.
#[derive(Default)]
pub(super) struct Natively {
    kept: Mutex<Vec<DefaultStack>>,
}

impl Natively {
    fn stack(&self) -> std::io::Result<DefaultStack> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop();
        kept.map_or_else(|| DefaultStack::new(STACK_BYTES), Ok)
    }

    fn keep(&self, stack: DefaultStack) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < STACKS_KEPT {
            kept.push(stack);
        }
    }
}

impl NativeRules for Natively {
    fn answer<'a>(&'a self, request: &'a GuestRequest, grants: Grants) -> NativeRun<'a> {
        let stack = match self.stack() {
            Ok(stack) => stack,
            Err(error) => return Box::pin(async move { Err(StoreFailure::Internal(format!("no stack: {error}"))) }),
        };
        let request = convert::request(request, grants.actor.principal.roles);
        let entered = Coroutine::with_stack(stack, move |leave, waker| answer(leave, waker, grants, &request));
        Box::pin(Run { entered: Some(entered), rules: self })
    }
}

fn answer(leave: &Leave, waker: Waker, grants: Grants, request: &Request) -> Response {
    let host = OnStore::new(leave, waker, grants, request.now);
    Standard.handle(&Asked::new(&host, request))
}

/// One run of the rules.
struct Run<'a> {
    /// Gone once they have answered.
    entered: Option<Stack>,
    rules: &'a Natively,
}

// SAFETY: a suspended stack goes to another thread with this. It is only ever left in `OnStore::wait`, and on it are then: the request and
// the grants, which are Send; a call of the store, which `wait` asks to be Send; the host, which only this stack refers to; and what the
// rules have made, which are values of the SDK (texts, numbers, lists, functions without captures), none of them shared with another stack
// or bound to a thread. No reference to a thread-local is held over the leaving: `wait` polls in a function that is never inlined, so that
// what it looks up of its thread is looked up each time.
#[expect(unsafe_code, reason = "a stack has no type that says what is on it")]
unsafe impl Send for Run<'_> {}

impl Future for Run<'_> {
    type Output = Result<GuestResponse, StoreFailure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(stack) = &mut self.entered else { return Poll::Pending };
        match stack.resume(context.waker().clone()) {
            CoroutineResult::Yield(Left::Waiting) => Poll::Pending,
            CoroutineResult::Yield(Left::Failed(failure)) => {
                // Unwinds what is on the stack, which nobody keeps then.
                self.entered = None;
                Poll::Ready(Err(failure))
            }
            CoroutineResult::Return(Response { status, headers, body }) => {
                if let Some(stack) = self.entered.take() {
                    self.rules.keep(stack.into_stack());
                }
                Poll::Ready(Ok(GuestResponse { status, headers, body }))
            }
        }
    }
}
