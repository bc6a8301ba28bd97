//! The keys that tokens are checked with, out of a file.

use std::path::{Path, PathBuf};

use aws_lc_rs::rsa;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};

use super::super::refusal::Refused;
use super::jwks;
use crate::trust::{is_open_to_others, read_small};
use crate::watch::Look;

/// Fewest bytes of a secret: as many as the digest has (RFC 7518, 3.2).
pub(super) const MIN_SECRET: usize = 32;
/// The bits that an RSA key may have; fewer can be factored (RFC 7518, 3.3), and more take too long.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// Most bytes of a file with one key.
const MAX_KEY_FILE: u64 = 64 * 1024;
/// Most bytes of a JWK set.
const MAX_JWKS_FILE: u64 = 1024 * 1024;

/// How PEM begins.
const PEM: &str = "-----BEGIN ";

/// One key, and the one algorithm that it is for.
pub(super) struct TokenKey {
    /// What tokens call it.
    pub(super) kid: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// The keys of a file.
pub struct KeySet(pub(super) Vec<TokenKey>);

impl std::fmt::Debug for KeySet {
    /// Never a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| (&key.kid, key.algorithm))).finish()
    }
}

impl KeySet {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether one of them is a secret, with which whoever knows it can sign.
    pub(super) fn has_secret(&self) -> bool {
        self.0.iter().any(|key| key.algorithm == Algorithm::HS256)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key that a token names, or the only one for a token that names none.
    pub(super) fn select(&self, kid: Option<&str>) -> Result<&TokenKey, Refused> {
        match (kid, &self.0[..]) {
            (None, [only]) => Ok(only),
            (None, _) => Err(Refused::invalid("the token names no key, and there are several")),
            (Some(_), keys) if keys.iter().all(|key| key.kid.is_none()) => Err(Refused::invalid(
                "the token names a key (kid), and the host's has no name: use --jwks, which has names",
            )),
            (Some(kid), keys) => keys
                .iter()
                .find(|key| key.kid.as_deref() == Some(kid))
                .ok_or(Refused::invalid("the token names a key that the host does not have")),
        }
    }
}

/// Where the keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// `--jwt-key FILE`: one, as PEM or as a secret.
    Key(PathBuf),
    /// `--jwks FILE`: a JWK set.
    Jwks(PathBuf),
}

impl KeySource {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Key(path) | Self::Jwks(path) => path,
        }
    }

    /// The flag that names it, and the file: how everything that is told of it begins.
    #[must_use]
    pub fn name(&self) -> String {
        let flag = if matches!(self, Self::Key(_)) { "--jwt-key" } else { "--jwks" };
        format!("{flag} {}", self.path().display())
    }

    /// What the file is at this moment. Blocks.
    #[must_use]
    pub fn look(&self) -> Look {
        Look::at_file(self.path())
    }

    /// Reads the keys, and says in the log which ones are passed over. Blocks.
    ///
    /// # Errors
    /// What is wrong with the file, and what to do, without its name.
    pub fn read(&self) -> Result<KeySet, String> {
        let most = if matches!(self, Self::Key(_)) { MAX_KEY_FILE } else { MAX_JWKS_FILE };
        let bytes = read_small(self.path(), most).map_err(|why| format!("cannot be read: {why}"))?;
        match self {
            Self::Key(_) => one(&bytes).map(|key| KeySet(vec![key])),
            Self::Jwks(_) => {
                let (keys, passed_over) = jwks::parse(&bytes)?;
                for why in passed_over {
                    tracing::warn!("{}: {why}", self.name());
                }
                Ok(keys)
            }
        }
        .inspect(|keys| self.warn_of_readers(keys))
    }

    /// Whoever reads a secret can sign tokens.
    fn warn_of_readers(&self, keys: &KeySet) {
        if keys.has_secret() && is_open_to_others(self.path()) {
            let path = self.path().display();
            tracing::warn!("{}: others may read the secret or change it; chmod 600 {path}", self.name());
        }
    }
}

