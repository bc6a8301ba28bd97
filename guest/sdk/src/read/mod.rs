//! What a request says, checked.

pub(crate) mod accept;
pub(crate) mod attributes;
pub(crate) mod body;
pub(crate) mod change;
pub(crate) mod condition;
pub(crate) mod field;
pub(crate) mod header;
mod new_event;
mod parameters;
pub(crate) mod query;
pub(crate) mod query_type;
mod registration;
pub(crate) mod values;
