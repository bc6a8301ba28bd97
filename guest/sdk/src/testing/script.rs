//! What a test has the host say next, instead of what it would.

use crate::host_refusal::{
    CancelRefusal, ConfirmRefusal, CreateRefusal, GetEventRefusal, GetTicketRefusal, ListEventsRefusal,
    ListTicketsRefusal, RegisterRefusal, UpdateRefusal,
};

/// What the next call of a host function comes to, instead of what it would. A refusal writes nothing, and each refusal of a host function becomes one by `into`.
#[derive(Clone, Debug, PartialEq)]
pub enum Script {
    /// For `create_event`.
    Create(CreateRefusal),
    /// For `event`.
    GetEvent(GetEventRefusal),
    /// For `events`.
    ListEvents(ListEventsRefusal),
    /// For `update_event`.
    Update(UpdateRefusal),
    /// For `atomic_register`.
    Register(RegisterRefusal),
    /// For `ticket`.
    GetTicket(GetTicketRefusal),
    /// For `tickets`.
    ListTickets(ListTicketsRefusal),
    /// For `confirm`.
    Confirm(ConfirmRefusal),
    /// For `cancel`.
    Cancel(CancelRefusal),
    /// For the next call that writes: the store cannot say whether that was done, and it was not. The host ends the run and answers 503
    /// `outcome_unknown` itself.
    OutcomeUnknown,
    /// The same, but it was done: repeating the request has to find it.
    DoneOutcomeUnknown,
    /// For any: the store has too much to do. The host ends the run and answers 503 `overloaded` itself.
    Overloaded,
    /// For any: the server is about to stop. The host ends the run and answers 503 `shutting_down` itself.
    ShuttingDown,
}

/// A refusal that can be scripted.
pub(super) trait Scripted: Sized {
    /// It, if this is one of its kind.
    fn of(script: &Script) -> Option<Self>;

    /// Whether the host function that refuses with it writes.
    const WRITES: bool;

    /// Whether the script is for a call that this would be a refusal of.
    fn is_meant(script: &Script) -> bool {
        match script {
            Script::OutcomeUnknown | Script::DoneOutcomeUnknown => Self::WRITES,
            Script::Overloaded | Script::ShuttingDown => true,
            refusal => Self::of(refusal).is_some(),
        }
    }
}

macro_rules! scripted {
    ($($case:ident $refusal:ident $writes:literal),*) => {$(
        impl From<$refusal> for Script {
            fn from(refusal: $refusal) -> Self {
                Self::$case(refusal)
            }
        }

        impl Scripted for $refusal {
            const WRITES: bool = $writes;

            fn of(script: &Script) -> Option<Self> {
                if let Script::$case(refusal) = script { Some(refusal.clone()) } else { None }
            }
        }
    )*};
}

scripted! {
    Create CreateRefusal true, GetEvent GetEventRefusal false, ListEvents ListEventsRefusal false, Update UpdateRefusal true,
    Register RegisterRefusal true, GetTicket GetTicketRefusal false, ListTickets ListTicketsRefusal false,
    Confirm ConfirmRefusal true, Cancel CancelRefusal true
}