/// The content of a file with a secret: all of it but the line break at its end, which editors and shells put there.
pub(super) fn secret(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

/// Whether a file has PEM.
pub(super) fn is_pem(bytes: &[u8]) -> bool {
    bytes.windows(PEM.len()).any(|part| part == PEM.as_bytes())
}

/// What a file has that is long enough for a secret and is none: with a public key, or with a page of a web server, as the secret, anybody
/// could sign.
fn no_secret(bytes: &[u8]) -> Option<&'static str> {
    const DISTINCT: usize = 5;
    if !bytes.iter().all(u8::is_ascii_graphic) {
        return Some("bytes that are no line of text (a key in DER, or text of several words)");
    }
    if bytes.starts_with(b"{") || bytes.starts_with(b"[") {
        return Some("JSON (--jwks takes a JWK set)");
    }
    if bytes.starts_with(b"<") || bytes.starts_with(b"-") {
        return Some("a document, or half of a PEM file");
    }
    // A key in DER is a sequence of more than 127 bytes (one random secret in 32,768 begins like that), or begins as those of P-256 and Ed25519.
    let begin = bytes.get(..4).and_then(|begin| BASE64_STANDARD_NO_PAD.decode(begin).ok()).unwrap_or_default();
    if matches!(begin[..], [0x30, 0x81 | 0x82, _]) || bytes.starts_with(b"MFkw") || bytes.starts_with(b"MCow") {
        return Some("a key in base64 (PEM has its first and last line, too)");
    }
    let mut distinct: Vec<u8> = bytes.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    (bytes.len() >= MIN_SECRET && distinct.len() < DISTINCT).then_some("a few characters, again and again")
}

fn one(bytes: &[u8]) -> Result<TokenKey, String> {
    if !is_pem(bytes) {
        let secret = secret(bytes);
        if let Some(what) = no_secret(secret) {
            return Err(format!(
                "has no secret, but {what}; a secret is one line of letters, digits and signs, without spaces: \
                 make one with: head -c 32 /dev/urandom | base64"
            ));
        }
        return TokenKey::of_secret(None, secret);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "is PEM that is not text")?;
    if text.contains("PRIVATE KEY-----") {
        return Err("has a private key: name its public half (openssl pkey -in FILE -pubout), and keep this one with \
                    whoever issues the tokens"
            .to_owned());
    }
    if text.contains("-----BEGIN CERTIFICATE-----") {
        return Err("has a certificate: take its key out (openssl x509 -in FILE -pubkey -noout)".to_owned());
    }
    let of = |algorithm, key: Result<DecodingKey, _>| key.ok().map(|key| TokenKey::new(None, algorithm, key));
    let pem = text.as_bytes();
    of(Algorithm::RS256, DecodingKey::from_rsa_pem(pem))
        .or_else(|| of(Algorithm::ES256, DecodingKey::from_ec_pem(pem)))
        .or_else(|| of(Algorithm::EdDSA, DecodingKey::from_ed_pem(pem)))
        .unwrap_or_else(|| Err("has no public key of RSA, P-256 or Ed25519 in PEM".to_owned()))
}

impl TokenKey {
    pub(super) fn of_secret(kid: Option<String>, secret: &[u8]) -> Result<Self, String> {
        if secret.len() < MIN_SECRET {
            return Err(format!(
                "has a secret of {} bytes, which can be guessed: {MIN_SECRET} or more are needed; \
                 make one with: head -c 32 /dev/urandom | base64",
                secret.len()
            ));
        }
        Ok(Self { kid, algorithm: Algorithm::HS256, key: DecodingKey::from_secret(secret) })
    }

    /// A public key, which is looked at once, here: at each token it would only be a signature that does not fit.
    pub(super) fn new(kid: Option<String>, algorithm: Algorithm, key: DecodingKey) -> Result<Self, String> {
        match (algorithm, key.kind()) {
            (Algorithm::RS256, DecodingKeyKind::SecretOrDer(der)) => {
                let key = rsa::PublicKey::from_der(der).map_err(|_| "has no RSA key that could be one")?;
                // Without leading zeros.
                check_rsa(key.modulus().big_endian_without_leading_zero())?;
            }
            (Algorithm::RS256, DecodingKeyKind::RsaModulusExponent { n, .. }) => check_rsa(n)?,
            (Algorithm::ES256, DecodingKeyKind::SecretOrDer(point)) => {
                let good = point.len() == 65 && ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).is_ok();
                good.then_some(()).ok_or("has an elliptic key that is not of P-256")?;
            }
            (Algorithm::EdDSA, DecodingKeyKind::SecretOrDer(point)) => {
                let point = <&[u8; 32]>::try_from(&point[..]).ok();
                let key = point.and_then(|point| ed25519_dalek::VerifyingKey::from_bytes(point).ok());
                // Under a weak one, anybody can sign.
                let good = key.is_some_and(|key| !key.is_weak());
                good.then_some(()).ok_or("has no Ed25519 key that could be one")?;
            }
            _ => return Err("has a key of a kind that is not taken".to_owned()),
        }
        Ok(Self { kid, algorithm, key })
    }
}

fn check_rsa(modulus: &[u8]) -> Result<(), String> {
    let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
    let bits = modulus.get(zeros).map_or(0, |first| (modulus.len() - zeros) * 8 - first.leading_zeros() as usize);
    if RSA_BITS.contains(&bits) {
        return Ok(());
    }
    Err(format!("has an RSA key of {bits} bits: {} to {} are taken", RSA_BITS.start(), RSA_BITS.end()))
}
