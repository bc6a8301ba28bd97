//! The operator's token: who has it may change which rules serve.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Fewest characters of a token: shorter ones can be guessed.
const MIN_TOKEN: usize = 16;
/// Most bytes of it.
const MAX_TOKEN: usize = 1024;

/// How often a wrong token is told in the log at the most; what comes between is counted. Who guesses must not fill the disk.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// A token, out of its file.
pub struct TokenFile {
    /// The token itself: never shown.
    pub token: String,
    /// Whether others than its owner may read the file, or change it.
    pub is_open: bool,
}

/// Reads a token's file.
///
/// # Errors
/// It cannot be read, or what it has is no token; without its path.
pub fn read_token(path: &Path) -> Result<TokenFile, String> {
    // Without blocking: a named pipe would wait for a writer, and the start with it.
    let file = open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty());
    let file = File::from(file.map_err(|error| std::io::Error::from(error).to_string())?);
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is not a file".to_owned());
    }
    let mode = metadata.permissions().mode();
    let mut text = String::new();
    file.take(MAX_TOKEN as u64 + 2).read_to_string(&mut text).map_err(|error| error.to_string())?;
    Operator::with_token(&text)?;
    Ok(TokenFile { token: text.trim().to_owned(), is_open: mode & 0o077 != 0 })
}

/// Knows the operator, if there is one. All clones tell of wrong tokens together.
#[derive(Clone, Default)]
pub struct Operator {
    known: Option<[u8; 32]>,
    told: Arc<Mutex<Told>>,
}

/// What was told of wrong tokens, or of anything else that strangers can make happen as often as they like.
#[derive(Debug, Default)]
pub(crate) struct Told {
    last: Option<Duration>,
    untold: u64,
}

impl Told {
    /// Whether one more is told at `now`, a moment of a clock; and if so, how many were not told before it.
    pub(crate) fn is_due(&mut self, now: Duration) -> Option<u64> {
        if self.last.is_some_and(|last| now.saturating_sub(last) < TELL_EVERY) {
            self.untold = self.untold.saturating_add(1);
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.untold))
    }
}

impl fmt::Debug for Operator {
    /// Never the token, nor its hash.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.known.is_some() { "Operator(with a token)" } else { "Operator(none)" })
    }
}

impl Operator {
    /// Nobody is the operator.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Whoever has the token of this file's first line.
    ///
    /// # Errors
    /// It is no token, and why.
    pub fn with_token(text: &str) -> Result<Self, String> {
        let token = text.trim();
        let visible = token.bytes().all(|b| b.is_ascii_graphic());
        if token.len() < MIN_TOKEN || token.len() > MAX_TOKEN || !visible {
            return Err(format!(
                "a token has {MIN_TOKEN} to {MAX_TOKEN} visible characters on one line; make one with: head -c 32 /dev/urandom | base64"
            ));
        }
        Ok(Self { known: Some(hash(token.as_bytes())), told: Arc::default() })
    }

    /// Whether there is one.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.known.is_some()
    }

    /// Whether this is the operator's token. Takes the same time whatever is right of it: hashes are compared, and those in constant time.
    #[must_use]
    pub fn is(&self, token: &[u8]) -> bool {
        self.known.is_some_and(|known| bool::from(known.ct_eq(&hash(token))))
    }

    /// The same, and tells in the log who had a wrong one: the address, never the token. `now` is a moment of the host's clock.
    #[must_use]
    pub fn check(&self, token: &[u8], peer: IpAddr, now: Duration) -> bool {
        let right = self.is(token);
        if !right {
            self.tell(peer, now);
        }
        right
    }

    fn tell(&self, peer: IpAddr, now: Duration) {
        let due = self.told.lock().unwrap_or_else(PoisonError::into_inner).is_due(now);
        let Some(more) = due else { return };
        tracing::warn!(target: "operator", address = %peer, more, "a wrong operator's token");
    }
}

fn hash(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}
