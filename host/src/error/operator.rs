//! The rows of the table that only operators meet.

use hyper::StatusCode as S;

use super::{Row, row};
use crate::registry::Refusal;
use crate::wasm::LoadRefusal;

/// This host has no operator.
pub(crate) const NO_TOKEN: Row = row(S::FORBIDDEN, "operator_token_not_configured", "The operator's surface is closed");
/// It is not the operator, or does not say so.
pub(crate) const UNAUTHENTICATED: Row = row(S::UNAUTHORIZED, "unauthenticated", "The caller is not known");
/// What is uploaded is not said to be a module.
pub(crate) const NOT_A_MODULE: Row =
    row(S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body is not a module");
/// Somebody else proves the invariants.
pub(crate) const PROOF_IN_PROGRESS: Row = row(S::CONFLICT, "proof_in_progress", "Another proof is under way");
/// No API key has this id.
pub(crate) const KEY_NOT_FOUND: Row = row(S::NOT_FOUND, "key_not_found", "There is no such API key");
/// No more API keys are made.
pub(crate) const TOO_MANY_KEYS: Row = row(S::CONFLICT, "too_many_keys", "There are too many API keys");

/// The registry refuses.
pub(crate) fn refused(refusal: &Refusal) -> Row {
    let (status, title) = match refusal {
        Refusal::Pinned(_) => (S::CONFLICT, "The rules are pinned"),
        Refusal::UploadInProgress => (S::CONFLICT, "Another upload is under way"),
        // Not the module's fault.
        Refusal::Module(error) if error.refusal == LoadRefusal::Unavailable => {
            (S::SERVICE_UNAVAILABLE, "The module cannot be loaded now")
        }
        Refusal::Module(_) => (S::UNPROCESSABLE_ENTITY, "This host would not serve the module"),
        Refusal::ModuleNotFound(_) => (S::NOT_FOUND, "There is no such module"),
        Refusal::ModuleAmbiguous(_) => (S::BAD_REQUEST, "Several modules could be meant"),
        Refusal::InvalidPercent(_) => (S::BAD_REQUEST, "The share is not valid"),
        Refusal::AlreadyActive => (S::CONFLICT, "The module is active already"),
        Refusal::ModuleInUse(_) => (S::CONFLICT, "The module is in use"),
        Refusal::ModuleNotInUse => (S::CONFLICT, "The module is not in use"),
        Refusal::BuiltIn => (S::CONFLICT, "The module is part of the program"),
        Refusal::CanaryHasEnded(..) => (S::CONFLICT, "The canary has ended already"),
        Refusal::NothingBefore => (S::CONFLICT, "There is nothing to go back to"),
        Refusal::NotKept(_) => (S::INSUFFICIENT_STORAGE, "The change could not be kept"),
    };
    row(status, refusal.code(), title)
}
