//! One way for all host functions: quota, permission, and then whoever answers: the store, or a recording that is played back.
//!
//! A function says here what it is asked, what it answers and what it does; how a call is counted, recorded or played back is the same
//! for all.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::events::{Create, Get, List, Update};
use super::quota::Weight;
use super::tickets::{Cancel, Confirm, GetTicket, ListTickets, Register};
use super::{StoreFailed, StoreFailure};
use crate::clock::Stopwatch;
use crate::domain::{Millis, Permission, Principal};
use crate::store::Outcome;
use crate::wasm::recording::Recording;
use crate::wasm::run::{Answers, Grants, Run};

/// What a host function comes to.
pub(in crate::wasm) type Known<F> = Outcome<<F as HostFunction>::Answer, <F as HostFunction>::Refusal>;

/// A host function of the contract.
pub(in crate::wasm) trait HostFunction: 'static {
    /// Its arguments.
    type Asked: Weight + Clone + PartialEq + Serialize + Send + Sync;
    /// What it gives when all is well.
    type Answer: Weight + Clone + Send;
    /// Why it gives nothing.
    type Refusal: Clone + Send;

    /// What the host has to allow.
    fn permission(asked: &Self::Asked) -> Permission;

    /// What is said to whoever lacks it.
    const DENIED: Self::Refusal;

    /// Checks the arguments, and calls the store. What is refused at once never reaches it; only the future's time is the store's.
    fn call(
        grants: &Grants,
        now: Millis,
        asked: Self::Asked,
    ) -> Result<impl Future<Output = Known<Self>> + Send, Self::Refusal>;
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::wasm) enum Said<T, R> {
    /// All is well.
    Answer(T),
    /// It was refused; nothing was written.
    Refusal(R),
    /// The store could not say, and the run ended there.
    StoreFailure(StoreFailure),
    /// Nothing: the run was out of time before.
    Pending,
}

impl<T: Clone, R: Clone> Said<T, R> {
    fn of(outcome: &Outcome<T, R>) -> Self {
        match outcome {
            Ok(Ok(answer)) => Self::Answer(answer.clone()),
            Ok(Err(refusal)) => Self::Refusal(refusal.clone()),
            Err(failure) => Self::StoreFailure(failure.clone()),
        }
    }

    /// As the store gave it; `None`: it gave nothing.
    pub(in crate::wasm) fn outcome(self) -> Option<Outcome<T, R>> {
        match self {
            Self::Answer(answer) => Some(Ok(Ok(answer))),
            Self::Refusal(refusal) => Some(Ok(Err(refusal))),
            Self::StoreFailure(failure) => Some(Err(failure)),
            Self::Pending => None,
        }
    }
}

/// One call: what was asked, and what was said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::wasm) struct Call<A, T, R> {
    /// The arguments.
    pub(in crate::wasm) asked: A,
    /// What became of it.
    pub(in crate::wasm) said: Said<T, R>,
}

/// A call of this function.
pub(in crate::wasm) type CallOf<F> =
    Call<<F as HostFunction>::Asked, <F as HostFunction>::Answer, <F as HostFunction>::Refusal>;

/// One call of a host function, of any of them: a line of a recording. Its form is the contract's.
///
/// Two are equal if the same was asked and said, however long that took.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Exchange {
    line: Line,
    /// How long it took, in microseconds, as its guest saw it: the wait for the store included. Not in a file: 0 in what was read from one.
    #[serde(skip)]
    pub took_micros: u64,
}

impl PartialEq for Exchange {
    fn eq(&self, other: &Self) -> bool {
        self.line == other.line
    }
}

/// What became of a call, without what it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Became {
    /// All is well.
    Answered,
    /// It was refused, by this name.
    Refused(String),
    /// The store could not say.
    StoreFailed,
    /// The run was over before.
    Pending,
}

