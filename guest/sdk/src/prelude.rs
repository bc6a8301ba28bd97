//! What nearly every module uses: `use boxoffice_sdk::prelude::*;`.

pub use crate::{
    About, Access, Availability, Code, Context, Created, Cursor, Email, Event, EventChange, EventId, EventPage,
    EventQuery, Json, Level, Limit, Moment, MoreRefusals, NewEvent, Quantity, Query, Refusal, Registered, Registration,
    Reply, Response, Route, Routes, Rules, Ticket, TicketId, TicketPage, TicketQuery, TicketStatus, about, standard,
};
