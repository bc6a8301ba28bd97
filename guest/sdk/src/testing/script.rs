//! What a test has the host say next, instead of what it would.

use crate::host_refusal::{
    CancelRefusal, ConfirmRefusal, CreateRefusal, GetEventRefusal, GetTicketRefusal, ListEventsRefusal,
    ListTicketsRefusal, RegisterRefusal, UpdateRefusal,
};

/// A refusal that the next call of its host function gets; it writes nothing. Each refusal of a host function becomes one by `into`.
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
    /// For any: the store cannot say whether it was done. The host ends the run and answers 503 `outcome_unknown` itself.
    StoreFailure,
}

/// A refusal that can be scripted.
pub(super) trait Scripted: Sized {
    /// It, if this is one of its kind.
    fn of(script: &Script) -> Option<Self>;
}

macro_rules! scripted {
    ($($case:ident $refusal:ident),*) => {$(
        impl From<$refusal> for Script {
            fn from(refusal: $refusal) -> Self {
                Self::$case(refusal)
            }
        }

        impl Scripted for $refusal {
            fn of(script: &Script) -> Option<Self> {
                if let Script::$case(refusal) = script { Some(refusal.clone()) } else { None }
            }
        }
    )*};
}

scripted! {
    Create CreateRefusal, GetEvent GetEventRefusal, ListEvents ListEventsRefusal, Update UpdateRefusal,
    Register RegisterRefusal, GetTicket GetTicketRefusal, ListTickets ListTicketsRefusal, Confirm ConfirmRefusal,
    Cancel CancelRefusal
}
