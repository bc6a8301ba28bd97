//! The rows of the table that only operators meet.

use hyper::StatusCode as S;

use super::{Row, row};
use crate::registry::Refusal;

/// This host has no operator.
pub(crate) const NO_TOKEN: Row = row(S::FORBIDDEN, "operator_token_not_configured", "The operator's surface is closed");
/// It is not the operator, or does not say so.
pub(crate) const UNAUTHENTICATED: Row = row(S::UNAUTHORIZED, "unauthenticated", "The caller is not known");
/// What is uploaded is not said to be a module.
pub(crate) const NOT_A_MODULE: Row =
    row(S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body is not a module");
/// Somebody else proves the invariants.
pub(crate) const PROOF_IN_PROGRESS: Row = row(S::CONFLICT, "proof_in_progress", "Another proof is under way");

/// The registry refuses.
pub(crate) const fn refused(refusal: &Refusal) -> Row {
    let status = match refusal {
        Refusal::InvalidPercent(_) | Refusal::ModuleAmbiguous(_) => S::BAD_REQUEST,
        Refusal::ModuleNotFound(_) => S::NOT_FOUND,
        Refusal::Module(_) => S::UNPROCESSABLE_ENTITY,
        Refusal::NotKept(_) => S::INSUFFICIENT_STORAGE,
        Refusal::Pinned(_)
        | Refusal::UploadInProgress
        | Refusal::AlreadyActive
        | Refusal::ModuleInUse(_)
        | Refusal::ModuleNotInUse
        | Refusal::BuiltIn
        | Refusal::NothingBefore => S::CONFLICT,
    };
    row(status, refusal.code(), refusal.title())
}
