//! Why a credential lets nobody in.

/// Why a credential lets nobody in. The client is told what it can do something about; what would tell a stranger whether a key exists is
/// only in the log and in the metrics, by [`CredentialRefusal::name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CredentialRefusal {
    /// There are two, or it is no `Authorization: Bearer TOKEN`.
    Malformed,
    /// It is of a kind that this host does not take.
    WrongKind,
    /// Its signature, its algorithm, its key or its claims are not what they must be; or there is no such API key.
    Invalid,
    /// It was good until a while ago.
    Expired,
    /// It will be good in a while.
    NotYetValid,
    /// It is an API key that was revoked.
    Revoked,
}

impl CredentialRefusal {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Malformed, Self::WrongKind, Self::Invalid, Self::Expired, Self::NotYetValid, Self::Revoked];

    /// The name in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::WrongKind => "wrong_kind",
            Self::Invalid => "invalid",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Revoked => "revoked",
        }
    }

    /// What the client is told, and what to do.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Malformed => "Send exactly one Authorization header, as Bearer and the token.",
            Self::WrongKind => "This server does not take credentials of this kind.",
            Self::Invalid | Self::Revoked => "The credential is not valid; get a new one.",
            Self::Expired => "The credential has expired; get a new one.",
            Self::NotYetValid => "The credential is not valid yet; check the clocks.",
        }
    }
}

/// A refusal, and for the log more exactly why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// What the client is told.
    pub refusal: CredentialRefusal,
    /// What only the operator is told. Nothing of the credential is in it.
    pub why: &'static str,
}

impl Refused {
    pub(super) const fn new(refusal: CredentialRefusal, why: &'static str) -> Self {
        Self { refusal, why }
    }

    pub(super) const fn invalid(why: &'static str) -> Self {
        Self::new(CredentialRefusal::Invalid, why)
    }
}
