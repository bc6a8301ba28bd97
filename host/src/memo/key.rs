//! What makes two requests the same: all that the rules see of them.

use crate::domain::Roles;
use crate::wasm::Digest;

/// A module, the caller's roles, path, query, and the values of the one header that such requests may have.
///
/// One string of bytes, in which each part stands with its length, so that no two requests have the same one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key(Box<[u8]>);

impl Key {
    /// Of a request of `roles` to `module`. Path and query are raw: what is written in two ways is kept twice, and nothing has to be decoded.
    /// `accept` are the values of that header, in order.
    pub(crate) fn of<'a>(
        module: Digest,
        roles: Roles,
        path: &'a str,
        query: Option<&'a str>,
        accept: impl Iterator<Item = &'a [u8]>,
    ) -> Self {
        let query = query.unwrap_or_default();
        let mut bytes = Vec::with_capacity(64 + path.len() + query.len());
        bytes.extend(module.bytes());
        bytes.push(roles.code());
        for part in [path.as_bytes(), query.as_bytes()].into_iter().chain(accept) {
            bytes.extend((part.len() as u64).to_be_bytes());
            bytes.extend(part);
        }
        Self(bytes.into())
    }

    /// Its bytes.
    pub(super) fn bytes(&self) -> usize {
        self.0.len()
    }
}