impl Became {
    fn of<T, R: Serialize>(said: &Said<T, R>) -> Self {
        let refusal = match said {
            Said::Answer(_) => return Self::Answered,
            Said::StoreFailure(_) => return Self::StoreFailed,
            Said::Pending => return Self::Pending,
            Said::Refusal(refusal) => refusal,
        };
        // A name, or one with more beside it.
        let name = match serde_json::to_value(refusal) {
            Ok(Value::String(name)) => Some(name),
            Ok(Value::Object(one)) => one.into_iter().next().map(|(name, _)| name),
            _ => None,
        };
        Self::Refused(contract_name(&name.unwrap_or_else(|| "Other".to_owned())))
    }
}

/// `sold-out`, as the contract has it, of Rust's `SoldOut`.
fn contract_name(name: &str) -> String {
    name.char_indices().fold(String::new(), |mut told, (at, c)| {
        if c.is_ascii_uppercase() && at > 0 {
            told.push('-');
        }
        told.push(c.to_ascii_lowercase());
        told
    })
}

/// A host function, as one of all.
pub(in crate::wasm) trait Listed: HostFunction {
    /// Its place in [`HOST_FUNCTIONS`].
    const PLACE: usize;
    /// Its name, as the contract has it.
    const NAME: &'static str = HOST_FUNCTIONS[Self::PLACE];
    /// Whether it can change anything.
    const WRITES: bool;

    /// As one of all calls.
    fn exchange(call: CallOf<Self>) -> Exchange;

    /// The call, if it is one of this function.
    fn of(exchange: &Exchange) -> Option<&CallOf<Self>>;

    /// The same, to put in what was said.
    fn of_mut(exchange: &mut Exchange) -> Option<&mut CallOf<Self>>;
}

/// All functions: the type of each, whether it only `reads` or `writes`, and its name.
macro_rules! host_functions {
    ($($function:ident $does:ident $name:literal,)*) => {
        /// The names of the host functions that reach the store, as the contract has them.
        pub const HOST_FUNCTIONS: [&str; host_functions!(@count $($function)*)] = [$($name),*];

        /// One call of a host function, of any of them.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "function")]
        enum Line {
            $(#[serde(rename = $name)] $function(CallOf<$function>),)*
        }

        impl Exchange {
            /// The function, as the contract has it.
            #[must_use]
            pub fn function(&self) -> &'static str {
                match &self.line { $(Line::$function(_) => $name,)* }
            }

            /// Whether the function can change anything.
            #[must_use]
            pub fn writes(&self) -> bool {
                match &self.line { $(Line::$function(_) => <$function as Listed>::WRITES,)* }
            }

            /// Whether this caller was denied, so that the call reached nothing.
            #[must_use]
            pub fn is_denied(&self, principal: &Principal) -> bool {
                match &self.line { $(Line::$function(call) => !principal.may($function::permission(&call.asked)),)* }
            }

            /// Whether the store could not say.
            #[must_use]
            pub fn store_failed(&self) -> bool {
                match &self.line { $(Line::$function(call) => matches!(call.said, Said::StoreFailure(_)),)* }
            }

            /// What became of it.
            #[must_use]
            pub fn became(&self) -> Became {
                match &self.line { $(Line::$function(call) => Became::of(&call.said),)* }
            }

            /// Whether the run was over before there was an answer.
            #[must_use]
            pub fn is_pending(&self) -> bool {
                match &self.line { $(Line::$function(call) => matches!(call.said, Said::Pending),)* }
            }

            /// The arguments, in the contract's words.
            #[must_use]
            pub fn asked(&self) -> Value {
                // Texts, numbers and lists: there is nothing in them that JSON has not.
                match &self.line { $(Line::$function(call) => serde_json::to_value(&call.asked).unwrap_or_default(),)* }
            }

            /// What became of it, in the contract's words: `answer` or `refusal`, and what that is.
            #[must_use]
            pub fn said(&self) -> Value {
                match &self.line { $(Line::$function(call) => serde_json::to_value(&call.said).unwrap_or_default(),)* }
            }

            /// Bytes, near enough.
            pub(in crate::wasm) fn weight(&self) -> usize {
                match &self.line {
                    $(Line::$function(call) => call.asked.weight() + match &call.said {
                        Said::Answer(answer) => answer.weight(),
                        _ => 0,
                    },)*
                }
            }
        }

        host_functions!(@each 0; $($function $does,)*);
    };
    (@count) => { 0 };
    (@count $first:ident $($rest:ident)*) => { 1 + host_functions!(@count $($rest)*) };
    (@each $place:expr;) => {};
    (@each $place:expr; $function:ident $does:ident, $($rest:ident $rest_does:ident,)*) => {
        impl Listed for $function {
            const PLACE: usize = $place;
            const WRITES: bool = host_functions!(@$does);

            fn exchange(call: CallOf<Self>) -> Exchange {
                Exchange { line: Line::$function(call), took_micros: 0 }
            }

            fn of(exchange: &Exchange) -> Option<&CallOf<Self>> {
                if let Line::$function(call) = &exchange.line { Some(call) } else { None }
            }

            fn of_mut(exchange: &mut Exchange) -> Option<&mut CallOf<Self>> {
                if let Line::$function(call) = &mut exchange.line { Some(call) } else { None }
            }
        }
        host_functions!(@each $place + 1; $($rest $rest_does,)*);
    };
    (@reads) => { false };
    (@writes) => { true };
}

