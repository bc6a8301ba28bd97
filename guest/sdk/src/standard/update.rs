//! `PATCH /events/{id}`: a JSON merge patch (RFC 7396), applied.

use crate::code::Code;
use crate::context::Context;
use crate::event::{Event, EventPatch};
use crate::host_refusal::UpdateRefusal;
use crate::ids::EventId;
use crate::read::attributes;
use crate::read::change::EventChange;
use crate::read::condition::Wanted;
use crate::refusal::Refusal;

/// How often a change is tried before others, who were quicker each time, win.
const ATTEMPTS_MAX: usize = 16;
/// Versions count from 1, so no event has this one: asked for, it makes the host say whether the caller may change the event, and
/// which version it has, without a change.
const NO_VERSION: u64 = 0;

/// Changes an event, if it has a version that is wanted. Merging takes a read before the write, so that is tried again where the
/// version has moved in between.
#[expect(clippy::needless_pass_by_value, reason = "as in the trait, and as all operations take what they are given")]
pub fn update_event(cx: &Context<'_>, id: &EventId, change: EventChange) -> Result<Event, Refusal> {
    if change.is_empty() {
        return unchanged(cx, id, &change.wanted);
    }
    let mut told = None;
    for _ in 0..ATTEMPTS_MAX {
        let mut patch = change.patch.clone();
        let mut base = None;
        if let Some(merge) = &change.merge {
            let event = cx.host().event(id)?;
            patch.attributes = Some(attributes::merge(&event.attributes, merge)?);
            base = Some(event.version);
        }
        patch.if_version = match (&change.wanted, base.or(told)) {
            (Wanted::Any, _) => base,
            (Wanted::Versions(_), Some(present)) => {
                Some(present).filter(|v| change.wanted.admits(*v)).or(Some(NO_VERSION))
            }
            (Wanted::Versions(versions), None) => versions.first().copied().or(Some(NO_VERSION)),
        };
        match cx.host().update_event(id, patch) {
            Ok(event) => return Ok(event),
            Err(UpdateRefusal::VersionMismatch(present)) if change.wanted.admits(present) => told = Some(present),
            Err(refusal) => return Err(refusal.into()),
        }
    }
    Err(Code::EDIT_CONFLICT.into())
}

/// The event as it is, for whoever may change it: what an empty patch comes to. It makes no new version.
fn unchanged(cx: &Context<'_>, id: &EventId, wanted: &Wanted) -> Result<Event, Refusal> {
    let nothing = EventPatch { if_version: Some(NO_VERSION), ..EventPatch::default() };
    match cx.host().update_event(id, nothing) {
        Ok(_) => Err(Refusal::failed("The host changed an event of a version that there is not")),
        Err(UpdateRefusal::VersionMismatch(present)) if wanted.admits(present) => Ok(cx.host().event(id)?),
        Err(refusal) => Err(refusal.into()),
    }
}