host_functions! {
    Create writes "events.create",
    Get reads "events.get",
    List reads "events.list",
    Update writes "events.update",
    Register writes "tickets.atomic-register",
    Confirm writes "tickets.confirm",
    Cancel writes "tickets.cancel",
    GetTicket reads "tickets.get",
    ListTickets reads "tickets.list",
}

impl Recording {
    /// What became of the call that was put down last.
    fn tell_last<F: Listed>(&mut self, said: &Known<F>, took_micros: u64) {
        let Some(exchange) = self.exchanges.last_mut() else { return };
        exchange.took_micros = took_micros;
        if let Some(call) = F::of_mut(exchange) {
            call.said = Said::of(said);
        }
    }
}

impl Run {
    /// One call: it is within the quota, or the run ends here; it is answered by whoever answers this run; and it is recorded where
    /// that was asked for.
    pub(super) async fn host_call<F: Listed>(
        &mut self,
        asked: F::Asked,
    ) -> wasmtime::Result<Result<F::Answer, F::Refusal>> {
        self.quota.call(asked.weight(), &self.limits)?;
        // Before anything is answered, and whether or not the caller may: a denial depends on who asks, too.
        self.asked_for_its_own |= F::WRITES || !F::permission(&asked).is_everybodys();
        // Copied only where somebody wants it; and before the answer, which a run that is out of time never gets.
        let watch = self.recording.as_mut().map(|recording| {
            recording.exchanges.push(F::exchange(Call { asked: asked.clone(), said: Said::Pending }));
            Stopwatch::start()
        });
        let said = match &mut self.answers {
            Answers::Nobody => Ok(Err(F::DENIED)),
            Answers::Live(grants) if !grants.actor.may(F::permission(&asked)) => Ok(Err(F::DENIED)),
            Answers::Live(grants) => match F::call(grants, self.now, asked) {
                Ok(call) => self.store_time.measure(&self.cpu, call).await,
                Err(refusal) => Ok(Err(refusal)),
            },
            Answers::Played(playback) => {
                let said = playback.answer::<F>(self.now, asked);
                self.store_time.measure(&self.cpu, said).await?
            }
        };
        if let (Some(recording), Some(watch)) = (&mut self.recording, watch) {
            recording.tell_last::<F>(&said, watch.micros());
        }
        let said = said.map_err(StoreFailed)?;
        if let Ok(answer) = &said {
            self.quota.answered(answer.weight());
        }
        Ok(said)
    }
}
